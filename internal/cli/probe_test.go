package cli

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tallyport/atrium"
	"tallyport/reconcile"
)

type answers func(path string) (status int, body string)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := f(r.URL.Path)
	h := http.Header{"Content-Type": {"application/vnd.mx.atrium.v1+json"}, "Date": {"Fri, 20 Nov 2026 02:00:00 GMT"}}
	if status == http.StatusTooManyRequests {
		h.Set("Retry-After", "86400")
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestProber(t *testing.T) {
	const there = `{"user":{"guid":"U"}}`
	for _, tt := range []struct {
		name            string
		status          int
		body            string
		user            int
		want            reconcile.Answer
		date            string
		refused         bool
		requests, again int // for one probe, and for both of one user
	}{
		{name: "there", status: 200, body: `{"transaction":{"guid":"T","user_guid":"U","account_guid":"A","date":"2026-11-03"}}`, want: reconcile.StillThere, date: "2026-11-03", requests: 1, again: 2},
		{name: "without a date", status: 200, body: `{"transaction":{"guid":"T","user_guid":"U","account_guid":"A"}}`, want: reconcile.StillThere, requests: 1, again: 2},
		{name: "another guid", status: 200, body: `{"transaction":{"guid":"T2","user_guid":"U","account_guid":"A"}}`, want: reconcile.Unanswered, requests: 1, again: 2},
		{name: "another user", status: 200, body: `{"transaction":{"guid":"T","user_guid":"U2","account_guid":"A"}}`, want: reconcile.Unanswered, requests: 1, again: 2},
		{name: "no transaction", status: 200, body: `{}`, want: reconcile.Unanswered, requests: 1, again: 2},
		{name: "gone", status: 404, user: 200, want: reconcile.NotThere, requests: 2, again: 3},
		{name: "gone for good", status: 410, user: 200, want: reconcile.NotThere, requests: 2, again: 3},
		{name: "the user is gone", status: 404, user: 404, want: reconcile.Unanswered, requests: 2, again: 3},
		{name: "a bad request", status: 400, want: reconcile.Unanswered, requests: 1, again: 2},
		{name: "refused", status: 401, want: reconcile.Unanswered, refused: true, requests: 1, again: 1},
		{name: "not allowed", status: 403, want: reconcile.Unanswered, refused: true, requests: 1, again: 1},
		{name: "come back tomorrow", status: 429, want: reconcile.Unanswered, requests: 1, again: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requests := 0
			c, err := atrium.New(atrium.Atrium(&url.URL{Scheme: "http", Host: "127.0.0.1:9"}), atrium.Credentials{APIKey: atrium.NewSecret("k"), ClientID: atrium.NewSecret("c")},
				&atrium.Options{Transport: answers(func(path string) (int, string) {
					requests++
					if strings.HasSuffix(path, "/users/U") {
						return tt.user, there
					}
					return tt.status, tt.body
				})})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			p := NewProber(c, slog.New(slog.DiscardHandler))
			got, err := p.Probe(t.Context(), "U", "T")
			if errors.Is(err, atrium.ErrRefused) != tt.refused || err != nil && !tt.refused {
				t.Fatal(err)
			}
			date := ""
			if got.Date != nil {
				date = got.Date.String()
			}
			if got.Answer != tt.want || got.Status != tt.status || date != tt.date || got.At == 0 || requests != tt.requests {
				t.Errorf("%+v, date %q, %d requests", got, date, requests)
			}
			if again, _ := p.Probe(t.Context(), "U", "T"); again.Answer != tt.want || requests != tt.again {
				t.Errorf("again: %+v, %d requests", again, requests)
			}
		})
	}
}
