package main

import (
	"context"
	"testing"
	"time"

	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/sim"
)

// Nobody looks at a user that an export leaves out. When it is exported again
// its rows are compared with those of before, and what went meanwhile is found.
func TestLeftOutForAWhile(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7750, Users: 8, Weather: &calm, Unfit: -1, Churn: -1})
	st := newStore(t)
	var one []schemas.UserID
	for u := range w.Truth().Users() {
		one = []schemas.UserID{schemas.UserID(u.Text("guid"))}
	}
	lost := map[string]bool{}
	found, came := 0, map[string]int{}
	for night := range 8 {
		s := set{}
		if night == 3 || night == 4 {
			s.only = one
		}
		if _, err := takeAs(context.Background(), w, st, s); err != nil {
			t.Fatal(err)
		}
		w.Advance(24 * time.Hour)
		res := judge(t, st, &reconcile.Options{Changes: true})
		for i := range res.Changes {
			c := &res.Changes[i]
			if c.Change == "added" && night == 5 {
				came[c.User]++
			}
			if c.Change == "removed" && lost[c.Transaction] {
				found++
			}
		}
		if night == 2 {
			for _, d := range w.Inject("Z1", 6) {
				lost[d.Transactions[0]] = true
			}
		}
	}
	for user, n := range came {
		if n > 60 {
			t.Errorf("%d rows of user %s came in three nights", n, user)
		}
	}
	if len(lost) < 4 || found < len(lost)-1 { // one member may have had bad nights since
		t.Errorf("%d of %d rows that went meanwhile were found", found, len(lost))
	}
}
