package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// What the Markdown lists at most: it is read in a terminal or a chat.
const (
	mostLines  = 100
	mostNights = 25
	mostWorst  = 20
)

// Markdown renders the report for a terminal or a chat: what report.html says,
// with the urgent part of its tables.
func (r *Report) Markdown() []byte {
	on := r.on(Page{})
	return on.markdown(on.view())
}

func (r *rendering) markdown(v *view) []byte {
	s := &r.Summary
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Tallyport report %s\n\nSnapshot of %s", code(v.Snapshot), v.Observed)
	if v.Compared != "" {
		fmt.Fprintf(&b, ", compared with %s.\n", code(v.Compared))
	} else {
		b.WriteString("; nothing to compare yet.\n")
	}
	if s.Systemic {
		b.WriteString("\n> **Systemic.** So many rows vanished at once that it is not about single transactions. No tickets are raised for them.\n")
	}
	fmt.Fprintf(&b, "\n* Tickets: %s open, %s new, %s withheld\n", count(s.Tickets.Open), count(s.Tickets.New), count(s.Tickets.Withheld))
	fmt.Fprintf(&b, "* Findings: %s raised, of them %s for review, %s new since last night\n", count(v.Raised), count(v.ToReview), count(v.Fresh))
	fmt.Fprintf(&b, "* Members: %s looked at, %s not", count(s.Members.Complete), count(s.Members.Incomplete))
	if v.Why != "" {
		b.WriteString(": " + escapedLine(v.Why))
	}
	fmt.Fprintf(&b, "\n* Accounts: %s compared, %s could not be\n", count(s.Accounts.Compared), count(s.Accounts.NotComparable))
	fmt.Fprintf(&b, "* Exit code %d: %s\n", s.ExitCode, v.Exit)
	for _, n := range v.Notes {
		fmt.Fprintf(&b, "* Note: %s\n", escapedLine(n))
	}
	v.newsText(&b)
	v.kindsText(&b)
	v.ticketsText(&b)
	v.findingsText(&b)
	r.nightsText(&b)
	v.institutionsText(&b)
	return b.Bytes()
}

func (v *view) newsText(b *bytes.Buffer) {
	b.WriteString("\n## Since the night before\n\n")
	if len(v.New) == 0 {
		b.WriteString("Nothing happened to any finding.\n")
	}
	for _, n := range v.New {
		fmt.Fprintf(b, "* **%s** %s\n", escapedLine(n.Event), count(n.Count))
		for _, w := range n.Rows {
			fmt.Fprintf(b, "  * %s\n", w.line())
		}
		if n.More > 0 {
			fmt.Fprintf(b, "  * and %s more\n", count(n.More))
		}
	}
}

// line is a finding in one line.
func (w *row) line() string {
	parts := []string{escapedLine(w.Kind)}
	if w.About != "" {
		parts = append(parts, escapedLine(w.About))
	} else if w.GUID != "" {
		parts = append(parts, code(w.GUID))
	}
	if w.Amount != "" {
		parts = append(parts, escapedLine(w.Amount))
	}
	if w.Institution != "" {
		parts = append(parts, "at "+escapedLine(w.Institution))
	}
	return strings.Join(append(parts, code(w.ID)), " ")
}

func (v *view) kindsText(b *bytes.Buffer) {
	lines := [][]string{append(append([]string{"Kind"}, v.Kinds.States...), "all")}
	for _, l := range v.Kinds.Lines {
		line := []string{escapedLine(l.Kind)}
		for _, n := range l.Counts {
			line = append(line, count(n))
		}
		lines = append(lines, append(line, count(l.Total)))
	}
	b.WriteString("\n## Findings by kind\n\n")
	table(b, lines, len(lines)-1)
}

func (v *view) ticketsText(b *bytes.Buffer) {
	lines := [][]string{{"Ticket", "Issue", "State", "Institution", "Member", "Findings", "Since"}}
	for _, t := range v.Tickets[:min(len(v.Tickets), mostLines)] {
		lines = append(lines, []string{code(t.ID), escapedLine(t.Issue), escapedLine(t.State), escapedLine(t.Institution), code(t.About), count(t.Findings), escapedLine(t.Since)})
	}
	b.WriteString("\n## Tickets\n\n")
	table(b, lines, v.AllTickets)
}

func (v *view) findingsText(b *bytes.Buffer) {
	lines := [][]string{{"Finding", "Kind", "About", "Amount", "State", "Verdict", "Institution", "Since", "Ticket"}}
	for _, w := range v.Rows[:min(len(v.Rows), mostLines)] {
		about := escapedLine(w.About)
		if about == "" && w.GUID != "" {
			about = code(w.GUID)
		}
		ticket := ""
		if w.Ticket != "" {
			ticket = code(w.Ticket)
		}
		lines = append(lines, []string{code(w.ID), escapedLine(w.Kind), about, escapedLine(w.Amount), escapedLine(w.State), escapedLine(w.Verdict), escapedLine(w.Institution), escapedLine(w.Since), ticket})
	}
	b.WriteString("\n## Findings\n\n")
	table(b, lines, v.AllRows)
}

// nightsText tells in words what the calendars show.
func (r *rendering) nightsText(b *bytes.Buffer) {
	var told []string
	more := 0
	for _, id := range r.Detailed {
		d := r.detail(id)
		if d == nil || d.Grid == nil {
			continue
		}
		at := slices.IndexFunc(d.Grid.Rows, func(w gridRow) bool { return w.Target })
		switch {
		case at < 0:
		case len(told) == mostNights:
			more++
		default:
			line := "* " + d.Row.line() + ": " + d.Grid.Rows[at].Story + "."
			if c := d.Grid.Balance; c != nil {
				line += " " + c.Says
			}
			told = append(told, line+"\n")
		}
	}
	if len(told) == 0 {
		return
	}
	b.WriteString("\n## Night by night\n\n" + strings.Join(told, ""))
	if more > 0 {
		fmt.Fprintf(b, "* and %s more\n", count(more))
	}
}

func (v *view) institutionsText(b *bytes.Buffer) {
	lines := [][]string{{"Institution", "Findings", "Tickets", "Members", "Stale", "Median age"}}
	for _, i := range v.Institutions[:min(len(v.Institutions), mostWorst)] {
		lines = append(lines, []string{escapedLine(i.Name), count(i.Raised), count(i.Tickets), count(i.Members), count(i.Stale), i.Age})
	}
	b.WriteString("\n## Institutions\n\n")
	table(b, lines, v.AllInstitutions)
}

// table writes lines, the first of them the heads, so that they stand in columns
// in a terminal too.
func table(b *bytes.Buffer, lines [][]string, all int) {
	if len(lines) == 1 {
		b.WriteString("None.\n")
		return
	}
	wide := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, c := range l {
			wide[i] = max(wide[i], utf8.RuneCountInString(c))
		}
	}
	for k, l := range lines {
		for i, c := range l {
			b.WriteString("| " + c + strings.Repeat(" ", wide[i]-utf8.RuneCountInString(c)+1))
		}
		b.WriteString("|\n")
		if k == 0 {
			for _, n := range wide {
				b.WriteString("|" + strings.Repeat("-", n+2))
			}
			b.WriteString("|\n")
		}
	}
	if n := len(lines) - 1; n < all {
		fmt.Fprintf(b, "\nThese are %s of %s.\n", count(n), count(all))
	}
}

// markdownSigns are what Markdown would take for markup, inside a line: also
// for an address or a name to make a link of.
var markdownSigns = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`,
	"|", `\|`, "#", `\#`, "~", `\~`, "& ", "& ", "&", `\&`, "$", `\$`, "!", `\!`, "://", `\://`, "www.", `www\.`, "Www.", `Www\.`, "WWW.", `WWW\.`, "@", `\@`)

// escapedLine is a line as Markdown that shows as it is.
func escapedLine(line string) string { return markdownSigns.Replace(line) }

// code is a text to be copied.
func code(s string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "\\|").Replace(s) + "`"
}
