package sim

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Credentials, version and method are checked before anything else.
func TestDoors(t *testing.T) {
	w := calmWorld(t, Config{Seed: 51, Users: 3, APIKey: "k1", ClientID: "c1"})
	user := w.userAt(0).id.String()
	for _, c := range []struct {
		name, method, path, key, client, accept string
		want                                    int
	}{
		{"all right", "GET", "/users", "k1", "c1", "application/vnd.mx.atrium.v1+json", 200},
		{"lenient version", "GET", "/users", "k1", "c1", "application/vnd.mx.atrium.v1<>json", 200},
		{"wrong key", "GET", "/users", "k2", "c1", "application/vnd.mx.atrium.v1+json", 401},
		{"wrong client", "GET", "/users", "k1", "c2", "application/vnd.mx.atrium.v1+json", 401},
		{"no credentials", "GET", "/users", "", "", "application/vnd.mx.atrium.v1+json", 401},
		{"other version", "GET", "/users", "k1", "c1", "application/vnd.mx.api.v1+json", 406},
		{"no version", "GET", "/users", "k1", "c1", "application/json", 406},
		{"no Accept", "GET", "/users", "k1", "c1", "", 406},
		{"unknown path", "GET", "/accounts", "k1", "c1", "application/vnd.mx.atrium.v1+json", 404},
		{"deeper path", "GET", "/users/" + user + "/members/x/y/z", "k1", "c1", "application/vnd.mx.atrium.v1+json", 404},
		{"root", "GET", "/", "k1", "c1", "application/vnd.mx.atrium.v1+json", 404},
		{"double slash", "GET", "//users", "k1", "c1", "application/vnd.mx.atrium.v1+json", 404},
		{"climbing", "GET", "/users/..%2finstitutions", "k1", "c1", "application/vnd.mx.atrium.v1+json", 404},
		{"unknown user", "GET", "/users/USR-00000000-0000-0000-0000-000000000000", "k1", "c1", "application/vnd.mx.atrium.v1+json", 404},
		{"another kind of guid", "GET", "/users/" + user + "/members/" + user, "k1", "c1", "application/vnd.mx.atrium.v1+json", 404},
		{"unknown institution", "GET", "/institutions/nowhere", "k1", "c1", "application/vnd.mx.atrium.v1+json", 404},
		{"write", "POST", "/users", "k1", "c1", "application/vnd.mx.atrium.v1+json", 405},
		{"delete", "DELETE", "/users/" + user, "k1", "c1", "application/vnd.mx.atrium.v1+json", 405},
	} {
		r, err := http.NewRequest(c.method, "https://mx.example"+c.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range map[string]string{"mx-api-key": c.key, "MX-CLIENT-ID": c.client, "Accept": c.accept} {
			if v != "" {
				r.Header.Set(k, v)
			}
		}
		resp, body, err := send(w, r)
		if err != nil || resp.StatusCode != c.want {
			t.Errorf("%s: %v %v, want %d", c.name, resp, err, c.want)
			continue
		}
		var failure struct{ Error struct{ Message string } }
		if err := json.Unmarshal(body, &failure); err != nil || (c.want != 200) != (failure.Error.Message != "") {
			t.Errorf("%s: body %s (%v)", c.name, body, err)
		}
	}
}

// Headers are those of mx-api.md §1.1, the date that of the world.
func TestHeaders(t *testing.T) {
	w := calmWorld(t, Config{Seed: 52, Users: 3})
	w.Advance(25 * time.Hour)
	first, _ := get(t, w, "/users")
	again, _ := get(t, w, "/users")
	h := first.Header
	for k, want := range map[string]string{
		"Content-Type":           `^application/vnd\.mx\.atrium\.v1\+json; charset=utf-8$`,
		"Etag":                   `^W/"[0-9a-f]{32}"$`,
		"X-Request-Id":           `^[0-9a-f]{32}$`,
		"X-Runtime":              `^0\.[0-9]+$`,
		"Date":                   `^Sat, 21 Nov 2026 03:00:00 GMT$`,
		"Server":                 `^nginx$`,
		"Cache-Control":          `max-age=0`,
		"X-Frame-Options":        `.`,
		"X-Xss-Protection":       `.`,
		"X-Content-Type-Options": `.`,
	} {
		if !regexp.MustCompile(want).MatchString(h.Get(k)) {
			t.Errorf("%s is %q, want %s", k, h.Get(k), want)
		}
	}
	if len(h["Strict-Transport-Security"]) != 2 {
		t.Errorf("Strict-Transport-Security: %q", h["Strict-Transport-Security"])
	}
	if h.Get("X-Request-Id") == again.Header.Get("X-Request-Id") {
		t.Error("two requests have the same id")
	}
	if h.Get("Etag") != again.Header.Get("Etag") {
		t.Error("the same body has two ETags")
	}
}

// Over real HTTP the world serves the same bytes as in process, compressed or not.
func TestHandlerServesTheSame(t *testing.T) {
	w := calmWorld(t, Config{Seed: 53, Users: 40})
	user, member := busyMember(t, w, 50)
	path := "/users/" + user + "/members/" + member + "/transactions?records_per_page=50"
	_, want := get(t, w, path)
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	for _, compressed := range []bool{false, true} {
		client := &http.Client{Transport: &http.Transport{DisableCompression: !compressed}}
		r := newRequest(t, path)
		r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(server.URL, "http://")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if string(body) != string(want) || resp.Uncompressed != compressed {
			t.Errorf("compressed %v: %d bytes (uncompressed on the way: %v), want %d", compressed, len(body), resp.Uncompressed, len(want))
		}
		if date := resp.Header.Get("Date"); date != "Fri, 20 Nov 2026 02:00:00 GMT" {
			t.Errorf("Date %s", date)
		}
		client.CloseIdleConnections()
	}
	if s := w.Stats(); s.Requests["/users/{u}/members/{m}/transactions"][200] != 3 {
		t.Errorf("requests: %v", s.Requests)
	}
}

// In process the caller decides about compression, as with a bare transport.
func TestTransportCompressesIfAsked(t *testing.T) {
	w := calmWorld(t, Config{Seed: 54, Users: 40})
	_, want := get(t, w, "/users")
	r := newRequest(t, "/users")
	r.Header.Set("Accept-Encoding", "gzip")
	resp, body, err := send(w, r)
	if err != nil || resp.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v %v", resp, err)
	}
	z, err := gzip.NewReader(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil || string(got) != string(want) {
		t.Errorf("inflated to %d bytes (%v), want %d", len(got), err, len(want))
	}
	w = calmWorld(t, Config{Seed: 54, Users: 40, NoGzip: true})
	if resp, _, err := send(w, r); err != nil || resp.Header.Get("Content-Encoding") != "" {
		t.Errorf("NoGzip: %v %v", resp.Header, err)
	}
}

// The network's faults look to a client as they do on a network, in process and
// over real HTTP.
func TestFaultsOnTheWire(t *testing.T) {
	for _, c := range []struct {
		name    string
		weather Weather
		check   func(t *testing.T, resp *http.Response, body []byte, err error, whole []byte) bool
	}{
		{"reset", Weather{Reset: 1}, func(t *testing.T, resp *http.Response, _ []byte, err error, _ []byte) bool {
			return resp == nil && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF))
		}},
		{"truncated", Weather{Truncate: 1}, func(t *testing.T, resp *http.Response, body []byte, err error, whole []byte) bool {
			return resp != nil && errors.Is(err, io.ErrUnexpectedEOF) && len(body) < len(whole) && strings.HasPrefix(string(whole), string(body))
		}},
		{"slow", Weather{Slow: 1, SlowBody: 16 * time.Millisecond}, func(t *testing.T, resp *http.Response, body []byte, err error, whole []byte) bool {
			return err == nil && string(body) == string(whole)
		}},
	} {
		calm := calmWorld(t, Config{Seed: 55, Users: 40})
		_, whole := get(t, calm, "/users")
		w := New(Config{Seed: 55, Users: 40, Weather: &c.weather})
		lengths := map[bool]int{}
		for range 8 {
			resp, body, err := send(w, newRequest(t, "/users"))
			if !c.check(t, resp, body, err, whole) {
				t.Errorf("%s in process: %v, %d bytes, %v", c.name, resp, len(body), err)
			}
			if resp != nil {
				lengths[resp.ContentLength >= 0]++
			}
		}
		if c.name == "truncated" && len(lengths) != 2 {
			t.Errorf("truncated bodies with and without a length: %v", lengths)
		}
		server := httptest.NewServer(w.Handler())
		for range 8 {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			r := newRequest(t, "/users")
			r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(server.URL, "http://")
			resp, err := client.Do(r)
			var body []byte
			if err == nil {
				body, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if !c.check(t, resp, body, err, whole) {
				t.Errorf("%s over HTTP: %v, %d bytes, %v", c.name, resp, len(body), err)
			}
		}
		server.Close()
	}
}

// In a bubble of testing/synctest, a slow body takes its time, a context ends
// whatever waits, and no goroutine is left (a bubble would not end with one).
func TestTransportInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(Config{Seed: 56, Users: 40, Latency: 2 * time.Second, Weather: &Weather{Slow: 1, SlowBody: 8 * time.Second}})
		begin := time.Now()
		resp, err := w.Transport().RoundTrip(newRequest(t, "/users"))
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d != 2*time.Second {
			t.Errorf("the answer took %s", d)
		}
		body, err := io.ReadAll(resp.Body)
		if d := time.Since(begin); err != nil || d != 10*time.Second {
			t.Errorf("the body took %s (%v)", d, err)
		}
		if !json.Valid(body) {
			t.Error("the slow body is not whole")
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("reading after Close: %v", err)
		}

		// Cancelled while waiting for the answer.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin = time.Now()
		if _, err := w.Transport().RoundTrip(newRequest(t, "/users").WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		if _, err := w.Transport().RoundTrip(newRequest(t, "/users").WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a dead context: %v", err)
		}

		// Cancelled in the middle of the body.
		ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		resp, err = w.Transport().RoundTrip(newRequest(t, "/users").WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if !errors.Is(err, context.DeadlineExceeded) || len(got) == 0 || len(got) >= len(body) {
			t.Errorf("%d of %d bytes, %v", len(got), len(body), err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}

		// An http.Client with a timeout of its own.
		client := &http.Client{Transport: w.Transport(), Timeout: time.Second}
		if _, err := client.Do(newRequest(t, "/users")); err == nil {
			t.Error("the client's timeout did nothing")
		}
		if s := w.Stats(); s.OpenBodies != 0 {
			t.Errorf("%d open bodies", s.OpenBodies)
		}
	})
}

func TestStatsSeeOpenBodiesAndFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calm := Calm()
		w := New(Config{Seed: 57, Latency: time.Second, Weather: &calm})
		var all sync.WaitGroup
		for range 7 {
			all.Go(func() { get(t, w, "/users") })
		}
		all.Wait()
		resp, err := w.Transport().RoundTrip(newRequest(t, "/users"))
		if err != nil {
			t.Fatal(err)
		}
		if s := w.Stats(); s.MaxInFlight != 7 || s.OpenBodies != 1 || s.Total != 8 {
			t.Errorf("%d in flight, %d open, %d in all", s.MaxInFlight, s.OpenBodies, s.Total)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if s := w.Stats(); s.OpenBodies != 0 {
			t.Errorf("%d open after Close", s.OpenBodies)
		}
	})
}

// Many clients at once, the clock and the weather moving under them: for the
// race detector, and no goroutine is left.
func TestConcurrentUse(t *testing.T) {
	before := runtime.NumGoroutine()
	weather := DefaultWeather()
	weather.SlowBody, weather.Jitter, weather.RetryAfter = 800, 100, 0
	weather.Aggregating, weather.Vanishing = 0.3, 0.05
	w := New(Config{Seed: 58, Users: 30, Transactions: 20, Weather: &weather})
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			everyMember(w.Truth(), func(user string, m Record) {
				base := "/users/" + user + "/members/" + m.Text("guid")
				for _, p := range []string{"/status", "/transactions?records_per_page=10", "/transactions?records_per_page=10&page=2"} {
					if resp, _, err := send(w, newRequest(t, base+p)); err == nil && resp.StatusCode == 400 {
						t.Errorf("%s: %s", p, resp.Status)
					}
				}
				rowsOf(w.Truth(), user, m.Text("guid"))
			})
			if i == 0 {
				w.Advance(24 * time.Hour)
				w.SetWeather(DefaultWeather())
				w.Stats()
				w.Nights()
				w.SetWeather(weather)
			}
		})
	}
	all.Wait()
	// A Retry-After period that begins or ends right now is a goroutine for a moment.
	for tries := 0; runtime.NumGoroutine() > before; tries++ {
		if tries == 100 {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
		time.Sleep(20 * time.Millisecond)
	}
}
