package reconcile

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tallyport/snapshot/storetest"
)

// randomNights returns sightings of 40 nights, some of them days apart, of
// findings on three members and two outages.
func randomNights(r *rand.Rand) (nights [][]Sighting, at []float64) {
	when := 0.0
	for range 40 {
		when += 1 + float64(r.IntN(12)/11*35)
		var night []Sighting
		for i := range 30 {
			if r.IntN(3) == 0 {
				continue
			}
			s := sight(fmt.Sprintf("F-%02d", i), []Claim{Suspected, Suspected, Confirmed, Confirmed, Confirmed, Undone, Harmless, Lapsed}[r.IntN(8)])
			s.Member = text(fmt.Sprintf("MBR-%d", i%3))
			if r.IntN(4) == 0 {
				s.Verdict, s.Code = Review, "Z2"
			}
			if r.IntN(8) == 0 {
				s.IssueType = Aggregation
			}
			s.Evidence = map[string]any{"looks": r.IntN(3), "share": 0.1, "name": "a<b & \u2028\xff", "rows": []string{"x"}}
			if r.IntN(6) == 0 {
				s.Evidence["outage"] = fmt.Sprintf("F-%02d", r.IntN(2))
			}
			if i < 2 {
				s.Kind, s.Member = institutionOutage, ""
			}
			night = append(night, s)
		}
		nights, at = append(nights, night), append(at, when)
	}
	return nights, at
}

func randomDecision(r *rand.Rand, at float64) Decision {
	d := Decision{
		At: nightAt(at + r.Float64()*6 - 3), Who: "ann", Finding: fmt.Sprintf("F-%02d", r.IntN(30)),
		Action: []Action{Suppress, Suppress, Unsuppress, Submit, Submit, Close, Request, Baseline, Probe}[r.IntN(9)],
		Reason: "ünlike <others>",
	}
	switch {
	case d.Action == Suppress && r.IntN(3) > 0:
		d.Until = nightAt(at + float64(r.IntN(8))).Format(time.DateOnly)
	case d.Action == Probe:
		d.Transaction, d.Status, d.Answer = "TRN-1", 404, NotThere
	}
	return d
}

func TestRandomLives(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	events, decided := 0, 0
	for round := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, round))
		t.Logf("seed %d %d", seed, round)
		nights, at := randomNights(r)
		disk, dir := tempStore(t)
		st := &storetest.Crasher{Store: disk} // does not die, nor wait for the disk
		kept := reopen(t, st)                 // the same ledger all the time; what is on disk is opened every night
		var returned [][]Finding
		for i, s := range nights {
			l := reopen(t, st)
			got := l.applyAt(at[i], s...)
			if d := gocmp.Diff(kept.applyAt(at[i], s...), got); d != "" {
				t.Fatalf("night %d: one that was read back (+) returns something else:\n%s", i, d)
			}
			returned = append(returned, got)
			for range r.IntN(6) {
				d := randomDecision(r, at[i])
				err, err2 := l.Decide(d), kept.Decide(d)
				if (err == nil) != (err2 == nil) {
					t.Fatalf("night %d: %+v: %v; read back: %v", i, d, err2, err)
				}
				if err == nil {
					decided++
				}
			}
			shown := l.Findings()
			save(t, l, st)
			back := reopen(t, st)
			if d := gocmp.Diff(shown, back.Findings()); d != "" {
				t.Fatalf("night %d: read back (+) differs:\n%s", i, d)
			}
			if i%8 == 7 { // all of it is slow
				checkReplay(t, back)
				checkReplay(t, kept)
			}
		}
		log, decisions := content(t, dir, eventsFile), content(t, dir, decisionsFile)
		if log != string(kept.files.log) {
			t.Fatal("a ledger that was read back each night wrote other events")
		}
		events += strings.Count(log, "\n") - len(nights)

		again := reopen(t, st)
		for i := range nights {
			if d := gocmp.Diff(returned[i], again.applyAt(at[i], nights[i]...)); d != "" {
				t.Fatalf("night %d again (+) returns something else:\n%s", i, d)
			}
		}
		save(t, again, st)
		if content(t, dir, eventsFile) != log {
			t.Fatal("applying again changed the events")
		}

		all, err := ReadDecisions(st)
		if err != nil {
			t.Fatal(err)
		}
		rebuilt := NewLedger(all)
		for i, s := range nights {
			r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
			if d := gocmp.Diff(returned[i], rebuilt.applyAt(at[i], s...)); d != "" {
				t.Fatalf("night %d rebuilt (+) returns something else:\n%s", i, d)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, eventsFile), []byte("spoilt"), 0o600); err != nil {
			t.Fatal(err)
		}
		save(t, rebuilt, st)
		if content(t, dir, eventsFile) != log {
			t.Error("rebuild wrote other events")
		}
		if content(t, dir, decisionsFile) != decisions {
			t.Error("rebuild changed the decisions")
		}
		checkTickets(t, rebuilt, returned)
	}
	if events < 1500 || decided < 150 {
		t.Errorf("the nights were too quiet: %d events, %d decisions", events, decided)
	}
}

// checkTickets demands that what has to be carried is, and by no more than
// one ticket for a member and issue type.
func checkTickets(t *testing.T, l *Ledger, nights [][]Finding) {
	for i, night := range nights {
		ticket := map[string]text{}
		for _, f := range night {
			if f.State != Open { // what was sent may have another issue type by now
				continue
			}
			if f.Verdict == Ticket && f.TicketID == "" {
				t.Errorf("night %d: %s has no ticket", i, f.ID)
			}
			if f.TicketID == "" || f.Evidence["outage"] != nil || f.Kind == institutionOutage {
				continue
			}
			key := string(f.Member) + string(f.IssueType)
			if cmp.Or(ticket[key], f.TicketID) != f.TicketID {
				t.Errorf("night %d: %s has two tickets, %s and %s", i, key, ticket[key], f.TicketID)
			}
			ticket[key] = f.TicketID
		}
	}
	seen := map[string]bool{}
	for line := range bytes.Lines(l.files.log) {
		var e eventLine
		if decodeLine(line, &e) != nil {
			continue // the beginning of a night
		}
		if seen[e.ID] {
			t.Errorf("two events %s", e.ID)
		}
		seen[e.ID] = true
	}
}
