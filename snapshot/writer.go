package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync"
	"time"

	"tallyport/schemas"
)

// limits are the sizes that shape a snapshot in the making; tests shrink them.
type limits struct {
	// usersPerShard is how many users a shard holds at most, on average. A
	// client with fewer has one part per table.
	usersPerShard int64
	// spill is how many bytes of rows a run gathers in memory before they are
	// sorted and written to the journal.
	spill int
	// idle is how many bytes of rows the finished walks of users that are not
	// hold in memory, all together.
	idle int64
}

var defaultLimits = limits{usersPerShard: 4096, spill: 1 << 20, idle: 8 << 20}

const maxShards = 1024

// shards is the number of shards of a snapshot of n users: a power of two.
func (l limits) shards(n int64) int {
	s := 1
	for int64(s)*l.usersPerShard < n && s < maxShards {
		s *= 2
	}
	return s
}

// Writer makes one snapshot. Everything it is given is kept in the staging
// directory, so that a run that dies can be resumed by Begin with the same id
// and plan. The caller holds the export lock.
//
// Batches of different users may be filled and committed by several
// goroutines at once; the other methods belong to one.
type Writer struct {
	st      Store
	id      ID
	plan    Plan
	layout  layout
	dir     string
	limits  limits
	memory  *memory
	session int
	roster  *rosterMarker

	mu       sync.Mutex // guards what follows, and the parts of a shard that change
	shards   map[int]*shard
	requests map[int]schemas.Requests // by session

	finishing sync.Mutex // one shard's parts are written at a time, to bound memory
}

// staged is plan.json: what an unfinished run is about.
type staged struct {
	Version  int       `json:"version"`
	ID       ID        `json:"id"`
	Began    time.Time `json:"began"`
	Sessions int       `json:"sessions"` // processes that worked on it
	Plan     Plan      `json:"plan"`
}

// ErrPublished is returned by Begin for a snapshot that exists already.
var ErrPublished = errors.New("already published")

// PlanError is returned by Begin when an unfinished run of the same id was
// asked for something else.
type PlanError struct {
	ID          ID
	Differences []string
}

func (e *PlanError) Error() string {
	return fmt.Sprintf("an unfinished run of %s has another %s; finish it with its own settings, or remove _staging/%s",
		e.ID, joinAnd(e.Differences), e.ID)
}

func joinAnd(parts []string) string {
	s := ""
	for i, p := range parts {
		switch {
		case i > 0 && i == len(parts)-1:
			s += " and "
		case i > 0:
			s += ", "
		}
		s += p
	}
	return s
}

func stagingOf(id ID) string { return stagingDir + "/" + string(id) }

// Begin starts the snapshot, or resumes the unfinished one of the same id and
// plan. It first finishes what a run that died while publishing left behind.
// now is recorded as the time the run began.
func Begin(ctx context.Context, st Store, id ID, plan Plan, now time.Time) (*Writer, error) {
	if err := RollForward(ctx, st); err != nil {
		return nil, err
	}
	if _, err := bound(st, plan); err != nil {
		return nil, err
	}
	switch _, err := ReadManifest(st, id); {
	case err == nil:
		return nil, fmt.Errorf("%s: %w", id, ErrPublished)
	case !errors.Is(err, ErrNoSnapshot):
		return nil, err
	}
	if err := discardRosterless(st); err != nil {
		return nil, err
	}
	w := &Writer{st: st, id: id, plan: plan, layout: plan.layout(id), dir: stagingOf(id), limits: defaultLimits, memory: newMemory(),
		shards: map[int]*shard{}, requests: map[int]schemas.Requests{}}
	s, err := readStaged(st, id)
	if err != nil {
		return nil, err
	}
	if s == nil {
		s = &staged{Version: FormatVersion, ID: id, Began: now.UTC(), Plan: plan}
	} else if d := s.Plan.Differences(plan); d != nil {
		return nil, &PlanError{id, d}
	}
	w.session = s.Sessions
	s.Sessions++
	if err := writeJSON(st, w.dir+"/plan.json", s); err != nil {
		return nil, err
	}
	if w.roster, err = readRoster(st, w.dir); err != nil {
		return nil, err
	}
	return w, nil
}

// discardRosterless removes what runs left that never learned which users there
// are: keys, host or settings that were wrong must not stand in anyone's way.
func discardRosterless(st Store) error {
	entries, err := st.List(stagingDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		id := ID(e.Name())
		if !id.Valid() {
			continue
		}
		has, err := hasRoster(st, id)
		if err == nil && !has {
			err = st.Remove(stagingOf(id))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hasRoster reports whether the unfinished run holds anything worth keeping.
func hasRoster(st Store, id ID) (bool, error) { return exists(st, stagingOf(id)+"/roster.json") }

func readStaged(st Store, id ID) (*staged, error) {
	s := new(staged)
	ok, err := readJSON(st, stagingOf(id)+"/plan.json", s)
	if err != nil || !ok {
		return nil, err
	}
	if s.Version > FormatVersion {
		return nil, fmt.Errorf("unfinished run of %s: %w", id, ErrNewer)
	}
	return s, nil
}

// readJSON fills v from the file and reports false if it is not there.
func readJSON(st Store, name string, v any) (bool, error) {
	data, err := readAll(st, name, maxSmallFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		if err = json.Unmarshal(data, v); err != nil {
			err = fmt.Errorf("%s: %w: %v", name, ErrDamaged, err)
		}
	}
	return true, err
}

func writeJSON(st Store, name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return Replace(st, name, append(data, '\n'))
}

// Unfinished is a run that was begun and not published.
type Unfinished struct {
	ID    ID
	Began time.Time
	Plan  Plan
	Users int64 // on its list
	Done  int64 // of them, finished
}

// ListUnfinished returns the unfinished runs of the store, oldest id first. A
// run without a list of users is none: the next one discards it.
func ListUnfinished(st Store) ([]Unfinished, error) {
	entries, err := st.List(stagingDir)
	if err != nil {
		return nil, err
	}
	var out []Unfinished
	for _, e := range entries {
		id := ID(e.Name())
		if !id.Valid() {
			continue
		}
		r, err := ReadUnfinished(st, id)
		if err != nil {
			return nil, err
		}
		if r != nil {
			out = append(out, *r)
		}
	}
	return out, nil
}

// ID of the snapshot.
func (w *Writer) ID() ID { return w.id }

// Plan of the snapshot.
func (w *Writer) Plan() Plan { return w.plan }

// Users is the number of users on the roster.
func (w *Writer) Users() int64 { return w.roster.Users }

// Committed is how many users are finished, of those whose shard has been
// looked at.
func (w *Writer) Committed() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var n int64
	for _, s := range w.shards {
		n += int64(s.users - s.left)
	}
	return n
}

// Pending yields the users that are not finished, as rows of the users table,
// in the order in which they are best walked. It needs a roster.
func (w *Writer) Pending() iter.Seq2[schemas.Row, error] {
	return func(yield func(schemas.Row, error) bool) {
		for k := range w.roster.Shards {
			// Shard 0 comes last: it also takes what belongs to no user.
			rows, err := w.pendingOf((k + 1) % w.roster.Shards)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range rows.Len() {
				if !yield(rows.At(i), nil) {
					return
				}
			}
		}
	}
}

// pendingOf returns the users of the shard that have no commit. It reads them
// at once: the last of them to be committed closes the shard's journal.
func (w *Writer) pendingOf(n int) (*schemas.Rows, error) {
	rows := &schemas.Rows{Table: schemas.Users}
	s, err := w.shard(n)
	if err != nil || s.journal == nil {
		return rows, err
	}
	err = s.eachUser(func(u schemas.UserID, row schemas.Row) error {
		if !w.committed(s, u) {
			rows.AppendRow(row)
		}
		return nil
	})
	return rows, err
}

func (w *Writer) committed(s *shard, u schemas.UserID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := s.commits[u]
	return ok
}

// Outcome is what is to be remembered of a finished user besides its rows.
type Outcome struct {
	Members      MemberCount               `json:"members"`
	Gaps         []Gap                     `json:"gaps,omitempty"`
	Institutions []schemas.InstitutionCode `json:"institutions,omitempty"` // that its members refer to
	Unknown      bool                      `json:"unknown,omitempty"`      // named by the caller, and not there
	ObservedAt   schemas.Timestamp         `json:"observed_at,omitempty"`  // newest server Date
	Requests     schemas.Requests          `json:"requests"`               // of this process so far
}

// Batch holds the rows of one user until they are committed. Its runs may be
// filled by several goroutines.
type Batch struct {
	w       *Writer
	s       *shard
	journal *journal
	user    schemas.UserID

	mu   sync.Mutex
	runs []*Run
}

// Batch begins the rows of a user; those that belong to no user go under "".
func (w *Writer) Batch(u schemas.UserID) (*Batch, error) {
	s, err := w.shard(u.Shard(w.roster.Shards))
	if u == "" {
		s, err = w.shard(0)
	}
	if err != nil {
		return nil, err
	}
	return &Batch{w: w, s: s, journal: s.journal, user: u}, nil
}

// Run begins the rows of one walk.
func (b *Batch) Run(t *schemas.Table) *Run {
	r := b.w.newRun(b, t)
	b.mu.Lock()
	b.runs = append(b.runs, r)
	b.mu.Unlock()
	return r
}

// commit is what a commit frame holds.
type commit struct {
	User    schemas.UserID      `json:"user"`
	Session int                 `json:"session"`
	Runs    map[string][]runRef `json:"runs"` // by table
	Outcome
}

// Commit makes the user's rows durable in one step: after a crash they are
// there or they are not. The last commit of a shard also writes its parts.
func (b *Batch) Commit(ctx context.Context, o Outcome) error {
	c := commit{User: b.user, Session: b.w.session, Runs: map[string][]runRef{}, Outcome: o}
	enc := b.w.memory.encoders.Get().(*runEncoder)
	defer b.w.memory.encoders.Put(enc)
	enc.frames = enc.frames[:0]
	type pending struct {
		table string
		ref   runRef // its offset counts from the start of frames
	}
	var last []pending
	for _, r := range b.runs {
		name := r.rows.Table.Name
		c.Runs[name] = append(c.Runs[name], r.spilled...)
		if r.rows.Len() == 0 {
			continue
		}
		at := int64(len(enc.frames))
		blocks, err := enc.run(r.rows)
		if err != nil {
			return err
		}
		last = append(last, pending{name, runRef{at, blocks, int64(r.rows.Len())}})
	}
	var encodeErr error
	err := b.journal.append(func(at int64) []byte {
		for _, p := range last {
			p.ref.Off += at
			c.Runs[p.table] = append(c.Runs[p.table], p.ref)
		}
		payload, err := json.Marshal(c)
		encodeErr = err
		enc.frames = appendFrame(enc.frames, frameCommit, payload)
		return enc.frames
	})
	if err = errors.Join(err, encodeErr); err != nil {
		return err
	}
	for _, r := range b.runs {
		r.release()
	}
	b.runs = nil
	if done := b.w.record(b.s, c); done && b.s.n != 0 {
		return b.w.finish(ctx, b.s)
	}
	return nil
}

// record notes a commit and reports whether it was the last of its shard.
func (w *Writer) record(s *shard, c commit) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.countRequests(c.Session, c.Requests)
	if _, again := s.commits[c.User]; !again && c.User != "" {
		s.left--
	}
	s.commits[c.User] = c
	return s.left == 0
}

// countRequests keeps the newest count of each process. The caller holds w.mu.
func (w *Writer) countRequests(session int, c schemas.Requests) {
	if c.Total >= w.requests[session].Total {
		w.requests[session] = c
	}
}

// HasGlobal reports whether what belongs to no user is committed already.
func (w *Writer) HasGlobal() (bool, error) {
	s, err := w.shard(0)
	return err == nil && (s.journal == nil || w.committed(s, "")), err
}

// Withdraw takes back the users that have gaps or are unknown, so that the next run of the
// same plan asks for them again, and what belongs to no user. A roster with a
// gap is read again too. Nothing can be committed afterwards.
func (w *Writer) Withdraw() error {
	for n := range w.roster.Shards {
		s, err := w.shard(n)
		if err != nil {
			return err
		}
		if err := w.withdrawShard(s); err != nil {
			return err
		}
	}
	if len(w.roster.Gaps) == 0 {
		return nil
	}
	w.roster.Stale = true
	return writeJSON(w.st, w.dir+"/roster.json", w.roster)
}

func (w *Writer) withdrawShard(s *shard) error {
	if s.journal == nil {
		if s.done.Totals.Gaps+s.done.Totals.Unknown == 0 && s.n != 0 {
			return nil
		}
		if err := w.unfinish(s.n); err != nil {
			return err
		}
		w.mu.Lock()
		delete(w.shards, s.n)
		w.mu.Unlock()
		var err error
		if s, err = w.shard(s.n); err != nil {
			return err
		}
	}
	var users []schemas.UserID
	if err := s.eachCommit(func(c commit) error {
		if len(c.Gaps) > 0 || c.Unknown || c.User == "" {
			users = append(users, c.User)
		}
		return nil
	}); err != nil || len(users) == 0 {
		return err
	}
	payload, err := json.Marshal(users)
	if err != nil {
		return err
	}
	if err := s.journal.append(func(int64) []byte { return appendFrame(nil, frameWithdraw, payload) }); err != nil {
		return err
	}
	return s.journal.sync()
}

// Discard gives the snapshot up, with everything that was committed.
func (w *Writer) Discard() error {
	if err := w.Close(); err != nil {
		return err
	}
	return w.st.Remove(w.dir)
}

// Close makes what was committed durable and releases the files. The snapshot
// stays unfinished unless it was published.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var errs []error
	for _, s := range w.shards {
		if s.journal != nil {
			errs = append(errs, s.journal.sync(), s.journal.close())
		}
	}
	w.shards = nil
	return errors.Join(errs...)
}
