package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// busyMember finds a member with at least n transactions in the default window.
func busyMember(t testing.TB, w *World, n int) (user, member string) {
	t.Helper()
	tr := w.Truth()
	from, to := days(w)
	everyMember(tr, func(u string, m Record) {
		if user == "" && !tr.State(u).Disabled && len(collect(tr.Transactions(u, m.Text("guid"), from, to))) >= n {
			user, member = u, m.Text("guid")
		}
	})
	if user == "" {
		t.Fatalf("no member with %d transactions", n)
	}
	return user, member
}

// The quirks of mx-api.md §1.3.
func TestPagination(t *testing.T) {
	w := calmWorld(t, Config{Seed: 11, Users: 130, MaxPageSize: 100})
	user, member := busyMember(t, w, 101)
	total := len(walk(t, w, "/users/"+user+"/members/"+member+"/transactions", 100))
	for _, c := range []struct {
		path                     string
		current, per, all, pages int
		entries                  int
	}{
		{"/users", 1, 25, 130, 6, 25},
		{"/users?records_per_page=9", 1, 25, 130, 6, 25},
		{"/users?records_per_page=10", 1, 10, 130, 13, 10},
		{"/users?records_per_page=100", 1, 100, 130, 2, 100},
		{"/users?records_per_page=101", 1, 25, 130, 6, 25},
		{"/users?records_per_page=1000&page=2", 2, 25, 130, 6, 25},
		{"/users?records_per_page=-1", 1, 25, 130, 6, 25},
		{"/users?records_per_page=many", 1, 25, 130, 6, 25},
		{"/users?records_per_page=", 1, 25, 130, 6, 25},
		{"/users?page=6", 6, 25, 130, 6, 5},
		{"/users?page=7", 7, 25, 130, 6, 0},
		{"/users?page=99999999", 99999999, 25, 130, 6, 0},
		{"/users?page=0", 1, 25, 130, 6, 25},
		{"/users?page=-3", 1, 25, 130, 6, 25},
		{"/users?page=x", 1, 25, 130, 6, 25},
		{"/institutions?name=no+such+bank", 1, 25, 0, 1, 0},
		{"/institutions?name=MX%20bank", 1, 25, 1, 1, 1},
		{"/users/" + user + "/members/" + member + "/transactions?from_date=1999-01-01&to_date=1999-12-31", 1, 25, 0, 1, 0},
		{"/users/" + user + "/members/" + member + "/transactions?from_date=2026-11-01&to_date=2026-10-01", 1, 25, 0, 1, 0},
		{"/users/" + user + "/members/" + member + "/transactions?records_per_page=100&page=2", 2, 100, total, (total + 99) / 100, min(100, total-100)},
	} {
		p := getPage(t, w, c.path)
		g := p.Pagination
		if g == nil || g.CurrentPage != c.current || g.PerPage != c.per || g.TotalEntries != c.all || g.TotalPages != c.pages || len(p.Entries) != c.entries {
			t.Errorf("%s: %+v with %d entries, want %+v", c.path, g, len(p.Entries), c)
		}
		if p.Entries == nil {
			t.Errorf("%s: no array at all", c.path)
		}
	}
	// A page of users begins with the pagination block, others end with it.
	if _, body := get(t, w, "/users"); !strings.HasPrefix(string(body), `{"pagination":`) {
		t.Errorf("page of users begins %.40s", body)
	}
	if _, body := get(t, w, "/institutions"); !strings.HasPrefix(string(body), `{"institutions":[`) {
		t.Errorf("page of institutions begins %.40s", body)
	}
}

func TestOwnersPageOnlyIfAsked(t *testing.T) {
	for _, paged := range []bool{false, true} {
		w := calmWorld(t, Config{Seed: 12, Users: 10, PagedOwners: paged})
		user, member := busyMember(t, w, 1)
		p := getPage(t, w, "/users/"+user+"/members/"+member+"/account_owners?records_per_page=10")
		if (p.Pagination != nil) != paged {
			t.Errorf("PagedOwners %v: pagination %+v", paged, p.Pagination)
		}
	}
	w := calmWorld(t, Config{Seed: 12, Users: 10})
	if p := getPage(t, w, "/users/test_atrium/members/test_atrium_member/account_owners"); len(p.Entries) != 2 {
		t.Errorf("the test path has %d owners", len(p.Entries))
	}
}

// Both ends of a window are included, in every scope, and the default window is
// 90 days back and 5 forward.
func TestWindows(t *testing.T) {
	w := calmWorld(t, Config{Seed: 13, Users: 30, Transactions: 150})
	user, member := busyMember(t, w, 150)
	base := "/users/" + user
	from, to := days(w)
	byDate := map[string]int{}
	all := 0
	for x := range w.Truth().Transactions(user, member, from, to) {
		byDate[x.Text("date")]++
		all++
	}
	day := func(d time.Time) string { return d.Format(time.DateOnly) }
	count := func(path string) int {
		return getPage(t, w, path+"&records_per_page=10").Pagination.TotalEntries
	}
	list := base + "/members/" + member + "/transactions"
	sum := 0
	for d := from; !d.After(to); d = d.AddDate(0, 0, 1) {
		n := count(fmt.Sprintf("%s?from_date=%s&to_date=%[2]s", list, day(d)))
		if n != byDate[day(d)] {
			t.Errorf("%s: %d rows served, %d true", day(d), n, byDate[day(d)])
		}
		sum += n
	}
	if sum != all {
		t.Errorf("the days have %d rows, the window %d", sum, all)
	}
	if n := getPage(t, w, list).Pagination.TotalEntries; n != all {
		t.Errorf("the default window has %d rows, want %d", n, all)
	}
	if n := count(list + "?from_date=" + day(from.AddDate(0, 0, 1))); n != all-byDate[day(from)] {
		t.Errorf("a window one day shorter has %d rows, want %d", n, all-byDate[day(from)])
	}
	wide := count(list + "?from_date=2000-01-01&to_date=2030-01-01")
	if wide <= all || wide != len(collect(w.Truth().Transactions(user, member, from.AddDate(-20, 0, 0), to.AddDate(3, 0, 0)))) {
		t.Errorf("the widest window has %d rows, the default one %d", wide, all)
	}
	for _, bad := range []string{"2026-13-01", "yesterday", "1795140000", "2026-11-20T00:00:00Z"} {
		if resp, _ := get(t, w, list+"?from_date="+bad); resp.StatusCode != 400 {
			t.Errorf("from_date=%s: %s", bad, resp.Status)
		}
	}
}

func TestInstitutionFilters(t *testing.T) {
	w := calmWorld(t, Config{Seed: 14, Users: 1})
	all := walk(t, w, "/institutions", 10)
	if len(all) != len(institutionNames) {
		t.Fatalf("%d institutions", len(all))
	}
	for _, key := range supportKeys[:oauth] {
		for _, want := range []string{"true", "false"} {
			n := 0
			for _, in := range all {
				if string(in[key]) == want {
					n++
				}
			}
			if got := len(walk(t, w, "/institutions?"+key+"="+want, 10)); got != n || n == 0 {
				t.Errorf("%s=%s: %d institutions, want %d", key, want, got, n)
			}
		}
	}
}

// split shows exactly what the list as drifted has at each place, compared with
// a list that is really built, for every small case.
func TestDriftSplit(t *testing.T) {
	cases := 0
	for n := 1; n <= 7; n++ {
		for hidden := -1; hidden < n; hidden++ {
			for extra := -1; extra < n-1; extra++ {
				var d drift
				var list []string
				for i := range n {
					if i != hidden {
						list = append(list, fmt.Sprint(i))
					}
				}
				if hidden >= 0 {
					d.hidden, d.hiddenAt = 1, hidden
				}
				if extra >= 0 {
					d.extra, d.extraAt = 1, extra
					list = append(list[:extra], append([]string{fmt.Sprint("twin", extra)}, list[extra:]...)...)
				}
				for lo := 0; lo <= len(list); lo++ {
					for hi := lo; hi <= len(list); hi++ {
						got := ""
						d.split(lo, hi, func(lo, hi int) {
							for i := lo; i < hi; i++ {
								if i > lo {
									got += ","
								}
								got += fmt.Sprint(i)
							}
						}, func(i int) { got += fmt.Sprint("twin", i) }, func() { got += "," })
						if want := strings.Join(list[lo:hi], ","); got != want {
							t.Fatalf("n %d hidden %d extra %d [%d,%d): %s, want %s", n, hidden, extra, lo, hi, got, want)
						}
						cases++
					}
				}
			}
		}
	}
	t.Logf("%d cases", cases)
}

// driftingWalk reads a list page by page and says whether totals moved, and
// which guids it saw.
func driftingWalk(t *testing.T, w *World, path string, size int) (moved bool, guids []string) {
	total := -1
	for n := 1; ; n++ {
		p := getPage(t, w, fmt.Sprintf("%s?records_per_page=%d&page=%d", path, size, n))
		if total >= 0 && p.Pagination.TotalEntries != total {
			moved = true
		}
		total = p.Pagination.TotalEntries
		for _, e := range p.Entries {
			guids = append(guids, e.text("guid"))
		}
		if n >= p.Pagination.TotalPages {
			return moved, guids
		}
	}
}

// Every drift shows in total_entries, a walk without one is true, and drift
// leaves nothing behind.
func TestDrift(t *testing.T) {
	for _, size := range []int{10, 30} {
		windy := Weather{Drift: 0.6}
		w := New(Config{Seed: uint64(size), Users: 60, Transactions: 60, Weather: &windy})
		user, member := busyMember(t, w, size*2)
		from, to := days(w)
		truth := map[string]bool{}
		for x := range w.Truth().Transactions(user, member, from, to) {
			truth[x.Text("guid")] = true
		}
		quiet, torn, slipped := 0, 0, 0
		for range 40 {
			moved, guids := driftingWalk(t, w, "/users/"+user+"/members/"+member+"/transactions", size)
			distinct := map[string]bool{}
			strange := 0
			for _, g := range guids {
				distinct[g] = true
				if !truth[g] {
					strange++
				}
			}
			same := strange == 0 && len(distinct) == len(truth) && len(guids) == len(truth)
			switch {
			case moved:
				torn++
				if !same {
					slipped++
				}
			case same:
				quiet++
			default:
				t.Errorf("size %d: a walk without contradiction saw %d rows (%d strange), %d are true", size, len(guids), strange, len(truth))
			}
		}
		if quiet < 5 || torn < 12 || slipped < torn {
			t.Errorf("size %d: %d quiet walks, %d torn, %d of them with slipped rows", size, quiet, torn, slipped)
		}
		if got := w.Stats().Drifted; got != torn {
			t.Errorf("size %d: Stats says %d walks drifted, %d did", size, got, torn)
		}
	}
}

// Lists of users drift, too; a list of one page never does.
func TestDriftOfOtherLists(t *testing.T) {
	windy := Weather{Drift: 1}
	w := New(Config{Seed: 15, Users: 60, Weather: &windy})
	moved, guids := driftingWalk(t, w, "/users", 25)
	slices.Sort(guids)
	if n := len(slices.Compact(guids)); !moved || n != 59 {
		t.Errorf("users: moved %v, %d of 60 seen", moved, n)
	}
	if moved, guids := driftingWalk(t, w, "/users", 100); moved || len(guids) != 60 {
		t.Errorf("users on one page: moved %v, %d of 60 seen", moved, len(guids))
	}
}

// A swap cannot be seen in totals: the reason why it is off by default.
func TestSwapDriftHides(t *testing.T) {
	w := New(Config{Seed: 16, Users: 60, Transactions: 60, Weather: &Weather{SwapDrift: 1}})
	user, member := busyMember(t, w, 60)
	path := "/users/" + user + "/members/" + member + "/transactions"
	moved, windy := driftingWalk(t, w, path, 25)
	w.SetWeather(Calm())
	_, calm := driftingWalk(t, w, path, 25)
	if moved || len(windy) != len(calm) || strings.Join(windy, " ") == strings.Join(calm, " ") {
		t.Errorf("swap: total moved %v, %d rows against %d", moved, len(windy), len(calm))
	}
	if DefaultWeather().SwapDrift != 0 {
		t.Error("SwapDrift is on by default")
	}
}
