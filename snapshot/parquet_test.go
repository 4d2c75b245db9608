package snapshot_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"

	"tallyport/schemas"
)

// The page index is there for key columns and no others.
func TestPageIndex(t *testing.T) {
	tw := newWorld(1)
	st := openDir(t)
	if err := tw.export(st, nil); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, content := range files(t, st) {
		if !strings.HasSuffix(name, ".parquet") {
			continue
		}
		seen++
		dir, _, _ := strings.Cut(name, "/")
		table, ok := schemas.TableNamed(dir)
		if !ok {
			t.Fatalf("no table %s", dir)
		}
		key := table.KeyNames()
		r, err := file.NewParquetReader(strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		for g := range r.NumRowGroups() {
			for i := range r.MetaData().Schema.NumColumns() {
				c, err := r.MetaData().RowGroup(g).ColumnChunk(i)
				if err != nil {
					t.Fatal(err)
				}
				column := c.PathInSchema().String()
				want := slices.Contains(key, column)
				if got := c.GetColumnIndexLocation() != nil && c.GetOffsetIndexLocation() != nil; got != want {
					t.Errorf("%s: page index of %s: %v", name, column, got)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no Parquet file")
	}
}
