package reconcile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tallyport/schemas"
	"tallyport/snapshot"
	"tallyport/snapshot/storetest"
)

func tempStore(t *testing.T) (*snapshot.Dir, string) {
	t.Helper()
	dir := t.TempDir()
	st, err := snapshot.OpenDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st, dir
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

func reopen(t *testing.T, st snapshot.Store) *Ledger {
	t.Helper()
	l, err := OpenLedger(st)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func save(t *testing.T, l *Ledger, st snapshot.Store) {
	t.Helper()
	if err := l.Save(st); err != nil {
		t.Fatal(err)
	}
}

// smallStore saves a ledger with two nights and three decisions.
func smallStore(t *testing.T) (*snapshot.Dir, string) {
	t.Helper()
	st, dir := tempStore(t)
	l := reopen(t, st)
	l.applyAt(0, sight("F-1", Confirmed), sight("F-2", Suspected))
	decide(t, l, Submit, "F-1")
	decide(t, l, Baseline, "F-2")
	save(t, l, st)
	l = reopen(t, st)
	l.applyAt(1, sight("F-1", Confirmed))
	decide(t, l, Unsuppress, "F-2")
	save(t, l, st)
	return st, dir
}

func TestEventsAreShort(t *testing.T) {
	st, _ := smallStore(t)
	l := reopen(t, st)
	l.applyAt(2, sight("F-1", Suspected), sight("F-2", Suspected)) // takes up the decision
	l.applyAt(3, sight("F-1", Suspected))                          // escalates
	before := len(l.files.log)
	l.applyAt(4, sight("F-1", Suspected))
	want := `{"version":1,"snapshot":"20261105T020000Z","observed_at":"2026-11-05T02:07:00Z","events":0,"unseen":["F-2"]}` + "\n"
	if got := string(l.files.log[before:]); got != want {
		t.Errorf("a quiet night is\n%swant\n%s", got, want)
	}
	first, _, _ := bytes.Cut(l.files.log[bytes.IndexByte(l.files.log, '\n')+1:], []byte("\n"))
	for _, key := range []string{`{"event":"E-`, `,"snapshot":"20261101T020000Z","event_name":"opened","finding":{"id":"F-1","kind":`} {
		if !bytes.Contains(first, []byte(key)) {
			t.Errorf("first event is %s, without %s", first, key)
		}
	}
}

func TestDamage(t *testing.T) {
	line := func(n int, with string) func(string) string {
		return func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			lines[n-1] = with
			return strings.Join(lines, "")
		}
	}
	replace := func(old, with string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, with, 1) }
	}
	for _, tt := range []struct {
		name, file string
		do         func(string) string
		line       int
		is         error
	}{
		{"not JSON", eventsFile, line(2, "{\n"), 2, snapshot.ErrDamaged},
		{"empty line", eventsFile, line(4, "\n"), 4, snapshot.ErrDamaged},
		{"event lost", eventsFile, line(3, ""), 3, snapshot.ErrDamaged},
		{"night lost", eventsFile, line(4, ""), 4, snapshot.ErrDamaged},
		{"first line lost", eventsFile, line(1, ""), 1, snapshot.ErrDamaged},
		{"last event lost", eventsFile, line(6, ""), 5, snapshot.ErrDamaged},
		{"torn", eventsFile, func(s string) string { return s[:len(s)-9] }, 6, snapshot.ErrDamaged},
		{"newline torn", eventsFile, func(s string) string { return s[:len(s)-1] }, 6, snapshot.ErrDamaged},
		{"another name", eventsFile, replace(`"event_name":"opened"`, `"event_name":"expired"`), 2, snapshot.ErrDamaged},
		{"no such state", eventsFile, replace(`"state":"open"`, `"state":"opem"`), 2, snapshot.ErrDamaged},
		{"another finding", eventsFile, replace(`"id":"F-2"`, `"id":"F-3"`), 3, snapshot.ErrDamaged},
		{"unknown field", eventsFile, replace(`"amount"`, `"amoumt"`), 2, snapshot.ErrDamaged},
		{"two values", eventsFile, replace("\n", "{}\n"), 1, snapshot.ErrDamaged},
		{"nights swapped", eventsFile, replace("2026-11-01T02:07", "2026-11-03T02:07"), 4, snapshot.ErrDamaged},
		{"unseen nobody", eventsFile, replace(`"unseen":[]`, `"unseen":["F-1"]`), 1, snapshot.ErrDamaged},
		{"newer events", eventsFile, line(4, `{"version":2,"snapshot":["?"]}`+"\n"), 4, snapshot.ErrNewer},
		{"no version", eventsFile, replace(`"version":1,`, ``), 1, snapshot.ErrDamaged},
		{"decision not JSON", decisionsFile, line(2, "suppress F-1\n"), 2, snapshot.ErrDamaged},
		{"decision torn", decisionsFile, func(s string) string { return s[:len(s)-9] }, 3, snapshot.ErrDamaged},
		{"decision without place", decisionsFile, replace(`,"after":"20261101T020000Z"`, ``), 1, snapshot.ErrDamaged},
		{"unknown action", decisionsFile, replace(`"action":"baseline"`, `"action":"forget"`), 2, snapshot.ErrDamaged},
		{"newer decision", decisionsFile, line(3, `{"version":2,"mood":"sad"}`+"\n"), 3, snapshot.ErrNewer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st, dir := smallStore(t)
			old := content(t, dir, tt.file)
			bad := tt.do(old)
			if bad == old {
				t.Fatal("nothing was damaged")
			}
			if err := os.WriteFile(filepath.Join(dir, tt.file), []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := OpenLedger(st)
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), fmt.Sprintf("%s line %d: ", tt.file, tt.line)) {
				t.Errorf("error %v, want %v of %s line %d", err, tt.is, tt.file, tt.line)
			}
			advice := map[string]string{eventsFile: "--rebuild", decisionsFile: "correct the line"}[tt.file]
			if tt.is == snapshot.ErrDamaged && err != nil && !strings.Contains(err.Error(), advice) {
				t.Errorf("error does not say what to do: %v", err)
			}
			if content(t, dir, tt.file) != bad {
				t.Error("the damaged file was written to")
			}
		})
	}
}

func TestDecisionsOnlyGrow(t *testing.T) {
	st, dir := smallStore(t)
	name := filepath.Join(dir, decisionsFile)
	old := strings.TrimSuffix(strings.Replace(content(t, dir, decisionsFile), `"at":`, ` "at" : `, 1), "\n") // by hand
	if err := os.WriteFile(name, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	l := reopen(t, st)
	decide(t, l, Close, "F-2")
	save(t, l, st)
	got := content(t, dir, decisionsFile)
	if !strings.HasPrefix(got, old+"\n") || strings.Count(got, "\n") != 4 {
		t.Errorf("decisions.jsonl was\n%s\nand is\n%s", old, got)
	}

	other := reopen(t, st)
	decide(t, other, Close, "F-1")
	decide(t, l, Suppress, "F-1")
	save(t, other, st)
	if err := l.Save(st); err == nil {
		t.Error("the decision of another run was overwritten")
	}
}

func TestRebuildOfNothing(t *testing.T) {
	st, dir := smallStore(t)
	decisions := content(t, dir, decisionsFile)
	save(t, NewLedger(reopen(t, st).Decisions()), st)
	if got := content(t, dir, eventsFile); got != "" || content(t, dir, decisionsFile) != decisions {
		t.Errorf("events.jsonl is %q, or decisions.jsonl was changed", got)
	}
}

// full is a store on which there is room for so many bytes.
type full struct {
	snapshot.Store
	room int
}

type fullOut struct {
	snapshot.Out
	f *full
}

var errFull = errors.New("no space left on device")

func (f *full) Create(name string) (snapshot.Out, error) {
	out, err := f.Store.Create(name)
	return &fullOut{out, f}, err
}

func (o *fullOut) Write(b []byte) (int, error) {
	if len(b) <= o.f.room {
		o.f.room -= len(b)
		return o.Out.Write(b)
	}
	n, _ := o.Out.Write(b[:o.f.room])
	o.f.room = 0
	return n, errFull
}

func TestFullDisk(t *testing.T) {
	st, dir := smallStore(t)
	l := reopen(t, st)
	l.applyAt(2, sight("F-3", Confirmed))
	decide(t, l, Close, "F-3")
	events, decisions := content(t, dir, eventsFile), content(t, dir, decisionsFile)
	for _, room := range []int{0, 100, len(decisions) + 400} {
		if err := l.Save(&full{st, room}); !errors.Is(err, errFull) {
			t.Fatalf("room for %d: error %v", room, err)
		}
		if content(t, dir, eventsFile) != events || !strings.HasPrefix(content(t, dir, decisionsFile), decisions) {
			t.Fatalf("room for %d: the previous files are not intact", room)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ledgerDir, "*.tmp")); left != nil {
			t.Errorf("room for %d: left %v", room, left)
		}
		reopen(t, st)
	}
	save(t, l, st)
	if d := cmp.Diff(l.Findings(), reopen(t, st).Findings()); d != "" {
		t.Errorf("saved when there was room:\n%s", d)
	}
}

// TestSaveDies kills Save at each of its operations.
func TestSaveDies(t *testing.T) {
	for _, power := range []bool{false, true} {
		for at := 1; ; at++ {
			st, dir := smallStore(t)
			l := reopen(t, st)
			l.applyAt(2, sight("F-3", Confirmed))
			decide(t, l, Close, "F-3")
			events, decisions := content(t, dir, eventsFile), content(t, dir, decisionsFile)
			c := &storetest.Crasher{Store: st, At: at, LosePower: power}
			err := l.Save(c)
			if err == nil {
				if at < 10 {
					t.Fatalf("Save has only %d operations", at)
				}
				break
			}
			for name, old := range map[string]string{eventsFile: events, decisionsFile: decisions} {
				if now := content(t, dir, name); !strings.HasPrefix(now, old) {
					t.Fatalf("operation %d: %s was\n%s\nand is\n%s", at, name, old, now)
				}
			}
			reopen(t, st)
			save(t, l, st) // and Save may be called again
			if d := cmp.Diff(l.Findings(), reopen(t, st).Findings()); d != "" {
				t.Fatalf("operation %d: saved again:\n%s", at, d)
			}
		}
	}
}

// FuzzEvents demands that whatever is not refused can be worked with.
func FuzzEvents(f *testing.F) {
	l := newTestLedger()
	l.applyAt(0, sight("F-1", Confirmed), sight("F-2", Suspected))
	l.applyAt(1, sight("F-1", Undone))
	f.Add(l.files.log)
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, log []byte) {
		l := NewLedger(nil)
		l.files.log = log
		if l.replay() != nil {
			return
		}
		if last, at := l.Last(); last == "" || at.Before(nightAt(1000)) {
			l.applyAt(1001, sight("F-1", Confirmed), sight("F-2", Harmless))
		}
		for _, f := range l.Findings() {
			for _, a := range []Action{Submit, Suppress, Unsuppress, Close} {
				_ = l.Decide(Decision{At: nightAt(1001), Action: a, Finding: f.ID}) // or not
			}
		}
		if _, at := l.Last(); at.Before(nightAt(1002)) {
			l.applyAt(1003, sight("F-2", Confirmed))
			checkReplay(t, l)
		}
	})
}

// A finding that was not read yet is as it will be read.
func TestNormal(t *testing.T) {
	for i, f := range []Finding{
		{ID: "F-1", Kind: missingTransaction, Payee: "Zo\u00eb & <b>\n"},
		{ID: "F-2", User: "USR-1", Evidence: map[string]any{}, MissingInputs: []string{}},
		{ID: "F-3", MissingInputs: []string{"amount"}, Evidence: map[string]any{
			"n": 1, "sum": schemas.Money(1 << 60), "share": 0.25, "at": day0.Timestamp(), "none": nil, "text": text(""),
			"rows": []string{"a"}, "before": map[string]any{"amount": "1.00"}, "look": struct {
				Success *schemas.Timestamp `json:"success"`
			}{},
		}},
	} {
		var want Finding
		if err := decodeLine(must(marshal(f)), &want); err != nil {
			t.Fatal(err)
		}
		got := normal(f)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || got.Evidence == nil || got.MissingInputs == nil {
			t.Errorf("finding %d: %s", i, diff)
		}
		if got.Evidence["new"] = true; f.Evidence["new"] != nil {
			t.Error("the evidence is shared")
		}
	}
}
