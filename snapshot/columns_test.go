package snapshot_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// publish exports the world and opens the snapshot.
func (tw testWorld) publish(t testing.TB) (*snapshot.Dir, *snapshot.Reader) {
	t.Helper()
	st := openDir(t)
	if err := tw.export(st, nil); err != nil {
		t.Fatal(err)
	}
	r, err := snapshot.Open(st, tw.id)
	if err != nil {
		t.Fatal(err)
	}
	return st, r
}

// Columns says of every cell what ScanPart says, in any order, also across row
// groups.
func TestColumns(t *testing.T) {
	tw := newWorld(7)
	tw.users, tw.rows = 40, 900
	tw.shrink = func(*snapshot.Writer) {}
	_, r := tw.publish(t)
	table := schemas.Transactions
	var names []string
	for _, c := range table.Columns {
		names = append(names, c.Name)
	}
	var rows [][]schemas.Value
	err := r.ScanPart(context.Background(), table, 0, nil, func(vals []schemas.Value) error {
		row := slices.Clone(vals)
		for i := range row {
			row[i].Text = bytes.Clone(row[i].Text)
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.OpenColumns(table, 0, names)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Rows() != int64(len(rows)) || len(rows) <= 64<<10 {
		t.Fatalf("%d rows, scanned %d", c.Rows(), len(rows))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	vals := make([]schemas.Value, len(table.Columns))
	check := func(row int64) {
		if err := c.Cells(row, vals); err != nil {
			t.Fatal(err)
		}
		for i := range vals {
			if want := rows[row][i]; vals[i].Set != want.Set || vals[i].Int != want.Int || !bytes.Equal(vals[i].Text, want.Text) {
				t.Fatalf("row %d, %s: %+v, scanned %+v", row, names[i], vals[i], want)
			}
		}
	}
	for row := rnd.Int64N(50); row < c.Rows(); row += 1 + rnd.Int64N(50) {
		check(row)
		check(max(0, row-rnd.Int64N(40)))
	}
	for range 20 {
		check(rnd.Int64N(c.Rows()))
	}
	for row := int64(0); row < c.Rows(); {
		n, err := c.Load(row)
		if err != nil || n < 1 {
			t.Fatal(n, err)
		}
		for i, col := range table.Columns {
			checkSpan(t, c, i, col, row, rows[row:row+int64(n)])
		}
		row += int64(n)
	}
}

func checkSpan(t *testing.T, c *snapshot.Columns, i int, col schemas.Column, row int64, rows [][]schemas.Value) {
	same := 0
	for same < len(rows) && cmp.Equal(rows[same][i].Text, rows[0][i].Text) && rows[same][i].Set == rows[0][i].Set && rows[same][i].Int == rows[0][i].Int {
		same++
	}
	if got := c.Same(i, row, len(rows)); got != same {
		t.Fatalf("row %d, %s: %d are the same, not %d", row, col.Name, got, same)
	}
	if col.Kind != schemas.Text {
		for k, v := range c.AppendInts(nil, i, row, len(rows), -1) {
			if want := rows[k][i]; want.Set && v != want.Int || !want.Set && v != -1 {
				t.Fatalf("row %d, %s: %d, scanned %+v", row+int64(k), col.Name, v, want)
			}
		}
		return
	}
	equal := c.AppendEqual(nil, i, row, len(rows), "a")
	for k := range rows {
		if want := rows[k][i]; !bytes.Equal(c.Text(i, row+int64(k)), want.Text) || equal[k] != (want.String() == "a") {
			t.Fatalf("row %d, %s: %q %v, scanned %q", row+int64(k), col.Name, c.Text(i, row+int64(k)), equal[k], want.Text)
		}
	}
}

func TestColumnsOfCSV(t *testing.T) {
	tw := newWorld(1)
	tw.plan.Format = snapshot.CSV
	_, r := tw.publish(t)
	if c, err := r.OpenColumns(schemas.Transactions, 0, []string{"guid"}); c != nil || err != nil {
		t.Error(c, err)
	}
}

// A damaged part ends in an error or in other cells, never in a panic.
func TestColumnsOfDamagedPart(t *testing.T) {
	tw := newWorld(3)
	st, r := tw.publish(t)
	table := schemas.Transactions
	var names []string
	for _, c := range table.Columns {
		names = append(names, c.Name)
	}
	name := st.Path(r.Manifest().Tables[table.Name].Files[0].Path)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	failed := 0
	for range 300 {
		broken := bytes.Clone(whole)
		broken[rnd.IntN(len(broken))] ^= byte(1 + rnd.IntN(255))
		if err := os.WriteFile(name, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := readColumns(r, names); err != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Error("no damage was found")
	}
}

func readColumns(r *snapshot.Reader, names []string) error {
	c, err := r.OpenColumns(schemas.Transactions, 0, names)
	if err != nil {
		return err
	}
	defer c.Close()
	vals := make([]schemas.Value, len(schemas.Transactions.Columns))
	for row := int64(0); row < c.Rows(); {
		n, err := c.Load(row)
		if err != nil {
			return err
		}
		for i, col := range schemas.Transactions.Columns {
			c.Same(i, row, n)
			if col.Kind == schemas.Text {
				c.AppendEqual(nil, i, row, n, "a")
			} else {
				c.AppendInts(nil, i, row, n, 0)
			}
		}
		for end := row + int64(n); row < end; row++ {
			if err := c.Cells(row, vals); err != nil {
				return err
			}
		}
	}
	return nil
}
