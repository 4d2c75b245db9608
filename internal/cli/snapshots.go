package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/snapshot"
)

func (s *session) snapshotsCommand() *cli.Command {
	return s.group(&cli.Command{
		Name:  "snapshots",
		Usage: "looks after the store",
		Subcommands: []*cli.Command{
			s.command(&cli.Command{
				Name: "list", Usage: "lists the snapshots, oldest first",
				Description: "Example:\n  tallyport snapshots list --store /data/mx --json | tail -1",
				Flags:       []cli.Flag{storeFlag(), jsonFlag("print one JSON object per snapshot, after one that lists unfinished runs if there are any")},
				Action:      s.listSnapshots,
			}, 0),
			s.command(&cli.Command{
				Name: "show", Usage: "prints the manifest of a snapshot, of the newest if none is named", ArgsUsage: "[ID]",
				Description: "Examples:\n  tallyport snapshots show --store /data/mx\n  tallyport snapshots show 20261120T020000Z --json",
				Flags:       []cli.Flag{storeFlag(), jsonFlag("print the manifest as it stands in the store")},
				Action:      s.showSnapshot,
			}, 1),
			s.command(&cli.Command{
				Name: "verify", Usage: "reads snapshots back, all of them if none is named", ArgsUsage: "[ID…]",
				Description: "Compares size and SHA-256 of every file with the manifest, reads every file with two\nindependent readers, and looks for files that do not belong; without ID also for partitions of no\nsnapshot. Exit code 1 if anything is wrong.\n\nExample:\n  tallyport snapshots verify --store /data/mx",
				Flags:       []cli.Flag{storeFlag(), jsonFlag("print one JSON object per problem")},
				Action:      s.verifySnapshots,
			}, 1<<20),
			s.command(&cli.Command{
				Name: "prune", Usage: "removes snapshots that a policy does not keep",
				Description: `Keeps the newest snapshot of each of the last days and months, always the newest
and the newest complete one, and says what it would remove. It removes with --yes.
With --damaged it reads all of them back and removes those that are damaged, also one
that the next night would be compared with: reconcile goes back to the night before it.

Examples:
  tallyport snapshots prune --store /data/mx --keep-daily 35 --keep-monthly 13 --yes
  tallyport snapshots prune --store /data/mx --damaged --yes`,
				Flags: []cli.Flag{storeFlag(), lockWaitFlag(),
					&cli.IntFlag{Name: "keep-daily", Usage: "days of which the newest snapshot is kept"},
					&cli.IntFlag{Name: "keep-monthly", Usage: "months of which the newest snapshot is kept"},
					&cli.BoolFlag{Name: "damaged", Usage: "remove damaged snapshots as well; alone: nothing else"},
					&cli.BoolFlag{Name: "yes", Usage: "remove; without it nothing is changed"},
					jsonFlag("print one JSON object per snapshot"),
				},
				Action: s.pruneSnapshots,
			}, 0),
		},
	})
}

// table starts a table of columns on stdout.
func (s *session) table(header ...string) *tabwriter.Writer {
	w := tabwriter.NewWriter(s.env.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(header, "\t"))
	return w
}

// snapshotLine is one line of snapshots list.
type snapshotLine struct {
	ID         snapshot.ID          `json:"id"`
	Status     string               `json:"status"`
	ObservedAt *schemas.Timestamp   `json:"observed_at"`
	Format     snapshot.Format      `json:"format"`
	Window     *schemas.Window      `json:"window"`
	Users      string               `json:"users"` // all or named
	Rows       map[string]int64     `json:"rows"`
	Members    snapshot.MemberCount `json:"members"`
	Bytes      int64                `json:"bytes"`
}

// unfinishedLine is the line of snapshots list about what is no snapshot yet.
type unfinishedLine struct {
	Runs []unfinishedRun `json:"unfinished"`
}

type unfinishedRun struct {
	ID     snapshot.ID     `json:"id"`
	Began  time.Time       `json:"began"`
	Format snapshot.Format `json:"format"`
	Window schemas.Window  `json:"window"`
	Scope  schemas.Scope   `json:"scope"`
	Users  string          `json:"users"` // all or named
	Done   int64           `json:"users_done"`
	Total  int64           `json:"users_total"`
}

func unfinishedLines(runs []snapshot.Unfinished) unfinishedLine {
	var l unfinishedLine
	for _, r := range runs {
		l.Runs = append(l.Runs, unfinishedRun{r.ID, r.Began, r.Plan.Format, r.Plan.Window, r.Plan.Scope, usersOf(r.Plan), r.Done, r.Users})
	}
	return l
}

// usersOf says whether an export was of all users or of those that --users named.
func usersOf(p snapshot.Plan) string {
	if p.Users == snapshot.AllUsers {
		return "all"
	}
	return "named"
}

func (s *session) listSnapshots(c *cli.Context) (err error) {
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer closeStore(st, &err)
	ids, err := snapshot.List(st)
	if err != nil {
		return err
	}
	runs, err := snapshot.ListUnfinished(st)
	if err != nil {
		return err
	}
	var wrong error
	lines := make([]snapshotLine, 0, len(ids))
	for _, id := range ids {
		m, err := snapshot.ReadManifest(st, id)
		if errors.Is(err, snapshot.ErrDamaged) {
			wrong = errors.Join(wrong, err)
			lines = append(lines, snapshotLine{ID: id, Status: "damaged"})
			continue
		}
		if err != nil {
			return err
		}
		l := snapshotLine{m.ID, m.Status, m.ObservedAt, m.Plan.Format, &m.Plan.Window, usersOf(m.Plan), map[string]int64{}, m.Members, m.Bytes()}
		for name, t := range m.Tables {
			l.Rows[name] = t.Rows
		}
		lines = append(lines, l)
	}
	if len(lines) == 0 {
		if wrong = empty(st); len(runs) == 0 {
			return wrong
		}
	}
	if c.Bool("json") {
		enc := json.NewEncoder(s.env.Stdout)
		if len(runs) > 0 { // first, so that the last line is the newest snapshot
			if err := enc.Encode(unfinishedLines(runs)); err != nil {
				return err
			}
		}
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		return wrong
	}
	w := s.table("SNAPSHOT", "STATUS", "FORMAT", "WINDOW", "USERS", "MEMBERS", "INCOMPLETE", "TRANSACTIONS", "SIZE")
	for _, l := range lines {
		window, users := "", thousands(l.Rows["users"])
		if l.Window != nil {
			window = l.Window.String()
		}
		if l.Users == "named" {
			users += " named"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.ID, l.Status, l.Format, window, users, thousands(l.Rows["members"]),
			thousands(l.Members.Incomplete), thousands(l.Rows["transactions"]), size(l.Bytes))
	}
	for _, r := range runs {
		users := fmt.Sprintf("%s of %s", thousands(r.Done), thousands(r.Users))
		if usersOf(r.Plan) == "named" {
			users += " named"
		}
		fmt.Fprintf(w, "%s\tunfinished\t%s\t%s\t%s\t\t\t\t\n", r.ID, r.Plan.Format, r.Plan.Window, users)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range runs {
		s.out("\n%s is unfinished since %s (scope %s): the command that began it goes on with it; a day later it needs --as-of %s.\nTo drop it: tallyport snapshots prune --yes removes it from then on; sooner, remove %s while no export runs.\n",
			r.ID, r.Began.Format(time.RFC3339), r.Plan.Scope, r.ID.Time().Format(time.RFC3339), st.Path("_staging/"+string(r.ID)))
	}
	return wrong
}

func (s *session) showSnapshot(c *cli.Context) (err error) {
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer closeStore(st, &err)
	id := snapshot.ID(c.Args().First())
	if id == "" {
		ids, err := snapshot.List(st)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return empty(st)
		}
		id = ids[len(ids)-1]
	}
	m, err := snapshot.ReadManifest(st, id)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		enc := json.NewEncoder(s.env.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(m)
	}
	observed := "unknown"
	if m.ObservedAt != nil {
		observed = m.ObservedAt.Time().Format(time.RFC3339)
	}
	s.out("snapshot      %s\nstatus        %s\nas of         %s\nobserved at   %s\n", m.ID, m.Status, m.AsOf.Format(time.RFC3339), observed)
	s.out("made by       %s\nfrom          %s at %s, client %s\nusers         %s\nwindow        %s\nscope         %s\nformat        %s\n",
		m.Tool, m.Source, m.Host, m.Client, m.Plan.Users, m.Plan.Window, m.Plan.Scope, m.Plan.Format)
	s.out("members       %s complete, %s incomplete\nrequests      %s, %s repeated, %s rate limited\nsize          %s\n\n",
		thousands(m.Members.Complete), thousands(m.Members.Incomplete), thousands(m.Requests.Total), thousands(m.Requests.Retried), thousands(m.Requests.RateLimited), size(m.Bytes()))
	w := s.table("FILE", "ROWS", "SIZE", "SHA-256")
	for _, t := range schemas.Tables() {
		for _, f := range m.Tables[t.Name].Files {
			fmt.Fprintf(w, "%s\t%s\t%s\t%.16s…\n", f.Path, thousands(f.Rows), size(f.Bytes), f.SHA256)
		}
	}
	if err := w.Flush(); err != nil || len(m.Gaps) == 0 {
		return err
	}
	s.out("\n")
	w = s.table("GAP: USER", "MEMBER", "RESOURCE", "REASON")
	for _, g := range m.Gaps {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", g.User, g.Member, g.Resource, g.Reason)
	}
	return w.Flush()
}

func (s *session) verifySnapshots(c *cli.Context) (err error) {
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer closeStore(st, &err)
	var strays []snapshot.Problem
	var ids []snapshot.ID
	for _, a := range c.Args().Slice() {
		ids = append(ids, snapshot.ID(a))
	}
	if len(ids) == 0 {
		if ids, err = snapshot.List(st); err != nil {
			return err
		}
		if strays, err = snapshot.Strays(c.Context, st); err != nil {
			return err
		}
		unlisted, err := snapshot.VerifyLatest(st)
		if err != nil {
			return err
		}
		strays = append(strays, unlisted...)
		if len(ids)+len(strays) == 0 {
			return empty(st)
		}
	}
	enc := json.NewEncoder(s.env.Stdout)
	bad, extra := 0, 0
	tell := func(problems []snapshot.Problem) error {
		for _, p := range problems {
			bad++
			if p.Extra {
				extra++
			}
			if c.Bool("json") {
				if err := enc.Encode(p); err != nil {
					return err
				}
				continue
			}
			if p.Snapshot != "" {
				s.out("%s: ", p.Snapshot)
			}
			s.out("%s: %s\n", p.File, p.What)
		}
		return nil
	}
	var missing error
	for _, id := range ids {
		problems, err := snapshot.Verify(c.Context, st, id)
		if errors.Is(err, snapshot.ErrNoSnapshot) { // the others are looked at all the same
			missing = errors.Join(missing, err)
			continue
		}
		if err != nil {
			return err
		}
		if err := tell(problems); err != nil {
			return err
		}
		if len(problems) == 0 && !c.Bool("json") {
			s.out("%s: ok\n", id)
		}
	}
	if err := tell(strays); err != nil {
		return err
	}
	if bad > 0 {
		text := problemsAdvice(bad, extra)
		if missing != nil { // only as text: damage decides the exit code
			text += "\n" + missing.Error()
		}
		return errors.New(text)
	}
	return missing
}

// alsoDamaged reads the snapshots back and lets those go that are damaged;
// without a policy nothing else.
func alsoDamaged(ctx context.Context, st *snapshot.Dir, keep snapshot.Keep, steps []snapshot.PruneStep) error {
	for i := range steps {
		p := &steps[i]
		if keep == (snapshot.Keep{}) && p.Remove {
			p.Remove, p.Why = false, "no policy says otherwise"
		}
		if p.Unfinished {
			continue
		}
		problems, err := snapshot.Verify(ctx, st, p.ID)
		if err != nil {
			return err
		}
		for _, bad := range problems {
			if !bad.Extra {
				p.Remove, p.Why = true, fmt.Sprintf("%s: %s", bad.File, bad.What)
				break
			}
		}
	}
	return nil
}

// problemsAdvice is what can be done about so many problems, of which some are
// files that do not belong.
func problemsAdvice(bad, extra int) string {
	text := fmt.Sprintf("%d problems", bad)
	if bad == 1 {
		text = "1 problem"
	}
	if extra > 0 {
		text += "; delete what does not belong"
	}
	if bad > extra {
		text += "; restore damaged and missing files from a copy, or give the snapshot up: it cannot be fetched again, and tallyport snapshots prune --damaged --yes removes it"
	}
	return text
}

func (s *session) pruneSnapshots(c *cli.Context) (err error) {
	keep := snapshot.Keep{Daily: c.Int("keep-daily"), Monthly: c.Int("keep-monthly")}
	if keep.Daily < 0 || keep.Monthly < 0 {
		return usagef("--keep-daily and --keep-monthly cannot be negative")
	}
	if keep == (snapshot.Keep{}) && !c.Bool("damaged") {
		return usagef("say what to keep: --keep-daily 35 --keep-monthly 13")
	}
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer closeStore(st, &err)
	if c.Bool("yes") {
		unlock, err := s.lock(c.Context, st, c.Duration("lock-wait"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, unlock()) }()
		if err := snapshot.RollForward(c.Context, st); err != nil {
			return err
		}
	}
	held, err := reconcile.Held(st)
	if err != nil {
		return err
	}
	steps, err := snapshot.PlanPrune(st, keep, held, s.env.Now())
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		return empty(st)
	}
	if c.Bool("damaged") {
		if err := alsoDamaged(c.Context, st, keep, steps); err != nil {
			return err
		}
	}
	if c.Bool("yes") {
		if err := snapshot.Prune(c.Context, st, steps); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		enc := json.NewEncoder(s.env.Stdout)
		for _, p := range steps {
			if err := enc.Encode(p); err != nil {
				return err
			}
		}
		return nil
	}
	removed := 0
	w := s.table("SNAPSHOT", "", "WHY")
	for _, p := range steps {
		what := "keep"
		if p.Remove {
			what = "remove"
			removed++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", p.ID, what, p.Why)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	switch {
	case removed == 0:
		s.out("nothing to remove\n")
	case c.Bool("yes"):
		s.out("%d removed\n", removed)
	default:
		s.out("%d would be removed; add --yes to remove them\n", removed)
	}
	return nil
}
