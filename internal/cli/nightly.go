package cli

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/urfave/cli/v2"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

func (s *session) nightlyCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:  "nightly",
		Usage: "export, then reconcile, in one locked run",
		Description: `Takes the flags of both. A snapshot with gaps is reconciled all the same: members that were
not looked at prove nothing, and count as nothing. An export that published no snapshot ends
the run with its exit code; else the worse of both codes is that of the run. --max-duration
is for the export; --report, --fail-on and the like are for what follows.

Examples:
  tallyport nightly --store /data/mx
  tallyport nightly --store /data/mx --page-size auto --lock-wait 1h --fail-on ticket --json`,
		Flags:  append(exportFlags(), reconcileFlags()...),
		Action: s.nightly,
	}, 0)
}

// nightlyReport is nightly --json.
type nightlyReport struct {
	Export    *runReport         `json:"export"`
	Reconcile *reconcile.Summary `json:"reconcile"` // null: there was nothing to reconcile
	Exit      int                `json:"exit_code"`
}

func (s *session) nightly(c *cli.Context) error {
	ping, err := s.pinger(c.String("ping-url"))
	if err != nil {
		return err
	}
	notify, err := s.notifier(c.String("notify-url"))
	if err != nil {
		return err
	}
	judgement, err := judgementOf(c)
	if err != nil {
		return err
	}
	j, err := s.job(c)
	if err != nil {
		return err
	}
	defer j.client.Close()
	if c.Bool("probe") {
		judgement.options.Prober = NewProber(j.client.Client, s.log)
	}
	n := &nightlyReport{Export: &runReport{s: s, started: s.env.Now()}}
	ping.start(c.Context)
	err = withCause(c.Context, s.runNight(c, j, judgement, n))
	if n.Exit = exitCode(err); err == nil {
		n.Exit = n.Export.Exit
		if n.Reconcile != nil {
			n.Exit = max(n.Exit, n.Reconcile.ExitCode) // 0, 3 or 4
		}
	}
	if c.Bool("json") {
		if e := json.NewEncoder(s.env.Stdout).Encode(n); e != nil {
			err = errors.Join(err, e)
			n.Exit = exitCode(err)
		}
	}
	s.writeMetrics(c.String("metrics-file"), n)
	ping.end(c.Context, n.Exit)
	notify.tell(c.Context, judgement.news)
	if err == nil && n.Exit != exitOK {
		return exit(n.Exit)
	}
	return err
}

// runNight exports and reconciles under both locks.
func (s *session) runNight(c *cli.Context, j *job, judgement *judgement, n *nightlyReport) error {
	exported := false
	end := func(err error) error {
		exported = true
		n.Export.finish(err)
		if !c.Bool("json") {
			return errors.Join(err, n.Export.print(c))
		}
		return err
	}
	err := s.withStore(c, j, func(ctx context.Context, st *snapshot.Dir) (err error) {
		unlock, err := s.lockLedger(ctx, st, c.Duration("lock-wait"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, unlock()) }()
		if err := end(withCause(ctx, s.exportInto(ctx, c, st, j, n.Export))); err != nil {
			return err
		}
		if judgement.options.Snapshot == "" {
			judgement.options.Snapshot = n.Export.Snapshot
		}
		v, err := s.judge(c.Context, st, judgement)
		if err != nil {
			return err
		}
		n.Reconcile = &v.result.Summary
		if !c.Bool("json") && !s.quiet {
			s.out("%s", v.text())
		}
		return nil
	})
	if !exported { // it did not come so far
		return end(err)
	}
	return err
}
