package reconcile

import (
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// silence is what is kept of how often something arrives in an account (N5):
// the days between one day with rows and the next.
type silence struct {
	Last    schemas.Date `json:"d"`           // when something was last heard
	Largest int64        `json:"m,omitempty"` // gap, in days
	Gaps    int64        `json:"n,omitempty"`
	Sum     int64        `json:"s,omitempty"`
	Squares int64        `json:"q,omitempty"`
	First   snapshot.ID  `json:"f,omitempty"` // of the silence that is reported
}

const (
	needGaps   = 10
	leastQuiet = 7 // days: under a week it may be a holiday
	// deviations is how far above the mean a gap must be besides. Twice the
	// largest of a few gaps is not rare: chance gives one in 66 after ten.
	deviations = 9
)

func (s *silence) add(day schemas.Date) {
	if day <= s.Last {
		return
	}
	if s.Last != 0 {
		gap := int64(day - s.Last)
		s.Largest = max(s.Largest, gap)
		s.Gaps, s.Sum, s.Squares = s.Gaps+1, s.Sum+gap, s.Squares+gap*gap
	}
	s.Last = day
}

// broken reports whether so many days of silence are out of the ordinary.
func (s *silence) broken(quiet int64) bool {
	if s.Gaps < needGaps || quiet < leastQuiet || quiet <= 2*s.Largest {
		return false
	}
	over := quiet*s.Gaps - s.Sum
	return over > 0 && over*over > deviations*deviations*(s.Gaps*s.Squares-s.Sum*s.Sum)
}

// listen takes the rows of the first look.
func (n *accountNight) listen(rows []txn) {
	var days []schemas.Date
	for i := range rows {
		if t := &rows[i]; !t.is(pending) && !t.is(noDate) {
			days = append(days, t.Date)
		}
	}
	slices.Sort(days)
	n.st.Quiet = new(silence)
	for _, d := range days {
		n.st.Quiet.add(d)
	}
}

// hear takes the rows that came.
func (n *accountNight) hear(came []*txn) {
	if len(came) == 0 || n.look.saa == nil || n.st.Quiet == nil {
		return
	}
	// The day of the look, not the rows' dates: what is only late is not silent.
	s := n.st.Quiet
	if s.First != "" {
		n.sightings = append(n.sightings, Sighting{n.silentFinding(), Undone})
		*s = silence{Last: s.Last} // a new account, as it were: what it did before is no guide
	}
	s.add(schemas.DateOf(n.look.saa.Time()))
}

// silent says whether the account fell silent.
func (n *accountNight) silent() {
	s := n.st.Quiet
	if s == nil || s.Last == 0 {
		return
	}
	if n.st.Closed {
		if s.First != "" {
			n.sightings = append(n.sightings, Sighting{n.silentFinding(), Lapsed})
			s.First = ""
		}
		return
	}
	if s.First == "" {
		if !n.look.fresh() || !s.broken(int64(schemas.DateOf(n.look.saa.Time())-s.Last)) {
			return
		}
		s.First = n.look.night
	}
	n.sightings = append(n.sightings, Sighting{n.silentFinding(), Confirmed})
}

func (n *accountNight) silentFinding() Finding {
	s := n.st.Quiet
	f := n.finding("N5", nil)
	f.ID = findingID(string(silentAccount), n.st.lineage(n.account), (s.Last + 1).String())
	f.First = s.First
	f.Date = text((s.Last + 1).String())
	f.Evidence = map[string]any{"last_heard": s.Last.String(), "largest_gap_days": s.Largest, "gaps": s.Gaps}
	return f
}
