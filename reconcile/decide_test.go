package reconcile

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// ids of findings, in their order.
func idsOf(found []Finding) (ids []string) {
	for _, f := range found {
		ids = append(ids, f.ID)
	}
	return ids
}

func TestDecideOn(t *testing.T) {
	c := func(id string) Sighting { return sight(id, Confirmed) }
	start := func() *Ledger {
		l := newTestLedger()
		l.applyAt(0, c("F-1"), c("F-2"), on(c("F-3"), "MBR-2", Ticket, FailedUpdate), sight("F-4", Suspected))
		return l
	}
	one := string(ticketOfFinding(t, start(), "F-1"))
	by := func(a Action) Decision { return Decision{Action: a, At: time.Unix(1, 0), Who: "ann", Reason: "so"} }
	unknown, refused := new(UnknownError), new(RefusedError)
	for _, tt := range []struct {
		name string
		do   []Action
		ids  []string
		want []string // on what the last was decided, nil: it was refused
		err  any
	}{
		{"a ticket", []Action{Suppress}, []string{one}, []string{"F-1", "F-2"}, nil},
		{"twice the same", []Action{Close}, []string{"F-2", one, "F-2"}, []string{"F-1", "F-2"}, nil},
		{"two tickets' findings", []Action{Submit}, []string{"F-1", "F-3"}, []string{"F-1", "F-3"}, nil},
		{"one that is not there", []Action{Submit}, []string{"F-1", "F-9", "T-9"}, nil, &unknown},
		{"one that does not allow it", []Action{Submit}, []string{"F-1", "F-4"}, nil, &refused},
		{"a ticket without one that allows it", []Action{Unsuppress}, []string{one}, nil, &refused},
		{"nothing", []Action{Submit}, nil, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := start()
			found, err := l.DecideOn(by(tt.do[0]), tt.ids...)
			if tt.err != nil {
				if !errors.As(err, tt.err) || len(l.Decisions()) != 0 || len(l.pending) != 0 {
					t.Fatalf("%v, and %d decisions are kept", err, len(l.Decisions()))
				}
				for _, f := range l.Findings() {
					if f.State != Open && f.State != Candidate {
						t.Errorf("%s is %s", f.ID, f.State)
					}
				}
				return
			}
			if err != nil || !slices.Equal(idsOf(found), tt.want) || len(l.Decisions()) != len(tt.want) {
				t.Errorf("decided on %v, %v, %d decisions; want %v", idsOf(found), err, len(l.Decisions()), tt.want)
			}
			checkReplay(t, l)
		})
	}
	if _, err := start().DecideOn(by(Submit), "F-9", "T-9", "F-9"); err == nil || err.Error() != "there is no finding or ticket F-9, T-9" {
		t.Errorf("of what is not there: %v", err)
	}
}

// Of a ticket a decision is made on what admits it: what was put aside is not
// sent with the rest.
func TestDecideOnPartOfTicket(t *testing.T) {
	l := newTestLedger()
	l.applyAt(0, sight("F-1", Confirmed), sight("F-2", Confirmed))
	decide(t, l, Suppress, "F-1")
	found, err := l.DecideOn(Decision{Action: Submit, At: time.Unix(1, 0), Who: "ann", Ref: "ZD-1"}, string(ticketOfFinding(t, l, "F-2")))
	if err != nil || !slices.Equal(idsOf(found), []string{"F-2"}) || found[0].State != Submitted {
		t.Errorf("%v, %v", found, err)
	}
	if id, err := l.KnownTicket("F-2"); err != nil || id != string(ticketOfFinding(t, l, "F-2")) {
		t.Errorf("ticket %q, %v", id, err)
	}
	l.applyAt(1, sight("F-1", Confirmed), sight("F-2", Confirmed), sight("F-3", Suspected))
	if _, err := l.KnownTicket("F-3"); err == nil {
		t.Error("a candidate has a ticket")
	}
	if err := l.Decide(Decision{Action: Probe, Finding: "F-2", Transaction: "TRN-1", Answer: NotThere, At: time.Unix(2, 0)}); err != nil {
		t.Fatal(err)
	}
	told, err := l.Told("F-2")
	if err != nil || len(told.Decisions) != 1 || len(told.Events) != 2 || told.Says == "" {
		t.Errorf("told %+v, %v", told, err)
	}
	if _, err := l.Told("F-9"); !errors.As(err, new(*UnknownError)) {
		t.Errorf("told of nothing: %v", err)
	}
}
