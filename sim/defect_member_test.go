package sim

import (
	"slices"
	"sync"
	"testing"
	"time"
)

func memberGUIDs(tr Truth, user string) (all []string) {
	for m := range tr.Members(user) {
		all = append(all, m.Text("guid"))
	}
	return all
}

// Members and users go, or come again, and Why says so of their rows.
func TestDefectsOfMembers(t *testing.T) {
	for _, kind := range []string{"M1", "M2", "U1", "U2"} {
		t.Run(kind, func(t *testing.T) {
			w := calmDefects(t, 80)
			start := w.Now()
			before := w.Truth()
			all := w.Inject(kind, 4)
			if len(all) != 4 {
				t.Fatalf("%d defects", len(all))
			}
			w.Inject("Z1", 1) // what was done before stays
			w.Advance(30 * time.Hour)
			after := w.Truth()
			from, to := start.AddDate(0, 0, -80), w.Now()
			matched, lost := 0, 0
			for _, d := range all {
				shown := memberGUIDs(after, d.User)
				state := after.State(d.User)
				switch {
				case kind == "U1" && state.Exists, kind == "U2" && !state.Disabled:
					t.Errorf("%+v: %+v", d, state)
				case kind == "M1" && slices.Contains(shown, d.Member):
					t.Errorf("%+v: member is there", d)
				case kind == "M2" && (slices.Contains(shown, d.Member) || !slices.Contains(shown, d.Counterparts[0])):
					t.Errorf("%+v: members %v", d, shown)
				}
				for _, m := range memberGUIDs(before, d.User) {
					if found, ok := after.member(d.User, m); kind == "U2" && ok && after.v.condition(found).tried > start.Unix() {
						t.Errorf("%s of a disabled user was aggregated", m)
					}
					for r := range before.Transactions(d.User, m, from, to) {
						code, now := w.Why(r.Text("guid"), start, w.Now(), from, to)
						if hit := d.Member == "" || d.Member == m; hit != (code == kind) {
							t.Errorf("%s: Why says %q", r.Text("guid"), code)
						}
						if code != "M2" {
							continue
						}
						if matched++; len(now) == 0 {
							matched--
							lost++
						}
						for _, g := range now {
							if _, ok := rowOf(w, d.User, g); !ok {
								t.Errorf("counterpart %s is not shown", g)
							}
						}
					}
				}
			}
			if kind == "M2" && (matched == 0 || lost == 0) {
				t.Errorf("%d rows came along, %d did not", matched, lost)
			}
			w.Advance(48 * time.Hour)
			for _, d := range all {
				if kind == "U2" && w.Truth().State(d.User).Disabled != d.Until.IsZero() {
					t.Errorf("%+v: disabled on the third day: %t", d, d.Until.IsZero())
				}
			}
		})
	}
}

// An identify job moves successfully_aggregated_at and nothing else; an outage
// shows one institution's members DEGRADED until it is over.
func TestNightsWithoutData(t *testing.T) {
	for _, kind := range []string{"S-identify", "S-late", "outage"} {
		t.Run(kind, func(t *testing.T) {
			plain, hit := calmDefects(t, 200), calmDefects(t, 200)
			n := 5
			if kind == "outage" {
				n = 1
			}
			all := hit.Inject(kind, n)
			if len(all) < 5 || kind == "outage" && len(all) < leastOutage {
				t.Fatalf("%d defects", len(all))
			}
			hit.Inject("Z1", 1) // what was done before stays
			updated := func(d Defect) (all []string) {
				for a := range hit.Truth().Accounts(d.User, d.Member) {
					all = append(all, a.Text("updated_at"))
				}
				return all
			}
			first := make(map[string][]string)
			for _, d := range all {
				first[d.Member] = updated(d)
			}
			in := make(map[string]bool)
			stood, recovered := 0, 0
			for range 9 {
				plain.Advance(24 * time.Hour)
				hit.Advance(24 * time.Hour)
				for _, d := range all {
					vp, vh := plain.view(), hit.view()
					u, _ := vh.user(d.User)
					m, _ := vh.member(&u, d.Member)
					in[m.inst.code] = true
					p, h := vp.condition(&m), vh.condition(&m)
					m0, _ := vp.member(&u, d.Member)
					p = vp.condition(&m0)
					trouble := m.attemptAt(dayOf(vh.t)) < d.Until.Unix() && vh.t < d.Until.Unix()
					switch {
					case trouble && kind != "S-identify" && h.tried >= d.At.Unix() && h.status != "DEGRADED":
						t.Errorf("%s: %+v is %s", vh.instant(), d, h.status)
					case trouble && h.saw < p.saw:
						stood++
						if now := updated(d); h.saw < d.At.Unix() && !slices.Equal(now, first[d.Member]) {
							t.Errorf("%s: %+v: accounts updated %v, were %v", vh.instant(), d, now, first[d.Member])
						}
						if moved := h.succeeded > h.fetched; moved != (kind == "S-identify") {
							t.Errorf("%s: %+v succeeded moved: %t", vh.instant(), d, moved)
						}
						rec, _ := hit.Truth().Status(d.User, d.Member)
						if rec.Text("successfully_aggregated_at") == "" {
							t.Errorf("%+v has no success", d)
						}
					case !trouble && h.saw == p.saw && h.succeeded == p.succeeded && h.saw > d.Until.Unix():
						recovered++
					}
				}
			}
			t.Logf("%d members, %d nights without data, %d after", len(all), stood, recovered)
			if stood == 0 || recovered == 0 || kind == "outage" && len(in) != 1 {
				t.Errorf("institutions: %v", in)
			}
			for _, d := range all {
				if !slices.Contains(memberGUIDs(hit.Truth(), d.User), d.Member) {
					t.Errorf("%s is gone", d.Member)
				}
			}
		})
	}
}

// Many members lose between 6 and 20 % of their posted rows at once.
func TestSystemicDefect(t *testing.T) {
	w := calmDefects(t, 120)
	from, to := days(w)
	before := w.Truth()
	all := w.Inject("systemic", 1)
	if len(all) < leastSystemic {
		t.Fatalf("%d members", len(all))
	}
	for _, d := range all {
		posted := 0
		for r := range before.Transactions(d.User, d.Member, from, to) {
			if r.Text("status") == "POSTED" {
				posted++
			}
		}
		if share := float64(len(d.Transactions)) / float64(posted); share < 0.06 || share > 0.20 {
			t.Errorf("member %s loses %d of %d", d.Member, len(d.Transactions), posted)
		}
	}
}

// What takes effect at once shows in the very next page, though the lists were
// counted before.
func TestDefectsAtOnce(t *testing.T) {
	w := calmDefects(t, 60)
	w.Advance(time.Hour)
	path := func(d Defect) string {
		return "/users/" + d.User + "/members/" + d.Member + "/transactions?records_per_page=10"
	}
	target := calmDefects(t, 60)
	target.Advance(time.Hour)
	for _, d := range target.Inject("M3b", 3) { // what will be hit
		getPage(t, w, path(d))
	}
	all := w.Inject("M3b", 3)
	saa := func(d Defect) string {
		rec, _ := w.Truth().Status(d.User, d.Member)
		return rec.Text("successfully_aggregated_at")
	}
	for _, d := range all {
		listsAreTrue(t, w, d)
		if _, shown := rowOf(w, d.User, d.Transactions[0]); shown {
			t.Errorf("%s is shown", d.Transactions[0])
		}
		if code, _ := w.Why(d.Transactions[0], d.At, w.Now(), d.At.AddDate(0, 0, -90), d.At); code != "M3b" {
			t.Errorf("Why says %q", code)
		}
	}
	before := []string{saa(all[0]), saa(all[1]), saa(all[2])}
	for nights := range 8 {
		w.Advance(24 * time.Hour)
		for i, d := range all {
			if now := saa(d); nights == 0 && now != before[i] || nights == 7 && now == before[i] {
				t.Errorf("night %d of %+v: last success %s, was %s", nights, d, now, before[i])
			}
		}
	}
}

// Defects may be done while the world is read.
func TestDefectsWhileReading(t *testing.T) {
	w := calmDefects(t, 30)
	from, to := days(w)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if i == 0 {
				for _, kind := range DefectKinds() {
					w.Inject(kind, 2)
					w.Advance(time.Hour)
				}
				return
			}
			everyMember(w.Truth(), func(user string, m Record) {
				base := "/users/" + user + "/members/" + m.Text("guid")
				get(t, w, base+"/accounts")
				get(t, w, base+"/transactions?records_per_page=50")
				for _, d := range w.Defects() {
					for _, guid := range d.Transactions {
						w.Why(guid, d.At, w.Now(), from, to)
					}
				}
			})
		})
	}
	all.Wait()
}

// A row whose date was moved is in the list of that day.
func TestMovedRowsAreInTheirWindow(t *testing.T) {
	w := calmDefects(t, 80)
	all := slices.Concat(w.Inject("D2", 40), w.Inject("C2", 40))
	w.Advance(9 * 24 * time.Hour)
	early := 0
	for _, d := range all {
		v := w.view()
		u, _ := v.user(d.User)
		_, ev, r, ok := v.transaction(&u, d.Counterparts[0])
		if !ok {
			t.Fatalf("%+v has no counterpart", d)
		}
		if r.date < ev.day {
			early++
		}
		day := date(r.date).Format(time.DateOnly)
		path := "/users/" + d.User + "/members/" + d.Member + "/transactions?from_date=" + day + "&to_date=" + day
		if !slices.ContainsFunc(walk(t, w, path, 25), func(s seen) bool { return s.text("guid") == d.Counterparts[0] }) {
			t.Errorf("%s is not in the list of %s", d.Counterparts[0], day)
		}
	}
	if early < 5 {
		t.Errorf("%d rows were moved to before their event", early)
	}
}

// Weather brings no data to a member that a defect keeps from having any.
func TestTroubledMembersStayTroubled(t *testing.T) {
	w := New(Config{Seed: 32, Users: 60, Transactions: 20, Churn: -1, Weather: &Weather{Aggregating: 1}})
	all := w.Inject("S-identify", 8)
	quiet := 0
	for range 3 {
		for _, d := range all {
			for range 9 {
				get(t, w, "/users/"+d.User+"/members/"+d.Member+"/status")
			}
			v := w.view()
			u, _ := v.user(d.User)
			m, _ := v.member(&u, d.Member)
			if c := v.condition(&m); v.t < d.Until.Unix() {
				if quiet++; c.saw >= d.At.Unix() {
					t.Errorf("%s: %+v has data of %s", w.Now(), d, instant(c.saw))
				}
			}
		}
		w.Advance(24 * time.Hour)
	}
	if quiet < len(all) || quiet == 0 {
		t.Errorf("%d quiet nights of %d members", quiet, len(all))
	}
}

// One defect after another, while the clock stands and the feed is as new as
// the defects are: each shows in the next page.
func TestDefectsOneAfterAnother(t *testing.T) {
	w := New(Config{Seed: 33, Users: 20, Transactions: 40, Churn: -1, Weather: &Weather{Aggregating: 1}})
	everyMember(w.Truth(), func(user string, m Record) {
		for range 9 {
			get(t, w, "/users/"+user+"/members/"+m.Text("guid")+"/status")
		}
	})
	w.SetWeather(Calm())
	hidden := 0
	for range 3 {
		for _, d := range w.Inject("Z1", 30) {
			listsAreTrue(t, w, d)
			if _, shown := rowOf(w, d.User, d.Transactions[0]); !shown {
				hidden++
			}
		}
	}
	if hidden < 30 {
		t.Errorf("%d rows are hidden", hidden)
	}
}
