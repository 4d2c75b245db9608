package main

import (
	"slices"
	"strings"
	"time"

	"tallyport/reconcile"
	"tallyport/sim"
)

// hardCase is one of reconcile.md §1.e: a defect of sim and what is right then.
type hardCase struct {
	name, kind string
	right      answer
}

// answer judges one instance.
type answer func(*score, sim.Defect) (outcome, string)

type outcome int

const (
	wrong outcome = iota
	weak          // neither right nor harmful: for a person to look at
	right
)

// caseScore is how the instances of a hard case were answered.
type caseScore struct {
	Name  string         `json:"name"`
	N     int            `json:"instances"`
	Right int            `json:"right"`
	Weak  int            `json:"weak"`
	Wrong int            `json:"wrong"`
	Said  map[string]int `json:"said"`
}

func (c *caseScore) add(o outcome, said string) {
	c.N++
	switch o {
	case right:
		c.Right++
	case weak:
		c.Weak++
	default:
		c.Wrong++
	}
	if c.Said == nil {
		c.Said = map[string]int{}
	}
	c.Said[said]++
}

var rowCases = []hardCase{
	{"two equal purchases, one vanishes", "Z1+equal", isMissing},
	{"vanishes, another of the amount comes", "Z1+same", isMissing},
	{"vanishes, a refund of the amount comes", "Z1+refund", isMissing},
	{"vanishes, its guid names another row", "Z1+reused", isMissing},
	{"vanishes and returns", "Z3", isBack},
	{"bank takes it back", "V1", isHarmless},
	{"bank takes it back and books it again", "V1+repost", isHarmless},
	{"pending posts as several", "P3", isHarmless},
	{"one of two equal ones was a double", "D1+equal", isHarmless},
	{"double removed, original amended", "D1+C1", isHarmless},
	{"pending lost, booked all the same", "P5", isMissing},
	{"comes late", "N6", isQuiet},
	{"its date moves over the window's edge", "W2", isHarmless},
	{"vanishes on the window's first day", "Z1+edge", isNoTicket},
	{"another guid, dated after midnight UTC", "D2+midnight", isHarmless},
}

var accountCases = []hardCase{
	{"history cut", "W3", isHarmless},
	{"history cut, one row vanishes", "W3+Z1", cutAndLost},
	{"connected anew", "M2", isHarmless},
	{"accounts merged", "A3", isQuiet},
	{"account issued again", "A4", isQuiet},
	{"account closed", "A1", isQuiet},
}

var memberCases = []hardCase{
	{"success without data (identify)", "S-identify", isQuiet},
	{"vanishes, then successes without data", "Z1+identify", isMissing},
	{"five bad nights, then all at once", "S-late", isQuiet},
	{"user disabled", "U2", isQuiet},
	{"pending in the balance on weekends", "B-weekend", isQuiet},
}

var weekCases = []hardCase{
	{"a week without snapshots: vanishes", "Z1", isMissing},
	{"a week without snapshots: other guid", "D2", isHarmless},
	{"a week without snapshots: bank void", "V1", isHarmless},
}

var clockCases = []hardCase{
	{"clock seven minutes slow: vanishes", "Z1", isMissing},
	{"clock seven minutes slow: other guid", "D2", isHarmless},
}

// isMissing: a ticket; with review it is at least seen.
func isMissing(sc *score, d sim.Defect) (outcome, string) {
	f, said := sc.about(d.Transactions[0])
	switch {
	case f == nil:
		return wrong, said
	case f.Verdict == reconcile.Ticket:
		return right, said
	}
	return weak, said
}

// isHarmless: nothing is said of the row; a review is a nuisance, a ticket wrong.
func isHarmless(sc *score, d sim.Defect) (outcome, string) {
	worst, label := right, "nothing"
	for _, t := range d.Transactions {
		f, said := sc.about(t)
		label = said
		if f == nil {
			continue
		}
		if f.Verdict == reconcile.Ticket {
			return wrong, said
		}
		worst = weak
	}
	o, said := isQuiet(sc, d)
	if o < worst {
		return o, said
	}
	return worst, label
}

// isNoTicket: so near the window's edge an absence proves nothing, though the
// row is lost.
func isNoTicket(sc *score, d sim.Defect) (outcome, string) {
	f, said := sc.about(d.Transactions[0])
	switch {
	case f == nil:
		return right, said
	case f.Verdict == reconcile.Ticket:
		return wrong, said
	}
	return weak, said
}

// isBack: whatever was said while it was gone, in the end it is known to be back.
func isBack(sc *score, d sim.Defect) (outcome, string) {
	f, said := sc.about(d.Transactions[0])
	if f == nil {
		return right, said
	}
	if last := sc.final[f.ID]; last.State.Raised() {
		return wrong, said + " " + string(last.State)
	}
	return right, said + " " + string(sc.final[f.ID].State)
}

// isQuiet: nothing wrong is said of the account, the member or the user from
// then on. Findings that are right, about other defects, do not count.
func isQuiet(sc *score, d sim.Defect) (outcome, string) {
	worst, said := right, "quiet"
	until := d.At.Add(12 * 24 * time.Hour)
	for _, f := range sc.wrongly {
		same := string(f.User) == d.User && (d.Member == "" || string(f.Member) == d.Member || slices.Contains(d.Counterparts, string(f.Member))) &&
			(d.Account == "" || string(f.Account) == d.Account || slices.Contains(d.Counterparts, string(f.Account)))
		first := sc.nights[min(sc.firstRaised[f.ID], len(sc.nights)-1)]
		if !same || first.Before(d.At) || first.After(until) || len(d.Transactions) > 0 && d.Code() != "A1" && f.Transaction != "" && !sc.alike(&f, d) {
			continue
		}
		if f.Verdict == reconcile.Ticket {
			return wrong, "ticket " + string(f.Code)
		}
		worst, said = weak, "review "+string(f.Code)
	}
	return worst, said
}

// alike reports whether a finding about a row of the same account may be about
// the defect: it has its amount.
func (sc *score) alike(f *reconcile.Finding, d sim.Defect) bool {
	c := cents(string(f.Amount)) - d.Cents
	return c >= -rounding && c <= rounding || slices.Contains(d.Transactions, string(f.Transaction)) || slices.Contains(d.Counterparts, string(f.Transaction))
}

func cutAndLost(sc *score, d sim.Defect) (outcome, string) {
	if d.Code() == "W3" {
		o, said := isHarmless(sc, d)
		return o, "cut: " + said
	}
	o, said := isMissing(sc, d)
	return o, "lost: " + said
}

// about returns what was raised about a row at its strongest, and what it was
// called.
func (sc *score) about(transaction string) (*reconcile.Finding, string) {
	var best *reconcile.Finding
	for _, id := range sc.byTransaction(transaction) {
		f := sc.raised[id]
		if f.Kind == "missing_transaction" && (best == nil || f.Verdict == reconcile.Ticket) {
			best = &f
		}
	}
	if best != nil {
		return best, string(best.Verdict) + " " + string(best.Code)
	}
	if c := sc.called[transaction]; c != "" {
		return nil, c
	}
	return nil, "nothing"
}

func (sc *score) byTransaction(t string) []string {
	if sc.index == nil {
		sc.index = map[string][]string{}
		for id, f := range sc.raised {
			sc.index[string(f.Transaction)] = append(sc.index[string(f.Transaction)], id)
		}
	}
	return sc.index[t]
}

// cases scores the hard cases that were injected and those that happened by
// themselves.
func (sc *score) cases(s set) {
	for _, c := range s.cases {
		cs := caseScore{Name: c.name}
		for _, d := range sc.world.Defects() {
			kind := d.Kind
			if c.kind == "W3+Z1" && (kind == "W3" || kind == "Z1") && sc.cutWithLoss(d) {
				kind = c.kind
			} else if c.kind == "W3" && sc.cutWithLoss(d) {
				continue
			}
			if kind != c.kind || !d.At.Before(sc.end.Add(-confirmable)) {
				continue
			}
			o, said := c.right(sc, d)
			cs.add(o, said)
			if o != right {
				sc.note("case "+c.name, "%s: %v %s %v %s", said, d.At, d.Account, d.Transactions[:min(len(d.Transactions), 1)], sc.around(d.Account))
			}
		}
		sc.Cases = append(sc.Cases, cs)
	}
	for _, name := range sortedKeys(sc.natural) {
		sc.Cases = append(sc.Cases, *sc.natural[name])
	}
	if s.swap > 0 {
		sc.Cases = append(sc.Cases, sc.drifted())
	}
}

// cutWithLoss reports whether a defect is one of the two of W3+Z1: another one
// is in its account since the same instant.
func (sc *score) cutWithLoss(d sim.Defect) bool {
	other := map[string]string{"W3": "Z1", "Z1": "W3"}[d.Kind]
	return other != "" && slices.ContainsFunc(sc.world.Defects(), func(o sim.Defect) bool {
		return o.Kind == other && o.Account == d.Account && o.At.Equal(d.At)
	})
}

// drifted scores the rows that only a torn walk left out.
func (sc *score) drifted() caseScore {
	c := caseScore{Name: "page drift, one in and one out"}
	for t, truth := range sc.truth {
		if truth != "" {
			continue
		}
		f, said := sc.about(t)
		switch {
		case f == nil:
			c.add(right, said)
		case f.Verdict == reconcile.Ticket:
			c.add(wrong, said)
		default:
			c.add(weak, said)
		}
	}
	return c
}

// naturalRow is a row that went, and what came in its place.
type naturalRow struct {
	truth, said        string
	amount, nextAmount int64
	date, nextDate     string
	from               time.Time
}

// clocksForward is the day on which summer time begins in New York in the year
// of the worlds.
const clocksForward = "2026-03-08"

var holds = []int64{100, 10000, 12500, 15000, 17500}

// happened sorts a row into the hard cases that happen without a defect.
func (sc *score) happened(r naturalRow) {
	var names []string
	switch {
	case r.truth == "P2" && slices.Contains(holds, r.amount) && r.nextAmount != r.amount && r.nextAmount > 0:
		names = append(names, "a round hold posts as what it was")
	case r.truth == "P2" && r.nextAmount*100 >= r.amount*115 && r.nextAmount*100 <= r.amount*135:
		names = append(names, "a tip of 15 to 35 %")
	case r.truth == "P4":
		names = append(names, "a hold is released")
	}
	if r.nextDate != "" && len(r.date) == 10 && r.nextDate[:7] != r.date[:7] && (r.truth == "P2" || r.truth == "D2") {
		names = append(names, "the date moves into another month")
	}
	if r.date < clocksForward && r.nextDate >= clocksForward && (r.truth == "P2" || r.truth == "D2") {
		names = append(names, "the date moves over the change of clocks")
	}
	if strings.HasPrefix(r.truth, "W") && r.date == r.from.AddDate(0, 0, -1).Format(time.DateOnly) {
		names = append(names, "the row stood at the edge of the window")
	}
	for _, name := range names {
		c := sc.natural[name]
		if c == nil {
			c = &caseScore{Name: name}
			sc.natural[name] = c
		}
		switch r.said {
		case r.truth:
			c.add(right, r.said)
		case "Z1", "Z2", "P5", "C2":
			c.add(wrong, r.said)
		default:
			c.add(weak, r.said)
		}
	}
}
