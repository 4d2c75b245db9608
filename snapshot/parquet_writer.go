package snapshot

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowmem "github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"tallyport/schemas"
)

// parquetWriter gathers the rows of a row group by column, finds out which
// values repeat, and has arrow-go write the columns one after the other: to
// find out is what arrow-go would spend a third of its time on.
type parquetWriter struct {
	table *schemas.Table
	out   *file.Writer
	cols  []columnBuffer
	rows  int // in the row group
	size  int // bytes of texts in the row group

	present, absent []int16 // definition levels of rows that all have a value, or all have none
}

func newParquetWriter(w io.Writer, t *schemas.Table, expect int64) (*parquetWriter, error) {
	props := parquetProperties(t, expect)
	sc, err := parquetSchema(t, props)
	if err != nil {
		return nil, err
	}
	meta := metadata.NewKeyValueMetadata()
	said := [][2]string{{"tallyport.table", t.Name}, {"tallyport.schema_version", strconv.Itoa(t.Version)}}
	if !t.Report {
		said = append(said, [2]string{"tallyport.row_hash_version", "1"})
	}
	for _, kv := range said {
		if err := meta.Append(kv[0], kv[1]); err != nil {
			return nil, err
		}
	}
	out, err := file.NewParquetWriterWithError(w, sc.Root(), file.WithWriterProps(props), file.WithWriteMetadata(meta))
	if err != nil {
		return nil, err
	}
	pw := &parquetWriter{table: t, out: out, cols: make([]columnBuffer, len(t.Columns))}
	seed := maphash.MakeSeed()
	for i, c := range t.Columns {
		pw.cols[i] = columnBuffer{kind: c.Kind, ends: make([]int32, 1), seed: seed, key: slices.Contains(t.Key(), i),
			dictionary: c.Kind != schemas.Bool && c.Kind != schemas.Float && props.DictionaryEnabledFor(c.Name)}
	}
	return pw, nil
}

// WriteReportTable writes a table of a report to w: the rows that each yields, in
// their order, each the cells of it that are not null.
func WriteReportTable(w io.Writer, t *schemas.Table, each iter.Seq2[[]schemas.Cell, error]) error {
	pw, err := newParquetWriter(w, t, 0)
	if err != nil {
		return err
	}
	for cells, err := range each {
		if err == nil {
			err = pw.write(cells)
		}
		if err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return pw.close()
}

func (w *parquetWriter) write(cells []schemas.Cell) error {
	for i := range cells {
		w.size += w.cols[cells[i].Column].add(w.rows, &cells[i].Value)
	}
	if w.rows++; w.rows == groupRows || w.size >= groupBytes {
		return w.endGroup()
	}
	return nil
}

func (w *parquetWriter) endGroup() error {
	if w.rows == 0 {
		return nil
	}
	for len(w.present) < w.rows {
		w.present, w.absent = append(w.present, 1), append(w.absent, 0)
	}
	group, err := w.out.AppendRowGroupChecked()
	if err != nil {
		return err
	}
	for i := range w.cols {
		cw, err := group.NextColumn()
		if err != nil {
			return err
		}
		c := &w.cols[i]
		levels := w.absent[:w.rows]
		switch {
		case w.table.Columns[i].Required && c.values < w.rows:
			return fmt.Errorf("column %s: %d rows have no value", w.table.Columns[i].Name, w.rows-c.values)
		case w.table.Columns[i].Required:
			levels = nil
		case c.values == w.rows:
			levels = w.present[:w.rows]
		case c.values > 0:
			c.skipTo(w.rows)
			levels = c.levels
		}
		if err := c.flush(cw, levels, w.rows); err != nil {
			return fmt.Errorf("column %s: %w", w.table.Columns[i].Name, err)
		}
		c.reset()
	}
	w.rows, w.size = 0, 0
	return group.Close()
}

func (w *parquetWriter) close() error { return errors.Join(w.endGroup(), w.out.Close()) }

// columnBuffer holds the cells of one column of a row group. While values
// repeat, texts and longs hold the distinct ones in the order in which they
// came first, and index says which each cell has.
type columnBuffer struct {
	kind       schemas.Kind
	key        bool // statistics are wanted for each page
	dictionary bool // may have one

	rows   int     // that are accounted for
	values int     // of them that are not null
	levels []int16 // of rows, unless all so far have a value

	texts []byte
	ends  []int32 // of texts, after the 0 at which the first begins
	longs []int64 // what is neither text nor bool
	bools []bool
	raw   int // bytes of all values, however often they repeat

	plain bool // there is no index: values hardly repeat
	index []int32
	slots []slot // a hash table of the distinct values
	seed  maphash.Seed
}

// slot is a place in a hash table.
type slot struct {
	hash  uint32
	value int32 // its index, and one; 0: the slot is free
}

// A dictionary that is larger than this, in bytes and in values, is given up
// unless it stands for worthwhile times as much, or for so much that it would
// not fit where rows are gathered.
const (
	dictionaryBytes = 256 << 10
	dictionaryMany  = 1 << 10
	worthwhile      = 4
	writtenOut      = 4 << 20
)

// add takes a copy of a cell that is not null, of the row, and returns how many
// bytes of text it holds for it.
func (c *columnBuffer) add(row int, v *schemas.Value) (grown int) {
	if c.rows < row {
		c.skipTo(row)
	}
	if len(c.levels) > 0 {
		c.levels = append(c.levels, 1)
	}
	c.rows++
	c.values++
	before := len(c.texts)
	switch {
	case c.kind == schemas.Bool:
		c.bools = append(c.bools, v.Int != 0)
	case c.plain || !c.dictionary:
		c.append(v)
	case c.kind == schemas.Text:
		c.raw += len(v.Text)
		c.addText(v.Text)
	default:
		c.raw += 8
		c.addLong(v.Int)
	}
	return len(c.texts) - before
}

// skipTo accounts for rows without a value.
func (c *columnBuffer) skipTo(row int) {
	if len(c.levels) == 0 {
		for range c.rows {
			c.levels = append(c.levels, 1)
		}
	}
	for ; c.rows < row; c.rows++ {
		c.levels = append(c.levels, 0)
	}
}

func (c *columnBuffer) append(v *schemas.Value) {
	if c.kind != schemas.Text {
		c.longs = append(c.longs, v.Int)
		return
	}
	c.texts = append(c.texts, v.Text...)
	c.ends = append(c.ends, int32(len(c.texts)))
}

func (c *columnBuffer) text(i int32) []byte { return c.texts[c.ends[i]:c.ends[i+1]] }

// distinct is how many values the dictionary has.
func (c *columnBuffer) distinct() int { return max(len(c.ends)-1, len(c.longs)) }

func (c *columnBuffer) addText(text []byte) {
	if n := len(c.index); n > 0 && bytes.Equal(c.text(c.index[n-1]), text) {
		c.index = append(c.index, c.index[n-1])
		return
	}
	c.makeRoom()
	h := uint32(maphash.Bytes(c.seed, text))
	mask := uint32(len(c.slots) - 1)
	at := h & mask
	for ; c.slots[at].value != 0; at = (at + 1) & mask {
		if i := c.slots[at].value - 1; c.slots[at].hash == h && bytes.Equal(c.text(i), text) {
			c.index = append(c.index, i)
			return
		}
	}
	c.slots[at] = slot{h, int32(len(c.ends))}
	c.index = append(c.index, int32(len(c.ends)-1))
	c.texts = append(c.texts, text...)
	c.ends = append(c.ends, int32(len(c.texts)))
	c.reconsider(len(c.texts) + 4*len(c.ends))
}

func (c *columnBuffer) addLong(v int64) {
	if n := len(c.index); n > 0 && c.longs[c.index[n-1]] == v {
		c.index = append(c.index, c.index[n-1])
		return
	}
	c.makeRoom()
	h := uint32((uint64(v) * 0x9e3779b97f4a7c15) >> 32)
	mask := uint32(len(c.slots) - 1)
	at := h & mask
	for ; c.slots[at].value != 0; at = (at + 1) & mask {
		if i := c.slots[at].value - 1; c.slots[at].hash == h && c.longs[i] == v {
			c.index = append(c.index, i)
			return
		}
	}
	c.slots[at] = slot{h, int32(len(c.longs)) + 1}
	c.index = append(c.index, int32(len(c.longs)))
	c.longs = append(c.longs, v)
	c.reconsider(8 * len(c.longs))
}

// makeRoom keeps half of the slots free.
func (c *columnBuffer) makeRoom() {
	if 2*c.distinct() < len(c.slots) {
		return
	}
	old := c.slots
	c.slots = make([]slot, max(64, 2*len(old)))
	mask := uint32(len(c.slots) - 1)
	for _, s := range old {
		if s.value == 0 {
			continue
		}
		at := s.hash & mask
		for c.slots[at].value != 0 {
			at = (at + 1) & mask
		}
		c.slots[at] = s
	}
}

// reconsider gives the dictionary up if it has become large for what it saves.
func (c *columnBuffer) reconsider(size int) {
	if size <= dictionaryBytes || c.distinct() < dictionaryMany || c.raw >= worthwhile*size || c.raw > writtenOut {
		return
	}
	c.plain = true
	if c.kind != schemas.Text {
		longs := make([]int64, len(c.index), max(groupRows, len(c.index)))
		for k, i := range c.index {
			longs[k] = c.longs[i]
		}
		c.longs = longs
		return
	}
	texts, ends := make([]byte, 0, 2*c.raw), make([]int32, 1, groupRows+1)
	for _, i := range c.index {
		texts = append(texts, c.text(i)...)
		ends = append(ends, int32(len(texts)))
	}
	c.texts, c.ends = texts, ends
}

func (c *columnBuffer) reset() {
	c.rows, c.values, c.levels = 0, 0, c.levels[:0]
	c.texts, c.ends, c.longs, c.raw = c.texts[:0], c.ends[:1], c.longs[:0], 0
	c.bools, c.plain, c.index = c.bools[:0], false, c.index[:0]
	clear(c.slots)
}

// flush hands the cells to arrow-go.
func (c *columnBuffer) flush(cw file.ColumnChunkWriter, levels []int16, rows int) error {
	if c.dictionary && !c.plain && c.values > 0 {
		return c.flushDictionary(cw, levels, rows)
	}
	cw.FallbackToPlain()
	var err error
	switch cw := cw.(type) {
	case *file.ByteArrayColumnChunkWriter:
		_, err = cw.WriteBatchArrow(c.texts, c.ends, levels, nil)
	case *file.BooleanColumnChunkWriter:
		_, err = cw.WriteBatch(c.bools, levels, nil)
	case *file.Int32ColumnChunkWriter:
		_, err = cw.WriteBatch(as(c.longs, func(v int64) int32 { return int32(v) }), levels, nil)
	case *file.Int64ColumnChunkWriter:
		_, err = cw.WriteBatch(c.longs, levels, nil)
	case *file.Float64ColumnChunkWriter:
		_, err = cw.WriteBatch(as(c.longs, func(v int64) float64 { return math.Float64frombits(uint64(v)) }), levels, nil)
	default:
		err = fmt.Errorf("no column of type %T is written", cw)
	}
	return err
}

func as[T any](in []int64, convert func(int64) T) []T {
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = convert(v)
	}
	return out
}

// dictionaryEncoder is what arrow-go's encoders of dictionaries can do that
// its public interface does not name.
type dictionaryEncoder interface {
	PutDictionary(values arrow.Array) error
	AddRawSize(bytes int64)
	NumEntries() int
}

// flushDictionary writes the dictionary and one page of indices; of a key
// column, for which there is a page index, pages of the usual size.
func (c *columnBuffer) flushDictionary(cw file.ColumnChunkWriter, levels []int16, rows int) error {
	enc, ok := cw.CurrentEncoder().(dictionaryEncoder)
	if !ok {
		return fmt.Errorf("no dictionary is written by a %T", cw.CurrentEncoder())
	}
	dict := c.array()
	if err := enc.PutDictionary(dict); err != nil {
		return err
	}
	if enc.NumEntries() != dict.Len() {
		return errors.New("two values of a dictionary are equal")
	}
	index := c.indices(rows)
	stats := cw.PageStatistics()
	if !c.key || stats == nil {
		if stats != nil {
			stats.IncNulls(int64(rows - c.values))
			stats.IncNumValues(int64(c.values))
			c.setBounds(stats, c.distinct(), func(k int) int32 { return int32(k) })
		}
		return cw.WriteDictIndices(index, levels, nil)
	}
	for row, value := 0, 0; row < rows; row += batchRows {
		n := min(batchRows, rows-row)
		set, batch := n, levels
		if levels != nil {
			set, batch = 0, levels[row:row+n]
			for _, l := range batch {
				set += int(l)
			}
		}
		stats.IncNulls(int64(n - set))
		stats.IncNumValues(int64(set))
		part := c.index[value : value+set]
		if set > 0 {
			c.setBounds(stats, set, func(k int) int32 { return part[k] })
			enc.AddRawSize(c.size(part))
		}
		if err := cw.WriteDictIndices(array.NewSlice(index, int64(row), int64(row+n)), batch, nil); err != nil {
			return err
		}
		value += set
	}
	return nil
}

// indices returns the index of every row; those without a value are null.
func (c *columnBuffer) indices(rows int) arrow.Array {
	if c.values == rows {
		return array.NewInt32Data(primitive(arrow.PrimitiveTypes.Int32, arrow.Int32Traits.CastToBytes(c.index), rows))
	}
	valid, spaced, value := make([]byte, (rows+7)/8), make([]int32, rows), 0
	for row, level := range c.levels {
		if level == 1 {
			valid[row/8] |= 1 << (row % 8)
			spaced[row] = c.index[value]
			value++
		}
	}
	return array.NewInt32Data(array.NewData(arrow.PrimitiveTypes.Int32, rows,
		[]*arrowmem.Buffer{arrowmem.NewBufferBytes(valid), arrowmem.NewBufferBytes(arrow.Int32Traits.CastToBytes(spaced))}, nil, rows-c.values, 0))
}

// setBounds widens the statistics to the least and the greatest of n values.
// What arrow-go has for that overlooks empty texts.
func (c *columnBuffer) setBounds(stats metadata.TypedStatistics, n int, at func(int) int32) {
	lo, hi := at(0), at(0)
	last := lo
	for k := range n {
		i := at(k)
		if i == last { // runs are long: rows are in the order of their keys
			continue
		}
		last = i
		if c.compare(i, lo) < 0 {
			lo = i
		}
		if c.compare(i, hi) > 0 {
			hi = i
		}
	}
	switch s := stats.(type) {
	case *metadata.ByteArrayStatistics:
		s.SetMinMax(c.text(lo), c.text(hi))
	case *metadata.Int32Statistics:
		s.SetMinMax(int32(c.longs[lo]), int32(c.longs[hi]))
	case *metadata.Int64Statistics:
		s.SetMinMax(c.longs[lo], c.longs[hi])
	}
}

func (c *columnBuffer) compare(a, b int32) int {
	if c.kind == schemas.Text {
		return bytes.Compare(c.text(a), c.text(b))
	}
	return cmp.Compare(c.longs[a], c.longs[b])
}

// size is how many bytes the values take without a dictionary.
func (c *columnBuffer) size(index []int32) int64 {
	if c.kind != schemas.Text {
		return 8 * int64(len(index))
	}
	n := 4 * len(index)
	for _, i := range index {
		n += len(c.text(i))
	}
	return int64(n)
}

// array returns the distinct values as Arrow has them.
func (c *columnBuffer) array() arrow.Array {
	n := c.distinct()
	switch c.kind {
	case schemas.Text:
		return array.NewBinaryData(array.NewData(arrow.BinaryTypes.Binary, n,
			[]*arrowmem.Buffer{nil, arrowmem.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.ends)), arrowmem.NewBufferBytes(c.texts)}, nil, 0, 0))
	case schemas.Day:
		days := as(c.longs, func(v int64) int32 { return int32(v) })
		return array.NewInt32Data(primitive(arrow.PrimitiveTypes.Int32, arrow.Int32Traits.CastToBytes(days), n))
	}
	return array.NewInt64Data(primitive(arrow.PrimitiveTypes.Int64, arrow.Int64Traits.CastToBytes(c.longs), n))
}

func primitive(t arrow.DataType, values []byte, n int) arrow.ArrayData {
	return array.NewData(t, n, []*arrowmem.Buffer{nil, arrowmem.NewBufferBytes(values)}, nil, 0, 0)
}
