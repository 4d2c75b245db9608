package snapshot

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/s2"

	"tallyport/schemas"
)

// blockBytes is how many bytes of rows one block of a run holds. A merge has
// one block of each of its runs in memory.
const blockBytes = 32 << 10

// runRef says where a sorted run stands in a journal.
type runRef struct {
	Off    int64 `json:"off"`    // of its first block
	Blocks int   `json:"blocks"` // which follow each other
	Rows   int64 `json:"rows"`   // of all of them
}

// Run gathers the rows of one walk. It belongs to one goroutine.
type Run struct {
	b       *Batch
	rows    *schemas.Rows
	idle    int64 // bytes of the rows, once the walk is done
	spilled []runRef
}

// memory is what the runs of a Writer hand on to each other, so that a long
// export does not allocate what it has let go of a moment before.
type memory struct {
	idle     atomic.Int64                  // bytes of rows of finished walks
	encoders sync.Pool                     // of *runEncoder
	rows     map[*schemas.Table]*sync.Pool // of *schemas.Rows, by table: their sizes differ
}

func newMemory() *memory {
	m := &memory{rows: map[*schemas.Table]*sync.Pool{}}
	m.encoders.New = func() any { return new(runEncoder) }
	for _, t := range schemas.Tables() {
		m.rows[t] = &sync.Pool{New: func() any { return &schemas.Rows{Table: t} }}
	}
	return m
}

func (w *Writer) newRun(b *Batch, t *schemas.Table) *Run {
	return &Run{b: b, rows: w.memory.rows[t].Get().(*schemas.Rows)}
}

// release gives the memory of a run back; the run is at its end.
func (r *Run) release() {
	r.setIdle(0)
	r.giveBack()
	r.rows = nil
}

func (r *Run) giveBack() {
	r.rows.Reset()
	r.b.w.memory.rows[r.rows.Table].Put(r.rows)
}

// setIdle counts the bytes that the run holds until its user is committed, and
// returns the count of all runs.
func (r *Run) setIdle(n int64) int64 {
	total := r.b.w.memory.idle.Add(n - r.idle)
	r.idle = n
	return total
}

// Done ends the walk. What finished walks hold while their user is not is
// bounded for all users together; beyond that it goes to the journal.
func (r *Run) Done() error {
	rows := r.rows
	if total := r.setIdle(int64(rows.Size())); total <= r.b.w.limits.idle || rows.Size() < smallRun {
		if small := rows.Clone(); small != nil {
			r.giveBack()
			r.rows = small
		}
		return nil
	}
	if err := r.spill(); err != nil {
		return err
	}
	r.setIdle(0)
	r.giveBack()
	r.rows = &schemas.Rows{Table: rows.Table}
	return nil
}

// smallRun is how many bytes of rows are not worth a run of their own in the
// journal.
const smallRun = 4 << 10

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
	r.setIdle(0)
	r.rows.Reset()
	r.spilled = r.spilled[:0]
}

func (r *Run) spill() error {
	enc := r.b.w.memory.encoders.Get().(*runEncoder)
	defer r.b.w.memory.encoders.Put(enc)
	enc.frames = enc.frames[:0]
	n, err := enc.run(r.rows)
	if err != nil {
		return err
	}
	ref := runRef{Blocks: n, Rows: int64(r.rows.Len())}
	if err := r.b.journal.append(func(at int64) []byte { ref.Off = at; return enc.frames }); err != nil {
		return err
	}
	r.spilled = append(r.spilled, ref)
	r.rows.Reset()
	return nil
}

// runEncoder turns rows into the block frames of sorted runs.
type runEncoder struct {
	frames []byte // of the runs so far

	keys  []byte
	order []keyed
	raw   []byte
}

// keyed is a row with its key, which stands in runEncoder.keys.
type keyed struct {
	start, end, row int
	head            uint64 // the first bytes in which the keys differ, as a number
}

// run sorts the rows and appends them to the frames.
func (e *runEncoder) run(rows *schemas.Rows) (blocks int, err error) {
	if err := e.sort(rows); err != nil {
		return 0, err
	}
	e.raw = e.raw[:0]
	flush := func() {
		e.frames = appendFrameOf(e.frames, frameBlock, func(dst []byte) []byte {
			n := s2.MaxEncodedLen(len(e.raw))
			dst = slices.Grow(dst, n)
			return dst[:len(dst)+len(s2.Encode(dst[len(dst):len(dst)+n], e.raw))]
		})
		e.raw = e.raw[:0]
		blocks++
	}
	for _, k := range e.order {
		row := rows.At(k.row)
		e.raw = binary.AppendUvarint(e.raw, uint64(len(row)))
		if e.raw = append(e.raw, row...); len(e.raw) >= blockBytes {
			flush()
		}
	}
	if len(e.raw) > 0 {
		flush()
	}
	return blocks, nil
}

// sort puts the rows in key order, ties by content.
func (e *runEncoder) sort(rows *schemas.Rows) (err error) {
	e.keys, e.order = e.keys[:0], e.order[:0]
	same := 0 // leading bytes that all keys have in common
	for i := range rows.Len() {
		start := len(e.keys)
		if e.keys, err = rows.Table.AppendRowKey(e.keys, rows.At(i)); err != nil {
			return err
		}
		if i == 0 {
			same = len(e.keys)
		}
		same = inCommon(e.keys[:same], e.keys[start:])
		e.order = append(e.order, keyed{start: start, end: len(e.keys), row: i})
	}
	for i := range e.order {
		k := &e.order[i]
		k.start += same
		var head [8]byte
		copy(head[:], e.keys[k.start:k.end])
		k.head = binary.BigEndian.Uint64(head[:])
	}
	slices.SortFunc(e.order, func(a, b keyed) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		if c := bytes.Compare(e.keys[a.start:a.end], e.keys[b.start:b.end]); c != 0 {
			return c
		}
		return bytes.Compare(rows.At(a.row), rows.At(b.row))
	})
	return nil
}

// inCommon is how many leading bytes a and b have in common.
func inCommon(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	return i
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
	alone       bool // there is no other run to compare with
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
	if r.alone {
		return true, nil
	}
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
		r := &runReader{j: j, table: t, off: ref.Off, blocks: ref.Blocks, alone: len(refs) == 1}
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
