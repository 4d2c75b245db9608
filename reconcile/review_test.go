package reconcile

import (
	"slices"
	"testing"

	"tallyport/schemas"
)

// claims lives n nights and returns what was last said of rows and amounts.
func claims(h *household, n int) map[string]Claim {
	last := map[string]Claim{}
	for range n {
		for _, x := range h.tonight().sightings {
			last[string(x.Kind)+" "+string(x.Transaction)] = x.Claim
		}
	}
	return last
}

// narrow hides what is dated before from.
func narrow(h *household, from schemas.Date) {
	h.from = from
	for _, m := range h.members {
		for _, a := range m.accounts {
			var in []txn
			for _, r := range a.rows {
				if r.Date >= from {
					in = append(in, r)
				}
			}
			a.rows = in
		}
	}
}

// A look whose window has not got the row's date, or nearly not, says nothing
// of it.
func TestLookElsewhereConfirmsNothing(t *testing.T) {
	h := newHousehold()
	h.lose(usual, "TRN-day-5")
	h.tonight()
	for night := range 3 {
		narrow(h, day0+schemas.Date(h.day)-1)
		if c := claims(h, 1)["missing_transaction TRN-day-5"]; c == Confirmed {
			t.Fatalf("night %d: confirmed by a look at other days", night)
		}
	}
}

// A hold that the balance showed to be booked, and that then arrives, was
// counted already.
func TestBookedHoldArrives(t *testing.T) {
	for _, guid := range []string{"TRN-hold", "TRN-late"} {
		h := newHousehold()
		h.post(usual, held0("TRN-hold", 10, "Garage", -42_0000))
		claims(h, 2)
		before := h.st.Accounts[usual].Booked
		h.account(usual).balance += h.lose(usual, "TRN-hold").signed()
		if c := claims(h, 5)["missing_transaction TRN-hold"]; c != Confirmed {
			t.Fatalf("%s: the hold is not missing: %q", guid, c)
		}
		h.account(usual).rows = append(h.account(usual).rows, posted(guid, 11, "Garage", -42_0000))
		for what, c := range claims(h, 8) {
			if c == Confirmed || c == Suspected {
				t.Errorf("%s: afterwards %s is %s", guid, what, c)
			}
		}
		if got := h.st.Accounts[usual].Booked - before; got != -42_0000 {
			t.Errorf("%s: booked as %v", guid, got)
		}
	}
}

// A row without a date is missed like any other.
func TestMissingWithoutDate(t *testing.T) {
	h := newHousehold()
	x := posted("TRN-null", 0, "Grocer", -12_3400)
	x.Flags |= noDate
	x.Date = 0
	a := h.account(usual)
	a.rows = append([]txn{x}, a.rows...)
	a.balance += x.signed()
	claims(h, 2)
	h.lose(usual, "TRN-null")
	if c := claims(h, 5)["missing_transaction TRN-null"]; c != Confirmed {
		t.Errorf("it is %q", c)
	}
}

// A row that comes back with another amount is booked as that, and was amended.
func TestComesBackAmended(t *testing.T) {
	h := newHousehold()
	o := h.lose(usual, "TRN-day-5")
	claims(h, 3)
	before := h.st.Accounts[usual].Booked
	back := *o
	back.Amount, back.Hash = o.Amount+1_0000, o.Hash+1
	h.account(usual).rows = append(h.account(usual).rows, back)
	h.account(usual).balance += back.signed() - o.signed()
	s := h.tonight()
	if c := s.sighting("C1"); c == nil || c.Transaction != "TRN-day-5" {
		t.Errorf("not amended: %+v", s.sightings)
	}
	if got := h.st.Accounts[usual].Booked - before; got != -1_0000 {
		t.Errorf("what is booked moved by %v", got)
	}
	for what, c := range claims(h, 6) {
		t.Errorf("afterwards %s is %s", what, c)
	}
}

// Another currency at no one rate is many amendments.
func TestCurrencyAtOneRate(t *testing.T) {
	for _, tt := range []struct {
		rate func(i int, m schemas.Money) schemas.Money
		want Code
	}{
		{func(_ int, m schemas.Money) schemas.Money { return (m*91/100 + 50) / 100 * 100 }, "C3"},
		{func(i int, m schemas.Money) schemas.Money { return m * schemas.Money(90+i%5) / 100 }, "C1"},
	} {
		h := newHousehold()
		rows := h.account(usual).rows
		for i := range rows {
			rows[i].Currency, rows[i].Amount, rows[i].Hash = "EUR", tt.rate(i, rows[i].Amount), rows[i].Hash+1
		}
		s := h.tonight()
		if got := s.codes["TRN-day-5"]; got != string(tt.want) {
			t.Errorf("%s, want %s", got, tt.want)
		}
		for _, c := range s.changes {
			if s.of(c.finding) != Confirmed {
				t.Errorf("%s: its line names the finding %q", c.code, c.finding)
			}
		}
	}
}

// A guid that stands under another account as another row names two.
func TestGUIDUsedAgainElsewhere(t *testing.T) {
	h := newHousehold()
	o := h.lose(usual, "TRN-day-5")
	h.post("ACT-2", posted(o.GUID, 10, "Aquarium", -77_0000))
	s := h.tonight().sighting("N10")
	if s == nil || s.Account != "ACT-2" || string(s.Transaction) != o.GUID {
		t.Errorf("%+v", s)
	}
}

// What the feed lost and the institution reverses later was reversed: nothing
// else is missing.
func TestReversedLate(t *testing.T) {
	h := newHousehold()
	o := h.lose(usual, "TRN-day-5")
	if c := claims(h, 4)["missing_transaction TRN-day-5"]; c != Confirmed {
		t.Fatalf("before it is reversed: %q", c)
	}
	h.account(usual).balance -= o.signed()
	for what, c := range claims(h, 5) {
		if want := map[string]Claim{"missing_transaction TRN-day-5": Harmless}[what]; c != want {
			t.Errorf("%s is %s, want %q", what, c, want)
		}
	}
}

// A history that was cut and is whole again was never lost, and moves no balance.
func TestHistoryComesBack(t *testing.T) {
	h := newHousehold()
	a := h.account(usual)
	all := slices.Clone(a.rows)
	a.rows = slices.DeleteFunc(a.rows, func(r txn) bool { return r.Date < day0 })
	cut := h.tonight().sighting("W3")
	if cut == nil {
		t.Fatal("no W3")
	}
	claims(h, 2)
	a.rows = all
	s := h.tonight()
	if s.of(cut.ID) != Undone || s.codes["TRN-old-3"] != "Z3" {
		t.Errorf("%q, %v", s.of(cut.ID), s.codes)
	}
	for what, c := range claims(h, 6) {
		t.Errorf("afterwards %s is %s", what, c)
	}
}

// A member that was connected anew and is read only later has the history of the
// one before it, or has lost some of it, all the same.
func TestRelinkReadLater(t *testing.T) {
	h := newHousehold()
	h.members["MBR-9"] = &homeMember{reason: schemas.HTTPError, accounts: map[string]*homeAccount{"ACT-9": {typ: "CHECKING", balance: h.account(usual).balance, rows: renamed(h.account(usual).rows, "TRN-old-5", "TRN-old-6")}}}
	delete(h.members, "MBR-1")
	s := h.tonight()
	if s.sighting("M2") == nil || s.codes["TRN-day-3"] != "M2" {
		t.Fatalf("%v", s.sightings)
	}
	h.members["MBR-9"].reason = ""
	var lost *Sighting
	for _, x := range h.tonight().sightings {
		if x.Kind == historyLost && x.Account == usual {
			lost = &x
		}
	}
	if lost == nil || lost.Evidence["rows_lost"] != 2 || lost.Evidence["continues_as"] != "ACT-9" {
		t.Errorf("%+v", lost)
	}
	if a := h.st.Accounts["ACT-9"]; a.Lineage != usual || len(h.st.Members["MBR-9"].Former) > 0 {
		t.Errorf("%+v", a)
	}
	for what, c := range claims(h, 3) {
		t.Errorf("afterwards %s is %s", what, c)
	}
}

// Where the window ends before the day of the aggregation, the balance has what
// nobody asked for: nothing is lost or missing for that.
func TestWindowEndsBeforeToday(t *testing.T) {
	h := newHousehold()
	h.post(usual, held0("TRN-hold", 10, "Garage", -42_0000))
	h.tonight()
	h.ahead = -6
	for range 4 {
		h.lose(usual, "TRN-hold")
		h.account(usual).balance -= 42_0000 // it is booked, and dated today
		for _, s := range h.tonight().sightings {
			t.Errorf("%s is %s", s.Code, s.Claim)
		}
	}
}

// What came tonight took the place of a hold that went tonight, rather than what
// stood beside it with another amount.
func TestNewcomerPosts(t *testing.T) {
	h := newHousehold()
	hold := fuel("TRN-hold", 10, -20_0000)
	hold.Category = "Restaurants"
	h.post(usual, hold)
	h.tonight()
	h.post(usual, posted("TRN-beside", 11, "Pump", -24_0000)) // as with a tip
	h.tonight()
	h.lose(usual, "TRN-hold")
	h.post(usual, posted("TRN-came", 11, "Pump", -20_0000))
	s := h.tonight()
	for _, c := range s.changes {
		if c.row.GUID == "TRN-hold" && (c.code != "P2" || c.counterpart != "TRN-came") {
			t.Errorf("%s by %s", c.code, c.counterpart)
		}
	}
	if len(h.st.Accounts[usual].Posted) > 0 {
		t.Errorf("left over: %v", h.st.Accounts[usual].Posted)
	}
}

// A new connection continues what was before it, not what is alike at another
// member.
func TestRelinkStaysWithItsMember(t *testing.T) {
	h := newHousehold()
	old := h.account(usual).rows
	h.members["MBR-2"] = &homeMember{accounts: map[string]*homeAccount{
		"ACT-5": {typ: "CHECKING", rows: renamed(old)},
		"ACT-6": {typ: "SAVINGS", rows: long("gone", 2)},
	}}
	h.tonight()
	delete(h.members["MBR-2"].accounts, "ACT-6") // so that its rows are at hand
	h.members["MBR-9"] = &homeMember{accounts: map[string]*homeAccount{"ACT-9": {typ: "CHECKING", rows: renamed(old, "TRN-old-3")}}}
	delete(h.members, "MBR-1")
	h.tonight()
	if a, b := h.st.Accounts["ACT-9"].Lineage, h.st.Accounts["ACT-5"].Lineage; a != usual || b != "" {
		t.Errorf("ACT-9 continues %q, ACT-5 %q", a, b)
	}
}
