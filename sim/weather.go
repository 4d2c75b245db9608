package sim

import "time"

// Weather is how badly the world behaves. Rates are shares between 0 and 1; the
// zero value is Calm. Every decision follows from the seed, the clock, the path
// with its query, and how often that path was asked since the clock last moved,
// not from the order of all requests: a concurrent client meets the same
// weather on each path as a sequential one.
type Weather struct {
	// RateLimit is the share of requests answered 429. Of those, the shares
	// RetryAfterSeconds and RetryAfterDate carry the header, in seconds or as
	// an HTTP date, RetryAfter ahead (rounded up to seconds); the rest have none.
	RateLimit         float64       `json:"rate_limit"`
	RetryAfterSeconds float64       `json:"retry_after_seconds"`
	RetryAfterDate    float64       `json:"retry_after_date"`
	RetryAfter        time.Duration `json:"retry_after_ns"`

	ServerError float64 `json:"server_error"` // 500, 502, 503, 504
	Reset       float64 `json:"reset"`        // the connection breaks without an answer
	Truncate    float64 `json:"truncate"`     // the body ends in the middle

	Slow     float64       `json:"slow"` // the body drips for SlowBody
	SlowBody time.Duration `json:"slow_body_ns"`
	Jitter   time.Duration `json:"jitter_ns"` // up to so much latency more

	// MaxStreak bounds how many requests in a row fail on one path; 0 = no
	// bound. With it a client that tries often enough always gets through.
	MaxStreak int `json:"max_streak"`

	Fallback float64 `json:"fallback"` // share of list requests answered with 25 per page

	// Drift is the share of walks of more than one page in which an entry
	// appears or disappears between two pages. SwapDrift does both at once, so
	// that the total stays and no client that trusts totals can see it.
	Drift     float64 `json:"drift"`
	SwapDrift float64 `json:"swap_drift"`

	Aggregating float64 `json:"aggregating"` // share of healthy members that aggregate while they are read
	Vanishing   float64 `json:"vanishing"`   // share of members deleted while they are read; half of it for users

	FailingUsers int `json:"failing_users"` // users that answer 500 to everything

	OddErrors   float64 `json:"odd_errors"` // share of errors with an empty or HTML body
	ShuffleKeys bool    `json:"shuffle_keys"`
}

// Calm is weather in which nothing goes wrong.
func Calm() Weather { return Weather{} }

// DefaultWeather is what a world starts with: not calm. A client that retries
// gets at least 97 % of the members whole.
func DefaultWeather() Weather {
	return Weather{
		RateLimit:         0.05,
		RetryAfterSeconds: 0.04,
		RetryAfterDate:    0.04,
		RetryAfter:        time.Second,
		ServerError:       0.02,
		Reset:             0.01,
		Truncate:          0.01,
		Slow:              0.01,
		SlowBody:          100 * time.Millisecond,
		Jitter:            2 * time.Millisecond,
		MaxStreak:         3,
		Fallback:          0.005,
		Drift:             0.03,
		Aggregating:       0.02,
		Vanishing:         0.003,
		FailingUsers:      1,
		OddErrors:         0.25,
		ShuffleKeys:       true,
	}
}

// nightState is what weather remembers until the clock moves.
type nightState struct {
	paths map[string]pathState
	asked map[memberID]int // requests about a member
	begun map[string]int   // walks begun, by list
	walks map[string]drift // walks that drift now
}

func newNight() nightState {
	return nightState{
		paths: make(map[string]pathState), asked: make(map[memberID]int),
		begun: make(map[string]int), walks: make(map[string]drift),
	}
}

type pathState struct {
	n      uint32 // requests
	streak int    // failures since the last success
}

// fault is what happens to one request.
type fault uint8

const (
	faultNone fault = iota
	faultRateLimit
	faultServerError
	faultReset
	faultTruncate
	faultSlow
)

// luck is what the weather holds for one request.
type luck struct {
	weather  Weather
	h        uint64 // seed of further decisions about this request
	fault    fault
	fallback bool
	delay    time.Duration
}

// decide draws the luck of a request to path (with its query).
func (w *World) decide(path string) luck {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := luck{weather: w.weather, delay: w.cfg.Latency}
	if l.weather == Calm() {
		return l
	}
	state := w.night.paths[path]
	l.h = hash(hash(hashString(w.seed^saltFault, path), uint64(w.clock)), uint64(state.n))
	state.n++
	l.fault = l.weather.fault(l.h)
	if l.fault == faultNone || l.fault == faultSlow {
		state.streak = 0
	} else if state.streak++; l.weather.MaxStreak > 0 && state.streak > l.weather.MaxStreak {
		state.streak, l.fault = 0, faultNone
	}
	w.night.paths[path] = state
	l.fallback = chance(hash(l.h, saltFallback), l.weather.Fallback)
	if l.weather.Jitter > 0 {
		l.delay += time.Duration(pick(hash(l.h, saltLatency), int(l.weather.Jitter)))
	}
	return l
}

func (w *Weather) fault(h uint64) fault {
	x := float64(h>>11) / (1 << 53)
	for _, f := range [...]struct {
		share float64
		fault fault
	}{
		{w.RateLimit, faultRateLimit}, {w.ServerError, faultServerError}, {w.Reset, faultReset},
		{w.Truncate, faultTruncate}, {w.Slow, faultSlow},
	} {
		if x -= f.share; x < 0 {
			return f.fault
		}
	}
	return faultNone
}

// happen lets the world go on while it is read: a request about a member may
// find that an aggregation started or ended, or that the member or its user is
// gone. Whatever happens is visible in the answer to this very request.
func (w *World) happen(id memberID, hasMember bool, weather Weather) view {
	w.mu.Lock()
	defer w.mu.Unlock()
	if weather.Aggregating == 0 && weather.Vanishing == 0 {
		return view{w, w.clock, w.over}
	}
	h := hash(hash(w.seed, saltVanish), uint64(id.user))
	h = hash(h, uint64(w.clock))
	if _, gone := w.over.users[id.user]; !gone && chance(h, weather.Vanishing/2) && !w.isGiant(id.user) {
		w.edit(func(o *overlay) { putOnce(&o.users, id.user, w.clock) })
	}
	if !hasMember {
		return view{w, w.clock, w.over}
	}
	w.night.asked[id]++
	n := w.night.asked[id]
	h = hash(h, uint64(id.ord)<<8|uint64(id.born)+1)
	switch {
	case chance(h, weather.Vanishing):
		if n == 1+int(hash(h, 1)%4) {
			w.edit(func(o *overlay) { putOnce(&o.members, id, w.clock) })
		}
	case chance(hash(h, 2), weather.Aggregating):
		begin := 1 + int(hash(h, 3)%4)
		if end := begin + 1 + int(hash(h, 4)%4); n == begin && w.canAggregate(id) {
			w.edit(func(o *overlay) { o.addRun(id, run{start: w.clock}) })
		} else if n == end {
			w.edit(func(o *overlay) { o.endRun(id, w.clock) })
		}
	}
	return view{w, w.clock, w.over}
}

// canAggregate reports whether a member is there, healthy, at rest, and was not
// aggregated this very second.
func (w *World) canAggregate(id memberID) bool {
	v := view{w, w.clock, w.over}
	u := w.userAt(id.user)
	n := w.memberCount(&u)
	if !v.hasUser(&u) || v.disabled(&u) || int(id.ord) >= n {
		return false
	}
	m, ok := v.memberAt(&u, id.ord, n)
	if !ok || m.born != id.born {
		return false
	}
	c := v.condition(&m)
	if _, troubled := in(m.spells, w.clock); troubled {
		return false
	}
	return c.status == "CONNECTED" && c.job == "COMPLETED" && !c.aggregating && c.succeeded != 0 && c.succeeded < w.clock
}

// edit replaces the overlay by a changed copy. w.mu is held.
func (w *World) edit(change func(*overlay)) {
	o := w.over.clone()
	change(o)
	w.over = o
}
