package reconcile

import (
	"fmt"
	"slices"
	"testing"

	"tallyport/schemas"
)

// nothing reports what is said of rows in so many nights.
func nothing(t *testing.T, h *household, nights int) {
	t.Helper()
	for what, c := range claims(h, nights) {
		t.Errorf("%s is %s", what, c)
	}
}

// What was known of a user, member or account is known again when it returns:
// what is missing is still missing, and what went in the meantime is.
func TestReturnsWithItsPast(t *testing.T) {
	for _, what := range []string{"user", "member", "account"} {
		t.Run(what, func(t *testing.T) {
			h := newHousehold()
			h.lose(usual, "TRN-day-5")
			if c := claims(h, 3)["missing_transaction TRN-day-5"]; c != Confirmed {
				t.Fatalf("at first it is %q", c)
			}
			all := h.members["MBR-1"].accounts
			switch what {
			case "user":
				h.listed = false
			case "member":
				h.members = map[string]*homeMember{}
			case "account":
				h.members["MBR-1"].accounts = map[string]*homeAccount{"ACT-2": all["ACT-2"]}
			}
			if c := claims(h, 1)["missing_transaction TRN-day-5"]; c != Lapsed {
				t.Errorf("of what is gone it is %q", c)
			}
			claims(h, 1)
			h.listed, h.members = true, map[string]*homeMember{"MBR-1": {accounts: all}}
			h.lose(usual, "TRN-day-4")
			got := claims(h, 4)
			for _, guid := range []string{"TRN-day-4", "TRN-day-5"} {
				if c := got["missing_transaction "+guid]; c != Confirmed {
					t.Errorf("afterwards %s is %q", guid, c)
				}
			}
			if len(got) != 3 { // and its return
				t.Errorf("said: %v", got)
			}
		})
	}
}

// Rows that one night did not ask for, or that went without fault, are booked once
// when they are shown again.
func TestShownAgain(t *testing.T) {
	t.Run("a window that ended earlier", func(t *testing.T) {
		h := newHousehold()
		a := h.account(usual)
		all := slices.Clone(a.rows)
		h.ahead = -10
		a.rows = slices.DeleteFunc(a.rows, func(r txn) bool { return r.Date > day0+schemas.Date(h.day)-5 })
		nothing(t, h, 1)
		a.rows, h.ahead = all, 0
		nothing(t, h, 6)
	})
	t.Run("near the edge", func(t *testing.T) {
		h := newHousehold()
		a := h.account(usual)
		a.rows = byDate(append(a.rows, posted("TRN-edge", -39, "Florist", -12_3400)))
		a.balance -= 12_3400
		claims(h, 4)
		x := *h.lose(usual, "TRN-edge")
		nothing(t, h, 1)
		a.rows = byDate(append(a.rows, x))
		nothing(t, h, 6)
	})
	t.Run("history in two parts", func(t *testing.T) {
		h := newHousehold()
		a := h.account(usual)
		var cut []txn
		for i := range 8 {
			cut = append(cut, *h.lose(usual, fmt.Sprintf("TRN-old-%d", i)))
		}
		claims(h, 3)
		a.rows = byDate(append(a.rows, cut[3:]...))
		claims(h, 1)
		a.rows = byDate(append(a.rows, cut[:3]...))
		nothing(t, h, 6)
	})
	t.Run("history cut twice", func(t *testing.T) {
		h := newHousehold()
		a := h.account(usual)
		all := slices.Clone(a.rows)
		for _, day := range []schemas.Date{-20, 1} {
			a.rows = slices.DeleteFunc(a.rows, func(r txn) bool { return r.Date < day0+day })
			claims(h, 2)
		}
		a.rows = all
		claims(h, 1)
		nothing(t, h, 6)
	})
	t.Run("reversed and booked again", func(t *testing.T) {
		h := newHousehold()
		a := h.account(usual)
		o := *h.lose(usual, "TRN-day-8")
		h.post(usual, posted("TRN-like", int(o.Date-day0)+5, o.Payee, o.signed()-1_0000))
		a.balance -= o.signed()
		claims(h, 5)
		a.rows = byDate(append(a.rows, o))
		a.balance += o.signed()
		claims(h, 1)
		nothing(t, h, 6)
	})
}

// Where so many days of history are kept, the oldest go night by night: one finding.
func TestRollingHistory(t *testing.T) {
	h := newHousehold()
	for i := range 5 {
		h.lose(usual, fmt.Sprintf("TRN-old-%d", i))
	}
	cut := h.tonight().sighting("W3")
	for i := 5; i < 8; i++ {
		h.lose(usual, fmt.Sprintf("TRN-old-%d", i))
		s := h.tonight()
		for _, c := range s.changes {
			if c.change == "removed" && (c.code != "W3" || c.finding != cut.ID) {
				t.Errorf("%s: %s of %s", c.row.GUID, c.code, c.finding)
			}
		}
		nothing(t, h, 2)
	}
}

// One guid of two rows, on the first night and later.
func TestOneGUIDOfTwo(t *testing.T) {
	other := posted("TRN-day-5", 5, "Somebody else", -77_0000)
	h := newHousehold()
	h.post(usual, other)
	if h.tonight().sighting("N10") == nil {
		t.Error("not seen beside the one that was there")
	}
	h = &household{st: &userState{User: "USR-1"}, listed: true, from: day0 - 40, members: map[string]*homeMember{"MBR-1": {accounts: map[string]*homeAccount{
		usual: {typ: "CHECKING", rows: byDate(append(long("old", 8), posted("TRN-old-3", -3, "Else", -1_0000)))}}}}}
	if h.tonight().sighting("N10") == nil {
		t.Error("not seen on the first night")
	}
}

// Of a disabled user nothing is known, whether MX refuses its lists or shows empty
// ones; and when it is enabled again nobody has waited for its members.
func TestDisabledUser(t *testing.T) {
	for _, empty := range []bool{false, true} {
		h := newHousehold()
		members := h.members
		h.off = true
		if empty {
			h.members = map[string]*homeMember{}
		}
		for range 3 {
			night := h.tonight()
			for _, s := range night.sightings {
				if s.Code != "U2" && s.Code != "S11" {
					t.Errorf("empty %t, while disabled: %s of %s", empty, s.Code, s.Member)
				}
			}
			if got := notLookedAt(night.changes); got != "MBR-1 U2" || len(night.changes) != 1 {
				t.Errorf("empty %t, while disabled: %q of %d lines", empty, got, len(night.changes))
			}
		}
		h.off, h.members = false, members
		for _, m := range members { // not aggregated yet, but once more before it was disabled
			m.stands = true
			m.saa += 6 * 3_600_000_000
		}
		for _, s := range h.tonight().sightings {
			if s.Kind == staleMember || s.Kind == memberGone {
				t.Errorf("empty %t, enabled again: %s", empty, s.Code)
			}
		}
		for _, m := range members {
			m.stands = false
		}
		for what, c := range claims(h, 3) {
			if c == Confirmed || c == Suspected {
				t.Errorf("empty %t, afterwards: %s is %s", empty, what, c)
			}
		}
	}
}

// A member that nobody ever read is no new connection.
func TestSiblingIsNoRelink(t *testing.T) {
	h := newHousehold()
	h.members["MBR-5"] = &homeMember{reason: schemas.HTTPError, accounts: map[string]*homeAccount{}}
	claims(h, 5)
	delete(h.members, "MBR-1")
	if s := h.tonight(); s.sighting("M1") == nil || s.sighting("M2") != nil {
		t.Errorf("%+v", s.sightings)
	}
}

// However often a member is looked at, a row that stays away is missing.
func TestManyLooksConfirm(t *testing.T) {
	g := &gone{}
	n := &accountNight{st: &accountState{Gone: []*gone{g}}}
	for i := range 40 {
		saa := schemas.Timestamp(1+i) * 7_200_000_000
		n.look = &look{saa: &saa, window: schemas.Window{From: -100, To: 100}}
		n.lookedAgain(g)
	}
	if !g.confirmed() || len(g.Looks) > keptLooks {
		t.Errorf("%d looks, confirmed %t", len(g.Looks), g.confirmed())
	}
}

// A finding about one event that is seen once more is as old as it was, in memory
// and read back.
func TestEventSeenAgain(t *testing.T) {
	s := sight("F-1", Confirmed)
	s.Kind, s.Verdict, s.IssueType = duplicateGUID, Review, NoIssue
	st, dir := tempStore(t)
	all := NewLedger(nil)
	for _, night := range []float64{0, 100, 155, 260} {
		l := reopen(t, st)
		for _, l := range []*Ledger{l, all} {
			if night < 150 {
				l.applyAt(night, s)
			} else {
				l.applyAt(night)
			}
		}
		save(t, l, st)
	}
	if got := content(t, dir, eventsFile); got != string(all.files.log) || get(t, all, "F-1").State != Expired {
		t.Errorf("night by night:\n%s\nat once:\n%s", got, all.files.log)
	}
}
