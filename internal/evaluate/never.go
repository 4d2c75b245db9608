package main

import (
	"slices"
	"time"

	"tallyport/reconcile"
	"tallyport/sim"
)

// reliability is on which nights the balance of an account could be relied on.
type reliability struct {
	typ    string
	nights map[int]bool
	last   int // night on which the account was last listed
}

// hidden is an item that the feed never showed, and the finding that says so.
type hidden struct {
	sim.Unshown
	by string
}

const (
	rounding   = 10 // cents by which a balance may be off
	stepStrays = 2 * 24 * time.Hour
	legStrays  = 7 * 24 * time.Hour // the other leg of a transfer dates it
)

// never scores the findings about what the feed never showed against what the
// bank has booked and the feed has not: the amount, the direction and the time
// must be those of such an item, or of all that was due at one instant. An item
// makes one finding right, no more.
func (sc *score) never(raised []reconcile.Finding) {
	of := map[string][]*hidden{}
	for _, x := range sc.world.Unshown() {
		of[x.Account] = append(of[x.Account], &hidden{Unshown: x})
	}
	for _, f := range raised {
		if f.Kind != "never_seen_transaction" {
			continue
		}
		right, summed := explains(of[string(f.Account)], &f)
		sc.Never.said(right)
		if summed {
			sc.NeverSums++
		}
		if !right {
			sc.falsely(f)
			sc.note("false never seen", "%s %s %s %s %v %s", f.First, f.Account, f.Date, f.Amount, f.Evidence, sc.around(string(f.Account)))
		}
	}
	for account, all := range of {
		for _, x := range all {
			if !x.Due.Before(sc.end.Add(-confirmable)) {
				continue
			}
			t := &sc.NeverApart
			if n := sc.nightOf(x.Due); x.Kind[0] == 'N' && x.Kind != "N5" && sc.reliable(account, n) {
				t = &sc.Never
			} else if x.Kind == "N5" {
				t = &sc.NeverSilent
			} else if x.Kind == "P5" {
				continue // it has findings of its own
			}
			t.True++
			if x.by != "" {
				t.Found++
				if at, ok := sc.firstRaised[x.by]; ok && t == &sc.Never {
					sc.detectNever = append(sc.detectNever, at-sc.nightOf(x.Due))
				}
			} else if t == &sc.Never {
				sc.note("missed "+x.Kind, "due %v %s %d credit %t %s", x.Due, account, x.Cents, x.Credit, sc.around(account))
			}
		}
	}
}

// explains marks the items that make a finding right.
func explains(all []*hidden, f *reconcile.Finding) (right, summed bool) {
	date, err := time.Parse(time.DateOnly, string(f.Date))
	if err != nil {
		return false, false
	}
	strays := stepStrays
	if f.Code == "N3" {
		strays = legStrays
	}
	want := cents(string(f.Amount))
	if f.Type == "DEBIT" {
		want = -want
	}
	var best *hidden
	off := func(x *hidden) time.Duration { // a balance with pending items shows it before it is due
		first := x.Authorised.Truncate(24 * time.Hour)
		return max(first.Sub(date), date.Sub(x.Due.Truncate(24*time.Hour)), 0)
	}
	sums := map[time.Time]int64{}
	for _, x := range all {
		if x.by != "" || off(x) > strays {
			continue
		}
		sums[x.Due] += x.signed()
		if d := x.signed() - want; d >= -rounding && d <= rounding && (best == nil || off(x) < off(best)) {
			best = x
		}
	}
	if best != nil {
		best.by = f.ID
		return true, false
	}
	for _, x := range all {
		if sum, ok := sums[x.Due]; ok && sum-want >= -rounding && sum-want <= rounding {
			for _, y := range all {
				if y.Due.Equal(x.Due) && y.by == "" {
					y.by = f.ID
				}
			}
			return true, true
		}
	}
	return false, false
}

func (x *hidden) signed() int64 {
	if x.Credit {
		return x.Cents
	}
	return -x.Cents
}

// reliable reports whether reconcile took the account's balance to be reliable
// both before an item was due and when it could be told that it did not come.
func (sc *score) reliable(account string, night int) bool {
	r := sc.models[account]
	return r != nil && r.nights[night-1] && r.nights[min(night+3, r.last)]
}

// judged counts the deposit and card accounts, and those whose balance can be
// relied on at the end.
func (sc *score) judged() {
	deposits := []string{"CHECKING", "SAVINGS", "MONEY_MARKET", "CERTIFICATE_OF_DEPOSIT", "PREPAID"}
	end := len(sc.nights) - 1
	for _, r := range sc.models {
		if r.last != end {
			continue
		}
		j := &sc.Others
		if slices.Contains(deposits, r.typ) {
			j = &sc.Deposits
		} else if r.typ == "CREDIT_CARD" {
			j = &sc.Cards
		}
		j.All++
		if r.nights[end] {
			j.Judged++
		}
	}
}
