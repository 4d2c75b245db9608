package sim

import (
	"maps"
	"slices"
)

// overlay holds what happened to the world from outside: deletions and
// aggregations that weather caused, each with its instant. It is never changed
// once a view may hold it, only replaced by an edited copy. What other sources
// of change will add (injected defects, writes by a client) belongs here, too:
// sparse, timed, and keyed by what it is about.
type overlay struct {
	users   map[uint32]int64   // when a user was deleted
	members map[memberID]int64 // when a member was deleted
	runs    map[memberID][]run // aggregations out of schedule, oldest first
}

// memberID is a member's place in the world.
type memberID struct {
	user uint32
	ord  uint8
	born uint8
}

// run is an aggregation out of schedule; end is zero while it goes on.
type run struct{ start, end int64 }

// longestRun ends an aggregation that nobody saw end, in seconds.
const longestRun = 300

func (o *overlay) clone() *overlay {
	return &overlay{users: maps.Clone(o.users), members: maps.Clone(o.members), runs: maps.Clone(o.runs)}
}

func (o *overlay) addRun(id memberID, r run) {
	if o.runs == nil {
		o.runs = make(map[memberID][]run)
	}
	o.runs[id] = append(slices.Clone(o.runs[id]), r)
}

// endRun ends the run that goes on, if one does.
func (o *overlay) endRun(id memberID, at int64) {
	runs := slices.Clone(o.runs[id])
	if n := len(runs); n > 0 && runs[n-1].end == 0 && at-runs[n-1].start <= longestRun {
		runs[n-1].end = at
		o.runs[id] = runs
	}
}

// putOnce records an instant unless there is one.
func putOnce[K comparable](m *map[K]int64, k K, at int64) {
	if *m == nil {
		*m = make(map[K]int64)
	}
	if _, ok := (*m)[k]; !ok {
		(*m)[k] = at
	}
}
