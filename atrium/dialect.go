package atrium

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"tallyport/schemas"
)

// Dialect is one of MX's REST APIs at one address: everything in which they
// differ. Atrium returns one.
type Dialect struct {
	base      *url.URL
	accept    string // media type, which selects the version
	authorize func(http.Header, Credentials)
	list      func(schemas.List) endpoint
	record    func(l schemas.List, id string) endpoint
	layouts   map[schemas.Resource]*layout
	probes    []int // page sizes to try for PageSizeAuto, largest first
}

// endpoint is one GET of a dialect.
type endpoint struct {
	op       string // for people
	kind     string // the same for every list that is served by the same code
	route    route
	resource schemas.Resource // whose records it serves
	key      string           // of the list or the record in the envelope
	root     bool             // the list of users: refused there, refused everywhere
	windowed bool             // takes from_date and to_date
	unpaged  bool             // pagination may be missing: the answer is the whole list
	lenient  bool             // its records may name other parents than the path does
}

// route is a path in the making.
type route struct {
	path    string // escaped
	invalid string // the first id that cannot stand in a path, by its field
}

func (r route) at(name string) route {
	r.path += "/" + name
	return r
}

func (r route) id(field, id string, valid bool) route {
	if !valid && r.invalid == "" {
		r.invalid = field
	}
	r.path += "/" + url.PathEscape(id)
	return r
}

func (r route) user(u schemas.UserID) route {
	return r.at("users").id("user_guid", string(u), schemas.ValidID(u))
}

func (r route) member(m schemas.MemberID) route {
	return r.at("members").id("member_guid", string(m), schemas.ValidID(m))
}

func (r route) account(a schemas.AccountID) route {
	return r.at("accounts").id("account_guid", string(a), schemas.ValidID(a))
}

// checkBase refuses an address to which keys must not be sent.
func checkBase(u *url.URL) error {
	switch {
	case u == nil || u.Hostname() == "":
		return errors.New("the base URL has no host; write it as https://atrium.mx.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return errors.New("the base URL has more than a scheme, a host and a path; write it as https://atrium.mx.com")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("the base URL has scheme %q; only https is used, or http to a loopback address such as http://127.0.0.1:8080", u.Scheme)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// origin is scheme, host and port, in one form.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
