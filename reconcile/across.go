package reconcile

import (
	"slices"

	"tallyport/schemas"
)

// mergedShare is how much of an account must be found in another one for it to
// have been merged into it, or issued again as it, in thousandths.
const mergedShare = 600

// goneAccounts explains accounts of members that are there: closed, merged,
// issued again, or deleted.
func (u *userNight) goneAccounts() {
	for _, guid := range sortedKeys(u.lost) {
		st := u.st.Accounts[guid]
		if st == nil || u.goneCode(st.Member) != "" {
			continue
		}
		before := u.lost[guid]
		into, pairs := u.home(st, before)
		code := Code("A2")
		switch {
		case into != "" && u.st.Accounts[into].First == u.facts.id:
			code = "A4"
		case into != "":
			code = "A3"
		case st.Closed || st.Zero:
			code = "A1"
		}
		f := Finding{ID: findingID(string(accountGone), guid, string(u.facts.id)), Kind: accountGone, Code: code, Verdict: Notice, IssueType: NoIssue,
			User: text(u.now.guid), Member: text(st.Member), Account: text(guid), Institution: text(u.st.Members[st.Member].Institution), First: u.facts.id, Last: u.facts.id, LastGood: text(u.st.Members[st.Member].Base)}
		n := &accountNight{user: u.now.guid, account: guid, institution: u.st.Members[st.Member].Institution, st: st, look: u.lookOf(st.Member)}
		if into != "" {
			f.Evidence = map[string]any{"continues_as": into, "rows_found_there": len(pairs)}
			if home := u.st.Accounts[into]; home.Lineage == "" && code == "A4" {
				home.Lineage = st.lineage(guid)
			}
		}
		u.leaves(guid, f)
		u.listLost(n, before, pairs, code, into)
		n.lapseAll()
		u.sightings = append(u.sightings, n.sightings...)
		delete(u.st.Accounts, guid)
		if into == "" { // it may return
			ms, of := *u.st.Members[st.Member], u.keptOf(guid)
			ms.Carried, ms.Former = map[string][]txn{guid: before}, nil
			of.Accounts[guid], of.Members[st.Member] = st, &ms
		}
	}
}

func (u *userNight) lookOf(member string) *look {
	ms, m := u.st.Members[member], u.now.members[member]
	return &look{night: u.facts.id, at: u.facts.at, base: ms.Base, baseAt: ms.BaseAt, baseSAA: ms.BaseSAA, saa: m.saa, before: ms.BaseWindow, window: u.facts.window}
}

// home finds the account that has most of the rows of one that is gone, and
// the rows by which it was found.
func (u *userNight) home(st *accountState, before []txn) (into string, pairs map[string]string) {
	inside := 0
	for i := range before {
		if t := &before[i]; u.facts.window.Contains(t.Date) && !t.is(pending) {
			inside++
		}
	}
	into, pairs = u.likest(before, st.Member, st.Type)
	if len(pairs) == 0 || 1000*len(pairs) < mergedShare*inside {
		return "", nil
	}
	return into, pairs
}

// likest is the member's account of that type that has the most of the rows, and
// which they are there.
func (u *userNight) likest(rows []txn, member, typ string) (account string, pairs map[string]string) {
	for _, other := range sortedKeys(u.after) {
		if o := u.st.Accounts[other]; o != nil && o.Member == member && o.Type == typ {
			if found := sameRows(rows, u.after[other]); len(found) > len(pairs) {
				account, pairs = other, found
			}
		}
	}
	return account, pairs
}

// sameRows pairs rows of two accounts one to one by what they say: amount,
// type, text, and a date at most a day apart.
func sameRows(before, after []txn) map[string]string {
	type content struct {
		amount schemas.Money
		flags  txnFlags
		feed   string
	}
	at := map[content][]*txn{}
	for i := range after {
		t := &after[i]
		k := content{t.Amount, t.Flags, t.Feed}
		at[k] = append(at[k], t)
	}
	out := map[string]string{}
	for i := range before {
		o := &before[i]
		k := content{o.Amount, o.Flags, o.Feed}
		for j, t := range at[k] {
			if t == nil { // taken
				continue
			}
			if d := int(t.Date - o.Date); d >= -1 && d <= 1 {
				out[o.GUID] = t.GUID
				at[k][j] = nil
				break
			}
		}
	}
	return out
}

// listLost lists the rows of an account that is gone one by one. Rows of a
// merged or reissued account that are not in the other one are missing.
func (u *userNight) listLost(n *accountNight, before []txn, pairs map[string]string, code Code, into string) {
	moved := code == "A3" || code == "A4"
	var missing []*txn
	for i := range before {
		t := &before[i]
		switch {
		case pairs[t.GUID] != "" || !moved || t.is(pending) || n.atEdge(t) || !t.is(noDate) && !u.facts.window.Contains(t.Date):
			u.change(n.st.Member, n.account, "removed", code, t, pairs[t.GUID])
		default:
			missing = append(missing, t)
		}
	}
	for _, t := range missing {
		f := n.finding(code, t)
		f.Kind, f.Verdict, f.IssueType = missingTransaction, Review, FailedUpdate
		f.ID = findingID("missing", u.now.guid, n.st.lineage(n.account), t.GUID)
		f.LastGood = text(n.look.base)
		f.Evidence = map[string]any{"account_continues_as": into, "status": t.status()}
		f.MissingInputs = MissingInputsOf(&f)
		u.sightings = append(u.sightings, Sighting{f, Suspected})
		u.change(n.st.Member, n.account, "removed", code, t, "")
		v := &u.changes[len(u.changes)-1]
		v.verdict, v.finding = Review, f.ID
		// It waits for its second look in the account that took over.
		if home := u.st.Accounts[into]; home != nil {
			home.Gone = append(home.Gone, &gone{Row: *t, LastGood: n.look.base, LastSAA: n.look.baseSAA, First: u.facts.id, Stood: true, Code: code, Claim: Suspected, Of: n.st.lineage(n.account)})
		}
	}
}

// relink finds the rows of a member that was connected anew, and what of its
// history the new connection has not, once that was aggregated: before, it cannot
// have anything yet.
func (u *userNight) relink() {
	for _, guid := range sortedKeys(u.lost) {
		st := u.st.Accounts[guid]
		if st == nil || u.goneCode(st.Member) != "M2" {
			continue
		}
		to, ms := u.relinked[st.Member], u.st.Members[st.Member]
		f := former{Account: guid, Member: st.Member, Type: st.Type, Lineage: st.lineage(guid), Base: ms.Base, Rows: u.lost[guid]}
		var pairs map[string]string
		if u.aggregated(to) {
			pairs = u.inherit(to, &f)
		} else {
			u.st.Members[to].Former = append(u.st.Members[to].Former, f)
		}
		for i := range f.Rows {
			u.change(st.Member, guid, "removed", "M2", &f.Rows[i], pairs[f.Rows[i].GUID])
		}
	}
	for _, guid := range sortedKeys(u.st.Members) {
		if ms := u.st.Members[guid]; len(ms.Former) > 0 && u.aggregated(guid) {
			for i := range ms.Former {
				u.inherit(guid, &ms.Former[i])
			}
			ms.Former = nil
		}
	}
}

// aggregated reports whether all of the member was looked at, after a success.
func (u *userNight) aggregated(member string) bool {
	m := u.now.members[member]
	return m != nil && m.complete && m.saa != nil
}

// inherit finds the account of the member that continues one of a member that
// went, and reports what of its history is lost. It returns the rows by which it
// was found.
func (u *userNight) inherit(member string, f *former) map[string]string {
	into, pairs := u.likest(f.Rows, member, f.Type)
	if into != "" {
		u.st.Accounts[into].Lineage = f.Lineage
	}
	lost := 0
	for i := range f.Rows {
		t := &f.Rows[i]
		if pairs[t.GUID] == "" && !t.is(pending) && u.facts.window.Contains(t.Date) && t.Date >= u.facts.window.From+edge {
			lost++
		}
	}
	if lost == 0 {
		return pairs
	}
	r := ruleOf("M2")
	u.sightings = append(u.sightings, Sighting{Finding{ID: findingID(string(historyLost), f.Lineage, string(u.facts.id)), Kind: historyLost, Code: r.Code, Verdict: Review, IssueType: r.Issue,
		User: text(u.now.guid), Member: text(f.Member), Account: text(f.Account), Institution: text(u.st.Members[member].Institution), First: u.facts.id, Last: u.facts.id, LastGood: text(f.Base),
		Evidence: map[string]any{"rows_lost": lost, "new_member_guid": member, "continues_as": into}}, Confirmed})
	return pairs
}

// moved finds rows that stand under another account of the same member now.
func (u *userNight) moved() {
	for _, n := range u.held {
		n.removed = slices.DeleteFunc(n.removed, func(o *txn) bool {
			for _, other := range u.held {
				if other == n || other.st.Member != n.st.Member {
					continue
				}
				for _, t := range other.added {
					if t.GUID == o.GUID && t.signed() != o.signed() {
						other.namesTwo(o, t) // something else now
						continue
					}
					if t.GUID != o.GUID && !t.sameContent(o) {
						continue
					}
					other.added = without(other.added, t)
					v := other.note("amended", "C4", t, "")
					if t.GUID != o.GUID {
						v.counterpart = o.GUID
					}
					if !o.is(pending) { // whose books it is on only the balances know
						other.st.Booked -= t.signed()
					}
					return true
				}
			}
			return false
		})
	}
}

// counterparts gives added rows the code of the row whose place they took, where
// that was found out after they were noted.
func (u *userNight) counterparts() {
	places := map[string]*userChange{}
	for i := range u.changes {
		if c := &u.changes[i]; c.change == "removed" && c.counterpart != "" {
			places[c.counterpart] = c
		}
	}
	for i := range u.changes {
		c := &u.changes[i]
		if o := places[c.row.GUID]; o != nil && c.change == "added" && c.code == newRow {
			c.code, c.verdict, c.counterpart = o.code, changeVerdict(o.code), o.row.GUID
		}
	}
}
