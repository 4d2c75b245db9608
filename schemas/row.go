package schemas

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/cespare/xxhash/v2"
)

// Value is one cell. The zero Value is null.
type Value struct {
	Set  bool   // false: null, or missing in the API's answer
	Int  int64  // every kind but Text; a Bool is 0 or 1, a Float its bits
	Text []byte // Text only
}

// TextValue, IntValue, BoolValue and FloatValue make cells that are not null.
func TextValue[S ~string | ~[]byte](s S) Value { return Value{Set: true, Text: []byte(s)} }

func IntValue[N ~int | ~int32 | ~int64](n N) Value { return Value{Set: true, Int: int64(n)} }

func BoolValue(b bool) Value {
	v := Value{Set: true}
	if b {
		v.Int = 1
	}
	return v
}

func FloatValue(f float64) Value { return Value{Set: true, Int: int64(math.Float64bits(f))} }

// Float returns the number of a Float cell.
func (v Value) Float() float64 { return math.Float64frombits(uint64(v.Int)) }

// String returns the text of a Text cell, "" for null.
func (v Value) String() string { return string(v.Text) }

// Row is one record in its canonical form: eight bytes of row_hash, then for
// each cell that is not null its field id and its value. Equal rows have equal
// bytes. FORMAT.md specifies it; the journal of an unfinished export holds it.
type Row []byte

// ErrRow is returned for bytes that are no Row of the table.
var ErrRow = errors.New("schemas: not a row of this table")

const hashBytes = 8

// Hash is the row's row_hash.
func (r Row) Hash() uint64 { return binary.LittleEndian.Uint64(r) }

// AppendRow appends the Row of vals (one for each of the table's Width
// columns) to dst.
func (t *Table) AppendRow(dst []byte, vals []Value) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	end := start + hashBytes
	for k, i := range t.order {
		if v := &vals[i]; v.Set {
			dst = append(dst, byte(t.Columns[i].ID))
			switch t.Columns[i].Kind {
			case Text:
				dst = binary.AppendUvarint(dst, uint64(len(v.Text)))
				dst = append(dst, v.Text...)
			case Bool:
				dst = append(dst, byte(v.Int))
			case Float:
				dst = binary.LittleEndian.AppendUint64(dst, uint64(v.Int))
			default:
				dst = binary.AppendVarint(dst, v.Int)
			}
		}
		if k == t.hashed-1 {
			end = len(dst)
		}
	}
	binary.LittleEndian.PutUint64(dst[start:], xxhash.Sum64(dst[start+hashBytes:end]))
	return dst
}

// Decode fills vals (Width of them) from r. Text values point into r.
func (t *Table) Decode(r Row, vals []Value) error {
	if len(r) < hashBytes || len(vals) < t.Width() {
		return ErrRow
	}
	clear(vals)
	for b := []byte(r[hashBytes:]); len(b) > 0; {
		var v Value
		i, rest, ok := t.next(b, &v)
		if !ok {
			return ErrRow
		}
		vals[i] = v
		b = rest
	}
	return nil
}

// Cell is a cell that is not null, and where it belongs.
type Cell struct {
	Column int // of the table
	Value
}

// AppendCells appends the cells of r that are not null to dst, in no particular
// order. Text values point into r.
func (t *Table) AppendCells(dst []Cell, r Row) ([]Cell, error) {
	if len(r) < hashBytes {
		return dst, ErrRow
	}
	for b := []byte(r[hashBytes:]); len(b) > 0; {
		dst = append(dst, Cell{})
		c := &dst[len(dst)-1]
		var ok bool
		if c.Column, b, ok = t.next(b, &c.Value); !ok {
			return dst, ErrRow
		}
	}
	return dst, nil
}

// next reads one cell of a Row into v, and returns its column and what follows.
func (t *Table) next(b []byte, v *Value) (i int, rest []byte, ok bool) {
	if len(b) < 2 || b[0] > maxFieldID || t.byID[b[0]].column < 0 {
		return 0, nil, false
	}
	cell := t.byID[b[0]]
	i, b = int(cell.column), b[1:]
	v.Set = true
	switch cell.kind {
	case Bool:
		v.Int = int64(b[0])
		return i, b[1:], true
	case Float:
		if len(b) < 8 {
			return 0, nil, false
		}
		v.Int = int64(binary.LittleEndian.Uint64(b))
		return i, b[8:], true
	case Text:
		n, w := uint64(b[0]), 1
		if n >= 0x80 {
			n, w = binary.Uvarint(b)
		}
		if w <= 0 || n > uint64(len(b)-w) {
			return 0, nil, false
		}
		end := w + int(n)
		v.Text = b[w:end:end]
		return i, b[end:], true
	}
	n, w := binary.Varint(b)
	if w <= 0 {
		return 0, nil, false
	}
	v.Int = n
	return i, b[w:], true
}

// AppendKey appends bytes whose order under bytes.Compare is the order of rows
// within a part: the key columns in turn, null before any value.
func (t *Table) AppendKey(dst []byte, vals []Value) []byte {
	for _, i := range t.key {
		dst = t.appendKeyCell(dst, i, vals[i])
	}
	return dst
}

// AppendRowKey is AppendKey for a row that was not decoded.
func (t *Table) AppendRowKey(dst []byte, r Row) ([]byte, error) {
	if len(r) < hashBytes {
		return nil, ErrRow
	}
	var cells [maxKey]Value
	for b := []byte(r[hashBytes:]); len(b) > 0 && int32(b[0]) <= t.lastKeyID && b[0] >= firstFieldID; {
		var v Value
		i, rest, ok := t.next(b, &v)
		if !ok {
			return nil, ErrRow
		}
		if k := t.Columns[i].keyRank; k > 0 {
			cells[k-1] = v
		}
		b = rest
	}
	for k, i := range t.key {
		dst = t.appendKeyCell(dst, i, cells[k])
	}
	return dst, nil
}

func (t *Table) appendKeyCell(dst []byte, i int, v Value) []byte {
	if !v.Set {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	if t.Columns[i].Kind != Text {
		return binary.BigEndian.AppendUint64(dst, uint64(v.Int)^1<<63)
	}
	text := v.Text
	for { // 0x00 must not look like the end of the text
		n := bytes.IndexByte(text, 0)
		if n < 0 {
			return append(append(dst, text...), 0, 0)
		}
		dst = append(append(dst, text[:n]...), 0, 0xff)
		text = text[n+1:]
	}
}

// Rows is a list of rows of one table that share one buffer.
type Rows struct {
	Table *Table
	buf   []byte
	ends  []int
}

// Len is the number of rows.
func (r *Rows) Len() int { return len(r.ends) }

// Size is the number of bytes the rows take.
func (r *Rows) Size() int { return len(r.buf) }

// At returns row i, which is valid until the next Reset.
func (r *Rows) At(i int) Row {
	start := 0
	if i > 0 {
		start = r.ends[i-1]
	}
	return Row(r.buf[start:r.ends[i]:r.ends[i]])
}

// Append adds the row of vals.
func (r *Rows) Append(vals []Value) {
	r.buf = r.Table.AppendRow(r.buf, vals)
	r.ends = append(r.ends, len(r.buf))
}

// AppendRow adds a copy of row.
func (r *Rows) AppendRow(row Row) {
	r.buf = append(r.buf, row...)
	r.ends = append(r.ends, len(r.buf))
}

// Truncate keeps the first n rows.
func (r *Rows) Truncate(n int) {
	end := 0
	if n > 0 {
		end = r.ends[n-1]
	}
	r.buf, r.ends = r.buf[:end], r.ends[:n]
}

// Clone returns a copy that takes no more memory than it needs, nil if that is
// not much less than r takes.
func (r *Rows) Clone() *Rows {
	if cap(r.buf) <= 2*len(r.buf)+256 {
		return nil
	}
	return &Rows{Table: r.Table, buf: append([]byte(nil), r.buf...), ends: append([]int(nil), r.ends...)}
}

// Reset empties the list and keeps its memory.
func (r *Rows) Reset() { r.buf, r.ends = r.buf[:0], r.ends[:0] }

// Shard returns the shard, of n, that holds every row of the user. n is a
// power of two, so that shard s of n is split into s and s+n when n doubles.
func (u UserID) Shard(n int) int { return int(xxhash.Sum64String(string(u)) & uint64(n-1)) }
