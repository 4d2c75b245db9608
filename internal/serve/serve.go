// Package serve shows what reconcile concluded about a store as a web page, and
// takes what people decide about it.
package serve

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"tallyport/reconcile/report"
	"tallyport/snapshot"
)

// Options of a Site. Now is required.
type Options struct {
	Now   func() time.Time
	Log   *slog.Logger // nil: nothing is logged
	Token string       // without it nothing is shown; "": it is shown to everybody
	Hosts []string     // names and addresses, besides those of this machine's loopback, that it may be asked for under
	Who   string       // who decides, unless they say otherwise
}

// Site is a store's web page. It is an http.Handler.
type Site struct {
	st      snapshot.Store
	o       Options
	form    string       // in every form: a page of another site cannot know it
	handler http.Handler // all of it
	seen    viewing      // what the newest files say
	nights  report.Nights
	reading chan struct{} // held by whoever reads snapshots: one at a time
	writing chan struct{} // held by whoever decides: the ledger's lock is for other processes
	cross   *http.CrossOriginProtection
}

const (
	maxBody     = 64 << 10         // of a form
	patience    = 30 * time.Second // for others who read snapshots, and those who decide
	readingTime = 3 * time.Minute  // to read snapshots for one page
)

// New returns the page of a store, which stays the caller's.
func New(st snapshot.Store, o Options) *Site {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Site{st: st, o: o, form: rand.Text(), reading: make(chan struct{}, 1), writing: make(chan struct{}, 1), cross: http.NewCrossOriginProtection()}
	s.handler = s.guarded(s.routes())
	return s
}

// Server returns a server of the site that no slow or silent client holds up.
// Requests end with ctx.
func (s *Site) Server(ctx context.Context) *http.Server {
	return &http.Server{
		Handler: s, BaseContext: baseContext(ctx), ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: patience + readingTime + 30*time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
}

func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Site) routes() http.Handler {
	m := http.NewServeMux()
	for pattern, show := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}":                  s.overview,
		"GET /findings":             s.findings,
		"GET /findings/{id}":        s.finding,
		"POST /findings/{id}":       s.decideFinding,
		"GET /tickets":              s.tickets,
		"GET /tickets/{id}":         s.ticket,
		"POST /tickets/{id}":        s.decideTicket,
		"GET /tickets/{id}/{file}":  s.ticketFile,
		"POST /bundle":              s.bundle,
		"GET /institutions/{code}":  s.institution,
		"POST /institutions/{code}": s.decideInstitution,
		"GET /baseline":             s.baseline,
		"POST /baseline":            s.decideBaseline,
		"GET /search":               s.search,
		"GET /transactions/{guid}":  s.explain,
		"GET /report/{file}":        s.reportFile,
		"GET /report":               s.wholeReport,
		"GET /script.js":            s.scriptFile,
		"/":                         func(http.ResponseWriter, *http.Request) error { return missing("There is no such page.") },
	} {
		m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := show(w, r); err != nil {
				s.refuse(w, r, err)
			}
		})
	}
	return m
}

// problem is an error with the status and the words for whoever looks at a page.
type problem struct {
	status int
	text   string
	cause  error // nil: there is nothing to look into
}

func (p *problem) Error() string { return p.text }
func (p *problem) Unwrap() error { return p.cause }

func missing(text string) error { return &problem{status: http.StatusNotFound, text: text} }

// refuse shows an error.
func (s *Site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	switch {
	case r.Context().Err() != nil: // nobody is there to read it
		return
	case errors.As(err, &p):
	case errors.Is(err, errEmpty):
		s.show(w, r, http.StatusOK, "nothing", &page{Title: "Nothing to show yet", Body: "export"})
		return
	case errors.Is(err, errUnjudged):
		s.show(w, r, http.StatusOK, "nothing", &page{Title: "Nothing to show yet", Body: "reconcile"})
		return
	default:
		p = &problem{http.StatusInternalServerError, "The store cannot be read: " + err.Error(), err}
	}
	if p.cause != nil {
		s.o.Log.Error("a page failed", "path", r.URL.Path, "error", p.cause)
	}
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "10")
	}
	s.show(w, r, p.status, "refused", &page{Title: cmp.Or(titles[p.status], http.StatusText(p.status)), Problem: p.text})
}

var titles = map[int]string{http.StatusNotFound: "Not found", http.StatusServiceUnavailable: "Try again", http.StatusInternalServerError: "That went wrong"}

// read runs what reads snapshots, which takes long: one at a time, and only as
// long as somebody waits for it.
func (s *Site) read(ctx context.Context, f func(context.Context) error) error {
	busy := &problem{status: http.StatusServiceUnavailable, text: "Snapshots are being read for somebody else. Try again in a moment."}
	if err := take(ctx, s.reading, busy); err != nil {
		return err
	}
	defer func() { <-s.reading }()
	ctx, cancel := context.WithTimeout(ctx, readingTime)
	defer cancel()
	err := f(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return &problem{http.StatusServiceUnavailable, "It takes too long to read the snapshots. On the command line tallyport explain has no limit.", err}
	}
	return err
}

// take waits for its turn.
func take(ctx context.Context, turn chan struct{}, busy error) error {
	if err := ctx.Err(); err != nil { // a turn that is free may be taken all the same
		return err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return busy
	}
}

// show writes a page.
func (s *Site) show(w http.ResponseWriter, r *http.Request, status int, name string, p *page) {
	p.Form, p.Who, p.Store = s.form, cmp.Or(p.Who, s.who(r)), s.st.String()
	if p.Query == "" {
		p.Query = r.URL.Query().Get("q")
	}
	var b bytes.Buffer
	if err := pages[name].Execute(&b, p); err != nil {
		s.o.Log.Error("a page failed", "path", r.URL.Path, "error", err)
		http.Error(w, "That page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // who is gone is gone
}
