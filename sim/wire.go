package sim

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Handler is the pretend MX for a real server.
func (w *World) Handler() http.Handler { return handler{w} }

type handler struct{ w *World }

func (h handler) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	h.w.stats.arrive()
	defer h.w.stats.leave()
	rep, err := h.w.serve(r.Context(), r)
	if err != nil {
		return // the client has gone
	}
	if rep.status == 0 {
		reset(rw)
		return
	}
	for k, v := range rep.header {
		rw.Header()[k] = v
	}
	if rep.length >= 0 {
		rw.Header().Set("Content-Length", strconv.Itoa(rep.length))
	}
	rw.WriteHeader(rep.status)
	flush := http.NewResponseController(rw).Flush
	if rep.length < 0 {
		if err := flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return // the client has gone
		}
	}
	defer h.w.pages.give(rep.page)
	b := newBody(r.Context(), rep, nil)
	buf := make([]byte, 64<<10)
	for {
		n, err := b.Read(buf)
		if _, werr := rw.Write(buf[:n]); werr != nil {
			return // the client has gone
		}
		if err == io.EOF {
			return
		}
		if rep.drip > 0 || err != nil {
			if ferr := flush(); ferr != nil && !errors.Is(ferr, http.ErrNotSupported) {
				return
			}
		}
		if err != nil {
			panic(http.ErrAbortHandler) // breaks the connection in the middle of the body
		}
	}
}

// reset breaks the connection without an answer, with RST where that is possible.
func reset(rw http.ResponseWriter) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if err := conn.Close(); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// Transport is the pretend MX in process: no sockets, no goroutines, any host
// name. It honours the request's context, and fails as a network does: a reset
// is an error, a truncated body ends in io.ErrUnexpectedEOF, a slow one sleeps
// in Read. Like a bare http.Transport with compression off, it leaves
// compression to the caller. Inside a testing/synctest bubble, use a World in
// one bubble only.
func (w *World) Transport() http.RoundTripper { return transport{w} }

type transport struct{ w *World }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stats := &t.w.stats
	stats.arrive()
	rep, err := t.w.serve(ctx, r)
	if err == nil && rep.status == 0 {
		err = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	if err != nil {
		stats.leave()
		return nil, err
	}
	stats.openBody(+1)
	done := sync.OnceFunc(func() {
		t.w.pages.give(rep.page)
		stats.leave()
		stats.openBody(-1)
	})
	resp := &http.Response{
		Status:        strconv.Itoa(rep.status) + " " + http.StatusText(rep.status),
		StatusCode:    rep.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        rep.header,
		ContentLength: int64(rep.length),
		Body:          newBody(ctx, rep, done),
		Request:       r,
	}
	if rep.length < 0 {
		resp.TransferEncoding = []string{"chunked"}
	} else {
		resp.Header.Set("Content-Length", strconv.Itoa(rep.length))
	}
	return resp, nil
}

// body reads a reply as a network would deliver it.
type body struct {
	ctx   context.Context
	rest  []byte
	tail  []byte
	times int // how often tail still comes; negative = without end
	cut   bool
	pause time.Duration // before each piece of a slow body
	piece int           // bytes of a piece; 0 = the body is not slow
	due   int           // bytes of the current piece still to come
	done  func()        // called once, at the end or at Close; may be nil
	shut  bool
}

// dripPieces is into how many pieces a slow body is broken.
const dripPieces = 8

func newBody(ctx context.Context, rep *reply, done func()) *body {
	b := &body{ctx: ctx, rest: rep.body, tail: rep.tail, times: rep.times, done: done}
	if rep.cut >= 0 {
		b.cut = true
		b.rest = b.rest[:min(rep.cut, len(b.rest))]
	}
	if rep.drip > 0 {
		b.pause = rep.drip / dripPieces
		b.piece = len(b.rest)/dripPieces + 1
	}
	return b
}

func (b *body) Read(p []byte) (int, error) {
	if b.shut {
		return 0, http.ErrBodyReadAfterClose
	}
	if err := b.wait(); err != nil {
		return 0, err
	}
	if len(b.rest) == 0 && b.times != 0 {
		b.rest = b.tail
		b.times--
	}
	if len(b.rest) == 0 {
		if b.cut {
			return 0, io.ErrUnexpectedEOF
		}
		b.finish()
		return 0, io.EOF
	}
	if b.piece > 0 {
		p = p[:min(len(p), b.due)]
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	b.due -= n
	return n, nil
}

// wait sleeps before each piece of a slow body, and notices a dead context.
func (b *body) wait() error {
	if b.piece == 0 || b.due > 0 || len(b.rest) == 0 {
		return b.ctx.Err()
	}
	b.due = b.piece
	return sleep(b.ctx, b.pause)
}

func (b *body) finish() {
	if b.done != nil {
		b.done()
	}
}

// Close ends the body. Reading on is an error.
func (b *body) Close() error {
	b.shut = true
	b.rest, b.tail = nil, nil
	b.finish()
	return nil
}
