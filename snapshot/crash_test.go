package snapshot_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyport/schemas"
	"tallyport/snapshot"
	"tallyport/snapshot/storetest"
)

// published is the files that readers may see.
func published(all map[string]string) map[string]string {
	out := map[string]string{}
	for name, b := range all {
		if !strings.HasPrefix(name, "_staging/") && !strings.HasPrefix(name, "_store.json") {
			out[name] = b
		}
	}
	return out
}

// A run that dies at any operation, and is started again, ends with the bytes
// of one that did not die; and in between nobody sees half a snapshot.
func TestCrashAtEveryOperation(t *testing.T) {
	tw := newWorld(7)
	tw.users, tw.rows = 6, 3
	ref := openDir(t)
	count := &storetest.Crasher{Store: ref}
	if err := tw.export(count, nil); err != nil {
		t.Fatal(err)
	}
	want := published(files(t, ref))
	for _, table := range schemas.Tables() {
		parts := 2 // six users make two shards
		if table == schemas.Institutions {
			parts = 1 // they belong to no user
		}
		if n := len(under(want, table.Name+"/")); n != parts {
			t.Fatalf("%s has %d parts, want %d", table.Name, n, parts)
		}
	}
	t.Logf("%d operations", count.Ops())
	for _, power := range []bool{false, true} {
		for n := 1; n <= count.Ops(); n++ {
			st := openDir(t)
			dying := &storetest.Crasher{Store: st, At: n, LosePower: power}
			if err := tw.export(dying, nil); !errors.Is(err, storetest.ErrCrashed) {
				t.Fatalf("operation %d (power %v): %v", n, power, err)
			}
			checkVisible(t, st, n, want)
			err := tw.export(&storetest.Crasher{Store: st}, nil) // it syncs nothing, which takes long
			if errors.Is(err, snapshot.ErrPublished) {
				err = nil // it died after the manifest
			}
			if err != nil {
				t.Fatalf("after dying at operation %d (power %v): %v", n, power, err)
			}
			// The number of requests is that of two runs; nothing else may differ.
			if d := cmp.Diff(want, published(files(t, st))); d != "" && !onlyRequests(d) {
				t.Fatalf("after dying at operation %d (power %v): %s", n, power, d)
			}
			st.Close()
		}
	}
}

// onlyRequests reports whether a diff is about the request count, and so the
// checksum, of the manifest.
func onlyRequests(d string) bool {
	for _, line := range strings.Split(d, "\n") {
		if len(line) > 0 && (line[0] == '+' || line[0] == '-') && !strings.Contains(line, "total") && !strings.Contains(line, "checksum") {
			return false
		}
	}
	return true
}

// checkVisible fails if a reader that starts from a manifest or one that globs
// partitions could see less than the whole snapshot, whose files are want.
func checkVisible(t *testing.T, st snapshot.Store, n int, want map[string]string) {
	t.Helper()
	ids, err := snapshot.List(st)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if p, err := snapshot.Verify(context.Background(), st, id); err != nil || p != nil {
			t.Fatalf("operation %d: %s is visible and not whole: %v %v", n, id, p, err)
		}
	}
	got := published(files(t, st))
	for _, table := range schemas.Tables() {
		have, whole := under(got, table.Name+"/"), under(want, table.Name+"/")
		if d := cmp.Diff(whole, have); len(have) > 0 && d != "" {
			t.Fatalf("operation %d: the partition of %s is visible and not whole: %s", n, table.Name, d)
		}
	}
}

// under is the files of one directory.
func under(all map[string]string, dir string) map[string]string {
	out := map[string]string{}
	for name, b := range all {
		if strings.HasPrefix(name, dir) {
			out[name] = b
		}
	}
	return out
}

// After a crash nobody who was committed is asked for again.
func TestResumeKeepsCommits(t *testing.T) {
	tw := newWorld(3)
	st := openDir(t)
	w, err := tw.begin(st, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := tw.userIDs()
	for _, u := range ids[:5] {
		if err := tw.commitUser(w, u, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil { // the process ends here
		t.Fatal(err)
	}
	checkUnfinished(t, st, 5, int64(tw.users))
	w, err = tw.begin(st, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !w.HasRoster() || w.Users() != int64(tw.users) {
		t.Errorf("roster %v, %d users", w.HasRoster(), w.Users())
	}
	walked, err := tw.commitRest(w, nil)
	if err != nil {
		t.Fatal(err)
	}
	if walked != tw.users-5 {
		t.Errorf("%d users were walked again, want %d", walked, tw.users-5)
	}
	if _, err := w.Publish(context.Background(), "test", schemas.Requests{}); err != nil {
		t.Fatal(err)
	}
}

// checkUnfinished fails unless the store has one unfinished run, with so many
// finished users, and looking at it changes nothing.
func checkUnfinished(t *testing.T, st *snapshot.Dir, done, users int64) {
	t.Helper()
	before := files(t, st)
	runs, err := snapshot.ListUnfinished(st)
	if err != nil || len(runs) != 1 || runs[0].Done != done || runs[0].Users != users {
		t.Errorf("unfinished %+v, %v; want %d of %d users done", runs, err, done, users)
	}
	if d := cmp.Diff(before, files(t, st)); d != "" {
		t.Error(d)
	}
}

// Withdraw makes the next run ask again for the users with gaps, and only for them.
func TestWithdraw(t *testing.T) {
	for _, rosterGap := range []bool{false, true} {
		tw := newWorld(3)
		ref := openDir(t)
		if err := tw.export(ref, nil); err != nil {
			t.Fatal(err)
		}
		tw.gapOf = 4
		st := openDir(t)
		w, err := tw.begin(st, nil)
		if err != nil {
			t.Fatal(err)
		}
		if rosterGap {
			r, err := w.NewRoster()
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range tw.userIDs() {
				if err := r.Add(tw.rowsOf(schemas.Users, u, nil)); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Save(&schemas.Walk{List: schemas.List{Resource: schemas.UsersResource}, Reason: schemas.Torn}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := tw.commitRest(w, nil); err != nil {
			t.Fatal(err)
		}
		totals, err := w.Totals()
		if err != nil {
			t.Fatal(err)
		}
		wantGaps := int64(1)
		if rosterGap {
			wantGaps++
		}
		if totals.Gaps != wantGaps || totals.GapMembers != 1 || totals.Members.Incomplete != 1 || totals.Seen != int64(tw.users*tw.members) {
			t.Errorf("totals %+v", totals)
		}
		if err := errors.Join(w.Withdraw(), w.Close()); err != nil {
			t.Fatal(err)
		}
		checkUnfinished(t, st, int64(tw.users-1), int64(tw.users))
		tw.gapOf = -1
		w, err = tw.begin(st, nil)
		if err != nil {
			t.Fatal(err)
		}
		if walked, err := tw.commitRest(w, nil); err != nil || walked != 1 {
			t.Errorf("%d users were walked again, want 1 (%v)", walked, err)
		}
		m, err := w.Publish(context.Background(), "test", schemas.Requests{})
		if err != nil {
			t.Fatal(err)
		}
		if m.Status != snapshot.StatusComplete || len(m.Gaps) != 0 {
			t.Errorf("status %s, gaps %v", m.Status, m.Gaps)
		}
		want, got := files(t, ref), files(t, st)
		for name := range want {
			if strings.HasSuffix(name, ".parquet") && want[name] != got[name] {
				t.Errorf("%s differs", name)
			}
		}
	}
}

func TestPlanMustMatch(t *testing.T) {
	tw := newWorld(3)
	st := openDir(t)
	w, err := tw.begin(st, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	other := tw
	other.plan.Format = snapshot.CSV
	other.plan.Window.To++
	var plan *snapshot.PlanError
	if _, err := other.begin(st, nil); !errors.As(err, &plan) || len(plan.Differences) != 2 {
		t.Errorf("resume with another plan: %v", err)
	}
	for name, change := range map[string]func(*snapshot.Plan){
		"source": func(p *snapshot.Plan) { p.Source = "nexus" },
		"host":   func(p *snapshot.Plan) { p.Host = "vestibule.mx.com" },
		"client": func(p *snapshot.Plan) { p.Client = "x" },
	} {
		other := tw
		change(&other.plan)
		if _, err := other.begin(st, nil); !errors.Is(err, snapshot.ErrBound) || !strings.Contains(err.Error(), name) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, err := tw.begin(st, nil); err != nil {
		t.Errorf("the same plan: %v", err)
	}
}

// A run that never learned which users there are holds nothing: it is listed
// nowhere, and the next run of whatever plan and id takes its place.
func TestRosterlessIsDiscarded(t *testing.T) {
	st := openDir(t)
	first, second := newWorld(3).plan, newWorld(3).plan
	first.Host, first.Format = "wrong.example.com", snapshot.CSV
	const a, b = snapshot.ID("20261120T020000Z"), snapshot.ID("20261121T020000Z")
	for _, step := range []struct {
		id   snapshot.ID
		plan snapshot.Plan
	}{{a, first}, {a, second}, {b, first}} {
		w, err := snapshot.Begin(context.Background(), st, step.id, step.plan, testTime)
		if err != nil {
			t.Fatalf("%s: %v", step.id, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if runs, err := snapshot.ListUnfinished(st); err != nil || runs != nil {
			t.Errorf("unfinished: %v %v", runs, err)
		}
		entries, err := st.List("_staging")
		if err != nil || len(entries) != 1 || entries[0].Name() != string(step.id) {
			t.Errorf("staging of %s: %v %v", step.id, entries, err)
		}
	}
}

// Users who are not there are asked for again too, of whatever shard.
func TestWithdrawUnknown(t *testing.T) {
	for _, u := range newWorld(3).userIDs() {
		tw := newWorld(3)
		tw.unknown = u
		st := openDir(t)
		w, err := tw.begin(st, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tw.commitRest(w, nil); err != nil {
			t.Fatal(err)
		}
		if totals, err := w.Totals(); err != nil || totals.Unknown != 1 || totals.Gaps != 0 {
			t.Errorf("totals %+v %v", totals, err)
		}
		if err := errors.Join(w.Withdraw(), w.Close()); err != nil {
			t.Fatal(err)
		}
		if w, err = tw.begin(st, nil); err != nil {
			t.Fatal(err)
		}
		if walked, err := tw.commitRest(w, nil); err != nil || walked != 1 {
			t.Errorf("%s: %d users were walked again, want 1 (%v)", u, walked, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
