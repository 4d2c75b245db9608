package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// staleEntry is a member in S2 to S5, and when it went stale.
type staleEntry struct {
	Institution, Member, Finding string
	At                           schemas.Timestamp
}

// staleEntry returns the member's part in an outage. It went stale when its
// last success became too old, not when we noticed: after a week without looks,
// or on the first night, all members are noticed together. A member whose time
// cannot be told by its last success takes no part.
func (h memberHistory) staleEntry(member, institution string, after time.Duration) (staleEntry, bool) {
	switch h.Shown.Code {
	case "S2", "S3", "S4", "S5":
	default:
		return staleEntry{}, false
	}
	if h.Success == nil || h.Resumed || institution == "" {
		return staleEntry{}, false
	}
	at := *h.Success + schemas.Timestamp(after/time.Microsecond)
	return staleEntry{institution, member, episodeID(member, h.Success), at}, true
}

// outageState is an outage that is not over.
type outageState struct {
	Institution string            `json:"i"`
	Onset       schemas.Timestamp `json:"o"` // when its first member went stale
	First       snapshot.ID       `json:"f"`
	Last        snapshot.ID       `json:"l"`
}

func (o *outageState) id() string {
	return findingID("outage", o.Institution, o.Onset.Time().Format(time.DateOnly))
}

// outageTakes is how many members of an institution must go stale together.
func outageTakes(total int) int { return min(max(5, (total+4)/5), 10) }

// mostListed bounds the members named in the evidence; the count has them all.
const mostListed = 200

// outages finds the institutions of which many members went stale together
// (S15). stale holds every member that is stale by its last look, tonight or
// before; totals the number of members of each institution. It returns the
// outages that go on, what follows for their findings, and for each member's
// finding the id of the outage it belongs to.
func outages(live []outageState, night snapshot.ID, totals map[string]int, stale []staleEntry, after time.Duration) ([]outageState, []Sighting, map[string]string) {
	was, entries := map[string][]outageState{}, map[string][]staleEntry{}
	codes := map[string]bool{}
	for _, o := range live {
		was[o.Institution] = append(was[o.Institution], o)
		codes[o.Institution] = true
	}
	for _, e := range stale {
		entries[e.Institution] = append(entries[e.Institution], e)
		codes[e.Institution] = true
	}
	t := outageNight{night: night, after: after, links: map[string]string{}}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		t.institution(was[code], entries[code], totals[code])
	}
	slices.SortFunc(t.found, func(a, b Sighting) int { return cmp.Compare(a.ID, b.ID) })
	return t.next, t.found, t.links
}

type outageNight struct {
	night snapshot.ID
	after time.Duration
	next  []outageState
	found []Sighting
	links map[string]string
}

func (t *outageNight) institution(live []outageState, stale []staleEntry, total int) {
	slices.SortFunc(stale, func(a, b staleEntry) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Member, b.Member))
	})
	slices.SortFunc(live, func(a, b outageState) int { return cmp.Compare(a.Onset, b.Onset) })
	takes := outageTakes(total)

	var over []outageState
	for _, o := range live {
		// Half of what it took, so that one member more or less does not end
		// and begin it. Those that remain have tickets of their own.
		if in, rest := t.divide(o, stale); 2*len(in) >= takes {
			t.goesOn(o, in, total)
			stale = rest
		} else {
			over = append(over, o)
		}
	}
	for i := 0; i+takes <= len(stale); {
		onset := stale[i]
		if between(onset.At, stale[i+takes-1].At) > t.after {
			i++
			continue
		}
		o := outageState{Institution: onset.Institution, Onset: onset.At, First: t.night}
		if j := slices.IndexFunc(over, func(w outageState) bool { return w.id() == o.id() }); j >= 0 {
			o.First = over[j].First
			over = slices.Delete(over, j, j+1)
		}
		in, rest := t.divide(o, stale)
		t.goesOn(o, in, total)
		stale, i = rest, 0
	}
	for _, o := range over {
		in, _ := t.divide(o, stale)
		t.found = append(t.found, Sighting{o.finding(in, total), Undone})
	}
}

// divide tells the members that went stale with the outage from the rest. Some
// that did so shortly before it are noticed only later.
func (t *outageNight) divide(o outageState, stale []staleEntry) (in, rest []staleEntry) {
	for _, e := range stale {
		if between(o.Onset, e.At).Abs() <= t.after {
			in = append(in, e)
		} else {
			rest = append(rest, e)
		}
	}
	return in, rest
}

func (t *outageNight) goesOn(o outageState, in []staleEntry, total int) {
	o.Last = t.night
	t.next = append(t.next, o)
	t.found = append(t.found, Sighting{o.finding(in, total), Confirmed})
	for _, e := range in {
		t.links[e.Finding] = o.id()
	}
}

// linkOutages notes in the members' findings the outage that carries them.
func linkOutages(found []Sighting, links map[string]string) {
	for _, s := range found {
		if id := links[s.ID]; id != "" {
			s.Evidence["outage"] = id
		}
	}
}

func (o *outageState) finding(members []staleEntry, total int) Finding {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.Member
	}
	slices.Sort(names)
	r := ruleOf("S15")
	return Finding{
		ID: o.id(), Kind: r.Kind, Code: r.Code, Verdict: r.Verdict, IssueType: r.Issue,
		Institution: text(o.Institution), First: o.First, Last: o.Last,
		Evidence: map[string]any{
			"onset":         o.Onset.String(),
			"members_stale": len(members),
			"members_total": total,
			"members":       names[:min(len(names), mostListed)],
			"action":        "Nothing is asked of the users; send MX support one ticket for the institution.",
		},
		MissingInputs: MissingInputsFor(r.Issue),
	}
}
