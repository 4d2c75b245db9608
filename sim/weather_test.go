package sim

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func parseSingle(body []byte) (seen, error) {
	var envelope map[string]seen
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, err
	}
	for _, s := range envelope {
		return s, nil
	}
	return nil, fmt.Errorf("an empty envelope")
}

// Faults come as often as the weather says.
func TestWeatherRates(t *testing.T) {
	weather := DefaultWeather()
	weather.SlowBody, weather.Jitter = 8, 0
	w := New(Config{Seed: 31, Users: 5, Weather: &weather})
	t.Logf("seed %d", w.cfg.Seed)
	const n = 20_000
	forms := map[string]int{}
	odd, failed := 0, 0
	statuses := map[int]int{}
	for i := range n {
		r := newRequest(t, fmt.Sprintf("/institutions?name=mx&records_per_page=10&n=%d", i))
		resp, body, err := send(w, r)
		if err != nil && resp == nil {
			continue // a reset
		}
		statuses[resp.StatusCode]++
		if resp.StatusCode == 429 {
			switch after := resp.Header.Get("Retry-After"); {
			case after == "":
				forms["none"]++
			case after == "1":
				forms["seconds"]++
			default:
				at, err := http.ParseTime(after)
				if err != nil || at.Sub(w.Now()) != time.Second {
					t.Errorf("Retry-After %s: %v", after, err)
				}
				forms["date"]++
			}
		}
		if resp.StatusCode >= 400 {
			failed++
			if !json.Valid(body) {
				odd++
			}
		}
	}
	s := w.Stats()
	about := func(what string, got int, share float64, of int) {
		t.Helper()
		want := share * float64(of)
		if math.Abs(float64(got)-want) > 4*math.Sqrt(want)+1 {
			t.Errorf("%s: %d of %d, want about %.0f", what, got, of, want)
		}
	}
	about("429", statuses[429], weather.RateLimit, n)
	about("429 in Stats", s.RateLimited, weather.RateLimit, n)
	about("resets", s.Resets, weather.Reset, n)
	about("truncated", s.Truncated, weather.Truncate, n)
	about("slow", s.Slow, weather.Slow, n)
	about("fallbacks", s.Fallbacks, weather.Fallback, n)
	for _, status := range []int{500, 502, 503, 504} {
		about(fmt.Sprint(status), statuses[status], weather.ServerError/4, n)
	}
	about("Retry-After in seconds", forms["seconds"], weather.RetryAfterSeconds, statuses[429])
	about("Retry-After as a date", forms["date"], weather.RetryAfterDate, statuses[429])
	about("odd error bodies", odd, weather.OddErrors, failed)
}

func TestStreaksAreBounded(t *testing.T) {
	w := New(Config{Seed: 32, Weather: &Weather{RateLimit: 1, MaxStreak: 3}})
	got := ""
	for range 12 {
		resp, _ := get(t, w, "/users")
		got += fmt.Sprint(resp.StatusCode, " ")
	}
	if want := strings.Repeat("429 429 429 200 ", 3); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The same configuration and the same calls give the same answers, byte by byte
// and header by header, in any weather.
func TestSameCallsSameWorld(t *testing.T) {
	weather := DefaultWeather()
	weather.SlowBody, weather.Jitter = 8, 0
	run := func() string {
		w := New(Config{Seed: 33, Users: 40, Transactions: 20, Weather: &weather})
		out := ""
		call := func(path string) {
			resp, body, err := send(w, newRequest(t, path))
			if err != nil {
				out += path + " " + err.Error() + "\n"
				return
			}
			out += fmt.Sprintln(path, resp.StatusCode, resp.Header, string(body))
		}
		for range 2 {
			everyMember(w.Truth(), func(user string, m Record) {
				base := "/users/" + user + "/members/" + m.Text("guid")
				call(base + "/status")
				call(base + "/accounts?records_per_page=10")
				call(base + "/transactions?records_per_page=10")
				call(base + "/transactions?records_per_page=10&page=2")
			})
			w.Advance(24 * time.Hour)
		}
		return out
	}
	a, b := run(), run()
	if a != b {
		t.Error("two runs differ")
	}
	if !strings.Contains(a, " 429 ") || !strings.Contains(a, "reset") {
		t.Error("the weather was calm")
	}
}

// In calm weather no order of requests changes an answer; in bad weather what a
// path meets depends on that path only.
func TestOrderDoesNotMatter(t *testing.T) {
	weather := DefaultWeather()
	weather.SlowBody, weather.Jitter = 8, 0
	weather.Aggregating, weather.Vanishing = 0, 0 // these change other paths' data
	for name, weather := range map[string]Weather{"calm": Calm(), "default": weather} {
		var paths []string
		w := New(Config{Seed: 34, Users: 12, Transactions: 20, Weather: &weather})
		everyMember(w.Truth(), func(user string, m Record) {
			base := "/users/" + user + "/members/" + m.Text("guid")
			paths = append(paths, base, base+"/accounts", base+"/transactions?records_per_page=10", "/users?page=2", base+"/account_owners")
		})
		answers := func(order []string) map[string]string {
			w := New(Config{Seed: 34, Users: 12, Transactions: 20, Weather: &weather})
			all := map[string]string{}
			for _, p := range order {
				resp, body, err := send(w, newRequest(t, p))
				status := 0
				if resp != nil {
					status = resp.StatusCode
				}
				all[p] += fmt.Sprintln(status, string(body), err)
			}
			return all
		}
		forward := answers(paths)
		var backward []string
		for i := range paths {
			backward = append(backward, paths[len(paths)-1-i])
		}
		for p, a := range answers(backward) {
			if forward[p] != a {
				t.Errorf("%s: %s depends on the order of requests", name, p)
			}
		}
	}
}

// Requests that come while a Retry-After forbids it are counted, those that
// wait are not.
func TestRetryAfterIsWatched(t *testing.T) {
	for _, c := range []struct {
		wait   time.Duration
		inside int
	}{{0, 0}, {500 * time.Millisecond, 3}, {time.Second, 0}} {
		synctest.Test(t, func(t *testing.T) {
			w := New(Config{Weather: &Weather{RateLimit: 1, RetryAfterSeconds: 1, RetryAfter: time.Second}})
			for range 4 {
				get(t, w, "/users")
				time.Sleep(c.wait)
			}
			if got := w.Stats().InRetryAfter; got != c.inside {
				t.Errorf("waiting %s: %d requests inside Retry-After, want %d", c.wait, got, c.inside)
			}
			time.Sleep(2 * time.Second)
		})
	}
}

// A member that aggregates while it is read shows it in its status, soon ends,
// and has then what the bank has now.
func TestAggregationDuringAWalk(t *testing.T) {
	w := New(Config{Seed: 36, Users: 30, Transactions: 60, Weather: &Weather{Aggregating: 1}})
	began, ended, grew := 0, 0, 0
	now := w.Now()
	everyMember(w.TruthAt(now), func(user string, m Record) {
		tr := w.TruthAt(now)
		mm, ok := tr.member(user, m.Text("guid"))
		if !ok || tr.State(user).Disabled {
			return
		}
		path := "/users/" + user + "/members/" + m.Text("guid")
		healthy := w.canAggregate(mm.ref())
		rows := len(rowsOf(tr, user, m.Text("guid")))
		var states []string
		for range 20 {
			_, body := get(t, w, path+"/status")
			s, err := parseSingle(body)
			if err != nil {
				t.Fatal(err)
			}
			state := string(s["is_being_aggregated"]) + string(s["aggregated_at"]) + string(s["successfully_aggregated_at"])
			if len(states) == 0 || states[len(states)-1] != state {
				states = append(states, state)
			}
		}
		if !healthy {
			if len(states) != 1 {
				t.Errorf("unhealthy %s has states %v", path, states)
			}
			return
		}
		last := states[len(states)-1]
		if len(states) > 3 || !strings.HasPrefix(last, "false") {
			t.Errorf("%s has states %v", path, states)
		}
		if len(states) > 1 {
			began++
			ended++
		}
		c := w.view().condition(mm)
		if c.saw != now.Unix() || c.succeeded != now.Unix() {
			t.Errorf("%s saw %d and succeeded %d, want %d", path, c.saw, c.succeeded, now.Unix())
		}
		if len(rowsOf(w.Truth(), user, m.Text("guid"))) > rows {
			grew++
		}
	})
	t.Logf("%d began, %d ended, %d have more rows", began, ended, grew)
	if began < 15 || grew < 5 {
		t.Errorf("%d began, %d have more rows", began, grew)
	}
}

// Members and users that are deleted while they are read answer 404 from then
// on, themselves and all below them, and are not in the truth.
func TestVanishing(t *testing.T) {
	w := New(Config{Seed: 37, Users: 80, Weather: &Weather{Vanishing: 0.3}})
	before := w.Truth()
	members, users := 0, 0
	everyMember(before, func(user string, m Record) {
		path := "/users/" + user + "/members/" + m.Text("guid")
		if before.State(user).Disabled {
			return
		}
		last := 0
		for i := range 6 {
			resp, _ := get(t, w, path+[]string{"/status", "/accounts", "/transactions"}[i%3])
			if last == 404 && resp.StatusCode != 404 {
				t.Errorf("%s came back", path)
			}
			last = resp.StatusCode
		}
		_, there := w.Truth().member(user, m.Text("guid"))
		if there != (last == 200) {
			t.Errorf("%s: true %v, served %d", path, there, last)
		}
		if !there {
			if w.Truth().State(user).Exists {
				members++
			} else {
				users++
			}
			if _, still := before.member(user, m.Text("guid")); !still {
				t.Errorf("%s is gone from an older truth", path)
			}
		}
	})
	if members < 5 || users < 3 {
		t.Errorf("only %d members vanished, and %d with their users", members, users)
	}
}

func TestFailingUser(t *testing.T) {
	w := New(Config{Seed: 38, Weather: &Weather{FailingUsers: 2}})
	failing := 0
	for u := range w.Truth().Users() {
		resp, _ := get(t, w, "/users/"+u.Text("guid")+"/members")
		if s := w.Truth().State(u.Text("guid")); s.Failing {
			failing++
			if resp.StatusCode != 500 {
				t.Errorf("failing user answers %s", resp.Status)
			}
		} else if resp.StatusCode == 500 {
			t.Errorf("user %s answers 500", u.Text("guid"))
		}
	}
	if failing != 2 {
		t.Errorf("%d users fail, want 2", failing)
	}
}

func TestDisabledUsers(t *testing.T) {
	for _, status := range []int{0, 403, 404, 405, 200} {
		w := calmWorld(t, Config{Seed: 39, DisabledStatus: status})
		want := status
		if want == 0 {
			want = 403
		}
		disabled := 0
		for u := range w.Truth().Users() {
			user := u.Text("guid")
			if !w.Truth().State(user).Disabled {
				continue
			}
			disabled++
			if lit, _ := u.Get("is_disabled"); lit != "true" {
				t.Errorf("is_disabled is %s", lit)
			}
			if resp, _ := get(t, w, "/users/"+user); resp.StatusCode != 200 {
				t.Errorf("the user itself: %s", resp.Status)
			}
			for _, list := range []string{"members", "accounts", "transactions"} {
				resp, body := get(t, w, "/users/"+user+"/"+list)
				if resp.StatusCode != want {
					t.Errorf("%s of a disabled user: %s, want %d", list, resp.Status, want)
				}
				if want == 200 {
					if p, err := parsePage(body); err != nil || len(p.Entries) != 0 || p.Pagination.TotalPages != 1 {
						t.Errorf("%s of a disabled user: %s", list, body)
					}
				}
			}
		}
		if disabled == 0 {
			t.Error("no user is disabled")
		}
	}
}

// Fallback to 25 per page shows in the echo.
func TestFallback(t *testing.T) {
	w := New(Config{Seed: 40, Users: 200, Weather: &Weather{Fallback: 0.5}})
	sizes := map[int]int{}
	for n := range 100 {
		p := getPage(t, w, fmt.Sprintf("/users?records_per_page=100&n=%d", n))
		sizes[p.Pagination.PerPage]++
		if len(p.Entries) != p.Pagination.PerPage {
			t.Errorf("%d entries, echo %d", len(p.Entries), p.Pagination.PerPage)
		}
	}
	if sizes[25] < 30 || sizes[100] < 30 || len(sizes) != 2 {
		t.Errorf("sizes %v", sizes)
	}
}
