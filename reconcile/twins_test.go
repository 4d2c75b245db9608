package reconcile

import (
	"testing"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// twoLooks compares two looks at an account that was seen for a while.
func twoLooks(st *accountState, account string, before, after []txn) *accountNight {
	at, baseAt := (day0 + 2).Timestamp(), (day0 + 1).Timestamp()
	w := schemas.Window{From: day0 - 90, To: day0 + 5}
	n := &accountNight{user: "USR-1", account: account, st: st, look: &look{night: snapshot.IDOf(at.Time()), at: at, base: snapshot.IDOf(baseAt.Time()),
		baseAt: baseAt, baseSAA: &baseAt, saa: &at, before: w, window: w}}
	mustCompare(n, before, after)
	return n
}

func codeOf(n *accountNight, guid string) Code {
	for _, v := range n.changes {
		if v.row.GUID == guid && v.change == "removed" {
			return v.code
		}
	}
	return ""
}

func equalRows(guids ...string) (rows []txn) {
	for i, g := range guids {
		t := on0(-9, "Coffee", -450*cent)
		t.GUID, t.Feed, t.Created = g, "COFFEE", (day0 - 8).Timestamp()
		t.Hash += int64(100 * i) // which covers the guid
		rows = append(rows, t)
	}
	return rows
}

// Two equal rows that came at once are two purchases as likely as one shown
// twice: if one goes, somebody should look. One that came days later was shown
// twice.
func TestOneOfTwoEqualRowsGoes(t *testing.T) {
	rows := equalRows("TRN-1", "TRN-2")
	st := &accountState{Member: "MBR-1", Type: "CHECKING"}
	n := twoLooks(st, "ACT-1", rows, rows[:1])
	n.conclude(nil, true)
	if code := codeOf(n, "TRN-2"); code != "Z2" {
		t.Errorf("it is %q", code)
	}
	if len(st.Gone) != 1 || st.Gone[0].Twin != "TRN-1" || n.missing(st.Gone[0]).Evidence["equal_row_left"] != "TRN-1" || n.missing(st.Gone[0]).Verdict != Review {
		t.Errorf("%+v", st.Gone)
	}

	// Seen when they came, but the balance has never been understood.
	st = &accountState{Member: "MBR-1", Type: "CHECKING", Doubles: []*double{{GUID: "TRN-2", Of: "TRN-1", By: -450 * cent, At: (day0 - 8).Timestamp()}}}
	n = twoLooks(st, "ACT-1", rows, rows[:1])
	n.conclude(nil, true)
	if code := codeOf(n, "TRN-2"); code != "Z2" {
		t.Errorf("without a balance it is %q", code)
	}

	rows[1].Created = (day0 - 3).Timestamp()
	st = &accountState{Member: "MBR-1", Type: "CHECKING"}
	n = twoLooks(st, "ACT-1", rows, rows[:1])
	n.conclude(nil, true)
	if code := codeOf(n, "TRN-2"); code != "D1" || len(st.Gone) > 0 {
		t.Errorf("it is %q, open: %v", code, st.Gone)
	}
}

// The one of two that stays may be put right on the night on which the other
// one goes.
func TestDoubleGoesAndOtherIsAmended(t *testing.T) {
	rows := equalRows("TRN-1", "TRN-2")
	rows[1].Created = (day0 - 3).Timestamp()
	left := rows[0]
	left.Amount, left.Hash = 475*cent, 7
	n := twoLooks(&accountState{Member: "MBR-1"}, "ACT-1", rows, []txn{left})
	if code := codeOf(n, "TRN-2"); code != "D1" {
		t.Errorf("it is %q", code)
	}
}

// Of three equal rows one was shown twice: the one that came while the balance
// stood still goes, whatever its guid.
func TestDoubleOfTwoEqualRows(t *testing.T) {
	rows := equalRows("TRN-1", "TRN-2", "TRN-3")
	came := (day0 - 3).Timestamp()
	st := &accountState{Member: "MBR-1", Type: "CHECKING", Doubles: []*double{{GUID: "TRN-3", Of: "TRN-1", By: -450 * cent, At: came, Extra: true}}}
	n := twoLooks(st, "ACT-1", rows, rows[1:])
	if code := codeOf(n, "TRN-1"); code != "D1" || len(st.Doubles) > 0 {
		t.Errorf("it is %q, doubles %v", code, st.Doubles)
	}
}

func mustCompare(n *accountNight, before, after []txn) {
	if err := n.compare(rowsAtHand("", "", byDate(before)), rowsAtHand("", "", byDate(after))); err != nil {
		panic(err) // rows at hand are not read from anywhere
	}
}

// One look at a balance that moved by just the row does not say that a row and
// its twin are both booked; some do.
func TestDoubleOfOneLook(t *testing.T) {
	for nights, want := range map[int]string{1: "D1", 4: "Z1"} {
		h := newHousehold()
		claims(h, 6)
		h.post(usual, posted("TRN-tea", 15, "Teashop", -7_0000))
		h.tonight()
		h.post(usual, posted("TRN-tea-2", 15, "Teashop", -7_0000))
		claims(h, nights)
		h.lose(usual, "TRN-tea-2")
		if got := h.tonight().codes["TRN-tea-2"]; got != want {
			t.Errorf("after %d nights it is %q", nights, got)
		}
	}
}

// A hold that was booked at the rate of the day, on the night on which a row was
// shown twice: the step says nothing of the double.
func TestDoubleBesideAHold(t *testing.T) {
	h := newHousehold()
	a := h.account(usual)
	h.post(usual, posted("TRN-tea", 10, "Teashop", -4_0000))
	h.post(usual, held0("TRN-hold", 12, "Toyshop", -162_0000))
	claims(h, 6)
	h.lose(usual, "TRN-hold")
	a.balance -= 165_0000
	a.rows = append(a.rows, posted("TRN-tea-2", 10, "Teashop", -4_0000))
	if c := claims(h, 4)["missing_transaction TRN-hold"]; c != Confirmed {
		t.Errorf("the hold is %q", c)
	}
	h.lose(usual, "TRN-tea-2")
	if got := h.tonight().codes["TRN-tea-2"]; got != "D1" {
		t.Errorf("the double is %q", got)
	}
}
