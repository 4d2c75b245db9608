package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"tallyport/schemas"
)

const (
	// A row group ends after groupRows rows or groupBytes bytes of texts,
	// whichever comes first, so that no text, however long, can make one grow.
	groupRows  = 64 << 10
	groupBytes = 16 << 20

	batchRows = 4 << 10 // after which arrow-go looks whether a page is full
	pageBytes = 128 << 10

	// maxGroupRows is what a reader believes. A footer that claims more is not
	// ours, and could keep a reader busy for ever with rows that take no bytes.
	maxGroupRows = 128 << 10
)

// parquetProperties are the settings of every file; FORMAT.md lists them.
func parquetProperties(t *schemas.Table, expect int64) *parquet.WriterProperties {
	opts := []parquet.WriterProperty{
		parquet.WithVersion(parquet.V2_LATEST),
		parquet.WithDataPageVersion(parquet.DataPageV1),
		parquet.WithCreatedBy("tallyport version " + strconv.Itoa(FormatVersion)),
		parquet.WithRootName(t.Name),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(1),
		parquet.WithDataPageSize(pageBytes),
		parquet.WithBatchSize(batchRows),
		parquet.WithMaxRowGroupLength(groupRows),
		parquet.WithStoreDecimalAsInteger(true),
	}
	sorting := make([]parquet.SortingColumn, 0, len(t.Key()))
	for _, i := range t.Key() {
		sorting = append(sorting, parquet.SortingColumn{ColumnIdx: int32(i), NullsFirst: true})
	}
	// arrow-go writes no page index at all unless it is on by default, so it is
	// turned off for the other columns.
	opts = append(opts, parquet.WithSortingColumns(sorting), parquet.WithPageIndexEnabled(true))
	for i, c := range t.Columns {
		opts = append(opts, parquet.WithPageIndexEnabledFor(c.Name, slices.Contains(t.Key(), i)))
		switch c.Name {
		case "guid":
			opts = append(opts, parquet.WithDictionaryFor(c.Name, false),
				parquet.WithBloomFilterEnabledFor(c.Name, true),
				parquet.WithBloomFilterFPPFor(c.Name, 0.01),
				parquet.WithBloomFilterNDVFor(c.Name, max(1, min(expect, groupRows))))
		case "row_hash":
			opts = append(opts, parquet.WithDictionaryFor(c.Name, false), parquet.WithStatsFor(c.Name, false))
		case "date", "amount", "created_at", "updated_at", "transacted_at", "posted_at", "latitude", "longitude":
			// Mostly distinct, or no larger without: a dictionary does not pay.
			opts = append(opts, parquet.WithDictionaryFor(c.Name, false))
		case "original_description":
			// The longest text of all: a twentieth smaller at no more time, and
			// unpacked in a fifth less.
			opts = append(opts, parquet.WithCompressionLevelFor(c.Name, 3))
		}
	}
	return parquet.NewWriterProperties(opts...)
}

// parquetSchema is the table's schema as a Parquet file states it.
func parquetSchema(t *schemas.Table, props *parquet.WriterProperties) (*schema.Schema, error) {
	return pqarrow.ToParquet(t.Arrow(), props, pqarrow.DefaultWriterProps())
}

// columnBatch holds cells of one column as arrow-go reads them: the values that
// are not null in the slice of their type, and a definition level for every
// row.
type columnBatch struct {
	texts  []parquet.ByteArray
	bools  []bool
	days   []int32
	longs  []int64
	floats []float64
	levels []int16
}

// ErrSchema is returned for a file whose columns are not those of its table.
var ErrSchema = errors.New("not the schema of the table")

// checkSchema compares the file's columns with the table's by field id, name
// and type, and returns the file's column for each of the table's, -1 where
// the file is older than the column.
func checkSchema(sc *schema.Schema, t *schemas.Table) ([]int, error) {
	want, err := parquetSchema(t, parquetProperties(t, 0))
	if err != nil {
		return nil, err
	}
	at := make([]int, len(t.Columns))
	found := 0
	for i := range at {
		at[i] = -1
		for k := range sc.NumColumns() {
			if sc.Column(k).SchemaNode().FieldID() != t.Columns[i].ID {
				continue
			}
			if !sc.Column(k).SchemaNode().Equals(want.Column(i).SchemaNode()) {
				return nil, fmt.Errorf("column %s is %s: %w", sc.Column(k).Name(), sc.Column(k).SchemaNode(), ErrSchema)
			}
			at[i] = k
			found++
		}
		if at[i] < 0 && t.Columns[i].Required {
			return nil, fmt.Errorf("column %s is missing: %w", t.Columns[i].Name, ErrSchema)
		}
	}
	if found != sc.NumColumns() {
		return nil, fmt.Errorf("%d columns are unknown: %w", sc.NumColumns()-found, ErrSchema)
	}
	return at, nil
}

// openParquet reads the footer of f and checks the schema.
func openParquet(f File, t *schemas.Table) (_ *file.Reader, columns []int, err error) {
	defer recoverDamage(&err)
	rd, err := file.NewParquetReader(f)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	columns, err = checkSchema(rd.MetaData().Schema, t)
	return rd, columns, err
}

// recoverDamage turns a panic of a library that met bytes it did not expect
// into an error.
func recoverDamage(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrDamaged, p)
	}
}

func scanParquet(f File, t *schemas.Table, want []int, visit func([]schemas.Value) error) error {
	rd, columns, err := openParquet(f, t)
	if err != nil {
		return err
	}
	for g := range rd.NumRowGroups() {
		if err := scanGroup(rd, g, t, columns, want, visit); err != nil {
			return err
		}
	}
	return nil
}

// scanGroup is scanPart for one row group.
func scanGroup(rd *file.Reader, g int, t *schemas.Table, columns, want []int, visit func([]schemas.Value) error) (err error) {
	defer recoverDamage(&err)
	if want == nil {
		want = make([]int, len(t.Columns))
		for i := range want {
			want[i] = i
		}
	}
	rg := rd.RowGroup(g)
	if rg.NumRows() > maxGroupRows {
		return fmt.Errorf("%w: a row group of %d rows", ErrDamaged, rg.NumRows())
	}
	cursors := make([]columnCursor, 0, len(want))
	for _, i := range want {
		if columns[i] < 0 {
			continue
		}
		cr, err := rg.Column(columns[i])
		if err != nil {
			return fmt.Errorf("%w: %v", ErrDamaged, err)
		}
		cursors = append(cursors, columnCursor{index: i, reader: cr, required: t.Columns[i].Required})
	}
	vals := make([]schemas.Value, len(t.Columns))
	for range rg.NumRows() {
		for k := range cursors {
			if err := cursors[k].next(&vals[cursors[k].index]); err != nil {
				return fmt.Errorf("column %s: %w", t.Columns[cursors[k].index].Name, err)
			}
		}
		if err := visit(vals); err != nil {
			return err
		}
	}
	return nil
}

// columnCursor steps through the cells of one column of a row group.
type columnCursor struct {
	index    int
	reader   file.ColumnChunkReader
	required bool

	batch     columnBatch
	rows, row int // in the batch
	value     int // next in the slice of the batch's type
}

const cursorRows = 2048

func (c *columnCursor) next(v *schemas.Value) error {
	if c.row == c.rows {
		if err := c.fill(); err != nil {
			return err
		}
	}
	set := c.required || c.batch.levels[c.row] == 1
	c.row++
	if !set {
		*v = schemas.Value{}
		return nil
	}
	v.Set = true
	switch c.reader.(type) {
	case *file.ByteArrayColumnChunkReader:
		v.Text = c.batch.texts[c.value]
	case *file.BooleanColumnChunkReader:
		v.Int = 0
		if c.batch.bools[c.value] {
			v.Int = 1
		}
	case *file.Int32ColumnChunkReader:
		v.Int = int64(c.batch.days[c.value])
	case *file.Int64ColumnChunkReader:
		v.Int = c.batch.longs[c.value]
	case *file.Float64ColumnChunkReader:
		*v = schemas.FloatValue(c.batch.floats[c.value])
	}
	c.value++
	return nil
}

// fill reads the next values of the present page. Texts point into the page,
// which stands until the next fill.
func (c *columnCursor) fill() error {
	b := &c.batch
	if b.levels == nil {
		b.levels = make([]int16, cursorRows)
	}
	levels := b.levels
	if c.required {
		levels = nil
	}
	var total int64
	var err error
	switch r := c.reader.(type) {
	case *file.ByteArrayColumnChunkReader:
		b.texts = sized(b.texts)
		total, _, err = r.ReadBatchInPage(cursorRows, b.texts, levels, nil)
	case *file.BooleanColumnChunkReader:
		b.bools = sized(b.bools)
		total, _, err = r.ReadBatchInPage(cursorRows, b.bools, levels, nil)
	case *file.Int32ColumnChunkReader:
		b.days = sized(b.days)
		total, _, err = r.ReadBatchInPage(cursorRows, b.days, levels, nil)
	case *file.Int64ColumnChunkReader:
		b.longs = sized(b.longs)
		total, _, err = r.ReadBatchInPage(cursorRows, b.longs, levels, nil)
	case *file.Float64ColumnChunkReader:
		b.floats = sized(b.floats)
		total, _, err = r.ReadBatchInPage(cursorRows, b.floats, levels, nil)
	default:
		err = fmt.Errorf("no column of type %T is read", c.reader)
	}
	if err == nil && total == 0 {
		if err = c.reader.Err(); err == nil {
			err = errors.New("ends early")
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	c.rows, c.row, c.value = int(total), 0, 0
	return nil
}

func sized[T any](s []T) []T {
	if s == nil {
		return make([]T, cursorRows)
	}
	return s
}
