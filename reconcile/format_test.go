package reconcile

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table of codes into FORMAT.md")

var formatFile = filepath.Join("..", "snapshot", "FORMAT.md")

// The table of codes in FORMAT.md is the one that the program goes by.
func TestCodesInFormat(t *testing.T) {
	const begin, end = "-update -->\n", "<!-- end of codes -->"
	b, err := os.ReadFile(formatFile)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	table, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the codes", formatFile)
	}
	want := "\n| Code | Kind | Verdict | Issue type | Says |\n|---|---|---|---|---|\n"
	for _, r := range rules {
		want += fmt.Sprintf("| %s | %s | %s | %s | %s |\n", r.Code, cmp.Or(string(r.Kind), "–"), r.Verdict, r.Issue, r.Says)
	}
	want += "\n"
	if *update {
		if err := os.WriteFile(formatFile, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := gocmp.Diff(want, table); d != "" {
		t.Errorf("run with -update: %s", d)
	}
}

// Every column of findings.csv and every state is in FORMAT.md.
func TestColumnsInFormat(t *testing.T) {
	b, err := os.ReadFile(formatFile)
	if err != nil {
		t.Fatal(err)
	}
	_, reports, _ := strings.Cut(string(b), "## `_reports`")
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z_, ]+) \|`).FindAllStringSubmatch(reports, -1) {
		told = append(told, strings.Split(m[1], ", ")...)
	}
	for _, c := range findingColumns {
		if !slices.Contains(told, c) {
			t.Errorf("column %s is not explained", c)
		}
	}
	for _, s := range []State{Candidate, Open, Submitted, Escalated, Suppressed, Recovered, Explained, Expired} {
		if !slices.Contains(told, string(s)) {
			t.Errorf("state %s is not explained", s)
		}
	}
}
