package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/reconcile"
	"tallyport/reconcile/report"
	"tallyport/snapshot"
)

func (s *session) reconcileCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:  "reconcile",
		Usage: "compares the snapshots of the store and says what MX lost or left behind",
		Description: `Judges every snapshot that was not judged yet, in the order in which they were taken,
keeps the findings, and writes the report of the newest. Doing it again changes nothing.
It asks nothing of the API and needs no credentials, unless --probe is given: then MX is asked
for each transaction that is about to be put into a ticket, by its guid. One that MX still has is
explained, one that MX does not answer for waits. The answers are kept: nothing is asked twice.

Exit code 3: the snapshot has gaps, or so much vanished at once that it is not about single
transactions. 4: there are findings that --fail-on names; it outranks 3.

Examples:
  tallyport reconcile --store /data/mx
  tallyport reconcile --store /data/mx --fail-on ticket --json
  tallyport reconcile --store /data/mx --probe
  tallyport reconcile --snapshot 20261120T020000Z --report ./report --changes`,
		Flags: append([]cli.Flag{storeFlag(), lockWaitFlag(), jsonFlag("print the summary as one JSON object")}, slices.Concat(reconcileFlags(), clientFlags())...),
		Action: func(c *cli.Context) error {
			o, err := judgementOf(c)
			if err != nil {
				return err
			}
			notify, err := s.notifier(c.String("notify-url"))
			if err != nil {
				return err
			}
			if c.Bool("probe") {
				client, err := s.client(c)
				if err != nil {
					return err
				}
				defer client.Close()
				o.options.Prober = NewProber(client.Client, s.log)
			}
			err = s.reconcile(c, o)
			notify.tell(c.Context, o.news)
			return err
		},
	}, 0)
}

// reconcileFlags are the flags of reconcile that export does not have.
func reconcileFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "snapshot", Usage: "report on the snapshot with this `ID` (default: the newest)"},
		&cli.StringFlag{Name: "report", Usage: "`DIR` for the report (default: _reports/<id> in the store)"},
		&cli.DurationFlag{Name: "stale-after", Value: 48 * time.Hour, Usage: "a member is stale after this long"},
		&cli.BoolFlag{Name: "changes", Usage: "also list every change in changes.csv and changes.parquet"},
		&cli.BoolFlag{Name: "rebuild", Usage: "judge all snapshots again; what people decided is kept"},
		&cli.BoolFlag{Name: "probe", Usage: "ask the API for each transaction before it is put into a ticket"},
		&cli.IntFlag{Name: "max-tickets", Value: 50, Usage: "raise at most so many new tickets a night; the others are counted, and wait as candidates"},
		&cli.StringFlag{Name: "notify-url", Usage: "post the tickets that this run raises, if any, to `URL`: as JSON, in the form that Slack takes"},
		&cli.StringFlag{Name: "fail-on", Value: "none", Usage: "exit code 4 if there are findings of this `VERDICT`: none, ticket or review (ticket too)"},
	}
}

// judgement is a run of reconcile as its flags describe it.
type judgement struct {
	options reconcile.Options
	report  string // "": in the store
	failOn  []reconcile.Verdict
	news    *news // of the run, when it is over
}

// judgementOf reads the flags; nothing is done before they are all in order.
func judgementOf(c *cli.Context) (*judgement, error) {
	j := &judgement{report: c.String("report"), options: reconcile.Options{
		Snapshot: snapshot.ID(c.String("snapshot")), StaleAfter: c.Duration("stale-after"),
		Rebuild: c.Bool("rebuild"), Changes: c.Bool("changes"), MaxTickets: c.Int("max-tickets"),
	}}
	if err := oneOf(c, "fail-on", "none", "ticket", "review"); err != nil {
		return nil, err
	}
	switch c.String("fail-on") {
	case "ticket":
		j.failOn = []reconcile.Verdict{reconcile.Ticket}
	case "review":
		j.failOn = []reconcile.Verdict{reconcile.Ticket, reconcile.Review}
	}
	switch {
	case j.options.StaleAfter <= 0:
		return nil, usagef("--stale-after %v is not an age; write it as 48h", j.options.StaleAfter)
	case j.options.MaxTickets < 1:
		return nil, usagef("--max-tickets %d is not a number of tickets", j.options.MaxTickets)
	case c.Duration("lock-wait") < 0:
		return nil, usagef("--lock-wait cannot be negative")
	}
	if j.report != "" {
		return j, checkReport(j.report)
	}
	return j, nil
}

func (s *session) reconcile(c *cli.Context, j *judgement) (err error) {
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if j.options.Prober != nil {
		if err := s.sameClient(c, st); err != nil {
			return err
		}
	}
	unlock, err := s.lockLedger(c.Context, st, c.Duration("lock-wait"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	v, err := s.judge(c.Context, st, j)
	if err != nil {
		return err
	}
	if len(v.result.Judged) == 0 && (c.IsSet("max-tickets") || c.IsSet("stale-after")) {
		s.log.Warn("every snapshot was judged before: --max-tickets and --stale-after count from the next one on; with --rebuild they count for all")
	}
	if c.Bool("json") {
		err = json.NewEncoder(s.env.Stdout).Encode(v.result.Summary)
	} else if !s.quiet {
		s.out("%s", v.text())
	}
	if err == nil && v.result.Summary.ExitCode != exitOK {
		return exit(v.result.Summary.ExitCode)
	}
	return err
}

// verdictOn is what a run of reconcile came to.
type verdictOn struct {
	result *reconcile.Result
	report string
}

// judge reconciles and writes the report. The caller holds the ledger's lock.
func (s *session) judge(ctx context.Context, st *snapshot.Dir, j *judgement) (*verdictOn, error) {
	o := j.options
	o.Log = s.log
	res, err := reconcile.Run(ctx, st, &o)
	if errors.Is(err, reconcile.ErrNothing) {
		err = empty(st)
	}
	if err != nil {
		return nil, err
	}
	j.news = newsOf(res)
	id := res.Summary.Snapshot
	dir := cmp.Or(j.report, filepath.Join(st.Path("_reports"), string(id)))
	for _, f := range res.Findings {
		if (f.State == reconcile.Open || f.State == reconcile.Escalated) && slices.Contains(j.failOn, f.Verdict) {
			res.Summary.ExitCode = exitFindings
		}
	}
	judged := slices.Contains(res.Judged, id)
	files, err := res.Files(o.Changes && judged)
	if err != nil {
		return nil, err
	}
	if !judged { // what was listed when it was judged still holds
		kept, err := keptChanges(dir, id)
		if err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		maps.Copy(files, kept)
		if len(kept) == 0 && o.Changes {
			s.log.Warn("the changes are not listed: the snapshot was judged before; --rebuild judges it again, if nothing before it is pruned", "snapshot", id)
		}
	}
	shown, err := report.New(ctx, st, res)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	rendered, err := shown.Files()
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	maps.Copy(files, rendered)
	if err := writeReport(dir, files); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return &verdictOn{res, dir}, nil
}

// lockLedger takes the ledger's lock, waiting up to wait for it.
func (s *session) lockLedger(ctx context.Context, st snapshot.Store, wait time.Duration) (func() error, error) {
	return s.waitFor(ctx, st, wait, func() (func() error, error) { return reconcile.LockLedger(st) })
}

// text is the summary for people.
func (v *verdictOn) text() string {
	var b strings.Builder
	m := &v.result.Summary
	fmt.Fprintf(&b, "reconcile %s", m.Snapshot)
	if m.Compared != nil {
		fmt.Fprintf(&b, ", compared with %s", *m.Compared)
	}
	if !slices.Contains(v.result.Judged, m.Snapshot) {
		b.WriteString(" (judged before)")
	}
	b.WriteString("\n")
	for _, n := range m.Notes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	fmt.Fprintf(&b, "  members looked at %s, not looked at %s", thousands(m.Members.Complete), thousands(m.Members.Incomplete))
	for i, reason := range slices.Sorted(maps.Keys(m.Members.Why)) {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s %s", sep, reason, thousands(m.Members.Why[reason]))
	}
	fmt.Fprintf(&b, "\n  accounts compared %s\n", thousands(m.Accounts.Compared))
	if m.Systemic {
		b.WriteString("  so many rows vanished at once that it is not about single transactions: no tickets are raised for them\n")
	}
	b.WriteString(byKind(v.result.Findings))
	fmt.Fprintf(&b, "  tickets %d open, %d of them new", m.Tickets.Open, m.Tickets.New)
	if m.Tickets.Withheld > 0 {
		fmt.Fprintf(&b, "; %d more are withheld: for --max-tickets, or since a systemic night", m.Tickets.Withheld)
	}
	fmt.Fprintf(&b, "\n  %s/report.html\n", v.report)
	return b.String()
}

// byKind is a line for each kind of finding, with how many there are in each state.
func byKind(all []reconcile.Finding) string {
	if len(all) == 0 {
		return "  no findings\n"
	}
	counts := map[reconcile.Kind]map[reconcile.State]int{}
	for i := range all {
		f := &all[i]
		if counts[f.Kind] == nil {
			counts[f.Kind] = map[reconcile.State]int{}
		}
		counts[f.Kind][f.State]++
	}
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		var parts []string
		for _, state := range states {
			if n := counts[kind][state]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s %s", thousands(int64(n)), state))
			}
		}
		fmt.Fprintf(&b, "  %-23s %s\n", kind, strings.Join(parts, ", "))
	}
	return b.String()
}

// states in the order of their urgency.
var states = report.States()
