package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"tallyport/atrium"
	"tallyport/export"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
	"tallyport/snapshot/storetest"
)

// asked notes which users requests are about.
type asked struct {
	http.RoundTripper
	mu    sync.Mutex
	users map[string]int
}

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	if parts := strings.Split(r.URL.Path, "/"); len(parts) > 2 && parts[1] == "users" {
		a.mu.Lock()
		a.users[parts[2]]++
		a.mu.Unlock()
	}
	return a.RoundTripper.RoundTrip(r)
}

// tables returns the published files of every table but coverage.
func tables(t *testing.T, st *snapshot.Dir) map[string]string {
	t.Helper()
	out := map[string]string{}
	root := os.DirFS(st.Path("."))
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(p, "/snapshot=") || strings.HasPrefix(p, "coverage/") {
			return err
		}
		b, err := fs.ReadFile(root, p)
		out[p] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A run that is killed at any operation on its files, and started again, gives
// the bytes of one that was not, and asks again at most for the users that
// were in flight.
func TestKillAnywhere(t *testing.T) {
	const inFlight = 4
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 5, Users: 14, Transactions: 15, Weather: &calm})
	id, plan := worldPlan(w, schemas.MemberScope, snapshot.Parquet)
	run := func(st snapshot.Store) (map[string]int, error) {
		seen := &asked{RoundTripper: w.Transport(), users: map[string]int{}}
		keys := atrium.Credentials{APIKey: atrium.NewSecret(sim.DefaultAPIKey), ClientID: atrium.NewSecret(sim.DefaultClientID)}
		c, err := atrium.New(atrium.Atrium(simURL), keys, &atrium.Options{Transport: seen})
		if err != nil {
			return nil, err
		}
		ctx := context.Background()
		out, err := snapshot.Begin(ctx, st, id, plan, w.Now())
		if err != nil {
			return nil, err
		}
		_, err = export.Run(ctx, client{c}, out, &export.Options{Concurrency: inFlight})
		return seen.users, errors.Join(err, out.Close())
	}
	ref := testStore(t)
	count := &storetest.Crasher{Store: ref}
	if _, err := run(count); err != nil {
		t.Fatal(err)
	}
	want := tables(t, ref)
	t.Logf("%d operations", count.Ops())
	for n := 1; n <= count.Ops(); n++ {
		st := testStore(t)
		dying := &storetest.Crasher{Store: st, At: n, LosePower: n%2 == 0}
		before, err := run(dying)
		if err == nil {
			break // this run needed fewer operations
		}
		if !errors.Is(err, storetest.ErrCrashed) {
			t.Fatalf("operation %d: %v", n, err)
		}
		after, err := run(st)
		if errors.Is(err, snapshot.ErrPublished) {
			err = nil
		}
		if err != nil {
			t.Fatalf("after dying at operation %d: %v", n, err)
		}
		again := 0
		for u := range after {
			if before[u] > 0 {
				again++
			}
		}
		if !dying.LosePower && again > inFlight {
			t.Errorf("after dying at operation %d: %d users were asked for again, %d were in flight", n, again, inFlight)
		}
		for name, b := range tables(t, st) {
			if want[name] != b {
				t.Fatalf("after dying at operation %d: %s differs", n, name)
			}
		}
		st.Close()
	}
}

// The bytes of a snapshot do not depend on how many requests were in flight.
func TestConcurrencyDoesNotShow(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 6, Users: 30, Transactions: 30, Weather: &calm})
	id, plan := worldPlan(w, schemas.MemberScope, snapshot.Parquet)
	var want map[string]string
	for _, n := range []int{1, 2, 16, 64} {
		for _, size := range []int{25, 100, 1000} {
			st := testStore(t)
			out, err := snapshot.Begin(context.Background(), st, id, plan, w.Now())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := export.Run(context.Background(), newClient(t, w, size), out, &export.Options{Concurrency: n}); err != nil {
				t.Fatal(err)
			}
			got := tables(t, st)
			if want == nil {
				want = got
			}
			for name, b := range got {
				if want[name] != b {
					t.Fatalf("%d in flight, pages of %d: %s differs", n, size, name)
				}
			}
			if len(got) != len(want) || len(got) != 6 {
				t.Fatalf("%d files, want %d", len(got), len(want))
			}
		}
	}
}
