package reconcile

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/s2"

	"tallyport/schemas"
	"tallyport/snapshot"
)

var errStopped = errors.New("stopped")

// nightCounts adds up what was looked at.
type nightCounts struct {
	compared   int64 // accounts
	apart      int64 // accounts that could not be compared: seen for the first time, or not looked at
	posted     int64 // rows of their last look
	complete   int64 // members
	incomplete map[string]int64
	changes    map[string]map[Code]int64
	vanished   map[string]int               // by member: posted rows that went and are not explained
	had        map[string]int               // by member: posted rows there were
	fetched    map[string]schemas.Timestamp // by member: successfully_aggregated_at of its last look before, 0: never
	members    map[string]int               // by institution
}

func newCounts() *nightCounts {
	return &nightCounts{incomplete: map[string]int64{}, changes: map[string]map[Code]int64{}, vanished: map[string]int{}, had: map[string]int{}, fetched: map[string]schemas.Timestamp{}, members: map[string]int{}}
}

func (c *nightCounts) add(o *nightCounts) {
	c.compared += o.compared
	c.apart += o.apart
	c.posted += o.posted
	c.complete += o.complete
	for k, v := range o.incomplete {
		c.incomplete[k] += v
	}
	for k, codes := range o.changes {
		for code, v := range codes {
			c.change(k, code, v)
		}
	}
	for k, v := range o.vanished {
		c.vanished[k] += v
	}
	for k, v := range o.had {
		c.had[k] += v
	}
	for k, v := range o.fetched {
		c.fetched[k] = v
	}
	for k, v := range o.members {
		c.members[k] += v
	}
}

func (c *nightCounts) change(kind string, code Code, n int64) {
	if c.changes[kind] == nil {
		c.changes[kind] = map[Code]int64{}
	}
	c.changes[kind][code] += n
}

// unitNight compares one unit of users on one night.
type unitNight struct {
	unit, of int
	facts    *snapshotFacts
	o        *Options
	st       snapshot.Store
	prev     *snapshot.Reader // nil on the first night
	now      *snapshot.Reader
	before   *checkpoint // nil on the first night
	states   string      // directory of the states
	into     string      // directory of the new state

	sightings []Sighting
	changes   []changeLine
	stale     []staleEntry
	counts    *nightCounts
}

// run streams the users of the unit: from the state of the night before, the
// snapshot before, and the new one.
func (n *unitNight) run(ctx context.Context) (err error) {
	n.counts = newCounts()
	users := openUsers(ctx, n.now, n.unit, n.of)
	defer func() { err = errors.Join(err, users.close()) }()
	if users.err != nil {
		return users.err
	}
	old, err := n.before.users(n.st, n.states, n.unit, n.of)
	defer func() { err = errors.Join(err, old.close()) }()
	if err != nil {
		return err
	}
	out, err := newStateWriter(n.st, fmt.Sprintf("%s/%04d", n.into, n.unit))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close(err == nil)) }()
	was, is := openAccounts(ctx, n.prev, n.unit, n.of), openAccounts(ctx, n.now, n.unit, n.of)
	defer func() { err = errors.Join(err, was.close(), is.close()) }()
	if err := errors.Join(was.err, is.err); err != nil {
		return err
	}
	for users.at != nil || old.at != nil {
		st, row := old.at, users.at
		if st == nil || row != nil && row.guid < st.User {
			st = &userState{User: row.guid}
		} else if err := old.next(); err != nil {
			return err
		}
		if row != nil && row.guid != st.User {
			row = nil // of a user who comes later
		}
		if row != nil {
			users.next()
		}
		if users.err != nil {
			return users.err
		}
		if err := n.user(st, row, was, is); err != nil {
			return err
		}
		if st.over() {
			continue
		}
		if err := out.write(st); err != nil {
			return err
		}
	}
	return errors.Join(was.err, is.err)
}

func (n *unitNight) user(st *userState, now *userRow, was, is *accountStream) error {
	was.skipTo(st.User)
	is.skipTo(st.User)
	why := schemas.Reason("")
	if now == nil {
		now = &userRow{guid: st.User, members: map[string]*memberRow{}}
		if n.facts.named {
			why = notAskedFor
		}
	}
	u := &userNight{facts: n.facts, now: now, st: st, rules: n.o, counts: n.counts}
	if !now.listed && !n.facts.allUsers { // nobody asked for this user, or the list broke off
		for _, guid := range sortedKeys(st.Members) {
			u.notLookedAt(guid, why)
		}
		n.take(u)
		return n.carry(st, was)
	}
	if !now.listed {
		u.wentAway()
	}
	u.begin()
	known := map[string]string{} // account → member, also of accounts without rows
	for guid, a := range st.Accounts {
		known[guid] = a.Member
	}
	for member, m := range st.Members {
		for guid := range m.Carried {
			known[guid] = member
		}
	}
	for member, m := range now.members {
		for guid := range m.accounts {
			known[guid] = member
		}
	}
	left := sortedKeys(known)
	for {
		guid := ""
		for _, next := range []string{first(left), was.account(st.User), is.account(st.User)} {
			if next != "" && (guid == "" || next < guid) {
				guid = next
			}
		}
		if guid == "" {
			break
		}
		if first(left) == guid {
			left = left[1:]
		}
		before, after := was.take(st.User, guid), is.take(st.User, guid)
		if err := errors.Join(was.err, is.err); err != nil {
			return err
		}
		member := known[guid]
		for _, rows := range []*accountRows{after, before} {
			if member == "" {
				var err error
				if member, err = rows.member(); err != nil {
					return err
				}
			}
		}
		// What a member's last complete look had, not simply the night before.
		switch m := st.Members[member]; {
		case m == nil:
			before = rowsAtHand(st.User, guid, nil)
		case n.prev == nil || m.Base != n.prev.Manifest().ID:
			before = rowsAtHand(st.User, guid, m.Carried[guid])
		}
		if err := u.account(guid, member, before, after); err != nil {
			return err
		}
	}
	u.end()
	n.take(u)
	return errors.Join(was.err, is.err)
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// wentAway reports a user that is not listed any more.
func (u *userNight) wentAway() {
	if u.st.Gone != "" {
		return
	}
	u.st.Gone = u.facts.id
	u.leaves(u.st.User, Finding{ID: findingID(string(userGone), u.st.User, string(u.facts.id)), Kind: userGone, Code: "U1",
		Verdict: Notice, IssueType: NoIssue, User: text(u.st.User), First: u.facts.id, Last: u.facts.id})
}

// unseen keeps members that were not looked at tonight in the count of those
// that are stale.
func (n *unitNight) unseen(st *userState, now *userRow) {
	for _, guid := range sortedKeys(st.Members) {
		if now != nil && now.members[guid] != nil && now.members[guid].listed {
			continue
		}
		m := st.Members[guid]
		if e, ok := m.Health.staleEntry(guid, m.Institution, n.o.StaleAfter); ok {
			n.stale = append(n.stale, e)
		}
	}
}

// carry keeps the rows of a user at whom nobody looked tonight: the next look is
// compared with them.
func (n *unitNight) carry(st *userState, was *accountStream) error {
	for guid := was.account(st.User); guid != ""; guid = was.account(st.User) {
		rows, member := was.take(st.User, guid), ""
		if a := st.Accounts[guid]; a != nil {
			member = a.Member
		} else if was.err == nil {
			var err error
			if member, err = rows.member(); err != nil {
				return err
			}
		}
		if m := st.Members[member]; m == nil || m.Base != n.prev.Manifest().ID {
			continue // the night before was no complete look either
		}
		if err := st.Members[member].carry(guid, rows); err != nil {
			return err
		}
	}
	return was.err
}

// take adds what a user's night came to.
func (n *unitNight) take(u *userNight) {
	n.sightings = append(n.sightings, u.sightings...)
	n.stale = append(n.stale, u.stale...)
	n.unseen(u.st, u.now)
	for _, m := range u.now.members {
		if m.listed {
			n.counts.members[m.night.Institution]++
		}
	}
	for i := range u.changes {
		c := &u.changes[i]
		u.counts.change(c.change, c.code, 1)
		if c.change == "removed" && !c.row.is(pending) {
			switch c.code {
			case "Z1", "Z2", "M3b", "C2":
				u.counts.vanished[c.member]++
			}
		}
		if n.o.Changes {
			n.changes = append(n.changes, newChangeLine(u.now.guid, c))
		}
	}
	for _, h := range u.held {
		u.counts.had[h.st.Member] += h.hadPosted
		if saa := h.look.baseSAA; saa != nil {
			u.counts.fetched[h.st.Member] = *saa
		}
	}
}

// checkpoint is the state after one snapshot.
type checkpoint struct {
	Version  int               `json:"version"`
	Snapshot snapshot.ID       `json:"snapshot"`
	Observed schemas.Timestamp `json:"observed_at"`
	Shards   int               `json:"shards"`
	Outages  []outageState     `json:"outages,omitempty"`
	Events   []massEvent       `json:"events,omitempty"`
	Window   schemas.Window    `json:"window"`
	Judged   []snapshot.ID     `json:"judged"` // all that the state rests on, in order
	Summary  *Summary          `json:"summary"`
}

const (
	stateDir     = ledgerDir + "/state"
	stateVersion = 2
	stateFile    = "state.json"
)

// users opens the unit's part of the state.
func (c *checkpoint) users(st snapshot.Store, dir string, unit, n int) (*stateStream, error) {
	s := new(stateStream)
	if c == nil {
		return s, nil
	}
	for p := unit; p < c.Shards; p += n {
		f := &stateFileReader{name: fmt.Sprintf("%s/%s/%04d", dir, c.Snapshot, p), version: c.Version}
		var err error
		if f.in, err = st.Open(f.name); err != nil {
			return s, fmt.Errorf("%s: %w; run tallyport reconcile --rebuild", f.name, err)
		}
		f.from = bufio.NewReaderSize(s2.NewReader(f.in, s2.ReaderAllocBlock(64<<10)), 64<<10)
		s.files = append(s.files, f)
		if err := f.next(); err != nil {
			return s, err
		}
	}
	s.least()
	return s, nil
}

// stateStream goes through the users of a state in order.
type stateStream struct {
	files []*stateFileReader
	at    *userState // nil at the end
}

type stateFileReader struct {
	name    string
	version int
	in      snapshot.File
	from    *bufio.Reader
	record  []byte
	at      *userState // nil at the end
	last    string
}

func (s *stateStream) least() {
	s.at = nil
	for _, f := range s.files {
		if f.at != nil && (s.at == nil || f.at.User < s.at.User) {
			s.at = f.at
		}
	}
}

func (s *stateStream) next() error {
	for _, f := range s.files {
		if f.at == s.at {
			if err := f.next(); err != nil {
				return err
			}
			break
		}
	}
	s.least()
	return nil
}

func (s *stateStream) close() error {
	var err error
	for _, f := range s.files {
		err = errors.Join(err, f.in.Close())
	}
	return err
}

func (f *stateFileReader) next() error {
	u := new(userState)
	f.at = nil
	read := f.user
	if f.version < 2 {
		read = f.line
	}
	err := read(u)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil && u.User <= f.last {
		err = fmt.Errorf("user %s comes after %s", u.User, f.last)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w; run tallyport reconcile --rebuild", f.name, snapshot.ErrDamaged, err)
	}
	f.at, f.last = u, u.User
	return nil
}

// maxRecord is what is believed of the length of a record.
const maxRecord = 1 << 30

// user reads a record; io.EOF after the last.
func (f *stateFileReader) user(u *userState) error {
	n, err := binary.ReadUvarint(f.from)
	if err != nil {
		return err
	}
	if n > maxRecord {
		return fmt.Errorf("a record of %d bytes", n)
	}
	f.record = slices.Grow(f.record[:0], int(n))[:n]
	if _, err := io.ReadFull(f.from, f.record); err != nil {
		return io.ErrUnexpectedEOF
	}
	return readUser(f.record, u)
}

// line reads a user of a state of version 1, which has a line of JSON for each.
func (f *stateFileReader) line(u *userState) error {
	line, err := f.from.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(line, u)
}

// stateWriter writes one part of a state.
type stateWriter struct {
	out    snapshot.Out
	zip    *s2.Writer
	buf    *bufio.Writer
	record []byte
}

func newStateWriter(st snapshot.Store, name string) (*stateWriter, error) {
	out, err := st.Create(name)
	if err != nil {
		return nil, err
	}
	zip := s2.NewWriter(out, s2.WriterConcurrency(1), s2.WriterBlockSize(256<<10))
	return &stateWriter{out: out, zip: zip, buf: bufio.NewWriter(zip)}, nil
}

func (w *stateWriter) write(u *userState) error {
	w.record = appendUser(w.record[:0], u)
	if _, err := w.buf.Write(binary.AppendUvarint(w.buf.AvailableBuffer(), uint64(len(w.record)))); err != nil {
		return err
	}
	_, err := w.buf.Write(w.record)
	return err
}

func (w *stateWriter) close(keep bool) error {
	var err error
	if keep {
		err = errors.Join(w.buf.Flush(), w.zip.Close())
		if err == nil {
			err = w.out.Sync()
		}
	}
	return errors.Join(err, w.out.Close())
}

// strongest keeps one sighting per finding: two rules may have seen the same.
func strongest(all []Sighting) []Sighting {
	rank := map[Claim]int{Undone: 0, Harmless: 1, Confirmed: 2, Suspected: 3, Lapsed: 4}
	best := map[string]Sighting{}
	for _, s := range all {
		if o, ok := best[s.ID]; !ok || rank[s.Claim] < rank[o.Claim] {
			best[s.ID] = s
		}
	}
	out := make([]Sighting, 0, len(best))
	for _, id := range sortedKeys(best) {
		out = append(out, best[id])
	}
	return out
}
