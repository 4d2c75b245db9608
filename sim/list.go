package sim

import (
	"sort"
	"strconv"
	"sync"
)

// txIndex says where in a list of transactions each row stands, without having
// rows: the number of rows of every event day of every account, summed up.
// Lists run by event day, and within a day by account; an aggregation therefore
// brings most of its new rows at the end.
type txIndex struct {
	window window
	first  int32
	sums   []int32 // rows before cell (day-first)*accounts + account
	total  int
}

// txIndexOf counts the rows of the accounts whose date lies in the window.
func (v view) txIndexOf(accounts []account, w window) *txIndex {
	ix := &txIndex{window: w, first: w.from - longestLife}
	last := w.to + furthestShift
	newest, floor := int32(-1<<30), int32(1<<30)
	for i := range accounts {
		newest, floor = max(newest, dayOf(accounts[i].saw)), min(floor, accounts[i].floor)
	}
	ix.first, last = max(ix.first, floor), min(last, newest)
	if last < ix.first {
		return ix
	}
	ix.sums = make([]int32, 0, int(last-ix.first+1)*len(accounts))
	for day := ix.first; day <= last; day++ {
		_, _, dom := civil(day)
		for i := range accounts {
			ix.sums = append(ix.sums, int32(ix.total))
			ix.total += accounts[i].countRows(day, int8(dom), w)
		}
	}
	return ix
}

// each calls yield for rows lo … hi-1 of the list.
func (ix *txIndex) each(accounts []account, lo, hi int, yield func(*account, event, row)) {
	if lo >= hi {
		return
	}
	cell := sort.Search(len(ix.sums), func(i int) bool { return int(ix.sums[i]) > lo }) - 1
	for skip := lo - int(ix.sums[cell]); lo < hi && cell < len(ix.sums); cell++ {
		a := &accounts[cell%len(accounts)]
		a.walk(ix.first+int32(cell/len(accounts)), ix.window, skip, func(ev event, r row) bool {
			yield(a, ev, r)
			lo++
			return lo < hi
		})
		skip = 0
	}
}

// indexCache keeps the indexes of the walks in progress: a walk asks for the
// same one page after page.
type indexCache struct {
	mu   sync.Mutex
	made map[indexKey]*txIndex
	ring [64]indexKey
	next int
}

// indexKey is everything an index depends on.
type indexKey struct {
	accounts [2]uint64
	window   window
}

func (v view) cachedIndex(accounts []account, w window) *txIndex {
	key := indexKey{window: w}
	for i := range accounts {
		a := &accounts[i]
		h := hash(a.key, uint64(a.saw)<<8|uint64(a.m.born))
		if a.edits != nil {
			h = hash(hash(h, a.edits.edition<<8|uint64(a.issue)), uint64(a.now))
		}
		key.accounts[0] = mix(key.accounts[0] ^ h)
		key.accounts[1] = mix(key.accounts[1] + h)
	}
	c := &v.w.index
	c.mu.Lock()
	ix, ok := c.made[key]
	c.mu.Unlock()
	if ok {
		return ix
	}
	ix = v.txIndexOf(accounts, w)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made = make(map[indexKey]*txIndex)
	}
	delete(c.made, c.ring[c.next])
	c.ring[c.next] = key
	c.next = (c.next + 1) % len(c.ring)
	c.made[key] = ix
	return ix
}

// listing is a list that is asked for page by page.
type listing struct {
	plural string // the envelope's key
	n      int    // entries
	first  bool   // the pagination block comes before the entries
	rows   func(lo, hi int)
	twin   func(i int) // shows entry i as another one; nil if the list cannot
}

// size is records_per_page as it is honoured: 25 when it is missing or out of
// range (mx-api.md §1.3: no clamping).
func (q *request) size() int {
	n, err := strconv.Atoi(q.param("records_per_page"))
	if err != nil || n < minPageSize || n > q.w.cfg.MaxPageSize {
		return defaultPageSize
	}
	return n
}

// page is the page asked for; what is no positive number counts as 1.
func (q *request) page() int {
	n, err := strconv.Atoi(q.param("page"))
	if err != nil || n < 1 || n > 1<<40 {
		return 1
	}
	return n
}

// list writes one page of a list and its envelope.
func (q *request) list(l listing) int {
	size, page := q.size(), q.page()
	if q.fallback {
		q.fellBack, size = size != defaultPageSize, defaultPageSize
	}
	if q.emptied {
		l.n, l.twin = 0, nil
	}
	d := q.drift(l.n, size, page, l.twin != nil)
	shown := l.n + d.extra - d.hidden
	lo := min((page-1)*size, shown)
	hi := min(lo+size, shown)
	e := &q.e
	e.b = append(e.b, '{')
	front := l.first != (e.shuffle>>8&1 == 1)
	if front {
		q.pagination(page, size, shown)
		e.b = append(e.b, ',')
	}
	e.b = append(append(append(e.b, '"'), l.plural...), '"', ':', '[')
	d.split(lo, hi, l.rows, l.twin, func() { e.b = append(e.b, ',') })
	e.b = append(e.b, ']')
	if !front {
		e.b = append(e.b, ',')
		q.pagination(page, size, shown)
	}
	e.b = append(e.b, '}')
	q.rows = hi - lo
	return 200
}

// pagination writes the block of mx-api.md §1.3: an empty list has one page.
func (q *request) pagination(page, size, total int) {
	b := append(q.e.b, `"pagination":{"current_page":`...)
	b = strconv.AppendInt(b, int64(page), 10)
	b = append(b, `,"per_page":`...)
	b = strconv.AppendInt(b, int64(size), 10)
	b = append(b, `,"total_entries":`...)
	b = strconv.AppendInt(b, int64(total), 10)
	b = append(b, `,"total_pages":`...)
	b = strconv.AppendInt(b, int64(pagesOf(total, size)), 10)
	q.e.b = append(b, '}')
}

func pagesOf(total, size int) int { return max(1, (total+size-1)/size) }
