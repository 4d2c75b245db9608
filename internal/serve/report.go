package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"tallyport/reconcile"
	"tallyport/reconcile/report"
	"tallyport/schemas"
	"tallyport/snapshot"
)

// glance is how long a page waits for what the snapshots have, unless somebody
// asks for that.
const glance = 3 * time.Second

// links lead from a report to pages of the site.
var links = report.Page{
	Ticket:  func(id string) string { return "/tickets/" + url.PathEscape(id) },
	Finding: func(id string) string { return "/findings/" + url.PathEscape(id) },
}

// report runs use with the whole report as it is now.
func (s *Site) report(ctx context.Context, v *view, use func(*report.Report) error) error {
	return s.read(ctx, func(ctx context.Context) error {
		if v.live == nil {
			live, err := s.nights.Live(ctx, s.st, v.result)
			if err != nil {
				return err
			}
			v.live = live
		}
		return use(v.live)
	})
}

// wholeReport shows report.html as it would be now.
func (s *Site) wholeReport(w http.ResponseWriter, r *http.Request) error {
	v, err := s.now()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := s.report(r.Context(), v, func(rep *report.Report) error { return rep.WriteBody(&b, links) }); err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, "report", &page{Title: "Report of " + report.Day(v.summary.Snapshot), At: "report", Whole: template.HTML(b.String())})
	return nil
}

// reportFile sends a file of the report, as it is now.
func (s *Site) reportFile(w http.ResponseWriter, r *http.Request) error {
	v, err := s.now()
	if err != nil {
		return err
	}
	name := r.PathValue("file")
	var data []byte
	err = s.report(r.Context(), v, func(rep *report.Report) error {
		files, err := rep.Files()
		if err != nil {
			return err
		}
		tables, err := (&reconcile.Result{Summary: rep.Summary, Findings: rep.Findings}).Files(false)
		maps.Copy(files, tables)
		data = files[name]
		return err
	})
	if err != nil {
		return err
	}
	if data == nil {
		return missing("The report has no such file.")
	}
	download(w, name, data)
	return nil
}

// glimpse runs what reads snapshots for a part of a page. If that takes longer
// than a glance it is left out, and late says so: but not if the request asks
// for it. What is damaged or pruned is left out too. Nobody waits until a file
// is read that does not heed the end of its context.
func glimpse[T any](s *Site, r *http.Request, f func(context.Context) (T, error)) (got T, late bool, err error) {
	patience := glance
	if r.URL.Query().Has("nights") {
		patience = readingTime
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	type outcome struct {
		got T
		err error
	}
	ended := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if p := recover(); p != nil { // nobody else would: here it would end the program
				o.err = fmt.Errorf("%v: %s", p, debug.Stack())
			}
			ended <- o
		}()
		o.got, o.err = f(ctx)
	}()
	var o outcome
	select {
	case o = <-ended:
	case <-ctx.Done():
		o.err = ctx.Err()
	}
	var none T
	switch {
	case o.err == nil:
		return o.got, false, nil
	case r.Context().Err() != nil:
		return none, false, o.err
	case ctx.Err() != nil:
		return none, true, nil
	case errors.Is(o.err, snapshot.ErrNoSnapshot), errors.Is(o.err, snapshot.ErrDamaged):
		s.o.Log.Warn("a page has no nights", "path", r.URL.Path, "error", o.err)
		return none, false, nil
	}
	return none, false, o.err
}

// detail is what is known of a finding, and what each night has of it.
func (s *Site) detail(r *http.Request, v *view, f *reconcile.Finding) (text template.HTML, late bool, err error) {
	var past *reconcile.Past
	if f.Member != "" {
		if past, err = s.nights.Kept(s.st, v.result, *f); err != nil {
			return "", false, err
		}
	}
	if f.Member != "" && past == nil {
		past, late, err = glimpse(s, r, func(ctx context.Context) (past *reconcile.Past, err error) {
			err = s.read(ctx, func(ctx context.Context) (err error) {
				past, err = s.nights.Of(ctx, s.st, v.result, *f)
				return err
			})
			return past, err
		})
		if err != nil {
			return "", false, err
		}
	}
	rep := report.One(v.result, f.ID, past)
	rep.News = v.news
	var b bytes.Buffer
	err = rep.WriteFinding(&b, f.ID, links)
	return template.HTML(b.String()), late, err
}

// names reads what institutions are called. Without them there are their codes.
func names(st snapshot.Store, id snapshot.ID) map[string]string {
	all := map[string]string{}
	r, err := snapshot.Open(st, id)
	if err != nil {
		return all
	}
	t := schemas.Institutions
	code, name := t.Index("code"), t.Index("name")
	err = r.Scan(context.Background(), t, []string{"code", "name"}, func(vals []schemas.Value) error {
		if vals[name].Set {
			all[string(vals[code].Text)] = vals[name].String()
		}
		return nil
	})
	if err != nil {
		clear(all)
	}
	return all
}
