package reconcile

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// memberRow is what a snapshot says of one member.
type memberRow struct {
	guid     string
	night    memberNight
	covered  bool           // there is coverage of it
	complete bool           // all its walks are
	reason   schemas.Reason // of the first that is not
	listed   bool           // it stands in the members table
	saa      *schemas.Timestamp
	accounts map[string]*accountRow
}

// accountRow is what a snapshot says of one account.
type accountRow struct {
	member   string
	typ      string
	tail     string
	currency string
	balance  *schemas.Money
	// available is what can be spent of an account or, on credit, what cannot.
	available *schemas.Money
	closed    bool
	paid      *payment           // the last one
	updated   *schemas.Timestamp // updated_at
}

// userRow is what a snapshot says of one user, but for the transactions.
type userRow struct {
	guid     string
	listed   bool // it stands in the users table
	disabled bool
	whole    bool           // its list of members is complete
	reason   schemas.Reason // why it is not
	members  map[string]*memberRow
}

// snapshotFacts is what holds for a whole snapshot.
type snapshotFacts struct {
	id       snapshot.ID
	at       schemas.Timestamp // observed_at
	window   schemas.Window
	allUsers bool // every user was listed, so one that is not there is gone
	named    bool // only some users were asked for
}

// userNight compares one user on one night.
type userNight struct {
	facts *snapshotFacts
	now   *userRow
	st    *userState
	rules *Options

	relinked map[string]string // member that went → the one that took its place
	held     []*accountNight   // that wait for the others
	lost     map[string][]txn  // rows of accounts that are gone
	after    map[string][]txn  // rows of the others, where an account is gone
	keeps    map[string]bool   // by member: its accounts have to be compared with each other

	resumed map[string]*memberState // accounts that are there again, and their last look

	sightings []Sighting
	changes   []userChange
	counts    *nightCounts
	stale     []staleEntry
}

// userChange is a change with the account that it belongs to.
type userChange struct {
	member, account string
	verdictOn
}

// begin settles what the tables say of user and members, before any row is read.
func (u *userNight) begin() {
	u.relinked, u.lost, u.after, u.resumed = map[string]string{}, map[string][]txn{}, map[string][]txn{}, map[string]*memberState{}
	if u.st.Members == nil {
		u.st.Members = map[string]*memberState{}
	}
	if u.st.Accounts == nil {
		u.st.Accounts = map[string]*accountState{}
	}
	u.disabled()
	u.back()
	for _, guid := range sortedKeys(u.now.members) {
		m := u.now.members[guid]
		if !m.listed {
			continue
		}
		st := u.st.Members[guid]
		if st == nil {
			st = &memberState{First: u.facts.at}
			u.st.Members[guid] = st
		}
		st.Institution = cmp.Or(m.night.Institution, st.Institution)
		m.night.UserDisabled = u.now.disabled
		var seen []Sighting
		st.Health, seen = st.Health.stale(u.now.guid, guid, m.night, u.rules.StaleAfter)
		u.sightings = append(u.sightings, seen...)
		if e, ok := st.Health.staleEntry(guid, st.Institution, u.rules.StaleAfter); ok {
			u.stale = append(u.stale, e)
		}
	}
	u.withheld()
	u.goneMembers()
	u.keeps = map[string]bool{}
	for _, st := range u.st.Accounts {
		if !u.keeps[st.Member] {
			u.keeps[st.Member] = u.keepsRows(st.Member)
		}
	}
	for _, to := range u.relinked {
		u.keeps[to] = true
	}
	for guid, st := range u.st.Members {
		u.keeps[guid] = u.keeps[guid] || len(st.Former) > 0
	}
}

// leaves reports something that is not listed any more.
func (u *userNight) leaves(guid string, f Finding) {
	u.sightings = append(u.sightings, Sighting{f, Confirmed})
	u.st.Left = append(u.st.Left, left{guid, f.ID, u.facts.at, nil})
}

// back closes what was said of users, members and accounts that are listed
// again. What left long ago is shown no more.
func (u *userNight) back() {
	if u.now.listed {
		u.st.Gone = ""
	}
	u.st.Left = slices.DeleteFunc(u.st.Left, func(l left) bool {
		if u.lists(l.GUID) {
			u.sightings = append(u.sightings, Sighting{Finding{ID: l.Finding}, Undone})
			u.resume(&l)
			return true
		}
		return between(l.At, u.facts.at) > noticeShown
	})
	if len(u.st.Left) == 0 {
		u.st.Left = nil
	}
}

// resume goes on with what was known of something that is listed again.
func (u *userNight) resume(l *left) {
	if l.Kept == nil {
		return
	}
	maps.Copy(u.st.Accounts, l.Kept.Accounts)
	if _, account := l.Kept.Accounts[l.GUID]; account {
		for _, ms := range l.Kept.Members {
			u.resumed[l.GUID] = ms
		}
		return
	}
	for _, guid := range sortedKeys(l.Kept.Members) {
		if u.st.Members[guid] == nil {
			u.st.Members[guid] = l.Kept.Members[guid]
			u.st.Members[guid].Gone = ""
		}
	}
}

// keptOf is where is kept what is known of something that left tonight, as long
// as it may return; nil if nothing is.
func (u *userNight) keptOf(guid string) *kept {
	for i := range u.st.Left {
		if l := &u.st.Left[i]; l.GUID == guid && l.At == u.facts.at {
			if l.Kept == nil {
				l.Kept = &kept{Members: map[string]*memberState{}, Accounts: map[string]*accountState{}}
			}
			return l.Kept
		}
	}
	return nil
}

// lists reports whether the user, or a member or account of that guid is there.
func (u *userNight) lists(guid string) bool {
	if guid == u.now.guid {
		return u.now.listed
	}
	for _, m := range u.now.members {
		if m.guid == guid && m.listed || m.accounts[guid] != nil {
			return true
		}
	}
	return false
}

// disabled reports a user that is, once, and that it no longer is.
func (u *userNight) disabled() {
	f := Finding{Kind: userDisabled, Code: "U2", Verdict: Notice, IssueType: NoIssue, User: text(u.now.guid), First: u.facts.id, Last: u.facts.id}
	switch {
	case u.now.disabled:
		if u.st.Disabled == "" {
			u.st.Disabled = u.facts.id
		}
		f.First = u.st.Disabled
		f.ID = findingID(string(userDisabled), u.now.guid, string(u.st.Disabled))
		u.sightings = append(u.sightings, Sighting{f, Confirmed})
	case u.st.Disabled != "":
		f.First = u.st.Disabled
		f.ID = findingID(string(userDisabled), u.now.guid, string(u.st.Disabled))
		claim := Undone
		if !u.now.listed {
			claim = Lapsed
		}
		u.sightings = append(u.sightings, Sighting{f, claim})
		u.st.Disabled = ""
	}
}

// withheld makes of a disabled user's members what they are: not looked at, and not
// to be aggregated. MX withholds its data, or shows empty lists (mx-api.md §1.5).
func (u *userNight) withheld() {
	if !u.now.disabled {
		return
	}
	for _, m := range u.now.members {
		m.complete, m.reason = false, schemas.Disabled
	}
	for _, guid := range sortedKeys(u.st.Members) {
		st := u.st.Members[guid]
		if m := u.now.members[guid]; m != nil && m.listed {
			continue
		}
		n := memberNight{Snapshot: u.facts.id, ObservedAt: u.facts.at, Succeeded: st.Health.Success, Institution: st.Institution, UserDisabled: true}
		var seen []Sighting
		st.Health, seen = st.Health.stale(u.now.guid, guid, n, u.rules.StaleAfter)
		u.sightings = append(u.sightings, seen...)
	}
}

// goneMembers finds members that are not listed any more, and those that took
// their place.
func (u *userNight) goneMembers() {
	if !u.now.whole && u.now.listed || u.now.disabled {
		return
	}
	for _, guid := range sortedKeys(u.st.Members) {
		st := u.st.Members[guid]
		if m := u.now.members[guid]; st.Gone != "" || m != nil && (m.listed || m.covered && !m.complete && m.reason != schemas.NotFound) {
			continue
		}
		st.Gone = u.facts.id
		u.sightings = append(u.sightings, st.Health.lapse(Finding{User: text(u.now.guid), Member: text(guid), Institution: text(st.Institution)})...)
		if !u.now.listed {
			u.relinked[guid] = ""
			continue // the user went, not the member
		}
		code := Code("M1")
		for _, other := range sortedKeys(u.now.members) {
			o := u.now.members[other]
			if prev := u.st.Members[other]; o.listed && prev != nil && prev.Base == "" && between(prev.First, u.facts.at) <= relinkWithin && prev.Institution == st.Institution && !taken2(u.relinked, other) {
				code, u.relinked[guid] = "M2", other
				break
			}
		}
		r := ruleOf(code)
		f := Finding{ID: findingID(string(r.Kind), guid, string(u.facts.id)), Kind: r.Kind, Code: code, Verdict: r.Verdict, IssueType: r.Issue,
			User: text(u.now.guid), Member: text(guid), Institution: text(st.Institution), First: u.facts.id, Last: u.facts.id, LastGood: text(st.Base)}
		if code == "M2" {
			f.Evidence = map[string]any{"new_member_guid": u.relinked[guid]}
		} else {
			u.relinked[guid] = ""
		}
		u.leaves(guid, f)
	}
}

// relinkWithin is how long before the old member's end the new one may have come.
const relinkWithin = 72 * time.Hour

func taken2(m map[string]string, v string) bool {
	for _, x := range m {
		if x == v {
			return true
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}

// goneCode is why a whole member's rows are not there, "" if they should be.
func (u *userNight) goneCode(member string) Code {
	switch {
	case !u.now.listed:
		return "U1"
	case u.relinked[member] != "":
		return "M2"
	}
	if _, gone := u.relinked[member]; gone {
		return "M1"
	}
	return ""
}

// keepsRows reports whether an account of the member is gone, and its rows may
// be found in another one.
func (u *userNight) keepsRows(member string) bool {
	m := u.now.members[member]
	if m == nil || !m.complete {
		return false
	}
	for guid, st := range u.st.Accounts {
		if st.Member == member && m.accounts[guid] == nil {
			return true
		}
	}
	return false
}

// account takes the rows of one account, as the member's last complete look
// and as this night has them.
func (u *userNight) account(guid, member string, before, after *accountRows) error {
	m := u.now.members[member]
	ms := u.st.Members[member]
	if code := u.goneCode(member); code != "" || m == nil || ms == nil {
		if code == "" {
			return ms.carry(guid, before) // a disabled user's members are not even listed
		}
		rows, err := before.all()
		if code == "M2" {
			u.lost[guid] = rows
			return err
		}
		for i := range rows {
			u.change(member, guid, "removed", code, &rows[i], "")
		}
		return errors.Join(err, ms.carry(guid, before)) // it may return
	}
	from := ms
	if was := u.resumed[guid]; was != nil {
		from, before = was, rowsAtHand(u.now.guid, guid, was.Carried[guid])
	}
	if !m.complete {
		return ms.carry(guid, before)
	}
	row := m.accounts[guid]
	st := u.st.Accounts[guid]
	if row == nil && st != nil && ms.Base != "" && after.len() == 0 {
		rows, err := before.all()
		u.lost[guid] = rows
		return err
	}
	l := &look{night: u.facts.id, at: u.facts.at, base: from.Base, baseAt: from.BaseAt, baseSAA: from.BaseSAA, saa: m.saa, before: from.BaseWindow, window: u.facts.window}
	if st == nil {
		st = &accountState{Member: member, First: u.facts.id}
		u.st.Accounts[guid] = st
		l.base = "" // all its rows are new with it
	}
	st.Member = member
	n := &accountNight{user: u.now.guid, account: guid, institution: ms.Institution, look: l, st: st, links: u.st.Links, listed: u.rules.Changes}
	if row != nil {
		st.Type, st.Tail, st.Closed, st.Zero = row.typ, row.tail, row.closed, row.balance != nil && *row.balance == 0
		n.paid = row.paid
	}
	if err := n.compare(before, after); err != nil {
		return err
	}
	if l.base != "" {
		u.counts.compared++
	} else {
		u.counts.apart++
	}
	u.counts.posted += int64(before.len())
	u.held = append(u.held, n)
	news := l.base == "" && ms.Base != ""
	if !news && !u.keeps[member] {
		return nil
	}
	rows, err := after.all()
	if news {
		for i := range rows {
			n.note("added", newRow, &rows[i], "")
		}
	}
	if u.keeps[member] {
		u.after[guid] = rows
	}
	return err
}

// carry keeps the rows of the member's last complete look, because tonight
// nobody looked: the next look is compared with them.
func (st *memberState) carry(account string, before *accountRows) error {
	if st == nil || st.Base == "" || before.len() == 0 {
		return nil
	}
	rows, err := before.all()
	if st.Carried == nil {
		st.Carried = map[string][]txn{}
	}
	st.Carried[account] = rows
	return err
}

// end compares across accounts, settles every account, and moves the member's
// last complete look to this night.
func (u *userNight) end() {
	for _, r := range userRules {
		r.apply(u)
	}
	changes := 0
	for _, n := range u.held {
		changes += len(n.changes)
	}
	u.changes = slices.Grow(u.changes, changes)
	for _, n := range u.held {
		for _, v := range n.changes {
			u.changes = append(u.changes, userChange{n.st.Member, n.account, v})
		}
		u.sightings = append(u.sightings, n.sightings...)
	}
	u.counterparts()
	for _, guid := range sortedKeys(u.st.Members) {
		st, m := u.st.Members[guid], u.now.members[guid]
		switch {
		case st.Gone != "":
			u.forget(guid)
		case m == nil || !m.covered:
			why := u.now.reason
			if u.now.disabled {
				why = schemas.Disabled
			}
			u.notLookedAt(guid, why)
		case m.complete:
			st.Base, st.BaseWindow, st.BaseSAA, st.BaseAt, st.Carried = u.facts.id, u.facts.window, m.saa, u.facts.at, nil
			u.counts.complete++
		default:
			u.counts.incomplete[reasonOf(m)]++
			u.notLookedAt(guid, m.reason)
		}
	}
	if u.now.listed && u.now.reason.Gap() && len(u.now.members) == 0 {
		u.counts.incomplete[string(u.now.reason)]++ // at least one that nobody knows
	}
	if !u.rules.Changes {
		return // they are only counted
	}
	slices.SortStableFunc(u.changes, func(a, b userChange) int {
		return cmp.Or(strings.Compare(a.member, b.member), strings.Compare(a.account, b.account), cmp.Compare(a.row.Date, b.row.Date), strings.Compare(a.row.GUID, b.row.GUID), strings.Compare(a.change, b.change))
	})
}

// concludeAll asks the balance of every account about what no rule explains.
func (u *userNight) concludeAll() {
	for _, n := range u.held {
		row, updated := u.now.members[n.st.Member].accounts[n.account], true
		if row != nil {
			updated = n.st.updatedBy(row.updated)
		}
		n.conclude(row, updated)
	}
}

// notLookedAt lists a member of whom tonight nothing is known.
func (u *userNight) notLookedAt(member string, why schemas.Reason) {
	code := Code("X1")
	switch why {
	case schemas.Torn:
		code = "X3"
	case schemas.Disabled:
		code = "U2"
	case notAskedFor:
		code = "X4"
	}
	for _, a := range u.st.Accounts {
		if a.Member == member {
			u.counts.apart++
		}
	}
	u.changes = append(u.changes, userChange{member: member, verdictOn: verdictOn{change: "not_looked_at", code: code, verdict: Unknown, row: new(txn)}})
}

// notAskedFor is why nobody looked at a user whom --users does not name.
const notAskedFor schemas.Reason = "not_asked_for"

func reasonOf(m *memberRow) string { return cmp.Or(string(m.reason), "unknown") }

// change lists a row of a user, member or account that is gone; the finding is
// about that.
func (u *userNight) change(member, account, change string, code Code, t *txn, counterpart string) {
	v := verdictOn{change: change, code: code, verdict: changeVerdict(code), row: t, counterpart: counterpart}
	for _, l := range u.st.Left {
		if l.At == u.facts.at && (l.GUID == account || l.GUID == member || l.GUID == u.now.guid) {
			v.finding = l.Finding
		}
	}
	u.changes = append(u.changes, userChange{member, account, v})
}

// updatedBy notes an account's updated_at, and reports whether it moved since it
// was last seen. Where it did not although the member was aggregated, a job that
// fetches no balance ran. An account that does not say is taken to be up to date.
func (a *accountState) updatedBy(at *schemas.Timestamp) bool {
	if at == nil {
		return true
	}
	moved := *at > a.Updated
	a.Updated = max(a.Updated, *at)
	return moved
}

// forget closes what was open about a member that is gone. What is known of it is
// kept for a time, unless another member took its place.
func (u *userNight) forget(member string) {
	ms := u.st.Members[member]
	of := u.keptOf(u.now.guid)
	if u.now.listed && u.relinked[member] == "" {
		of = u.keptOf(member)
	}
	for _, guid := range sortedKeys(u.st.Accounts) {
		st := u.st.Accounts[guid]
		if st.Member != member {
			continue
		}
		n := &accountNight{user: u.now.guid, account: guid, institution: ms.Institution, look: &look{night: u.facts.id, at: u.facts.at}, st: st}
		n.lapseAll()
		u.sightings = append(u.sightings, n.sightings...)
		if delete(u.st.Accounts, guid); of != nil {
			of.Accounts[guid] = st
		}
	}
	if delete(u.st.Members, member); of != nil {
		of.Members[member] = ms
	}
}
