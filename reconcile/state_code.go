package reconcile

import (
	"encoding/binary"
	"fmt"

	"tallyport/schemas"
)

// A state has a record for every user, and all of it is read and written every
// night. One description of the fields serves for both, so that what is written
// is what is read. Fields have no names there: one more, or another order, is a
// new stateVersion.

// stateCode goes through the fields of a user, and writes them or reads them.
type stateCode struct {
	reading bool
	b       []byte // what is written, or is left to be read
	odd     bool   // it is not what would be written

	record []byte // that is read
	piece  string // of it
	from   int    // where the piece begins
}

// pieceBytes is how much is copied of a record at a time. Whatever text is kept
// keeps its piece.
const pieceBytes = 512

// appendUser appends the user's record.
func appendUser(dst []byte, u *userState) []byte {
	s := stateCode{b: dst}
	s.user(u)
	return s.b
}

// readUser reads a record of a state.
func readUser(record []byte, u *userState) error {
	s := stateCode{reading: true, b: record, record: record}
	s.user(u)
	if s.odd || len(s.b) > 0 {
		return fmt.Errorf("a record of %d bytes is not a user", len(record))
	}
	return nil
}

// bad ends the reading: whatever comes is nothing.
func (s *stateCode) bad() { s.odd, s.b = true, nil }

func (s *stateCode) count(n uint64) uint64 {
	if !s.reading {
		s.b = binary.AppendUvarint(s.b, n)
		return n
	}
	n, w := binary.Uvarint(s.b)
	if w <= 0 {
		s.bad()
		return 0
	}
	s.b = s.b[w:]
	return n
}

// elements is how many there are of something that takes a byte at least.
func (s *stateCode) elements(n int) int {
	got := s.count(uint64(n))
	if s.reading && got > uint64(len(s.b)) {
		s.bad()
		return 0
	}
	return int(got)
}

func words[S ~string](s *stateCode, v *S) {
	n := s.elements(len(*v))
	if !s.reading {
		s.b = append(s.b, *v...)
		return
	}
	*v = S(s.text(s.b[:n]))
	s.b = s.b[n:]
}

// text is a copy of a part of the record.
func (s *stateCode) text(part []byte) string {
	if len(part) == 0 {
		return ""
	}
	at := cap(s.record) - cap(part)
	end := at + len(part)
	if at < s.from || end > s.from+len(s.piece) {
		s.from, s.piece = at, string(s.record[at:min(max(end, at+pieceBytes), len(s.record))])
	}
	return s.piece[at-s.from : end-s.from]
}

// integer is a number that is small as a rule.
func integer[N ~int | ~int32 | ~int64 | ~uint8](s *stateCode, v *N) {
	if !s.reading {
		s.b = binary.AppendVarint(s.b, int64(*v))
		return
	}
	n, w := binary.Varint(s.b)
	if *v = N(n); w <= 0 || int64(*v) != n {
		s.bad()
		return
	}
	s.b = s.b[w:]
}

// digits is a number all of whose bits are used.
func digits[N ~int64 | ~uint64](s *stateCode, v *N) {
	if !s.reading {
		s.b = binary.LittleEndian.AppendUint64(s.b, uint64(*v))
		return
	}
	if len(s.b) < 8 {
		s.bad()
		return
	}
	*v = N(binary.LittleEndian.Uint64(s.b))
	s.b = s.b[8:]
}

// yes is up to eight answers in one byte.
func (s *stateCode) yes(all ...*bool) {
	if !s.reading {
		var bits byte
		for i, v := range all {
			if *v {
				bits |= 1 << i
			}
		}
		s.b = append(s.b, bits)
		return
	}
	if len(s.b) == 0 || s.b[0]>>len(all) != 0 {
		s.bad()
		return
	}
	for i, v := range all {
		*v = s.b[0]>>i&1 == 1
	}
	s.b = s.b[1:]
}

// pointer is something that may not be there.
func pointer[T any](s *stateCode, v **T, each func(*T)) {
	there := *v != nil
	if s.yes(&there); !there {
		return
	}
	if s.reading {
		*v = new(T)
	}
	each(*v)
}

func several[T any](s *stateCode, v *[]T, each func(*T)) {
	n := s.elements(len(*v))
	if s.reading && n > 0 {
		*v = make([]T, n)
	}
	for i := range n {
		each(&(*v)[i])
	}
}

// severalTo is a list of pointers, none of which is nil.
func severalTo[T any](s *stateCode, v *[]*T, each func(*T)) {
	several(s, v, func(p **T) {
		if s.reading {
			*p = new(T)
		}
		each(*p)
	})
}

// table is a map, in the order of its keys.
func table[V any](s *stateCode, m *map[string]V, each func(*V)) {
	n := s.elements(len(*m))
	if !s.reading {
		for _, k := range sortedKeys(*m) {
			v := (*m)[k]
			words(s, &k)
			each(&v)
		}
		return
	}
	if n > 0 {
		*m = make(map[string]V, n)
	}
	for range n {
		var k string
		var v V
		words(s, &k)
		each(&v)
		(*m)[k] = v
	}
}

// tableTo is a map of pointers, none of which is nil.
func tableTo[V any](s *stateCode, m *map[string]*V, each func(*V)) {
	table(s, m, func(p **V) {
		if s.reading {
			*p = new(V)
		}
		each(*p)
	})
}

func (s *stateCode) instant(t *schemas.Timestamp) { integer(s, t) }
func (s *stateCode) date(d *schemas.Date)         { integer(s, d) }

func (s *stateCode) user(u *userState) {
	words(s, &u.User)
	words(s, &u.Disabled)
	words(s, &u.Gone)
	tableTo(s, &u.Members, s.member)
	tableTo(s, &u.Accounts, s.account)
	several(s, &u.Links, s.link)
	several(s, &u.Legs, s.leg)
	several(s, &u.Left, s.left)
}

func (s *stateCode) left(l *left) {
	words(s, &l.GUID)
	words(s, &l.Finding)
	s.instant(&l.At)
	pointer(s, &l.Kept, s.kept)
}

func (s *stateCode) kept(k *kept) {
	tableTo(s, &k.Members, s.member)
	tableTo(s, &k.Accounts, s.account)
	if s.reading && k.Members == nil {
		k.Members = map[string]*memberState{}
	}
	if s.reading && k.Accounts == nil {
		k.Accounts = map[string]*accountState{}
	}
}

func (s *stateCode) link(l *link) {
	words(s, &l.Out)
	digits(s, &l.OutKey)
	words(s, &l.In)
	digits(s, &l.InKey)
	integer(s, &l.Met)
	integer(s, &l.Alone)
}

func (s *stateCode) leg(l *leg) {
	words(s, &l.GUID)
	words(s, &l.Account)
	digits(s, &l.Key)
	integer(s, &l.Signed)
	s.date(&l.Date)
	s.yes(&l.Old, &l.Pending, &l.Met, &l.Asked)
}

func (s *stateCode) member(m *memberState) {
	words(s, &m.Institution)
	s.instant(&m.First)
	s.health(&m.Health)
	words(s, &m.Base)
	s.date(&m.BaseWindow.From)
	s.date(&m.BaseWindow.To)
	pointer(s, &m.BaseSAA, s.instant)
	s.instant(&m.BaseAt)
	words(s, &m.Gone)
	table(s, &m.Carried, func(rows *[]txn) { several(s, rows, s.row) })
	several(s, &m.Former, s.former)
}

func (s *stateCode) former(f *former) {
	words(s, &f.Account)
	words(s, &f.Member)
	words(s, &f.Type)
	words(s, &f.Lineage)
	words(s, &f.Base)
	several(s, &f.Rows, s.row)
}

func (s *stateCode) health(h *memberHistory) {
	s.instant(&h.First)
	s.instant(&h.Last)
	pointer(s, &h.Success, s.instant)
	s.run(&h.Run)
	s.run(&h.Down)
	pointer(s, &h.Job, s.instant)
	s.instant(&h.Busy)
	integer(s, &h.Waited)
	s.yes(&h.Idle, &h.Resumed, &h.Off)
	s.shown(&h.Shown)
	s.shown(&h.Odd)
}

func (s *stateCode) run(r *statusRun) {
	words(s, &r.Of)
	s.instant(&r.Before)
	s.instant(&r.First)
	integer(s, &r.Seen)
	integer(s, &r.Looks)
}

func (s *stateCode) shown(x *shown) {
	words(s, &x.Code)
	words(s, &x.Verdict)
	words(s, &x.Status)
	words(s, &x.First)
	words(s, &x.Last)
}

func (s *stateCode) account(a *accountState) {
	words(s, &a.Member)
	words(s, &a.First)
	words(s, &a.Type)
	words(s, &a.Tail)
	s.yes(&a.Closed, &a.Zero, &a.Pends)
	s.instant(&a.Updated)
	words(s, &a.Lineage)
	integer(s, &a.Booked)
	integer(s, &a.Pending)
	several(s, &a.Samples, s.sample)
	severalTo(s, &a.Missing, s.missing)
	severalTo(s, &a.Gone, s.gone)
	table(s, &a.Posted, func(guid *string) { words(s, guid) })
	severalTo(s, &a.Doubles, s.double)
	severalTo(s, &a.Held, s.gone)
	several(s, &a.Away, s.away)
	several(s, &a.Checks, s.check)
	several(s, &a.Holes, s.hole)
	pointer(s, &a.Quiet, s.silence)
	severalTo(s, &a.Series, s.series)
	s.date(&a.Learnt)
	pointer(s, &a.Paid, s.payment)
}

func (s *stateCode) sample(x *sample) {
	s.instant(&x.At)
	integer(s, &x.Balance)
	integer(s, &x.Booked)
	integer(s, &x.Pending)
	s.yes(&x.Available)
}

func (s *stateCode) missing(m *missing) {
	words(s, &m.ID)
	integer(s, &m.Signed)
	s.instant(&m.At)
	words(s, &m.First)
	words(s, &m.By)
	words(s, &m.Payee)
	words(s, &m.Leg)
	s.yes(&m.Dry)
}

func (s *stateCode) gone(g *gone) {
	s.row(&g.Row)
	words(s, &g.LastGood)
	pointer(s, &g.LastSAA, s.instant)
	words(s, &g.First)
	several(s, &g.Looks, s.instant)
	words(s, &g.Like)
	words(s, &g.Twin)
	words(s, &g.Doubt)
	words(s, &g.Code)
	words(s, &g.Claim)
	words(s, &g.Of)
	integer(s, &g.By)
	s.yes(&g.Stood, &g.Booked, &g.Unbooked, &g.Cut)
}

// row leaves out the member, as JSON does.
func (s *stateCode) row(t *txn) {
	words(s, &t.GUID)
	s.date(&t.Date)
	integer(s, &t.Amount)
	integer(s, &t.Flags)
	digits(s, &t.Hash)
	s.instant(&t.Created)
	words(s, &t.Payee)
	words(s, &t.Feed)
	words(s, &t.Category)
	words(s, &t.Currency)
	words(s, &t.Merchant)
	words(s, &t.Check)
}

func (s *stateCode) double(d *double) {
	words(s, &d.GUID)
	words(s, &d.Of)
	integer(s, &d.By)
	s.instant(&d.At)
	s.yes(&d.Extra)
}

func (s *stateCode) away(a *away) {
	words(s, &a.GUID)
	s.date(&a.Date)
	integer(s, &a.Signed)
	words(s, &a.Code)
	words(s, &a.Finding)
	s.date(&a.Since)
}

func (s *stateCode) check(c *check) {
	integer(s, &c.Number)
	s.date(&c.Date)
}

func (s *stateCode) hole(h *checkHole) {
	integer(s, &h.Number)
	words(s, &h.First)
}

func (s *stateCode) silence(q *silence) {
	s.date(&q.Last)
	integer(s, &q.Largest)
	integer(s, &q.Gaps)
	integer(s, &q.Sum)
	integer(s, &q.Squares)
	words(s, &q.First)
}

func (s *stateCode) series(r *series) {
	digits(s, &r.Key)
	integer(s, &r.Signed)
	if n := s.elements(len(r.Dates)); s.reading && n > 0 {
		r.Dates = make([]schemas.Date, n, max(n, keptDates)) // more will come
	}
	for i := range r.Dates {
		s.date(&r.Dates[i])
	}
	words(s, &r.Payee)
	s.date(&r.Due)
	words(s, &r.First)
	words(s, &r.Step)
	s.yes(&r.Varies)
}

func (s *stateCode) payment(p *payment) {
	s.date(&p.Date)
	integer(s, &p.Amount)
	integer(s, &p.Met)
	s.yes(&p.Done)
}
