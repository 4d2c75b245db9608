package reconcile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// tables is the rows of one unit of a snapshot that are few: all but the
// transactions.
type tables struct {
	users map[string]*userRow
}

// readTables reads the unit's users, members, accounts and coverage.
func readTables(ctx context.Context, r *snapshot.Reader, unit, n int) (*tables, error) {
	t := &tables{users: map[string]*userRow{}}
	s := openUsers(ctx, r, unit, n)
	for ; s.at != nil; s.next() {
		t.users[s.at.guid] = s.at
	}
	return t, errors.Join(s.err, s.close())
}

// userStream goes through the users of a unit in order, with what its tables
// say of them.
type userStream struct {
	ctx    context.Context
	tables []*tableRows
	at     *userRow // nil at the end
	err    error
}

func openUsers(ctx context.Context, r *snapshot.Reader, unit, n int) *userStream {
	s := &userStream{ctx: ctx}
	id, scope := r.Manifest().ID, r.Manifest().Plan.Scope
	for _, p := range parts(r.Manifest(), unit, n) {
		for _, t := range []*tableRows{
			{table: schemas.Users, columns: []string{"guid", "is_disabled"}, read: func(u *userRow, get cells) {
				u.listed, u.disabled = true, get("is_disabled").Int != 0
			}},
			{table: schemas.Members, columns: memberColumns, read: func(u *userRow, get cells) { u.readMember(get, id) }},
			{table: schemas.Accounts, columns: accountColumns, read: (*userRow).readAccount},
			{table: schemas.Coverage, columns: coverageColumns, read: func(u *userRow, get cells) { u.readCoverage(get, scope) }},
		} {
			if s.err = t.open(ctx, r, p); s.err != nil {
				return s
			}
			s.tables = append(s.tables, t)
		}
	}
	s.next()
	return s
}

// close closes the tables.
func (s *userStream) close() error {
	var err error
	for _, t := range s.tables {
		err = errors.Join(err, t.close())
	}
	return err
}

// next moves on to the next user.
func (s *userStream) next() {
	s.at = nil
	if s.err = s.ctx.Err(); s.err != nil {
		return
	}
	var least []byte
	found := false
	for _, t := range s.tables {
		if t.more && (!found || bytes.Compare(t.user(), least) < 0) {
			least, found = t.user(), true
		}
	}
	if !found {
		return
	}
	u := &userRow{guid: string(least), members: map[string]*memberRow{}}
	for _, t := range s.tables {
		for t.more && string(t.user()) == u.guid {
			t.read(u, t.cell)
			if s.err = t.next(); s.err != nil {
				return
			}
		}
		if t.more && string(t.user()) < u.guid {
			s.err = fmt.Errorf("%s: %w: user %s comes after %s", t.table.Name, snapshot.ErrDamaged, t.user(), u.guid)
			return
		}
	}
	if own := u.members[""]; own != nil { // the user's own list of transactions stands for all members
		delete(u.members, "")
		for _, m := range u.members {
			if !own.complete {
				m.complete, m.reason = false, cmp.Or(m.reason, own.reason)
			}
		}
	}
	s.at = u
}

// cells are the cells of a row by the names of their columns.
type cells func(string) schemas.Value

// tableRows goes through the rows of one part of a table.
type tableRows struct {
	table   *schemas.Table
	columns []string // the first names the user
	read    func(*userRow, cells)

	at   []int // where the columns stand among vals
	vals []schemas.Value
	more bool // there is a row
	cell cells

	from *snapshot.Columns
	row  int64
	pull func() ([]schemas.Value, error, bool) // of a part without columns
	stop func()
}

// open opens a part, and stands at its first row.
func (t *tableRows) open(ctx context.Context, r *snapshot.Reader, part int) (err error) {
	for _, name := range t.columns {
		t.at = append(t.at, t.table.Index(name))
	}
	t.cell = func(name string) schemas.Value { // a map would take longer
		return t.vals[t.at[slices.Index(t.columns, name)]]
	}
	if t.from, err = r.OpenColumns(t.table, part, t.columns); err != nil {
		return err
	}
	if t.from == nil {
		t.pull, t.stop = iter.Pull2(scanned(ctx, r, t.table, part, t.columns))
	} else if err := short(r.Manifest(), t.table, part, t.from.Rows()); err != nil {
		return errors.Join(err, t.from.Close())
	}
	t.vals, t.row = make([]schemas.Value, len(t.table.Columns)), -1
	if err := t.next(); err != nil {
		return errors.Join(err, t.close())
	}
	return nil
}

func (t *tableRows) close() error {
	if t.stop != nil {
		t.stop()
	}
	return t.from.Close()
}

// next moves on to the next row. Walks that belong to no user are passed over.
func (t *tableRows) next() (err error) {
	for first := true; err == nil && (first || t.more && t.table == schemas.Coverage && len(t.user()) == 0); first = false {
		if t.pull != nil {
			t.vals, err, t.more = t.pull()
			continue
		}
		t.row++
		if t.more = t.row < t.from.Rows(); t.more {
			err = t.from.Cells(t.row, t.vals)
		}
	}
	return err
}

// user is the user that the row is about, empty if there is none.
func (t *tableRows) user() []byte { return t.vals[t.at[0]].Text }

func (u *userRow) member(guid string) *memberRow {
	m := u.members[guid]
	if m == nil {
		m = &memberRow{guid: guid, complete: true, accounts: map[string]*accountRow{}}
		u.members[guid] = m
	}
	return m
}

// parts are the shards of a snapshot that hold the users of one of n units.
func parts(m *snapshot.Manifest, unit, n int) []int {
	var out []int
	for p := unit; p < m.Shards; p += n {
		out = append(out, p)
	}
	return out
}

var memberColumns = []string{"user_guid", "guid", "institution_code", "aggregated_at", "successfully_aggregated_at", "is_being_aggregated",
	"connection_status", "background_aggregation_is_disabled"}

var accountColumns = []string{"user_guid", "guid", "member_guid", "type", "name", "account_number", "currency_code", "balance", "is_closed", "last_payment",
	"last_payment_at", "updated_at", "available_balance", "available_credit", "credit_limit"}

var coverageColumns = []string{"user_guid", "member_guid", "resource", "complete", "reason", "observed_at", "successfully_aggregated_at_after"}

func (u *userRow) readMember(get cells, id snapshot.ID) {
	m := u.member(get("guid").String())
	m.listed = true
	m.night = memberNight{Snapshot: id, ObservedAt: m.night.ObservedAt, Status: get("connection_status").String(),
		Institution: get("institution_code").String(), Manual: get("background_aggregation_is_disabled").Int != 0}
	m.night.AggregatedAt, m.night.Succeeded = timestamp(get("aggregated_at")), timestamp(get("successfully_aggregated_at"))
	if v := get("is_being_aggregated"); v.Set {
		busy := v.Int != 0
		m.night.Busy = &busy
	}
	if m.saa == nil {
		m.saa = m.night.Succeeded
	}
}

func timestamp(v schemas.Value) *schemas.Timestamp {
	if !v.Set {
		return nil
	}
	ts := schemas.Timestamp(v.Int)
	return &ts
}

func (u *userRow) readAccount(get cells) {
	m := u.member(get("member_guid").String())
	a := &accountRow{member: m.guid, typ: get("type").String(), currency: get("currency_code").String(), closed: get("is_closed").Int != 0}
	if name, number := get("name").String(), get("account_number").String(); name+number != "" {
		a.tail = digest([]string{name, number})
	}
	if v := get("balance"); v.Set {
		b := schemas.Money(v.Int)
		a.balance = &b
	}
	if v, left, limit := get("available_balance"), get("available_credit"), get("credit_limit"); owes(a.typ) && left.Set && limit.Set {
		b := schemas.Money(limit.Int - left.Int)
		a.available = &b
	} else if !owes(a.typ) && v.Set {
		b := schemas.Money(v.Int)
		a.available = &b
	}
	a.updated = timestamp(get("updated_at"))
	if sum, at := get("last_payment"), get("last_payment_at"); sum.Set && at.Set {
		a.paid = &payment{Date: schemas.DateOf(schemas.Timestamp(at.Int).Time()), Amount: abs(schemas.Money(sum.Int))}
	}
	m.accounts[get("guid").String()] = a
}

func (u *userRow) readCoverage(get cells, scope schemas.Scope) {
	member := get("member_guid").String()
	resource := schemas.Resource(get("resource").String())
	complete, reason := get("complete").Int != 0, schemas.Reason(get("reason").String())
	switch {
	case member == "" && resource == schemas.MembersResource:
		u.whole, u.reason = complete, reason
		return
	case member == "" && resource == schemas.UsersResource:
		return
	case resource == schemas.AccountOwnersResource:
		return // what owners there are does not bear on transactions
	}
	m := u.member(member)
	m.covered = true
	if !complete {
		m.complete = false
		m.reason = cmp.Or(m.reason, reason)
	}
	if saa := timestamp(get("successfully_aggregated_at_after")); saa != nil {
		m.saa = saa
	}
	if v := get("observed_at"); v.Set {
		m.night.ObservedAt = max(m.night.ObservedAt, schemas.Timestamp(v.Int))
	}
}

// unionKeys returns the keys of both maps in order.
func unionKeys[A, B any](a map[string]A, b map[string]B) []string {
	keys := append(sortedKeys(a), sortedKeys(b)...)
	slices.Sort(keys)
	return slices.Compact(keys)
}
