package reconcile

import (
	"cmp"
	"context"
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// tables is the rows of one unit of a snapshot that are few: all but the
// transactions.
type tables struct {
	users map[string]*userRow
}

func (t *tables) user(guid string) *userRow {
	u := t.users[guid]
	if u == nil {
		u = &userRow{guid: guid, members: map[string]*memberRow{}}
		t.users[guid] = u
	}
	return u
}

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

// readTables reads the unit's users, members, accounts and coverage.
func readTables(ctx context.Context, r *snapshot.Reader, unit, n int) (*tables, error) {
	t := &tables{users: map[string]*userRow{}}
	id, scope := r.Manifest().ID, r.Manifest().Plan.Scope
	for _, p := range parts(r.Manifest(), unit, n) {
		for _, read := range []struct {
			table   *schemas.Table
			columns []string
			row     func(get func(string) schemas.Value)
		}{
			{schemas.Users, []string{"guid", "is_disabled"}, func(get func(string) schemas.Value) {
				u := t.user(get("guid").String())
				u.listed, u.disabled = true, get("is_disabled").Int != 0
			}},
			{schemas.Members, memberColumns, func(get func(string) schemas.Value) { t.readMember(get, id) }},
			{schemas.Accounts, []string{"guid", "member_guid", "user_guid", "type", "name", "account_number", "currency_code", "balance", "is_closed", "last_payment", "last_payment_at", "updated_at"}, t.readAccount},
			{schemas.Coverage, coverageColumns, func(get func(string) schemas.Value) { t.readCoverage(get, scope) }},
		} {
			at := make([]int, len(read.columns))
			for i, name := range read.columns {
				at[i] = read.table.Index(name)
			}
			err := scan(ctx, r, read.table, p, read.columns, func(vals []schemas.Value) error {
				read.row(func(name string) schemas.Value { // a map would take longer
					return vals[at[slices.Index(read.columns, name)]]
				})
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	for _, u := range t.users { // the user's own list of transactions stands for all members
		if own := u.members[""]; own != nil {
			delete(u.members, "")
			for _, m := range u.members {
				if !own.complete {
					m.complete, m.reason = false, cmp.Or(m.reason, own.reason)
				}
			}
		}
	}
	return t, nil
}

var memberColumns = []string{"guid", "user_guid", "institution_code", "aggregated_at", "successfully_aggregated_at", "is_being_aggregated",
	"connection_status", "background_aggregation_is_disabled"}

var coverageColumns = []string{"user_guid", "member_guid", "resource", "complete", "reason", "observed_at", "successfully_aggregated_at_after"}

func (t *tables) readMember(get func(string) schemas.Value, id snapshot.ID) {
	m := t.user(get("user_guid").String()).member(get("guid").String())
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

func (t *tables) readAccount(get func(string) schemas.Value) {
	m := t.user(get("user_guid").String()).member(get("member_guid").String())
	a := &accountRow{member: m.guid, typ: get("type").String(), currency: get("currency_code").String(), closed: get("is_closed").Int != 0}
	if name, number := get("name").String(), get("account_number").String(); name+number != "" {
		a.tail = digest([]string{name, number})
	}
	if v := get("balance"); v.Set {
		b := schemas.Money(v.Int)
		a.balance = &b
	}
	a.updated = timestamp(get("updated_at"))
	if sum, at := get("last_payment"), get("last_payment_at"); sum.Set && at.Set {
		a.paid = &payment{Date: schemas.DateOf(schemas.Timestamp(at.Int).Time()), Amount: abs(schemas.Money(sum.Int))}
	}
	m.accounts[get("guid").String()] = a
}

func (t *tables) readCoverage(get func(string) schemas.Value, scope schemas.Scope) {
	user, member := get("user_guid").String(), get("member_guid").String()
	if user == "" {
		return
	}
	u := t.user(user)
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
