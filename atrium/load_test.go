package atrium

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tallyport/schemas"
)

// api is an MX that takes latency for each request and answers what decide
// says, and measures what reaches it.
type api struct {
	latency time.Duration
	decide  func(s *api, r *http.Request) *http.Response // nil: the user; called with mu held

	mu       sync.Mutex
	rnd      *rand.Rand
	inflight int
	most     int           // in flight at once
	busy     time.Duration // in flight, summed over requests
	requests int
	arrivals []time.Time
}

func (s *api) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.requests++
	s.arrivals = append(s.arrivals, time.Now())
	s.inflight++
	s.most = max(s.most, s.inflight)
	resp := s.decide(s, r)
	s.mu.Unlock()
	latency := s.latency
	if resp != nil && resp.StatusCode == http.StatusTooManyRequests {
		latency = s.latency / 10 // saying no is quick
	}
	time.Sleep(latency)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inflight--
	s.busy += latency
	if resp == nil {
		return reply(http.StatusOK, `{"user":{"guid":"U"}}`), nil
	}
	if resp.StatusCode == 0 {
		return nil, syscall.ECONNRESET
	}
	return resp, nil
}

// load is what came of calls made by many goroutines.
type load struct {
	failed  int // calls without a row
	gaps    int // of them, those that did not end the run
	reasons map[schemas.Reason]int
	err     error // that ended the run
	took    time.Duration
	limit   float64 // average, over time
}

// run makes calls from 64 goroutines until there were n or the run ends.
func (s *api) run(t *testing.T, c *Client, n int) load {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		l     = load{reasons: map[schemas.Reason]int{}}
		start = time.Now()
		done  = make(chan struct{})
		left  = n
	)
	go func() { // samples the limit
		sum, samples := 0, 0
		for {
			select {
			case <-done:
				l.limit = float64(sum) / float64(max(1, samples))
				done <- struct{}{}
				return
			case <-time.After(10 * time.Millisecond):
				sum += c.Stats().Limit
				samples++
			}
		}
	}()
	for range 64 {
		wg.Go(func() {
			for {
				mu.Lock()
				left--
				over := left < 0
				mu.Unlock()
				if over {
					return
				}
				rows, w, err := c.Read(t.Context(), usersList, "U")
				mu.Lock()
				if rows.Len() == 0 {
					l.failed++
					l.reasons[w.Reason]++
					if err == nil {
						l.gaps++
					}
				}
				if err != nil {
					l.err = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	l.took = time.Since(start)
	done <- struct{}{}
	<-done
	if inflight, _ := c.limiter.state(); inflight != 0 {
		t.Errorf("%d slots are lost", inflight)
	}
	if s.most > c.limiter.max {
		t.Errorf("%d requests at once, %d are allowed", s.most, c.limiter.max)
	}
	return l
}

// simulate runs n calls against an api in a bubble of its own.
func simulate(t *testing.T, o Options, s *api, n int, check func(t *testing.T, c *Client, l load)) {
	t.Helper()
	simulateOver(t, s, o, s, n, check)
}

// simulateOver is simulate with something between the client and the server.
func simulateOver(t *testing.T, rt http.RoundTripper, o Options, s *api, n int, check func(t *testing.T, c *Client, l load)) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		s.rnd = rand.New(rand.NewPCG(seed, 1))
		if s.latency == 0 {
			s.latency = 100 * time.Millisecond
		}
		c := newClient(t, rt, o)
		mine := rand.New(rand.NewPCG(seed, 2))
		var mu sync.Mutex
		c.random = func() float64 {
			mu.Lock()
			defer mu.Unlock()
			return mine.Float64()
		}
		l := s.run(t, c, n)
		t.Logf("%d calls: %d requests in %v, average limit %.1f, average in flight %.2f, failed %v, %v",
			n, s.requests, l.took.Round(time.Millisecond), l.limit, s.busy.Seconds()/l.took.Seconds(), l.reasons, l.err)
		check(t, c, l)
	})
}

func tooMany(headers ...string) *http.Response {
	return reply(http.StatusTooManyRequests, "", headers...)
}

// In calm weather everything is in flight that may be.
func TestLoadCalm(t *testing.T) {
	s := &api{decide: func(*api, *http.Request) *http.Response { return nil }}
	simulate(t, Options{}, s, 3200, func(t *testing.T, c *Client, l load) {
		if l.failed > 0 || l.err != nil || s.requests != 3200 || l.took != 20*time.Second || s.most != 16 {
			t.Errorf("%+v, %d at once", l, s.most)
		}
	})
}

// One request in twenty refused at random is no reason to go slow.
func TestLoadFivePercent(t *testing.T) {
	s := &api{decide: func(s *api, _ *http.Request) *http.Response {
		if s.rnd.IntN(20) == 0 {
			return tooMany()
		}
		return nil
	}}
	simulate(t, Options{}, s, 10_000, func(t *testing.T, c *Client, l load) {
		if l.failed > 0 || l.err != nil || l.limit < 6 {
			t.Errorf("%+v", l)
		}
		if s.requests > 10_800 {
			t.Errorf("%d requests", s.requests)
		}
		if rate := 10_000 / l.took.Seconds(); rate < 50 { // 160 without refusals
			t.Errorf("%.0f calls a second", rate)
		}
	})
}

// Every second one is: then few are sent, ever more slowly, and none is lost.
func TestLoadFiftyPercent(t *testing.T) {
	s := &api{decide: func(s *api, _ *http.Request) *http.Response {
		if s.rnd.IntN(2) == 0 {
			return tooMany()
		}
		return nil
	}}
	simulate(t, Options{}, s, 2000, func(t *testing.T, c *Client, l load) {
		if l.err != nil || l.failed > 5 || l.limit > 3 {
			t.Errorf("%+v", l)
		}
		if inflight := s.busy.Seconds() / l.took.Seconds(); inflight > 1.5 {
			t.Errorf("%.2f in flight on average", inflight)
		}
		if rate := float64(s.requests) / l.took.Seconds(); rate > 15 { // 290 with 16 in flight
			t.Errorf("%.0f requests a second", rate)
		}
	})
}

// A server that takes four at a time gets four or five.
func TestLoadFourAtOnce(t *testing.T) {
	serving := 0
	s := &api{decide: func(s *api, r *http.Request) *http.Response {
		if serving >= 4 {
			return tooMany()
		}
		serving++
		time.AfterFunc(s.latency-time.Millisecond, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			serving--
		})
		return nil
	}}
	simulate(t, Options{}, s, 4000, func(t *testing.T, c *Client, l load) {
		if l.err != nil || l.failed > 0 || l.limit < 3.5 || l.limit > 5.5 {
			t.Errorf("%+v", l)
		}
		if rate := 4000 / l.took.Seconds(); rate < 30 { // 40 at best
			t.Errorf("%.1f calls a second", rate)
		}
		if s.requests > 5000 {
			t.Errorf("%d requests for 4000 calls", s.requests)
		}
	})
}

// When the refusals stop, everything is in flight again soon.
func TestLoadRecovers(t *testing.T) {
	var start time.Time
	s := &api{decide: func(s *api, _ *http.Request) *http.Response {
		if s.requests == 1 {
			start = time.Now()
		}
		if time.Since(start) < time.Minute {
			return tooMany()
		}
		return nil
	}}
	simulate(t, Options{}, s, 5000, func(t *testing.T, c *Client, l load) {
		if l.err != nil || l.failed > 0 || c.Stats().Limit != 16 || l.took > 2*time.Minute {
			t.Errorf("%+v, limit %d", l, c.Stats().Limit)
		}
		first := 0
		for _, a := range s.arrivals {
			if a.Sub(s.arrivals[0]) < time.Minute {
				first++
			}
		}
		if first > 100 {
			t.Errorf("%d requests in the minute without answers", first)
		}
	})
}

// Nothing is sent to anyone while a Retry-After runs, in either form, whatever
// the clock of the server says.
func TestLoadRetryAfter(t *testing.T) {
	var until time.Time
	inside, told := 0, 0
	s := &api{latency: 50 * time.Millisecond}
	s.decide = func(s *api, _ *http.Request) *http.Response {
		now := time.Now()
		if now.Before(until) {
			inside++
		}
		if s.rnd.IntN(100) > 0 {
			return nil
		}
		told++
		wait := time.Duration(1+s.rnd.IntN(90)) * time.Second
		status := []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}[s.rnd.IntN(2)]
		latency := s.latency
		if status == http.StatusTooManyRequests {
			latency /= 10
		}
		// The client knows as soon as the answer is there.
		time.AfterFunc(latency+time.Nanosecond, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if end := now.Add(latency + wait); end.After(until) {
				until = end
			}
		})
		skewed := now.Add(time.Duration(s.rnd.IntN(200)-100) * time.Hour).UTC()
		after := strconv.Itoa(int(wait / time.Second))
		if s.rnd.IntN(2) == 0 {
			after = skewed.Add(wait).Format([]string{http.TimeFormat, time.RFC850, time.ANSIC}[s.rnd.IntN(3)])
		}
		return reply(status, "", "Retry-After", after, "Date", skewed.Format(http.TimeFormat))
	}
	simulate(t, Options{}, s, 10_000, func(t *testing.T, c *Client, l load) {
		if l.err != nil || l.failed > 0 || inside > 0 || told < 50 {
			t.Errorf("%d requests inside %d windows; %+v", inside, told, l)
		}
		if st := c.Stats(); st.Requests != int64(s.requests) || st.RateLimited != int64(told) || st.Retried != int64(told) {
			t.Errorf("%+v, %d answers said when to come back", st, told)
		}
	})
}

// A Retry-After of a quarter of an hour is waited for; more ends the run.
func TestQuota(t *testing.T) {
	for after, want := range map[string]error{"900": nil, "901": ErrQuota, "99999999999999999999": ErrQuota, "10000000000": ErrQuota, "Sun, 06 Nov 2044 08:49:37 GMT": ErrQuota, "0": nil, "-1": nil, "soon": nil} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			c := newClient(t, transport(func(*http.Request) (*http.Response, error) {
				if requests++; requests == 1 {
					return tooMany("Retry-After", after), nil
				}
				return reply(200, `{"user":{"guid":"U"}}`), nil
			}), Options{})
			start := time.Now()
			_, w, err := c.Read(t.Context(), usersList, "U")
			if !errors.Is(err, want) || want == nil && (w.Reason != "" || requests != 2) {
				t.Errorf("%s: %v, %+v", after, err, w)
			}
			if after == "900" && time.Since(start) != 15*time.Minute {
				t.Errorf("waited %v", time.Since(start))
			}
			var e *Error
			if want != nil && (!errors.As(err, &e) || e.RetryAfter <= maxRetryAfter || e.Hint == "" || requests != 1) {
				t.Errorf("%s: %v", after, err)
			}
		})
	}
}

// A server that refuses for ever ends the run as a quota, with few requests;
// one that keeps saying when to come back is believed for a quarter of an hour.
func TestLoadRefusedForEver(t *testing.T) {
	for _, c := range []struct {
		headers  []string
		requests int
		from, to time.Duration
	}{
		{nil, 70, minOutage, 8 * time.Minute},
		{[]string{"Retry-After", "30"}, 70, maxOutage, maxOutage + time.Minute},
		{[]string{"Retry-After", "3"}, 350, maxOutage, maxOutage + time.Minute},
	} {
		s := &api{decide: func(*api, *http.Request) *http.Response { return tooMany(c.headers...) }}
		simulate(t, Options{}, s, 10_000, func(t *testing.T, client *Client, l load) {
			if !errors.Is(l.err, ErrQuota) || errors.Is(l.err, ErrUnreachable) || s.requests > c.requests || l.took < c.from || l.took > c.to {
				t.Errorf("%+v, %d requests", l, s.requests)
			}
			if l.failed > 64 { // no more than were called when the run ended
				t.Errorf("%d calls failed", l.failed)
			}
		})
	}
}

// An outage ends the run after minutes; users do not become gaps meanwhile,
// and the load falls.
func TestLoadOutage(t *testing.T) {
	for name, answer := range map[string]func() *http.Response{
		"resets": func() *http.Response { return &http.Response{} },
		"500":    func() *http.Response { return reply(500, "") },
		"502":    func() *http.Response { return reply(502, "<html>", "Content-Type", "text/html") },
	} {
		t.Run(name, func(t *testing.T) {
			calm := 1000
			s := &api{decide: func(s *api, _ *http.Request) *http.Response {
				if s.requests <= calm {
					return nil
				}
				return answer()
			}}
			simulate(t, Options{}, s, 100_000, func(t *testing.T, c *Client, l load) {
				if !errors.Is(l.err, ErrUnreachable) || l.failed > 64 || l.took < minOutage || l.took > 8*time.Minute {
					t.Errorf("%+v", l)
				}
				if s.requests-calm > 200 {
					t.Errorf("%d requests during the outage", s.requests-calm)
				}
			})
		})
	}
}

// A host that dies ends the run within minutes, however few are in flight and
// whatever was said of coming back before; no user becomes a gap for it.
func TestLoadHostDies(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, concurrency := range []int{1, 2, 16, 64} {
		s := &api{decide: func(s *api, _ *http.Request) *http.Response {
			if s.requests == 500 {
				return tooMany("Retry-After", "5")
			}
			return nil
		}}
		var died time.Time
		dies := transport(func(r *http.Request) (*http.Response, error) {
			s.mu.Lock()
			dead := s.requests >= 500
			if dead && died.IsZero() {
				died = time.Now()
			}
			s.mu.Unlock()
			if dead {
				return nil, refused
			}
			return s.RoundTrip(r)
		})
		simulateOver(t, dies, Options{Concurrency: concurrency}, s, 100_000, func(t *testing.T, c *Client, l load) {
			took := time.Since(died)
			if !errors.Is(l.err, ErrUnreachable) || !errors.Is(l.err, errRefusedConn) || took < maxGone || took > 4*time.Minute {
				t.Errorf("%d in flight: %v after it died: %+v", concurrency, took, l)
			}
			if l.gaps > 0 {
				t.Errorf("%d in flight: %d gaps", concurrency, l.gaps)
			}
		})
	}
}

// A host that is away for a minute costs a minute, and no user.
func TestLoadHostComesBack(t *testing.T) {
	s := &api{decide: func(*api, *http.Request) *http.Response { return nil }}
	var died time.Time
	away := transport(func(r *http.Request) (*http.Response, error) {
		s.mu.Lock()
		if s.requests == 500 && died.IsZero() {
			died = time.Now()
		}
		gone := !died.IsZero() && time.Since(died) < time.Minute
		s.mu.Unlock()
		if gone {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
		}
		return s.RoundTrip(r)
	})
	simulateOver(t, away, Options{}, s, 2000, func(t *testing.T, _ *Client, l load) {
		if l.err != nil || l.failed > 0 || l.took > 4*time.Minute {
			t.Errorf("%+v", l)
		}
	})
}

// An outage of a minute costs a minute, and no user.
func TestLoadShortOutage(t *testing.T) {
	var from time.Time
	s := &api{}
	s.decide = func(s *api, _ *http.Request) *http.Response {
		if s.requests == 1000 {
			from = time.Now()
		}
		if s.requests >= 1000 && time.Since(from) < time.Minute {
			return &http.Response{}
		}
		return nil
	}
	simulate(t, Options{}, s, 5000, func(t *testing.T, c *Client, l load) {
		if l.err != nil || l.failed > 0 || l.took > 130*time.Second || c.Stats().Limit != 16 {
			t.Errorf("%+v", l)
		}
	})
}

// What always fails, among much that works, becomes gaps: it neither ends the
// run nor multiplies its requests without bound.
func TestLoadSomeAlwaysFail(t *testing.T) {
	calls := 0
	s := &api{decide: func(s *api, _ *http.Request) *http.Response {
		if s.rnd.IntN(10) < 4 {
			calls++
			return reply(500, "")
		}
		return nil
	}}
	simulate(t, Options{}, s, 20_000, func(t *testing.T, c *Client, l load) {
		if l.err != nil || l.reasons[schemas.HTTPError] != l.failed || l.failed == 0 {
			t.Errorf("%+v", l)
		}
		// Retries: the budget of the start, and a quarter of one for each success.
		if most := 20_000 + 160 + (20_000-l.failed)/4; s.requests > most || int(c.Stats().Retried) > most-20_000 {
			t.Errorf("%d requests, at most %d should be", s.requests, most)
		}
		if c.Stats().Limit != 16 {
			t.Errorf("limit %d: failures are not throttling", c.Stats().Limit)
		}
	})
}

// No second has more requests than --rps says.
func TestLoadRPS(t *testing.T) {
	for _, rps := range []float64{0.5, 7, 100} {
		s := &api{decide: func(*api, *http.Request) *http.Response { return nil }}
		simulate(t, Options{RPS: rps}, s, 70, func(t *testing.T, c *Client, l load) {
			for i := range s.arrivals {
				for j := i; j < len(s.arrivals); j++ {
					gap := s.arrivals[j].Sub(s.arrivals[i]).Seconds()
					if n := float64(j - i); n > gap*rps+1e-6 {
						t.Fatalf("%v requests after another within %v s at %v a second", n, gap, rps)
					}
				}
			}
			if want := 69 / rps; l.took.Seconds() > want+1 {
				t.Errorf("took %v, want about %v s", l.took, want)
			}
		})
	}
}
