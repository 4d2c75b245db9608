package snapshot

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"tallyport/schemas"
)

// A file that is older than a column is whole without it; any other difference
// is refused.
func TestPlacesOf(t *testing.T) {
	table := schemas.Transactions
	var names []string
	for _, c := range table.Columns {
		names = append(names, c.Name)
	}
	memo, guid := table.Index("memo"), table.Index("guid")
	for _, c := range []struct {
		what  string
		names []string
		ok    bool
	}{
		{"all of them", names, true},
		{"older", slices.Delete(slices.Clone(names), memo, memo+1), true},
		{"no guid", slices.Delete(slices.Clone(names), guid, guid+1), false},
		{"another order", append(slices.Delete(slices.Clone(names), memo, memo+1), "memo"), false},
		{"unknown", append(slices.Clone(names), "colour"), false},
	} {
		places, err := placesOf(c.names, table)
		if c.ok != (err == nil) || !c.ok && !errors.Is(err, ErrSchema) {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		for i, at := range places {
			if at >= 0 && c.names[at] != names[i] || at < 0 && i != memo {
				t.Errorf("%s: %s is at %d", c.what, names[i], at)
			}
		}
	}
}

// Texts that repeat often at first and not at all later do not make a row group
// larger than what fits: the dictionary stays.
func TestLateDistinctTexts(t *testing.T) {
	table := schemas.Users
	var out bytes.Buffer
	w, err := newParquetWriter(&out, table, 1)
	if err != nil {
		t.Fatal(err)
	}
	pad := bytes.Repeat([]byte("p"), 1000)
	most := 0
	for i := range 70_000 {
		text := append([]byte{byte(i / 25), byte(i / 25 >> 8), byte(i / 25 >> 16), 'x'}, pad...)
		if i > 50_000 {
			text = append([]byte{byte(i), byte(i >> 8), byte(i >> 16), 'y'}, pad...)
		}
		n := table.Width()
		if err := w.write([]schemas.Cell{
			{Column: 0, Value: schemas.TextValue("USR-1")},
			{Column: table.Index("metadata"), Value: schemas.TextValue(text)},
			{Column: n, Value: schemas.IntValue(0)}, {Column: n + 1, Value: schemas.IntValue(0)},
		}); err != nil {
			t.Fatal(err)
		}
		c := &w.cols[table.Index("metadata")]
		most = max(most, cap(c.texts)+cap(c.index)*4+cap(c.slots)*8)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if most > 3*groupBytes {
		t.Errorf("%d MiB for one column of a row group", most>>20)
	}
}
