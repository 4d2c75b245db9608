package sim

import "slices"

// memberDefects are the defects of members, users and more than that.
var memberDefects = []defectKind{
	{name: "M1", user: func(j *injection, u *user) bool {
		return j.member(u, func(m *member) {
			putOnce(&j.v.over.members, m.ref(), j.at)
			j.report(m)
		})
	}},
	{name: "M2", user: relink},
	{name: "U1", user: func(j *injection, u *user) bool {
		putOnce(&j.v.over.users, u.i, j.at)
		j.made = append(j.made, Defect{Kind: j.kind, At: instant(j.at), User: u.id.String()})
		return true
	}},
	{name: "U2", user: disable},
	{name: "S-identify", user: func(j *injection, u *user) bool {
		return j.member(u, func(m *member) {
			s := spell{j.at, j.nights(1, 3), true}
			j.trouble(m, s)
			j.report(m).Until = instant(s.until)
		})
	}},
	{name: "systemic", world: systemic},
	{name: "outage", world: outage},
}

// member does something to one of the members of a user.
func (j *injection) member(u *user, do func(*member)) bool {
	all := j.members(u)
	if len(all) == 0 {
		return false
	}
	do(&all[0])
	return true
}

// trouble gives a member other nights than the seed has for it.
func (j *injection) trouble(m *member, s spell) {
	o := j.v.over
	if o.spells == nil {
		o.spells = make(map[memberID][]spell)
	}
	o.spells[m.ref()] = append(slices.Clone(o.spells[m.ref()]), s)
}

// relink deletes a member and creates it anew: the same institution, other
// guids for everything, and as much of its history as that brings.
func relink(j *injection, u *user) bool {
	o := j.v.over
	for _, m := range j.members(u) {
		touched := m.born > 10
		for ord := range j.v.accountCount(&m) {
			touched = touched || o.accounts[accountID{m.ref(), uint8(ord)}] != nil
		}
		if touched {
			continue
		}
		if o.births == nil {
			o.births = make(map[memberID][]birth)
		}
		place := memberID{user: u.i, ord: m.ord}
		o.births[place] = append(slices.Clone(o.births[place]), birth{j.at, [...]int32{historyDays, 30}[j.draw(2)]})
		g := j.v.w.guid(prefixMember, address{user: u.i, member: m.ord, born: m.born + 1})
		j.report(&m).Counterparts = []string{g.String()}
		return true
	}
	return false
}

// disable disables a user for two nights or for good.
func disable(j *injection, u *user) bool {
	o := j.v.over
	if o.disabled == nil {
		o.disabled = make(map[uint32][]spell)
	}
	s := spell{from: j.at, until: never}
	d := Defect{Kind: j.kind, At: instant(j.at), User: u.id.String()}
	if j.draw(2) == 0 {
		s.until = j.at + 2*secondsPerDay
		d.Until = instant(s.until)
	}
	o.disabled[u.i] = []spell{s}
	j.made = append(j.made, d)
	return true
}

// leastSystemic is the number of members that lose rows at once.
const leastSystemic = 25

// systemic makes many members lose a like share of their rows at once.
func systemic(j *injection, n int) {
	share := float64(8+j.draw(11)) / 100
	j.spread(max(n, leastSystemic), func(j *injection, u *user) bool {
		for _, m := range j.members(u) {
			if !m.flaky && j.thin(&m, share) { // all on the same night
				return true
			}
		}
		return false
	})
}

// thin makes a member lose a share of its posted rows, between 6 and 20 %.
func (j *injection) thin(m *member, share float64) bool {
	for range 8 {
		w := wholeEdit{kind: j.kind, at: j.at, share: share, key: uint64(j.draw(1 << 30))}
		var lost []string
		var accounts []accountID
		total := 0
		for _, a := range j.v.accounts(m) {
			if a.edits.all() != nil {
				continue
			}
			next := a
			next.saw = max(a.saw, j.at)
			gone, n := j.rowsOf(&a, func(ev *event, r row) bool { return w.hides(&next, ev, r) })
			lost, total, accounts = append(lost, gone...), total+n, append(accounts, accountID{m.ref(), a.ord})
		}
		if s := float64(len(lost)) / float64(max(total, 1)); s < 0.06 || s > 0.20 {
			continue
		}
		for _, id := range accounts {
			j.v.over.edit(id).whole = &w
		}
		j.report(m).Transactions = lost
		return true
	}
	return false
}

// leastOutage is the number of members of an institution that is out of order.
const leastOutage = 12

// outage makes all members of some institutions fail for days.
func outage(j *injection, n int) {
	of := make(map[*institution][]member)
	for _, i := range j.v.users() {
		u := j.v.w.userAt(i)
		if !j.fits(&u) {
			continue
		}
		for _, m := range j.members(&u) {
			of[m.inst] = append(of[m.inst], m)
		}
	}
	all := j.v.w.institutions
	at := j.draw(len(all))
	for i := range all {
		in := &all[(at+i)%len(all)]
		if len(of[in]) < leastOutage || n == 0 {
			continue
		}
		n--
		s := spell{from: j.at, until: j.nights(3, 6)}
		for _, m := range of[in] {
			j.trouble(&m, s)
			j.report(&m).Until = instant(s.until)
		}
	}
}
