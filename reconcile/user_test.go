package reconcile

import (
	"strings"
	"testing"

	"tallyport/schemas"
)

// Of a disabled user not even the members are listed: nobody looked, so the
// rows of the last look are kept for the next one.
func TestCarriedWhileNobodyLooks(t *testing.T) {
	st := &userState{User: "USR-1", Members: map[string]*memberState{"MBR-1": {Base: "20261101T020000Z"}}, Accounts: map[string]*accountState{"ACT-1": {Member: "MBR-1"}}}
	u := &userNight{facts: &snapshotFacts{id: "20261102T020000Z", allUsers: true}, now: &userRow{guid: "USR-1", listed: true, disabled: true, reason: schemas.Disabled, members: map[string]*memberRow{}},
		st: st, rules: &Options{}, counts: newCounts()}
	u.begin()
	if err := u.account("ACT-1", "MBR-1", rowsAtHand("USR-1", "ACT-1", []txn{{GUID: "TRN-1"}}), rowsAtHand("USR-1", "ACT-1", nil)); err != nil {
		t.Fatal(err)
	}
	u.end()
	if u.counts.apart != 1 {
		t.Errorf("%d accounts could not be compared, want 1", u.counts.apart)
	}
	if got := st.Members["MBR-1"].Carried["ACT-1"]; len(got) != 1 {
		t.Errorf("carried %v", got)
	}
	if got := notLookedAt(u.changes); got != "MBR-1 U2" || len(u.counts.incomplete) > 0 {
		t.Errorf("not looked at: %q; counted %v", got, u.counts.incomplete)
	}
}

func notLookedAt(changes []userChange) string {
	var all []string
	for _, c := range changes {
		if c.change == "not_looked_at" && c.verdict == Unknown && c.row.GUID == "" {
			all = append(all, c.member+" "+string(c.code))
		}
	}
	return strings.Join(all, ", ")
}

// Members whose user's list of members failed were not looked at, nor was one
// of a list that broke off before its walks.
func TestListOfMembersFails(t *testing.T) {
	base := &memberState{Base: "20261101T020000Z"}
	st := &userState{User: "USR-1", Members: map[string]*memberState{"MBR-1": base, "MBR-2": {}, "MBR-3": {}}}
	u := &userNight{facts: &snapshotFacts{id: "20261102T020000Z", allUsers: true}, now: &userRow{guid: "USR-1", listed: true, reason: schemas.Timeout, members: map[string]*memberRow{
		"MBR-2": {guid: "MBR-2", listed: true, complete: true, accounts: map[string]*accountRow{}},
		"MBR-3": {guid: "MBR-3", listed: true, covered: true, complete: true, accounts: map[string]*accountRow{}},
	}}, st: st, rules: &Options{}, counts: newCounts()}
	u.begin()
	u.end()
	if got := notLookedAt(u.changes); got != "MBR-1 X1, MBR-2 X1" || u.counts.complete != 1 || len(u.counts.incomplete) > 0 || base.Base != "20261101T020000Z" {
		t.Errorf("not looked at: %q; counted %+v", got, u.counts)
	}
}

// Users who were not asked for, or whom a broken list left out, were not looked
// at, and are not gone.
func TestUserNotAskedFor(t *testing.T) {
	for _, tt := range []struct {
		named bool
		now   *userRow
		want  string
	}{
		{true, nil, "X4"},
		{true, &userRow{guid: "USR-1", members: map[string]*memberRow{}}, "X1"}, // asked for, and not read
		{false, nil, "X1"},
	} {
		st := &userState{User: "USR-1", Members: map[string]*memberState{"MBR-1": {Base: "20261101T020000Z"}}}
		n := &unitNight{facts: &snapshotFacts{id: "20261102T020000Z", named: tt.named}, o: &Options{Changes: true}, counts: newCounts()}
		if err := n.user(st, tt.now, new(accountStream), new(accountStream)); err != nil {
			t.Fatal(err)
		}
		want := changeLine{Change: "not_looked_at", Code: tt.want, Verdict: "unknown", User: "USR-1", Member: "MBR-1"}
		if len(n.changes) != 1 || n.changes[0] != want || st.Gone != "" || st.Members["MBR-1"].Base == "" || len(n.counts.incomplete) > 0 {
			t.Errorf("%+v: %+v, state %+v", tt, n.changes, st)
		}
	}
}
