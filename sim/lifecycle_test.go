package sim

import (
	"math/big"
	"testing"
	"time"
)

// nightRows is what one member's list held on one night.
type nightRows map[string]Record

func rowsOf(tr Truth, user, member string) nightRows {
	at := tr.At().Truncate(24 * time.Hour)
	all := nightRows{}
	for x := range tr.Transactions(user, member, at.AddDate(0, 0, -90), at.AddDate(0, 0, 5)) {
		all[x.Text("guid")] = x
	}
	return all
}

// Pending rows end as their institution's mode says, night after night; posted
// rows stay as they are until they leave the window.
func TestPendingLifecycle(t *testing.T) {
	w := calmWorld(t, Config{Seed: 26, Users: 70, Transactions: 40, Churn: -1, Unfit: -1})
	const nights = 18
	type key struct{ user, member string }
	before := map[key]nightRows{}
	count := map[pendingMode]map[string]int{}
	for mode := pendingReplaced; mode <= pendingNone; mode++ {
		count[mode] = map[string]int{}
	}
	for range nights {
		tr := w.Truth()
		edge := tr.At().Truncate(24*time.Hour).AddDate(0, 0, -90).Format(time.DateOnly)
		everyMember(tr, func(user string, m Record) {
			k := key{user, m.Text("guid")}
			now := rowsOf(tr, k.user, k.member)
			mm, _ := tr.member(k.user, k.member)
			mode := mm.inst.pending
			n := count[mode]
			for id, old := range before[k] {
				cur, there := now[id]
				at, _ := w.parse(prefixTransaction, id)
				at.variant = variantPosted
				posted := w.guid(prefixTransaction, at).String()
				_, postedThere := now[posted]
				switch {
				case old.Text("status") == "POSTED" && !there:
					if old.Text("date") >= edge {
						t.Errorf("posted %s of %s vanished from the middle of the window", id, old.Text("date"))
					}
				case old.Text("status") == "POSTED":
					for _, f := range []string{"amount", "date", "status", "type", "original_description"} {
						a, _ := old.Get(f)
						if b, _ := cur.Get(f); a != b {
							t.Errorf("posted %s: %s went from %s to %s", id, f, a, b)
						}
					}
				case there && cur.Text("status") == "POSTED":
					n["same guid"]++
				case there && postedThere && id != posted:
					n["coexists"]++
				case !there && at.slot >= slotHold:
					n["hold released"]++
				case !there && postedThere:
					n["new guid"]++
					a, _ := old.Get("amount")
					if b, _ := now[posted].Get("amount"); a != b {
						n["new amount"]++
					}
					if old.Text("date") != now[posted].Text("date") {
						n["new date"]++
					}
					a, _ = old.Get("description")
					if b, _ := now[posted].Get("description"); a != b {
						n["new description"]++
					}
				case !there:
					t.Errorf("pending %s of mode %d is gone without a posted row", id, mode)
				}
			}
			for id, cur := range now {
				if cur.Text("status") != "PENDING" {
					continue
				}
				n["pending"]++
				at, _ := w.parse(prefixTransaction, id)
				if age := dayOf(tr.v.condition(mm).saw) - int32(at.day); age > 14 {
					t.Errorf("%s is pending after %d days", id, age)
				}
			}
			before[k] = now
		})
		w.Advance(24 * time.Hour)
	}
	for mode, n := range count {
		t.Logf("mode %d: %v", mode, n)
	}
	for _, c := range []struct {
		mode pendingMode
		must []string
		not  []string
	}{
		{pendingReplaced, []string{"pending", "new guid", "new amount", "new date", "new description", "hold released"}, []string{"same guid", "coexists"}},
		{pendingKept, []string{"pending", "same guid"}, []string{"new guid", "coexists"}},
		{pendingCoexists, []string{"pending", "coexists", "new guid"}, []string{"same guid"}},
		{pendingPurged, []string{"pending", "coexists", "new guid"}, []string{"same guid"}},
		{pendingNone, nil, []string{"pending", "same guid", "coexists", "new guid"}},
	} {
		for _, k := range c.must {
			if count[c.mode][k] == 0 {
				t.Errorf("mode %d: nothing of kind %q in %d nights", c.mode, k, nights)
			}
		}
		for _, k := range c.not {
			if count[c.mode][k] != 0 {
				t.Errorf("mode %d: %d of kind %q", c.mode, count[c.mode][k], k)
			}
		}
	}
}

func signed(t *testing.T, r Record) *big.Rat {
	t.Helper()
	lit, _ := r.Get("amount")
	v, ok := new(big.Rat).SetString(lit)
	if !ok {
		t.Fatalf("amount %s", lit)
	}
	if r.Text("type") == "DEBIT" {
		v.Neg(v)
	}
	return v
}

// A balance moves by what posted, to the cent: the sum of newly posted rows is
// the step of the balance, for every account but those whose habits say
// otherwise (pending included, lagging, rounded, market value).
func TestBalancesFollowTheRows(t *testing.T) {
	w := calmWorld(t, Config{Seed: 22, Users: 40, Transactions: 40, Churn: -1, Unfit: -1})
	type state struct {
		level  *big.Rat
		posted map[string]bool
		sum    *big.Rat
		flat   bool
	}
	accounts := map[string]*state{}
	const nights = 12
	for range nights {
		tr := w.Truth()
		everyMember(tr, func(user string, m Record) {
			rows := rowsOf(tr, user, m.Text("guid"))
			for a := range tr.Accounts(user, m.Text("guid")) {
				lit, _ := a.Get("balance")
				balance, ok := new(big.Rat).SetString(lit)
				acc, found := tr.v.account(mustUser(t, tr, user), a.Text("guid"))
				if !found {
					t.Fatal("no such account")
				}
				if !ok || acc.kind.sign == 0 {
					continue
				}
				s := accounts[a.Text("guid")]
				if s == nil {
					s = &state{posted: map[string]bool{}, sum: new(big.Rat), flat: true}
					accounts[a.Text("guid")] = s
				}
				for id, x := range rows {
					if x.Text("account_guid") == a.Text("guid") && x.Text("status") == "POSTED" && !s.posted[id] {
						s.posted[id] = true
						s.sum.Add(s.sum, signed(t, x))
					}
				}
				sign := int64(acc.kind.sign)
				if acc.kind.sign < 0 && balance.Sign() < 0 { // the few debts shown as negative
					sign = 1
				}
				level := new(big.Rat).Mul(balance, big.NewRat(sign, 1))
				level.Sub(level, s.sum)
				if s.level != nil && s.level.Cmp(level) != 0 {
					s.flat = false
				}
				s.level = level
			}
		})
		w.Advance(24 * time.Hour)
	}
	flat, odd := 0, 0
	for _, s := range accounts {
		if s.flat {
			flat++
		} else {
			odd++
		}
	}
	t.Logf("%d accounts with a flat level over %d nights, %d without", flat, nights, odd)
	if share := float64(flat) / float64(flat+odd); share < 0.70 || share > 0.97 {
		t.Errorf("share of accounts whose balance follows the rows: %.2f", share)
	}
}

func mustUser(t *testing.T, tr Truth, id string) *user {
	t.Helper()
	u, ok := tr.v.user(id)
	if !ok {
		t.Fatalf("no user %s", id)
	}
	return &u
}

// Both legs of a transfer are there with the same amount: to savings on the same
// day, to a card on the next one. Cards are compared by month.
func TestTransfersHaveTwoLegs(t *testing.T) {
	w := calmWorld(t, Config{Seed: 23, Users: 80, Unfit: -1})
	tr := w.Truth()
	pairs, cards := 0, 0
	everyMember(tr, func(user string, m Record) {
		out, in := map[string]string{}, map[string]string{}
		outCard, inCard := map[string]string{}, map[string]string{}
		closed := false
		for a := range tr.Accounts(user, m.Text("guid")) {
			lit, _ := a.Get("is_closed")
			closed = closed || lit == "true"
		}
		for _, x := range rowsOf(tr, user, m.Text("guid")) {
			lit, _ := x.Get("amount")
			v, _ := new(big.Rat).SetString(lit)
			at, _ := w.parse(prefixTransaction, x.Text("guid"))
			acc, _ := tr.v.account(mustUser(t, tr, user), x.Text("account_guid"))
			if at.slot < slotSeries || at.slot >= slotHold {
				continue
			}
			switch acc.series[at.slot-slotSeries].payee {
			case &toSavings:
				out[x.Text("date")] = v.FloatString(2)
			case &fromChecking:
				in[x.Text("date")] = v.FloatString(2)
			case &cardPayment:
				outCard[x.Text("date")[:7]] = v.FloatString(2)
			case &cardReceived:
				inCard[x.Text("date")[:7]] = v.FloatString(2)
			}
		}
		if len(out) != len(in) && !closed {
			t.Errorf("member %s: %d legs out, %d in", m.Text("guid"), len(out), len(in))
		}
		for d, v := range out {
			if in[d] != v && !closed {
				t.Errorf("member %s: %s left on %s, %s came", m.Text("guid"), v, d, in[d])
			}
			pairs++
		}
		for month, v := range outCard {
			if got, ok := inCard[month]; ok && got != v {
				t.Errorf("member %s: %s was paid in %s, the card got %s", m.Text("guid"), v, month, got)
			} else if ok {
				cards++
			}
		}
	})
	if pairs < 20 || cards < 20 {
		t.Errorf("only %d transfers and %d card payments", pairs, cards)
	}
}

// As nights pass members go stale and recover, purchases arrive, windows slide,
// users and members come and go, and successfully_aggregated_at never moves back.
func TestNightsPass(t *testing.T) {
	w := calmWorld(t, Config{Seed: 24, Users: 150, Transactions: 10, Churn: 4})
	type was struct {
		saa    int64
		status string
	}
	members := map[string]was{}
	users := map[string]bool{}
	var stale, recovered, comes, goes, joins, leaves, recreated, stuckBefore int
	for night := range 40 {
		tr := w.Truth()
		now := map[string]was{}
		present := map[string]bool{}
		for u := range tr.Users() {
			present[u.Text("guid")] = true
			if night > 0 && !users[u.Text("guid")] {
				joins++
			}
			owner := mustUser(t, tr, u.Text("guid"))
			for _, m := range tr.v.members(owner) {
				c := tr.v.condition(&m)
				now[m.id.String()] = was{c.succeeded, c.status}
				old, known := members[m.id.String()]
				if night > 0 && !known {
					comes++
					if m.born > 0 {
						recreated++
						if c.succeeded != 0 && c.succeeded < m.created {
							t.Errorf("re-created %s has a success of before", m.id)
						}
					}
				}
				if c.succeeded < old.saa {
					t.Errorf("success of %s moved back", m.id)
				}
				if known && old.status == "CONNECTED" && c.status != "CONNECTED" {
					stale++
				}
				if known && old.status != "CONNECTED" && c.status == "CONNECTED" && c.succeeded > old.saa {
					recovered++
				}
				if c.succeeded > tr.v.t || c.tried > tr.v.t {
					t.Errorf("%s was aggregated in the future", m.id)
				}
				if known && c.aggregating && old.saa == c.succeeded {
					stuckBefore++
				}
			}
		}
		for id := range members {
			if _, ok := now[id]; !ok {
				goes++
			}
		}
		for id := range users {
			if !present[id] {
				leaves++
			}
		}
		members, users = now, present
		w.Advance(24 * time.Hour)
	}
	t.Logf("stale %d, recovered %d, members come %d (re-created %d) and go %d, users %d and %d, seen running %d",
		stale, recovered, comes, recreated, goes, joins, leaves, stuckBefore)
	for what, n := range map[string]int{"stale": stale, "recovered": recovered, "comes": comes, "goes": goes, "recreated": recreated, "joins": joins, "leaves": leaves, "running": stuckBefore} {
		if n == 0 {
			t.Errorf("in 40 nights nothing was %s", what)
		}
	}
}

// A world of the default size shows every connection_status of mx-api.md §1.7,
// null, and one that is in no document, whatever the seed.
func TestEveryStatusIsThere(t *testing.T) {
	for seed := range uint64(6) {
		w := calmWorld(t, Config{Seed: seed})
		got := map[string]int{}
		total := 0
		everyMember(w.Truth(), func(_ string, m Record) {
			lit, _ := m.Get("connection_status")
			got[lit]++
			total++
		})
		for _, s := range []string{
			"null", `"CREATED"`, `"PREVENTED"`, `"DENIED"`, `"CHALLENGED"`, `"REJECTED"`, `"LOCKED"`, `"CONNECTED"`, `"IMPEDED"`,
			`"RECONNECTED"`, `"DEGRADED"`, `"DISCONNECTED"`, `"DISCONTINUED"`, `"CLOSED"`, `"DELAYED"`, `"FAILED"`, `"UPDATED"`,
			`"DISABLED"`, `"IMPORTED"`, `"RESUMED"`, `"EXPIRED"`, `"IMPAIRED"`, `"PENDING"`, `"QUARANTINED"`,
		} {
			if got[s] == 0 {
				t.Errorf("seed %d: no member is %s", seed, s)
			}
		}
		if share := float64(got[`"CONNECTED"`]) / float64(total); share < 0.8 || share > 0.97 {
			t.Errorf("seed %d: %.2f of the members are CONNECTED", seed, share)
		}
	}
}

// A member that was never aggregated has nothing, a stale one has what its last
// success saw.
func TestDataIsAsOldAsTheSuccess(t *testing.T) {
	w := calmWorld(t, Config{Seed: 25, Transactions: 30})
	tr := w.Truth()
	never, newer := 0, 0
	everyMember(tr, func(user string, m Record) {
		id := m.Text("guid")
		mm, _ := tr.member(user, id)
		c := tr.v.condition(mm)
		rows := rowsOf(tr, user, id)
		if lit, _ := m.Get("successfully_aggregated_at"); lit == "null" {
			never++
			if len(rows) != 0 || len(collect(tr.Accounts(user, id))) != 0 {
				t.Errorf("%s was never aggregated and has data", id)
			}
			if tr.State(user).Disabled {
				return
			}
			if p := getPage(t, w, "/users/"+user+"/members/"+id+"/accounts"); p.Pagination.TotalPages != 1 {
				t.Errorf("%s: empty list with %d pages", id, p.Pagination.TotalPages)
			}
			return
		}
		for _, x := range rows {
			if x.Text("date") > time.Unix(c.saw, 0).UTC().Format(time.DateOnly) {
				newer++
			}
		}
	})
	if never == 0 || newer != 0 {
		t.Errorf("%d members never aggregated, %d rows newer than what their member saw", never, newer)
	}
}

// Sizes follow the configuration.
func TestSizes(t *testing.T) {
	for seed := range uint64(1) {
		w := calmWorld(t, Config{Seed: seed})
		users, members, accounts, rows, pending := 0, 0, 0, 0, 0
		tr := w.Truth()
		for range tr.Users() {
			users++
		}
		everyMember(tr, func(user string, m Record) {
			members++
			for range tr.Accounts(user, m.Text("guid")) {
				accounts++
			}
			for _, x := range rowsOf(tr, user, m.Text("guid")) {
				rows++
				if x.Text("status") == "PENDING" {
					pending++
				}
			}
		})
		t.Logf("%d users, %d members, %d accounts, %d transactions, %d pending", users, members, accounts, rows, pending)
		if users != 200 || members < 250 || members > 380 || accounts < 550 || rows < 52_000 || rows > 90_000 || pending < 400 {
			t.Errorf("seed %d: %d users, %d members, %d accounts, %d transactions, %d pending", seed, users, members, accounts, rows, pending)
		}
	}
	const n = 200_000
	w := calmWorld(t, Config{Seed: 3, Users: 9, Giant: n})
	u := w.userAt(4)
	got := getPage(t, w, "/users/"+u.id.String()+"/transactions").Pagination.TotalEntries
	if got < n*9/10 || got > n*12/10 {
		t.Errorf("the giant has %d transactions, want about %d", got, n)
	}
}

// A user that is disabled for some nights is not aggregated meanwhile, and
// catches up when it is enabled again.
func TestDisabledForSomeNights(t *testing.T) {
	w := calmWorld(t, Config{Seed: 28, Users: 4000, Transactions: 5})
	rested, caught := 0, 0
	for u := range w.Truth().Users() {
		owner := mustUser(t, w.Truth(), u.Text("guid"))
		if owner.off == 0 || owner.on == never {
			continue
		}
		for ord := range w.memberCount(owner) {
			during := view{w, owner.on - 1, w.over}
			m, ok := during.memberAt(owner, uint8(ord), w.memberCount(owner))
			if !ok || m.plight != nil {
				continue
			}
			if c := during.condition(&m); c.tried >= owner.off {
				t.Errorf("%s was aggregated while its user was disabled", m.id)
			} else {
				rested++
			}
			after := view{w, owner.on + 4*secondsPerDay, w.over}
			if after.condition(&m).succeeded > owner.on {
				caught++
			}
		}
	}
	if rested == 0 || caught == 0 {
		t.Errorf("%d members rested, %d caught up", rested, caught)
	}
}
