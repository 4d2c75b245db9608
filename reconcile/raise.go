package reconcile

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tallyport/snapshot"
)

// raising is one night's choice of what becomes a ticket.
type raising struct {
	r     *run
	facts *snapshotFacts
	eve   map[string]*record // as the decisions of the day left them
	all   []Sighting
}

// asking is what asks for one ticket: sightings by their place.
type asking struct {
	key       string
	first     snapshot.ID
	id        string // of the first finding
	of        []int
	requested bool
}

// raise keeps from becoming a ticket what MX, when it is asked, still has or
// does not answer for, and what is beyond the number of tickets that one night
// may raise: these wait as candidates, and the oldest go first. A systemic night
// raises none about transactions. It returns how many tickets wait.
func (r *run) raise(ctx context.Context, facts *snapshotFacts, most int, systemic bool, all []Sighting) (int, error) {
	n := raising{r, facts, r.ledger.eve(facts.id, facts.at.Time()), all}
	left, waiting := most, 0
	if systemic {
		waiting = n.sitOut()
	}
	active := map[string]bool{}
	for _, rec := range r.ledger.recs {
		if rec.carried() {
			active[rec.h.TicketFor] = true
		}
	}
	for _, a := range n.asking() {
		if left == 0 && !active[a.key] && !a.requested {
			waiting++
			for _, i := range a.of {
				n.hold(i)
				all[i].withhold("max_tickets")
			}
			continue
		}
		raised := false
		for _, i := range a.of {
			ok, err := n.ask(ctx, i)
			if err != nil {
				return 0, err
			}
			raised = raised || ok
		}
		if raised && !active[a.key] && !a.requested {
			left--
		}
	}
	for i := range all {
		if s := &all[i]; s.Kind == missingTransaction && s.Claim.isTrue() && s.Transaction != "" {
			s.hear(r.ledger.probed(s), facts.window)
		}
	}
	return waiting, nil
}

// sitOut lets all wait that is about transactions, and returns of how many
// members.
func (n *raising) sitOut() int {
	members := map[text]bool{}
	for i := range n.all {
		s := &n.all[i]
		if rec := n.eve[s.ID]; s.Kind.aboutTransactions() && n.wants(s, rec) && (rec == nil || !rec.h.Requested) {
			n.hold(i)
			s.withhold("systemic")
			members[s.Member] = true
		}
	}
	return len(members)
}

// withhold says in the evidence why there is no ticket.
func (s *Sighting) withhold(why string) {
	if s.Evidence == nil {
		s.Evidence = map[string]any{}
	}
	s.Evidence["withheld"] = why
}

// ask asks MX for the row of a sighting, and reports whether it may be raised.
func (n *raising) ask(ctx context.Context, i int) (bool, error) {
	s := &n.all[i]
	if s.Kind != missingTransaction || s.Transaction == "" {
		return true, nil
	}
	d, err := n.r.answer(ctx, n.facts, s)
	if d.Answer == Unanswered {
		n.hold(i)
	}
	return d.Answer != StillThere && d.Answer != Unanswered, err
}

// hold lets a sighting wait. What is open already, as something to review,
// stays that.
func (n *raising) hold(i int) {
	s := &n.all[i]
	if rec := n.eve[s.ID]; rec != nil && rec.f.State == Open {
		s.Verdict = Review
	}
	s.Claim = Suspected
}

// asking returns what would get a ticket tonight and has none, the oldest first.
func (n *raising) asking() []*asking {
	byKey := map[string]*asking{}
	outages := map[string]bool{}
	for i := range n.all {
		if s := &n.all[i]; s.Kind == institutionOutage && s.Claim.isTrue() {
			outages[s.ID] = true
		}
	}
	for i := range n.all {
		s := &n.all[i]
		rec := n.eve[s.ID]
		if !n.wants(s, rec) {
			continue
		}
		key := string(s.Member) + "/" + string(s.IssueType)
		if o, _ := s.Evidence["outage"].(string); outages[o] {
			key = o
		} else if s.Kind == institutionOutage || s.Member == "" {
			key = s.ID
		}
		first := s.First
		if rec != nil {
			first = rec.f.First
		}
		a := byKey[key]
		if a == nil {
			a = &asking{key: key, first: first, id: s.ID}
			byKey[key] = a
		}
		if first < a.first || first == a.first && s.ID < a.id {
			a.first, a.id = first, s.ID
		}
		a.of = append(a.of, i)
		a.requested = a.requested || rec != nil && rec.h.Requested
	}
	var all []*asking
	for _, key := range sortedKeys(byKey) {
		all = append(all, byKey[key])
	}
	slices.SortFunc(all, func(a, b *asking) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.id, b.id)) })
	return all
}

// wants reports whether the sighting would bring its finding into a ticket
// that it is not in.
func (n *raising) wants(s *Sighting, rec *record) bool {
	if !s.Claim.isTrue() {
		return false
	}
	raised := s.Claim == Confirmed
	requested := false
	if rec != nil {
		// A ticket of today's decision is not one yet.
		if rec.h.Standing || rec.h.Hidden || rec.f.State == Submitted || rec.f.State == Escalated || n.r.ledger.recs[s.ID].carried() {
			return false
		}
		raised = raised || rec.f.State == Open
		requested = rec.h.Requested && rec.f.State.Live()
	}
	return raised && (s.Verdict == Ticket || requested)
}

// carried reports whether a ticket carries the finding.
func (r *record) carried() bool { return r.f.State.Live() && r.f.TicketID != "" }

func (c Claim) isTrue() bool { return c == Suspected || c == Confirmed }

// eve returns copies of the records as the decisions that come before the
// night leave them. What a person hid until then shows again.
func (l *Ledger) eve(id snapshot.ID, at time.Time) map[string]*record {
	recs := make(map[string]*record, len(l.recs))
	for id, r := range l.recs {
		c := *r
		recs[id] = &c
	}
	for _, d := range l.pending {
		if r := recs[d.Finding]; r != nil && earlier(d.ObservedAt, d.After, at, id) {
			if _, err := r.take(d); err == nil && d.carries() {
				assignTickets(recs, func(*record) {})
			}
		}
	}
	for _, r := range recs {
		if r.h.Hidden && r.hiddenUntil(at) {
			r.h.Hidden = false
		}
	}
	return recs
}

// hiddenUntil reports whether the last hidden day is over.
func (r *record) hiddenUntil(at time.Time) bool {
	return r.h.Until != "" && at.Format(time.DateOnly) > r.h.Until
}
