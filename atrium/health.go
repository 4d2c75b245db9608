package atrium

import (
	"fmt"
	"sync"
	"time"
)

// How long is enough. A call is one request of the caller with its retries.
const (
	maxFailures   = 6                // tries of a call that failed
	maxThrottled  = 20               // tries of a call that were throttled
	maxWait       = 30 * time.Minute // from a call's first failure to its last try
	maxRetryAfter = 15 * time.Minute // an API that asks for more ends the run
	firstBackoff  = 500 * time.Millisecond
	maxBackoff    = 30 * time.Second

	// Every success pays for a quarter of a retry after a failure; throttled
	// requests are held back by the limiter instead.
	perSuccess = 0.25

	// A run ends when this much has gone by without any success: either 4
	// failures for each request that may be in flight and minOutage, or
	// fewer, very slow ones and maxOutage.
	perSlot   = 4
	minOutage = 2 * time.Minute
	maxOutage = 15 * time.Minute
	fewest    = 8

	// A host that was there and takes no connection any more is given up
	// sooner: after as many tries without any answer, and this long.
	maxGone = 90 * time.Second
	// From so many on a call waits for the host, and does not fail by itself:
	// its user would be a gap for what is no fault of its own.
	hostGone = 4
)

// patience counts what one call has been through.
type patience struct {
	failures, throttled int
	since               time.Time // of the first of them
}

// health is what a run has been through.
type health struct {
	mu       sync.Mutex
	slots    int
	works    bool      // something has succeeded
	budget   float64   // retries after failures that the run can still afford
	failures int       // tries in a row, of all calls, none of which succeeded
	since    time.Time // of the first of them
	told     bool      // one of them said when to come back
	gone     int       // tries in a row without a connection, of all calls
	goneFrom time.Time // the first of them
}

func newHealth(slots int) *health {
	return &health{slots: slots, budget: float64(10 * slots)}
}

func (h *health) succeeded() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.works
}

func (h *health) success() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.works = true
	h.budget = min(h.budget+perSuccess, float64(10*h.slots))
	h.failures, h.gone = 0, 0
}

// alive notes an answer that is no success, but one of an API that works.
func (h *health) alive() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures, h.gone = 0, 0
}

// lost reports whether the host seems to be gone. It was there once: one that
// never was is a wrong address, which need not be waited for.
func (h *health) lost() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.works && h.gone >= hostGone
}

// retry takes a retry after a failure from the budget.
func (h *health) retry() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.budget < 1 {
		return false
	}
	h.budget--
	return true
}

// failed notes a failed try, and reports whether the API is to be given up.
func (h *health) failed(e *Error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if h.failures == 0 {
		h.since, h.told = now, false
	}
	h.failures++
	h.told = h.told || e.RetryAfter > 0
	switch {
	case e.Status != 0:
		h.gone = 0
	case e.unconnected:
		if h.gone++; h.gone == 1 {
			h.goneFrom = now
		}
		if h.works && h.gone >= fewest && now.Sub(h.goneFrom) >= maxGone {
			return true
		}
	}
	gone := now.Sub(h.since)
	return !h.told && h.failures >= perSlot*h.slots && gone >= minOutage ||
		h.failures >= fewest && gone >= maxOutage
}

// judgeRun decides what a failed try means beyond itself: whether the call
// goes on, and after what wait, and whether the run does.
func (c *Client) judgeRun(e *Error, p *patience) (wait time.Duration, again bool) {
	if e.throttled {
		c.rateLimited.Add(1)
	}
	if e.ends {
		return 0, false
	}
	if !e.again {
		c.health.alive()
		return 0, false
	}
	waiting := c.health.lost()
	if c.health.failed(e) {
		e.ends, e.Err = true, because(ErrUnreachable, e.Err)
		e.Hint = "check the network and MX's status page; the same command goes on where it stopped"
		if e.throttled {
			e.Err = ErrQuota
			e.Hint = "the API answers every request with asking for fewer; lower --concurrency or --rps and run the same command again later"
		}
		return 0, false
	}
	if e.unconnected && c.health.lost() {
		if !waiting {
			c.log.Warn("the API cannot be reached; the run stops if it stays so", "for", maxGone.String(), "error", e.Err.Error())
		}
		return time.Duration(c.random() * float64(maxBackoff)), true
	}
	if p.failures+p.throttled == 0 {
		p.since = time.Now()
	}
	tries := &p.failures
	if e.throttled {
		tries = &p.throttled
	}
	*tries++
	if p.failures >= maxFailures || p.throttled >= maxThrottled || time.Since(p.since) > maxWait {
		return 0, false
	}
	if !e.throttled && !c.health.retry() {
		e.Err = because(errBudget, e.Err)
		return 0, false
	}
	if e.RetryAfter > 0 {
		return 0, true // the limiter holds everyone back for so long
	}
	longest := min(maxBackoff, firstBackoff<<min(*tries-1, 16))
	return time.Duration(c.random() * float64(longest)), true
}

// because adds the cause, if there is one, to what it led to.
func because(err, cause error) error {
	if cause == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

func (e *Error) signal() signal {
	switch {
	case e.throttled:
		return throttled
	case e.again:
		return failed
	}
	return answered
}
