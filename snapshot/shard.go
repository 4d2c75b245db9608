package snapshot

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/klauspost/compress/s2"

	"tallyport/schemas"
)

// shard is what a run knows of one shard: while users are missing, its journal
// and the commits in it; afterwards what they added up to.
type shard struct {
	n       int
	users   int
	left    int // users that have no commit
	journal *journal
	roster  []int64 // offsets of the blocks that list the shard's users
	commits map[schemas.UserID]commit

	done     shardMarker // when journal is nil
	verified bool        // the parts were read back by this process
}

// shardMarker is shards/NNNN.json: it is written when the parts of the shard
// are, and vouches for them.
type shardMarker struct {
	Generation int                      `json:"generation"` // of the roster
	Users      int                      `json:"users"`
	Totals     Totals                   `json:"totals"`
	Requests   map[int]schemas.Requests `json:"requests"` // by session
	Parts      []part                   `json:"parts"`
}

// shard returns the shard, reading its marker or its journal on first use.
func (w *Writer) shard(n int) (*shard, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.shards[n]; ok {
		return s, nil
	}
	s := &shard{n: n}
	ok, err := readJSON(w.st, w.markerName(n), &s.done)
	if err == nil && ok && s.done.Generation == w.roster.Generation {
		s.users = s.done.Users
		for session, c := range s.done.Requests {
			w.countRequests(session, c)
		}
	} else if err == nil {
		err = w.openShard(s)
	}
	if err != nil {
		return nil, err
	}
	w.shards[n] = s
	return s, nil
}

// openShard reads the shard's journal. The caller holds w.mu.
func (w *Writer) openShard(s *shard) (err error) {
	s.commits = map[schemas.UserID]commit{}
	s.journal, err = openJournal(w.st, w.journalName(s.n), func(off int64, kind frameKind, payload []byte) error {
		switch kind {
		case frameRoster:
			if gen, _ := binary.Uvarint(payload); int(gen) == w.roster.Generation {
				s.roster = append(s.roster, off)
			}
		case frameCommit:
			var c commit
			if err := json.Unmarshal(payload, &c); err != nil {
				return err
			}
			w.countRequests(c.Session, c.Requests)
			s.commits[c.User] = c
		case frameWithdraw:
			var users []schemas.UserID
			if err := json.Unmarshal(payload, &users); err != nil {
				return err
			}
			for _, u := range users {
				delete(s.commits, u)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.eachUser(func(u schemas.UserID, _ schemas.Row) error {
		s.users++
		if _, ok := s.commits[u]; !ok {
			s.left++
		}
		return nil
	})
	if err != nil {
		return errors.Join(err, s.journal.close())
	}
	return nil
}

func (w *Writer) journalName(n int) string { return fmt.Sprintf("%s/journal/%04d", w.dir, n) }
func (w *Writer) markerName(n int) string  { return fmt.Sprintf("%s/shards/%04d.json", w.dir, n) }
func (w *Writer) partDir() string          { return w.dir + "/parts" }

// eachUser visits the shard's users in the order of their guids.
func (s *shard) eachUser(visit func(schemas.UserID, schemas.Row) error) error {
	vals := make([]schemas.Value, schemas.Users.Width())
	var buf, raw []byte
	for _, off := range s.roster {
		_, payload, err := s.journal.read(off, &buf)
		if err != nil {
			return fmt.Errorf("journal %s at %d: %w", s.journal.name, off, err)
		}
		_, w := binary.Uvarint(payload)
		if raw, err = s2.Decode(raw[:cap(raw)], payload[w:]); err != nil {
			return fmt.Errorf("journal %s at %d: %w: %v", s.journal.name, off, ErrDamaged, err)
		}
		for rest := raw; len(rest) > 0; {
			n, w := binary.Uvarint(rest)
			row := schemas.Row(rest[w : w+int(n)])
			rest = rest[w+int(n):]
			if err := schemas.Users.Decode(row, vals); err != nil {
				return err
			}
			if err := visit(schemas.UserID(vals[0].Text), row); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachCommit visits what belongs to no user, then the users in order.
func (s *shard) eachCommit(visit func(commit) error) error {
	if c, ok := s.commits[""]; ok {
		if err := visit(c); err != nil {
			return err
		}
	}
	return s.eachUser(func(u schemas.UserID, _ schemas.Row) error {
		if c, ok := s.commits[u]; ok {
			return visit(c)
		}
		return nil
	})
}

func (s *shard) totals() (Totals, error) {
	if s.journal == nil {
		return s.done.Totals, nil
	}
	var t Totals
	err := s.eachCommit(func(c commit) error { t.addCommit(c); return nil })
	return t, err
}

// finish writes and verifies the parts of a shard whose users are all
// committed, then its marker, and lets go of the journal.
func (w *Writer) finish(ctx context.Context, s *shard) error {
	w.finishing.Lock()
	defer w.finishing.Unlock()
	if err := w.unfinish(s.n); err != nil { // of a run that died here
		return err
	}
	if err := s.journal.sync(); err != nil {
		return err
	}
	m := shardMarker{Generation: w.roster.Generation, Users: s.users}
	for _, t := range schemas.Tables() {
		if t == schemas.Institutions && s.n != 0 {
			continue // they belong to no user and have one part
		}
		p, err := w.writeTable(ctx, s, t)
		if err == nil {
			err = verifyPart(w.st, p, t, w.layout)
		}
		if err != nil {
			return err
		}
		m.Parts = append(m.Parts, p)
	}
	var err error
	if m.Totals, err = s.totals(); err != nil {
		return err
	}
	w.mu.Lock()
	m.Requests = maps.Clone(w.requests)
	w.mu.Unlock()
	if err := writeJSON(w.st, w.markerName(s.n), m); err != nil {
		return err
	}
	closing := s.journal
	w.mu.Lock()
	s.journal, s.commits, s.roster, s.done, s.verified = nil, nil, nil, m, true
	w.mu.Unlock()
	return closing.close()
}

func (w *Writer) writeTable(ctx context.Context, s *shard, t *schemas.Table) (part, error) {
	var expect int64
	if err := s.eachCommit(func(c commit) error {
		for _, ref := range c.Runs[t.Name] {
			expect += ref.Rows
		}
		return nil
	}); err != nil {
		return part{}, err
	}
	name := w.partDir() + "/" + partName(t, s.n, w.plan.Format)
	return writePart(w.st, name, t, w.layout, expect, func(yield func(schemas.Row) error) error {
		return s.eachCommit(func(c commit) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return merge(s.journal, t, c.Runs[t.Name], yield)
		})
	})
}

// unfinish removes the parts of a shard and, first, the marker that vouches
// for them.
func (w *Writer) unfinish(n int) error {
	if err := w.st.Remove(w.markerName(n)); err != nil {
		return err
	}
	for _, t := range schemas.Tables() {
		if err := w.st.Remove(w.partDir() + "/" + partName(t, n, w.plan.Format)); err != nil {
			return err
		}
	}
	return nil
}

// rosterMarker is roster.json: the users that the snapshot walks stand in the
// journals. It is written after them.
type rosterMarker struct {
	Generation int               `json:"generation"`
	Users      int64             `json:"users"`
	Shards     int               `json:"shards"`
	Coverage   [][]byte          `json:"coverage"` // rows of the walk of users
	Gaps       []Gap             `json:"gaps,omitempty"`
	ObservedAt schemas.Timestamp `json:"observed_at"`
	Stale      bool              `json:"stale,omitempty"` // to be read again
}

func readRoster(st Store, dir string) (*rosterMarker, error) {
	m := new(rosterMarker)
	ok, err := readJSON(st, dir+"/roster.json", m)
	if !ok || err != nil {
		return nil, err
	}
	return m, nil
}

// Roster gathers the users that a snapshot walks. It is saved with the
// snapshot, so that a resumed run walks the same users.
type Roster struct {
	Run
	w *Writer
}

// HasRoster reports whether the users are known, from an earlier process too.
func (w *Writer) HasRoster() bool { return w.roster != nil && !w.roster.Stale }

// NewRoster begins the list of users: rows of the users table, of which the
// guid counts.
func (w *Writer) NewRoster() (*Roster, error) {
	name := w.dir + "/roster.journal"
	if err := w.st.Remove(name); err != nil {
		return nil, err
	}
	j, err := openJournal(w.st, name, nil)
	if err != nil {
		return nil, err
	}
	r := &Roster{w: w}
	r.Run = *w.newRun(&Batch{w: w, journal: j}, schemas.Users)
	return r, nil
}

// Save records the users, with the walk that found them, if a list was walked.
func (r *Roster) Save(walk *schemas.Walk) (err error) {
	j := r.b.journal
	defer func() { err = errors.Join(err, j.close(), r.w.st.Remove(j.name)) }()
	if r.rows.Len() > 0 {
		if err := r.spill(); err != nil {
			return err
		}
	}
	m := &rosterMarker{}
	if err := r.each(func(schemas.UserID, schemas.Row) error { m.Users++; return nil }); err != nil {
		return err
	}
	m.Shards = r.w.limits.shards(m.Users)
	if old := r.w.roster; old != nil { // the journals are there
		m.Shards, m.Generation = old.Shards, old.Generation+1
	}
	if walk != nil {
		rows := schemas.Rows{Table: schemas.Coverage}
		walk.AppendCoverage(&rows, nil, nil)
		m.Coverage = append(m.Coverage, rows.At(0))
		m.ObservedAt = walk.ObservedAt
		if walk.Reason.Gap() {
			m.Gaps = append(m.Gaps, Gap{Resource: walk.Resource, Reason: walk.Reason})
		}
	}
	return r.w.saveRoster(m, r.each)
}

// each visits the users in the order of their guids, each once.
func (r *Roster) each(visit func(schemas.UserID, schemas.Row) error) error {
	vals := make([]schemas.Value, schemas.Users.Width())
	var last []byte
	return merge(r.b.journal, schemas.Users, r.spilled, func(row schemas.Row) error {
		if err := schemas.Users.Decode(row, vals); err != nil {
			return err
		}
		guid := vals[0].Text
		if last != nil && bytes.Equal(guid, last) {
			return nil
		}
		last = append(last[:0], guid...)
		return visit(schemas.UserID(guid), row)
	})
}

// saveRoster writes the users of each shard into its journal, then the marker.
func (w *Writer) saveRoster(m *rosterMarker, each func(func(schemas.UserID, schemas.Row) error) error) error {
	if err := bind(w.st, w.plan); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	w.shards = map[int]*shard{}
	journals := make([]*journal, m.Shards)
	blocks := make([][]byte, m.Shards)
	defer func() {
		for _, j := range journals {
			if j != nil {
				_ = j.close() // its frames were synced
			}
		}
	}()
	for n := range journals {
		if w.roster == nil { // of a run that died before the marker
			if err := w.st.Remove(w.journalName(n)); err != nil {
				return err
			}
		}
		j, err := openJournal(w.st, w.journalName(n), func(int64, frameKind, []byte) error { return nil })
		if err != nil {
			return err
		}
		journals[n] = j
	}
	flush := func(n int) error {
		payload := binary.AppendUvarint(nil, uint64(m.Generation))
		payload = append(payload, s2.Encode(nil, blocks[n])...)
		blocks[n] = blocks[n][:0]
		return journals[n].append(func(int64) []byte { return appendFrame(nil, frameRoster, payload) })
	}
	err := each(func(u schemas.UserID, row schemas.Row) error {
		n := u.Shard(m.Shards)
		b := binary.AppendUvarint(blocks[n], uint64(len(row)))
		if blocks[n] = append(b, row...); len(blocks[n]) < blockBytes {
			return nil
		}
		return flush(n)
	})
	for n := range journals {
		if err == nil && len(blocks[n]) > 0 {
			err = flush(n)
		}
		if err == nil {
			err = journals[n].sync()
		}
	}
	if err == nil {
		err = w.st.SyncDir(w.dir + "/journal")
	}
	if err == nil {
		err = writeJSON(w.st, w.dir+"/roster.json", m)
	}
	if err == nil {
		w.roster = m
	}
	return err
}

// RosterCoverage returns the coverage row of the walk of users, if one was
// walked; it belongs to no user and goes into the batch of "".
func (w *Writer) RosterCoverage() *schemas.Rows {
	rows := &schemas.Rows{Table: schemas.Coverage}
	for _, r := range slices.Clone(w.roster.Coverage) {
		rows.AppendRow(r)
	}
	return rows
}
