package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/reconcile"
	"tallyport/sim"
	"tallyport/snapshot"
)

func (s *session) demoCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:  "demo",
		Usage: "starts the pretend MX in process, lives through some nights with it, and says what it lost",
		Description: `Everything goes through real HTTP on a loopback port. The first nights are in calm weather and
fast; on the last two the pretend MX is as awkward as it can be. On the way rows are lost, rows
come late and come back, and members go stale. The directory is made anew each time.

Example:
  tallyport demo --dir /tmp/demo --users 500`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Value: "./demo", Usage: "directory for the snapshots"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "which world"},
			&cli.IntFlag{Name: "users", Value: 210, Usage: "users in the world"},
		},
		Action: s.demo,
	}, 0)
}

// demoMark is the file that says that a directory is a demo's and may go.
const demoMark = ".tallyport-demo"

// A balance needs some nights before it can tell what is missing, and a lost
// row two more before it is sure.
const (
	demoNights = 10
	roughFrom  = demoNights - 2 // the first night in default weather
)

// demoDefects is what is done to the world before a night.
var demoDefects = map[int]map[string]int{
	4: {"Z1": 3, "N1": 3},
	5: {"Z3": 2},
	6: {"Z1": 2, "P5": 1},
}

func (s *session) demo(c *cli.Context) (err error) {
	dir := c.String("dir")
	if c.Int("users") < 1 {
		return usagef("--users %d is not a number of users", c.Int("users"))
	}
	if err := clearDemo(dir); err != nil {
		return err
	}
	var same []string // flags that hold for the nights too
	for _, f := range []string{"quiet", "v"} {
		if c.Bool(f) {
			same = append(same, "--"+f)
		}
	}
	say := s.out
	if s.quiet {
		say = func(string, ...any) {}
	}
	calm := sim.Calm()
	world := sim.New(sim.Config{Seed: c.Uint64("seed"), Users: c.Int("users"), Transactions: 90, Weather: &calm, Start: s.yesterday().Add(-(demoNights - 1) * 24 * time.Hour)})
	l, err := listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := pretend(l, world.Handler())
	defer func() { err = errors.Join(err, srv.stop()) }()
	store := filepath.Join(dir, "snapshots")
	worst := exitOK
	for night := range demoNights {
		if night > 0 {
			world.Advance(24 * time.Hour)
		}
		for _, kind := range slices.Sorted(maps.Keys(demoDefects[night])) {
			world.Inject(kind, demoDefects[night][kind])
		}
		flags := same
		switch {
		case night == roughFrom:
			world.SetWeather(sim.DefaultWeather())
		case night < roughFrom && !c.Bool("v"):
			flags = []string{"--quiet"} // one line for each is enough
		}
		asOf := world.Now().Format(time.RFC3339)
		say("$ tallyport nightly --base-url %s --store %s --as-of %s\n", srv.url(), store, asOf)
		err := s.nested(c.Context, map[string]string{"MX_API_KEY": sim.DefaultAPIKey, "MX_CLIENT_ID": sim.DefaultClientID},
			append([]string{"nightly", "--base-url", srv.url(), "--store", store, "--as-of", asOf, "--page-size", "auto"}, flags...)...)
		var sig Interrupted
		if errors.As(err, &sig) {
			return sig // a demo does not go on, it begins anew
		}
		code := exitCode(err)
		if code != exitOK && code != exitGaps {
			return err
		}
		worst = max(worst, code)
	}
	if s.quiet {
		return nil
	}
	next, err := s.demoNext(store, snapshot.IDOf(world.Now()), worst)
	say("%s", next)
	return err
}

// nested runs a command of the program with an environment of its own.
func (s *session) nested(ctx context.Context, environ map[string]string, args ...string) error {
	env := s.env
	env.Args = append([]string{"tallyport"}, args...)
	env.LookupEnv = func(name string) (string, bool) { v, ok := environ[name]; return v, ok }
	return run(ctx, env)
}

// clearDemo makes an empty directory. It only removes one that a demo made.
func clearDemo(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usagef("--dir: %v", err)
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, demoMark)); err != nil {
			return usagef("--dir %s is not empty and not a demo's; name another directory", dir)
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return usagef("--dir: %v", err)
	}
	return os.WriteFile(filepath.Join(dir, demoMark), nil, 0o600)
}

// demoNext says what there is to see.
func (s *session) demoNext(store string, id snapshot.ID, worst int) (string, error) {
	st, err := s.openStore(store)
	if err != nil {
		return "", err
	}
	defer st.Close()
	ledger, err := s.openLedger(st)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d nights of a pretend MX are in %s. All that was found in them, by kind:\n\n%s", demoNights, store, byKind(ledger.Findings()))
	b.WriteString("\nWhat to try next:\n\n")
	fmt.Fprintf(&b, "  open %s/_reports/%s/report.html in a browser\n  tallyport serve --store %[1]s\n  tallyport tickets list --store %[1]s\n", store, id)
	if guid := tellingTransaction(ledger.Findings()); guid != "" {
		fmt.Fprintf(&b, "  tallyport explain %s --store %s\n", guid, store)
	}
	if ids, err := snapshot.List(st); err == nil && len(ids) > 1 {
		fmt.Fprintf(&b, "  tallyport diff %s %s --store %s\n", ids[len(ids)-2], ids[len(ids)-1], store)
	}
	fmt.Fprintf(&b, `  tallyport snapshots list --store %[1]s
  tallyport snapshots verify --store %[1]s
  tallyport schema --table transactions
  duckdb -c "SELECT snapshot, status, count(*), sum(amount) FROM read_parquet('%[1]s/transactions/*/*.parquet', hive_partitioning=true) GROUP BY ALL ORDER BY ALL"
  duckdb -c "SELECT reason, resource, count(*) FROM read_parquet('%[1]s/coverage/*/*.parquet') WHERE NOT complete GROUP BY ALL"

The SQL needs DuckDB; docs/analysts.md has more of it.
`, store)
	if worst == exitGaps {
		b.WriteString(`
The pretend MX misbehaves on purpose, so a few members could not be read whole: each
has a reason in the coverage table, and nightly ends with exit code 3.
`)
	}
	return b.String(), nil
}

// tellingTransaction is one that is worth explaining: lost and confirmed, else
// lost and back.
func tellingTransaction(all []reconcile.Finding) string {
	found := ""
	for i := range all {
		switch f := &all[i]; {
		case f.Kind != "missing_transaction" || f.Transaction == "":
		case f.State.Raised() && f.Verdict == reconcile.Ticket:
			return string(f.Transaction)
		case found == "" || f.State.Raised():
			found = string(f.Transaction)
		}
	}
	return found
}
