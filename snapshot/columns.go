package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/klauspost/compress/zstd"

	"tallyport/schemas"
)

// Columns reads the cells of some columns of a Parquet part where they are
// asked for: pages in which nothing is asked for are not unpacked. It is meant
// for going through a part once, from its first row to its last; going back
// within a page costs nothing, and further back the reading of the row group
// again.
type Columns struct {
	f      File
	name   string
	table  *schemas.Table
	rd     *file.Reader
	at     []int   // in the file, for each of the table's columns
	starts []int64 // first row of each row group, then the number of rows
	cols   []column
	zstd   *zstd.Decoder
	levels []int32 // of the page that is being decoded
}

// column is one column of a part, standing at one page.
type column struct {
	index    int // in the table
	at       int // in the file, -1 if it is older than the column
	kind     schemas.Kind
	required bool

	group int // whose pages are read, -1 before the first
	pages pageReader
	dict  values
	next  int64 // row after the page

	page        // that it stands at
	before page // that it stood at, if that is of the same row group

	// For going through all cells of a page they are decoded, but for plain
	// numbers without nulls.
	decoded bool
	nulls   bool    // some cells of the page are null
	set     []bool  // those that are not, if there are nulls
	codes   []int32 // one for each row, if there are nulls
	plain   values
}

// page is a page in which a cell here and there is looked up.
type page struct {
	first, rows int64  // by their number in the part
	raw         []byte // as it was unpacked
	data        []byte // of raw, the values
	coded       bool   // they are codes, which stand for values of the dictionary
	levels      hybrid // 1: the cell is not null
	picks       hybrid // codes

	stride int // of texts that all have the same length, with what says so, or 0
	cell   int // else the one that was looked up last
	at     int // where it stands
}

func (p *page) has(row int64) bool { return p.first <= row && row < p.first+p.rows }

// values are decoded: numbers, or where texts stand in raw, after their lengths.
type values struct {
	ints   []int64
	starts []int32
	raw    []byte
}

func (v *values) len() int { return max(len(v.ints), len(v.starts)) }

func (v *values) text(i int) []byte {
	s := int(v.starts[i])
	return v.raw[s : s+int(binary.LittleEndian.Uint32(v.raw[s-4:]))]
}

// OpenColumns opens a part of a table, or returns nil if it is not Parquet and
// has to be read row by row.
func (r *Reader) OpenColumns(t *schemas.Table, part int, names []string) (_ *Columns, err error) {
	if r.manifest.Plan.Format != Parquet {
		return nil, nil
	}
	c := &Columns{name: r.manifest.Tables[t.Name].Files[part].Path, table: t, starts: []int64{0}}
	if c.f, err = r.st.Open(c.name); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", c.name, err), c.f.Close())
		}
	}()
	defer recoverDamage(&err)
	if c.zstd, err = newUnpacker(r.sound); err != nil {
		return nil, err
	}
	if c.rd, c.at, err = openParquet(c.f, t); err != nil {
		return nil, err
	}
	for g := range c.rd.NumRowGroups() {
		rows := c.rd.RowGroup(g).NumRows()
		if rows < 0 || rows > maxGroupRows {
			return nil, fmt.Errorf("%w: a row group of %d rows", ErrDamaged, rows)
		}
		c.starts = append(c.starts, c.starts[g]+rows)
	}
	c.read(names)
	return c, nil
}

func (c *Columns) read(names []string) {
	for _, name := range names {
		i := c.table.Index(name)
		c.cols = append(c.cols, column{index: i, at: c.at[i], kind: c.table.Columns[i].Kind, required: c.table.Columns[i].Required, group: -1})
	}
}

// Also returns other columns of the part, which go through it at their own
// pace. They are closed with c.
func (c *Columns) Also(names []string) *Columns {
	other := &Columns{f: c.f, name: c.name, table: c.table, rd: c.rd, at: c.at, starts: c.starts, zstd: c.zstd}
	other.read(names)
	return other
}

// Close closes the part.
func (c *Columns) Close() error {
	if c == nil {
		return nil
	}
	c.zstd.Close()
	return c.f.Close()
}

// Rows is the number of rows of the part.
func (c *Columns) Rows() int64 { return c.starts[len(c.starts)-1] }

// Load makes the columns stand at a row, and returns for how many rows from
// there on all of them stand there.
func (c *Columns) Load(row int64) (n int, err error) {
	end := c.Rows()
	for i := range c.cols {
		col := &c.cols[i]
		if err := c.load(col, row); err != nil {
			return 0, fmt.Errorf("%s: column %s: %w", c.name, c.table.Columns[col.index].Name, err)
		}
		end = min(end, col.first+col.rows)
	}
	return int(end - row), nil
}

// Cells fills the columns' cells of a row into vals, which has one for each of
// the table's columns. Texts are valid until the next call.
func (c *Columns) Cells(row int64, vals []schemas.Value) error {
	if i, err := c.cells(row, vals); err != nil {
		return fmt.Errorf("%s: column %s: %w", c.name, c.table.Columns[c.cols[i].index].Name, err)
	}
	return nil
}

// cells returns how far it came.
func (c *Columns) cells(row int64, vals []schemas.Value) (i int, err error) {
	defer recoverDamage(&err)
	for i = range c.cols {
		col := &c.cols[i]
		if !col.has(row) {
			if err := c.turn(col, row, true); err != nil {
				return i, err
			}
		}
		col.find(int(row-col.first), &vals[col.index])
	}
	return i, nil
}

// find looks a cell up in a page that need not be decoded.
func (c *column) find(k int, v *schemas.Value) {
	*v = schemas.Value{}
	if c.at < 0 {
		return
	}
	if !c.required {
		k, v.Set = c.levels.rank(k)
		if !v.Set {
			return
		}
	}
	v.Set = true
	switch {
	case c.coded && c.kind == schemas.Text:
		v.Text = c.dict.text(int(c.picks.at(k)))
	case c.coded:
		v.Int = c.dict.ints[c.picks.at(k)]
	case c.kind == schemas.Text:
		v.Text = c.text(k)
	default:
		v.Int = plainInt(c.kind, c.data, k)
	}
}

// text returns a text of the page, going on from the one that was asked for
// last unless all have the same length.
func (p *page) text(k int) []byte {
	if p.stride > 0 {
		return p.data[k*p.stride+4 : (k+1)*p.stride]
	}
	if k < p.cell {
		p.cell, p.at = 0, 0
	}
	for ; p.cell < k; p.cell++ {
		p.at += 4 + int(binary.LittleEndian.Uint32(p.data[p.at:]))
	}
	text := p.data[p.at+4:]
	return text[:binary.LittleEndian.Uint32(p.data[p.at:])]
}

// strideOf returns how far texts stand from each other, 0 if not all have the
// same length.
func strideOf(data []byte) int {
	if len(data) < 4 {
		return 0
	}
	size := binary.LittleEndian.Uint32(data)
	stride := int(size) + 4
	if len(data)%stride != 0 {
		return 0
	}
	for at := stride; at < len(data); at += stride {
		if binary.LittleEndian.Uint32(data[at:]) != size {
			return 0
		}
	}
	return stride
}

func plainInt(k schemas.Kind, raw []byte, i int) int64 {
	switch k {
	case schemas.Bool:
		return int64(raw[i>>3] >> (i & 7) & 1)
	case schemas.Day:
		return int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
	}
	return int64(binary.LittleEndian.Uint64(raw[8*i:]))
}

// value is a cell of a page that is decoded.
func (c *column) value(k int) (v schemas.Value) {
	if c.at < 0 || c.nulls && !c.set[k] {
		return v
	}
	v.Set = true
	from := &c.plain
	switch {
	case c.coded && c.nulls:
		from, k = &c.dict, int(c.codes[k])
	case c.coded:
		from, k = &c.dict, int(c.picks.at(k))
	}
	switch {
	case c.kind == schemas.Text:
		v.Text = from.text(k)
	case c.coded || c.nulls:
		v.Int = from.ints[k]
	default:
		v.Int = plainInt(c.kind, c.data, k)
	}
	return v
}

// Same returns how many of n rows have the same value in column i as the first
// of them. Load said that the column stands at all of them.
func (c *Columns) Same(i int, row int64, n int) (same int) {
	col := &c.cols[i]
	k := int(row - col.first)
	if col.coded && !col.nulls {
		return col.picks.repeats(k, n)
	}
	was := col.value(k)
	for same = 1; same < n; same++ {
		if v := col.value(k + same); v.Set != was.Set || v.Int != was.Int || !bytes.Equal(v.Text, was.Text) {
			break
		}
	}
	return same
}

// Text returns the text of column i in a row at which it stands, nil for null.
func (c *Columns) Text(i int, row int64) []byte {
	return c.cols[i].value(int(row - c.cols[i].first)).Text
}

// AppendInts appends the numbers of column i in n rows at which it stands, and
// null for those that are null.
func (c *Columns) AppendInts(dst []int64, i int, row int64, n int, null int64) []int64 {
	col := &c.cols[i]
	k := int(row - col.first)
	if !col.coded && !col.nulls && col.at >= 0 {
		return appendPlain(dst, col.kind, col.data, k, n)
	}
	if col.coded && !col.nulls {
		for ; n > 0; n, k = n-1, k+1 {
			dst = append(dst, col.dict.ints[col.picks.at(k)])
		}
		return dst
	}
	for ; n > 0; n, k = n-1, k+1 {
		if v := col.value(k); v.Set {
			dst = append(dst, v.Int)
		} else {
			dst = append(dst, null)
		}
	}
	return dst
}

// group is the row group that holds a row.
func (c *Columns) group(row int64) int {
	g, found := slices.BinarySearch(c.starts, row)
	if !found {
		g--
	}
	for c.starts[g+1] <= row { // groups of no rows
		g++
	}
	return g
}

// AppendEqual appends for n rows whether column i, which stands there, has the
// text.
func (c *Columns) AppendEqual(dst []bool, i int, row int64, n int, text string) []bool {
	col := &c.cols[i]
	k := int(row - col.first)
	if col.coded && !col.nulls {
		code := int32(-1)
		for j := range col.dict.starts {
			if string(col.dict.text(j)) == text {
				code = int32(j)
			}
		}
		for n > 0 {
			equal, same := col.picks.at(k) == code, col.picks.repeats(k, n)
			for range same {
				dst = append(dst, equal)
			}
			n, k = n-same, k+same
		}
		return dst
	}
	for ; n > 0; n, k = n-1, k+1 {
		v := col.value(k)
		dst = append(dst, v.Set && string(v.Text) == text)
	}
	return dst
}

var errPages = fmt.Errorf("%w: its pages are not those of its row group", ErrDamaged)

// load reads on to the page that holds the row, and decodes it.
func (c *Columns) load(col *column, row int64) (err error) {
	if col.has(row) && col.decoded {
		return nil
	}
	defer recoverDamage(&err)
	if err := c.turn(col, row, false); err != nil || col.decoded {
		return err
	}
	return c.decode(col)
}

// turn reads on to the page that holds the row. The one before it is kept for
// who may go back to it.
func (c *Columns) turn(col *column, row int64, keep bool) error {
	if col.has(row) {
		return nil
	}
	if col.at < 0 {
		col.page.rows, col.decoded = c.Rows(), true
		return nil
	}
	if row < 0 || row >= c.Rows() {
		return fmt.Errorf("there is no row %d", row)
	}
	if col.before.has(row) {
		col.page, col.before, col.decoded = col.before, col.page, false
		return nil
	}
	if col.group < 0 || row < col.next || row >= c.starts[col.group+1] {
		if err := c.open(col, row); err != nil {
			return err
		}
	}
	for {
		if err := col.pages.next(); err != nil {
			return err
		}
		n := col.pages.head.values
		switch col.pages.head.kind {
		case dictionaryPage:
			data, err := col.pages.data(col.dict.raw)
			if err != nil {
				return err
			}
			if enc := col.pages.head.encoding; n > maxGroupRows || enc != plainEncoding && enc != plainDictEncoding {
				return errPages
			}
			col.dict.raw = data
			col.dict.decode(col.kind, int(n))
		case dataPage:
			if n > c.starts[col.group+1]-col.next {
				return errPages
			}
			if col.next += n; row < col.next {
				return col.unpack(n, keep)
			}
		default:
			return errPages
		}
	}
}

// open turns to the row group that holds the row.
func (c *Columns) open(col *column, row int64) error {
	g := c.group(row)
	chunk, err := c.rd.MetaData().RowGroup(g).ColumnChunk(col.at)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	col.group, col.next = g, c.starts[g]
	col.page.first, col.page.rows, col.before.first, col.before.rows = 0, 0, 0, 0
	col.dict.ints, col.dict.starts = col.dict.ints[:0], col.dict.starts[:0]
	return col.pages.open(c.f, chunk, c.zstd)
}

// unpack unpacks the page of n rows at which the reader stands, in place of the
// last, or of the last but one.
func (c *column) unpack(n int64, keep bool) error {
	if !keep || c.page.rows == 0 || c.page.first < c.before.first { // nothing is there yet, or it was gone back to
		c.page, c.before = c.before, c.page
	}
	p := page{raw: c.before.raw, levels: c.before.levels, picks: c.before.picks}
	c.before, c.page, c.decoded = c.page, page{}, false
	var err error
	if p.raw, err = c.pages.data(p.raw); err != nil {
		return err
	}
	p.data = p.raw[:len(p.raw):len(p.raw)] // what is behind them is of another page
	if !c.required {
		size := int(binary.LittleEndian.Uint32(p.data))
		p.levels.open(p.data[4:4+size], 1)
		p.data = p.data[4+size:]
	}
	switch enc := c.pages.head.encoding; enc {
	case dictEncoding, plainDictEncoding:
		p.coded = true
		if len(p.data) > 0 { // else all is null
			p.picks.open(p.data[1:], int(p.data[0]))
		}
	case plainEncoding:
		if c.kind == schemas.Text {
			p.stride = strideOf(p.data)
		}
	default:
		return fmt.Errorf("%w: a page of encoding %d", ErrDamaged, enc)
	}
	p.first, p.rows = c.next-n, n
	c.page = p
	return nil
}

// decode turns the page into values. Of texts only where they stand; they
// remain in the page, which stands until the next.
func (c *Columns) decode(col *column) error {
	n := int(col.rows)
	some := n // not null
	if !col.required {
		c.levels = appendHybrid(c.levels[:0], col.levels.data, 1, n)
		some = 0
		for _, l := range c.levels {
			some += int(l)
		}
	}
	col.nulls = some < n
	if col.coded {
		if !col.picks.below(some, col.dict.len()) {
			return errPages
		}
		if col.nulls {
			col.codes = appendHybrid(col.codes[:0], col.picks.data, col.picks.width, some)
		}
	} else if col.plain.raw = col.data; col.nulls || col.kind == schemas.Text {
		col.plain.decode(col.kind, some)
	} else if n > 0 {
		plainInt(col.kind, col.data, n-1) // or there are fewer
	}
	col.decoded = true
	if !col.nulls {
		return nil
	}
	col.set = col.set[:0]
	for _, l := range c.levels {
		col.set = append(col.set, l == 1)
	}
	switch {
	case col.coded:
		col.codes = spread(col.codes, col.set)
	case col.kind == schemas.Text:
		col.plain.starts = spread(col.plain.starts, col.set)
	default:
		col.plain.ints = spread(col.plain.ints, col.set)
	}
	return nil
}

// spread moves the values that are not null to their rows.
func spread[T int32 | int64](s []T, set []bool) []T {
	k := len(s)
	s = slices.Grow(s, len(set)-k)[:len(set)]
	for i := len(set) - 1; i >= k; i-- {
		if set[i] {
			k--
			s[i] = s[k]
		}
	}
	return s
}

// decode finds n values in raw, which has them one after the other.
func (v *values) decode(k schemas.Kind, n int) {
	v.ints, v.starts = v.ints[:0], v.starts[:0]
	switch k {
	case schemas.Text:
		at := 0
		v.starts = slices.Grow(v.starts, n)
		for range n {
			v.starts = append(v.starts, int32(at+4))
			at += 4 + int(binary.LittleEndian.Uint32(v.raw[at:]))
		}
		if at > len(v.raw) {
			panic("a text longer than its page")
		}
	default:
		v.ints = appendPlain(v.ints, k, v.raw, 0, n)
	}
}

// appendPlain appends n numbers from the one at k on.
func appendPlain(dst []int64, kind schemas.Kind, raw []byte, k, n int) []int64 {
	dst = slices.Grow(dst, n)
	switch kind {
	case schemas.Bool:
		for i := k; i < k+n; i++ {
			dst = append(dst, plainInt(kind, raw, i))
		}
	case schemas.Day:
		for raw = raw[4*k : 4*(k+n)]; len(raw) >= 4; raw = raw[4:] {
			dst = append(dst, int64(int32(binary.LittleEndian.Uint32(raw))))
		}
	default:
		for raw = raw[8*k : 8*(k+n)]; len(raw) >= 8; raw = raw[8:] {
			dst = append(dst, int64(binary.LittleEndian.Uint64(raw)))
		}
	}
	return dst
}
