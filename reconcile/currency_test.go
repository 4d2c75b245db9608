package reconcile

import (
	"slices"
	"testing"

	"tallyport/schemas"
)

// An account in another currency has another balance: that is no step of the
// ledger, and what its balance does is learned anew.
func TestAnotherCurrencyIsNoStep(t *testing.T) {
	at := (day0 + 2).Timestamp()
	baseAt := (day0 + 1).Timestamp()
	var before, after []txn
	for day := range 4 {
		a := on0(day-8, "Shop", -1000*cent)
		a.Currency = "USD"
		b := a
		b.Currency, b.Amount, b.Hash = "CAD", a.Amount*4/3, 99
		before, after = append(before, a), append(after, b)
	}
	st := &accountState{Member: "MBR-1", Booked: -4000 * cent}
	for i := range needSamples {
		st.Samples = append(st.Samples, sample{At: (day0 - 20 + schemas.Date(i)).Timestamp(), Balance: 9000 * cent})
	}
	w := schemas.Window{From: day0 - 90, To: day0 + 5}
	n := &accountNight{user: "USR-1", account: "ACT-1", st: st, look: &look{night: "20261102T020000Z", at: at, base: "20261101T020000Z", baseAt: baseAt, baseSAA: &baseAt, saa: &at, before: w, window: w}}
	mustCompare(n, before, after)
	if !slices.ContainsFunc(n.changes, func(v verdictOn) bool { return v.code == "C3" }) {
		t.Fatalf("%+v", n.changes)
	}
	if len(st.Samples) > 0 {
		t.Errorf("%d samples of the old currency are left", len(st.Samples))
	}
	if want := schemas.Money(0); st.Booked >= want {
		t.Errorf("booked %v", st.Booked)
	}
}
