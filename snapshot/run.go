package snapshot

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"

	"tallyport/schemas"
)

// blockBytes is how many bytes of rows one block of a run holds. A merge has
// one block of each of its runs in memory.
const blockBytes = 64 << 10

// runRef says where a sorted run stands in a journal.
type runRef struct {
	Off    int64 `json:"off"`    // of its first block
	Blocks int   `json:"blocks"` // which follow each other
	Rows   int64 `json:"rows"`   // of all of them
}

// Run gathers the rows of one walk. It belongs to one goroutine.
type Run struct {
	b       *Batch
	rows    schemas.Rows
	spilled []runRef
}

// Add takes a copy of the rows.
func (r *Run) Add(rows *schemas.Rows) error {
	for i := range rows.Len() {
		r.rows.AppendRow(rows.At(i))
		if r.rows.Size() >= r.b.w.limits.spill {
			if err := r.spill(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Each visits the rows that were added, in no particular order.
func (r *Run) Each(visit func(schemas.Row) error) error {
	for i := range r.rows.Len() {
		if err := visit(r.rows.At(i)); err != nil {
			return err
		}
	}
	if len(r.spilled) == 0 {
		return nil
	}
	return merge(r.b.journal, r.rows.Table, r.spilled, visit)
}

// Reset forgets every row: the walk starts again.
func (r *Run) Reset() {
	r.rows.Reset()
	r.spilled = r.spilled[:0]
}

func (r *Run) spill() error {
	blocks, n, err := encodeRun(nil, &r.rows)
	if err != nil {
		return err
	}
	ref := runRef{Blocks: n, Rows: int64(r.rows.Len())}
	if err := r.b.journal.append(func(at int64) []byte { ref.Off = at; return blocks }); err != nil {
		return err
	}
	r.spilled = append(r.spilled, ref)
	r.rows.Reset()
	return nil
}

// encodeRun sorts the rows and appends them to dst as block frames.
func encodeRun(dst []byte, rows *schemas.Rows) (_ []byte, blocks int, err error) {
	order, err := sorted(rows)
	if err != nil {
		return nil, 0, err
	}
	var raw, packed []byte
	flush := func() {
		packed = s2.Encode(packed[:cap(packed)], raw)
		dst = appendFrame(dst, frameBlock, packed)
		raw = raw[:0]
		blocks++
	}
	for _, i := range order {
		row := rows.At(i)
		raw = binary.AppendUvarint(raw, uint64(len(row)))
		if raw = append(raw, row...); len(raw) >= blockBytes {
			flush()
		}
	}
	if len(raw) > 0 {
		flush()
	}
	return dst, blocks, nil
}

// sorted returns the indexes of the rows in key order, ties by content.
func sorted(rows *schemas.Rows) ([]int, error) {
	type entry struct{ start, end, row int }
	entries := make([]entry, rows.Len())
	order := make([]int, rows.Len())
	var keys []byte
	for i := range entries {
		start := len(keys)
		var err error
		if keys, err = rows.Table.AppendRowKey(keys, rows.At(i)); err != nil {
			return nil, err
		}
		entries[i] = entry{start, len(keys), i}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if c := bytes.Compare(keys[a.start:a.end], keys[b.start:b.end]); c != 0 {
			return c
		}
		return bytes.Compare(rows.At(a.row), rows.At(b.row))
	})
	for i, e := range entries {
		order[i] = e.row
	}
	return order, nil
}

// runReader reads the rows of one run in their order.
type runReader struct {
	j      *journal
	table  *schemas.Table
	off    int64
	blocks int // still to be read

	packed, raw []byte // of the present block; rest is what is left of raw
	rest        []byte
	row         schemas.Row
	key         []byte
}

// next steps to the next row and reports whether there is one.
func (r *runReader) next() (bool, error) {
	if len(r.rest) == 0 {
		if r.blocks == 0 {
			r.packed, r.raw, r.row = nil, nil, nil
			return false, nil
		}
		if err := r.nextBlock(); err != nil {
			return false, fmt.Errorf("journal %s at %d: %w", r.j.name, r.off, err)
		}
	}
	n, w := binary.Uvarint(r.rest)
	if w <= 0 || n > uint64(len(r.rest)-w) {
		return false, fmt.Errorf("journal %s before %d: %w", r.j.name, r.off, ErrDamaged)
	}
	r.row = schemas.Row(r.rest[w : w+int(n)])
	r.rest = r.rest[w+int(n):]
	var err error
	r.key, err = r.table.AppendRowKey(r.key[:0], r.row)
	return true, err
}

func (r *runReader) nextBlock() error {
	kind, payload, err := r.j.read(r.off, &r.packed)
	switch {
	case errors.Is(err, errTornFrame), err == nil && kind != frameBlock:
		return ErrDamaged
	case err != nil:
		return err
	}
	if r.raw, err = s2.Decode(r.raw[:cap(r.raw)], payload); err != nil {
		return fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	r.off += frameHeader + int64(len(payload))
	r.blocks--
	r.rest = r.raw
	return nil
}

// merge yields the rows of the runs in key order, one input's block in memory
// each, and drops a row that is equal to the one before it: a list that moved
// while it was walked can serve a row twice. A table without guids of its own
// may hold equal rows, so nothing is dropped there.
func merge(j *journal, t *schemas.Table, refs []runRef, yield func(schemas.Row) error) error {
	heap := make([]*runReader, 0, len(refs))
	for _, ref := range refs {
		r := &runReader{j: j, table: t, off: ref.Off, blocks: ref.Blocks}
		ok, err := r.next()
		if err != nil {
			return err
		}
		if ok {
			heap = append(heap, r)
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	distinct := t.Identified()
	var last []byte
	for len(heap) > 0 {
		r := heap[0]
		if !distinct || !bytes.Equal(r.row, last) {
			if err := yield(r.row); err != nil {
				return err
			}
			if distinct {
				last = append(last[:0], r.row...)
			}
		}
		ok, err := r.next()
		if err != nil {
			return err
		}
		if !ok {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		sink(heap, 0)
	}
	return nil
}

// sink moves the reader at i down the heap to where it belongs.
func sink(heap []*runReader, i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(heap); c++ {
			if less(heap[c], heap[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}

func less(a, b *runReader) bool {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c < 0
	}
	if c := bytes.Compare(a.row, b.row); c != 0 {
		return c < 0
	}
	return cmp.Less(a.off, b.off)
}
