package report

import (
	"cmp"
	"slices"
	"time"

	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/snapshot"
)

// Form is a ticket as MX support asks for it (seed 000, Support): what its JSON
// file holds. Texts of the API are on one line and bounded in it; nothing in it
// tells who the end user is, or what an account holds.
type Form struct {
	Ticket        string              `json:"ticket_id"`
	Subject       string              `json:"subject"` // FI name | location of error | error description
	Issue         reconcile.IssueType `json:"issue_type"`
	State         reconcile.State     `json:"state"`    // the most urgent of its findings
	Snapshot      snapshot.ID         `json:"snapshot"` // the night that it is as of
	Host          text                `json:"host"`     // of the API
	Institution   Institution         `json:"institution"`
	Members       []Member            `json:"members"` // one, unless an institution is out
	Accounts      []string            `json:"account_guids"`
	Wrong         []string            `json:"what_is_wrong"`
	Notes         []string            `json:"notes"` // what MX asks to be kept to with such a ticket
	Transactions  []Transaction       `json:"missing_transactions"`
	History       []Span              `json:"status_history"` // of the member, if it is one
	Steps         []string            `json:"steps_taken"`
	Requests      []Request           `json:"requests"`
	RequestsInAll int                 `json:"requests_in_all"` // of which those are the first
	Actions       []string            `json:"actions"`         // what the operator does first
	Inputs        []string            `json:"missing_inputs"`  // what only a person can add
	FindingIDs    []string            `json:"finding_ids"`

	findings []reconcile.Finding // those that are told of
}

// Institution is where the member is connected to.
type Institution struct {
	Code text `json:"code"`
	Name text `json:"name"`
	URL  text `json:"url"` // of its site, not of its login page
}

// Member is a member as the snapshot has it.
type Member struct {
	User      text               `json:"user_guid"`
	Member    string             `json:"member_guid"`
	Status    text               `json:"connection_status"`
	Tried     *schemas.Timestamp `json:"aggregated_at"`
	Succeeded *schemas.Timestamp `json:"successfully_aggregated_at"`

	guid  string // as the snapshot has it
	known bool   // the snapshot has it
}

// Transaction is a row that is missing.
type Transaction struct {
	Finding     string          `json:"finding_id"`
	State       reconcile.State `json:"state"`
	Account     text            `json:"account_guid"`
	Transaction text            `json:"transaction_guid"` // null: it was never seen
	Date        text            `json:"date"`
	Amount      text            `json:"amount"` // unsigned, exact
	Type        text            `json:"type"`   // CREDIT or DEBIT
	Payee       text            `json:"payee"`  // without long numbers
}

// Span is a run of nights in which a member was the same.
type Span struct {
	From      snapshot.ID        `json:"from"`
	To        snapshot.ID        `json:"to"`
	Nights    int                `json:"nights"`
	Look      string             `json:"look"` // complete, or why nothing is known, or not all
	Status    text               `json:"connection_status"`
	Tried     *schemas.Timestamp `json:"aggregated_at"`
	Succeeded *schemas.Timestamp `json:"successfully_aggregated_at"`
}

// Looks at a member that tell nothing of it.
const (
	notListed = "not listed"
	notRead   = "the snapshot cannot be read"
)

// text is a string that is null in JSON when it is empty.
type text string

// MarshalJSON writes null for the empty text.
func (t text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return asJSON(string(t), "")
}

// Ticket returns a ticket as it is to be sent, nil if the report has none of
// that id.
func (r *Report) Ticket(id string) *Form {
	i := slices.IndexFunc(r.Tickets, func(t *Ticket) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	t := r.Tickets[i]
	f := &Form{Ticket: t.ID, Issue: t.Issue, State: t.State, Snapshot: r.Summary.Snapshot, Host: cleaned(r.host), Institution: r.institution(t.Institution),
		Accounts: []string{}, Wrong: []string{}, Notes: []string{}, Transactions: []Transaction{}, History: []Span{}, Steps: []string{}, Requests: []Request{}, Actions: []string{}, Inputs: []string{}, FindingIDs: []string{}}
	f.findings = toldOf(t)
	f.Members = r.members(f.findings)
	if len(f.Members) == 1 {
		f.History = r.history(f.Members[0].guid)
	}
	var wrong folded
	for i := range f.findings {
		found := &f.findings[i]
		f.FindingIDs = append(f.FindingIDs, found.ID)
		if a := string(cleaned(found.Account)); a != "" && !slices.Contains(f.Accounts, a) {
			f.Accounts = append(f.Accounts, a)
		}
		if isGone(found) {
			f.Transactions = append(f.Transactions, Transaction{found.ID, found.State, cleaned(found.Account), cleaned(found.Transaction), cleaned(found.Date), cleaned(found.Amount), cleaned(found.Type), masked(found.Payee)})
		}
		for _, input := range found.MissingInputs {
			if !slices.Contains(f.Inputs, input) {
				f.Inputs = append(f.Inputs, input)
			}
		}
		wrong.add(reconcile.Says(found.Code))
	}
	if p := r.Past.Members[t.Member]; p != nil && f.Issue == reconcile.FailedUpdate && len(f.Accounts) == 0 { // MX asks for them
		for _, a := range p.Accounts {
			f.Accounts = append(f.Accounts, string(cleaned(a)))
		}
	}
	f.Wrong = wrong.lines()
	slices.SortFunc(f.Transactions, func(a, b Transaction) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Date, b.Date), cmp.Compare(a.Transaction, b.Transaction), cmp.Compare(a.Finding, b.Finding))
	})
	f.Actions = actions(f.findings)
	f.Subject = r.subject(f)
	f.Notes = r.notes(f)
	f.Steps = r.steps(f)
	f.Requests, f.RequestsInAll = r.requests(f)
	return f
}

// toldOf are the findings of a ticket that it tells of: what is raised or, if
// nothing is, all.
func toldOf(t *Ticket) []reconcile.Finding {
	if !t.State.Raised() {
		return t.Findings
	}
	return slices.DeleteFunc(slices.Clone(t.Findings), func(f reconcile.Finding) bool { return !f.State.Raised() })
}

// actions are what the findings say is to be done. Where an institution is out,
// that goes for its members too.
func actions(found []reconcile.Finding) []string {
	if o := outage(found); o != nil {
		found = []reconcile.Finding{*o}
	}
	all := []string{}
	for i := range found {
		if a, ok := found[i].Evidence["action"].(string); ok && !slices.Contains(all, onOneLine(a)) {
			all = append(all, onOneLine(a))
		}
	}
	return all
}

// isGone reports whether the finding says that one transaction is not there.
func isGone(f *reconcile.Finding) bool {
	return f.IssueType == reconcile.FailedUpdate && f.Account != "" && (f.Transaction != "" || f.Date != "")
}

func (r *Report) institution(code string) Institution {
	out := Institution{Code: cleaned(code)}
	if p := r.Past.Institutions[code]; p != nil {
		out.Name, out.URL = cleaned(p.Name), cleaned(p.URL)
	}
	return out
}

// members are those that the findings are about, as the last night has them.
func (r *Report) members(found []reconcile.Finding) []Member {
	all := []Member{}
	seen := map[string]bool{}
	add := func(user, member string) {
		if member == "" || seen[member] {
			return
		}
		seen[member] = true
		m := Member{User: cleaned(user), Member: string(cleaned(member)), guid: member}
		if p := r.Past.Members[member]; p != nil {
			last := p.Nights[len(p.Nights)-1]
			m.Status, m.Tried, m.Succeeded, m.known = cleaned(last.Status), last.AggregatedAt, last.Succeeded, last.Listed
		}
		all = append(all, m)
	}
	for i := range found {
		add(string(found[i].User), string(found[i].Member))
	}
	if o := outage(found); o != nil { // it names members whose own findings it does not carry
		users := map[string]string{}
		for _, f := range r.ledger.Findings() {
			users[string(f.Member)] = string(f.User)
		}
		names, _ := o.Evidence["members"].([]any)
		for _, n := range names {
			name, _ := n.(string)
			add(users[name], name)
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Member, b.Member)) })
	return all
}

// history is how a member stood from night to night.
func (r *Report) history(member string) []Span {
	p := r.Past.Members[member]
	spans := []Span{}
	if p == nil {
		return spans
	}
	for i, n := range p.Nights {
		night := r.Past.Nights[i]
		s := Span{From: night.Snapshot, To: night.Snapshot, Nights: 1, Look: "complete", Status: cleaned(n.Status), Tried: n.AggregatedAt, Succeeded: n.Succeeded}
		switch {
		case night.Unread:
			s.Look = notRead
		case !n.Listed:
			s.Look = notListed
		case !n.Complete:
			s.Look = "incomplete"
			if n.Reason != "" {
				s.Look += ": " + string(n.Reason)
			}
		}
		if last := len(spans) - 1; last >= 0 && spans[last].same(&s) {
			spans[last].To, spans[last].Nights = s.To, spans[last].Nights+1
			continue
		}
		spans = append(spans, s)
	}
	return spans
}

func (s *Span) same(o *Span) bool {
	return s.Look == o.Look && s.Status == o.Status && sameInstant(s.Tried, o.Tried) && sameInstant(s.Succeeded, o.Succeeded)
}

func sameInstant(a, b *schemas.Timestamp) bool { return a == b || a != nil && b != nil && *a == *b }

// instant writes a time as the API does, "never" if there is none.
func instant(t *schemas.Timestamp) string {
	if t == nil {
		return "never"
	}
	return t.Time().Format(time.RFC3339)
}

// at is when the night that is reported was observed.
func (r *Report) at() time.Time {
	if n := len(r.Past.Nights); n > 0 {
		return r.Past.Nights[n-1].ObservedAt.Time()
	}
	return r.Summary.Snapshot.Time()
}
