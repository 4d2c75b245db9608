package main

import (
	"context"
	"testing"
	"time"

	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/sim"
)

// What MX says of single rows: of one that the feed lost, and of the others of
// its account.
func TestProbe(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7760, Users: 10, Weather: &calm, Unfit: -1})
	all := w.Inject("Z1", 3)
	w.Advance(72 * time.Hour)
	c, err := clientOf(w, set{})
	if err != nil || len(all) == 0 {
		t.Fatal(err, all)
	}
	there := 0
	for _, d := range all {
		a, err := c.Probe(context.Background(), schemas.UserID(d.User), schemas.TransactionID(d.Transactions[0]))
		if err != nil || a.Answer != reconcile.NotThere {
			t.Errorf("a lost row: %+v %v", a, err)
		}
		for r := range w.Truth().Transactions(d.User, d.Member, w.Now().AddDate(0, 0, -20), w.Now()) {
			a, err := c.Probe(context.Background(), schemas.UserID(d.User), schemas.TransactionID(r.Text("guid")))
			if err != nil || a.Answer != reconcile.StillThere || a.Date == nil || a.Date.String() != r.Text("date") {
				t.Errorf("%s of %s: %+v %v", r.Text("guid"), r.Text("date"), a, err)
			}
			there++
		}
	}
	if there == 0 {
		t.Error("no row is there")
	}
}
