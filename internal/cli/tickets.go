package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/reconcile"
	"tallyport/reconcile/report"
	"tallyport/snapshot"
)

func (s *session) ticketsCommand() *cli.Command {
	return s.group(&cli.Command{
		Name:  "tickets",
		Usage: "works with the findings that a person decides on",
		Subcommands: []*cli.Command{
			s.listTicketsCommand(),
			s.showTicketCommand(),
			s.requestCommand(),
			s.suppressCommand(),
			s.unsuppressCommand(),
			s.submitCommand(),
			s.closeCommand(),
			s.baselineCommand(),
			s.bundleCommand(),
		},
	})
}

func (s *session) listTicketsCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "list", Usage: "lists the tickets, oldest first",
		Description: `A ticket is for one member and one type of issue, or for an institution that is out.
Without --state it carries what is raised: findings that are open, and those that were submitted
or escalated. A ticket about transactions names each. Ages count up to the newest snapshot that was judged.

Examples:
  tallyport tickets list --store /data/mx
  tallyport tickets list --age 72h --state open
  tallyport tickets list --new-since 2026-11-20
  tallyport tickets list --kind missing_transaction --json
  tallyport tickets list --state candidate --all`,
		Flags: []cli.Flag{storeFlag(),
			&cli.StringFlag{Name: "kind", Usage: "only findings of this `KIND`, as missing_transaction"},
			&cli.StringFlag{Name: "institution", Usage: "only findings about this institution's `CODE`"},
			&cli.StringFlag{Name: "state", Usage: "only findings in this `STATE`, as candidate or suppressed"},
			&cli.DurationFlag{Name: "age", Usage: "only what has been true for at least this long, as 72h"},
			&cli.StringFlag{Name: "new-since", Usage: "only what was raised after this `SNAPSHOT`, or from this date on"},
			&cli.BoolFlag{Name: "all", Usage: "also findings without a ticket, each by its own id"},
			jsonFlag("print one JSON object per ticket"),
		},
		Action: s.listTickets,
	}, 0)
}

// ticketLine is one line of tickets list.
type ticketLine struct {
	ID           *string             `json:"ticket_id"` // null: no ticket carries the finding
	Issue        reconcile.IssueType `json:"issue_type"`
	State        reconcile.State     `json:"state"` // the most urgent of its findings
	Verdict      reconcile.Verdict   `json:"verdict"`
	Member       string              `json:"member_guid"`
	Institution  string              `json:"institution_code"`
	Kinds        []string            `json:"kinds"`
	Findings     []string            `json:"findings"`
	Transactions []string            `json:"transactions"`
	Since        snapshot.ID         `json:"since"`

	about []*reconcile.Finding // its findings about transactions
}

// name is the id of the ticket, or of the finding that has none.
func (l *ticketLine) name() string {
	if l.ID == nil {
		return l.Findings[0]
	}
	return *l.ID
}

func (s *session) listTickets(c *cli.Context) (err error) {
	state := reconcile.State(c.String("state"))
	if state != "" && !slices.Contains(states, state) {
		return usagef("--state %q is not one of %s", state, joined(states))
	}
	if kind, all := reconcile.Kind(c.String("kind")), reconcile.Kinds(); kind != "" && !slices.Contains(all, kind) {
		return usagef("--kind %q is not one of %s", kind, joined(all))
	}
	since, err := newSince(c.String("new-since"))
	if err != nil {
		return err
	}
	if c.Duration("age") < 0 {
		return usagef("--age cannot be negative")
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
	var found []reconcile.Finding
	for _, f := range ledger.Findings() {
		wanted := f.State == state || state == "" && f.State.Raised()
		if k := c.String("kind"); k != "" && string(f.Kind) != k {
			wanted = false
		}
		if i := c.String("institution"); i != "" && string(f.Institution) != i {
			wanted = false
		}
		if wanted {
			found = append(found, f)
		}
	}
	last, _ := ledger.Last()
	lines, bare := ticketLines(found, c.Bool("all"), func(t *report.Ticket) bool {
		// A late run may have named the last night before what it saw.
		return max(0, last.Time().Sub(t.Since.Time())) >= c.Duration("age") && since(t, ledger)
	})
	if c.Bool("json") {
		enc := json.NewEncoder(s.env.Stdout)
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	if len(lines) > 0 {
		if err := s.printTickets(lines); err != nil {
			return err
		}
	} else {
		s.out("no tickets\n")
	}
	if bare > 0 {
		s.out("%s without a ticket; --all lists them\n", counted(int64(bare), "more finding", "more findings"))
	}
	return nil
}

// printTickets prints a line for each ticket, and below it its transactions.
// What a terminal is too narrow for is cut off.
func (s *session) printTickets(lines []*ticketLine) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TICKET\tSTATE\tISSUE\tSINCE\tWHAT\tMEMBER\tINSTITUTION")
	for _, l := range lines {
		what := strings.Join(l.Kinds, ", ")
		if n := len(l.Findings); n > 1 {
			what += fmt.Sprintf(" (%d)", n)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.name(), l.State, l.Issue, l.Since.Time().Format(time.DateOnly), what, printable(l.Member), printable(l.Institution))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, text := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		s.out("%s\n", s.fit(text))
		if i == 0 {
			continue
		}
		for _, f := range lines[i-1].about {
			about := []string{printable(string(f.Transaction)), string(f.Date), strings.TrimSpace(string(f.Amount) + " " + string(f.Type)), printable(string(f.Payee))}
			about = slices.DeleteFunc(about, func(part string) bool { return part == "" })
			s.out("%s\n", s.fit("  "+strings.Join(about, "  ")))
		}
	}
	return nil
}

// fit cuts a line to the width of the terminal, if there is one.
func (s *session) fit(line string) string {
	r := []rune(strings.TrimRight(line, " "))
	if s.env.Width > 0 && len(r) > s.env.Width {
		return string(r[:s.env.Width-1]) + "…"
	}
	return string(r)
}

// newSince is the test of --new-since: a snapshot, or a date.
func newSince(v string) (func(*report.Ticket, *reconcile.Ledger) bool, error) {
	if v == "" {
		return func(*report.Ticket, *reconcile.Ledger) bool { return true }, nil
	}
	date, err := time.Parse(time.DateOnly, v)
	if id := snapshot.ID(v); err != nil && !id.Valid() {
		return nil, usagef("--new-since %q is neither a snapshot, such as 20261120T020000Z, nor a date, such as 2026-11-20", v)
	}
	return func(t *report.Ticket, l *reconcile.Ledger) bool {
		raised := t.Raised(l)
		if t.ID == "" { // no ticket carries it
			raised = t.Since
		}
		return raised == "" || err != nil && raised > snapshot.ID(v) || err == nil && !raised.Time().Before(date)
	}, nil
}

// ticketLines makes a line of each wanted ticket. It counts the findings that
// have none, or makes a line of each.
func ticketLines(found []reconcile.Finding, all bool, wanted func(*report.Ticket) bool) (lines []*ticketLine, bare int) {
	tickets := report.Tickets(found)
	for i := range found {
		f := &found[i]
		if f.TicketID == "" {
			tickets = append(tickets, &report.Ticket{Issue: f.IssueType, State: f.State, Member: string(f.Member), Institution: string(f.Institution), Since: f.First, Findings: found[i : i+1]})
		}
	}
	for _, t := range tickets {
		switch {
		case !wanted(t):
		case t.ID == "" && !all:
			bare++
		default:
			lines = append(lines, lineOf(t))
		}
	}
	slices.SortFunc(lines, func(a, b *ticketLine) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.name(), b.name()))
	})
	return lines, bare
}

func lineOf(t *report.Ticket) *ticketLine {
	l := &ticketLine{Issue: t.Issue, State: t.State, Verdict: t.Findings[0].Verdict, Member: t.Member, Institution: t.Institution, Since: t.Since, Transactions: []string{}}
	if t.ID != "" {
		l.ID = &t.ID
	}
	for i := range t.Findings {
		f := &t.Findings[i]
		if f.Verdict == reconcile.Ticket {
			l.Verdict = f.Verdict
		}
		if !slices.Contains(l.Kinds, string(f.Kind)) {
			l.Kinds = append(l.Kinds, string(f.Kind))
		}
		if f.Transaction != "" {
			l.Transactions = append(l.Transactions, string(f.Transaction))
		}
		if f.Transaction != "" || f.Amount != "" { // one that never came has no guid
			l.about = append(l.about, f)
		}
		l.Findings = append(l.Findings, f.ID)
	}
	slices.Sort(l.Kinds)
	return l
}

// openLedger reads the ledger of a store that was reconciled.
func (s *session) openLedger(st snapshot.Store) (*reconcile.Ledger, error) {
	ledger, err := reconcile.OpenLedger(st)
	if err != nil {
		return nil, err
	}
	if last, _ := ledger.Last(); last == "" {
		return nil, none{fmt.Errorf("%s was never reconciled; tallyport reconcile does it", st)}
	}
	return ledger, nil
}

func joined[T ~string](of []T) string {
	all := make([]string, len(of))
	for i, v := range of {
		all[i] = string(v)
	}
	return strings.Join(all, ", ")
}
