package reconcile

import (
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
	if got := st.Members["MBR-1"].Carried["ACT-1"]; len(got) != 1 || len(u.changes) > 0 {
		t.Errorf("carried %v, changes %v", got, u.changes)
	}
}
