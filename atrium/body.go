package atrium

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

const (
	maxBody      = 64 << 20 // bytes of one answer, after inflation
	maxInflation = 200      // times its size; pages of records stay below 60
	freeInflated = 1 << 20  // bytes that inflation may yield before it is judged

	// What is read of the body of an error, so that the connection can be kept.
	drained   = 64 << 10
	drainTime = 5 * time.Second
)

// once sends the request once and decodes the answer into ws.
func (c *Client) once(ctx context.Context, q *request, try int, ws *workspace) (a answer, fail *Error) {
	started := time.Now()
	defer func() { c.logRequest(ctx, q, try, a, time.Since(started), fail) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := &watchdog{idle: c.timeout, until: started.Add(5 * c.timeout)}
	watch.timer = time.AfterFunc(watch.idle, func() { cancel(errSilent) })
	defer watch.timer.Stop()

	err := c.send(ctx, q, &a, func(resp *http.Response) error {
		body := &wire{src: resp.Body, watch: watch}
		if a.status != http.StatusOK {
			watch.until = time.Now().Add(drainTime)
			_, _ = io.CopyN(io.Discard, body, drained) // the status is all that counts
			return nil
		}
		if !isJSON(resp.Header.Get("Content-Type")) {
			return errNotJSON
		}
		return c.decode(body, resp.Header.Get("Content-Encoding"), q.want, ws)
	})
	if err == nil && a.status == http.StatusOK {
		return a, nil
	}
	if err != nil && context.Cause(ctx) == errSilent {
		err = errSilent
	}
	return a, c.judge(q, a, err)
}

// send sends the request, with the keys, and hands the answer over. Keys go
// nowhere but to the origin that the client was made for, and since the
// transport is asked for one round trip, no redirect is followed.
func (c *Client) send(ctx context.Context, q *request, a *answer, receive func(*http.Response) error) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.prefix+q.path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", c.dialect.accept)
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", "tallyport")
	if origin(req.URL) == c.origin {
		c.dialect.authorize(req.Header, c.keys)
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // read to its end, or given up
	a.status = resp.StatusCode
	a.requestID = cleanID(resp.Header.Get("X-Request-Id"))
	a.date, a.after, a.told = serverTimes(resp.Header)
	return receive(resp)
}

// decode reads a body of that encoding into ws, within the limits.
func (c *Client) decode(body *wire, encoding string, w *want, ws *workspace) error {
	switch strings.ToLower(encoding) {
	case "", "identity":
		return ws.document(&bounded{src: body}, w, &ws.page)
	case "gzip":
	default:
		return errEncoding
	}
	zr := c.inflater.Get().(*gzip.Reader)
	defer c.inflater.Put(zr)
	if err := zr.Reset(body); err != nil {
		return err
	}
	return ws.document(&bounded{src: zr, packed: body}, w, &ws.page)
}

// watchdog ends a try in which nothing moves.
type watchdog struct {
	timer *time.Timer
	idle  time.Duration // between two pieces
	until time.Time     // of the whole
}

// wire is a body as it comes from the network.
type wire struct {
	src   io.Reader
	watch *watchdog
	n     int64
}

func (r *wire) Read(p []byte) (int, error) {
	left := time.Until(r.watch.until)
	if left <= 0 {
		return 0, errSilent
	}
	r.watch.timer.Reset(min(r.watch.idle, left))
	n, err := r.src.Read(p)
	r.n += int64(n)
	return n, err
}

// bounded stops a body that is too large, or that inflates to too much.
type bounded struct {
	src    io.Reader
	packed *wire // where src inflates from; nil: it does not
	n      int64
}

func (r *bounded) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	r.n += int64(n)
	switch {
	case r.n > maxBody:
		return n, errTooLarge
	case r.packed != nil && r.n > freeInflated && r.n > maxInflation*r.packed.n:
		return n, errBomb
	}
	return n, err
}
