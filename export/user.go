package export

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// maxTries is how often a member's lists are read, in all, when the member
// moves under the reader (contract.md, coverage).
const maxTries = 3

// userWalk is the walk of one user.
type userWalk struct {
	*run
	id       schemas.UserID
	disabled bool
	batch    *snapshot.Batch

	mu      sync.Mutex // guards what follows: members may be walked at once
	outcome snapshot.Outcome
	proof   schemas.Rows // coverage rows
}

// user walks one user and commits what it found. It is the unit of work of a
// run: everything about the user, or nothing.
func (r *run) user(ctx context.Context, roster schemas.Row) error {
	vals := make([]schemas.Value, schemas.Users.Width())
	if err := schemas.Users.Decode(roster, vals); err != nil {
		return err
	}
	u := &userWalk{run: r, id: schemas.UserID(vals[0].Text), proof: schemas.Rows{Table: schemas.Coverage}}
	var err error
	if u.batch, err = r.out.Batch(u.id); err != nil {
		return err
	}
	there, err := u.self(ctx, roster)
	if err != nil {
		return err
	}
	if there {
		if err := u.members(ctx); err != nil {
			return err
		}
	}
	return u.commit(ctx)
}

func (u *userWalk) commit(ctx context.Context) error {
	if err := u.batch.Run(schemas.Coverage).Add(&u.proof); err != nil {
		return err
	}
	u.outcome.Requests = u.src.Requests()
	gaps := int64(len(u.outcome.Gaps))
	if err := u.batch.Commit(ctx, u.outcome); err != nil {
		return err
	}
	u.o.Progress.Gaps.Add(gaps)
	u.o.Progress.UsersDone.Store(u.out.Committed())
	if u.o.Progress.Changed != nil {
		u.o.Progress.Changed()
	}
	return nil
}

// self adds the user's own row. A user of a list that was given by guid is
// read first; it reports whether there is such a user.
func (u *userWalk) self(ctx context.Context, roster schemas.Row) (bool, error) {
	rows := &schemas.Rows{Table: schemas.Users}
	if u.o.Users == nil {
		rows.AppendRow(roster)
	} else {
		var walk schemas.Walk
		var err error
		if rows, walk, err = u.src.Read(ctx, schemas.List{Resource: schemas.UsersResource}, string(u.id)); err != nil {
			return false, err
		}
		walk.List = schemas.List{Resource: schemas.UsersResource, User: u.id}
		u.record(walk, nil, nil)
		if walk.Reason == schemas.NotFound {
			u.outcome.Unknown = true
			if u.unknown.Add(1) <= ShownUnknown {
				u.o.Log.Warn("a named user does not exist", "user", u.id)
			}
			return false, nil
		}
	}
	vals := make([]schemas.Value, schemas.Users.Width())
	for i := range rows.Len() {
		if err := schemas.Users.Decode(rows.At(i), vals); err != nil {
			return false, err
		}
		u.disabled = isDisabled(vals)
	}
	u.o.Progress.Rows.Add(int64(rows.Len()))
	return true, u.batch.Run(schemas.Users).Add(rows)
}

// record writes down a walk: its coverage row, and a gap if it is one.
func (u *userWalk) record(w schemas.Walk, before, after *schemas.MemberStatus) {
	u.mu.Lock()
	defer u.mu.Unlock()
	w.AppendCoverage(&u.proof, before, after)
	u.outcome.ObservedAt = max(u.outcome.ObservedAt, w.ObservedAt)
	if w.Reason.Gap() {
		u.outcome.Gaps = append(u.outcome.Gaps, snapshot.Gap{User: w.User, Member: w.Member, Resource: w.Resource, Reason: w.Reason})
		u.gapLine(w.List, w)
	}
}

// walk reads one list into a run of its own.
func (u *userWalk) walk(ctx context.Context, l schemas.List) (schemas.Walk, *snapshot.Run, error) {
	run := u.batch.Run(tableOf(l.Resource))
	w, err := u.src.Walk(ctx, l, tries(run))
	w.List = l
	u.o.Progress.Rows.Add(int64(w.Rows))
	if err == nil {
		err = run.Done()
	}
	return u.withheld(w), run, err
}

func tableOf(r schemas.Resource) *schemas.Table {
	t, ok := schemas.TableNamed(string(r))
	if !ok {
		panic("export: no table for " + r) // resources that are listed are tables
	}
	return t
}

func (u *userWalk) withheld(w schemas.Walk) schemas.Walk { return withheld(w, u.disabled) }

// withheld marks what MX refuses for a disabled user. Which status it refuses
// with is not documented (mx-api.md §1.12): any 4xx counts.
func withheld(w schemas.Walk, disabled bool) schemas.Walk {
	if disabled && !w.Complete() && w.HTTPStatus >= 400 && w.HTTPStatus < 500 {
		w.Reason = schemas.Disabled
	}
	return w
}

// isDisabled reads the flag from the cells of a users row.
func isDisabled(vals []schemas.Value) bool {
	d := vals[schemas.Users.Index("is_disabled")]
	return d.Set && d.Int != 0
}

// listedMember is a member as the list of members has it.
type listedMember struct {
	id   schemas.MemberID
	rows []schemas.Row // more than one if the list contradicted itself
}

// members walks the user's members and everything below them.
func (u *userWalk) members(ctx context.Context) error {
	l := schemas.List{Resource: schemas.MembersResource, User: u.id}
	rows, walk, err := collect(ctx, u.src, l)
	if err != nil {
		return err
	}
	walk.List = l
	if walk = u.withheld(walk); walk.Reason == schemas.NotFound {
		if err := u.doubt(ctx, &walk); err != nil {
			return err
		}
	}
	u.record(walk, nil, nil)
	members, err := u.listed(rows)
	if err != nil {
		return err
	}
	if len(members) == 0 {
		if walk.Reason.Gap() {
			u.outcome.Members.Incomplete++ // at least one that we know nothing of
		}
		return nil
	}
	if u.plan.Scope == schemas.UserScope {
		return u.unit(ctx, members, true)
	}
	return u.each(ctx, members)
}

// doubt reads the user whose list of members is not there. If the user is, the
// list should be: that is an error, not a user who went away.
func (u *userWalk) doubt(ctx context.Context, walk *schemas.Walk) error {
	_, self, err := u.src.Read(ctx, schemas.List{Resource: schemas.UsersResource}, string(u.id))
	if err == nil && self.Complete() {
		walk.Reason, walk.Detail = schemas.HTTPError, "not found, though the user is there"
	}
	return err
}

// listed groups the rows of the list by member, in the order of their guids,
// and notes their institutions.
func (u *userWalk) listed(rows *schemas.Rows) ([]listedMember, error) {
	t := schemas.Members
	code := t.Index("institution_code")
	vals := make([]schemas.Value, t.Width())
	var members []listedMember
	for i := range rows.Len() {
		if err := t.Decode(rows.At(i), vals); err != nil {
			return nil, err
		}
		id := schemas.MemberID(vals[0].Text)
		at, found := slices.BinarySearchFunc(members, id, func(m listedMember, id schemas.MemberID) int { return strings.Compare(string(m.id), string(id)) })
		if !found {
			members = slices.Insert(members, at, listedMember{id: id})
		}
		members[at].rows = append(members[at].rows, rows.At(i))
		if c := vals[code]; c.Set {
			u.outcome.Institutions = append(u.outcome.Institutions, schemas.InstitutionCode(c.Text))
		}
	}
	slices.Sort(u.outcome.Institutions)
	u.outcome.Institutions = slices.Compact(u.outcome.Institutions)
	return members, nil
}

// each walks the members, at once as far as the run has nothing else to do.
func (u *userWalk) each(ctx context.Context, members []listedMember) error {
	var wg sync.WaitGroup
	failed := make([]error, len(members)) // known before the user can be committed
	for i, m := range members {
		walk := func() error {
			defer wg.Done()
			failed[i] = u.unit(ctx, []listedMember{m}, false)
			return failed[i]
		}
		wg.Add(1)
		if !u.group.TryGo(walk) && walk() != nil {
			break
		}
	}
	wg.Wait()
	return cmp.Or(errors.Join(failed...), ctx.Err())
}

// unit walks members between two readings of their status. While a member
// moved in between, or a list is empty that should not be, everything in the
// unit is walked again, three times in all.
func (u *userWalk) unit(ctx context.Context, members []listedMember, wholeUser bool) error {
	var total []int // tries of each walk, summed over the tries of the unit
	for try := 1; ; try++ {
		n := &unitTry{userWalk: u, members: members, wholeUser: wholeUser}
		if err := n.run(ctx); err != nil {
			return err
		}
		for i, w := range n.walks {
			if i == len(total) {
				total = append(total, 0)
			}
			total[i] += w.Tries
		}
		suspect, err := n.findSuspects()
		if err != nil {
			return err
		}
		if (n.moved() || suspect) && try < maxTries {
			n.discard()
			continue
		}
		for i := range n.walks {
			n.walks[i].Tries = max(n.walks[i].Tries, total[i])
		}
		n.finish()
		return nil
	}
}
