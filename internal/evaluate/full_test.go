package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"tallyport/reconcile"
	"tallyport/sim"
	"tallyport/snapshot"
)

// full is a store on which there is room for so many bytes.
type full struct {
	snapshot.Store
	room int
}

type fullOut struct {
	snapshot.Out
	f *full
}

var errFull = errors.New("no space left on device")

func (f *full) Create(name string) (snapshot.Out, error) {
	out, err := f.Store.Create(name)
	return &fullOut{out, f}, err
}

func (o *fullOut) Write(b []byte) (int, error) {
	if o.f.room -= len(b); o.f.room < 0 {
		return 0, errFull
	}
	return o.Out.Write(b)
}

// A disk that fills up, at whatever byte, leaves the previous ledger, and the
// next run concludes what it would have concluded.
func TestFullDisk(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7720, Users: 6, Weather: &calm, Defects: standardDefects, Unfit: -1})
	st := newStore(t)
	for range 3 {
		live(t, w, st)
	}
	judge(t, st, nil)
	for range 2 {
		live(t, w, st)
	}
	before := concluded(t, st)["events.jsonl"]
	failed := 0
	for _, o := range []reconcile.Options{{}, {Rebuild: true}} {
		for room := 0; ; room += 1 + room/3 {
			_, err := reconcile.Run(context.Background(), &full{st, room}, &o)
			if err == nil {
				break
			}
			failed++
			if !errors.Is(err, errFull) {
				t.Fatalf("room for %d: %v", room, err)
			}
			if got := concluded(t, st)["events.jsonl"]; !bytes.Equal(got, before) {
				t.Fatalf("room for %d: the ledger is another one", room)
			}
			if _, err := reconcile.OpenLedger(st); err != nil {
				t.Fatalf("room for %d: %v", room, err)
			}
		}
		before = concluded(t, st)["events.jsonl"]
	}
	got := concluded(t, st)
	remove(t, st)
	judge(t, st, nil)
	for file, data := range concluded(t, st) {
		if !bytes.Equal(data, got[file]) {
			t.Errorf("%s differs from what a run that was never short of room writes", file)
		}
	}
	if failed < 20 {
		t.Errorf("only %d runs failed", failed)
	}
}
