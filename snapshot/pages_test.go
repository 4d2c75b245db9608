package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// pageOf is a page with a header that may lie.
func pageOf(unpacked, packed, values int64, body []byte) []byte {
	var b []byte
	for _, n := range []int64{dataPage, unpacked, packed} {
		b = binary.AppendVarint(append(b, 1<<4|5), n)
	}
	b = append(b, 2<<4|compactStruct)
	for _, n := range []int64{values, plainEncoding} {
		b = binary.AppendVarint(append(b, 1<<4|5), n)
	}
	return append(append(b, 0, 0), body...)
}

// What a page says of itself is not believed beyond what its row group can
// hold, and nothing is unpacked beyond what it says.
func TestHostilePages(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	small, bomb := enc.EncodeAll(make([]byte, 1000), nil), enc.EncodeAll(make([]byte, 256<<20), nil)
	unpacker, err := newUnpacker(false)
	if err != nil {
		t.Fatal(err)
	}
	defer unpacker.Close()
	for _, c := range []struct {
		name             string
		unpacked, packed int64
		body             []byte
		ok               bool
	}{
		{"sound", 1000, int64(len(small)), small, true},
		{"unpacks to more", 1000, int64(len(bomb)), bomb, false},
		{"says less", 999, int64(len(small)), small, false},
		{"says more than the column", 2001, int64(len(small)), small, false},
		{"longer than the file", 1000, math.MaxInt64, small, false},
		{"negative", 1000, -1, small, false},
		{"not packed", 1000, 1000, make([]byte, 1000), false},
	} {
		content := pageOf(c.unpacked, c.packed, 10, c.body)
		p := pageReader{f: bytesFile{bytes.NewReader(content)}, zstd: unpacker, end: int64(len(content)), most: 2000}
		err := p.next()
		var data []byte
		if err == nil {
			data, err = p.data(nil)
		}
		if c.ok != (err == nil) || !c.ok && !errors.Is(err, ErrDamaged) || cap(data) > 4000 {
			t.Errorf("%s: %d bytes, %v", c.name, len(data), err)
		}
	}
}

// The checksum of a page is looked at unless the file's digest was.
func TestPageChecksum(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	body := enc.EncodeAll(make([]byte, 1000), nil)
	body[len(body)-1] ^= 1 // of the checksum
	content := pageOf(1000, int64(len(body)), 10, body)
	for _, sound := range []bool{false, true} {
		unpacker, err := newUnpacker(sound)
		if err != nil {
			t.Fatal(err)
		}
		defer unpacker.Close()
		p := pageReader{f: bytesFile{bytes.NewReader(content)}, zstd: unpacker, end: int64(len(content)), most: 2000}
		if err := p.next(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.data(nil); (err == nil) != sound {
			t.Errorf("sound %v: %v", sound, err)
		}
	}
}
