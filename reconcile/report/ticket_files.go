package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tallyport/reconcile"
)

// ticketFiles adds the files of every ticket that has something to send, or
// that this night closed.
func (r *Report) ticketFiles(out map[string][]byte) error {
	for _, t := range r.Tickets {
		if !t.written() {
			continue
		}
		files, err := r.Ticket(t.ID).files()
		if err != nil {
			return err
		}
		for name, data := range files {
			out["tickets/"+name] = data
		}
	}
	return nil
}

// files are the three files of a ticket, by name.
func (f *Form) files() (map[string][]byte, error) {
	j, err := f.JSON()
	return map[string][]byte{f.Ticket + ".md": f.Markdown(), f.Ticket + ".csv": f.CSV(), f.Ticket + ".json": j}, err
}

// JSON is the ticket as one object (snapshot/FORMAT.md, _reports).
func (f *Form) JSON() ([]byte, error) { return asJSON(f, "  ") }

// asJSON leaves <, > and & as they are: commands are to be pasted, and nothing
// is put into HTML.
func asJSON(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(v)
	return b.Bytes(), err
}

var ticketColumns = []string{"ticket_id", "subject", "issue_type", "finding_id", "kind", "code", "state", "institution_code", "user_guid", "member_guid", "account_guid", "transaction_guid",
	"date", "amount", "type", "payee", "connection_status", "aggregated_at", "successfully_aggregated_at", "first_snapshot", "last_snapshot", "last_good_snapshot", "missing_inputs"}

// CSV is the ticket as a table, a line for each finding. A spreadsheet runs no
// cell of it.
func (f *Form) CSV() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(ticketColumns) // to memory
	for i := range f.findings {
		found := &f.findings[i]
		var m Member
		if at := slices.IndexFunc(f.Members, func(m Member) bool { return m.guid == string(found.Member) }); at >= 0 {
			m = f.Members[at]
		}
		cells := []string{f.Ticket, f.Subject, string(f.Issue), found.ID, string(found.Kind), string(found.Code), string(found.State), plain(found.Institution), plain(found.User), plain(found.Member),
			plain(found.Account), plain(found.Transaction), plain(found.Date), plain(found.Amount), plain(found.Type), string(masked(found.Payee)), string(m.Status), "", "",
			string(found.First), string(found.Last), plain(found.LastGood), strings.Join(found.MissingInputs, "; ")}
		if m.Tried != nil {
			cells[17] = instant(m.Tried)
		}
		if m.Succeeded != nil {
			cells[18] = instant(m.Succeeded)
		}
		for i, c := range cells {
			cells[i] = reconcile.Defused(c)
		}
		_ = w.Write(cells)
	}
	w.Flush()
	return b.Bytes()
}

func plain[T ~string](s T) string { return string(cleaned(s)) }

// Markdown is the ticket to be read, and to be pasted into MX's form.
func (f *Form) Markdown() []byte {
	var b bytes.Buffer
	subject := strings.ReplaceAll(escapedLine(f.Subject), `\|`, "|") // a heading is no table
	fmt.Fprintf(&b, "# %s\n\nTicket %s, %s, %s, as of %s.\n", subject, f.Ticket, strings.ReplaceAll(string(f.Issue), "_", " "), f.State, f.Snapshot)
	for _, n := range f.Notes {
		fmt.Fprintf(&b, "\n> %s\n", n)
	}
	wrong := "What is wrong"
	if !f.State.Live() {
		wrong = "What was wrong"
	}
	section(&b, wrong, f.Wrong, "- ")
	f.writeSubject(&b)
	f.writeTransactions(&b)
	f.writeHistory(&b)
	section(&b, "Steps already taken", f.Steps, "- ")
	if len(f.Requests) > 0 {
		b.WriteString("\n## Requests that show it\n")
	}
	if n := len(f.Requests); n < f.RequestsInAll {
		fmt.Fprintf(&b, "\n%d of %d are shown.\n", n, f.RequestsInAll)
	}
	for _, r := range f.Requests {
		fmt.Fprintf(&b, "\nFor %s:\n\n```sh\n%s\n```\n", escapedLine(r.What), r.Curl)
	}
	if f.State.Raised() {
		section(&b, "Before it is sent", slices.Concat(f.Actions, f.Inputs), "- [ ] ")
	}
	return b.Bytes()
}

// section writes a list of lines, nothing if there are none.
func section(b *bytes.Buffer, title string, lines []string, bullet string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", title)
	for _, l := range lines {
		b.WriteString(bullet + escapedLine(l) + "\n")
	}
}

// typed are codes and addresses in which Markdown sees nothing.
var typed = regexp.MustCompile(`^(https://)?[0-9A-Za-z]+([_./-]+[0-9A-Za-z]+)*/?$`)

// asTyped is a code or an address, without signs before its signs if it needs
// none: people paste it into a form.
func asTyped(s text) string {
	if typed.MatchString(string(s)) {
		return string(s)
	}
	return inMarkdown(s)
}

// tableRow writes a line of a table.
func tableRow(b *bytes.Buffer, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func (f *Form) writeSubject(b *bytes.Buffer) {
	b.WriteString("\n## Where\n\n| | |\n|---|---|\n")
	tableRow(b, "Institution", strings.TrimSpace(inMarkdown(f.Institution.Name)+" ("+asTyped(f.Institution.Code)+")"))
	if f.Institution.URL != "" {
		tableRow(b, "FI website", asTyped(f.Institution.URL))
	}
	tableRow(b, "API", inMarkdown(f.Host))
	if len(f.Members) == 1 {
		tableRow(b, "User GUID", inMarkdown(f.Members[0].User))
		tableRow(b, "Member GUID", inMarkdown(f.Members[0].Member))
	}
	for _, a := range f.Accounts {
		tableRow(b, "Account GUID", inMarkdown(a))
	}
	if len(f.Members) < 2 {
		return
	}
	fmt.Fprintf(b, "\n## Members (%d)\n\n| User GUID | Member GUID | connection_status | aggregated_at | successfully_aggregated_at |\n|---|---|---|---|---|\n", len(f.Members))
	for _, m := range f.Members {
		if !m.known {
			tableRow(b, inMarkdown(m.User), inMarkdown(m.Member), "", "", "")
			continue
		}
		tableRow(b, inMarkdown(m.User), inMarkdown(m.Member), inMarkdown(m.Status), instant(m.Tried), instant(m.Succeeded))
	}
}

func (f *Form) writeTransactions(b *bytes.Buffer) {
	if len(f.Transactions) == 0 {
		return
	}
	heads, rule := []string{"Date", "Amount", "Type", "Payee", "Transaction GUID", "Account GUID"}, "|---|---:|---|---|---|---|"
	differ := slices.ContainsFunc(f.Transactions, func(t Transaction) bool { return t.State != f.Transactions[0].State })
	if differ {
		heads, rule = append(heads, "State"), rule+"---|"
	}
	b.WriteString("\n## Missing transactions\n\n")
	tableRow(b, heads...)
	b.WriteString(rule + "\n")
	for _, t := range f.Transactions {
		guid := inMarkdown(t.Transaction)
		if guid == "" {
			guid = "never seen"
		}
		cells := []string{inMarkdown(t.Date), inMarkdown(t.Amount), inMarkdown(t.Type), inMarkdown(t.Payee), guid, inMarkdown(t.Account)}
		if differ {
			cells = append(cells, string(t.State))
		}
		tableRow(b, cells...)
	}
	if slices.ContainsFunc(f.findings, func(found reconcile.Finding) bool { return masked(found.Payee) != cleaned(found.Payee) }) {
		b.WriteString("\nLong numbers in payees are masked, but for their last four characters: they may be those of accounts and cards.\n")
	}
}

func (f *Form) writeHistory(b *bytes.Buffer) {
	if len(f.History) == 0 {
		return
	}
	b.WriteString("\n## Status history\n\n| From | To | Nights | Lists read | connection_status | aggregated_at | successfully_aggregated_at |\n|---|---|---:|---|---|---|---|\n")
	for _, s := range f.History {
		tried, succeeded := instant(s.Tried), instant(s.Succeeded)
		if s.Look == notListed || s.Look == notRead {
			tried, succeeded = "", ""
		}
		tableRow(b, string(s.From), string(s.To), fmt.Sprint(s.Nights), inMarkdown(s.Look), inMarkdown(s.Status), tried, succeeded)
	}
}
