package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

func (s *session) ticketsCommand() *cli.Command {
	return s.group(&cli.Command{
		Name:  "tickets",
		Usage: "works with the findings that a person decides on",
		Subcommands: []*cli.Command{
			s.command(&cli.Command{
				Name: "list", Usage: "lists the tickets, oldest first",
				Description: `A ticket is for one member and one type of issue, or for an institution that is out.
Without --state it carries what is raised: findings that are open, and those that were submitted
or escalated, which no command of this version does. A ticket about transactions names each.

Examples:
  tallyport tickets list --store /data/mx
  tallyport tickets list --kind missing_transaction --json
  tallyport tickets list --state candidate --all`,
				Flags: []cli.Flag{storeFlag(),
					&cli.StringFlag{Name: "kind", Usage: "only findings of this `KIND`, as missing_transaction"},
					&cli.StringFlag{Name: "institution", Usage: "only findings about this institution's `CODE`"},
					&cli.StringFlag{Name: "state", Usage: "only findings in this `STATE`, as candidate or suppressed"},
					&cli.BoolFlag{Name: "all", Usage: "also findings without a ticket, each by its own id"},
					jsonFlag("print one JSON object per ticket"),
				},
				Action: s.listTickets,
			}, 0),
			s.command(&cli.Command{
				Name: "baseline", Usage: "puts everything aside that is there now, so that only what is new shows",
				Description: `For the first days of a store: what is raised or a candidate is suppressed for good. It says how many, and does it with --yes.

Example:
  tallyport tickets baseline --store /data/mx --reason "known before we started" --yes`,
				Flags: []cli.Flag{storeFlag(), lockWaitFlag(),
					&cli.StringFlag{Name: "reason", Usage: "`TEXT` that says why, for whoever asks later"},
					&cli.StringFlag{Name: "who", Usage: "`NAME` of whoever decides (default: $USER)"},
					&cli.BoolFlag{Name: "yes", Usage: "do it; without it nothing is changed"},
				},
				Action: s.baseline,
			}, 0),
		},
	})
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
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
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
	lines, bare := ticketLines(found, c.Bool("all"))
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

// ticketLines gathers findings by ticket. It counts those that have none, or
// makes a line of each.
func ticketLines(found []reconcile.Finding, all bool) (lines []*ticketLine, bare int) {
	byID := map[string]*ticketLine{}
	for i := range found {
		f := &found[i]
		id := string(f.TicketID)
		if id == "" {
			if !all {
				bare++
				continue
			}
			id = f.ID
		}
		l := byID[id]
		if l == nil {
			l = &ticketLine{Issue: f.IssueType, State: f.State, Verdict: f.Verdict, Member: string(f.Member), Institution: string(f.Institution), Since: f.First, Transactions: []string{}}
			if f.TicketID != "" {
				l.ID = &id
			}
			byID[id], lines = l, append(lines, l)
		}
		if slices.Index(states, f.State) < slices.Index(states, l.State) {
			l.State = f.State
		}
		if f.Verdict == reconcile.Ticket {
			l.Verdict = f.Verdict
		}
		if l.Member != string(f.Member) { // an outage's ticket carries many
			l.Member = ""
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
		l.Since = min(l.Since, f.First)
		l.Findings = append(l.Findings, f.ID)
	}
	for _, l := range lines {
		slices.Sort(l.Kinds)
	}
	slices.SortFunc(lines, func(a, b *ticketLine) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.name(), b.name()))
	})
	return lines, bare
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

func (s *session) baseline(c *cli.Context) (err error) {
	reason, who := strings.TrimSpace(c.String("reason")), strings.TrimSpace(c.String("who"))
	if reason == "" {
		return usagef("say why with --reason TEXT")
	}
	if who == "" {
		who, _ = s.lookup("USER")
	}
	if who == "" {
		return usagef("say who decides with --who NAME; USER is not set")
	}
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if c.Bool("yes") {
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
	n := 0
	for _, f := range ledger.Findings() {
		if !f.State.Raised() && f.State != reconcile.Candidate {
			continue
		}
		n++
		// The ledger gives a baseline its reason; the text is kept beside it.
		if err := ledger.Decide(reconcile.Decision{At: s.env.Now(), Who: who, Action: reconcile.Baseline, Finding: f.ID, Ref: reason}); err != nil {
			return err
		}
	}
	if !c.Bool("yes") {
		s.out("%s findings would be suppressed; add --yes to do it\n", thousands(int64(n)))
		return nil
	}
	if err := ledger.Save(st); err != nil {
		return err
	}
	s.out("%s findings suppressed; they show so in reports from the next snapshot on\n", thousands(int64(n)))
	return nil
}

func joined[T ~string](of []T) string {
	all := make([]string, len(of))
	for i, v := range of {
		all[i] = string(v)
	}
	return strings.Join(all, ", ")
}
