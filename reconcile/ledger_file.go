package reconcile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"tallyport/snapshot"
)

const (
	ledgerDir     = "_reconcile"
	eventsFile    = ledgerDir + "/events.jsonl"
	decisionsFile = ledgerDir + "/decisions.jsonl"
	ledgerLock    = "_reconcile.lock"

	adviseEvents    = "run tallyport reconcile --rebuild, which makes the file again from the snapshots and the decisions, or restore a copy"
	adviseDecisions = "correct the line or restore a copy of the file; what it says cannot be made again"
)

// ledgerFiles is what the ledger knows of its files.
type ledgerFiles struct {
	log     []byte // events.jsonl as it is to be
	saved   int    // this much of it is in the store
	rebuilt bool   // the store has another one, which is to go

	decisions []byte // decisions.jsonl as it is in the store
	known     bool   // decisions was read
	kept      int    // this many decisions are in it
}

// LockLedger takes the lock that a command holds from OpenLedger to Save. It
// returns snapshot.ErrLocked if another run has it.
func LockLedger(st snapshot.Store) (unlock func() error, err error) { return st.Lock(ledgerLock) }

// lineError says in which line of a file something is wrong.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// OpenLedger reads the ledger of a store; one that is not there is empty. A
// line that is damaged is refused with snapshot.ErrDamaged, one of a newer
// version with snapshot.ErrNewer; nothing is written.
func OpenLedger(st snapshot.Store) (*Ledger, error) {
	decisions, raw, err := readDecisions(st)
	if err != nil {
		return nil, err
	}
	l := NewLedger(decisions)
	l.files = ledgerFiles{decisions: raw, known: true, kept: len(decisions)}
	if l.files.log, err = readFile(st, eventsFile); err != nil {
		return nil, err
	}
	l.files.saved = len(l.files.log)
	if err := l.replay(); err != nil {
		return nil, refused(eventsFile, adviseEvents, err)
	}
	return l, nil
}

// ReadDecisions returns the decisions of a store, for NewLedger.
func ReadDecisions(st snapshot.Store) ([]Decision, error) {
	d, _, err := readDecisions(st)
	return d, err
}

func readDecisions(st snapshot.Store) ([]Decision, []byte, error) {
	raw, err := readFile(st, decisionsFile)
	if err != nil {
		return nil, nil, err
	}
	var all []Decision
	n := 0
	for line := range bytes.Lines(raw) {
		n++
		var d Decision
		err := readVersioned(bytes.TrimSuffix(line, []byte("\n")), &d, &d.Version)
		if err == nil {
			err = d.check()
		}
		if err != nil {
			return nil, nil, refused(decisionsFile, adviseDecisions, &lineError{n, err})
		}
		all = append(all, d)
	}
	return all, raw, nil
}

// refused is the error of a file that cannot be used as it is.
func refused(name, advice string, err error) error {
	line := 0
	if e, ok := errors.AsType[*lineError](err); ok {
		line = e.line
	}
	if errors.Is(err, snapshot.ErrNewer) {
		return fmt.Errorf("%s line %d: %w", name, line, err)
	}
	return fmt.Errorf("%s line %d: %w: %w; %s", name, line, snapshot.ErrDamaged, err, advice)
}

// readVersioned decodes a line that begins with the version of its format; the
// version is judged first, since a newer line may have other fields.
func readVersioned(line []byte, v any, version *int) error {
	var only struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(line, &only); err != nil {
		return err
	}
	if only.Version > ledgerVersion {
		return fmt.Errorf("version %d, and this one knows %d: %w", only.Version, ledgerVersion, snapshot.ErrNewer)
	}
	if only.Version < 1 {
		return errors.New("the line has no version")
	}
	if err := decodeLine(line, v); err != nil {
		return err
	}
	*version = only.Version
	return nil
}

// Save makes the new decisions and events durable. Each file is written anew
// and renamed over the old one, decisions first, so that a crash leaves the
// previous ledger, or the previous events with decisions that they have not
// taken up yet. After an error Save may be called again. After a rebuild it
// replaces events.jsonl; decisions.jsonl only ever grows.
func (l *Ledger) Save(st snapshot.Store) error {
	if err := l.keepDecisions(st); err != nil {
		return err
	}
	if l.files.rebuilt || l.files.saved < len(l.files.log) {
		if err := snapshot.Replace(st, eventsFile, l.files.log); err != nil {
			return fmt.Errorf("save events: %w", err)
		}
		l.files.rebuilt, l.files.saved = false, len(l.files.log)
	}
	return nil
}

// keepDecisions makes the new decisions durable.
func (l *Ledger) keepDecisions(st snapshot.Store) error {
	if l.files.kept == len(l.decisions) {
		return nil
	}
	if err := l.saveDecisions(st); err != nil {
		return fmt.Errorf("save decisions: %w", err)
	}
	return nil
}

func (l *Ledger) saveDecisions(st snapshot.Store) error {
	there, err := readFile(st, decisionsFile)
	if err != nil {
		return err
	}
	if !l.files.known {
		l.files.decisions, l.files.known = there, true
	}
	want := slices.Clone(l.files.decisions)
	if len(want) > 0 && want[len(want)-1] != '\n' { // somebody's editor left it off
		want = append(want, '\n')
	}
	for _, d := range l.decisions[l.files.kept:] {
		want = append(append(want, must(marshal(d))...), '\n')
	}
	switch {
	case bytes.Equal(there, want): // an earlier Save failed after the rename
	case !bytes.Equal(there, l.files.decisions):
		return fmt.Errorf("%s was changed by somebody else meanwhile; run the command again", decisionsFile)
	}
	if err := snapshot.Replace(st, decisionsFile, want); err != nil {
		return err
	}
	l.files.decisions, l.files.kept = want, len(l.decisions)
	return nil
}

// readFile returns the content of a file, nothing if it is not there.
func readFile(st snapshot.Store, name string) (data []byte, err error) {
	f, err := st.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data = make([]byte, f.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}
