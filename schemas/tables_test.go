package schemas

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares got with ../testdata/golden/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("..", "testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (-want +got); if that is meant, run go test ./schemas -update:\n%s", path, d)
	}
}

func everything() []*Table { return slices.Concat(Tables(), ReportTables()) }

// The dictionary freezes names, types and field ids: they are what warehouses
// and old snapshots depend on.
func TestGoldenDictionary(t *testing.T) {
	golden(t, "schema/dictionary.json", DictionaryJSON(everything()))
	golden(t, "schema/dictionary.md", DictionaryMarkdown(everything()))
	golden(t, "schema/dictionary.txt", DictionaryText(everything()))
}

func TestGoldenDDL(t *testing.T) {
	for _, d := range Dialects() {
		ddl, ok := DDL(d, everything())
		if !ok {
			t.Fatalf("no DDL for %s", d)
		}
		golden(t, "schema/"+d+".sql", []byte(ddl))
	}
	if _, ok := DDL("oracle", Tables()); ok {
		t.Error("DDL for a dialect that is not supported")
	}
	if one, _ := DDL("duckdb", []*Table{Users}); strings.Contains(one, "VIEW") {
		t.Error("views of tables that were not asked for")
	}
	if reports, _ := DDL("duckdb", ReportTables()); strings.Contains(reports, "VIEW") || strings.Contains(reports, "snapshot_at") {
		t.Error("a report has no snapshot_at, and no views of snapshots")
	}
}

func TestDeclarations(t *testing.T) {
	for _, table := range everything() {
		seen := map[int32]string{}
		for _, c := range table.Columns {
			if c.Meaning == "" || !strings.HasSuffix(c.Meaning, ".") || c.Source == "" {
				t.Errorf("%s.%s: meaning %q, source %q", table.Name, c.Name, c.Meaning, c.Source)
			}
			if other, ok := seen[c.ID]; ok || c.ID < 1 || c.ID > maxFieldID {
				t.Errorf("%s: %s and %s have field id %d", table.Name, other, c.Name, c.ID)
			}
			seen[c.ID] = c.Name
		}
		// What is in no snapshot has no name there.
		if got, ok := TableNamed(table.Name); ok == table.Report || ok && got != table {
			t.Errorf("TableNamed(%s) = %v", table.Name, got)
		}
		arrow := table.Arrow()
		for i, f := range arrow.Fields() {
			if f.Name != table.Columns[i].Name || f.Nullable == table.Columns[i].Required {
				t.Errorf("%s: arrow field %v", table.Name, f)
			}
		}
	}
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"USR-fa7537f3-48aa-a683-a02a-b18940482f54": true, "test_atrium": true,
		"": false, ".": false, "..": false, "a/b": false, "a%2e": false, "a b": false, "é": false, "a\n": false,
		"a?b": false, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false,
	} {
		if ValidID(UserID(id)) != want {
			t.Errorf("ValidID(%q) = %v", id, !want)
		}
	}
	for code, want := range map[string]bool{"mxbank": true, "a b&c": true, "": false, "..": false, "a/b": false, "a?b": false, "a#b": false, "a\\b": false} {
		if ValidCode(InstitutionCode(code)) != want {
			t.Errorf("ValidCode(%q) = %v", code, !want)
		}
	}
}
