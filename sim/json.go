package sim

import (
	"strconv"
	"unicode/utf8"
)

// encoder appends JSON by hand: encoding/json would cost more than all the
// rest of a page. It remembers where the fields of the open record begin, so
// that a record can be shown with its keys in another order, and so that Truth
// can hand out the very literals that are served.
type encoder struct {
	b       []byte
	first   int   // where the open record begins
	marks   []int // where each field of the open record begins, its quote
	shuffle uint64
	scratch []byte
	ascii   bool // the open record writes what is not ASCII as \uXXXX
}

func (e *encoder) begin() {
	e.b = append(e.b, '{')
	e.first = len(e.b)
	e.marks = e.marks[:0]
}

// end closes the record; with a shuffle seed its fields change places.
func (e *encoder) end() {
	if e.shuffle != 0 {
		e.permute()
	}
	e.b = append(e.b, '}')
}

func (e *encoder) name(k string) {
	b := e.b
	if len(e.marks) > 0 {
		b = append(b, ',')
	}
	e.marks = append(e.marks, len(b))
	b = append(b, '"')
	b = append(b, k...)
	e.b = append(b, '"', ':')
}

// field returns the bytes of field i of the open record, without its comma.
func (e *encoder) field(i int) []byte {
	end := len(e.b)
	if i+1 < len(e.marks) {
		end = e.marks[i+1] - 1
	}
	return e.b[e.marks[i]:end]
}

// permute rewrites the open record with its fields in an order that depends on
// the shuffle seed and the number of fields only, and with the white space
// that another serializer might have written.
func (e *encoder) permute() {
	var order [64]uint8
	n := min(len(e.marks), len(order))
	h := e.shuffle
	for i := range n {
		h = mix(h + golden)
		j := pick(h, i+1)
		order[i], order[j] = order[j], uint8(i)
	}
	glue := [...]string{",", ", ", ",\n  "}[e.shuffle%3]
	e.scratch = e.scratch[:0]
	for i, f := range order[:n] {
		if i > 0 {
			e.scratch = append(e.scratch, glue...)
		}
		e.scratch = append(e.scratch, e.field(int(f))...)
	}
	for i := n; i < len(e.marks); i++ {
		e.scratch = append(append(e.scratch, ','), e.field(i)...)
	}
	e.b = append(e.b[:e.first], e.scratch...)
}

// replace puts another literal in the place of a field's value, if the record
// has the field.
func (e *encoder) replace(name, literal string) {
	for i := range e.marks {
		f := e.field(i)
		if len(f) < len(name)+3 || string(f[1:len(name)+1]) != name || f[len(name)+1] != '"' {
			continue
		}
		at := e.marks[i] + len(name) + 3
		tail := append([]byte(nil), e.b[e.marks[i]+len(f):]...)
		shift := at + len(literal) - (e.marks[i] + len(f))
		e.b = append(append(e.b[:at], literal...), tail...)
		for j := i + 1; j < len(e.marks); j++ {
			e.marks[j] += shift
		}
		return
	}
}

func (e *encoder) null(k string) {
	e.name(k)
	e.b = append(e.b, "null"...)
}

// raw writes a literal that is JSON already.
func (e *encoder) raw(k, literal string) {
	e.name(k)
	e.b = append(e.b, literal...)
}

func (e *encoder) str(k, s string) {
	e.name(k)
	e.b = appendString(e.b, s, e.ascii)
}

// strOrNull writes null for the empty string.
func (e *encoder) strOrNull(k, s string) {
	if s == "" {
		e.null(k)
		return
	}
	e.str(k, s)
}

func (e *encoder) guid(k string, g *guid) {
	e.name(k)
	b := append(e.b, '"')
	b = append(b, g[:]...)
	e.b = append(b, '"')
}

func (e *encoder) bool(k string, v bool) {
	e.name(k)
	e.b = strconv.AppendBool(e.b, v)
}

func (e *encoder) int(k string, v int) {
	e.name(k)
	e.b = strconv.AppendInt(e.b, int64(v), 10)
}

// time writes an instant, null for zero.
func (e *encoder) time(k string, unix int64, form stamp) {
	if unix == 0 {
		e.null(k)
		return
	}
	e.name(k)
	b := append(e.b, '"')
	b = appendTime(b, unix, form)
	e.b = append(b, '"')
}

func (e *encoder) date(k string, day int32) {
	e.name(k)
	e.b = append(e.b, '"')
	e.b = appendDate(e.b, day)
	e.b = append(e.b, '"')
}

// money writes cents as a number in one of the forms that a server may choose
// for the same value: 100, 100.0, 12.5, 12.50, rarely 1.25e1 (mx-api.md §1.2;
// the last is JSON but was never seen from MX).
func (e *encoder) money(k string, cents int64, h uint64) {
	e.name(k)
	if cents < 0 {
		e.b = append(e.b, '-')
		cents = -cents
	}
	if h&0xfff == 0 && cents >= 1000 {
		e.b = appendExponent(e.b, cents)
		return
	}
	e.b = strconv.AppendInt(e.b, cents/100, 10)
	frac := int(cents % 100)
	switch {
	case frac == 0 && h&3 != 0:
	case frac == 0:
		e.b = append(e.b, '.', '0')
	case frac%10 == 0 && h&12 != 0:
		e.b = append(e.b, '.', byte('0'+frac/10))
	default:
		e.b = append2(append(e.b, '.'), frac)
	}
}

// appendExponent writes cents, at least 1000, as d.ddd…e<n>.
func appendExponent(b []byte, cents int64) []byte {
	at := len(b)
	b = strconv.AppendInt(b, cents, 10)
	exp := len(b) - at - 1 - 2
	b = append(b, 0)
	copy(b[at+2:], b[at+1:])
	b[at+1] = '.'
	return strconv.AppendInt(append(b, 'e'), int64(exp), 10)
}

// percent writes a rate given in thousandths of a percent: 1130 is 1.13.
func (e *encoder) percent(k string, milli int) {
	e.name(k)
	e.b = strconv.AppendInt(e.b, int64(milli/1000), 10)
	if frac := milli % 1000; frac != 0 {
		e.b = append(e.b, '.', byte('0'+frac/100))
		if frac%100 != 0 {
			e.b = append(e.b, byte('0'+frac/10%10))
		}
		if frac%10 != 0 {
			e.b = append(e.b, byte('0'+frac%10))
		}
	}
}

// degrees writes a coordinate given in millionths of a degree.
func (e *encoder) degrees(k string, micro int) {
	e.name(k)
	if micro < 0 {
		e.b = append(e.b, '-')
		micro = -micro
	}
	e.b = strconv.AppendInt(e.b, int64(micro/1_000_000), 10)
	e.b = append(e.b, '.')
	for frac, div := micro%1_000_000, 100_000; div > 0; div /= 10 {
		e.b = append(e.b, byte('0'+frac/div%10))
		if frac%div == 0 {
			break
		}
	}
}

func appendString(b []byte, s string, ascii bool) []byte {
	b = append(b, '"')
	b = appendEscaped(b, s, ascii)
	return append(b, '"')
}

// appendEscaped writes the inside of a JSON string: control characters, quotes
// and backslashes escaped, the rest as UTF-8 or, with ascii, as \uXXXX (which
// also turns < > & into escapes, as Rails does).
func appendEscaped(b []byte, s string, ascii bool) []byte {
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && (!ascii || c < utf8.RuneSelf && c != '<' && c != '>' && c != '&') {
			i++
			continue
		}
		b = append(b, s[plain:i]...)
		size := 1
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < utf8.RuneSelf:
			b = appendUnicode(b, rune(c))
		default:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r >= 0x10000 {
				b = appendUnicode(b, 0xd800+(r-0x10000)>>10)
				r = 0xdc00 + (r-0x10000)&0x3ff
			}
			b = appendUnicode(b, r)
		}
		i += size
		plain = i
	}
	return append(b, s[plain:]...)
}

func appendUnicode(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}
