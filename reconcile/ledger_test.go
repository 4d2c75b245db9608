package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyport/snapshot"
)

var night0 = time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)

// nightAt is the time of night n; half nights are days.
func nightAt(n float64) time.Time { return night0.Add(time.Duration(n * 24 * float64(time.Hour))) }

func sight(id string, c Claim) Sighting {
	return Sighting{Claim: c, Finding: Finding{
		ID: id, Kind: missingTransaction, Code: "Z1", Verdict: Ticket, IssueType: FailedUpdate,
		User: "USR-1", Member: "MBR-1", Account: "ACT-1", Transaction: text("TRN-" + id), Amount: "12.50", Type: "DEBIT",
		LastGood: "20261031T020000Z", Evidence: map[string]any{"looks": 2}, MissingInputs: []string{"screenshot"},
	}}
}

func newTestLedger() *Ledger { return NewLedger(nil) }

func (l *Ledger) applyAt(n float64, s ...Sighting) []Finding {
	return l.Apply(snapshot.IDOf(nightAt(n)), nightAt(n).Add(7*time.Minute), s)
}

func get(t *testing.T, l *Ledger, id string) Finding {
	t.Helper()
	f, _, ok := l.Finding(id)
	if !ok {
		t.Fatalf("no finding %s", id)
	}
	return f
}

func eventNames(l *Ledger, id string) string {
	_, events, _ := l.Finding(id)
	var s []string
	for _, e := range events {
		s = append(s, string(e.Name))
	}
	return strings.Join(s, " ")
}

// A life is written as one word for each night or decision: S C U H L for the
// claims, - for a night without a sighting, a number for a night so many days
// later than the next, and the actions of decisions. "~" marks a decision that
// must be refused.
func TestTransitions(t *testing.T) {
	for _, tt := range []struct{ name, life, state, events string }{
		{"first suspicion", "S", "candidate", "candidate"},
		{"confirmed later", "S C", "open", "candidate opened"},
		{"confirmed at once", "C", "open", "opened"},
		{"suspicion keeps open", "C S", "open", "opened"},
		{"suspicion stays", "S S S", "candidate", "candidate"},
		{"not looked at", "C - -", "open", "opened"},
		{"put right", "C U", "recovered", "opened recovered"},
		{"candidate put right", "S U", "recovered", "candidate recovered"},
		{"harmless", "C H", "explained", "opened explained"},
		{"lapsed", "C L", "expired", "opened expired"},
		{"nothing to undo", "U H L", "", ""},
		{"ends once", "C U U H L", "recovered", "opened recovered"},
		{"reopened", "C U C", "open", "opened recovered reopened"},
		{"reopened by suspicion", "C H S", "candidate", "opened explained reopened"},
		{"reopened from expired, confirmed", "C L S C", "open", "opened expired reopened opened"},
		{"reopened on day 30", "C U 29 C", "open", "opened recovered reopened"},
		{"a new life on day 31", "C U 30 C", "open", "opened recovered opened"},
		{"submitted", "C submit S", "submitted", "opened submitted"},
		{"submitted shows at once", "C submit", "submitted", "opened"},
		{"escalated after three nights", "C submit C C C", "escalated", "opened submitted escalated"},
		{"not after two nights and two unseen", "C submit C - C", "submitted", "opened submitted"},
		{"escalated after 72 hours", "C submit 3 C", "escalated", "opened submitted escalated"},
		{"not after 67 hours", "C submit 2 C", "submitted", "opened submitted"},
		{"escalated stays", "C submit C C C C C", "escalated", "opened submitted escalated"},
		{"submitted again", "C submit C C C submit C", "submitted", "opened submitted escalated submitted"},
		{"submitted, put right", "C submit C U", "recovered", "opened submitted recovered"},
		{"reopened is not submitted", "C submit U C C C C C", "open", "opened submitted recovered reopened"},
		{"suppressed", "C suppress C", "suppressed", "opened suppressed"},
		{"suppressed candidate is confirmed", "S suppress C unsuppress C", "open", "candidate suppressed opened unsuppressed"},
		{"suppressed counts nights", "C submit suppress C C C unsuppress C", "escalated", "opened submitted suppressed escalated unsuppressed"},
		{"suppressed, put right", "C suppress U", "recovered", "opened suppressed recovered"},
		{"suppressed outlives recovery", "C suppress U C", "suppressed", "opened suppressed recovered reopened"},
		{"baseline", "C baseline C 40 C", "suppressed", "opened suppressed"},
		{"until is still to come", "C suppress:3 C C C", "suppressed", "opened suppressed"},
		{"until has passed", "C suppress:3 C C C C", "open", "opened suppressed unsuppressed"},
		{"until passes unseen", "C suppress:3 - - - -", "open", "opened suppressed unsuppressed"},
		{"back and forth in a day", "C suppress unsuppress suppress C", "suppressed", "opened unsuppressed suppressed"},
		{"closed", "C close", "explained", "opened"},
		{"closed stays closed", "C close C C C", "explained", "opened explained"},
		{"closed stays closed when harmless", "C close C H C", "explained", "opened explained"},
		{"closed, undone", "C close C U", "explained", "opened explained changed"},
		{"closed, undone, again", "C close C U C", "open", "opened explained changed reopened"},
		{"closed long ago, undone, again", "C close 40 C U C", "open", "opened explained changed reopened"},
		{"requested", "C request C", "open", "opened changed"},

		{"a candidate is not submitted", "S ~submit", "candidate", "candidate"},
		{"submitted twice", "C submit ~submit", "submitted", "opened"},
		{"nothing to show", "C ~unsuppress", "open", "opened"},
		{"suppressed is not submitted", "C suppress ~submit ~request", "suppressed", "opened"},
		{"too late", "C U ~suppress ~submit ~close ~request ~baseline ~unsuppress", "recovered", "opened recovered"},
		{"closed once", "C close ~close", "explained", "opened"},
		{"unknown finding", "~suppress", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newTestLedger()
			live(t, l, tt.life)
			f, _, _ := l.Finding("F-1")
			if string(f.State) != tt.state {
				t.Errorf("%s: state %q, want %q", tt.life, f.State, tt.state)
			}
			if got := eventNames(l, "F-1"); got != tt.events {
				t.Errorf("%s: events %q, want %q", tt.life, got, tt.events)
			}
			checkReplay(t, l)
		})
	}
}

func live(t *testing.T, l *Ledger, life string) {
	t.Helper()
	claims := map[string]Claim{"S": Suspected, "C": Confirmed, "U": Undone, "H": Harmless, "L": Lapsed}
	n := 0
	for _, word := range strings.Fields(life) {
		var days int
		if _, err := fmt.Sscanf(word, "%d", &days); err == nil {
			n += days
			continue
		}
		if c, ok := claims[word]; ok {
			l.applyAt(float64(n), sight("F-1", c))
			n++
			continue
		}
		if word == "-" {
			l.applyAt(float64(n))
			n++
			continue
		}
		action, refused := strings.CutPrefix(word, "~")
		action, until, _ := strings.Cut(action, ":")
		d := Decision{At: nightAt(float64(n-1) + 0.2), Who: "ann", Action: Action(action), Finding: "F-1"}
		if until != "" {
			d.Until = nightAt(float64(until[0] - '0')).Format(time.DateOnly)
		}
		if err := l.Decide(d); (err != nil) != refused {
			t.Fatalf("%s: %s: %v", life, word, err)
		}
	}
}

// checkReplay demands that the log alone, with the decisions, gives the same.
func checkReplay(t *testing.T, l *Ledger) {
	t.Helper()
	r := NewLedger(l.decisions)
	r.files.log = l.files.log
	if err := r.replay(); err != nil {
		t.Fatal(err)
	}
	opts := cmp.AllowUnexported(record{}, held{}, night{}, span{})
	for _, d := range []string{
		cmp.Diff(l.recs, r.recs, opts), cmp.Diff(l.nights, r.nights, opts),
		cmp.Diff(l.events, r.events, opts), cmp.Diff(l.pending, r.pending), cmp.Diff(l.Findings(), r.Findings()),
	} {
		if d != "" {
			t.Errorf("read back (+) differs:\n%s", d)
		}
	}
}

func TestRefusalNamesWhatIsAllowed(t *testing.T) {
	l := newTestLedger()
	l.applyAt(0, sight("F-1", Suspected))
	err := l.Decide(Decision{At: nightAt(0), Action: Submit, Finding: "F-1"})
	if want := "submit of finding F-1: it is candidate; it allows suppress, close, request, baseline"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	for _, d := range []Decision{
		{At: nightAt(0), Action: "forget", Finding: "F-1"},
		{Action: Close, Finding: "F-1"},
		{At: nightAt(0), Action: Suppress, Finding: "F-1", Until: "tomorrow"},
		{At: nightAt(0), Action: Close, Finding: "F-1", Until: "2026-12-01"},
		{At: nightAt(0), Action: Probe, Status: 404},
	} {
		if err := l.Decide(d); err == nil {
			t.Errorf("%+v was accepted", d)
		}
	}
	if len(l.Decisions()) != 0 {
		t.Errorf("refused decisions were kept: %v", l.Decisions())
	}
}

func TestFieldsOverTime(t *testing.T) {
	l := newTestLedger()
	l.applyAt(0, sight("F-1", Suspected))
	s := sight("F-1", Confirmed)
	s.First, s.LastGood, s.Code, s.Verdict, s.Evidence = "20261103T020000Z", "20261103T020000Z", "Z2", Review, map[string]any{"looks": 3}
	l.applyAt(1, s)
	f := get(t, l, "F-1")
	if f.First != snapshot.IDOf(nightAt(0)) || f.LastGood != "20261031T020000Z" || f.Last != snapshot.IDOf(nightAt(1)) || f.Code != "Z2" || f.Verdict != Review {
		t.Errorf("after a change: %+v", f)
	}
	s.Evidence = map[string]any{"looks": 4}
	l.applyAt(2, s) // still
	l.applyAt(3, s) // nothing
	l.applyAt(4)    // nothing, and not true
	if got, want := eventNames(l, "F-1"), "candidate opened still"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
	if f := get(t, l, "F-1"); f.Last != snapshot.IDOf(nightAt(3)) {
		t.Errorf("last snapshot %s", f.Last)
	}
	s.Verdict = Ticket
	l.applyAt(5, s)
	if got, want := eventNames(l, "F-1"), "candidate opened still changed"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
	for i := 6.0; i < 10; i += 2 {
		l.applyAt(i, Sighting{Claim: Undone, Finding: Finding{ID: "F-1"}})
		l.applyAt(i+1, s)
	}
	f = get(t, l, "F-1")
	if got := fmt.Sprint(f.Evidence["flap_count"]); got != "2" || f.First != snapshot.IDOf(nightAt(0)) {
		t.Errorf("flap_count %s, first %s", got, f.First)
	}
	l.applyAt(10, Sighting{Claim: Harmless, Finding: Finding{ID: "F-1", Code: "P2", Evidence: map[string]any{"counterpart": "TRN-2"}}})
	if f := get(t, l, "F-1"); f.Code != "P2" || len(f.Evidence) != 2 || fmt.Sprint(f.Evidence["flap_count"]) != "2" || f.Verdict != Ticket || f.Last != snapshot.IDOf(nightAt(9)) {
		t.Errorf("explained: %+v", f)
	}
	checkReplay(t, l)
}

// What a decision does and what the night does besides are two events.
func TestDecisionAndNightAreApart(t *testing.T) {
	l := newTestLedger()
	l.applyAt(0, sight("F-1", Confirmed))
	// The clock of the one who decides is ten days behind.
	if err := l.Decide(Decision{At: nightAt(-10), Action: Submit, Finding: "F-1"}); err != nil {
		t.Fatal(err)
	}
	s := sight("F-1", Confirmed)
	s.Evidence = map[string]any{"looks": 3}
	l.applyAt(1, s)
	if got, want := eventNames(l, "F-1"), "opened submitted still"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
	_, events, _ := l.Finding("F-1")
	if got := fmt.Sprint(events[1].Finding.Evidence["looks"]); got != "2" {
		t.Errorf("submitted with evidence %s, which came later", got)
	}
}

func TestCloseSaysWhatItWas(t *testing.T) {
	l := newTestLedger()
	live(t, l, "C close C C")
	f := get(t, l, "F-1")
	if f.Code != closedByUser || f.Evidence["code_before"] != "Z1" || f.Last != snapshot.IDOf(nightAt(2)) {
		t.Errorf("%+v", f)
	}
}

func TestApplyReturns(t *testing.T) {
	l := newTestLedger()
	ids := func(fs []Finding) string {
		var s []string
		for _, f := range fs {
			s = append(s, f.ID+" "+string(f.State))
		}
		return strings.Join(s, ", ")
	}
	first := l.applyAt(0, sight("F-2", Confirmed), sight("F-1", Suspected))
	if got, want := ids(first), "F-1 candidate, F-2 open"; got != want {
		t.Errorf("night 0: %s, want %s", got, want)
	}
	if got, want := ids(l.applyAt(1, sight("F-1", Undone))), "F-1 recovered, F-2 open"; got != want {
		t.Errorf("night 1: %s, want %s", got, want)
	}
	if got, want := ids(l.applyAt(2)), "F-2 open"; got != want {
		t.Errorf("night 2: %s, want %s", got, want)
	}
	if err := l.Decide(Decision{At: nightAt(2), Action: Close, Finding: "F-2"}); err != nil {
		t.Fatal(err)
	}
	before := string(l.files.log)
	if d := cmp.Diff(first, l.applyAt(0, sight("F-9", Confirmed))); d != "" {
		t.Errorf("night 0 again:\n%s", d)
	}
	if got, want := ids(l.applyAt(2)), "F-2 open"; got != want {
		t.Errorf("night 2 again, after a decision: %s, want %s", got, want)
	}
	if string(l.files.log) != before {
		t.Error("applying again wrote something")
	}
	if got, want := ids(l.applyAt(3)), "F-2 explained"; got != want {
		t.Errorf("night 3: %s, want %s", got, want)
	}
}

func TestMistakesPanic(t *testing.T) {
	for name, f := range map[string]func(*Ledger){
		"two sightings": func(l *Ledger) { l.applyAt(2, sight("F-1", Confirmed), sight("F-2", Undone), sight("F-1", Undone)) },
		"older night":   func(l *Ledger) { l.applyAt(0.5) },
		"no id":         func(l *Ledger) { l.applyAt(2, sight("", Confirmed)) },
		"no claim":      func(l *Ledger) { l.applyAt(2, sight("F-1", "")) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLedger()
			l.applyAt(0)
			l.applyAt(1)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f(l)
		})
	}
}

func TestReturnedFindingsAreCopies(t *testing.T) {
	l := newTestLedger()
	for _, f := range slices.Concat(l.applyAt(0, sight("F-1", Confirmed)), l.Findings()) {
		f.Evidence["looks"], f.MissingInputs[0] = "spoilt", "spoilt"
	}
	if f := get(t, l, "F-1"); fmt.Sprint(f.Evidence["looks"]) != "2" || f.MissingInputs[0] != "screenshot" {
		t.Errorf("%+v", f)
	}
}
