package snapshot_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyport/schemas"
	"tallyport/snapshot"
)

var update = flag.Bool("update", false, "write what is missing of testdata/snapshots (what is there is never rewritten)")

// Snapshots that earlier versions wrote still open, verify, and say the same.
// The files of a version are made once and never again.
func TestFrozenSamples(t *testing.T) {
	for _, format := range []snapshot.Format{snapshot.Parquet, snapshot.CSV} {
		dir := filepath.Join("..", "testdata", "snapshots", "v1", string(format))
		tw := newWorld(42)
		tw.plan.Format, tw.users, tw.rows, tw.gapOf = format, 5, 4, 2
		tw.shrink = func(w *snapshot.Writer) { w.Shrink(3, 1<<20) }
		if _, err := os.Stat(dir); os.IsNotExist(err) && *update {
			st, err := snapshot.CreateDir(dir, false)
			if err != nil {
				t.Fatal(err)
			}
			if err := tw.export(st, nil); err != nil {
				t.Fatal(err)
			}
			writeFile(t, dir+".txt", dump(t, st, tw.id))
		}
		st, err := snapshot.OpenDir(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if p, err := snapshot.Verify(context.Background(), st, tw.id); err != nil || p != nil {
			t.Errorf("%s: %v %v", dir, p, err)
		}
		want, err := os.ReadFile(dir + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), dump(t, st, tw.id)); d != "" {
			t.Errorf("%s reads differently (-want +got):\n%s", dir, d)
		}
		m, err := snapshot.ReadManifest(st, tw.id)
		if err != nil || m.Status != snapshot.StatusPartial || m.Shards != 2 {
			t.Errorf("%s: %+v, %v", dir, m, err)
		}
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// dump writes every cell of a snapshot as text.
func dump(t *testing.T, st snapshot.Store, id snapshot.ID) string {
	t.Helper()
	r, err := snapshot.Open(st, id)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, table := range schemas.Tables() {
		fmt.Fprintf(&b, "%s\n", table.Name)
		if err := r.Scan(context.Background(), table, nil, func(vals []schemas.Value) error {
			for i, c := range table.Columns {
				switch v := vals[i]; {
				case !v.Set:
				case c.Kind == schemas.Text:
					fmt.Fprintf(&b, " %s=%q", c.Name, v.Text)
				case c.Kind == schemas.Float:
					fmt.Fprintf(&b, " %s=%v", c.Name, v.Float())
				default:
					fmt.Fprintf(&b, " %s=%d", c.Name, v.Int)
				}
			}
			b.WriteByte('\n')
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}
