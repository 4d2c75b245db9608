package reconcile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// accountRows is the rows of one account in one snapshot: of every row what
// tells whether it is another one, and the rest when it is asked for.
type accountRows struct {
	user, account string
	keys          rowKeys
	rows          []txn // all of them, if they are at hand
	part          *partRows
	first         int64 // its first row in the part
}

// rowKeys is a list for each thing that is read of every row, in key order.
type rowKeys struct {
	dates   []int64 // schemas.Date, or nullDate
	hashes  []int64
	pending []bool
}

const nullDate = math.MinInt64 // null first

func (a *accountRows) len() int { return len(a.keys.hashes) }

func (k *rowKeys) reset() {
	k.dates, k.hashes, k.pending = k.dates[:0], k.hashes[:0], k.pending[:0]
}

// rowsAtHand is for rows that are in memory already.
func rowsAtHand(user, account string, rows []txn) *accountRows {
	a := &accountRows{user: user, account: account, rows: rows}
	for i := range rows {
		t, date := &rows[i], int64(nullDate)
		if !t.is(noDate) {
			date = int64(t.Date)
		}
		a.keys.dates, a.keys.hashes, a.keys.pending = append(a.keys.dates, date), append(a.keys.hashes, t.Hash), append(a.keys.pending, t.is(pending))
	}
	return a
}

// guid returns the guid of a row. It is valid until the next call.
func (a *accountRows) guid(i int) ([]byte, error) {
	if a.rows != nil {
		return []byte(a.rows[i].GUID), nil
	}
	return a.part.guid(a.first + int64(i))
}

// posted counts the posted rows from a day to another.
func (k *rowKeys) posted(from, to schemas.Date) (n int) {
	i, _ := slices.BinarySearch(k.dates, int64(from))
	end, _ := slices.BinarySearch(k.dates, int64(to)+1)
	for _, p := range k.pending[i:max(i, end)] {
		if !p {
			n++
		}
	}
	return n
}

// differing returns the positions of the rows that are not the same in both.
// Rows are in the order of date and guid. Those with the same row_hash are
// equal, guid included, so that guids are read only where hashes differ on a
// day.
func differing(before, after *accountRows) (removed, added []int, err error) {
	b, a := &before.keys, &after.keys
	for i, k := 0, 0; i < len(b.hashes) || k < len(a.hashes); {
		c := 0
		switch {
		case i == len(b.hashes):
			c = 1
		case k == len(a.hashes):
			c = -1
		default:
			c = cmp.Compare(b.dates[i], a.dates[k])
		}
		switch {
		case c < 0:
			removed = append(removed, i)
			i++
		case c > 0:
			added = append(added, k)
			k++
		case b.hashes[i] == a.hashes[k]:
			i++
			k++
		default:
			d := day{before, after, i, b.end(i), k, a.end(k)}
			gone, come, ok, err := d.byHash()
			if err == nil && !ok {
				gone, come, err = d.byGUID()
			}
			if err != nil {
				return nil, nil, err
			}
			removed, added = append(removed, gone...), append(added, come...)
			i, k = d.iEnd, d.kEnd
		}
	}
	return removed, added, nil
}

// end is the position after the last row of the date that the row at i has.
func (k *rowKeys) end(i int) int {
	d := k.dates[i]
	for i < len(k.dates) && k.dates[i] == d {
		i++
	}
	return i
}

// day is the rows of one date, or the rest of them.
type day struct {
	before, after *accountRows
	i, iEnd       int
	k, kEnd       int
}

// manyOfADay is for how many rows byHash would take too long.
const manyOfADay = 64

// byHash takes the rows without an equal one for those that differ: what byGUID
// says too, unless a guid names two rows of the day, and such a row differs.
func (d *day) byHash() (removed, added []int, ok bool, err error) {
	if d.iEnd-d.i > manyOfADay || d.kEnd-d.k > manyOfADay {
		return nil, nil, false, nil
	}
	b, a := d.before.keys.hashes, d.after.keys.hashes
	k := d.k
	for i := d.i; i < d.iEnd; i++ {
		at := slices.Index(a[k:d.kEnd], b[i]) // equal rows are in the same order
		if at < 0 {
			removed = append(removed, i)
			continue
		}
		for ; at > 0; at-- {
			added = append(added, k)
			k++
		}
		k++
	}
	for ; k < d.kEnd; k++ {
		added = append(added, k)
	}
	if twice, err := d.before.namesake(removed); twice || err != nil {
		return nil, nil, false, err
	}
	twice, err := d.after.namesake(added)
	return removed, added, !twice, err
}

// namesake reports whether one of the rows has the date and the guid of the row
// before or after it.
func (a *accountRows) namesake(at []int) (bool, error) {
	dates := a.keys.dates
	var same []byte
	for _, i := range at {
		for _, next := range []int{i - 1, i + 1} {
			if next < 0 || next == len(dates) || dates[next] != dates[i] {
				continue
			}
			one, err := a.guid(i)
			if err != nil {
				return false, err
			}
			same = append(same[:0], one...)
			if other, err := a.guid(next); bytes.Equal(same, other) || err != nil {
				return true, err
			}
		}
	}
	return false, nil
}

// byGUID merges the rows by guid.
func (d *day) byGUID() (removed, added []int, err error) {
	b, a := d.before.keys.hashes, d.after.keys.hashes
	for i, k := d.i, d.k; i < d.iEnd || k < d.kEnd; {
		c := 0
		switch {
		case i == d.iEnd:
			c = 1
		case k == d.kEnd:
			c = -1
		case b[i] != a[k]:
			was, e1 := d.before.guid(i)
			is, e2 := d.after.guid(k)
			if err := errors.Join(e1, e2); err != nil {
				return nil, nil, err
			}
			c = bytes.Compare(was, is)
		}
		if c < 0 || c == 0 && b[i] != a[k] {
			removed = append(removed, i)
		}
		if c > 0 || c == 0 && b[i] != a[k] {
			added = append(added, k)
		}
		if c <= 0 {
			i++
		}
		if c >= 0 {
			k++
		}
	}
	return removed, added, nil
}

// every returns all positions.
func (a *accountRows) every() []int {
	at := make([]int, a.len())
	for i := range at {
		at[i] = i
	}
	return at
}

// all returns every row.
func (a *accountRows) all() ([]txn, error) {
	if a.rows == nil && a.len() > 0 {
		rows, err := a.pick(a.every(), nil)
		if err != nil {
			return nil, err
		}
		a.rows = rows
	}
	return a.rows, nil
}

// pick returns the rows at these positions, which are in order. Of those that
// brief has too nothing is read that the keys do not say, and no guid.
func (a *accountRows) pick(at, brief []int) ([]txn, error) {
	rows, err := a.pickUndated(at, brief)
	for k, i := range at {
		if len(brief) > 0 && brief[0] == i {
			brief = brief[1:]
		} else if err == nil {
			err = a.dateCreation(&rows[k], i)
		}
	}
	return rows, err
}

// dateCreation reads when the row at a position was created.
func (a *accountRows) dateCreation(t *txn, i int) (err error) {
	if a.rows == nil {
		t.Created, err = a.part.createdAt(a.first + int64(i))
	}
	return err
}

// pickUndated is pick, but for when rows were created: hardly a rule asks.
func (a *accountRows) pickUndated(at, brief []int) ([]txn, error) {
	rows := make([]txn, 0, len(at))
	if a.rows != nil {
		for _, i := range at {
			rows = append(rows, a.rows[i])
		}
		return rows, nil
	}
	for _, i := range at {
		t := txn{Flags: noDate}
		if len(brief) > 0 && brief[0] == i {
			brief = brief[1:]
		} else {
			var err error
			if t, err = a.part.read(a.first + int64(i)); err != nil {
				return nil, err
			}
		}
		t.Hash = a.keys.hashes[i]
		if d := a.keys.dates[i]; d != nullDate {
			t.Date, t.Flags = schemas.Date(d), t.Flags&^noDate
		}
		if a.keys.pending[i] {
			t.Flags |= pending
		}
		rows = append(rows, t)
	}
	return rows, nil
}

// member is the member that the first row names.
func (a *accountRows) member() (string, error) {
	if a.len() == 0 {
		return "", nil
	}
	first, err := a.pick([]int{0}, nil)
	if err != nil {
		return "", err
	}
	return first[0].Member, nil
}

// accountStream goes through the accounts of a unit in key order.
type accountStream struct {
	parts []*partRows
	at    *accountRows // nil at the end
	from  *partRows
	err   error
}

// openAccounts opens the transactions of a unit; the stream of no snapshot is
// empty.
func openAccounts(ctx context.Context, r *snapshot.Reader, unit, n int) *accountStream {
	s := new(accountStream)
	if r == nil {
		return s
	}
	for _, p := range parts(r.Manifest(), unit, n) {
		part, err := openPart(ctx, r, p)
		if err != nil {
			s.err = err
			return s
		}
		s.parts = append(s.parts, part)
		if s.err = part.next(); s.err != nil {
			return s
		}
	}
	s.least()
	return s
}

// close closes the parts.
func (s *accountStream) close() error {
	var err error
	for _, p := range s.parts {
		err = errors.Join(err, p.close())
	}
	return err
}

func (s *accountStream) least() {
	s.at, s.from = nil, nil
	for _, p := range s.parts {
		if p.at != nil && (s.at == nil || p.at.before(s.at)) {
			s.at, s.from = p.at, p
		}
	}
}

func (a *accountRows) before(b *accountRows) bool {
	return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.account, b.account)) < 0
}

// next moves on. The account at which the stream stood is valid until the next
// call after this one.
func (s *accountStream) next() {
	if s.err = s.from.next(); s.err != nil {
		s.at = nil
		return
	}
	s.least()
}

// skipTo leaves out the users before this one.
func (s *accountStream) skipTo(user string) {
	for s.at != nil && s.at.user < user {
		s.next()
	}
}

// account is the user's next account in the stream, "" if there is none.
func (s *accountStream) account(user string) string {
	if s.at != nil && s.at.user == user {
		return s.at.account
	}
	return ""
}

// take returns the rows of an account and moves on, if the stream stands at it.
func (s *accountStream) take(user, account string) *accountRows {
	if s.account(user) != account {
		return &accountRows{user: user, account: account}
	}
	at := s.at
	s.next()
	return at
}

// partRows goes through the accounts of one part.
type partRows struct {
	ctx         context.Context
	keys, cells *snapshot.Columns
	guids       *snapshot.Columns
	created     *snapshot.Columns
	row         int64
	two         [2]accountRows
	turn        int
	at          *accountRows // nil at the end
	vals        []schemas.Value
	reader      *txnReader

	pull func() (accountRows, error, bool) // of a part without columns
	stop func()
}

// Positions in the first columns, which are read of every row.
const (
	userColumn = iota
	accountColumn
	dateColumn
	hashColumn
	statusColumn
)

var (
	keyColumns  = []string{"user_guid", "account_guid", "date", "row_hash", "status"}
	cellColumns = slices.DeleteFunc(slices.Clone(txnColumns), func(c string) bool {
		return slices.Contains(keyColumns, c) || c == "guid" || c == "created_at"
	})
)

func openPart(ctx context.Context, r *snapshot.Reader, part int) (p *partRows, err error) {
	p = &partRows{ctx: ctx, reader: newTxnReader(), vals: make([]schemas.Value, len(schemas.Transactions.Columns))}
	if p.keys, err = r.OpenColumns(schemas.Transactions, part, keyColumns); err != nil {
		return nil, err
	}
	if p.keys == nil {
		p.pull, p.stop = iter.Pull2(scannedAccounts(ctx, r, part))
		return p, nil
	}
	if err := short(r.Manifest(), schemas.Transactions, part, p.keys.Rows()); err != nil {
		return nil, errors.Join(err, p.keys.Close())
	}
	p.cells, p.guids, p.created = p.keys.Also(cellColumns), p.keys.Also([]string{"guid"}), p.keys.Also([]string{"created_at"})
	return p, nil
}

func (p *partRows) close() error {
	if p.stop != nil {
		p.stop()
	}
	return p.keys.Close()
}

// read reads what the keys do not say of a row, but for when it was created.
func (p *partRows) read(row int64) (txn, error) {
	if err := p.guids.Cells(row, p.vals); err != nil {
		return txn{}, err
	}
	if err := p.cells.Cells(row, p.vals); err != nil {
		return txn{}, err
	}
	p.vals[createdCell] = schemas.Value{}
	return p.reader.read(p.vals), nil
}

func (p *partRows) guid(row int64) ([]byte, error) {
	err := p.guids.Cells(row, p.vals)
	return p.vals[guidCell].Text, err
}

func (p *partRows) createdAt(row int64) (schemas.Timestamp, error) {
	err := p.created.Cells(row, p.vals)
	return schemas.Timestamp(p.vals[createdCell].Int), err
}

func (p *partRows) next() error {
	if p.pull != nil {
		at, err, ok := p.pull()
		if p.at = nil; ok && err == nil {
			p.at = rowsAtHand(at.user, at.account, at.rows)
		}
		return err
	}
	p.at = nil
	if p.row == p.keys.Rows() {
		return nil
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	n, err := p.keys.Load(p.row)
	if err != nil {
		return err
	}
	was := &p.two[p.turn]
	p.turn = 1 - p.turn
	at := &p.two[p.turn]
	user, account := p.keys.Text(userColumn, p.row), p.keys.Text(accountColumn, p.row)
	*at = accountRows{user: was.user, account: string(account), keys: at.keys, part: p, first: p.row}
	if string(user) != was.user {
		at.user = string(user)
	}
	at.keys.reset()
	for {
		same := p.keys.Same(accountColumn, p.row, n)
		same = p.keys.Same(userColumn, p.row, same) // as many, so that neither has to go back
		p.append(&at.keys, same)
		if p.row += int64(same); same < n || p.row == p.keys.Rows() {
			break
		}
		if n, err = p.keys.Load(p.row); err != nil {
			return err
		}
		if string(p.keys.Text(userColumn, p.row)) != at.user || string(p.keys.Text(accountColumn, p.row)) != at.account {
			break
		}
	}
	p.at = at
	return nil
}

func (p *partRows) append(k *rowKeys, n int) {
	k.dates = p.keys.AppendInts(k.dates, dateColumn, p.row, n, nullDate)
	k.hashes = p.keys.AppendInts(k.hashes, hashColumn, p.row, n, 0)
	k.pending = p.keys.AppendEqual(k.pending, statusColumn, p.row, n, "PENDING")
}

var guidCell, createdCell = schemas.Transactions.Index("guid"), schemas.Transactions.Index("created_at")

// scannedAccounts yields the accounts of a part that has to be read row by row.
func scannedAccounts(ctx context.Context, r *snapshot.Reader, part int) iter.Seq2[accountRows, error] {
	return func(yield func(accountRows, error) bool) {
		reader := newTxnReader()
		user, account := schemas.Transactions.Index("user_guid"), schemas.Transactions.Index("account_guid")
		var cur accountRows
		stopped := false
		err := scan(ctx, r, schemas.Transactions, part, txnColumns, func(vals []schemas.Value) error {
			if cur.rows != nil && (cur.user != string(vals[user].Text) || cur.account != string(vals[account].Text)) {
				if !yield(cur, nil) {
					stopped = true
					return errStopped
				}
				cur.rows = nil
			}
			if cur.rows == nil {
				cur = accountRows{user: vals[user].String(), account: vals[account].String()}
			}
			cur.rows = append(cur.rows, reader.read(vals))
			return nil
		})
		if stopped {
			return
		}
		if err != nil {
			yield(accountRows{}, err)
			return
		}
		if cur.rows != nil {
			yield(cur, nil)
		}
	}
}
