package atrium

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 10 * time.Second
)

// limiter decides when a request may be sent: no more than limit in flight,
// none while the API has asked to wait, none faster than the rate. Whoever has
// waited longest goes first.
//
// The limit follows the answers in rounds. A round has as many requests as the
// limit was when it began: those that begin first. Each of them that is
// throttled takes one from the limit at once, so a round of which a share f is
// throttled leaves limit×(1−f); a round without any adds one. Answers to
// requests that began before the round say nothing about its limit and do not
// count, so that what one round trip brings is one signal.
//
// A round that went mostly wrong is also followed by a pause for everyone,
// jittered, which doubles with every such round in a row; and one in which
// nothing was answered at all sets the limit back to one.
type limiter struct {
	mu       sync.Mutex
	max      int
	limit    int
	inflight int
	queue    []*waiter
	resume   time.Time // nothing begins before
	rate     *rate.Limiter
	alarm    *time.Timer // looks at the queue again when resume or rate allow it
	round    round
	strikes  int   // rounds in a row that went mostly wrong
	end      error // of the run
	random   func() float64
}

// round counts the requests of one round, and what became of them.
type round struct {
	number                         int
	size                           int // how many belong to it
	begun, done, throttled, failed int
	beyond                         int  // answers to requests begun in it beyond its size
	doubt                          bool // one of those was no good
}

type waiter struct {
	ready chan struct{}
	tk    ticket
}

// ticket is the right to send one request.
type ticket struct {
	round  int
	member bool // of the round's first size requests
}

// signal is what an answer says about the load.
type signal uint8

const (
	answered  signal = iota // the API did its work, or said no for good
	throttled               // too much, too fast
	failed                  // no answer, or that of something broken
	unsent                  // given up by the caller; says nothing
)

func newLimiter(concurrency int, rps float64, random func() float64) *limiter {
	l := &limiter{max: concurrency, limit: concurrency, random: random}
	if rps > 0 {
		l.rate = rate.NewLimiter(rate.Limit(rps), 1)
	}
	l.round.size = l.limit
	return l
}

// acquire waits for the right to send. It fails when ctx is done or the run
// has ended.
func (l *limiter) acquire(ctx context.Context) (ticket, error) {
	if err := ctx.Err(); err != nil {
		return ticket{}, err
	}
	w := &waiter{ready: make(chan struct{})}
	l.mu.Lock()
	if l.end != nil {
		defer l.mu.Unlock()
		return ticket{}, l.end
	}
	l.queue = append(l.queue, w)
	l.grant()
	l.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.queue, w); i >= 0 { // never granted
		l.queue = slices.Delete(l.queue, i, i+1)
		if l.end != nil {
			return ticket{}, l.end
		}
		return ticket{}, ctx.Err()
	}
	err := ctx.Err()
	if l.end != nil {
		err = l.end
	}
	if err != nil {
		l.count(w.tk, unsent)
		l.grant()
	}
	return w.tk, err
}

// grant lets waiters go, as many as may. Called with mu held.
func (l *limiter) grant() {
	for len(l.queue) > 0 && l.inflight < l.limit && l.end == nil {
		now := time.Now()
		if wait := l.resume.Sub(now); wait > 0 {
			l.wake(wait)
			return
		}
		if l.rate != nil && !l.rate.AllowN(now, 1) {
			missing := (1 - l.rate.TokensAt(now)) / float64(l.rate.Limit())
			l.wake(time.Duration(missing*float64(time.Second)) + time.Microsecond)
			return
		}
		w := l.queue[0]
		l.queue = slices.Delete(l.queue, 0, 1)
		l.inflight++
		w.tk = ticket{round: l.round.number, member: l.round.begun < l.round.size}
		if w.tk.member {
			l.round.begun++
		}
		close(w.ready)
	}
}

// wake calls grant again after d. Called with mu held.
func (l *limiter) wake(d time.Duration) {
	if l.alarm != nil {
		l.alarm.Reset(d)
		return
	}
	l.alarm = time.AfterFunc(d, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.grant()
	})
}

// release ends a request, and holds everyone back for as long as its answer
// asked.
func (l *limiter) release(tk ticket, s signal, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pause(after)
	l.count(tk, s)
	l.grant()
}

// stop ends the run: nothing is granted any more, and every waiter gets err.
func (l *limiter) stop(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end != nil {
		return
	}
	l.end = err
	for _, w := range l.queue {
		close(w.ready)
	}
}

// pause lets nothing begin for d. Called with mu held.
func (l *limiter) pause(d time.Duration) {
	if t := time.Now().Add(min(d, 2*maxRetryAfter)); d > 0 && t.After(l.resume) {
		l.resume = t
	}
}

// count takes an answer into account. Called with mu held.
func (l *limiter) count(tk ticket, s signal) {
	l.inflight--
	r := &l.round
	switch {
	case tk.round != r.number:
		return
	case s == unsent && tk.member:
		r.begun--
	case s == unsent:
	case !tk.member:
		r.beyond++
		r.doubt = r.doubt || s != answered
	default:
		r.done++
		switch s {
		case throttled:
			r.throttled++
			l.limit = max(1, l.limit-1)
		case failed:
			r.failed++
		}
	}
	// One answer that does not come must not keep the limit from following.
	if r.done == r.size || r.beyond >= r.size {
		l.endRound()
	}
}

func (l *limiter) endRound() {
	r := l.round
	wrong := r.throttled
	if r.throttled+r.failed == r.done && r.done > 0 {
		wrong = r.done
		if r.failed > 0 {
			l.limit = 1
		}
	} else if r.throttled == 0 && !r.doubt {
		l.limit = min(l.max, l.limit+1)
	}
	if 2*wrong >= max(1, r.done) {
		l.strikes++
	} else {
		l.strikes = 0
	}
	if wrong > 0 {
		longest := min(maxPause, firstPause<<min(l.strikes, 16))
		l.pause(time.Duration(l.random() * float64(longest) * float64(wrong) / float64(r.done)))
	}
	l.round = round{number: r.number + 1, size: l.limit}
}

func (l *limiter) state() (inflight, limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inflight, l.limit
}
