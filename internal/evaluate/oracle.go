package main

import (
	"fmt"
	"slices"
	"time"

	"tallyport/reconcile"
	"tallyport/sim"
)

// The oracle says what the staleness rules (contract.md, reconcile.md §1.c) make
// of what sim knows of a member, night by night. It shares nothing with
// reconcile but the text they follow.
type oracle map[string]*oracleMember

type oracleMember struct {
	user      string
	success   time.Time // the one that the episode began with
	first     time.Time // night on which the episode was first seen
	last      time.Time
	status    string
	since     time.Time // first night of this status's rule
	looks     int
	down      time.Time // first night of DEGRADED or DISCONNECTED
	downLooks int
	job       time.Time // aggregated_at of the job that is running
	busy      time.Time // first night that saw it run
	clouded   bool      // a time in which nothing could be expected, or no look: clocks are not the text's
	off       bool      // its user was disabled on the last night
}

// staleScore is how often the rule of a member's night was the oracle's.
type staleScore struct {
	Nights int                       `json:"member_nights"`
	Right  int                       `json:"right"`
	Apart  int                       `json:"not_scored"` // no rule says what a clock does that stood still
	Wrong  map[string]map[string]int `json:"wrong"`      // oracle → said
	ByRule map[string]tally          `json:"by_rule"`
}

var statusRules = map[string]string{
	"IMPORTED": "S11", "DISABLED": "S11", "DISCONTINUED": "S11", "CLOSED": "S11", "": "S11",
	"CHALLENGED": "S9", "REJECTED": "S6", "EXPIRED": "S6", "DENIED": "S7", "PREVENTED": "S7", "IMPAIRED": "S7",
	"LOCKED": "S8", "IMPEDED": "S8", "DEGRADED": "S2", "DISCONNECTED": "S2", "FAILED": "S14", "HALTED": "S14",
	"CREATED": "S10", "UPDATED": "S10", "DELAYED": "S10", "RESUMED": "S10", "RECONNECTED": "S10", "PENDING": "S10",
	"CONNECTED": "S3",
}

const (
	day    = 24 * time.Hour
	twoDay = 48 * time.Hour
)

// night compares what reconcile says of every member with the oracle.
func (s *staleScore) night(sc *score, n night, findings []reconcile.Finding) {
	if s.Wrong == nil {
		s.Wrong, s.ByRule = map[string]map[string]int{}, map[string]tally{}
	}
	said := map[string]string{}
	for _, f := range findings {
		switch f.Kind {
		case "stale_member", "stuck_member", "member_action", "member_ended":
			if f.Last == n.manifest.ID && f.State.Live() {
				said[string(f.Member)] = string(f.Code) + " " + string(f.Verdict)
			}
		}
	}
	truth := sc.world.TruthAt(n.at)
	for u := range truth.Users() {
		user := u.Text("guid")
		state := truth.State(user)
		if state.Failing || state.Disabled { // nothing below is served
			for _, m := range sc.oracle {
				if m.user == user {
					m.clouded, m.off = true, state.Disabled
				}
			}
			continue
		}
		for rec := range truth.Members(user) {
			guid := rec.Text("guid")
			m := sc.oracle[guid]
			if m == nil {
				m = &oracleMember{user: user}
				sc.oracle[guid] = m
			}
			want := m.look(n.at, rec)
			manual, _ := rec.Get("background_aggregation_is_disabled")
			if m.clouded || manual == "true" {
				s.Apart++
				continue
			}
			got := said[guid]
			s.Nights++
			t := s.ByRule[want]
			t.True++
			if got == want {
				s.Right++
				t.Found++
			} else {
				if s.Wrong[want] == nil {
					s.Wrong[want] = map[string]int{}
				}
				s.Wrong[want][got]++
				sc.note("staleness "+want+"→"+got, "%s %s %s %+v", n.manifest.ID, guid, rec.Text("connection_status"), *m)
			}
			s.ByRule[want] = t
			t = s.ByRule[got]
			t.said(got == want)
			s.ByRule[got] = t
		}
	}
}

// look says which rule holds and its verdict, "" for none.
func (m *oracleMember) look(now time.Time, rec sim.Record) string {
	stamp := func(name string) time.Time {
		text := rec.Text(name)
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t, _ = time.Parse("2006-01-02 15:04:05.999999999 Z", text)
		}
		return t
	}
	success, try := stamp("successfully_aggregated_at"), stamp("aggregated_at")
	status := rec.Text("connection_status")
	busy, _ := rec.Get("is_being_aggregated")
	rule, known := statusRules[status]
	if !known {
		rule = "unknown"
	}
	if m.first.IsZero() || !success.Equal(m.success) {
		// The rules do not say how long one waits whose user was disabled.
		*m = oracleMember{user: m.user, success: success, first: now, clouded: m.off}
	} else if now.Sub(m.last) > 36*time.Hour {
		m.clouded = true
	}
	if rule == "S11" {
		m.clouded = false // from here on there is no clock
	} else if statusRules[m.status] == "S11" && m.looks > 0 {
		m.clouded = true
	}
	if m.looks == 0 || statusRules[m.status] != rule && !(rule == "unknown" && m.status == status) {
		m.since, m.looks = now, 0
	}
	m.looks++
	if rule == "S2" {
		if m.down.IsZero() {
			m.down = now
		}
		m.downLooks++
	} else {
		m.downLooks = 0
	}
	if busy != "true" {
		m.busy = time.Time{}
	} else if m.busy.IsZero() || !m.job.Equal(try) {
		m.busy, m.job = now, try
	}
	m.last, m.status, m.off = now, status, false
	return m.rule(now, rule, success, try)
}

func (m *oracleMember) rule(now time.Time, rule string, success, try time.Time) string {
	ageOK := now.Sub(success)
	if success.IsZero() { // S12
		ageOK = now.Sub(m.first)
	}
	ageTry := now.Sub(try)
	if try.IsZero() {
		ageTry = ageOK
	}
	switch rule {
	case "S11", "S9", "S6", "S7", "S8":
		return rule + " notice"
	case "S2":
		if now.Sub(m.down) > twoDay || m.downLooks >= 3 && ageOK > twoDay {
			return "S2 ticket"
		}
	case "S14":
		switch in := now.Sub(m.since); {
		case in >= twoDay:
			return "S14 ticket"
		case in >= day:
			return "S14 review"
		}
	case "S10":
		switch in := now.Sub(m.since); {
		case in > day && in <= twoDay:
			return "S10 review"
		case in <= day:
			return ""
		}
	}
	switch {
	case !m.busy.IsZero() && now.Sub(m.busy) >= 20*time.Hour:
		return "S5 ticket"
	case rule != "S3" && rule != "S10" || ageOK <= twoDay:
		return ""
	case ageTry > twoDay:
		return "S4 ticket"
	case m.looks >= 2:
		return "S3 ticket"
	}
	return ""
}

func (s *staleScore) lines() (all []string) {
	for _, want := range sortedKeys(s.Wrong) {
		for _, got := range sortedKeys(s.Wrong[want]) {
			all = append(all, fmt.Sprintf("%q said as %q: %d", want, got, s.Wrong[want][got]))
		}
	}
	slices.Sort(all)
	return all
}
