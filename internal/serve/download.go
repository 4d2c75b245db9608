package serve

import (
	"archive/zip"
	"bytes"
	"net/http"
	"strings"

	"tallyport/reconcile/report"
)

// kinds are the types of what can be downloaded, by the end of its name.
var kinds = map[string]string{
	".md": "text/markdown; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".json": "application/json", ".html": "text/html; charset=utf-8", ".zip": "application/zip",
}

// download sends a file to be kept. The name is one of ours.
func download(w http.ResponseWriter, name string, data []byte) {
	w.Header().Set("Content-Type", kinds[name[strings.LastIndexByte(name, '.'):]])
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(data) // who is gone is gone
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
