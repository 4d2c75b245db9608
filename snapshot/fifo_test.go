//go:build unix

package snapshot_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"tallyport/snapshot"
)

// A pipe in the place of a file is refused, not waited for.
func TestPipeIsNotOpened(t *testing.T) {
	dir := t.TempDir()
	st, err := snapshot.CreateDir(filepath.Join(dir, "store"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := syscall.Mkfifo(st.Path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := st.Open("pipe"); err == nil {
		_ = f.Close()
		t.Error("a pipe was opened")
	}
}
