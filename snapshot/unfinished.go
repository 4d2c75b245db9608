package snapshot

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"tallyport/schemas"
)

// ReadUnfinished describes the unfinished run of that id, nil if there is none
// worth keeping. It changes nothing, so that it may look at one that goes on.
func ReadUnfinished(st Store, id ID) (*Unfinished, error) {
	roster, err := readRoster(st, stagingOf(id))
	if roster == nil || err != nil {
		return nil, err
	}
	s, err := readStaged(st, id)
	if s == nil || err != nil {
		return nil, err
	}
	u := &Unfinished{ID: id, Began: s.Began, Plan: s.Plan, Users: roster.Users}
	for n := range roster.Shards {
		done, err := usersDone(st, id, n, roster.Generation)
		if err != nil {
			return nil, err
		}
		u.Done += done
	}
	u.Done = min(u.Done, u.Users) // some may have left the list since
	return u, nil
}

// usersDone counts the finished users of a shard.
func usersDone(st Store, id ID, n, generation int) (int64, error) {
	var m shardMarker
	ok, err := readJSON(st, fmt.Sprintf("%s/shards/%04d.json", stagingOf(id), n), &m)
	if err != nil || ok && m.Generation == generation {
		return int64(m.Users), err
	}
	j := &journal{name: fmt.Sprintf("%s/journal/%04d", stagingOf(id), n), st: st}
	if j.in, err = st.Open(j.name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return 0, nil
		}
		return 0, err
	}
	done := map[schemas.UserID]bool{}
	err = j.decided(done)
	return int64(len(done)), errors.Join(err, j.in.Close())
}

// decided reads which users are finished. It steps over the rows, which are
// nearly all of a journal, and stops at a tail that is not whole.
func (j *journal) decided(done map[schemas.UserID]bool) error {
	var head [frameHeader]byte
	var buf []byte
	for off := int64(len(journalMagic)); off+frameHeader <= j.in.Size(); {
		if _, err := j.in.ReadAt(head[:], off); err != nil {
			return err
		}
		if kind := frameKind(head[8]); kind == frameCommit || kind == frameWithdraw {
			_, payload, err := j.read(off, &buf)
			if errors.Is(err, errTornFrame) {
				return nil
			}
			if err == nil {
				err = decide(kind, payload, done)
			}
			if err != nil {
				return err
			}
		}
		off += frameHeader + int64(binary.LittleEndian.Uint32(head[:]))
	}
	return nil
}

func decide(kind frameKind, payload []byte, done map[schemas.UserID]bool) error {
	if kind == frameCommit {
		var c struct{ User schemas.UserID }
		if err := json.Unmarshal(payload, &c); err != nil {
			return err
		}
		if c.User != "" { // else it is what belongs to no user
			done[c.User] = true
		}
		return nil
	}
	var users []schemas.UserID
	if err := json.Unmarshal(payload, &users); err != nil {
		return err
	}
	for _, u := range users {
		delete(done, u)
	}
	return nil
}
