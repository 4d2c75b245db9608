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
