package sim

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// Each misbehaviour is what its name says, and nothing else is touched.
func TestMischief(t *testing.T) {
	w := calmWorld(t, Config{Seed: 61, Users: 60})
	_, honest := get(t, w, "/users?records_per_page=10")
	tested := map[string]bool{}
	for kind, check := range map[string]func(resp *http.Response, body []byte) bool{
		"redirect-301":     redirects(301),
		"redirect-302":     redirects(302),
		"redirect-303":     redirects(303),
		"redirect-307":     redirects(307),
		"redirect-308":     redirects(308),
		"refused-403":      func(resp *http.Response, body []byte) bool { return resp.StatusCode == 403 && json.Valid(body) },
		"unauthorized-401": func(resp *http.Response, body []byte) bool { return resp.StatusCode == 401 && json.Valid(body) },
		"html-200": func(resp *http.Response, body []byte) bool {
			return html(body) && resp.Header.Get("Content-Type") != atriumType
		},
		"html-as-json": func(resp *http.Response, body []byte) bool {
			return html(body) && resp.Header.Get("Content-Type") == atriumType
		},
		"empty-200": func(resp *http.Response, body []byte) bool { return resp.StatusCode == 200 && len(body) == 0 },
		"wrong-envelope": func(_ *http.Response, body []byte) bool {
			return json.Valid(body) && !bytes.Contains(body, []byte("users"))
		},
		"bare-array":   func(_ *http.Response, body []byte) bool { return string(body) == "[]" },
		"deep-nesting": func(_ *http.Response, body []byte) bool { return bytes.Count(body, []byte("[")) > 10_000 },
		"wrong-type": func(resp *http.Response, body []byte) bool {
			return bytes.Equal(body, honest) && resp.Header.Get("Content-Type") == "text/plain"
		},
		"no-pagination": func(_ *http.Response, body []byte) bool {
			return json.Valid(body) && !bytes.Contains(body, []byte("pagination"))
		},
		"lying-total": func(_ *http.Response, body []byte) bool { return bytes.Contains(body, []byte(`"total_entries":160,`)) },
		"null-list": func(_ *http.Response, body []byte) bool {
			return json.Valid(body) && bytes.Contains(body, []byte(`"users":null`))
		},
		"duplicate-key": func(_ *http.Response, body []byte) bool {
			return json.Valid(body) && bytes.Count(body, []byte(`"guid"`)) == 11
		},
		"folded-key": func(_ *http.Response, body []byte) bool {
			return json.Valid(body) && bytes.Count(body, []byte(`"GUID"`)) == 1
		},
		"huge-string": func(_ *http.Response, body []byte) bool { return json.Valid(body) && len(body) > 1<<20+len(honest) },
		"huge-number": func(_ *http.Response, body []byte) bool {
			return json.Valid(body) && bytes.Contains(body, []byte("1e400"))
		},
		"not-a-number": func(_ *http.Response, body []byte) bool {
			return !json.Valid(body) && bytes.Contains(body, []byte("NaN"))
		},
		"broken-utf8":  func(_ *http.Response, body []byte) bool { return !utf8.Valid(body) },
		"control-char": func(_ *http.Response, body []byte) bool { return !json.Valid(body) && bytes.Contains(body, []byte{0}) },
		"climbing-id": func(_ *http.Response, body []byte) bool {
			return json.Valid(body) && bytes.Contains(body, []byte(`"../../`))
		},
		"trailing-garbage": func(_ *http.Response, body []byte) bool { return bytes.HasPrefix(body, honest) && !json.Valid(body) },
		"endless-pages": func(_ *http.Response, body []byte) bool {
			_, far := get(t, w, "/users?records_per_page=10&page=777")
			p, err := parsePage(far)
			return err == nil && p.Pagination.CurrentPage == 777 && len(p.Entries) == 10 && p.Pagination.TotalPages == 1_000_000
		},
		"echo-500": func(resp *http.Response, body []byte) bool {
			return resp.StatusCode == 500 && bytes.Contains(body, []byte(DefaultAPIKey))
		},
	} {
		tested[kind] = true
		if err := w.Misbehave(Misbehaviour{Path: "/users", Kind: kind}); err != nil {
			t.Fatal(err)
		}
		resp, body := get(t, w, "/users?records_per_page=10")
		if !check(resp, body) {
			t.Errorf("%s: %s %.200s", kind, resp.Status, body)
		}
		if other, _ := get(t, w, "/institutions"); other.StatusCode != 200 || other.Header.Get("Content-Type") != atriumType {
			t.Errorf("%s: another path answers %s", kind, other.Status)
		}
	}
	for _, kind := range []string{"silence", "endless-array", "gzip-bomb"} {
		tested[kind] = true // in tests of their own
	}
	for _, kind := range MischiefKinds() {
		if !tested[kind] {
			t.Errorf("%s is not tested", kind)
		}
	}
	if err := w.Misbehave(Misbehaviour{Path: "/users", Kind: "kindness"}); err == nil {
		t.Error("an unknown kind is accepted")
	}
	if err := w.Misbehave(); err != nil {
		t.Fatal(err)
	}
	if _, body := get(t, w, "/users?records_per_page=10"); !bytes.Equal(body, honest) {
		t.Error("the world is not honest again")
	}
}

func redirects(status int) func(*http.Response, []byte) bool {
	return func(resp *http.Response, _ []byte) bool {
		return resp.StatusCode == status && resp.Header.Get("Location") == "https://"+strayHost+"/users?records_per_page=10"
	}
}

func html(body []byte) bool { return bytes.HasPrefix(body, []byte("<!DOCTYPE html>")) }

// A client that follows a redirect is seen where it should not be, and whether
// it brought its keys.
func TestStraying(t *testing.T) {
	w := calmWorld(t, Config{Seed: 62, Users: 3})
	if err := w.Misbehave(Misbehaviour{Path: "/users*", Kind: "redirect-307"}); err != nil {
		t.Fatal(err)
	}
	careless := &http.Client{Transport: w.Transport()}
	resp, err := careless.Do(newRequest(t, "/users/USR-x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	prudent := &http.Client{Transport: w.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err = prudent.Do(newRequest(t, "/users"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if s := w.Stats(); s.Strayed != 1 || s.StrayedWithKeys != 1 || s.Misbehaved != 2 {
		t.Errorf("%d strayed, %d with keys, %d misbehaved", s.Strayed, s.StrayedWithKeys, s.Misbehaved)
	}
}

func TestBodiesWithoutEnd(t *testing.T) {
	w := calmWorld(t, Config{Seed: 63, Users: 3})
	if err := w.Misbehave(Misbehaviour{Path: "/users", Kind: "endless-array"}, Misbehaviour{Path: "/institutions", Kind: "gzip-bomb"}); err != nil {
		t.Fatal(err)
	}
	resp, err := w.Transport().RoundTrip(newRequest(t, "/users"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, resp.Body, 10<<20); err != nil {
		t.Errorf("the endless array ended after %d bytes: %v", n, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	resp, body := get(t, w, "/institutions")
	if resp.Header.Get("Content-Encoding") != "gzip" || len(body) > 4<<20 {
		t.Errorf("the bomb has %d bytes, %v", len(body), resp.Header)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, z, 40<<20); err != nil {
		t.Errorf("the bomb has only %d bytes: %v", n, err)
	}
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := calmWorld(t, Config{Seed: 64, Users: 3})
		if err := w.Misbehave(Misbehaviour{Path: "/users", Kind: "silence"}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := w.Transport().RoundTrip(newRequest(t, "/users").WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("silence was broken: %v", err)
		}
	})
}

// The control handler does what the real API never offers.
func TestControl(t *testing.T) {
	w := New(Config{Seed: 65, Users: 20, Transactions: 20})
	control := httptest.NewServer(w.Control())
	defer control.Close()
	call := func(method, path, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, control.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	tr := w.Truth()
	user, member := "", ""
	everyMember(tr, func(u string, m Record) {
		if member == "" && len(collect(tr.Accounts(u, m.Text("guid")))) > 0 {
			user, member = u, m.Text("guid")
		}
	})
	for _, c := range []struct {
		method, path, body string
		status             int
		holds              string
	}{
		{"GET", "/now", "", 200, "2026-11-20T02:00:00Z"},
		{"POST", "/advance?by=24h", "", 200, "2026-11-21T02:00:00Z"},
		{"POST", "/advance?by=-1h", "", 400, "positive"},
		{"POST", "/advance", "", 400, "positive"},
		{"GET", "/advance?by=24h", "", 405, ""},
		{"GET", "/weather", "", 200, `"rate_limit": 0.05`},
		{"POST", "/weather?name=calm", "", 200, `"rate_limit": 0,`},
		{"POST", "/weather", `{"rate_limit":0.5}`, 200, `"rate_limit": 0.5`},
		{"POST", "/weather", `{"sunshine":1}`, 400, "sunshine"},
		{"POST", "/weather?name=sunny", "", 400, "calm or default"},
		{"POST", "/misbehave", `[{"path":"/users","kind":"html-200"}]`, 200, "html-200"},
		{"POST", "/misbehave", `[{"path":"/users","kind":"nonsense"}]`, 400, "nonsense"},
		{"POST", "/misbehave", `[]`, 200, ""},
		{"GET", "/stats", "", 200, `"rate_limited"`},
		{"GET", "/nights", "", 200, "2026-11-20T02:00:00Z"},
		{"GET", "/truth/users", "", 200, `"is_disabled"`},
		{"GET", "/truth/institutions", "", 200, `"mxbank"`},
		{"GET", "/truth/members?user=" + user, "", 200, member},
		{"GET", "/truth/members?at=2026-11-20T02:00:00Z&user=" + user, "", 200, member},
		{"GET", "/truth/accounts?user=" + user + "&member=" + member, "", 200, `"account_number"`},
		{"GET", "/truth/owners?user=" + user + "&member=" + member, "", 200, ""},
		{"GET", "/truth/transactions?from=2026-01-01&to=2026-12-31&user=" + user + "&member=" + member, "", 200, `"amount"`},
		{"GET", "/truth/transactions?user=" + user, "", 400, "dates"},
		{"GET", "/truth/users?at=yesterday", "", 400, "time"},
		{"GET", "/truth/holdings", "", 404, ""},
	} {
		status, body := call(c.method, c.path, c.body)
		if status != c.status || !strings.Contains(body, c.holds) {
			t.Errorf("%s %s: %d %.200s, want %d with %q", c.method, c.path, status, body, c.status, c.holds)
		}
		if status == 200 && strings.HasPrefix(c.path, "/truth/") {
			for line := range strings.Lines(body) {
				if !json.Valid([]byte(line)) {
					t.Errorf("%s: no JSON: %.100s", c.path, line)
				}
			}
		}
	}
}
