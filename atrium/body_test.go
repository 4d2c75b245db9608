package atrium

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tallyport/schemas"
)

func gzipped(t testing.TB, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// blanks is n bytes of white space, a legal beginning of any document.
func blanks(n int64) io.Reader {
	blank := strings.Repeat(" ", 1<<15)
	return io.LimitReader(readerFunc(func(p []byte) (int, error) { return copy(p, blank), nil }), n)
}

type readerFunc func([]byte) (int, error)

// What a body may be, and what not: undecodable is final, a lack of bytes is
// tried again.
func TestBodies(t *testing.T) {
	const good = `{"users":[{"guid":"U1"},{"guid":"U2"}],"pagination":{"current_page":1,"per_page":100,"total_entries":2,"total_pages":1}}`
	var bomb bytes.Buffer
	zw, err := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(zw, blanks(8<<20)); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	packed := gzipped(t, good)
	damaged := packed[:len(packed)-6] + "x" + packed[len(packed)-5:]
	for _, b := range []struct {
		name     string
		body     io.Reader
		headers  []string
		reason   schemas.Reason
		requests int
	}{
		{"plain", strings.NewReader(good), nil, "", 1},
		{"identity", strings.NewReader(good), []string{"Content-Encoding", "identity"}, "", 1},
		{"gzip", strings.NewReader(packed), []string{"Content-Encoding", "GZip"}, "", 1},
		{"gzip in two members", strings.NewReader(gzipped(t, good[:40]) + gzipped(t, good[40:])), []string{"Content-Encoding", "gzip"}, "", 1},
		{"application/json", strings.NewReader(good), []string{"Content-Type", "application/json"}, "", 1},
		{"media type in capitals", strings.NewReader(good), []string{"Content-Type", "Application/JSON;charset=UTF-8"}, "", 1},

		{"html", strings.NewReader("<html>"), []string{"Content-Type", "text/html"}, schemas.Undecodable, 1},
		{"JSON as text", strings.NewReader(good), []string{"Content-Type", "text/plain"}, schemas.Undecodable, 1},
		{"no type", strings.NewReader(good), []string{"Content-Type", ""}, schemas.Undecodable, 1},
		{"broken type", strings.NewReader(good), []string{"Content-Type", "application/json; charset"}, schemas.Undecodable, 1},
		{"PDF", strings.NewReader(good), []string{"Content-Type", "application/vnd.mx.atrium.v1+pdf"}, schemas.Undecodable, 1},
		{"brotli", strings.NewReader(good), []string{"Content-Encoding", "br"}, schemas.Undecodable, 1},
		{"gzip that is none", strings.NewReader(good), []string{"Content-Encoding", "gzip"}, schemas.Undecodable, 1},
		{"damaged gzip", strings.NewReader(damaged), []string{"Content-Encoding", "gzip"}, schemas.Undecodable, 1},
		{"gzip with a tail", strings.NewReader(packed + "tail of garbage"), []string{"Content-Encoding", "gzip"}, schemas.Undecodable, 1},
		{"not JSON", strings.NewReader("{]"), nil, schemas.Undecodable, 1},
		{"garbage behind", strings.NewReader(good + "x"), nil, schemas.Undecodable, 1},
		{"pagination is missing", strings.NewReader(`{"users":[]}`), nil, schemas.Undecodable, 1},
		{"bomb", &bomb, []string{"Content-Encoding", "gzip"}, schemas.Undecodable, 1},

		{"nothing", strings.NewReader(""), nil, schemas.HTTPError, 6},
		{"cut", strings.NewReader(good[:60]), nil, schemas.HTTPError, 6},
		{"cut gzip", strings.NewReader(packed[:len(packed)-9]), []string{"Content-Encoding", "gzip"}, schemas.HTTPError, 6},
		{"gzip without its checksum", strings.NewReader(packed[:len(packed)-8]), []string{"Content-Encoding", "gzip"}, schemas.HTTPError, 6},
		{"empty gzip", strings.NewReader(""), []string{"Content-Encoding", "gzip"}, schemas.HTTPError, 6},
		{"reset", io.MultiReader(strings.NewReader(good[:60]), errReader{syscall.ECONNRESET}), nil, schemas.HTTPError, 6},
		{"reset behind the end", io.MultiReader(strings.NewReader(good), errReader{io.ErrUnexpectedEOF}), nil, schemas.HTTPError, 6},
	} {
		t.Run(b.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				text, readErr := io.ReadAll(b.body)
				c := newClient(t, transport(func(*http.Request) (*http.Response, error) {
					requests++
					resp := reply(http.StatusOK, "", b.headers...)
					resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text), errReader{readErr}))
					return resp, nil
				}), Options{})
				guids, w, err := walkUsers(t, c)
				if err != nil || w.Reason != b.reason || requests != b.requests || (len(guids) == 2) != (b.reason == "") || w.Rows != len(guids) {
					t.Errorf("%v, %v %q, %d rows, %d requests", err, w.Reason, w.Detail, len(guids), requests)
				}
			})
		})
	}
}

type errReader struct{ err error }

// An answer without end is given up at the limit.
func TestEndlessBody(t *testing.T) {
	read := int64(0)
	c := newClient(t, transport(func(*http.Request) (*http.Response, error) {
		resp := reply(http.StatusOK, "")
		src := blanks(1 << 40)
		resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
			n, err := src.Read(p)
			read += int64(n)
			return n, err
		}))
		return resp, nil
	}), Options{})
	if _, w, err := walkUsers(t, c); err != nil || w.Reason != schemas.Undecodable || w.Detail != errTooLarge.Error() || read > maxBody+maxRecord {
		t.Errorf("%v, %+v, %d bytes read", err, w, read)
	}
}

// A bomb is stopped long before it has been inflated.
func TestBombIsNotInflated(t *testing.T) {
	pr, pw := io.Pipe()
	inflated := make(chan int64, 1)
	go func() {
		zw := gzip.NewWriter(pw)
		n, err := io.Copy(zw, blanks(1<<40))
		pw.CloseWithError(err)
		inflated <- n
	}()
	c := newClient(t, transport(func(*http.Request) (*http.Response, error) {
		resp := reply(http.StatusOK, "", "Content-Encoding", "gzip")
		resp.Body = pr
		return resp, nil
	}), Options{})
	if _, w, err := walkUsers(t, c); err != nil || w.Reason != schemas.Undecodable || w.Detail != errBomb.Error() {
		t.Error(err, w)
	}
	if n := <-inflated; n > 64<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

// Wherever a body of a page ends, the page is asked for again, and the list
// comes whole.
func TestTruncationIsRetried(t *testing.T) {
	text := string(transactionsPageFor(t, 3))
	list := schemas.List{Resource: schemas.TransactionsResource, User: "U"}
	for _, packed := range []bool{false, true} {
		body, headers := text, []string(nil)
		if packed {
			body, headers = gzipped(t, text), []string{"Content-Encoding", "gzip"}
		}
		for _, end := range []error{nil, io.ErrUnexpectedEOF, syscall.ECONNRESET} {
			synctest.Test(t, func(t *testing.T) {
				cut, requests := 0, 0
				c := newClient(t, transport(func(*http.Request) (*http.Response, error) {
					if requests++; requests%2 == 0 {
						return reply(http.StatusOK, body, headers...), nil
					}
					resp := reply(http.StatusOK, "", headers...)
					resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(body[:cut]), errReader{end}))
					return resp, nil
				}), Options{})
				for cut = range len(body) {
					requests, c.health.budget = 0, 10
					var got collected
					w, err := c.Walk(t.Context(), list, got.page(t))
					if err != nil || w.Reason != "" || len(got.guids) != 3 || w.Rows != 3 || w.Tries != 1 || requests != 2 || got.pages != 1 {
						t.Fatalf("cut after %d of %d bytes with %v: %v, %+v, %d rows, %d requests", cut, len(body), end, err, w, len(got.guids), requests)
					}
				}
			})
		}
	}
}

// transactionsPageFor is a page of n transactions of user U, of which page 1 is all.
func transactionsPageFor(t testing.TB, n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"transactions":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"guid":"T%d","account_guid":"A","user_guid":"U","amount":12.5,"description":"Zoë \"x\"","memo":null,"is_fee":false,"x":[{}]}`, i)
	}
	fmt.Fprintf(&b, `],"pagination":{"current_page":1,"per_page":100,"total_entries":%d,"total_pages":1}}`, n)
	return b.Bytes()
}

// A server that says nothing, stops in the middle or drips is given up in
// time, and tried again.
func TestTimeouts(t *testing.T) {
	body := string(transactionsPageFor(t, 3))
	for name, s := range map[string]struct {
		serve func(ctx context.Context) (*http.Response, error)
		each  time.Duration // that a try takes
	}{
		"silent": {func(ctx context.Context) (*http.Response, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, time.Minute},
		"stalls": {func(ctx context.Context) (*http.Response, error) {
			resp := reply(http.StatusOK, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(body[:100]), readerFunc(func([]byte) (int, error) {
				<-ctx.Done()
				return 0, ctx.Err()
			})))
			return resp, nil
		}, time.Minute},
		"drips": {func(context.Context) (*http.Response, error) {
			resp := reply(http.StatusOK, "")
			resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
				time.Sleep(50 * time.Second)
				p[0] = ' '
				return 1, nil
			}))
			return resp, nil
		}, 5 * time.Minute},
		"drips in an error": {func(context.Context) (*http.Response, error) {
			resp := reply(http.StatusBadGateway, "")
			resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
				time.Sleep(time.Second)
				return 1, nil
			}))
			return resp, nil
		}, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				c := newClient(t, transport(func(r *http.Request) (*http.Response, error) {
					requests++
					return s.serve(r.Context())
				}), Options{})
				start := time.Now()
				_, w, err := walkUsers(t, c)
				took := time.Since(start)
				want := schemas.Timeout
				if name == "drips in an error" {
					want = schemas.HTTPError
				}
				if err != nil || w.Reason != want || requests != maxFailures {
					t.Errorf("%v, %+v, %d requests", err, w, requests)
				}
				if least := maxFailures * s.each; took < least || took > least+2*time.Minute {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// A slow answer that keeps moving is read to its end.
func TestSlowBodyIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := string(transactionsPageFor(t, 3))
		c := newClient(t, transport(func(r *http.Request) (*http.Response, error) {
			time.Sleep(59 * time.Second)
			rest := strings.NewReader(body)
			resp := reply(http.StatusOK, "")
			resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
				time.Sleep(30 * time.Second)
				return rest.Read(p[:min(len(p), 100)])
			}))
			return resp, nil
		}), Options{})
		list := schemas.List{Resource: schemas.TransactionsResource, User: "U"}
		if w, err := c.Walk(t.Context(), list, func(int, *schemas.Rows) error { return nil }); err != nil || w.Reason != "" || w.Rows != 3 {
			t.Error(err, w)
		}
	})
}

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (r errReader) Read([]byte) (int, error) {
	if r.err == nil {
		return 0, io.EOF
	}
	return 0, r.err
}
