package reconcile

import (
	"bytes"
	"encoding"
	"encoding/json"
	"strconv"

	"tallyport/schemas"
)

// stateText is what is left of a line; odd, once it is not as expected.
type stateText struct {
	line, rest []byte
	odd        bool

	piece string // of the line
	from  int    // where the piece begins
}

// pieceBytes is how much is copied of a line at a time. Whatever text is kept
// keeps its piece.
const pieceBytes = 512

// text is a copy of a part of the line.
func (s *stateText) text(part []byte) string {
	if len(part) == 0 {
		return ""
	}
	at := cap(s.line) - cap(part)
	end := at + len(part)
	if at < s.from || end > s.from+len(s.piece) {
		s.from, s.piece = at, string(s.line[at:min(max(end, at+pieceBytes), len(s.line))])
	}
	return s.piece[at-s.from : end-s.from]
}

func (s *stateText) take(c byte) bool {
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *stateText) need(c byte) {
	if !s.take(c) {
		s.odd, s.rest = true, nil
	}
}

// object visits the names of an object; visit takes the value.
func (s *stateText) object(visit func(name string)) {
	s.need('{')
	for more := !s.take('}'); more && !s.odd; more = !s.odd && s.take(',') {
		name := s.quoted()
		s.need(':')
		visit(s.text(name))
		if len(s.rest) == 0 || s.rest[0] != ',' {
			s.need('}')
			return
		}
	}
}

// array visits the places of an array; visit takes the value.
func (s *stateText) array(visit func()) {
	s.need('[')
	if s.take(']') {
		return
	}
	for !s.odd {
		visit()
		if !s.take(',') {
			s.need(']')
			return
		}
	}
}

// quoted takes a string without escapes.
func (s *stateText) quoted() []byte {
	s.need('"')
	n := bytes.IndexByte(s.rest, '"')
	if n < 0 || bytes.IndexByte(s.rest[:n], '\\') >= 0 {
		s.odd, s.rest = true, nil
		return nil
	}
	text := s.rest[:n]
	s.rest = s.rest[n+1:]
	return text
}

// number takes the digits of a number.
func (s *stateText) number() string {
	n := 0
	for n < len(s.rest) && (s.rest[n] == '-' || s.rest[n] >= '0' && s.rest[n] <= '9') {
		n++
	}
	digits := s.text(s.rest[:n])
	s.rest = s.rest[n:]
	return digits
}

func integer[N ~int | ~int32 | ~int64 | ~uint8](s *stateText, to *N) {
	n, err := strconv.ParseInt(s.number(), 10, 64)
	*to = N(n)
	if err != nil || int64(*to) != n {
		s.odd, s.rest = true, nil
	}
}

func (s *stateText) unsigned(to *uint64) {
	n, err := strconv.ParseUint(s.number(), 10, 64)
	if *to = n; err != nil {
		s.odd, s.rest = true, nil
	}
}

func words[S ~string](s *stateText, to *S) { *to = S(s.text(s.quoted())) }

func (s *stateText) unmarshal(to encoding.TextUnmarshaler) {
	if err := to.UnmarshalText(s.quoted()); err != nil {
		s.odd, s.rest = true, nil
	}
}

func (s *stateText) instant(to **schemas.Timestamp) {
	*to = new(schemas.Timestamp)
	s.unmarshal(*to)
}

// yes takes true; false is never written.
func (s *stateText) yes(to *bool) {
	*to = bytes.HasPrefix(s.rest, []byte("true"))
	if s.odd = s.odd || !*to; s.odd {
		s.rest = nil
		return
	}
	s.rest = s.rest[4:]
}

// other takes a value of any form.
func (s *stateText) other(to any) {
	depth, inside := 0, false
	for i, c := range s.rest {
		switch {
		case c == '\\': // which of its quotes is the last is not for us to say
			s.odd, s.rest = true, nil
			return
		case c == '"':
			inside = !inside
		case inside:
		case c == '{' || c == '[':
			depth++
		case depth > 0 && (c == '}' || c == ']'):
			depth--
		case depth == 0 && (c == ',' || c == '}' || c == ']'):
			if json.Unmarshal(s.rest[:i], to) != nil {
				s.odd, s.rest = true, nil
				return
			}
			s.rest = s.rest[i:]
			return
		}
	}
	s.odd, s.rest = true, nil
}
