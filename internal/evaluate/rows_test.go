package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"tallyport/reconcile"
	"tallyport/sim"
	"tallyport/snapshot"
)

// A part that has fewer rows than its manifest says is refused by name (N9),
// in every table that is read.
func TestFewerRowsThanWritten(t *testing.T) {
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 7730, Users: 6, Weather: &calm})
	st := newStore(t)
	live(t, w, st)
	judge(t, st, nil)
	m := live(t, w, st)
	name := st.Path("_manifests/" + string(m.ID) + ".json")
	written, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"users", "members", "accounts", "transactions", "coverage"} {
		var all map[string]any
		dec := json.NewDecoder(bytes.NewReader(written))
		dec.UseNumber()
		if err := dec.Decode(&all); err != nil {
			t.Fatal(err)
		}
		file := m.Tables[table].Files[0]
		part := all["tables"].(map[string]any)[table].(map[string]any)
		part["rows"] = part["rows"].(json.Number) + "0"
		part["files"].([]any)[0].(map[string]any)["rows"] = file.Rows * 10
		data, err := json.Marshal(all)
		if err == nil {
			err = os.WriteFile(name, signed(data, m.Checksum), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = reconcile.Run(context.Background(), st, nil)
		if !errors.Is(err, snapshot.ErrDamaged) || !strings.Contains(err.Error(), file.Path) || !strings.Contains(err.Error(), string(m.ID)) {
			t.Errorf("%s: %v", table, err)
		}
	}
	if err := os.WriteFile(name, written, 0o600); err != nil {
		t.Fatal(err)
	}
	judge(t, st, nil)
}

// signed puts a checksum for the old one, as snapshot/FORMAT.md says.
func signed(data []byte, old string) []byte {
	blank := []byte("sha256:" + strings.Repeat("0", 64))
	data = bytes.Replace(data, []byte(old), blank, 1)
	return bytes.Replace(data, blank, fmt.Appendf(nil, "sha256:%x", sha256.Sum256(data)), 1)
}
