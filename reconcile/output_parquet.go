package reconcile

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// Rows of the Parquet files are made from the cells of the CSV files, so that
// both say the same.

func parquetOf(t *schemas.Table, rows iter.Seq2[[]schemas.Cell, error]) ([]byte, error) {
	var b bytes.Buffer
	err := snapshot.WriteReportTable(&b, t, rows)
	return b.Bytes(), err
}

var payeeColumn = slices.Index(findingColumns, "payee")

func findingRows(found []Finding) iter.Seq2[[]schemas.Cell, error] {
	return func(yield func([]schemas.Cell, error) bool) {
		var row []schemas.Cell
		for i := range found {
			texts, err := found[i].cells()
			if err == nil {
				texts[payeeColumn] = string(found[i].Payee) // no spreadsheet runs it here
				row, err = typed(row[:0], schemas.Findings, texts)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

func changeRows(lines []changeLine) iter.Seq2[[]schemas.Cell, error] {
	return func(yield func([]schemas.Cell, error) bool) {
		var row []schemas.Cell
		for i := range lines {
			var err error
			if row, err = typed(row[:0], schemas.Changes, lines[i].cells()); !yield(row, err) {
				return
			}
		}
	}
}

// typed appends the cells of a line to row. What is empty is null, where a
// column can be.
func typed(row []schemas.Cell, t *schemas.Table, texts []string) ([]schemas.Cell, error) {
	for i, s := range texts {
		c := &t.Columns[i]
		if s == "" && !c.Required {
			continue
		}
		v, ok := schemas.Value{}, true
		switch c.Kind {
		case schemas.Day:
			var d schemas.Date
			d, ok = schemas.ParseDate([]byte(s))
			v = schemas.IntValue(d)
		case schemas.Amount:
			var m schemas.Money
			m, ok = schemas.ParseMoney([]byte(s))
			v = schemas.IntValue(m)
		default:
			v = schemas.TextValue(s)
		}
		if !ok {
			return row, fmt.Errorf("the %s of %s does not fit its column", c.Name, texts[0])
		}
		row = append(row, schemas.Cell{Column: i, Value: v})
	}
	return row, nil
}
