package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A report is replaced as a whole; what a run that died left beside it goes,
// and what is no report stays.
func TestWriteReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reports", "20261120T020000Z")
	names := func(of string) (all []string) {
		entries, err := os.ReadDir(of)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return all
	}
	write := func(files ...string) {
		t.Helper()
		m := map[string][]byte{}
		for _, f := range files {
			m[f] = []byte(f)
		}
		if err := writeReport(dir, m); err != nil {
			t.Fatal(err)
		}
	}
	write("summary.json", "findings.csv", "changes.csv", "tickets/T-1.md")
	for _, what := range []string{"new", "old"} {
		if err := os.MkdirAll(filepath.Join(aside(dir, what), "half"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("summary.json", "findings.csv")
	if got := names(dir); !slices.Equal(got, []string{"findings.csv", "summary.json"}) {
		t.Errorf("the report holds %v", got)
	}
	if got := names(filepath.Dir(dir)); len(got) != 1 {
		t.Errorf("beside the report there is %v", got)
	}
	mine := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := writeReport(dir, map[string][]byte{"summary.json": nil})
	if bad := (usage{}); !errors.As(err, &bad) {
		t.Errorf("a directory with a file of somebody's: %v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}
