package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// rooms says which of our packages each may import. Test files may also import
// sim, from anywhere. What is not listed here is not allowed.
var rooms = map[string][]string{
	".":                   {"internal/cli"},
	"schemas":             {},
	"atrium":              {"schemas"},
	"snapshot":            {"schemas"},
	"snapshot/storetest":  {"snapshot"},
	"export":              {"schemas", "snapshot"},
	"reconcile":           {"schemas", "snapshot"},
	"reconcile/report":    {"schemas", "snapshot", "reconcile"},
	"sim":                 {},
	"internal/serve":      {"schemas", "snapshot", "reconcile", "reconcile/report"},
	"internal/cli":        {"schemas", "atrium", "snapshot", "export", "reconcile", "reconcile/report", "internal/serve", "sim"},
	"internal/bench":      {"schemas", "sim"}, // it measures the program that is built, from outside
	"internal/bench/peer": {},
	"internal/evaluate":   {"schemas", "atrium", "snapshot", "export", "reconcile", "sim"}, // it compares what reconcile says with the truth
}

// testRooms is what test files may import besides.
var testRooms = map[string][]string{
	".":         {"schemas", "atrium", "snapshot", "snapshot/storetest", "export", "reconcile", "sim", "internal/cli"},
	"atrium":    {"sim"},
	"snapshot":  {"snapshot/storetest"},
	"export":    {"atrium", "sim", "snapshot/storetest"},
	"reconcile": {"snapshot/storetest"},

	"reconcile/report": {"atrium", "export", "sim"},
	"internal/serve":   {"atrium", "export", "sim"},
}

const module = "tallyport/"

func TestRooms(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		room := filepath.ToSlash(filepath.Dir(path))
		seen[room] = true
		allowed, ok := rooms[room]
		if !ok {
			t.Errorf("%s: there is no room %s; see architecture", path, room)
			return nil
		}
		if strings.HasSuffix(path, "_test.go") {
			allowed = append(append(append([]string{}, allowed...), testRooms[room]...), room)
		}
		for _, imported := range importsOf(t, path) {
			if !contains(allowed, imported) {
				t.Errorf("%s imports %s, which %s must not", path, imported, room)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) < 6 {
		t.Errorf("only %d rooms were looked at", len(seen))
	}
}

// importsOf returns the packages of this module that the file imports.
func importsOf(t *testing.T, path string) []string {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, i := range f.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if room, ok := strings.CutPrefix(name, module); ok {
			ours = append(ours, room)
		}
	}
	return ours
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
