package atrium

import (
	"bytes"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"

	"tallyport/schemas"
)

// layout is what the decoder needs to know of a table: the columns that an
// object of the API fills, and the names under which it has them there.
type layout struct {
	table    *schemas.Table // nil for an object that is no record
	names    []string       // of the API, by column
	tokens   []string       // `"name":`, by column
	kinds    []schemas.Kind
	index    map[string]int
	width    int // of the values: the columns, and extra behind them
	required []int
	id       int    // guid, or code of an institution
	parents  [3]int // user_guid, member_guid, account_guid, -1 where the table has none
}

// newLayout derives the layout of a table. renames has the API's name of a
// column where it is another one.
func newLayout(t *schemas.Table, renames map[string]string) *layout {
	lay := &layout{table: t, id: -1, parents: [3]int{-1, -1, -1}}
	for i, c := range t.Columns[:t.Width()-1] {
		name := c.Name
		if other, ok := renames[name]; ok {
			name = other
		}
		lay.add(name, c.Kind)
		if c.Required {
			lay.required = append(lay.required, i)
		}
		switch c.Name {
		case "guid", "code":
			lay.id = i
		case "user_guid":
			lay.parents[0] = i
		case "member_guid":
			lay.parents[1] = i
		case "account_guid":
			lay.parents[2] = i
		}
	}
	return lay
}

// add adds a column. 126 fit: as many as a Row has field ids for.
func (lay *layout) add(name string, kind schemas.Kind) {
	if lay.index == nil {
		lay.index = map[string]int{}
	}
	lay.index[name] = len(lay.names)
	lay.names = append(lay.names, name)
	lay.tokens = append(lay.tokens, strconv.Quote(name)+":")
	lay.kinds = append(lay.kinds, kind)
	lay.width = len(lay.names) + 1
}

// decoder turns the objects of a document into values, one column each.
type decoder struct {
	scanner

	// The object decoded last.
	lay     *layout
	vals    []schemas.Value // by column, extra last; texts point into buf or arena
	seen    set             // columns that the object has
	misfit  set             // those whose value the column could not take
	extras  []member        // what goes to extra
	spoiled string          // why the object is refused, "" if it is not
	culprit int             // the column to blame, -1: none of them

	after [128]uint8 // the column that came after each one the last time; at width: the first
	arena []byte     // texts that do not stand in buf as they are
	stack []member   // of the objects that enclose the value at hand
}

// set is a set of columns.
type set [2]uint64

func (s *set) add(col int)     { s[col>>6&1] |= 1 << (col & 63) }
func (s set) has(col int) bool { return s[col>>6&1]>>(col&63)&1 != 0 }
func (s set) len() int         { return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) }

// member is one member of an object, its name and canonical value in arena.
type member struct{ name, value, end int } // arena[name:value], arena[value:end]

// begin makes ready for an object of that layout.
func (d *decoder) begin(lay *layout) {
	if d.lay != lay {
		d.lay = lay
		d.vals = slices.Grow(d.vals[:0], lay.width)[:lay.width]
		for i := range d.after {
			d.after[i] = uint8(min(i+1, lay.width-2))
		}
		d.after[lay.width] = 0
	}
	d.clear()
}

// clear forgets the object before.
func (d *decoder) clear() {
	clear(d.vals)
	d.seen, d.misfit = set{}, set{}
	d.extras, d.stack, d.arena = d.extras[:0], d.stack[:0], d.arena[:0]
	d.spoiled, d.culprit = "", -1
}

// spoil refuses the object at hand. The first reason stands.
func (d *decoder) spoil(why string, col int) {
	if d.spoiled == "" {
		d.spoiled, d.culprit = why, col
	}
}

// object decodes the object at pos, which lies depth brackets deep. What is
// wrong with it, and not with the document, is in spoiled.
func (d *decoder) object(lay *layout, pos, depth int) int {
	d.begin(lay)
	b := d.buf
	if pos = skipSpace(b, pos+1); b[pos] == '}' {
		return pos + 1
	}
	before := lay.width
	for n := 1; ; n++ {
		// Objects of a list have the same fields in the same order, nearly
		// always: a comparison with the field that came here before spares
		// scanning the name and looking it up.
		col := int(d.after[before&127])
		if token := lay.tokens[col]; len(b)-pos >= len(token) && string(b[pos:pos+len(token)]) == token {
			pos += len(token)
		} else {
			var name []byte
			if name, pos = d.name(pos); pos < 0 {
				return -1
			}
			var known bool
			if col, known = lay.index[string(name)]; !known {
				if pos = d.unknown(name, skipSpace(b, pos), depth); pos < 0 {
					return -1
				}
				col = -1
			}
		}
		if col >= 0 {
			if d.seen.has(col) {
				d.spoil("is there twice", col)
			}
			d.seen.add(col)
			d.after[before&127] = uint8(col)
			before = col
			if pos = d.value(col, skipSpace(b, pos), depth); pos < 0 {
				return -1
			}
		}
		if n > maxFields {
			d.spoil("more than 1000 fields", -1)
		}
		switch pos = skipSpace(b, pos); b[pos] {
		case ',':
			pos = skipSpace(b, pos+1)
		case '}':
			d.settle()
			return pos + 1
		default:
			return d.fail(pos)
		}
	}
}

// name reads the name of a field at pos, and the colon.
func (d *decoder) name(pos int) (name []byte, next int) {
	b := d.buf
	if b[pos] != '"' {
		return nil, d.fail(pos)
	}
	end, plain := scanString(b, pos+1)
	if b[end] != '"' {
		return nil, d.fail(end)
	}
	if name = b[pos+1 : end]; !plain {
		var text, valid bool
		start := len(d.arena)
		if d.arena, text, valid = appendText(d.arena, name); !valid {
			d.err = errSyntax
			return nil, -1
		}
		if !text {
			d.spoil("a field name that is not UTF-8", -1)
		}
		name = d.arena[start:]
	}
	if len(name) > maxString {
		d.spoil("a string of more than 1 MiB", -1)
	}
	if pos = skipSpace(b, end+1); b[pos] != ':' {
		return nil, d.fail(pos)
	}
	return name, pos + 1
}

// unknown puts a field that has no column aside for extra.
func (d *decoder) unknown(name []byte, pos, depth int) int {
	m := member{name: len(d.arena)}
	d.arena = append(d.arena, name...)
	m.value = len(d.arena)
	pos = d.canonical(pos, depth)
	m.end = len(d.arena)
	d.extras = append(d.extras, m)
	return pos
}

// value decodes the value at pos into its column.
func (d *decoder) value(col, pos, depth int) int {
	b, v, kind := d.buf, &d.vals[col], d.lay.kinds[col]
	switch c := b[pos]; {
	case c == '"':
		end, plain := scanString(b, pos+1)
		if b[end] != '"' {
			return d.fail(end)
		}
		text, fits := b[pos+1:end], true
		if len(text) > maxString {
			d.spoil("is longer than 1 MiB", col)
		}
		if !plain {
			if text, fits = d.text(text); d.err != nil {
				return -1
			}
		}
		if fits && textValue(v, kind, text) {
			return end + 1
		}
	case c == '-' || isDigit(c):
		end, ok := scanNumber(b, pos)
		if !ok {
			return d.fail(end)
		}
		if numberValue(v, kind, b[pos:end]) {
			return end
		}
	case c == 'n':
		if end, ok := scanWord(b, pos, "null"); !ok {
			return d.fail(end)
		}
		return pos + len("null")
	case c == 't' && kind == schemas.Bool:
		if end, ok := scanWord(b, pos, "true"); !ok {
			return d.fail(end)
		}
		v.Set, v.Int = true, 1
		return pos + len("true")
	case c == 'f' && kind == schemas.Bool:
		if end, ok := scanWord(b, pos, "false"); !ok {
			return d.fail(end)
		}
		v.Set = true
		return pos + len("false")
	}
	d.misfit.add(col)
	return d.unknown([]byte(d.lay.names[col]), pos, depth)
}

// text unquotes a string that does not stand for itself. fits is false if a
// column cannot hold it; err is set if it is no string.
func (d *decoder) text(raw []byte) (text []byte, fits bool) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, utf8.Valid(raw)
	}
	start := len(d.arena)
	out, fits, valid := appendText(d.arena, raw)
	if d.arena = out; !valid {
		d.err = errSyntax
	}
	return d.arena[start:], fits
}

// textValue sets v to what a string means in a column of that kind, if it has
// a meaning there.
func textValue(v *schemas.Value, kind schemas.Kind, text []byte) (ok bool) {
	switch kind {
	case schemas.Text:
		v.Text, ok = text, true
	case schemas.Instant:
		var t schemas.Timestamp
		t, ok = schemas.ParseTimestamp(text)
		v.Int = int64(t)
	case schemas.Day:
		var day schemas.Date
		day, ok = schemas.ParseDate(text)
		v.Int = int64(day)
	}
	v.Set = ok
	return ok
}

// numberValue sets v to the number that is written there, exactly, if a column
// of that kind can hold it; coordinates alone are rounded, to the nearest double.
func numberValue(v *schemas.Value, kind schemas.Kind, literal []byte) (ok bool) {
	switch kind {
	case schemas.Amount:
		var m schemas.Money
		m, ok = schemas.ParseMoney(literal)
		v.Int = int64(m)
	case schemas.Percent:
		var r schemas.Rate
		r, ok = schemas.ParseRate(literal)
		v.Int = int64(r)
	case schemas.Int:
		v.Int, ok = schemas.ParseInt(literal)
	case schemas.Float:
		f, err := strconv.ParseFloat(string(literal), 64)
		*v, ok = schemas.FloatValue(f), err == nil
	}
	v.Set = ok
	return ok
}

// settle writes the fields that have no column to extra.
func (d *decoder) settle() {
	if len(d.extras) > 0 {
		d.sort(d.extras, d.lay)
		d.vals[d.lay.width-1] = schemas.Value{Set: true, Text: d.arena[d.appendObject(d.extras):]}
	}
}
