package reconcile

import (
	"testing"

	"tallyport/schemas"
)

// A job that fetches no balance moves successfully_aggregated_at all the same:
// the balance that still stands there says nothing of that night.
func TestBalanceOfAnotherDay(t *testing.T) {
	a := &accountState{}
	at := func(x schemas.Timestamp) *schemas.Timestamp { return &x }
	for i, x := range []struct {
		at   *schemas.Timestamp
		want bool
	}{{at(10), true}, {at(10), false}, {nil, true}, {at(10), false}, {at(11), true}, {at(9), false}} {
		if got := a.updatedBy(x.at); got != x.want {
			t.Errorf("%d: %t", i, got)
		}
	}
	h := newHousehold()
	samples := func() int { return len(h.st.Accounts[usual].Samples) }
	before := samples()
	h.account(usual).updated = at(1)
	h.tonight()
	h.tonight() // aggregated, and the account is as old as before
	if n := samples(); n != min(before+1, keptSamples) {
		t.Errorf("%d balances were noted in two nights of which one brought any", n-before)
	}
	h.account(usual).updated = at(2)
	h.tonight()
	if n := samples(); n != min(before+2, keptSamples) {
		t.Errorf("%d balances, want 2", n-before)
	}
}
