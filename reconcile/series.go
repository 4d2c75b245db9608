package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// series is something that comes regularly: payroll, rent, a subscription.
type series struct {
	Key    uint64         `json:"k"` // of type and payee
	Signed schemas.Money  `json:"a"` // as it came last
	Dates  []schemas.Date `json:"d"` // the last few, in order
	Payee  string         `json:"p,omitempty"`
	Due    schemas.Date   `json:"u,omitempty"` // of the finding that is open
	First  snapshot.ID    `json:"f,omitempty"` // where that was first said
	Step   string         `json:"s,omitempty"` // the never-seen finding of the same amount
	Varies bool           `json:"v,omitempty"` // another amount each time
}

const (
	keptSeries = 24
	keptDates  = 8
	// needVarying is how many times what varies must have come: no amount tells
	// it from chance.
	needVarying = 5
	learnEvery  = 7 // days from one learning to the next
	// latePosting is added where the account shows no pending rows: nothing
	// says beforehand that it is on its way.
	latePosting = 5
)

// cadence is a period that series may have.
type cadence struct {
	from, to  int // days between two
	tolerance int
	need      int // occurrences
	slack     int
}

// Three biweekly ones could be chance: what is more frequent than monthly must
// come four times.
var cadences = []cadence{{6, 8, 2, 4, 3}, {13, 17, 3, 4, 3}, {27, 32, 3, 3, 5}, {88, 94, 3, 3, 5}, {360, 370, 3, 3, 5}}

// payeeKey identifies who a row is with, and in which direction: a 64-bit FNV
// of the letters of the name as MX cleaned it, which unlike the institution's
// text has no place and no number in it.
func payeeKey(t *txn) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for _, c := range []byte(cmp.Or(t.Payee, t.Feed)) {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c >= 'A' && c <= 'Z' || c >= 0x80 {
			h = (h ^ uint64(c)) * prime
		}
	}
	return (h ^ uint64(t.Flags&credit)) * prime
}

// regular returns the usual days between the dates, if they are regular: all
// but one in seven of the intervals near the median.
func regular(dates []schemas.Date) (median int, c cadence, ok bool) {
	if len(dates) < 3 {
		return 0, c, false
	}
	var room [2][keptDates]int
	gaps := room[0][:0]
	for i := 1; i < len(dates); i++ {
		gaps = append(gaps, int(dates[i]-dates[i-1]))
	}
	sorted := append(room[1][:0], gaps...)
	slices.Sort(sorted)
	median = (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
	i := slices.IndexFunc(cadences, func(c cadence) bool { return median >= c.from && median <= c.to })
	if i < 0 || len(dates) < cadences[i].need {
		return 0, c, false
	}
	off := 0
	for _, g := range gaps {
		if max(g-median, median-g) > cadences[i].tolerance {
			off++
		}
	}
	return median, cadences[i], 7*off <= len(gaps)
}

// steadily reports whether no interval is further from the usual one than a
// weekend moves it.
func steadily(dates []schemas.Date, median int) bool {
	for i := 1; i < len(dates); i++ {
		if gap := int(dates[i] - dates[i-1]); max(gap-median, median-gap) > 2 {
			return false
		}
	}
	return true
}

func inBand(a, b schemas.Money) bool { return 20*abs(a-b) <= abs(b) }

// learnSeries finds the series among all rows there are. A payee with whom
// there is much else is a habit, not a series.
func (n *accountNight) learnSeries(rows []txn, today schemas.Date) {
	groups := map[uint64][]*txn{}
	for i := range rows {
		if t := &rows[i]; !t.is(pending | noSum | noDate) {
			k := payeeKey(t)
			groups[k] = append(groups[k], t)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(groups)) {
		g := groups[k]
		if len(g) < 3 || len(g) > 30 {
			continue
		}
		slices.SortFunc(g, func(a, b *txn) int { return cmp.Or(cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Date, b.Date)) })
		middle := g[len(g)/2].Amount
		var dates []schemas.Date
		last := g[0]
		for _, t := range g {
			if inBand(t.Amount, middle) {
				dates = append(dates, t.Date)
				if t.Date >= last.Date || !inBand(last.Amount, middle) {
					last = t
				}
			}
		}
		varies := 5*len(dates) < 4*len(g)
		if varies {
			dates = dates[:0]
			for _, t := range g {
				dates = append(dates, t.Date)
				if t.Date >= last.Date {
					last = t
				}
			}
		}
		at := slices.IndexFunc(n.st.Series, func(s *series) bool { return s.Key == k })
		if at >= 0 {
			continue // it is known, and keeps itself
		}
		slices.Sort(dates)
		dates = slices.Compact(dates)
		median, c, ok := regular(dates)
		if varies && (len(dates) < needVarying || !steadily(dates, median)) {
			continue
		}
		if !ok || dates[len(dates)-1]+schemas.Date(median+c.slack) < today {
			continue // or it has ended before we could expect anything
		}
		n.st.Series = append(n.st.Series, &series{Key: k, Signed: last.signed(), Payee: cmp.Or(last.Payee, last.Feed), Dates: dates[max(0, len(dates)-keptDates):], Varies: varies})
	}
	if len(n.st.Series) > keptSeries { // the ones with the fewest dates are the weakest
		slices.SortStableFunc(n.st.Series, func(a, b *series) int {
			return cmp.Or(cmp.Compare(b.Due, a.Due), cmp.Compare(len(b.Dates), len(a.Dates)), cmp.Compare(a.Key, b.Key))
		})
		n.st.Series = n.st.Series[:keptSeries]
	}
}

// next is the day of banking on which the series should come again, and how many days it may be late.
func (s *series) next() (due schemas.Date, median, slack int) {
	median, c, ok := regular(s.Dates)
	if !ok {
		return 0, 0, 0
	}
	due = bankDay(s.Dates[len(s.Dates)-1] + schemas.Date(median))
	return due, median, c.slack
}

// cameFor reports whether a row is what the series waits for: the same payee
// whatever the amount, or the same amount about then whatever the payee is
// called now.
func (s *series) cameFor(t *txn) bool {
	if t.is(noSum|noDate) || t.is(credit) != (s.Signed > 0) {
		return false
	}
	same := payeeKey(t) == s.Key
	if !same && t.signed() != s.Signed {
		return false
	}
	due, median, slack := s.next()
	if due == 0 {
		return false
	}
	if same {
		last := s.Dates[len(s.Dates)-1]
		return int(t.Date-last) > median/2
	}
	return !s.Varies && t.Date >= due-schemas.Date(slack) && int(t.Date-due) <= median/2
}

// follow takes the rows that came to the series that waited for them, and
// notes which wait for a row that is pending.
func (n *accountNight) follow(came []*txn) {
	if len(n.st.Series) == 0 {
		return
	}
	came = slices.Clone(came)
	slices.SortStableFunc(came, func(a, b *txn) int { return cmp.Compare(a.Date, b.Date) })
	for _, t := range came {
		if t.is(pending) {
			continue
		}
		for _, s := range n.st.Series {
			if s.cameFor(t) {
				n.arrivedFor(s, t)
				break
			}
		}
	}
	n.coming = map[uint64]bool{}
	for i := range n.after {
		t := &n.after[i]
		if !t.is(pending) {
			continue
		}
		n.st.Pends = true
		for _, s := range n.st.Series {
			if s.cameFor(t) {
				n.coming[s.Key] = true
			}
		}
	}
}

func (n *accountNight) arrivedFor(s *series, t *txn) {
	due, median, _ := s.next()
	if s.Due != 0 {
		claim := Undone
		if int(t.Date-s.Due) > median/2 { // that is the next one
			claim = Lapsed
		}
		f := n.seriesFinding(s)
		if claim == Undone {
			f.Evidence["arrived_as"] = t.GUID
		}
		n.sightings = append(n.sightings, Sighting{f, claim})
		s.Due, s.First, s.Step = 0, "", ""
	}
	for ; int(t.Date-due) > median/2; due += schemas.Date(median) { // what was left out is no irregularity
		s.Dates = append(s.Dates, due)
	}
	s.Dates = append(s.Dates, t.Date)
	s.Dates = s.Dates[max(0, len(s.Dates)-keptDates):]
	if payeeKey(t) == s.Key {
		s.Signed = t.signed()
	}
}

// overdue says what should have come and did not (N2).
func (n *accountNight) overdue() {
	m := n.model
	ended := map[uint64]bool{}
	for _, s := range n.st.Series {
		due, median, slack := s.next()
		if due == 0 {
			ended[s.Key] = true // not regular any more
		}
		if n.look.saa == nil {
			continue
		}
		if !n.st.Pends {
			slack += latePosting
		}
		today := schemas.DateOf(n.look.saa.Time())
		switch {
		case n.st.Closed, due == 0, int(today-due) > 2*median+slack:
			ended[s.Key] = true
			if s.Due != 0 {
				n.sightings = append(n.sightings, Sighting{n.seriesFinding(s), Lapsed})
			}
			continue
		case s.Due == 0 && n.look.fresh() && int(today-due) > slack+1 && !n.coming[s.Key]:
			s.Due, s.First = due, n.look.night
		}
		if s.Due == 0 {
			continue
		}
		for _, x := range n.st.Missing {
			day := int(schemas.DateOf(x.At.Time()) - s.Due)
			if s.Step == "" && !s.Varies && day >= -slack && day <= slack+1 && abs(x.Signed-s.Signed) <= m.quantum {
				s.Step = x.ID
				n.corroborate(x, "overdue_series", s.Payee)
			}
		}
		n.sightings = append(n.sightings, Sighting{n.seriesFinding(s), Confirmed})
	}
	n.st.Series = slices.DeleteFunc(n.st.Series, func(s *series) bool { return ended[s.Key] })
}

func (n *accountNight) seriesFinding(s *series) Finding {
	f := n.finding("N2", nil)
	f.ID = findingID("series", n.st.lineage(n.account), strconv.FormatUint(s.Key, 36), s.Due.String())
	f.First, f.Payee, f.Date = s.First, text(s.Payee), text(s.Due.String())
	f.Amount, f.Type = text(plain(abs(s.Signed))), "CREDIT"
	if s.Signed < 0 {
		f.Type = "DEBIT"
	}
	if s.Varies {
		f.Amount = ""
	}
	_, median, _ := s.next()
	f.Evidence = map[string]any{"due": s.Due.String(), "every_days": median, "last_came": s.Dates[len(s.Dates)-1].String(), "times": len(s.Dates)}
	if s.Step != "" {
		f.Verdict = Ticket
		f.Evidence["never_seen"] = s.Step
	}
	f.MissingInputs = MissingInputsOf(&f)
	return f
}
