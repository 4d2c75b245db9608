package reconcile

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tallyport/schemas"
)

// between two looks that confirm an absence (contract.md, Findings).
const confirmAfter = 20 * time.Hour

// keptLooks is how many looks without a row are remembered.
const keptLooks = 8

// keptHeld is how long a pending row that went is remembered.
const keptHeld = 14 * 24 * time.Hour

// since is the successfully_aggregated_at of the first look without the row.
func (g *gone) since() schemas.Timestamp {
	if len(g.Looks) == 0 {
		return 1 << 62
	}
	return g.Looks[0]
}

// confirmed reports whether the row was absent from two complete looks, far
// enough apart, each after an aggregation later than the last look that had it.
func (g *gone) confirmed() bool { return len(g.without()) == 2 }

// without is the first look without the row, and the one that confirms it: two
// are enough, later ones are no news.
func (g *gone) without() []schemas.Timestamp {
	for i, a := range g.Looks {
		for _, b := range g.Looks[i+1:] {
			if between(a, b) >= confirmAfter {
				return []schemas.Timestamp{a, b}
			}
		}
	}
	return g.Looks[:min(1, len(g.Looks))]
}

// conclude ends the night of an account: what is still unexplained becomes an
// open question, and the balance is asked about all of these.
func (n *accountNight) conclude(row *accountRow, updated bool) {
	n.collectLegs(n.added, false)
	n.collectLegs(n.postedLegs(), false)
	for _, t := range n.added {
		if m := n.st.arrived(t); m != nil {
			n.note("added", "N1", t, "").finding = m.ID
			n.found(m, t)
			continue
		}
		n.note("added", newRow, t, "")
	}
	if n.look.fresh() && updated && n.look.current() {
		n.sample(row)
	}
	m, ok := learn(n.st.Samples, n.st.Type)
	n.doubtReissues(m, ok)
	first := n.firstAnswers(m, ok)
	for _, o := range n.removed {
		n.ask(o, first)
	}
	if n.look.fresh() {
		for _, g := range n.st.Gone {
			n.lookedAgain(g)
		}
	}
	n.answer(m, ok)
	n.st.Held = slices.DeleteFunc(n.st.Held, func(g *gone) bool { return between(g.since(), n.look.at) > keptHeld })
	if ok {
		n.neverSeen(m)
	}
	n.expected(m)
	n.repeatMissing(m)
	for _, g := range slices.Clone(n.st.Gone) {
		n.say(g)
	}
}

// sample notes what the balance is tonight. An account that never showed one may
// say what can be spent instead, less what is authorised (mx-api.md §1.5).
func (n *accountNight) sample(row *accountRow) {
	if row == nil {
		return
	}
	s, of := n.st.Samples, sample{At: *n.look.saa, Booked: n.st.Booked, Pending: n.st.Pending}
	known := len(s) > 0 && !s[0].Available
	switch {
	case row.balance != nil:
		if of.Balance = *row.balance; !known {
			s = nil
		}
	case row.available != nil && !known:
		of.Balance, of.Available = *row.available, true
		if !owes(n.st.Type) {
			of.Pending = n.reserved // what is announced cannot be spent yet
		}
	default:
		return
	}
	s = append(s, of)
	n.st.Samples = s[max(0, len(s)-keptSamples):]
}

// lookedAgain counts a look without the row, if it is one; of many the last.
func (n *accountNight) lookedAgain(g *gone) {
	saa := *n.look.saa
	if !n.proves(&g.Row) || g.LastSAA != nil && saa <= *g.LastSAA || slices.Contains(g.Looks, saa) || len(g.Looks) == keptLooks && g.confirmed() {
		return
	}
	g.Looks = append(g.Looks[:min(len(g.Looks), keptLooks-1)], saa)
}

// proves reports whether tonight's look would have found the row, had it been
// there: its date is well within the window.
func (n *accountNight) proves(t *txn) bool { return !n.atEdge(t) }

// book counts a pending row that went as booked, as that amount.
func (a *accountState) book(g *gone, at schemas.Timestamp, by schemas.Money) {
	a.rebook(at, by)
	g.Code, g.Booked, g.By = "P5", true, by
}

// takeBack undoes book: the row, or what it became, came and is
// counted itself.
func (a *accountState) takeBack(g *gone) {
	if g != nil && g.Booked {
		a.Booked -= cmp.Or(g.By, g.Row.signed())
	}
}

// doubtReissues takes back what was taken for a row under another guid where
// the balance says that the institution has both.
func (n *accountNight) doubtReissues(m model, ok bool) {
	if !ok || len(n.reissued) == 0 || !n.look.fresh() {
		return
	}
	delta, known := m.glance(n.st.Samples)
	var clues []clue
	for i, p := range n.reissued {
		clues = append(clues, clue{i, p[0].signed()})
	}
	both, found := m.explain(delta, clues)
	if !known || !found {
		return
	}
	for _, i := range both {
		o, t := n.reissued[i][0], n.reissued[i][1]
		n.changes = slices.DeleteFunc(n.changes, func(v verdictOn) bool { return v.code == "D2" && (v.row.GUID == o.GUID || v.row.GUID == t.GUID) })
		n.note("added", newRow, t, "")
		n.st.rebook(*n.look.saa, o.signed())
		n.removed = append(n.removed, o)
	}
}

// firstAnswers is what the balance says, on the night itself, of the rows that
// went: which of them together explain how the drift moved. It is not sure yet.
func (n *accountNight) firstAnswers(m model, ok bool) map[*txn]Code {
	if !ok || !n.look.fresh() {
		return nil
	}
	delta, known := m.glance(n.st.Samples)
	if !known {
		return nil
	}
	var clues []clue
	for i, o := range n.removed {
		switch {
		case slices.Contains(n.perhapsCut, o) || !m.tells(o.signed()):
		case o.is(pending):
			clues = append(clues, clue{i, o.signed()})
		case !n.atEdge(o):
			clues = append(clues, clue{i, -o.signed()})
		}
	}
	all := slices.Clone(clues)
	booked, found := m.explain(delta, clues)
	codes := map[*txn]Code{}
	if !found {
		if len(all) == 1 && n.removed[all[0].of].is(pending) && couldPost(n.removed[all[0].of], delta) {
			codes[n.removed[all[0].of]] = "P5" // a tip, or the rate of the day
		}
		return codes
	}
	for _, c := range all {
		o, moved := n.removed[c.of], slices.Contains(booked, c.of)
		switch {
		case o.is(pending) && moved:
			codes[o] = "P5"
		case o.is(pending):
			codes[o] = "P4"
		case moved:
			codes[o] = "V1"
		default:
			codes[o] = "Z1"
		}
	}
	return codes
}

// ask opens the question why a row is gone. What is known at first of it is in
// first.
func (n *accountNight) ask(o *txn, first map[*txn]Code) {
	g := &gone{Row: *o, LastGood: n.look.base, LastSAA: n.look.baseSAA, First: n.look.night, Stood: !n.look.fresh()}
	g.Code = "Z2"
	switch {
	case o.is(pending) && g.Stood:
		g.Code = "M3"
	case o.is(pending):
		g.Code = "P4"
	case g.Stood:
		g.Code = "M3b"
	}
	best := 0
	for _, t := range n.added {
		if s := resembles(o, t); s > best {
			best, g.Like = s, t.GUID
		}
	}
	g.Cut, g.Twin = slices.Contains(n.perhapsCut, o), n.twinned[o.GUID]
	if c := first[o]; c != "" && !g.Stood && (c != "Z1" || g.Twin == "") {
		g.Code = c
	}
	if g.Like != "" && (g.Code == "V1" || g.Code == "Z2" && first[o] == "" && !g.Cut) {
		g.Code = "C2" // both moved, or nothing tells them apart
	}
	if !g.Stood && g.Code != "P5" && n.atEdge(o) {
		n.note("removed", "W2", o, "")
		n.goesAway(o, "W2", "")
		return // near the edge its absence proves nothing
	}
	g.Doubt = n.doubts[o.GUID]
	v := n.note("removed", g.Code, o, "")
	if g.Code == "C2" {
		v.counterpart = g.Like
	}
	if ruleOf(g.Code).Kind != "" {
		v.finding = n.missingID(g)
		if g.Doubt != "" {
			v.verdict = Review
		}
	}
	n.st.Gone = append(n.st.Gone, g)
}

// answer asks the balance about open questions, night by night: which of the
// rows that vanished together explain how the drift moved.
func (n *accountNight) answer(m model, ok bool) {
	nights := map[schemas.Timestamp][]*gone{}
	var order []schemas.Timestamp
	for _, g := range n.st.Gone {
		if g.Stood || len(g.Looks) == 0 {
			continue
		}
		if nights[g.since()] == nil {
			order = append(order, g.since())
		}
		nights[g.since()] = append(nights[g.since()], g)
	}
	slices.Sort(order)
	for _, t := range order {
		n.answerNight(m, ok, t, nights[t])
	}
}

func (n *accountNight) answerNight(m model, ok bool, t schemas.Timestamp, went []*gone) {
	var delta schemas.Money
	sure := false
	if ok {
		delta, sure = m.moved(n.st.Samples, n.st.sampleAt(t))
	}
	if ok && !sure && len(went) == 1 && went[0].confirmed() && !went[0].Row.is(pending) {
		// One look at the level is enough if it moved by just that row.
		var known bool
		delta, known = m.since(n.st.Samples, n.st.sampleAt(t))
		sure = known && !m.same(delta, 0) && m.same(delta, -went[0].Row.signed())
	}
	if !sure {
		for _, g := range went {
			if g.Row.is(pending) || !g.confirmed() {
				continue
			}
			// What the first night said was not sure yet.
			if !ok && g.Code != "Z1" && g.Code != "C2" || g.Code == "Z1" && g.Claim != Confirmed {
				g.Code = "Z2"
			}
		}
		return
	}
	var clues []clue
	for i, g := range went {
		if g.Booked || !m.tells(g.Row.signed()) {
			continue
		}
		if g.Row.is(pending) {
			clues = append(clues, clue{i, g.Row.signed()})
		} else {
			clues = append(clues, clue{i, -g.Row.signed()})
		}
	}
	booked, found := m.explain(delta, clues)
	if !found && len(clues) == 1 && went[clues[0].of].Row.is(pending) && couldPost(&went[clues[0].of].Row, delta) {
		g := went[clues[0].of] // a tip, or the rate of the day
		n.blur(t)
		n.st.book(g, t, delta)
		return
	}
	for i, g := range slices.Clone(went) {
		moved := slices.Contains(booked, i)
		switch {
		case g.Booked:
			g.Code = "P5"
		case g.Row.is(pending) && found && moved:
			n.st.book(g, t, g.Row.signed())
		case g.Row.is(pending):
			if g.confirmed() { // P4: a hold that was released
				n.resolve(g, Harmless, "P4")
				g.Code, g.Claim = "P4", ""
				n.st.Held = append(n.st.Held, g)
			}
		case found && moved && g.Like != "":
			n.st.rebook(t, -g.Row.signed())
			g.Unbooked = true
			n.resolveAs(g, "C2")
		case found && moved:
			if g.confirmed() {
				n.st.rebook(t, -g.Row.signed())
				n.resolve(g, Harmless, "V1")
			} else {
				g.Code = "V1"
			}
		case found && !g.Cut && g.Twin == "" && m.tells(g.Row.signed()):
			g.Code = "Z1"
		default:
			g.Code = "Z2"
		}
	}
}

// resolveAs keeps a question open under a code that the balance cannot change
// any more.
func (n *accountNight) resolveAs(g *gone, c Code) {
	g.Code, g.Stood = c, true
}

// say reports an open question to the ledger.
func (n *accountNight) say(g *gone) {
	since := g.Row.Date
	if g.Row.is(noDate) {
		since = schemas.DateOf(g.First.Time())
	}
	if schemas.DateOf(n.look.at.Time()) > since+keptGone {
		n.resolve(g, Lapsed, g.Code)
		return
	}
	if kind := ruleOf(g.Code).Kind; kind == "" || g.Row.is(pending) && g.Code != "P5" {
		if g.Claim != "" {
			n.resolve(g, Harmless, g.Code)
		}
		return
	}
	claim := Suspected
	if g.confirmed() && (g.Booked || !g.Row.is(pending)) {
		claim = Confirmed
	}
	g.Claim = claim
	n.sightings = append(n.sightings, Sighting{n.missing(g), claim})
}

// resolve closes an open question; the ledger hears of it if it ever did.
func (n *accountNight) resolve(g *gone, claim Claim, code Code) {
	n.st.settle(g)
	if g.Claim == "" {
		return
	}
	f := n.missing(g)
	f.Code = code
	n.sightings = append(n.sightings, Sighting{f, claim})
}

func (n *accountNight) missingID(g *gone) string {
	return findingID("missing", n.user, cmp.Or(g.Of, n.st.lineage(n.account)), g.Row.GUID)
}

// missing is the finding of a row that is gone.
func (n *accountNight) missing(g *gone) Finding {
	code := g.Code
	if ruleOf(code).Kind == "" {
		code = "Z2"
	}
	f := n.finding(code, &g.Row)
	if f.Kind == accountGone { // a row of an account that went on under another guid
		f.Kind, f.Verdict, f.IssueType, f.Account = missingTransaction, Review, FailedUpdate, text(g.Of)
	}
	f.ID, f.First, f.LastGood = n.missingID(g), g.First, text(g.LastGood)
	f.Evidence = map[string]any{
		"status": g.Row.status(), "successfully_aggregated_at_last_good": instant(g.LastSAA), "probe": string(NotAsked),
		"successfully_aggregated_at_without_it": instants(g.without()),
	}
	if m, ok := learn(n.st.Samples, n.st.Type); ok {
		f.Evidence["balance_model"] = m.describe()
		if delta, sure := m.moved(n.st.Samples, n.st.sampleAt(g.since())); sure && !g.Stood {
			f.Evidence["drift_moved_by"] = plain(delta)
		}
	} else {
		f.Evidence["balance_model"] = "unreliable"
	}
	if g.Like != "" {
		f.Evidence["resembles"] = g.Like
	}
	if g.Twin != "" {
		f.Evidence["equal_row_left"] = g.Twin
	}
	if g.Doubt != "" && f.Verdict == Ticket {
		f.Verdict = Review
	}
	if g.Doubt != "" {
		f.Evidence["ambiguous_with"] = g.Doubt
	}
	f.MissingInputs = MissingInputsOf(&f)
	return f
}

func instants(all []schemas.Timestamp) []string {
	out := make([]string, len(all))
	for i, t := range all {
		out[i] = t.String()
	}
	return out
}

// describe says in words how the balance follows the rows.
func (m model) describe() string {
	s := "balance follows posted rows"
	if m.sign < 0 {
		s = "balance is what is owed"
	}
	if m.available {
		s = "no balance; what is available follows posted rows"
	}
	if m.pendings {
		s += ", pending ones included"
	}
	if m.lag > 0 {
		s += ", one aggregation late"
	}
	if m.quantum > 0 {
		s += ", to within " + plain(m.quantum)
	}
	return s
}

// Follows is what evidence says of how a balance goes with its rows.
type Follows struct {
	Available bool // there is no balance, but what can be spent
	Owed      bool // the balance is what is owed; not said of what can be spent
	Pendings  bool // pending rows count
	Late      bool // it is an aggregation behind
	Within    schemas.Money
}

// ReadFollows reads what the balance_model of a finding's evidence says; false
// if that is another sentence, such as that the model is unreliable.
func ReadFollows(says string) (f Follows, ok bool) {
	if says, ok = strings.CutPrefix(says, "no balance; what is available follows posted rows"); ok {
		f.Available = true
	} else if says, ok = strings.CutPrefix(says, "balance is what is owed"); ok {
		f.Owed = true
	} else if says, ok = strings.CutPrefix(says, "balance follows posted rows"); !ok {
		return f, false
	}
	says, f.Pendings = strings.CutPrefix(says, ", pending ones included")
	says, f.Late = strings.CutPrefix(says, ", one aggregation late")
	if says, ok = strings.CutPrefix(says, ", to within "); ok {
		f.Within, ok = schemas.ParseMoney([]byte(says))
		return f, ok
	}
	return f, says == ""
}
