package sim

import (
	"slices"
	"strings"
	"time"
)

// Defect is one thing that was done to the feed or at the bank, and what is
// true of it. The codes are those of a reconciliation's taxonomy: Z1 for a row
// that the feed lost, V1 for one that the bank took back, and so on; FIDELITY.md
// lists them.
type Defect struct {
	Kind string `json:"kind"` // one of DefectKinds

	// At is the world's clock when it was done. It shows from the member's next
	// successful aggregation on; what MX or the bank's customer did (M1, M2,
	// M3b, U1, U2, A2) shows at once.
	At time.Time `json:"at"`

	// Until is when it ends by itself: a row comes back (Z3) or arrives (N6), one
	// of two twins goes (D1, A3), a closed account goes (A1), nights are again as
	// they should be (outage, S-identify, U2). Zero is for good.
	Until time.Time `json:"until,omitzero"`

	User    string `json:"user"`
	Member  string `json:"member,omitempty"`
	Account string `json:"account,omitempty"`

	// Transactions are the rows concerned, under the guids they had before, or
	// would have had (N1 to N6). Of an account that was issued again (A4) they
	// are those that did not come along. Members, users and merged accounts name
	// none: Why knows each.
	Transactions []string `json:"transactions,omitempty"`

	// Counterparts are the rows that take their place; for M2, A3 and A4, the
	// member or account that does.
	Counterparts []string `json:"counterparts,omitempty"`

	Cents  int64     `json:"cents,omitempty"` // of the row, before anything was done to it
	Credit bool      `json:"credit,omitempty"`
	Date   time.Time `json:"date,omitzero"`
}

// Code is the kind without what makes it a hard case: Z1 of Z1+same.
func (d Defect) Code() string {
	code, _, _ := strings.Cut(d.Kind, "+")
	return code
}

// defectKind is one kind of defect: done to a user, or to the world as a whole.
type defectKind struct {
	name  string
	user  func(*injection, *user) bool
	world func(*injection, int)
}

// defectKinds is the table of kinds.
var defectKinds = slices.Concat(rowDefects, comingDefects, accountDefects, memberDefects, hardDefects)

// DefectKinds returns the names of all kinds.
func DefectKinds() []string {
	all := make([]string, len(defectKinds))
	for i, k := range defectKinds {
		all[i] = k.name
	}
	return all
}

// Inject does one kind of defect to n targets, which the seed chooses among
// those where it fits; fewer if there are not so many, and none for an unknown
// kind. A member that is in trouble, or about to leave, is no target; nor is
// what has a defect already. It is effective from now on.
//
// Of "systemic" n is the number of members, at least 25; of "outage" the number
// of institutions, each with twelve members or more, one Defect for each member.
// "W3+Z1" makes two defects, W3 and Z1, in one account.
func (w *World) Inject(kind string, n int) []Defect {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.inject(kind, n, w.clock))
}

// Defects returns what was done so far, by Inject and by Config.Defects, in order.
func (w *World) Defects() []Defect {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.defects)
}

// inject does defects that begin at an instant. w.mu is held.
func (w *World) inject(kind string, n int, at int64) []Defect {
	i := slices.IndexFunc(defectKinds, func(k defectKind) bool { return k.name == kind })
	if i < 0 || n <= 0 {
		return nil
	}
	w.injections++
	j := injection{
		v: view{w, w.clock, w.over.clone()}, kind: kind, at: at,
		h:       hash(hash(w.seed, saltDefect), w.injections),
		failing: w.failingUsers(w.weather.FailingUsers),
	}
	if k := defectKinds[i]; k.world != nil {
		k.world(&j, n)
	} else {
		j.spread(n, k.user)
	}
	w.over = j.v.over
	w.defects = append(w.defects, j.made...)
	return j.made
}

// befall does the defects of Config.Defects in a night of so many seconds that
// begins now. They begin a second later: what was served by now stays true.
func (w *World) befall(seconds int64) {
	v := view{w, w.clock, w.over}
	share := float64(len(v.users())) * w.cfg.Members * w.cfg.Accounts / 10_000 * float64(seconds) / secondsPerDay
	for i, k := range defectKinds {
		if mean := w.cfg.Defects[k.name] * share; mean > 0 {
			h := hash(hash(w.seed, saltDefect), uint64(w.clock))
			w.inject(k.name, rateOf(mean).count(hash(h, uint64(i))), w.clock+1)
		}
	}
}
