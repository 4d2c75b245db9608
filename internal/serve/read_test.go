package serve

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

// Snapshots are read for one page at a time; who is not served in time is told
// so, and who is gone is not waited for.
func TestOneAtATime(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	path := "/transactions/" + string(f.Transaction)
	d.site.reading <- struct{}{} // somebody else

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := d.http.Do(d.request("GET", path, nil).WithContext(ctx))
		ended <- err
	}()
	time.Sleep(20 * time.Millisecond)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// A page that can do without is shown without.
	start := time.Now()
	d.page("/findings/"+f.ID, "takes a while to read", `href="/findings/`+f.ID+`?nights=1"`, "What is known")
	if took := time.Since(start); took > 2*glance {
		t.Errorf("a glance of %v", took)
	}
	<-d.site.reading
	d.page(path, "first seen")
}

// still is a store of which a file takes long, whoever gave up waiting.
type still struct {
	snapshot.Store
	hold chan struct{} // nil: it takes no time
	was  atomic.Int64  // how often the ledger was opened
	read atomic.Int64  // files of members and institutions
}

func (s *still) Open(name string) (snapshot.File, error) {
	if strings.Contains(name, "members") || strings.Contains(name, "institutions") {
		s.read.Add(1)
	}
	if strings.HasSuffix(name, ".json") && s.hold != nil {
		<-s.hold
	}
	if name == "_reconcile/events.jsonl" {
		s.was.Add(1)
	}
	return s.Store.Open(name)
}

// A page waits for a glance, even if what is read does not end with it.
func TestGlance(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	slow := &still{Store: d.st}
	d.site.st = slow
	path := "/tickets/" + string(f.TicketID)
	d.page(path, "Before it is sent")
	was := slow.was.Load()
	d.page(path, "Before it is sent")
	if got := slow.was.Load() - was; got > 1 { // to see that it did not change
		t.Errorf("the ledger was opened %d times", got)
	}
	d.site.reading <- struct{}{} // what was read already does not wait for others
	d.page(path, "Before it is sent")
	<-d.site.reading
	other := d.one(func(o *reconcile.Finding) bool { return o.TicketID != "" && o.State.Raised() && o.Member != f.Member })
	for _, path := range []string{"/tickets/" + string(other.TicketID), "/findings/" + f.ID} {
		slow.hold = make(chan struct{})
		start := time.Now()
		d.page(path, "a while to read", "Decide on this")
		if took := time.Since(start); took < glance || took > 2*glance {
			t.Errorf("%s: a glance of %v", path, took)
		}
		close(slow.hold)
		if err := take(t.Context(), d.site.reading, errors.New("it is read for ever")); err != nil {
			t.Fatal(err)
		}
		<-d.site.reading
	}
	for _, broken := range []func(context.Context) (int, error){func(context.Context) (int, error) { panic("no") }, func(context.Context) (int, error) { return 0, errors.New("no") }} {
		if _, _, err := glimpse(d.site, httptest.NewRequest("GET", "/", nil), broken); err == nil {
			t.Error("nothing is said of it")
		}
	}
	if got, late, err := glimpse(d.site, httptest.NewRequest("GET", "/", nil), func(context.Context) (int, error) { return 7, snapshot.ErrDamaged }); got != 0 || late || err != nil {
		t.Errorf("%d, %v, %v", got, late, err)
	}
}

// A decision changes nothing of the nights: they are read once, and say the
// same to whoever asks in whatever order. Another night is another.
func TestNightsAreKept(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	counting := &still{Store: d.st}
	d.site.st = counting
	pages := []string{"/findings/" + f.ID, "/tickets/" + string(f.TicketID), "/report"}
	for _, path := range pages {
		d.page(path)
	}
	read := counting.read.Load()
	if a := d.send("/findings/"+f.ID, "action", "suppress", "reason", "x"); a.status != http.StatusOK {
		t.Fatalf("status %d", a.status)
	}
	for _, path := range pages {
		d.page(path, "suppressed")
	}
	if got := counting.read.Load(); got != read || read == 0 {
		t.Errorf("%d files were read after %d", got, read)
	}

	v, err := d.site.now()
	if err != nil {
		t.Fatal(err)
	}
	id := d.ledger().Nights()[nights-1]
	all := d.ledger().Findings()
	for i := range all {
		got, err := d.site.nights.Of(t.Context(), counting, v.result, all[i])
		want, e := reconcile.LookBack(t.Context(), d.st, id, all[i:i+1], reconcile.PastOptions{})
		if err != nil || e != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v, %v: %+v, %+v", all[i].ID, err, e, got, want)
		}
	}
	older := *v.result
	older.Summary.Snapshot = d.ledger().Nights()[nights-2]
	if p, err := d.site.nights.Kept(counting, &older, *f); p != nil || err != nil {
		t.Errorf("of another night: %v, %v", p, err)
	}
	if err := os.Remove(d.st.Path("_manifests/" + string(d.ledger().Nights()[0]) + ".json")); err != nil {
		t.Fatal(err)
	}
	got, err := d.site.nights.Of(t.Context(), counting, v.result, *f)
	if err != nil || len(got.Nights) != nights-1 {
		t.Errorf("after one is pruned: %v", err)
	}
}

// After a while it is said that others are served.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil, Options{Now: time.Now})
		s.reading <- struct{}{}
		start := time.Now()
		err := s.read(t.Context(), func(context.Context) error { t.Error("two at a time"); return nil })
		if p := new(problem); !errors.As(err, &p) || p.status != http.StatusServiceUnavailable || time.Since(start) != patience {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		<-s.reading
		err = s.read(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		if p := new(problem); !errors.As(err, &p) || p.status != http.StatusServiceUnavailable {
			t.Errorf("what takes too long: %v", err)
		}
	})
}

// A request whose client is gone ends what was begun for it.
func TestClientGone(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, path := range []string{"/transactions/" + string(f.Transaction), "/report", "/findings/" + f.ID, "/tickets/" + string(f.TicketID) + "/" + string(f.TicketID) + ".zip"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "http://localhost"+path, nil).WithContext(ctx)
		d.site.ServeHTTP(w, r)
		if w.Body.Len() > 0 {
			t.Errorf("%s: nobody is there to read %q", path, w.Body.String())
		}
	}
}

// Many look and decide at once; every decision is kept, or refused.
func TestManyAtOnce(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	const many = 8
	ended := make(chan int, 2*many)
	for i := range many {
		go func() {
			ended <- d.send("/findings/"+f.ID, "action", "suppress", "reason", strings.Repeat("x", i+1)).status
		}()
		go func() { ended <- d.get("/tickets/" + string(f.TicketID)).status }()
	}
	for range 2 * many {
		if status := <-ended; status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
	if n := len(d.ledger().Decisions()); n != many {
		t.Errorf("%d decisions were kept of %d", n, many)
	}
	if d.state(f.ID) != reconcile.Suppressed {
		t.Errorf("it is %s", d.state(f.ID))
	}
}
