package sim

import (
	"slices"
	"time"
)

// injection is one call of Inject on its way. It draws in sequence, which
// nothing else here does: what it comes to is kept in the overlay.
type injection struct {
	v       view // its overlay is not shared yet
	kind    string
	at      int64
	h       uint64
	pass    int
	failing []uint32
	made    []Defect
}

// A target must be there for so many days to come.
const targetStays = 40

func (j *injection) draw(n int) int {
	j.h = mix(j.h + golden)
	return pick(j.h, n)
}

// nights is the end of what begins now and lasts lo … hi nights.
func (j *injection) nights(lo, hi int) int64 {
	return j.at + secondsPerDay*int64(lo+j.draw(hi-lo+1))
}

// spread goes through the users in an order of its own, hitting each at most
// once before it begins again.
func (j *injection) spread(n int, strike func(*injection, *user) bool) {
	users := j.v.users()
	if len(users) == 0 {
		return
	}
	start, pace := j.draw(len(users)), 1+j.draw(len(users))
	for gcd(pace, len(users)) != 1 {
		pace++
	}
	for ; j.pass < 4 && n > 0; j.pass++ {
		for i := 0; i < len(users) && n > 0; i++ {
			u := j.v.w.userAt(users[(start+i*pace)%len(users)])
			if j.fits(&u) && strike(j, &u) {
				n--
			}
		}
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (j *injection) fits(u *user) bool {
	return !u.giant && u.off == 0 && u.left > j.at+targetStays*secondsPerDay && j.v.hasUser(u) &&
		len(j.v.over.disabled[u.i]) == 0 && !slices.Contains(j.failing, u.i)
}

// members returns the members of a user that may be hit, in any order.
func (j *injection) members(u *user) []member {
	later := j.v
	later.t += 2 * targetStays * secondsPerDay
	n := j.v.w.memberCount(u)
	all := slices.DeleteFunc(j.v.members(u), func(m member) bool {
		next, _ := later.memberAt(u, m.ord, n)
		return m.plight != nil || len(m.spells) > 0 || m.left <= j.at+targetStays*secondsPerDay ||
			next.born != m.born || j.v.condition(&m).saw == 0
	})
	return rotate(all, j.draw(len(all)+1))
}

func rotate[T any](all []T, by int) []T { return slices.Concat(all[by:], all[:by]) }

// accounts calls f for the accounts of a user that may be hit, in any order,
// until it returns true.
func (j *injection) accounts(u *user, f func(*account) bool) bool {
	members := j.members(u)
	for i := range members {
		all := j.v.accounts(&members[i])
		for _, a := range rotate(all, j.draw(len(all)+1)) {
			if a.edits.all() == nil && !a.closed() && f(&a) {
				return true
			}
		}
	}
	return false
}

// untouched calls f for the accounts to which nothing was done.
func (j *injection) untouched(u *user, f func(*account) bool) bool {
	return j.accounts(u, func(a *account) bool { return a.edits == nil && f(a) })
}

// target is a row that may be hit.
type target struct {
	a  account
	ev event
	r  row
	c  content
}

func (t *target) id() accountID { return accountID{t.a.m.ref(), t.a.ord} }

func (j *injection) guid(a *account, ev *event, r row) string {
	x := txWriter{v: j.v}
	x.use(a)
	return x.id(ev, r).String()
}

// candidate is the row of an event, if it has exactly one and nothing was done
// to it.
func (j *injection) candidate(a *account, ev event) (target, bool) {
	var out [maxRows]row
	if a.rows(&ev, &out) != 1 || ev.extra != nil || a.edits.of(&ev) != nil ||
		chance(hash(ev.h, saltUnfit), j.v.w.cfg.Unfit) {
		return target{}, false
	}
	return target{*a, ev, out[0], a.terms(&ev, a.saw)}, true
}

// on returns one of the rows of an event day that fit, if there is one.
func (j *injection) on(a *account, day int32, fit func(*target) bool) (t target, ok bool) {
	if day < a.floor {
		return t, false
	}
	var all []target
	a.events(day, 0, func(ev event) bool {
		if t, ok := j.candidate(a, ev); ok && fit(&t) {
			all = append(all, t)
		}
		return true
	})
	if len(all) == 0 {
		return t, false
	}
	return all[j.draw(len(all))], true
}

// posted returns a posted row of the last two months.
func (j *injection) posted(u *user, fit func(*target) bool) (t target, ok bool) {
	j.accounts(u, func(a *account) bool {
		for tries := 0; tries < 12 && !ok; tries++ {
			day := dayOf(a.saw) - 1 - int32(j.draw(60))
			t, ok = j.on(a, day, func(t *target) bool { return !t.r.pending && fit(t) })
		}
		return ok
	})
	return t, ok
}

// pending returns a pending row that will post.
func (j *injection) pending(u *user, fit func(*target) bool) (t target, ok bool) {
	j.accounts(u, func(a *account) bool {
		for day := dayOf(a.saw); day > dayOf(a.saw)-longestLag && !ok; day-- {
			t, ok = j.on(a, day, func(t *target) bool {
				return t.r.pending && !t.ev.hold && t.ev.post > j.at && fit(t)
			})
		}
		return ok
	})
	return t, ok
}

// coming returns an event of the near future with the row it would have.
func (j *injection) coming(u *user, days int32, fit func(*target) bool) (t target, ok bool) {
	j.untouchedBy(u, days, func(a *account, day int32) bool {
		future := *a
		future.saw = midnight(day + longestLife)
		t, ok = j.on(&future, day, func(t *target) bool { return t.ev.at > j.at && fit(t) })
		return ok
	})
	return t, ok
}

// untouchedBy calls f for the accounts that may be hit and the days from today
// on, until it returns true.
func (j *injection) untouchedBy(u *user, days int32, f func(*account, int32) bool) bool {
	return j.accounts(u, func(a *account) bool {
		for day := dayOf(j.at); day <= dayOf(j.at)+days; day++ {
			if f(a, day) {
				return true
			}
		}
		return false
	})
}

// hit records what is done to a row, and returns the Defect to fill in.
func (j *injection) hit(t *target, e rowEdit) *Defect {
	e.slot, e.at = t.ev.slot, j.at
	if e.kind == "" {
		e.kind = Defect{Kind: j.kind}.Code()
	}
	j.v.over.editRow(t.id(), t.ev.day, &e)
	d := j.report(t.a.m)
	d.Account = t.a.id.String()
	d.Transactions = []string{j.guid(&t.a, &t.ev, t.r)}
	d.Cents, d.Credit, d.Date = t.c.shown(t.r), t.c.credit, date(t.r.date)
	if e.until != 0 {
		d.Until = instant(e.until)
	}
	return d
}

// report adds a Defect.
func (j *injection) report(m *member) *Defect {
	j.made = append(j.made, Defect{
		Kind: j.kind, At: instant(j.at), User: m.user.id.String(), Member: m.id.String(),
	})
	return &j.made[len(j.made)-1]
}

func instant(t int64) time.Time { return time.Unix(t, 0).UTC() }

func date(day int32) time.Time { return instant(midnight(day)) }

// rowsOf returns the guids of the rows that an account shows in the last 90
// days, and of those how many are posted and meet a condition.
func (j *injection) rowsOf(a *account, meets func(*event, row) bool) (met []string, posted int) {
	w := window{dayOf(j.at) - daysInWindow, dayOf(j.at)}
	for day := max(a.floor, w.from-longestLife); day <= dayOf(a.saw); day++ {
		a.walk(day, w, 0, func(ev event, r row) bool {
			if !r.pending {
				posted++
				if meets(&ev, r) {
					met = append(met, j.guid(a, &ev, r))
				}
			}
			return true
		})
	}
	return met, posted
}
