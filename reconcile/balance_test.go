package reconcile

import (
	"fmt"
	"testing"

	"tallyport/schemas"
)

// fuel is a hold of a round sum, as pumps and hotels ask for.
func fuel(guid string, day int, signed schemas.Money) txn {
	t := held0(guid, day, "Pump", signed)
	t.Category = "Gas & Fuel"
	return t
}

// What is confirmed is open, though the balance was not seen often enough to
// say more of it.
func TestConfirmedIsOpen(t *testing.T) {
	h := newHousehold()
	h.members["MBR-1"].accounts["ACT-7"] = &homeAccount{typ: "CHECKING", rows: long("few", 8)}
	claims(h, 2)
	h.lose("ACT-7", "TRN-few-5")
	if c := claims(h, 2)["missing_transaction TRN-few-5"]; c != Confirmed {
		t.Errorf("after two looks it is %q", c)
	}
}

// Of a night on which the balance moved by something else besides, the level
// that follows says nothing: neither of what went nor of what came twice.
func TestMixedNightTellsNothing(t *testing.T) {
	h := newHousehold()
	a := h.account(usual)
	h.lose(usual, "TRN-twin")
	claims(h, 6)
	h.post(usual, posted("TRN-tea", 15, "Teashop", -7_0000))
	h.tonight()
	a.balance -= h.lose(usual, "TRN-day-5").signed() // the bank takes one back
	a.balance -= 33_0000                             // and books another
	a.rows = append(a.rows, posted("TRN-tea-2", 15, "Teashop", -7_0000))
	for range 8 {
		for _, s := range h.tonight().sightings {
			if s.Code == "Z1" {
				t.Fatalf("%s is taken for lost", s.Transaction)
			}
		}
	}
	h.lose(usual, "TRN-tea-2")
	if got := h.tonight().codes["TRN-tea-2"]; got != "D1" {
		t.Errorf("the double is %q", got)
	}
	for what, c := range claims(h, 5) {
		if what != "missing_transaction TRN-day-5" && what != "never_seen_transaction " {
			t.Errorf("afterwards %s is %s", what, c)
		}
	}
}

// A hold of a round sum says nothing of the amount that is booked.
func TestRoundHoldIsNoAmount(t *testing.T) {
	h := newHousehold()
	h.post(usual, fuel("TRN-pump", 10, -100_0000))
	h.tonight()
	h.lose(usual, "TRN-pump")
	h.account(usual).balance -= 98_0000
	for what, c := range claims(h, 6) {
		if what == "missing_transaction TRN-pump" {
			t.Errorf("it is %s", c)
		}
	}
}

// One look before a row went is enough where the balance is still the same.
func TestLostOnTheSecondNight(t *testing.T) {
	h := newHousehold()
	h.members["MBR-1"].accounts["ACT-7"] = &homeAccount{typ: "CHECKING", rows: long("few", 8)}
	h.tonight()
	h.lose("ACT-7", "TRN-few-5")
	var last Code
	for range 12 {
		h.post("ACT-7", posted(fmt.Sprint("TRN-more-", h.day), h.day, payees[h.day%len(payees)], -5_0000-schemas.Money(h.day*1_1300)))
		for _, s := range h.tonight().sightings {
			if s.Transaction == "TRN-few-5" {
				last = s.Code
			}
		}
	}
	if last != "Z1" {
		t.Errorf("it is %q", last)
	}
}

// A hold that went is booked days later, all the same or with a tip: the feed
// never showed that.
func TestHoldIsBookedLater(t *testing.T) {
	for name, tt := range map[string]struct {
		held, booked schemas.Money
		nights       int
		want         Claim
		category     string
	}{
		"the same":       {-57_9000, -57_9000, 6, Confirmed, "Toys"},
		"with a tip":     {-57_9000, -66_5800, 6, Confirmed, "Restaurants"},
		"no tip":         {-57_9000, -66_5800, 6, "", "Toys"},
		"too much":       {-57_9000, -96_5800, 6, "", "Restaurants"},
		"after too long": {-57_9000, -57_9000, 16, "", "Toys"},
	} {
		h := newHousehold()
		x := held0("TRN-hold", 10, "Toyshop", tt.held)
		x.Category = tt.category
		h.post(usual, x)
		h.tonight()
		h.lose(usual, "TRN-hold")
		claims(h, tt.nights)
		h.account(usual).balance += tt.booked
		if c := claims(h, 5)["missing_transaction TRN-hold"]; c != tt.want {
			t.Errorf("%s: it is %q", name, c)
		}
	}
}

// A hold that was taken for a row of the same amount only, and then the balance
// moves by that amount once more.
func TestHoldTakenForAnother(t *testing.T) {
	h := newHousehold()
	h.post(usual, held0("TRN-hold", 10, "Toyshop", -10_0800))
	h.tonight()
	h.lose(usual, "TRN-hold")
	h.post(usual, posted("TRN-else", 11, "Museum", -10_0800))
	if got := h.tonight().codes["TRN-hold"]; got != "P2" {
		t.Fatalf("at first it is %q", got)
	}
	h.account(usual).balance -= 10_0800
	if c := claims(h, 5)["missing_transaction TRN-hold"]; c != Confirmed {
		t.Errorf("afterwards it is %q", c)
	}
}

// A hold that had gone for a night, and was taken for a row of nearly the amount;
// then the balance moves by just the hold.
func TestHoldTakenForAnotherLate(t *testing.T) {
	h := newHousehold()
	h.post(usual, held0("TRN-hold", 10, "Toyshop", -43_3300))
	h.tonight()
	h.lose(usual, "TRN-hold")
	h.tonight()
	h.post(usual, posted("TRN-else", 12, "Toyshop", -41_8300))
	if s := h.tonight(); s.codes["TRN-else"] != "P2" {
		t.Fatalf("at first what came is %q", s.codes["TRN-else"])
	}
	h.account(usual).balance -= 43_3300
	if c := claims(h, 5)["missing_transaction TRN-hold"]; c != Confirmed {
		t.Errorf("afterwards it is %q", c)
	}
}

// Two looks are enough where the balance moved by just a hold that went; of a
// round sum they are not.
func TestHoldIsBookedLately(t *testing.T) {
	for want, hold := range map[Claim]txn{
		Confirmed: held0("TRN-hold", 10, "Toyshop", -57_9000),
		"":        fuel("TRN-hold", 10, -100_0000),
	} {
		h := newHousehold()
		h.post(usual, hold)
		h.tonight()
		h.lose(usual, "TRN-hold")
		claims(h, 6)
		h.account(usual).balance += hold.signed()
		h.tonight()
		if c := claims(h, 1)["missing_transaction TRN-hold"]; c != want {
			t.Errorf("%s: it is %q", plain(hold.Amount), c)
		}
	}
}

// A round hold that posted as what it was is settled: a later step by the round
// sum is something else.
func TestRoundHoldThatPosted(t *testing.T) {
	h := newHousehold()
	h.post(usual, fuel("TRN-pump", 10, -100_0000))
	h.tonight()
	h.lose(usual, "TRN-pump")
	x := posted("TRN-fuel", 11, "Pump", -42_1700)
	x.Category = "Gas & Fuel"
	h.post(usual, x)
	h.tonight()
	h.account(usual).balance -= 100_0000
	if c := claims(h, 5)["missing_transaction TRN-pump"]; c != "" {
		t.Errorf("it is %q", c)
	}
}

// The balance shows a night late that the bank took a row back: no ticket before.
func TestVoidSeenLate(t *testing.T) {
	h := newHousehold()
	o := h.lose(usual, "TRN-day-5")
	h.tonight()
	h.account(usual).balance -= o.signed()
	for range 6 {
		for _, s := range h.tonight().sightings {
			if s.Code == "Z1" && s.Claim == Confirmed {
				t.Fatalf("%s is taken for lost", s.Transaction)
			}
		}
	}
	if g, _ := h.st.Accounts[usual].openQuestion("TRN-day-5"); g != nil {
		t.Errorf("it is %s", g.Code)
	}
}

// A balance that moved with a hold for a night only has not booked it.
func TestHoldBookedForANight(t *testing.T) {
	h := newHousehold()
	h.post(usual, held0("TRN-hold", 10, "Toyshop", -42_0000))
	h.tonight()
	o := h.lose(usual, "TRN-hold")
	h.account(usual).balance += o.signed()
	h.tonight()
	h.account(usual).balance -= o.signed()
	for night := range 5 {
		for _, s := range h.tonight().sightings {
			if s.Transaction == "TRN-hold" && (s.Claim == Confirmed || night > 2) {
				t.Errorf("night %d: it is %s, %s", night, s.Code, s.Claim)
			}
		}
	}
}

// Where the balance is one aggregation late, a row that the bank took back is
// confirmed when one look has shown the balance; that is enough if it moved by
// just the row.
func TestVoidWhereTheBalanceIsLate(t *testing.T) {
	h := newHousehold()
	h.members["MBR-1"].accounts["ACT-7"] = &homeAccount{typ: "CHECKING", rows: long("few", 8)}
	a, due := h.account("ACT-7"), schemas.Money(0)
	night := func(booked schemas.Money) said0 {
		a.balance, due = a.balance+due, booked
		return h.tonight()
	}
	night(0)
	for i := range 10 {
		x := posted(fmt.Sprint("TRN-late-", i), h.day, payees[i%len(payees)], -5_0000-schemas.Money(i*1_1300))
		a.rows = append(a.rows, x)
		night(x.signed())
	}
	night(-h.lose("ACT-7", "TRN-late-4").signed())
	for range 5 {
		for _, s := range night(0).sightings {
			if s.Transaction == "TRN-late-4" && s.Claim == Confirmed {
				t.Errorf("it is %s", s.Code)
			}
		}
	}
	if len(h.st.Accounts["ACT-7"].Gone) > 0 {
		t.Errorf("it is still asked about")
	}
}

// roundedHousehold's checking account has a balance that is off by up to five cents,
// and a row of eight.
func roundedHousehold(t *testing.T) *household {
	h := newHousehold()
	a := h.account(usual)
	a.rows = byDate(append(a.rows, posted("TRN-cents", 5, "Interest", 800)))
	a.balance += 800
	for i := range 10 {
		a.balance += []schemas.Money{300, -300, 200, -200}[i%4]
		h.post(usual, posted(fmt.Sprint("TRN-more-", i), h.day, payees[i%len(payees)], -5_0000-schemas.Money(i*1_1300)))
		h.tonight()
	}
	if m, ok := learn(h.st.Accounts[usual].Samples, "CHECKING"); !ok || m.tells(800) {
		t.Fatalf("the balance is exact: %+v, %t", m, ok)
	}
	return h
}

// Of a row no larger than what the balance is off by anyway the balance says
// nothing: neither that it is lost nor that it was reversed.
func TestTooSmallToTell(t *testing.T) {
	h := roundedHousehold(t)
	h.lose(usual, "TRN-cents")
	for range 5 {
		for _, s := range h.tonight().sightings {
			if s.Code != "Z2" {
				t.Errorf("it is %s", s.Code)
			}
		}
	}
}

// Nor that the institution has a small row twice.
func TestTooSmallToTellTwice(t *testing.T) {
	h := roundedHousehold(t)
	a := h.account(usual)
	a.rows = byDate(append(a.rows, posted("TRN-cents-2", 5, "Interest", 800)))
	claims(h, 3)
	h.lose(usual, "TRN-cents-2")
	if got := h.tonight().codes["TRN-cents-2"]; got != "D1" {
		t.Errorf("the double is %q", got)
	}
}
