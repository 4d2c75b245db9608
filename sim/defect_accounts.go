package sim

// accountDefects are the defects of whole accounts.
var accountDefects = []defectKind{
	{name: "C3", user: func(j *injection, u *user) bool {
		return j.untouched(u, func(a *account) bool {
			if a.kind.sign <= 0 || a.currency() != "USD" || !j.isLively(a) {
				return false
			}
			j.whole(a, wholeEdit{currency: "CAD", ratio: int64(131 + j.draw(12))})
			return true
		})
	}},
	{name: "W3", user: func(j *injection, u *user) bool {
		return j.untouched(u, func(a *account) bool { return j.truncate(a) })
	}},
	{name: "W3+Z1", user: truncateAndLose},
	{name: "N5", user: func(j *injection, u *user) bool {
		return j.untouched(u, func(a *account) bool {
			if a.random < 1<<15 || !j.isLively(a) {
				return false
			}
			j.whole(a, wholeEdit{})
			return true
		})
	}},
	{name: "A1", user: func(j *injection, u *user) bool {
		return j.untouched(u, func(a *account) bool {
			if !j.isLively(a) {
				return false
			}
			j.whole(a, wholeEdit{until: j.nights(3, 6)})
			return true
		})
	}},
	{name: "A2", user: func(j *injection, u *user) bool {
		return j.untouched(u, func(a *account) bool {
			if !j.isLively(a) || len(j.v.accounts(a.m)) < 2 {
				return false
			}
			j.whole(a, wholeEdit{})
			return true
		})
	}},
	{name: "A3", user: func(j *injection, u *user) bool { return j.untouched(u, j.merge) }},
	{name: "A4", user: func(j *injection, u *user) bool { return j.untouched(u, j.reissue) }},
}

// whole records what is done to an account.
func (j *injection) whole(a *account, w wholeEdit) *Defect {
	w.kind, w.at = Defect{Kind: j.kind}.Code(), j.at
	j.v.over.edit(accountID{a.m.ref(), a.ord}).whole = &w
	d := j.report(a.m)
	d.Account = a.id.String()
	if w.until != 0 {
		d.Until = instant(w.until)
	}
	return d
}

// isLively reports whether an account has rows enough for a defect to be seen.
func (j *injection) isLively(a *account) bool {
	_, n := j.rowsOf(a, func(*event, row) bool { return false })
	return n >= 5
}

// truncate cuts off the history of an account.
func (j *injection) truncate(a *account) bool {
	cut := dayOf(j.at) - int32(25+j.draw(31))
	old, n := j.rowsOf(a, func(_ *event, r row) bool { return r.date < cut })
	if len(old) < 5 || n-len(old) < 2 {
		return false
	}
	j.whole(a, wholeEdit{cut: cut}).Transactions = old
	return true
}

// truncateAndLose cuts off the history of an account and loses one of the rows
// that are left.
func truncateAndLose(j *injection, u *user) bool {
	return j.untouched(u, func(a *account) bool {
		for day := dayOf(a.saw) - 3; day > dayOf(a.saw)-20; day-- {
			t, ok := j.on(a, day, func(t *target) bool { return !t.r.pending })
			if !ok {
				continue
			}
			kind := j.kind
			defer func() { j.kind = kind }()
			if j.kind = "W3"; !j.truncate(a) {
				return false
			}
			j.kind = "Z1"
			j.hit(&t, rowEdit{op: opHide})
			return true
		}
		return false
	})
}

// merge shows an account twice for some nights, and then one of the two.
func (j *injection) merge(a *account) bool {
	if !j.isLively(a) {
		return false
	}
	w := wholeEdit{until: j.nights(2, 5), copyStays: j.draw(2) == 0}
	d := j.whole(a, w)
	d.Counterparts = []string{j.secondGUID(a)}
	if !w.copyStays {
		d.Account, d.Counterparts[0] = d.Counterparts[0], d.Account
	}
	return true
}

// reissue shows an account under other guids; a few rows may not come along.
func (j *injection) reissue(a *account) bool {
	if !j.isLively(a) {
		return false
	}
	w := wholeEdit{key: uint64(j.draw(1 << 30))}
	if j.draw(2) == 0 {
		w.share = 0.03
	}
	d := j.whole(a, w)
	d.Counterparts = []string{j.secondGUID(a)}
	second := *a
	second.issue, second.edits, second.saw = 1, j.v.over.accounts[accountID{a.m.ref(), a.ord}], max(a.saw, j.at)
	d.Transactions, _ = j.rowsOf(a, func(ev *event, r row) bool { return second.edits.whole.hides(&second, ev, r) })
	return true
}

func (j *injection) secondGUID(a *account) string {
	g := j.v.w.guid(prefixAccount, address{user: a.m.user.i, member: a.m.ord, born: a.m.born, account: a.ord, issue: 1})
	return g.String()
}
