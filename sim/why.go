package sim

import (
	"slices"
	"time"
)

// Why says why a transaction that was shown at the first instant is not shown at
// the second one in a list with the given window of dates, or shown otherwise:
// a code of Defect's taxonomy, "" if it is shown unchanged. The codes are tried
// in the order U, M, A, W, then what is done to rows. It returns also the guids
// of the rows that took its place and are in the window.
//
// Of a transaction that was not shown at the first instant it says why it was
// never shown, if the bank or a series has it and a defect keeps it (N1 to N6).
//
// The code says whether the bank's books still have the item: not for V1, P4,
// A1 and N2b, and for C1 and C2 with other terms.
func (w *World) Why(transactionGUID string, before, after, from, to time.Time) (code string, counterparts []string) {
	v := w.view()
	q := question{old: v, now: v, guid: transactionGUID, window: window{dayOf(from.Unix()), dayOf(to.Unix())}}
	q.old.t, q.now.t = before.Unix(), after.Unix()
	var ok bool
	if q.at, ok = w.parse(prefixTransaction, q.guid); !ok {
		return "", nil
	}
	q.u = w.userAt(q.at.user)
	if int(q.at.member) >= w.memberCount(&q.u) {
		return "", nil
	}
	// What was served at an instant may be from before a defect of that instant.
	if !q.wasShown() {
		if q.old.t--; !q.wasShown() {
			return q.neverShown(), nil
		}
	}
	return q.answer()
}

func (q *question) wasShown() (ok bool) {
	if !q.old.hasUser(&q.u) || q.old.disabled(&q.u) {
		return false
	}
	q.was.a, q.was.ev, q.was.r, ok = q.old.transaction(&q.u, q.guid)
	return ok
}

// question is one call of Why.
type question struct {
	old, now view
	guid     string
	at       address
	window   window
	u        user
	was, is  struct {
		a  *account
		ev event
		r  row
	}
}

func (q *question) answer() (string, []string) {
	v := q.now
	switch {
	case !v.hasUser(&q.u):
		return "U1", nil
	case v.disabled(&q.u):
		return "U2", nil
	}
	m, ok := v.memberAt(&q.u, q.at.member, v.w.memberCount(&q.u))
	switch {
	case !ok:
		return "M1", nil
	case m.born != q.at.born:
		return "M2", q.elsewhere(&m)
	}
	a := v.accountAt(&m, v.condition(&m), q.at.account, q.at.issue)
	first, second := a.forms()
	if q.at.issue == 0 && !first || q.at.issue == 1 && !second {
		return a.edits.whole.kind, q.elsewhere(&m)
	}
	if q.is.a, q.is.ev, q.is.r, ok = v.transaction(&q.u, q.guid); ok {
		return q.stillShown(&a)
	}
	return q.gone(&a)
}

// leftWindow says how a row with this date came to be outside the window.
func (q *question) leftWindow(date int32) string {
	switch {
	case q.window.holds(date):
		return ""
	case date == q.was.r.date:
		return "W1"
	}
	return "W2"
}

// stillShown compares a row that is there with what it was.
func (q *question) stillShown(a *account) (string, []string) {
	if code := q.leftWindow(q.is.r.date); code != "" {
		return code, nil
	}
	double := func(a *account) bool {
		e := a.edits.of(&q.was.ev)
		return e != nil && e.op == opDouble && e.begun(a)
	}
	exchanged := func(a *account) bool {
		w := a.edits.all()
		return w != nil && w.ratio != 0 && w.at <= a.saw
	}
	switch {
	case q.is.a.ord != q.was.a.ord && q.is.ev.extra != nil && !q.is.ev.extra.feed: // another item under its guid
		return "Z1", nil
	case q.is.a.ord != q.was.a.ord:
		return "C4", []string{q.guid}
	case double(a) && !double(q.was.a):
		return "N10", []string{q.guid}
	case q.was.r.pending && !q.is.r.pending:
		return "P1", []string{q.guid}
	case exchanged(a) && !exchanged(q.was.a):
		return "C3", []string{q.guid}
	case string(q.old.literal(q.was.a, q.was.ev, q.was.r)) != string(q.now.literal(q.is.a, q.is.ev, q.is.r)):
		return "C1", []string{q.guid}
	}
	return "", nil
}

// literal is a row as it is served.
func (v view) literal(a *account, ev event, r row) []byte {
	var e encoder
	x := txWriter{v: v, e: &e}
	x.use(a)
	x.write(&ev, r)
	return e.b
}

// gone says why a row of an account that is shown is not.
func (q *question) gone(a *account) (string, []string) {
	ev := q.was.ev
	date := q.was.r.date
	var out [maxRows]row
	for _, r := range out[:a.sown(&ev, &out)] {
		if r.variant == q.was.r.variant {
			date = r.date
		}
	}
	if code := q.leftWindow(date); code != "" {
		return code, nil
	}
	e := a.edits.of(&ev)
	if q.was.r.pending && a.rows(&ev, &out) > 0 && (e == nil || e.op != opSplit) {
		if code := q.leftWindow(out[0].date); code != "" {
			return code, nil
		}
		return "P2", q.rowsIn(a, q.at.day, q.at.slot)
	}
	if e != nil && e.begun(a) {
		if e.next == nil {
			return e.kind, q.rowsIn(a, q.at.day, q.at.slot)
		}
		next := *e.next
		home := q.now.accountAt(a.m, q.now.condition(a.m), next.account, 0)
		return e.kind, q.rowsIn(&home, next.day, next.slot)
	}
	if ev.hold {
		return "P4", nil
	}
	if w := a.edits.all(); w != nil {
		return w.kind, nil
	}
	return "", nil
}

// elsewhere returns what the row is in the same account of a member that was
// created anew, or under the account's other guid.
func (q *question) elsewhere(m *member) []string {
	c := q.now.condition(m)
	if c.saw == 0 || int(q.at.account) >= q.now.accountCount(m) {
		return nil
	}
	a := q.now.accountAt(m, c, q.at.account, 0)
	if first, second := a.forms(); !first && !second {
		return nil
	} else if !first {
		a = q.now.accountAt(m, c, q.at.account, 1)
	}
	return q.rowsIn(&a, q.at.day, q.at.slot)
}

// rowsIn returns the guids of the rows that an account shows of an event: of
// the one that is like the row that was, if there is such a one.
func (q *question) rowsIn(a *account, day uint16, slot uint32) []string {
	ev, ok := a.eventAt(int32(day), slot)
	if !ok {
		return nil
	}
	var all []string
	var out [maxRows]row
	for _, r := range out[:a.rows(&ev, &out)] {
		if !q.window.holds(r.date) {
			continue
		}
		x := txWriter{v: q.now}
		x.use(a)
		guid := x.id(&ev, r).String()
		if guid != q.guid && r.variant == q.was.r.variant && ev.extra == nil {
			return []string{guid}
		}
		if !slices.Contains(all, guid) {
			all = append(all, guid)
		}
	}
	return all
}

// neverShown says which defect keeps a row from being shown that would be.
func (q *question) neverShown() string {
	v := q.now
	m, ok := v.memberAt(&q.u, q.at.member, v.w.memberCount(&q.u))
	if !ok || m.born != q.at.born || int(q.at.account) >= v.accountCount(&m) {
		return ""
	}
	c := v.condition(&m)
	a := v.accountAt(&m, c, q.at.account, q.at.issue)
	ev, ok := a.eventAt(int32(q.at.day), q.at.slot)
	var out [maxRows]row
	if !ok || c.saw == 0 || a.sown(&ev, &out) == 0 {
		return ""
	}
	if e := a.edits.of(&ev); e != nil && ev.at > e.at && !e.ended(&a) && (e.op == opHide || e.op == opLate) {
		return e.kind
	}
	if w := a.edits.all(); w != nil && ev.at > w.at && w.hides(&a, &ev, out[0]) {
		return w.kind
	}
	return ""
}
