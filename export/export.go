// Package export pulls every user's rows from a Source into a snapshot, in
// parallel, resumably, with its failures written down.
package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// Source is what an export needs of an API client. An error from any of its
// methods ends the run; whatever concerns one user or member only is in the
// Walk's Reason.
type Source interface {
	// Walk reads one list, from its first page to its last, and calls page for
	// the rows of each. A try that is greater than before voids the rows of the
	// tries before it.
	Walk(ctx context.Context, l schemas.List, page func(try int, rows *schemas.Rows) error) (schemas.Walk, error)
	// Read reads the user or institution with that id; the rows hold it if it exists.
	Read(ctx context.Context, l schemas.List, id string) (*schemas.Rows, schemas.Walk, error)
	// Status reads a member's status.
	Status(ctx context.Context, u schemas.UserID, m schemas.MemberID) (schemas.MemberStatus, schemas.Walk, error)
	// Requests counts what this client has sent.
	Requests() schemas.Requests
}

// Options of a run. The zero value is the recommended setting.
type Options struct {
	// Users to export, nil for all of the client's. A subset says nothing of
	// the others.
	Users []schemas.UserID
	// Concurrency is how many users and members are walked at once, 0 for 16.
	Concurrency int
	// MaxGaps is the share of members with gaps, from 0 to 1, above which the
	// snapshot is not published; nil for 1. At 0 any gap keeps it back.
	MaxGaps *float64
	// Past is what earlier snapshots hold; nil: there are none.
	Past *snapshot.Past
	// Tool names the program in the manifest.
	Tool string
	// Progress, if set, is kept up to date while the run lasts.
	Progress *Progress
	// Log takes a line for each gap; nil drops them.
	Log *slog.Logger
}

// Progress of a run, to be read while it lasts.
type Progress struct {
	Users     atomic.Int64 // on the roster; 0 until it is known
	UsersDone atomic.Int64 // also those of earlier processes
	Rows      atomic.Int64 // received by this process
	Gaps      atomic.Int64
	Unknown   atomic.Int64 // users of Options.Users that are not there, also those of earlier processes
	// Changed, if set, is called after each user, by any goroutine.
	Changed func()
}

const defaultConcurrency = 16

// ErrTooManyGaps is returned for a snapshot that was kept back because of
// MaxGaps. What was complete is kept; a run of the same plan retries the rest.
var ErrTooManyGaps = errors.New("more gaps than allowed")

// ErrNoUser is returned if none of Options.Users is there. Nothing is kept of
// such a run: the list is wrong, or the host.
var ErrNoUser = errors.New("none of the named users exists")

// run is one export.
type run struct {
	src   Source
	out   *snapshot.Writer
	plan  snapshot.Plan
	o     Options
	group *errgroup.Group

	unknown atomic.Int64 // named users that this process did not find
}

// Run fills the snapshot and publishes it. When it returns an error the
// snapshot is unpublished and can be resumed: every user that was finished is
// kept.
func Run(ctx context.Context, src Source, out *snapshot.Writer, o *Options) (*snapshot.Manifest, error) {
	m, err := start(ctx, src, out, o)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx)) // wherever it was stopped, why
	}
	return m, err
}

func start(ctx context.Context, src Source, out *snapshot.Writer, o *Options) (*snapshot.Manifest, error) {
	r := &run{src: src, out: out, plan: out.Plan()}
	if o != nil {
		r.o = *o
	}
	if r.o.Concurrency <= 0 {
		r.o.Concurrency = defaultConcurrency
	}
	if r.o.Progress == nil {
		r.o.Progress = new(Progress)
	}
	if r.o.Log == nil {
		r.o.Log = slog.New(slog.DiscardHandler)
	}
	if !out.HasRoster() {
		if err := r.roster(ctx); err != nil {
			return nil, err
		}
	} else if err := r.knock(ctx); err != nil {
		return nil, err
	}
	r.o.Progress.Users.Store(out.Users())
	r.o.Progress.UsersDone.Store(out.Committed())
	if err := r.users(ctx); err != nil {
		return nil, err
	}
	if err := r.checkUnknown(); err != nil {
		return nil, err
	}
	if err := r.global(ctx); err != nil {
		return nil, err
	}
	if err := r.checkGaps(); err != nil {
		return nil, err
	}
	return out.Publish(ctx, r.o.Tool, src.Requests())
}

// users walks every user that is not finished. Here and in userWalk.each the
// tool fans out; the group bounds both together.
func (r *run) users(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(r.o.Concurrency)
	r.group = group
	for row, err := range r.out.Pending() {
		if err != nil {
			group.Go(func() error { return err })
			break
		}
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := inner.Err(); err != nil {
				return err
			}
			return r.user(inner, row)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// roster finds out which users there are.
func (r *run) roster(ctx context.Context) error {
	roster, err := r.out.NewRoster()
	if err != nil {
		return err
	}
	if r.o.Users != nil {
		vals := make([]schemas.Value, schemas.Users.Width())
		rows := &schemas.Rows{Table: schemas.Users}
		for _, u := range r.o.Users {
			vals[0] = schemas.TextValue(u)
			rows.Reset()
			rows.Append(vals)
			if err := roster.Add(rows); err != nil {
				return err
			}
		}
		return roster.Save(nil)
	}
	list := schemas.List{Resource: schemas.UsersResource}
	walk, err := r.src.Walk(ctx, list, tries(&roster.Run))
	if err != nil {
		return err
	}
	walk.List = list
	if !walk.Complete() {
		if walk.Reason != schemas.Torn || walk.Rows == 0 { // a part of the users must not pass for all of them
			return fmt.Errorf("the list of users could not be read (%s): %s; nothing is lost, run the same command again", walk.Reason, walk.Detail)
		}
		r.gapLine(list, walk)
	}
	if walk.Complete() && walk.Rows == 0 && r.o.Past.HasUsers() {
		walk.Reason, walk.Detail = schemas.SuspiciousEmpty, "no user, though earlier snapshots have some"
	}
	return roster.Save(&walk)
}

// ShownUnknown is how many users that are not there get a line in the log.
const ShownUnknown = 10

// checkUnknown says how many of the named users are not there, and ends a run
// without any: what it published would pass for a complete snapshot.
func (r *run) checkUnknown() error {
	if r.o.Users == nil {
		return nil
	}
	t, err := r.out.Totals()
	if err != nil || t.Unknown == 0 {
		return err
	}
	r.o.Progress.Unknown.Store(t.Unknown)
	if t.Unknown == r.out.Users() {
		err := fmt.Errorf("%w (%d asked for); nothing was published; check the list, and that it belongs to this environment and client", ErrNoUser, t.Unknown)
		return errors.Join(err, r.out.Discard())
	}
	if more := t.Unknown - min(r.unknown.Load(), ShownUnknown); more > 0 {
		r.o.Log.Warn("more of the named users do not exist", "users", more)
	}
	return nil
}

// knock reads the first page of the list of users before a resumed run goes
// on. Keys that are refused show there; a 403 further down might only be a
// disabled user's.
func (r *run) knock(ctx context.Context) error {
	_, err := r.src.Walk(ctx, schemas.List{Resource: schemas.UsersResource}, func(int, *schemas.Rows) error { return errKnocked })
	if errors.Is(err, errKnocked) {
		return nil
	}
	return err
}

var errKnocked = errors.New("enough")

// tries returns a page function that adds rows to the run and starts it again
// with each new try.
func tries(run *snapshot.Run) func(int, *schemas.Rows) error {
	last := 0
	return func(try int, rows *schemas.Rows) error {
		if try > last {
			run.Reset()
			last = try
		}
		return run.Add(rows)
	}
}

func (r *run) gapLine(l schemas.List, w schemas.Walk) {
	r.o.Log.Warn("incomplete", "resource", l.Resource, "user", l.User, "member", l.Member, "account", l.Account,
		"reason", w.Reason, "status", w.HTTPStatus, "detail", w.Detail)
}

// checkGaps keeps back a snapshot with more gaps than the user allows.
func (r *run) checkGaps() error {
	if r.o.MaxGaps == nil || *r.o.MaxGaps >= 1 {
		return nil
	}
	t, err := r.out.Totals()
	if err != nil || t.Gaps+t.Unknown == 0 {
		return err
	}
	bad, seen := t.GapMembers+t.Unknown, t.Seen+t.Unknown // who is not there counts as one member
	share := float64(bad) / float64(max(seen, 1))
	roster := slices.ContainsFunc(t.First, func(g snapshot.Gap) bool { return g.Resource == schemas.UsersResource && g.User == "" })
	if *r.o.MaxGaps > 0 && share <= *r.o.MaxGaps && !roster { // how many users are missing nobody can say
		return nil
	}
	if err := r.out.Withdraw(); err != nil {
		return err
	}
	var what []string
	if t.Gaps > 0 {
		what = append(what, fmt.Sprintf("%d of %d members incomplete (gaps: %d)", t.GapMembers, t.Seen, t.Gaps))
	}
	if t.Unknown > 0 {
		what = append(what, fmt.Sprintf("of the named users MX does not know %d", t.Unknown))
	}
	return fmt.Errorf("%w: %s; nothing was published, what is complete is kept, and the same command asks again for the rest",
		ErrTooManyGaps, strings.Join(what, "; "))
}
