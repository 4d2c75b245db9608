package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
)

// What explain says of a transaction without a finding is what reconcile listed,
// night by night.
func TestExplainRepeatsReconcile(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 77, Users: 24, Weather: &calm, Unfit: -1, Transactions: 30, MaxPageSize: 1000, Start: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)})
	st := testStore(t)
	type line struct{ night, change, code, verdict, transaction, counterpart string }
	listed := map[string][]line{} // by transaction
	accused := map[string]bool{}
	for night := range 9 {
		for i, kind := range []string{"C1", "C2", "C4", "D1", "D2", "P3", "V1", "Z1", "Z3", "W2", "A1", "A2", "A3", "A4", "M1", "M2", "U1", "U2", "W3"} {
			if night > 2 && night%3 == i%3 {
				w.Inject(kind, 1)
			}
		}
		format := snapshot.Parquet
		if night > 6 {
			format = snapshot.CSV
		}
		m := exportWorld(t, w, st, schemas.MemberScope, format, 1000)
		res, err := reconcile.Run(t.Context(), st, &reconcile.Options{Changes: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range res.Changes {
			l := line{string(m.ID), c.Change, c.Code, c.Verdict, c.Transaction, c.Counterpart}
			for _, guid := range []string{c.Transaction, c.Counterpart} {
				if guid != "" {
					listed[guid] = append(listed[guid], l)
				}
			}
		}
		for _, f := range res.Findings {
			accused[string(f.Transaction)] = true
		}
		w.Advance(24 * time.Hour)
	}
	told := map[string]bool{}
	for _, guid := range slices.Sorted(maps.Keys(listed)) {
		var want []line // its own first, and one line of two that say the same
		codes := map[string]bool{}
		for _, l := range listed[guid] {
			codes[l.change+" "+l.code] = true
			same := func(o line) bool {
				return o.night == l.night && o.transaction == guid && o.counterpart == l.transaction
			}
			if l.transaction == guid || !slices.ContainsFunc(listed[guid], same) {
				want = append(want, l)
			}
		}
		slices.SortStableFunc(want, func(a, b line) int {
			own := map[bool]int{true: -1}
			return cmp.Or(strings.Compare(a.night, b.night), own[a.transaction == guid]-own[b.transaction == guid])
		})
		story := strings.Join(slices.Sorted(maps.Keys(codes)), ", ")
		if accused[guid] || told[story] {
			continue
		}
		told[story] = true
		x, err := reconcile.Explain(t.Context(), st, guid)
		if err != nil {
			t.Fatal(err)
		}
		var got []line
		for _, j := range x.Judgements {
			got = append(got, line{string(j.Snapshot), j.Change, string(j.Code), string(j.Verdict), j.Transaction, string(j.Counterpart)})
			if j.Says == "" {
				t.Errorf("%s has no sentence", j.Code)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n%v\nwas\n%v", guid, got, want)
		}
	}
	all := strings.Join(slices.Collect(maps.Keys(told)), ", ")
	for _, code := range strings.Fields("A1 A2 A3 A4 C1 C4 D1 D2 M1 M2 P1 P2 P4 U1 V1 W1 W2 W3 new") {
		if !strings.Contains(all, " "+code) {
			t.Errorf("the world is too kind: nothing was %s", code)
		}
	}
}
