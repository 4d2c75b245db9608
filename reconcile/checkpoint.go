package reconcile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"tallyport/snapshot"
)

// goBack judges again what can be: what was pruned cannot, and what was said
// of it must not be lost. So the oldest state is taken up of which the snapshot
// and all that were judged after it are there. Its night and those before stand
// as they are; a snapshot that is older than it comes too late.
func (r *run) goBack(all, late []*snapshot.Manifest, pruned snapshot.ID) error {
	nights := r.ledger.Nights()
	from := len(nights)
	for from > 0 && manifestOf(all, nights[from-1]) != nil {
		from--
	}
	var c *checkpoint
	for ; from < len(nights) && c == nil; from++ {
		var err error
		if c, err = r.wholeState(nights[from]); err != nil {
			return err
		}
	}
	last, _ := r.ledger.Last()
	reachable := c != nil && slices.ContainsFunc(late, func(m *snapshot.Manifest) bool { return later(m, c) })
	switch {
	case r.o.Rebuild && (c == nil || c.Snapshot == last && !reachable):
		return fmt.Errorf("%s was judged and is pruned: it cannot be judged again, and what was found in it would be lost; restore it or go on without --rebuild", pruned)
	case !r.o.Rebuild && !reachable && r.state != nil:
		for _, m := range late {
			r.o.Log.Warn("a snapshot came too late to be judged", "snapshot", m.ID, "why", fmt.Sprintf("%s was judged and is pruned, so that nothing before can be judged again", pruned))
		}
		return nil
	case c == nil:
		return fmt.Errorf("the state after %s is not there, and %s was judged and is pruned, so that it cannot be made again; restore either", last, pruned)
	}
	return r.goOnFrom(c, fmt.Sprintf("%s was judged and is pruned", pruned))
}

// withoutBase goes back behind a snapshot that the next one would be compared
// with, and that is gone: to the last night of which snapshot and state are there.
func (r *run) withoutBase(all []*snapshot.Manifest) error {
	why := fmt.Sprintf("%s, with which the next one would be compared, is not there any more", r.state.Snapshot)
	for _, id := range slices.Backward(r.ledger.Nights()) {
		if manifestOf(all, id) == nil {
			continue
		}
		c, err := r.wholeState(id)
		if err != nil {
			return err
		}
		if c == nil {
			break
		}
		return r.goOnFrom(c, why)
	}
	return fmt.Errorf("%s, and no night before it can be gone back to: restore it, or remove %s and begin anew", why, ledgerDir)
}

// goOnFrom judges again what is later than a state.
func (r *run) goOnFrom(c *checkpoint, why string) error {
	r.o.Log.Warn("judging again what is later", "than", c.Snapshot, "why", why)
	ledger, err := r.ledger.upTo(c.Snapshot)
	if err != nil {
		return err
	}
	r.ledger, r.state, r.dir, r.rebuilding = ledger, c, stateDir+".new", true
	if err := r.st.Remove(r.dir); err != nil {
		return err
	}
	for _, id := range c.Judged {
		if err := copyState(r.st, string(id), stateDir, r.dir); err != nil {
			return err
		}
	}
	return nil
}

// wholeState reads the state after a night if its units are still there.
func (r *run) wholeState(id snapshot.ID) (*checkpoint, error) {
	c, err := readCheckpoint(r.st, stateDir, id)
	if c == nil || err != nil {
		return nil, err
	}
	entries, err := r.st.List(stateDir + "/" + string(id))
	if err != nil || len(entries) <= c.Shards { // and state.json
		return nil, err
	}
	return c, nil
}

// upTo returns the ledger as it was after a night, but for the decisions.
func (l *Ledger) upTo(id snapshot.ID) (*Ledger, error) {
	t := NewLedger(l.decisions)
	t.files.decisions, t.files.known, t.files.kept = l.files.decisions, l.files.known, l.files.kept
	i := slices.IndexFunc(l.nights, func(n night) bool { return n.id == id })
	t.files.log = bytes.Clone(l.files.log[:l.nights[i].end])
	return t, t.replay()
}

// copyState copies what is kept of one night.
func copyState(st snapshot.Store, name, from, to string) error {
	entries, err := st.List(from + "/" + name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		file := "/" + name + "/" + e.Name()
		if err := copyFile(st, from+file, to+file); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(st snapshot.Store, from, to string) (err error) {
	in, err := st.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := st.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}
