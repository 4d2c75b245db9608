package report

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tallyport/atrium"
	"tallyport/export"
	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
)

type client struct{ *atrium.Client }

func (c client) Requests() schemas.Requests {
	n := c.Stats()
	return schemas.Requests{Total: n.Requests, Retried: n.Retried, RateLimited: n.RateLimited}
}

// broken answers some paths with an error instead of the world.
type broken struct {
	http.RoundTripper
	fails func(path string) bool
}

func (b broken) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil && b.fails(r.URL.Path) {
		res.StatusCode = http.StatusInternalServerError
	}
	return res, err
}

// exported exports the world as it is now, but for the paths that fail; the
// window is short, so that rows leave it.
func exported(t *testing.T, w *sim.World, st snapshot.Store, format snapshot.Format, fails func(path string) bool) *snapshot.Manifest {
	t.Helper()
	host := &url.URL{Scheme: "http", Host: "127.0.0.1:9"} // never dialled: the transport is in process
	keys := atrium.Credentials{APIKey: atrium.NewSecret(sim.DefaultAPIKey), ClientID: atrium.NewSecret(sim.DefaultClientID)}
	c, err := atrium.New(atrium.Atrium(host), keys, &atrium.Options{Transport: broken{w.Transport(), fails}, PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	day := schemas.DateOf(w.Now())
	out, err := snapshot.Begin(t.Context(), st, snapshot.IDOf(w.Now()), snapshot.Plan{Source: "atrium", Host: host.Host, Client: snapshot.ClientHash(sim.DefaultClientID), Users: "all",
		Window: schemas.Window{From: day - 20, To: day + 5}, Scope: schemas.MemberScope, Institutions: export.InstitutionsReferenced, Format: format}, w.Now())
	if err != nil {
		t.Fatal(err)
	}
	past, err := snapshot.OpenPast(st, snapshot.IDOf(w.Now()))
	if err != nil {
		t.Fatal(err)
	}
	m, err := export.Run(t.Context(), client{c}, out, &export.Options{Past: past, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err = errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	return m
}

// scanned calls visit with the cells of every row of a table by name.
func scanned(t *testing.T, st snapshot.Store, id snapshot.ID, table *schemas.Table, visit func(cell func(string) schemas.Value)) {
	t.Helper()
	r, err := snapshot.Open(st, id)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range table.Columns {
		all = append(all, c.Name)
	}
	err = r.Scan(t.Context(), table, all, func(vals []schemas.Value) error {
		visit(func(name string) schemas.Value { return vals[table.Index(name)] })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What LookBack tells of every account, member and institution is what each
// snapshot's own rows say: also over a night that nobody looked, one with gaps,
// one that is damaged and one in CSV.
func TestLookBack(t *testing.T) {
	// What packs pages is made once in a process: outside, or it would be the bubble's alone.
	calm := sim.Calm()
	first, err := snapshot.CreateDir(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	exported(t, sim.New(sim.Config{Users: 1, Weather: &calm, Start: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)}), first, snapshot.Parquet, func(string) bool { return false })
	synctest.Test(t, func(t *testing.T) {
		calm := sim.Calm()
		w := sim.New(sim.Config{Seed: 5, Users: 25, Weather: &calm, Transactions: 40, Unfit: 0.01, MaxPageSize: 1000, Start: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)})
		st, err := snapshot.CreateDir(t.TempDir(), false)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		var all []*snapshot.Manifest
		for night := range 7 {
			weather, format := sim.Calm(), snapshot.Parquet
			fails := func(string) bool { return false }
			switch night {
			case 2:
				w.Inject("Z1", 4)
				w.Inject("S2", 3)
				w.Advance(24 * time.Hour) // and nobody looks
			case 4:
				weather.FailingUsers = 3
			case 5:
				format = snapshot.CSV
			case 3: // of some members one list, of others only what does not matter here
				fails = func(path string) bool {
					i := strings.Index(path, "/MBR-")
					return i > 0 && (strings.HasSuffix(path, "/transactions") && path[i+5] < '1' || strings.HasSuffix(path, "/accounts") && path[i+5] == '2' ||
						strings.HasSuffix(path, "/account_owners") && path[i+5] > 'e')
				}
			}
			w.SetWeather(weather)
			all = append(all, exported(t, w, st, format, fails))
			w.Advance(24 * time.Hour)
		}
		const damaged = 1
		name := st.Path(all[damaged].Tables["transactions"].Files[0].Path)
		if err := os.Chmod(name, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("not any more"), 0o600); err != nil {
			t.Fatal(err)
		}
		last := all[len(all)-1].ID
		of := everything(t, st, last)
		p, err := reconcile.LookBack(t.Context(), st, last, of, reconcile.PastOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Nights) != len(all) {
			t.Fatalf("%d nights, want %d", len(p.Nights), len(all))
		}
		seen := map[reconcile.Sight]int{}
		for i, m := range all {
			n := p.Nights[i]
			if n.Snapshot != m.ID || n.Window != m.Plan.Window || n.Unread != (i == damaged) {
				t.Errorf("night %d is %+v", i, n)
			}
			checkNight(t, st, p, i, seen)
		}
		for _, s := range []reconcile.Sight{reconcile.Dark, reconcile.Outside, reconcile.Absent, reconcile.Pending, reconcile.Posted} {
			if seen[s] == 0 {
				t.Errorf("the world is too kind: nothing was %d", s)
			}
		}
		few, err := reconcile.LookBack(t.Context(), st, all[4].ID, of, reconcile.PastOptions{Nights: 2})
		if err != nil || len(few.Nights) != 2 || few.Nights[1].Snapshot != all[4].ID || few.Nights[0].Snapshot != all[3].ID {
			t.Errorf("two nights up to the fifth: %+v, %v", few.Nights, err)
		}
		if _, err := reconcile.LookBack(t.Context(), st, "20200101T000000Z", of, reconcile.PastOptions{}); !errors.Is(err, snapshot.ErrNoSnapshot) {
			t.Errorf("of a snapshot that is not there: %v", err)
		}
		if _, err := reconcile.LookBack(t.Context(), st, all[damaged].ID, of, reconcile.PastOptions{}); !errors.Is(err, snapshot.ErrDamaged) {
			t.Errorf("of a snapshot that is damaged: %v", err)
		}
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := reconcile.LookBack(stopped, st, last, of, reconcile.PastOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("when it is stopped: %v", err)
		}
	})
}

// everything is a finding about each account of a snapshot, but for a few users:
// rows of others must not come in.
func everything(t *testing.T, st snapshot.Store, id snapshot.ID) (of []reconcile.Finding) {
	users := map[string]bool{}
	scanned(t, st, id, schemas.Accounts, func(cell func(string) schemas.Value) {
		var f reconcile.Finding
		set(&f.User, cell("user_guid").String())
		set(&f.Member, cell("member_guid").String())
		set(&f.Account, cell("guid").String())
		if users[string(f.User)] = true; len(users)%4 != 0 {
			of = append(of, f)
		}
	})
	return of
}

// checkNight compares a night with the rows of its snapshot. What it sees of
// rows it counts.
func checkNight(t *testing.T, st snapshot.Store, p *reconcile.Past, i int, seen map[reconcile.Sight]int) {
	t.Helper()
	n := p.Nights[i]
	rows, balances, statuses, whole := map[string]string{}, map[string]string{}, map[string]string{}, map[string]bool{}
	resources := map[string]int{}
	stale, members := map[string]int{}, map[string]int{}
	if !n.Unread {
		scanned(t, st, n.Snapshot, schemas.Transactions, func(cell func(string) schemas.Value) {
			rows[cell("account_guid").String()+cell("guid").String()] = cell("status").String()
		})
		scanned(t, st, n.Snapshot, schemas.Accounts, func(cell func(string) schemas.Value) {
			balances[cell("guid").String()] = number(cell("balance"))
		})
		scanned(t, st, n.Snapshot, schemas.Members, func(cell func(string) schemas.Value) {
			statuses[cell("guid").String()] = cell("connection_status").String() + " " + number(cell("aggregated_at")) + " " + number(cell("successfully_aggregated_at"))
			whole[cell("guid").String()] = true
			if saa := cell("successfully_aggregated_at"); saa.Set {
				code := cell("institution_code").String()
				members[code]++
				if int64(n.ObservedAt)-saa.Int > 48*3600*1e6 {
					stale[code]++
				}
			}
		})
		scanned(t, st, n.Snapshot, schemas.Coverage, func(cell func(string) schemas.Value) {
			resources[cell("resource").String()+strconv.FormatInt(cell("complete").Int, 10)]++
			if cell("complete").Int == 0 && cell("resource").String() != string(schemas.AccountOwnersResource) {
				delete(whole, cell("member_guid").String())
			}
		})
	}
	if i == 3 && (resources["transactions0"] == 0 || resources["transactions1"] == 0 || resources["account_owners0"] == 0) {
		t.Errorf("the night is too kind: %v", resources)
	}
	for guid, m := range p.Members {
		w, status := m.Nights[i], ""
		if w.Listed {
			status = w.Status + " " + integer(w.AggregatedAt) + " " + integer(w.Succeeded)
		}
		if status != statuses[guid] || w.Listed && w.Complete != whole[guid] || w.Listed && !w.Complete && w.Reason == "" {
			t.Errorf("night %d, member %s: %+v, want %s, complete %v", i, guid, w, statuses[guid], whole[guid])
		}
	}
	for guid, a := range p.Accounts {
		w := a.Nights[i]
		balance, listed := balances[guid]
		if w.Listed != listed || listed && w.Looked != whole[a.Member] || integer(w.Balance) != balance {
			t.Errorf("night %d, account %s: %+v, want a balance of %q, looked at %v", i, guid, w, balance, whole[a.Member])
		}
		here := 0
		for _, row := range a.Rows {
			want := reconcile.Dark
			status, there := rows[guid+row.GUID]
			switch {
			case there && status == "PENDING":
				want = reconcile.Pending
			case there:
				want = reconcile.Posted
			case listed && whole[a.Member] && (row.Undated || !n.Window.Contains(row.Date)):
				want = reconcile.Outside
			case listed && whole[a.Member]:
				want = reconcile.Absent
			}
			if there {
				here++
			}
			if seen[want]++; row.Nights[i] != want {
				t.Errorf("night %d, %s of %s: %d, want %d", i, row.GUID, row.Date, row.Nights[i], want)
			}
		}
		for key := range rows {
			if key[:min(len(key), len(guid))] == guid {
				here--
			}
		}
		if here != 0 {
			t.Errorf("night %d, account %s: %d rows are not there", i, guid, -here)
		}
	}
	for code, in := range p.Institutions {
		if w := in.Nights[i]; w.Members != members[code] || w.Stale != stale[code] {
			t.Errorf("night %d, institution %s: %+v, want %d members, %d stale", i, code, w, members[code], stale[code])
		}
	}
}

func number(v schemas.Value) string {
	if !v.Set {
		return ""
	}
	return strconv.FormatInt(v.Int, 10)
}

func integer[T schemas.Money | schemas.Timestamp](n *T) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(int64(*n), 10)
}
