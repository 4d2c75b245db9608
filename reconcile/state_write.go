package reconcile

import (
	"strconv"
	"time"

	"tallyport/schemas"
)

// What stands in most lines of a state is written here, for the same reason for
// which it is read in state_read.go, and as encoding/json would.

// stateLine is a line of a state as far as it is written.
type stateLine struct {
	b   []byte
	err error
}

// appendUser appends the user's line.
func appendUser(dst []byte, u *userState) ([]byte, error) {
	l := stateLine{b: dst}
	l.user(u)
	l.b = append(l.b, '\n')
	return l.b, l.err
}

// name begins a field of an object.
func (l *stateLine) name(s string) {
	if l.b[len(l.b)-1] != '{' {
		l.b = append(l.b, ',')
	}
	l.quote(s)
	l.b = append(l.b, ':')
}

func (l *stateLine) quote(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			l.value(s)
			return
		}
	}
	l.b = append(append(append(l.b, '"'), s...), '"')
}

// value writes a value of any form.
func (l *stateLine) value(v any) {
	text, err := marshal(v)
	if err != nil {
		l.err = err
	}
	l.b = append(l.b, text...)
}

// other writes a field of any form.
func (l *stateLine) other(name string, v any) {
	l.name(name)
	l.value(v)
}

// text leaves out a field that is empty, as do when, day, some and yes.
func (l *stateLine) text(name, s string) {
	if s != "" {
		l.name(name)
		l.quote(s)
	}
}

func (l *stateLine) integer(name string, n int64) {
	l.name(name)
	l.b = strconv.AppendInt(l.b, n, 10)
}

func (l *stateLine) unsigned(name string, n uint64) {
	l.name(name)
	l.b = strconv.AppendUint(l.b, n, 10)
}

func (l *stateLine) some(name string, n int64) {
	if n != 0 {
		l.integer(name, n)
	}
}

func (l *stateLine) yes(name string, b bool) {
	if b {
		l.name(name)
		l.b = append(l.b, "true"...)
	}
}

func (l *stateLine) instant(name string, t schemas.Timestamp) {
	l.name(name)
	l.at(&t)
}

func (l *stateLine) at(t *schemas.Timestamp) {
	l.b = append(t.Time().AppendFormat(append(l.b, '"'), time.RFC3339Nano), '"')
}

func (l *stateLine) when(name string, t *schemas.Timestamp) {
	if t != nil {
		l.instant(name, *t)
	}
}

func (l *stateLine) date(d schemas.Date) {
	l.b = append(l.b, '"')
	y, m, day := d.Time().Date()
	if y < 1000 || y > 9999 {
		l.b = append(d.Append(l.b), '"')
		return
	}
	l.b = strconv.AppendInt(l.b, int64(y), 10)
	l.b = append(l.b, '-', byte('0'+m/10), byte('0'+m%10), '-', byte('0'+day/10), byte('0'+day%10), '"')
}

func (l *stateLine) day(name string, d schemas.Date) {
	if d != 0 {
		l.name(name)
		l.date(d)
	}
}

// several writes a field of several values, unless there are none.
func several[T any](l *stateLine, name string, all []T, write func(*T)) {
	if len(all) == 0 {
		return
	}
	l.name(name)
	l.array(len(all), func(i int) { write(&all[i]) })
}

func (l *stateLine) array(n int, write func(i int)) {
	l.b = append(l.b, '[')
	for i := range n {
		if i > 0 {
			l.b = append(l.b, ',')
		}
		write(i)
	}
	l.b = append(l.b, ']')
}

func (l *stateLine) open()  { l.b = append(l.b, '{') }
func (l *stateLine) close() { l.b = append(l.b, '}') }

func (l *stateLine) user(u *userState) {
	l.open()
	l.name("user")
	l.quote(u.User)
	l.text("disabled", string(u.Disabled))
	l.text("gone", string(u.Gone))
	if len(u.Members) > 0 {
		l.name("members")
		l.open()
		for _, guid := range sortedKeys(u.Members) {
			l.name(guid)
			l.member(u.Members[guid])
		}
		l.close()
	}
	if len(u.Accounts) > 0 {
		l.name("accounts")
		l.open()
		for _, guid := range sortedKeys(u.Accounts) {
			l.name(guid)
			l.account(u.Accounts[guid])
		}
		l.close()
	}
	several(l, "links", u.Links, l.link)
	several(l, "legs", u.Legs, l.leg)
	if len(u.Left) > 0 {
		l.other("left", u.Left)
	}
	l.close()
}

func (l *stateLine) link(k *link) {
	l.open()
	l.name("o")
	l.quote(k.Out)
	l.unsigned("p", k.OutKey)
	l.name("i")
	l.quote(k.In)
	l.unsigned("q", k.InKey)
	l.integer("m", int64(k.Met))
	l.some("n", int64(k.Alone))
	l.close()
}

func (l *stateLine) leg(g *leg) {
	l.open()
	l.name("g")
	l.quote(g.GUID)
	l.name("a")
	l.quote(g.Account)
	l.unsigned("k", g.Key)
	l.integer("s", int64(g.Signed))
	l.name("d")
	l.date(g.Date)
	l.yes("o", g.Old)
	l.yes("p", g.Pending)
	l.yes("m", g.Met)
	l.yes("q", g.Asked)
	l.close()
}

func (l *stateLine) member(m *memberState) {
	l.open()
	l.text("i", m.Institution)
	if m.First != 0 {
		l.instant("f", m.First)
	}
	if m.Health != (memberHistory{}) {
		l.name("h")
		l.health(&m.Health)
	}
	l.text("b", string(m.Base))
	if w := m.BaseWindow; w != (schemas.Window{}) {
		l.name("w")
		l.open()
		l.name("from")
		l.date(w.From)
		l.name("to")
		l.date(w.To)
		l.close()
	}
	l.when("s", m.BaseSAA)
	if m.BaseAt != 0 {
		l.instant("t", m.BaseAt)
	}
	l.text("g", string(m.Gone))
	if len(m.Carried) > 0 {
		l.other("c", m.Carried)
	}
	if len(m.Former) > 0 {
		l.other("p", m.Former)
	}
	l.close()
}

func (l *stateLine) health(h *memberHistory) {
	l.open()
	if h.First != 0 {
		l.instant("f", h.First)
	}
	if h.Last != 0 {
		l.instant("l", h.Last)
	}
	l.when("s", h.Success)
	if h.Run != (statusRun{}) {
		l.run("r", &h.Run)
	}
	if h.Down != (statusRun{}) {
		l.run("d", &h.Down)
	}
	l.when("j", h.Job)
	if h.Busy != 0 {
		l.instant("b", h.Busy)
	}
	l.some("w", int64(h.Waited))
	l.yes("i", h.Idle)
	l.yes("e", h.Resumed)
	l.yes("o", h.Off)
	if h.Shown != (shown{}) {
		l.shown("x", &h.Shown)
	}
	if h.Odd != (shown{}) {
		l.shown("u", &h.Odd)
	}
	l.close()
}

func (l *stateLine) run(name string, r *statusRun) {
	l.name(name)
	l.open()
	l.text("o", r.Of)
	if r.Before != 0 {
		l.instant("b", r.Before)
	}
	if r.First != 0 {
		l.instant("f", r.First)
	}
	l.some("s", int64(r.Seen))
	l.some("n", int64(r.Looks))
	l.close()
}

func (l *stateLine) shown(name string, x *shown) {
	l.name(name)
	l.open()
	l.text("c", string(x.Code))
	l.text("v", string(x.Verdict))
	l.text("s", x.Status)
	l.text("f", string(x.First))
	l.text("l", string(x.Last))
	l.close()
}

func (l *stateLine) account(a *accountState) {
	l.open()
	l.name("m")
	l.quote(a.Member)
	l.name("f")
	l.quote(string(a.First))
	l.text("t", a.Type)
	l.text("n", a.Tail)
	l.yes("c", a.Closed)
	l.yes("z", a.Zero)
	if a.Updated != 0 {
		l.instant("y", a.Updated)
	}
	l.text("l", a.Lineage)
	l.integer("u", int64(a.Booked))
	l.integer("p", int64(a.Pending))
	several(l, "s", a.Samples, l.sample)
	if len(a.Missing) > 0 {
		l.other("d", a.Missing)
	}
	several(l, "g", a.Gone, func(g **gone) { l.gone(*g) })
	if len(a.Posted) > 0 {
		l.name("b")
		l.open()
		for _, guid := range sortedKeys(a.Posted) {
			l.name(guid)
			l.quote(a.Posted[guid])
		}
		l.close()
	}
	several(l, "2", a.Doubles, func(d **double) { l.double(*d) })
	several(l, "h", a.Held, func(g **gone) { l.gone(*g) })
	if len(a.Away) > 0 {
		l.other("x", a.Away)
	}
	several(l, "k", a.Checks, l.check)
	if len(a.Holes) > 0 {
		l.other("o", a.Holes)
	}
	if a.Quiet != nil {
		l.name("q")
		l.silence(a.Quiet)
	}
	several(l, "r", a.Series, func(s **series) { l.series(*s) })
	l.day("e", a.Learnt)
	l.yes("v", a.Pends)
	if a.Paid != nil {
		l.name("w")
		l.payment(a.Paid)
	}
	l.close()
}

func (l *stateLine) gone(g *gone) {
	l.open()
	l.name("r")
	l.row(&g.Row)
	l.name("l")
	l.quote(string(g.LastGood))
	l.when("s", g.LastSAA)
	l.name("f")
	l.quote(string(g.First))
	l.yes("m", g.Stood)
	several(l, "k", g.Looks, l.at)
	l.text("c", g.Like)
	l.text("w", g.Twin)
	l.text("u", g.Doubt)
	l.name("o")
	l.quote(string(g.Code))
	l.text("x", string(g.Claim))
	l.text("a", g.Of)
	l.yes("b", g.Booked)
	l.some("p", int64(g.By))
	l.yes("n", g.Unbooked)
	l.yes("e", g.Cut)
	l.close()
}

func (l *stateLine) row(t *txn) {
	l.open()
	l.name("g")
	l.quote(t.GUID)
	l.name("d")
	l.date(t.Date)
	l.integer("a", int64(t.Amount))
	l.integer("f", int64(t.Flags))
	l.integer("h", t.Hash)
	if t.Created != 0 {
		l.instant("c", t.Created)
	}
	l.text("p", t.Payee)
	l.text("o", t.Feed)
	l.text("y", t.Category)
	l.text("u", t.Currency)
	l.text("m", t.Merchant)
	l.text("k", t.Check)
	l.close()
}

func (l *stateLine) double(d *double) {
	l.open()
	l.name("g")
	l.quote(d.GUID)
	l.name("o")
	l.quote(d.Of)
	l.integer("a", int64(d.By))
	l.instant("t", d.At)
	l.yes("x", d.Extra)
	l.close()
}

func (l *stateLine) payment(p *payment) {
	l.open()
	l.name("d")
	l.date(p.Date)
	l.integer("a", int64(p.Amount))
	l.some("m", int64(p.Met))
	l.yes("o", p.Done)
	l.close()
}

func (l *stateLine) sample(x *sample) {
	l.open()
	l.instant("t", x.At)
	l.integer("b", int64(x.Balance))
	l.integer("u", int64(x.Booked))
	l.integer("p", int64(x.Pending))
	l.yes("v", x.Available)
	l.close()
}

func (l *stateLine) check(c *check) {
	l.open()
	l.integer("n", c.Number)
	l.name("d")
	l.date(c.Date)
	l.close()
}

func (l *stateLine) silence(q *silence) {
	l.open()
	l.name("d")
	l.date(q.Last)
	l.some("m", q.Largest)
	l.some("n", q.Gaps)
	l.some("s", q.Sum)
	l.some("q", q.Squares)
	l.text("f", string(q.First))
	l.close()
}

func (l *stateLine) series(s *series) {
	l.open()
	l.unsigned("k", s.Key)
	l.integer("a", int64(s.Signed))
	l.name("d")
	if s.Dates == nil {
		l.b = append(l.b, "null"...)
	} else {
		l.array(len(s.Dates), func(i int) { l.date(s.Dates[i]) })
	}
	l.text("p", s.Payee)
	l.day("u", s.Due)
	l.text("f", string(s.First))
	l.text("s", s.Step)
	l.yes("v", s.Varies)
	l.close()
}
