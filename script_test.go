package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tallyport/internal/cli"
	"tallyport/reconcile"
	"tallyport/sim"
	"tallyport/snapshot"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tallyport": main})
}

// TestScripts runs whole commands: testdata/script. The pretend MX runs in the
// test's process, tallyport in its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                scriptCommands(),
		Setup:               scriptSetup,
	})
}

func scriptSetup(env *testscript.Env) error {
	env.Setenv("HOME", env.WorkDir)
	env.Values[scriptWorld{}] = &scriptState{}
	return nil
}

// scriptWorld is the key of a script's state.
type scriptWorld struct{}

type scriptState struct {
	world  *sim.World
	server *httptest.Server
	veil   *veil
	unlock func() error

	mu    sync.Mutex
	pings []string
}

func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	state := func(ts *testscript.TestScript) *scriptState { return ts.Value(scriptWorld{}).(*scriptState) }
	return map[string]func(*testscript.TestScript, bool, []string){
		// sim [users=N] [seed=N] [latency=D] [weather=calm|default] … starts the
		// pretend MX and sets the environment that tallyport needs.
		"sim": func(ts *testscript.TestScript, _ bool, args []string) {
			cfg, err := simConfig(args)
			ts.Check(err)
			s := state(ts)
			s.world = sim.New(cfg)
			s.veil = &veil{Handler: s.world.Handler(), hidden: map[string]string{}}
			s.server = httptest.NewServer(s.veil)
			ts.Defer(s.server.Close)
			ts.Setenv("MX_API_KEY", sim.DefaultAPIKey)
			ts.Setenv("MX_CLIENT_ID", sim.DefaultClientID)
			ts.Setenv("TALLYPORT_BASE_URL", s.server.URL)
			setAsOf(ts, s.world.Now())
		},
		// control serves the controls of the pretend MX at $CONTROL.
		"control": func(ts *testscript.TestScript, _ bool, _ []string) {
			srv := httptest.NewServer(state(ts).world.Control())
			ts.Defer(srv.Close)
			ts.Setenv("CONTROL", srv.URL)
		},
		// advance D moves the pretend clock; ASOF and ID follow it.
		"advance": func(ts *testscript.TestScript, _ bool, args []string) {
			d, err := time.ParseDuration(args[0])
			ts.Check(err)
			state(ts).world.Advance(d)
			setAsOf(ts, state(ts).world.Now())
		},
		// misbehave [path kind]… sets what the pretend MX does wrong.
		"misbehave": func(ts *testscript.TestScript, _ bool, args []string) {
			var all []sim.Misbehaviour
			for i := 0; i+1 < len(args); i += 2 {
				all = append(all, sim.Misbehaviour{Path: args[i], Kind: args[i+1]})
			}
			ts.Check(state(ts).world.Misbehave(all...))
		},
		// user N NAME sets $NAME to the guid of the N-th user that has members.
		"user": func(ts *testscript.TestScript, _ bool, args []string) {
			n, err := strconv.Atoi(args[0])
			ts.Check(err)
			for u := range state(ts).world.Truth().Users() {
				guid := u.Text("guid")
				st := state(ts).world.Truth().State(guid)
				members := 0
				for range state(ts).world.Truth().Members(guid) {
					members++
				}
				if members == 0 || st.Disabled || st.Failing {
					continue
				}
				if n--; n == 0 {
					ts.Setenv(args[1], guid)
					return
				}
			}
			ts.Fatalf("there are not that many users")
		},
		// exit CODE command… runs a command that must end with that code.
		"exit": func(ts *testscript.TestScript, _ bool, args []string) {
			err := ts.Exec(args[1], args[2:]...)
			code := 0
			if err != nil {
				code = exitStatus(err)
			}
			if strconv.Itoa(code) != args[0] {
				ts.Fatalf("exit code %d, want %s", code, args[0])
			}
		},
		// lock DIR holds the export lock of the store, unlock lets it go.
		"lock": func(ts *testscript.TestScript, _ bool, args []string) {
			st, err := snapshot.OpenDir(ts.MkAbs(args[0]), false)
			ts.Check(err)
			ts.Defer(func() { st.Close() })
			state(ts).unlock, err = snapshot.LockExport(st)
			ts.Check(err)
		},
		"unlock": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(state(ts).unlock()) },
		// lockledger DIR holds the ledger's lock of the store, until unlock.
		"lockledger": func(ts *testscript.TestScript, _ bool, args []string) {
			st, err := snapshot.OpenDir(ts.MkAbs(args[0]), false)
			ts.Check(err)
			ts.Defer(func() { st.Close() })
			state(ts).unlock, err = reconcile.LockLedger(st)
			ts.Check(err)
		},
		// inject KIND N NAME does defects; $NAME is the first transaction of the first.
		"inject": func(ts *testscript.TestScript, _ bool, args []string) {
			n, err := strconv.Atoi(args[1])
			ts.Check(err)
			made := state(ts).world.Inject(args[0], n)
			if len(made) < n || len(made[0].Transactions) == 0 {
				ts.Fatalf("%d defects, want %s", len(made), args[1])
			}
			ts.Setenv(args[2], made[0].Transactions[0])
		},
		// hide TRN NAME keeps another transaction of TRN's account out of the lists;
		// $NAME is its guid.
		"hide": func(ts *testscript.TestScript, _ bool, args []string) {
			s := state(ts)
			for _, d := range s.world.Defects() {
				if len(d.Transactions) > 0 && d.Transactions[0] == args[0] {
					ts.Setenv(args[1], s.veil.hide(s.world, d))
					return
				}
			}
			ts.Fatalf("nothing was done to %s", args[0])
		},
		// pick NAME REGEXP sets $NAME to what the first group matches in the output of
		// the last command.
		"pick": func(ts *testscript.TestScript, _ bool, args []string) {
			found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
			if found == nil {
				ts.Fatalf("nothing there is like %s", args[1])
			}
			ts.Setenv(args[0], found[1])
		},
		// singles STATUS is what single transactions are answered with; 0: as they are.
		"singles": func(ts *testscript.TestScript, _ bool, args []string) {
			status, err := strconv.Atoi(args[0])
			ts.Check(err)
			state(ts).veil.answer(status)
		},
		// reads N is how many single transactions were asked for.
		"reads": func(ts *testscript.TestScript, _ bool, args []string) {
			if got := state(ts).veil.asked(); strconv.Itoa(got) != args[0] {
				ts.Fatalf("%d single reads, want %s", got, args[0])
			}
		},
		// nights N STORE exports so many nights: after each the clock moves on.
		"nights": func(ts *testscript.TestScript, _ bool, args []string) {
			n, err := strconv.Atoi(args[0])
			ts.Check(err)
			for range n {
				ts.Check(ts.Exec("tallyport", "export", "--store", args[1], "--as-of", ts.Getenv("ASOF"), "--quiet"))
				state(ts).world.Advance(24 * time.Hour)
				setAsOf(ts, state(ts).world.Now())
			}
		},
		// cutline FILE N takes the end off a line.
		"cutline": func(ts *testscript.TestScript, _ bool, args []string) {
			name := ts.MkAbs(args[0])
			b, err := os.ReadFile(name)
			ts.Check(err)
			n, err := strconv.Atoi(args[1])
			ts.Check(err)
			lines := strings.SplitAfter(string(b), "\n")
			lines[n-1] = lines[n-1][:len(lines[n-1])/2] + "\n"
			ts.Check(os.WriteFile(name, []byte(strings.Join(lines, "")), 0o600))
		},
		// watchdog starts a server that takes pings at $WATCHDOG.
		"watchdog": func(ts *testscript.TestScript, _ bool, _ []string) {
			s := state(ts)
			srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.pings = append(s.pings, r.URL.Path)
			}))
			ts.Defer(srv.Close)
			ts.Setenv("WATCHDOG", srv.URL+"/ping")
		},
		// pings PATH… are what the watchdog got.
		"pings": func(ts *testscript.TestScript, _ bool, args []string) {
			s := state(ts)
			s.mu.Lock()
			defer s.mu.Unlock()
			if got := strings.Join(s.pings, " "); got != strings.Join(args, " ") {
				ts.Fatalf("pings %q", got)
			}
		},
		// freeport sets $PORT to a port that nobody has.
		"freeport": func(ts *testscript.TestScript, _ bool, _ []string) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			ts.Check(err)
			ts.Setenv("PORT", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
			ts.Check(l.Close())
		},
		// get URL FILE STATUS [TOKEN] keeps what a server answers, as soon as there is one.
		"get": func(ts *testscript.TestScript, _ bool, args []string) {
			req, err := http.NewRequest(http.MethodGet, args[0], nil)
			ts.Check(err)
			if len(args) > 3 {
				req.Header.Set("Authorization", "Bearer "+args[3])
			}
			res, err := http.DefaultClient.Do(req)
			for wait := time.Millisecond; err != nil && wait < 10*time.Second; wait *= 2 {
				time.Sleep(wait)
				res, err = http.DefaultClient.Do(req)
			}
			ts.Check(err)
			body, err := io.ReadAll(res.Body)
			ts.Check(errors.Join(err, res.Body.Close()))
			if strconv.Itoa(res.StatusCode) != args[2] {
				ts.Fatalf("status %d: %s", res.StatusCode, body)
			}
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), body, 0o600))
		},
		// flip FILE changes one bit in the middle of a file.
		"flip": func(ts *testscript.TestScript, _ bool, args []string) {
			name := ts.MkAbs(args[0])
			b, err := os.ReadFile(name)
			ts.Check(err)
			b[len(b)/2] ^= 1
			ts.Check(os.WriteFile(name, b, 0o600))
		},
		// mode FILE OCTAL checks the permissions of a file.
		"mode": func(ts *testscript.TestScript, _ bool, args []string) {
			info, err := os.Stat(ts.MkAbs(args[0]))
			ts.Check(err)
			if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
				ts.Fatalf("%s has mode %s", args[0], got)
			}
		},
	}
}

// exitStatus is the exit code in an error of testscript's Exec.
func exitStatus(err error) int {
	var code int
	if _, e := fmt.Sscanf(err.Error(), "exit status %d", &code); e != nil {
		return -1
	}
	return code
}

func setAsOf(ts *testscript.TestScript, now time.Time) {
	ts.Setenv("ASOF", now.Format(time.RFC3339))
	ts.Setenv("ID", string(snapshot.IDOf(now)))
}

func simConfig(args []string) (sim.Config, error) {
	calm := sim.Calm()
	// Two days back, so that a script can let two nights pass before the present.
	cfg := sim.Config{Seed: 1, Users: 8, Transactions: 20, Weather: &calm, Start: time.Now().UTC().Truncate(time.Second).Add(-72 * time.Hour)}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		var err error
		switch name {
		case "users":
			cfg.Users, err = strconv.Atoi(value)
		case "seed":
			cfg.Seed, err = strconv.ParseUint(value, 10, 64)
		case "transactions":
			cfg.Transactions, err = strconv.ParseFloat(value, 64)
		case "pages":
			cfg.MaxPageSize, err = strconv.Atoi(value)
		case "ago":
			var ago time.Duration
			ago, err = time.ParseDuration(value)
			cfg.Start = time.Now().UTC().Truncate(time.Second).Add(-ago)
		case "latency":
			cfg.Latency, err = time.ParseDuration(value)
		case "weather":
			if cfg.Weather = nil; value != "default" {
				err = fmt.Errorf("no weather %q", value)
			}
		default:
			err = fmt.Errorf("no setting %q", name)
		}
		if err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}

// A signal ends a run within seconds, with its own exit code, and the same
// command goes on from there.
func TestSignals(t *testing.T) {
	for name, c := range map[string]struct {
		cause error
		code  int
	}{"TERM": {cli.Interrupted{Signal: 15}, 143}, "INT": {cli.Interrupted{Signal: 2}, 130}} {
		t.Run(name, func(t *testing.T) {
			calm := sim.Calm()
			w := sim.New(sim.Config{Seed: 3, Users: 40, Transactions: 20, Weather: &calm, Start: time.Now().UTC().Truncate(time.Second).Add(-time.Hour)})
			ctx, cancel := context.WithCancelCause(context.Background())
			stop := &stopAfter{RoundTripper: w.Transport(), left: 60, stop: func() { cancel(c.cause) }}
			store := filepath.Join(t.TempDir(), "store")
			run := func(ctx context.Context, transport http.RoundTripper) (int, string) {
				var out, log strings.Builder
				code := cli.Main(ctx, cli.Env{
					Args:   []string{"tallyport", "export", "--store", store, "--base-url", "http://127.0.0.1:9", "--json"},
					Stdout: &out, Stderr: &log, Now: time.Now, Transport: transport,
					LookupEnv: func(n string) (string, bool) {
						v, ok := map[string]string{"MX_API_KEY": sim.DefaultAPIKey, "MX_CLIENT_ID": sim.DefaultClientID}[n]
						return v, ok
					},
				})
				return code, out.String() + log.String()
			}
			code, text := run(ctx, stop)
			if code != c.code || !strings.Contains(text, `"status":"unfinished"`) || !strings.Contains(text, "goes on from here") {
				t.Fatalf("exit code %d: %s", code, text)
			}
			if code, text := run(context.Background(), w.Transport()); code != 0 || !strings.Contains(text, "resuming") {
				t.Fatalf("the same command again: exit code %d: %s", code, text)
			}
		})
	}
}

// A run that is stopped ends with the code of what stopped it, whatever it was
// doing then.
func TestStopped(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 3, Users: 10, Transactions: 20, Weather: &calm, Start: time.Now().UTC().Truncate(time.Second).Add(-time.Hour)})
	run := func(ctx context.Context, transport http.RoundTripper, args ...string) (int, string) {
		var log strings.Builder
		code := cli.Main(ctx, cli.Env{
			Args: append([]string{"tallyport"}, args...), Stdout: io.Discard, Stderr: &log, Now: time.Now, Transport: transport,
			LookupEnv: func(n string) (string, bool) {
				v, ok := map[string]string{"MX_API_KEY": sim.DefaultAPIKey, "MX_CLIENT_ID": sim.DefaultClientID, "TALLYPORT_BASE_URL": "http://127.0.0.1:9"}[n]
				return v, ok
			},
		})
		return code, log.String()
	}
	for name, c := range map[string]struct {
		args    []string
		resume  bool   // a run that was stopped before
		publish bool   // a run that was published before
		at      string // the request it is stopped at; "": before the first
		limit   bool   // can have --max-duration
	}{
		"list of users": {args: []string{"export"}, at: "/users", limit: true},
		"resume":        {args: []string{"export"}, resume: true, at: "/users", limit: true},
		"institutions":  {args: []string{"export"}, at: "/institutions", limit: true},
		"members":       {args: []string{"members"}, at: "/members"},
		"members users": {args: []string{"members"}, at: "/users"},
		"verify":        {args: []string{"snapshots", "verify"}, publish: true},
		"doctor":        {args: []string{"doctor"}, at: "/users"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, cause := range []struct {
				error
				code int
			}{{cli.Interrupted{Signal: 15}, 143}, {cli.Interrupted{Signal: 2}, 130}, {nil, 13}} {
				store := filepath.Join(t.TempDir(), "store")
				args := c.args
				if c.args[0] != "members" {
					args = append(args[:len(args):len(args)], "--store", store)
				}
				if c.resume {
					ctx, cancel := context.WithCancelCause(context.Background())
					stop := &stopAfter{RoundTripper: w.Transport(), left: 12, stop: func() { cancel(cli.Interrupted{Signal: 15}) }}
					if code, log := run(ctx, stop, args...); code != 143 {
						t.Fatalf("exit code %d: %s", code, log)
					}
				}
				if c.publish {
					if code, log := run(context.Background(), w.Transport(), "export", "--store", store); code != 0 {
						t.Fatalf("exit code %d: %s", code, log)
					}
				}
				ctx, cancel := context.WithCancelCause(context.Background())
				at := &stopAt{RoundTripper: w.Transport(), path: c.at, stop: func() { cancel(cause.error) }}
				switch {
				case cause.error == nil && !c.limit:
					continue
				case cause.error == nil: // the request hangs until the time is up
					at.stop = func() {}
					args = append(args[:len(args):len(args)], "--max-duration", "500ms")
				case c.at == "":
					cancel(cause.error)
				}
				if code, log := run(ctx, at, args...); code != cause.code || strings.Contains(log, "context") {
					t.Errorf("%v: exit code %d, want %d: %s", cause.error, code, cause.code, log)
				}
				cancel(nil)
			}
		})
	}
}

// A demo that is interrupted in the middle of an export does not claim to go on.
func TestDemoStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	requests := &http.Transport{}
	defer requests.CloseIdleConnections()
	var log strings.Builder
	code := cli.Main(ctx, cli.Env{
		Args: []string{"tallyport", "demo", "--users", "5", "--dir", filepath.Join(t.TempDir(), "demo")}, Stdout: io.Discard, Stderr: &log, Now: time.Now,
		Transport: &stopAfter{RoundTripper: requests, left: 20, stop: func() { cancel(cli.Interrupted{Signal: 2}) }},
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	if code != 130 || log.String() != "tallyport: interrupted\n" {
		t.Errorf("exit code %d: %s", code, log.String())
	}
}

// To be interrupted is how the pretend MX is meant to end.
func TestSimStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cli.Interrupted{Signal: 15})
	code := cli.Main(ctx, cli.Env{
		Args: []string{"tallyport", "sim"}, Stdout: io.Discard, Stderr: io.Discard, Now: time.Now,
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A watchdog that never answers holds up neither the export nor its end.
func TestHangingWatchdog(t *testing.T) {
	asked := make(chan string, 10)
	release := make(chan struct{})
	watchdog := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		<-release
	}))
	defer watchdog.Close()
	defer close(release)
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 3, Users: 10, Transactions: 20, Weather: &calm, Start: time.Now().UTC().Truncate(time.Second).Add(-time.Hour)})
	ctx, cancel := context.WithCancelCause(context.Background())
	at := &stopAt{RoundTripper: w.Transport(), path: "/institutions", stop: func() { cancel(cli.Interrupted{Signal: 15}) }}
	pings := &http.Transport{}
	defer pings.CloseIdleConnections()
	began := time.Now()
	var log strings.Builder
	code := cli.Main(ctx, cli.Env{
		Args:   []string{"tallyport", "export", "--store", filepath.Join(t.TempDir(), "s"), "--base-url", "http://127.0.0.1:9", "--ping-url", watchdog.URL + "/secret"},
		Stdout: io.Discard, Stderr: &log, Now: time.Now,
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == strings.TrimPrefix(watchdog.URL, "http://") {
				return pings.RoundTrip(r)
			}
			return at.RoundTrip(r)
		}),
		LookupEnv: func(n string) (string, bool) {
			v, ok := map[string]string{"MX_API_KEY": sim.DefaultAPIKey, "MX_CLIENT_ID": sim.DefaultClientID}[n]
			return v, ok
		},
	})
	if d := time.Since(began); code != 143 || d > 5*time.Second {
		t.Errorf("exit code %d after %v: %s", code, d, log.String())
	}
	if a, b := <-asked, <-asked; a != "/secret/start" || b != "/secret/143" {
		t.Errorf("pings %s, %s", a, b)
	}
	if strings.Contains(log.String(), "secret") {
		t.Error(log.String())
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// stopAt calls stop at requests whose path has that in it; they get no answer.
type stopAt struct {
	http.RoundTripper
	path string
	stop func()
}

func (s *stopAt) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.path != "" && strings.Contains(r.URL.Path, s.path) {
		s.stop()
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return s.RoundTripper.RoundTrip(r)
}

// stopAfter calls stop after some requests.
type stopAfter struct {
	http.RoundTripper
	mu   sync.Mutex
	left int
	stop func()
}

func (s *stopAfter) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	if s.left--; s.left == 0 {
		s.stop()
	}
	s.mu.Unlock()
	return s.RoundTripper.RoundTrip(r)
}
