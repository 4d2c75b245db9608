package snapshot_test

import (
	"testing"

	"tallyport/schemas"
	"tallyport/snapshot"
)

func TestPast(t *testing.T) {
	for _, f := range []snapshot.Format{snapshot.Parquet, snapshot.CSV} {
		tw := newWorld(11)
		tw.plan.Format = f
		st := openDir(t)
		if err := tw.export(st, nil); err != nil {
			t.Fatal(err)
		}
		past, err := snapshot.OpenPast(st, "20261121T020000Z")
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range tw.userIDs() {
			user, member := schemas.UserID(u), schemas.MemberID(guid("MBR", u, 1))
			pm, err := past.Member(user, member)
			if err != nil {
				t.Fatal(err)
			}
			if pm == nil || pm.Snapshot != tw.id {
				t.Fatalf("%s: %+v", member, pm)
			}
			// The dates of the world lie between 20000 and 20094.
			for w, want := range map[schemas.Window]bool{
				{From: 19990, To: 20110}: true,
				{From: 20093, To: 20200}: false, // only at the edge, if at all
				{From: 18000, To: 20001}: false,
			} {
				got, err := past.HasTransactions(tw.id, user, member, w)
				if err != nil {
					t.Fatal(err)
				}
				if got != want {
					t.Errorf("%s %s in %v: %v", f, member, w, got)
				}
			}
		}
		if pm, err := past.Member("USR-none", "MBR-none"); pm != nil || err != nil {
			t.Errorf("a member that never was: %v %v", pm, err)
		}
		self, err := snapshot.OpenPast(st, tw.id)
		if err != nil {
			t.Fatal(err)
		}
		if pm, _ := self.Member(schemas.UserID(tw.userIDs()[0]), schemas.MemberID(guid("MBR", tw.userIDs()[0], 0))); pm != nil {
			t.Error("a snapshot is in its own past")
		}
	}
}
