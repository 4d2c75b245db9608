package snapshot

import (
	"errors"
	"fmt"
	"io"

	"github.com/xitongsys/parquet-go/common"
	"github.com/xitongsys/parquet-go/parquet"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"

	"tallyport/schemas"
)

// This file reads Parquet parts with github.com/xitongsys/parquet-go, which
// shares no code with the library that writes them. It is only given files
// whose hash is right, and only read column by column: on other bytes that
// library may answer with nothing, hang, or end the process.

// secondParquet returns the sums of a part (without row_hash) after checking
// its schema and the order of its keys.
func secondParquet(f File, t *schemas.Table) (sums partSums, err error) {
	defer recoverDamage(&err)
	pr, err := reader.NewParquetColumnReader(&sourceFile{SectionReader: io.NewSectionReader(f, 0, f.Size()), of: f}, 1)
	if err != nil {
		return sums, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	defer pr.ReadStop()
	columns, err := checkElements(pr.SchemaHandler.Infos[1:], pr.Footer.GetSchema()[1:], t)
	if err != nil {
		return sums, err
	}
	a := newAdder(t, &sums)
	cursors := make([]secondCursor, 0, len(t.Key())+len(a.amounts))
	for _, i := range append(append([]int{}, t.Key()...), a.amounts...) {
		if columns[i] < 0 {
			continue
		}
		c, err := newSecondCursor(pr, i, columns[i])
		if err != nil {
			return sums, fmt.Errorf("%w: %v", ErrDamaged, err)
		}
		cursors = append(cursors, c)
	}
	vals := make([]schemas.Value, len(t.Columns))
	order := keyOrder{t: t}
	for range pr.GetNumRows() {
		for k := range cursors {
			if err := cursors[k].next(&vals[cursors[k].column]); err != nil {
				return sums, fmt.Errorf("column %s: %w", t.Columns[cursors[k].column].Name, err)
			}
		}
		if err := order.next(vals); err != nil {
			return sums, err
		}
		a.add(vals)
	}
	for k := range cursors {
		if !cursors[k].atEnd() {
			return sums, fmt.Errorf("column %s: %w: more values than rows", t.Columns[cursors[k].column].Name, ErrDamaged)
		}
	}
	return sums, nil
}

// checkElements compares the footer's columns with the table's declaration,
// and returns placesOf them.
func checkElements(tags []*common.Tag, elements []*parquet.SchemaElement, t *schemas.Table) ([]int, error) {
	var names []string
	for _, tag := range tags {
		names = append(names, tag.ExName)
	}
	columns, err := placesOf(names, t)
	if err != nil {
		return nil, err
	}
	for i, c := range t.Columns {
		if columns[i] < 0 {
			continue
		}
		e := elements[columns[i]]
		optional := e.GetRepetitionType() == parquet.FieldRepetitionType_OPTIONAL
		if e.GetFieldID() != c.ID || optional == c.Required || !isKind(e, c.Kind) {
			return nil, fmt.Errorf("column %s has field id %d, %s: %w", c.Name, e.GetFieldID(), e.GetType(), ErrSchema)
		}
	}
	return columns, nil
}

// placesOf returns where each column of the table stands among those of a file,
// -1 if the file is older than the column. Both have the same order.
func placesOf(names []string, t *schemas.Table) ([]int, error) {
	columns, next := make([]int, len(t.Columns)), 0
	for i, c := range t.Columns {
		columns[i] = -1
		switch {
		case next < len(names) && names[next] == c.Name:
			columns[i] = next
			next++
		case c.Required:
			return nil, fmt.Errorf("column %s is not where it belongs: %w", c.Name, ErrSchema)
		}
	}
	if next < len(names) {
		return nil, fmt.Errorf("column %q: %w", names[next], ErrSchema)
	}
	return columns, nil
}

// isKind reports whether the element stores values of the kind.
func isKind(e *parquet.SchemaElement, k schemas.Kind) bool {
	l := e.GetLogicalType()
	if l == nil {
		l = parquet.NewLogicalType()
	}
	decimal := func(scale int32) bool {
		return e.GetType() == parquet.Type_INT64 && l.DECIMAL != nil && l.DECIMAL.Precision == 18 && l.DECIMAL.Scale == scale
	}
	switch k {
	case schemas.Text:
		return e.GetType() == parquet.Type_BYTE_ARRAY && l.STRING != nil
	case schemas.Bool:
		return e.GetType() == parquet.Type_BOOLEAN
	case schemas.Int:
		return e.GetType() == parquet.Type_INT64 && l.DECIMAL == nil && l.TIMESTAMP == nil
	case schemas.Amount:
		return decimal(4)
	case schemas.Percent:
		return decimal(8)
	case schemas.Float:
		return e.GetType() == parquet.Type_DOUBLE
	case schemas.Day:
		return e.GetType() == parquet.Type_INT32 && l.DATE != nil
	case schemas.Instant:
		return e.GetType() == parquet.Type_INT64 && l.TIMESTAMP != nil && l.TIMESTAMP.IsAdjustedToUTC && l.TIMESTAMP.Unit.MICROS != nil
	}
	return false
}

// secondCursor steps through the cells of one column of the file, a page at a
// time: asked for rows instead, the library copies every page twice.
type secondCursor struct {
	pages  *reader.ColumnBufferType
	column int // of the table
	vals   []any
}

func newSecondCursor(pr *reader.ParquetReader, column, place int) (secondCursor, error) {
	pages, err := reader.NewColumnBuffer(pr.PFile, pr.Footer, pr.SchemaHandler, pr.SchemaHandler.ValueColumns[place])
	return secondCursor{pages: pages, column: column}, err
}

// fill reads the next page that has values, unless some are left; after the
// last there are none.
func (c *secondCursor) fill() error {
	for len(c.vals) == 0 {
		c.pages.DataTable = nil
		if err := c.pages.ReadPage(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%w: %v", ErrDamaged, err)
		}
		if t := c.pages.DataTable; t != nil { // none for a dictionary
			c.vals = t.Values
		}
	}
	return nil
}

func (c *secondCursor) atEnd() bool { return c.fill() == nil && len(c.vals) == 0 }

func (c *secondCursor) next(v *schemas.Value) error {
	if err := c.fill(); err != nil {
		return err
	}
	if len(c.vals) == 0 {
		return fmt.Errorf("%w: fewer values than rows", ErrDamaged)
	}
	x := c.vals[0]
	c.vals = c.vals[1:]
	switch x := x.(type) {
	case nil:
		*v = schemas.Value{}
	case string:
		v.Set, v.Text = true, append(v.Text[:0], x...)
	case int32:
		*v = schemas.IntValue(x)
	case int64:
		*v = schemas.IntValue(x)
	default:
		return fmt.Errorf("%w: a value of type %T", ErrDamaged, x)
	}
	return nil
}

// sourceFile is a File as that library wants it: each column opens its own.
type sourceFile struct {
	*io.SectionReader
	of File
}

func (s *sourceFile) Open(string) (source.ParquetFile, error) {
	return &sourceFile{SectionReader: io.NewSectionReader(s.of, 0, s.of.Size()), of: s.of}, nil
}

func (s *sourceFile) Create(string) (source.ParquetFile, error) { return nil, errReadOnly }
func (s *sourceFile) Write([]byte) (int, error)                 { return 0, errReadOnly }
func (s *sourceFile) Close() error                              { return nil }

var errReadOnly = errors.New("opened for reading")
