package atrium

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tallyport/schemas"
)

// ObservedAt is the server's clock at the last answer, or nothing.
func TestObservedAt(t *testing.T) {
	for date, want := range map[string]string{
		"Fri, 20 Nov 2026 02:00:00 GMT":    "2026-11-20T02:00:00.000000Z",
		"Friday, 20-Nov-26 02:00:00 GMT":   "2026-11-20T02:00:00.000000Z",
		"Fri Nov 20 02:00:00 2026":         "2026-11-20T02:00:00.000000Z",
		"":                                 "1970-01-01T00:00:00.000000Z",
		"yesterday":                        "1970-01-01T00:00:00.000000Z",
		"2026-11-20T02:00:00Z":             "1970-01-01T00:00:00.000000Z",
		"Fri, 20 Nov 2026 02:00:00 +01:00": "1970-01-01T00:00:00.000000Z",
	} {
		c := newClient(t, transport(func(*http.Request) (*http.Response, error) {
			return reply(200, `{"user":{"guid":"U"}}`, "Date", date), nil
		}), Options{})
		if _, w, err := c.Read(t.Context(), usersList, "U"); err != nil || w.ObservedAt.String() != want {
			t.Errorf("%q: %v, %v", date, w.ObservedAt, err)
		}
	}
}

func TestRead(t *testing.T) {
	list := schemas.List{Resource: schemas.TransactionsResource, User: "U"}
	for body, want := range map[string]schemas.Reason{
		`{"transaction":{"guid":"T","account_guid":"A","user_guid":"U","amount":1.5}}`:  "",
		`{"transaction":{"guid":"T2","account_guid":"A","user_guid":"U","amount":1.5}}`: schemas.Undecodable,
		`{"transaction":{"guid":"T","account_guid":"A","user_guid":"U2"}}`:              schemas.Undecodable,
		`{"transaction":{"guid":"T","user_guid":"U"}}`:                                  schemas.Undecodable,
		`{"transactions":[{"guid":"T","account_guid":"A"}]}`:                            schemas.Undecodable,
		`{"transaction":null}`: schemas.Undecodable,
	} {
		c := newClient(t, transport(func(*http.Request) (*http.Response, error) { return reply(200, body), nil }), Options{})
		rows, w, err := c.Read(t.Context(), list, "T")
		if err != nil || w.Reason != want || (rows.Len() == 1) != (want == "") || w.TotalFirst != -1 || w.TotalLast != -1 || w.Tries != 1 || w.PageSizeAsked != 0 || w.List != list {
			t.Errorf("%s: %v, %+v, %d rows", body, err, w, rows.Len())
		}
		if want == "" {
			if got := show(t, schemas.Transactions, rows.At(0)); got != "guid=T account_guid=A user_guid=U amount=1.5000" {
				t.Error(got)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	date := "Fri, 20 Nov 2026 02:00:00 GMT"
	for _, c := range []struct {
		body   string
		want   string
		reason schemas.Reason
	}{
		{`{"member":{"guid":"M","aggregated_at":"2026-11-19T08:00:00+00:00","successfully_aggregated_at":"2026-11-18T08:00:00Z","connection_status":"CONNECTED","status":"COMPLETED","is_being_aggregated":false,"is_authenticated":true,"has_processed_accounts":true}}`,
			"2026-11-19T08:00:00Z 2026-11-18T08:00:00Z false CONNECTED", ""},
		{`{"member":{"guid":"M","connection_status":"CHALLENGED","is_being_aggregated":true,"challenges":[{"guid":"CRD-1","label":"What city were you born in?","type":"TEXT"}]}}`, "- - true CHALLENGED", ""},
		{`{"member":{"guid":"M","aggregated_at":null,"connection_status":null,"is_being_aggregated":null}}`, "- - - -", ""},
		{`{"member":{"guid":"M","user_guid":"U","name":7}}`, "- - - -", ""},
		{`{"member":{"guid":"M","aggregated_at":"yesterday"}}`, "", schemas.Undecodable},
		{`{"member":{"guid":"M","is_being_aggregated":0}}`, "", schemas.Undecodable},
		{`{"member":{"guid":"M2"}}`, "", schemas.Undecodable},
		{`{"member":{"guid":"M","user_guid":"U2"}}`, "", schemas.Undecodable},
		{`{"member":{}}`, "", schemas.Undecodable},
	} {
		client := newClient(t, transport(func(*http.Request) (*http.Response, error) { return reply(200, c.body, "Date", date), nil }), Options{})
		s, w, err := client.Status(t.Context(), "U", "M")
		if err != nil || w.Reason != c.reason || w.Resource != schemas.MemberStatusResource || w.User != "U" || w.Member != "M" || w.ObservedAt.String() != "2026-11-20T02:00:00.000000Z" {
			t.Errorf("%s: %v, %+v", c.body, err, w)
			continue
		}
		if c.reason != "" {
			continue
		}
		at := func(ts *schemas.Timestamp) string {
			if ts == nil {
				return "-"
			}
			return ts.Time().Format(time.RFC3339)
		}
		busy, status := "-", "-"
		if s.IsBeingAggregated != nil {
			busy = strconv.FormatBool(*s.IsBeingAggregated)
		}
		if s.ConnectionStatus != nil {
			status = *s.ConnectionStatus
		}
		if got := strings.Join([]string{at(s.AggregatedAt), at(s.SuccessfullyAggregatedAt), busy, status}, " "); got != c.want || s.ObservedAt != w.ObservedAt {
			t.Errorf("%s: %s, want %s", c.body, got, c.want)
		}
	}
}

func FuzzServerTimes(f *testing.F) {
	f.Add("Fri, 20 Nov 2026 02:00:00 GMT", "120")
	f.Add("Fri, 20 Nov 2026 02:00:00 GMT", "Fri, 20 Nov 2026 02:02:00 GMT")
	f.Add("", "99999999999999999999")
	f.Add("", "10000000000")
	f.Add("x", "-1")
	f.Fuzz(func(t *testing.T, date, after string) {
		h := http.Header{"Date": {date}, "Retry-After": {after}}
		_, wait, told := serverTimes(h)
		if wait < 0 || wait > 0 && !told {
			t.Errorf("%q %q: %v %v", date, after, wait, told)
		}
		seconds, err := strconv.ParseUint(strings.TrimSpace(after), 10, 64)
		if err == nil && (!told || wait.Seconds() < min(float64(seconds), math.MaxInt64/2e9) || seconds < 1e9 && wait != time.Duration(seconds)*time.Second) {
			t.Errorf("%q is %v", after, wait)
		}
		now, err1 := http.ParseTime(date)
		until, err2 := http.ParseTime(strings.TrimSpace(after))
		if err1 == nil && err2 == nil && (!told || wait != max(0, until.Sub(now))) {
			t.Errorf("%q %q: %v", date, after, wait)
		}
	})
}
