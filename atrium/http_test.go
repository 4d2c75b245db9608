package atrium

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tallyport/schemas"
)

// A redirect is an error wherever it points, and no other server ever hears
// from us, let alone our keys.
func TestRedirectsAreNeverFollowed(t *testing.T) {
	var elsewhere, here atomic.Int64
	listen := func(addrs ...string) net.Listener {
		var failed error
		for _, addr := range addrs {
			l, err := net.Listen("tcp", addr)
			if err == nil {
				return l
			}
			failed = err
		}
		t.Fatal(failed)
		return nil
	}
	serve := func(l net.Listener, n *atomic.Int64, h http.HandlerFunc) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n.Add(1)
			h(w, r)
		}))
		_ = s.Listener.Close() // replaced
		s.Listener = l
		return s
	}
	nothing := func(http.ResponseWriter, *http.Request) {}
	otherPort := serve(listen("127.0.0.1:0"), &elsewhere, nothing)
	otherPort.Start()
	defer otherPort.Close()
	otherHost := serve(listen("127.0.0.2:0", "[::1]:0"), &elsewhere, nothing)
	otherHost.Start()
	defer otherHost.Close()
	otherScheme := serve(listen("127.0.0.1:0"), &elsewhere, nothing)
	otherScheme.StartTLS()
	defer otherScheme.Close()

	var status int
	var location string
	main := serve(listen("127.0.0.1:0"), &here, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("MX-API-Key") != testKey || r.Header.Get("MX-Client-ID") != testClient {
			t.Errorf("%s comes without keys", r.URL)
		}
		w.Header().Set("Location", location)
		w.WriteHeader(status)
	})
	main.Start()
	defer main.Close()
	base, err := url.Parse(main.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Atrium(base), keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	cells := 0
	for _, status = range []int{300, 301, 302, 303, 304, 305, 307, 308} {
		for _, location = range []string{
			"/users", main.URL + "/users", "//" + base.Host + "/users", otherPort.URL, otherPort.URL + "/users?page=1", otherHost.URL,
			strings.Replace(main.URL, "127.0.0.1", "localhost", 1), otherScheme.URL, strings.Replace(main.URL, "http:", "https:", 1),
			"http://user:pass@" + base.Host + "/", "", "http://[broken", "ftp://127.0.0.1/",
		} {
			cells++
			before := here.Load()
			guids, w, err := walkUsers(t, c)
			if err != nil || w.Reason != schemas.HTTPError || w.HTTPStatus != status || len(guids) != 0 || !strings.Contains(w.Detail, "redirect") {
				t.Errorf("%d to %s: %v, %+v", status, location, err, w)
			}
			if n := here.Load() - before; n != 1 {
				t.Errorf("%d to %s: %d requests", status, location, n)
			}
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests reached other servers", n)
	}
	t.Logf("%d redirects, %d requests elsewhere", cells, elsewhere.Load())
}

// The keys depend on the origin that a request goes to, whatever built it.
func TestKeysOnlyForOrigin(t *testing.T) {
	for prefix, want := range map[string]bool{
		testBase: true, "https://MX.TEST": true, "https://mx.test:443": true,
		"http://mx.test": false, "https://mx.test:8443": false, "https://mx.test.evil.test": false, "https://evil.test": false,
		"https://mx.test@evil.test": false, "http://mx.test:443": false,
	} {
		sent := false
		c := newClient(t, transport(func(r *http.Request) (*http.Response, error) {
			sent = r.Header.Get("MX-API-Key") != "" || r.Header.Get("MX-Client-ID") != ""
			return reply(http.StatusNotFound, ""), nil
		}), Options{})
		c.prefix = prefix
		if _, _, err := walkUsers(t, c); err != nil || sent != want {
			t.Errorf("%s: keys sent %v, %v", prefix, sent, err)
		}
	}
}

// What each status means for the walk, the run, and the number of requests.
func TestStatuses(t *testing.T) {
	const list, record = true, false
	for _, s := range []struct {
		status   int
		of       bool // the list of users, or a record after something has succeeded
		reason   schemas.Reason
		requests int
		ends     error
	}{
		{401, list, schemas.Refused, 1, ErrRefused}, {401, record, schemas.Refused, 1, ErrRefused},
		{403, list, schemas.Refused, 1, ErrRefused}, {403, record, schemas.Refused, 1, nil},
		{406, list, schemas.Refused, 1, ErrRefused}, {406, record, schemas.Refused, 1, ErrRefused},
		{404, list, schemas.NotFound, 1, nil}, {410, record, schemas.NotFound, 1, nil},
		{400, record, schemas.HTTPError, 1, nil}, {405, record, schemas.HTTPError, 1, nil}, {408, record, schemas.HTTPError, 1, nil},
		{409, record, schemas.HTTPError, 1, nil}, {418, record, schemas.HTTPError, 1, nil}, {422, record, schemas.HTTPError, 1, nil},
		{501, record, schemas.HTTPError, 1, nil}, {505, record, schemas.HTTPError, 1, nil}, {999, record, schemas.HTTPError, 1, nil},
		{201, record, schemas.HTTPError, 1, nil}, {202, list, schemas.HTTPError, 1, nil}, {204, list, schemas.HTTPError, 1, nil}, {206, list, schemas.HTTPError, 1, nil},
		{500, list, schemas.HTTPError, maxFailures, nil}, {502, record, schemas.HTTPError, maxFailures, nil}, {503, record, schemas.HTTPError, maxFailures, nil}, {504, record, schemas.HTTPError, maxFailures, nil},
		{429, list, schemas.HTTPError, maxThrottled, nil}, {429, record, schemas.HTTPError, maxThrottled, nil},
	} {
		t.Run(fmt.Sprint(s.status, s.of), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				status := http.StatusOK
				requests := 0
				c := newClient(t, transport(func(r *http.Request) (*http.Response, error) {
					requests++
					if strings.HasPrefix(r.URL.Path, "/users/") && status == http.StatusOK {
						return reply(status, `{"user":{"guid":"U"}}`), nil
					}
					return reply(status, `{"users":[],"error":{"message":"no"}}`), nil
				}), Options{})
				var w schemas.Walk
				var err error
				if s.of == record {
					if _, w, err = c.Read(t.Context(), usersList, "U"); err != nil || w.Reason != "" {
						t.Fatal(err, w.Reason)
					}
				}
				status, requests = s.status, 0
				if s.of == list {
					_, w, err = walkUsers(t, c)
				} else {
					_, w, err = c.Read(t.Context(), usersList, "U")
				}
				if w.Reason != s.reason || w.HTTPStatus != s.status || requests != s.requests || w.Rows != 0 || !strings.Contains(w.Detail, fmt.Sprint(s.status)) {
					t.Errorf("%+v, %d requests", w, requests)
				}
				if !errors.Is(err, s.ends) {
					t.Errorf("error %v, want %v", err, s.ends)
				}
				var e *Error
				if s.ends == nil {
					return
				}
				if !errors.As(err, &e) || e.Hint == "" || e.Status != s.status || e.RequestID != "4cdf2a1e" || !strings.Contains(err.Error(), "hint: ") {
					t.Errorf("%#v", err)
				}
				// The run is over: nothing is sent any more.
				before := requests
				if _, _, again := c.Read(t.Context(), usersList, "U"); !errors.Is(again, s.ends) || requests != before {
					t.Errorf("after the end: %v, %d more requests", again, requests-before)
				}
			})
		})
	}
}

// While nothing has succeeded, 403 is taken to mean everything.
func TestForbiddenBeforeAnySuccess(t *testing.T) {
	c := newClient(t, transport(func(r *http.Request) (*http.Response, error) { return reply(403, ""), nil }), Options{})
	if _, w, err := c.Read(t.Context(), usersList, "U"); !errors.Is(err, ErrRefused) || w.Reason != schemas.Refused {
		t.Error(err, w.Reason)
	}
}

// The list of users is refused to none, or to all.
func TestForbiddenUsersAfterSuccess(t *testing.T) {
	c := newClient(t, transport(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/users" {
			return reply(403, ""), nil
		}
		return reply(200, `{"user":{"guid":"U"}}`), nil
	}), Options{})
	if _, w, err := c.Read(t.Context(), usersList, "U"); err != nil || w.Reason != "" {
		t.Fatal(err, w.Reason)
	}
	if _, _, err := walkUsers(t, c); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

// Nothing that a server says, and nothing of the keys, gets into a log, an
// error or the evidence of a walk.
func TestCanaries(t *testing.T) {
	canaries := map[string]string{
		"key": testKey, "client": testClient, "body": "BODY-c4n4ry", "name": "NAME-c4n4ry", "location": "LOCATION-c4n4ry", "header": "HEADER-c4n4ry", "line": "LINE-c4n4ry",
	}
	errorBody := fmt.Sprintf(`{"error":{"message":"%s %s %s"}}`, canaries["body"], testKey, testClient)
	answers := map[string]func() (*http.Response, error){
		"page": func() (*http.Response, error) {
			return reply(http.StatusOK, `{"users":[{"guid":"U1","identifier":"`+canaries["name"]+`","x":"`+canaries["body"]+`"},{"guid":"U2","`+canaries["body"]+`":1,"`+canaries["body"]+`":2},{"guid":"","identifier":"`+canaries["name"]+`"}],"pagination":{"current_page":1,"per_page":100,"total_entries":3,"total_pages":1}}`), nil
		},
		"torn": func() (*http.Response, error) {
			return reply(http.StatusOK, `{"users":[{"guid":"U1","identifier":"`+canaries["name"]+`"}],"pagination":{"current_page":7,"per_page":100,"total_entries":3,"total_pages":1}}`), nil
		},
		"broken page": func() (*http.Response, error) {
			return reply(http.StatusOK, `{"users":[{"guid":"`+canaries["body"]), nil
		},
		"no page": func() (*http.Response, error) { return reply(http.StatusOK, canaries["body"]), nil },
		"html": func() (*http.Response, error) {
			return reply(200, canaries["body"], "Content-Type", canaries["header"]), nil
		},
		"encoding": func() (*http.Response, error) { return reply(200, "", "Content-Encoding", canaries["header"]), nil },
		"redirect": func() (*http.Response, error) { return reply(302, errorBody, "Location", canaries["location"]), nil },
		"request id": func() (*http.Response, error) {
			return reply(404, errorBody, "X-Request-Id", "«"+strings.Repeat("_", 90)+"»\n"), nil
		},
		"date":        func() (*http.Response, error) { return reply(404, errorBody, "Date", canaries["header"]), nil },
		"retry-after": func() (*http.Response, error) { return reply(429, errorBody, "Retry-After", canaries["header"]), nil },
		"long wait":   func() (*http.Response, error) { return reply(429, errorBody, "Retry-After", "99999"), nil },
		"malformed": func() (*http.Response, error) {
			return nil, errors.New("malformed HTTP response \"" + canaries["line"] + "\"")
		},
		"broken in URL": func() (*http.Response, error) {
			return nil, &url.Error{Op: canaries["line"], URL: canaries["line"], Err: errors.New(canaries["line"])}
		},
		"refused": func() (*http.Response, error) { return nil, syscall.ECONNREFUSED },
		"dns": func() (*http.Response, error) {
			return nil, &net.DNSError{Err: canaries["line"], Name: canaries["line"]}
		},
	}
	for _, status := range []int{400, 401, 403, 404, 405, 406, 409, 422, 429, 500, 502, 503, 504} {
		answers[fmt.Sprint(status)] = func() (*http.Response, error) { return reply(status, errorBody), nil }
	}
	for name, answer := range answers {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			c := newClient(t, transport(func(*http.Request) (*http.Response, error) { return answer() }), Options{Logger: slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			_, w, err := walkUsers(t, c)
			_, w2, err2 := c.Read(t.Context(), usersList, "U1")
			fmt.Fprintf(&out, "%+v %v %+v %#v %+v %v", w, err, err, err, w2, err2)
			for e := err; e != nil; e = errors.Unwrap(e) {
				fmt.Fprintf(&out, "%v %+v", e, e)
			}
			fmt.Fprintf(&out, "%v %+v %#v", c, c, c.Stats())
			for what, canary := range canaries {
				for _, form := range []string{canary, url.QueryEscape(canary), base64.StdEncoding.EncodeToString([]byte(canary)), strings.ToLower(canary)} {
					if strings.Contains(out.String(), form) {
						t.Errorf("%s: the %s canary is in %s", name, what, out.String())
					}
				}
			}
			if !strings.Contains(out.String(), `"msg":"request","method":"GET","path":"/users?page=1&records_per_page=100","status":`) {
				t.Errorf("%s: no line for a request in %s", name, out.String())
			}
		})
	}
}

// Through real connections: compression, reuse, and no goroutine left.
func TestRealServer(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	world := &tiny{guids: users(2345)}
	conns := map[string]bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := world.RoundTrip(r)
		if err != nil {
			t.Error(err)
		}
		world.mu.Lock()
		conns[r.RemoteAddr] = true
		world.mu.Unlock()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		if r.Header.Get("Accept-Encoding") == "gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			text = []byte(gzipped(t, string(text)))
		}
		_, _ = w.Write(text) // the client may be gone
	}))
	defer srv.Close()
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Atrium(base), keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	guids, w, err := walkUsers(t, c)
	if err != nil || !w.Complete() || len(guids) != 2345 || w.Pages != 24 || w.ObservedAt == 0 {
		t.Errorf("%v, %+v", err, w)
	}
	if len(conns) != 1 {
		t.Errorf("%d connections for one walk", len(conns))
	}
}

// Over TLS, HTTP/2 is spoken, and everything else is the same.
func TestHTTP2(t *testing.T) {
	world := &tiny{guids: users(350)}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.TLS.Version < tls.VersionTLS12 || r.Header.Get("MX-API-Key") != testKey {
			t.Errorf("%s, TLS %x, headers %v", r.Proto, r.TLS.Version, r.Header)
		}
		resp, err := world.RoundTrip(r)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		if _, err := io.Copy(w, resp.Body); err != nil {
			t.Error(err)
		}
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Atrium(base), keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.owned.TLSClientConfig.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	if guids, w, err := walkUsers(t, c); err != nil || !w.Complete() || len(guids) != 350 {
		t.Errorf("%v, %+v", err, w)
	}
}

// TLS is verified, and failure to is no reason to try for hours.
func TestCertificateEndsRun(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request came through") }))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Atrium(base), keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := walkUsers(t, c); !errors.Is(err, ErrUnreachable) || !errors.Is(err, errCertificate) || !strings.Contains(err.Error(), "hint: ") {
		t.Error(err)
	}
}

// What keeps every request from being answered is said, and at once where
// another try cannot help.
func TestUnreachableSaysWhy(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request came through") }))
	plain.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer plain.Close()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() {
		for {
			conn, err := other.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220 mail.example.com ready\r\n"))
			conn.Close()
		}
	}()
	for address, want := range map[string]error{
		"https://" + plain.Listener.Addr().String(): errPlain,
		"https://" + other.Addr().String():          errNoTLS,
	} {
		base, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(Atrium(base), keys(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := walkUsers(t, c); !errors.Is(err, ErrUnreachable) || !errors.Is(err, want) || !strings.Contains(err.Error(), want.Error()) {
			t.Errorf("%s: %v", address, err)
		}
		if n := c.Stats().Requests; n != 1 {
			t.Errorf("%s: %d requests", address, n)
		}
		c.Close()
	}
}

// A name that claims to be this machine is believed only if it is.
func TestPlainHTTPStaysHere(t *testing.T) {
	tr := newTransport(1, time.Second, true, false)
	for _, addr := range []string{"10.1.2.3:80", "192.0.2.1:80", "[2001:db8::1]:80"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := tr.DialContext(ctx, "tcp", addr); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %v", addr, err)
		}
		cancel()
	}
	if tr.Proxy != nil || newTransport(1, time.Second, false, true).Proxy == nil || tr.TLSClientConfig.InsecureSkipVerify || tr.TLSClientConfig.MinVersion < 0x0303 {
		t.Error("transport")
	}
}
