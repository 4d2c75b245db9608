package reconcile

import (
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
	// By is the rule that expects the same amount, and Payee what it knows of it.
	By    string `json:"c,omitempty"`
	Payee string `json:"p,omitempty"`
	Leg   string `json:"l,omitempty"` // guid of the other leg of the transfer
	Dry   bool   `json:"y,omitempty"` // the balance has not shown it
}

const (
	smallestStep = 50 * cent // below that a step is not worth a finding
	stepNights   = 3         // samples at the new level before it is believed
	heldNights   = 2         // and where it is just a pending row that went
	stepKept     = 10        // and after so many the old one is no longer to be known
	keptMissing  = 45        // days in which a late row can still explain it
)

// neverSeen finds steps of the drift that stay and that no row explains (N1).
// Between the old level and the new one there may be several, on nights in a
// row: each is asked about by itself.
func (n *accountNight) neverSeen(m model) {
	s := n.st.Samples
	d := m.drifts(s)
	last := len(d) - 1
	i := last
	for i > m.lag && m.same(d[i-1], d[last]) {
		i--
	}
	nights := last - i + 1
	if n.st.Closed || nights < heldNights || last-i > stepKept || i-m.lag < 2 {
		return
	}
	first := i // the first sample off the old level
	level, support := schemas.Money(0), 0
	for ; first > m.lag && i-first < mostSteps; first-- {
		level, support = m.mode(d[max(m.lag, first-levelBefore):first])
		if m.same(d[first-1], level) {
			break
		}
	}
	if support < 2 || m.same(d[last], level) || abs(d[last]-level) < smallestStep {
		return
	}
	for _, g := range n.st.Gone { // its own question has to be answered first
		if k := n.st.sampleAt(g.since()); !g.Stood && !g.Row.is(pending) && g.Code != "Z2" && k >= first-m.lag-1 && k <= i+1 && g.Claim != Confirmed {
			return
		}
	}
	var moves []schemas.Money
	for k := first; k <= i; k++ {
		prev := level
		if k > first {
			prev = d[k-1]
		}
		moves = append(moves, d[k]-prev)
	}
	for x := range moves { // what came a night late moved it there and back
		for y := x + 1; y < len(moves); y++ {
			if !m.same(moves[x], 0) && m.same(moves[x]+moves[y], 0) {
				moves[x], moves[y] = 0, 0
			}
		}
	}
	for x, delta := range moves {
		at := s[max(first+x-m.lag, 0)]
		switch {
		case m.same(delta, 0):
		case nights < stepNights:
			if g := n.st.postedAs(m, delta, at.At, false); g != nil {
				n.becomesP5(g, at.At, delta)
			}
		case n.foundHeld(m, delta, at):
		case abs(delta) < smallestStep:
			n.st.rebook(at.At, delta)
		default:
			n.newMissing(m, delta, at.At)
		}
	}
}

// mostSteps is how many nights a change of level may take.
const mostSteps = 4

func (n *accountNight) newMissing(m model, delta schemas.Money, at schemas.Timestamp) {
	for _, x := range n.st.Missing { // the other leg said it before the balance could
		if days := int(schemas.DateOf(at.Time()) - schemas.DateOf(x.At.Time())); x.Dry && m.same(x.Signed, delta) && days >= -legAfter && days <= legAfter {
			x.Dry = false
			n.st.rebook(at, x.Signed)
			return
		}
	}
	n.blur(at)
	x := &missing{Signed: delta, At: at, First: n.look.night}
	x.ID = n.freshID(delta, schemas.DateOf(at.Time()))
	n.st.rebook(at, delta)
	n.st.Missing = append(n.st.Missing, x)
	n.sightings = append(n.sightings, Sighting{n.neverSeenFinding(x, m), Confirmed})
}

// blur notes that a step at t was more than one thing: from then on the level
// cannot say what became of a row that went or came twice in that night.
func (n *accountNight) blur(t schemas.Timestamp) {
	for _, g := range n.st.Gone {
		if !g.Row.is(pending) && !g.Stood && g.since() == t {
			g.Cut = true
		}
	}
	for _, d := range n.st.Doubles {
		if d.At == t {
			d.Extra = true // what it moved is in the step
		}
	}
}

// foundHeld looks for pending rows that went about then and by whose amounts
// the balance moved: they posted at the institution, and the feed never showed
// it (P5). What the feed has twice may be part of it.
func (n *accountNight) foundHeld(m model, delta schemas.Money, at sample) bool {
	var held []*gone
	for _, g := range append(slices.Clone(n.st.Gone), n.st.Held...) {
		if (g.Row.is(pending) && !g.Booked || g.Code == "Z2" && !g.Stood) && between(g.since(), at.At).Abs() <= 3*confirmAfter {
			held = append(held, g)
		}
	}
	var clues []clue
	for i, g := range held {
		move := g.Row.signed()
		if !g.Row.is(pending) {
			move = -move // reversed (V1), before the balance could be asked
		}
		clues = append(clues, clue{i, move})
	}
	for i, d := range n.st.Doubles {
		if !d.Extra && between(d.At, at.At).Abs() <= 2*confirmAfter {
			clues = append(clues, clue{len(held) + i, -d.By})
		}
	}
	found, ok := m.explain(delta, clues)
	if !ok {
		if g := n.st.postedAs(m, delta, at.At, true); g != nil {
			n.becomesP5(g, at.At, delta)
			return true
		}
		return n.reversedLate(m, delta, at)
	}
	for _, i := range found {
		if i < len(held) && !held[i].Row.is(pending) {
			n.st.rebook(at.At, -held[i].Row.signed())
			n.resolve(held[i], Harmless, "V1")
			continue
		}
		if i < len(held) {
			n.becomesP5(held[i], at.At, held[i].Row.signed())
			continue
		}
		d := n.st.Doubles[i-len(held)]
		d.Extra = true
		n.st.rebook(d.At, -d.By)
	}
	return true
}

// reversedLate looks for a row that was said to be missing, and that the
// institution reversed only now (V1).
func (n *accountNight) reversedLate(m model, delta schemas.Money, at sample) bool {
	for _, g := range slices.Backward(n.st.Gone) { // the last first
		if !g.Row.is(pending) && g.since() <= at.At && !(g.Code == "C2" && g.Stood) && m.same(-g.Row.signed(), delta) {
			n.st.rebook(at.At, -g.Row.signed())
			n.resolve(g, Harmless, "V1")
			return true
		}
	}
	return false
}

// becomesP5 opens the question of a pending row again: it was booked.
func (n *accountNight) becomesP5(g *gone, at schemas.Timestamp, booked schemas.Money) {
	n.st.book(g, at, booked)
	n.st.Held = slices.DeleteFunc(n.st.Held, func(x *gone) bool { return x == g })
	if n.look.fresh() && n.proves(&g.Row) && !slices.Contains(g.Looks, *n.look.saa) {
		g.Looks = append(g.Looks, *n.look.saa)
	}
	if !slices.Contains(n.st.Gone, g) {
		n.st.Gone = append(n.st.Gone, g)
	}
}

// postedAs finds the one pending row that went and could have been booked as the
// step, in the days that posting takes: as just its amount or, if other, as
// another one. Of a round sum that is only known next to when it went.
func (a *accountState) postedAs(m model, step schemas.Money, t schemas.Timestamp, other bool) (found *gone) {
	for _, equal := range []bool{true, false} {
		if found != nil || !equal && !other {
			break
		}
		for _, g := range append(slices.Clone(a.Gone), a.Held...) {
			if g.Booked || g.Code != "P4" || g.since() > t || int(schemas.DateOf(t.Time())-g.Row.Date) > postsAtMost || roundHold(&g.Row) ||
				equal && !m.same(step, g.Row.signed()) || !equal && !couldPost(&g.Row, step) {
				continue
			}
			if found != nil {
				return nil
			}
			found = g
		}
	}
	return found
}

// couldPost reports whether a pending row could have been booked as the amount:
// with a tip, or at the rate of the day. What a round hold becomes nobody knows.
func couldPost(o *txn, booked schemas.Money) bool {
	t := *o
	t.Flags &^= pending
	t.Amount = abs(booked)
	return (booked > 0) == o.is(credit) && !roundHold(o) && posts(o, &t) > 0
}

func (n *accountNight) neverSeenFinding(x *missing, m model) Finding {
	code := Code("N1")
	if x.Leg != "" || x.By == byPayment {
		code = "N3"
	}
	f := n.finding(code, nil)
	f.ID, f.First = x.ID, x.First
	f.Date = text(schemas.DateOf(x.At.Time()).String())
	f.Amount, f.Type = text(plain(abs(x.Signed))), "CREDIT"
	if x.Signed < 0 {
		f.Type = "DEBIT"
	}
	f.Evidence = map[string]any{"step_at": x.At.String(), "drift_moved_by": plain(x.Signed), "balance_model": m.describe()}
	if x.Dry {
		f.Evidence = map[string]any{"balance_model": "unreliable"}
	}
	if x.Leg != "" {
		f.Evidence["other_leg"] = x.Leg
	}
	f.MissingInputs = MissingInputsOf(&f)
	if x.By != "" {
		n.corroborated(x, &f)
	}
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
	if !x.Dry {
		n.st.Booked -= x.Signed // count added the row itself
	}
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

// corroborate notes that a rule of another kind expects the same amount: the
// step of the balance is worth a ticket then.
func (n *accountNight) corroborate(x *missing, by, payee string) {
	x.By, x.Payee = by, payee
	for i := range n.sightings {
		if s := &n.sightings[i]; s.ID == x.ID {
			n.corroborated(x, &s.Finding)
		}
	}
}

func (n *accountNight) corroborated(x *missing, f *Finding) {
	f.Verdict, f.Payee = Ticket, text(x.Payee)
	f.Evidence["corroborated_by"] = x.By
	f.MissingInputs = MissingInputsOf(f)
}
