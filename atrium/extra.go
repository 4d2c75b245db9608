package atrium

import (
	"bytes"
	"slices"
)

// canonical appends the value at pos to arena in canonical form: compact,
// members sorted by name, strings with as few escapes as possible, numbers as
// they were written. depth counts the brackets around it.
func (d *decoder) canonical(pos, depth int) int {
	b := d.buf
	word := ""
	switch c := b[pos]; {
	case c == '"':
		end, _ := scanString(b, pos+1)
		if b[end] != '"' {
			return d.fail(end)
		}
		if end-pos-1 > maxString {
			d.spoil("a string of more than 1 MiB", -1)
		}
		var valid bool
		if d.arena, valid = appendCanonical(d.arena, b[pos+1:end]); !valid {
			d.err = errSyntax
			return -1
		}
		return end + 1
	case c == '-' || isDigit(c):
		end, ok := scanNumber(b, pos)
		if !ok {
			return d.fail(end)
		}
		d.arena = append(d.arena, b[pos:end]...)
		return end
	case (c == '{' || c == '[') && depth == maxDepth:
		d.err = errDepth
		return -1
	case c == '{':
		return d.canonicalObject(pos, depth+1)
	case c == '[':
		return d.canonicalArray(pos, depth+1)
	case c == 'n':
		word = "null"
	case c == 't':
		word = "true"
	case c == 'f':
		word = "false"
	default:
		return d.fail(pos)
	}
	end, ok := scanWord(b, pos, word)
	if !ok {
		return d.fail(end)
	}
	d.arena = append(d.arena, word...)
	return end
}

func (d *decoder) canonicalArray(pos, depth int) int {
	b := d.buf
	d.arena = append(d.arena, '[')
	if pos = skipSpace(b, pos+1); b[pos] == ']' {
		d.arena = append(d.arena, ']')
		return pos + 1
	}
	for {
		if pos = d.canonical(pos, depth); pos < 0 {
			return -1
		}
		pos = skipSpace(b, pos)
		c := b[pos]
		if c != ',' && c != ']' {
			return d.fail(pos)
		}
		d.arena = append(d.arena, c)
		if c == ']' {
			return pos + 1
		}
		pos = skipSpace(b, pos+1)
	}
}

func (d *decoder) canonicalObject(pos, depth int) int {
	b, base, start := d.buf, len(d.stack), len(d.arena)
	if pos = skipSpace(b, pos+1); b[pos] == '}' {
		d.arena = append(d.arena, "{}"...)
		return pos + 1
	}
	for {
		name, next := d.name(pos)
		if next < 0 {
			return -1
		}
		m := member{name: len(d.arena)}
		d.arena = append(d.arena, name...)
		m.value = len(d.arena)
		if pos = d.canonical(skipSpace(b, next), depth); pos < 0 {
			return -1
		}
		m.end = len(d.arena)
		if d.stack = append(d.stack, m); len(d.stack)-base > maxFields {
			d.spoil("more than 1000 fields", -1)
		}
		pos = skipSpace(b, pos)
		if b[pos] == '}' {
			break
		}
		if b[pos] != ',' {
			return d.fail(pos)
		}
		pos = skipSpace(b, pos+1)
	}
	d.sort(d.stack[base:], nil)
	whole := d.appendObject(d.stack[base:])
	d.arena = d.arena[:start+copy(d.arena[start:], d.arena[whole:])]
	d.stack = d.stack[:base]
	return pos + 1
}

// sort puts the members in the order of the bytes of their names. It spoils the
// object at hand if two of them, or one of them and a field that found its
// column in lay, have names that differ in nothing but case: readers differ on
// which of the two counts.
func (d *decoder) sort(ms []member, lay *layout) {
	name := func(m member) []byte { return d.arena[m.name:m.value] }
	slices.SortFunc(ms, func(x, y member) int { return bytes.Compare(name(x), name(y)) })
	twice, folded := false, true
	for i, m := range ms {
		twice = twice || i > 0 && bytes.Equal(name(ms[i-1]), name(m))
		folded = folded && isFolded(name(m))
	}
	if !folded {
		twice = twice || d.differInCase(ms, lay)
	}
	if twice {
		d.spoil("a field is there twice", -1)
	}
}

// differInCase is the second half of sort, for names that are not what MX uses.
func (d *decoder) differInCase(ms []member, lay *layout) bool {
	names := make([]string, len(ms))
	for i, m := range ms {
		names[i] = string(appendFolded(nil, d.arena[m.name:m.value]))
		if lay == nil || isFolded(d.arena[m.name:m.value]) {
			continue
		}
		if col, known := lay.index[names[i]]; known && d.seen.has(col) {
			return true
		}
	}
	slices.Sort(names)
	return len(slices.Compact(names)) < len(ms)
}

// appendObject writes the members as an object to the end of arena, and returns
// where it begins.
func (d *decoder) appendObject(ms []member) (start int) {
	start = len(d.arena)
	d.arena = append(d.arena, '{')
	for i, m := range ms {
		if i > 0 {
			d.arena = append(d.arena, ',')
		}
		d.arena = appendQuoted(d.arena, d.arena[m.name:m.value])
		d.arena = append(d.arena, ':')
		d.arena = append(d.arena, d.arena[m.value:m.end]...)
	}
	d.arena = append(d.arena, '}')
	return start
}
