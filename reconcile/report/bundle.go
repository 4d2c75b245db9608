package report

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// Bundle is a zip to attach: the three files of each of the tickets. The same
// tickets make the same bytes; files in it are dated by the night. It is an
// error if the report does not have one of them.
func (r *Report) Bundle(tickets ...string) ([]byte, error) {
	files := map[string][]byte{}
	for _, id := range tickets {
		f := r.Ticket(id)
		if f == nil {
			return nil, fmt.Errorf("there is no ticket %s", id)
		}
		three, err := f.files()
		if err != nil {
			return nil, err
		}
		maps.Copy(files, three)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		part, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: r.Summary.Snapshot.Time()})
		if err != nil {
			return nil, err
		}
		if _, err := part.Write(files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
