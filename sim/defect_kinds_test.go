package sim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// expectations is the table: what of the rows changes by each kind.
var expectations = map[string]expectation{
	"Z1": hidden, "Z3": hidden, "M3b": hidden, "V1": hidden, "P5": hidden, "Z1+equal": hidden, "Z1+edge": hidden,
	"N1": hidden, "N2": hidden, "N2b": hidden, "N3": hidden, "N4": hidden, "N6": hidden, "systemic": lost,
	"Z1+same": hiddenAndMore, "Z1+refund": hiddenAndMore, "V1+repost": hiddenAndMore,
	"D1": doubled, "D1+equal": doubled, "D2": replaced, "D2+midnight": replaced, "C2": replaced, "P3": splitUp,
	"C1": amended, "N10": amended, "Z1+reused": reused, "D1+C1": correctedTwin, "W2": redated, "C4": movedAway, "C3": exchangedAll,
	"W3": cutOff, "N5": silenced, "A1": silenced, "A2": allGone,
}

// Each kind changes the rows it names, as it says, and no others; Why knows it;
// lists and single reads show what Truth says.
func TestDefects(t *testing.T) {
	for _, kind := range DefectKinds() {
		want := expectations[kind]
		if want == nil {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			users := 50
			if kind == "systemic" {
				users = 120 // so that no user has two
			}
			plain, hit := calmDefects(t, users), calmDefects(t, users)
			start := hit.Now()
			plain.Advance(time.Hour)
			hit.Advance(time.Hour)
			all := hit.Inject(kind, 3)
			if len(all) < 2 {
				t.Fatalf("%d defects", len(all))
			}
			seen := make(map[phase]int)
			for range nightsOf(kind) {
				plain.Advance(24 * time.Hour)
				hit.Advance(24 * time.Hour)
				vp, vh := plain.view(), hit.view()
				for _, d := range all {
					at, _ := hit.parse(prefixUser, d.User)
					u := hit.userAt(at.user)
					s := scene{d: d, plain: rowsNow(vp, &u), hit: rowsNow(vh, &u), from: dayOf(vh.t) - defaultDaysBack}
					s.phase = phaseOf(vh, &u, d)
					seen[s.phase]++
					expected := difference{}
					if s.phase != notYet {
						expected = want(hit, &s)
					}
					expected.sort()
					got := compare(s.plain, s.hit)
					if kind == "M3b" { // a night fails, and what it missed comes later
						got = difference{gone: s.visible(s.plain, slices.DeleteFunc(got.gone, func(g string) bool { return s.plain[g].ev.until >= d.At.Unix() }))}
					}
					for _, guid := range got.come {
						if s.hit[guid].stored < d.At.Unix() {
							t.Errorf("%s came and was stored %s, before %+v", guid, instant(s.hit[guid].stored), d)
						}
					}
					for _, guid := range got.changed {
						if s.d.Kind == "C1" && s.hit[guid].updated < d.At.Unix() {
							t.Errorf("%s changed and was updated %s, before %+v", guid, instant(s.hit[guid].updated), d)
						}
					}
					if !slices.Equal(got.gone, expected.gone) || !slices.Equal(got.come, expected.come) || !slices.Equal(got.changed, expected.changed) {
						t.Errorf("%s: phase %d of %+v:\ngone    %v\nwant    %v\ncome    %v\nwant    %v\nchanged %v\nwant    %v", vh.instant(), s.phase, d,
							got.gone, expected.gone, got.come, expected.come, got.changed, expected.changed)
					}
				}
			}
			if seen[during] == 0 || seen[over] == 0 && !all[0].Until.IsZero() {
				t.Errorf("phases seen: %v", seen)
			}
			for _, d := range all {
				for _, guid := range d.Transactions {
					checkWhy(t, hit, d, guid, start)
				}
				listsAreTrue(t, hit, d)
			}
			unhurt(t, plain, hit, all)
		})
	}
}

func (v view) instant() string { return instant(v.t).Format(time.DateOnly) }

// checkWhy asks for the night on which the defect shows.
func checkWhy(t *testing.T, w *World, d Defect, guid string, start time.Time) {
	t.Helper()
	from, to := start.AddDate(0, 0, -90), start.AddDate(0, 0, 40)
	if d.Kind == "W2" { // the window of the day after
		from = from.AddDate(0, 0, 1)
	}
	codes := map[string]bool{}
	for night := later(start); !night.After(w.Now()); night = later(night) {
		for _, before := range []time.Time{d.At, night.Add(-24 * time.Hour)} { // a twin was not there at first
			code, _ := w.Why(guid, before, night, from, to)
			codes[code] = true
		}
	}
	if !codes[d.Code()] {
		t.Errorf("%s of %s: Why says %v", guid, d.Kind, codes)
	}
}

// listsAreTrue compares what is served about the target with Truth.
func listsAreTrue(t *testing.T, w *World, d Defect) {
	t.Helper()
	tr := w.Truth()
	if s := tr.State(d.User); !s.Exists || s.Disabled || d.Kind == "N10" {
		return
	}
	from, to := days(w)
	base := "/users/" + d.User
	got := walk(t, w, base+"/members/"+d.Member+"/transactions", 25)
	sameRecords(t, d.Kind, "guid", got, tr.Transactions(d.User, d.Member, from, to))
	n := 0
	for a := range tr.Accounts(d.User, d.Member) {
		p := getPage(t, w, base+"/accounts/"+a.Text("guid")+"/transactions")
		n += p.Pagination.TotalEntries
	}
	if n != len(got) {
		t.Errorf("%s: the accounts have %d rows, the member %d", d.Kind, n, len(got))
	}
	for i, s := range got {
		if i%7 != 0 && !slices.Contains(d.Counterparts, s.text("guid")) {
			continue
		}
		_, body := get(t, w, base+"/transactions/"+s.text("guid"))
		if !strings.Contains(string(body), `"amount":`+string(s["amount"])+",") {
			t.Errorf("%s: %s is served as %s", d.Kind, s.text("guid"), body)
		}
	}
	if !d.Date.IsZero() { // and in windows at whose edge the row is
		for off := -2; off <= 2; off++ {
			day := d.Date.AddDate(0, 0, off)
			path := base + "/members/" + d.Member + "/transactions?from_date=" + day.Format(time.DateOnly) + "&to_date=" + day.Format(time.DateOnly)
			sameRecords(t, d.Kind+" of "+day.Format(time.DateOnly), "guid", walk(t, w, path, 25), tr.Transactions(d.User, d.Member, day, day))
		}
	}
	for _, guid := range d.Transactions {
		listed := slices.ContainsFunc(got, func(s seen) bool { return s.text("guid") == guid })
		resp, _ := get(t, w, base+"/transactions/"+guid)
		_, hasRow := rowOf(w, d.User, guid)
		if hasRow != (resp.StatusCode == 200) || listed && !hasRow {
			t.Errorf("%s: %s is listed: %t, read: %s", d.Kind, guid, listed, resp.Status)
		}
	}
}

func rowOf(w *World, user, guid string) (row, bool) {
	v := w.view()
	u, _ := v.user(user)
	_, _, r, ok := v.transaction(&u, guid)
	return r, ok
}

// unhurt checks that users without a defect, every other one, have the same rows
// in both worlds.
func unhurt(t *testing.T, plain, hit *World, all []Defect) {
	t.Helper()
	vp, vh := plain.view(), hit.view()
	for i := range uint32(plain.cfg.Users) / 2 {
		u := plain.userAt(2 * i)
		if slices.ContainsFunc(all, func(d Defect) bool { return d.User == u.id.String() }) {
			continue
		}
		if d := compare(rowsNow(vp, &u), rowsNow(vh, &u)); len(d.gone)+len(d.come)+len(d.changed) > 0 {
			t.Errorf("user %s has no defect and differs: %v", u.id, d)
		}
	}
}
