package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

// steps are what was done already, as far as snapshots and ledger know.
func (r *Report) steps(f *Form) []string {
	steps := r.looked(f)
	var facts, events folded
	for i := range f.findings {
		found := &f.findings[i]
		facts.add(absence(found))
		facts.add(tried(found))
		for _, d := range r.decisions(found.ID) {
			if d.Action == reconcile.Probe && d.Answer != reconcile.Unanswered {
				facts.add(probed(&d))
			}
		}
		for _, e := range r.Events(found.ID) {
			events.add(happenedIn(&e))
		}
		for _, d := range r.decisions(found.ID) {
			events.add(decided(&d))
		}
	}
	dated := events.lines() // each begins with its day
	slices.SortStableFunc(dated, func(a, b string) int { return strings.Compare(a[:len(time.DateOnly)], b[:len(time.DateOnly)]) })
	return slices.Concat(steps, facts.lines(), dated)
}

// looked says in how many nights the member was read.
func (r *Report) looked(f *Form) []string {
	if len(f.Members) != 1 || len(f.History) == 0 {
		return []string{}
	}
	whole, all := 0, 0
	for _, s := range f.History {
		all += s.Nights
		if s.Look == "complete" {
			whole += s.Nights
		}
	}
	return []string{fmt.Sprintf("The member's lists were read on %d of %d nights to their end, %s to %s.", whole, all, day(f.History[0].From), day(f.History[len(f.History)-1].To))}
}

// absence says how it is known that a row is not there.
func absence(f *reconcile.Finding) string {
	if f.Transaction == "" {
		if step := factOf(f, "step_at"); step != "?" && isGone(f) {
			return "The account's balance moved by the amount, and no row explains it: seen after the aggregation of " + step + "."
		}
		if due := factOf(f, "due"); due != "?" {
			return fmt.Sprintf("It came %s times before, the last on %s, and was due on %s.", factOf(f, "times"), factOf(f, "last_came"), due)
		}
		return ""
	}
	if !isGone(f) {
		return ""
	}
	s := "The row was absent from " + day(f.First) + " on"
	if f.LastGood != "" {
		s += "; last listed on " + day(snapshot.ID(f.LastGood))
	}
	if after, ok := f.Evidence["successfully_aggregated_at_without_it"].([]any); ok && len(after) > 0 {
		s += "; the member was aggregated successfully without it at " + joined(after)
	}
	return s + "."
}

func joined(of []any) string {
	all := make([]string, len(of))
	for i, v := range of {
		all[i] = factText(v)
	}
	return strings.Join(all, ", ")
}

// tried says whether MX tried a stale member again.
func tried(f *reconcile.Finding) string {
	last, known := f.Evidence["successfully_aggregated_at"]
	switch f.Evidence["tried_since_success"] {
	case true:
		if known && last == nil {
			return "MX has started a job, and none has ever succeeded."
		}
		return "MX has started a job since the last success."
	case false:
		if known && last == nil {
			return "MX has never started a job."
		}
		return "MX has not started any job since the last success."
	}
	return ""
}

// probed is what MX answered when it was asked for a row by its guid.
func probed(d *reconcile.Decision) string {
	s := fmt.Sprintf("MX was asked for the transaction by its guid on %s", d.At.Format(time.DateOnly))
	if d.Status != 0 {
		s += fmt.Sprintf(" and answered %d", d.Status)
	}
	if d.Answer == reconcile.StillThere {
		return s + ": it is there."
	}
	return s + ": it is gone."
}

// happenedIn is an event of the ledger that a decision did not make, and that
// says something to whoever gets the ticket.
func happenedIn(e *reconcile.Event) string {
	what := map[reconcile.EventName]string{
		reconcile.WasCandidate: "suspected", reconcile.WasOpened: "confirmed", reconcile.WasEscalated: "still true after the ticket was sent",
		reconcile.WasRecovered: "put right", reconcile.WasExpired: "can no longer be proved", reconcile.WasReopened: "true again",
	}[e.Name]
	if e.Name == reconcile.WasExplained && e.Finding.Code != "closed_by_user" {
		what = "explained"
	}
	if what == "" {
		return ""
	}
	return day(e.Snapshot) + ": " + what + "."
}

// decided is what a person did. The reason stays with us: it may name anybody.
func decided(d *reconcile.Decision) string {
	what := map[reconcile.Action]string{
		reconcile.Suppress: "put aside", reconcile.Baseline: "put aside", reconcile.Unsuppress: "taken up again",
		reconcile.Close: "closed by us", reconcile.Request: "ticket requested by an operator",
	}[d.Action]
	if d.Action == reconcile.Submit {
		what = "ticket sent to MX"
		if d.Ref != "" {
			what += " as " + string(cleaned(d.Ref))
		}
	}
	if what == "" {
		return ""
	}
	return d.At.Format(time.DateOnly) + ": " + what + "."
}

// decisions are those on a finding that were made by the night that is
// reported, and all if the report is live.
func (r *Report) decisions(finding string) []reconcile.Decision {
	r.index()
	if r.live {
		return r.made[finding]
	}
	last := r.place[r.Summary.Snapshot]
	return slices.DeleteFunc(slices.Clone(r.made[finding]), func(d reconcile.Decision) bool { return r.place[d.After] >= last })
}
