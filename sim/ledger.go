package sim

// The bank's side of an account. What happens there are events, each a pure
// function of account, day and slot; what MX shows of an event are its rows,
// which depend on when the member's last good aggregation looked.

// Slots of a day, in list order: standing items, then random spending, then
// holds that never post. The three ranges never meet, so that a slot says what
// the event is.
const (
	slotSeries = 0x800000
	slotHold   = 0xc00000
)

const (
	longestLag  = 13                 // days from purchase to posting
	purgeAfter  = 14 * secondsPerDay // pending rows are deleted then (mx-api.md §1.12)
	longestLife = longestLag + 3     // after so many days an event has one posted row and no other
	holdShare   = 0.05               // of the days of an account that spends
	maxSeries   = 8
	noPost      = never
)

// event is one thing that happened at the bank.
type event struct {
	day   int32
	slot  uint32
	h     uint64
	dom   int8  // day of the month of day
	month int32 // year*12 + month of day
	at    int64 // when it happened, or was authorised
	post  int64 // when the bank posted it; noPost for a hold
	until int64 // when the pending row goes, where it stays beside the posted one
	drop  int64 // when a hold is released
	hold  bool
	moved bool // its date becomes that of posting
	blank bool // transacted_at is null (then date is that of posting, too)
	extra *extra
}

// row is one row that MX shows of an event.
type row struct {
	variant uint8
	pending bool
	part    uint8 // of a row that posted in parts, from 1 on; 1 also for the second row of a double guid
	date    int32
	edit    *rowEdit
}

// maxRows is how many rows an event has at most.
const maxRows = 4

// randomCount is how many unscheduled things happen on a day: fewer on Sundays.
func (a *account) randomCount(day int32) int {
	r := a.random
	if (day+4)%7 == 0 { // 1970-01-01 was a Thursday
		r = r / 2
	} else {
		r += r / 12
	}
	return r.count(hash(a.key^saltDay, uint64(day)))
}

func (a *account) holdCount(day int32) int {
	if a.random < 1<<15 || a.kind.activity < 0.5 || !chance(hash(a.key^saltHold, uint64(day)), holdShare) {
		return 0
	}
	return 1
}

// settledCount is the number of rows of a day long past: one for each event.
func (a *account) settledCount(day int32, dom int8) int {
	if day < a.floor || day >= a.shut {
		return 0
	}
	n := a.randomCount(day)
	for i := range a.n {
		if a.series[i].due(day, dom) {
			n++
		}
	}
	return n
}

// settled reports whether every event of the day has come to its end in the
// eyes of the member's last aggregation.
func (a *account) settled(day int32) bool { return a.saw >= midnight(day+longestLife) }

// events calls yield for every event of a day in slot order, leaving out the
// first skip of them, until yield returns false.
func (a *account) events(day int32, skip int, yield func(event) bool) {
	if day >= a.shut {
		return
	}
	year, month, dom := civil(day)
	ev := event{day: day, dom: int8(dom), month: int32(year*12 + month)}
	for i := range a.n {
		if !a.series[i].due(day, ev.dom) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if a.timing(&ev, slotSeries+uint32(i)); !yield(ev) {
			return
		}
	}
	n := a.randomCount(day)
	for i := skip; i < n; i++ {
		if a.timing(&ev, uint32(i)); !yield(ev) {
			return
		}
	}
	for i := max(0, skip-n); i < a.holdCount(day); i++ {
		if a.timing(&ev, slotHold+uint32(i)); !yield(ev) {
			return
		}
	}
	if a.edits == nil {
		return
	}
	for _, x := range a.edits.extra[day] {
		ev := x.ev
		if ev.extra = x; !yield(ev) {
			return
		}
	}
}

func (a *account) seedOf(day int32, slot uint32) uint64 {
	return hash(a.key, uint64(day)<<24|uint64(slot))
}

// isTwin reports whether a purchase is the same as the one before it on its day
// (Config.Twins).
func (a *account) isTwin(day int32, slot uint32) bool {
	alike := func(slot uint32) bool { return chance(hash(a.seedOf(day, slot), saltTwin), a.twins) }
	return slot > 0 && slot < slotSeries && alike(slot) && (slot == 1 || !alike(slot-1))
}

// timing fills in when things happen to the event of a slot.
func (a *account) timing(ev *event, slot uint32) {
	h := a.seedOf(ev.day, slot)
	ev.slot = slot
	ev.hold = slot >= slotHold
	twin := a.twins > 0 && a.isTwin(ev.day, slot)
	if twin {
		h = a.seedOf(ev.day, slot-1)
	}
	ev.h = h
	ev.at = midnight(ev.day) + 6*hours + int64(pick(mix(h^saltTime), 17*hours))
	if twin {
		ev.at += 37 * 60
	}
	ev.moved, ev.blank = false, false
	if ev.hold {
		ev.post = noPost
		ev.drop = ev.at + secondsPerDay*[...]int64{1, 2, 3, 5, 7, 14}[h>>8%6]
		return
	}
	lag := int64(0)
	if a.payee(slot, h).traits&instantPosted == 0 {
		lag = lagOf(h >> 12)
	}
	if lag > 0 {
		lag = min(lag+int64(a.lag), longestLag)
	}
	if lag == 0 {
		ev.post, ev.until = ev.at, ev.at
		return
	}
	ev.post = midnight(ev.day) + lag*secondsPerDay + 2*hours + int64(h>>20%(6*hours))
	ev.blank = h>>40%100 < 8
	ev.moved = ev.blank || h>>48%100 < 40
	ev.until = ev.at + purgeAfter
	if a.m.inst.pending == pendingCoexists {
		ev.until = min(ev.until, ev.post+secondsPerDay*int64(1+h>>32%12))
	}
}

// lagOf is how many days an item takes to post: mostly one or two, with a tail.
func lagOf(h uint64) int64 {
	switch x := h & 0xff; {
	case x < 40:
		return 0
	case x < 140:
		return 1
	case x < 210:
		return 2
	case x < 240:
		return 3
	case x < 252:
		return 4
	}
	return 5 + int64(h>>8%(longestLag-4))
}

// rows are the rows that MX shows of an event.
func (a *account) rows(ev *event, out *[maxRows]row) int {
	n := a.sown(ev, out)
	if a.edits != nil {
		n = a.edited(ev, out, n)
	}
	return n
}

// sown are the rows that the seed has for an event: none, one, or for some
// institutions both the pending and the posted one.
func (a *account) sown(ev *event, out *[maxRows]row) int {
	mode := a.m.inst.pending
	if ev.at > a.saw || mode == pendingNone && (ev.hold || ev.post > a.saw) || ev.hold && ev.drop <= a.saw {
		return 0
	}
	if ev.post > a.saw {
		out[0] = row{variant: variantPending, pending: true, date: ev.day}
		if mode == pendingKept {
			out[0].variant = variantPosted
		}
		return 1
	}
	out[0] = row{variant: variantPosted, date: ev.day}
	if ev.moved {
		out[0].date = dayOf(ev.post)
	}
	if (mode == pendingCoexists || mode == pendingPurged) && ev.post > ev.at && ev.until > a.saw {
		out[1] = row{variant: variantPending, pending: true, date: ev.day}
		return 2
	}
	return 1
}

// window is a range of dates, both included.
type window struct{ from, to int32 }

func (w window) holds(date int32) bool { return w.from <= date && date <= w.to }

// plain reports whether the rows of an event day can be counted without looking
// at them: all settled, and all their dates in the window.
func (a *account) plain(day int32, w window) bool {
	return a.settled(day) && day >= w.from && day+longestLife <= w.to && !a.edits.touches(day)
}

// countRows is the number of rows of an event day whose date is in the window.
func (a *account) countRows(day int32, dom int8, w window) int {
	if day < a.floor || day > w.to+furthestShift {
		return 0
	}
	if a.plain(day, w) {
		return a.settledCount(day, dom)
	}
	n := 0
	a.walk(day, w, 0, func(event, row) bool { n++; return true })
	return n
}

// walk calls yield for the rows of an event day whose date is in the window, in
// list order, leaving out the first skip, until yield returns false.
func (a *account) walk(day int32, w window, skip int, yield func(event, row) bool) bool {
	if day < a.floor {
		return true
	}
	jump := 0
	if a.plain(day, w) { // one row for each event: no need to look at those left out
		jump, skip = skip, 0
	}
	more := true
	a.events(day, jump, func(ev event) bool {
		var out [maxRows]row
		n := a.rows(&ev, &out)
		for _, r := range out[:n] {
			if !w.holds(r.date) {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			if more = yield(ev, r); !more {
				return false
			}
		}
		return true
	})
	return more
}
