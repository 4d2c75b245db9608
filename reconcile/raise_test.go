package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// oracle answers probes from a table, and counts them.
type oracle struct {
	answers map[schemas.TransactionID]Probed
	asked   []string
	err     error
}

func (o *oracle) Probe(_ context.Context, _ schemas.UserID, t schemas.TransactionID) (Probed, error) {
	o.asked = append(o.asked, string(t))
	p, ok := o.answers[t]
	if !ok {
		p = Probed{Answer: NotThere, Status: 404}
	}
	return p, o.err
}

// evenings is a run whose nights are given as sightings.
type evenings struct {
	t   *testing.T
	r   *run
	day schemas.Date

	systemic bool // tonight
}

func newEvenings(t *testing.T, o Options) *evenings {
	st, _ := tempStore(t)
	return &evenings{t: t, day: schemas.DateOf(night0), r: &run{st: st, o: o, ledger: newTestLedger(), judged: map[snapshot.ID]bool{}, asked: map[[2]text]Probed{}}}
}

// night raises and applies; it returns how many tickets wait.
func (n *evenings) night(i float64, all ...Sighting) int {
	n.t.Helper()
	for k := range all { // a rule makes its evidence anew each night
		all[k].Evidence = map[string]any{"probe": "not_asked"}
		all[k].First = snapshot.IDOf(nightAt(0))
	}
	clear(n.r.asked) // each night is a run
	facts := &snapshotFacts{id: snapshot.IDOf(nightAt(i)), at: schemas.TimestampOf(nightAt(i)), window: schemas.Window{From: n.day - 90, To: n.day + 5}}
	waiting, err := n.r.raise(n.t.Context(), facts, n.r.o.MaxTickets, n.systemic, all)
	if err != nil {
		n.t.Fatal(err)
	}
	n.r.ledger.Apply(facts.id, nightAt(i), all)
	return waiting
}

// says is state, code, probe and whether there is a ticket.
func (n *evenings) says(id string) string {
	f, _, _ := n.r.ledger.Finding(id)
	s := fmt.Sprintf("%s %s %v", f.State, f.Code, f.Evidence["probe"])
	if f.TicketID != "" {
		s += " ticket"
	}
	return s
}

func TestProbe(t *testing.T) {
	in, out := schemas.DateOf(night0), schemas.DateOf(night0)-200
	for _, tt := range []struct {
		name   string
		answer Probed
		want   string
	}{
		{"gone", Probed{Answer: NotThere, Status: 404}, "open Z1 gone ticket"},
		{"in the window", Probed{Answer: StillThere, Status: 200, Date: &in}, "explained X2 still_there"},
		{"without a date", Probed{Answer: StillThere, Status: 200}, "explained X2 still_there"},
		{"outside the window", Probed{Answer: StillThere, Status: 200, Date: &out}, "explained W2 still_there"},
		{"no answer", Probed{Answer: Unanswered, Status: 503}, "candidate Z1 unknown"},
		{"nothing at all", Probed{Answer: Unanswered}, "candidate Z1 unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &oracle{answers: map[schemas.TransactionID]Probed{"TRN-F-1": tt.answer}}
			n := newEvenings(t, Options{MaxTickets: 50, Prober: o})
			n.night(0, sight("F-1", Suspected))
			if len(o.asked) != 0 {
				t.Error("a candidate was asked for")
			}
			n.night(1, sight("F-1", Confirmed))
			if got := n.says("F-1"); got != tt.want || len(o.asked) != 1 {
				t.Errorf("%s after %d probes, want %s", got, len(o.asked), tt.want)
			}
			// The same run again, and one from the beginning, ask nothing and
			// conclude the same.
			log := string(n.r.ledger.files.log)
			again := newEvenings(t, Options{MaxTickets: 50, Prober: o})
			again.r.ledger = NewLedger(n.r.ledger.Decisions())
			again.r.judged = map[snapshot.ID]bool{snapshot.IDOf(nightAt(0)): true, snapshot.IDOf(nightAt(1)): true}
			again.night(0, sight("F-1", Suspected))
			again.night(1, sight("F-1", Confirmed))
			if got := string(again.r.ledger.files.log); got != log || len(o.asked) != 1 {
				t.Errorf("%d probes; a rebuild writes\n%s\nnot\n%s", len(o.asked), got, log)
			}
		})
	}
}

// Each night asks again while MX still has the row, and only then; a row that
// goes at last is raised.
func TestProbeEveryNight(t *testing.T) {
	o := &oracle{answers: map[schemas.TransactionID]Probed{"TRN-F-1": {Answer: StillThere, Status: 200}}}
	n := newEvenings(t, Options{MaxTickets: 50, Prober: o})
	n.night(0, sight("F-1", Suspected))
	for i := range 3 {
		n.night(float64(i+1), sight("F-1", Confirmed))
	}
	if n.says("F-1") != "explained X2 still_there" || len(o.asked) != 3 || eventNames(n.r.ledger, "F-1") != "candidate explained" {
		t.Errorf("%s after %d probes: %s", n.says("F-1"), len(o.asked), eventNames(n.r.ledger, "F-1"))
	}
	// Nobody asks, and nobody answers: what was known holds.
	n.r.o.Prober = nil
	n.night(4, sight("F-1", Confirmed))
	o.answers["TRN-F-1"] = Probed{Answer: Unanswered}
	n.r.o.Prober = o
	n.night(5, sight("F-1", Confirmed))
	if n.says("F-1") != "explained X2 still_there" {
		t.Error(n.says("F-1"))
	}
	delete(o.answers, "TRN-F-1")
	n.night(6, sight("F-1", Confirmed))
	asked := len(o.asked)
	n.night(7, sight("F-1", Confirmed))
	if n.says("F-1") != "open Z1 gone ticket" || len(o.asked) != asked {
		t.Errorf("%s, %d probes after it was in a ticket", n.says("F-1"), len(o.asked)-asked)
	}
}

// Nobody asks for what is hidden, closed, for review, or in a ticket.
func TestProbeNot(t *testing.T) {
	o := &oracle{}
	n := newEvenings(t, Options{MaxTickets: 50})
	review := sight("F-review", Confirmed)
	review.Verdict, review.Code = Review, "Z2"
	all := []Sighting{sight("F-ticket", Confirmed), sight("F-closed", Confirmed), sight("F-hidden", Suspected), review}
	n.night(0, slices.Clone(all)...)
	for id, action := range map[string]Action{"F-closed": Close, "F-hidden": Suppress} {
		if err := n.r.ledger.Decide(Decision{Action: action, Finding: id, At: nightAt(0)}); err != nil {
			t.Fatal(err)
		}
	}
	all[2].Claim = Confirmed
	n.r.o.Prober = o
	n.night(1, slices.Clone(all)...)
	if len(o.asked) != 0 {
		t.Errorf("asked for %v", o.asked)
	}
	// What is requested is asked for, and so is what shows again.
	for id, action := range map[string]Action{"F-review": Request, "F-hidden": Unsuppress} {
		if err := n.r.ledger.Decide(Decision{Action: action, Finding: id, At: nightAt(1)}); err != nil {
			t.Fatal(err)
		}
	}
	n.night(2, slices.Clone(all)...)
	if slices.Sort(o.asked); strings.Join(o.asked, " ") != "TRN-F-hidden TRN-F-review" {
		t.Errorf("asked for %v", o.asked)
	}
}

func TestProbeFails(t *testing.T) {
	refused := errors.New("refused")
	n := newEvenings(t, Options{MaxTickets: 50, Prober: &oracle{err: refused}})
	n.night(0, sight("F-1", Suspected))
	all := []Sighting{sight("F-1", Confirmed)}
	if _, err := n.r.raise(t.Context(), &snapshotFacts{id: snapshot.IDOf(nightAt(1))}, 50, false, all); !errors.Is(err, refused) {
		t.Error(err)
	}
}

// interrupted answers so many probes, and then the run is stopped.
type interrupted struct {
	oracle
	left int
}

func (o *interrupted) Probe(ctx context.Context, u schemas.UserID, t schemas.TransactionID) (Probed, error) {
	if o.left--; o.left < 0 {
		return Probed{}, context.Canceled
	}
	return o.oracle.Probe(ctx, u, t)
}

// A run that is stopped between two probes has kept the first answer: the next
// one asks only for the second.
func TestProbesInterrupted(t *testing.T) {
	o := &interrupted{left: 1}
	n := newEvenings(t, Options{MaxTickets: 50, Prober: o})
	n.night(0, sight("F-1", Suspected), sight("F-2", Suspected))
	if err := n.r.ledger.Save(n.r.st); err != nil {
		t.Fatal(err)
	}
	facts := &snapshotFacts{id: snapshot.IDOf(nightAt(1)), at: schemas.TimestampOf(nightAt(1))}
	if _, err := n.r.raise(t.Context(), facts, 50, false, []Sighting{sight("F-1", Confirmed), sight("F-2", Confirmed)}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var err error
	if n.r.ledger, err = OpenLedger(n.r.st); err != nil {
		t.Fatal(err)
	}
	o.left = 2
	n.night(1, sight("F-1", Confirmed), sight("F-2", Confirmed))
	if got := strings.Join(o.asked, " "); got != "TRN-F-1 TRN-F-2" || n.says("F-1") != "open Z1 gone ticket" || n.says("F-2") != "open Z1 gone ticket" {
		t.Errorf("asked for %s; %s; %s", got, n.says("F-1"), n.says("F-2"))
	}
}

// An answer belongs to one absence: a row that came back and went again is
// asked for again.
func TestProbeOfAnotherAbsence(t *testing.T) {
	n := newEvenings(t, Options{MaxTickets: 50, Prober: &oracle{answers: map[schemas.TransactionID]Probed{"TRN-F-1": {Answer: StillThere, Status: 200}}}})
	n.night(0, sight("F-1", Suspected))
	n.night(1, sight("F-1", Confirmed))
	s := sight("F-1", Confirmed)
	s.First = snapshot.IDOf(nightAt(0))
	if d := n.r.ledger.probed(&s); d.Answer != StillThere {
		t.Errorf("%+v", d)
	}
	s.First = snapshot.IDOf(nightAt(1))
	if d := n.r.ledger.probed(&s); d.Answer != "" {
		t.Errorf("an older answer is taken: %+v", d)
	}
}

func memberSight(id string, member int) Sighting {
	s := sight(id, Confirmed)
	s.Member = text(fmt.Sprintf("MBR-%d", member))
	return s
}

// Tickets beyond the cap wait as candidates, and come later, the oldest first.
func TestMaxTickets(t *testing.T) {
	n := newEvenings(t, Options{MaxTickets: 2})
	all := func() []Sighting {
		return []Sighting{memberSight("F-5", 5), memberSight("F-1", 1), memberSight("F-1b", 1), memberSight("F-4", 4), memberSight("F-2", 2), memberSight("F-3", 3)}
	}
	for i, want := range []struct {
		waiting int
		tickets string
	}{{3, "F-1 F-1b F-2"}, {1, "F-1 F-1b F-2 F-3 F-4"}, {0, "F-1 F-1b F-2 F-3 F-4 F-5"}, {0, "F-1 F-1b F-2 F-3 F-4 F-5"}} {
		waiting := n.night(float64(i), all()...)
		var in []string
		for _, f := range n.r.ledger.Findings() {
			if f.TicketID != "" {
				in = append(in, f.ID)
			} else if f.State != Candidate || f.Evidence["withheld"] != "max_tickets" {
				t.Errorf("night %d: %s waits as %s, %v", i, f.ID, f.State, f.Evidence)
			}
		}
		if got := strings.Join(in, " "); got != want.tickets || waiting != want.waiting {
			t.Errorf("night %d: %d wait, tickets of %s; want %+v", i, waiting, got, want)
		}
	}
	if got := eventNames(n.r.ledger, "F-5"); got != "candidate opened" {
		t.Errorf("a night that changes nothing has an event: %s", got)
	}
}

// An outage is one ticket for all of its members; what MX still has takes no
// place; what a person asked for does not wait.
func TestMaxTicketsCounts(t *testing.T) {
	o := &oracle{answers: map[schemas.TransactionID]Probed{"TRN-F-1": {Answer: StillThere, Status: 200}}}
	n := newEvenings(t, Options{MaxTickets: 1, Prober: o})
	if waiting := n.night(0, memberSight("F-1", 1), memberSight("F-2", 2), memberSight("F-3", 3)); waiting != 1 || n.says("F-2") != "open Z1 gone ticket" {
		t.Errorf("%d wait, F-2 is %s", waiting, n.says("F-2"))
	}
	if slices.Contains(o.asked, "TRN-F-3") {
		t.Error("one that waits was asked for")
	}

	n = newEvenings(t, Options{MaxTickets: 1})
	review := memberSight("F-4", 4)
	review.Verdict = Review
	n.night(0, review)
	if err := n.r.ledger.Decide(Decision{Action: Request, Finding: "F-4", At: nightAt(0)}); err != nil {
		t.Fatal(err)
	}
	if waiting := n.night(1, review, memberSight("F-5", 5)); waiting != 0 || n.says("F-4") != "open Z1 not_asked ticket" || n.says("F-5") != "open Z1 not_asked ticket" {
		t.Errorf("%d wait; %s; %s", waiting, n.says("F-4"), n.says("F-5"))
	}
}

func TestMaxTicketsOutage(t *testing.T) {
	n := newEvenings(t, Options{MaxTickets: 1})
	outage := sight("F-9", Confirmed)
	outage.Kind, outage.Member, outage.Transaction = institutionOutage, "", ""
	all := []Sighting{outage}
	for i := range 4 {
		all = append(all, memberSight(fmt.Sprintf("F-%d", i), i))
	}
	facts := &snapshotFacts{id: snapshot.IDOf(nightAt(0)), at: schemas.TimestampOf(nightAt(0))}
	for i := range all[1:] {
		all[i+1].Kind, all[i+1].Evidence = staleMember, map[string]any{"outage": "F-9"}
	}
	waiting, err := n.r.raise(t.Context(), facts, 50, false, all)
	if err != nil || waiting != 0 {
		t.Errorf("%d wait, %v", waiting, err)
	}
}

// A systemic night raises no ticket about transactions: what was about to become
// one waits. Other tickets do not.
func TestSystemicNightRaisesNothing(t *testing.T) {
	n := newEvenings(t, Options{MaxTickets: 50})
	night := func(i float64) int {
		stale := memberSight("F-3", 3)
		stale.Kind = staleMember
		return n.night(i, memberSight("F-1", 1), memberSight("F-2", 1), stale)
	}
	n.night(0, sight("F-1", Suspected))
	n.systemic = true
	if got := night(1); got != 1 {
		t.Errorf("tickets of %d members wait, want 1", got)
	}
	for id, want := range map[string]string{"F-1": "candidate Z1 not_asked", "F-2": "candidate Z1 not_asked", "F-3": "open Z1 not_asked ticket"} {
		if got := n.says(id); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	n.systemic = false
	if got := night(2); got != 0 || n.says("F-1") != "open Z1 not_asked ticket" {
		t.Errorf("the night after: %d wait, %s", got, n.says("F-1"))
	}
}
