package reconcile

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyport/schemas"
	"tallyport/snapshot"

	"github.com/google/go-cmp/cmp"
)

// wentStale makes members of an institution that went stale at the offsets.
func wentStale(t *testing.T, institution string, offsets ...string) []staleEntry {
	t.Helper()
	var out []staleEntry
	for i, o := range offsets {
		m := fmt.Sprintf("MBR-%s-%d", institution, i)
		out = append(out, staleEntry{institution, m, "F-" + m, *staleAt(t, o)})
	}
	return out
}

func TestOutages(t *testing.T) {
	type night struct {
		total   int
		offsets string
		want    string // claims, how many members, the onset's day
	}
	for _, c := range []struct {
		name   string
		nights []night
	}{
		{"four are too few", []night{{8, "0h 1h 2h 3h", ""}}},
		{"five of five and twenty", []night{{25, "0h 1h 2h 3h 4h", "confirmed 5 20"}}},
		{"five of six and twenty are no fifth", []night{{26, "0h 1h 2h 3h 4h", ""}}},
		{"ten of any number", []night{{90000, "0h 1h 2h 3h 4h 5h 6h 7h 8h 9h", "confirmed 10 20"}}},
		{"nine are not", []night{{90000, "0h 1h 2h 3h 4h 5h 6h 7h 8h", ""}}},
		{"within 48 h", []night{{5, "0h 1h 2h 3h 48h", "confirmed 5 20"}}},
		{"not within 48 h", []night{{5, "0h 1h 2h 3h 48h0m1s", ""}}},
		{"a slow drip is no outage, a burst after it is", []night{{30, "-400h -300h -200h -100h 0h 1h 2h 3h 4h 5h", "confirmed 6 20"}}},
		{"the onset stays when an earlier one shows", []night{
			{9, "1h 2h 3h 4h 5h", "confirmed 5 20"},
			{9, "-12h 1h 2h 3h 4h 5h", "confirmed 6 20"}}},
		{"it stays until fewer than half remain", []night{
			{9, "0h 1h 2h 3h 4h", "confirmed 5 20"},
			{9, "2h 3h 4h", "confirmed 3 20"},
			{9, "2h 3h", "undone 2 20"},
			{9, "2h 3h", ""}}},
		{"and ends when none does", []night{
			{9, "0h 1h 2h 3h 4h", "confirmed 5 20"},
			{9, "", "undone 0 20"},
			{9, "", ""}}},
		{"a second one long after", []night{
			{9, "0h 1h 2h 3h 4h", "confirmed 5 20"},
			{9, "0h 1h 2h 3h 4h 240h 241h 242h 243h 244h", "confirmed 5 20; confirmed 5 30"},
			{9, "240h 241h 242h 243h 244h", "undone 0 20; confirmed 5 30"}}},
		{"two at once", []night{
			{9, "0h 1h 2h 3h 4h 240h 241h 242h 243h 244h", "confirmed 5 20; confirmed 5 30"}}},
		{"again on the same day is the same", []night{
			{9, "0h 1h 2h 3h 4h", "confirmed 5 20"},
			{9, "8h 49h0m1s 50h 51h 52h", "confirmed 5 20"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var live []outageState
			first := map[string]snapshot.ID{}
			for i, n := range c.nights {
				in := wentStale(t, "bank", strings.Fields(n.offsets)...)
				// Others have no part in it, whatever they do.
				other := wentStale(t, "other", "0h", "0h", "0h", "0h")
				stale := slices.Concat(other, in)
				rand.New(rand.NewPCG(1, uint64(i))).Shuffle(len(stale), func(a, b int) { stale[a], stale[b] = stale[b], stale[a] })
				id := snapshot.IDOf(staleBase.AddDate(0, 0, i))
				var found []Sighting
				var links map[string]string
				live, found, links = outages(live, id, map[string]int{"bank": n.total, "other": 5}, stale, 48*time.Hour)
				slices.SortFunc(found, func(a, b Sighting) int {
					return strings.Compare(a.Evidence["onset"].(string), b.Evidence["onset"].(string))
				})
				var got []string
				linked := 0
				for _, s := range found {
					onset := s.Evidence["onset"].(string)
					got = append(got, fmt.Sprintf("%s %d %s", s.Claim, s.Evidence["members_stale"], onset[8:10]))
					if s.ID != findingID("outage", "bank", onset[:10]) || s.Institution != "bank" || s.Code != "S15" || s.Verdict != Ticket {
						t.Errorf("night %d: %+v", i+1, s)
					}
					if s.Claim == Confirmed {
						for _, m := range s.Evidence["members"].([]string) {
							linked++
							if links["F-"+m] != s.ID {
								t.Errorf("night %d: %s is not linked to its outage", i+1, m)
							}
						}
					}
					if first[s.ID] == "" {
						first[s.ID] = id
					}
					if s.First != first[s.ID] {
						t.Errorf("night %d: first true in %s, want %s", i+1, s.First, first[s.ID])
					}
					if s.Claim == Confirmed && s.Last != id || s.Claim != Confirmed && s.Last == id {
						t.Errorf("night %d: %s, last true in %s", i+1, s.Claim, s.Last)
					}
				}
				if s := strings.Join(got, "; "); s != n.want {
					t.Errorf("night %d: got %q, want %q", i+1, s, n.want)
				}
				if linked != len(links) {
					t.Errorf("night %d: %d members are linked, %d are in an outage", i+1, len(links), linked)
				}
			}
		})
	}
}

// Members are noticed together after a week without looks and on the first
// night; they went stale when they did.
func TestStaleEntry(t *testing.T) {
	for _, c := range []struct{ looks, want string }{
		{"0h CONNECTED ok=-60h try=-60h =>", "-12h"},
		{"0h CONNECTED ok=-500h try=-1h =>\n24h CONNECTED =>", "-452h"},
		{"0h CONNECTED ok=-1h try=-1h =>\n168h CONNECTED =>", "47h"},
		{"0h DEGRADED ok=-1h try=-1h =>", ""},
		{"0h EXPIRED ok=-60h try=-60h =>", ""},
		{"0h FAILED ok=-90h try=-60h =>\n30h FAILED =>", ""},
		{"0h CONNECTED ok=never try=-60h =>\n30h CONNECTED =>\n60h CONNECTED =>", ""},
		{"0h CONNECTED ok=-60h try=-60h =>\n24h CONNECTED ok=20h try=20h =>", ""},
		{"0h CONNECTED ok=-60h try=-60h off =>\n30h CONNECTED =>\n60h CONNECTED =>\n90h CONNECTED =>", ""},
	} {
		looks, _ := nights(t, c.looks)
		var h memberHistory
		var found []Sighting
		for _, n := range looks {
			h, found = h.stale("USR-1", "MBR-1", n, 48*time.Hour)
		}
		e, ok := h.staleEntry("MBR-1", "bank", 48*time.Hour)
		if !ok || c.want == "" {
			if ok || c.want != "" {
				t.Errorf("%s: %v %v, want %q", c.looks, e.At, ok, c.want)
			}
			continue
		}
		if e.At != *staleAt(t, c.want) || e.Finding != found[0].ID {
			t.Errorf("%s: at %v, want %s", c.looks, e.At, c.want)
		}
		linkOutages(found, map[string]string{e.Finding: "F-OUT"})
		if found[0].Evidence["outage"] != "F-OUT" {
			t.Errorf("%s: not linked: %v", c.looks, found[0].Evidence)
		}
		if _, ok := h.staleEntry("MBR-1", "", 48*time.Hour); ok {
			t.Error("a member of no institution takes part in an outage")
		}
	}
}

// Random histories: what is said does not depend on looks that come again nor
// on the history's way through JSON; an episode has one id, from its first
// sighting until it is closed, once.
func TestStaleRandom(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var statuses []string
	for s := range conditions {
		statuses = append(statuses, s)
	}
	statuses = append(statuses, "QUARANTINED", "BANISHED", "CONNECTED", "CONNECTED", "CONNECTED", "DEGRADED", "DEGRADED")
	slices.Sort(statuses) // a seed is to mean one history
	codes := map[Code]int{}
	for round := range 150 {
		var h, other memberHistory
		n := memberNight{ObservedAt: schemas.TimestampOf(staleBase), Institution: "bank"}
		open := map[string]bool{}
		var success *schemas.Timestamp
		for night := range 60 {
			n.ObservedAt += schemas.Timestamp(20+rnd.IntN(8)) * 3600e6
			if rnd.IntN(20) == 0 {
				n.ObservedAt += schemas.Timestamp(rnd.IntN(200)) * 3600e6
			}
			n.Snapshot = snapshot.IDOf(n.ObservedAt.Time())
			if rnd.IntN(4) == 0 {
				n.Status = statuses[rnd.IntN(len(statuses))]
			}
			if rnd.IntN(3) == 0 {
				n.AggregatedAt = new(n.ObservedAt - 3600e6)
			}
			switch rnd.IntN(14) {
			case 0:
				n.Succeeded = new(n.ObservedAt - 1800e6)
			case 1:
				if rnd.IntN(4) == 0 {
					n.Succeeded = nil
				}
			}
			n.Busy = []*bool{nil, new(true), new(true), new(false)}[rnd.IntN(4)]
			n.UserDisabled, n.Manual = rnd.IntN(15) == 0, rnd.IntN(15) == 0

			was := h
			var found, same []Sighting
			h, found = h.stale("USR-1", "MBR-1", n, 48*time.Hour)
			if night > 0 && rnd.IntN(2) == 0 { // the look before comes again
				before := n
				before.ObservedAt, before.Status = was.Last, "CLOSED"
				var again []Sighting
				if other, again = other.stale("USR-1", "MBR-1", before, 48*time.Hour); again != nil {
					t.Fatalf("round %d: a look that came again says %s", round, says(again))
				}
			}
			var back memberHistory
			b, err := json.Marshal(other)
			if err != nil || json.Unmarshal(b, &back) != nil {
				t.Fatal(err)
			}
			if len(b) > 800 {
				t.Fatalf("round %d: a history of %d bytes: %s", round, len(b), b)
			}
			other, same = back.stale("USR-1", "MBR-1", n, 48*time.Hour)
			if d := cmp.Diff(found, same); d != "" {
				t.Fatalf("round %d, night %d: (-plain +through JSON)\n%s", round, night, d)
			}

			moved := night > 0 && !sameInstant(success, n.Succeeded)
			success = n.Succeeded
			episodes := 0
			for _, s := range found {
				codes[s.Code]++
				unknown := s.Code == "unknown_status"
				switch {
				case s.Claim == Confirmed:
					if !unknown {
						episodes++
						if s.ID != episodeID("MBR-1", n.Succeeded) {
							t.Fatalf("round %d: the id is of another episode", round)
						}
					}
					open[s.ID] = true
				case !open[s.ID]:
					t.Fatalf("round %d: %s closes what is not open", round, says(found))
				case !unknown && !moved:
					t.Fatalf("round %d: an episode ends without a success", round)
				default:
					delete(open, s.ID)
				}
			}
			if episodes > 1 || len(open) > 2 {
				t.Fatalf("round %d: %d sightings of episodes, %d findings open", round, episodes, len(open))
			}
			if moved && len(open) > episodes+1 {
				t.Fatalf("round %d: the old episode stays open", round)
			}
		}
	}
	for _, r := range rules {
		switch r.Kind {
		case staleMember, stuckMember, memberAction, memberEnded, unknownStatus:
			if codes[r.Code] == 0 {
				t.Errorf("no history came to %s", r.Code)
			}
		}
	}
}
