// Package report renders what reconcile concluded about a snapshot for the
// people who act on it: tickets to send to MX, and a report to read.
package report

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

// Report is what is shown of one snapshot.
type Report struct {
	Summary  reconcile.Summary
	Findings []reconcile.Finding // by id
	News     map[string]reconcile.EventName
	Tickets  []*Ticket // oldest first
	New      []string  // ids of the tickets that the summary counts as new
	Past     *reconcile.Past
	Detailed []string // ids of the findings of which Past has members and accounts, the most urgent first
	Urgent   int      // raised findings about members, of which Detailed are the first

	ledger *reconcile.Ledger
	others []reconcile.Finding // not shown; their transactions may be
	host   string              // of the API
	live   bool                // with what was decided since the night

	// Of the ledger, made once: a report asks for both once per finding.
	indexed sync.Once
	made    map[string][]reconcile.Decision // by finding
	place   map[snapshot.ID]int             // among the nights, from 1; 0: not known
}

func (r *Report) index() {
	r.indexed.Do(func() {
		r.made, r.place = map[string][]reconcile.Decision{}, map[snapshot.ID]int{}
		for _, d := range r.ledger.Decisions() {
			r.made[d.Finding] = append(r.made[d.Finding], d)
		}
		for i, id := range r.ledger.Nights() {
			r.place[id] = i + 1
		}
	})
}

// detailed is of how many findings the past is shown: a report has to stay
// small enough to be mailed.
const detailed = 100

// urgency is the order of states in which findings are shown. What nobody has
// sent yet is before what was sent, or MX would never hear of it.
var urgency = []reconcile.State{reconcile.Escalated, reconcile.Open, reconcile.Submitted, reconcile.Candidate,
	reconcile.Suppressed, reconcile.Recovered, reconcile.Explained, reconcile.Expired}

// States are those of findings, the most urgent first.
func States() []reconcile.State { return slices.Clone(urgency) }

// verdicts is the order of verdicts among findings of one state.
var verdicts = []reconcile.Verdict{reconcile.Ticket, reconcile.Review, reconcile.Notice}

// byUrgency is the order of findings wherever they are shown: those first that
// want something to be done, the newest of them first.
func byUrgency(a, b *reconcile.Finding) int {
	return cmp.Or(cmp.Compare(slices.Index(urgency, a.State), slices.Index(urgency, b.State)),
		cmp.Compare(slices.Index(verdicts, a.Verdict), slices.Index(verdicts, b.Verdict)), cmp.Compare(b.First, a.First), cmp.Compare(a.ID, b.ID))
}

// New gathers what there is to show of a snapshot that was judged.
func New(ctx context.Context, st snapshot.Store, res *reconcile.Result) (*Report, error) {
	r, err := new(Nights).gather(ctx, st, res, res.Findings, detailed)
	if err != nil {
		return nil, err
	}
	r.New = res.NewTonight()
	return r, nil
}

// Live gathers what there is to show now: what New shows of the result, with
// what people decided since.
func Live(ctx context.Context, st snapshot.Store, res *reconcile.Result) (*Report, error) {
	return new(Nights).Live(ctx, st, res)
}

// Live is as the function.
func (n *Nights) Live(ctx context.Context, st snapshot.Store, res *reconcile.Result) (*Report, error) {
	shown := map[string]bool{}
	for _, f := range res.Findings {
		shown[f.ID] = true
	}
	found := slices.DeleteFunc(res.Ledger.Findings(), func(f reconcile.Finding) bool { return !f.State.Live() && !shown[f.ID] })
	r, err := n.gather(ctx, st, res, found, detailed)
	if err != nil {
		return nil, err
	}
	r.live, r.New = true, res.NewTonight()
	return r, nil
}

// Some gathers what Live does of some tickets only, also of those that were
// closed long ago. No transactions are read.
func Some(ctx context.Context, st snapshot.Store, res *reconcile.Result, tickets ...string) (*Report, error) {
	return new(Nights).Some(ctx, st, res, tickets...)
}

// Some is as the function.
func (n *Nights) Some(ctx context.Context, st snapshot.Store, res *reconcile.Result, tickets ...string) (*Report, error) {
	wanted := map[string]bool{}
	for _, id := range tickets {
		wanted[id] = true
	}
	found := slices.DeleteFunc(res.Ledger.Findings(), func(f reconcile.Finding) bool { return !wanted[string(f.TicketID)] })
	r, err := n.gather(ctx, st, res, found, 0)
	if err != nil {
		return nil, err
	}
	r.live = true
	return r, nil
}

// gather reads the past of the most urgent findings with their transactions,
// and that of the members of all tickets.
func (n *Nights) gather(ctx context.Context, st snapshot.Store, res *reconcile.Result, found []reconcile.Finding, most int) (*Report, error) {
	of, ledger := res.Summary, res.Ledger
	r := &Report{Summary: of, Findings: found, News: ledger.News(of.Snapshot), Tickets: Tickets(found), ledger: ledger}
	bound, err := snapshot.ReadBinding(st)
	if err != nil {
		return nil, err
	}
	if bound != nil {
		r.host = bound.Host
	}
	urgent := slices.DeleteFunc(slices.Clone(found), func(f reconcile.Finding) bool { return f.Member == "" || !f.State.Raised() })
	slices.SortFunc(urgent, func(a, b reconcile.Finding) int { return byUrgency(&a, &b) })
	r.Urgent = len(urgent)
	urgent = urgent[:min(len(urgent), most)]
	for i := range urgent {
		r.Detailed = append(r.Detailed, urgent[i].ID)
	}
	for _, f := range found {
		if f.TicketID != "" {
			f.Account = ""
			urgent = append(urgent, f)
		}
	}
	r.Past, err = n.Of(ctx, st, res, urgent...)
	return r, err
}

// Events returns what happened to a finding, up to the night that is reported.
func (r *Report) Events(finding string) []reconcile.Event {
	_, all, _ := r.ledger.Finding(finding)
	r.index()
	return slices.DeleteFunc(all, func(e reconcile.Event) bool { return r.place[e.Snapshot] > r.place[r.Summary.Snapshot] })
}

// written reports whether there are files of the ticket: it has something to
// send, or this night closed it.
func (t *Ticket) written() bool { return !t.State.Live() || t.State.Raised() }

// Files are the files of the report that are for people, by name.
func (r *Report) Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	if err := r.ticketFiles(files); err != nil {
		return nil, err
	}
	return files, r.pageFiles(files)
}
