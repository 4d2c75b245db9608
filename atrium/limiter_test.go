package atrium

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tallyport/schemas"
)

// A caller that gives up leaves no trace: neither in the queue nor in a pause.
func TestCancelWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &api{rnd: rand.New(rand.NewPCG(1, 1)), latency: time.Second}
		s.decide = func(s *api, r *http.Request) *http.Response {
			if strings.HasSuffix(r.URL.Path, "wait") {
				return tooMany("Retry-After", "600")
			}
			return nil
		}
		c := newClient(t, s, Options{Concurrency: 2})
		var wg sync.WaitGroup
		for i := range 40 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*300*time.Millisecond)
			defer cancel()
			wg.Go(func() {
				_, w, err := c.Read(ctx, usersList, fmt.Sprintf("U%d", i))
				if err != nil && (!errors.Is(err, context.DeadlineExceeded) || w.Reason != schemas.Interrupted) {
					t.Errorf("%v, %v", err, w.Reason)
				}
			})
		}
		wg.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		if _, _, err := c.Read(ctx, usersList, "wait"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if inflight, _ := c.limiter.state(); inflight != 0 || len(c.limiter.queue) != 0 {
			t.Errorf("%d in flight, %d waiting", inflight, len(c.limiter.queue))
		}
		time.Sleep(10 * time.Minute)
		if rows, w, err := c.Read(t.Context(), usersList, "U"); err != nil || rows.Len() != 1 {
			t.Error(err, w)
		}
		cancelled, stop := context.WithCancel(t.Context())
		stop()
		before := s.requests
		if _, _, err := c.Read(cancelled, usersList, "U"); !errors.Is(err, context.Canceled) || s.requests != before {
			t.Error(err)
		}
	})
}

// When the run ends, everyone who waits is told, and nothing more is sent.
func TestEndWakesEveryone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &api{rnd: rand.New(rand.NewPCG(1, 1)), latency: time.Second}
		s.decide = func(s *api, r *http.Request) *http.Response { return reply(401, "") }
		c := newClient(t, s, Options{Concurrency: 3})
		start := time.Now()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, w, err := c.Read(t.Context(), usersList, "U"); !errors.Is(err, ErrRefused) || w.Reason != schemas.Refused {
					t.Errorf("%v, %v", err, w.Reason)
				}
			})
		}
		wg.Wait()
		if s.requests != 3 || time.Since(start) != time.Second {
			t.Errorf("%d requests in %v", s.requests, time.Since(start))
		}
	})
}

// Pauses for everyone double with every round that went wrong, up to ten
// seconds, and begin again after one that did not.
func TestPausesDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(4, 0, func() float64 { return 1 })
		step := func(s signal) (gap time.Duration) {
			before := time.Now()
			var tickets []ticket
			for range l.limit {
				tk, err := l.acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				tickets = append(tickets, tk)
			}
			gap = time.Since(before)
			for _, tk := range tickets {
				l.release(tk, s, 0)
			}
			return gap
		}
		var gaps []time.Duration
		for range 10 {
			gaps = append(gaps, step(throttled).Round(time.Millisecond))
		}
		ms := time.Millisecond
		want := []time.Duration{0, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 10_000 * ms, 10_000 * ms, 10_000 * ms}
		if !slices.Equal(gaps, want) {
			t.Errorf("pauses %v, want %v", gaps, want)
		}
		if step(answered); l.limit != 2 || step(answered) != 0 || l.limit != 3 {
			t.Errorf("limit %d after two good rounds", l.limit)
		}
		step(throttled)
		if gap := step(answered); gap != 200*ms {
			t.Errorf("pause %v after a good round", gap)
		}
	})
}

// hold acquires n tickets.
func hold(t *testing.T, l *limiter, n int) (tickets []ticket) {
	t.Helper()
	for range n {
		tk, err := l.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, tk)
	}
	return tickets
}

// An answer to a request that began under an earlier limit says nothing about
// this one; a slow one does not keep the limit from following.
func TestOldAnswersDoNotCount(t *testing.T) {
	l := newLimiter(8, 0, func() float64 { return 0 })
	l.limit, l.round.size = 2, 2
	slow := hold(t, l, 2)
	l.release(slow[0], answered, 0)
	for range 2 {
		l.release(hold(t, l, 1)[0], answered, 0)
	}
	if l.limit != 3 || l.round.number != 1 {
		t.Fatalf("limit %d in round %d after a round with a slow answer", l.limit, l.round.number)
	}
	l.release(slow[1], throttled, 0)
	if l.limit != 3 || l.round.done != 0 {
		t.Errorf("limit %d, %+v after an answer from an earlier round", l.limit, l.round)
	}
	// What was refused beyond the round is no reason to send more.
	slow = hold(t, l, 3)
	l.release(slow[1], answered, 0)
	for range 3 {
		l.release(hold(t, l, 1)[0], throttled, 0)
	}
	if l.limit != 3 || l.round.number != 2 {
		t.Errorf("limit %d in round %d after refusals beyond the round", l.limit, l.round.number)
	}
}

// A request that was never sent leaves its place in the round to another.
func TestUnsentDoesNotCount(t *testing.T) {
	l := newLimiter(4, 0, func() float64 { return 0 })
	l.release(hold(t, l, 1)[0], unsent, 0)
	for _, s := range []signal{answered, answered, answered, throttled} {
		l.release(hold(t, l, 1)[0], s, 0)
	}
	if l.limit != 3 || l.round.number != 1 || l.inflight != 0 {
		t.Errorf("limit %d in round %d, %d in flight", l.limit, l.round.number, l.inflight)
	}
}

// Who is let go in the moment of giving up does not keep the place.
func TestGrantAndCancelAtOnce(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(1, 0, func() float64 { return 0 })
			held := hold(t, l, 1)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, func() {
				l.release(held[0], answered, 0)
				cancel()
			})
			tk, err := l.acquire(ctx)
			synctest.Wait()
			if err == nil {
				l.release(tk, answered, 0)
			}
			if inflight, _ := l.state(); inflight != 0 || len(l.queue) != 0 {
				t.Fatalf("%d in flight, %d waiting after %v", inflight, len(l.queue), err)
			}
		})
	}
}

// A caller that gives up is not a failure of the API.
func TestCancelInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, transport(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), Options{})
		budget := c.health.budget
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, w, err := c.Read(ctx, usersList, "U")
		if !errors.Is(err, context.DeadlineExceeded) || w.Reason != schemas.Interrupted || c.health.failures != 0 || c.health.budget != budget || c.Stats().Requests != 1 {
			t.Errorf("%v, %+v, %+v", err, w, c.health)
		}
	})
}

// Nor is one that gives up between two tries.
func TestCancelBetweenTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, transport(func(*http.Request) (*http.Response, error) { return reply(500, ""), nil }), Options{})
		c.random = func() float64 { return 1 }
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, w, err := c.Read(ctx, usersList, "U")
		if !errors.Is(err, context.DeadlineExceeded) || w.Reason != schemas.Interrupted || w.HTTPStatus != 500 || time.Since(start) != 100*time.Millisecond {
			t.Errorf("%v after %v, %+v", err, time.Since(start), w)
		}
	})
}
