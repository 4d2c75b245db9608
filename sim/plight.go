package sim

// plight is a lasting trouble of a member: from its onset on, the daily
// aggregation is not tried or does not succeed (mx-api.md §1.6, §1.7).
type plight struct {
	status string // connection_status; "" is null
	job    string // legacy status (mx-api.md §1.8)
	every  int32  // tried again every so many days, in vain; 0 = not tried
	busy   bool   // is_being_aggregated stays true
	never  bool   // was never aggregated
	oldest int32  // the onset lies 1 … oldest days before the start
	heals  bool   // ends some days or weeks later
	then   string // connection_status and job that follow …
	after  int64  // … so many seconds after the onset
}

const hours = 3600

// plights are the designated ones: users 5, 12, 19 … have one each, in turn, so
// that a world of two hundred users shows every connection_status of
// mx-api.md §1.7, null among them, and one that no document names.
var plights = [...]plight{
	{status: "", job: "CREATED", never: true},
	{status: "DEGRADED", job: "FAILED", every: 1, oldest: 9, then: "DISCONNECTED", after: 14 * 24 * hours},
	{status: "CHALLENGED", job: "CHALLENGED", busy: true, oldest: 1, heals: true, then: "EXPIRED", after: 26 * hours},
	{status: "DENIED", job: "DENIED", oldest: 40, heals: true},
	{status: "CREATED", job: "CREATED", never: true},
	{status: "PREVENTED", job: "PREVENTED", oldest: 60},
	{status: "REJECTED", job: "REJECTED", oldest: 20, heals: true},
	{status: "CONNECTED", job: "TRANSFERRED", busy: true, oldest: 4}, // stuck
	{status: "LOCKED", job: "LOCKED", oldest: 50, heals: true},
	{status: "IMPEDED", job: "IMPEDED", oldest: 30, heals: true},
	{status: "RECONNECTED", job: "COMPLETED", oldest: 3, heals: true},
	{status: "DISCONNECTED", job: "FAILED", every: 3, oldest: 40},
	{status: "DISCONTINUED", job: "DISCONTINUED", oldest: 70},
	{status: "CLOSED", job: "CLOSED", oldest: 70},
	{status: "DELAYED", job: "RECEIVED", every: 1, oldest: 2, heals: true},
	{status: "FAILED", job: "HALTED", every: 1, oldest: 5, heals: true},
	{status: "UPDATED", job: "UPDATED", oldest: 2, heals: true},
	{status: "DISABLED", job: "DISABLED", oldest: 45},
	{status: "IMPORTED", job: "SUSPENDED", oldest: 80},
	{status: "RESUMED", job: "RECEIVED", busy: true, oldest: 1, heals: true},
	{status: "EXPIRED", job: "EXPIRED", oldest: 15, heals: true},
	{status: "IMPAIRED", job: "IMPAIRED", oldest: 35},
	{status: "PENDING", job: "INITIATED", never: true},
	{status: "CONNECTED", job: "FAILED", every: 1, oldest: 8, heals: true}, // tried, not succeeding
	{status: "CONNECTED", job: "COMPLETED", oldest: 12},                    // not tried any more
	{status: "QUARANTINED", job: "STOPPED", oldest: 25},                    // no document names it
}

// latePlights befall members after the start, and heal.
var latePlights = [...]plight{
	{status: "DENIED", job: "DENIED", heals: true},
	{status: "CHALLENGED", job: "CHALLENGED", busy: true, heals: true, then: "EXPIRED", after: 26 * hours},
	{status: "DEGRADED", job: "FAILED", every: 1, heals: true},
	{status: "LOCKED", job: "LOCKED", heals: true},
	{status: "IMPEDED", job: "IMPEDED", heals: true},
	{status: "FAILED", job: "HALTED", every: 1, heals: true},
	{status: "CONNECTED", job: "FAILED", every: 1, heals: true},
}

// flakyStatuses are what a member shows on a night that failed, when it is one
// of those that fail now and then for some nights.
var flakyStatuses = [...][2]string{
	{"DEGRADED", "FAILED"}, {"DEGRADED", "FAILED"}, {"DISCONNECTED", "FAILED"}, {"FAILED", "HALTED"}, {"DELAYED", "RECEIVED"},
}

const (
	flakyShare    = 0.10 // of members
	flakyPeriod   = 13   // days from one bout to the next
	lateShare     = 0.03 // of members
	badNightShare = 0.01 // of the nights of a healthy member
)

// assignPlight decides what befalls a member that was linked long ago.
func (w *World) assignPlight(m *member, last bool) {
	startDay := dayOf(w.start)
	h := hash(m.key, saltVanish)
	switch {
	case m.user.giant:
		m.steady = true
	case m.user.special && last:
		m.plight = &plights[(int(m.user.i)/specialEvery+int(w.seed%uint64(len(plights))))%len(plights)]
		if p := m.plight; !p.never {
			m.onset = startDay - 1 - int32(pick(h, int(p.oldest)))
			if m.attemptAt(startDay) <= w.start {
				m.onset++
			}
			m.healed = m.healDay(startDay+2, h)
		}
	case chance(h, lateShare):
		m.plight = &latePlights[pick(hash(h, 1), len(latePlights))]
		m.onset = startDay + 1 + int32(pick(hash(h, 2), 30))
		m.healed = m.healDay(m.onset+2, h)
	case chance(hash(h, 3), flakyShare):
		m.flaky = true
	}
}

// healDay is the day of the first success after the plight.
func (m *member) healDay(earliest int32, h uint64) int32 {
	if !m.plight.heals {
		return 1 << 30
	}
	return earliest + int32(pick(hash(h, 4), 14))
}

// outcome is what the daily aggregation of one day came to.
type outcome struct {
	tried, ok   bool
	hollow      bool // it succeeded and brought no data
	status, job string
}

// outcomeOn is a pure function of member and day.
func (m *member) outcomeOn(day int32) outcome {
	at := m.attemptAt(day)
	if at < m.created || m.user.disabledAt(at) || m.isBarred(at) { // a disabled user is not aggregated (mx-api.md §1.5)
		return outcome{}
	}
	if p := m.plight; p != nil {
		if p.never {
			return outcome{}
		}
		if day >= m.onset && day < m.healed {
			again := p.every > 0 && (day-m.onset)%p.every == 0
			return outcome{tried: day == m.onset || again, status: p.status, job: p.job}
		}
	}
	if s, ok := in(m.spells, at); ok && s.hollow {
		return outcome{tried: true, hollow: true, status: "CONNECTED", job: "COMPLETED"}
	} else if ok {
		return outcome{tried: true, status: "DEGRADED", job: "FAILED"}
	}
	h := hash(m.key^saltDay, uint64(day))
	if m.flaky {
		period := (day + int32(m.key%flakyPeriod)) / flakyPeriod
		first := period*flakyPeriod - int32(m.key%flakyPeriod)
		bout := hash(m.key^saltTime, uint64(period))
		if begin := first + int32(bout%5); day >= begin && day < begin+2+int32(bout>>8%4) {
			s := flakyStatuses[pick(h, len(flakyStatuses))]
			return outcome{tried: true, status: s[0], job: s[1]}
		}
	}
	if !m.steady && chance(h, badNightShare) {
		return outcome{tried: true, status: "CONNECTED", job: "FAILED"}
	}
	return outcome{tried: true, ok: true, status: "CONNECTED", job: "COMPLETED"}
}

// idleSince reports that nothing is tried from the onset to day, and when the
// onset was: a scan back in time may jump there.
func (m *member) idleSince(day int32) (int32, bool) {
	if m.plight != nil && !m.plight.never && m.plight.every == 0 && day > m.onset && day < m.healed {
		return m.onset, true
	}
	return 0, false
}

// lastTry returns the day of the last aggregation that started by t.
func (m *member) lastTry(t int64) (int32, bool) {
	for day := dayOf(t); midnight(day+1) > m.created; day-- {
		if onset, ok := m.idleSince(day); ok {
			day = onset
		}
		if m.attemptAt(day) <= t && m.outcomeOn(day).tried {
			return day, true
		}
	}
	return 0, false
}

// lastGood returns the day of the last aggregation that had succeeded by t.
func (m *member) lastGood(t int64) (int32, bool) {
	for day := dayOf(t); midnight(day+1) > m.created; day-- {
		if p := m.plight; p != nil && !p.never && day >= m.onset && day < m.healed {
			day = m.onset - 1
		}
		if m.attemptAt(day)+m.duration(day) <= t && m.outcomeOn(day).ok {
			return day, true
		}
	}
	return 0, false
}

// lastHollow returns the day of the last aggregation before t that succeeded
// and brought nothing.
func (m *member) lastHollow(t int64) (int32, bool) {
	if len(m.spells) == 0 {
		return 0, false
	}
	for day := dayOf(t); midnight(day+1) > m.spells[0].from; day-- {
		if m.attemptAt(day)+m.duration(day) <= t && m.outcomeOn(day).hollow {
			return day, true
		}
	}
	return 0, false
}

func (m *member) isBarred(t int64) bool {
	_, ok := in(m.barred, t)
	return ok
}

// firstGood returns the day of the first aggregation begun at or after t that
// succeeds by limit.
func (m *member) firstGood(t, limit int64) (int32, bool) {
	for day := dayOf(max(t, m.created)); midnight(day) <= limit; day++ {
		if p := m.plight; p != nil && !p.never && day >= m.onset && day < m.healed {
			day = m.healed
		}
		if at := m.attemptAt(day); at >= t && at+m.duration(day) <= limit && m.outcomeOn(day).ok {
			return day, true
		}
	}
	return 0, false
}
