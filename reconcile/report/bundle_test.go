package report

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"testing"
)

// A bundle has the files of its tickets, and is the same each time.
func TestBundle(t *testing.T) {
	r := cases(t)["failed_update"]
	id := r.Tickets[0].ID
	first, err := r.Bundle(id, id)
	if err != nil {
		t.Fatal(err)
	}
	second, err := cases(t)["failed_update"].Bundle(id)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("another bundle of the same ticket, %v", err)
	}
	z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == id+".md" && !bytes.Equal(data, r.Ticket(id).Markdown()) {
			t.Error("the bundle has another ticket")
		}
	}
	if !slices.Equal(names, []string{id + ".csv", id + ".json", id + ".md"}) {
		t.Errorf("the bundle holds %v", names)
	}
	if _, err := r.Bundle(id, "T-NONE"); err == nil {
		t.Error("a bundle of a ticket that is not there")
	}
}
