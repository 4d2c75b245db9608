package sim

// rowDefects are the defects of rows that are shown.
var rowDefects = []defectKind{
	{name: "Z1", user: lose(rowEdit{op: opHide})},
	{name: "Z3", user: func(j *injection, u *user) bool {
		t, ok := j.posted(u, anyRow)
		if ok {
			j.hit(&t, rowEdit{op: opHide, until: j.nights(1, 4)})
		}
		return ok
	}},
	{name: "Z1+same", user: func(j *injection, u *user) bool { return j.loseAndAdd(u, anotherPurchase) }},
	{name: "Z1+refund", user: func(j *injection, u *user) bool { return j.loseAndAdd(u, refunded) }},
	{name: "Z1+equal", user: func(j *injection, u *user) bool {
		t, ok := j.posted(u, isEqual)
		if ok {
			j.hit(&t, rowEdit{op: opHide})
		}
		return ok
	}},
	{name: "M3b", user: purge},
	{name: "V1", user: lose(rowEdit{op: opHide, void: true})},
	{name: "V1+repost", user: repost},
	{name: "P5", user: func(j *injection, u *user) bool {
		t, ok := j.pending(u, anyRow)
		if ok {
			j.hit(&t, rowEdit{op: opHide})
		}
		return ok
	}},
	{name: "P3", user: split},
	{name: "D1", user: func(j *injection, u *user) bool { return j.twin(u, anyRow) }},
	{name: "D1+equal", user: func(j *injection, u *user) bool { return j.twin(u, isEqual) }},
	{name: "D2", user: func(j *injection, u *user) bool {
		return j.again(u, rowEdit{text: true, shift: int32(j.draw(5)) - 2})
	}},
	{name: "C1", user: amend},
	{name: "C2", user: func(j *injection, u *user) bool {
		if j.draw(2) == 0 {
			return j.again(u, rowEdit{cents: -1})
		}
		return j.again(u, rowEdit{shift: int32(3+j.draw(3)) * int32(1-2*j.draw(2))})
	}},
	{name: "C4", user: move},
	{name: "N10", user: lose(rowEdit{op: opDouble})},
}

func anyRow(*target) bool { return true }

// isEqual reports whether the row is one of two equal purchases (Config.Twins).
func isEqual(t *target) bool {
	return t.a.twins > 0 && t.ev.slot < slotSeries && (t.a.isTwin(t.ev.day, t.ev.slot) ||
		int(t.ev.slot)+1 < t.a.randomCount(t.ev.day) && t.a.isTwin(t.ev.day, t.ev.slot+1))
}

// lose does the same edit to some posted row.
func lose(e rowEdit) func(*injection, *user) bool {
	return func(j *injection, u *user) bool {
		t, ok := j.posted(u, anyRow)
		if ok {
			j.hit(&t, e)
		}
		return ok
	}
}

// purge takes a row out of what MX has, and keeps the member from being
// aggregated for a night, so that it can be seen that no aggregation did it.
func purge(j *injection, u *user) bool {
	t, ok := j.posted(u, anyRow)
	if ok {
		j.hit(&t, rowEdit{op: opHide, now: true})
		j.trouble(t.a.m, spell{from: j.at, until: j.nights(1, 1)})
	}
	return ok
}

// loseAndAdd makes the feed lose a row while another one of the same amount comes.
func (j *injection) loseAndAdd(u *user, c func(*injection, *target) content) bool {
	t, ok := j.posted(u, func(t *target) bool { return t.ev.slot < slotSeries })
	if ok {
		j.hit(&t, rowEdit{op: opHide})
		j.add(&t, c(j, &t), hash(t.ev.h, 1))
	}
	return ok
}

func anotherPurchase(j *injection, t *target) content {
	return content{payee: &shops[j.draw(len(shops))], cents: t.c.cents, pending: t.c.cents, credit: t.c.credit}
}

func refunded(_ *injection, t *target) content {
	c := t.c
	c.credit, c.refund = !c.credit, true
	return c
}

// add makes something happen at the bank within the next day.
func (j *injection) add(t *target, c content, h uint64) *address {
	at := j.at + 1 + int64(j.draw(secondsPerDay))
	ev := event{day: dayOf(at), h: h, at: at, post: at, until: at}
	return j.v.over.addEvent(t.id(), extra{ev: ev, c: c})
}

// repost makes the bank take an item back and book it again.
func repost(j *injection, u *user) bool {
	t, ok := j.posted(u, func(t *target) bool { return t.c.cheque == 0 })
	if !ok {
		return false
	}
	next := j.add(&t, t.c, t.ev.h)
	d := j.hit(&t, rowEdit{op: opHide, void: true, next: next})
	g := j.v.w.guid(prefixTransaction, *next)
	d.Counterparts = []string{g.String()}
	return true
}

// split makes a pending row post in two or three parts.
func split(j *injection, u *user) bool {
	t, ok := j.pending(u, func(t *target) bool {
		mode := t.a.m.inst.pending
		return (mode == pendingReplaced || mode == pendingKept) && t.c.cents == t.c.pending && t.c.cents >= 500
	})
	if !ok {
		return false
	}
	parts := 2 + j.draw(2)
	d := j.hit(&t, rowEdit{op: opSplit, parts: parts})
	for i := range parts {
		d.Counterparts = append(d.Counterparts, j.guid(&t.a, &t.ev, row{variant: variantPart + uint8(i)}))
	}
	return true
}

// twin makes the feed show a row twice for some nights, and then one of the two.
func (j *injection) twin(u *user, fit func(*target) bool) bool {
	t, ok := j.posted(u, fit)
	if ok {
		j.doubled(&t, rowEdit{})
	}
	return ok
}

func (j *injection) doubled(t *target, e rowEdit) {
	e.op, e.stays = opTwin, j.draw(2) == 0
	e.until = j.nights(2, 4)
	d := j.hit(t, e)
	other := t.r
	other.variant = variantCopy
	d.Counterparts = []string{j.guid(&t.a, &t.ev, other)}
	if !e.stays {
		d.Transactions, d.Counterparts = d.Counterparts, d.Transactions
	}
}

// near reports whether the date of a row may be moved and still be found near
// its event.
func near(t *target) bool { return t.r.date-t.ev.day <= longestLife-furthestShift }

// moved turns a shift around that would date a row in the future.
func (j *injection) moved(t *target, e rowEdit) rowEdit {
	if t.r.date+e.shift > dayOf(t.a.saw) {
		e.shift = -e.shift
	}
	if e.cents < 0 { // a few per cent more or less
		e.cents = t.c.cents + max(1, t.c.cents*int64(1+j.draw(8))/100)
		if j.draw(2) == 0 {
			e.cents = max(1, 2*t.c.cents-e.cents)
		}
	}
	return e
}

// again makes the feed show a posted row under another guid.
func (j *injection) again(u *user, e rowEdit) bool {
	t, ok := j.posted(u, func(t *target) bool { return near(t) && t.c.cents > 1 })
	if ok {
		j.issueAgain(&t, e)
	}
	return ok
}

func (j *injection) issueAgain(t *target, e rowEdit) {
	e = j.moved(t, e)
	e.op = opAgain
	d := j.hit(t, e)
	d.Counterparts = []string{j.guid(&t.a, &t.ev, row{variant: variantAgain})}
}

// amend changes a posted row in its place.
func amend(j *injection, u *user) bool {
	t, ok := j.posted(u, func(t *target) bool { return near(t) && t.c.cents > 1 })
	if !ok {
		return false
	}
	e := [...]rowEdit{{cents: -1}, {shift: int32(1 + j.draw(3))}, {flip: true}, {text: true}}[j.draw(4)]
	e = j.moved(&t, e)
	e.op = opAmend
	j.hit(&t, e)
	return true
}

// move makes the feed show a row in another account of the member, under the
// same guid or another one. The bank's books stay as they are.
func move(j *injection, u *user) bool {
	var to account
	t, ok := j.posted(u, func(t *target) bool {
		for _, a := range j.v.accounts(t.a.m) {
			if a.ord != t.a.ord && a.edits.all() == nil && !a.closed() && a.currency() == t.a.currency() {
				to = a
				return true
			}
		}
		return false
	})
	if !ok {
		return false
	}
	guid := j.guid(&t.a, &t.ev, t.r)
	x := extra{ev: t.ev, c: t.c, from: j.at, feed: true}
	if j.draw(2) == 0 {
		at, _ := j.v.w.parse(prefixTransaction, guid)
		x.alias, x.origin = &at, t.ev.post
	}
	next := j.v.over.addEvent(accountID{to.m.ref(), to.ord}, x)
	d := j.hit(&t, rowEdit{op: opHide, next: next})
	d.Counterparts = []string{guid}
	if x.alias == nil {
		g := j.v.w.guid(prefixTransaction, *next)
		d.Counterparts[0] = g.String()
	}
	return true
}
