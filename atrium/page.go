package atrium

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"

	"tallyport/schemas"
)

// Why an envelope cannot be decoded.
var (
	errRepeated   = errors.New("the answer has a field twice, or too many")
	errNoContent  = errors.New("the answer does not hold what was asked for")
	errPagination = errors.New("the answer's pagination is not as documented")
	errTooMany    = errors.New("the answer has more than 10,000 records")
)

// maxEntries bounds the length of a list, and with it what a server that lies
// about it can make us do.
const maxEntries = 50_000_000

// want says what a document must hold.
type want struct {
	key     string // of the list or the record in the envelope
	list    bool
	lay     *layout
	parents [3]string // user, member, account; "" where unknown
	lenient bool      // records may name other parents
	id      string    // that a single record must have
	seed    maphash.Seed
}

// page is what one document held.
type page struct {
	rows    schemas.Rows
	ids     []uint64 // of the rows: a hash of the guid, 0 for a row without
	lost    []uint64 // of the records that could not become rows
	records int
	unfit   int    // values of the rows that went to extra
	detail  string // the first record that was lost, and why

	paged  bool // the answer has pagination:
	number int  // current_page
	size   int  // per_page
	total  int  // total_entries
	pages  int  // total_pages
}

func (p *page) reset(t *schemas.Table) {
	p.rows.Table = t
	p.rows.Reset()
	*p = page{rows: p.rows, ids: p.ids[:0], lost: p.lost[:0]}
}

// document decodes a whole answer into p. After an error nothing in p is to be
// trusted; a record that could not be decoded is no error.
func (d *decoder) document(src io.Reader, w *want, p *page) error {
	d.scanner.reset(src)
	p.reset(w.lay.table)
	if !d.expect('{') {
		return d.err
	}
	if c, ok := d.peek(); ok && c == '}' {
		return errNoContent
	}
	found := false
	var names []string
	for sep := byte(','); sep == ','; sep = d.next() {
		name, ok := d.envelopeField(names)
		if !ok {
			return d.err
		}
		names = append(names, name)
		switch {
		case name == w.key && w.list:
			found, ok = true, d.records(w, p)
		case name == w.key:
			found, ok = true, d.record(w, p, 2)
		case name == "pagination" && w.list:
			ok = d.pagination(p)
		default:
			ok = d.skip(1)
		}
		if !ok {
			return d.err
		}
	}
	switch {
	case d.err != nil:
		return d.err
	case d.buf[d.pos-1] != '}':
		return errSyntax
	case !found:
		return errNoContent
	}
	return d.finish()
}

// envelopeField moves to the value of the envelope's next field.
func (d *decoder) envelopeField(before []string) (name string, ok bool) {
	if _, ok = d.peek(); !ok {
		return "", false
	}
	for {
		d.clear()
		text, pos := d.name(d.pos)
		if pos >= 0 {
			d.pos, name = pos, string(text)
			break
		}
		if !d.more() {
			return "", false
		}
	}
	for _, other := range before {
		if strings.EqualFold(name, other) {
			d.spoil("is there twice", -1)
		}
	}
	if d.spoiled != "" || len(before) >= maxEnvelope {
		d.err = errRepeated
		return "", false
	}
	_, ok = d.peek()
	return name, ok
}

// skip moves behind a value that nobody asked for.
func (d *decoder) skip(depth int) bool {
	for {
		d.clear()
		pos := d.canonical(d.pos, depth)
		if pos >= 0 && (pos < d.end || d.eof) {
			d.pos = pos
			break
		}
		if pos >= 0 { // a number that may go on
			d.err = errShort
		}
		if !d.more() {
			return false
		}
	}
	if d.spoiled != "" {
		d.err = errRepeated
	}
	return d.spoiled == ""
}

// whole decodes the object that begins at pos, reading on as needed.
func (d *decoder) whole(lay *layout, depth int) bool {
	for {
		if pos := d.object(lay, d.pos, depth); pos >= 0 {
			d.pos = pos
			return true
		}
		if !d.more() {
			return false
		}
	}
}

// records decodes a list.
func (d *decoder) records(w *want, p *page) bool {
	if d.buf[d.pos] != '[' {
		d.err = errNoContent
		return false
	}
	d.pos++
	if c, ok := d.peek(); !ok || c == ']' {
		d.pos++
		return ok
	}
	for {
		if _, ok := d.peek(); !ok || !d.record(w, p, 3) {
			return false
		}
		switch c := d.next(); {
		case c == ']':
			return true
		case c != ',':
			if d.err == nil {
				d.err = errSyntax
			}
			return false
		case p.records == maxRecords:
			d.err = errTooMany
			return false
		}
	}
}

// record decodes one record and adds it to p, as a row or as one that is lost.
func (d *decoder) record(w *want, p *page, depth int) bool {
	p.records++
	if d.buf[d.pos] != '{' {
		d.begin(w.lay)
		if !d.skip(depth - 1) {
			return false
		}
		d.spoil("is not an object", -1)
	} else if !d.whole(w.lay, depth) {
		return false
	}
	d.check(w)
	if d.spoiled == "" {
		p.rows.Append(d.vals)
		p.ids = append(p.ids, d.hashID(w))
		p.unfit += d.misfit.len()
		return true
	}
	p.lost = append(p.lost, d.hashID(w))
	if p.detail == "" {
		who, what := fmt.Sprintf("record %d", p.records), d.spoiled
		if id := d.vals[w.lay.id].Text; schemas.ValidID(string(id)) {
			who = string(id)
		}
		if d.culprit >= 0 {
			what = w.lay.names[d.culprit] + " " + what
		}
		p.detail = who + ": " + what
	}
	return true
}

// check refuses a record without its own id, and one that belongs to other
// parents than those whose records were asked for. Parents that it does not
// name are filled in.
func (d *decoder) check(w *want) {
	lay := w.lay
	for i, col := range lay.parents {
		if col < 0 || w.parents[i] == "" {
			continue
		}
		switch v := &d.vals[col]; {
		case d.misfit.has(col):
			d.spoil("is not a text", col)
		case !v.Set:
			start := len(d.arena)
			d.arena = append(d.arena, w.parents[i]...)
			*v = schemas.Value{Set: true, Text: d.arena[start:]}
		case !w.lenient && string(v.Text) != w.parents[i]:
			d.spoil("is not the one that was asked for", col)
		}
	}
	for _, col := range lay.required {
		switch v := &d.vals[col]; {
		case !v.Set:
			d.spoil("is missing", col)
		case len(bytes.TrimSpace(v.Text)) == 0:
			d.spoil("is blank", col)
		}
	}
	if w.id != "" && string(d.vals[lay.id].Text) != w.id {
		d.spoil("is not the one that was asked for", lay.id)
	}
}

// hashID returns a hash of the record's guid, 0 if it has none.
func (d *decoder) hashID(w *want) uint64 {
	id := d.vals[w.lay.id].Text
	if len(bytes.TrimSpace(id)) == 0 {
		return 0
	}
	return max(1, maphash.Bytes(w.seed, id))
}

// paginationFields are the four that mx-api.md §1.3 lists, all whole numbers.
var paginationFields = newPagination()

func newPagination() *layout {
	lay := &layout{}
	for _, name := range []string{"current_page", "per_page", "total_entries", "total_pages"} {
		lay.add(name, schemas.Int)
	}
	return lay
}

func (d *decoder) pagination(p *page) bool {
	if d.buf[d.pos] == 'n' { // null is as good as nothing
		return d.skip(1)
	}
	if d.buf[d.pos] != '{' {
		d.err = errPagination
		return false
	}
	if !d.whole(paginationFields, 2) {
		return false
	}
	vals := d.vals[:len(paginationFields.names)]
	bad := func(v schemas.Value) bool { return !v.Set || v.Int < 0 || v.Int > maxEntries }
	if d.spoiled != "" || slices.ContainsFunc(vals, bad) || vals[1].Int < 1 || vals[1].Int > maxRecords {
		d.err = errPagination
		return false
	}
	p.paged = true
	p.number, p.size, p.total, p.pages = int(vals[0].Int), int(vals[1].Int), int(vals[2].Int), int(vals[3].Int)
	return true
}
