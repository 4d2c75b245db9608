package cli

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/snapshot"
)

func (s *session) diffCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "diff", Usage: "compares two snapshots, line by line, without judging", ArgsUsage: "A B",
		Description: `Prints every transaction that was added, removed or amended from A to B, and counts the
differences of the other tables. Only what both snapshots looked at is compared; the last
lines say what was not. Exit code 0 whether they differ or not.

Examples:
  tallyport diff 20261119T020000Z 20261120T020000Z --store /data/mx
  tallyport diff 20261119T020000Z 20261120T020000Z --csv > diff.csv`,
		Flags: []cli.Flag{storeFlag(),
			jsonFlag("print one JSON object per difference, and the summary as the last"),
			&cli.BoolFlag{Name: "csv", Usage: "print the differences as CSV, without the summary"},
		},
		Action: s.diff,
	}, 2)
}

func (s *session) diff(c *cli.Context) (err error) {
	if c.NArg() != 2 {
		return usagef("name two snapshots, as in tallyport diff 20261119T020000Z 20261120T020000Z; tallyport snapshots list has them")
	}
	if c.Bool("json") && c.Bool("csv") {
		return usagef("--json and --csv do not go together")
	}
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	show := s.differenceLine
	enc, table := json.NewEncoder(s.env.Stdout), csv.NewWriter(s.env.Stdout)
	switch {
	case c.Bool("json"):
		show = func(d *reconcile.Difference) error { return enc.Encode(d) }
	case c.Bool("csv"):
		if err := table.Write([]string{"change", "user_guid", "member_guid", "account_guid", "transaction_guid", "date", "amount", "type", "status", "fields"}); err != nil {
			return err
		}
		show = func(d *reconcile.Difference) error {
			return table.Write([]string{d.Change, d.User, d.Member, d.Account, d.Transaction, string(d.Date), string(d.Amount), string(d.Type), d.Status, strings.Join(d.Fields, " ")})
		}
	}
	sum, err := reconcile.Diff(c.Context, st, snapshot.ID(c.Args().Get(0)), snapshot.ID(c.Args().Get(1)), show)
	if err != nil {
		return err
	}
	switch {
	case c.Bool("json"):
		return enc.Encode(struct {
			Summary *reconcile.DiffSummary `json:"summary"`
		}{sum})
	case c.Bool("csv"):
		table.Flush()
		return table.Error()
	}
	s.diffSummary(sum)
	return nil
}

func (s *session) differenceLine(d *reconcile.Difference) error {
	line := fmt.Sprintf("%-8s %s  %s  %s %s  %s  %s", d.Change, printable(d.Transaction), d.Date, d.Amount, d.Type, d.Status, printable(d.Account))
	if len(d.Fields) > 0 {
		line += "  " + strings.Join(d.Fields, ", ")
	}
	_, err := fmt.Fprintln(s.env.Stdout, line)
	return err
}

func (s *session) diffSummary(sum *reconcile.DiffSummary) {
	if sum.Same {
		s.out("%s and %s are the same where both looked\n", sum.A, sum.B)
	} else {
		s.out("%s and %s differ:\n", sum.A, sum.B)
	}
	for _, t := range schemas.Tables() {
		if n := sum.Tables[t.Name]; n != nil && *n != (reconcile.TableDifference{}) {
			s.out("  %-15s %s added, %s removed, %s amended\n", t.Name, thousands(n.Added), thousands(n.Removed), thousands(n.Amended))
		}
	}
	s.out("members compared: %s\n", thousands(sum.Compared))
	for _, why := range slices.Sorted(maps.Keys(sum.NotCompared)) {
		s.out("members not compared: %s, %s\n", thousands(sum.NotCompared[why]), why)
	}
	if sum.Outside > 0 {
		s.out("rows with dates that only one of them asked for: %s\n", thousands(sum.Outside))
	}
}
