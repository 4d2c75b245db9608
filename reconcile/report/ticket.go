package report

import (
	"cmp"
	"slices"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

// Ticket is what is sent to MX together: the findings about one member and one
// type of issue, or about an institution that is out.
type Ticket struct {
	ID          string
	Issue       reconcile.IssueType
	State       reconcile.State // the most urgent of its findings
	User        string          // "" if it is about more than one
	Member      string          // the same
	Institution string          // its code
	Since       snapshot.ID     // where the first of its findings was first true
	Findings    []reconcile.Finding
}

// Tickets gathers findings by the ticket that carries them, the oldest first.
func Tickets(found []reconcile.Finding) []*Ticket {
	byID := map[string]*Ticket{}
	var all []*Ticket
	for _, f := range found {
		if f.TicketID == "" {
			continue
		}
		t := byID[string(f.TicketID)]
		if t == nil {
			t = &Ticket{ID: string(f.TicketID), Issue: f.IssueType, State: f.State, User: string(f.User), Member: string(f.Member), Institution: string(f.Institution), Since: f.First}
			byID[t.ID], all = t, append(all, t)
		}
		if slices.Index(urgency, f.State) < slices.Index(urgency, t.State) {
			t.State = f.State
		}
		if t.Member != string(f.Member) { // an outage's ticket carries many
			t.User, t.Member = "", ""
		}
		t.Since = min(t.Since, f.First)
		t.Findings = append(t.Findings, f)
	}
	slices.SortFunc(all, func(a, b *Ticket) int { return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.ID, b.ID)) })
	return all
}

// Raised is the first snapshot in which the ticket carried something, "" if
// only a decision since the newest one made it.
func (t *Ticket) Raised(l *reconcile.Ledger) snapshot.ID {
	var first snapshot.ID
	for i := range t.Findings {
		_, events, _ := l.Finding(t.Findings[i].ID)
		at := slices.IndexFunc(events, func(e reconcile.Event) bool { return string(e.Finding.TicketID) == t.ID })
		if at >= 0 && (first == "" || events[at].Snapshot < first) {
			first = events[at].Snapshot
		}
	}
	return first
}
