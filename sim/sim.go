// Package sim is a small, deliberately awkward MX that knows the truth.
//
// A World holds users, members, accounts, transactions and owners as MX's
// Atrium API would show them, and serves them over real HTTP (Handler) or in
// process (Transport). It misbehaves by default (Weather), because a client
// that was only ever shown a friendly server is not finished. Whatever the
// weather, Truth says what is true, so that a test can compare an export with
// it row by row and field by field.
//
// Everything in a world is a function of its seed and its clock: rows are
// computed when they are asked for, ten million of them cost no memory, and the
// same configuration and the same calls give the same bytes. The clock stands
// still until Advance moves it; then purchases arrive, pending rows post,
// members go stale and recover, and windows slide.
//
// Inject, or Config.Defects night after night, does to this world what a
// reconciliation is to find: rows that the feed loses, twins, rows under other
// guids, accounts that are merged, items that are never shown, and what only
// looks like it. Defects is the list of what was done, and Why says of any
// transaction what became of it and whether that was a defect or the course of
// things.
//
// The package shares no code with the client on purpose: a mistake made once
// would be made on both sides and no test could see it. FIDELITY.md lists every
// behaviour with its source, and every known difference from MX.
package sim

import (
	"sync"
	"sync/atomic"
	"time"
)

// Config describes a world. The zero value is the recommended one: small,
// awkward, about two hundred users. Where a number says "mean", the individuals
// spread around it.
type Config struct {
	Seed         uint64
	Users        int     // users at the start; 0 = 200
	Members      float64 // mean members per user; 0 = 1.5
	Accounts     float64 // mean accounts per member; 0 = 2.2
	Transactions float64 // mean transactions per account in 90 days; 0 = 120
	Giant        int     // if > 0, one user has about this many transactions in 90 days

	// Start is where the clock begins; zero is 2026-11-20T02:00:00Z. Whole seconds.
	Start time.Time

	// APIKey and ClientID are what MX-API-Key and MX-Client-ID must carry;
	// empty are DefaultAPIKey and DefaultClientID.
	APIKey, ClientID string

	// Latency is slept before every answer, in all weathers.
	Latency time.Duration

	// MaxPageSize is the largest records_per_page that is honoured; 0 = 1000.
	// Beyond it, below 10, or not a number: 25, silently (mx-api.md §1.3).
	MaxPageSize int

	// DisabledStatus answers reads below a disabled user: 403, 404, 405, or 200
	// for empty lists; 0 = 403. What MX does is not known (mx-api.md §7.3).
	DisabledStatus int

	// PagedOwners gives account_owners lists a pagination block and pages.
	PagedOwners bool

	// Unfit is the share of transactions and accounts with one literal that does
	// not fit its column: too many decimals, a malformed timestamp, a wrong
	// type. 0 = 0.0003, negative = none.
	Unfit float64

	// Churn scales how often users and members come, leave and are re-created
	// as the clock moves. 0 = 1, negative = never.
	Churn float64

	// Twins is the share of purchases that are the same as the one before on
	// their day: same shop, amount and text, another guid. 0 = none but by chance.
	Twins float64

	// PostingLag is by how many days later than otherwise posts what does not
	// post at once.
	PostingLag int

	// Defects is how many of each kind (DefectKinds) per 10 000 accounts happen
	// by themselves in each night that Advance passes; of systemic and outage,
	// how many times they happen.
	Defects map[string]float64

	// NoGzip answers uncompressed to clients that offer gzip.
	NoGzip bool

	// Weather at the start; nil is DefaultWeather.
	Weather *Weather
}

// The test credentials a world accepts unless Config says otherwise.
const (
	DefaultAPIKey   = "sim-api-key"
	DefaultClientID = "sim-client-id"
)

const (
	defaultStart    = 1795140000 // 2026-11-20T02:00:00Z
	defaultUnfit    = 0.0003
	defaultPageSize = 25
	minPageSize     = 10
)

func (c Config) withDefaults() Config {
	orInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	orMean := func(v *float64, d float64) {
		if *v <= 0 {
			*v = d
		}
	}
	orText := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	orRate := func(v *float64, d float64) {
		switch {
		case *v == 0:
			*v = d
		case *v < 0:
			*v = 0
		}
	}
	orInt(&c.Users, 200)
	orMean(&c.Members, 1.5)
	orMean(&c.Accounts, 2.2)
	orMean(&c.Transactions, 120)
	orInt(&c.MaxPageSize, 1000)
	orInt(&c.DisabledStatus, 403)
	orText(&c.APIKey, DefaultAPIKey)
	orText(&c.ClientID, DefaultClientID)
	orRate(&c.Unfit, defaultUnfit)
	orRate(&c.Churn, 1)
	if c.Start.IsZero() {
		c.Start = time.Unix(defaultStart, 0)
	}
	return c
}

// World is one pretend MX. It is safe for concurrent use.
type World struct {
	cfg          Config
	seed         uint64
	start        int64 // Unix seconds
	institutions []institution
	index        indexCache
	pages        pagePool
	zips         zipPool
	stats        counters
	serial       atomic.Uint64 // of answers, for X-Request-Id

	mu      sync.Mutex
	clock   int64
	weather Weather
	over    *overlay
	roster  roster
	night   nightState
	nights  []Night
	bad     []Misbehaviour

	defects    []Defect
	injections uint64
}

// New makes a world. It never fails: what Config leaves out is filled in.
func New(c Config) *World {
	c = c.withDefaults()
	w := &World{
		cfg:   c,
		seed:  mix(c.Seed + golden),
		start: c.Start.Unix(),
		over:  &overlay{},
		night: newNight(),
	}
	w.institutions = buildInstitutions(w.seed)
	w.clock = w.start
	w.weather = DefaultWeather()
	if c.Weather != nil {
		w.weather = *c.Weather
	}
	return w
}

// Now is the world's clock: what the Date header says.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Unix(w.clock, 0).UTC()
}

// Advance moves the clock. The time it leaves becomes a Night of Nights. A
// negative duration is ignored: what was served cannot be taken back.
func (w *World) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nights = append(w.nights, Night{At: time.Unix(w.clock, 0).UTC(), Served: w.stats.turn()})
	seconds := int64(d / time.Second)
	for len(w.cfg.Defects) > 0 && seconds > 0 {
		night := min(seconds, secondsPerDay)
		w.befall(night)
		w.clock, seconds = w.clock+night, seconds-night
	}
	w.clock += seconds
	w.night = newNight()
}

// SetWeather changes the weather for the requests that follow.
func (w *World) SetWeather(weather Weather) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.weather = weather
}

// Weather is the weather now.
func (w *World) Weather() Weather {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.weather
}

// view is the world at one instant. It is immutable, so that a page can be
// rendered, or Truth be read, while the world goes on.
type view struct {
	w    *World
	t    int64
	over *overlay
}

func (w *World) view() view {
	w.mu.Lock()
	defer w.mu.Unlock()
	return view{w, w.clock, w.over}
}
