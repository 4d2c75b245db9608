package sim

import (
	"bytes"
	"compress/gzip"
	"context"
	"hash/crc32"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// reply is an answer before it goes to a wire, real or not.
type reply struct {
	status int // 0: no answer, the connection breaks
	header http.Header
	body   []byte
	length int // Content-Length to announce; -1 = chunked, as MX does
	cut    int // the body ends after so many bytes; -1 = it does not
	drip   time.Duration
	tail   []byte // after the body, repeated
	times  int    // so many times; negative = without end
	page   []byte // the buffer that the body stands in, to be used again
}

// atriumType is the content type of every JSON answer (mx-api.md §1.1).
const atriumType = "application/vnd.mx.atrium.v1+json; charset=utf-8"

// serve answers one request. It sleeps for the latency, unless ctx ends.
func (w *World) serve(ctx context.Context, r *http.Request) (*reply, error) {
	q := &request{w: w, path: r.URL.Path}
	q.values, _ = url.ParseQuery(r.URL.RawQuery)
	endpoint := "other"
	if q.match() {
		endpoint = q.route.pattern
	}
	mischief := w.mischief(r)
	if mischief != nil {
		q.luck = luck{delay: w.cfg.Latency}
	} else {
		q.luck = w.decide(r.URL.RequestURI())
	}
	if err := sleep(ctx, q.delay); err != nil {
		return nil, err
	}
	var rep *reply
	if mischief != nil {
		rep = mischief(q, r)
	} else {
		rep = w.answer(r, q)
	}
	if rep == silence {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	rep.page = q.e.b
	w.dress(rep, q, r)
	w.stats.note(func(s *Stats) {
		s.count(endpoint, rep.status)
		s.Rows += int64(q.rows)
		s.Bytes += int64(len(q.e.b))
		if rep.status == 429 {
			s.RateLimited++
		}
		if rep.status == 0 {
			s.Resets++
		}
		if rep.cut >= 0 {
			s.Truncated++
		}
		if rep.drip > 0 {
			s.Slow++
		}
		if q.fellBack {
			s.Fallbacks++
		}
	})
	return rep, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// answer decides what the request deserves, in the order in which MX would: who
// asks, in which version, for what, and is there anything.
func (w *World) answer(r *http.Request, q *request) *reply {
	q.e.b, q.e.marks = w.pages.take(), q.marks[:0]
	if q.weather.ShuffleKeys {
		q.e.shuffle = hash(q.h, saltShuffle) | 1
	}
	switch {
	case r.Header.Get("MX-API-Key") != w.cfg.APIKey || r.Header.Get("MX-Client-ID") != w.cfg.ClientID:
		return q.failure(401, "The API key or the client ID is not valid.")
	case !strings.Contains(r.Header.Get("Accept"), "vnd.mx.atrium.v1"):
		return q.failure(406, "The Accept header names no version of this API.")
	case q.route == nil:
		return q.failure(404, "No such resource.")
	case r.Method != http.MethodGet:
		rep := q.failure(405, "This resource can only be read.")
		rep.header.Set("Allow", http.MethodGet)
		return rep
	}
	switch q.fault {
	case faultRateLimit:
		return w.rateLimit(q)
	case faultServerError:
		status := [...]int{500, 502, 503, 504}[hash(q.h, 1)%4]
		return q.failure(status, "Something went wrong on our side.")
	case faultReset:
		return &reply{header: http.Header{}, cut: -1}
	}
	id, hasUser, hasMember := q.memberID()
	q.v = w.view()
	if hasUser {
		for _, u := range w.failingUsers(q.weather.FailingUsers) {
			if u == id.user {
				return q.failure(500, "This user cannot be read.")
			}
		}
		if q.path != "/users/"+q.ids[idUser] {
			q.v = w.happen(id, hasMember, q.weather)
		}
	}
	status := q.route.serve(q)
	if status != 200 {
		return q.failure(status, q.message)
	}
	rep := &reply{status: 200, header: http.Header{}, body: q.e.b, length: -1, cut: -1}
	switch q.fault {
	case faultTruncate:
		rep.cut = 1
		if hash(q.h, 2)&1 == 0 {
			rep.length = len(rep.body)
		}
	case faultSlow:
		rep.drip = q.weather.SlowBody
	}
	return rep
}

// rateLimit answers 429, mostly without saying for how long (mx-api.md §1.11:
// no Atrium document mentions 429 or Retry-After).
func (w *World) rateLimit(q *request) *reply {
	rep := q.failure(429, "Too many requests.")
	seconds := int64((q.weather.RetryAfter + time.Second - 1) / time.Second)
	x := float64(hash(q.h, 3)>>11) / (1 << 53)
	switch {
	case x < q.weather.RetryAfterSeconds:
		rep.header.Set("Retry-After", strconv.FormatInt(seconds, 10))
	case x < q.weather.RetryAfterSeconds+q.weather.RetryAfterDate:
		rep.header.Set("Retry-After", w.Now().Add(time.Duration(seconds)*time.Second).Format(http.TimeFormat))
	default:
		return rep
	}
	w.stats.hold(time.Duration(seconds) * time.Second)
	return rep
}

// failure makes an error answer. Its body is what integrators have seen
// (mx-api.md §1.11); in odd weather it is empty, or a proxy's page.
func (q *request) failure(status int, message string) *reply {
	rep := &reply{status: status, header: http.Header{}, length: -1, cut: -1}
	q.rows = 0
	q.e.b = q.e.b[:0]
	if chance(hash(q.h, 4), q.weather.OddErrors) {
		if hash(q.h, 5)&1 == 0 {
			rep.header.Set("Content-Type", "text/html")
			rep.body = []byte("<html><head><title>" + strconv.Itoa(status) + "</title></head><body><center>nginx</center></body></html>\r\n")
		} else {
			rep.length = 0
		}
		return rep
	}
	q.e.b = append(q.e.b, `{"error":{"message":`...)
	q.e.b = append(appendString(q.e.b, message, false), '}', '}')
	rep.body = q.e.b
	return rep
}

// dress adds the headers that vestibule was seen to send (mx-api.md §1.1), and
// compresses the body for those who offer it.
func (w *World) dress(rep *reply, q *request, r *http.Request) {
	h := rep.header
	set := func(k, v string) {
		if _, ok := h[k]; !ok {
			h[k] = []string{v}
		}
	}
	sum := hash(uint64(crc32.Checksum(rep.body, crc32.MakeTable(crc32.Castagnoli))), uint64(len(rep.body)))
	serial := w.serial.Add(1)
	set("Server", "nginx")
	set("Date", w.Now().Format(http.TimeFormat))
	set("Content-Type", atriumType)
	set("Etag", `W/"`+hex32(sum)+`"`)
	set("Cache-Control", "max-age=0, private, must-revalidate")
	set("X-Request-Id", hex32(hash(w.seed^saltRequest, serial)))
	set("X-Runtime", "0.0"+strconv.FormatUint(10_000+sum%80_000, 10))
	h["Strict-Transport-Security"] = []string{"max-age=31536000", "max-age=31536000"} // sent twice
	set("X-Frame-Options", "SAMEORIGIN")
	set("X-Xss-Protection", "1; mode=block")
	set("X-Content-Type-Options", "nosniff")
	if !w.cfg.NoGzip && len(rep.body) > 256 && rep.times == 0 && h["Content-Encoding"] == nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		rep.body = w.zips.compress(rep.body)
		if rep.length > 0 {
			rep.length = len(rep.body)
		}
		set("Content-Encoding", "gzip")
		set("Vary", "Accept-Encoding")
	}
	if rep.cut > 0 { // somewhere in the middle
		rep.cut = 1 + pick(hash(q.h, 6), max(1, len(rep.body)-1))
	}
}

// pagePool keeps the buffers of pages that were read to their end.
type pagePool struct{ pool sync.Pool }

func (p *pagePool) take() []byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, 4096)
}

func (p *pagePool) give(b []byte) {
	if cap(b) > 0 {
		p.pool.Put(&b)
	}
}

// zipPool keeps compressors: each is a megabyte.
type zipPool struct{ pool sync.Pool }

func (p *zipPool) compress(text []byte) []byte {
	z, ok := p.pool.Get().(*gzip.Writer)
	if !ok {
		var err error
		if z, err = gzip.NewWriterLevel(nil, gzip.BestSpeed); err != nil {
			panic(err) // BestSpeed is a level
		}
	}
	defer p.pool.Put(z)
	var b bytes.Buffer
	z.Reset(&b)
	if _, err := z.Write(text); err != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func hex32(x uint64) string {
	g := formatGUID("ETG", x, mix(x+golden))
	return strings.ReplaceAll(string(g[4:]), "-", "")
}
