package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/sim"
)

func (s *session) simCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:  "sim",
		Usage: "serves the pretend MX on a loopback port",
		Description: `A small, deliberately awkward MX for trying things out and for tests. It runs until
it is interrupted. Its clock stands still until it is told to move. The line that it
prints sets what the other commands need: paste it into another shell.

With --control another port takes what the real API never offers:
  POST /advance?by=24h       moves the clock
  POST /inject?kind=Z1&n=4   loses four posted rows; an unknown kind is answered with all of them
  POST /weather?name=calm    no awkwardness, or default again
  POST /misbehave            [{"path":"/users","kind":"html-200"}] in the body; [] ends it
  GET  /now /weather /defects /stats /nights
  GET  /why?guid=…&before=…&after=…&from=…&to=…   why a row is not shown any more
  GET  /truth/users          and /truth/members?user=…, institutions, accounts, owners, transactions

Examples:
  tallyport sim --start 336h --listen 127.0.0.1:8080 --control 127.0.0.1:8081
  curl -X POST 'http://127.0.0.1:8081/advance?by=24h'
  curl -X POST 'http://127.0.0.1:8081/inject?kind=Z1&n=4'`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", Usage: "loopback `ADDRESS` to serve the API on; port 0 takes a free one"},
			&cli.StringFlag{Name: "control", Usage: "loopback `ADDRESS` for what the real API never offers: clock, weather, truth"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "which world"},
			&cli.IntFlag{Name: "users", Value: 200, Usage: "users at the start"},
			&cli.Float64Flag{Name: "members", DefaultText: "1.5", Usage: "mean members per user"},
			&cli.Float64Flag{Name: "accounts", DefaultText: "2.2", Usage: "mean accounts per member"},
			&cli.Float64Flag{Name: "transactions", DefaultText: "120", Usage: "mean transactions per account in 90 days"},
			&cli.IntFlag{Name: "giant", DefaultText: "none", Usage: "one user with this many transactions"},
			&cli.IntFlag{Name: "max-page-size", DefaultText: "1000", Usage: "largest page that is honoured"},
			&cli.DurationFlag{Name: "latency", Usage: "wait before every answer"},
			&cli.StringFlag{Name: "weather", Value: "default", Usage: "default or calm"},
			&cli.StringFlag{Name: "start", Usage: "where the clock begins: a `TIME` as 2026-11-20T02:00:00Z, or how long ago, as 336h (default: 24h)"},
			&cli.BoolFlag{Name: "no-gzip", Usage: "answer uncompressed"},
		},
		Action: s.sim,
	}, 0)
}

func (s *session) sim(c *cli.Context) (err error) {
	cfg := sim.Config{
		Seed: c.Uint64("seed"), Users: c.Int("users"), Members: c.Float64("members"), Accounts: c.Float64("accounts"),
		Transactions: c.Float64("transactions"), Giant: c.Int("giant"), MaxPageSize: c.Int("max-page-size"),
		Latency: c.Duration("latency"), NoGzip: c.Bool("no-gzip"), Start: s.yesterday(),
	}
	if cfg.Users < 1 {
		return usagef("--users %d is not a number of users", cfg.Users)
	}
	for _, n := range []string{"members", "accounts", "transactions"} {
		if v := c.Float64(n); !(v >= 0) || math.IsInf(v, 0) {
			return usagef("--%s %v is not a mean; 0 stands for the usual one", n, v)
		}
	}
	for _, n := range []string{"giant", "max-page-size"} {
		if v := c.Int(n); v < 0 {
			return usagef("--%s %d cannot be negative", n, v)
		}
	}
	if cfg.Latency < 0 {
		return usagef("--latency %v cannot be negative", cfg.Latency)
	}
	switch c.String("weather") {
	case "default":
	case "calm":
		calm := sim.Calm()
		cfg.Weather = &calm
	default:
		return usagef("--weather %q is neither default nor calm", c.String("weather"))
	}
	if v := c.String("start"); v != "" {
		if cfg.Start, err = s.simStart(v); err != nil {
			return err
		}
	}
	world := sim.New(cfg)
	api, err := listen(c.String("listen"))
	if err != nil {
		return err
	}
	servers := []*server{pretend(api, world.Handler())}
	s.out("export MX_API_KEY=%s MX_CLIENT_ID=%s TALLYPORT_BASE_URL=%s\n", sim.DefaultAPIKey, sim.DefaultClientID, servers[0].url())
	if address := c.String("control"); address != "" {
		l, err := listen(address)
		if err != nil {
			return errors.Join(err, servers[0].stop())
		}
		servers = append(servers, pretend(l, world.Control()))
		s.out("control %s\n", servers[1].url())
	}
	<-c.Context.Done()
	var errs []error
	for _, srv := range servers {
		errs = append(errs, srv.stop())
	}
	return errors.Join(errs...) // to be interrupted is how it is meant to end
}

// simStart reads --start: a time, or how long ago it was.
func (s *session) simStart(v string) (time.Time, error) {
	start, err := time.Parse(time.RFC3339, v)
	if ago, e := time.ParseDuration(v); e == nil && ago >= 0 {
		start, err = s.env.Now().UTC().Truncate(time.Second).Add(-ago), nil
	}
	switch {
	case err != nil:
		return start, usagef("--start %q is neither a time nor an age; write it as 2026-11-20T02:00:00Z or 336h", v)
	case start.Unix() < 0 || start.UTC().Year() > lastYear:
		return start, usagef("--start %s is not between 1970-01-01 and %d-12-31", v, lastYear)
	}
	return start, nil
}

// yesterday is a day ago, in whole seconds: where pretend clocks begin, so that
// a night can pass before the present.
func (s *session) yesterday() time.Time {
	return s.env.Now().UTC().Truncate(time.Second).Add(-24 * time.Hour)
}

// listen opens a loopback address. The pretend MX has no business elsewhere.
func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, usagef("%q is not an address; write it as 127.0.0.1:8080", address)
	}
	if !isLoopback(host) {
		return nil, usagef("%q is not a loopback address; use 127.0.0.1", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another port, or 0 for a free one", err)
	}
	return l, nil
}

// isLoopback reports whether the host is this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// server is a running HTTP server.
type server struct {
	*http.Server
	listener net.Listener
	ended    chan error
}

func start(l net.Listener, s *http.Server) *server {
	srv := &server{s, l, make(chan error, 1)}
	go func() { srv.ended <- srv.Serve(l) }()
	return srv
}

// pretend serves the pretend MX.
func pretend(l net.Listener, h http.Handler) *server {
	return start(l, &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second})
}

func (s *server) url() string { return "http://" + s.listener.Addr().String() }

func (s *server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if s.Shutdown(ctx) != nil { // someone still reads
		if err := s.Close(); err != nil {
			return err
		}
	}
	if err := <-s.ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
