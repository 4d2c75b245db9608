package atrium

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// What unquote returns where there is no character.
const (
	notUTF8   rune = -1 // a byte that is not UTF-8
	notString rune = -2 // no string of JSON has this
)

// unquote reads the character at the start of raw, which is the text between
// the quotes of a string and not empty. A lone surrogate is returned as itself.
func unquote(raw []byte) (r rune, size int) {
	switch c := raw[0]; {
	case c < ' ' || c == '"':
		return notString, 1
	case c >= utf8.RuneSelf:
		if r, size = utf8.DecodeRune(raw); r == utf8.RuneError && size == 1 {
			return notUTF8, 1
		}
		return r, size
	case c != '\\':
		return rune(c), 1
	}
	if len(raw) < 2 {
		return notString, 1
	}
	switch raw[1] {
	case '"', '\\', '/':
		return rune(raw[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		if r = hex4(raw[2:]); r == notString {
			return notString, 2
		}
		if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
			if both := utf16.DecodeRune(r, hex4(raw[8:])); both != utf8.RuneError {
				return both, 12
			}
		}
		return r, 6
	}
	return notString, 2
}

func hex4(b []byte) (r rune) {
	if len(b) < 4 {
		return notString
	}
	for _, c := range b[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return notString
		}
		r = r<<4 | rune(c)
	}
	return r
}

// appendText appends the characters of a string to dst. text is false if they
// are not UTF-8 text, which is all that a column can hold. valid is false if
// raw is not what stands between the quotes of a JSON string.
func appendText(dst, raw []byte) (out []byte, text, valid bool) {
	text = true
	for len(raw) > 0 {
		if run := plainRun(raw); run > 0 {
			dst = append(dst, raw[:run]...)
			raw = raw[run:]
			continue
		}
		r, size := unquote(raw)
		if r == notString {
			return dst, false, false
		}
		if r == notUTF8 || utf16.IsSurrogate(r) {
			text = false
		}
		dst = utf8.AppendRune(dst, r)
		raw = raw[size:]
	}
	return dst, text, true
}

// plainRun counts the characters at the start of raw that stand for themselves.
func plainRun(raw []byte) int {
	for i, c := range raw {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return i
		}
	}
	return len(raw)
}

// appendCanonical appends a string, quotes included, with as few escapes as
// JSON allows, so that equal texts have equal bytes however they were sent.
// Bytes that are not UTF-8 become U+FFFD; a lone surrogate stays an escape.
func appendCanonical(dst, raw []byte) (out []byte, valid bool) {
	dst = append(dst, '"')
	for len(raw) > 0 {
		if run := plainRun(raw); run > 0 {
			dst = append(dst, raw[:run]...)
			raw = raw[run:]
			continue
		}
		r, size := unquote(raw)
		if r == notString {
			return dst, false
		}
		dst = appendEscaped(dst, r)
		raw = raw[size:]
	}
	return append(dst, '"'), true
}

// appendQuoted is appendCanonical for text that was unquoted before.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		if run := plainRun(text); run > 0 {
			dst = append(dst, text[:run]...)
			text = text[run:]
			continue
		}
		r, size := utf8.DecodeRune(text)
		dst = appendEscaped(dst, r)
		text = text[size:]
	}
	return append(dst, '"')
}

// appendEscaped appends one character of a string, escaped if it must be.
func appendEscaped(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r == '\n':
		return append(dst, '\\', 'n')
	case r == '\r':
		return append(dst, '\\', 'r')
	case r == '\t':
		return append(dst, '\\', 't')
	case r >= 0 && r < ' ', utf16.IsSurrogate(r):
		return append(dst, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
	}
	return utf8.AppendRune(dst, r) // U+FFFD for notUTF8
}

// isFolded reports whether name is the form that appendFolded gives it, for
// the names that MX uses: lower case ASCII. For others it may say no.
func isFolded(name []byte) bool {
	for _, c := range name {
		if c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// appendFolded appends name in the form that it shares with every name that
// differs only in case, by Unicode's simple folding: MX's names are lower case
// ASCII, and stay what they are.
func appendFolded(dst, name []byte) []byte {
	for len(name) > 0 {
		if c := name[0]; c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c |= 0x20
			}
			dst = append(dst, c)
			name = name[1:]
			continue
		}
		r, size := utf8.DecodeRune(name)
		for next := unicode.SimpleFold(r); ; next = unicode.SimpleFold(next) {
			if next <= r { // the smallest of the characters that fold into each other
				r = next
				break
			}
			r = next
		}
		if r >= 'A' && r <= 'Z' {
			r |= 0x20
		}
		dst = utf8.AppendRune(dst, r)
		name = name[size:]
	}
	return dst
}
