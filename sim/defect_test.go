package sim

import (
	"slices"
	"testing"
	"time"
)

// calmDefects is a world in which nothing happens by itself but aggregations
// that fail now and then.
func calmDefects(t *testing.T, users int) *World {
	return calmWorld(t, Config{Seed: 31, Users: users, Transactions: 60, Churn: -1, Twins: 0.05})
}

// shown is a row as a list has it.
type shown struct {
	account string
	row     row
	ev      event
	cents   int64
	stored  int64
	updated int64
	literal string
	times   int
}

// rowsNow returns all rows of a user in the usual window, by guid.
func rowsNow(v view, u *user) map[string]shown {
	all := make(map[string]shown)
	if !v.hasUser(u) || v.disabled(u) {
		return all
	}
	w := window{dayOf(v.t) - defaultDaysBack, dayOf(v.t) + defaultDaysAhead}
	accounts := v.userAccounts(u)
	for i := range accounts {
		a := &accounts[i]
		x := txWriter{v: v}
		x.use(a)
		for day := w.from - longestLife; day <= w.to; day++ {
			a.walk(day, w, 0, func(ev event, r row) bool {
				c := a.terms(&ev, a.saw)
				guid := x.id(&ev, r).String()
				stored, updated := x.updated(&ev, r)
				s := shown{a.id.String(), r, ev, c.shown(r), stored, updated, string(v.literal(a, ev, r)), all[guid].times + 1}
				if s.times > 1 {
					s.literal = all[guid].literal
				}
				all[guid] = s
				return true
			})
		}
	}
	return all
}

// difference is how the rows of a user differ from those in a world without
// defects.
type difference struct{ gone, come, changed []string }

func (d *difference) sort() {
	slices.Sort(d.gone)
	slices.Sort(d.come)
	slices.Sort(d.changed)
}

func compare(plain, hit map[string]shown) difference {
	var d difference
	for guid, p := range plain {
		if h, ok := hit[guid]; !ok {
			d.gone = append(d.gone, guid)
		} else if h.literal != p.literal || h.times != p.times {
			d.changed = append(d.changed, guid)
		}
	}
	for guid := range hit {
		if _, ok := plain[guid]; !ok {
			d.come = append(d.come, guid)
		}
	}
	d.sort()
	return d
}

// phase is where a defect stands in the eyes of its member.
type phase int

const (
	notYet phase = iota
	during
	over
)

// atOnce are the kinds that need no aggregation to show.
var atOnce = []string{"M1", "M2", "M3b", "U1", "U2", "A2"}

func phaseOf(v view, u *user, d Defect) phase {
	seen := v.t
	if !slices.Contains(atOnce, d.Code()) {
		at, _ := v.w.parse(prefixMember, d.Member)
		m, _ := v.memberAt(u, at.member, v.w.memberCount(u))
		seen = v.condition(&m).saw
	}
	switch {
	case seen < d.At.Unix():
		return notYet
	case !d.Until.IsZero() && seen >= d.Until.Unix():
		return over
	}
	return during
}

// scene is what a table entry may look at to say what is expected.
type scene struct {
	d          Defect
	phase      phase
	plain, hit map[string]shown
	from       int32 // first date of the window
}

// events returns the guids of the rows that the plain world shows of the events
// of other rows, under whatever guid.
func (s *scene) events(w *World, guids []string) (all []string) {
	event := func(guid string) address {
		a, _ := w.parse(prefixTransaction, guid)
		a.variant = 0
		return a
	}
	for _, g := range guids {
		for p := range s.plain {
			if event(p) == event(g) {
				all = append(all, p)
			}
		}
	}
	return all
}

// of returns the guids of rows of the defect's account that meet a condition.
func (s *scene) of(rows map[string]shown, account string, meets func(shown) bool) (all []string) {
	for guid, r := range rows {
		if (account == "" || r.account == account) && meets(r) {
			all = append(all, guid)
		}
	}
	return all
}

func (s *scene) visible(rows map[string]shown, guids []string) (all []string) {
	for _, g := range guids {
		if _, ok := rows[g]; ok {
			all = append(all, g)
		}
	}
	return all
}

func everyRow(shown) bool { return true }

// expectation says how rows differ while a defect shows, and after it.
type expectation func(w *World, s *scene) difference

func hidden(w *World, s *scene) difference {
	if s.phase == over {
		if s.d.Kind == "N6" { // stored later than it would have been
			return difference{changed: s.events(w, s.d.Transactions)}
		}
		return difference{}
	}
	return difference{gone: s.events(w, s.d.Transactions)}
}

func hiddenAndMore(w *World, s *scene) difference {
	d := hidden(w, s)
	for guid, r := range s.hit {
		if r.ev.extra != nil && s.plain[guid].times == 0 {
			if r.cents != s.d.Cents {
				return difference{}
			}
			d.come = append(d.come, guid)
		}
	}
	return d
}

func replaced(_ *World, s *scene) difference {
	return difference{gone: s.visible(s.plain, s.d.Transactions), come: s.visible(s.hit, s.d.Counterparts)}
}

func amended(w *World, s *scene) difference {
	return difference{changed: s.visible(s.plain, s.d.Transactions)}
}

func doubled(_ *World, s *scene) difference {
	both := slices.Concat(s.d.Transactions, s.d.Counterparts)
	d := difference{come: both}
	if s.phase == over {
		d = difference{gone: slices.Clone(s.d.Transactions), come: slices.Clone(s.d.Counterparts)}
	}
	isPlain := func(g string) bool { return s.plain[g].times > 0 }
	d.come = slices.DeleteFunc(d.come, isPlain)
	d.gone = slices.DeleteFunc(d.gone, func(g string) bool { return !isPlain(g) })
	return d
}

func splitUp(w *World, s *scene) difference {
	var d difference
	total := int64(0)
	for _, guid := range s.events(w, s.d.Transactions) {
		if !s.plain[guid].row.pending {
			d.gone = append(d.gone, guid)
			d.come = s.d.Counterparts
		}
	}
	for _, guid := range d.come {
		total += s.hit[guid].cents
	}
	if d.come != nil && total != s.d.Cents {
		return difference{changed: []string{"the parts are not the whole"}}
	}
	return d
}

func movedAway(w *World, s *scene) difference {
	if d := s.d; d.Transactions[0] == d.Counterparts[0] {
		if s.hit[d.Transactions[0]].account == d.Account {
			return difference{}
		}
		return amended(w, s)
	}
	return replaced(w, s)
}

// reused: the guid names something else, in another account.
func reused(w *World, s *scene) difference {
	guid := s.d.Transactions[0]
	if r, ok := s.hit[guid]; ok && (r.account == s.d.Account || r.cents == s.d.Cents) {
		return difference{}
	}
	return difference{changed: s.visible(s.plain, s.d.Transactions)}
}

// redated: the row stands further back, or before the window.
func redated(w *World, s *scene) difference {
	if s.visible(s.hit, s.d.Transactions) == nil {
		return difference{gone: s.visible(s.plain, s.d.Transactions)}
	}
	return amended(w, s)
}

// correctedTwin: of two rows one goes, and the other one is put right.
func correctedTwin(w *World, s *scene) difference {
	d := doubled(w, s)
	if s.phase == over {
		for _, guid := range slices.Concat(s.d.Transactions, s.d.Counterparts) {
			if s.hit[guid].times > 0 && s.plain[guid].times > 0 {
				d.changed = append(d.changed, guid)
			}
		}
	}
	return d
}

func exchangedAll(_ *World, s *scene) difference {
	return difference{changed: s.of(s.plain, s.d.Account, everyRow)}
}

func cutOff(_ *World, s *scene) difference {
	var d difference
	if s.d.Kind != "W3" {
		return d
	}
	newest := int32(0)
	for _, guid := range s.d.Transactions {
		newest = max(newest, s.plain[guid].row.date)
	}
	d.gone = s.of(s.plain, s.d.Account, func(r shown) bool { return r.row.date <= newest })
	return d
}

func silenced(_ *World, s *scene) difference {
	return difference{gone: s.of(s.plain, s.d.Account, func(r shown) bool {
		return s.phase == over || r.ev.at > s.d.At.Unix()
	})}
}

func allGone(_ *World, s *scene) difference {
	return difference{gone: s.of(s.plain, s.d.Account, everyRow)}
}

func lost(_ *World, s *scene) difference {
	return difference{gone: s.visible(s.plain, s.d.Transactions)}
}

func nightsOf(kind string) int {
	switch kind {
	case "N2", "N3", "N4", "N2b":
		return 14
	case "systemic":
		return 5
	}
	return 9
}

func later(t time.Time) time.Time { return t.Add(24 * time.Hour) }
