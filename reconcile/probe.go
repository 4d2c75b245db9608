package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// Prober asks the API for single transactions.
type Prober interface {
	// Probe reads one transaction. An error ends the run; what only this
	// transaction's question failed of is the answer Unanswered.
	Probe(ctx context.Context, u schemas.UserID, t schemas.TransactionID) (Probed, error)
}

// Probed is what a probe brought.
type Probed struct {
	Answer Answer
	Status int               // HTTP status, 0: none
	Date   *schemas.Date     // of the transaction that is still there, nil: it has none
	At     schemas.Timestamp // server's time, 0: it did not say
}

// Answer is what a probe says of a transaction.
type Answer string

const (
	NotAsked   Answer = "not_asked"
	StillThere Answer = "still_there"
	NotThere   Answer = "gone"
	Unanswered Answer = "unknown"
)

// prober is who made the decision that a probe's answer is kept in.
const prober = "tallyport"

// probed returns what is known of a row that is missing: the last answer that
// came after it was first not there. Not to know counts only in the night that
// asked, and does not undo what was known.
func (l *Ledger) probed(s *Sighting) (d Decision) {
	from := l.place(s.First)
	last, _ := l.Last()
	for _, p := range l.probes[s.ID] {
		if at := l.place(p.After); p.After != last && (at < from || at >= len(l.nights)) {
			continue
		}
		if p.Answer != Unanswered || p.After == last && d.Answer == "" {
			d = p
		}
	}
	return d
}

// place is the number of a night in the order of judgement. One that is not
// among them is before all if it was pruned, and else to come.
func (l *Ledger) place(id snapshot.ID) int {
	if i := slices.IndexFunc(l.nights, func(n night) bool { return n.id == id }); i >= 0 {
		return i
	}
	if len(l.nights) > 0 && id < l.nights[0].id {
		return -1
	}
	return len(l.nights)
}

// answer returns what is known of a row that is about to be put into a ticket,
// and asks if this night may. The answer is in the store before anything else
// is asked, so that a run that is killed asks nothing twice.
func (r *run) answer(ctx context.Context, facts *snapshotFacts, s *Sighting) (Decision, error) {
	known := r.ledger.probed(s)
	last, _ := r.ledger.Last()
	if r.o.Prober == nil || r.judged[facts.id] || known.Answer != "" && known.After == last {
		return known, nil
	}
	key := [2]text{s.User, s.Transaction}
	p, ok := r.asked[key]
	if !ok {
		var err error
		if p, err = r.o.Prober.Probe(ctx, schemas.UserID(s.User), schemas.TransactionID(s.Transaction)); err != nil {
			return known, fmt.Errorf("probe of %s: %w", s.Transaction, err)
		}
		r.asked[key] = p
	}
	d := Decision{Action: Probe, Who: prober, At: cmp.Or(p.At, facts.at).Time(), Finding: s.ID, Transaction: string(s.Transaction), Status: p.Status, Answer: p.Answer}
	if p.Answer == StillThere && p.Date != nil {
		d.Date = p.Date.String()
	}
	if err := errors.Join(r.ledger.Decide(d), r.ledger.keepDecisions(r.st)); err != nil {
		return known, err
	}
	return r.ledger.probed(s), nil
}

// hear puts a probe's answer into the evidence. A row that MX still has is not
// missing: it slipped through the lists, or its date moved out of the window.
func (s *Sighting) hear(d Decision, w schemas.Window) {
	if d.Answer == "" {
		return
	}
	s.Evidence["probe"], s.Evidence["probe_status"] = string(d.Answer), d.Status
	if d.Answer != StillThere {
		return
	}
	s.Claim, s.Code = Harmless, "X2"
	var date schemas.Date
	if d.Date != "" && date.UnmarshalText([]byte(d.Date)) == nil {
		s.Evidence["probe_date"] = d.Date
		if !w.Contains(date) {
			s.Code = "W2"
		}
	}
}
