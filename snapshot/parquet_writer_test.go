package snapshot

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"tallyport/schemas"
)

// Columns of every habit come back as they were, with statistics that say what
// is in them: few values and many, long and short, nulls at the start, at the
// end, in between, everywhere and nowhere.
func TestColumnHabits(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	table := schemas.Transactions
	const rows = groupRows + 3000
	var long [8]schemas.Value
	for k := range long {
		long[k] = schemas.TextValue(append(bytes.Repeat([]byte("x"), 70_000), byte('a'+k)))
	}
	distinct := func(i int) schemas.Value { return schemas.TextValue(fmt.Sprintf("%06d-%d", i, rnd.Uint64())) }
	habits := map[string]func(i int) schemas.Value{
		"user_guid":    func(i int) schemas.Value { return schemas.TextValue(fmt.Sprintf("USR-%03d", i/5000)) },
		"account_guid": func(i int) schemas.Value { return schemas.TextValue(fmt.Sprintf("ACT-%05d", i/40)) },
		"guid":         distinct,
		"memo":         distinct, // more than a dictionary is worth
		"description":  func(i int) schemas.Value { return schemas.TextValue([]string{"", "a", "b\x00", "é"}[rnd.IntN(4)]) },
		"category": func(i int) schemas.Value { // a dictionary that is large and worth it
			return long[rnd.IntN(len(long))]
		},
		"merchant_guid": func(i int) schemas.Value { // nulls at the start
			if i < 100 {
				return schemas.Value{}
			}
			return distinct(i % 50)
		},
		"currency_code": func(i int) schemas.Value { // nulls from some row on
			if i > 300 {
				return schemas.Value{}
			}
			return schemas.TextValue("USD")
		},
		"amount":                 func(i int) schemas.Value { return schemas.IntValue(rnd.Int64()) },
		"merchant_category_code": func(i int) schemas.Value { return maybe(rnd, schemas.IntValue(rnd.IntN(300)-150)) },
		"date":                   func(i int) schemas.Value { return maybe(rnd, schemas.IntValue(20_000+i%40/39)) },
		"is_fee":                 func(i int) schemas.Value { return maybe(rnd, schemas.BoolValue(rnd.IntN(2) == 0)) },
		"latitude":               func(i int) schemas.Value { return maybe(rnd, schemas.FloatValue(rnd.Float64())) },
		"row_hash":               func(i int) schemas.Value { return schemas.IntValue(rnd.Int64()) },
		"snapshot_at":            func(i int) schemas.Value { return schemas.IntValue(5) },
	}
	var out bytes.Buffer
	w, err := newParquetWriter(&out, table, rows)
	if err != nil {
		t.Fatal(err)
	}
	wrote := make([][]schemas.Cell, rows)
	for i := range wrote {
		for name, habit := range habits {
			if v := habit(i); v.Set {
				wrote[i] = append(wrote[i], schemas.Cell{Column: table.Index(name), Value: v})
			}
		}
		if err := w.write(wrote[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	want := make([]schemas.Value, len(table.Columns))
	err = scanParquet(bytesFile{bytes.NewReader(out.Bytes())}, table, nil, func(got []schemas.Value) error {
		clear(want)
		for _, c := range wrote[n] {
			want[c.Column] = c.Value
		}
		for i := range want {
			if got[i].Set != want[i].Set || got[i].Int != want[i].Int || !bytes.Equal(got[i].Text, want[i].Text) {
				return fmt.Errorf("row %d: %s is %v, want %v", n, table.Columns[i].Name, got[i], want[i])
			}
		}
		n++
		return nil
	})
	if err != nil || n != rows {
		t.Fatalf("%d rows of %d: %v", n, rows, err)
	}
	checkStatistics(t, out.Bytes(), wrote)
}

func maybe(rnd *rand.Rand, v schemas.Value) schemas.Value {
	if rnd.IntN(3) == 0 {
		return schemas.Value{}
	}
	return v
}

// checkStatistics compares what a file says of its columns, and of the pages of
// its key columns, with the rows.
func checkStatistics(t *testing.T, content []byte, wrote [][]schemas.Cell) {
	r, err := file.NewParquetReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	table, first := schemas.Transactions, 0
	for g := range r.NumRowGroups() {
		rows := wrote[first : first+int(r.MetaData().RowGroup(g).NumRows())]
		first += len(rows)
		for i, c := range table.Columns {
			chunk, err := r.MetaData().RowGroup(g).ColumnChunk(i)
			if err != nil {
				t.Fatal(err)
			}
			if c.Name == "row_hash" {
				continue
			}
			least, most, nulls := extremes(rows, i)
			stats, err := chunk.Statistics()
			if err != nil || stats == nil {
				t.Fatalf("%s has no statistics: %v", c.Name, err)
			}
			if stats.NullCount() != int64(nulls) || stats.NumValues() != int64(len(rows)-nulls) {
				t.Errorf("group %d: %s: %d nulls of %d, want %d", g, c.Name, stats.NullCount(), stats.NumValues(), nulls)
			}
			switch s := stats.(type) {
			case *metadata.ByteArrayStatistics:
				if least.Set && len(least.Text) < 1000 && (!bytes.Equal(s.Min(), least.Text) || !bytes.Equal(s.Max(), most.Text)) {
					t.Errorf("group %d: %s: %q to %q, want %q to %q", g, c.Name, s.Min(), s.Max(), least.Text, most.Text)
				}
			case *metadata.Int64Statistics:
				if least.Set && (s.Min() != least.Int || s.Max() != most.Int) {
					t.Errorf("group %d: %s: %d to %d, want %d to %d", g, c.Name, s.Min(), s.Max(), least.Int, most.Int)
				}
			}
		}
		index, err := r.GetPageIndexReader().RowGroup(g)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range table.Key() {
			offsets, err := index.GetOffsetIndex(i)
			if err != nil {
				t.Fatal(err)
			}
			column, err := index.GetColumnIndex(i)
			if err != nil {
				t.Fatal(err)
			}
			texts, ok := column.(*metadata.TypedColumnIndex[parquet.ByteArray])
			if !ok {
				continue
			}
			pages := offsets.GetPageLocations()
			if len(pages) < 3 && g == 0 && table.Columns[i].Kind == schemas.Text {
				t.Errorf("%s has %d pages: nothing to skip", table.Columns[i].Name, len(pages))
			}
			for k, page := range pages {
				end := len(rows)
				if k+1 < len(pages) {
					end = int(pages[k+1].FirstRowIndex)
				}
				least, most, _ := extremes(rows[page.FirstRowIndex:end], i)
				if got := texts.MinValues()[k]; !bytes.Equal(got, least.Text) {
					t.Errorf("%s, page %d begins with %q, want %q", table.Columns[i].Name, k, got, least.Text)
				}
				if got := texts.MaxValues()[k]; !bytes.Equal(got, most.Text) {
					t.Errorf("%s, page %d ends with %q, want %q", table.Columns[i].Name, k, got, most.Text)
				}
			}
		}
	}
	if first != len(wrote) || r.NumRowGroups() < 2 {
		t.Errorf("%d rows in %d row groups", first, r.NumRowGroups())
	}
}

// extremes returns the least and the greatest value of a column, and how many
// rows have none.
func extremes(rows [][]schemas.Cell, column int) (least, most schemas.Value, nulls int) {
	nulls = len(rows)
	for _, cells := range rows {
		for _, c := range cells {
			if c.Column != column {
				continue
			}
			nulls--
			if !least.Set || order(c.Value, least) < 0 {
				least = c.Value
			}
			if !most.Set || order(c.Value, most) > 0 {
				most = c.Value
			}
		}
	}
	return least, most, nulls
}

func order(a, b schemas.Value) int {
	if c := bytes.Compare(a.Text, b.Text); c != 0 {
		return c
	}
	return cmp.Compare(a.Int, b.Int)
}
