package report

import (
	"slices"
	"testing"
	"time"

	"tallyport/reconcile"
	"tallyport/sim"
	"tallyport/snapshot"
)

// some nights of a world in which members go stale and rows are lost, judged
// with the options after each.
func someNights(t *testing.T, n int, o reconcile.Options) (snapshot.Store, []*reconcile.Result) {
	t.Helper()
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 5, Users: 25, Weather: &calm, Transactions: 40, MaxPageSize: 1000, Start: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)})
	st, err := snapshot.CreateDir(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	var all []*reconcile.Result
	for night := range n {
		if night == 1 {
			w.Inject("Z1", 6)
			w.Inject("S2", 9)
		}
		exported(t, w, st, snapshot.Parquet, func(string) bool { return false })
		res, err := reconcile.Run(t.Context(), st, &o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, res)
		w.Advance(24 * time.Hour)
	}
	return st, all
}

// The nights that are shown are those of the findings that the table has first,
// and it is known of how many they are.
func TestMostUrgent(t *testing.T) {
	st, all := someNights(t, 6, reconcile.Options{})
	res := all[5]
	r, err := gather(t.Context(), st, res, res.Findings, 2)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range r.urgent() {
		if f.Member != "" && f.State.Raised() {
			want = append(want, f.ID)
		}
	}
	if len(want) < 3 || r.Urgent != len(want) || !slices.Equal(r.Detailed, want[:2]) {
		t.Errorf("of %d there are %v, want the first of %v", r.Urgent, r.Detailed, want)
	}
}
