package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// UnknownError is returned for ids that the ledger has no finding or ticket of.
type UnknownError struct{ IDs []string }

func (e *UnknownError) Error() string {
	return "there is no finding or ticket " + strings.Join(e.IDs, ", ")
}

// RefusedError is returned for a decision that the state of a finding does not
// admit; it names those that it does.
type RefusedError struct{ err error }

func (e *RefusedError) Error() string { return e.err.Error() }
func (e *RefusedError) Unwrap() error { return e.err }

// DecideOn makes a person's decision on each of the findings and tickets, all
// or none: an id that is not known is an UnknownError, a finding whose state
// does not admit it a RefusedError. Of a ticket's findings it is made on those
// that admit it, of which there has to be one. It returns the findings that it
// was made on, as they are now, by id. Nothing is saved.
func (l *Ledger) DecideOn(d Decision, ids ...string) ([]Finding, error) {
	groups, err := l.findingsOf(ids)
	if err != nil {
		return nil, err
	}
	kept, pending := len(l.decisions), slices.Clone(l.pending)
	done := map[string]bool{}
	var wrong []error
	for _, group := range groups {
		if err := l.decideOn(d, group, done); err != nil {
			wrong = append(wrong, err)
		}
	}
	if wrong != nil {
		l.decisions, l.pending, l.over = l.decisions[:kept], pending, nil
		return nil, &RefusedError{errors.Join(wrong...)}
	}
	return sorted(l.present(), func(r *record) bool { return done[r.f.ID] }), nil
}

// decideOn decides on the findings of one id, on one of them at least.
func (l *Ledger) decideOn(d Decision, group []string, done map[string]bool) error {
	var first error
	one := false
	for _, id := range group {
		if done[id] {
			one = true
			continue
		}
		d.Finding = id
		switch err := l.Decide(d); {
		case err == nil:
			done[id], one = true, true
		case first == nil:
			first = err
		}
	}
	if one {
		return nil
	}
	return first
}

// findingsOf returns the ids of the findings that each id stands for.
func (l *Ledger) findingsOf(ids []string) ([][]string, error) {
	carried := map[string][]string{}
	for id, r := range l.present() {
		if r.f.TicketID != "" {
			carried[string(r.f.TicketID)] = append(carried[string(r.f.TicketID)], id)
		}
	}
	var groups [][]string
	unknown := &UnknownError{}
	for _, id := range ids {
		switch group := carried[id]; {
		case group != nil:
			slices.Sort(group)
			groups = append(groups, group)
		case l.present()[id] != nil:
			groups = append(groups, []string{id})
		case !slices.Contains(unknown.IDs, id):
			unknown.IDs = append(unknown.IDs, id)
		}
	}
	if unknown.IDs != nil {
		return nil, unknown
	}
	return groups, nil
}

// Shown returns the ids of the findings about an institution that nobody has put
// aside: what is raised and what waits to be confirmed.
func (l *Ledger) Shown(institution string) (ids []string) {
	for id, r := range l.present() {
		if s := r.state(); string(r.f.Institution) == institution && (s.Raised() || s == Candidate) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Told returns a finding with everything that is known of it.
func (l *Ledger) Told(id string) (Told, error) {
	f, events, ok := l.Finding(id)
	if !ok {
		return Told{}, &UnknownError{[]string{id}}
	}
	if events == nil {
		events = []Event{}
	}
	told := Told{f, Says(f.Code), events, []Decision{}}
	for _, d := range l.decisions {
		if d.Finding == id && d.Action != Probe { // what a probe answered stands in the evidence
			told.Decisions = append(told.Decisions, d)
		}
	}
	return told, nil
}

// KnownTicket returns the id of the ticket that an id names: its own, or that of
// the ticket that carries the finding. One that is not known is an
// UnknownError.
func (l *Ledger) KnownTicket(id string) (string, error) {
	if _, err := l.findingsOf([]string{id}); err != nil {
		return "", err
	}
	r := l.present()[id]
	if r == nil {
		return id, nil
	}
	if r.f.TicketID == "" {
		return "", fmt.Errorf("no ticket carries finding %s, which is %s, for %s; request one", id, r.state(), r.f.Verdict)
	}
	return string(r.f.TicketID), nil
}
