package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tallyport/atrium"
	"tallyport/export"
	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
)

// lived is a store with some nights, of which every test has a copy.
var lived string

func TestMain(m *testing.M) {
	code, err := live(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func live(m *testing.M) (code int, err error) {
	if lived, err = os.MkdirTemp("", "serve-"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(lived)) }()
	st, err := snapshot.OpenDir(lived, false)
	if err != nil {
		return 1, err
	}
	w := sim.New(worldConfig())
	for night := range nights {
		if night == 5 {
			w.Inject("Z1", 2)
		}
		if err := oneNight(w, st); err != nil {
			return 1, err
		}
	}
	if err := st.Close(); err != nil {
		return 1, err
	}
	if code = m.Run(); code == 0 {
		err = goleak.Find()
	}
	return code, err
}

const nights = 8

func worldConfig() sim.Config {
	calm := sim.Calm()
	return sim.Config{Seed: 4, Users: 25, Transactions: 40, Weather: &calm, Unfit: -1, MaxPageSize: 1000, Start: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)}
}

type client struct{ *atrium.Client }

func (c client) Requests() schemas.Requests {
	n := c.Stats()
	return schemas.Requests{Total: n.Requests, Retried: n.Retried, RateLimited: n.RateLimited}
}

// oneNight lets a night pass: it exports the world and reconciles.
func oneNight(w *sim.World, st snapshot.Store) error {
	base := &url.URL{Scheme: "http", Host: "127.0.0.1:9"} // never dialled: the transport is in process
	keys := atrium.Credentials{APIKey: atrium.NewSecret(sim.DefaultAPIKey), ClientID: atrium.NewSecret(sim.DefaultClientID)}
	c, err := atrium.New(atrium.Atrium(base), keys, &atrium.Options{Transport: w.Transport(), PageSize: 1000})
	if err != nil {
		return err
	}
	id, day := snapshot.IDOf(w.Now()), schemas.DateOf(w.Now())
	out, err := snapshot.Begin(context.Background(), st, id, snapshot.Plan{Source: "atrium", Host: base.Host, Client: snapshot.ClientHash(sim.DefaultClientID), Users: "all",
		Window: schemas.Window{From: day - 90, To: day + 5}, Scope: schemas.MemberScope, Institutions: export.InstitutionsReferenced, Format: snapshot.Parquet}, w.Now())
	if err != nil {
		return err
	}
	if _, err = export.Run(context.Background(), client{c}, out, nil); err != nil {
		return errors.Join(err, out.Close())
	}
	if err := out.Close(); err != nil {
		return err
	}
	unlock, err := reconcile.LockLedger(st)
	if err != nil {
		return err
	}
	_, err = reconcile.Run(context.Background(), st, nil)
	w.Advance(24 * time.Hour)
	return errors.Join(err, unlock())
}

// desk is a site, and a browser that looks at it.
type desk struct {
	*testing.T
	st   *snapshot.Dir
	site *Site
	url  string
	http *http.Client
	now  time.Time
}

// newDesk shows a copy of the store that lived, or of the one in dir.
func newDesk(t *testing.T, dir string, o Options) *desk {
	t.Helper()
	own := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(own, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	st, err := snapshot.OpenDir(own, false)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{T: t, st: st, now: time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC)}
	o.Now = func() time.Time { return d.now }
	d.site = New(st, o)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = d.site.Server(t.Context())
	srv.Start()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d.url, d.http = srv.URL, &http.Client{Jar: jar, Transport: &http.Transport{}}
	t.Cleanup(func() {
		d.http.CloseIdleConnections()
		srv.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// answer is what came back, at which address.
type answer struct {
	status int
	at     string // path and query
	header http.Header
	body   string
}

func (d *desk) do(r *http.Request) answer {
	d.Helper()
	res, err := d.http.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		d.Fatal(err)
	}
	return answer{res.StatusCode, res.Request.URL.RequestURI(), res.Header, string(body)}
}

func (d *desk) request(method, path string, form url.Values) *http.Request {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, d.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (d *desk) get(path string) answer {
	d.Helper()
	return d.do(d.request("GET", path, nil))
}

// page gets a page that has to be there.
func (d *desk) page(path string, has ...string) answer {
	d.Helper()
	a := d.get(path)
	if a.status != http.StatusOK {
		d.Fatalf("%s: status %d: %s", path, a.status, a.body)
	}
	a.has(d, has...)
	return a
}

func (a answer) has(d *desk, all ...string) {
	d.Helper()
	for _, want := range all {
		if !strings.Contains(a.body, want) {
			d.Errorf("%s: there is no %q in %s", a.at, want, a.body)
		}
	}
}

// send sends a form, with what every form has and pairs of names and values.
func (d *desk) send(path string, pairs ...string) answer {
	d.Helper()
	form := url.Values{"form": {d.site.form}, "who": {"Ada"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return d.do(d.request("POST", path, form))
}

// one is a finding of the store that is as wanted.
func (d *desk) one(wanted func(*reconcile.Finding) bool) *reconcile.Finding {
	d.Helper()
	for _, f := range d.ledger().Findings() {
		if wanted(&f) {
			return &f
		}
	}
	d.Fatal("the world is too kind")
	return nil
}

func (d *desk) ledger() *reconcile.Ledger {
	d.Helper()
	l, err := reconcile.OpenLedger(d.st)
	if err != nil {
		d.Fatal(err)
	}
	return l
}

func (d *desk) state(id string) reconcile.State {
	d.Helper()
	f, _, ok := d.ledger().Finding(id)
	if !ok {
		d.Fatalf("there is no finding %s", id)
	}
	return f.State
}

func lost(f *reconcile.Finding) bool {
	return f.Kind == "missing_transaction" && f.State == reconcile.Open && f.TicketID != ""
}

var tags = regexp.MustCompile(`<[^>]*>`)

// text is what a page says, without tags.
func (a answer) text() string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(a.body, " ")), " ")
}
