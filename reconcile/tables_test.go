package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// tableOf is a table of texts, its rows parted by semicolons.
func tableOf(t *testing.T, table *schemas.Table, columns []string, read func(*userRow, cells), rows string) *tableRows {
	r := &tableRows{table: table, read: read}
	for _, name := range columns {
		r.at = append(r.at, table.Index(name))
	}
	r.cell = func(name string) schemas.Value { return r.vals[r.at[slices.Index(columns, name)]] }
	left := strings.Split(rows, ";")
	r.pull = func() ([]schemas.Value, error, bool) {
		if len(left) == 0 {
			return nil, nil, false
		}
		vals := make([]schemas.Value, len(table.Columns))
		for i, text := range strings.Split(left[0], ",") {
			vals[r.at[i]] = schemas.Value{Set: text != "", Text: []byte(text)}
		}
		left = left[1:]
		return vals, nil, true
	}
	if err := r.next(); err != nil {
		t.Fatal(err)
	}
	return r
}

// Users come in order, whichever table names them; walks of no user and rows
// out of order do not pass for some.
func TestUserStream(t *testing.T) {
	for _, c := range []struct{ users, accounts, coverage, want string }{
		{"A;C", "A,ACT-1,MBR-1;A,ACT-2,MBR-2;B,ACT-3,MBR-3", ",,users;A,MBR-1,transactions;D,,members", "A MBR-1 MBR-2|B MBR-3|C|D"},
		{"A", "A,ACT-1,MBR-1", ",,users;,,institutions", "A MBR-1"},
		{"B;A", "C,ACT-1,MBR-1", "C,MBR-1,transactions", "damaged"},
		{"A;B;C", "C,ACT-1,MBR-1;B,ACT-2,MBR-2", "C,MBR-1,transactions", "A|B|damaged"},
	} {
		s := &userStream{ctx: context.Background(), tables: []*tableRows{
			tableOf(t, schemas.Users, []string{"guid"}, func(u *userRow, _ cells) { u.listed = true }, c.users),
			tableOf(t, schemas.Accounts, accountColumns, (*userRow).readAccount, c.accounts),
			tableOf(t, schemas.Coverage, coverageColumns, func(u *userRow, get cells) { u.readCoverage(get, schemas.Scope("")) }, c.coverage),
		}}
		var got []string
		for s.next(); s.at != nil; s.next() {
			got = append(got, strings.Join(append([]string{s.at.guid}, sortedKeys(s.at.members)...), " "))
		}
		if s.err != nil {
			if !errors.Is(s.err, snapshot.ErrDamaged) {
				t.Error(s.err)
			}
			got = append(got, "damaged")
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%v: %v, not %s", c, got, c.want)
		}
	}
}
