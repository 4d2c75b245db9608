package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tallyport/schemas"
)

// leg is one side of what may be a transfer between two accounts of a user.
type leg struct {
	GUID    string        `json:"g"`
	Account string        `json:"a"`
	Key     uint64        `json:"k"` // of type and payee
	Signed  schemas.Money `json:"s"`
	Date    schemas.Date  `json:"d"`
	Old     bool          `json:"o,omitempty"` // of a first look: only to learn from
	Pending bool          `json:"p,omitempty"` // only a counterpart
	Met     bool          `json:"m,omitempty"`
	Asked   bool          `json:"q,omitempty"` // the other one is said to be missing
	was     string        // guid of the pending row that posted as it
}

// link is two payees whose rows come in pairs: what one account sends is what
// the other receives.
type link struct {
	Out    string `json:"o"` // account
	OutKey uint64 `json:"p"`
	In     string `json:"i"`
	InKey  uint64 `json:"q"`
	Met    int    `json:"m"`
	Alone  int    `json:"n,omitempty"` // legs that had no counterpart
}

const (
	legAfter  = 6  // days in which the other leg should have come
	legKept   = 20 // days in which we wait for both members to be fresh
	legApart  = 8  // days in which an equal leg makes it ambiguous
	keptLegs  = 64
	keptLinks = 16
	needPairs = 2
)

// isLeg reports whether the row may be one side of a transfer.
func isLeg(t *txn) bool {
	c := strings.ToUpper(t.Category)
	return !t.is(noSum|noDate) && t.Amount != 0 && (strings.Contains(c, "TRANSFER") || strings.Contains(c, "PAYMENT"))
}

// knownLeg reports whether rows of the payee come in pairs already: the category
// is MX's guess, and may be another one this time.
func (n *accountNight) knownLeg(t *txn) bool {
	return !t.is(noSum|noDate) && slices.ContainsFunc(n.links, func(l link) bool {
		return l.Out == n.account && l.OutKey == payeeKey(t) || l.In == n.account && l.InKey == payeeKey(t)
	})
}

// collectLegs takes what came, but for what is the same thing again.
func (n *accountNight) collectLegs(rows []*txn, old bool) {
	for _, t := range rows {
		if !isLeg(t) && !n.knownLeg(t) || slices.ContainsFunc(n.st.Doubles, func(d *double) bool { return d.GUID == t.GUID }) {
			continue
		}
		late := n.look.before.To != 0 && int(schemas.DateOf(n.look.baseAt.Time())-t.Date) > legApart
		n.legs = append(n.legs, leg{was: n.postedFrom(t), GUID: t.GUID, Account: n.account, Key: payeeKey(t), Signed: t.signed(), Date: t.Date, Old: old || late, Pending: t.is(pending)})
	}
}

// postedLegs are the rows of tonight that were pending before.
func (n *accountNight) postedLegs() (rows []*txn) {
	for i := range n.changes {
		if v := &n.changes[i]; v.change == "added" && v.code == "P2" || v.change == "amended" && v.code == "P1" {
			rows = append(rows, v.row)
		}
	}
	return rows
}

func (n *accountNight) postedFrom(t *txn) string {
	for i := range n.changes {
		if v := &n.changes[i]; v.row.GUID == t.GUID && (v.code == "P1" || v.code == "P2") && v.change != "removed" {
			return cmp.Or(v.counterpart, t.GUID)
		}
	}
	return ""
}

// addLegs takes the legs of one account; those that were pending are there.
func (u *userNight) addLegs(legs []leg) {
	for _, l := range legs {
		i := slices.IndexFunc(u.st.Legs, func(o leg) bool { return l.was != "" && o.GUID == l.was })
		if i < 0 {
			u.st.Legs = append(u.st.Legs, l)
			continue
		}
		l.Met = u.st.Legs[i].Met
		u.st.Legs[i] = l
	}
}

// otherLegs finds transfers of which one side never came (N3).
func (u *userNight) otherLegs() {
	nights := map[string]*accountNight{}
	for _, n := range u.held {
		nights[n.account] = n
		u.addLegs(n.legs)
		n.legs = nil
	}
	if len(u.st.Legs) == 0 {
		return
	}
	slices.SortStableFunc(u.st.Legs, func(a, b leg) int {
		return cmp.Or(cmp.Compare(a.Date, b.Date), strings.Compare(a.Account, b.Account), strings.Compare(a.GUID, b.GUID))
	})
	u.pairLegs()
	today := schemas.DateOf(u.facts.at.Time())
	// With more transfers than we can remember, one alone proves nothing.
	recent := slices.IndexFunc(u.st.Legs, func(l leg) bool { return today-l.Date <= legKept })
	crowded := recent >= 0 && len(u.st.Legs)-recent > keptLegs*3/4
	for i := range u.st.Legs {
		l := &u.st.Legs[i]
		if !crowded && !l.Asked && !l.Met && !l.Old && !l.Pending && int(today-l.Date) >= legAfter && l.Date+legAfter <= u.facts.window.To {
			u.askLeg(l, nights)
		}
	}
	u.st.Legs = slices.DeleteFunc(u.st.Legs, func(l leg) bool {
		if today-l.Date <= legKept {
			return false
		}
		if !l.Met && !l.Asked && !l.Pending && !(l.Old && l.Date < u.facts.window.From+legAfter) { // at its edge the other one is outside
			u.alone(&l)
		}
		return true
	})
	u.st.Legs = u.st.Legs[max(0, len(u.st.Legs)-keptLegs):]
	if len(u.st.Legs) == 0 {
		u.st.Legs = nil
	}
}

// pairLegs matches legs one to one, in the order of their dates.
func (u *userNight) pairLegs() {
	from := 0
	for i := range u.st.Legs {
		out := &u.st.Legs[i]
		for u.st.Legs[from].Date < out.Date-5 {
			from++
		}
		if out.Met || out.Signed > 0 {
			continue
		}
		var best *leg
		rank := func(l *leg) int { // a pair that is known comes first, then the nearest
			d := int(l.Date - out.Date)
			if u.linkOf(out, l) == nil {
				d += 100
			}
			return max(d, -d)
		}
		for k := from; k < len(u.st.Legs) && u.st.Legs[k].Date <= out.Date+5; k++ {
			in := &u.st.Legs[k]
			if in.Met || in.Signed != -out.Signed || in.Account == out.Account {
				continue
			}
			if best == nil || rank(in) < rank(best) {
				best = in
			}
		}
		if best == nil {
			continue
		}
		out.Met, best.Met = true, true
		if l := u.linkOf(out, best); l != nil {
			l.Met++
		} else if !out.Pending && !best.Pending {
			u.st.Links = append(u.st.Links, link{Out: out.Account, OutKey: out.Key, In: best.Account, InKey: best.Key, Met: 1})
		}
	}
	if len(u.st.Links) > keptLinks {
		slices.SortStableFunc(u.st.Links, func(a, b link) int { return cmp.Compare(b.Met-b.Alone, a.Met-a.Alone) })
		u.st.Links = u.st.Links[:keptLinks]
	}
}

func (u *userNight) linkOf(out, in *leg) *link {
	for i := range u.st.Links {
		if l := &u.st.Links[i]; l.Out == out.Account && l.OutKey == out.Key && l.In == in.Account && l.InKey == in.Key {
			return l
		}
	}
	return nil
}

// alone counts a leg against the pairs it could have been of.
func (u *userNight) alone(l *leg) {
	for i := range u.st.Links {
		if k := &u.st.Links[i]; k.Out == l.Account && k.OutKey == l.Key || k.In == l.Account && k.InKey == l.Key {
			k.Alone++
		}
	}
}

// counterpart is the account that the other leg should be in, if that is sure:
// such legs have always gone to one account, or nearly always.
func (u *userNight) counterpart(l *leg) string {
	found := ""
	for _, k := range u.st.Links {
		other := ""
		switch {
		case k.Out == l.Account && k.OutKey == l.Key:
			other = k.In
		case k.In == l.Account && k.InKey == l.Key:
			other = k.Out
		default:
			continue
		}
		if k.Met < needPairs || k.Met < 5*k.Alone || found != "" && found != other {
			return ""
		}
		found = other
	}
	return found
}

// askLeg says that the other leg is missing, if both accounts are up to date
// and nothing speaks against it.
func (u *userNight) askLeg(l *leg, nights map[string]*accountNight) {
	here, there := nights[l.Account], nights[u.counterpart(l)]
	if here == nil || there == nil || !upTo(here, l.Date) || !upTo(there, l.Date) || there.st.Closed {
		return
	}
	if there.st.First.Time().After((l.Date - legAfter).Time()) { // it may have come before we looked
		return
	}
	for i := range u.st.Legs { // an equal one about then: which of them is alone cannot be told
		o := &u.st.Legs[i]
		if d := int(o.Date - l.Date); o.GUID != l.GUID && o.Account == l.Account && o.Signed == l.Signed && d >= -legApart && d <= legApart {
			return
		}
	}
	if slices.ContainsFunc(here.st.Gone, func(g *gone) bool { return g.Row.GUID == l.GUID }) {
		return
	}
	l.Asked = there.missingLeg(l)
}

// upTo reports whether tonight's look is fresh and late enough for the other
// leg to be there.
func upTo(n *accountNight, date schemas.Date) bool {
	return n.look.fresh() && int(schemas.DateOf(n.look.saa.Time())-date) >= legAfter
}

// missingLeg says that the other side of a leg is missing.
func (n *accountNight) missingLeg(l *leg) bool {
	return n.missingSide(&missing{Signed: -l.Signed, At: l.Date.Timestamp(), Leg: l.GUID})
}

// missingSide raises what the balance has shown to a ticket. Where the balance
// cannot tell, the witness is enough; where it could and did not move, the
// institution has not booked it either.
func (n *accountNight) missingSide(side *missing) bool {
	m, ok := learn(n.st.Samples, n.st.Type)
	for _, x := range n.st.Missing {
		days := int(schemas.DateOf(x.At.Time()) - schemas.DateOf(side.At.Time()))
		if abs(x.Signed-side.Signed) > m.quantum || days < -legAfter || days > legAfter {
			continue
		}
		if x.Leg = cmp.Or(x.Leg, side.Leg); side.Leg != "" {
			n.corroborate(x, "other_leg", x.Payee)
		} else {
			n.corroborate(x, side.By, x.Payee)
		}
		return true
	}
	if ok {
		return false
	}
	side.First, side.Dry = n.look.night, true
	side.ID = n.freshID(side.Signed, schemas.DateOf(side.At.Time()))
	n.st.Missing = append(n.st.Missing, side)
	n.sightings = append(n.sightings, Sighting{n.neverSeenFinding(side, m), Confirmed})
	return true
}

// freshID is the id of something of the amount and day that was never seen.
func (n *accountNight) freshID(signed schemas.Money, day schemas.Date) (id string) {
	for ordinal := 0; ; ordinal++ {
		id = findingID("never_seen", n.st.lineage(n.account), signed.String(), day.String(), fmt.Sprint(ordinal))
		if !slices.ContainsFunc(n.st.Missing, func(o *missing) bool { return o.ID == id }) {
			return id
		}
	}
}
