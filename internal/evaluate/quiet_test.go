package main

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"tallyport/reconcile"
	"tallyport/sim"
)

// A finding that stays what it is has no event night after night: what is said
// again differs in a fact, not in an age.
func TestQuietNightsHaveNoEvents(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7740, Users: 16, Weather: &calm, Defects: standardDefects, Unfit: -1})
	st := newStore(t)
	const nights = 12
	for range nights {
		live(t, w, st)
	}
	judge(t, st, nil)
	l, err := reconcile.OpenLedger(st)
	if err != nil {
		t.Fatal(err)
	}
	members := 0
	for _, f := range l.Findings() {
		_, events, _ := l.Finding(f.ID)
		still := map[string]int{} // by what changed
		for i, e := range events[1:] {
			if e.Name != reconcile.WasStill {
				continue
			}
			for _, key := range slices.Sorted(maps.Keys(e.Finding.Evidence)) {
				if !reflect.DeepEqual(e.Finding.Evidence[key], events[i].Finding.Evidence[key]) {
					still[key]++
				}
			}
		}
		for key, n := range still {
			if n > nights/3 {
				t.Errorf("%s %s: %s changed on %d nights", f.Kind, f.Code, key, n)
			}
		}
		if f.Transaction == "" && f.Member != "" && f.State.Live() {
			members++
		}
	}
	if members < 3 {
		t.Errorf("%d findings of members: nothing was looked at", members)
	}
}
