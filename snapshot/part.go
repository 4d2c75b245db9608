package snapshot

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"tallyport/schemas"
)

// A part is one file of one table: the rows of one shard in key order.

// partWriter is a codec's writing half.
type partWriter interface {
	// write takes a copy of what it needs of the cells of a row that are not
	// null.
	write(cells []schemas.Cell) error
	// close ends the file's content; it does not close the Out below.
	close() error
}

// partSums is what the content of a part adds up to. Sums wrap at 2^64: they
// are compared, never read.
type partSums struct {
	Rows    int64    `json:"rows"`
	Hash    uint64   `json:"hash"`    // of row_hash
	Amounts []uint64 `json:"amounts"` // of each money column, in column order
}

// part is a written part, as the marker of its shard records it.
type part struct {
	FileInfo
	Table string   `json:"table"`
	Sums  partSums `json:"sums"`
}

// layout is how the parts of a snapshot are written.
type layout struct {
	format Format
	csvRaw bool
	at     schemas.Timestamp // snapshot_at
}

func (p *Plan) layout(id ID) layout {
	return layout{format: p.Format, csvRaw: p.CSVRaw, at: schemas.TimestampOf(id.Time())}
}

// cells appends to dst the cells of the row that are not null, and what every
// row of the snapshot has in common.
func (l layout) cells(dst []schemas.Cell, t *schemas.Table, row schemas.Row) ([]schemas.Cell, error) {
	dst, err := t.AppendCells(dst, row)
	if err != nil {
		return dst, err
	}
	n := t.Width()
	return append(dst,
		schemas.Cell{Column: n, Value: schemas.IntValue(int64(row.Hash()))},
		schemas.Cell{Column: n + 1, Value: schemas.IntValue(l.at)}), nil
}

func partName(t *schemas.Table, shard int, f Format) string {
	return fmt.Sprintf("%s/part-%04d.%s", t.Name, shard, f)
}

// writePart writes the rows that each yields to a new file, durably.
func writePart(st Store, name string, t *schemas.Table, l layout, expect int64, each func(yield func(schemas.Row) error) error) (_ part, err error) {
	out, err := st.Create(name)
	if err != nil {
		return part{}, err
	}
	defer func() {
		if out != nil {
			err = errors.Join(err, out.Close())
		}
	}()
	buf := bufio.NewWriterSize(out, 256<<10)
	sum := &summer{w: buf, hash: sha256.New()}
	var w partWriter
	if l.format == CSV {
		w = newCSVWriter(sum, t, l.csvRaw)
	} else if w, err = newParquetWriter(sum, t, expect); err != nil {
		return part{}, err
	}
	p := part{Table: t.Name, Sums: partSums{Amounts: []uint64{}}}
	adder := newAdder(t, &p.Sums)
	cells := make([]schemas.Cell, 0, len(t.Columns))
	err = each(func(row schemas.Row) (err error) {
		if cells, err = l.cells(cells[:0], t, row); err != nil {
			return err
		}
		adder.addCells(cells)
		return w.write(cells)
	})
	if err = errors.Join(err, w.close()); err == nil {
		err = buf.Flush()
	}
	if err == nil {
		err = out.Sync()
	}
	closing := out
	out = nil
	if err = errors.Join(err, closing.Close()); err != nil {
		return part{}, fmt.Errorf("%s: %w", name, err)
	}
	p.FileInfo = FileInfo{Path: name, Rows: p.Sums.Rows, Bytes: sum.n, SHA256: hex.EncodeToString(sum.hash.Sum(nil))}
	return p, nil
}

// summer hashes and counts what passes through it.
type summer struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (s *summer) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.hash.Write(b[:n])
	s.n += int64(n)
	return n, err
}

// adder adds rows to partSums.
type adder struct {
	sums    *partSums
	amounts []int     // columns
	sum     []*uint64 // by column; nil: not added
}

func newAdder(t *schemas.Table, sums *partSums) *adder {
	a := &adder{sums: sums, sum: make([]*uint64, len(t.Columns))}
	for i, c := range t.Columns {
		if c.Kind == schemas.Amount {
			a.amounts = append(a.amounts, i)
		}
	}
	sums.Amounts = make([]uint64, len(a.amounts))
	for k, i := range a.amounts {
		a.sum[i] = &sums.Amounts[k]
	}
	a.sum[t.Width()] = &sums.Hash
	return a
}

// add adds the cells of a row, one for each of the table's columns.
func (a *adder) add(vals []schemas.Value) {
	a.sums.Rows++
	for i, sum := range a.sum {
		if sum != nil && vals[i].Set {
			*sum += uint64(vals[i].Int)
		}
	}
}

// addCells is add for the cells that are not null.
func (a *adder) addCells(cells []schemas.Cell) {
	a.sums.Rows++
	for i := range cells {
		if sum := a.sum[cells[i].Column]; sum != nil {
			*sum += uint64(cells[i].Int)
		}
	}
}

// scanPart calls visit with the cells of every row of a part, in order: one
// for each of the table's columns, row_hash and snapshot_at last. Only the
// columns wanted are read, all if want is nil; the others are null. The values
// are valid during the call.
func scanPart(st Store, name string, t *schemas.Table, l layout, want []int, visit func(vals []schemas.Value) error) (err error) {
	f, err := st.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if l.format == CSV {
		err = scanCSV(f, t, l, visit)
	} else {
		err = scanParquet(f, t, want, visit)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
