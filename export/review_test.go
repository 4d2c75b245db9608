package export_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"tallyport/export"
	"tallyport/schemas"
	"tallyport/snapshot"
)

// A user is finished when all its members are: an error in a member that was
// walked beside the others must be known before the user is committed.
func TestMemberErrorBeforeCommit(t *testing.T) {
	fatal := errors.New("quota")
	for i := range 300 {
		s := newScript(1, 2)
		s.fatal["account_owners USR-00 MBR-00-0 "] = fatal
		st := newStore(t)
		ctx := context.Background()
		w, err := snapshot.Begin(ctx, st, firstNight, planOf(schemas.MemberScope), scriptTime)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = export.Run(ctx, s, w, nil); !errors.Is(err, fatal) {
			t.Fatalf("run %d: %v", i, err)
		}
		if n := w.Committed(); n != 0 {
			t.Fatalf("run %d: %d users are committed, their member was not read", i, n)
		}
		w.Close()
	}
}

type stopped struct{}

func (stopped) Error() string { return "stopped by a signal" }

// Wherever a run is interrupted, it says by what.
func TestInterruptedEverywhere(t *testing.T) {
	for _, at := range []string{"users   ", "members USR-00  ", "transactions USR-01 MBR-01-0 ", "read institutions bank-0"} {
		ctx, cancel := context.WithCancelCause(context.Background())
		s := newScript(2, 1)
		s.hook = func(what string) {
			if what == at {
				cancel(stopped{})
			}
		}
		s.fatal = map[string]error{at: context.Canceled}
		st := newStore(t)
		w, err := snapshot.Begin(ctx, st, firstNight, planOf(schemas.MemberScope), scriptTime)
		if err != nil {
			t.Fatal(err)
		}
		_, err = export.Run(ctx, s, w, nil)
		if !errors.As(err, new(stopped)) {
			t.Errorf("at %q: %v", at, err)
		}
		w.Close()
	}
}

// A part of the users must not pass for all of them.
func TestShortRoster(t *testing.T) {
	s := newScript(3, 1)
	s.fail["users   "] = schemas.Walk{Pages: 1, Rows: 2, TotalFirst: 3, TotalLast: 3, HTTPStatus: 500, Reason: schemas.HTTPError}
	st := newStore(t)
	if _, err := runScript(st, s, firstNight, planOf(schemas.MemberScope), nil); err == nil || !strings.Contains(err.Error(), "list of users") {
		t.Errorf("a list of users that broke off: %v", err)
	}
	if ids, err := snapshot.List(st); err != nil || len(ids) != 0 {
		t.Errorf("published %v, %v", ids, err)
	}

	s = newScript(3, 1)
	s.fail["users   "] = schemas.Walk{Reason: schemas.Torn}
	half := 0.5
	if _, err := runScript(newStore(t), s, firstNight, planOf(schemas.MemberScope), &export.Options{MaxGaps: &half}); !errors.Is(err, export.ErrTooManyGaps) {
		t.Errorf("a torn list of users, at most half of the members may be missing: %v", err)
	}
}

// A store is bound by keys that work, not by the first that were tried.
func TestBoundByAnswer(t *testing.T) {
	st := newStore(t)
	wrong, right := planOf(schemas.MemberScope), planOf(schemas.MemberScope)
	wrong.Client = "typo"
	s := newScript(1, 1)
	s.fatal["users   "] = errors.New("401")
	if _, err := runScript(st, s, firstNight, wrong, nil); err == nil {
		t.Fatal("no error")
	}
	if err := os.RemoveAll(st.Path("_staging")); err != nil {
		t.Fatal(err)
	}
	if _, err := runScript(st, newScript(1, 1), firstNight, right, nil); err != nil {
		t.Error(err)
	}
	if _, err := runScript(st, newScript(1, 1), secondNight, wrong, nil); !errors.Is(err, snapshot.ErrBound) {
		t.Errorf("another client: %v", err)
	}
}

// Damage to an old snapshot does not stand in the way of new ones.
func TestDamagedPast(t *testing.T) {
	for _, table := range []string{"coverage", "transactions"} {
		st := newStore(t)
		s := newScript(1, 1)
		s.status = func(string, int) schemas.MemberStatus { return schemas.MemberStatus{SuccessfullyAggregatedAt: at(-1)} }
		if _, err := runScript(st, s, firstNight, planOf(schemas.MemberScope), nil); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(st.Path(table)); err != nil {
			t.Fatal(err)
		}
		s.rows["MBR-00-0"] = 0
		if _, err := runScript(st, s, secondNight, planOf(schemas.MemberScope), nil); err != nil {
			t.Errorf("without the %s of the night before: %v", table, err)
		}
	}
}

// What is not found below something that is there is an error.
func TestNotFoundBelow(t *testing.T) {
	s := newScript(2, 1)
	s.fail["transactions USR-00 MBR-00-0 "] = schemas.Walk{HTTPStatus: 404, Reason: schemas.NotFound}
	s.fail["members USR-01  "] = schemas.Walk{HTTPStatus: 404, Reason: schemas.NotFound}
	st := newStore(t)
	m, err := runScript(st, s, firstNight, planOf(schemas.MemberScope), nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Status != snapshot.StatusPartial || len(m.Gaps) != 2 || m.Gaps[0].Reason != schemas.HTTPError || m.Gaps[1].Reason != schemas.HTTPError {
		t.Errorf("%s, gaps %v", m.Status, m.Gaps)
	}
	if m.Members != (snapshot.MemberCount{Incomplete: 2}) {
		t.Errorf("%+v: a user whose members nobody knows counts as one", m.Members)
	}
}

// A named user who is not there is asked for again once the run was kept back;
// if nobody is there nothing is kept.
func TestUnknownUsers(t *testing.T) {
	const gone = "read users USR-01"
	notFound := schemas.Walk{Reason: schemas.NotFound, HTTPStatus: 404, Tries: 1}
	s := newScript(2, 1)
	s.fail[gone] = notFound
	st := newStore(t)
	plan := planOf(schemas.MemberScope)
	plan.Users = "sha256:x"
	none := 0.0
	run := func() (*snapshot.Manifest, *export.Progress, error) {
		p := new(export.Progress)
		m, err := runScript(st, s, firstNight, plan, &export.Options{Users: []schemas.UserID{"USR-00", "USR-01"}, MaxGaps: &none, Progress: p})
		return m, p, err
	}
	for range 2 {
		if _, p, err := run(); !errors.Is(err, export.ErrTooManyGaps) || p.Unknown.Load() != 1 {
			t.Fatalf("%d unknown: %v", p.Unknown.Load(), err)
		}
	}
	s.asked = nil
	delete(s.fail, gone)
	m, p, err := run()
	if err != nil || p.Unknown.Load() != 0 || m.Tables["users"].Rows != 2 {
		t.Fatalf("once the user is there: %d unknown, %v: %v", p.Unknown.Load(), m, err)
	}
	if strings.Contains(strings.Join(s.asked, "\n"), "USR-00") {
		t.Errorf("a user who was finished is asked for again: %q", s.asked)
	}

	s.fail[gone], s.fail["read users USR-00"] = notFound, notFound
	st = newStore(t)
	if _, _, err := run(); !errors.Is(err, export.ErrNoUser) {
		t.Fatal(err)
	}
	if entries, err := st.List("_staging"); err != nil || len(entries) != 0 {
		t.Errorf("left in staging: %v %v", entries, err)
	}
}
