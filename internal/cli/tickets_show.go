package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tallyport/reconcile"
	"tallyport/reconcile/report"
	"tallyport/snapshot"
)

func (s *session) showTicketCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "show", Usage: "prints a ticket as it is to be sent, or everything that is known of a finding", ArgsUsage: "ID",
		Description: `A ticket is shown as it is now, with what was decided since its file was written.

Examples:
  tallyport tickets show T-ABCDEFGHIJ234567 --store /data/mx
  tallyport tickets show F-ABCDEFGHIJ234567 --json`,
		Flags:  []cli.Flag{storeFlag(), jsonFlag("print one JSON object")},
		Action: s.showTicket,
	}, 1)
}

func (s *session) showTicket(c *cli.Context) (err error) {
	id := c.Args().First()
	if id == "" {
		return usagef("which one? tallyport tickets show T-… or F-…, as tallyport tickets list names them")
	}
	if err := idsOf([]string{id}); err != nil {
		return err
	}
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer closeStore(st, &err)
	ledger, err := s.openLedger(st)
	if err != nil {
		return err
	}
	if strings.HasPrefix(id, "F-") {
		told, err := ledger.Told(id)
		if err != nil {
			return undecided(err, st)
		}
		if c.Bool("json") {
			return json.NewEncoder(s.env.Stdout).Encode(told)
		}
		s.printFinding(&told)
		return nil
	}
	r, err := s.someTickets(c, st, ledger, id)
	if err != nil {
		return err
	}
	form := r.Ticket(id)
	text := form.Markdown()
	if c.Bool("json") {
		if text, err = form.JSON(); err != nil {
			return err
		}
	}
	s.out("%s", text)
	return nil
}

// someTickets gathers what there is to show of the tickets that ids name.
func (s *session) someTickets(c *cli.Context, st snapshot.Store, ledger *reconcile.Ledger, ids ...string) (*report.Report, error) {
	named := map[string]string{} // ticket by its id, and by that of its findings
	for _, f := range ledger.Findings() {
		if t := string(f.TicketID); t != "" {
			named[t], named[f.ID] = t, t
		}
	}
	var tickets []string
	for _, id := range ids {
		if named[id] == "" {
			_, err := ledger.KnownTicket(id) // says why
			return nil, undecided(err, st)
		}
		tickets = append(tickets, named[id])
	}
	last, _ := ledger.Last()
	res, err := ledger.Judged(st, last)
	if err != nil {
		return nil, err
	}
	r, err := report.Some(c.Context, st, res, tickets...)
	if errors.Is(err, snapshot.ErrNoSnapshot) {
		return nil, none{fmt.Errorf("snapshot %s, the last one that was judged, is gone; tallyport reconcile judges the newest", last)}
	}
	return r, err
}

// printFinding prints everything that is known of a finding.
func (s *session) printFinding(f *reconcile.Told) {
	s.out("finding %s: %s, %s, %s", f.ID, f.Kind, f.Code, f.State)
	if f.TicketID != "" {
		s.out(", ticket %s", f.TicketID)
	}
	s.out(" (%s)\n", f.Verdict)
	if f.Says != "" {
		s.out("  %s\n", f.Says)
	}
	for _, field := range [][2]string{
		{"issue_type", string(f.IssueType)}, {"user_guid", string(f.User)}, {"member_guid", string(f.Member)}, {"account_guid", string(f.Account)},
		{"transaction_guid", string(f.Transaction)}, {"institution_code", string(f.Institution)}, {"date", string(f.Date)}, {"amount", string(f.Amount)}, {"type", string(f.Type)}, {"payee", string(f.Payee)},
		{"first_snapshot", string(f.First)}, {"last_snapshot", string(f.Last)}, {"last_good_snapshot", string(f.LastGood)}, {"missing_inputs", strings.Join(f.MissingInputs, "; ")},
	} {
		if field[1] != "" {
			s.out("  %-24s %s\n", field[0], printable(field[1]))
		}
	}
	s.out("\nevidence\n")
	s.printLife(f)
}

func (s *session) bundleCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "bundle", Usage: "writes a zip of tickets, to attach", ArgsUsage: "ID…",
		Description: `It holds each ticket as Markdown, as a table and as JSON, as it is now. A finding stands for the ticket that carries it.

Examples:
  tallyport tickets bundle T-ABCDEFGHIJ234567 --store /data/mx
  tallyport tickets bundle T-ABCDEFGHIJ234567 T-ABCDEFGHIJ234568 --output monday.zip --force`,
		Flags: []cli.Flag{storeFlag(),
			&cli.StringFlag{Name: "output", Usage: "`FILE` to write (default: the ticket's id and .zip)"},
			&cli.BoolFlag{Name: "force", Usage: "write over a file that is there"},
		},
		Action: s.bundle,
	}, manyIDs)
}

func (s *session) bundle(c *cli.Context) (err error) {
	ids := c.Args().Slice()
	if len(ids) == 0 {
		return usagef("which one? tallyport tickets bundle T-…, as tallyport tickets list names them")
	}
	if err := idsOf(ids); err != nil {
		return err
	}
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer closeStore(st, &err)
	ledger, err := s.openLedger(st)
	if err != nil {
		return err
	}
	r, err := s.someTickets(c, st, ledger, ids...)
	if err != nil {
		return err
	}
	var tickets []string
	for _, t := range r.Tickets {
		tickets = append(tickets, t.ID)
	}
	slices.Sort(tickets)
	name := c.String("output")
	switch {
	case name == "" && len(tickets) > 1:
		return usagef("several tickets have no name in common; give the file one with --output FILE")
	case name == "":
		name = tickets[0] + ".zip"
	}
	data, err := r.Bundle(tickets...)
	if err != nil {
		return err
	}
	if err := writeWhole(name, data, c.Bool("force")); err != nil {
		return err
	}
	s.out("%s\n", name)
	return nil
}

// writeWhole makes a file in one step. One that is there is kept, unless it is
// to be written over.
func writeWhole(name string, data []byte, over bool) error {
	info, err := os.Lstat(name)
	switch {
	case err == nil && info.IsDir():
		return usagef("--output %s is a directory", name)
	case err == nil && !over:
		return usagef("%s is there already; --force writes over it", name)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return usagef("--output: %w", err)
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return usagef("--output %s: there is no directory %s", name, filepath.Dir(name))
	}
	fresh := aside(filepath.Clean(name), "new")
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	if err := writeSynced(fresh, data); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	if err := os.Rename(fresh, name); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return syncDir(filepath.Dir(name))
}
