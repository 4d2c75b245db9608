package atrium

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// Limits of what is accepted from the wire. MX states none; these are far above
// anything it serves, and below what could hurt.
const (
	maxRecord  = 4 << 20 // bytes of one record, or of one other value of the envelope
	maxString  = 1 << 20 // bytes of one string, as written
	maxDepth   = 64      // of brackets, those of the envelope included
	maxFields  = 1000    // of one object
	maxRecords = 10_000  // of one page

	maxEnvelope = 100 // fields

	firstBuffer = 64 << 10
	keptBuffer  = 1 << 20 // a buffer that had to grow beyond this is not kept
)

// slack is the number of zero bytes kept behind the text in the buffer. A zero
// is not JSON, neither inside a string nor outside, so every loop stops there
// by itself, and eight bytes can be loaded at any position of the text.
const slack = 16

// Why a document cannot be decoded at all. Only errTruncated is worth another
// try; errShort never leaves the scanner.
var (
	errTruncated = errors.New("the answer ended too early")
	errSyntax    = errors.New("the answer is not valid JSON")
	errDepth     = errors.New("the answer is nested more than 64 deep")
	errTooLong   = errors.New("the answer has a value of more than 4 MiB")
	errShort     = errors.New("more text is needed")
)

// scanner reads a JSON document through a bounded buffer. It works on one
// contiguous piece at a time, a record or another value of the envelope: a
// piece that the buffer does not hold whole fails with errShort, and is scanned
// again from its start once more has been read. Pieces are far smaller than
// the buffer, so little is scanned twice, and no inner loop has to ask whether
// there is more to read.
//
// Scanning functions take a position in buf and return the position behind
// what they scanned, or -1 with err set.
type scanner struct {
	src      io.Reader
	buf      []byte // the text is buf[pos:end]; slack zeros follow it
	pos, end int
	eof      bool
	err      error
}

func (s *scanner) reset(src io.Reader) {
	if s.buf == nil || len(s.buf) > keptBuffer+slack {
		s.buf = make([]byte, firstBuffer+slack)
	}
	s.src, s.pos, s.end, s.eof, s.err = src, 0, 0, false, nil
	clear(s.buf[:slack])
}

// fail reports that JSON does not go on with the byte at i. Behind the end of
// the text that is no error yet.
func (s *scanner) fail(i int) int {
	s.err = errSyntax
	if i >= s.end {
		s.err = errShort
	}
	return -1
}

// more reads on after errShort and reports whether scanning from pos can be
// tried again. It fills the buffer to the brim, which keeps the share of text
// that is scanned twice small however small the reads are.
func (s *scanner) more() bool {
	if s.err != errShort {
		return false
	}
	if s.eof {
		s.err = errTruncated
		return false
	}
	s.end = copy(s.buf, s.buf[s.pos:s.end])
	s.pos = 0
	if full := len(s.buf) - slack; s.end == full {
		if full >= maxRecord {
			s.err = errTooLong
			return false
		}
		grown := make([]byte, min(2*full, maxRecord)+slack)
		copy(grown, s.buf)
		s.buf = grown
	}
	for idle := 0; s.end < len(s.buf)-slack && !s.eof; {
		n, err := s.src.Read(s.buf[s.end : len(s.buf)-slack])
		s.end += n
		if idle++; n > 0 {
			idle = 0
		}
		if idle == 100 {
			err = io.ErrNoProgress
		}
		if err == io.EOF {
			s.eof = true
		} else if err != nil {
			s.err = err
			return false
		}
	}
	clear(s.buf[s.end : s.end+slack])
	s.err = nil
	return true
}

// peek moves pos to the next byte that is no white space, and returns it.
func (s *scanner) peek() (byte, bool) {
	for {
		s.pos = skipSpace(s.buf, s.pos)
		if s.pos < s.end {
			return s.buf[s.pos], true
		}
		if s.err = errShort; !s.more() {
			return 0, false
		}
	}
}

// next moves behind the next byte that is no white space, and returns it: 0
// after an error.
func (s *scanner) next() byte {
	c, ok := s.peek()
	if !ok {
		return 0
	}
	s.pos++
	return c
}

// expect is next for a byte that must be c.
func (s *scanner) expect(c byte) bool {
	got := s.next()
	if got != c && s.err == nil {
		s.err = errSyntax
	}
	return got == c
}

// finish checks that nothing but white space follows, and that the source ends
// well: a gzip checksum or a missing last chunk shows only there.
func (s *scanner) finish() error {
	if _, ok := s.peek(); ok {
		return errSyntax
	}
	if s.err != errTruncated {
		return s.err
	}
	return nil
}

func skipSpace(b []byte, i int) int {
	for b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanString returns the position of the quote that ends the string whose text
// begins at i, or of a byte that no string may hold. plain is false if the text
// has escapes or bytes beyond ASCII, and may be false without.
func scanString(b []byte, i int) (end int, plain bool) {
	var beyond uint64
	plain = true
	for {
		w := binary.LittleEndian.Uint64(b[i:])
		beyond |= w
		// The lowest high bit set in stops marks the first quote, backslash or
		// control character of the eight.
		q, e := w^ones*'"', w^ones*'\\'
		stops := ((q-ones)&^q | (e-ones)&^e | (w-ones*' ')&^w) & highs
		if stops == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(stops) / 8
		if b[i] != '\\' {
			return i, plain && beyond&highs == 0
		}
		plain = false
		i += 2
	}
}

// scanNumber returns the position behind the number at i. If the text there is
// no number, ok is false and end is the byte that makes it none.
func scanNumber(b []byte, i int) (end int, ok bool) {
	if b[i] == '-' {
		i++
	}
	switch {
	case b[i] == '0':
		i++
	case isDigit(b[i]):
		i = scanDigits(b, i)
	default:
		return i, false
	}
	if b[i] == '.' {
		if i++; !isDigit(b[i]) {
			return i, false
		}
		i = scanDigits(b, i)
	}
	if b[i] == 'e' || b[i] == 'E' {
		if i++; b[i] == '+' || b[i] == '-' {
			i++
		}
		if !isDigit(b[i]) {
			return i, false
		}
		i = scanDigits(b, i)
	}
	return i, true
}

func scanDigits(b []byte, i int) int {
	for isDigit(b[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// scanWord returns the position behind word if it stands at i; otherwise ok is
// false and end is the first byte that differs.
func scanWord(b []byte, i int, word string) (end int, ok bool) {
	for k := range len(word) {
		if b[i] != word[k] {
			return i, false
		}
		i++
	}
	return i, true
}
