package main

import (
	"slices"
	"strconv"
	"time"

	"tallyport/reconcile"
	"tallyport/sim"
)

// expectation is a rule about what should have come.
type expectation struct {
	code string
	kind string   // of finding
	by   []string // defects that make it right
	of   []string // defects that it is there to find
	wait int      // days until it can be told
}

var expectations = []expectation{
	{"N2", "overdue_series", []string{"N2", "N2b", "N3", "N5", "A1"}, []string{"N2", "N2b"}, 14},
	{"N3", "never_seen_transaction", []string{"N3", "N5", "A1"}, []string{"N3"}, 8},
	{"N4", "check_gap", []string{"N4"}, []string{"N4"}, 22},
	{"N5", "silent_account", []string{"N5", "A1"}, []string{"N5"}, 16},
}

// expected scores the findings about what did not come.
func (sc *score) expected(raised []reconcile.Finding) {
	sc.Expected = map[string]tally{}
	defects := sc.world.Defects()
	for _, e := range expectations {
		var t tally
		hit := map[string]bool{}
		for _, f := range raised {
			if f.Kind != reconcile.Kind(e.kind) || e.code == "N3" && f.Verdict != reconcile.Ticket || e.code == "N3" && f.Evidence["corroborated_by"] == "overdue_series" {
				continue
			}
			right := slices.ContainsFunc(defects, func(d sim.Defect) bool {
				ok := d.Account == string(f.Account) && slices.Contains(e.by, d.Kind) && (f.Amount == "" || d.Cents == 0 || roughly(d.Cents, string(f.Amount)))
				if ok {
					hit[key(d)] = true
				}
				return ok
			})
			t.said(right)
			if !right {
				if e.code != "N3" { // that is a never-seen one, and counted there
					sc.falsely(f)
				}
				sc.note("false "+e.code, "%s %s %s %s %v %s", f.First, f.Account, f.Date, f.Amount, f.Evidence, sc.around(string(f.Account)))
			}
		}
		for _, d := range defects {
			if !slices.Contains(e.of, d.Kind) || when(d).After(sc.end.AddDate(0, 0, -e.wait)) {
				continue
			}
			t.True++
			if hit[key(d)] {
				t.Found++
			} else {
				sc.note("missed "+e.code, "%v %s %d %v", when(d), d.Account, d.Cents, d.Transactions)
			}
		}
		sc.Expected[e.code] = t
	}
}

func key(d sim.Defect) string { return d.Kind + d.Account + d.At.String() }

// when is when a defect shows: what is to come is hidden beforehand.
func when(d sim.Defect) time.Time {
	if d.Date.After(d.At) {
		return d.Date
	}
	return d.At
}

// roughly reports whether an amount is within the band of a series.
func roughly(cents int64, amount string) bool {
	x, err := strconv.ParseFloat(amount, 64)
	d := x*100 - float64(cents)
	return err == nil && 20*d <= float64(cents)+1 && -20*d <= float64(cents)+1
}
