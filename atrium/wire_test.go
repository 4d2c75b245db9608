package atrium

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tallyport/schemas"
)

// Every body in testdata/wire/atrium decodes, none of its records is lost, and
// every value is what encoding/json makes of it. The bodies are written by
// hand from what MX documents; a file's name begins with the resource.
func TestWire(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "wire", "atrium", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no bodies in testdata/wire/atrium")
	}
	dialect := Atrium(nil)
	read := 0
	for _, file := range files {
		resource := wireResource(filepath.Base(file))
		if resource == "" {
			continue // an error body, or one that no list or record has
		}
		read++
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := &want{lay: dialect.layouts[resource], seed: maphash.MakeSeed()}
			records := wireRecords(t, text, resource, w)
			p, err := decodeAll(t, w, string(text))
			if err != nil || len(p.lost) > 0 || p.rows.Len() != len(records) {
				t.Fatalf("%v, %d rows of %d records, %s", err, p.rows.Len(), len(records), p.detail)
			}
			for i, record := range records {
				want, _ := oracle(t, w.lay.table, record, map[string]string{"user_guid": w.parents[0]})
				if got := show(t, w.lay.table, p.rows.At(i)); got != want {
					t.Errorf("record %d is\n%s, want\n%s", i+1, got, want)
				}
			}
		})
	}
	if read < 7 { // one for each resource at least
		t.Errorf("only %d of %d bodies were read", read, len(files))
	}
}

// wireResource is the resource that a file's name begins with, in the plural
// or the singular.
func wireResource(name string) (found schemas.Resource) {
	for _, r := range []schemas.Resource{
		schemas.UsersResource, schemas.MembersResource, schemas.MemberStatusResource, schemas.AccountsResource,
		schemas.TransactionsResource, schemas.AccountOwnersResource, schemas.InstitutionsResource,
	} {
		singular := strings.TrimSuffix(string(r), "s")
		if r == schemas.MemberStatusResource {
			singular = string(r)
		}
		if strings.HasPrefix(name, singular) && len(r) > len(found) {
			found = r
		}
	}
	return found
}

// wireRecords splits a body with encoding/json, and completes w for it.
func wireRecords(t *testing.T, text []byte, resource schemas.Resource, w *want) (records []json.RawMessage) {
	var envelope map[string]json.RawMessage
	if err := json.Unmarshal(text, &envelope); err != nil {
		t.Fatal(err)
	}
	w.key = string(resource)
	if list, ok := envelope[w.key]; ok {
		w.list = true
		if err := json.Unmarshal(list, &records); err != nil {
			t.Fatal(err)
		}
		return records
	}
	w.key = strings.TrimSuffix(w.key, "s")
	if resource == schemas.MemberStatusResource {
		w.key = "member"
		w.parents[0] = "USR-asked"
		if bytes.Contains(envelope[w.key], []byte(`"user_guid"`)) {
			w.parents[0] = ""
		}
	}
	if envelope[w.key] == nil {
		t.Fatalf("neither %ss nor %s is in the body", w.key, w.key)
	}
	return []json.RawMessage{envelope[w.key]}
}
