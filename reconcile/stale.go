package reconcile

import (
	"math"
	"time"

	"tallyport/schemas"
	"tallyport/snapshot"
)

const (
	resolvesWithin = 24 * time.Hour // most troubles do, says MX (seed 000, Support)
	longestGap     = 36 * time.Hour // between two looks; in a longer one we did not look (S16)
	jobTakes       = 20 * time.Hour // a job still running after that is stuck (S5)
)

// memberNight is what one look says of a member. The walk of its lists need
// not be complete: only the member's own row is judged.
type memberNight struct {
	Snapshot     snapshot.ID
	ObservedAt   schemas.Timestamp  // server's Date; 0: the snapshot's own time is taken
	AggregatedAt *schemas.Timestamp // start of the last job of any kind
	Succeeded    *schemas.Timestamp // successfully_aggregated_at
	Busy         *bool              // is_being_aggregated
	Status       string             // connection_status, "" for null
	Institution  string
	UserDisabled bool
	Manual       bool // background_aggregation_is_disabled
}

func (n *memberNight) at() schemas.Timestamp {
	if n.ObservedAt != 0 {
		return n.ObservedAt
	}
	return schemas.TimestampOf(n.Snapshot.Time())
}

// ended reports whether no aggregation is to be expected. A manual member that
// somebody aggregates is not silent, so it ends only with its data's age.
func (n *memberNight) ended(after time.Duration) bool {
	if n.UserDisabled || n.Status == "" || conditionOf(n.Status).code == "S11" {
		return true
	}
	return n.Manual && (n.Succeeded == nil || between(*n.Succeeded, n.at()) > after)
}

// statusRun is a time in which a member was seen in one kind of state.
type statusRun struct {
	Of     string            `json:"o,omitempty"` // what the state is called
	Before schemas.Timestamp `json:"b,omitempty"` // last look before the run, 0: none
	First  schemas.Timestamp `json:"f,omitempty"` // first look in it
	Seen   time.Duration     `json:"s,omitempty"` // since then, without the times in which we did not look
	Looks  int               `json:"n,omitempty"` // in a row, up to the last one
}

// memberHistory is what is kept of a member from night to night.
type memberHistory struct {
	First   schemas.Timestamp  `json:"f,omitempty"` // first look since Success is what it is
	Last    schemas.Timestamp  `json:"l,omitempty"` // last look of all
	Success *schemas.Timestamp `json:"s,omitempty"` // successfully_aggregated_at then

	// All below begins anew when Success moves.
	Run     statusRun          `json:"r,omitzero"`
	Down    statusRun          `json:"d,omitzero"`  // DEGRADED and DISCONNECTED as one
	Job     *schemas.Timestamp `json:"j,omitempty"` // aggregated_at of the job that is running
	Busy    schemas.Timestamp  `json:"b,omitempty"` // first look that saw it run
	Waited  time.Duration      `json:"w,omitempty"` // time seen in which a success could be expected
	Idle    bool               `json:"i,omitempty"` // at the last look none could be
	Resumed bool               `json:"e,omitempty"` // none could be for a time, so Success does not tell how long we wait
	Off     bool               `json:"o,omitempty"` // at the last look its user was disabled

	Shown shown `json:"x,omitzero"` // the episode's finding
	Odd   shown `json:"u,omitzero"` // the unknown status's finding, which outlives a success
}

// shown remembers a finding that must be closed one day.
type shown struct {
	Code    Code        `json:"c,omitempty"`
	Verdict Verdict     `json:"v,omitempty"`
	Status  string      `json:"s,omitempty"` // the value that no document names
	First   snapshot.ID `json:"f,omitempty"`
	Last    snapshot.ID `json:"l,omitempty"`
}

// stale judges one look: it returns the new history and what follows for the
// findings of this member. Looks come in order of time; one that is not later
// than the last says nothing new.
func (h memberHistory) stale(user, member string, n memberNight, after time.Duration) (memberHistory, []Sighting) {
	at := n.at()
	if h.First != 0 && at <= h.Last {
		return h, nil
	}
	base := Finding{User: text(user), Member: text(member), Institution: text(n.Institution)}
	var out []Sighting
	if h.First != 0 && !sameInstant(h.Success, n.Succeeded) {
		claim := Undone
		if h.Success != nil && (n.Succeeded == nil || *n.Succeeded < *h.Success) {
			// S13: this is another connection under the old guid. What was
			// said of the first one can no longer be proved.
			claim = Lapsed
		}
		if h.Shown.Code != "" {
			f := h.Shown.finding(base, episodeID(member, h.Success))
			f.Evidence = map[string]any{"successfully_aggregated_at": instant(n.Succeeded)}
			out = append(out, Sighting{f, claim})
		}
		// While its user was disabled nobody saw it succeed; since then none could.
		h = memberHistory{Last: h.Last, Odd: h.Odd, Idle: h.Off}
	}
	if h.First == 0 {
		h.First = at
	}
	h.Success = n.Succeeded
	h.look(&n, after)
	h.Last, h.Off = at, n.UserDisabled
	if code, verdict := h.judge(&n, after); code != "" {
		h.Shown = h.Shown.again(code, verdict, "", n.Snapshot)
		f := h.Shown.finding(base, episodeID(member, h.Success))
		f.Evidence = h.evidence(&n, code)
		f.MissingInputs = MissingInputsFor(f.IssueType)
		out = append(out, Sighting{f, Confirmed})
	}
	out = append(out, h.oddStatus(base, member, &n)...)
	return h, out
}

// look carries the runs and clocks on to this look. No clock runs while nobody
// looked: an interval longer than longestGap counts as nothing, even with the
// same status on both sides. Only MX's own times run through it.
func (h *memberHistory) look(n *memberNight, after time.Duration) {
	at := n.at()
	var seen time.Duration
	if gap := between(h.Last, at); h.Last != 0 && gap <= longestGap {
		seen = gap
	}
	ended := n.ended(after)
	of := runOf(n.Status)
	if ended {
		of = "S11"
	}
	if h.Run.Of == of {
		h.Run.Seen += seen
	} else {
		h.Run = statusRun{Of: of, Before: h.Last, First: at}
	}
	h.Run.Looks++

	// Other states do not reset this run, only a success does, or a time in
	// which nothing is tried at all. Its looks in a row they do interrupt.
	down := of == "S2"
	switch {
	case ended:
		h.Down = statusRun{}
	case h.Down.First != 0:
		h.Down.Seen += seen
	case down:
		h.Down = statusRun{Of: of, Before: h.Last, First: at}
	}
	if down {
		h.Down.Looks++
	} else {
		h.Down.Looks = 0
	}

	switch {
	case ended || n.Busy != nil && !*n.Busy:
		h.Busy, h.Job = 0, nil
	case n.Busy != nil && (h.Busy == 0 || !sameInstant(h.Job, n.AggregatedAt)):
		h.Busy, h.Job = at, n.AggregatedAt
	}

	switch {
	case ended:
		h.Idle = true
	case h.Idle:
		h.Waited, h.Idle, h.Resumed = 0, false, true
	case h.First != at: // the time up to the first look belongs to what was before
		h.Waited += seen
	}
}

// judge tries the rules in the contract's order. S15 is not about one member,
// S1 and S0 say nothing, S12 is the others with the clock of ages.
func (h *memberHistory) judge(n *memberNight, after time.Duration) (Code, Verdict) {
	if h.Idle {
		return "S11", Notice
	}
	ok, try := h.ages(n)
	given := conditionOf(n.Status).code
	transient := given == "S10"
	switch given {
	case "S9", "S6", "S7", "S8":
		return given, Notice
	case "S2":
		// The second condition is for nights that come a little early. A
		// handful of looks within one day is not what it means.
		often := h.Down.Looks >= 3 && ok > after && between(h.Down.First, n.at()) > resolvesWithin
		if h.Down.Seen > after || often {
			return given, Ticket
		}
	case "S14":
		if h.Run.Seen >= after {
			return given, Ticket
		}
		if h.Run.Seen >= resolvesWithin {
			return given, Review
		}
	case "S10":
		// A state that should pass is given its time before anything else is
		// said of it, or each of its nights would be another code.
		if h.Run.Seen <= after {
			if h.Run.Seen > resolvesWithin {
				return given, Review
			}
			return "", ""
		}
	}
	switch {
	case n.Busy != nil && *n.Busy && between(h.Busy, n.at()) >= jobTakes:
		return "S5", Ticket
	case given != "S3" && !transient || ok <= after:
		return "", ""
	case try > after:
		return "S4", Ticket
	case h.Run.Looks >= 2:
		return "S3", Ticket
	}
	return "", ""
}

// ages are the times since the last success and since the last try. Where
// there was no success, or for a time none could be, the time we saw counts.
func (h *memberHistory) ages(n *memberNight) (ok, try time.Duration) {
	ok = h.Waited
	if n.Succeeded != nil && !h.Resumed {
		ok = between(*n.Succeeded, n.at())
	}
	if n.AggregatedAt != nil {
		return ok, between(*n.AggregatedAt, n.at())
	}
	return ok, ok
}

// oddStatus reports a status that no document names, and that it has gone.
func (h *memberHistory) oddStatus(base Finding, member string, n *memberNight) []Sighting {
	const code Code = "unknown_status"
	odd := conditionOf(n.Status).code == code
	var out []Sighting
	if was := h.Odd.Status; was != "" && was != n.Status {
		f := h.Odd.finding(base, findingID(string(unknownStatus), member, was))
		f.Evidence = map[string]any{"connection_status": nullable(n.Status)}
		out = append(out, Sighting{f, Undone})
		h.Odd = shown{}
	}
	if odd {
		h.Odd = h.Odd.again(code, ruleOf(code).Verdict, n.Status, n.Snapshot)
		f := h.Odd.finding(base, findingID(string(unknownStatus), member, n.Status))
		f.Evidence = h.evidence(n, code)
		out = append(out, Sighting{f, Confirmed})
	}
	return out
}

// lapse ends what was said of a member that is gone.
func (h *memberHistory) lapse(base Finding) (out []Sighting) {
	if h.Shown.Code != "" {
		out = append(out, Sighting{h.Shown.finding(base, episodeID(string(base.Member), h.Success)), Lapsed})
	}
	if h.Odd.Code != "" {
		out = append(out, Sighting{h.Odd.finding(base, findingID(string(unknownStatus), string(base.Member), h.Odd.Status)), Lapsed})
	}
	return out
}

func (s shown) again(c Code, v Verdict, status string, in snapshot.ID) shown {
	first := s.First
	if first == "" {
		first = in
	}
	return shown{Code: c, Verdict: v, Status: status, First: first, Last: in}
}

func (s shown) finding(f Finding, id string) Finding {
	r := ruleOf(s.Code)
	f.ID, f.Code, f.Kind, f.IssueType, f.Verdict = id, r.Code, r.Kind, r.Issue, s.Verdict
	f.First, f.Last = s.First, s.Last
	return f
}

// episodeID is the id of all that is said of a member from one success to the
// next: while nothing succeeds it is one trouble, whatever it is called.
func episodeID(member string, success *schemas.Timestamp) string {
	at := "never"
	if success != nil {
		at = success.String()
	}
	return findingID("member", member, at)
}

// between is how long it is from one instant to another. A time of the year 1,
// as some servers write for none, is far away and must not wrap around.
func between(from, to schemas.Timestamp) time.Duration {
	const most = math.MaxInt64 / time.Microsecond
	return min(max(time.Duration(to-from), -most), most) * time.Microsecond
}

func sameInstant(a, b *schemas.Timestamp) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
