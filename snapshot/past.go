package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/apache/arrow-go/v18/parquet/metadata"

	"tallyport/schemas"
)

// Past answers what the store's earlier snapshots hold of a member. It may be
// used by several goroutines; it reads when asked, and little.
type Past struct {
	st        Store
	manifests []*Manifest // newest first

	mu    sync.Mutex
	parts map[string]map[schemas.MemberID]pastMember // of the coverage parts read last
}

// PastMember is a member in the last snapshot in which all its walks were
// complete.
type PastMember struct {
	Snapshot                 ID
	SuccessfullyAggregatedAt *schemas.Timestamp
	Accounts                 int64
	Transactions             int64 // in the whole window of that snapshot
}

type pastMember struct {
	PastMember
	complete bool
}

const (
	// pastSnapshots is how far back a member that was incomplete is looked for.
	pastSnapshots = 8
	// edgeDays is how near the edge of a window a row may come and go: its date
	// moves when it posts (mx-api.md §1.12).
	edgeDays = 2
)

// OpenPast returns the past of the snapshot id: the snapshots with smaller ids.
// One whose manifest is damaged says nothing.
func OpenPast(st Store, id ID) (*Past, error) {
	ids, err := List(st)
	if err != nil {
		return nil, err
	}
	p := &Past{st: st, parts: map[string]map[schemas.MemberID]pastMember{}}
	for i := len(ids) - 1; i >= 0 && len(p.manifests) < pastSnapshots; i-- {
		if ids[i] >= id {
			continue
		}
		m, err := ReadManifest(st, ids[i])
		if errors.Is(err, ErrDamaged) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p.manifests = append(p.manifests, m)
	}
	return p, nil
}

// HasUsers reports whether the newest of the snapshots has users.
func (p *Past) HasUsers() bool {
	return p != nil && len(p.manifests) > 0 && p.manifests[0].Tables[schemas.Users.Name].Rows > 0
}

// Member returns the member in its last complete snapshot, nil if there is none.
func (p *Past) Member(u schemas.UserID, member schemas.MemberID) (*PastMember, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.manifests {
		members, err := p.coverage(m, u)
		if unreadable(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if pm, ok := members[member]; ok && pm.complete {
			return &pm.PastMember, nil
		}
	}
	return nil, nil
}

// coverage returns the members of the part of m that holds the user.
func (p *Past) coverage(m *Manifest, u schemas.UserID) (map[schemas.MemberID]pastMember, error) {
	f, ok := partOf(m, schemas.Coverage, u)
	if !ok {
		return nil, nil
	}
	if members, ok := p.parts[f.Path]; ok {
		return members, nil
	}
	members, err := readMembers(p.st, m, f)
	if err != nil {
		return nil, err
	}
	if len(p.parts) > len(p.manifests) { // users come shard by shard
		clear(p.parts)
	}
	p.parts[f.Path] = members
	return members, nil
}

// partOf returns the part of the table that holds the user's rows.
func partOf(m *Manifest, t *schemas.Table, u schemas.UserID) (FileInfo, bool) {
	files := m.Tables[t.Name].Files
	if m.Shards < 1 || len(files) != m.Shards {
		return FileInfo{}, false
	}
	return files[u.Shard(m.Shards)], true
}

func readMembers(st Store, m *Manifest, f FileInfo) (map[schemas.MemberID]pastMember, error) {
	c := schemas.Coverage
	member, resource, complete, rows, saa := c.Index("member_guid"), c.Index("resource"), c.Index("complete"), c.Index("rows"), c.Index("successfully_aggregated_at_after")
	members := map[schemas.MemberID]pastMember{}
	err := scanPart(st, f.Path, c, m.Plan.layout(m.ID), []int{member, resource, complete, rows, saa}, func(vals []schemas.Value) error {
		if !vals[member].Set {
			return nil
		}
		id := schemas.MemberID(vals[member].Text)
		pm, seen := members[id]
		if !seen {
			pm.Snapshot, pm.complete = m.ID, true
		}
		pm.complete = pm.complete && vals[complete].Int != 0
		switch schemas.Resource(vals[resource].Text) {
		case schemas.AccountsResource:
			pm.Accounts += vals[rows].Int
		case schemas.TransactionsResource:
			pm.Transactions += vals[rows].Int
		}
		if vals[saa].Set {
			ts := schemas.Timestamp(vals[saa].Int)
			pm.SuccessfullyAggregatedAt = &ts
		}
		members[id] = pm
		return nil
	})
	return members, err
}

// HasTransactions reports whether the member had transactions in the snapshot
// that lie well inside the window.
func (p *Past) HasTransactions(id ID, u schemas.UserID, member schemas.MemberID, w schemas.Window) (found bool, err error) {
	inner := schemas.Window{From: w.From + edgeDays, To: w.To - edgeDays}
	t := schemas.Transactions
	user, mem, date := t.Index("user_guid"), t.Index("member_guid"), t.Index("date")
	for _, m := range p.manifests {
		f, ok := partOf(m, t, u)
		if m.ID != id || !ok {
			continue
		}
		err := scanUser(p.st, f.Path, t, m.Plan.layout(id), u, []int{user, mem, date}, func(vals []schemas.Value) error {
			if string(vals[user].Text) == string(u) && string(vals[mem].Text) == string(member) && vals[date].Set && inner.Contains(schemas.Date(vals[date].Int)) {
				found = true
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) && !unreadable(err) {
			return false, err
		}
	}
	return found, nil
}

var errStop = errors.New("stop")

// unreadable reports whether a part is not there or damaged. That says nothing
// of the past, and must not stand in the way of new snapshots; verify names it.
func unreadable(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged)
}

// scanUser is scanPart for the rows of one user, and perhaps some others: row
// groups that cannot hold the user are passed over.
func scanUser(st Store, name string, t *schemas.Table, l layout, u schemas.UserID, want []int, visit func([]schemas.Value) error) (err error) {
	if l.format == CSV {
		return scanPart(st, name, t, l, want, visit)
	}
	f, err := st.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	rd, columns, err := openParquet(f, t)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	first := columns[t.Key()[0]]
	for g := range rd.NumRowGroups() {
		chunk, err := rd.MetaData().RowGroup(g).ColumnChunk(first)
		if err != nil {
			return fmt.Errorf("%s: %w: %v", name, ErrDamaged, err)
		}
		if stats, err := chunk.Statistics(); err == nil && stats != nil && stats.HasMinMax() {
			if s, ok := stats.(*metadata.ByteArrayStatistics); ok && (string(s.Max()) < string(u) || string(u) < string(s.Min())) {
				continue
			}
		}
		if err := scanGroup(rd, g, t, columns, want, visit); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
