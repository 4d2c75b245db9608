package sim

import (
	"slices"
	"testing"
	"time"
)

// byRows are the kinds whose rows the bank's books follow; addsOnly those where
// they follow only what came.
var (
	byRows   = []string{"V1", "V1+repost", "C1", "C2", "N2b", "D1+C1"}
	addsOnly = []string{"Z1+same", "Z1+refund", "Z1+reused"}
)

func byType(c content, cents int64) int64 {
	if c.credit {
		return cents
	}
	return -cents
}

// postedSum adds up the posted rows of an account whose guids are given.
func postedSum(v view, a *account, rows map[string]shown, guids []string) (sum int64) {
	for _, g := range guids {
		s := rows[g]
		if s.account == a.id.String() && !s.row.pending {
			sum += byType(a.terms(&s.ev, a.saw), s.cents)
		}
	}
	return sum
}

// The balance of an account moves where the bank did something, by just that,
// and nowhere else.
func TestDefectsAndBooks(t *testing.T) {
	for _, kind := range DefectKinds() {
		if slices.Contains([]string{"A1", "A2", "A3", "A4", "C3", "M1", "M2", "U1", "U2", "S-identify", "outage", "S-late", "B-weekend"}, kind) {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			plain, hit := calmDefects(t, 120), calmDefects(t, 120)
			all := hit.Inject(kind, 3)
			moved := 0
			for range nightsOf(kind) {
				plain.Advance(24 * time.Hour)
				hit.Advance(24 * time.Hour)
			}
			vp, vh := plain.view(), hit.view()
			for _, d := range all {
				u, _ := vp.user(d.User)
				rowsPlain, rowsHit := rowsNow(vp, &u), rowsNow(vh, &u)
				diff := compare(rowsPlain, rowsHit)
				was, is := vp.userAccounts(&u), vh.userAccounts(&u)
				for i := range was {
					p, h := &was[i], &is[i]
					want := int64(0)
					if slices.Contains(byRows, kind) {
						want = postedSum(vh, h, rowsHit, slices.Concat(diff.come, diff.changed)) -
							postedSum(vp, p, rowsPlain, slices.Concat(diff.gone, diff.changed))
					} else if slices.Contains(addsOnly, kind) {
						want = postedSum(vh, h, rowsHit, slices.Concat(diff.come, diff.changed))
					}
					got := vh.ledger(h, h.saw).posted - vp.ledger(p, p.saw).posted
					if got != want {
						t.Errorf("%+v: the books of %s moved by %d, want %d", d, p.id, got, want)
					}
					before, _, _ := vp.balance(p)
					after, _, _ := vh.balance(h)
					if want == 0 && before != after {
						t.Errorf("%+v: the balance of %s moved from %d to %d", d, p.id, before, after)
					}
					if want != 0 && before != after {
						moved++
					}
				}
			}
			if (slices.Contains(byRows, kind) || slices.Contains(addsOnly, kind)) != (moved > 0) && kind != "V1+repost" {
				t.Errorf("%d balances moved", moved)
			}
		})
	}
}

// A currency is re-expressed at one ratio: rows and balance alike.
func TestCurrencyDefect(t *testing.T) {
	plain, hit := calmDefects(t, 60), calmDefects(t, 60)
	all := hit.Inject("C3", 4)
	plain.Advance(72 * time.Hour)
	hit.Advance(72 * time.Hour)
	vp, vh := plain.view(), hit.view()
	for _, d := range all {
		u, _ := vp.user(d.User)
		p, _ := vp.account(&u, d.Account)
		h, _ := vh.account(&u, d.Account)
		if h.saw < d.At.Unix() {
			continue
		}
		ratio := float64(h.edits.whole.ratio) / 100
		before, _, _ := vp.balance(&p)
		after, _, _ := vh.balance(&h)
		if got := float64(after) / float64(before); got < ratio*0.98 || got > ratio*1.02 {
			t.Errorf("balance %d became %d at %.2f", before, after, ratio)
		}
		rowsPlain, rowsHit := rowsNow(vp, &u), rowsNow(vh, &u)
		n := 0
		for guid, s := range rowsHit {
			if s.account != d.Account {
				continue
			}
			n++
			if off := float64(s.cents) - ratio*float64(rowsPlain[guid].cents); off > 0.51 || off < -0.51 {
				t.Errorf("%s: %d became %d", guid, rowsPlain[guid].cents, s.cents)
			}
			if code, _ := hit.Why(guid, d.At, hit.Now(), d.At.AddDate(0, 0, -80), hit.Now()); code != "C3" && s.ev.at < d.At.Unix()-14*secondsPerDay && s.row.date > dayOf(d.At.Unix())-80 {
				t.Errorf("%s: Why says %q", guid, code)
			}
		}
		if n == 0 {
			t.Errorf("%s has no rows", d.Account)
		}
	}
}

// accountGUIDs returns the accounts of a member that are shown.
func accountGUIDs(tr Truth, d Defect) (all []string) {
	for a := range tr.Accounts(d.User, d.Member) {
		all = append(all, a.Text("guid"))
	}
	return all
}

// A duplicate of an account is shown for some nights and merged; an account is
// issued again: the rows are the same ones under other guids.
func TestAccountsUnderOtherGuids(t *testing.T) {
	for _, kind := range []string{"A3", "A4"} {
		t.Run(kind, func(t *testing.T) {
			w := calmDefects(t, 120)
			start := w.Now()
			before := w.Truth()
			all := w.Inject(kind, 6)
			if len(all) != 6 {
				t.Fatalf("%d defects", len(all))
			}
			for _, d := range all {
				if was, is := accountGUIDs(before, d), accountGUIDs(w.Truth(), d); !slices.Equal(was, is) {
					t.Errorf("before an aggregation, accounts %v became %v", was, is)
				}
			}
			both, matched, missed := 0, 0, 0
			for range 8 {
				w.Advance(24 * time.Hour)
				for _, d := range all {
					shown := accountGUIDs(w.Truth(), d)
					if slices.Contains(shown, d.Account) && slices.Contains(shown, d.Counterparts[0]) {
						both++
						listsAreTrue(t, w, d)
					}
				}
			}
			if (both > 0) != (kind == "A3") {
				t.Errorf("both accounts were shown %d times", both)
			}
			from, to := start.AddDate(0, 0, -80), w.Now()
			for _, d := range all {
				shown := accountGUIDs(w.Truth(), d)
				if slices.Contains(shown, d.Account) || !slices.Contains(shown, d.Counterparts[0]) {
					t.Errorf("%+v: shown are %v", d, shown)
				}
				listsAreTrue(t, w, d)
				old, at := before, start
				if kind == "A3" { // the duplicate was not there at first
					at = d.Until.Add(-time.Hour)
					old = w.TruthAt(at)
				}
				for r := range old.Transactions(d.User, d.Member, from.AddDate(0, 0, 5), to) {
					code, now := w.Why(r.Text("guid"), at, w.Now(), from, to)
					switch {
					case r.Text("account_guid") != d.Account:
						if code == kind {
							t.Errorf("%s of another account: %s", r.Text("guid"), code)
						}
					case code != kind:
						t.Errorf("%s: Why says %q", r.Text("guid"), code)
					case len(now) == 0 && slices.Contains(d.Transactions, r.Text("guid")):
						missed++
					case len(now) == 0 && r.Text("status") == "POSTED":
						t.Errorf("%s has no counterpart and is not named", r.Text("guid"))
					case len(now) > 0:
						matched++
						if _, ok := rowOf(w, d.User, now[0]); !ok {
							t.Errorf("counterpart %s is not shown", now[0])
						}
					}
				}
			}
			t.Logf("%d rows matched, %d missed", matched, missed)
			if matched == 0 || (missed > 0) != (kind == "A4") {
				t.Error("that is not what was to be")
			}
		})
	}
}

// A history that is cut and a row that is lost the same night are told apart.
func TestTruncatedAndLost(t *testing.T) {
	w := calmDefects(t, 120)
	start := w.Now()
	all := w.Inject("W3+Z1", 3)
	if len(all) != 6 || all[0].Kind != "W3" || all[1].Kind != "Z1" || all[0].Account != all[1].Account {
		t.Fatalf("%d defects: %+v", len(all), all)
	}
	w.Advance(8 * 24 * time.Hour)
	for _, d := range all {
		listsAreTrue(t, w, d)
		for _, guid := range d.Transactions {
			if code, _ := w.Why(guid, start, w.Now(), start.AddDate(0, 0, -90), w.Now()); code != d.Kind {
				t.Errorf("%s of %s: Why says %q", guid, d.Kind, code)
			}
			// Outside the window it would be gone anyway.
			if code, _ := w.Why(guid, start, w.Now(), start, w.Now()); code != "W1" {
				t.Errorf("%s of %s, outside the window: Why says %q", guid, d.Kind, code)
			}
		}
	}
}

// A closed account says so, has a balance of zero, and goes some nights later; a
// series that ended is no longer a payment that was made.
func TestClosedAccounts(t *testing.T) {
	w := calmDefects(t, 80)
	all := w.Inject("A1", 5)
	closed, gone := 0, 0
	for range 12 {
		w.Advance(24 * time.Hour)
		tr := w.Truth()
		for _, d := range all {
			v := w.view()
			u, _ := v.user(d.User)
			p := phaseOf(v, &u, d)
			there := false
			for a := range tr.Accounts(d.User, d.Member) {
				if a.Text("guid") != d.Account {
					continue
				}
				there = true
				is, _ := a.Get("is_closed")
				if (is == "true") != (p == during) {
					t.Errorf("%s: is_closed %s in phase %d of %+v", w.Now(), is, p, d)
				}
				if cents, _ := a.Get("balance"); p == during && cents != "0" && cents != "0.0" && cents != "null" && cents != "0.00" {
					t.Errorf("closed with a balance of %s", cents)
				} else if p == during {
					closed++
				}
			}
			if there == (p == over) {
				t.Errorf("%s: shown: %t in phase %d of %+v", w.Now(), there, p, d)
			}
			if p == over {
				gone++
			}
		}
	}
	if closed == 0 || gone == 0 {
		t.Errorf("%d nights closed, %d nights gone", closed, gone)
	}
}

// The last payment of a debt whose payments ended is an old one; one that is
// only not shown has been made nevertheless.
func TestLastPaymentIsTheBanks(t *testing.T) {
	for _, kind := range []string{"N2", "N2b"} {
		plain, hit := calmDefects(t, 200), calmDefects(t, 200)
		all := hit.Inject(kind, 150)
		plain.Advance(30 * 24 * time.Hour)
		hit.Advance(30 * 24 * time.Hour)
		vp, vh := plain.view(), hit.view()
		debts, differ := 0, 0
		for _, d := range all {
			u, _ := vh.user(d.User)
			p, _ := vp.account(&u, d.Account)
			h, _ := vh.account(&u, d.Account)
			if h.kind.sign >= 0 || !d.Credit {
				continue
			}
			debts++
			_, was, _ := p.lastPayment()
			if _, is, _ := h.lastPayment(); is != was {
				differ++
			}
		}
		if debts == 0 || (differ > 0) != (kind == "N2b") {
			t.Errorf("%s: %d debts, the last payment of %d differs", kind, debts, differ)
		}
	}
}

// From then on the balance has pending items on weekends, and only then.
func TestWeekendDefect(t *testing.T) {
	w := calmDefects(t, 120)
	all := w.Inject("B-weekend", 12)
	var with, without int
	for range 9 {
		w.Advance(24 * time.Hour)
		v := w.view()
		for _, d := range all {
			u, _ := v.user(d.User)
			a, _ := v.account(&u, d.Account)
			if a.saw < d.At.Unix() || a.before < d.At.Unix() {
				continue
			}
			edits := *a.edits
			plain := a
			plain.edits = &edits
			edits.whole = &wholeEdit{kind: "B-weekend", at: never} // not yet
			was, l, _ := v.balance(&plain)
			is, _, _ := v.balance(&a)
			switch pend := l.pendingIn != l.pendingOut; {
			case pend && is != was && isWeekend(a.saw):
				with++
			case pend && is == was && !isWeekend(a.saw):
				without++
			}
		}
	}
	if with == 0 || without == 0 {
		t.Errorf("%d balances with pending items on weekends, %d without on other days", with, without)
	}
}
