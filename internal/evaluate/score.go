package main

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"tallyport/reconcile"
	"tallyport/sim"
)

// score is how reconcile did in one world.
type score struct {
	Set           string  `json:"set"`
	Seed          uint64  `json:"seed"`
	Seconds       float64 `json:"seconds"`
	AccountNights int64   `json:"account_nights"`

	Tickets   tally            `json:"tickets"`
	Review    tally            `json:"tickets_and_review"`
	Baselines map[string]tally `json:"baselines"`

	Confusion map[string]map[string]int `json:"confusion"` // truth → said → rows
	Codes     map[string]tally          `json:"codes"`

	Never       tally `json:"never_seen"` // what is true: on accounts whose model is reliable
	NeverSums   int   `json:"never_seen_right_as_a_sum"`
	NeverApart  tally `json:"never_seen_on_other_accounts"`
	NeverSilent tally `json:"never_seen_on_silent_accounts"`

	Deposits judgedShare `json:"deposit_accounts"`
	Cards    judgedShare `json:"card_accounts"`
	Others   judgedShare `json:"other_accounts"`

	Expected map[string]tally `json:"expected"` // by code
	Stale    staleScore       `json:"staleness"`

	FalseTickets int            `json:"false_tickets"` // of all kinds
	FalseByKind  map[string]int `json:"false_tickets_by_kind"`
	Systemic     int            `json:"systemic_nights"`
	Stability    *stability     `json:"id_stability,omitempty"`
	Probed       *probedScore   `json:"probed,omitempty"`
	Detect       delay          `json:"nights_to_ticket"`
	DetectNever  delay          `json:"nights_to_never_seen"`
	Cases        []caseScore    `json:"cases,omitempty"`

	world  *sim.World
	nights []time.Time
	end    time.Time
	models map[string]*reliability

	raised      map[string]reconcile.Finding // by id: as it was when it was first raised, by the strongest verdict
	final       map[string]reconcile.Finding // and when it was last shown
	firstRaised map[string]int               // night
	ticketed    map[string]int               // night of the first ticket, by transaction
	gone        map[string]int               // night on which a row was first not there
	called      map[string]string            // last code of a row that went
	truth       map[string]string
	wrongly     []reconcile.Finding // raised, and wrong
	baseline    map[string]map[string]bool
	detectNever []int
	natural     map[string]*caseScore
	index       map[string][]string // of raised, by transaction
	oracle      oracle

	torn  bool // walks leave rows out that are there
	wrong map[string][]string
	limit int
}

// tally is precision's and recall's raw figures.
type tally struct {
	Said  int `json:"said"`
	Right int `json:"right"`
	True  int `json:"true"`
	Found int `json:"found"`
}

func (t *tally) said(right bool) {
	t.Said++
	if right {
		t.Right++
	}
}

func (t tally) plus(o tally) tally {
	return tally{t.Said + o.Said, t.Right + o.Right, t.True + o.True, t.Found + o.Found}
}

// judgedShare is how many accounts there are and of how many the balance counts.
type judgedShare struct {
	All    int `json:"all"`
	Judged int `json:"judged"`
}

// delay is how long something took, in nights.
type delay struct {
	N      int `json:"n"`
	Median int `json:"median"`
	P90    int `json:"p90"`
}

func delayOf(all []int) delay {
	if len(all) == 0 {
		return delay{}
	}
	slices.Sort(all)
	return delay{len(all), all[len(all)/2], all[len(all)*9/10]}
}

func newScore(w *sim.World, seed uint64, limit int) *score {
	sc := &score{Seed: seed, world: w, limit: limit, Confusion: map[string]map[string]int{}, FalseByKind: map[string]int{}, models: map[string]*reliability{},
		raised: map[string]reconcile.Finding{}, final: map[string]reconcile.Finding{}, firstRaised: map[string]int{}, ticketed: map[string]int{},
		gone: map[string]int{}, called: map[string]string{}, truth: map[string]string{}, baseline: map[string]map[string]bool{}, natural: map[string]*caseScore{},
		oracle: oracle{}, wrong: map[string][]string{}}
	for _, name := range baselines {
		sc.baseline[name] = map[string]bool{}
	}
	return sc
}

// night takes in what reconcile said of one night.
func (sc *score) night(n night, res *reconcile.Result, models []reconcile.BalanceModel) {
	at := len(sc.nights)
	sc.nights = append(sc.nights, n.at)
	sc.AccountNights += res.Summary.Accounts.Compared
	if res.Summary.Systemic {
		sc.Systemic++
	}
	for _, m := range models {
		r := sc.models[m.Account]
		if r == nil {
			r = &reliability{typ: m.Type, nights: map[int]bool{}}
			sc.models[m.Account] = r
		}
		if r.last = at; m.Reliable {
			r.nights[at] = true
		}
	}
	if at > 0 {
		sc.naive(n, res)
		sc.changes(n, res)
	}
	for _, f := range res.Findings {
		sc.final[f.ID] = f
		if !f.State.Raised() {
			continue
		}
		was, ok := sc.raised[f.ID]
		if !ok {
			sc.firstRaised[f.ID] = at
		}
		if !ok || was.Verdict != reconcile.Ticket && f.Verdict == reconcile.Ticket {
			sc.raised[f.ID] = f
		}
		if _, ok := sc.ticketed[string(f.Transaction)]; !ok && f.Verdict == reconcile.Ticket {
			sc.ticketed[string(f.Transaction)] = at
		}
	}
	sc.Stale.night(sc, n, res.Findings)
}

// changes compares what reconcile says of every row that went with the truth.
func (sc *score) changes(n night, res *reconcile.Result) {
	from, to := n.manifest.Plan.Window.From.Time(), n.manifest.Plan.Window.To.Time()
	came := map[string]int{}
	for i := range res.Changes {
		if c := &res.Changes[i]; c.Change == "added" {
			came[c.Transaction] = i
		}
	}
	for i := range res.Changes {
		c := &res.Changes[i]
		if c.Change != "removed" {
			continue
		}
		truth, next := sc.world.Why(c.Transaction, n.before, n.at, from, to)
		for back := len(sc.nights) - 3; truth == "" && !sc.torn && back >= max(0, len(sc.nights)-9); back-- { // nobody looked for some nights
			truth, next = sc.world.Why(c.Transaction, sc.nights[back], n.at, from, to)
		}
		if truth == "Z1" && c.Date == from.Format(time.DateOnly) {
			truth = lostAtEdge
		}
		if truth == "W2" && c.Date < from.Format(time.DateOnly) {
			truth = "W1" // which comes first: as it was last shown it is outside
		}
		if sc.Confusion[truth] == nil {
			sc.Confusion[truth] = map[string]int{}
		}
		sc.Confusion[truth][c.Code]++
		if _, ok := sc.gone[c.Transaction]; !ok {
			sc.gone[c.Transaction] = len(sc.nights) - 1
		}
		sc.called[c.Transaction], sc.truth[c.Transaction] = c.Code, truth
		row := naturalRow{truth: truth, said: c.Code, amount: cents(c.Amount), date: c.Date, from: from}
		if len(next) == 1 {
			if k, ok := came[next[0]]; ok {
				row.nextAmount, row.nextDate = cents(res.Changes[k].Amount), res.Changes[k].Date
			}
		}
		sc.happened(row)
		if truth != c.Code {
			sc.note(truth+"→"+c.Code, "%s %s %s %s %s %s", n.manifest.ID, c.Account, c.Transaction, c.Date, c.Amount, c.Status)
		}
	}
}

// around lists what was done to an account, for the wrong answers.
func (sc *score) around(account string) string {
	out := ""
	for _, d := range sc.world.Defects() {
		if d.Account == account {
			out += fmt.Sprintf(" {%s %s %d %v %v→%v}", d.Kind, d.At.Format("0102"), d.Cents, d.Credit, d.Transactions, d.Counterparts)
		}
	}
	return out
}

func (sc *score) note(kind, format string, args ...any) {
	if len(sc.wrong[kind]) < sc.limit {
		sc.wrong[kind] = append(sc.wrong[kind], fmt.Sprintf(format, args...))
	}
}

// falsely takes in a finding that was raised and is wrong.
func (sc *score) falsely(f reconcile.Finding) {
	sc.wrongly = append(sc.wrongly, f)
	if f.Verdict == reconcile.Ticket {
		sc.FalseTickets++
		sc.FalseByKind[string(f.Kind)]++
	}
}

// nightOf is the first night at or after an instant.
func (sc *score) nightOf(at time.Time) int {
	i, _ := slices.BinarySearchFunc(sc.nights, at, time.Time.Compare)
	return i
}

// confirmable is how long before the end a defect must have happened for two
// later aggregations to have confirmed it.
const confirmable = 5 * 24 * time.Hour

// finish scores what is known only at the end.
func (sc *score) finish(s set) {
	sc.end = sc.world.Now()
	var raised []reconcile.Finding
	for _, f := range sc.raised {
		raised = append(raised, f)
	}
	slices.SortFunc(raised, func(a, b reconcile.Finding) int { return cmp.Compare(a.ID, b.ID) })
	sc.rows(raised)
	sc.never(raised)
	sc.expected(raised)
	sc.judged()
	sc.codes()
	sc.DetectNever = delayOf(sc.detectNever)
	sc.cases(s)
}

// forget lets go of the world and of what was said of each row, which the
// figures do not need any more.
func (sc *score) forget() {
	sc.world, sc.models, sc.oracle, sc.baseline = nil, nil, nil, nil
	sc.raised, sc.final, sc.firstRaised, sc.ticketed, sc.index, sc.wrongly = nil, nil, nil, nil, nil, nil
	sc.gone, sc.called, sc.truth = nil, nil, nil
}

// rows scores the findings about rows that went.
func (sc *score) rows(raised []reconcile.Finding) {
	lost, due := map[string]bool{}, map[string]bool{}
	of := map[string]sim.Defect{}
	for _, d := range sc.world.Defects() {
		switch d.Code() {
		case "Z1", "Z3", "P5", "M3b", "C2", "systemic":
			for _, t := range d.Transactions {
				lost[t], of[t] = true, d
			}
		case "A4":
			for _, t := range d.Transactions { // those that did not come along
				lost[t] = true
			}
		}
	}
	reported := map[string]bool{}
	for _, f := range raised {
		if f.Transaction == "" || f.Kind != "missing_transaction" {
			continue
		}
		right := lost[string(f.Transaction)]
		reported[string(f.Transaction)] = true
		sc.Review.said(right)
		if f.Verdict == reconcile.Ticket {
			sc.Tickets.said(right)
		}
		if !right {
			sc.falsely(f)
			sc.note("false "+string(f.Verdict)+" "+string(f.Code), "%s %s %s %s truth %q %v %s", f.First, f.Account, f.Transaction, f.Amount, sc.truth[string(f.Transaction)], f.Evidence, sc.around(string(f.Account)))
		}
	}
	var nights []int
	for t, d := range of {
		if !d.At.Before(sc.end.Add(-confirmable)) || !d.Until.IsZero() || d.Kind == "Z1+edge" {
			continue // that one cannot be told from a row that left the window
		}
		due[t] = true
		sc.Review.True++
		if reported[t] {
			sc.Review.Found++
		} else {
			sc.note("missed "+d.Kind, "%v %s %s %s", d.At, d.Account, t, sc.around(d.Account))
		}
		if d.Code() == "M3b" || d.Code() == "C2" {
			continue
		}
		sc.Tickets.True++
		at, ok := sc.ticketed[t]
		if ok {
			sc.Tickets.Found++
			if seen, ok := sc.gone[t]; ok {
				nights = append(nights, at-seen)
			}
		} else if reported[t] {
			sc.note("only review "+d.Kind, "%v %s %s %s", d.At, d.Account, t, sc.around(d.Account))
		}
	}
	sc.Detect = delayOf(nights)
	sc.baselineScores(lost, due)
}

// lostAtEdge is the truth of a row that was lost on the window's first day, which
// is rightly taken for one that left the window.
const lostAtEdge = "Z1, first day"

// scoredCodes are those that the acceptance asks about one by one.
var scoredCodes = []string{"P2", "D1", "D2", "W1", "W2", "W3", "M1", "M2", "A1", "A2", "A3", "A4"}

// codes turns the confusion of rows into figures by code.
func (sc *score) codes() {
	sc.Codes = map[string]tally{}
	for _, code := range scoredCodes {
		var t tally
		for truth, said := range sc.Confusion {
			if truth == lostAtEdge {
				continue
			}
			for c, n := range said {
				if c == code {
					t.Said += n
				}
				if truth == code {
					t.True += n
				}
			}
		}
		t.Right = sc.Confusion[code][code]
		t.Found = t.Right
		sc.Codes[code] = t
	}
}

// cents reads an amount with two decimals or more.
func cents(amount string) int64 {
	whole, part, _ := strings.Cut(amount, ".")
	var w, p int64
	fmt.Sscan(whole, &w)
	fmt.Sscan("1"+(part + "00")[:2], &p)
	return w*100 + p - 100
}

func sortedKeys[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	sort.Strings(all)
	return all
}
