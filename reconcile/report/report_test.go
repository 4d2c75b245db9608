package report

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
)

// some nights of a world in which members go stale and rows are lost, judged
// with the options after each.
func someNights(t *testing.T, n int, o reconcile.Options) (snapshot.Store, []*reconcile.Result) {
	t.Helper()
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 5, Users: 25, Weather: &calm, Transactions: 40, MaxPageSize: 1000, Start: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)})
	st, err := snapshot.CreateDir(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	var all []*reconcile.Result
	for night := range n {
		if night == 1 {
			w.Inject("Z1", 6)
			w.Inject("S2", 9)
		}
		exported(t, w, st, snapshot.Parquet, func(string) bool { return false })
		res, err := reconcile.Run(t.Context(), st, &o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, res)
		w.Advance(24 * time.Hour)
	}
	return st, all
}

// The nights that are shown are those of the findings that the table has first,
// and it is known of how many they are.
func TestMostUrgent(t *testing.T) {
	st, all := someNights(t, 6, reconcile.Options{})
	res := all[5]
	r, err := new(Nights).gather(t.Context(), st, res, res.Findings, 2)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range r.urgent() {
		if f.Member != "" && f.State.Raised() {
			want = append(want, f.ID)
		}
	}
	if len(want) < 3 || r.Urgent != len(want) || !slices.Equal(r.Detailed, want[:2]) {
		t.Errorf("of %d there are %v, want the first of %v", r.Urgent, r.Detailed, want)
	}
}

// A night that was judged with another --stale-after is shown with that.
func TestStaleAfter(t *testing.T) {
	for setting, want := range map[time.Duration]string{0: "older than 48 hours;", 20 * time.Hour: "older than 20 hours;", 90 * time.Minute: "older than 1h30m0s;"} {
		st, all := someNights(t, 4, reconcile.Options{StaleAfter: setting})
		r, err := New(t.Context(), st, all[3])
		if err != nil {
			t.Fatal(err)
		}
		if html := page(t, r); !strings.Contains(html, want) {
			t.Errorf("with %v: the page does not say %q", setting, want)
		}
		age := cmp.Or(setting, 48*time.Hour)
		stale, old := 0, 0
		scanned(t, st, all[3].Summary.Snapshot, schemas.Members, func(cell func(string) schemas.Value) {
			saa, n := cell("successfully_aggregated_at"), r.Past.Nights[3]
			if saa.Set && cell("institution_code").Set && n.ObservedAt.Time().Sub(schemas.Timestamp(saa.Int).Time()) > age {
				stale++
			}
		})
		for _, i := range r.Past.Institutions {
			old += i.Nights[3].Stale
		}
		if old != stale || stale == 0 {
			t.Errorf("with %v: %d members are stale, want %d", setting, old, stale)
		}
		at := schemas.TimestampOf(r.Summary.AsOf)
		for _, hours := range []int64{1, 19, 21, 47, 49} {
			if _, is := ago(pointer(at-schemas.Timestamp(hours*3600*1e6)), at, true, r.staleAfter()); is != (time.Duration(hours)*time.Hour > age) {
				t.Errorf("with %v, %d hours are old: %v", setting, hours, is)
			}
		}
	}
}

// As many tickets are tagged as new as the card counts, on the night itself,
// and when it is looked at later. Of findings only what is raised counts.
func TestNew(t *testing.T) {
	st, all := someNights(t, 6, reconcile.Options{})
	tagged, old := 0, 0
	for i, res := range all {
		again, err := all[5].Ledger.Judged(st, res.Summary.Snapshot) // that ledger has later nights too
		if err != nil {
			t.Fatal(err)
		}
		for _, res := range []*reconcile.Result{res, again} {
			r, err := New(t.Context(), st, res)
			if err != nil {
				t.Fatal(err)
			}
			v := r.on(Page{}).view()
			n := 0
			for _, w := range v.Tickets {
				if w.Fresh {
					n++
				}
			}
			if n != res.Summary.Tickets.New {
				t.Errorf("night %d: %d tickets are tagged, %d are new", i, n, res.Summary.Tickets.New)
			}
			tagged, old = tagged+n, old+len(v.Tickets)-n
			raised := 0
			for _, f := range r.Findings {
				if f.State.Raised() && fresh(r.News[f.ID]) {
					raised++
				}
			}
			if v.Fresh != raised || v.Fresh > v.Raised {
				t.Errorf("night %d: %d findings are new, want %d", i, v.Fresh, raised)
			}
		}
	}
	if tagged == 0 || old == 0 {
		t.Errorf("%d tickets were new, %d not", tagged, old)
	}
}
