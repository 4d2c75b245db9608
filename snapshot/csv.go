package snapshot

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"tallyport/schemas"
)

// The CSV form: RFC 4180 with LF, UTF-8, a header in every part; null is an
// unquoted empty field, an empty text is "". A text that a spreadsheet would
// run as a formula gets one ' in front, and so does a text that begins with ',
// so that what was done can be undone.

const csvFlush = 64 << 10

type csvWriter struct {
	w     io.Writer
	table *schemas.Table
	raw   bool
	vals  []schemas.Value
	buf   []byte
}

func newCSVWriter(w io.Writer, t *schemas.Table, raw bool) *csvWriter {
	c := &csvWriter{w: w, table: t, raw: raw, vals: make([]schemas.Value, len(t.Columns))}
	for i, col := range t.Columns {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		c.buf = append(c.buf, col.Name...)
	}
	c.buf = append(c.buf, '\n')
	return c
}

func (c *csvWriter) write(cells []schemas.Cell) error {
	clear(c.vals)
	for _, cell := range cells {
		c.vals[cell.Column] = cell.Value
	}
	for i := range c.vals {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		if c.vals[i].Set {
			c.buf = appendCell(c.buf, c.table.Columns[i].Kind, &c.vals[i], c.raw)
		}
	}
	if c.buf = append(c.buf, '\n'); len(c.buf) < csvFlush {
		return nil
	}
	return c.flush()
}

func (c *csvWriter) flush() error {
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

func (c *csvWriter) close() error { return c.flush() }

func appendCell(dst []byte, k schemas.Kind, v *schemas.Value, raw bool) []byte {
	switch k {
	case schemas.Text:
		return appendText(dst, v.Text, raw)
	case schemas.Bool:
		return strconv.AppendBool(dst, v.Int != 0)
	case schemas.Amount:
		return schemas.Money(v.Int).Append(dst)
	case schemas.Percent:
		return schemas.Rate(v.Int).Append(dst)
	case schemas.Float:
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, 64)
	case schemas.Day:
		return schemas.Date(v.Int).Append(dst)
	case schemas.Instant:
		return schemas.Timestamp(v.Int).Append(dst)
	}
	return strconv.AppendInt(dst, v.Int, 10)
}

func appendText(dst, s []byte, raw bool) []byte {
	defuse := !raw && formula(s)
	if !defuse && len(s) > 0 && !bytes.ContainsAny(s, "\",\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	if defuse {
		dst = append(dst, '\'')
	}
	for {
		i := bytes.IndexByte(s, '"')
		if i < 0 {
			return append(append(dst, s...), '"')
		}
		dst = append(append(dst, s[:i+1]...), '"')
		s = s[i+1:]
	}
}

// formula reports whether a spreadsheet might run the text, or whether it
// begins with the mark that keeps one from doing so.
func formula(s []byte) bool {
	if len(s) == 0 {
		return false
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r', '\'':
		return true
	}
	for _, wide := range []string{"＝", "＋", "－", "＠"} {
		if bytes.HasPrefix(s, []byte(wide)) {
			return true
		}
	}
	return false
}

// scanCSV reads a part that csvWriter wrote.
func scanCSV(f io.Reader, t *schemas.Table, l layout, visit func([]schemas.Value) error) error {
	r := csvReader{in: bufio.NewReaderSize(f, 256<<10), line: 1}
	header, err := r.record()
	if err != nil {
		return fmt.Errorf("%w: header: %v", ErrDamaged, err)
	}
	columns := make([]int, len(header)) // of the table, by position in the file
	for i, h := range header {
		c, ok := t.Lookup(h.text)
		if !ok {
			return fmt.Errorf("column %q: %w", h.text, ErrSchema)
		}
		columns[i] = c
	}
	vals := make([]schemas.Value, len(t.Columns))
	for {
		fields, err := r.record()
		if err == io.EOF {
			return nil
		}
		if err == nil && len(fields) != len(columns) {
			err = fmt.Errorf("%d fields, the header has %d", len(fields), len(columns))
		}
		for i := 0; err == nil && i < len(fields); i++ {
			c := columns[i]
			if vals[c], err = parseCell(t.Columns[c].Kind, fields[i], l.csvRaw); err != nil {
				err = fmt.Errorf("%s: %v", t.Columns[c].Name, err)
			}
		}
		if err != nil {
			return fmt.Errorf("%w: line %d: %v", ErrDamaged, r.line, err)
		}
		if err := visit(vals); err != nil {
			return err
		}
	}
}

func parseCell(k schemas.Kind, f csvField, raw bool) (schemas.Value, error) {
	if len(f.text) == 0 && !f.quoted {
		return schemas.Value{}, nil
	}
	v := schemas.Value{Set: true}
	ok := true
	switch k {
	case schemas.Text:
		v.Text = f.text
		if !raw && len(f.text) > 0 && f.text[0] == '\'' {
			v.Text = f.text[1:]
		}
	case schemas.Bool:
		if ok = string(f.text) == "true" || string(f.text) == "false"; string(f.text) == "true" {
			v.Int = 1
		}
	case schemas.Amount:
		var m schemas.Money
		m, ok = schemas.ParseMoney(f.text)
		v.Int = int64(m)
	case schemas.Percent:
		var r schemas.Rate
		r, ok = schemas.ParseRate(f.text)
		v.Int = int64(r)
	case schemas.Float:
		n, err := strconv.ParseFloat(string(f.text), 64)
		v.Int, ok = int64(math.Float64bits(n)), err == nil
	case schemas.Day:
		var d schemas.Date
		d, ok = schemas.ParseDate(f.text)
		v.Int = int64(d)
	case schemas.Instant:
		var ts schemas.Timestamp
		ts, ok = schemas.ParseTimestamp(f.text)
		v.Int = int64(ts)
	default:
		var err error
		v.Int, err = strconv.ParseInt(string(f.text), 10, 64)
		ok = err == nil
	}
	if !ok {
		return v, fmt.Errorf("%.40q does not read as %s", f.text, k)
	}
	return v, nil
}

// csvReader reads records of RFC 4180 and tells a quoted empty field from one
// that is not there, which encoding/csv does not.
type csvReader struct {
	in     *bufio.Reader
	line   int
	buf    []byte
	ends   []int
	quoted []bool
	fields []csvField
}

type csvField struct {
	text   []byte
	quoted bool
}

const maxCSVRecord = 64 << 20

// record returns the next record; its fields are valid until the next call.
func (r *csvReader) record() ([]csvField, error) {
	r.buf, r.ends, r.quoted = r.buf[:0], r.ends[:0], r.quoted[:0]
	if _, err := r.in.Peek(1); err != nil {
		return nil, err // io.EOF between records is the end
	}
	for more := true; more; {
		var err error
		if more, err = r.field(); err != nil {
			return nil, err
		}
	}
	r.line++
	r.fields = r.fields[:0]
	start := 0
	for i, end := range r.ends {
		r.fields = append(r.fields, csvField{r.buf[start:end:end], r.quoted[i]})
		start = end
	}
	return r.fields, nil
}

// field reads one field and reports whether another follows in the record.
func (r *csvReader) field() (more bool, err error) {
	c, err := r.in.ReadByte()
	quoted := err == nil && c == '"'
	if quoted {
		if err = r.quotedText(); err == nil {
			c, err = r.in.ReadByte()
		}
	} else {
		for err == nil && c != ',' && c != '\n' {
			if c == '"' || len(r.buf) > maxCSVRecord {
				return false, errors.New("a quote inside a field that does not begin with one")
			}
			r.buf = append(r.buf, c)
			c, err = r.in.ReadByte()
		}
	}
	if err == io.EOF {
		return false, errors.New("the file ends inside a record")
	}
	if err != nil {
		return false, err
	}
	if c != ',' && c != '\n' {
		return false, errors.New("text after a closing quote")
	}
	r.ends = append(r.ends, len(r.buf))
	r.quoted = append(r.quoted, quoted)
	return c == ',', nil
}

// quotedText reads to the closing quote.
func (r *csvReader) quotedText() error {
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return err
		}
		if c == '"' {
			next, err := r.in.ReadByte()
			if err != nil {
				return err
			}
			if next != '"' {
				return r.in.UnreadByte()
			}
		}
		if len(r.buf) > maxCSVRecord {
			return errors.New("record is larger than any such record can be")
		}
		r.buf = append(r.buf, c)
	}
}
