// Package storetest is the one conformance suite of every snapshot.Store, and
// a Store that dies at a chosen operation.
package storetest

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"

	"tallyport/snapshot"
)

// Run checks that the stores open makes, each empty, keep the promises of
// snapshot.Store.
func Run(t *testing.T, open func(t *testing.T) snapshot.Store) {
	for name, f := range map[string]func(*testing.T, snapshot.Store){
		"create":  testCreate,
		"append":  testAppend,
		"rename":  testRename,
		"remove":  testRemove,
		"list":    testList,
		"escape":  testEscape,
		"lock":    testLock,
		"missing": testMissing,
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

func write(t *testing.T, st snapshot.Store, name, text string) {
	t.Helper()
	out, err := st.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = out.Write([]byte(text))
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, st snapshot.Store, name string) string {
	t.Helper()
	f, err := st.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != f.Size() {
		t.Errorf("%s: size %d, content %d bytes", name, f.Size(), len(b))
	}
	return string(b)
}

func names(t *testing.T, st snapshot.Store, dir string) []string {
	t.Helper()
	entries, err := st.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func testCreate(t *testing.T, st snapshot.Store) {
	write(t, st, "a/b/c", "one")
	if got := read(t, st, "a/b/c"); got != "one" {
		t.Errorf("read %q", got)
	}
	if _, err := st.Create("a/b/c"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second Create: %v", err)
	}
	if err := st.SyncDir("a/b"); err != nil {
		t.Error(err)
	}
}

func testAppend(t *testing.T, st snapshot.Store) {
	write(t, st, "log", "abcdef")
	f, err := st.Open("log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, err := st.Append("log", 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write([]byte("XY")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "abcXY" {
		t.Errorf("a file opened before sees %q, %v", b, err)
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		t.Error(err)
	}
	if _, err := st.Append("none", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Append to nothing: %v", err)
	}
}

func testRename(t *testing.T, st snapshot.Store) {
	write(t, st, "new", "2")
	write(t, st, "old", "1")
	if err := st.Rename("new", "old"); err != nil || read(t, st, "old") != "2" {
		t.Errorf("rename over a file: %v", err)
	}
	write(t, st, "dir/a/x", "x")
	if err := st.Rename("dir/a", "place/b"); err != nil || read(t, st, "place/b/x") != "x" {
		t.Errorf("rename of a directory: %v", err)
	}
	write(t, st, "dir/c/y", "y")
	if err := st.Rename("dir/c", "place/b"); err == nil {
		t.Error("a directory was moved over one that holds files")
	}
	if got := names(t, st, "dir"); !slices.Equal(got, []string{"c"}) {
		t.Errorf("dir holds %v", got)
	}
}

func testRemove(t *testing.T, st snapshot.Store) {
	write(t, st, "d/a/x", "x")
	write(t, st, "d/b", "b")
	for _, name := range []string{"d/a", "d/none", "none/at/all"} {
		if err := st.Remove(name); err != nil {
			t.Errorf("Remove(%s): %v", name, err)
		}
	}
	if got := names(t, st, "d"); !slices.Equal(got, []string{"b"}) {
		t.Errorf("d holds %v", got)
	}
}

func testList(t *testing.T, st snapshot.Store) {
	for _, n := range []string{"d/b", "d/a", "d/c/x"} {
		write(t, st, n, n)
	}
	if got := names(t, st, "d"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("d holds %v", got)
	}
	if got := names(t, st, "none"); got != nil {
		t.Errorf("a directory that is not there holds %v", got)
	}
}

func testEscape(t *testing.T, st snapshot.Store) {
	for _, name := range []string{"../x", "a/../../x", "/etc/passwd", ""} {
		if out, err := st.Create(name); err == nil {
			t.Errorf("Create(%q) succeeded", name)
			out.Close()
		}
		if f, err := st.Open(name); err == nil {
			t.Errorf("Open(%q) succeeded", name)
			f.Close()
		}
	}
}

func testLock(t *testing.T, st snapshot.Store) {
	unlock, err := st.Lock("_lock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Lock("_lock"); !errors.Is(err, snapshot.ErrLocked) {
		t.Errorf("second lock: %v", err)
	}
	if _, err := st.Lock("_other"); err != nil {
		t.Errorf("another lock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Lock("_lock"); err != nil {
		t.Errorf("lock after unlock: %v", err)
	}
}

func testMissing(t *testing.T, st snapshot.Store) {
	if _, err := st.Open("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing: %v", err)
	}
	write(t, st, "d/x", "x")
	if f, err := st.Open("d"); err == nil {
		t.Error("Open of a directory succeeded")
		f.Close()
	}
	if err := st.Rename("none", "d/y"); err == nil {
		t.Error("Rename of nothing succeeded")
	}
	if st.String() == "" {
		t.Error("no name")
	}
}
