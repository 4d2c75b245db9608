package atrium

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tallyport/schemas"
)

func TestNewRefuses(t *testing.T) {
	for base, ok := range map[string]bool{
		AtriumProduction: true, AtriumDevelopment: true, "https://mx.test:8443/atrium/": true, "https://[2001:db8::1]": true,
		"http://127.0.0.1:8080": true, "http://127.9.9.9": true, "http://[::1]:80": true, "http://localhost:1": true, "http://LOCALHOST": true,
		"http://atrium.mx.com": false, "http://10.0.0.1": false, "http://127.0.0.1.evil.test": false, "http://localhost.evil.test": false,
		"http://0.0.0.0": false, "http://2130706433": false, "http://127.1": false,
		"ftp://mx.test": false, "mx.test": false, "//mx.test": false, "https:": false, "https://": false, "https://:443": false, "": false,
		"https://user:pass@mx.test": false, "https://user@mx.test": false, "https://mx.test?x=1": false, "https://mx.test#x": false, "https:mx.test": false,
		"file:///etc/passwd": false, "unix:/x": false,
	} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(Atrium(u), keys(), nil); (err == nil) != ok {
			t.Errorf("base %s: %v", base, err)
		}
	}
	if _, err := New(Atrium(nil), keys(), nil); err == nil {
		t.Error("no base URL is taken")
	}
	if _, err := New(Dialect{}, keys(), nil); err == nil {
		t.Error("no dialect is taken")
	}
	u, err := url.Parse(testBase)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{Concurrency: -1}, {Concurrency: 1001}, {RPS: -1}, {RPS: inf()}, {PageSize: -2}, {PageSize: 1001}, {Timeout: -1}} {
		if _, err := New(Atrium(u), keys(), &o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func inf() float64 {
	zero := 0.0
	return 1 / zero
}

// Every list and record has its documented path (mx-api.md §1.4), and every
// request its headers (§1.1).
func TestRequests(t *testing.T) {
	window := schemas.Window{From: 20_000, To: 20_095} // 2024-10-04, 2025-01-07
	u, m, a := schemas.UserID("USR-1"), schemas.MemberID("MBR-1"), schemas.AccountID("ACT-1")
	const page = "page=1&records_per_page=100"
	const dates = "from_date=2024-10-04&to_date=2025-01-07&"
	list := func(r schemas.Resource, u schemas.UserID, m schemas.MemberID, a schemas.AccountID) schemas.List {
		return schemas.List{Resource: r, User: u, Member: m, Account: a, Window: window}
	}
	var got string
	c := newClient(t, transport(func(r *http.Request) (*http.Response, error) {
		got = r.Method + " " + r.URL.String()
		want := http.Header{
			"Accept": {"application/vnd.mx.atrium.v1+json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"tallyport"},
			"Mx-Api-Key": {testKey}, "Mx-Client-Id": {testClient},
		}
		if fmt.Sprint(r.Header) != fmt.Sprint(want) || r.Body != nil {
			t.Errorf("headers %v, body %v", r.Header, r.Body)
		}
		return reply(http.StatusNotFound, ""), nil
	}), Options{})
	for _, l := range []struct {
		list schemas.List
		want string
	}{
		{list(schemas.UsersResource, "", "", ""), "/users?" + page},
		{list(schemas.InstitutionsResource, "", "", ""), "/institutions?" + page},
		{list(schemas.MembersResource, u, "", ""), "/users/USR-1/members?" + page},
		{list(schemas.AccountsResource, u, m, ""), "/users/USR-1/members/MBR-1/accounts?" + page},
		{list(schemas.AccountsResource, u, "", ""), "/users/USR-1/accounts?" + page},
		{list(schemas.TransactionsResource, u, "", ""), "/users/USR-1/transactions?" + dates + page},
		{list(schemas.TransactionsResource, u, m, ""), "/users/USR-1/members/MBR-1/transactions?" + dates + page},
		{list(schemas.TransactionsResource, u, m, a), "/users/USR-1/accounts/ACT-1/transactions?" + dates + page},
		{list(schemas.AccountOwnersResource, u, m, ""), "/users/USR-1/members/MBR-1/account_owners?" + page},
		{list(schemas.AccountOwnersResource, "test_atrium", "test_atrium_member", ""), "/users/test_atrium/members/test_atrium_member/account_owners?" + page},
	} {
		got = ""
		w, err := c.Walk(t.Context(), l.list, func(int, *schemas.Rows) error { return nil })
		if got != "GET "+testBase+l.want || err != nil || w.Reason != schemas.NotFound {
			t.Errorf("%+v asks %s, want %s; %v %v", l.list, got, l.want, w.Reason, err)
		}
	}
	for _, r := range []struct {
		list schemas.List
		id   string
		want string
	}{
		{list(schemas.UsersResource, "", "", ""), "USR-1", "/users/USR-1"},
		{list(schemas.MembersResource, u, "", ""), "MBR-1", "/users/USR-1/members/MBR-1"},
		{list(schemas.AccountsResource, u, "", ""), "ACT-1", "/users/USR-1/accounts/ACT-1"},
		{list(schemas.TransactionsResource, u, "", ""), "TRN-1", "/users/USR-1/transactions/TRN-1"},
		{list(schemas.InstitutionsResource, "", "", ""), "mxbank", "/institutions/mxbank"},
		{list(schemas.InstitutionsResource, "", "", ""), "a b&c;%2f.é", "/institutions/a%20b&c%3B%252f.%C3%A9"},
		{list(schemas.MemberStatusResource, u, "", ""), "MBR-1", "/users/USR-1/members/MBR-1/status"},
	} {
		got = ""
		rows, w, err := c.Read(t.Context(), r.list, r.id)
		if got != "GET "+testBase+r.want || err != nil || w.Reason != schemas.NotFound || rows.Len() != 0 {
			t.Errorf("%+v %s asks %s, want %s; %v %v", r.list, r.id, got, r.want, w.Reason, err)
		}
	}
}

// What cannot stand in a path is never sent.
func TestInvalidIDsAreNotSent(t *testing.T) {
	c := newClient(t, transport(func(r *http.Request) (*http.Response, error) {
		t.Errorf("sent %s", r.URL)
		return reply(http.StatusNotFound, ""), nil
	}), Options{})
	ignore := func(int, *schemas.Rows) error { return nil }
	for _, bad := range []string{"", ".", "..", "a/b", "../users", "a?b", "a#b", "a b", "a%2fb", "a\x00", "a\r\nX: y", "é", strings.Repeat("a", 200), "{user_guid}"} {
		for _, l := range []schemas.List{
			{Resource: schemas.MembersResource, User: schemas.UserID(bad)},
			{Resource: schemas.TransactionsResource, User: schemas.UserID(bad)},
			{Resource: schemas.AccountOwnersResource, User: "U", Member: schemas.MemberID(bad)},
		} {
			w, err := c.Walk(t.Context(), l, ignore)
			if err != nil || w.Reason != schemas.Undecodable || !strings.Contains(w.Detail, "_guid") || bad != "" && strings.Contains(w.Detail, bad) && len(bad) > 2 {
				t.Errorf("%q: %v %v %q", bad, err, w.Reason, w.Detail)
			}
		}
		for _, r := range []schemas.Resource{schemas.UsersResource, schemas.TransactionsResource, schemas.MemberStatusResource} {
			if rows, w, err := c.Read(t.Context(), schemas.List{Resource: r, User: "U"}, bad); err != nil || w.Reason != schemas.Undecodable || rows.Len() != 0 {
				t.Errorf("%q: %v %v %q", bad, err, w.Reason, w.Detail)
			}
		}
	}
	for _, code := range []string{"", ".", "..", "a/b", "a?b", "a#b", "a\\b", "a\n"} {
		if _, w, err := c.Read(t.Context(), schemas.List{Resource: schemas.InstitutionsResource}, code); err != nil || w.Reason != schemas.Undecodable {
			t.Errorf("%q: %v %v", code, err, w.Reason)
		}
	}
	for _, r := range []schemas.Resource{"", "coverage", "holdings", schemas.MemberStatusResource} {
		if w, err := c.Walk(t.Context(), schemas.List{Resource: r, User: "U"}, ignore); err != nil || w.Reason != schemas.Undecodable {
			t.Errorf("list %q: %v %v", r, err, w.Reason)
		}
	}
	if _, w, err := c.Read(t.Context(), schemas.List{Resource: schemas.AccountOwnersResource, User: "U"}, "x"); err != nil || w.Reason != schemas.Undecodable {
		t.Errorf("read of account owners: %v %v", err, w.Reason)
	}
}

// Whatever an id is, requests go to the origin, to a path of the right shape.
func FuzzPath(f *testing.F) {
	f.Add("USR-1", "MBR-1", "mxbank")
	f.Add("../..", "//evil.test", "a%2e%2e/..;x@evil.test:80")
	f.Add("\\evil.test", "?", "#\r\nHost: evil.test")
	f.Fuzz(func(t *testing.T, user, member, code string) {
		check := func(depth int) transport {
			return func(r *http.Request) (*http.Response, error) {
				wire := r.URL.EscapedPath()
				if r.URL.Host != "mx.test" || r.URL.Scheme != "https" || r.URL.User != nil || r.Host != "" && r.Host != "mx.test" ||
					strings.Count(wire, "/") != depth || strings.ContainsAny(wire, "?#\\ \r\n") || strings.Contains(wire+"/", "/../") || strings.Contains(wire+"/", "/./") {
					t.Errorf("%q %q %q asks %s", user, member, code, r.URL)
				}
				return reply(http.StatusNotFound, ""), nil
			}
		}
		ignore := func(int, *schemas.Rows) error { return nil }
		l := schemas.List{Resource: schemas.TransactionsResource, User: schemas.UserID(user), Member: schemas.MemberID(member)}
		if member != "" {
			if _, err := newClient(t, check(5), Options{}).Walk(context.Background(), l, ignore); err != nil {
				t.Error(err)
			}
		}
		if _, _, err := newClient(t, check(2), Options{}).Read(context.Background(), schemas.List{Resource: schemas.InstitutionsResource}, code); err != nil {
			t.Error(err)
		}
	})
}

func TestBasePath(t *testing.T) {
	for base, want := range map[string]string{
		"https://mx.test/":        "https://mx.test/users/U",
		"https://mx.test/v1/":     "https://mx.test/v1/users/U",
		"https://mx.test/a%2Fb":   "https://mx.test/a%2Fb/users/U",
		"https://MX.test:443/x":   "https://MX.test:443/x/users/U",
		"http://localhost:8080/m": "http://localhost:8080/m/users/U",
	} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		sent := ""
		c, err := New(Atrium(u), keys(), &Options{Transport: transport(func(r *http.Request) (*http.Response, error) {
			if sent = r.URL.String(); r.Header.Get("MX-API-Key") == "" {
				t.Error("no key")
			}
			return reply(http.StatusNotFound, ""), nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Read(t.Context(), usersList, "U"); err != nil || sent != want {
			t.Errorf("%s asks %s: %v", base, sent, err)
		}
	}
}
