package sim

// comingDefects are the defects of rows that are to come.
var comingDefects = []defectKind{
	{name: "N1", user: func(j *injection, u *user) bool {
		return j.neverShown(u, 3, func(t *target) bool { return t.ev.slot < slotSeries })
	}},
	{name: "N2", user: func(j *injection, u *user) bool { return j.neverShown(u, j.horizon(), isStanding) }},
	{name: "N2b", user: stop},
	{name: "N3", user: func(j *injection, u *user) bool { return j.neverShown(u, j.horizon(), hasTwoLegs) }},
	{name: "N4", user: func(j *injection, u *user) bool {
		return j.neverShown(u, 9, func(t *target) bool { return t.c.cheque != 0 })
	}},
	{name: "N6", user: func(j *injection, u *user) bool {
		t, ok := j.coming(u, 3, func(t *target) bool { return t.ev.slot < slotSeries })
		if ok {
			j.hit(&t, rowEdit{op: opLate, until: t.ev.post + secondsPerDay*int64(1+j.draw(2))})
		}
		return ok
	}},
}

// horizon is how many days ahead a standing item is looked for: where it comes
// soon, before all others.
func (j *injection) horizon() int32 { return [...]int32{5, 14, 31, 31}[j.pass] }

func hasTwoLegs(t *target) bool {
	switch t.c.payee {
	case &toSavings, &fromChecking, &cardPayment, &cardReceived:
		return true
	}
	return false
}

func isStanding(t *target) bool {
	return t.ev.slot >= slotSeries && !hasTwoLegs(t) && t.c.cheque == 0
}

// neverShown keeps an item that the bank will book from ever being shown.
func (j *injection) neverShown(u *user, days int32, fit func(*target) bool) bool {
	t, ok := j.coming(u, days, fit)
	if ok {
		j.hit(&t, rowEdit{op: opHide})
	}
	return ok
}

// stop ends a series: nothing is booked any more.
func stop(j *injection, u *user) bool {
	t, ok := j.coming(u, j.horizon(), func(t *target) bool { return isStanding(t) && t.a.edits == nil })
	if !ok {
		return false
	}
	d := j.whole(&t.a, wholeEdit{slot: t.ev.slot})
	d.Transactions = []string{j.guid(&t.a, &t.ev, t.r)}
	d.Cents, d.Credit, d.Date = t.c.cents, t.c.credit, date(t.r.date)
	return true
}
