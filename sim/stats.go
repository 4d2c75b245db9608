package sim

import (
	"maps"
	"sync"
	"time"
)

// Stats counts what a world served, so that a test can judge its client's
// manners. Endpoints are named by their pattern, for instance
// /users/{u}/members/{m}/transactions.
type Stats struct {
	Requests map[string]map[int]int `json:"requests"` // by endpoint and status; status 0 = connection reset
	Total    int                    `json:"total"`    // requests answered or reset; not those that the client gave up
	Rows     int64                  `json:"rows"`     // records in lists and single reads
	Bytes    int64                  `json:"bytes"`    // of JSON, before compression

	RateLimited     int `json:"rate_limited"`      // answers 429
	InRetryAfter    int `json:"in_retry_after"`    // requests that came while a Retry-After forbade it
	MaxInFlight     int `json:"max_in_flight"`     // requests at the same time, their bodies included
	OpenBodies      int `json:"open_bodies"`       // in-process bodies neither read to the end nor closed
	Resets          int `json:"resets"`            // connections broken
	Truncated       int `json:"truncated"`         // bodies cut short
	Slow            int `json:"slow"`              // bodies dripped
	Drifted         int `json:"drifted"`           // walks whose list changed under them
	Fallbacks       int `json:"fallbacks"`         // list requests answered with another page size than asked
	Misbehaved      int `json:"misbehaved"`        // answers of a Misbehaviour
	Strayed         int `json:"strayed"`           // requests to another host, see Misbehaviour
	StrayedWithKeys int `json:"strayed_with_keys"` // those that carried credentials there
}

// Night is a stretch of requests between two moves of the clock.
type Night struct {
	At     time.Time `json:"at"` // what the clock said
	Served Stats     `json:"served"`
}

// counters is the live form of Stats: since the beginning, and since the clock
// last moved.
type counters struct {
	mu       sync.Mutex
	all      Stats
	night    Stats
	inFlight int
	open     int // in-process bodies handed out and not ended
	holds    int // Retry-After periods running now
}

// note applies a change to both.
func (c *counters) note(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.all)
	change(&c.night)
}

// arrive counts a request in, leave counts it out again.
func (c *counters) arrive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight++
	for _, s := range []*Stats{&c.all, &c.night} {
		s.MaxInFlight = max(s.MaxInFlight, c.inFlight)
		if c.holds > 0 {
			s.InRetryAfter++
		}
	}
}

func (c *counters) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
}

func (c *counters) openBody(by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open += by
}

// holdSlack spares requests that were on their way when a Retry-After was sent,
// and those that come back to the millisecond.
const holdSlack = 10 * time.Millisecond

// hold opens a Retry-After period of length d.
func (c *counters) hold(d time.Duration) {
	if d <= 2*holdSlack {
		return
	}
	shift := func(by int) func() {
		return func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.holds += by
		}
	}
	time.AfterFunc(holdSlack, shift(+1))
	time.AfterFunc(d-holdSlack, shift(-1))
}

func (s *Stats) count(endpoint string, status int) {
	if s.Requests == nil {
		s.Requests = make(map[string]map[int]int)
	}
	if s.Requests[endpoint] == nil {
		s.Requests[endpoint] = make(map[int]int)
	}
	s.Requests[endpoint][status]++
	s.Total++
}

func (s Stats) clone() Stats {
	requests := make(map[string]map[int]int, len(s.Requests))
	for k, v := range s.Requests {
		requests[k] = maps.Clone(v)
	}
	s.Requests = requests
	return s
}

// turn returns the counts since the last turn and begins anew.
func (c *counters) turn() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.night
	c.night = Stats{}
	return s
}

// Stats returns what was served since the world was made.
func (w *World) Stats() Stats {
	w.stats.mu.Lock()
	defer w.stats.mu.Unlock()
	s := w.stats.all.clone()
	s.OpenBodies = w.stats.open
	return s
}

// Nights returns the stretches between the moves of the clock so far, the
// current one last. TruthAt tells what was true on each of them.
func (w *World) Nights() []Night {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := append([]Night(nil), w.nights...)
	w.stats.mu.Lock()
	defer w.stats.mu.Unlock()
	s := w.stats.night.clone()
	s.OpenBodies = w.stats.open
	return append(all, Night{At: time.Unix(w.clock, 0).UTC(), Served: s})
}
