package sim

// hardDefects are what only looks like another defect, or hides one.
var hardDefects = []defectKind{
	{name: "D1+C1", user: func(j *injection, u *user) bool {
		t, ok := j.posted(u, func(t *target) bool { return near(t) && t.c.cents > 100 })
		if !ok {
			return false
		}
		e := j.moved(&t, rowEdit{cents: -1})
		j.doubled(&t, rowEdit{cents: e.cents})
		return true
	}},
	{name: "Z1+reused", user: reuse},
	{name: "Z1+edge", user: loseAtTheEdge},
	{name: "Z1+identify", user: func(j *injection, u *user) bool {
		t, ok := j.posted(u, anyRow)
		if ok {
			j.hit(&t, rowEdit{op: opHide})
			j.trouble(t.a.m, spell{from: j.at + secondsPerDay, until: j.nights(3, 4), hollow: true})
		}
		return ok
	}},
	{name: "D2+midnight", user: func(j *injection, u *user) bool {
		t, ok := j.posted(u, func(t *target) bool { return near(t) && t.c.cents > 1 && t.ev.at%secondsPerDay >= evening })
		if ok {
			j.issueAgain(&t, rowEdit{shift: 1})
		}
		return ok
	}},
	{name: "W2", user: overTheEdge},
	{name: "S-late", user: func(j *injection, u *user) bool {
		return j.member(u, func(m *member) {
			s := spell{from: j.at, until: j.at + 5*secondsPerDay}
			j.trouble(m, s)
			j.report(m).Until = instant(s.until)
		})
	}},
	{name: "B-weekend", user: func(j *injection, u *user) bool {
		return j.untouched(u, func(a *account) bool {
			if a.kind.sign == 0 || a.m.inst.pending == pendingNone || !j.isLively(a) {
				return false
			}
			j.whole(a, wholeEdit{})
			return true
		})
	}},
}

// overTheEdge moves the date of one of the oldest rows in a window of 90 days
// back by a day or two, as another time zone would, so that tomorrow's window
// has it no more.
func overTheEdge(j *injection, u *user) bool {
	from := dayOf(j.at) + 1 - daysInWindow
	back := int32(1 + j.draw(2))
	return j.accounts(u, func(a *account) bool {
		for day := from - 3; day < from+back; day++ {
			t, ok := j.on(a, day, func(t *target) bool {
				return near(t) && !t.r.pending && t.r.date >= from && t.r.date-back < from
			})
			if ok {
				j.hit(&t, rowEdit{op: opAmend, shift: -back})
				return true
			}
		}
		return false
	})
}

// evening is when, in New York, it is the next day UTC: at eight in summer, at
// seven when the clocks are back.
const evening = 20 * 3600

// loseAtTheEdge makes the feed lose a row of the first day that tomorrow's window
// of 90 days has.
func loseAtTheEdge(j *injection, u *user) bool {
	from := dayOf(j.at) + 1 - daysInWindow
	return j.accounts(u, func(a *account) bool {
		for day := from - longestLife; day <= from; day++ {
			t, ok := j.on(a, day, func(t *target) bool { return !t.r.pending && t.r.date == from })
			if ok {
				j.hit(&t, rowEdit{op: opHide})
				return true
			}
		}
		return false
	})
}

// isWeekend reports whether an instant is on a Saturday or Sunday, UTC.
func isWeekend(t int64) bool {
	weekday := (dayOf(t) + 4) % 7 // 1970-01-01 was a Thursday
	return weekday == 0 || weekday == 6
}

// reuse makes the feed lose a row and give its guid to another purchase, in
// another account of the member.
func reuse(j *injection, u *user) bool {
	var to account
	t, ok := j.posted(u, func(t *target) bool {
		for _, a := range j.v.accounts(t.a.m) {
			if t.ev.slot < slotSeries && a.ord != t.a.ord && a.edits.all() == nil && !a.closed() && a.currency() == t.a.currency() && a.random > 0 {
				to = a
				return true
			}
		}
		return false
	})
	if !ok {
		return false
	}
	at, _ := j.v.w.parse(prefixTransaction, j.guid(&t.a, &t.ev, t.r))
	c := anotherPurchase(j, &t)
	c.cents += int64(100 + j.draw(5000))
	c.pending = c.cents
	when := j.at + 1
	ev := event{day: dayOf(when), h: hash(t.ev.h, 1), at: when, post: when, until: when}
	next := j.v.over.addEvent(accountID{to.m.ref(), to.ord}, extra{ev: ev, c: c, from: j.at, alias: &at})
	j.hit(&t, rowEdit{op: opHide, next: next})
	return true
}
