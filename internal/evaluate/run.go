package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"sort"
	"time"

	"tallyport/atrium"
	"tallyport/export"
	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
)

// score is how reconcile did in one world.
type score struct {
	Seed          uint64                    `json:"seed"`
	AccountNights int64                     `json:"account_nights"`
	Confusion     map[string]map[string]int `json:"confusion"` // truth → said → rows
	Tickets       tally                     `json:"tickets"`
	Review        tally                     `json:"tickets_and_review"`
	Never         tally                     `json:"never_seen"`
	FalseTickets  int                       `json:"false_tickets"`
	Systemic      int                       `json:"systemic_nights"`
	Expected      map[string]tally          `json:"expected"` // by code

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

type client struct{ *atrium.Client }

func (c client) Requests() schemas.Requests {
	n := c.Stats()
	return schemas.Requests{Total: n.Requests, Retried: n.Retried, RateLimited: n.RateLimited}
}

var simURL = &url.URL{Scheme: "http", Host: "127.0.0.1:9"} // never dialled: the transport is in process

// take exports the world as it is.
func take(ctx context.Context, w *sim.World, st snapshot.Store) (*snapshot.Manifest, error) {
	keys := atrium.Credentials{APIKey: atrium.NewSecret(sim.DefaultAPIKey), ClientID: atrium.NewSecret(sim.DefaultClientID)}
	c, err := atrium.New(atrium.Atrium(simURL), keys, &atrium.Options{Transport: w.Transport(), PageSize: 1000, Concurrency: 2})
	if err != nil {
		return nil, err
	}
	id, day := snapshot.IDOf(w.Now()), schemas.DateOf(w.Now())
	out, err := snapshot.Begin(ctx, st, id, snapshot.Plan{Source: "atrium", Host: simURL.Host, Client: snapshot.ClientHash(sim.DefaultClientID), Users: snapshot.AllUsers,
		Window: schemas.Window{From: day - 90, To: day + 5}, Scope: schemas.MemberScope, Institutions: export.InstitutionsNone, Format: snapshot.Parquet}, w.Now())
	if err != nil {
		return nil, err
	}
	past, err := snapshot.OpenPast(st, id)
	if err != nil {
		return nil, err
	}
	m, err := export.Run(ctx, client{c}, out, &export.Options{Past: past, Concurrency: 2})
	return m, errors.Join(err, out.Close())
}

// evaluate lives through the nights of one world.
func evaluate(ctx context.Context, s set, seed uint64, limit int) (*score, error) {
	dir, err := os.MkdirTemp("", "evaluate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	st, err := snapshot.CreateDir(dir+"/store", false)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: seed, Users: s.users, Weather: &calm, Defects: s.defects, Unfit: -1, Start: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)})
	sc := &score{Seed: seed, Confusion: map[string]map[string]int{}, wrong: map[string][]string{}, limit: limit}
	raised := map[string]reconcile.Finding{} // by id: as it was when it was first raised, by the strongest verdict
	for night := range s.nights {
		m, err := take(ctx, w, st)
		if err != nil {
			return nil, err
		}
		res, err := reconcile.Run(ctx, st, &reconcile.Options{Changes: true, MaxTickets: 1 << 30})
		if err != nil {
			return nil, err
		}
		sc.AccountNights += res.Summary.Accounts.Compared
		if res.Summary.Systemic {
			sc.Systemic++
		}
		if night > 0 {
			sc.changes(w, res, m)
		}
		for _, f := range res.Findings {
			if !f.State.Raised() {
				continue
			}
			if was, ok := raised[f.ID]; !ok || was.Verdict != reconcile.Ticket && f.Verdict == reconcile.Ticket {
				raised[f.ID] = f
			}
		}
		if ids, err := snapshot.List(st); err == nil && len(ids) > 2 { // a night needs the one before
			steps, err := snapshot.PlanPrune(st, snapshot.Keep{Daily: 2}, nil, w.Now())
			if err == nil {
				err = snapshot.Prune(ctx, st, steps)
			}
			if err != nil {
				return nil, err
			}
		}
		w.Advance(24 * time.Hour)
	}
	sc.findings(w, raised, w.Now())
	sc.expected(w, raised, w.Now())
	return sc, nil
}

// changes compares what reconcile says of every row that went with the truth.
func (sc *score) changes(w *sim.World, res *reconcile.Result, m *snapshot.Manifest) {
	now := m.ID.Time()
	from, to := m.Plan.Window.From.Time(), m.Plan.Window.To.Time()
	for i := range res.Changes {
		c := &res.Changes[i]
		if c.Change != "removed" {
			continue
		}
		truth, _ := w.Why(c.Transaction, now.Add(-24*time.Hour), now, from, to)
		if sc.Confusion[truth] == nil {
			sc.Confusion[truth] = map[string]int{}
		}
		sc.Confusion[truth][c.Code]++
		if truth != c.Code {
			sc.note(truth+"→"+c.Code, "%s %s %s %s %s %s", m.ID, c.Account, c.Transaction, c.Date, c.Amount, c.Status)
		}
	}
}

// around lists what was done to an account, for the wrong answers.
func (sc *score) around(w *sim.World, account string) string {
	out := ""
	for _, d := range w.Defects() {
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

// confirmable is how long before the end a defect must have happened for two
// later aggregations to have confirmed it.
const confirmable = 5 * 24 * time.Hour

func (sc *score) findings(w *sim.World, raised map[string]reconcile.Finding, end time.Time) {
	lost := map[string]sim.Defect{} // by transaction
	never := map[string][]sim.Defect{}
	for _, d := range w.Defects() {
		switch d.Kind {
		case "Z1", "Z3", "P5", "M3b", "C2", "systemic":
			for _, t := range d.Transactions {
				lost[t] = d
			}
		case "N1", "N2", "N3", "N4":
			never[d.Account] = append(never[d.Account], d)
		}
	}
	hit := map[string]bool{}
	for _, id := range sortedIDs(raised) {
		f := raised[id]
		switch {
		case f.Transaction != "" && f.Kind == "missing_transaction":
			_, right := lost[string(f.Transaction)]
			if right {
				hit[string(f.Transaction)] = true
			}
			sc.Review.said(right)
			if f.Verdict == reconcile.Ticket {
				sc.Tickets.said(right)
			}
			if !right {
				if f.Verdict == reconcile.Ticket {
					sc.FalseTickets++
				}
				sc.note("false "+string(f.Verdict)+" "+string(f.Code), "%s %s %s %s %v", f.First, f.Account, f.Transaction, f.Amount, f.Evidence)
			}
		case f.Kind == "never_seen_transaction":
			right := slices.ContainsFunc(never[string(f.Account)], func(d sim.Defect) bool {
				ok := near(d.Cents, string(f.Amount)) && d.Credit == (f.Type == "CREDIT")
				if ok {
					hit[string(f.Account)+money(d.Cents)] = true
				}
				return ok
			})
			if !right {
				sc.note("false never seen", "%s %s %s %s %v %s", f.First, f.Account, f.Date, f.Amount, f.Evidence, sc.around(w, string(f.Account)))
			}
			sc.Never.said(right)
		}
	}
	for t, d := range lost {
		if d.At.After(end.Add(-confirmable)) || d.Kind == "Z3" || !d.Until.IsZero() {
			continue
		}
		review := d.Kind == "M3b" || d.Kind == "C2"
		if !review {
			sc.Tickets.True++
		}
		sc.Review.True++
		if hit[t] {
			sc.Review.Found++
			if review {
				continue
			}
			if ticketed(raised, t) {
				sc.Tickets.Found++
			} else {
				sc.note("only review "+d.Kind, "%v %s %s", d.At, d.Account, t)
			}
		} else {
			sc.note("missed "+d.Kind, "%v %s %s %s", d.At, d.Account, t, sc.around(w, d.Account))
		}
	}
	for account, all := range never {
		for _, d := range all {
			if at := when(d); at.After(end.Add(-confirmable)) || at.Before(end.Add(-40*24*time.Hour)) {
				continue
			}
			sc.Never.True++
			if hit[account+money(d.Cents)] {
				sc.Never.Found++
			} else {
				sc.note("missed "+d.Kind, "%v %s %d %s", d.At, d.Account, d.Cents, sc.around(w, d.Account))
			}
		}
	}
}

func ticketed(raised map[string]reconcile.Finding, t string) bool {
	for _, f := range raised {
		if string(f.Transaction) == t && f.Verdict == reconcile.Ticket {
			return true
		}
	}
	return false
}

func (t *tally) said(right bool) {
	t.Said++
	if right {
		t.Right++
	}
}

// near reports whether an amount is right to within what balances are rounded to.
func near(cents int64, amount string) bool {
	var whole, part int64
	fmt.Sscanf(amount, "%d.%2d", &whole, &part)
	d := whole*100 + part - cents
	return d >= -10 && d <= 10
}

func money(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func sortedIDs(m map[string]reconcile.Finding) []string {
	var ids []string
	for id := range m {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

func (sc *score) print(w io.Writer) {
	fmt.Fprintf(w, "seed %d, %d account-nights, systemic nights %d\n", sc.Seed, sc.AccountNights, sc.Systemic)
	var truths []string
	for t := range sc.Confusion {
		truths = append(truths, t)
	}
	sort.Strings(truths)
	for _, t := range truths {
		var said []string
		total := 0
		for c, n := range sc.Confusion[t] {
			said = append(said, c)
			total += n
		}
		sort.Strings(said)
		fmt.Fprintf(w, "  %-5s %7d  right %s  ", t, total, percent(sc.Confusion[t][t], total))
		for _, c := range said {
			fmt.Fprintf(w, " %s:%d", c, sc.Confusion[t][c])
		}
		fmt.Fprintln(w)
	}
	type line struct {
		name string
		t    tally
	}
	lines := []line{{"ticket", sc.Tickets}, {"ticket+review", sc.Review}, {"never seen", sc.Never}}
	for _, e := range expectations {
		lines = append(lines, line{e.code, sc.Expected[e.code]})
	}
	for _, x := range lines {
		fmt.Fprintf(w, "  %-14s precision %s (%d)  recall %s (%d)\n", x.name, percent(x.t.Right, x.t.Said), x.t.Said, percent(x.t.Found, x.t.True), x.t.True)
	}
	fmt.Fprintf(w, "  false tickets per 10,000 account-nights %.2f\n", float64(sc.FalseTickets)*10000/float64(max(sc.AccountNights, 1)))
	var kinds []string
	for k := range sc.wrong {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	for _, k := range kinds {
		for _, line := range sc.wrong[k] {
			fmt.Fprintf(w, "    %s: %s\n", k, line)
		}
	}
}
