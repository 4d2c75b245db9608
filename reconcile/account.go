package reconcile

import (
	"errors"
	"slices"
	"strings"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// look is what a night knows of one member when its accounts are compared.
type look struct {
	night   snapshot.ID
	at      schemas.Timestamp // server's time
	base    snapshot.ID       // its last complete snapshot, "" if there is none
	baseAt  schemas.Timestamp
	baseSAA *schemas.Timestamp
	saa     *schemas.Timestamp // successfully_aggregated_at now
	before  schemas.Window
	window  schemas.Window
}

// fresh reports whether the member was aggregated since its last complete look.
func (l *look) fresh() bool { return l.saa != nil && (l.baseSAA == nil || *l.saa > *l.baseSAA) }

// current reports whether the window reaches the day of the aggregation: else the
// balance has rows that nobody asked for, and what should have come may be there.
func (l *look) current() bool {
	at := l.at
	if l.saa != nil {
		at = *l.saa
	}
	return schemas.DateOf(at.Time()) <= l.window.To
}

// verdictOn is a removed, added or amended row and what is thought of it.
type verdictOn struct {
	change      string // added, removed, amended
	code        Code
	verdict     Verdict
	row         *txn
	counterpart string
	finding     string
}

// accountNight compares one account on one night.
type accountNight struct {
	user, account string
	institution   string
	look          *look
	st            *accountState

	removed, added []*txn
	after          []txn             // of the rows there are those that a rule may ask about
	oldest         schemas.Date      // of all there are
	listed         bool              // every change is, with what the row was
	reissued       [][2]*txn         // D2 of tonight
	restated       [][2]*txn         // rows that kept their guid, as they were and as they are
	twinned        map[string]string // rows that went, by guid: an equal one that came with it and is still there
	doubts         map[string]string // rows that went, by guid: another that may have gone in their stead
	hadPosted      int               // posted rows of the last look
	reserved       schemas.Money     // pending rows that take money out
	perhapsCut     []*txn
	coming         map[uint64]bool // series whose next row is pending
	legs           []leg           // of transfers, that came
	model          model           // of its balance
	links          []link          // of the user
	paid           *payment        // what the account says tonight

	changes   []verdictOn
	sightings []Sighting
}

func (n *accountNight) note(change string, code Code, row *txn, counterpart string) *verdictOn {
	n.changes = append(n.changes, verdictOn{change: change, code: code, verdict: changeVerdict(code), row: row, counterpart: counterpart})
	return &n.changes[len(n.changes)-1]
}

// changeVerdict is the verdict of a change: what is only worth knowing as a
// finding is benign as a row.
func changeVerdict(c Code) Verdict {
	if v := ruleOf(c).Verdict; v != Notice {
		return v
	}
	return Benign
}

// newRow is the code of an added row that takes no other's place.
const newRow Code = "new"

// compare explains what differs, as far as rows alone can tell. What it cannot
// explain stays in removed and added.
func (n *accountNight) compare(before, after *accountRows) error {
	n.hadPosted = before.keys.posted(n.look.window.From+edge, n.look.window.To-edge)
	if n.look.base == "" {
		rows, err := after.all()
		n.after = rows
		n.open(rows)
		return err
	}
	if err := n.diff(before, after); err != nil {
		return err
	}
	n.habits()
	n.count()
	for _, r := range rowRules {
		r.apply(n)
	}
	n.beside()
	n.reserve()
	n.after = nil
	return nil
}

// reserve adds up the pending rows that there are and that take money out.
func (n *accountNight) reserve() {
	for i := range n.after {
		if t := &n.after[i]; t.is(pending) && !t.is(credit) {
			n.reserved += t.signed()
		}
	}
}

// diff finds what differs between the two sorted lists of rows, by key and
// row_hash, and reads that, and what rules compare it with: pending rows, those
// of the same date, and those about the last payment.
func (n *accountNight) diff(before, after *accountRows) error {
	went, came, err := differing(before, after)
	if err != nil {
		return err
	}
	n.oldest = never
	for _, d := range after.keys.dates {
		if d != nullDate {
			n.oldest = schemas.Date(d)
			break
		}
	}
	var wanted []int
	if n.learns() {
		wanted = after.every()
		n.after, err = after.all()
	} else {
		wanted = n.wanted(before, after, went, came)
		n.after, err = after.pickUndated(wanted, nil)
	}
	if err != nil {
		return err
	}
	n.added = make([]*txn, 0, len(came))
	for i, k := 0, 0; k < len(came); i++ {
		if wanted[i] == came[k] {
			n.added = append(n.added, &n.after[i])
			k++
		}
	}
	brief, err := n.outside(before, went)
	if err != nil {
		return err
	}
	removed, err := before.pick(went, brief)
	if err != nil {
		return err
	}
	n.removed = pointers(removed)
	n.changes = make([]verdictOn, 0, len(went)+len(came))
	return n.dateTwins(after, wanted)
}

// dateTwins reads when the rows were created of which an equal one went, or the
// same one as it was: twins asks.
func (n *accountNight) dateTwins(after *accountRows, wanted []int) error {
	for i := range n.after {
		t := &n.after[i]
		if t.Created != 0 || !slices.ContainsFunc(n.removed, func(o *txn) bool { return o.GUID == t.GUID || o.sameContent(t) }) {
			continue
		}
		if err := after.dateCreation(t, wanted[i]); err != nil {
			return err
		}
	}
	return nil
}

// wanted returns the positions of the rows that came and of those that rules
// compare with what came and went.
func (n *accountNight) wanted(before, after *accountRows, went, came []int) []int {
	days := n.paymentDays()
	for _, i := range went {
		days = append(days, before.keys.dates[i])
	}
	for _, i := range came {
		days = append(days, after.keys.dates[i])
	}
	slices.Sort(days)
	wanted := make([]int, 0, 2*len(came))
	for i, d := range after.keys.dates {
		for len(days) > 0 && days[0] < d {
			days = days[1:]
		}
		if after.keys.pending[i] || len(days) > 0 && days[0] == d {
			wanted = append(wanted, i)
		}
	}
	return wanted
}

// outside returns the positions of the rows that are too old for the window, and of which
// nobody asks what they were: their guids are not among those that came.
func (n *accountNight) outside(before *accountRows, went []int) (out []int, err error) {
	for _, i := range went {
		if d := before.keys.dates[i]; !n.listed && d != nullDate && !before.keys.pending[i] && schemas.Date(d) < n.look.window.From {
			out = append(out, i)
		}
	}
	if len(out) == 0 || len(n.added) == 0 {
		return out, nil
	}
	guids := make(map[string]bool, len(n.added))
	for _, t := range n.added {
		guids[t.GUID] = true
	}
	if guids[""] { // which looks like one that was not read
		return nil, nil
	}
	return slices.DeleteFunc(out, func(i int) bool {
		guid, e := before.guid(i)
		err = errors.Join(err, e)
		return guids[string(guid)]
	}), err
}

// never is after every date.
const never schemas.Date = 1 << 30

func pointers(rows []txn) []*txn {
	out := make([]*txn, len(rows))
	for i := range rows {
		out[i] = &rows[i]
	}
	return out
}

// open takes the first look at an account.
func (n *accountNight) open(after []txn) {
	n.st.Booked, n.st.Pending = 0, 0
	for i := range after {
		t := &after[i]
		if t.is(pending) {
			n.st.Pending += t.signed()
			continue
		}
		n.st.Booked += t.signed()
		n.added = append(n.added, t)
	}
	n.duplicates()
	n.beside() // some pending rows stand beside their posted one already
	n.habits()
	n.reserve()
	n.added, n.after = nil, nil
}

// habits learns what the account does as a rule: from every row of the first
// look, and later from what came.
func (n *accountNight) habits() {
	opened := n.look.base == ""
	came := n.added
	for _, t := range came {
		n.st.noteCheck(t)
	}
	if opened {
		n.collectLegs(came, true)
		n.listen(n.after)
	} else {
		n.hear(came)
	}
	n.follow(came)
	n.hearPayment(n.after)
	if n.learns() {
		n.st.Learnt = schemas.DateOf(n.look.at.Time())
		n.learnSeries(n.after, n.st.Learnt)
	}
}

// learns reports whether tonight all rows are searched for series.
func (n *accountNight) learns() bool {
	return n.look.base == "" || schemas.DateOf(n.look.at.Time())-n.st.Learnt >= learnEvery
}

// expected says what did not come although it should have.
func (n *accountNight) expected(m model) {
	if !n.look.current() {
		return
	}
	n.model = m
	for _, r := range expectations {
		r.apply(n)
	}
}

// lapseAll ends all that is open about an account that is gone; should it return, it
// is said again.
func (n *accountNight) lapseAll() {
	for _, g := range n.st.Gone {
		if g.Claim != "" {
			n.sightings = append(n.sightings, Sighting{n.missing(g), Lapsed})
			g.Claim = ""
		}
	}
	for _, x := range n.st.Missing {
		n.sightings = append(n.sightings, Sighting{n.neverSeenFinding(x, model{sign: 1}), Lapsed})
	}
	n.lapse()
}

// lapse ends what is expected of an account that is gone.
func (n *accountNight) lapse() {
	for _, s := range n.st.Series {
		if s.Due != 0 {
			n.sightings = append(n.sightings, Sighting{n.seriesFinding(s), Lapsed})
		}
	}
	for _, h := range n.st.Holes {
		n.sightings = append(n.sightings, Sighting{n.checkFinding(h), Lapsed})
	}
	if s := n.st.Quiet; s != nil && s.First != "" {
		n.sightings = append(n.sightings, Sighting{n.silentFinding(), Lapsed})
	}
}

// count keeps the sums of what was booked and what is pending.
func (n *accountNight) count() {
	for _, t := range n.removed {
		if t.is(pending) {
			n.st.Pending -= t.signed()
		}
	}
	for _, t := range n.added {
		if t.is(pending) {
			n.st.Pending += t.signed()
		} else if g, _ := n.st.openQuestion(t.GUID); g == nil || g.Row.is(pending) || g.Unbooked { // else it is still booked
			n.st.Booked += t.signed()
		}
	}
}

func (a *accountState) openQuestion(guid string) (*gone, int) {
	for i, g := range a.Gone {
		if g.Row.GUID == guid {
			return g, i
		}
	}
	return nil, -1
}

// settle forgets an open question.
func (a *accountState) settle(g *gone) {
	a.Gone = slices.DeleteFunc(a.Gone, func(x *gone) bool { return x == g })
}

// edge is how near the edge of the window a row may come and go, in days: its
// date moves when it posts (mx-api.md §1.12).
const edge = 2

// left takes out what is outside what both snapshots asked for.
func (n *accountNight) left() {
	slid := int(n.look.window.From - n.look.before.From)
	days := int((n.look.at - n.look.baseAt) / (86_400_000_000))
	n.removed = slices.DeleteFunc(n.removed, func(t *txn) bool {
		if t.is(noDate) || n.look.window.Contains(t.Date) {
			return false
		}
		code := Code("W1")
		if t.Date > n.look.window.To || slid > days+2 {
			code = "X4"
		}
		if t.Date > n.look.window.To {
			n.goesAway(t, code, "")
		}
		n.note("removed", code, t, "")
		return true
	})
	n.added = slices.DeleteFunc(n.added, func(t *txn) bool {
		if t.is(noDate) || n.look.before.Contains(t.Date) || t.Date > n.look.before.To {
			return false
		}
		n.note("added", "X4", t, "") // older than what was asked for before
		if !t.is(pending) {
			n.st.Booked -= t.signed() // the balance has had it all along
		}
		return true
	})
}

// atEdge reports whether a row may have left because its date moved.
func (n *accountNight) atEdge(t *txn) bool {
	return !t.is(noDate) && (t.Date < n.look.window.From+edge || t.Date > n.look.window.To-edge)
}

// finding begins a finding about a row of this account.
func (n *accountNight) finding(c Code, t *txn) Finding {
	r := ruleOf(c)
	f := Finding{Kind: r.Kind, Code: c, Verdict: r.Verdict, IssueType: r.Issue,
		User: text(n.user), Member: text(n.st.Member), Account: text(n.account), Institution: text(n.institution), First: n.look.night, Last: n.look.night}
	if t != nil {
		f.Transaction, f.Payee = text(t.GUID), text(t.Payee)
		if f.Payee == "" {
			f.Payee = text(t.Feed)
		}
		if !t.is(noDate) {
			f.Date = text(t.Date.String())
		}
		if !t.is(noSum) {
			f.Amount, f.Type = text(plain(t.Amount)), text(t.direction())
		}
	}
	return f
}

// plain writes an amount with two decimals, more only if it has them.
func plain(m schemas.Money) string {
	s := m.String()
	if m%cent == 0 {
		return s[:len(s)-2]
	}
	return strings.TrimRight(s, "0")
}
