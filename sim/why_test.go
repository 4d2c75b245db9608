package sim

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// scan is every row that a client can see at one instant, and of whom.
type scan struct {
	at    time.Time
	users map[string]map[string]shown
}

func scanWorld(w *World) scan {
	v := w.view()
	s := scan{w.Now(), make(map[string]map[string]shown)}
	for _, i := range v.users() {
		u := w.userAt(i)
		s.users[u.id.String()] = rowsNow(v, &u)
	}
	return s
}

// checkPair asks Why of every row of one scan as of another, and compares the
// answer with what can be seen of both.
func checkPair(t *testing.T, w *World, a, b scan, codes map[string]int) {
	t.Helper()
	today := dayOf(b.at.Unix())
	win := window{today - defaultDaysBack, today + defaultDaysAhead}
	for user, rows := range a.users {
		for guid, was := range rows {
			code, now := w.Why(guid, a.at, b.at, date(win.from), date(win.to))
			codes[code]++
			is, present := b.users[user][guid]
			same := present && is.literal == was.literal && is.times == was.times
			bad := (code == "") != same
			switch code {
			case "P1":
				bad = !present || !was.row.pending || is.row.pending
			case "C1", "C3", "N10":
				bad = !present
			case "W1":
				bad = present || was.row.date >= win.from
			case "P2", "P4":
				bad = present || !was.row.pending || (code == "P2") != (len(now) > 0)
			case "Z1": // its guid may be that of another item now
				bad = present && is.account == was.account
			case "C4":
				bad = !present && len(now) == 0
			case "":
			default:
				bad = bad || present
			}
			for _, g := range now {
				if b.users[user][g].times == 0 && !slices.Contains([]string{"V1"}, code) {
					t.Errorf("%s became %s: %s, which is not shown", guid, code, g)
				}
			}
			if bad {
				t.Errorf("%s of %s, %s to %s: Why says %q %v; was %+v, is %t %+v", guid, user, a.at, b.at, code, now, was, present, is)
				return
			}
		}
	}
}

// Why knows the natural course of things: every row that is not shown any more,
// or differs, has its reason, and the reason can be seen.
func TestWhyOfTheNaturalCourse(t *testing.T) {
	codes := make(map[string]int)
	for _, seed := range []uint64{40, 81} { // a user of the second is disabled for some nights
		w := calmWorld(t, Config{Seed: seed, Users: 200, Transactions: 20, Accounts: 1.5, Churn: 3})
		scans := []scan{scanWorld(w)}
		for _, nights := range []int{1, 1, 2, 5} {
			w.Advance(time.Duration(nights) * 24 * time.Hour)
			scans = append(scans, scanWorld(w))
		}
		for i := 1; i < len(scans); i++ {
			checkPair(t, w, scans[i-1], scans[i], codes)
		}
		checkPair(t, w, scans[0], scans[len(scans)-1], codes)
		// In a window that ends early, a date that moves on posting leaves it.
		for _, rows := range scans[0].users {
			for guid := range rows {
				code, _ := w.Why(guid, scans[0].at, w.Now(), scans[0].at.AddDate(0, 0, -30), scans[0].at.AddDate(0, 0, -1))
				if code == "W2" {
					codes[code]++
				}
			}
		}
	}
	t.Log(codes)
	for _, code := range []string{"", "P1", "P2", "P4", "W1", "W2", "M1", "M2", "U1", "U2", "C1"} {
		if codes[code] == 0 {
			t.Errorf("no row was %q", code)
		}
	}
	if len(codes) != 11 {
		t.Error("a code that nature does not know")
	}
	w := calmWorld(t, Config{Seed: 1, Users: 5})
	for _, guid := range []string{"", "TRN-", w.guid(prefixTransaction, address{user: 3, member: 20}).String(), w.guid(prefixTransaction, address{user: 99}).String()} {
		if code, now := w.Why(guid, w.Now(), w.Now(), w.Now(), w.Now()); code != "" || now != nil {
			t.Errorf("Why of %q: %q %v", guid, code, now)
		}
	}
}

// Night after night all kinds of defects happen by themselves: what was served
// on a night stays the truth of that night, every difference has its reason,
// and the same world does the same again.
func TestDefectsNightAfterNight(t *testing.T) {
	c := Config{Seed: 50, Users: 100, Transactions: 25, Churn: 2, Twins: 0.05, Defects: make(map[string]float64)}
	for _, kind := range DefectKinds() {
		if kind != "systemic" && kind != "outage" {
			c.Defects[kind] = 45
		}
	}
	w, again := calmWorld(t, c), calmWorld(t, c)
	scans := []scan{scanWorld(w)}
	codes := make(map[string]int)
	for range 7 {
		w.Advance(24 * time.Hour)
		again.Advance(24 * time.Hour)
		scans = append(scans, scanWorld(w))
	}
	for i := 1; i < len(scans); i++ {
		checkPair(t, w, scans[i-1], scans[i], codes)
	}
	checkPair(t, w, scans[0], scans[len(scans)-1], codes)
	if !reflect.DeepEqual(w.Defects(), again.Defects()) || !reflect.DeepEqual(scanWorld(w), scanWorld(again)) {
		t.Error("the same world did other things")
	}
	done := make(map[string]int)
	for _, d := range w.Defects() {
		done[d.Kind]++
	}
	t.Log(len(w.Defects()), done)
	t.Log(codes)
	for kind := range c.Defects {
		if kind != "W3+Z1" && done[kind] == 0 {
			t.Errorf("no %s happened", kind)
		}
	}
	for _, s := range []scan{scans[0], scans[4]} {
		v := w.view()
		v.t = s.at.Unix()
		for user, rows := range s.users {
			at, _ := w.parse(prefixUser, user)
			u := w.userAt(at.user)
			if got := rowsNow(v, &u); !reflect.DeepEqual(literals(got), literals(rows)) {
				t.Errorf("%s: user %s has other rows in hindsight", s.at, user)
			}
		}
	}
	n := 0
	doubles := make(map[string]bool)
	for _, d := range w.Defects() {
		doubles[d.Member] = doubles[d.Member] || d.Kind == "N10"
	}
	everyMember(w.Truth(), func(user string, m Record) {
		if n++; n%5 == 0 && !doubles[m.Text("guid")] {
			listsAreTrue(t, w, Defect{User: user, Member: m.Text("guid")})
		}
	})
}

func literals(rows map[string]shown) map[string]string {
	all := make(map[string]string, len(rows))
	for guid, r := range rows {
		all[guid] = r.literal
	}
	return all
}
