package serve

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"maps"
	"net/http"
	"net/url"
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

// report runs use with the whole report as it is now. It has a ledger of its
// own, since it takes long and nobody should wait for it who reads a page.
func (s *Site) report(ctx context.Context, v *view, use func(*report.Report) error) error {
	return s.read(ctx, func(ctx context.Context) error {
		if v.live == nil {
			own, err := judged(s.st)
			if err != nil {
				return err
			}
			if v.live, err = report.Live(ctx, s.st, own); err != nil {
				v.live = nil
				return err
			}
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
	s.show(w, r, http.StatusOK, "report", &page{Title: "Report of " + day(v.summary.Snapshot), At: "report", Whole: template.HTML(b.String())})
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
// for it. What is damaged or pruned is left out too.
func (s *Site) glimpse(r *http.Request, f func(context.Context) error) (late bool, err error) {
	patience := glance
	if r.URL.Query().Has("nights") {
		patience = readingTime
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	err = f(ctx)
	switch {
	case err == nil, r.Context().Err() != nil:
		return false, err
	case ctx.Err() != nil:
		return true, nil
	case errors.Is(err, snapshot.ErrNoSnapshot), errors.Is(err, snapshot.ErrDamaged):
		s.o.Log.Warn("a page has no nights", "path", r.URL.Path, "error", err)
		return false, nil
	}
	return false, err
}

// detail is what is known of a finding, and what each night has of it.
func (s *Site) detail(r *http.Request, v *view, f *reconcile.Finding) (text template.HTML, late bool, err error) {
	var past *reconcile.Past
	if f.Member != "" {
		late, err = s.glimpse(r, func(ctx context.Context) error {
			return s.read(ctx, func(ctx context.Context) (err error) {
				past, err = reconcile.LookBack(ctx, s.st, v.summary.Snapshot, []reconcile.Finding{*f}, reconcile.PastOptions{})
				return err
			})
		})
		if err != nil {
			return "", false, err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
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
