package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"
)

// calmWorld makes a small world in which nothing goes wrong.
func calmWorld(t testing.TB, c Config) *World {
	t.Helper()
	calm := Calm()
	c.Weather = &calm
	t.Logf("seed %d", c.Seed)
	return New(c)
}

func newRequest(t testing.TB, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "https://mx.example"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("MX-API-Key", DefaultAPIKey)
	r.Header.Set("MX-Client-ID", DefaultClientID)
	r.Header.Set("Accept", "application/vnd.mx.atrium.v1+json")
	return r
}

// send asks the world in process and reads the whole answer.
func send(w *World, r *http.Request) (*http.Response, []byte, error) {
	resp, err := w.Transport().RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(resp.Body)
	return resp, body, errors.Join(err, resp.Body.Close())
}

// get is send for a request that must be answered.
func get(t testing.TB, w *World, path string) (*http.Response, []byte) {
	t.Helper()
	resp, body, err := send(w, newRequest(t, path))
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return resp, body
}

// record is a record as a client sees it: literals by name.
type seen map[string]json.RawMessage

func (s seen) text(name string) string {
	var v string
	if err := json.Unmarshal(s[name], &v); err != nil {
		return ""
	}
	return v
}

// page is the envelope of a list.
type page struct {
	Entries    []seen
	Pagination *struct {
		CurrentPage  int `json:"current_page"`
		PerPage      int `json:"per_page"`
		TotalEntries int `json:"total_entries"`
		TotalPages   int `json:"total_pages"`
	}
}

func parsePage(body []byte) (page, error) {
	var envelope map[string]json.RawMessage
	if err := json.Unmarshal(body, &envelope); err != nil {
		return page{}, err
	}
	var p page
	for key, raw := range envelope {
		var into any = &p.Entries
		if key == "pagination" {
			into = &p.Pagination
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return page{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	return p, nil
}

func getPage(t testing.TB, w *World, path string) page {
	t.Helper()
	resp, body := get(t, w, path)
	if resp.StatusCode != 200 {
		t.Fatalf("GET %s: %s %s", path, resp.Status, body)
	}
	p, err := parsePage(body)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return p
}

// walk reads all pages of a list, as a client in calm weather may.
func walk(t testing.TB, w *World, path string, size int) []seen {
	t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	var all []seen
	for n := 1; ; n++ {
		p := getPage(t, w, fmt.Sprintf("%s%srecords_per_page=%d&page=%d", path, sep, size, n))
		all = append(all, p.Entries...)
		if p.Pagination == nil || n >= p.Pagination.TotalPages {
			return all
		}
	}
}

// sameRecords compares what was seen with what is true, record by record and
// literal by literal.
func sameRecords(t testing.TB, what, key string, got []seen, want iter.Seq[Record]) int {
	t.Helper()
	byKey := make(map[string]seen, len(got))
	for _, s := range got {
		if byKey[s.text(key)] != nil {
			t.Errorf("%s: %s came twice", what, s.text(key))
		}
		byKey[s.text(key)] = s
	}
	n := 0
	for rec := range want {
		n++
		s := byKey[rec.Text(key)]
		if s == nil {
			t.Errorf("%s: %s is true and was not seen", what, rec.Text(key))
			continue
		}
		if len(s) != len(rec.Fields) {
			t.Errorf("%s: %s was seen with %d fields, %d are true", what, rec.Text(key), len(s), len(rec.Fields))
		}
		for _, f := range rec.Fields {
			if string(s[f.Name]) != f.Literal {
				t.Errorf("%s: %s: %s was seen as %s, %s is true", what, rec.Text(key), f.Name, s[f.Name], f.Literal)
			}
		}
	}
	if n != len(got) {
		t.Errorf("%s: %d seen, %d true", what, len(got), n)
	}
	return n
}

func collect(s iter.Seq[Record]) []Record {
	var all []Record
	for r := range s {
		all = append(all, r)
	}
	return all
}

// days returns the window that a request without dates has.
func days(w *World) (from, to time.Time) {
	today := w.Now().Truncate(24 * time.Hour)
	return today.AddDate(0, 0, -90), today.AddDate(0, 0, 5)
}

// everyMember calls f for each member that exists, with the guid of its user.
func everyMember(tr Truth, f func(user string, member Record)) {
	for u := range tr.Users() {
		for m := range tr.Members(u.Text("guid")) {
			f(u.Text("guid"), m)
		}
	}
}
