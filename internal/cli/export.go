package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/export"
	"tallyport/schemas"
	"tallyport/snapshot"
)

func exportFlags() []cli.Flag {
	return append(clientFlags(),
		storeFlag(),
		&cli.StringFlag{Name: "as-of", Usage: "nominal `TIME` of the snapshot, as 2026-11-20T02:00:00Z (default: now)"},
		&cli.StringFlag{Name: "from", Usage: "first `DATE` of the transaction window (default: 90 days before --as-of)"},
		&cli.StringFlag{Name: "to", Usage: "last `DATE` of the transaction window (default: 5 days after --as-of)"},
		&cli.StringFlag{Name: "format", Value: "parquet", Usage: "parquet or csv"},
		&cli.BoolFlag{Name: "csv-raw", Usage: "do not defuse text cells that a spreadsheet would run as a formula"},
		&cli.StringFlag{Name: "scope", Value: "member", Usage: "which list transactions are read from: member, account or user"},
		&cli.StringFlag{Name: "institutions", Value: "referenced", Usage: "referenced, all or none"},
		&cli.StringFlag{Name: "users", Usage: "export the users of `FILE` only, one guid a line; who does not exist is named and left out, and counts as an incomplete member for --max-gaps alone"},
		&cli.DurationFlag{Name: "max-duration", Usage: "stop cleanly after this long, with exit code 13; the same command goes on"},
		&cli.StringFlag{Name: "max-gaps", Value: "100%", Usage: "do not publish with a greater `SHARE` of incomplete members, as 5% or 0.05; 1 is 100%"},
		&cli.BoolFlag{Name: "require-complete", Usage: "the same as --max-gaps 0"},
		&cli.BoolFlag{Name: "group-readable", Usage: "files 0640 and directories 0750 instead of 0600 and 0700"},
		lockWaitFlag(),
		jsonFlag("print the summary as one JSON object"),
		&cli.StringFlag{Name: "metrics-file", Usage: "write metrics to `FILE` for node_exporter's textfile collector"},
		&cli.StringFlag{Name: "ping-url", Usage: "tell `URL`/start when the run starts and URL/<exit code> when it ends"},
	)
}

func (s *session) exportCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:  "export",
		Usage: "pulls one snapshot from the API into the store",
		Description: `Reads users, members, accounts, transactions, account owners and institutions, and
publishes them as one snapshot. A run that was stopped goes on when the same
command is given again.

MX tells what is, not what was: a past --as-of only names the snapshot and moves its
window, the rows are today's. A published snapshot is never changed: its gaps are filled
by the next night, or kept from being published by --require-complete. Lists that MX
does not have any more (not_found) or withholds for a disabled user (disabled) are in
the coverage table and are no gaps.

Examples:
  tallyport export --store /data/mx
  tallyport export --env development --format csv --users pilot.txt
  tallyport export --as-of 2026-11-20T02:00:00Z --require-complete --json`,
		Flags:  exportFlags(),
		Action: s.export,
	}, 0)
}

// job is an export as its flags describe it.
type job struct {
	target   target
	users    *userList
	asOf     snapshot.ID // "" if it was not given
	maxGaps  *float64
	client   source
	planFor  func(snapshot.ID) (snapshot.Plan, error)
	store    string
	readable bool
}

// export runs one export.
func (s *session) export(c *cli.Context) error {
	ping, err := s.pinger(c.String("ping-url"))
	if err != nil {
		return err
	}
	j, err := s.job(c)
	if err != nil {
		return err
	}
	defer j.client.Close()
	run := &runReport{s: s, started: s.env.Now()}
	ping.start(c.Context)
	err = s.runJob(c, j, run)
	run.finish(err)
	if e := run.write(c); e != nil {
		err = errors.Join(err, e)
		run.Exit = exitCode(err)
	}
	ping.end(c.Context, run.Exit)
	if err == nil && run.Exit != exitOK {
		return exit(run.Exit)
	}
	return err
}

// job reads the flags; nothing is written before they are all in order.
func (s *session) job(c *cli.Context) (*job, error) {
	j := &job{store: c.String("store"), readable: c.Bool("group-readable")}
	var err error
	if j.target, err = targetOf(c); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		flag   string
		values []string
	}{{"format", []string{"parquet", "csv"}}, {"scope", []string{"member", "account", "user"}}, {"institutions", []string{"referenced", "all", "none"}}} {
		if err := oneOf(c, f.flag, f.values...); err != nil {
			return nil, err
		}
	}
	if c.Bool("csv-raw") && c.String("format") != "csv" {
		return nil, usagef("--csv-raw only goes with --format csv")
	}
	if c.Duration("max-duration") < 0 || c.Duration("lock-wait") < 0 {
		return nil, usagef("--max-duration and --lock-wait cannot be negative")
	}
	if j.maxGaps, err = maxGaps(c); err != nil {
		return nil, err
	}
	if err := checkMetricsFile(c.String("metrics-file")); err != nil {
		return nil, err
	}
	if j.users, err = readUsers(c.String("users")); err != nil {
		return nil, err
	}
	if j.asOf, err = s.asOf(c.String("as-of")); err != nil {
		return nil, err
	}
	j.planFor = func(id snapshot.ID) (snapshot.Plan, error) { return s.plan(c, j.target, id, j.users) }
	id := j.asOf
	if id == "" {
		id = snapshot.IDOf(s.env.Now())
	}
	if _, err := j.planFor(id); err != nil {
		return nil, err
	}
	if j.client, err = s.client(c); err != nil {
		return nil, err
	}
	return j, checkStorePath(j.store)
}

// asOf reads --as-of.
func (s *session) asOf(v string) (snapshot.ID, error) {
	if v == "" {
		return "", nil
	}
	t, err := time.Parse(time.RFC3339, v)
	switch {
	case err != nil:
		return "", usagef("--as-of %q is not a time; write it as 2026-11-20T02:00:00Z", v)
	case t.Nanosecond() != 0:
		return "", usagef("--as-of %q has parts of a second; snapshots are named by whole seconds", v)
	case t.Unix() < 0 || t.UTC().Year() > lastYear:
		return "", usagef("--as-of %s is not between 1970-01-01 and %d-12-31", v, lastYear)
	case t.After(s.env.Now()):
		return "", usagef("--as-of %s is in the future; it is %s", v, s.env.Now().UTC().Format(time.RFC3339))
	}
	return snapshot.IDOf(t), nil
}

// maxGaps reads --max-gaps, or --require-complete, which stands for 0.
func maxGaps(c *cli.Context) (*float64, error) {
	v := c.String("max-gaps")
	if c.Bool("require-complete") {
		if c.IsSet("max-gaps") {
			return nil, usagef("--require-complete stands for --max-gaps 0, and --max-gaps %s is set as well; leave one of them out", v)
		}
		v = "0"
	}
	number, percent := strings.CutSuffix(v, "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 1) {
		return nil, usagef("--max-gaps %q is not a share; write it as 5%% or 0.05", v)
	}
	return &n, nil
}

// checkStorePath refuses a path where no store can be, before anything is asked.
func checkStorePath(path string) error {
	if path == "" {
		return usagef("--store is empty; name a directory")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usage{denied(path, err)}
	case !info.IsDir():
		return usagef("--store %s is a file; name a directory", path)
	}
	return nil
}

// runJob opens and locks the store and exports into it.
func (s *session) runJob(c *cli.Context, j *job, run *runReport) error {
	return s.withStore(c, j, func(ctx context.Context, st *snapshot.Dir) error { return s.exportInto(ctx, c, st, j, run) })
}

// withStore opens and locks the store for an export. --max-duration runs from
// here, so that waiting for the lock counts.
func (s *session) withStore(c *cli.Context, j *job, do func(context.Context, *snapshot.Dir) error) (err error) {
	ctx := c.Context
	if d := c.Duration("max-duration"); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, errMaxDuration)
		defer cancel()
	}
	defer func() { err = withCause(ctx, err) }()
	st, err := snapshot.CreateDir(j.store, j.readable)
	if err != nil {
		if err = denied(j.store, err); !errors.As(err, new(usage)) {
			err = usagef("--store: %w", err)
		}
		return err
	}
	defer closeStore(st, &err)
	if foreign, err := snapshot.Foreign(st); err != nil {
		return err
	} else if foreign {
		return usage{notAStore(j.store)}
	}
	unlock, err := s.lock(ctx, st, c.Duration("lock-wait"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	return do(ctx, st)
}

// exportInto exports into a store that is locked.
func (s *session) exportInto(ctx context.Context, c *cli.Context, st *snapshot.Dir, j *job, run *runReport) (err error) {
	if err := snapshot.RollForward(ctx, st); err != nil {
		return err
	}
	id, err := s.chooseID(ctx, st, j)
	if err != nil {
		return err
	}
	run.Snapshot = id
	plan, err := j.planFor(id)
	if err != nil {
		return err
	}
	w, err := snapshot.Begin(ctx, st, id, plan, s.env.Now())
	if errors.Is(err, snapshot.ErrPublished) {
		m, err := snapshot.ReadManifest(st, id)
		if err != nil {
			return err
		}
		if d := m.Plan.Differences(plan); d != nil {
			return usagef("%s is published with another %s; repeat it with its own settings, or name another --as-of", id, strings.Join(d, ", "))
		}
		run.published(m, true)
		return nil
	}
	if err != nil {
		return err
	}
	run.Status = "unfinished"
	defer func() {
		if err = errors.Join(err, w.Close()); err != nil {
			err = kept{err, progressOf(st, id)}
		}
	}()
	if w.HasRoster() {
		s.log.Info("resuming an unfinished run", "snapshot", id, "figures", progressOf(st, id))
	}
	past, err := snapshot.OpenPast(st, id)
	if err != nil {
		return err
	}
	bar := s.progress(j.client.Requests)
	defer bar.stop()
	m, err := export.Run(ctx, j.client, w, &export.Options{
		Users: j.users.list(), Concurrency: c.Int("concurrency"), MaxGaps: j.maxGaps, Past: past,
		Tool: "tallyport " + Version, Progress: &bar.Progress, Log: s.log,
	})
	run.Requests, run.Unknown = j.client.Requests(), bar.Unknown.Load()
	if err != nil {
		return err
	}
	run.published(m, false)
	return nil
}

// progressOf is how far an unfinished run is; "" if nobody can say.
func progressOf(st snapshot.Store, id snapshot.ID) string {
	r, err := snapshot.ReadUnfinished(st, id)
	if err != nil || r == nil {
		return ""
	}
	return fmt.Sprintf("%s of %s done", thousands(r.Done), counted(r.Users, "user", "users"))
}

// resumable is the age up to which an unfinished run goes on without --as-of.
const resumable = 24 * time.Hour

// chooseID is the snapshot that the run makes: the one asked for, the one that
// an earlier run of the same plan left unfinished, or a new one.
func (s *session) chooseID(ctx context.Context, st snapshot.Store, j *job) (snapshot.ID, error) {
	if j.asOf != "" {
		return j.asOf, nil
	}
	now := s.env.Now()
	runs, err := snapshot.ListUnfinished(st)
	if err != nil {
		return "", err
	}
	var found []snapshot.ID
	taken := map[snapshot.ID]bool{}
	for _, r := range runs {
		taken[r.ID] = true
		if now.Sub(r.Began) >= resumable {
			continue
		}
		// Flags that give no plan as of that time did not begin that run.
		if plan, err := j.planFor(r.ID); err == nil && plan.Differences(r.Plan) == nil {
			found = append(found, r.ID)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	ids, err := snapshot.List(st)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		taken[id] = true
	}
	// A snapshot of this very second is another one: this run takes the next
	// second, and waits for it, because no snapshot is of the future.
	for taken[snapshot.IDOf(now)] {
		now = now.Truncate(time.Second).Add(time.Second)
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(min(time.Second, now.Sub(s.env.Now()))):
		}
	}
	return snapshot.IDOf(now), nil
}

// runReport is the summary of a run: export --json.
type runReport struct {
	Snapshot snapshot.ID          `json:"snapshot,omitempty"`
	Status   string               `json:"status"`
	Rows     map[string]int64     `json:"rows"`
	Members  snapshot.MemberCount `json:"members"`
	Requests schemas.Requests     `json:"requests"`
	Bytes    int64                `json:"bytes"`
	Unknown  int64                `json:"unknown_users,omitempty"` // named by --users, and not there
	Seconds  float64              `json:"seconds"`
	Exit     int                  `json:"exit_code"`

	s        *session
	started  time.Time
	manifest *snapshot.Manifest
}

// published takes the figures of a published snapshot.
func (r *runReport) published(m *snapshot.Manifest, already bool) {
	if m == nil {
		return
	}
	r.manifest = m
	r.Status = m.Status
	if already {
		r.Status = "already_published"
	}
	r.Members, r.Requests, r.Bytes = m.Members, m.Requests, m.Bytes()
	r.Rows = map[string]int64{}
	for name, t := range m.Tables {
		r.Rows[name] = t.Rows
	}
	if m.Status == snapshot.StatusPartial {
		r.Exit = exitGaps
	}
}

func (r *runReport) finish(err error) {
	r.Seconds = float64(r.s.env.Now().Sub(r.started).Milliseconds()) / 1000
	if err != nil {
		r.Exit = exitCode(err)
		r.Status = "unfinished"
	}
	if r.Rows == nil {
		r.Rows = map[string]int64{}
	}
}

// write prints the summary and writes the metrics.
func (r *runReport) write(c *cli.Context) error {
	r.s.writeMetrics(c.String("metrics-file"), r)
	if c.Bool("json") {
		return json.NewEncoder(r.s.env.Stdout).Encode(r)
	}
	return r.print(c)
}

// print writes the summary for people.
func (r *runReport) print(c *cli.Context) error {
	if r.s.quiet || r.manifest == nil {
		return nil
	}
	_, err := r.s.env.Stdout.Write([]byte(r.text(c.String("store"))))
	return err
}

func (r *runReport) text(store string) string {
	var b strings.Builder
	what := r.manifest.Status
	if r.Status == "already_published" {
		what += ", published before"
	}
	fmt.Fprintf(&b, "snapshot %s: %s\n", r.Snapshot, what)
	for _, t := range schemas.Tables() {
		fmt.Fprintf(&b, "  %-15s %s\n", t.Name, thousands(r.Rows[t.Name]))
	}
	fmt.Fprintf(&b, "  members complete %s, incomplete %s; %s requests, %s of them repeated, %s rate limited; %s\n",
		thousands(r.Members.Complete), thousands(r.Members.Incomplete),
		thousands(r.Requests.Total), thousands(r.Requests.Retried), thousands(r.Requests.RateLimited), size(r.Bytes))
	if r.Unknown > 0 {
		fmt.Fprintf(&b, "  %s of --users left out: MX does not know them\n", counted(r.Unknown, "user", "users"))
	}
	for i, g := range r.manifest.Gaps {
		if i == shownGaps {
			fmt.Fprintf(&b, "  … and more; all are in the coverage table\n")
			break
		}
		fmt.Fprintf(&b, "  gap: %s %s\n", strings.Join(strings.Fields(fmt.Sprint(g.User, " ", g.Member, " ", g.Resource)), " "), g.Reason)
	}
	fmt.Fprintf(&b, "  %s/_manifests/%s.json\n", strings.TrimSuffix(store, "/"), r.Snapshot)
	return b.String()
}

const shownGaps = 10

// thousands writes a number with separators.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted writes how many there are of something.
func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// size writes a number of bytes.
func size(n int64) string {
	f, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if f < 1000 {
			break
		}
		f, unit = f/1000, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}
