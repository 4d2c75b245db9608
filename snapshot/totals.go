package snapshot

import (
	"slices"

	"tallyport/schemas"
)

// Totals is what finished users add up to.
type Totals struct {
	Members      MemberCount               `json:"members"`
	Gaps         int64                     `json:"gaps"`              // holes
	GapMembers   int64                     `json:"gap_members"`       // members with a hole; a user whose members are unknown counts as one
	Seen         int64                     `json:"seen"`              // members, and users whose members are unknown
	Unknown      int64                     `json:"unknown,omitempty"` // users that were named and are not there
	First        []Gap                     `json:"first_gaps"`        // MaxGapsListed of them
	Institutions []schemas.InstitutionCode `json:"institutions"`      // that members refer to, sorted
	ObservedAt   schemas.Timestamp         `json:"observed_at"`       // newest server Date
}

func (t *Totals) addGap(g Gap) {
	if t.Gaps++; len(t.First) < MaxGapsListed {
		t.First = append(t.First, g)
	}
}

func (t *Totals) addInstitution(c schemas.InstitutionCode) {
	if i, ok := slices.BinarySearch(t.Institutions, c); !ok {
		t.Institutions = slices.Insert(t.Institutions, i, c)
	}
}

// addCommit adds one finished user.
func (t *Totals) addCommit(c commit) {
	t.Members.Complete += c.Members.Complete
	t.Members.Incomplete += c.Members.Incomplete
	t.Seen += c.Members.Complete + c.Members.Incomplete
	t.ObservedAt = max(t.ObservedAt, c.ObservedAt)
	if c.Unknown {
		t.Unknown++
	}
	for _, code := range c.Institutions {
		t.addInstitution(code)
	}
	members := map[schemas.MemberID]bool{}
	for _, g := range c.Gaps {
		t.addGap(g)
		members[g.Member] = true
	}
	if c.User == "" {
		return // an institution is no member
	}
	t.GapMembers += int64(len(members))
	if members[""] && c.Members == (MemberCount{}) {
		t.Seen++
	}
}

// add adds what a shard adds up to.
func (t *Totals) add(u Totals) {
	t.Members.Complete += u.Members.Complete
	t.Members.Incomplete += u.Members.Incomplete
	t.Seen += u.Seen
	t.GapMembers += u.GapMembers
	t.Unknown += u.Unknown
	t.ObservedAt = max(t.ObservedAt, u.ObservedAt)
	t.Gaps += u.Gaps
	t.First = append(t.First, u.First[:min(len(u.First), MaxGapsListed-len(t.First))]...)
	for _, code := range u.Institutions {
		t.addInstitution(code)
	}
}

// Totals adds up what is finished, in the order of shards and users.
func (w *Writer) Totals() (Totals, error) {
	var t Totals
	if w.roster == nil {
		return t, nil
	}
	t.ObservedAt = w.roster.ObservedAt
	for _, g := range w.roster.Gaps {
		t.addGap(g)
	}
	for n := range w.roster.Shards {
		s, err := w.shard(n)
		if err != nil {
			return t, err
		}
		sum, err := s.totals()
		if err != nil {
			return t, err
		}
		t.add(sum)
	}
	return t, nil
}
