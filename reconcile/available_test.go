package reconcile

import (
	"strings"
	"testing"

	"tallyport/schemas"
)

// spareHousehold has an account without a balance that says what can be spent,
// and ten nights behind it, with something pending on most of them.
func spareHousehold() *household {
	h := newHousehold()
	h.members["MBR-1"].accounts["ACT-7"] = &homeAccount{typ: "CHECKING", balance: 700_0000, blank: true, spare: true, rows: long("few", 8)}
	h.tonight()
	for i := range 9 {
		name, day := payees[h.day%len(payees)], h.day
		h.post("ACT-7", posted("TRN-few-new-"+name, day, name, -10_0000-schemas.Money(day*7_1300)))
		if i%3 == 0 {
			h.post("ACT-7", held0("TRN-soon-"+name, day, "Landlord", 20_0000))
			h.post("ACT-7", held0("TRN-kept-"+name, day, "Inn", -31_0000))
		}
		h.tonight()
	}
	return h
}

// What can be spent tells of an account without a balance what the balance
// would: that a row is lost, was taken back, or that a hold was booked.
func TestAvailableStandsIn(t *testing.T) {
	h := spareHousehold()
	a := h.account("ACT-7")
	h.lose("ACT-7", "TRN-few-5")
	if c := claims(h, 4)["missing_transaction TRN-few-5"]; c != Confirmed {
		t.Errorf("lost: it is %q", c)
	}
	a.balance -= h.lose("ACT-7", "TRN-few-4").signed()
	if c := claims(h, 4)["missing_transaction TRN-few-4"]; c != "" {
		t.Errorf("taken back: it is %q", c)
	}
	h.post("ACT-7", held0("TRN-hold", h.day-1, "Toyshop", -57_9000))
	h.tonight()
	h.lose("ACT-7", "TRN-hold")
	claims(h, 3)
	a.balance -= 57_9000
	if c := claims(h, 4)["missing_transaction TRN-hold"]; c != Confirmed {
		t.Errorf("booked: it is %q", c)
	}
	for _, g := range h.st.Accounts["ACT-7"].Gone {
		n := &accountNight{st: h.st.Accounts["ACT-7"], account: "ACT-7", look: &look{}}
		if says := n.missing(g).Evidence["balance_model"].(string); !strings.HasPrefix(says, "no balance") {
			t.Errorf("%s: %s", g.Row.GUID, says)
		}
	}
}

// An account that begins to show a balance is judged by that, and by nothing
// else from then on.
func TestBalanceComesBeforeAvailable(t *testing.T) {
	h := spareHousehold()
	a := h.account("ACT-7")
	a.blank = false
	a.balance += 1_000_0000 // which what was available has nothing to do with
	for what, c := range claims(h, 10) {
		if strings.HasPrefix(what, "never_seen") {
			t.Errorf("%s is %s", what, c)
		}
	}
	if st := h.st.Accounts["ACT-7"]; len(st.Samples) != 10 || st.Samples[0].Available {
		t.Errorf("%d samples: %+v", len(st.Samples), st.Samples)
	}
	a.blank = true
	claims(h, 2)
	if st := h.st.Accounts["ACT-7"]; len(st.Samples) != 10 {
		t.Errorf("without a balance there are %d samples", len(st.Samples))
	}
}

// Of what is owed, what cannot be spent of the limit stands in.
func TestAvailableCredit(t *testing.T) {
	cells := map[string]schemas.Value{}
	for name, v := range map[string]int64{"available_balance": 5_0000, "available_credit": 800_0000, "credit_limit": 1_000_0000} {
		cells[name] = schemas.Value{Set: true, Int: v}
	}
	for typ, want := range map[string]schemas.Money{"CREDIT_CARD": 200_0000, "CHECKING": 5_0000} {
		cells["type"] = schemas.Value{Set: true, Text: []byte(typ)}
		cells["guid"] = schemas.Value{Set: true, Text: []byte("ACT-1")}
		u := &userRow{members: map[string]*memberRow{}}
		u.readAccount(func(name string) schemas.Value { return cells[name] })
		if got := u.members[""].accounts["ACT-1"].available; got == nil || *got != want {
			t.Errorf("%s: %v, not %s", typ, got, want)
		}
	}
}
