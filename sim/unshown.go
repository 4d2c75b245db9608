package sim

import (
	"cmp"
	"slices"
	"time"
)

// Unshown is an item that the bank has booked and the feed never showed as
// posted, whatever defect kept it.
type Unshown struct {
	Kind        string `json:"kind"` // of the defect
	Account     string `json:"account"`
	Transaction string `json:"transaction"` // the guid it would have had
	Cents       int64  `json:"cents"`
	Credit      bool   `json:"credit,omitempty"`

	// Authorised is when it happened: a balance that includes pending items has
	// it since then.
	Authorised time.Time `json:"authorised"`
	Booked     time.Time `json:"booked"`
	// Due is the end of the first good aggregation that should have brought it:
	// what is due at the same instant moves the balance at once.
	Due time.Time `json:"due"`
}

// Unshown returns what is on the bank's books since the start of the world and
// was due by now, but is not shown. Of what a defect only delays (N6) it returns
// what is still delayed.
func (w *World) Unshown() []Unshown {
	v := w.view()
	var all []Unshown
	for id, edits := range v.over.accounts {
		u := w.userAt(id.member.user)
		m, _ := v.memberAt(&u, id.member.ord, w.memberCount(&u))
		c := v.condition(&m)
		if m.born != id.member.born || c.saw == 0 {
			continue
		}
		a := v.accountAt(&m, c, id.ord, 0)
		a.edits = edits
		all = v.unshown(&a, all)
	}
	slices.SortFunc(all, func(a, b Unshown) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), a.Booked.Compare(b.Booked), cmp.Compare(a.Transaction, b.Transaction))
	})
	return all
}

func (v view) unshown(a *account, all []Unshown) []Unshown {
	for day := dayOf(v.w.start) - longestLife; day <= dayOf(a.saw); day++ {
		a.events(day, 0, func(ev event) bool {
			if ev.hold || ev.post <= v.w.start || ev.post > a.saw || !a.booked(&ev, a.saw) {
				return true
			}
			kind := a.withholds(&ev)
			if kind == "" {
				return true
			}
			due := v.stored(a.m, ev.post)
			c := a.terms(&ev, a.saw)
			x := txWriter{v: v}
			x.use(a)
			all = append(all, Unshown{
				Kind: kind, Account: a.id.String(), Transaction: x.id(&ev, row{variant: variantPosted, date: ev.day}).String(),
				Cents: c.cents, Credit: c.credit, Authorised: instant(ev.at), Booked: instant(ev.post), Due: instant(due),
			})
			return true
		})
	}
	return all
}

// withholds says which defect kept an event that has posted from ever being
// shown so. What was hidden after it had posted was shown before.
func (a *account) withholds(ev *event) string {
	if e := a.edits.of(ev); e != nil && ev.post > e.at && !e.ended(a) && (e.op == opHide && e.next == nil || e.op == opLate) {
		return e.kind
	}
	if w := a.edits.all(); w != nil && w.kind == "N5" && ev.at > w.at {
		return w.kind
	}
	return ""
}
