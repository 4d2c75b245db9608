package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"tallyport/reconcile"
	"tallyport/sim"
	"tallyport/snapshot"
)

// What was pruned stands; what is later is judged again from the oldest state
// that is kept, and comes out the same: asked to, or because a snapshot came late.
func TestJudgedAgainFromCheckpoint(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7710, Users: 12, Weather: &calm, Defects: standardDefects, Unfit: -1})
	st := newStore(t)
	for range 6 {
		live(t, w, st)
		judge(t, st, nil)
	}
	want := concluded(t, st)
	same := func(what string) {
		t.Helper()
		got := concluded(t, st)
		for file := range want {
			if !bytes.Equal(got[file], want[file]) {
				t.Errorf("%s: %s differs", what, file)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d files, want %d", what, len(got), len(want))
		}
	}
	ids, err := snapshot.List(st)
	if err != nil {
		t.Fatal(err)
	}
	away := func(id snapshot.ID) string { return st.Path("_manifests/" + string(id) + ".json") }
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	// Without the last but one night.
	move(away(ids[4]), away(ids[4])+".away")
	remove(t, st)
	judge(t, st, nil)
	for _, id := range ids[:3] {
		move(away(id), away(id)+".away")
	}
	move(away(ids[4])+".away", away(ids[4]))
	if res := judge(t, st, nil); len(res.Judged) != 2 {
		t.Errorf("a late snapshot: %v were judged, want the two last nights", res.Judged)
	}
	same("late")
	if res := judge(t, st, &reconcile.Options{Rebuild: true}); len(res.Judged) != 2 {
		t.Errorf("a rebuild: %v were judged", res.Judged)
	}
	same("rebuilt")
	res := judge(t, st, &reconcile.Options{Rebuild: true, Snapshot: ids[3]})
	if res.Summary.Snapshot != ids[3] || len(res.Judged) != 2 {
		t.Errorf("the report is of %s, %v were judged", res.Summary.Snapshot, res.Judged)
	}
	same("rebuilt, with an older report")

	// One that is older than what can be judged again is left, and nothing else.
	move(away(ids[1])+".away", away(ids[1]))
	if res := judge(t, st, nil); len(res.Judged) != 0 {
		t.Errorf("%v were judged", res.Judged)
	}
	same("one that was judged before is restored")

	// A damaged log cannot be made again without what is pruned.
	log := st.Path("_reconcile/events.jsonl")
	if err := os.WriteFile(log, append([]byte("{\n"), want["events.jsonl"]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := reconcile.Run(context.Background(), st, &reconcile.Options{Rebuild: true}); err == nil || !strings.Contains(err.Error(), "line 1") || !strings.Contains(err.Error(), "pruned") {
		t.Errorf("a damaged log: %v", err)
	}
	if data, err := os.ReadFile(log); err != nil || !bytes.HasPrefix(data, []byte("{\n")) {
		t.Errorf("it was overwritten: %v", err)
	}
}

// A night is judged again by the settings that it was judged by.
func TestJudgedAgainBySameSettings(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7910, Users: 12, Weather: &calm, Defects: map[string]float64{"Z1": 60}, Unfit: -1, Churn: -1})
	st := newStore(t)
	withheld := false
	for i := range 13 {
		live(t, w, st)
		res := judge(t, st, &reconcile.Options{MaxTickets: 1 + i%2*49, StaleAfter: time.Duration(30+i) * time.Hour})
		withheld = withheld || res.Summary.Tickets.Withheld > 0
	}
	want := concluded(t, st)
	judge(t, st, &reconcile.Options{Rebuild: true})
	for file, got := range concluded(t, st) {
		if !bytes.Equal(got, want[file]) {
			t.Errorf("%s differs", file)
		}
	}
	if !withheld {
		t.Error("no ticket ever waited")
	}
}
