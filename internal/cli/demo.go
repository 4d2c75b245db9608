package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/sim"
)

func (s *session) demoCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:        "demo",
		Usage:       "starts the pretend MX in process and exports two nights from it",
		Description: "Everything goes through real HTTP on a loopback port. The directory is made anew each time.\n\nExample:\n  tallyport demo --dir /tmp/demo --users 500",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Value: "./demo", Usage: "directory for the snapshots"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "which world"},
			&cli.IntFlag{Name: "users", Value: 250, Usage: "users in the world"},
		},
		Action: s.demo,
	}, 0)
}

// demoMark is the file that says that a directory is a demo's and may go.
const demoMark = ".tallyport-demo"

const demoNights = 2

func (s *session) demo(c *cli.Context) (err error) {
	dir := c.String("dir")
	if c.Int("users") < 1 {
		return usagef("--users %d is not a number of users", c.Int("users"))
	}
	if err := clearDemo(dir); err != nil {
		return err
	}
	var same []string // flags that hold for the exports too
	for _, f := range []string{"quiet", "v"} {
		if c.Bool(f) {
			same = append(same, "--"+f)
		}
	}
	say := s.out
	if s.quiet {
		say = func(string, ...any) {}
	}
	world := sim.New(sim.Config{Seed: c.Uint64("seed"), Users: c.Int("users"), Start: s.yesterday().Add(-(demoNights - 1) * 24 * time.Hour)})
	l, err := listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := serve(l, world.Handler())
	defer func() { err = errors.Join(err, srv.stop()) }()
	store := filepath.Join(dir, "snapshots")
	worst := exitOK
	for night := range demoNights {
		if night > 0 {
			world.Advance(24 * time.Hour)
		}
		asOf := world.Now().Format(time.RFC3339)
		say("$ tallyport export --base-url %s --store %s --as-of %s\n", srv.url(), store, asOf)
		code := s.nested(c.Context, map[string]string{"MX_API_KEY": sim.DefaultAPIKey, "MX_CLIENT_ID": sim.DefaultClientID},
			append([]string{"export", "--base-url", srv.url(), "--store", store, "--as-of", asOf, "--page-size", "auto"}, same...)...)
		if code != exitOK && code != exitGaps {
			return exit(code)
		}
		worst = max(worst, code)
		say("\n")
	}
	say("%s", demoNext(store, worst))
	return nil
}

// nested runs a command of the program with an environment of its own.
func (s *session) nested(ctx context.Context, environ map[string]string, args ...string) int {
	env := s.env
	env.Args = append([]string{"tallyport"}, args...)
	env.LookupEnv = func(name string) (string, bool) { v, ok := environ[name]; return v, ok }
	return Main(ctx, env)
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

func demoNext(store string, worst int) string {
	text := fmt.Sprintf(`Two nights of a pretend MX are in %[1]s. What to try next:

  tallyport snapshots list --store %[1]s
  tallyport snapshots verify --store %[1]s
  tallyport schema --table transactions
  duckdb -c "SELECT snapshot, status, count(*), sum(amount) FROM read_parquet('%[1]s/transactions/*/*.parquet', hive_partitioning=true) GROUP BY ALL ORDER BY ALL"
  duckdb -c "SELECT reason, resource, count(*) FROM read_parquet('%[1]s/coverage/*/*.parquet') WHERE NOT complete GROUP BY ALL"
`, store)
	if worst == exitGaps {
		text += `
The pretend MX misbehaves on purpose, so a few members could not be read whole: each
has a reason in the coverage table, and export ends with exit code 3.
`
	}
	return text
}
