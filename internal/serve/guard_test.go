package serve

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tallyport/reconcile"
)

// The page answers to its own names alone: another site may have its name lead
// here.
func TestHost(t *testing.T) {
	d := newDesk(t, lived, Options{Hosts: []string{"desk.example"}})
	port := d.url[strings.LastIndexByte(d.url, ':'):]
	for host, want := range map[string]int{
		"127.0.0.1" + port: 200, "localhost" + port: 200, "LocalHost": 200, "[::1]" + port: 200, "127.0.0.9": 200, "desk.example": 200, "Desk.Example" + port: 200,
		"evil.example": 403, "evil.example" + port: 403, "127.0.0.1.evil.example": 403, "localhost.evil.example": 403, "10.0.0.1": 403, "desk.example.evil": 403, "[::1].evil.example": 403,
	} {
		r := d.request("GET", "/", nil)
		r.Host = host
		if a := d.do(r); a.status != want {
			t.Errorf("%s: status %d, want %d", host, a.status, want)
		}
	}
}

// What a page of another site sends changes nothing, with a form's secret or without.
func TestCrossOrigin(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	form := url.Values{"form": {d.site.form}, "who": {"Eve"}, "action": {"suppress"}, "reason": {"x"}}
	for _, h := range []http.Header{
		{"Origin": {"http://evil.example"}}, {"Origin": {"null"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"http://localhost:1"}},
	} {
		r := d.request("POST", "/findings/"+f.ID, form)
		for name, values := range h {
			r.Header[name] = values
		}
		if a := d.do(r); a.status != http.StatusForbidden || d.state(f.ID) != reconcile.Open {
			t.Errorf("%v: status %d", h, a.status)
		}
	}
	form.Del("form")
	if a := d.do(d.request("POST", "/findings/"+f.ID, form)); a.status != http.StatusForbidden || d.state(f.ID) != reconcile.Open {
		t.Errorf("without the form's secret: status %d", a.status)
	}
	for _, c := range [][2]string{{"GET", "?form=" + d.site.form + "&who=Eve&action=suppress&reason=x"}, {"PUT", ""}, {"DELETE", ""}} {
		d.do(d.request(c[0], "/findings/"+f.ID+c[1], nil))
		if d.state(f.ID) != reconcile.Open {
			t.Errorf("%s changes something", c[0])
		}
	}
	r := d.request("POST", "/findings/"+f.ID, url.Values{"form": {d.site.form}, "who": {"Ada"}, "action": {"suppress"}, "reason": {"x"}})
	r.Header.Set("Origin", d.url)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if a := d.do(r); a.status != http.StatusOK || d.state(f.ID) != reconcile.Suppressed {
		t.Errorf("its own form: status %d", a.status)
	}
}

// Without the token nothing shows; with it once, the browser keeps a pass.
func TestToken(t *testing.T) {
	const token = "correct horse/battery+staple"
	var log bytes.Buffer
	o := Options{Token: token, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	d := newDesk(t, lived, o)
	f := d.one(lost)
	for _, path := range []string{"/", "/findings/" + f.ID, "/bundle?id=" + string(f.TicketID), "/nothing", "/?token=wrong", "/?token="} {
		a := d.get(path)
		if a.status != http.StatusUnauthorized || strings.Contains(a.body, f.ID+"<") || strings.Contains(a.body, "missing") {
			t.Errorf("%s: status %d: %s", path, a.status, a.body)
		}
	}
	if a := d.send("/findings/"+f.ID, "action", "suppress", "reason", "x"); a.status != http.StatusUnauthorized || d.state(f.ID) != reconcile.Open {
		t.Errorf("a decision: status %d", a.status)
	}
	for proto, secure := range map[string]bool{"https": true, "HTTPS, http": true, "http": false, "http, https": false, "": false} {
		proxied := httptest.NewRequest("GET", "http://localhost/?token="+url.QueryEscape(token), nil)
		proxied.Header.Set("X-Forwarded-Proto", proto)
		first := httptest.NewRecorder()
		d.site.ServeHTTP(first, proxied)
		if c := first.Header().Get("Set-Cookie"); strings.Contains(c, "; Secure") != secure || !strings.Contains(c, "; HttpOnly") || !strings.Contains(c, "; SameSite=Strict") {
			t.Errorf("the cookie behind a proxy with %q: %s", proto, c)
		}
	}
	d.page("/style.css") // the page that asks for the token has it
	for value, want := range map[string]int{"Bearer " + token: 200, "Bearer wrong": 401, "Bearer ": 401, token: 401, "Basic " + token: 401} {
		r := d.request("GET", "/findings", nil)
		r.Header.Set("Authorization", value)
		if a := d.do(r); a.status != want {
			t.Errorf("%s: status %d", value, a.status)
		}
	}
	r := d.request("GET", "/findings", nil)
	r.AddCookie(&http.Cookie{Name: tokenCookie, Value: "wrong"})
	if a := d.do(r); a.status != http.StatusUnauthorized {
		t.Errorf("a wrong cookie: status %d", a.status)
	}
	// A link from elsewhere comes without cookies, and asks again.
	r = d.request("GET", "/findings?kind=stale_member", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	d.do(r).has(d, `http-equiv="refresh" content="0; url=/findings?again=1&amp;kind=stale_member"`)
	r = d.request("GET", "/findings?again=1", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := d.do(r); strings.Contains(a.body, "refresh") {
		t.Error("it asks for itself for ever")
	}

	if a := d.get("/findings?kind=stale_member&token=" + url.QueryEscape(token)); a.status != http.StatusOK || a.at != "/findings?kind=stale_member" {
		t.Errorf("status %d at %s", a.status, a.at)
	}
	d.page("/findings/" + f.ID)
	if a := d.get("/findings?again=1&kind=stale_member"); a.status != http.StatusOK || a.at != "/findings?kind=stale_member" {
		t.Errorf("status %d at %s", a.status, a.at)
	}
	at, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	if c := d.http.Jar.Cookies(at); len(c) != 1 || strings.Contains(c[0].String(), "horse") {
		t.Errorf("cookies %v", c)
	}
	if strings.Contains(log.String(), "horse") {
		t.Errorf("the log tells the token: %s", log.String())
	}
}

// The token can be typed, and leads to where it was asked for, and nowhere else.
func TestTypedToken(t *testing.T) {
	const token = "a token that is long"
	for to, want := range map[string]string{"/findings?kind=stale_member": "/findings?kind=stale_member", "": "/", "//evil.example/x": "/", "https://evil.example/tickets": "/tickets", "/\\evil.example": "/"} {
		d := newDesk(t, lived, Options{Token: token})
		if a := d.do(d.request("POST", "/token", url.Values{"token": {"wrong"}, "to": {to}})); a.status != http.StatusUnauthorized || !strings.Contains(a.body, "That is not the token.") {
			t.Errorf("wrong: status %d", a.status)
		}
		a := d.do(d.request("POST", "/token", url.Values{"token": {token}, "to": {to}}))
		if a.status != http.StatusOK && a.status != http.StatusNotFound || a.at != want && want != "/" {
			t.Errorf("%s: status %d at %s", to, a.status, a.at)
		}
		d.page("/findings")
	}
}
