package serve

import (
	"archive/zip"
	"bytes"
	"net/http"
	"strings"
)

// kinds are the types of what can be downloaded, by the end of its name.
var kinds = map[string]string{
	".md": "text/markdown; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".json": "application/json", ".jsonl": "application/jsonl",
	".html": "text/html; charset=utf-8", ".zip": "application/zip",
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
