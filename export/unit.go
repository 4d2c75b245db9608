package export

import (
	"context"
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// unitTry is one try of a unit: members, the lists below them, and the two
// readings of status that frame these.
type unitTry struct {
	*userWalk
	members   []listedMember
	wholeUser bool // transactions are one list of the user's

	status  []schemas.Walk // by member: both readings, as one walk
	before  []*schemas.MemberStatus
	after   []*schemas.MemberStatus
	walks   []schemas.Walk
	of      []int // the member of each walk, -1: all of them
	runs    []*snapshot.Run
	suspect []bool // of each walk: empty though it should not be
}

func (n *unitTry) run(ctx context.Context) error {
	k := len(n.members)
	n.status = make([]schemas.Walk, k)
	n.before, n.after = make([]*schemas.MemberStatus, k), make([]*schemas.MemberStatus, k)
	for i := range n.members {
		if err := n.readStatus(ctx, i, &n.before[i]); err != nil {
			return err
		}
	}
	for i := range n.members {
		if err := n.self(ctx, i); err != nil {
			return err
		}
		if n.gone(i) {
			continue
		}
		if err := n.lists(ctx, i); err != nil {
			return err
		}
	}
	if n.wholeUser {
		if _, err := n.list(ctx, -1, n.transactions("", "")); err != nil {
			return err
		}
	}
	for i := range n.members {
		if n.gone(i) {
			continue
		}
		if err := n.readStatus(ctx, i, &n.after[i]); err != nil {
			return err
		}
	}
	return nil
}

// gone reports whether the member was not there when it was to be walked.
func (n *unitTry) gone(i int) bool {
	return n.before[i] == nil && n.status[i].Reason == schemas.NotFound
}

// readStatus reads the member's status into *s, which stays nil if that fails.
func (n *unitTry) readStatus(ctx context.Context, i int, s **schemas.MemberStatus) error {
	status, w, err := n.src.Status(ctx, n.id, n.members[i].id)
	if err != nil {
		return err
	}
	w = n.withheld(w)
	if w.Complete() {
		*s = &status
	}
	n.addReading(i, w)
	return nil
}

// addReading adds a reading of the member itself to its walk of status: one
// row of coverage stands for all of them.
func (n *unitTry) addReading(i int, w schemas.Walk) {
	sum := &n.status[i]
	w.List = schemas.List{Resource: schemas.MemberStatusResource, User: n.id, Member: n.members[i].id}
	w.Tries += sum.Tries
	w.Pages += sum.Pages
	w.RequestIDs = append(sum.RequestIDs, w.RequestIDs...)
	if sum.Tries > 0 && !sum.Complete() {
		w.Reason, w.Detail = sum.Reason, sum.Detail
	}
	*sum = w
}

// self adds the member's own row. It was listed before its status was read; if
// the two disagree a job has begun or ended since, and the member is read again.
func (n *unitTry) self(ctx context.Context, i int) error {
	m := n.members[i]
	rows := &schemas.Rows{Table: schemas.Members}
	for _, r := range m.rows {
		rows.AppendRow(r)
	}
	agrees, err := n.agrees(i)
	if err != nil {
		return err
	}
	if !agrees {
		again, w, err := n.src.Read(ctx, schemas.List{Resource: schemas.MembersResource, User: n.id}, string(m.id))
		if err != nil {
			return err
		}
		n.addReading(i, n.withheld(w))
		if w.Complete() {
			rows = again
		}
	}
	run := n.batch.Run(schemas.Members)
	n.runs = append(n.runs, run)
	return run.Add(rows)
}

// agrees reports whether the member's row says what its status said. Without a
// status there is nothing to compare.
func (n *unitTry) agrees(i int) (bool, error) {
	if n.before[i] == nil {
		return true, nil
	}
	t := schemas.Members
	vals := make([]schemas.Value, t.Width())
	for _, r := range n.members[i].rows {
		if err := t.Decode(r, vals); err != nil {
			return false, err
		}
		listed := schemas.MemberStatus{
			AggregatedAt:             instant(vals[t.Index("aggregated_at")]),
			SuccessfullyAggregatedAt: instant(vals[t.Index("successfully_aggregated_at")]),
		}
		if busy := vals[t.Index("is_being_aggregated")]; busy.Set {
			b := busy.Int != 0
			listed.IsBeingAggregated = &b
		}
		if !listed.SameData(*n.before[i]) {
			return false, nil
		}
	}
	return true, nil
}

func instant(v schemas.Value) *schemas.Timestamp {
	if !v.Set {
		return nil
	}
	ts := schemas.Timestamp(v.Int)
	return &ts
}

// lists walks everything below one member.
func (n *unitTry) lists(ctx context.Context, i int) error {
	m := n.members[i].id
	accounts, err := n.list(ctx, i, schemas.List{Resource: schemas.AccountsResource, User: n.id, Member: m})
	if err != nil {
		return err
	}
	switch n.plan.Scope {
	case schemas.MemberScope:
		if _, err := n.list(ctx, i, n.transactions(m, "")); err != nil {
			return err
		}
	case schemas.AccountScope:
		ids, err := accountIDs(accounts)
		if err != nil {
			return err
		}
		for _, a := range ids {
			if _, err := n.list(ctx, i, n.transactions(m, a)); err != nil {
				return err
			}
		}
	}
	_, err = n.list(ctx, i, schemas.List{Resource: schemas.AccountOwnersResource, User: n.id, Member: m})
	return err
}

// accountIDs returns the guids of the accounts, sorted, each once.
func accountIDs(run *snapshot.Run) ([]schemas.AccountID, error) {
	vals := make([]schemas.Value, schemas.Accounts.Width())
	var ids []schemas.AccountID
	err := run.Each(func(row schemas.Row) error {
		if err := schemas.Accounts.Decode(row, vals); err != nil {
			return err
		}
		ids = append(ids, schemas.AccountID(vals[0].Text))
		return nil
	})
	slices.Sort(ids)
	return slices.Compact(ids), err
}

func (n *unitTry) transactions(m schemas.MemberID, a schemas.AccountID) schemas.List {
	return schemas.List{Resource: schemas.TransactionsResource, User: n.id, Member: m, Account: a, Window: n.plan.Window}
}

func (n *unitTry) list(ctx context.Context, member int, l schemas.List) (*snapshot.Run, error) {
	w, run, err := n.walk(ctx, l)
	n.walks, n.of, n.runs = append(n.walks, w), append(n.of, member), append(n.runs, run)
	n.suspect = append(n.suspect, false)
	return run, err
}

// moved reports whether a job began or ended on a member while it was walked.
func (n *unitTry) moved() bool {
	for i := range n.members {
		if n.memberMoved(i) {
			return true
		}
	}
	return false
}

func (n *unitTry) memberMoved(i int) bool {
	return n.before[i] != nil && n.after[i] != nil && !n.before[i].SameData(*n.after[i])
}

// findSuspects marks lists that are empty though the member's last complete
// snapshot has rows that should still be there, and no job has succeeded since
// that could have taken them away. It reports whether there are any.
func (n *unitTry) findSuspects() (bool, error) {
	if n.o.Past == nil {
		return false, nil
	}
	found := false
	for i, m := range n.members {
		accounts, transactions := n.rowsOf(i, schemas.AccountsResource), n.rowsOf(i, schemas.TransactionsResource)
		if n.after[i] == nil || accounts > 0 && transactions > 0 {
			continue
		}
		past, err := n.o.Past.Member(n.id, m.id)
		if err != nil {
			return false, err
		}
		if past == nil || !sameInstant(past.SuccessfullyAggregatedAt, n.after[i].SuccessfullyAggregatedAt) {
			continue
		}
		if accounts == 0 && past.Accounts > 0 {
			found = n.markSuspect(i, schemas.AccountsResource) || found
		}
		if transactions > 0 || past.Transactions == 0 {
			continue
		}
		had, err := n.o.Past.HasTransactions(past.Snapshot, n.id, m.id, n.plan.Window)
		if err != nil {
			return false, err
		}
		if had {
			found = n.markSuspect(i, schemas.TransactionsResource) || found
		}
	}
	return found, nil
}

func sameInstant(a, b *schemas.Timestamp) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// rowsOf is the number of rows that the member's walks of the resource found.
func (n *unitTry) rowsOf(member int, r schemas.Resource) int {
	rows := 0
	for k, w := range n.walks {
		if w.Resource == r && (n.of[k] == member || n.of[k] < 0) {
			rows += w.Rows
		}
	}
	return rows
}

// markSuspect marks the member's complete walks of the resource.
func (n *unitTry) markSuspect(member int, r schemas.Resource) bool {
	found := false
	for k, w := range n.walks {
		if w.Resource == r && w.Complete() && (n.of[k] == member || n.of[k] < 0) {
			n.suspect[k], found = true, true
		}
	}
	return found
}

// discard forgets the rows of the try.
func (n *unitTry) discard() {
	for _, r := range n.runs {
		r.Reset()
	}
}

// finish writes down the walks of the last try.
func (n *unitTry) finish() {
	incomplete := make([]bool, len(n.members))
	mark := func(member int) {
		for i := range incomplete {
			if member == i || member < 0 {
				incomplete[i] = true
			}
		}
	}
	for k := range n.walks {
		w := &n.walks[k]
		switch i := n.of[k]; {
		case w.Reason == schemas.NotFound && i >= 0 && n.after[i] != nil:
			w.Reason, w.Detail = schemas.HTTPError, "not found, though the member is there"
		case !w.Complete():
		case n.suspect[k] && n.disabled:
			w.Reason = schemas.Disabled
		case n.suspect[k]:
			w.Reason, w.Detail = schemas.SuspiciousEmpty, "no row, though an earlier snapshot has some and nothing was aggregated since"
		case n.of[k] >= 0 && n.memberMoved(n.of[k]), n.of[k] < 0 && n.moved():
			w.Reason, w.Detail = schemas.Torn, "the member was aggregated while it was walked"
		}
		if !w.Complete() {
			mark(n.of[k])
		}
		if i := n.of[k]; i >= 0 {
			n.record(*w, n.before[i], n.after[i])
		} else {
			n.record(*w, nil, nil)
		}
	}
	for i, w := range n.status {
		if !w.Complete() {
			mark(i)
		}
		n.record(w, n.before[i], n.after[i])
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, bad := range incomplete {
		if bad {
			n.outcome.Members.Incomplete++
		} else {
			n.outcome.Members.Complete++
		}
	}
}
