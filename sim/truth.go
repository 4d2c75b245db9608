package sim

import (
	"iter"
	"strings"
	"time"
)

// Truth is what is true at one instant, whatever the weather showed. It is
// immutable: it may be read while the world goes on.
//
// What holds between Truth and what was served:
//
//   - While the clock stands, data changes only where Inject is called, or
//     Weather.Aggregating or Weather.Vanishing strike, and they strike in the
//     answer to a request about that very member or user, so that a client which
//     reads a member's status before and after its lists sees that something
//     happened. Once nobody asks about a member any more it does not change until
//     the clock moves.
//     (The member's own record moves with it: one read before the lists may be
//     older than the truth.)
//   - A night's truth includes what Inject did while the clock stood there: what
//     was served before may have been otherwise. Config.Defects acts between
//     nights only.
//   - Drift leaves no trace: it shows a list otherwise than it is for some pages
//     of a walk, and ends within that walk.
//   - So the truth after a run is the truth at the end of the last walk of every
//     member, and a walk that saw no contradiction saw exactly it. (SwapDrift,
//     off by default, breaks the last half of this sentence on purpose.)
//
// A test asks for the truth of an earlier night with World.TruthAt and the time
// of a Night.
type Truth struct{ v view }

// Truth is what is true now.
func (w *World) Truth() Truth { return Truth{w.view()} }

// TruthAt is what was true when the clock stood at t, at the end of what was
// served then. For a time to come it is what will be true if nothing more
// happens from outside.
func (w *World) TruthAt(t time.Time) Truth {
	v := w.view()
	v.t = t.Unix()
	return Truth{v}
}

// At is the instant of this truth.
func (t Truth) At() time.Time { return time.Unix(t.v.t, 0).UTC() }

// Field is one key of a record and its value as served: the JSON literal, with
// quotes and escapes if it is a string.
type Field struct{ Name, Literal string }

// Record is one record, its fields in alphabetical order but for keys that no
// document names, which come last. A key that is missing was not served, which
// is not the same as null.
type Record struct{ Fields []Field }

// Get returns the literal of a field.
func (r Record) Get(name string) (literal string, ok bool) {
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Literal, true
		}
	}
	return "", false
}

// Text returns a string field without its quotes, "" for null and for a missing
// key. It is meant for guids, codes, statuses and dates, which have no escapes.
func (r Record) Text(name string) string {
	lit, _ := r.Get(name)
	if len(lit) < 2 || lit[0] != '"' {
		return ""
	}
	return lit[1 : len(lit)-1]
}

// record takes the open record out of an encoder.
func record(render func(*encoder)) Record {
	var e encoder
	render(&e)
	body := string(e.b[:len(e.b)-1]) // without the closing brace
	fields := make([]Field, len(e.marks))
	for i, at := range e.marks {
		end := len(body)
		if i+1 < len(e.marks) {
			end = e.marks[i+1] - 1
		}
		name, literal, _ := strings.Cut(body[at+1:end], `":`)
		fields[i] = Field{name, literal}
	}
	return Record{fields}
}

// Users yields every user that exists.
func (t Truth) Users() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for _, i := range t.v.users() {
			u := t.v.w.userAt(i)
			if !yield(record(func(e *encoder) { t.v.renderUser(e, &u) })) {
				return
			}
		}
	}
}

// State says what a client can expect of a user.
type State struct {
	Exists   bool
	Disabled bool // what lies below is answered with Config.DisabledStatus
	Failing  bool // everything is answered with 500 (Weather.FailingUsers)
}

// State returns the state of a user.
func (t Truth) State(user string) State {
	u, ok := t.v.user(user)
	if !ok {
		return State{}
	}
	s := State{Exists: true, Disabled: t.v.disabled(&u)}
	t.v.w.mu.Lock()
	n := t.v.w.weather.FailingUsers
	t.v.w.mu.Unlock()
	for _, f := range t.v.w.failingUsers(n) {
		s.Failing = s.Failing || f == u.i
	}
	return s
}

// Members yields the members of a user, also of one that is disabled or failing.
func (t Truth) Members(user string) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		u, ok := t.v.user(user)
		if !ok {
			return
		}
		members := t.v.members(&u)
		for i := range members {
			if !yield(record(func(e *encoder) { t.v.renderMember(e, &members[i]) })) {
				return
			}
		}
	}
}

// Status returns what /status says of a member.
func (t Truth) Status(user, member string) (Record, bool) {
	m, ok := t.member(user, member)
	if !ok {
		return Record{}, false
	}
	return record(func(e *encoder) { t.v.renderStatus(e, m) }), true
}

func (t Truth) member(user, member string) (*member, bool) {
	u, ok := t.v.user(user)
	if !ok {
		return nil, false
	}
	m, ok := t.v.member(&u, member)
	return &m, ok
}

// Accounts yields the accounts of a member.
func (t Truth) Accounts(user, member string) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		m, ok := t.member(user, member)
		if !ok {
			return
		}
		accounts := t.v.accounts(m)
		for i := range accounts {
			if !yield(record(func(e *encoder) { t.v.renderAccount(e, &accounts[i]) })) {
				return
			}
		}
	}
}

// Owners yields the account owners of a member.
func (t Truth) Owners(user, member string) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		m, ok := t.member(user, member)
		if !ok {
			return
		}
		owners := t.v.owners(m)
		for i := range owners {
			if !yield(record(func(e *encoder) { t.v.renderOwner(e, &owners[i]) })) {
				return
			}
		}
	}
}

// Transactions yields the transactions of a member whose date lies between from
// and to, both included, account by account. It looks at every event by itself
// and knows nothing of the counts that paging rests on.
func (t Truth) Transactions(user, member string, from, to time.Time) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		m, ok := t.member(user, member)
		if !ok {
			return
		}
		w := window{dayOf(from.Unix()), dayOf(to.Unix())}
		accounts := t.v.accounts(m)
		for i := range accounts {
			if !t.rows(&accounts[i], w, yield) {
				return
			}
		}
	}
}

// rows yields the rows of one account.
func (t Truth) rows(a *account, w window, yield func(Record) bool) bool {
	more := true
	for day := max(a.floor, w.from-longestLife); day <= min(w.to+furthestShift, dayOf(a.saw)) && more; day++ {
		a.events(day, 0, func(ev event) bool {
			var out [maxRows]row
			n := a.rows(&ev, &out)
			for _, r := range out[:n] {
				if !w.holds(r.date) || !more {
					continue
				}
				more = yield(record(func(e *encoder) {
					x := txWriter{v: t.v, e: e}
					x.use(a)
					x.write(&ev, r)
				}))
			}
			return more
		})
	}
	return more
}

// Institutions yields every institution.
func (t Truth) Institutions() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for i := range t.v.w.institutions {
			if !yield(record(t.v.w.institutions[i].render)) {
				return
			}
		}
	}
}
