package reconcile

import (
	"slices"
	"testing"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// home is a user with two accounts, of two members, that are looked at nightly.
type home struct {
	st       *userState
	from, to diary

	stale string // account whose member is not fresh
}

func transfer(day int, payee string, signed schemas.Money) txn {
	t := on0(day, payee, signed)
	t.Category = "Transfer"
	return t
}

func (h *home) night(day int, out, in []txn) []Sighting {
	if h.st == nil {
		h.st = &userState{User: "USR-1", Accounts: map[string]*accountState{}, Members: map[string]*memberState{}}
	}
	at := (day0 + schemas.Date(day)).Timestamp() + 43_200_000_000
	facts := &snapshotFacts{id: snapshot.IDOf(at.Time()), at: at, window: schemas.Window{From: day0 - 200, To: day0 + 400}}
	u := &userNight{facts: facts, st: h.st, now: &userRow{guid: "USR-1", listed: true, members: map[string]*memberRow{}}}
	for _, a := range []struct {
		name string
		d    *diary
		came []txn
	}{{"OUT", &h.from, out}, {"IN", &h.to, in}} {
		n := &accountNight{user: "USR-1", account: a.name, links: h.st.Links, look: &look{night: facts.id, at: at, saa: &at, window: facts.window, before: facts.window}}
		if a.d.st == nil {
			a.d.st = &accountState{Member: "MBR-" + a.name, First: facts.id}
		} else {
			baseAt := a.d.last.Timestamp() + 43_200_000_000
			n.look.base, n.look.baseAt, n.look.baseSAA = snapshot.IDOf(baseAt.Time()), baseAt, &baseAt
		}
		if h.stale == a.name {
			n.look.saa = n.look.baseSAA
		}
		n.st = a.d.st
		h.st.Accounts[a.name] = n.st
		after := append(slices.Clone(a.d.rows), a.came...)
		if err := n.compare(rowsAtHand("", "", byDate(a.d.rows)), rowsAtHand("", "", byDate(after))); err != nil {
			panic(err)
		}
		a.d.rows, a.d.last = after, day0+schemas.Date(day)
		n.conclude(nil, true)
		u.held = append(u.held, n)
	}
	u.otherLegs()
	var got []Sighting
	for _, n := range u.held {
		got = append(got, said(n, neverSeen)...)
	}
	return got
}

// saved is a home that has moved money twice before the first look, on day 65.
func saved(pairs int) *home {
	h := new(home)
	for i := range pairs {
		h.from.rows = append(h.from.rows, transfer(30*i, "To Savings", -50*cent))
		h.to.rows = append(h.to.rows, transfer(30*i+1, "From Checking", 50*cent))
	}
	h.night(65, nil, nil)
	return h
}

// wait looks nightly and returns the first day on which something is said.
func (h *home) wait(from, to int) (int, []Sighting) {
	for day := from; day <= to; day++ {
		if got := h.night(day, nil, nil); len(got) > 0 {
			return day, got
		}
	}
	return -1, nil
}

func TestOtherLeg(t *testing.T) {
	h := saved(2)
	h.night(75, []txn{transfer(75, "To Savings", -50*cent)}, nil)
	day, got := h.wait(76, 110)
	if day != 81 || len(got) != 1 {
		t.Fatalf("on day %d: %+v", day, got)
	}
	f := got[0]
	if f.Code != "N3" || f.Verdict != Ticket || f.Account != "IN" || f.Type != "CREDIT" || f.Amount != "0.50" || f.Evidence["other_leg"] == nil ||
		f.ID != findingID("never_seen", "IN", schemas.Money(50*cent).String(), (day0+75).String(), "0") {
		t.Errorf("%+v", f)
	}
	booked := h.to.st.Booked
	got = h.night(82, nil, []txn{transfer(76, "From Checking", 50*cent)})
	if len(got) != 1 || got[0].Claim != Undone || got[0].ID != f.ID {
		t.Errorf("it came: %+v", got)
	}
	if h.to.st.Booked != booked+50*cent {
		t.Errorf("booked %v, was %v", h.to.st.Booked, booked)
	}
	if day, got := h.wait(83, 110); day >= 0 {
		t.Errorf("said again on day %d: %+v", day, got)
	}
}

func TestOtherLegThere(t *testing.T) {
	other := transfer(75, "To Savings", -50*cent)
	other.Payee = "Rent"
	waiting := transfer(77, "From Checking", 50*cent)
	waiting.Flags |= pending
	for name, c := range map[string]struct {
		pairs   int
		out, in []txn
	}{
		"it came":          {2, []txn{transfer(75, "To Savings", -50*cent)}, []txn{transfer(75, "From Checking", 50*cent)}},
		"another category": {2, []txn{transfer(75, "To Savings", -50*cent)}, []txn{on0(76, "From Checking", 50*cent)}},
		"it is pending":    {2, []txn{transfer(75, "To Savings", -50*cent)}, []txn{waiting}},
		"one pair only":    {1, []txn{transfer(75, "To Savings", -50*cent)}, nil},
		"another payee":    {2, []txn{other}, nil},
		"two of them":      {2, []txn{transfer(75, "To Savings", -50*cent), transfer(74, "To Savings", -50*cent)}, nil},
		"nothing at all":   {2, nil, nil},
		"of long ago":      {2, []txn{transfer(50, "To Savings", -50*cent)}, nil},
		"still a pending":  {2, func() []txn { p := transfer(75, "To Savings", -50*cent); p.Flags |= pending; return []txn{p} }(), nil},
	} {
		h := saved(c.pairs)
		h.night(77, c.out, c.in)
		if day, got := h.wait(78, 110); day >= 0 {
			t.Errorf("%s: on day %d: %+v", name, day, got)
		}
	}
}

func TestOtherLegStale(t *testing.T) {
	for _, account := range []string{"OUT", "IN"} {
		h := saved(2)
		h.night(75, []txn{transfer(75, "To Savings", -50*cent)}, nil)
		h.stale = account
		if day, _ := h.wait(76, 85); day >= 0 {
			t.Errorf("%s stale: said on day %d", account, day)
		}
		h.stale = ""
		if day, _ := h.wait(86, 90); day != 86 {
			t.Errorf("%s: said on day %d", account, day)
		}
	}
}

// A step of the balance that is known becomes a ticket, not a second finding.
func TestOtherLegAndStep(t *testing.T) {
	h := saved(2)
	h.night(75, []txn{transfer(75, "To Savings", -50*cent)}, nil)
	h.to.st.Missing = []*missing{{ID: "F-1", Signed: 50 * cent, At: (day0 + 76).Timestamp()}}
	for day := 76; day <= 82; day++ {
		got := h.night(day, nil, nil)
		want := Review
		if day >= 81 {
			want = Ticket
		}
		if len(got) != 1 || got[0].ID != "F-1" || got[0].Verdict != want {
			t.Fatalf("day %d: %+v", day, got)
		}
	}
}

// The balance shows it later: the same finding, counted once.
func TestStepOfLeg(t *testing.T) {
	h := saved(2)
	h.night(75, []txn{transfer(75, "To Savings", -50*cent)}, nil)
	_, got := h.wait(76, 85)
	n := &accountNight{user: "USR-1", account: "IN", st: h.to.st, look: &look{night: "N"}}
	n.newMissing(model{sign: 1}, 50*cent, (day0 + 77).Timestamp())
	if len(h.to.st.Missing) != 1 || h.to.st.Missing[0].ID != got[0].ID || h.to.st.Missing[0].Dry {
		t.Errorf("%+v", h.to.st.Missing)
	}
	if h.to.st.Booked != 150*cent {
		t.Errorf("booked %v", h.to.st.Booked)
	}
}

// A leg that was pending is the same leg when it posts.
func TestPendingLeg(t *testing.T) {
	h := saved(2)
	p := transfer(75, "To Savings", -50*cent)
	p.Flags |= pending
	p.GUID = "TRN-p"
	h.night(75, []txn{p}, nil)
	h.from.rows = slices.DeleteFunc(h.from.rows, func(x txn) bool { return x.GUID == "TRN-p" })
	if len(h.st.Legs) == 0 {
		t.Fatal("no leg")
	}
	u := &userNight{st: h.st}
	before := len(h.st.Legs)
	u.addLegs([]leg{{GUID: "TRN-q", was: "TRN-p", Account: "OUT", Signed: -50 * cent, Date: day0 + 76}})
	if l := h.st.Legs[before-1]; len(h.st.Legs) != before || l.GUID != "TRN-q" || l.Pending {
		t.Errorf("%+v", h.st.Legs)
	}
}

func TestLegsStayFew(t *testing.T) {
	h := new(home)
	for i := range 300 {
		h.from.rows = append(h.from.rows, transfer(i%70, "Friend "+string(rune('A'+i%26)), -schemas.Money(i+1)*cent))
		h.to.rows = append(h.to.rows, transfer(i%70, "Friend "+string(rune('A'+i%25)), schemas.Money(i+1)*cent))
	}
	h.night(70, nil, nil)
	if len(h.st.Legs) > keptLegs || len(h.st.Links) > keptLinks {
		t.Errorf("%d legs, %d links", len(h.st.Legs), len(h.st.Links))
	}
}
