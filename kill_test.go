package main

import (
	"context"
	"errors"
	"fmt"
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

// killable is an export that is killed, over and over.
type killable struct {
	*sim.World
	format snapshot.Format
	users  []schemas.UserID // nil: all
}

const killInFlight = 4

// run exports into st and returns how often it asked about each user.
func (k killable) run(st snapshot.Store) (map[string]int, error) {
	seen := &asked{RoundTripper: k.Transport(), users: map[string]int{}}
	keys := atrium.Credentials{APIKey: atrium.NewSecret(sim.DefaultAPIKey), ClientID: atrium.NewSecret(sim.DefaultClientID)}
	c, err := atrium.New(atrium.Atrium(simURL), keys, &atrium.Options{Transport: seen})
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	id, plan := worldPlan(k.World, schemas.MemberScope, k.format)
	out, err := snapshot.Begin(ctx, st, id, plan, k.Now())
	if err != nil {
		return nil, err
	}
	_, err = export.Run(ctx, client{c}, out, &export.Options{Concurrency: killInFlight, Users: k.users})
	return seen.users, errors.Join(err, out.Close())
}

// reference returns what an export leaves that nobody kills, and how many
// operations it took. It must have parts files in each table.
func (k killable) reference(t *testing.T, parts int) (want map[string]string, ops int) {
	t.Helper()
	st := testStore(t)
	count := &storetest.Crasher{Store: st}
	if _, err := k.run(count); err != nil {
		t.Fatal(err)
	}
	want = tables(t, st)
	if n := 5*parts + 1; len(want) != n { // institutions have one part
		t.Fatalf("%d files are published, want %d", len(want), n)
	}
	return want, count.Ops()
}

// kill lets a run die at operation n, starts it again, and compares what it
// leaves. It reports whether the run came as far as operation n.
func (k killable) kill(t *testing.T, n int, losePower bool, want map[string]string) bool {
	t.Helper()
	st := testStore(t)
	defer st.Close()
	dying := &storetest.Crasher{Store: st, At: n, LosePower: losePower}
	before, err := k.run(dying)
	died := dying.Ops() >= n
	switch {
	case died && !errors.Is(err, storetest.ErrCrashed), !died && err != nil:
		t.Fatalf("operation %d of %d: %v", n, dying.Ops(), err)
	case died:
		after, err := k.run(&storetest.Crasher{Store: st}) // it syncs nothing, which takes long
		if err != nil && !errors.Is(err, snapshot.ErrPublished) {
			t.Fatalf("after dying at operation %d: %v", n, err)
		}
		again := 0
		for u := range after {
			if before[u] > 0 {
				again++
			}
		}
		if !losePower && again > killInFlight {
			t.Errorf("after dying at operation %d: %d users were asked for again, %d were in flight", n, again, killInFlight)
		}
	}
	got := tables(t, st)
	for name, b := range want {
		if have, ok := got[name]; !ok || have != b {
			t.Fatalf("after dying at operation %d: %s differs or is missing (there: %v)", n, name, ok)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("after dying at operation %d: %d files are published, want %d", n, len(got), len(want))
	}
	return died
}

// A run that is killed at any operation on its files, and started again, gives
// the bytes of one that was not, and asks again at most for the users that
// were in flight.
func TestKillAnywhere(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 5, Users: 14, Transactions: 15, Weather: &calm})
	t.Run("parquet", func(t *testing.T) {
		k := killable{World: w, format: snapshot.Parquet}
		want, ops := k.reference(t, 1)
		t.Logf("%d operations", ops)
		// Which users are in flight together decides how many operations a run
		// needs, so one that got away says little of the next.
		for n, away := 1, 0; n <= ops || away < 3; n++ {
			if k.kill(t, n, n%2 == 0, want) {
				away = 0
			} else {
				away++
			}
		}
	})
	t.Run("csv", func(t *testing.T) {
		k := killable{World: w, format: snapshot.CSV}
		want, ops := k.reference(t, 1)
		for n := 2; n <= ops; n += 5 {
			k.kill(t, n, n%2 == 0, want)
		}
	})
	// A second shard takes more users than the world has. The others are not
	// there, which is soon found out.
	t.Run("shards", func(t *testing.T) {
		k := killable{World: w, format: snapshot.CSV}
		for u := range w.Truth().Users() {
			k.users = append(k.users, schemas.UserID(u.Text("guid")))
		}
		for i := range 4096 {
			k.users = append(k.users, schemas.UserID(fmt.Sprintf("USR-nobody-%d", i)))
		}
		want, ops := k.reference(t, 2)
		t.Logf("%d operations", ops)
		k.kill(t, ops/2, false, want)
		for n := ops - 110; n <= ops; n += 5 { // the parts are written and published
			k.kill(t, n, n%2 == 0, want)
		}
	})
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
