package reconcile

import (
	"cmp"
	"slices"
)

// assignTickets gives every finding that has to be carried its ticket: one for
// each member and issue type, one for all of an institution outage. A ticket
// keeps its id as long as one finding that it carries is live. touch is called
// before a record changes.
func assignTickets(recs map[string]*record, touch func(*record)) {
	active := map[string]text{}
	var raised []*record
	for _, r := range recs {
		switch {
		case !r.f.State.Live():
			continue // keeps the ticket it had, for the report of its end
		case r.f.TicketID != "":
			active[r.h.TicketFor] = r.f.TicketID // one for each key, so the order is of no matter
		}
		if s := r.state(); s.Raised() || s == Candidate {
			raised = append(raised, r)
		}
	}
	slices.SortFunc(raised, func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.f.First, b.f.First), cmp.Compare(a.f.ID, b.f.ID))
	})
	for _, r := range raised {
		if sent := r.f.State == Submitted || r.f.State == Escalated; sent && r.f.TicketID != "" {
			continue // what was sent was sent under this id
		}
		key, id := ticketOf(recs, r)
		if key != "" {
			if a, ok := active[key]; ok {
				id = a
			}
			active[key] = id
		}
		if r.f.TicketID != id || r.h.TicketFor != key {
			touch(r)
			r.f.TicketID, r.h.TicketFor = id, key
		}
	}
}

// ticketGroups divides the records so that what happens to one bears on the
// tickets of its group alone: those of its member, of its outage, and those that
// have been in one ticket with it. It returns the group of each finding.
func ticketGroups(recs map[string]*record) map[string]map[string]*record {
	above := map[string]string{}
	var top func(string) string
	top = func(s string) string {
		up, ok := above[s]
		if !ok {
			return s
		}
		above[s] = top(up)
		return above[s]
	}
	join := func(a, b string) {
		if a, b = top(a), top(b); a != b {
			above[a] = b
		}
	}
	for id, r := range recs {
		outage, _ := r.f.Evidence["outage"].(string)
		for _, with := range []string{string(r.f.Member), outage, r.h.TicketFor} {
			if with != "" {
				join(id, with)
			}
		}
	}
	by, of := map[string]map[string]*record{}, make(map[string]map[string]*record, len(recs))
	for id, r := range recs {
		root := top(id)
		if by[root] == nil {
			by[root] = map[string]*record{}
		}
		by[root][id] = r
		of[id] = by[root]
	}
	return of
}

// ticketOf returns what the ticket of a finding is for, and the id it gets if
// the finding is its first; nothing if no ticket has to carry it.
func ticketOf(recs map[string]*record, r *record) (key string, id text) {
	if r.f.State == Candidate {
		return "", ""
	}
	if o := outageOf(recs, r); o != nil {
		return o.f.ID, ticketID("", o.f.IssueType, o.f.ID)
	}
	if r.f.Verdict != Ticket && !r.h.Requested {
		return "", ""
	}
	if r.f.Kind == institutionOutage || r.f.Member == "" {
		return r.f.ID, ticketID("", r.f.IssueType, r.f.ID)
	}
	return string(r.f.Member) + "/" + string(r.f.IssueType), ticketID(r.f.Member, r.f.IssueType, r.f.ID)
}

// outageOf returns the live institution outage that the finding is part of.
func outageOf(recs map[string]*record, r *record) *record {
	id, _ := r.f.Evidence["outage"].(string)
	o := recs[id]
	if o == nil || o.f.Kind != institutionOutage || !o.f.State.Live() {
		return nil
	}
	return o
}

// tickets returns the ids of the tickets that carry something.
func (l *Ledger) tickets() map[text]bool {
	all := map[text]bool{}
	for _, r := range l.recs {
		if r.carried() {
			all[r.f.TicketID] = true
		}
	}
	return all
}

// newTickets returns the sorted ids of the tickets that carry what is raised
// and were not there before, none where it is not known what was.
func newTickets(before map[text]bool, found []Finding) (all []string) {
	for i := range found {
		f := &found[i]
		if before != nil && f.TicketID != "" && f.State.Raised() && !before[f.TicketID] {
			all = append(all, string(f.TicketID))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func ticketID(member text, issue IssueType, first string) text {
	return text("T-" + digest([]string{string(member), string(issue), first}))
}
