package reconcile

import (
	"slices"
	"time"
)

// doubles notes rows that came although an equal one was there.
func (n *accountNight) doubles() {
	if n.look.saa == nil {
		return
	}
	for _, t := range n.added {
		if t.is(pending) {
			continue
		}
		if twin := n.twin(t); twin != nil {
			n.st.Doubles = append(n.st.Doubles, &double{GUID: t.GUID, Of: twin.GUID, By: t.signed(), At: *n.look.saa})
		}
	}
	n.st.Doubles = n.st.Doubles[max(0, len(n.st.Doubles)-keptDoubles):]
}

const keptDoubles = 40

// twin finds an equal posted row, or one that was equal until tonight.
func (n *accountNight) twin(t *txn) *txn {
	for i := range n.after {
		if o := &n.after[i]; o.GUID != t.GUID && o.sameContent(t) {
			return o
		}
	}
	for _, p := range n.restated {
		if p[0].GUID != t.GUID && p[0].sameContent(t) {
			return p[1]
		}
	}
	return nil
}

// cameAtOnce reports whether MX stored two rows in one aggregation.
func cameAtOnce(a, b *txn) bool {
	return a.Created != 0 && b.Created != 0 && between(a.Created, b.Created).Abs() < time.Hour
}

// twins finds rows of which an equal one is still there: the feed had one
// thing twice. Where the balance says that the institution has both, one of
// them is missing all the same. Where no balance tells, because it cannot be
// relied on or they were there before we looked, they were two things as likely
// as one if they came at once.
func (n *accountNight) twins() {
	n.doubles()
	for _, o := range slices.Clone(n.removed) {
		if o.is(pending) {
			continue
		}
		twin := n.twin(o)
		if twin == nil {
			continue
		}
		d := n.double(o)
		both, told := n.bothBooked(d)
		switch {
		case !told && cameAtOnce(o, twin):
			if n.twinned == nil {
				n.twinned = map[string]string{}
			}
			n.twinned[o.GUID] = twin.GUID
			continue
		case d == nil:
			n.st.unbook(o)
		case d.Extra:
		case both:
			continue
		default:
			n.st.rebook(d.At, -d.By)
		}
		n.note("removed", "D1", o, twin.GUID)
		n.removed = without(n.removed, o)
		n.st.Doubles = slices.DeleteFunc(n.st.Doubles, func(x *double) bool { return x == d })
	}
}

// double finds the note of the row, or of an equal one, that came although one
// was there: best one of which the balance says that the institution has not
// got it. Which of some equal rows goes does not matter.
func (n *accountNight) double(o *txn) (best *double) {
	equal := []string{o.GUID}
	for i := range n.after {
		if t := &n.after[i]; t.sameContent(o) {
			equal = append(equal, t.GUID)
		}
	}
	for _, p := range n.restated {
		if p[0].sameContent(o) {
			equal = append(equal, p[0].GUID)
		}
	}
	for _, d := range n.st.Doubles {
		if !slices.Contains(equal, d.GUID) || d.GUID != o.GUID && !slices.Contains(equal, d.Of) {
			continue
		}
		if both, _ := n.bothBooked(d); d.Extra || !both {
			return d
		}
		if best == nil {
			best = d
		}
	}
	return best
}

// unbook takes a row out of what was booked, from the night it was stored on.
func (a *accountState) unbook(t *txn) { a.rebook(max(t.Created, 1), -t.signed()) }

// bothBooked reports whether the balance tells, and says, that a row and its
// twin are both on the institution's books: the drift did not step back when it
// came.
func (n *accountNight) bothBooked(d *double) (both, told bool) {
	if d == nil {
		return false, false
	}
	if d.Extra {
		return false, true
	}
	m, ok := learn(n.st.Samples, n.st.Type)
	if !ok {
		return false, false
	}
	i := n.st.sampleAt(d.At)
	delta, known := m.since(n.st.Samples, i)
	known = known && m.tells(d.By)
	_, sure := m.moved(n.st.Samples, i)
	return known && sure && m.same(delta, 0), known
}
