package snapshot

import (
	"bytes"
	"testing"

	"tallyport/schemas"
)

// Rows are in the order of what their cells say, not of the mark in front of a
// code that a spreadsheet would run.
func TestSecondReaderOfDefusedKeys(t *testing.T) {
	table := schemas.Institutions
	for _, raw := range []bool{false, true} {
		var out bytes.Buffer
		w := newCSVWriter(&out, table, raw)
		for _, code := range []string{"5bank", "=bank", "@bank", "bank"} {
			if err := w.write([]schemas.Cell{{Column: 0, Value: schemas.TextValue(code)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		if sums, err := secondCSV(bytes.NewReader(out.Bytes()), table, raw); err != nil || sums.Rows != 4 {
			t.Errorf("raw %v: %d rows, %v\n%s", raw, sums.Rows, err, out.Bytes())
		}
	}
}
