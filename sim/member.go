package sim

import "strconv"

// member is one connection of a user to an institution.
type member struct {
	user    *user
	ord     uint8
	born    uint8 // generation: 1 after it was deleted and re-created
	key     uint64
	id      guid
	inst    *institution
	created int64
	history int32 // days that its first aggregation brings
	left    int64
	offset  int64 // second of the day of its background aggregation

	plight *plight
	onset  int32 // first day of the plight
	healed int32 // first day after it
	flaky  bool
	steady bool // no bad nights
	spells []spell
	barred []spell // its user is disabled
}

const (
	maxMembers       = 25 // per user (mx-api.md §1.1)
	memberLifeDays   = 2000
	recreatedShare   = 0.03
	aggregationDrift = 1200 // seconds by which the time of day of an aggregation varies
)

// memberCount is how many members a user ever has.
func (w *World) memberCount(u *user) int {
	h := hash(u.key, saltMember)
	if u.giant {
		return 1
	}
	n := 1 + rateOf(w.cfg.Members-1).count(hash(h, 1))
	switch x := h % 1000; {
	case w.cfg.Members < 1:
		n = rateOf(w.cfg.Members).count(hash(h, 1))
	case x < 25:
		n = 0
	case x < 30 && w.cfg.Members > 1.2:
		n += 8 + int(h>>16%10)
	}
	if u.special {
		n = max(n, 1)
	}
	return min(n, maxMembers)
}

// members returns the members that exist, oldest first.
func (v view) members(u *user) []member {
	n := v.w.memberCount(u)
	all := make([]member, 0, n)
	for ord := range n {
		if m, ok := v.memberAt(u, uint8(ord), n); ok {
			all = append(all, m)
		}
	}
	return all
}

// memberAt returns member ord of a user as it is now, if it exists now.
func (v view) memberAt(u *user, ord uint8, n int) (member, bool) {
	w := v.w
	m := member{user: u, ord: ord, key: hash(hash(u.key, saltMember), 100+uint64(ord)), left: never, history: historyDays}
	m.inst = w.institutionOf(hash(m.key, 1))
	m.offset = int64(pick(hash(m.key, 2), secondsPerDay-aggregationDrift-longestRun))
	m.created = u.joined + int64(pick(hash(m.key, 3), 3*hours))
	if u.joined < w.start {
		m.created = w.start - secondsPerDay*int64(newestMembers+pick(hash(m.key, 3), oldestMembers-newestMembers))
	}
	h := hash(m.key, 4)
	if w.cfg.Churn > 0 && !u.giant {
		m.left = max(m.created, w.start) + secondsPerDay + int64(float64(pick(h, memberLifeDays*secondsPerDay))/w.cfg.Churn)
	}
	last := int(ord) == n-1
	switch {
	case u.joined > w.start:
		m.flaky = chance(h, flakyShare)
	case !(u.special && last) && w.cfg.Churn > 0 && !u.giant && chance(hash(h, 1), recreatedShare):
		again := w.start + int64(pick(hash(h, 2), 60*secondsPerDay)) - 20*secondsPerDay
		if again <= v.t {
			m.born, m.created = 1, again
		}
	default:
		w.assignPlight(&m, last)
	}
	for _, b := range v.over.births[memberID{user: u.i, ord: ord}] {
		if b.at <= v.t {
			m.born, m.created, m.history = m.born+1, b.at, b.days
		}
	}
	m.spells, m.barred = v.over.spells[m.ref()], v.over.disabled[u.i]
	m.id = w.guid(prefixMember, address{user: u.i, member: ord, born: m.born})
	return m, v.hasMember(&m)
}

func (v view) hasMember(m *member) bool {
	if m.created > v.t || m.left <= v.t {
		return false
	}
	gone, ok := v.over.members[m.ref()]
	return !ok || gone > v.t
}

func (m *member) ref() memberID { return memberID{m.user.i, m.ord, m.born} }

// member finds a member of u that exists by its guid.
func (v view) member(u *user, id string) (member, bool) {
	a, ok := v.w.parse(prefixMember, id)
	n := v.w.memberCount(u)
	if !ok || a.user != u.i || int(a.member) >= n {
		return member{}, false
	}
	m, ok := v.memberAt(u, a.member, n)
	return m, ok && m.id.String() == id
}

// attemptAt is when the background aggregation of a day starts: about every 24
// hours (mx-api.md §1.6).
func (m *member) attemptAt(day int32) int64 {
	return midnight(day) + m.offset + int64(pick(hash(m.key^saltAggregation, uint64(day)), aggregationDrift))
}

// duration is how long the aggregation of a day takes, in seconds.
func (m *member) duration(day int32) int64 {
	return 20 + int64(pick(hash(m.key^saltLatency, uint64(day)), longestRun-80))
}

// condition is what MX says about a member at one instant.
type condition struct {
	tried       int64  // aggregated_at: start of the last job
	succeeded   int64  // successfully_aggregated_at: end of the last good one
	fetched     int64  // end of the last one that brought data
	saw         int64  // the bank as the last good one saw it
	prevSaw     int64  // and the good one before it
	aggregating bool   // is_being_aggregated
	status      string // connection_status, "" = null
	job         string // legacy status
}

// condition is a function of member and instant, and of the aggregations that
// weather started.
func (v view) condition(m *member) condition {
	c := v.scheduled(m)
	for _, r := range v.over.runs[m.ref()] {
		if r.start > v.t {
			break
		}
		end := r.end
		if end == 0 {
			end = r.start + longestRun
			if v.t <= end {
				end = never
			}
		}
		if r.start >= c.tried {
			c.tried, c.status, c.job = r.start, "CONNECTED", "COMPLETED"
			if c.aggregating = end > v.t; c.aggregating {
				c.job = "AUTHENTICATED"
			}
		}
		if end <= v.t && r.start > c.saw {
			c.prevSaw = c.saw
			c.succeeded, c.fetched, c.saw = end, end, r.start
		}
	}
	return c
}

// scheduled is condition without what weather started.
func (v view) scheduled(m *member) condition {
	c := condition{status: "CREATED", job: "CREATED"}
	if m.plight != nil && m.plight.never {
		c.status, c.job = m.plight.status, m.plight.job
		return c
	}
	day, ok := m.lastTry(v.t)
	if !ok {
		if m.born > 0 { // a re-created member reports the old value at first (mx-api.md §1.5)
			old := *m
			old.created = v.w.start - oldestMembers*secondsPerDay
			if day, ok := old.lastTry(m.created); ok {
				c.tried = old.attemptAt(day)
			}
		}
		return c
	}
	out := m.outcomeOn(day)
	c.tried, c.status, c.job = m.attemptAt(day), out.status, out.job
	if v.t < c.tried+m.duration(day) {
		c.aggregating = true
		c.job = runningJobs[(v.t-c.tried)*int64(len(runningJobs))/m.duration(day)]
		if before, ok := m.lastTry(c.tried - 1); ok {
			c.status = m.outcomeOn(before).status
		}
	} else if p := m.plight; p != nil && day >= m.onset && day < m.healed {
		c.aggregating = p.busy
		if p.then != "" && v.t >= m.attemptAt(m.onset)+p.after {
			c.status, c.job, c.aggregating = p.then, p.then, false
		}
	}
	if day, ok := m.lastGood(v.t); ok {
		c.saw = m.attemptAt(day)
		c.fetched = c.saw + m.duration(day)
		c.succeeded = c.fetched
		if day, ok := m.lastGood(c.saw); ok {
			c.prevSaw = m.attemptAt(day)
		}
	}
	if day, ok := m.lastHollow(v.t); ok {
		c.succeeded = max(c.succeeded, m.attemptAt(day)+m.duration(day))
	}
	return c
}

// runningJobs are the legacy states of a job on its way (mx-api.md §1.6).
var runningJobs = [...]string{"INITIATED", "REQUESTED", "AUTHENTICATED", "TRANSFERRED"}

// stored is when MX stored what happened at the bank at instant x: the end of
// the first good aggregation that began after it.
func (v view) stored(m *member, x int64) int64 {
	at := v.t
	if day, ok := m.firstGood(x, v.t); ok {
		at = m.attemptAt(day) + m.duration(day)
	}
	for _, r := range v.over.runs[m.ref()] {
		if r.start >= x && r.start <= at {
			return r.start
		}
	}
	return at
}

// render writes the member (mx-api.md §1.5).
func (v view) renderMember(e *encoder, m *member) {
	c := v.condition(m)
	h := hash(m.key, saltText)
	e.ascii = h&1 == 0
	e.begin()
	e.time("aggregated_at", c.tried, stampOf(hash(h, 1)))
	if m.inst.dialect&1 == 0 {
		e.bool("background_aggregation_is_disabled", h>>8%50 == 0)
	}
	e.strOrNull("connection_status", c.status)
	e.guid("guid", &m.id)
	if h>>16%3 == 0 {
		e.str("identifier", "link-"+strconv.Itoa(int(m.user.i))+"."+strconv.Itoa(int(m.ord)))
	} else {
		e.null("identifier")
	}
	e.str("institution_code", m.inst.code)
	e.bool("is_being_aggregated", c.aggregating)
	e.bool("is_oauth", m.inst.supports[oauth])
	switch h >> 24 % 8 {
	case 0:
		e.str("metadata", `{"credentials_last_refreshed_at": "2026-0`+strconv.Itoa(int(h>>32%9)+1)+`-15"}`)
	case 1:
		e.str("metadata", oddTexts[pick(hash(h, 2), len(oddTexts))])
	default:
		e.null("metadata")
	}
	e.str("name", m.inst.name)
	if m.inst.supports[oauth] {
		if c.status == "PENDING" {
			e.str("oauth_window_uri", "https://oauth.sim.example/authorize?state="+strconv.FormatUint(h, 36)+"&scope=accounts")
		} else {
			e.null("oauth_window_uri")
		}
	}
	e.str("status", c.job)
	e.time("successfully_aggregated_at", c.succeeded, stampOf(hash(h, 3)))
	e.guid("user_guid", &m.user.id)
	if h>>40%25 == 0 {
		e.raw("most_recent_job", `{"kind":"standard","attempt":1}`)
	}
	e.end()
}

// renderStatus writes the member as /status does: another shape than a member
// read (mx-api.md §1.5).
func (v view) renderStatus(e *encoder, m *member) {
	c := v.condition(m)
	h := hash(m.key, saltText)
	good := c.succeeded != 0 && !c.aggregating && c.status == "CONNECTED"
	e.begin()
	e.time("aggregated_at", c.tried, stampOf(hash(h, 1)))
	if c.status == "CHALLENGED" {
		e.raw("challenges", v.w.challenges(m, c.tried))
	}
	e.strOrNull("connection_status", c.status)
	e.guid("guid", &m.id)
	e.bool("has_processed_accounts", good || c.aggregating && c.job == "TRANSFERRED")
	e.bool("has_processed_transactions", good)
	if h>>8%4 == 0 { // some samples show what others leave out
		e.null("identifier")
		e.str("institution_code", m.inst.code)
	}
	e.bool("is_authenticated", good || c.job == "AUTHENTICATED" || c.job == "TRANSFERRED")
	e.bool("is_being_aggregated", c.aggregating)
	e.str("status", c.job)
	e.time("successfully_aggregated_at", c.succeeded, stampOf(hash(h, 3)))
	if h>>8%4 == 0 {
		e.guid("user_guid", &m.user.id)
	}
	e.end()
}

// challenges is the MFA question of a job; its guid changes from job to job
// (mx-api.md §1.5).
func (w *World) challenges(m *member, job int64) string {
	h := hash(hash(m.key, saltChallenge), uint64(job))
	g := formatGUID(prefixCredential, h, hash(h, 1))
	head := `[{"field_name":null,"guid":"` + g.String() + `","label":`
	switch h % 4 {
	case 0:
		return head + `"Which town did you grow up in?","type":"TEXT"}]`
	case 1:
		return head + `"Where shall we send the code?","options":[{"label":"text ***-0142","value":"sms"},{"label":"call","value":"voice"}],"type":"OPTIONS"}]`
	case 2:
		return head + `"Type what you see","image_data":"iVBORw0KGgo=","type":"IMAGE_DATA"}]`
	}
	return head + `"Pick your picture","image_options":[{"data_uri":"data:image/png;base64,iVBORw0KGgo=","label":"1","value":"a1"},{"data_uri":"data:image/png;base64,iVBORw0KGgo=","label":"2","value":"b2"}],"type":"IMAGE_OPTIONS"}]`
}
