package snapshot

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"tallyport/schemas"
)

// Publish writes what is left of the parts, reads back every part that this
// process did not, and makes the snapshot visible: the parts move into place,
// the manifest is written last. requests is this process's count.
func (w *Writer) Publish(ctx context.Context, tool string, requests schemas.Requests) (*Manifest, error) {
	if err := w.finishAll(ctx); err != nil {
		return nil, err
	}
	m, err := w.manifest(tool, requests)
	if err != nil {
		return nil, err
	}
	data, err := m.encode()
	if err != nil {
		return nil, err
	}
	if _, err := decodeManifest(data); err != nil { // what nobody can read must not be decided on
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	for _, t := range schemas.Tables() {
		if err := w.st.SyncDir(w.partDir() + "/" + t.Name); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil { // from here on it is done to the end
		return nil, err
	}
	if err := Replace(w.st, w.dir+"/"+intentFile, data); err != nil {
		return nil, err
	}
	return m, publish(w.st, w.id)
}

const intentFile = "publish.json"

// finishAll finishes the shards that are not, and verifies the parts that an
// earlier process wrote; a shard whose parts changed since is written again.
func (w *Writer) finishAll(ctx context.Context) error {
	for n := range w.roster.Shards {
		s, err := w.shard(n)
		if err != nil {
			return err
		}
		if s.journal == nil && !s.verified {
			err := w.verifyShard(ctx, s)
			if err == nil {
				continue
			}
			if !errors.Is(err, ErrDamaged) {
				return err
			}
			if s, err = w.reopen(n); err != nil {
				return err
			}
		}
		if s.journal == nil {
			continue
		}
		if s.left > 0 {
			return fmt.Errorf("%s cannot be published: %d users are not finished", w.id, s.left)
		}
		if err := w.finish(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) verifyShard(ctx context.Context, s *shard) error {
	for _, p := range s.done.Parts {
		t, ok := schemas.TableNamed(p.Table)
		if !ok {
			return fmt.Errorf("part of table %q: %w", p.Table, ErrDamaged)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := verifyPart(w.st, p, t, w.layout); err != nil {
			return err
		}
	}
	s.verified = true
	return nil
}

// reopen goes back to the shard's journal.
func (w *Writer) reopen(n int) (*shard, error) {
	if err := w.unfinish(n); err != nil {
		return nil, err
	}
	w.mu.Lock()
	delete(w.shards, n)
	w.mu.Unlock()
	return w.shard(n)
}

func (w *Writer) manifest(tool string, requests schemas.Requests) (*Manifest, error) {
	t, err := w.Totals()
	if err != nil {
		return nil, err
	}
	m := &Manifest{
		Version: FormatVersion, ID: w.id, AsOf: w.id.Time(), Tool: tool,
		Source: w.plan.Source, Host: w.plan.Host, Client: w.plan.Client, Plan: w.plan, Shards: w.roster.Shards,
		Tables: map[string]TableManifest{}, Members: t.Members, Gaps: t.First, Status: StatusComplete,
	}
	if t.ObservedAt != 0 {
		m.ObservedAt = &t.ObservedAt
	}
	if t.Gaps > 0 {
		m.Status = StatusPartial
	}
	if m.Gaps == nil {
		m.Gaps = []Gap{}
	}
	w.countRequests(w.session, requests)
	for _, c := range w.requests {
		m.Requests.Total += c.Total
		m.Requests.Retried += c.Retried
		m.Requests.RateLimited += c.RateLimited
	}
	for _, table := range schemas.Tables() {
		m.Tables[table.Name] = TableManifest{SchemaVersion: table.Version, Files: []FileInfo{}}
	}
	for n := range w.roster.Shards {
		for _, p := range w.shards[n].done.Parts {
			table, _ := schemas.TableNamed(p.Table)
			tm := m.Tables[p.Table]
			f := p.FileInfo
			f.Path = partition(table, w.id) + "/" + path.Base(f.Path)
			tm.Files = append(tm.Files, f)
			tm.Rows += f.Rows
			m.Tables[p.Table] = tm
		}
	}
	return m, nil
}

// publish carries out the intent of the staged snapshot, as far as that has
// not been done. It may be repeated after a crash at any point.
func publish(st Store, id ID) error {
	dir := stagingOf(id)
	data, err := readAll(st, dir+"/"+intentFile, maxSmallFile)
	if err != nil {
		return err
	}
	if _, err := decodeManifest(data); err != nil {
		return fmt.Errorf("%s/%s cannot be carried out; remove %s from the store to give up that snapshot: %w", dir, intentFile, dir, err)
	}
	for _, t := range schemas.Tables() {
		staged, place := dir+"/parts/"+t.Name, partition(t, id)
		ok, err := exists(st, staged)
		if err != nil {
			return err
		}
		if !ok {
			continue // moved before the crash
		}
		if err := st.Rename(staged, place); err != nil {
			return err
		}
		if err := st.SyncDir(t.Name); err != nil {
			return err
		}
	}
	if err := Replace(st, manifestName(id), data); err != nil {
		return err
	}
	if err := writeLatest(st); err != nil {
		return err
	}
	if err := st.Remove(dir); err != nil {
		return err
	}
	return st.SyncDir(stagingDir)
}

// RollForward finishes what a process that died while publishing or pruning
// had decided, and makes a _latest.json that was lost. The caller holds the
// export lock.
func RollForward(ctx context.Context, st Store) error {
	there, err := exists(st, latestFile)
	if err == nil && !there {
		err = writeLatest(st)
	}
	if err != nil {
		return err
	}
	entries, err := st.List(stagingDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if id, ok := strings.CutPrefix(e.Name(), prunePrefix); ok && ID(id).Valid() {
			if err := prune(st, ID(id)); err != nil {
				return err
			}
			continue
		}
		id := ID(e.Name())
		if !id.Valid() {
			continue
		}
		decided, err := exists(st, stagingOf(id)+"/"+intentFile)
		if err != nil {
			return err
		}
		if decided {
			if err := publish(st, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// LockExport takes the lock that every command that changes snapshots holds.
func LockExport(st Store) (unlock func() error, err error) { return st.Lock(exportLock) }
