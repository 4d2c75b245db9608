package snapshot

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/klauspost/compress/zstd"
)

// pageReader goes through the pages of one column in one row group after the
// other. It unpacks a page only when it is asked to.
type pageReader struct {
	f    File
	zstd *zstd.Decoder
	at   int64 // of the next page's header
	end  int64 // of the column in this row group
	most int64 // bytes that its pages may take unpacked

	head   pageHeader
	window []byte // what was read of the file
	start  int64  // where the window stands in it
	body   int64  // where the page's data stands in the file
}

// pageHeader is what is needed of Parquet's PageHeader.
type pageHeader struct {
	kind, unpacked, packed int64
	values, encoding       int64
}

// Numbers of the Parquet format.
const (
	dataPage       = 0
	dictionaryPage = 2

	plainEncoding     = 0
	plainDictEncoding = 2
	dictEncoding      = 8
)

// windowBytes is how much is read at a time, if a page does not need more.
const windowBytes = 64 << 10

// maxPage is what a reader believes of a page, in bytes. The writer's are a row
// group's texts at most.
const maxPage = 64 << 20

// newUnpacker returns what unpacks pages, into no more than there is room for:
// a few bytes can say that they are gigabytes.
func newUnpacker(sound bool) (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true), zstd.IgnoreChecksum(sound))
}

// open begins the pages of a column in a row group.
func (p *pageReader) open(f File, chunk *metadata.ColumnChunkMetaData, unpacker *zstd.Decoder) error {
	if chunk.Compression() != compress.Codecs.Zstd {
		return fmt.Errorf("%w: packed with %s", ErrDamaged, chunk.Compression())
	}
	p.at = chunk.DataPageOffset()
	if d := chunk.DictionaryPageOffset(); chunk.HasDictionaryPage() && d > 0 && d < p.at {
		p.at = d
	}
	p.end = p.at + chunk.TotalCompressedSize()
	p.most = min(chunk.TotalUncompressedSize(), maxPage)
	if p.at < 0 || p.end < p.at || p.end > f.Size() {
		return errPages
	}
	p.f, p.zstd, p.window = f, unpacker, p.window[:0]
	return nil
}

// next reads the header of the next page.
func (p *pageReader) next() error {
	for size := int64(512); ; size *= 4 {
		if p.at >= p.end {
			return errPages
		}
		size = min(size, p.end-p.at)
		data, err := p.bytes(p.at, size)
		if err != nil {
			return err
		}
		t := compactReader{data: data}
		head, ok := t.pageHeader()
		if !ok {
			if size == p.end-p.at || size > maxPage {
				return errPages
			}
			continue
		}
		p.head, p.body = head, p.at+int64(t.at)
		if head.packed < 0 || head.packed > p.end-p.body || head.unpacked < 0 || head.unpacked > p.most || head.values < 0 {
			return errPages
		}
		p.at = p.body + head.packed
		return nil
	}
}

// data unpacks the page into buf, or a larger one.
func (p *pageReader) data(buf []byte) ([]byte, error) {
	packed, err := p.bytes(p.body, p.head.packed)
	if err != nil {
		return nil, err
	}
	// With some room to spare the decoder need not look where it writes.
	n := int(p.head.unpacked) + 64
	if cap(buf) < n {
		buf = make([]byte, 0, n+n/16)
	}
	out, err := p.zstd.DecodeAll(packed, buf[:0:n])
	if err != nil || len(out) != int(p.head.unpacked) {
		return nil, errPages
	}
	return buf[:len(out)], nil
}

// bytes returns n bytes of the column from a place in the file on.
func (p *pageReader) bytes(at, n int64) ([]byte, error) {
	if at < p.start || at+n > p.start+int64(len(p.window)) {
		size := min(max(n, windowBytes), p.end-at)
		var kept []byte // what is there of it already
		if at >= p.start && at < p.start+int64(len(p.window)) {
			kept = p.window[at-p.start:]
		}
		if int64(cap(p.window)) < size {
			p.window = make([]byte, size+size/8)
		}
		p.window, p.start = p.window[:size], at
		have := int64(copy(p.window, kept))
		if read, err := p.f.ReadAt(p.window[have:], at+have); err != nil && (err != io.EOF || have+int64(read) < size) {
			p.window = p.window[:0]
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return p.window[at-p.start : at-p.start+n], nil
}

// compactReader reads Thrift's compact protocol, in which Parquet's headers
// are written. Where the data ends early it reports false.
type compactReader struct {
	data []byte
	at   int
}

// Types of the compact protocol.
const (
	compactTrue   = 1
	compactFalse  = 2
	compactByte   = 3
	compactI64    = 6
	compactDouble = 7
	compactBinary = 8
	compactStruct = 12
)

func (t *compactReader) pageHeader() (h pageHeader, ok bool) {
	ok = t.fields(func(id int64, kind byte) bool {
		switch {
		case id == 1:
			return t.int(&h.kind)
		case id == 2:
			return t.int(&h.unpacked)
		case id == 3:
			return t.int(&h.packed)
		case (id == 5 || id == 7) && kind == compactStruct: // of a data page and of a dictionary
			return t.fields(func(id int64, kind byte) bool {
				switch id {
				case 1:
					return t.int(&h.values)
				case 2:
					return t.int(&h.encoding)
				}
				return t.skip(kind, 0)
			})
		}
		return t.skip(kind, 0)
	})
	return h, ok
}

// fields visits the fields of a struct.
func (t *compactReader) fields(visit func(id int64, kind byte) bool) bool {
	for id := int64(0); t.at < len(t.data); {
		head := t.data[t.at]
		t.at++
		if head == 0 {
			return true
		}
		if step := int64(head >> 4); step > 0 {
			id += step
		} else if !t.int(&id) {
			return false
		}
		if !visit(id, head&15) {
			return false
		}
	}
	return false
}

func (t *compactReader) int(v *int64) bool {
	n, w := binary.Varint(t.data[t.at:])
	if w <= 0 {
		return false
	}
	*v = n
	t.at += w
	return true
}

// skip passes over a value.
func (t *compactReader) skip(kind byte, depth int) bool {
	size := uint64(0)
	switch {
	case kind == compactTrue || kind == compactFalse:
	case kind == compactByte:
		size = 1
	case kind > compactByte && kind <= compactI64:
		var v int64
		return t.int(&v)
	case kind == compactDouble:
		size = 8
	case kind == compactBinary:
		n, w := binary.Uvarint(t.data[t.at:])
		if w <= 0 {
			return false
		}
		t.at += w
		size = n
	case kind == compactStruct && depth < 8:
		return t.fields(func(_ int64, kind byte) bool { return t.skip(kind, depth+1) })
	default: // no header of a page has lists
		return false
	}
	if size > uint64(len(t.data)-t.at) {
		return false
	}
	t.at += int(size)
	return true
}
