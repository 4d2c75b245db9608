package reconcile

import (
	"fmt"
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// missing is something that the institution has booked and the feed never
// showed.
type missing struct {
	ID     string            `json:"i"`
	Signed schemas.Money     `json:"a"`
	At     schemas.Timestamp `json:"t"` // successfully_aggregated_at at the step
	First  snapshot.ID       `json:"f"`
}

const (
	smallestStep = 50 * cent // below that a step is not worth a finding
	stepNights   = 3         // samples at the new level before it is believed
	keptMissing  = 45        // days in which a late row can still explain it
)

// neverSeen finds a step of the drift that stays and that no row explains (N1).
func (n *accountNight) neverSeen(m model) {
	s := n.st.Samples
	d := m.drifts(s)
	last := len(d) - 1
	i := last
	for i > m.lag && m.same(d[i-1], d[last]) {
		i--
	}
	if last-i+1 < stepNights || i-m.lag < 3 {
		return
	}
	level, support := m.mode(d[max(m.lag, i-levelBefore):i])
	delta := d[last] - level
	if support < 3 || m.same(delta, 0) || abs(delta) < smallestStep {
		return
	}
	at := s[max(i-m.lag, 0)].At
	for _, g := range n.st.Gone { // its own question has to be answered first
		if k := n.st.sampleAt(g.since()); !g.Stood && !g.Row.is(pending) && k >= i-m.lag-1 && k <= i+1 {
			return
		}
	}
	if n.foundTwice(m, delta, s[max(i-m.lag, 0)]) {
		return
	}
	x := &missing{Signed: delta, At: at, First: n.look.night}
	day := schemas.DateOf(at.Time())
	ordinal := 0
	for {
		x.ID = findingID("never_seen", n.st.lineage(n.account), delta.String(), day.String(), fmt.Sprint(ordinal))
		if !slices.ContainsFunc(n.st.Missing, func(o *missing) bool { return o.ID == x.ID }) {
			break
		}
		ordinal++
	}
	n.st.rebook(at, delta)
	n.st.Missing = append(n.st.Missing, x)
	n.sightings = append(n.sightings, Sighting{n.neverSeenFinding(x, m), Confirmed})
}

// foundTwice looks for a row of that night of which the feed has an equal one:
// then the feed has too much, and the institution nothing that we have not.
func (n *accountNight) foundTwice(m model, delta schemas.Money, at sample) bool {
	for _, d := range n.st.Doubles {
		if d.Extra || !m.same(-d.By, delta) || between(d.At, at.At).Abs() > 2*confirmAfter {
			continue
		}
		d.Extra = true
		n.st.rebook(d.At, delta)
		return true
	}
	return false
}

func (n *accountNight) neverSeenFinding(x *missing, m model) Finding {
	f := n.finding("N1", nil)
	f.ID, f.First = x.ID, x.First
	f.Date = text(schemas.DateOf(x.At.Time()).String())
	f.Amount, f.Type = text(plain(abs(x.Signed))), "CREDIT"
	if x.Signed < 0 {
		f.Type = "DEBIT"
	}
	f.Evidence = map[string]any{"step_at": x.At.String(), "drift_moved_by": plain(x.Signed), "balance_model": m.describe()}
	f.MissingInputs = append([]string{"payee"}, missingFor(f.IssueType)...)
	return f
}

// arrived returns the never-seen item that a new row is, if it is one: it came
// late (N6).
func (a *accountState) arrived(t *txn) *missing {
	if t.is(pending) || t.is(noDate) {
		return nil
	}
	for _, x := range a.Missing {
		if days := int(schemas.DateOf(x.At.Time()) - t.Date); x.Signed == t.signed() && days >= -2 && days <= postsAtMost {
			return x
		}
	}
	return nil
}

// found closes a never-seen item: the row is there.
func (n *accountNight) found(x *missing, t *txn) {
	n.st.Missing = slices.DeleteFunc(n.st.Missing, func(o *missing) bool { return o == x })
	n.st.Booked -= x.Signed // count added the row itself
	f := n.neverSeenFinding(x, model{sign: 1})
	f.Evidence = map[string]any{"arrived_as": t.GUID, "step_at": x.At.String()}
	n.sightings = append(n.sightings, Sighting{f, Undone})
}

// repeatMissing says again what is still missing, so that the ledger knows
// that it was looked at.
func (n *accountNight) repeatMissing(m model) {
	for _, x := range slices.Clone(n.st.Missing) {
		if slices.ContainsFunc(n.sightings, func(s Sighting) bool { return s.ID == x.ID }) {
			continue
		}
		claim := Confirmed
		if int(schemas.DateOf(n.look.at.Time())-schemas.DateOf(x.At.Time())) > keptMissing {
			claim = Lapsed
			n.st.Missing = slices.DeleteFunc(n.st.Missing, func(o *missing) bool { return o == x })
		}
		n.sightings = append(n.sightings, Sighting{n.neverSeenFinding(x, m), claim})
	}
}
