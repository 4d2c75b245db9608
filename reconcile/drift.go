package reconcile

import (
	"slices"

	"tallyport/schemas"
)

// Ledger drift. In a perfect feed the balance of an account, less everything
// that was ever booked on it, stays what it was. A step that stays says that
// the institution has something that the feed has not, or the other way round
// (reconcile.md §1.b.1).

// sample is what a complete look after a successful aggregation found.
type sample struct {
	At      schemas.Timestamp `json:"t"` // successfully_aggregated_at
	Balance schemas.Money     `json:"b"`
	Booked  schemas.Money     `json:"u"`
	Pending schemas.Money     `json:"p"`
	// Available says that the account shows no balance, and Balance is what can be
	// spent of it or, on credit, what cannot.
	Available bool `json:"v,omitempty"`
}

const (
	keptSamples = 28
	needSamples = 8 // before a model is believed
	levelBefore = 7 // samples of which the level before an event is taken
	levelAfter  = 4
	// steadyShare is the share of nights on which the drift must stand still
	// for a model to be believed.
	steadyShare = 700 // thousandths
)

// quanta are the roundings that institutions' balances show.
var quanta = []schemas.Money{0, 1 * cent, 5 * cent, 10 * cent}

// model says how an account's balance follows its rows.
type model struct {
	sign     schemas.Money // +1; -1 where the balance is what is owed
	pendings bool          // the balance includes pending rows
	lag      int           // samples by which it is behind
	quantum  schemas.Money // how much it may be off

	available bool // it is not the balance, but what can be spent
}

// drifts returns the drift at each sample from m.lag on; earlier ones repeat
// the first.
func (m model) drifts(s []sample) []schemas.Money {
	out := make([]schemas.Money, len(s))
	for i := range s {
		k := max(i, m.lag)
		if k >= len(s) {
			k = len(s) - 1
		}
		from := s[max(k-m.lag, 0)]
		out[i] = m.sign*s[k].Balance - from.Booked
		if m.pendings {
			out[i] -= from.Pending
		}
	}
	return out
}

// learn chooses the model that explains the samples best, and reports whether
// it explains them well enough.
func learn(s []sample, accountType string) (best model, ok bool) {
	if len(s) < needSamples {
		return model{}, false
	}
	prior, flat := priorSign(accountType)
	top := -1 << 30
	for _, sign := range []schemas.Money{1, -1} {
		for _, pendings := range []bool{false, true} {
			for lag := range 2 {
				m := model{sign: sign, pendings: pendings, lag: lag, available: s[0].Available}
				score, share, told := m.fit(s)
				if sign != prior {
					score -= 8
				}
				if pendings {
					score -= 2
				}
				score -= 2 * lag
				if score > top {
					top, best = score, m
					ok = share >= steadyShare && told >= 2
					if flat {
						ok = share >= 950 && told >= 2
					}
				}
			}
		}
	}
	return best, ok
}

// priorSign is how a type's balance usually goes with its rows (reconcile.md
// §1.b.1), and whether it usually does not go with them at all.
func priorSign(accountType string) (sign schemas.Money, flat bool) {
	switch accountType {
	case "CHECKING", "SAVINGS", "PREPAID", "MONEY_MARKET", "CERTIFICATE_OF_DEPOSIT":
		return 1, false
	case "CREDIT_CARD", "LINE_OF_CREDIT", "CHECKING_LINE_OF_CREDIT":
		return -1, false
	case "LOAN", "MORTGAGE":
		return -1, true
	}
	return 1, true
}

// fit sets the quantum and scores the model: the share of steps, in
// thousandths, at which the drift stood still, and how many of these were told
// apart from luck by something having been booked.
func (m *model) fit(s []sample) (score, share, told int) {
	d := m.drifts(s)[m.lag:]
	s = s[m.lag:]
	for i, q := range quanta {
		held, informed := 0, 0
		for k := 1; k < len(d); k++ {
			if abs(d[k]-d[k-1]) > q {
				continue
			}
			held++
			if s[k].Balance != s[k-1].Balance {
				informed++
			}
		}
		sh := 1000 * held / max(len(d)-1, 1)
		if sc := sh - 10*i; i == 0 || sc > score {
			score, share, told, m.quantum = sc, sh, informed, q
		}
	}
	return score, share, told
}

func abs(m schemas.Money) schemas.Money {
	if m < 0 {
		return -m
	}
	return m
}

// mode is the value that most of d lie within the quantum of, and how many.
func (m model) mode(d []schemas.Money) (level schemas.Money, support int) {
	for i := len(d) - 1; i >= 0; i-- {
		n := 0
		for _, x := range d {
			if abs(x-d[i]) <= m.quantum {
				n++
			}
		}
		if n > support {
			level, support = d[i], n
		}
	}
	return level, support
}

// moved is by how much the level changed with the sample i, and whether both
// levels are sure: two samples at least on either side.
func (m model) moved(s []sample, i int) (delta schemas.Money, sure bool) {
	d := m.drifts(s)
	from := min(i+m.lag, len(d))
	before, after := d[max(m.lag, from-levelBefore):max(m.lag, from)], d[from:min(from+levelAfter, len(d))]
	l0, n0 := m.mode(before)
	l1, n1 := m.mode(after)
	// A level that one sample shows and that is still there is no coincidence.
	return l1 - l0, n1 >= 2 && (n0 >= 2 || n0 == 1 && m.same(l0, l1))
}

// since is moved with as many samples after i as there are, if only one.
func (m model) since(s []sample, i int) (delta schemas.Money, known bool) {
	d := m.drifts(s)
	from := min(i+m.lag, len(d))
	before, after := d[max(m.lag, from-levelBefore):max(m.lag, from)], d[from:]
	l0, n0 := m.mode(before)
	l1, n1 := m.mode(after)
	return l1 - l0, n0 >= 2 && n1 >= 1
}

// glance is moved with what there is on the first night.
func (m model) glance(s []sample) (delta schemas.Money, ok bool) {
	d := m.drifts(s)
	if m.lag > 0 || len(d) < 3 {
		return 0, false
	}
	last := len(d) - 1
	level, n := m.mode(d[max(0, last-levelBefore):last])
	return d[last] - level, n >= 2
}

func (m model) same(a, b schemas.Money) bool { return abs(a-b) <= m.quantum }

// tells reports whether the balance shows an amount: not if it is as small as what
// the balance is off by anyway.
func (m model) tells(x schemas.Money) bool { return abs(x) > 2*m.quantum }

// clue is something that could explain a step, and by how much it would move it.
type clue struct {
	of   int // position in the list of what is asked about
	move schemas.Money
}

// explain finds the fewest clues whose moves add up to delta. It reports
// nothing found, or more than one way, as not ok.
func (m model) explain(delta schemas.Money, clues []clue) (found []int, ok bool) {
	if m.same(delta, 0) {
		return nil, true
	}
	if len(clues) > 24 {
		return nil, false
	}
	for size := 1; size <= 3; size++ {
		ways := 0
		var try func(from int, left schemas.Money, picked []int)
		try = func(from int, left schemas.Money, picked []int) {
			if len(picked) == size {
				if m.same(left, 0) {
					if ways++; ways == 1 {
						found = slices.Clone(picked)
					}
				}
				return
			}
			for i := from; i < len(clues) && ways < 2; i++ {
				if i > from && clues[i].move == clues[i-1].move && len(picked) == 0 && size == 1 {
					continue // equal twins: which of them does not matter
				}
				try(i+1, left-clues[i].move, append(picked, clues[i].of))
			}
		}
		slices.SortStableFunc(clues, func(a, b clue) int { return int(max(-1, min(1, b.move-a.move))) })
		try(0, delta, nil)
		if ways > 0 {
			return found, ways == 1
		}
	}
	return nil, false
}

// rebook adds to what was booked from the sample at t on: something that is
// now known to have been, or not to have been, on the institution's books.
func (a *accountState) rebook(t schemas.Timestamp, by schemas.Money) {
	a.Booked += by
	for i := range a.Samples {
		if a.Samples[i].At >= t {
			a.Samples[i].Booked += by
		}
	}
}

// sampleAt is the index of the first sample at or after t.
func (a *accountState) sampleAt(t schemas.Timestamp) int {
	i, _ := slices.BinarySearchFunc(a.Samples, t, func(s sample, t schemas.Timestamp) int { return int(max(-1, min(1, s.At-t))) })
	return i
}
