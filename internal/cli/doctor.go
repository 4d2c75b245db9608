package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/schemas"
	"tallyport/snapshot"
)

func (s *session) doctorCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:  "doctor",
		Usage: "checks settings, credentials, reachability, store and clock; changes nothing",
		Description: `Takes the settings of export and says where each comes from. Exit code 0 if all is
well, 2 for settings, 12 if the API refuses the keys, 1 for anything else.

Example:
  tallyport doctor --env development --store /data/mx`,
		Flags:  append(clientFlags(), storeFlag()),
		Action: s.doctor,
	}, 0)
}

// maxSkew is how far the local clock may be from the server's.
const maxSkew = 5 * time.Minute

// doctorPatience is how long the doctor waits for the API.
const doctorPatience = 30 * time.Second

// check is one thing the doctor looks at.
type check struct {
	name string
	run  func() (string, error)
}

// errNothingToSay is the outcome of a check that had nothing to look at.
var errNothingToSay = errors.New("nothing to look at")

// warning is what a check found that need not be wrong.
type warning struct{ error }

func (s *session) doctor(c *cli.Context) error {
	names := make([]string, 0, len(s.origins))
	for n := range s.origins {
		names = append(names, n)
	}
	sort.Strings(names)
	w := s.table("SETTING", "VALUE", "FROM")
	for _, n := range names {
		fmt.Fprintf(w, "%s\t%v\t%s\n", n, c.Value(n), s.origins[n])
	}
	for _, n := range []string{"MX_API_KEY", "MX_CLIENT_ID"} {
		from := n
		if _, ok := s.lookup(n); !ok {
			from = n + "_FILE"
		}
		value := "[redacted]"
		if _, err := s.secret(n); err != nil {
			value, from = "missing", ""
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", n, value, from)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	s.out("\n")
	var failed error
	for _, k := range s.checks(c) {
		said, err := k.run()
		if errors.Is(err, errNothingToSay) {
			continue
		}
		var w warning
		if errors.As(err, &w) {
			s.out("warn  %-12s %s\n", k.name, oneLine(err))
			continue
		}
		if err != nil {
			failed = errors.Join(failed, err)
			s.out("FAIL  %-12s %s\n", k.name, oneLine(err))
			continue
		}
		s.out("ok    %-12s %s\n", k.name, said)
	}
	if failed != nil {
		return exit(exitCode(failed))
	}
	return nil
}

func (s *session) checks(c *cli.Context) []check {
	var client source
	var walk schemas.Walk
	return []check{
		{"settings", func() (string, error) {
			t, err := targetOf(c)
			if err != nil {
				return "", err
			}
			client, err = s.client(c)
			return t.base.Redacted(), err
		}},
		{"API", func() (string, error) {
			if client.Client == nil {
				return "", errors.New("not asked: the settings are not in order")
			}
			var err error
			ctx, cancel := context.WithTimeoutCause(c.Context, doctorPatience, fmt.Errorf("no answer in %v", doctorPatience))
			defer cancel()
			if walk, err = firstPage(ctx, client); ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				return "", err
			}
			if walk.TotalFirst < 0 {
				return "", fmt.Errorf("the list of users could not be read: %s %s", walk.Reason, walk.Detail)
			}
			return fmt.Sprintf("%s users", thousands(int64(walk.TotalFirst))), nil
		}},
		{"clock", func() (string, error) {
			if walk.Pages == 0 && walk.ObservedAt == 0 { // no answer, which has its own line
				return "", errNothingToSay
			}
			if walk.ObservedAt == 0 {
				return "", errors.New("not compared: the server told no time")
			}
			skew := s.env.Now().Sub(walk.ObservedAt.Time()).Round(time.Second)
			if t, err := targetOf(c); err == nil && skew.Abs() > maxSkew && isLoopback(t.base.Hostname()) {
				return "", warning{fmt.Errorf("%v from the server's; that is on this machine, where a pretend MX has a clock of its own", skew)}
			}
			if skew.Abs() > maxSkew {
				return "", fmt.Errorf("the local clock is %v off the server's; set it, or snapshots get wrong names", skew)
			}
			return fmt.Sprintf("%v from the server's", skew), nil
		}},
		{"store", func() (string, error) { return s.checkStore(c, c.String("store")) }},
	}
}

// errEnough ends a walk of which only the first page is of interest.
var errEnough = errors.New("enough")

// firstPage reads the first page of the list of users.
func firstPage(ctx context.Context, client source) (schemas.Walk, error) {
	walk, err := client.Walk(ctx, schemas.List{Resource: schemas.UsersResource}, func(int, *schemas.Rows) error { return errEnough })
	if errors.Is(err, errEnough) {
		err = nil
	}
	return walk, err
}

// checkStore looks at the store without making it.
func (s *session) checkStore(c *cli.Context, path string) (string, error) {
	if err := checkStorePath(path); err != nil {
		return "", err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		parent, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s does not exist; export makes it in %s", path, parent), nil
	}
	st, err := snapshot.OpenDir(path, false)
	if err != nil {
		return "", usage{denied(path, err)}
	}
	said, err := s.describeStore(c, st, path)
	return said, denied(path, errors.Join(err, st.Close()))
}

func (s *session) describeStore(c *cli.Context, st *snapshot.Dir, path string) (string, error) {
	if foreign, err := snapshot.Foreign(st); err != nil {
		return "", err
	} else if foreign {
		return "", usage{notAStore(path)}
	}
	b, err := snapshot.ReadBinding(st)
	if err != nil {
		return "", err
	}
	if err := writable(path); err != nil {
		return "", err
	}
	t, err := targetOf(c)
	if err != nil {
		return "", err
	}
	if b != nil && (b.Source != t.source || b.Host != t.host()) {
		return "", fmt.Errorf("%s holds snapshots of %s at %s: %w", path, b.Source, b.Host, snapshot.ErrBound)
	}
	if id, err := s.clientID(); err == nil && b != nil && b.Client != snapshot.ClientHash(id) {
		return "", fmt.Errorf("%s holds snapshots of another client: %w", path, snapshot.ErrBound)
	}
	ids, err := snapshot.List(st)
	if err != nil {
		return "", err
	}
	runs, err := snapshot.ListUnfinished(st)
	if err != nil {
		return "", err
	}
	free, err := freeBytes(path)
	if err != nil {
		return "", err
	}
	said := fmt.Sprintf("%d snapshots, %d unfinished runs, %s free", len(ids), len(runs), size(free))
	if len(ids) > 0 {
		m, err := snapshot.ReadManifest(st, ids[len(ids)-1])
		if err != nil {
			return "", err
		}
		if free < 3*m.Bytes() { // a run keeps its journal and its parts at the same time
			return "", fmt.Errorf("%s; the last snapshot has %s, and an export may need three times as much; free some space", said, size(m.Bytes()))
		}
		said += ", newest " + string(m.ID) + " " + m.Status
	}
	return said, nil
}
