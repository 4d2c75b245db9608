package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"
	"time"

	"tallyport/atrium"
	"tallyport/export"
	"tallyport/internal/cli"
	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
)

// veil keeps transactions out of the lists of a pretend MX, which still has
// them: as if they slipped between two pages every night.
type veil struct {
	http.Handler

	mu     sync.Mutex
	hidden map[string]string // guid → date that a single read shows, "" for its own
	status int               // of single reads, 0: honest
	reads  []string          // single reads, in order
}

// hide keeps another row of a defect's account out of the lists.
func (v *veil) hide(w *sim.World, d sim.Defect) string {
	guid := bystander(w, d)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hidden[guid] = ""
	return guid
}

func (v *veil) answer(status int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status = status
}

func (v *veil) asked() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.reads)
}

var (
	listPath = regexp.MustCompile(`/transactions$`)
	readPath = regexp.MustCompile(`/transactions/([^/]+)$`)
)

func (v *veil) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m := readPath.FindStringSubmatch(r.URL.Path)
	if m != nil {
		v.reads = append(v.reads, m[1])
		if v.status != 0 {
			w.WriteHeader(v.status)
			return
		}
	}
	if len(v.hidden) == 0 || m == nil && !listPath.MatchString(r.URL.Path) {
		v.Handler.ServeHTTP(w, r)
		return
	}
	r.Header.Del("Accept-Encoding")
	rec := httptest.NewRecorder()
	v.Handler.ServeHTTP(rec, r)
	body := rec.Body.Bytes()
	if rec.Code == http.StatusOK {
		body = v.cover(body)
	}
	for k, values := range rec.Header() {
		w.Header()[k] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(rec.Code)
	w.Write(body)
}

// cover takes the hidden rows out of a page, and dates those that are read alone.
func (v *veil) cover(body []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var a map[string]any
	if dec.Decode(&a) != nil {
		return body
	}
	if one, ok := a["transaction"].(map[string]any); ok {
		if date := v.hidden[one["guid"].(string)]; date != "" {
			one["date"] = date
		}
	}
	if all, ok := a["transactions"].([]any); ok {
		var left []any
		for _, t := range all {
			if _, hidden := v.hidden[t.(map[string]any)["guid"].(string)]; !hidden {
				left = append(left, t)
			}
		}
		if gone := len(all) - len(left); gone > 0 {
			a["transactions"] = left
			p := a["pagination"].(map[string]any)
			n, _ := p["total_entries"].(json.Number).Int64()
			p["total_entries"] = n - int64(gone)
		}
	}
	out, err := json.Marshal(a)
	if err != nil {
		return body
	}
	return out
}

// bystander finds a posted transaction of a defect's account, away from the
// edges of the window, to which nothing was done.
func bystander(w *sim.World, d sim.Defect) string {
	now := w.Now()
	for r := range w.Truth().Transactions(d.User, d.Member, now.AddDate(0, 0, -60), now.AddDate(0, 0, -10)) {
		if r.Text("account_guid") == d.Account && r.Text("guid") != d.Transactions[0] && r.Text("status") == "POSTED" {
			return r.Text("guid")
		}
	}
	return ""
}

// Rows that slipped through the lists (X2), or whose date moved out of the
// window (W2), look like lost ones; where MX is asked, none becomes a ticket,
// and the lost ones all do.
func TestProbeLeavesNoFalseTickets(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 4100, Users: 20, Weather: &calm, Unfit: -1, Transactions: 150, MaxPageSize: 1000, Start: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)})
	v := &veil{Handler: w.Handler(), hidden: map[string]string{}}
	keys := atrium.Credentials{APIKey: atrium.NewSecret(sim.DefaultAPIKey), ClientID: atrium.NewSecret(sim.DefaultClientID)}
	c, err := atrium.New(atrium.Atrium(simURL), keys, &atrium.Options{Transport: inProcess{v}, PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string) *snapshot.Dir {
		st, err := snapshot.CreateDir(t.TempDir()+"/"+name, false)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		return st
	}
	st := open("store")
	night := func() {
		id, plan := worldPlan(w, schemas.MemberScope, snapshot.Parquet)
		out, err := snapshot.Begin(t.Context(), st, id, plan, w.Now())
		if err != nil {
			t.Fatal(err)
		}
		_, err = export.Run(t.Context(), client{c}, out, nil)
		if err = errors.Join(err, out.Close()); err != nil {
			t.Fatal(err)
		}
		w.Advance(24 * time.Hour)
	}
	for range 7 {
		night()
	}
	lost := map[string]bool{}
	for i, d := range w.Inject("Z1", 9) {
		lost[d.Transactions[0]] = true
		if other := bystander(w, d); other != "" {
			v.hidden[other] = ""
			if i%2 == 0 {
				v.hidden[other] = w.Now().AddDate(0, 0, -100).Format(time.DateOnly)
			}
		}
	}
	for range 4 {
		night()
	}
	// Offline, the rows that are hidden are tickets as well.
	tickets := func(o *reconcile.Options) (right, wrong int) {
		res, err := reconcile.Run(t.Context(), st, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range res.Findings {
			switch {
			case f.Kind != "missing_transaction" || f.TicketID == "":
			case lost[string(f.Transaction)]:
				right++
			default:
				wrong++
			}
		}
		return right, wrong
	}
	right, wrong := tickets(nil)
	if right < 4 || wrong < 4 {
		t.Fatalf("offline: %d right and %d false tickets: the world is too kind", right, wrong)
	}
	if err := st.Remove("_reconcile"); err != nil {
		t.Fatal(err)
	}
	rightAsked, wrongAsked := tickets(&reconcile.Options{Prober: cli.NewProber(c, slog.New(slog.DiscardHandler))})
	if rightAsked < right || wrongAsked != 0 {
		t.Errorf("asked: %d right and %d false tickets; offline %d and %d", rightAsked, wrongAsked, right, wrong)
	}
	counts := map[string]int{}
	for _, guid := range v.reads {
		if counts[guid]++; counts[guid] > 1 {
			t.Errorf("%s was asked for %d times in one run", guid, counts[guid])
		}
	}
	t.Logf("%d right, %d false tickets; asked: %d, %d, with %d requests", right, wrong, rightAsked, wrongAsked, len(v.reads))
}

// inProcess is a transport that calls a handler.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	res := rec.Result()
	res.Request = r
	return res, nil
}
