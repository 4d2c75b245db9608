package reconcile

import (
	"cmp"
	"slices"

	"tallyport/schemas"
)

// returned settles open questions about rows that came back.
func (n *accountNight) returned() {
	n.back()
	n.added = slices.DeleteFunc(n.added, func(t *txn) bool {
		g, _ := n.st.openQuestion(t.GUID)
		if g == nil {
			return false
		}
		n.note("added", "Z3", t, "")
		if !t.is(pending) {
			n.st.takeBack(g)
		}
		if !t.is(pending) && !g.Row.is(pending) && !g.Unbooked { // what was booked is what it says now
			n.st.Booked += t.signed() - g.Row.signed()
			n.amendment(&verdictOn{code: "C1", row: t}, &g.Row)
		}
		n.resolve(g, Undone, "Z3")
		return true
	})
}

// needCut is how many rows must go at once to be taken for a cut of history.
const needCut = 5

// cut finds a history that now begins later: all rows that went are older than
// every row that is left.
func (n *accountNight) cut() {
	var went []*txn
	for _, o := range n.removed {
		if !o.is(pending) && !o.is(noDate) {
			went = append(went, o)
		}
	}
	went = slices.DeleteFunc(went, func(o *txn) bool { return o.Date >= n.oldest })
	if n.oldest == never || len(went) == 0 {
		return
	}
	finding := n.st.lastCut() // which goes on night by night where so many days are kept
	if len(went) < needCut && finding == "" {
		n.perhapsCut = went // too few to say so, and to blame the feed for each
		return
	}
	if finding == "" {
		f := n.finding("W3", went[0])
		f.ID = findingID(string(historyLost), n.st.lineage(n.account), string(n.look.night))
		f.Transaction, f.Date, f.Amount, f.Type, f.Payee = "", "", "", "", ""
		f.Evidence = map[string]any{"rows": len(went), "oldest_before": went[0].Date.String(), "oldest_now": n.oldest.String()}
		n.sightings = append(n.sightings, Sighting{f, Confirmed})
		finding = f.ID
	}
	for _, o := range went {
		n.note("removed", "W3", o, "").finding = finding
		n.removed = without(n.removed, o)
		n.goesAway(o, "Z3", finding)
	}
}

// goesAway remembers a row that is not shown and still booked. If it is shown
// again that is said with the code; finding is what its absence was part of.
func (n *accountNight) goesAway(t *txn, code Code, finding string) {
	if !t.is(pending) {
		n.st.Away = append(n.st.Away, away{t.GUID, t.Date, t.signed(), code, finding, schemas.DateOf(n.look.at.Time())})
	}
}

// back finds rows that are shown again, and takes back what was said of a history
// of which at least half is.
func (n *accountNight) back() {
	today := schemas.DateOf(n.look.at.Time())
	n.st.Away = slices.DeleteFunc(n.st.Away, func(a away) bool { return a.Date < n.look.window.From || today-a.Since > keptAway })
	if len(n.st.Away) == 0 {
		n.st.Away = nil
		return
	}
	again := map[string]int{}
	n.added = slices.DeleteFunc(n.added, func(t *txn) bool {
		i := slices.IndexFunc(n.st.Away, func(a away) bool { return a.GUID == t.GUID })
		if i < 0 || t.is(pending) {
			return false
		}
		a := n.st.Away[i]
		n.note("added", a.Code, t, "")
		n.st.Booked -= a.Signed // count took it for another row
		if a.Finding != "" {
			again[a.Finding]++
		}
		n.st.Away = slices.Delete(n.st.Away, i, i+1)
		return true
	})
	for _, finding := range sortedKeys(again) {
		left := 0
		for _, a := range n.st.Away {
			if a.Finding == finding {
				left++
			}
		}
		if again[finding] < left {
			continue
		}
		n.sightings = append(n.sightings, Sighting{Finding{ID: finding}, Undone})
		for i := range n.st.Away {
			if n.st.Away[i].Finding == finding {
				n.st.Away[i].Finding = ""
			}
		}
	}
}

// lastCut is the finding of the last cut of the history, "" if there was none
// lately.
func (a *accountState) lastCut() (finding string) {
	for i := range a.Away {
		finding = cmp.Or(a.Away[i].Finding, finding)
	}
	return finding
}
