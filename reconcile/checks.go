package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// check is a check number that posted.
type check struct {
	Number int64        `json:"n"`
	Date   schemas.Date `json:"d"`
}

// checkHole is a number that is reported as never seen.
type checkHole struct {
	Number int64       `json:"n"`
	First  snapshot.ID `json:"f"`
}

const (
	keptChecks = 20
	needChecks = 8
	inSequence = 800 // thousandths of the gaps that must be one
	checkAfter = 10  // days that its neighbours have been there
)

func checkNumber(t *txn) (int64, bool) {
	if t.Check == "" {
		return 0, false
	}
	k, err := strconv.ParseInt(t.Check, 10, 64)
	return k, err == nil && k > 0 && !t.is(pending) && !t.is(noDate)
}

// noteCheck keeps a number, and of too many the lowest no more.
func (a *accountState) noteCheck(t *txn) {
	k, ok := checkNumber(t)
	if !ok {
		return
	}
	at, known := slices.BinarySearchFunc(a.Checks, k, func(c check, k int64) int { return cmp.Compare(c.Number, k) })
	if known {
		return
	}
	a.Checks = slices.Insert(a.Checks, at, check{k, t.Date})
	a.Checks = a.Checks[max(0, len(a.Checks)-keptChecks):]
}

// checkGaps says which checks between two that posted were never seen (N4).
func (n *accountNight) checkGaps() {
	for _, h := range slices.Clone(n.st.Holes) {
		claim := Confirmed
		switch k := n.st.Checks; {
		case slices.ContainsFunc(k, func(c check) bool { return c.Number == h.Number }):
			claim = Undone
		case len(k) == 0 || k[0].Number > h.Number: // so long ago that its neighbours are forgotten
			claim = Lapsed
		}
		if claim != Confirmed {
			n.st.Holes = slices.DeleteFunc(n.st.Holes, func(o checkHole) bool { return o == h })
		}
		n.sightings = append(n.sightings, Sighting{n.checkFinding(h), claim})
	}
	if !n.look.fresh() || n.st.Closed || !n.st.checksInSequence() {
		return
	}
	today := schemas.DateOf(n.look.saa.Time())
	for i := 1; i < len(n.st.Checks); i++ {
		a, b := n.st.Checks[i-1], n.st.Checks[i]
		h := checkHole{a.Number + 1, n.look.night}
		if b.Number-a.Number != 2 || max(a.Date, b.Date)+checkAfter > today ||
			slices.ContainsFunc(n.st.Holes, func(o checkHole) bool { return o.Number == h.Number }) {
			continue
		}
		n.st.Holes = append(n.st.Holes, h)
		n.sightings = append(n.sightings, Sighting{n.checkFinding(h), Confirmed})
	}
}

// checksInSequence reports whether the account writes its checks in order.
func (a *accountState) checksInSequence() bool {
	if len(a.Checks) < needChecks {
		return false
	}
	ones := 0
	for i := 1; i < len(a.Checks); i++ {
		if a.Checks[i].Number-a.Checks[i-1].Number == 1 {
			ones++
		}
	}
	return 1000*ones >= inSequence*(len(a.Checks)-1)
}

func (n *accountNight) checkFinding(h checkHole) Finding {
	f := n.finding("N4", nil)
	f.ID = findingID(string(checkGap), n.st.lineage(n.account), fmt.Sprint(h.Number))
	f.First = h.First
	f.Evidence = map[string]any{"check_number": fmt.Sprint(h.Number)}
	for _, c := range n.st.Checks {
		switch c.Number {
		case h.Number - 1:
			f.Evidence["posted_before"] = c.Date.String()
		case h.Number + 1:
			f.Evidence["posted_after"] = c.Date.String()
		}
	}
	return f
}
