package reconcile

import (
	"context"
	"errors"
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// Judgement is what a night made of a transaction: the line of changes.csv of
// the transaction itself, or of one whose counterpart it is.
type Judgement struct {
	Snapshot    snapshot.ID    `json:"snapshot"`
	Change      string         `json:"change"`
	Code        Code           `json:"code"`
	Verdict     Verdict        `json:"verdict"`
	Says        string         `json:"says"`
	Transaction string         `json:"transaction_guid"`
	Counterpart text           `json:"counterpart_guid"`
	Evidence    map[string]any `json:"evidence,omitempty"` // while the question is open why it went
}

// replay judges all nights of the user again, in memory and as reconcile does:
// codes that make no finding are kept nowhere but in reports that list changes.
func (x *explaining) replay(ctx context.Context, st snapshot.Store, all []*snapshot.Manifest) error {
	user := &userState{User: x.user}
	var before *snapshot.Reader
	for _, m := range all {
		now, err := snapshot.Open(st, m.ID)
		if err != nil {
			return err
		}
		n := &unitNight{facts: factsOf(m), o: &Options{StaleAfter: usualStaleAfter, Changes: true}, prev: before, now: now, counts: newCounts()}
		if err := x.night(ctx, n, user); err != nil {
			return unread(m.ID, err)
		}
		x.judged(n.changes, m.ID)
		x.unsettled(user, m.ID)
		if user, err = asKept(user); err != nil {
			return err
		}
		before = now
	}
	return nil
}

// night judges the user on one night.
func (x *explaining) night(ctx context.Context, n *unitNight, user *userState) error {
	rows, err := readTables(ctx, n.now, shardOf(n.now, x.user), n.now.Manifest().Shards)
	if err != nil {
		return err
	}
	x.rows[n.facts.id] = rows.users[x.user]
	was, is := userAccounts(ctx, n.prev, x.user), userAccounts(ctx, n.now, x.user)
	if err = errors.Join(was.err, is.err); err == nil {
		err = n.user(user, x.rows[n.facts.id], was, is)
	}
	return errors.Join(err, was.close(), is.close())
}

// asKept is the state as the next night finds it.
func asKept(user *userState) (*userState, error) {
	next := &userState{User: user.User}
	if user.over() {
		return next, nil
	}
	return next, readUser(appendUser(nil, user), next)
}

func shardOf(r *snapshot.Reader, user string) int {
	return schemas.UserID(user).Shard(r.Manifest().Shards)
}

// userAccounts is openAccounts for one user: of those before it next to nothing
// is read.
func userAccounts(ctx context.Context, r *snapshot.Reader, user string) *accountStream {
	s := new(accountStream)
	if r == nil {
		return s
	}
	var part *partRows
	if part, s.err = openPart(ctx, r, shardOf(r, user)); s.err != nil {
		return s
	}
	s.parts = []*partRows{part}
	if part.row, s.err = firstRow(r, user); s.err == nil {
		s.err = part.next()
	}
	s.least()
	return s
}

// firstRow is the first row of a user in its part, or where it would be; 0
// where the part has to be read row by row.
func firstRow(r *snapshot.Reader, user string) (row int64, err error) {
	c, err := r.OpenColumns(schemas.Transactions, shardOf(r, user), []string{"user_guid"})
	if c == nil || err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for row < c.Rows() {
		n, err := c.Load(row)
		if err != nil || string(c.Text(0, row)) >= user {
			return row, err
		}
		row += int64(c.Same(0, row, n))
	}
	return row, nil
}

// judged keeps what a night's changes say of the transaction: its own lines,
// and those of which it is the counterpart, but for the other one of a pair.
func (x *explaining) judged(changes []changeLine, night snapshot.ID) {
	keep := func(l *changeLine) {
		x.out.Judgements = append(x.out.Judgements, Judgement{Snapshot: night, Change: l.Change, Code: Code(l.Code), Verdict: Verdict(l.Verdict),
			Says: Says(Code(l.Code)), Transaction: l.Transaction, Counterpart: text(l.Counterpart)})
	}
	var paired []string
	for i := range changes {
		if l := &changes[i]; l.Transaction == x.guid {
			keep(l)
			paired = append(paired, l.Counterpart)
		}
	}
	for i := range changes {
		if l := &changes[i]; l.Counterpart == x.guid && !slices.Contains(paired, l.Transaction) {
			keep(l)
		}
	}
}

// unsettled keeps the evidence as long as it is asked why the transaction went.
func (x *explaining) unsettled(user *userState, night snapshot.ID) {
	for guid, a := range user.Accounts {
		g, _ := a.openQuestion(x.guid)
		if g == nil {
			continue
		}
		n := &accountNight{user: x.user, account: guid, st: a, look: &look{night: night}}
		evidence := n.missing(g).Evidence
		delete(evidence, "probe") // nobody asks for what is no finding
		for i := range x.out.Judgements {
			if j := &x.out.Judgements[i]; j.Snapshot == g.First && j.Change == "removed" && j.Transaction == x.guid {
				j.Evidence = evidence
			}
		}
	}
}

// untold leaves out the judgements of nights of which a finding tells.
func (x *explaining) untold(ledger *Ledger) {
	for i := range x.out.Findings {
		f := &x.out.Findings[i]
		if string(f.Transaction) != x.guid {
			continue
		}
		from, to := ledger.place(f.First), ledger.place(f.Last)
		for _, e := range f.Events {
			to = max(to, ledger.place(e.Snapshot))
		}
		x.out.Judgements = slices.DeleteFunc(x.out.Judgements, func(j Judgement) bool {
			at := ledger.place(j.Snapshot)
			return from <= at && at <= to
		})
	}
}
