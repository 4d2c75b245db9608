package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// household is one user whose tables and rows are given night by night.
type household struct {
	st      *userState
	day     int
	listed  bool
	off     bool // the user is disabled
	from    schemas.Date
	ahead   schemas.Date // that the window ends later than usual
	members map[string]*homeMember
	before  map[string][]txn // by account, as the night before had them
	night   snapshot.ID      // the night before
}

type homeMember struct {
	stands   bool           // it is not aggregated tonight
	reason   schemas.Reason // why it was not read
	saa      schemas.Timestamp
	accounts map[string]*homeAccount
}

type homeAccount struct {
	typ     string
	tail    string
	balance schemas.Money
	blank   bool // it shows no balance
	spare   bool // but what can be spent: the balance less what is authorised
	closed  bool
	updated *schemas.Timestamp
	rows    []txn
}

const usual = "ACT-1"

// newHousehold has a checking account and a savings account, whose balances
// follow their rows, and ten nights behind it.
func newHousehold() *household {
	h := &household{st: &userState{User: "USR-1"}, listed: true, from: day0 - 40, members: map[string]*homeMember{"MBR-1": {accounts: map[string]*homeAccount{
		usual:   {typ: "CHECKING", balance: 1_000_0000, rows: long("old", 8)},
		"ACT-2": {typ: "SAVINGS", balance: 2_000_0000, rows: long("put", 3)},
	}}}}
	h.tonight()
	for i := range 9 {
		switch i {
		case 1:
			h.post(usual, posted("TRN-twice", 1, "Museum", -9_0000))
		case 2: // the same once more, which the balance does not know
			h.account(usual).rows = append(h.account(usual).rows, posted("TRN-twin", 1, "Museum", -9_0000))
		}
		h.post(usual, posted(fmt.Sprintf("TRN-day-%d", h.day), h.day, payees[h.day%len(payees)], -10_0000-schemas.Money(h.day*7_1300)))
		h.tonight()
	}
	return h
}

var payees = []string{"Grocer", "Bakery", "Bookshop", "Florist", "Cobbler", "Tailor", "Butcher", "Chemist", "Dairy"}

// long is rows from before the first night, three days apart.
func long(name string, n int) (rows []txn) {
	for i := range n {
		rows = append(rows, posted(fmt.Sprintf("TRN-%s-%d", name, i), -37+3*i, payees[i%len(payees)]+" "+name, -21_0000-schemas.Money(i*i*3_1700)))
	}
	return rows
}

func posted(guid string, day int, payee string, signed schemas.Money) txn {
	t := txn{GUID: guid, Date: day0 + schemas.Date(day), Amount: abs(signed), Payee: payee, Feed: strings.ToUpper(payee), Currency: "USD"}
	if signed > 0 {
		t.Flags |= credit
	}
	for _, c := range fmt.Sprint(t) {
		t.Hash = t.Hash*31 + int64(c)
	}
	return t
}

func held0(guid string, day int, payee string, signed schemas.Money) txn {
	t := posted(guid, day, payee, signed)
	t.Flags |= pending
	t.Hash++
	return t
}

func (h *household) account(guid string) *homeAccount {
	for _, m := range h.members {
		if a := m.accounts[guid]; a != nil {
			return a
		}
	}
	return nil
}

// post books a row: the balance follows.
func (h *household) post(account string, t txn) {
	a := h.account(account)
	a.rows = append(a.rows, t)
	if !t.is(pending) {
		a.balance += t.signed()
	}
}

// lose takes a row out of the feed; the balance keeps it.
func (h *household) lose(account string, guids ...string) *txn {
	var last txn
	a := h.account(account)
	a.rows = slices.DeleteFunc(a.rows, func(t txn) bool {
		if slices.Contains(guids, t.GUID) {
			last = t
			return true
		}
		return false
	})
	return &last
}

// said0 is what a night says: code by changed row, and its sightings.
type said0 struct {
	codes     map[string]string
	changes   []userChange
	sightings []Sighting
}

func (s said0) sighting(code Code) *Sighting {
	for i := range s.sightings {
		if s.sightings[i].Code == code {
			return &s.sightings[i]
		}
	}
	return nil
}

// tonight is compared with the night before, a day later.
func (h *household) tonight() said0 {
	at := (day0 + schemas.Date(h.day)).Timestamp() + 43_200_000_000
	facts := &snapshotFacts{id: snapshot.IDOf(at.Time()), at: at, window: schemas.Window{From: h.from, To: day0 + schemas.Date(h.day) + 5 + h.ahead}, allUsers: true}
	now := &userRow{guid: "USR-1", listed: h.listed, disabled: h.off, whole: true, members: map[string]*memberRow{}}
	after := map[string][]txn{}
	known := map[string]string{}
	for guid, m := range h.members {
		if !m.stands && m.reason == "" {
			m.saa = at - 3_600_000_000
		}
		saa := m.saa // the state keeps it
		row := &memberRow{guid: guid, listed: true, covered: true, complete: m.reason == "", reason: m.reason, saa: &saa, accounts: map[string]*accountRow{}}
		row.night = memberNight{Snapshot: facts.id, ObservedAt: at, AggregatedAt: &saa, Succeeded: &saa, Status: "CONNECTED", Institution: "bank"}
		now.members[guid] = row
		for account, a := range m.accounts {
			r := &accountRow{member: guid, typ: a.typ, tail: a.tail, closed: a.closed, currency: "USD", balance: &a.balance, updated: a.updated}
			if a.blank {
				r.balance = nil
			}
			if a.spare {
				left := a.balance
				for _, t := range a.rows {
					if t.is(pending) && !t.is(credit) {
						left += t.signed()
					}
				}
				r.available = &left
			}
			row.accounts[account] = r
			known[account] = guid
			after[account] = byDate(a.rows)
		}
	}
	for guid, a := range h.st.Accounts {
		if known[guid] == "" {
			known[guid] = a.Member
		}
	}
	u := &userNight{facts: facts, now: now, st: h.st, rules: &Options{StaleAfter: 48 * 3600e9}, counts: newCounts()}
	if !h.listed {
		now.members = map[string]*memberRow{}
		u.wentAway()
	}
	u.begin()
	for _, guid := range slices.Sorted(maps.Keys(known)) {
		before := h.before[guid]
		if m := h.st.Members[known[guid]]; m == nil {
			before = nil
		} else if m.Base != h.night {
			before = m.Carried[guid]
		}
		if now.members[known[guid]] == nil || !now.members[known[guid]].complete {
			after[guid] = nil
		}
		if err := u.account(guid, known[guid], rowsAtHand("USR-1", guid, before), rowsAtHand("USR-1", guid, after[guid])); err != nil {
			panic(err)
		}
	}
	u.end()
	h.before, h.night, h.day = after, facts.id, h.day+1
	s := said0{map[string]string{}, u.changes, u.sightings}
	for _, c := range u.changes {
		key := c.row.GUID
		if key == "" {
			key = c.member
		}
		if s.codes[key] == "" || s.codes[key] == "new" {
			s.codes[key] = string(c.code)
		}
	}
	return s
}

// What a night says of rows, members and accounts: each code by what brings it
// about. Sighting is the code of what the ledger hears, this night or, where it
// takes a second look, the next.
func TestCodes(t *testing.T) {
	const day = 10 // of the night that is looked at
	for _, tt := range []struct {
		name     string
		happens  func(h *household)
		changes  string // "guid code" of some rows
		sighting Code   // of that night, or of the two after it
	}{
		{"X1", func(h *household) { h.members["MBR-1"].reason = schemas.HTTPError }, "MBR-1 X1", ""},
		{"X3", func(h *household) { h.members["MBR-1"].reason = schemas.Torn }, "MBR-1 X3", ""},
		{"X4", func(h *household) {
			h.from += 20
			h.lose(usual, "TRN-old-0", "TRN-old-1")
		}, "TRN-old-0 X4, TRN-old-1 X4", ""},
		{"U1", func(h *household) { h.listed = false }, "TRN-day-3 U1", "U1"},
		{"U2", func(h *household) { h.off = true }, "", "U2"},
		{"U2, withheld", func(h *household) { h.off, h.members["MBR-1"].reason = true, schemas.Disabled }, "MBR-1 U2", "U2"},
		{"M1", func(h *household) { delete(h.members, "MBR-1") }, "TRN-day-3 M1, TRN-old-4 M1", "M1"},
		{"M2", func(h *household) {
			h.members["MBR-9"] = &homeMember{accounts: map[string]*homeAccount{"ACT-9": {typ: "CHECKING", balance: h.account(usual).balance, rows: renamed(h.account(usual).rows, "TRN-old-0")}}}
			delete(h.members, "MBR-1")
		}, "TRN-day-3 M2, TRN-old-0 M2", "M2"},
		{"M3", func(h *household) {
			h.members["MBR-1"].stands = true
			h.lose(usual, "TRN-hold")
		}, "TRN-hold M3", ""},
		{"M3b", func(h *household) {
			h.members["MBR-1"].stands = true
			h.lose(usual, "TRN-day-5")
		}, "TRN-day-5 M3b", "M3b"},
		{"A1", func(h *household) { delete(h.members["MBR-1"].accounts, "ACT-3") }, "TRN-shut-1 A1", "A1"},
		{"A2", func(h *household) { delete(h.members["MBR-1"].accounts, "ACT-2") }, "TRN-put-1 A2", "A2"},
		{"A3", func(h *household) { delete(h.members["MBR-1"].accounts, "ACT-4") }, "TRN-double-1 A3", "A3"},
		{"A4", func(h *household) {
			a := h.account("ACT-2")
			h.members["MBR-1"].accounts["ACT-8"] = &homeAccount{typ: "SAVINGS", balance: a.balance, rows: renamed(a.rows)}
			delete(h.members["MBR-1"].accounts, "ACT-2")
		}, "TRN-put-1 A4", "A4"},
		{"W1", func(h *household) {
			h.from = day0 - 38
			h.lose(usual, "TRN-edge")
		}, "TRN-edge W1", ""},
		{"W2", func(h *household) {
			h.lose(usual, "TRN-edge")
		}, "TRN-edge W2", ""},
		{"W3", func(h *household) {
			h.lose(usual, "TRN-edge", "TRN-old-0", "TRN-old-1", "TRN-old-2", "TRN-old-3", "TRN-old-4", "TRN-old-5")
		}, "TRN-old-0 W3, TRN-old-5 W3", "W3"},
		{"P1", func(h *household) {
			h.lose(usual, "TRN-hold")
			h.post(usual, posted("TRN-hold", day-1, "Garage", -42_0000))
		}, "TRN-hold P1", ""},
		{"P2", func(h *household) {
			h.lose(usual, "TRN-hold")
			h.post(usual, posted("TRN-other", day-1, "Garage", -42_0000))
		}, "TRN-hold P2, TRN-other P2", ""},
		{"P3", func(h *household) {
			h.lose(usual, "TRN-hold")
			h.post(usual, posted("TRN-one", day-1, "Garage", -30_0000))
			h.post(usual, posted("TRN-two", day-1, "Garage", -12_0000))
		}, "TRN-hold P3, TRN-one P3, TRN-two P3", ""},
		{"P4", func(h *household) { h.lose(usual, "TRN-hold") }, "TRN-hold P4", ""},
		{"P5", func(h *household) { h.account(usual).balance += h.lose(usual, "TRN-hold").signed() }, "TRN-hold P5", "P5"},
		{"D1", func(h *household) { h.lose(usual, "TRN-twin") }, "TRN-twin D1", ""},
		{"D2", func(h *household) {
			o := h.lose(usual, "TRN-day-5")
			h.account(usual).rows = append(h.account(usual).rows, posted("TRN-again", 5, o.Payee, o.signed()))
		}, "TRN-day-5 D2, TRN-again D2", ""},
		{"C1", func(h *household) {
			h.account(usual).balance -= h.lose(usual, "TRN-day-5").signed()
			h.post(usual, posted("TRN-day-5", 5, payees[5], -77_0000))
		}, "TRN-day-5 C1", "C1"},
		{"C2", func(h *household) {
			o := h.lose(usual, "TRN-day-5")
			h.account(usual).balance -= o.signed()
			h.post(usual, posted("TRN-fixed", 5, o.Payee, o.signed()-3_0000))
		}, "TRN-day-5 C2", "C2"},
		{"C3", func(h *household) {
			for i := range h.account(usual).rows {
				r := &h.account(usual).rows[i]
				r.Currency, r.Amount, r.Hash = "EUR", r.Amount*9/10, r.Hash+1
			}
		}, "TRN-day-5 C3, TRN-old-1 C3", "C3"},
		{"C4", func(h *household) {
			o := h.lose("ACT-2", "TRN-put-1")
			h.account(usual).rows = append(h.account(usual).rows, *o)
		}, "TRN-put-1 C4", ""},
		{"V1", func(h *household) { h.account(usual).balance -= h.lose(usual, "TRN-day-5").signed() }, "TRN-day-5 V1", ""},
		{"Z1", func(h *household) { h.lose(usual, "TRN-day-5") }, "TRN-day-5 Z1", "Z1"},
		{"Z2", func(h *household) { h.lose("ACT-5", "TRN-blank-1") }, "TRN-blank-1 Z2", "Z2"},
		{"N1", func(h *household) { h.account(usual).balance -= 33_0000 }, "", "N1"},
		{"N10", func(h *household) {
			h.post(usual, posted("TRN-two-faced", day-1, "Grocer", -1_0000))
			h.post(usual, posted("TRN-two-faced", day-2, "Bakery", -2_0000))
		}, "", "N10"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHousehold()
			h.post(usual, held0("TRN-hold", day-1, "Garage", -42_0000))
			h.post(usual, posted("TRN-edge", -39, "Ferry", -8_0000))
			h.members["MBR-1"].accounts["ACT-3"] = &homeAccount{typ: "SAVINGS", closed: true, rows: long("shut", 3)}
			h.members["MBR-1"].accounts["ACT-4"] = &homeAccount{typ: "CHECKING", balance: 1, rows: renamed(long("old", 8))}
			for i := range h.account("ACT-4").rows {
				h.account("ACT-4").rows[i].GUID = fmt.Sprintf("TRN-double-%d", i)
			}
			h.members["MBR-1"].accounts["ACT-5"] = &homeAccount{typ: "CHECKING", blank: true, rows: long("blank", 6)}
			h.account(usual).rows = byDate(h.account(usual).rows)
			h.tonight()
			h.tonight()
			tt.happens(h)
			got := h.tonight()
			for _, want := range strings.Split(tt.changes, ", ") {
				if guid, code, _ := strings.Cut(want, " "); guid != "" && got.codes[guid] != code {
					t.Errorf("%s is %q, want %s: %v", guid, got.codes[guid], code, got.codes)
				}
			}
			if tt.sighting == "" {
				return
			}
			for _, m := range h.members {
				m.stands = false
			}
			for range 5 {
				if got.sighting(tt.sighting) != nil {
					return
				}
				got = h.tonight()
			}
			t.Errorf("no sighting of %s: %+v", tt.sighting, got.sightings)
		})
	}
}

// A row that came in another's place has that one's code and its guid; what a
// lost row only resembles has not.
func TestCounterparts(t *testing.T) {
	for _, tt := range []struct {
		code    Code
		came    string
		was     string
		happens func(h *household)
	}{
		{"C2", "TRN-fixed", "TRN-day-5", func(h *household) {
			o := h.lose(usual, "TRN-day-5")
			h.account(usual).balance -= o.signed()
			h.post(usual, posted("TRN-fixed", 5, o.Payee, o.signed()-3_0000))
		}},
		{newRow, "TRN-like", "", func(h *household) { // the balance has both
			o := h.lose(usual, "TRN-day-5")
			h.post(usual, posted("TRN-like", 5, o.Payee, o.signed()-3_0000))
		}},
		{"A3", "TRN-put-1-new", "TRN-put-1", func(h *household) {
			h.account("ACT-6").rows = byDate(append(h.account("ACT-6").rows, renamed(h.account("ACT-2").rows)...))
			delete(h.members["MBR-1"].accounts, "ACT-2")
		}},
		{"A4", "TRN-put-1-new", "TRN-put-1", func(h *household) {
			h.members["MBR-1"].accounts["ACT-8"] = &homeAccount{typ: "SAVINGS", balance: h.account("ACT-2").balance, rows: renamed(h.account("ACT-2").rows)}
			delete(h.members["MBR-1"].accounts, "ACT-2")
		}},
	} {
		h := newHousehold()
		h.members["MBR-1"].accounts["ACT-6"] = &homeAccount{typ: "SAVINGS", rows: long("more", 2)}
		h.tonight()
		h.tonight()
		tt.happens(h)
		var lines []string
		for _, c := range h.tonight().changes {
			if c.change == "added" && c.row.GUID == tt.came || c.change == "removed" && c.counterpart == tt.came {
				lines = append(lines, fmt.Sprintf("%s %s %s: %s, %s", c.change, c.code, c.verdict, c.row.GUID, c.counterpart))
			}
		}
		slices.Sort(lines)
		want := []string{fmt.Sprintf("added %s %s: %s, %s", tt.code, changeVerdict(tt.code), tt.came, tt.was)}
		if tt.was != "" {
			want = append(want, fmt.Sprintf("removed %s %s: %s, %s", tt.code, changeVerdict(tt.code), tt.was, tt.came))
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%q, want %q", lines, want)
		}
	}
}

// renamed is the rows under other guids, but for some.
func renamed(rows []txn, but ...string) []txn {
	var out []txn
	for _, t := range rows {
		if !slices.Contains(but, t.GUID) {
			t.GUID += "-new"
			out = append(out, t)
		}
	}
	return out
}

// Rows from before the window that was asked for until now are on the balance
// already: a wider window moves nothing, and the balance can still tell.
func TestWiderWindow(t *testing.T) {
	h := newHousehold()
	h.from -= 40
	h.account(usual).rows = byDate(append(h.account(usual).rows, posted("TRN-ancient", -70, "Ferry", -81_0000)))
	h.lose(usual, "TRN-day-5")
	got := h.tonight()
	if got.codes["TRN-ancient"] != "X4" || got.codes["TRN-day-5"] != "Z1" {
		t.Errorf("%v", got.codes)
	}
	for range 4 {
		if got = h.tonight(); got.sighting("N1") != nil {
			t.Errorf("%+v", got.sightings)
		}
	}
}

// A row that comes back is no longer missing (Z3).
func TestComesBack(t *testing.T) {
	h := newHousehold()
	o := h.lose(usual, "TRN-day-5")
	h.tonight()
	h.tonight()
	h.account(usual).rows = append(h.account(usual).rows, *o)
	got := h.tonight()
	if s := got.sighting("Z3"); s == nil || s.Claim != Undone || got.codes[o.GUID] != "Z3" {
		t.Errorf("%v, %+v", got.codes, got.sightings)
	}
}

// Every code of the taxonomy that is shown or listed has its line, once, and a
// function that decides it.
func TestRulesTable(t *testing.T) {
	decided := "new X1 X2 X3 U1 U2 M1 S2 S3 S4 S5 S6 S7 S8 S9 S10 S11 S14 S15 unknown_status systemic " + string(closedByUser)
	for _, r := range append(slices.Clone(rowRules), expectations...) {
		decided += " " + r.codes
	}
	for _, r := range userRules {
		decided += " " + r.codes
	}
	for _, r := range rules {
		if !slices.Contains(strings.Fields(decided), string(r.Code)) {
			t.Errorf("nothing decides %s", r.Code)
		}
	}
	for _, c := range strings.Fields(decided) {
		ruleOf(Code(c)) // which panics where there is none
	}
	want := strings.Fields("X1 X2 X3 X4 U1 U2 M1 M2 M3 M3b A1 A2 A3 A4 W1 W2 W3 P1 P2 P3 P4 P5 D1 D2 C1 C2 C3 C4 V1 Z1 Z2 Z3 N1 N2 N3 N4 N5 N10 S2 S3 S4 S5 S6 S7 S8 S9 S10 S11 S14 S15 new")
	seen := map[Code]int{}
	for _, r := range rules {
		seen[r.Code]++
		if seen[r.Code] > 1 || !strings.HasSuffix(r.Says, ".") || r.Verdict == "" || r.Issue == "" {
			t.Errorf("%+v", r)
		}
	}
	for _, c := range want {
		if seen[Code(c)] != 1 {
			t.Errorf("%s has %d lines", c, seen[Code(c)])
		}
	}
}
