package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyport/reconcile"
	"tallyport/sim"
	"tallyport/snapshot"
)

// Small worlds of fixed seeds: the figures cannot be those of make evaluate,
// but nothing may be far off.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("a world of twenty-two nights")
	}
	t.Parallel()
	var tickets, review, naive tally
	for seed := range uint64(3) {
		s := set{users: 24, nights: 22, defects: standardDefects}
		sc, err := evaluate(context.Background(), s, 7000+seed, 3)
		if err != nil {
			t.Fatal(err)
		}
		tickets, review, naive = tickets.plus(sc.Tickets), review.plus(sc.Review), naive.plus(sc.Baselines[guidDiff])
		for _, code := range []string{"P2", "D2", "W1", "W3", "M1", "M2", "A2", "A3", "A4"} {
			if x := sc.Codes[code]; 20*x.Found < 19*x.True-20 {
				t.Errorf("seed %d: of %d rows that are %s only %d are so called: %v", 7000+seed, x.True, code, x.Found, sc.Confusion[code])
			}
		}
		if sc.Systemic > 0 {
			t.Errorf("seed %d: the kill switch fired", 7000+seed)
		}
		if sc.Stale.Nights < 500 || sc.Stale.Right != sc.Stale.Nights {
			t.Errorf("seed %d: %d of %d nights of members are judged as the rules say: %v", 7000+seed, sc.Stale.Right, sc.Stale.Nights, sc.Stale.lines())
		}
		if all := sc.Deposits.All + sc.Cards.All; 10*(sc.Deposits.Judged+sc.Cards.Judged) < 6*all {
			t.Errorf("seed %d: accounts judged: %+v %+v", 7000+seed, sc.Deposits, sc.Cards)
		}
	}
	t.Logf("tickets %v, with review %v, guid diff %v", tickets, review, naive)
	if tickets.True < 8 || 10*tickets.Right < 9*tickets.Said || 10*review.Found < 8*review.True {
		t.Errorf("tickets %v, with review %v", tickets, review)
	}
	if naive.Found != naive.True || 20*naive.Right > naive.Said {
		t.Errorf("a guid diff finds all and is hardly ever right, not %v", naive)
	}
}

// A small world of hard cases.
func TestHard(t *testing.T) {
	if testing.Short() {
		t.Skip("a world of twenty nights")
	}
	t.Parallel()
	s := set{users: 14, nights: 20, twins: 0.05, times: 3, cases: rowCases}
	sc, err := evaluate(context.Background(), s, 7800, 5)
	if err != nil {
		t.Fatal(err)
	}
	var n, bad int
	for _, c := range sc.Cases {
		if n += c.N; c.Wrong > 0 {
			bad += c.Wrong
			t.Logf("%+v", c)
		}
		if slices.ContainsFunc(rowCases, func(h hardCase) bool { return h.name == c.Name && h.kind != "P3" }) && c.N < 2 {
			t.Errorf("%s: %d instances", c.Name, c.N)
		}
	}
	if 20*bad > n {
		t.Errorf("%d of %d hard cases are answered wrongly: %v", bad, n, sc.wrong)
	}
}

// Nobody looks at a disabled user. When it is back its rows are compared with
// those of before, not with nothing.
func TestDisabledForAWhile(t *testing.T) {
	if testing.Short() {
		t.Skip("fourteen nights")
	}
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7900, Users: 8, Weather: &calm, Unfit: -1, Churn: -1})
	st := newStore(t)
	back := 0
	for night := range 14 {
		live(t, w, st)
		res := judge(t, st, &reconcile.Options{Changes: true})
		for _, f := range res.Findings {
			if f.Kind == "never_seen_transaction" {
				t.Errorf("night %d: %+v", night, f)
			}
		}
		came := map[string]int{}
		for i := range res.Changes {
			if c := &res.Changes[i]; c.Change == "added" && night > 0 {
				came[c.User]++
			}
		}
		for _, d := range w.Defects() {
			if n := came[d.User]; n > 60 {
				t.Errorf("night %d: %d rows of a user who was away for two nights came", night, n)
			} else if n > 0 && w.Now().After(d.Until.Add(24*time.Hour)) {
				back++
			}
		}
		if night == 9 {
			w.Inject("U2", 6)
		}
	}
	if back == 0 {
		t.Error("nobody came back")
	}
}

// What makes a finding about something never shown right.
func TestExplains(t *testing.T) {
	due := time.Date(2026, 3, 10, 6, 0, 0, 0, time.UTC)
	items := func() []*hidden {
		return []*hidden{
			{Unshown: sim.Unshown{Transaction: "a", Cents: 1200, Authorised: due, Due: due}},
			{Unshown: sim.Unshown{Transaction: "b", Cents: 3000, Authorised: due.AddDate(0, 0, -5), Due: due}},
			{Unshown: sim.Unshown{Transaction: "c", Cents: 5000, Credit: true, Authorised: due.AddDate(0, 0, 8), Due: due.AddDate(0, 0, 9)}},
		}
	}
	said := func(code reconcile.Code, date, amount, typ string) *reconcile.Finding {
		f := &reconcile.Finding{ID: "F-1", Code: code}
		if err := json.Unmarshal([]byte(`{"date":"`+date+`","amount":"`+amount+`","type":"`+typ+`"}`), f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, x := range []struct {
		what          string
		f             *reconcile.Finding
		right, summed bool
	}{
		{"the item", said("N1", "2026-03-10", "12.00", "DEBIT"), true, false},
		{"rounded", said("N1", "2026-03-11", "30.10", "DEBIT"), true, false},
		{"when it was authorised", said("N1", "2026-03-04", "30.00", "DEBIT"), true, false},
		{"before it happened", said("N1", "2026-03-02", "30.00", "DEBIT"), false, false},
		{"the other direction", said("N1", "2026-03-10", "12.00", "CREDIT"), false, false},
		{"too far off", said("N1", "2026-03-14", "12.00", "DEBIT"), false, false},
		{"dated by the other leg", said("N3", "2026-03-14", "12.00", "DEBIT"), true, false},
		{"what was due at once", said("N1", "2026-03-10", "42.00", "DEBIT"), true, true},
		{"what was not", said("N1", "2026-03-12", "8.00", "CREDIT"), false, false},
		{"another amount", said("N1", "2026-03-19", "50.20", "CREDIT"), false, false},
	} {
		if right, summed := explains(items(), x.f); right != x.right || summed != x.summed {
			t.Errorf("%s: right %t, summed %t", x.what, right, summed)
		}
	}
	all := items()
	explains(all, said("N1", "2026-03-10", "12.00", "DEBIT"))
	if right, _ := explains(all, said("N1", "2026-03-10", "12.00", "DEBIT")); right {
		t.Error("one item makes two findings right")
	}
}

func TestCents(t *testing.T) {
	for text, want := range map[string]int64{"0.05": 5, "12.00": 1200, "12.3456": 1234, "7": 700, "100.50": 10050} {
		if got := cents(text); got != want {
			t.Errorf("%s is %d cents", text, got)
		}
	}
}

// In a world in which nothing goes wrong there are no tickets about rows.
func TestClean(t *testing.T) {
	if testing.Short() {
		t.Skip("a world of thirteen nights")
	}
	t.Parallel()
	sc, err := evaluate(context.Background(), set{users: 12, nights: 13}, 7100, 5)
	if err != nil {
		t.Fatal(err)
	}
	if sc.FalseTickets > 0 || sc.Never.Said > 0 {
		t.Errorf("%d false tickets, %d never seen: %v", sc.FalseTickets, sc.Never.Said, sc.wrong)
	}
}

// A vanishing act of many members at once is no ticket for each.
func TestSystemic(t *testing.T) {
	if testing.Short() {
		t.Skip("sixty users")
	}
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7200, Users: 60, Transactions: 60, Weather: &calm, Unfit: -1})
	st := newStore(t)
	var res *reconcile.Result
	fired := 0
	for night := range 6 {
		live(t, w, st)
		res = judge(t, st, nil)
		if res.Summary.Systemic {
			fired++
		}
		if night == 2 {
			if d := w.Inject("systemic", 30); len(d) == 0 {
				t.Fatal("nothing was injected")
			}
		}
	}
	if fired == 0 {
		t.Errorf("the kill switch did not fire")
	}
	for _, f := range res.Findings {
		if f.Kind == "missing_transaction" && f.Verdict == reconcile.Ticket {
			t.Errorf("a ticket of a mass event: %+v", f)
		}
	}
}

func newStore(t *testing.T) *snapshot.Dir {
	t.Helper()
	st, err := snapshot.CreateDir(filepath.Join(t.TempDir(), "store"), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// live exports the world as it is and lets a day pass.
func live(t *testing.T, w *sim.World, st snapshot.Store) *snapshot.Manifest {
	t.Helper()
	m, err := take(context.Background(), w, st)
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(24 * time.Hour)
	return m
}

func judge(t *testing.T, st snapshot.Store, o *reconcile.Options) *reconcile.Result {
	t.Helper()
	res, err := reconcile.Run(context.Background(), st, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// The same snapshots give the same ledger and state: night by night, all at
// once, again, rebuilt, with more at once.
func TestSameEveryTime(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7300, Users: 12, Weather: &calm, Defects: standardDefects, Unfit: -1})
	st := newStore(t)
	var first *reconcile.Result
	nights, enough := 12, 5
	if testing.Short() { // the race detector takes ten times as long
		nights, enough = 5, 3
	}
	for range nights {
		live(t, w, st)
		first = judge(t, st, &reconcile.Options{Changes: true})
	}
	want := concluded(t, st)
	if len(first.Findings) < enough || len(first.Changes) < enough || len(want) < 3 {
		t.Fatalf("%d findings, %d changes, %d files: nothing was compared", len(first.Findings), len(first.Changes), len(want))
	}
	wantFiles, err := first.Files(true)
	if err != nil {
		t.Fatal(err)
	}
	for name, again := range map[string]func() *reconcile.Result{
		"again":   func() *reconcile.Result { return judge(t, st, nil) },
		"rebuilt": func() *reconcile.Result { return judge(t, st, &reconcile.Options{Rebuild: true, Changes: true}) },
		"one by one": func() *reconcile.Result {
			return judge(t, st, &reconcile.Options{Rebuild: true, Changes: true, Concurrency: 1})
		},
		"all at once": func() *reconcile.Result {
			remove(t, st)
			return judge(t, st, &reconcile.Options{Changes: true, Concurrency: 8})
		},
	} {
		res := again()
		got := concluded(t, st)
		for _, file := range slices.Sorted(maps.Keys(want)) {
			if !bytes.Equal(got[file], want[file]) {
				t.Errorf("%s: %s differs", name, file)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: files %v, want %v", name, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
		files, err := res.Files(res.Judged != nil)
		if err != nil {
			t.Fatal(err)
		}
		for file, data := range files {
			if file != "summary.json" && !bytes.Equal(data, wantFiles[file]) {
				t.Errorf("%s: %s differs", name, file)
			}
		}
		if n := len(files); n != len(wantFiles) && (name != "again" || n != len(wantFiles)-2) {
			t.Errorf("%s: files %v", name, slices.Sorted(maps.Keys(files)))
		}
	}
}

// concluded is everything below _reconcile but the states of earlier nights.
func concluded(t *testing.T, st *snapshot.Dir) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	ids, err := snapshot.List(st)
	if err != nil {
		t.Fatal(err)
	}
	newest := string(ids[len(ids)-1])
	root := st.Path("_reconcile")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if strings.HasPrefix(name, "state") && !strings.Contains(name, newest) {
			return nil
		}
		out[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func remove(t *testing.T, st *snapshot.Dir) {
	t.Helper()
	if err := os.RemoveAll(st.Path("_reconcile")); err != nil {
		t.Fatal(err)
	}
}

// A snapshot that comes late is judged in its place.
func TestLateSnapshot(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7400, Users: 15, Weather: &calm, Defects: standardDefects, Unfit: -1})
	st := newStore(t)
	var late *snapshot.Manifest
	for range 5 {
		m := live(t, w, st)
		if late == nil && len(m.Tables) > 0 {
			late = m
		}
	}
	judge(t, st, nil)
	want := concluded(t, st)
	// Without the third night, and then with it.
	ids, err := snapshot.List(st)
	if err != nil {
		t.Fatal(err)
	}
	name := st.Path("_manifests/" + string(ids[2]) + ".json")
	if err := os.Rename(name, name+".away"); err != nil {
		t.Fatal(err)
	}
	remove(t, st)
	judge(t, st, nil)
	if err := os.Rename(name+".away", name); err != nil {
		t.Fatal(err)
	}
	judge(t, st, nil)
	for file, data := range concluded(t, st) {
		if !bytes.Equal(data, want[file]) {
			t.Errorf("%s differs", file)
		}
	}
}

func TestOneSnapshot(t *testing.T) {
	if _, err := reconcile.Run(context.Background(), newStore(t), nil); !errors.Is(err, snapshot.ErrNoSnapshot) {
		t.Errorf("an empty store: %v", err)
	}
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7500, Users: 40, Weather: &calm})
	st := newStore(t)
	live(t, w, st)
	res := judge(t, st, nil)
	if res.Summary.Compared != nil || res.Summary.ExitCode != 0 || !slices.Contains(res.Summary.Notes, "nothing to compare yet") {
		t.Errorf("%+v", res.Summary)
	}
	stale := slices.ContainsFunc(res.Findings, func(f reconcile.Finding) bool { return f.Kind == "stale_member" || f.Kind == "member_action" })
	if !stale {
		t.Errorf("no finding about members: %v", res.Findings)
	}
}

func TestDamagedPart(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7600, Users: 10, Weather: &calm})
	st := newStore(t)
	live(t, w, st)
	judge(t, st, nil)
	before := concluded(t, st)
	m := live(t, w, st)
	name := st.Path(m.Tables["transactions"].Files[0].Path)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(100, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte{0xff, 0, 0xff}); err != nil {
		t.Fatal(err)
	}
	_, err = reconcile.Run(context.Background(), st, nil)
	if !errors.Is(err, snapshot.ErrDamaged) || !strings.Contains(err.Error(), string(m.ID)) {
		t.Errorf("%v", err)
	}
	for name, data := range before {
		if now, err := os.ReadFile(st.Path("_reconcile/" + name)); err != nil || !bytes.Equal(now, data) {
			t.Errorf("%s changed: %v", name, err)
		}
	}
}

// What was pruned cannot be judged again, so nothing may be thrown away for it.
func TestRebuildAfterPrune(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7700, Users: 15, Weather: &calm, Defects: standardDefects, Unfit: -1})
	st := newStore(t)
	for range 4 {
		live(t, w, st)
		judge(t, st, nil)
	}
	live(t, w, st)
	want := concluded(t, st)
	held, err := reconcile.Held(st)
	if err != nil {
		t.Fatal(err)
	}
	if len(held) != 2 {
		t.Errorf("held are %v, want the last that was judged and the one that was not", held)
	}
	steps, err := snapshot.PlanPrune(st, snapshot.Keep{Daily: 1}, held, w.Now())
	if err == nil {
		err = snapshot.Prune(context.Background(), st, steps)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reconcile.Run(context.Background(), st, &reconcile.Options{Rebuild: true}); err == nil || !strings.Contains(err.Error(), "pruned") {
		t.Errorf("a rebuild: %v", err)
	}
	for file, data := range concluded(t, st) {
		if !bytes.Equal(data, want[file]) {
			t.Errorf("%s differs", file)
		}
	}
	if res := judge(t, st, nil); len(res.Judged) != 1 || res.Summary.Compared == nil {
		t.Errorf("the night after: %+v", res.Summary)
	}
}
