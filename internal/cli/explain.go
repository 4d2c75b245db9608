package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/reconcile"
)

func (s *session) explainCommand() *cli.Command {
	return s.command(&cli.Command{
		Name: "explain", Usage: "tells the story of one transaction: where it was seen, and what was concluded", ArgsUsage: "TRN-…",
		Description: `Reads every snapshot of the store, and the findings. A line stands for the nights in which
nothing changed. Nights of which no finding tells are judged again, as reconcile did, to say
what became of the transaction. Exit code 10 if it was never seen.

Examples:
  tallyport explain TRN-265abee9-889b-af6a-c69b-25157db2bdd9 --store /data/mx
  tallyport explain TRN-265abee9-889b-af6a-c69b-25157db2bdd9 --json`,
		Flags:  []cli.Flag{storeFlag(), jsonFlag("print everything as one JSON object, with a look for each snapshot")},
		Action: s.explain,
	}, 1)
}

var transactionGUID = regexp.MustCompile(`^TRN-[0-9A-Za-z-]{1,64}$`)

func (s *session) explain(c *cli.Context) (err error) {
	guid := c.Args().First()
	if guid == "" {
		return usagef("which transaction? tallyport explain TRN-265abee9-889b-af6a-c69b-25157db2bdd9, for example")
	}
	if !transactionGUID.MatchString(guid) {
		return usagef("%q is not the guid of a transaction, such as TRN-265abee9-889b-af6a-c69b-25157db2bdd9", guid)
	}
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	x, err := reconcile.Explain(c.Context, st, guid)
	if errors.Is(err, reconcile.ErrNothing) {
		return empty(st)
	}
	if err != nil {
		return err
	}
	if len(x.Looks) == 0 && len(x.Findings) == 0 {
		return none{fmt.Errorf("%s was never seen in %s", guid, st)}
	}
	if c.Bool("json") {
		return json.NewEncoder(s.env.Stdout).Encode(x)
	}
	s.out("%s\n", guid)
	if err := s.printLooks(x.Looks); err != nil {
		return err
	}
	s.printJudgements(x, guid)
	if len(x.Findings) == 0 {
		s.out("\nno finding is about it\n")
	}
	for i := range x.Findings {
		s.printTold(&x.Findings[i], guid)
	}
	return nil
}

func (s *session) printLooks(looks []reconcile.Look) error {
	if len(looks) == 0 {
		s.out("no snapshot of the store has it any more\n")
		return nil
	}
	seen := 0
	for _, l := range looks {
		if l.Seen {
			seen++
		}
	}
	s.out("user %s, member %s\nseen in %d of %d snapshots since %s\n\n", printable(looks[0].User), printable(looks[0].Member), seen, len(looks), looks[0].Snapshot)
	w := s.table("SNAPSHOTS", "NIGHTS", "DATE", "AMOUNT", "TYPE", "STATUS", "ACCOUNT", "WHAT CHANGED")
	for i := 0; i < len(looks); {
		end := i + 1
		for end < len(looks) && sameLook(&looks[i], &looks[end]) {
			end++
		}
		l := &looks[i]
		span := string(l.Snapshot)
		if end > i+1 {
			span += " … " + string(looks[end-1].Snapshot)
		}
		switch {
		case !l.Seen:
			fmt.Fprintf(w, "%s\t%d\t\t\t\tabsent\t\t%s\n", span, end-i, l.Why)
		default:
			what := strings.Join(l.Changed, ", ")
			if i == 0 {
				what = "first seen: " + printable(l.Description)
			} else if !looks[i-1].Seen {
				what = strings.TrimSuffix("it is back; "+what, "; ")
			}
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", span, end-i, l.Date, l.Amount, l.Type, l.Status, printable(l.Account), what)
		}
		i = end
	}
	return w.Flush()
}

// sameLook reports whether the later look has nothing to add.
func sameLook(a, b *reconcile.Look) bool {
	return a.Seen == b.Seen && a.Why == b.Why && len(b.Changed) == 0
}

func (s *session) printJudgements(x *reconcile.Explanation, guid string) {
	if len(x.Judgements) == 0 {
		return
	}
	s.out("\n")
	for i := range x.Judgements {
		j := &x.Judgements[i]
		s.out("%s  %s: %s (%s)%s\n  %s\n", j.Snapshot, j.Change, j.Code, j.Verdict, pairedWith(j, guid), j.Says)
		s.printEvidence(j.Evidence)
	}
	if x.Pruned > 0 {
		s.out("Of the snapshots that were judged %d are pruned: this is judged again without them, and what rests on balances may have had another code.\n", x.Pruned)
	}
}

// pairedWith says which other transaction a judgement is about.
func pairedWith(j *reconcile.Judgement, guid string) string {
	switch {
	case j.Transaction != guid:
		return fmt.Sprintf(", of %s, whose counterpart this one is", printable(j.Transaction))
	case j.Counterpart == "":
		return ""
	case j.Change == "added":
		return fmt.Sprintf(", counterpart of %s", printable(string(j.Counterpart)))
	}
	return fmt.Sprintf(", counterpart %s", printable(string(j.Counterpart)))
}

func (s *session) printEvidence(evidence map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(evidence)) {
		value, err := json.Marshal(evidence[name])
		if err != nil { // it came from JSON
			continue
		}
		s.out("  %-24s %s\n", name, value)
	}
}

func (s *session) printTold(f *reconcile.Told, guid string) {
	s.out("\nfinding %s: %s, %s, %s", f.ID, f.Kind, f.Code, f.State)
	if f.TicketID != "" {
		s.out(", ticket %s", f.TicketID)
	}
	s.out(" (%s)\n", f.Verdict)
	if string(f.Transaction) != guid {
		s.out("  it names this transaction in its evidence\n")
	}
	if f.Says != "" {
		s.out("  %s\n", f.Says)
	}
	if f.Amount != "" { // all that is left of it once its snapshots are pruned
		s.out("  %s %s %s, %s, account %s\n", printable(string(f.Date)), printable(string(f.Amount)), printable(string(f.Type)), printable(string(f.Payee)), printable(string(f.Account)))
	}
	s.printLife(f)
}

// printLife prints the evidence of a finding, its events and what people decided.
func (s *session) printLife(f *reconcile.Told) {
	s.printEvidence(f.Evidence)
	told := map[reconcile.Code]bool{f.Code: true}
	for _, e := range f.Events {
		s.out("  %s  %s: %s, %s\n", e.Snapshot, e.Name, e.Finding.Code, e.Finding.State)
		if !told[e.Finding.Code] {
			s.out("    %s\n", reconcile.Says(e.Finding.Code))
		}
		told[e.Finding.Code] = true
	}
	for _, d := range f.Decisions {
		s.out("  after %s  %s by %s on %s%s\n", d.After, d.Action, printable(d.Who), d.At.Format(time.DateOnly), reasons(&d))
	}
}

// reasons is what else was said with a decision.
func reasons(d *reconcile.Decision) (s string) {
	if d.Until != "" {
		s += ", until " + d.Until
	}
	switch {
	case d.Action == reconcile.Baseline: // its reason is that, and the text stands beside it
		return s + ": " + printable(d.Ref)
	case d.Ref != "":
		s += ", as " + printable(d.Ref)
	}
	if d.Reason != "" {
		s += ": " + printable(d.Reason)
	}
	return s
}
