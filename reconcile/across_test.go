package reconcile

import "testing"

// A guid that names another amount in another account did not move there.
func TestReusedGUIDIsNoMove(t *testing.T) {
	gone, moved := on0(-9, "Coffee", -450*cent), on0(-5, "Books", -900*cent)
	other, same := on0(0, "Petrol", -4000*cent), moved
	other.GUID = gone.GUID
	from, to := &accountState{Member: "MBR-1"}, &accountState{Member: "MBR-1"}
	keep := on0(-1, "Rent", -100_000*cent)
	a := twoLooks(from, "ACT-1", []txn{gone, moved, keep}, []txn{keep})
	b := twoLooks(to, "ACT-2", []txn{keep}, []txn{keep, other, same})
	u := &userNight{held: []*accountNight{a, b}}
	u.moved()
	if len(a.removed) != 1 || a.removed[0].GUID != gone.GUID {
		t.Errorf("removed: %v", a.removed)
	}
	if len(b.added) != 1 || b.added[0].Amount != other.Amount || to.Booked != other.signed() {
		t.Errorf("added: %v, booked %v", b.added, to.Booked)
	}
}

// Rows of an account that is gone went with it, also those that the window
// would have left out tonight: what comes first in the taxonomy is said.
func TestRowsOfAGoneAccount(t *testing.T) {
	old, within := on0(-91, "Rent", -100_000*cent), on0(-9, "Coffee", -450*cent)
	for code, missing := range map[Code]int{"A2": 0, "A3": 1} {
		n := twoLooks(&accountState{Member: "MBR-1"}, "ACT-1", nil, nil)
		u := &userNight{facts: &snapshotFacts{id: n.look.night, window: n.look.window}, now: &userRow{guid: "USR-1"}, st: &userState{}}
		u.listLost(n, []txn{old, within}, nil, code, "")
		if len(u.changes) != 2 || u.changes[0].code != code || u.changes[0].verdict == Review || u.changes[1].code != code || len(u.sightings) != missing {
			t.Errorf("%s: %+v, findings %v", code, u.changes, u.sightings)
		}
	}
}
