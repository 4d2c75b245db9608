package atrium

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tallyport/schemas"
)

const (
	testKey    = "key-4f1c9d"
	testClient = "client-77aa"
	testBase   = "https://mx.test"
)

func keys() Credentials {
	return Credentials{APIKey: NewSecret(testKey), ClientID: NewSecret(testClient)}
}

// transport answers requests in process.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// newClient returns a client whose requests rt answers.
func newClient(t testing.TB, rt http.RoundTripper, o Options) *Client {
	t.Helper()
	base, err := url.Parse(testBase)
	if err != nil {
		t.Fatal(err)
	}
	o.Transport = rt
	c, err := New(Atrium(base), keys(), &o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// reply is an answer as Atrium sends it; headers are pairs that replace its own.
func reply(status int, body string, headers ...string) *http.Response {
	h := http.Header{
		"Content-Type": {"application/vnd.mx.atrium.v1+json; charset=utf-8"},
		"Date":         {time.Now().UTC().Format(http.TimeFormat)},
		"X-Request-Id": {"4cdf2a1e"},
	}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// tiny is a server of one list, whatever is asked for; the list may change.
type tiny struct {
	mu     sync.Mutex
	key    string   // of the list, "users" if empty
	guids  []string // of the records
	honour func(size int) bool
	before func(s *tiny, request int) // called before each request is answered, from 1
	answer func(s *tiny, request int, r *http.Request) *http.Response
	asked  []string // queries
	lie    func(page, size, total, pages *int)
}

func (s *tiny) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.RawQuery)
	if s.before != nil {
		s.before(s, len(s.asked))
	}
	if s.answer != nil {
		if resp := s.answer(s, len(s.asked), r); resp != nil {
			return resp, nil
		}
	}
	return reply(http.StatusOK, s.page(r.URL.Query())), nil
}

func (s *tiny) page(q url.Values) string {
	page, _ := strconv.Atoi(q.Get("page"))
	size, _ := strconv.Atoi(q.Get("records_per_page"))
	if page < 1 || size < 10 || size > 1000 || s.honour != nil && !s.honour(size) {
		size = 25
	}
	from := min(len(s.guids), (page-1)*size)
	to := min(len(s.guids), from+size)
	var b bytes.Buffer
	key := s.key
	if key == "" {
		key = "users"
	}
	fmt.Fprintf(&b, `{%q:[`, key)
	for i, g := range s.guids[from:to] {
		if i > 0 {
			b.WriteByte(',')
		}
		if strings.HasPrefix(g, "{") {
			b.WriteString(g)
		} else {
			fmt.Fprintf(&b, `{"guid":%q}`, g)
		}
	}
	total, pages := len(s.guids), max(1, (len(s.guids)+size-1)/size)
	if s.lie != nil {
		s.lie(&page, &size, &total, &pages)
	}
	fmt.Fprintf(&b, `],"pagination":{"current_page":%d,"per_page":%d,"total_entries":%d,"total_pages":%d}}`, page, size, total, pages)
	return b.String()
}

// users are n guids.
func users(n int) []string {
	var g []string
	for i := range n {
		g = append(g, fmt.Sprintf("USR-%d", i))
	}
	return g
}

// collected is what a walk delivered in its last try.
type collected struct {
	guids []string
	try   int
	pages int
}

func (c *collected) page(t testing.TB) func(int, *schemas.Rows) error {
	return func(try int, rows *schemas.Rows) error {
		if try < c.try {
			t.Errorf("try %d after %d", try, c.try)
		}
		if try > c.try {
			*c = collected{try: try}
			if try > 1 && rows.Len() != 0 {
				t.Errorf("try %d begins with %d rows", try, rows.Len())
			}
		}
		c.pages++
		vals := make([]schemas.Value, rows.Table.Width())
		for i := range rows.Len() {
			if err := rows.Table.Decode(rows.At(i), vals); err != nil {
				t.Error(err)
			}
			c.guids = append(c.guids, vals[0].String())
		}
		return nil
	}
}

var usersList = schemas.List{Resource: schemas.UsersResource}

// walkUsers walks the list of users and returns the guids of the last try.
func walkUsers(t testing.TB, c *Client) ([]string, schemas.Walk, error) {
	t.Helper()
	var got collected
	w, err := c.Walk(context.Background(), usersList, got.page(t))
	if got.try > w.Tries {
		t.Errorf("rows of try %d, evidence of %d", got.try, w.Tries)
	}
	return got.guids, w, err
}
