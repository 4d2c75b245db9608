package snapshot_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"tallyport/snapshot"
)

// Every flipped bit, cut, missing or added file of a published snapshot is found.
func TestVerifyFindsDamage(t *testing.T) {
	seed := newSeed(t)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for _, f := range []snapshot.Format{snapshot.Parquet, snapshot.CSV} {
		tw := newWorld(seed)
		tw.plan.Format = f
		st := openDir(t)
		if err := tw.export(st, nil); err != nil {
			t.Fatal(err)
		}
		verify := func() []snapshot.Problem {
			p, err := snapshot.Verify(context.Background(), st, tw.id)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if p := verify(); p != nil {
			t.Fatalf("an intact snapshot: %v", p)
		}
		all := files(t, st)
		var names []string
		for name := range all {
			if strings.Contains(name, "snapshot=") || strings.HasPrefix(name, "_manifests/") {
				names = append(names, name)
			}
		}
		for range 300 {
			name := names[rnd.IntN(len(names))]
			content := []byte(all[name])
			what := "flipped bit"
			damaged := append([]byte{}, content...)
			if rnd.IntN(4) == 0 {
				what = "cut"
				damaged = damaged[:rnd.IntN(len(damaged))]
			} else {
				damaged[rnd.IntN(len(damaged))] ^= 1 << rnd.IntN(8)
			}
			overwrite(t, st, name, damaged)
			if p := verify(); len(p) == 0 {
				t.Fatalf("%s: a %s was not found", name, what)
			} else if strings.Contains(name, "snapshot=") && p[0].File != name {
				t.Fatalf("%s: a %s was reported of %s", name, what, p[0].File)
			}
			overwrite(t, st, name, content)
		}
		if err := st.Remove(names[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := snapshot.Verify(context.Background(), st, tw.id); strings.HasPrefix(names[0], "_manifests") {
			if !errors.Is(err, snapshot.ErrNoSnapshot) {
				t.Errorf("without its manifest: %v", err)
			}
		} else if p := verify(); len(p) != 1 {
			t.Errorf("a missing part: %v", p)
		}
		overwrite(t, st, names[0], []byte(all[names[0]]))
		overwrite(t, st, "users/snapshot="+string(tw.id)+"/part-9999."+string(f), []byte("x"))
		if p := verify(); len(p) != 1 || !strings.Contains(p[0].What, "glob") {
			t.Errorf("a part too many: %v", p)
		}
	}
}

func overwrite(t *testing.T, st *snapshot.Dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(st.Path(name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A part that changes between being written and being published is refused,
// and written again from the journal by a run that finds it.
func TestChangedPartIsNotPublished(t *testing.T) {
	tw := newWorld(5)
	tw.shrink = func(w *snapshot.Writer) { w.Shrink(2, 1<<20) }
	st := openDir(t)
	w, err := tw.begin(st, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tw.commitRest(w, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	parts := 0
	for name, b := range files(t, st) {
		if strings.Contains(name, "/parts/transactions/") {
			parts++
			bad := []byte(b)
			bad[len(bad)/2] ^= 4
			overwrite(t, st, name, bad)
		}
	}
	if parts == 0 {
		t.Fatal("no shard was finished before publishing")
	}
	if err := tw.export(st, nil); err != nil {
		t.Fatal(err)
	}
	if p, err := snapshot.Verify(context.Background(), st, tw.id); err != nil || p != nil {
		t.Errorf("%v %v", p, err)
	}
}

func TestNewerVersionsAreRefused(t *testing.T) {
	tw := newWorld(1)
	st := openDir(t)
	if err := tw.export(st, nil); err != nil {
		t.Fatal(err)
	}
	manifest := "_manifests/" + string(tw.id) + ".json"
	b := files(t, st)[manifest]
	overwrite(t, st, manifest, []byte(strings.Replace(b, `"version": 1`, `"version": 2`, 1)))
	if _, err := snapshot.ReadManifest(st, tw.id); !errors.Is(err, snapshot.ErrNewer) {
		t.Errorf("manifest of version 2: %v", err)
	}
	overwrite(t, st, manifest, []byte(b))
	overwrite(t, st, "_store.json", []byte(`{"version":2}`))
	next := tw
	next.id = "20261121T020000Z"
	if err := next.export(st, nil); !errors.Is(err, snapshot.ErrNewer) {
		t.Errorf("store of version 2: %v", err)
	}
}

func TestLatest(t *testing.T) {
	tw := newWorld(1)
	st := openDir(t)
	if err := tw.export(st, nil); err != nil {
		t.Fatal(err)
	}
	partial := tw
	partial.id, partial.gapOf = "20261121T020000Z", 0
	if err := partial.export(st, nil); err != nil {
		t.Fatal(err)
	}
	var l snapshot.Latest
	if err := json.Unmarshal([]byte(files(t, st)["_latest.json"]), &l); err != nil {
		t.Fatal(err)
	}
	if l.Newest.ID != partial.id || l.Complete == nil || l.Complete.ID != tw.id {
		t.Errorf("latest: %+v", l)
	}
	for _, p := range l.Newest.Files["transactions"] {
		if _, err := os.Stat(st.Path(p)); err != nil {
			t.Error(err)
		}
	}
	m, err := snapshot.ReadManifest(st, partial.id)
	if err != nil {
		t.Fatal(err)
	}
	if m.Status != snapshot.StatusPartial || len(m.Gaps) != 1 || m.Members.Incomplete != 1 {
		t.Errorf("manifest of a partial snapshot: %+v", m)
	}
}

// Nothing a store holds is open to others, unless it was asked for.
func TestPermissions(t *testing.T) {
	for _, group := range []bool{false, true} {
		dir := t.TempDir() + "/new/store"
		st, err := snapshot.CreateDir(dir, group)
		if err != nil {
			t.Fatal(err)
		}
		unlock, err := snapshot.LockExport(st)
		if err != nil {
			t.Fatal(err)
		}
		if err := newWorld(1).export(st, nil); err != nil {
			t.Fatal(err)
		}
		if err := unlock(); err != nil {
			t.Fatal(err)
		}
		file, folder := fs.FileMode(0o600), fs.FileMode(0o700)
		if group {
			file, folder = 0o640, 0o750
		}
		err = fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			want := file
			if d.IsDir() {
				want = folder
			}
			if info.Mode().Perm() != want {
				t.Errorf("%s is %v, want %v", p, info.Mode().Perm(), want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.OpenDir(open, false); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a directory that everybody may write: %v", err)
	}
}

// A symbolic link planted in the store leads nobody out of it.
func TestPlantedLinks(t *testing.T) {
	outside := t.TempDir()
	for _, link := range []string{"transactions", "_manifests", "_staging", "_store.json"} {
		st := openDir(t)
		if err := os.Symlink(outside, st.Path(link)); err != nil {
			t.Fatal(err)
		}
		if err := newWorld(1).export(st, nil); err == nil {
			t.Errorf("%s: a planted link was followed", link)
		}
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 0 {
		t.Errorf("%d files were written outside", len(entries))
	}
}
