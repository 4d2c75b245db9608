package reconcile

import (
	"slices"

	"tallyport/schemas"
)

// posted finds the posted rows that took the place of pending ones: of those
// that went tonight, and of those that went before and were not settled. What
// came tonight comes before what stood beside it already, if it is the same
// amount.
func (n *accountNight) posted() {
	went := slices.Clone(n.removed)
	n.pairUp("P2", func(o, t *txn) int {
		if n.st.Posted[o.GUID] != "" && o.Amount != t.Amount {
			return 0
		}
		return posts(o, t)
	}, func(t *txn) bool { return t.is(pending) })
	for _, o := range went {
		if by, ok := n.st.Posted[o.GUID]; ok {
			if slices.Contains(n.removed, o) {
				n.note("removed", "P2", o, by)
				n.removed = without(n.removed, o)
			}
			delete(n.st.Posted, o.GUID)
		}
	}
}

// replaced finds rows that came again under another guid.
func (n *accountNight) replaced() {
	n.pairUp("D2", reissued, func(t *txn) bool { return !t.is(pending) })
}

// pairUp matches what went, tonight or before, with what came.
func (n *accountNight) pairUp(code Code, score func(a, b *txn) int, of func(*txn) bool) {
	var went []*txn
	for _, t := range n.removed {
		if of(t) {
			went = append(went, t)
		}
	}
	tonight := len(went)
	for _, g := range n.st.Gone {
		if of(&g.Row) {
			went = append(went, &g.Row)
		}
	}
	var pairs []pair
	for i, o := range went {
		for k, t := range n.added {
			if s := score(o, t); s > 0 {
				if i >= tonight {
					s -= 200 // late: what went tonight comes first
				}
				pairs = append(pairs, pair{i, k, max(s, 1)})
			}
		}
	}
	chosen, doubted := assign(pairs, ambiguousMargin)
	for i, p := range doubted {
		if o, t := went[i], went[p.gone]; i < tonight && !o.sameContent(t) {
			n.doubt(o, t)
		}
	}
	for _, p := range chosen {
		o, t := went[p.gone], n.added[p.came]
		n.note("added", code, t, o.GUID)
		if p.gone < tonight {
			if code == "P2" && (o.Amount != t.Amount || p.score < surely) {
				n.remember(o, t.GUID)
			}
			n.note("removed", code, o, t.GUID)
			n.removed = without(n.removed, o)
			if code == "D2" {
				n.st.Booked -= o.signed()
				n.reissued = append(n.reissued, [2]*txn{o, t})
			}
			continue
		}
		g, _ := n.st.openQuestion(o.GUID)
		switch {
		case code != "D2":
			n.st.takeBack(g)
			if o.Amount != t.Amount {
				n.remember(o, t.GUID)
			}
		case !g.Unbooked:
			n.st.rebook(g.since(), -o.signed())
		}
		n.resolve(g, Harmless, code)
	}
	for k := len(chosen) - 1; k >= 0; k-- {
		// Positions in added are taken out together below.
		n.added[chosen[k].came] = nil
	}
	n.added = slices.DeleteFunc(n.added, func(t *txn) bool { return t == nil })
}

// doubt notes that of two rows that went one came again, and it may have been
// the first as well as the second. Of equal ones it does not matter which.
func (n *accountNight) doubt(o, other *txn) {
	if n.doubts == nil {
		n.doubts = map[string]string{}
	}
	n.doubts[o.GUID] = other.GUID
}

// remember keeps a pending row that was paired with another amount, for the
// nights in which the balance may yet tell otherwise. A round hold is always
// booked as another.
func (n *accountNight) remember(o *txn, as string) {
	if n.look.saa == nil || !n.look.fresh() || roundHold(o) {
		return
	}
	n.st.Held = append(n.st.Held, &gone{Row: *o, LastGood: n.look.base, LastSAA: n.look.baseSAA, First: n.look.night, Looks: []schemas.Timestamp{*n.look.saa}, Code: "P2", Like: as})
}

func without(list []*txn, t *txn) []*txn {
	return slices.DeleteFunc(list, func(x *txn) bool { return x == t })
}

// split finds pending rows that posted in several parts, and several that
// posted as one.
func (n *accountNight) split() {
	for _, o := range slices.Clone(n.removed) {
		if !o.is(pending) {
			continue
		}
		var parts []*txn
		for _, t := range n.added {
			if d := int(t.Date - o.Date); !t.is(pending) && alike(o, t) && d >= -postsBefore && d <= postsAtMost && t.Amount < o.Amount && likeness(o, t) >= 600 {
				parts = append(parts, t)
			}
		}
		sum := sumTo(parts, o.Amount, 4)
		if len(sum) < 2 {
			continue
		}
		n.note("removed", "P3", o, sum[0].GUID)
		n.removed = without(n.removed, o)
		for _, t := range sum {
			n.note("added", "P3", t, o.GUID)
			n.added = without(n.added, t)
		}
	}
	for _, t := range slices.Clone(n.added) {
		if t.is(pending) {
			continue
		}
		var parts []*txn
		for _, o := range n.removed {
			if d := int(t.Date - o.Date); o.is(pending) && alike(o, t) && d >= -postsBefore && d <= postsAtMost && o.Amount < t.Amount && likeness(o, t) >= 600 {
				parts = append(parts, o)
			}
		}
		sum := sumTo(parts, t.Amount, 3)
		if len(sum) < 2 {
			continue
		}
		n.note("added", "P3", t, sum[0].GUID)
		n.added = without(n.added, t)
		for _, o := range sum {
			n.note("removed", "P3", o, t.GUID)
			n.removed = without(n.removed, o)
		}
	}
}

// sumTo finds from two to most rows whose amounts add up to want.
func sumTo(rows []*txn, want schemas.Money, most int) []*txn {
	if len(rows) > 12 {
		rows = rows[:12]
	}
	for set := 1; set < 1<<len(rows); set++ {
		var sum schemas.Money
		var picked []*txn
		for i, t := range rows {
			if set>>i&1 == 1 {
				sum += t.Amount
				picked = append(picked, t)
			}
		}
		if sum == want && len(picked) >= 2 && len(picked) <= most {
			return picked
		}
	}
	return nil
}

// beside remembers posted rows that came while the pending one is still shown.
func (n *accountNight) beside() {
	var waiting []*txn
	for i := range n.after {
		if t := &n.after[i]; t.is(pending) && n.st.Posted[t.GUID] == "" {
			waiting = append(waiting, t)
		}
	}
	var pairs []pair
	for i, o := range waiting {
		for k, t := range n.added {
			if s := posts(o, t); s >= surely {
				pairs = append(pairs, pair{i, k, s})
			}
		}
	}
	chosen, _ := assign(pairs, ambiguousMargin)
	for _, p := range chosen {
		if n.st.Posted == nil {
			n.st.Posted = map[string]string{}
		}
		n.st.Posted[waiting[p.gone].GUID] = n.added[p.came].GUID
	}
}
