package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

// manyIDs is how many ids a command takes.
const manyIDs = 1 << 20

// ticketID is an id of a ticket or of a finding.
var ticketID = regexp.MustCompile(`^[TF]-[A-Z2-7]{16}$`)

// decisionFlags are the flags of every command that decides.
func decisionFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{storeFlag(), lockWaitFlag(), &cli.StringFlag{Name: "who", Usage: "`NAME` of whoever decides (default: $USER)"}}, more...)
}

func reasonFlag() cli.Flag {
	return &cli.StringFlag{Name: "reason", Usage: "`TEXT` that says why, for whoever asks later"}
}

func (s *session) requestCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "request", Usage: "makes a ticket of findings that have none", ArgsUsage: "F-…",
		Description: `For a finding to review, or for what only the user of a member can put right, when a person knows that MX has to help.

Example:
  tallyport tickets request F-ABCDEFGHIJ234567 --store /data/mx --reason "the user can log in at the bank"`,
		Flags: decisionFlags(reasonFlag()),
		Action: func(c *cli.Context) error {
			for _, id := range c.Args().Slice() {
				if strings.HasPrefix(id, "T-") {
					return usagef("%s is a ticket already; name findings, as tallyport tickets list --all does", id)
				}
			}
			found, err := s.decide(c, c.Args().Slice(), reconcile.Decision{Action: reconcile.Request}, false)
			for i := range found {
				switch f := &found[i]; {
				case f.TicketID == "":
					s.out("%s gets its ticket once it is confirmed\n", f.ID)
				case f.IssueType == reconcile.FIWebsite:
					s.out("%s is in %s; MX asks for no ticket about what the end user has to settle at the FI's website\n", f.ID, f.TicketID)
				default:
					s.out("%s is in %s\n", f.ID, f.TicketID)
				}
			}
			return s.decided(err)
		},
	}, manyIDs)
}

func (s *session) suppressCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "suppress", Usage: "puts findings aside, all of a ticket or of an institution, until a day or for good", ArgsUsage: "ID…",
		Description: `What is put aside is in no ticket and does not count for --fail-on. It is shown again after --until.

Examples:
  tallyport tickets suppress T-ABCDEFGHIJ234567 --store /data/mx --until 2026-12-31 --reason "MX knows, ZD-123"
  tallyport tickets suppress --institution mxbank --until 2026-12-01 --reason "planned migration"`,
		Flags: decisionFlags(reasonFlag(),
			&cli.StringFlag{Name: "until", Usage: "last `DAY`, UTC, on which it is hidden, as 2026-12-31 (default: for good)"},
			&cli.StringFlag{Name: "institution", Usage: "what is raised about this institution's `CODE`"},
		),
		Action: func(c *cli.Context) error {
			until := c.String("until")
			if t, err := time.Parse(time.DateOnly, until); until != "" && err != nil {
				return usagef("--until %q is not a date; write it as 2026-12-31", until)
			} else if until != "" && until < s.env.Now().UTC().Format(time.DateOnly) {
				return usagef("--until %s is in the past", t.Format(time.DateOnly))
			}
			found, err := s.decide(c, c.Args().Slice(), reconcile.Decision{Action: reconcile.Suppress, Until: until}, true)
			if err == nil {
				end := "for good"
				if until != "" {
					end = "until " + until
				}
				s.out("%s suppressed %s\n", counted(int64(len(found)), "finding", "findings"), end)
			}
			return s.decided(err)
		},
	}, manyIDs)
}

func (s *session) unsuppressCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "unsuppress", Usage: "shows again what was put aside", ArgsUsage: "ID…",
		Description: "Example:\n  tallyport tickets unsuppress F-ABCDEFGHIJ234567 --store /data/mx",
		Flags:       decisionFlags(reasonFlag()),
		Action: func(c *cli.Context) error {
			found, err := s.decide(c, c.Args().Slice(), reconcile.Decision{Action: reconcile.Unsuppress}, false)
			for i := range found {
				s.out("%s is %s again\n", found[i].ID, found[i].State)
			}
			return s.decided(err)
		},
	}, manyIDs)
}

func (s *session) submitCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "submit", Usage: "notes that a ticket was sent to MX, and under which number", ArgsUsage: "ID",
		Description: `Nothing is sent. If it is still true three nights or 72 hours later, it is escalated.

Example:
  tallyport tickets submit T-ABCDEFGHIJ234567 --store /data/mx --ref ZD-123`,
		Flags: decisionFlags(&cli.StringFlag{Name: "ref", Usage: "`NUMBER` under which MX has it, as ZD-123"}),
		Action: func(c *cli.Context) error {
			ref, err := s.words(c, "ref")
			if err == nil && ref == "" {
				err = usagef("say under which number MX has it, with --ref ZD-123")
			}
			if err != nil {
				return err
			}
			found, err := s.decide(c, c.Args().Slice(), reconcile.Decision{Action: reconcile.Submit, Ref: ref}, false)
			if err == nil {
				s.out("%s submitted as %s\n", counted(int64(len(found)), "finding", "findings"), ref)
			}
			return s.decided(err)
		},
	}, 1)
}

func (s *session) closeCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "close", Usage: "notes that it is nothing: the findings are explained, by whoever closes them", ArgsUsage: "ID…",
		Description: `A finding that is closed stays so for as long as it is true. If it is put right and comes again, it is open again.

Example:
  tallyport tickets close T-ABCDEFGHIJ234567 --store /data/mx --reason "the bank took it back, says its letter"`,
		Flags: decisionFlags(reasonFlag()),
		Action: func(c *cli.Context) error {
			found, err := s.decide(c, c.Args().Slice(), reconcile.Decision{Action: reconcile.Close}, true)
			if err == nil {
				s.out("%s closed\n", counted(int64(len(found)), "finding", "findings"))
			}
			return s.decided(err)
		},
	}, manyIDs)
}

// decide makes a decision on findings, on all those of tickets or, without ids,
// of an institution, and saves it: all or nothing.
func (s *session) decide(c *cli.Context, ids []string, d reconcile.Decision, reasoned bool) (found []reconcile.Finding, err error) {
	institution := c.String("institution")
	switch {
	case institution != "" && len(ids) > 0:
		return nil, usagef("name findings and tickets, or --institution; not both")
	case institution == "" && len(ids) == 0:
		return nil, usagef("which one? tallyport tickets %s F-… or T-…, as tallyport tickets list names them", d.Action)
	}
	if err := idsOf(ids); err != nil {
		return nil, err
	}
	if d.Reason, err = s.words(c, "reason"); err != nil {
		return nil, err
	}
	if reasoned && d.Reason == "" {
		return nil, usagef("say why with --reason TEXT")
	}
	if d.Who, err = s.who(c); err != nil {
		return nil, err
	}
	err = s.withLedger(c, true, func(st snapshot.Store, ledger *reconcile.Ledger) error {
		if institution != "" {
			if ids = ledger.Shown(institution); len(ids) == 0 {
				return none{fmt.Errorf("nothing that is raised, or waits to be confirmed, is about institution %q", institution)}
			}
		}
		if d.Action == reconcile.Request {
			for _, id := range ids {
				if f, _, ok := ledger.Finding(id); ok && f.TicketID != "" && f.State == reconcile.Open {
					return usagef("%s is in %s already; tallyport tickets show %s has it", id, f.TicketID, f.TicketID)
				}
			}
		}
		d.At = s.env.Now()
		if found, err = ledger.DecideOn(d, ids...); err != nil {
			return undecided(err, st)
		}
		return ledger.Save(st)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// undecided gives an error of the ledger its exit code.
func undecided(err error, st snapshot.Store) error {
	var unknown *reconcile.UnknownError
	if errors.As(err, &unknown) {
		return none{fmt.Errorf("%w in %s", err, st)}
	}
	return usage{err}
}

// decided ends a command that decided, saying from when on it shows.
func (s *session) decided(err error) error {
	if err == nil {
		s.out("tickets list and show tell of it at once; the files of the newest report stay as they are, the next snapshot's will have it\n")
	}
	return err
}

// withLedger opens a store's ledger, under its lock if it is to be written.
func (s *session) withLedger(c *cli.Context, write bool, do func(snapshot.Store, *reconcile.Ledger) error) (err error) {
	if c.Duration("lock-wait") < 0 {
		return usagef("--lock-wait cannot be negative")
	}
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer closeStore(st, &err)
	if write {
		unlock, err := s.lockLedger(c.Context, st, c.Duration("lock-wait"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, unlock()) }()
	}
	ledger, err := s.openLedger(st)
	if err != nil {
		return err
	}
	return do(st, ledger)
}

// idsOf refuses what cannot be an id.
func idsOf(ids []string) error {
	if i := slices.IndexFunc(ids, func(id string) bool { return !ticketID.MatchString(id) }); i >= 0 {
		return usagef("%q is the id neither of a ticket, T-…, nor of a finding, F-…; tallyport tickets list has them", ids[i])
	}
	return nil
}

// longestWords bounds what a person says with a decision, in characters.
const longestWords = 500

// words is what a person says with a flag, on one line.
func (s *session) words(c *cli.Context, flag string) (string, error) {
	text := strings.Join(strings.Fields(c.String(flag)), " ")
	if n := utf8.RuneCountInString(text); n > longestWords {
		return "", usagef("--%s has %d characters; at most %d are kept", flag, n, longestWords)
	}
	return text, nil
}

// who decides.
func (s *session) who(c *cli.Context) (string, error) {
	who, err := s.words(c, "who")
	if err == nil && who == "" {
		who, _ = s.lookup("USER")
	}
	if err == nil && who == "" {
		err = usagef("say who decides with --who NAME; USER is not set")
	}
	return who, err
}

func (s *session) baselineCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "baseline", Usage: "puts everything aside that is there now, so that only what is new shows",
		Description: `For the first days of a store: what is raised or a candidate is suppressed for good. It says how many, and does it with --yes.

Example:
  tallyport tickets baseline --store /data/mx --reason "known before we started" --yes`,
		Flags:  decisionFlags(reasonFlag(), &cli.BoolFlag{Name: "yes", Usage: "do it; without it nothing is changed"}),
		Action: s.baseline,
	}, 0)
}

func (s *session) baseline(c *cli.Context) (err error) {
	reason, err := s.words(c, "reason")
	if err == nil && reason == "" {
		err = usagef("say why with --reason TEXT")
	}
	if err != nil {
		return err
	}
	who, err := s.who(c)
	if err != nil {
		return err
	}
	return s.withLedger(c, c.Bool("yes"), func(st snapshot.Store, ledger *reconcile.Ledger) error {
		var ids []string
		for _, f := range ledger.Findings() {
			if f.State.Raised() || f.State == reconcile.Candidate {
				ids = append(ids, f.ID)
			}
		}
		if !c.Bool("yes") {
			s.out("%s findings would be suppressed; add --yes to do it\n", thousands(int64(len(ids))))
			return nil
		}
		// The ledger gives a baseline its reason; the text is kept beside it.
		if _, err := ledger.DecideOn(reconcile.Decision{At: s.env.Now(), Who: who, Action: reconcile.Baseline, Ref: reason}, ids...); err != nil {
			return err
		}
		if err := ledger.Save(st); err != nil {
			return err
		}
		s.out("%s findings suppressed; they show so in reports from the next snapshot on\n", thousands(int64(len(ids))))
		return nil
	})
}
