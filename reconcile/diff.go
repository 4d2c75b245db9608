package reconcile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// Difference is a transaction that is not the same in two snapshots. Its cells
// are those of the later one, but of a removed row, which has none there.
type Difference struct {
	Change      string   `json:"change"` // added, removed or amended
	User        string   `json:"user_guid"`
	Member      string   `json:"member_guid"`
	Account     string   `json:"account_guid"`
	Transaction string   `json:"transaction_guid"`
	Date        text     `json:"date"`
	Amount      text     `json:"amount"`
	Type        text     `json:"type"`
	Status      string   `json:"status"`
	Fields      []string `json:"fields"` // of an amended row: what differs
}

// TableDifference counts the differences of a table.
type TableDifference struct {
	Added   int64 `json:"added"`
	Removed int64 `json:"removed"`
	Amended int64 `json:"amended"`
}

func (t *TableDifference) sum() int64 { return t.Added + t.Removed + t.Amended }

// DiffSummary says how two snapshots differ, and where they could not be compared.
type DiffSummary struct {
	A      snapshot.ID                 `json:"a"`
	B      snapshot.ID                 `json:"b"`
	Same   bool                        `json:"same"`
	Tables map[string]*TableDifference `json:"tables"`
	// Members counts members by whether both snapshots looked at all of them.
	Compared    int64            `json:"members_compared"`
	NotCompared map[string]int64 `json:"members_not_compared"` // by reason
	Outside     int64            `json:"rows_outside_window"`  // dates that only one snapshot asked for
}

// Diff compares two snapshots, A before B, without the ledger. It calls visit
// with every transaction that was added, removed or amended, by unit of users
// and then in key order. Only what both looked at is compared: rows of members
// that are complete in both, with dates that are in both windows; rows of other
// tables below users and members whose lists both read to the end.
func Diff(ctx context.Context, st snapshot.Store, a, b snapshot.ID, visit func(*Difference) error) (*DiffSummary, error) {
	d := &differ{sum: &DiffSummary{A: a, B: b, Tables: map[string]*TableDifference{}, NotCompared: map[string]int64{}}, visit: visit}
	for _, t := range schemas.Tables() {
		if t.Name != schemas.Coverage.Name {
			d.sum.Tables[t.Name] = new(TableDifference)
		}
	}
	for i, id := range []snapshot.ID{a, b} {
		var err error
		if d.in[i], err = snapshot.Open(st, id); err != nil {
			return nil, err
		}
		if err := sound(st, d.in[i].Manifest()); err != nil {
			return nil, err
		}
		d.in[i].Sound()
	}
	of := min(d.in[0].Manifest().Shards, d.in[1].Manifest().Shards)
	for unit := range of {
		if err := d.unit(ctx, unit, of); err != nil {
			return nil, err
		}
	}
	if err := d.institutions(ctx); err != nil {
		return nil, err
	}
	var all int64
	for _, t := range d.sum.Tables {
		all += t.sum()
	}
	d.sum.Same = all == 0
	return d.sum, nil
}

type differ struct {
	in    [2]*snapshot.Reader
	sum   *DiffSummary
	visit func(*Difference) error
}

func (d *differ) unit(ctx context.Context, unit, of int) error {
	var rows [2]*tables
	var owners [2]map[string]bool
	for i, r := range d.in {
		var err error
		if rows[i], err = readTables(ctx, r, unit, of); err != nil {
			return err
		}
		if owners[i], err = wholeOwners(ctx, r, unit, of); err != nil {
			return err
		}
	}
	looked := d.members(rows)
	both := func(user, member string) bool { return looked[[2]string{user, member}] }
	m0, m1 := d.in[0].Manifest(), d.in[1].Manifest()
	allUsers := m0.Plan.Users == m1.Plan.Users && usersWhole(m0) && usersWhole(m1)
	for _, t := range []struct {
		table *schemas.Table
		keep  func(user, member, key string) bool
	}{
		{schemas.Users, func(_, _, key string) bool {
			return allUsers || rows[0].users[key] != nil && rows[0].users[key].listed && rows[1].users[key] != nil && rows[1].users[key].listed
		}},
		{schemas.Members, func(user, _, _ string) bool {
			u0, u1 := rows[0].users[user], rows[1].users[user]
			return u0 != nil && u1 != nil && u0.whole && u1.whole
		}},
		{schemas.Accounts, func(user, member, _ string) bool { return both(user, member) }},
		{schemas.AccountOwners, func(_, member, _ string) bool { return owners[0][member] && owners[1][member] }},
	} {
		if err := d.counts(ctx, t.table, unit, of, t.keep); err != nil {
			return err
		}
	}
	was, is := openAccounts(ctx, d.in[0], unit, of), openAccounts(ctx, d.in[1], unit, of)
	err := d.transactions(was, is, both)
	return errors.Join(err, was.err, is.err, was.close(), is.close())
}

// transactions compares the rows account by account.
func (d *differ) transactions(was, is *accountStream, both func(user, member string) bool) error {
	for was.at != nil || is.at != nil {
		before, after := was.at, is.at
		switch {
		case after == nil || before != nil && before.before(after):
			after = nil
			was.next()
		case before == nil || after.before(before):
			before = nil
			is.next()
		default:
			was.next()
			is.next()
		}
		if err := d.account(before, after, both); err != nil {
			return err
		}
	}
	return nil
}

// members says which members both snapshots looked at, and counts why others
// were not.
func (d *differ) members(rows [2]*tables) map[[2]string]bool {
	looked := map[[2]string]bool{}
	for _, guid := range unionKeys(rows[0].users, rows[1].users) {
		var of [2]map[string]*memberRow
		for i := range rows {
			if u := rows[i].users[guid]; u != nil {
				of[i] = u.members
			}
		}
		for _, member := range unionKeys(of[0], of[1]) {
			why := ""
			for i, id := range []snapshot.ID{d.sum.A, d.sum.B} {
				u := rows[i].users[guid]
				switch m := of[i][member]; {
				case why != "":
				case m == nil && u != nil && u.disabled:
					why = "user disabled in " + string(id)
				case m == nil && u != nil && !u.whole:
					why = "list of members not read in " + string(id)
				case m == nil || !m.covered && !m.listed:
					why = "not in " + string(id)
				case !m.complete || !m.covered:
					why = fmt.Sprintf("%s in %s", reasonOf(m), id)
				}
			}
			if why != "" {
				d.sum.NotCompared[why]++
				continue
			}
			d.sum.Compared++
			looked[[2]string{guid, member}] = true
		}
	}
	return looked
}

// wholeOwners returns the members whose list of account owners was read to the end.
func wholeOwners(ctx context.Context, r *snapshot.Reader, unit, of int) (map[string]bool, error) {
	t := schemas.Coverage
	whole := map[string]bool{}
	for _, p := range parts(r.Manifest(), unit, of) {
		err := r.ScanPart(ctx, t, p, []string{"member_guid", "resource", "complete"}, func(vals []schemas.Value) error {
			if string(vals[t.Index("resource")].Text) == string(schemas.AccountOwnersResource) && vals[t.Index("complete")].Int != 0 {
				whole[vals[t.Index("member_guid")].String()] = true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return whole, nil
}

// counts compares a table of few rows by key and row_hash.
func (d *differ) counts(ctx context.Context, t *schemas.Table, unit, of int, keep func(user, member, key string) bool) error {
	var rows [2]map[string][]int64
	for i, r := range d.in {
		rows[i] = map[string][]int64{}
		for _, p := range parts(r.Manifest(), unit, of) {
			if err := hashes(ctx, r, t, p, keep, rows[i]); err != nil {
				return err
			}
		}
	}
	d.count(t, rows)
	return nil
}

func (d *differ) count(t *schemas.Table, rows [2]map[string][]int64) {
	n := d.sum.Tables[t.Name]
	for _, key := range unionKeys(rows[0], rows[1]) {
		before, after := rows[0][key], rows[1][key]
		for i := range max(len(before), len(after)) {
			switch {
			case i >= len(before):
				n.Added++
			case i >= len(after):
				n.Removed++
			case before[i] != after[i]:
				n.Amended++
			}
		}
	}
}

// hashes collects the row_hash of each row of a part by its key. Rows of one
// key are in the order of their content.
func hashes(ctx context.Context, r *snapshot.Reader, t *schemas.Table, part int, keep func(user, member, key string) bool, into map[string][]int64) error {
	columns := append(t.KeyNames(), "row_hash")
	for _, c := range []string{"guid", "user_guid", "member_guid"} {
		if hasColumn(t, c) && !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	cell := func(vals []schemas.Value, name string) string {
		if !hasColumn(t, name) {
			return ""
		}
		return vals[t.Index(name)].String()
	}
	return r.ScanPart(ctx, t, part, columns, func(vals []schemas.Value) error {
		if keep != nil && !keep(cell(vals, "user_guid"), cell(vals, "member_guid"), cell(vals, "guid")) {
			return nil
		}
		key := string(t.AppendKey(nil, vals))
		into[key] = append(into[key], vals[t.Index("row_hash")].Int)
		return nil
	})
}

func hasColumn(t *schemas.Table, name string) bool {
	return slices.ContainsFunc(t.Columns, func(c schemas.Column) bool { return c.Name == name })
}

// institutions compares the only table that has no users, if both snapshots
// read the same kind of list.
func (d *differ) institutions(ctx context.Context) error {
	if d.in[0].Manifest().Plan.Institutions != d.in[1].Manifest().Plan.Institutions {
		return nil
	}
	var rows [2]map[string][]int64
	for i, r := range d.in {
		if slices.ContainsFunc(r.Manifest().Gaps, func(g snapshot.Gap) bool { return g.Resource == schemas.InstitutionsResource }) {
			return nil
		}
		rows[i] = map[string][]int64{}
		for p := range r.Manifest().Tables[schemas.Institutions.Name].Files {
			if err := hashes(ctx, r, schemas.Institutions, p, nil, rows[i]); err != nil {
				return err
			}
		}
	}
	d.count(schemas.Institutions, rows)
	return nil
}

// account compares the rows of one account by guid: a row whose date was
// changed is amended, although its place in the table is another.
func (d *differ) account(before, after *accountRows, both func(user, member string) bool) error {
	at := cmp.Or(after, before)
	for _, side := range []*accountRows{before, after} {
		if side == nil {
			continue
		}
		member, err := side.member()
		if err != nil || !both(side.user, member) {
			return err
		}
	}
	none := new(accountRows)
	before, after = cmp.Or(before, none), cmp.Or(after, none)
	went, came, err := differing(before, after)
	if err != nil {
		return err
	}
	removed, err := before.pick(went, nil)
	if err != nil {
		return err
	}
	added, err := after.pick(came, nil)
	if err != nil {
		return err
	}
	type found struct {
		Difference
		day schemas.Date
	}
	var out []found
	add := func(change string, t *txn, fields []string) {
		f := found{Difference{Change: change, User: at.user, Member: t.Member, Account: at.account, Transaction: t.GUID, Status: t.status(), Fields: fields}, t.Date}
		if !t.is(noDate) {
			f.Date = text(t.Date.String())
		}
		if !t.is(noSum) {
			f.Amount, f.Type = text(plain(t.Amount)), text(t.direction())
		}
		out = append(out, f)
	}
	w0, w1 := d.in[0].Manifest().Plan.Window, d.in[1].Manifest().Plan.Window
	one := func(change string, t *txn, other schemas.Window) {
		if !t.is(noDate) && (t.Date < other.From || t.Date > other.To) {
			d.sum.Outside++
			return
		}
		add(change, t, []string{})
	}
	old := map[string][]*txn{} // one guid may name several rows
	for i := range removed {
		old[removed[i].GUID] = append(old[removed[i].GUID], &removed[i])
	}
	for i := range added {
		t := &added[i]
		like := old[t.GUID]
		if len(like) == 0 {
			one("added", t, w0)
			continue
		}
		// An equal one first, so that the order among namesakes is of no matter.
		pick := max(0, slices.IndexFunc(like, func(o *txn) bool { return o.Hash == t.Hash }))
		if o := like[pick]; o.Hash != t.Hash {
			add("amended", t, fieldsThatDiffer(o, t))
		}
		old[t.GUID] = slices.Delete(slices.Clone(like), pick, pick+1)
	}
	for i := range removed {
		t := &removed[i]
		if slices.Contains(old[t.GUID], t) {
			one("removed", t, w1)
		}
	}
	slices.SortStableFunc(out, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(a.Transaction, b.Transaction))
	})
	n := d.sum.Tables[schemas.Transactions.Name]
	for i := range out {
		switch out[i].Change {
		case "added":
			n.Added++
		case "removed":
			n.Removed++
		default:
			n.Amended++
		}
		if err := d.visit(&out[i].Difference); err != nil {
			return err
		}
	}
	return nil
}

// fieldsThatDiffer names the columns in which two rows differ, as far as they
// are read.
func fieldsThatDiffer(a, b *txn) []string {
	fields := []string{}
	for _, f := range []struct {
		name string
		same bool
	}{
		{"date", a.Date == b.Date && a.is(noDate) == b.is(noDate)},
		{"amount", a.Amount == b.Amount && a.is(noSum) == b.is(noSum)},
		{"type", a.is(credit) == b.is(credit)},
		{"status", a.is(pending) == b.is(pending)},
		{"description", a.Payee == b.Payee},
		{"original_description", a.Feed == b.Feed},
		{"category", a.Category == b.Category},
		{"currency_code", a.Currency == b.Currency},
		{"check_number_string", a.Check == b.Check},
		{"merchant_guid", a.Merchant == b.Merchant},
		{"is_international", a.is(abroad) == b.is(abroad)},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	if len(fields) == 0 {
		fields = append(fields, "other")
	}
	return fields
}

// sameCell reports whether two cells are equal.
func sameCell(a, b schemas.Value) bool {
	return a.Set == b.Set && a.Int == b.Int && bytes.Equal(a.Text, b.Text)
}
