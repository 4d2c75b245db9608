package sim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"
)

// The control handler injects defects, lists them, and says why.
func TestControlOfDefects(t *testing.T) {
	w := calmDefects(t, 60)
	control := w.Control()
	ask := func(method, path string, into any) int {
		t.Helper()
		rec := httptest.NewRecorder()
		control.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
		if into != nil {
			if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
				t.Fatalf("%s %s: %v: %s", method, path, err, rec.Body)
			}
		}
		return rec.Code
	}
	var all []Defect
	if ask("GET", "/defects", &all); all == nil || len(all) != 0 {
		t.Errorf("defects of a new world: %v", all)
	}
	start := w.Now()
	var done []Defect
	if ask("POST", "/inject?kind=Z1&n=3", &done); len(done) != 3 {
		t.Fatalf("injected: %v", done)
	}
	ask("GET", "/defects", &all)
	if !slices.EqualFunc(all, w.Defects(), func(a, b Defect) bool {
		return a.Kind == b.Kind && a.At.Equal(b.At) && a.Until.Equal(b.Until) && a.Account == b.Account &&
			slices.Equal(a.Transactions, b.Transactions) && a.Cents == b.Cents && a.Date.Equal(b.Date)
	}) {
		t.Errorf("defects: %+v, want %+v", all, w.Defects())
	}
	w.Advance(8 * 24 * time.Hour)
	var why struct {
		Code         string
		Counterparts []string
	}
	q := url.Values{
		"guid": {done[0].Transactions[0]}, "before": {start.Format(time.RFC3339)}, "after": {w.Now().Format(time.RFC3339)},
		"from": {"2026-08-01"}, "to": {"2026-12-31"},
	}
	if ask("GET", "/why?"+q.Encode(), &why); why.Code != "Z1" || why.Counterparts == nil {
		t.Errorf("why: %+v", why)
	}
	for _, path := range []string{"/inject", "/inject?kind=Z9", "/inject?kind=Z1&n=0", "/inject?kind=Z1&n=x"} {
		if code := ask("POST", path, nil); code != http.StatusBadRequest {
			t.Errorf("POST %s: %d", path, code)
		}
	}
	if code := ask("GET", "/why?guid=x", nil); code != http.StatusBadRequest {
		t.Errorf("GET /why without times: %d", code)
	}
	if got := w.Inject("Z9", 1); got != nil {
		t.Errorf("an unknown kind did %v", got)
	}
	if got := w.Inject("Z1", 0); got != nil {
		t.Errorf("none asked for, %v done", got)
	}
}
