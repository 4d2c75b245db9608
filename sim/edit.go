package sim

import (
	"maps"
	"slices"
)

// accountID is an account's place in the world.
type accountID struct {
	member memberID
	ord    uint8
}

// accountEdits is what was done to one account. It is immutable once a view may
// hold it. What was done to the feed holds for what an aggregation brought that
// began afterwards; what was done at the bank, for its books from then on.
type accountEdits struct {
	edition uint64 // differs from that of every other set of edits
	rows    map[int32][]*rowEdit
	extra   map[int32][]*extra
	whole   *wholeEdit
}

// op is what is done to the rows of an event.
type op uint8

const (
	opHide   op = iota // not shown
	opLate             // not shown until then, and stored then
	opTwin             // shown twice until then, and once from then on
	opAgain            // shown under another guid
	opAmend            // shown otherwise under the same guid
	opSplit            // posts as several rows
	opDouble           // shown twice under one guid, with other content
)

// Variants of rows that only defects bring.
const (
	variantCopy  = 3
	variantAgain = 4
	variantPart  = 5 // and 6, 7
)

// furthestShift is how many days before its event the date of a row may be
// moved by an edit.
const furthestShift = 6

// rowEdit is what was done to the rows of one event.
type rowEdit struct {
	slot  uint32
	kind  string
	op    op
	at    int64
	until int64 // 0 = for good
	now   bool  // not the feed but MX itself did it: at once, without an aggregation
	void  bool  // the bank took it back
	stays bool  // of twins, the copy stays
	shift int32 // days by which the date moves
	cents int64 // another amount, 0 = the same
	flip  bool  // another type
	text  bool  // another description
	parts int
	next  *address // what takes the place of the row, if that is not a row of the same event
}

// extra is an event that the seed does not know.
type extra struct {
	ev     event
	c      content
	from   int64    // shown by aggregations begun from then on
	feed   bool     // only the feed has it, not the bank's books
	alias  *address // it is shown under the guid of another row
	origin int64    // when it was stored first, where that was before from
}

// wholeEdit is what was done to an account as a whole.
type wholeEdit struct {
	kind      string
	at        int64
	until     int64
	cut       int32  // W3: first date that is left
	ratio     int64  // C3: hundredths of the new currency for one of the old
	currency  string // C3
	slot      uint32 // N2b: the series that ends
	share     float64
	key       uint64 // with share, which rows are lost
	copyStays bool   // A3: the duplicate survives, not the first one
}

// slotExtra is where the slots of extra events begin.
const slotExtra = 0xe00000

// begun reports whether the edit shows in what is shown of the account.
func (e *rowEdit) begun(a *account) bool { return e.at <= a.shownAt(e.now) }

// ended reports whether the edit shows no more.
func (e *rowEdit) ended(a *account) bool { return e.until != 0 && e.until <= a.shownAt(e.now) }

func (a *account) shownAt(now bool) int64 {
	if now {
		return a.now
	}
	return a.saw
}

// of returns the edit of an event, if there is one.
func (s *accountEdits) of(ev *event) *rowEdit {
	if s == nil || ev.extra != nil {
		return nil
	}
	for _, e := range s.rows[ev.day] {
		if e.slot == ev.slot {
			return e
		}
	}
	return nil
}

// all returns what was done to the account as a whole.
func (s *accountEdits) all() *wholeEdit {
	if s == nil {
		return nil
	}
	return s.whole
}

// touches reports whether the rows of a day cannot be counted by the rules of
// the seed alone.
func (s *accountEdits) touches(day int32) bool {
	return s != nil && (s.whole != nil || len(s.rows[day]) > 0 || len(s.extra[day]) > 0)
}

// edited applies the edits of an account to the n rows that the seed has for an
// event.
func (a *account) edited(ev *event, out *[maxRows]row, n int) int {
	if x := ev.extra; x != nil && a.saw < x.from {
		return 0
	}
	if e := a.edits.of(ev); e != nil && n > 0 && e.begun(a) {
		n = e.apply(a, out, n)
	}
	w := a.edits.whole
	if w == nil {
		return n
	}
	left := 0
	for _, r := range out[:n] {
		if !w.hides(a, ev, r) {
			out[left] = r
			left++
		}
	}
	return left
}

func (e *rowEdit) apply(a *account, out *[maxRows]row, n int) int {
	first := out[0]
	first.edit = e
	switch e.op {
	case opHide:
		if !e.ended(a) {
			return 0
		}
	case opLate:
		if !e.ended(a) {
			return 0
		}
		for i := range n {
			out[i].edit = e
		}
	case opTwin:
		first.variant = variantCopy
		switch {
		case !e.ended(a):
			out[n] = first
			n++
		case e.stays:
			out[0] = first
		}
	case opAgain:
		first.variant = variantAgain
		first.date += e.shift
		out[0] = first
	case opAmend:
		first.date += e.shift
		out[0] = first
	case opSplit:
		if first.pending {
			return n
		}
		for i := range e.parts {
			first.variant, first.part = variantPart+uint8(i), uint8(i+1)
			out[i] = first
		}
		return e.parts
	case opDouble:
		first.part = 1
		out[n] = first
		n++
	}
	return n
}

// hides reports whether the edit keeps a row from being shown.
func (w *wholeEdit) hides(a *account, ev *event, r row) bool {
	if a.saw < w.at {
		return false
	}
	lost := func() bool { return ev.post <= w.at && chance(hash(w.key^ev.h, uint64(ev.slot)), w.share) }
	switch w.kind {
	case "W3":
		return r.date < w.cut
	case "N5", "A1":
		return ev.at > w.at
	case "N2b":
		return ev.at > w.at && ev.slot == w.slot
	case "systemic":
		return !r.pending && lost()
	case "A4":
		return a.issue > 0 && lost()
	}
	return false
}

// booked reports whether an event is on the bank's books at an instant, as far
// as edits have a say.
func (a *account) booked(ev *event, at int64) bool {
	if a.edits == nil {
		return true
	}
	if x := ev.extra; x != nil {
		return !x.feed
	}
	if e := a.edits.of(ev); e != nil && e.void && e.at <= at {
		return false
	}
	w := a.edits.whole
	return w == nil || !(w.kind == "N2b" && ev.slot == w.slot || w.kind == "A1") || ev.at <= w.at
}

// terms is content as it stands on the books at an instant.
func (a *account) terms(ev *event, at int64) content {
	c := a.content(ev)
	if a.edits == nil {
		return c
	}
	if e := a.edits.of(ev); e != nil && (e.op == opAmend || e.op == opAgain) && e.at <= at {
		if e.cents != 0 {
			c.cents = e.cents
		}
		c.credit = c.credit != e.flip
	} else if e != nil && e.op == opTwin && e.cents != 0 && e.until <= at {
		c.cents = e.cents // the one that is left was put right
	}
	c.cents, c.pending = a.exchange(c.cents, at), a.exchange(c.pending, at)
	return c
}

// corrections is what edits in force at an instant changed of items that posted
// before the books were opened, and are in the opening balance as they were.
func (a *account) corrections(open, at int64) (sum int64) {
	if a.edits == nil {
		return 0
	}
	by := func(c content) int64 {
		if c.credit {
			return c.cents
		}
		return -c.cents
	}
	for day, edits := range a.edits.rows {
		for _, e := range edits {
			ev, ok := a.eventAt(day, e.slot)
			if !ok || ev.post > open || e.at > at {
				continue
			}
			sum -= by(a.content(&ev))
			if !e.void {
				sum += by(a.terms(&ev, at))
			}
		}
	}
	return sum
}

// exchange converts an amount to the currency that the account has at an instant.
func (a *account) exchange(cents, at int64) int64 {
	if a.edits == nil || a.edits.whole == nil {
		return cents
	}
	if w := a.edits.whole; w.ratio != 0 && w.at <= at {
		return (cents*w.ratio + 50) / 100
	}
	return cents
}

// share is part i of n of an amount: unequal, and they sum to it.
func share(cents int64, i, n int) int64 {
	rest := cents
	for j := 1; ; j++ {
		part := rest * 3 / 5
		if j == n {
			part = rest
		}
		if j == i {
			return part
		}
		rest -= part
	}
}

// since is when a row came to be what it is through an edit, 0 if it did not.
func (a *account) since(ev *event, r row) int64 {
	t := a.made()
	if x := ev.extra; x != nil && x.origin == 0 {
		t = max(t, x.from)
	}
	if e := r.edit; e != nil {
		switch e.op {
		case opTwin, opAgain:
			t = max(t, e.at)
		case opLate:
			t = max(t, e.until)
		}
	}
	return t
}

// made is when the account came to be shown through an edit, 0 if it did not.
func (a *account) made() int64 {
	if a.issue > 0 {
		return a.edits.whole.at
	}
	return 0
}

// forms reports under which of its guids an account is shown: the first one,
// and the one that a defect gave it.
func (a *account) forms() (first, second bool) {
	if a.edits == nil || a.edits.whole == nil {
		return true, false
	}
	w := a.edits.whole
	switch {
	case w.kind == "A2":
		return a.now < w.at, false
	case a.saw < w.at:
		return true, false
	case w.kind == "A1":
		return a.saw < w.until, false
	case w.kind == "A3" && a.saw < w.until:
		return true, true
	case w.kind == "A3":
		return !w.copyStays, w.copyStays
	case w.kind == "A4":
		return false, true
	}
	return true, false
}

// edit returns a copy of the edits of an account that may be changed.
func (o *overlay) edit(id accountID) *accountEdits {
	o.edition++
	s := &accountEdits{edition: o.edition}
	if old := o.accounts[id]; old != nil {
		s.rows, s.extra, s.whole = maps.Clone(old.rows), maps.Clone(old.extra), old.whole
	}
	if o.accounts == nil {
		o.accounts = make(map[accountID]*accountEdits)
	}
	o.accounts[id] = s
	return s
}

func (o *overlay) editRow(id accountID, day int32, e *rowEdit) {
	s := o.edit(id)
	if s.rows == nil {
		s.rows = make(map[int32][]*rowEdit)
	}
	s.rows[day] = append(slices.Clone(s.rows[day]), e)
}

// addEvent puts an event into an account and returns the address of its row,
// which is also where a row is found that is shown under the guid of another one.
func (o *overlay) addEvent(id accountID, x extra) *address {
	s := o.edit(id)
	if s.extra == nil {
		s.extra = make(map[int32][]*extra)
	}
	day := x.ev.day
	x.ev.slot = slotExtra + uint32(len(s.extra[day]))
	s.extra[day] = append(slices.Clone(s.extra[day]), &x)
	m := id.member
	return &address{user: m.user, member: m.ord, born: m.born, account: id.ord, variant: variantPosted, day: uint16(day), slot: x.ev.slot}
}
