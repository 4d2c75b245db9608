package serve

import (
	"archive/zip"
	"bytes"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"tallyport/reconcile"
	"tallyport/reconcile/report"
)

// kinds are the types of what can be downloaded, by the end of its name.
var kinds = map[string]string{
	".md": "text/markdown; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".json": "application/json", ".jsonl": "application/jsonl", ".html": "text/html; charset=utf-8", ".zip": "application/zip",
}

// download sends a file to be kept. The name is one of ours.
func download(w http.ResponseWriter, name string, data []byte) {
	w.Header().Set("Content-Type", kinds[name[strings.LastIndexByte(name, '.'):]])
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(data) // who is gone is gone
}

func (s *Site) scriptFile(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, err := w.Write(script)
	return err
}

// links lead from a report to pages of the site.
var links = report.Page{
	Ticket:  func(id string) string { return "/tickets/" + url.PathEscape(id) },
	Finding: func(id string) string { return "/findings/" + url.PathEscape(id) },
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

func (s *Site) ticketFile(w http.ResponseWriter, r *http.Request) error {
	return missing("not yet")
}

func (s *Site) bundle(w http.ResponseWriter, r *http.Request) error {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := z.Close(); err != nil {
		return err
	}
	download(w, "tickets.zip", b.Bytes())
	return nil
}
