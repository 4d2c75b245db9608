package atrium

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"

	"tallyport/schemas"
)

const (
	walkTries  = 3 // of a list that moves while it is read
	keptIDs    = 4 // request ids in the evidence
	unreadable = "the list is not known here"
)

// Walk reads one list from its first page to its last, and once more its first
// if it has several: lists are served by offset, so a row that is added or
// removed in between pushes others over the edge of a page (mx-api.md §1.3).
// A list that moves is read again, three times in all.
//
// page is called with the rows of each page, which are valid until it returns.
// A try greater than before means that all rows of earlier tries are void; it
// begins with a call without rows. If the list still moved in the last try,
// its rows have been delivered, each guid once.
//
// The error is non-nil only if the whole run must end (ErrRefused, ErrQuota,
// ErrUnreachable), if ctx is done, or if page returned it. Anything else that
// keeps the walk from being complete is in its Reason and Detail.
func (c *Client) Walk(ctx context.Context, l schemas.List, page func(try int, rows *schemas.Rows) error) (schemas.Walk, error) {
	k := &walk{c: c, end: c.dialect.list(l), page: page}
	k.w.List = l
	for try := 1; ; try++ {
		k.begin(try)
		if k.refuse() {
			return k.w, nil
		}
		err := k.run(ctx)
		if err == nil && k.torn != "" && try < walkTries {
			continue
		}
		return k.w, k.conclude(err)
	}
}

// walk is one walk in progress.
type walk struct {
	c    *Client
	end  endpoint
	page func(int, *schemas.Rows) error
	w    schemas.Walk

	settled int // page size that an earlier try found out, 0: none

	// Of this try.
	want    want
	seen    seen
	size    int // records in a full page
	pages   int // in the list, by what the first page said
	unnamed int // records without guid
	lost    int // records that did not become rows
	opening uint64
	torn    string // the first sign that the list moved
	detail  string // the first record that was lost
	stopped error  // page's
}

// begin forgets the try before, but not what was learned of the API.
func (k *walk) begin(try int) {
	old := k.w
	*k = walk{c: k.c, end: k.end, page: k.page, settled: k.settled}
	k.w = schemas.Walk{
		List: old.List, Tries: try, TotalFirst: -1, TotalLast: -1,
		PageSizeAsked: old.PageSizeAsked, HTTPStatus: old.HTTPStatus, ObservedAt: old.ObservedAt, RequestIDs: old.RequestIDs,
	}
	k.want = k.end.want(k.c.dialect, old.List)
}

// want is what an answer of the endpoint must hold.
func (e *endpoint) want(d Dialect, l schemas.List) want {
	return want{
		key: e.key, lay: d.layouts[e.resource], lenient: e.lenient, seed: maphash.MakeSeed(),
		parents: [3]string{string(l.User), string(l.Member), string(l.Account)},
	}
}

// refuse ends a walk whose path cannot be asked for.
func (k *walk) refuse() bool {
	switch {
	case k.end.key == "":
		k.w.Detail = unreadable
	case k.end.route.invalid != "":
		k.w.Detail = k.end.route.invalid + " cannot stand in a path; nothing was asked"
	default:
		return false
	}
	k.w.Reason = schemas.Undecodable
	return true
}

// run is one try. It returns early, without error, when the list turns out to
// move, unless this is the last try.
func (k *walk) run(ctx context.Context) error {
	k.want.list = true
	if k.w.Tries > 1 {
		if err := k.deliver(&schemas.Rows{Table: k.want.lay.table}); err != nil {
			return err
		}
	}
	ws, err := k.first(ctx)
	if err != nil {
		return err
	}
	if p := &ws.page; p.paged {
		k.size, k.pages = p.size, max(1, (p.total+p.size-1)/p.size)
		k.w.TotalFirst = p.total
		k.opening = content(p)
	} else if !k.end.unpaged {
		k.c.giveBack(ws)
		return k.undecodable(errPagination)
	}
	for number := 1; ; number++ {
		if more, err := k.take(ws, number); err != nil || !more {
			if err == nil && k.torn == "" && k.pages > 1 {
				err = k.reread(ctx)
			}
			return err
		}
		if ws, err = k.read(ctx, number+1, k.size); err != nil {
			return err
		}
	}
}

// read asks for one page.
func (k *walk) read(ctx context.Context, number, size int) (*workspace, error) {
	path := append([]byte(k.end.route.path), '?')
	if k.end.windowed {
		path = append(k.w.Window.From.Append(append(path, "from_date="...)), "&to_date="...)
		path = append(k.w.Window.To.Append(path), '&')
	}
	path = strconv.AppendInt(append(path, "page="...), int64(number), 10)
	path = strconv.AppendInt(append(path, "&records_per_page="...), int64(size), 10)
	k.w.PageSizeAsked = size
	ws, a, err := k.c.fetch(ctx, &request{op: k.end.op, path: string(path), root: k.end.root, want: &k.want})
	note(&k.w, a)
	return ws, err
}

// note keeps what the last answer says besides its rows.
func note(w *schemas.Walk, a answer) {
	if a.status == 0 {
		return
	}
	w.HTTPStatus, w.ObservedAt = a.status, a.date
	if a.requestID != "" {
		ids := append(w.RequestIDs[max(0, len(w.RequestIDs)-keptIDs+1):], a.requestID)
		w.RequestIDs = append([]string(nil), ids...)
	}
}

// take counts a page, delivers its rows, and reports whether another must
// follow.
func (k *walk) take(ws *workspace, number int) (more bool, err error) {
	defer k.c.giveBack(ws)
	p := &ws.page
	if !p.paged && number > 1 {
		return false, k.undecodable(errPagination)
	}
	rows, repeated := k.distinct(p)
	k.w.Pages++
	k.w.Rows += p.records
	k.w.Unfit += p.unfit
	k.lost += len(p.lost)
	if k.detail == "" && p.detail != "" {
		k.detail = fmt.Sprintf("page %d, %s", number, p.detail)
	}
	if p.paged {
		k.w.PageSizeEchoed, k.w.TotalLast = p.size, p.total
		k.check(p, number)
	}
	if repeated > 0 {
		k.tear("page %d has %d records that came before", number, repeated)
	}
	final := k.w.Tries == walkTries
	if k.torn != "" && !final {
		return false, nil
	}
	if err := k.deliver(rows); err != nil {
		return false, err
	}
	if k.torn == "" {
		return number < k.pages, nil
	}
	// Of a list that moves, read what can still be read; but not for ever.
	end := min(max(k.pages, p.pages), 2*k.pages+10)
	return number < end && p.size == k.size && rows.Len() > 0, nil
}

// check compares a page with what the pages before it said.
func (k *walk) check(p *page, number int) {
	total := k.w.TotalFirst
	due := min(k.size, max(0, total-(number-1)*k.size))
	switch {
	case p.size != k.size:
		k.tear("the page size went from %d to %d", k.size, p.size)
		k.settled = p.size
	case p.number != number:
		k.tear("page %d was answered as page %d", number, p.number)
	case p.total != total:
		k.tear("total_entries went from %d to %d", total, p.total)
	case p.pages != k.pages && (p.pages != 0 || total != 0):
		k.tear("total_pages is %d for %d entries in pages of %d", p.pages, total, p.size)
	case p.records != due:
		k.tear("page %d has %d records, %d were due", number, p.records, due)
	}
}

// distinct counts the guids of a page, and returns its rows without those
// whose guid came before.
func (k *walk) distinct(p *page) (rows *schemas.Rows, repeated int) {
	rows = &p.rows
	for _, id := range p.lost {
		if !k.meet(id) {
			repeated++
		}
	}
	var again []int
	for i, id := range p.ids {
		if !k.meet(id) {
			again = append(again, i)
		}
	}
	if len(again) > 0 {
		rows = &schemas.Rows{Table: p.rows.Table}
		for i := range p.rows.Len() {
			if len(again) > 0 && again[0] == i {
				again, repeated = again[1:], repeated+1
				continue
			}
			rows.AppendRow(p.rows.At(i))
		}
	}
	return rows, repeated
}

// meet counts a record, and reports whether it is new.
func (k *walk) meet(id uint64) bool {
	switch {
	case id == 0:
		k.unnamed++
	case k.seen.add(id):
		k.w.DistinctGUIDs++
	default:
		k.w.RepeatedGUIDs++
		return false
	}
	return true
}

// reread reads the first page again. A row that was added while another was
// removed leaves the total as it was; most such pairs change this page.
func (k *walk) reread(ctx context.Context) error {
	ws, err := k.read(ctx, 1, k.size)
	if err != nil {
		return err
	}
	defer k.c.giveBack(ws)
	p := &ws.page
	if !p.paged {
		return k.undecodable(errPagination)
	}
	k.w.TotalLast = p.total
	if k.check(p, 1); k.torn == "" && content(p) != k.opening {
		k.tear("the first page is another one at the end")
	}
	return nil
}

// content is a hash of the records of a page, in any order.
func content(p *page) (sum uint64) {
	for i := range p.rows.Len() {
		sum += p.rows.At(i).Hash()
	}
	for _, id := range p.lost {
		sum += id
	}
	return sum
}

// tear notes that the list moved. The first sign stands.
func (k *walk) tear(format string, args ...any) {
	if k.torn == "" {
		k.torn = fmt.Sprintf(format, args...)
	}
}

func (k *walk) deliver(rows *schemas.Rows) error {
	k.stopped = k.page(k.w.Tries, rows)
	return k.stopped
}

func (k *walk) undecodable(err error) *Error {
	return &Error{Op: k.end.op, Path: k.end.route.path, Status: k.w.HTTPStatus, Err: err, reason: schemas.Undecodable}
}

// conclude writes down how the walk ended, and returns what ends the run.
func (k *walk) conclude(err error) error {
	if err == nil && k.torn == "" && k.w.TotalFirst >= 0 && k.w.DistinctGUIDs+k.unnamed != k.w.TotalFirst {
		k.tear("%d records of %d came", k.w.DistinctGUIDs+k.unnamed, k.w.TotalFirst)
	}
	switch {
	case k.stopped != nil:
		k.w.Reason = schemas.Interrupted
		return k.stopped
	case err != nil:
		return fault(&k.w, err)
	case k.torn != "":
		k.w.Reason, k.w.Detail = schemas.Torn, k.torn
	case k.lost > 0:
		k.w.Reason, k.w.Detail = schemas.Undecodable, k.detail
		if k.lost > 1 {
			k.w.Detail += fmt.Sprintf("; and %d more records", k.lost-1)
		}
	}
	return nil
}

// fault writes an error into the evidence, and returns it if it ends the run.
func fault(w *schemas.Walk, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		w.Reason = schemas.Interrupted
		return err
	}
	w.Reason, w.Detail = e.reason, e.what()
	if e.ends {
		return e
	}
	return nil
}
