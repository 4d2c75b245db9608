package reconcile

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tallyport/snapshot"
)

// on puts the sighting on a member, with a verdict and an issue type.
func on(s Sighting, member text, v Verdict, issue IssueType) Sighting {
	s.Member, s.Verdict, s.IssueType = member, v, issue
	return s
}

func ticketOfFinding(t *testing.T, l *Ledger, id string) text { return get(t, l, id).TicketID }

func decide(t *testing.T, l *Ledger, a Action, id string) {
	t.Helper()
	_, at := l.Last()
	if err := l.Decide(Decision{At: at, Who: "ann", Action: a, Finding: id}); err != nil {
		t.Fatal(err)
	}
}

func TestTicketOfMemberAndIssue(t *testing.T) {
	l := newTestLedger()
	c := func(id string) Sighting { return sight(id, Confirmed) }
	l.applyAt(0, c("F-5"),
		sight("F-1", Suspected),
		on(c("F-2"), "MBR-1", Review, FailedUpdate),
		on(c("F-3"), "MBR-1", Ticket, Aggregation),
		on(c("F-4"), "MBR-2", Ticket, FailedUpdate))
	first := ticketID("MBR-1", FailedUpdate, "F-5")
	want := func(when string, ids map[string]text) {
		t.Helper()
		for id, ticket := range ids {
			if got := ticketOfFinding(t, l, id); got != ticket {
				t.Errorf("%s: ticket of %s is %q, want %q", when, id, got, ticket)
			}
		}
	}
	want("first night", map[string]text{
		"F-1": "", "F-2": "", "F-5": first,
		"F-3": ticketID("MBR-1", Aggregation, "F-3"), "F-4": ticketID("MBR-2", FailedUpdate, "F-4"),
	})
	l.applyAt(1, c("F-1"), c("F-5"))
	want("another confirmed", map[string]text{"F-1": first})
	decide(t, l, Request, "F-2")
	want("requested", map[string]text{"F-2": first})
	l.applyAt(2, c("F-1"), sight("F-5", Undone), on(c("F-2"), "MBR-1", Review, FailedUpdate))
	want("first finding closed", map[string]text{"F-1": first, "F-2": first, "F-5": first})
	decide(t, l, Suppress, "F-2")
	l.applyAt(3, sight("F-1", Undone))
	l.applyAt(4, c("F-0"))
	want("carried by a suppressed one", map[string]text{"F-0": first, "F-2": first})
	l.applyAt(5, sight("F-0", Undone), sight("F-2", Undone))
	l.applyAt(6, c("F-6"))
	want("a new ticket", map[string]text{"F-6": ticketID("MBR-1", FailedUpdate, "F-6")})
	l.applyAt(7, on(c("F-6"), "MBR-1", Review, FailedUpdate))
	want("no ticket any more", map[string]text{"F-6": ""})
	checkReplay(t, l)
}

func TestTicketOfWhatWasSentStays(t *testing.T) {
	l := newTestLedger()
	l.applyAt(0, sight("F-1", Confirmed))
	decide(t, l, Submit, "F-1")
	l.applyAt(1, on(sight("F-1", Confirmed), "MBR-1", Review, Aggregation), on(sight("F-2", Confirmed), "MBR-1", Ticket, Aggregation))
	if got, want := ticketOfFinding(t, l, "F-1"), ticketID("MBR-1", FailedUpdate, "F-1"); got != want {
		t.Errorf("sent under %s, now %s", want, got)
	}
	if got, want := ticketOfFinding(t, l, "F-2"), ticketID("MBR-1", Aggregation, "F-2"); got != want {
		t.Errorf("ticket of the other issue is %s, want %s", got, want)
	}
}

// The ticket that a request showed is the ticket, though in the next night a
// finding that is older is confirmed.
func TestTicketThatWasShownStays(t *testing.T) {
	l := newTestLedger()
	l.applyAt(0, sight("F-1", Suspected))
	l.applyAt(1, on(sight("F-2", Confirmed), "MBR-1", Review, FailedUpdate), on(sight("F-3", Confirmed), "MBR-1", Review, FailedUpdate))
	decide(t, l, Request, "F-3")
	shown := ticketOfFinding(t, l, "F-3")
	decide(t, l, Request, "F-2")
	l.applyAt(2, sight("F-1", Confirmed))
	for _, id := range []string{"F-1", "F-2", "F-3"} {
		if got := ticketOfFinding(t, l, id); got != shown || got == "" {
			t.Errorf("ticket of %s is %q, shown was %q", id, got, shown)
		}
	}
}

func TestFirstFindingOfTicket(t *testing.T) {
	l := newTestLedger()
	older := sight("F-2", Confirmed)
	older.First = "20261030T020000Z"
	l.applyAt(0, sight("F-1", Confirmed), older)
	if got, want := ticketOfFinding(t, l, "F-1"), ticketID("MBR-1", FailedUpdate, "F-2"); got != want {
		t.Errorf("ticket %s, want %s", got, want)
	}
}

func TestRequestHoldsForOneLife(t *testing.T) {
	l := newTestLedger()
	s := on(sight("F-1", Confirmed), "MBR-1", Review, FailedUpdate)
	undone := sight("F-1", Undone)
	l.applyAt(0, s)
	decide(t, l, Request, "F-1")
	l.applyAt(1, undone)
	l.applyAt(2, s)
	if ticketOfFinding(t, l, "F-1") == "" {
		t.Error("reopened without the ticket that was requested")
	}
	l.applyAt(3, undone)
	l.applyAt(34, s)
	if got := ticketOfFinding(t, l, "F-1"); got != "" {
		t.Errorf("new life with ticket %s, which nobody requested", got)
	}
}

func TestTicketOfOutage(t *testing.T) {
	l := newTestLedger()
	outage := on(sight("F-O", Confirmed), "", Ticket, Aggregation)
	outage.Kind, outage.Code = institutionOutage, "S15"
	child := func(id string, m text) Sighting {
		s := on(sight(id, Confirmed), m, Ticket, FailedUpdate)
		s.Kind, s.Evidence = staleMember, map[string]any{"outage": "F-O"}
		return s
	}
	children := []Sighting{child("F-1", "MBR-1"), child("F-2", "MBR-2")}
	l.applyAt(0, slices.Concat(children, []Sighting{outage})...)
	one := ticketID("", Aggregation, "F-O")
	for _, id := range []string{"F-O", "F-1", "F-2"} {
		if got := ticketOfFinding(t, l, id); got != one {
			t.Errorf("ticket of %s is %s, want %s", id, got, one)
		}
	}
	outage.Claim = Undone
	l.applyAt(1, slices.Concat(children, []Sighting{outage})...)
	if got, want := ticketOfFinding(t, l, "F-1"), ticketID("MBR-1", FailedUpdate, "F-1"); got != want {
		t.Errorf("after the outage: %s, want %s", got, want)
	}
	checkReplay(t, l)
}

// What a decision does to tickets it does within its group: the ledger is as if
// all records had been gone through each time.
func TestTicketGroups(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	for round := range 300 {
		recs := map[string]*record{}
		for i := range 12 {
			r := &record{f: Finding{ID: fmt.Sprintf("F-%02d", i), Kind: missingTransaction, Verdict: Ticket, IssueType: FailedUpdate, State: Open, Evidence: map[string]any{}}}
			r.f.First = snapshot.ID(fmt.Sprintf("2026110%dT020000Z", rnd.IntN(9)+1))
			if rnd.IntN(5) > 0 {
				r.f.Member = text(fmt.Sprintf("MBR-%d", rnd.IntN(4)))
			}
			switch rnd.IntN(6) {
			case 0:
				r.f.Kind, r.f.Member = institutionOutage, ""
			case 1:
				r.f.Verdict = Review
			case 2:
				r.f.State = Submitted
			case 3:
				r.f.State = Candidate
			case 4:
				r.h.Hidden = true
			}
			if rnd.IntN(3) == 0 {
				r.f.Evidence["outage"] = fmt.Sprintf("F-%02d", rnd.IntN(12))
			}
			recs[r.f.ID] = r
		}
		clone := func() map[string]*record {
			c := map[string]*record{}
			for id, r := range recs {
				one := *r
				c[id] = &one
			}
			return c
		}
		assignTickets(recs, func(*record) {})
		whole, parts := clone(), clone()
		of := ticketGroups(parts)
		for range 6 {
			id := fmt.Sprintf("F-%02d", rnd.IntN(12))
			a := []Action{Request, Submit, Close, Unsuppress}[rnd.IntN(4)]
			for _, r := range []*record{whole[id], parts[id]} {
				_, _ = r.take(Decision{Action: a, Finding: id})
			}
			assignTickets(whole, func(*record) {})
			assignTickets(of[id], func(*record) {})
			for id, r := range whole {
				if p := parts[id]; p.f.TicketID != r.f.TicketID || p.h.TicketFor != r.h.TicketFor {
					t.Fatalf("round %d, %s: %s for %s, and in its group %s for %s", round, id, r.f.TicketID, r.h.TicketFor, p.f.TicketID, p.h.TicketFor)
				}
			}
		}
	}
}

// A ticket that judging again does away with is named; one that was put right is not.
func TestLostTicketIsNamed(t *testing.T) {
	var log strings.Builder
	r := &run{o: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, ledger: NewLedger(nil), rebuilding: true, had: map[text]bool{"T-LOST": true, "T-DONE": true}}
	r.ledger.recs["F-1"] = &record{f: Finding{ID: "F-1", TicketID: "T-DONE", State: Recovered}}
	r.tellOfLost()
	if s := log.String(); !strings.Contains(s, "WARN") || !strings.Contains(s, "ticket=T-LOST") || strings.Contains(s, "T-DONE") {
		t.Errorf("it says %q", s)
	}
}
