package sim

import (
	"bytes"
	"encoding/json"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shape is what is known of a resource: for each key the JSON types it may
// have, and in how many records of how many it stands.
type shape struct {
	types   map[string]map[string]bool
	in      map[string]int
	records int
}

func newShape() *shape { return &shape{types: map[string]map[string]bool{}, in: map[string]int{}} }

func jsonType(literal []byte) string {
	switch literal[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}

func (s *shape) add(key, typ string) {
	if s.types[key] == nil {
		s.types[key] = map[string]bool{}
	}
	s.types[key][typ] = true
	s.in[key]++
}

func (s *shape) addSeen(rec seen) {
	s.records++
	for k, v := range rec {
		s.add(k, jsonType(v))
	}
}

func (s *shape) addAll(records iter.Seq[Record]) {
	for r := range records {
		s.records++
		for _, f := range r.Fields {
			s.add(f.Name, jsonType([]byte(f.Literal)))
		}
	}
}

// wireShape reads the vectors of a resource: bodies written by hand from the
// field lists, not by this package.
func wireShape(t *testing.T, files ...string) *shape {
	t.Helper()
	s := newShape()
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join("..", "testdata", "wire", "atrium", f))
		if err != nil {
			t.Fatal(err)
		}
		var envelope map[string]json.RawMessage
		if err := json.Unmarshal(b, &envelope); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for key, raw := range envelope {
			if key == "pagination" {
				continue
			}
			var list []seen
			if raw[0] != '[' {
				raw = slices.Concat([]byte("["), raw, []byte("]"))
			}
			if err := json.Unmarshal(raw, &list); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			for _, rec := range list {
				s.addSeen(rec)
			}
		}
	}
	return s
}

// undocumented are the keys that the world adds to see whether a client
// tolerates them.
var undocumented = []string{"created_by", "most_recent_job", "account_ownership", "extended_transaction_type", "instructional_text"}

// The world's records have the keys and types of the wire vectors: none more
// but the undocumented, none less, and a key is missing only where a vector
// shows that it may be.
func TestShapes(t *testing.T) {
	got := map[string]*shape{}
	for _, r := range []string{"user", "member", "status", "account", "transaction", "owner", "institution"} {
		got[r] = newShape()
	}
	for seed := range uint64(2) {
		w := calmWorld(t, Config{Seed: 70 + seed, Users: 200, Transactions: 25, Unfit: -1})
		tr := w.Truth()
		got["institution"].addAll(tr.Institutions())
		got["user"].addAll(tr.Users())
		everyMember(tr, func(user string, m Record) {
			id := m.Text("guid")
			got["member"].addAll(slices.Values([]Record{m}))
			if s, ok := tr.Status(user, id); ok {
				got["status"].addAll(slices.Values([]Record{s}))
			}
			got["account"].addAll(tr.Accounts(user, id))
			got["owner"].addAll(tr.Owners(user, id))
			from, to := days(w)
			got["transaction"].addAll(tr.Transactions(user, id, from, to))
		})
	}
	for resource, files := range map[string][]string{
		"user":        {"user.json", "users.json"},
		"member":      {"member.json", "members.json"},
		"status":      {"member_status.json", "member_status_challenged.json", "member_status_never.json"},
		"account":     {"account.json", "accounts.json"},
		"transaction": {"transaction.json", "transactions.json", "transactions_empty.json"},
		"owner":       {"account_owners.json", "account_owners_paged.json"},
		"institution": {"institution.json", "institutions.json"},
	} {
		want, have := wireShape(t, files...), got[resource]
		for key, types := range have.types {
			if slices.Contains(undocumented, key) {
				continue
			}
			if want.types[key] == nil {
				t.Errorf("%s: the world serves %s, no vector has it", resource, key)
				continue
			}
			for typ := range types {
				if !want.types[key][typ] {
					t.Errorf("%s: %s is served as %s, in the vectors it is %v", resource, key, typ, want.types[key])
				}
			}
			if have.in[key] < have.records && want.in[key] == want.records {
				t.Errorf("%s: %s is missing in %d of %d records, in no vector", resource, key, have.records-have.in[key], have.records)
			}
		}
		for key, types := range want.types {
			for typ := range types {
				if have.types[key] == nil || !have.types[key][typ] {
					t.Errorf("%s: %s as %s is in the vectors and never served (%d records)", resource, key, typ, have.records)
				}
			}
		}
	}
}

// The envelopes are those of the vectors.
func TestEnvelopes(t *testing.T) {
	w := calmWorld(t, Config{Seed: 72, Users: 30, Unfit: -1})
	user, member := busyMember(t, w, 10)
	tr := w.Truth()
	account := collect(tr.Accounts(user, member))[0].Text("guid")
	from, to := days(w)
	transaction := collect(tr.Transactions(user, member, from, to))[0].Text("guid")
	base := "/users/" + user
	for path, file := range map[string]string{
		"/users": "users.json", base: "user.json",
		base + "/members": "members.json", base + "/members/" + member: "member.json", base + "/members/" + member + "/status": "member_status.json",
		base + "/accounts": "accounts.json", base + "/members/" + member + "/accounts": "accounts.json", base + "/accounts/" + account: "account.json",
		base + "/members/" + member + "/accounts/" + account: "account.json",
		base + "/transactions":                               "transactions.json", base + "/members/" + member + "/transactions": "transactions.json",
		base + "/accounts/" + account + "/transactions": "transactions.json", base + "/transactions/" + transaction: "transaction.json",
		base + "/members/" + member + "/account_owners": "account_owners.json",
		"/institutions": "institutions.json", "/institutions/mxbank": "institution.json",
		"/institutions?name=nobody": "transactions_empty.json", "/nowhere": "error.json",
	} {
		b, err := os.ReadFile(filepath.Join("..", "testdata", "wire", "atrium", file))
		if err != nil {
			t.Fatal(err)
		}
		_, body := get(t, w, path)
		if file == "transactions_empty.json" {
			body = bytes.Replace(body, []byte("institutions"), []byte("transactions"), 1)
		}
		want, have := skeleton(t, b), skeleton(t, body)
		if want != have {
			t.Errorf("%s is %s, %s is %s", path, have, file, want)
		}
	}
}

// skeleton names the keys of an envelope, their types, and those of what stands
// in pagination and error.
func skeleton(t *testing.T, body []byte) string {
	t.Helper()
	var envelope map[string]json.RawMessage
	if err := json.Unmarshal(body, &envelope); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	var parts []string
	for k, v := range envelope {
		parts = append(parts, k+":"+jsonType(v))
		if k == "pagination" || k == "error" {
			parts = append(parts, skeleton(t, v))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// With a share of misfits, some records have one literal that does not fit its
// column, and the truth has the very same.
func TestMisfits(t *testing.T) {
	w := calmWorld(t, Config{Seed: 73, Users: 30, Transactions: 40, Unfit: 0.02})
	plain := calmWorld(t, Config{Seed: 73, Users: 30, Transactions: 40, Unfit: -1})
	from, to := days(w)
	tr, clean := w.Truth(), plain.Truth()
	n, odd := 0, 0
	everyMember(tr, func(user string, m Record) {
		fit := map[string]Record{}
		for x := range clean.Transactions(user, m.Text("guid"), from, to) {
			fit[x.Text("guid")] = x
		}
		for x := range tr.Transactions(user, m.Text("guid"), from, to) {
			n++
			differ := 0
			for _, f := range x.Fields {
				if was, _ := fit[x.Text("guid")].Get(f.Name); was != f.Literal {
					differ++
				}
			}
			if differ > 1 {
				t.Errorf("%s has %d misfits", x.Text("guid"), differ)
			}
			odd += differ
		}
	})
	if share := float64(odd) / float64(n); share < 0.012 || share > 0.028 {
		t.Errorf("%d of %d rows have a misfit", odd, n)
	}
}
