package export_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tallyport/export"
	"tallyport/schemas"
	"tallyport/snapshot"
)

// script is a Source whose answers a test writes down: lists of guids, and
// what goes wrong with them.
type script struct {
	users    []string
	disabled map[string]bool
	members  map[string][]string // of a user
	accounts map[string][]string // of a member
	rows     map[string]int      // transactions of a member or an account
	fail     map[string]schemas.Walk
	fatal    map[string]error
	status   func(member string, reading int) schemas.MemberStatus
	hook     func(what string)

	mu       sync.Mutex
	asked    []string
	readings map[string]int
}

var scriptTime = time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)

func newScript(users, members int) *script {
	s := &script{disabled: map[string]bool{}, members: map[string][]string{}, accounts: map[string][]string{}, rows: map[string]int{},
		fail: map[string]schemas.Walk{}, fatal: map[string]error{}, readings: map[string]int{}}
	for u := range users {
		user := fmt.Sprintf("USR-%02d", u)
		s.users = append(s.users, user)
		for m := range members {
			member := fmt.Sprintf("MBR-%02d-%d", u, m)
			account := fmt.Sprintf("ACT-%02d-%d", u, m)
			s.members[user] = append(s.members[user], member)
			s.accounts[member] = []string{account}
			s.rows[member], s.rows[account] = 3, 3
		}
	}
	return s
}

// ask notes a question and returns what the script says goes wrong with it.
func (s *script) ask(what string) (schemas.Walk, bool, error) {
	s.mu.Lock()
	s.asked = append(s.asked, what)
	s.mu.Unlock()
	if s.hook != nil {
		s.hook(what)
	}
	w, bad := s.fail[what]
	return w, bad, s.fatal[what]
}

func (s *script) Requests() schemas.Requests {
	s.mu.Lock()
	defer s.mu.Unlock()
	return schemas.Requests{Total: int64(len(s.asked))}
}

func okWalk(n int) schemas.Walk {
	return schemas.Walk{Pages: 1, Rows: n, DistinctGUIDs: n, TotalFirst: n, TotalLast: n, HTTPStatus: 200, Tries: 1, ObservedAt: schemas.TimestampOf(scriptTime)}
}

func (s *script) Walk(ctx context.Context, l schemas.List, page func(int, *schemas.Rows) error) (schemas.Walk, error) {
	what := string(l.Resource) + " " + string(l.User) + " " + string(l.Member) + " " + string(l.Account)
	bad, failing, err := s.ask(what)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return schemas.Walk{}, err
	}
	rows := s.list(l)
	w := okWalk(rows.Len())
	if failing {
		if bad.Reason == schemas.Torn { // the last try's rows are delivered
			for try := 1; try <= 3; try++ {
				if err := page(try, rows); err != nil {
					return w, err
				}
			}
			w.Tries, w.Reason = 3, bad.Reason
			return w, nil
		}
		bad.Tries = 1
		return bad, nil
	}
	err = page(1, rows)
	if err != nil && l.Resource == schemas.UsersResource { // only looked whether the door is open
		s.mu.Lock()
		s.asked[slices.Index(s.asked, what)] = "knock"
		s.mu.Unlock()
	}
	return w, err
}

func (s *script) list(l schemas.List) *schemas.Rows {
	t, _ := schemas.TableNamed(string(l.Resource))
	rows := &schemas.Rows{Table: t}
	add := func(guid string, more map[string]schemas.Value) {
		vals := make([]schemas.Value, t.Width())
		vals[0] = schemas.TextValue(guid)
		for name, v := range map[string]schemas.Value{"user_guid": schemas.TextValue(l.User), "member_guid": schemas.TextValue(l.Member)} {
			if i, ok := t.Lookup([]byte(name)); ok {
				vals[i] = v
			}
		}
		for name, v := range more {
			vals[t.Index(name)] = v
		}
		rows.Append(vals)
	}
	switch l.Resource {
	case schemas.UsersResource:
		for _, u := range s.users {
			add(u, map[string]schemas.Value{"is_disabled": schemas.BoolValue(s.disabled[u])})
		}
	case schemas.MembersResource:
		for _, m := range s.members[string(l.User)] {
			add(m, s.memberCells(m, 1))
		}
	case schemas.AccountsResource:
		for _, a := range s.accounts[string(l.Member)] {
			add(a, nil)
		}
	case schemas.TransactionsResource:
		for _, m := range s.members[string(l.User)] {
			for _, a := range s.accounts[m] {
				if l.Member != "" && l.Member != schemas.MemberID(m) || l.Account != "" && l.Account != schemas.AccountID(a) {
					continue
				}
				for i := range s.rows[m] {
					add(fmt.Sprintf("TRN-%s-%d", a, i), map[string]schemas.Value{
						"account_guid": schemas.TextValue(a), "member_guid": schemas.TextValue(m), "date": schemas.IntValue(schemas.DateOf(scriptTime) - schemas.Date(10+i)),
						"amount": schemas.IntValue(10_000 * (i + 1)),
					})
				}
			}
		}
	case schemas.AccountOwnersResource:
		for _, a := range s.accounts[string(l.Member)] {
			add("ACO-"+a, map[string]schemas.Value{"account_guid": schemas.TextValue(a)})
		}
	}
	return rows
}

// memberCells is what the member's own record says at a reading of its status.
func (s *script) memberCells(m string, reading int) map[string]schemas.Value {
	cells := map[string]schemas.Value{"institution_code": schemas.TextValue("bank-" + m[len(m)-1:])}
	if s.status == nil {
		return cells
	}
	st := s.status(m, reading)
	if st.AggregatedAt != nil {
		cells["aggregated_at"] = schemas.IntValue(*st.AggregatedAt)
	}
	if st.SuccessfullyAggregatedAt != nil {
		cells["successfully_aggregated_at"] = schemas.IntValue(*st.SuccessfullyAggregatedAt)
	}
	if st.IsBeingAggregated != nil {
		cells["is_being_aggregated"] = schemas.BoolValue(*st.IsBeingAggregated)
	}
	return cells
}

func (s *script) Read(ctx context.Context, l schemas.List, id string) (*schemas.Rows, schemas.Walk, error) {
	bad, failing, err := s.ask("read " + string(l.Resource) + " " + id)
	t, _ := schemas.TableNamed(string(l.Resource))
	rows := &schemas.Rows{Table: t}
	if err != nil || failing {
		return rows, bad, err
	}
	vals := make([]schemas.Value, t.Width())
	vals[0] = schemas.TextValue(id)
	if l.Resource == schemas.MembersResource {
		vals[t.Index("user_guid")] = schemas.TextValue(l.User)
		s.mu.Lock()
		n := s.readings[id]
		s.mu.Unlock()
		for name, v := range s.memberCells(id, n) {
			vals[t.Index(name)] = v
		}
	}
	rows.Append(vals)
	w := okWalk(1)
	w.TotalFirst, w.TotalLast = -1, -1
	return rows, w, nil
}

func (s *script) Status(ctx context.Context, u schemas.UserID, m schemas.MemberID) (schemas.MemberStatus, schemas.Walk, error) {
	s.mu.Lock()
	s.readings[string(m)]++
	n := s.readings[string(m)]
	s.mu.Unlock()
	bad, failing, err := s.ask("status " + string(m))
	if err != nil || failing {
		bad.Tries = 1
		return schemas.MemberStatus{}, bad, err
	}
	st := schemas.MemberStatus{}
	if s.status != nil {
		st = s.status(string(m), n)
	}
	return st, okWalk(1), nil
}

func at(h int) *schemas.Timestamp {
	ts := schemas.TimestampOf(scriptTime.Add(time.Duration(h) * time.Hour))
	return &ts
}

func newStore(t *testing.T) *snapshot.Dir {
	t.Helper()
	st, err := snapshot.CreateDir(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func planOf(scope schemas.Scope) snapshot.Plan {
	day := schemas.DateOf(scriptTime)
	return snapshot.Plan{Source: "atrium", Host: "test", Client: "c", Users: "all", Window: schemas.Window{From: day - 90, To: day + 5},
		Scope: scope, Institutions: export.InstitutionsReferenced, Format: snapshot.CSV}
}

func runScript(st snapshot.Store, s *script, id snapshot.ID, plan snapshot.Plan, o *export.Options) (*snapshot.Manifest, error) {
	ctx := context.Background()
	w, err := snapshot.Begin(ctx, st, id, plan, scriptTime)
	if err != nil {
		return nil, err
	}
	past, err := snapshot.OpenPast(st, id)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &export.Options{}
	}
	o.Past = past
	m, err := export.Run(ctx, s, w, o)
	return m, errors.Join(err, w.Close())
}
