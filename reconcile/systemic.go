package reconcile

import (
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

const (
	// The kill switch: a mass event is more likely our fault or an outage.
	systemicShare   = 20 // one in so many posted rows of a member
	systemicMembers = 20
	// In a large store so many members lose a row by chance every night: it takes
	// one in so many.
	systemicOf = 200
)

// mass is how many members must lose rows at once for it to be one event.
func (c *nightCounts) mass() int { return max(systemicMembers, int(c.complete/systemicOf)) }

// massEvent is a night on which the kill switch fired.
type massEvent struct {
	Night snapshot.ID       `json:"n"`
	At    schemas.Timestamp `json:"t"` // server's time
	// Late are members that were not aggregated in time for that night, and lost
	// as much when they were.
	Late []straggler `json:"l,omitempty"`
}

type straggler struct {
	Night  snapshot.ID `json:"n"` // the first without its rows
	Member string      `json:"m"`
}

// lossy lists the members of which more than 5 % of the posted rows vanished at
// once.
func (c *nightCounts) lossy() (all []string) {
	for _, member := range sortedKeys(c.vanished) {
		if c.vanished[member]*systemicShare > c.had[member] {
			all = append(all, member)
		}
	}
	return all
}

// massEvents adds a night to the events: as one of its own, or else its lossy
// members as stragglers of the last one, if their last look before had nothing
// younger than that. fetched is when that look's rows were aggregated.
func massEvents(past []massEvent, night snapshot.ID, at schemas.Timestamp, fired bool, lossy []string, fetched map[string]schemas.Timestamp) []massEvent {
	if fired {
		return append(slices.Clone(past), massEvent{Night: night, At: at})
	}
	if len(past) == 0 || len(lossy) == 0 {
		return past
	}
	all := slices.Clone(past)
	last := &all[len(all)-1]
	last.Late = slices.Clone(last.Late)
	for _, m := range lossy {
		if fetched[m] < last.At {
			last.Late = append(last.Late, straggler{night, m})
		}
	}
	return all
}

// withhold keeps what was lost in a mass event, or seems to be since, from
// becoming tickets. It returns of how many there would be one.
func withhold(all []Sighting, events []massEvent) ([]Sighting, int) {
	of := map[straggler]snapshot.ID{}
	for _, e := range events {
		of[straggler{Night: e.Night}] = e.Night
		for _, s := range e.Late {
			of[s] = e.Night
		}
	}
	members := map[text]bool{}
	for i := range all {
		s := &all[i]
		if !s.Kind.aboutTransactions() || s.Verdict != Ticket || !s.Claim.isTrue() {
			continue
		}
		event := of[straggler{Night: s.First}]
		if event == "" {
			event = of[straggler{s.First, string(s.Member)}]
		}
		if event != "" {
			s.Verdict = Review
			s.Evidence["systemic"] = string(event)
			if s.Claim == Confirmed { // what is not sure yet would get none tonight
				members[s.Member] = true
			}
		}
	}
	return all, len(members)
}
