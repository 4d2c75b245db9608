package atrium

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"

	"tallyport/schemas"
)

// PageSizeAuto asks for the largest pages that each list honours: it is found
// out once per client and list.
const PageSizeAuto = -1

const (
	defaultConcurrency = 16
	defaultPageSize    = 100
	defaultTimeout     = 60 * time.Second // one recorded list took 11.5 s (§1.1)
	dialTimeout        = 10 * time.Second
	largestPageSize    = 1000
)

// Options of a Client. The zero value is the recommended setting.
type Options struct {
	// Transport sends the requests; nil is a pool of connections of the
	// client's own. It is never asked to follow a redirect.
	Transport http.RoundTripper
	// Concurrency is the most requests in flight; 0 is 16. Fewer are when the
	// API answers that it is too many.
	Concurrency int
	// RPS is the most requests a second, without bursts; 0 is no limit.
	RPS float64
	// PageSize is the number of records asked for in a page; 0 is 100. See
	// PageSizeAuto.
	PageSize int
	// Timeout is how long an answer may take to begin, and to go on; 0 is one
	// minute. A whole answer may take five times as long.
	Timeout time.Duration
	// ProxyFromEnvironment sends through the proxies that HTTPS_PROXY names.
	ProxyFromEnvironment bool
	// Logger gets one line per request, at debug level; nil is none.
	Logger *slog.Logger
}

// Client reads from one API with one set of keys. Its methods may be called
// from any number of goroutines. It serves one run: once an error has ended
// that, every call returns the error, and nothing more is sent.
type Client struct {
	dialect   Dialect
	keys      Credentials
	prefix    string // of every URL: scheme, host, port, base path
	origin    string
	transport http.RoundTripper
	owned     *http.Transport // nil if the transport is the caller's
	timeout   time.Duration
	log       *slog.Logger

	limiter *limiter
	health  *health
	sizes   sizes
	random  func() float64 // in [0, 1), for jitter

	work     sync.Pool // of *workspace
	inflater sync.Pool // of *gzip.Reader

	requests, retried, rateLimited atomic.Int64
}

// workspace is the memory that decoding one answer takes.
type workspace struct {
	decoder
	page page
}

// New returns a client of the dialect. o may be nil. It refuses keys that
// cannot be sent, and addresses to which they must not be: anything but https,
// except http to a loopback address.
func New(d Dialect, keys Credentials, o *Options) (*Client, error) {
	if o == nil {
		o = new(Options)
	}
	if err := checkBase(d.base); err != nil {
		return nil, fmt.Errorf("atrium: %w", err)
	}
	if err := keys.check(); err != nil {
		return nil, fmt.Errorf("atrium: %w", err)
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("atrium: %w", err)
	}
	c := &Client{
		dialect: d,
		keys:    keys,
		prefix:  d.base.Scheme + "://" + d.base.Host + strings.TrimSuffix(d.base.EscapedPath(), "/"),
		origin:  origin(d.base),
		timeout: orDefault(o.Timeout, defaultTimeout),
		log:     o.Logger,
		random:  rand.Float64,
	}
	concurrency := orDefault(o.Concurrency, defaultConcurrency)
	if c.transport = o.Transport; c.transport == nil {
		c.owned = newTransport(concurrency, c.timeout, d.base.Scheme == "http", o.ProxyFromEnvironment)
		c.transport = c.owned
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.limiter = newLimiter(concurrency, o.RPS, func() float64 { return c.random() })
	c.health = newHealth(concurrency)
	c.sizes.asked, c.sizes.probes = orDefault(o.PageSize, defaultPageSize), d.probes
	c.work.New = func() any { return new(workspace) }
	c.inflater.New = func() any { return new(gzip.Reader) }
	return c, nil
}

func (o *Options) check() error {
	switch {
	case o.Concurrency < 0 || o.Concurrency > 1000:
		return fmt.Errorf("concurrency %d is not between 1 and 1000", o.Concurrency)
	case o.RPS < 0 || math.IsNaN(o.RPS) || math.IsInf(o.RPS, 0):
		return fmt.Errorf("%v requests per second is not a rate; 0 is no limit", o.RPS)
	case o.PageSize != PageSizeAuto && (o.PageSize < 0 || o.PageSize > largestPageSize):
		return fmt.Errorf("page size %d is not between 1 and %d", o.PageSize, largestPageSize)
	case o.Timeout < 0:
		return fmt.Errorf("timeout %v is negative", o.Timeout)
	}
	return nil
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// newTransport is the pool of connections: TLS 1.2 or later, no proxy unless
// asked for, no compression but ours, and no http but to this machine.
func newTransport(concurrency int, timeout time.Duration, plain, proxy bool) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	if plain {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			host, _, err := net.SplitHostPort(address)
			if err != nil || !isLoopback(host) {
				return errors.New("http is only spoken to a loopback address")
			}
			return nil
		}
	}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  timeout,
		MaxIdleConns:           concurrency,
		MaxIdleConnsPerHost:    concurrency,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ReadBufferSize:         64 << 10, // a page of 1,000 transactions is 1.3 MB
		DisableCompression:     true,     // see newBody
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}
	if proxy {
		t.Proxy = http.ProxyFromEnvironment
	}
	return t
}

// Close lets go of idle connections.
func (c *Client) Close() {
	if c.owned != nil {
		c.owned.CloseIdleConnections()
	}
}

// Stats are counts since the client was made.
type Stats struct {
	Requests    int64 // sent, retries included
	Retried     int64 // sent because an earlier one failed
	RateLimited int64 // answered 429, or 503 with Retry-After
	InFlight    int   // now
	Limit       int   // most that may be in flight now
}

// Stats returns the counts as they are now.
func (c *Client) Stats() Stats {
	s := Stats{Requests: c.requests.Load(), Retried: c.retried.Load(), RateLimited: c.rateLimited.Load()}
	s.InFlight, s.Limit = c.limiter.state()
	return s
}

// request is one GET, and what is expected of its answer.
type request struct {
	op   string
	path string // path and query
	root bool
	want *want
}

// answer is what there is to know of an answer besides its body.
type answer struct {
	status    int
	date      schemas.Timestamp // the server's clock, 0: not told
	requestID string
	told      bool          // it has a Retry-After
	after     time.Duration // that long
}

// fetch sends the request until it is answered or must be given up. On
// success the workspace holds the page, until it is given back.
func (c *Client) fetch(ctx context.Context, q *request) (*workspace, answer, error) {
	var calm patience
	for try := 1; ; try++ {
		tk, err := c.limiter.acquire(ctx)
		if err != nil {
			return nil, answer{}, err
		}
		c.requests.Add(1)
		if try > 1 {
			c.retried.Add(1)
		}
		ws := c.work.Get().(*workspace)
		a, fail := c.once(ctx, q, try, ws)
		if fail == nil {
			c.health.success()
			c.limiter.release(tk, answered, 0)
			return ws, a, nil
		}
		c.giveBack(ws)
		if ctx.Err() != nil {
			c.limiter.release(tk, unsent, 0)
			return nil, a, ctx.Err()
		}
		fail.tries = try
		wait, again := c.judgeRun(fail, &calm)
		if fail.ends {
			c.limiter.stop(fail)
		}
		c.limiter.release(tk, fail.signal(), fail.RetryAfter)
		if !again {
			return nil, a, fail
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, a, err
		}
	}
}

// giveBack takes the memory of a page back, unless it was an unusual one.
func (c *Client) giveBack(ws *workspace) {
	if ws.page.rows.Size() < 16<<20 && cap(ws.arena) < keptBuffer {
		c.work.Put(ws)
	}
}

// sleep waits for d.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
