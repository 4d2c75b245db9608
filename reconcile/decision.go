package reconcile

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"tallyport/snapshot"
)

// Action is what a Decision does.
type Action string

const (
	Suppress   Action = "suppress"   // hide, until a date or for good
	Unsuppress Action = "unsuppress" // show again
	Submit     Action = "submit"     // the ticket was sent; Ref says under which number
	Close      Action = "close"      // it is nothing; stays closed until it was undone and comes again
	Request    Action = "request"    // make a ticket of it, whatever its verdict
	Baseline   Action = "baseline"   // hide for good: it was there when the store was new
	Probe      Action = "probe"      // MX was asked for the transaction's guid, and answered
)

// Decision is a line of decisions.jsonl: what a person decided or a probe
// answered.
type Decision struct {
	Version     int       `json:"version"` // filled in by Decide
	At          time.Time `json:"at"`
	Who         string    `json:"who"`
	Action      Action    `json:"action"`
	Finding     string    `json:"finding"`
	Until       string    `json:"until,omitempty"` // of Suppress: the last hidden day, 2026-12-31, UTC; empty: no end
	Reason      string    `json:"reason,omitempty"`
	Ref         string    `json:"ref,omitempty"`
	Transaction string    `json:"transaction_guid,omitempty"` // of Probe
	Status      int       `json:"status,omitempty"`           // of Probe: HTTP status, 0: none
	Answer      Answer    `json:"answer,omitempty"`           // of Probe
	Date        string    `json:"date,omitempty"`             // of Probe: the date of a row that is still there

	// After is the newest snapshot that had been applied, ObservedAt its time;
	// both are filled in by Decide. A decision takes effect in the first
	// snapshot after it, so that a rebuild can tell its place without a clock.
	After      snapshot.ID `json:"after"`
	ObservedAt time.Time   `json:"after_observed_at"`
}

const ledgerVersion = 1

// closedByUser is the code of a finding that a person closed.
const closedByUser Code = "closed_by_user"

var stateActions = []Action{Suppress, Unsuppress, Submit, Close, Request, Baseline}

// check reports what is wrong with the decision itself.
func (d *Decision) check() error {
	switch d.Action {
	case Suppress, Unsuppress, Submit, Close, Request, Baseline:
		if d.Finding == "" {
			return fmt.Errorf("decision %s names no finding", d.Action)
		}
		if !d.After.Valid() || d.ObservedAt.IsZero() {
			return fmt.Errorf("decision %s does not say after which snapshot", d.Action)
		}
	case Probe:
		if d.Finding == "" || d.Transaction == "" {
			return fmt.Errorf("probe without finding or transaction_guid")
		}
		if d.Answer != StillThere && d.Answer != NotThere && d.Answer != Unanswered {
			return fmt.Errorf("probe has the answer %q; it can be %s, %s or %s", d.Answer, StillThere, NotThere, Unanswered)
		}
	default:
		return fmt.Errorf("decision has the action %q; it can be %s or %s", d.Action, list(stateActions), Probe)
	}
	if d.At.IsZero() {
		return fmt.Errorf("decision %s has no time", d.Action)
	}
	if d.Until == "" {
		return nil
	}
	if d.Action != Suppress {
		return fmt.Errorf("decision %s has an end; only suppress can", d.Action)
	}
	if _, err := time.Parse(time.DateOnly, d.Until); err != nil {
		return fmt.Errorf("until %q is not a date; write it like 2026-12-31", d.Until)
	}
	return nil
}

// allows reports whether the finding's state admits the action.
func (r *record) allows(a Action) bool {
	s := r.state()
	switch a {
	case Suppress, Baseline, Close:
		return s.Live()
	case Unsuppress:
		return r.h.Hidden
	case Submit: // an escalated one may be sent again
		return s == Open || s == Escalated
	case Request:
		return (s == Candidate || s == Open) && !r.h.Requested
	}
	return false
}

func (r *record) allowed() (all []Action) {
	for _, a := range stateActions {
		if r.allows(a) {
			all = append(all, a)
		}
	}
	return all
}

// take carries out a decision and returns the event it makes.
func (r *record) take(d Decision) (EventName, error) {
	if !r.allows(d.Action) {
		allowed := r.allowed()
		if allowed == nil {
			return "", fmt.Errorf("%s of finding %s: it is %s, and nothing can be decided on it", d.Action, r.f.ID, r.state())
		}
		return "", fmt.Errorf("%s of finding %s: it is %s; it allows %s", d.Action, r.f.ID, r.state(), list(allowed))
	}
	switch d.Action {
	case Suppress, Baseline:
		r.h.Hidden, r.h.Until = true, d.Until
		return WasSuppressed, nil
	case Unsuppress:
		r.h.Hidden, r.h.Until = false, ""
		return WasUnsuppressed, nil
	case Submit:
		// Sent by hand, hence requested, whatever the verdict becomes. A clock
		// that is behind cannot put it before the night it was decided after.
		r.f.State, r.h.Nights, r.h.Requested = Submitted, 0, true
		r.h.SubmittedAt = d.At
		if d.At.Before(d.ObservedAt) {
			r.h.SubmittedAt = d.ObservedAt
		}
		return WasSubmitted, nil
	case Request:
		r.h.Requested = true
		return WasChanged, nil
	default: // Close
		ev := maps.Clone(r.f.Evidence)
		ev["code_before"] = string(r.f.Code)
		r.f.State, r.f.Code, r.f.Evidence = Explained, closedByUser, ev
		r.h.Standing, r.h.ClosedAt = true, d.ObservedAt
		return WasExplained, nil
	}
}

// Decide checks the decision against the present state of its finding and
// keeps it. The error names the actions that the state allows. It shows in
// Findings at once, and in events.jsonl with the next snapshot.
func (l *Ledger) Decide(d Decision) error {
	d.Version, d.At = ledgerVersion, d.At.UTC().Round(0)
	d.After, d.ObservedAt = l.Last()
	if d.Action == Baseline {
		d.Reason = "baseline"
	}
	if d.Action != Probe {
		r := l.present()[d.Finding]
		if r == nil {
			return fmt.Errorf("%s: there is no finding %q", d.Action, d.Finding)
		}
		if err := d.check(); err != nil {
			return err
		}
		if _, err := r.take(d); err != nil {
			return err
		}
		if d.carries() {
			assignTickets(l.kin[d.Finding], func(*record) {})
		}
		l.pending = append(l.pending, d)
	} else {
		if err := d.check(); err != nil {
			return err
		}
		l.probes[d.Finding] = append(l.probes[d.Finding], d)
	}
	l.decisions = append(l.decisions, d)
	return nil
}

// Allowed returns the actions that the present state of a finding admits.
func (l *Ledger) Allowed(finding string) []Action {
	if r := l.present()[finding]; r != nil {
		return r.allowed()
	}
	return nil
}

// carries reports whether the decision can change which ticket carries what.
func (d *Decision) carries() bool { return d.Action != Suppress && d.Action != Baseline }

// Decisions returns all decisions in the order they were made. A probe was
// made while the snapshot next to its After was judged.
func (l *Ledger) Decisions() []Decision { return append([]Decision(nil), l.decisions...) }

// due takes the decisions out of pending that come before the night and whose
// finding is known. One on a finding that a rebuild has not come to yet waits
// for it.
func (l *Ledger) due(id snapshot.ID, at time.Time) []Decision {
	var due, rest []Decision
	for _, d := range l.pending {
		if l.recs[d.Finding] != nil && earlier(d.ObservedAt, d.After, at, id) {
			due = append(due, d)
		} else {
			rest = append(rest, d)
		}
	}
	l.pending = rest
	return due
}

// present returns copies of the records, with the pending decisions carried
// out. Decide goes on with them, so that many decisions cost no more than few.
func (l *Ledger) present() map[string]*record {
	if l.over != nil {
		return l.over
	}
	l.over = make(map[string]*record, len(l.recs))
	for id, r := range l.recs {
		c := *r
		l.over[id] = &c
	}
	l.kin = ticketGroups(l.over)
	for _, d := range l.pending {
		r := l.over[d.Finding]
		if r == nil {
			continue
		}
		if _, err := r.take(d); err == nil && d.carries() {
			assignTickets(l.kin[d.Finding], func(*record) {})
		}
	}
	return l.over
}

func list[T ~string](of []T) string {
	s := make([]string, len(of))
	for i := range of {
		s[i] = string(of[i])
	}
	return strings.Join(s, ", ")
}
