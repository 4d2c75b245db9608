package sim

import (
	"maps"
	"slices"
)

// overlay holds what happened to the world from outside: deletions and
// aggregations that weather caused, and defects, each with its instant. It is
// never changed once a view may hold it, only replaced by an edited copy. What
// other sources of change will add (writes by a client) belongs here, too:
// sparse, timed, and keyed by what it is about.
type overlay struct {
	users   map[uint32]int64   // when a user was deleted
	members map[memberID]int64 // when a member was deleted
	runs    map[memberID][]run // aggregations out of schedule, oldest first

	// What defects did (see defect.go).
	accounts map[accountID]*accountEdits
	births   map[memberID][]birth // members deleted and re-created, by their first generation
	spells   map[memberID][]spell // nights that go otherwise than the seed has them
	disabled map[uint32][]spell   // users
	edition  uint64
}

// memberID is a member's place in the world.
type memberID struct {
	user uint32
	ord  uint8
	born uint8
}

// run is an aggregation out of schedule; end is zero while it goes on.
type run struct{ start, end int64 }

// birth is a member created anew, and how many days of history that brought.
type birth struct {
	at   int64
	days int32
}

// spell is a time in which a member or user is not as the seed has it.
type spell struct {
	from, until int64
	hollow      bool // aggregations succeed and bring nothing; otherwise they fail
}

func in(spells []spell, t int64) (spell, bool) {
	for _, s := range spells {
		if s.from <= t && t < s.until {
			return s, true
		}
	}
	return spell{}, false
}

// longestRun ends an aggregation that nobody saw end, in seconds.
const longestRun = 300

func (o *overlay) clone() *overlay {
	return &overlay{
		users: maps.Clone(o.users), members: maps.Clone(o.members), runs: maps.Clone(o.runs),
		accounts: maps.Clone(o.accounts), births: maps.Clone(o.births), spells: maps.Clone(o.spells),
		disabled: maps.Clone(o.disabled), edition: o.edition,
	}
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
