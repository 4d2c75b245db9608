package report

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"tallyport/reconcile"
	"tallyport/schemas"
)

// Request is a request to the API that shows what is wrong.
type Request struct {
	What string `json:"what"`
	Curl string `json:"curl"`
}

// daysAround is how many days are asked for on each side of a row: a row's date may
// move by as much when it posts (design, Facts).
const daysAround = 2

// mostRequests bounds the requests of a ticket: a few show what all would.
const mostRequests = 10

// wholePage is how many rows are asked for: without it they are 25, and a row on
// the next page would look gone. MX is said to take no more (mx-api.md §1.3).
const wholePage = 100

// requests are those that show it (mx-api.md §1.4), and how many there are of
// which they are the first.
func (r *Report) requests(f *Form) ([]Request, int) {
	out, all := []Request{}, 0
	add := func(what, path string) {
		if path == "" {
			return
		}
		if all++; all <= mostRequests {
			out = append(out, Request{what, curl(r.host, path)})
		}
	}
	for _, m := range f.Members {
		add("the member's status", pathOf("users", m.User, "members", m.Member, "status"))
	}
	users := map[string]text{}
	for i := range f.findings {
		users[f.findings[i].ID] = cleaned(f.findings[i].User)
	}
	for i, t := range f.Transactions { // by account
		if i > 0 && f.Transactions[i-1].Account == t.Account {
			continue
		}
		if from, to, ok := span(f.Transactions, t.Account); ok {
			if path := pathOf("users", users[t.Finding], "accounts", t.Account, "transactions"); path != "" {
				add("the account's transactions of those days (they are all there if pagination.total_pages is 1; else ask for page=2 and on too)",
					fmt.Sprintf("%s?from_date=%s&to_date=%s&records_per_page=%d", path, from, to, wholePage))
			}
		}
	}
	for i := range f.findings {
		found := &f.findings[i]
		if p := found.Evidence["probe"]; found.Transaction != "" && p != nil && p != string(reconcile.NotAsked) {
			add("the transaction by its guid", pathOf("users", found.User, "transactions", found.Transaction))
		}
	}
	return out, all
}

// span is the days of an account's missing rows, and some around them.
func span(all []Transaction, account text) (from, to string, ok bool) {
	var first, last schemas.Date
	for _, t := range all {
		var d schemas.Date
		if t.Account != account || d.UnmarshalText([]byte(t.Date)) != nil {
			continue
		}
		if !ok {
			first, last, ok = d, d, true
		}
		first, last = min(first, d), max(last, d)
	}
	return (first - daysAround).String(), (last + daysAround).String(), ok
}

// pathOf joins names and guids, which alternate; "" if a guid is none.
func pathOf[A, B ~string](first string, user A, second string, id B, rest ...string) string {
	if !schemas.ValidID(user) || !schemas.ValidID(id) {
		return ""
	}
	return "/" + strings.Join(append([]string{first, string(user), second, string(id)}, rest...), "/")
}

// curl is a GET of Atrium (mx-api.md §1.1), with the keys left out.
func curl(host, path string) string {
	u := url.URL{Scheme: "https", Host: host}
	if loopback(host) {
		u.Scheme = "http"
	}
	base := strings.ReplaceAll(u.String(), "'", "%27") // a URL may have it in its host, a shell ends the text there
	return "curl -i '" + base + path + "' \\\n  -H 'Accept: application/vnd.mx.atrium.v1+json' \\\n  -H 'MX-API-Key: {mx_api_key}' \\\n  -H 'MX-Client-ID: {mx_client_id}'"
}

// loopback reports whether the host is a pretend MX of this machine.
func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && a.IsLoopback()
}
