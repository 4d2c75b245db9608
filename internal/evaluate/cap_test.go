package main

import (
	"bytes"
	"testing"

	"tallyport/reconcile"
	"tallyport/sim"
)

// Which tickets wait does not depend on when or how the nights were judged.
func TestWaitingTicketsAreTheSame(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7750, Users: 60, Weather: &calm, Defects: standardDefects, Unfit: -1})
	st := newStore(t)
	waited := 0
	for range 6 {
		live(t, w, st)
		waited += judge(t, st, &reconcile.Options{MaxTickets: 1}).Summary.Tickets.Withheld
	}
	if waited == 0 {
		t.Fatal("nothing had to wait")
	}
	want := concluded(t, st)
	for name, o := range map[string]reconcile.Options{
		"rebuilt":     {Rebuild: true, MaxTickets: 1, Concurrency: 1},
		"all at once": {MaxTickets: 1, Concurrency: 8},
	} {
		if !o.Rebuild {
			remove(t, st)
		}
		judge(t, st, &o)
		for file, data := range concluded(t, st) {
			if !bytes.Equal(data, want[file]) {
				t.Errorf("%s: %s differs", name, file)
			}
		}
	}
}
