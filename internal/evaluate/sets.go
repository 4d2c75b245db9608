package main

import (
	"maps"
	"time"

	"tallyport/schemas"
	"tallyport/sim"
)

// set is a kind of world: how large, how long, what goes wrong in it.
type set struct {
	users, nights int
	defects       map[string]float64 // per 10,000 accounts and night
	cases         []hardCase         // done to so many targets, spread over the nights
	times         int
	twins         float64
	lag           int              // days that everything posts later
	skew          time.Duration    // of the clock of the machine that exports
	unlooked      []int            // nights without an export
	swap          float64          // share of walks whose pages drift without a trace
	page          int              // records per page, 0 = 1000
	walks         int              // at once, 0 = 2
	probe         bool             // MX is asked for each row before it becomes a ticket
	only          []schemas.UserID // nil: all are exported
	again         bool             // keep all snapshots, and judge them again
}

// sets as in reconcile.md §1.e.
var sets = map[string]set{
	"smoke":    {users: 25, nights: 30, defects: standardDefects, again: true},
	"middle":   {users: 110, nights: 45, defects: standardDefects, again: true},
	"standard": {users: 460, nights: 50, defects: standardDefects},
	"clean":    {users: 120, nights: 40},
}

var standardDefects = map[string]float64{
	"Z1": 30, "Z3": 10, "P5": 10, "V1": 15, "D1": 40, "D2": 40, "P3": 5, "C1": 10, "C2": 3, "C4": 3, "W3": 2,
	"M2": 2, "A1": 1, "A2": 2, "A3": 1, "A4": 2, "M3b": 2, "N1": 15, "N6": 10, "C3": 1,
	"N2": 5, "N2b": 5, "N3": 5, "N4": 5, "N5": 5, "W2": 35,
}

// with is the standard rates with one of them changed.
func with(kind string, rate float64) map[string]float64 {
	m := maps.Clone(standardDefects)
	m[kind] = rate
	return m
}

// hardSets are the worlds of the hard cases.
var hardSets = []struct {
	name string
	set  set
}{
	{"hard rows", set{users: 460, nights: 48, twins: 0.05, times: 215, cases: rowCases}},
	{"hard accounts", set{users: 480, nights: 36, times: 220, cases: accountCases}},
	{"hard members", set{users: 620, nights: 34, times: 220, cases: memberCases}},
	{"hard drift", set{users: 60, nights: 24, swap: 0.5, page: 25}},
	{"hard week", set{users: 150, nights: 40, unlooked: []int{18, 19, 20, 21, 22, 23, 24}, times: 210, cases: weekCases}},
	{"hard clock", set{users: 150, nights: 40, skew: -7 * time.Minute, times: 210, cases: clockCases}},
}

// sweeps are rates that precision hangs on.
var sweeps = []struct {
	name string
	set  set
}{
	{"bank voids 0", set{defects: with("V1", 0)}},
	{"bank voids 15", set{defects: standardDefects}},
	{"bank voids 60", set{defects: with("V1", 60)}},
	{"bank voids 150", set{defects: with("V1", 150)}},
	{"twins 0.02", set{defects: standardDefects, twins: 0.02}},
	{"twins 0.10", set{defects: standardDefects, twins: 0.10}},
	{"posting +1 day", set{defects: standardDefects, lag: 1}},
	{"posting +3 days", set{defects: standardDefects, lag: 3}},
}

func sweepSet(s set) set {
	s.users, s.nights = 110, 40
	return s
}

func (s set) world(seed uint64) *sim.World {
	calm := sim.Calm()
	calm.SwapDrift = s.swap
	return sim.New(sim.Config{Seed: seed, Users: s.users, Weather: &calm, Defects: s.defects, Twins: s.twins, PostingLag: s.lag,
		Unfit: -1, Start: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)})
}

// strike does the night's share of the cases: so many of each that all happen
// between the eleventh night, when balances can be understood, and a week before
// the end.
func (s set) strike(w *sim.World, night int) {
	first, last := 11, s.nights-8
	if night < first || night >= last {
		return
	}
	nights := last - first
	for _, c := range s.cases {
		if n := s.times*(night-first+1)/nights - s.times*(night-first)/nights; n > 0 && c.kind != "" {
			w.Inject(c.kind, n)
		}
	}
}
