package export_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyport/export"
	"tallyport/schemas"
	"tallyport/snapshot"
)

const firstNight, secondNight = snapshot.ID("20261120T020000Z"), snapshot.ID("20261121T020000Z")

// column returns what one column of a published table holds, null as "".
func column(t *testing.T, st snapshot.Store, id snapshot.ID, table *schemas.Table, names ...string) []string {
	t.Helper()
	r, err := snapshot.Open(st, id)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	err = r.Scan(context.Background(), table, names, func(vals []schemas.Value) error {
		var cells []string
		for _, n := range names {
			v, c := vals[table.Index(n)], table.Columns[table.Index(n)]
			switch {
			case !v.Set:
				cells = append(cells, "-")
			case c.Kind == schemas.Text:
				cells = append(cells, v.String())
			case c.Kind == schemas.Bool:
				cells = append(cells, fmt.Sprint(v.Int != 0))
			default:
				cells = append(cells, fmt.Sprint(v.Int))
			}
		}
		out = append(out, strings.Join(cells, " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// coverage is one line per walk: who, what, tries, why not.
func coverage(t *testing.T, st snapshot.Store, id snapshot.ID) []string {
	t.Helper()
	lines := column(t, st, id, schemas.Coverage, "user_guid", "member_guid", "account_guid", "resource", "tries", "complete", "reason")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "- - - ")
	}
	return lines
}

func TestScopes(t *testing.T) {
	for scope, want := range map[schemas.Scope][]string{
		schemas.MemberScope: {
			"institutions 1 true -", "users 1 true -",
			"USR-00 - - members 1 true -",
			"USR-00 MBR-00-0 - account_owners 1 true -", "USR-00 MBR-00-0 - accounts 1 true -", "USR-00 MBR-00-0 - member_status 2 true -", "USR-00 MBR-00-0 - transactions 1 true -",
			"USR-00 MBR-00-1 - account_owners 1 true -", "USR-00 MBR-00-1 - accounts 1 true -", "USR-00 MBR-00-1 - member_status 2 true -", "USR-00 MBR-00-1 - transactions 1 true -",
		},
		schemas.AccountScope: {
			"institutions 1 true -", "users 1 true -",
			"USR-00 - - members 1 true -",
			"USR-00 MBR-00-0 - account_owners 1 true -", "USR-00 MBR-00-0 - accounts 1 true -", "USR-00 MBR-00-0 - member_status 2 true -", "USR-00 MBR-00-0 ACT-00-0 transactions 1 true -",
			"USR-00 MBR-00-1 - account_owners 1 true -", "USR-00 MBR-00-1 - accounts 1 true -", "USR-00 MBR-00-1 - member_status 2 true -", "USR-00 MBR-00-1 ACT-00-1 transactions 1 true -",
		},
		schemas.UserScope: {
			"institutions 1 true -", "users 1 true -",
			"USR-00 - - members 1 true -", "USR-00 - - transactions 1 true -",
			"USR-00 MBR-00-0 - account_owners 1 true -", "USR-00 MBR-00-0 - accounts 1 true -", "USR-00 MBR-00-0 - member_status 2 true -",
			"USR-00 MBR-00-1 - account_owners 1 true -", "USR-00 MBR-00-1 - accounts 1 true -", "USR-00 MBR-00-1 - member_status 2 true -",
		},
	} {
		t.Run(string(scope), func(t *testing.T) {
			st := newStore(t)
			m, err := runScript(st, newScript(1, 2), firstNight, planOf(scope), nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, coverage(t, st, firstNight)); d != "" {
				t.Errorf("coverage (-want +got):\n%s", d)
			}
			if m.Status != snapshot.StatusComplete || m.Members != (snapshot.MemberCount{Complete: 2}) {
				t.Errorf("%s %+v", m.Status, m.Members)
			}
			if got := column(t, st, firstNight, schemas.Transactions, "guid"); len(got) != 6 {
				t.Errorf("transactions %v", got)
			}
			if got := column(t, st, firstNight, schemas.Institutions, "code"); !slices.Equal(got, []string{"bank-0", "bank-1"}) {
				t.Errorf("institutions %v", got)
			}
		})
	}
}

// The fewest requests that the walk can do with: two status reads a member,
// every list once.
func TestRequests(t *testing.T) {
	s := newScript(5, 2)
	m, err := runScript(newStore(t), s, firstNight, planOf(schemas.MemberScope), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(1 + 5 + 5*2*(2+3) + 2); m.Requests.Total != want {
		t.Errorf("%d requests, want %d: %v", m.Requests.Total, want, s.asked)
	}
}

// What goes wrong with one walk ends up in coverage, and is a gap or not.
func TestFailures(t *testing.T) {
	const txn = "transactions USR-01 MBR-01-0 "
	for name, c := range map[string]struct {
		ask      string
		walk     schemas.Walk
		disabled bool
		want     string // the coverage line
		gap      bool
		members  snapshot.MemberCount
	}{
		"server error": {txn, schemas.Walk{Reason: schemas.HTTPError, HTTPStatus: 500}, false, "USR-01 MBR-01-0 - transactions 1 false http_error", true, snapshot.MemberCount{Complete: 3, Incomplete: 1}},
		"timeout":      {txn, schemas.Walk{Reason: schemas.Timeout}, false, "USR-01 MBR-01-0 - transactions 1 false timeout", true, snapshot.MemberCount{Complete: 3, Incomplete: 1}},
		"torn":         {txn, schemas.Walk{Reason: schemas.Torn}, false, "USR-01 MBR-01-0 - transactions 3 false torn", true, snapshot.MemberCount{Complete: 3, Incomplete: 1}},
		"refused":      {txn, schemas.Walk{Reason: schemas.Refused, HTTPStatus: 403}, false, "USR-01 MBR-01-0 - transactions 1 false refused", true, snapshot.MemberCount{Complete: 3, Incomplete: 1}},
		"withheld":     {txn, schemas.Walk{Reason: schemas.Refused, HTTPStatus: 403}, true, "USR-01 MBR-01-0 - transactions 1 false disabled", false, snapshot.MemberCount{Complete: 3, Incomplete: 1}},
		"withheld 405": {txn, schemas.Walk{Reason: schemas.HTTPError, HTTPStatus: 405}, true, "USR-01 MBR-01-0 - transactions 1 false disabled", false, snapshot.MemberCount{Complete: 3, Incomplete: 1}},
		"a disabled user's server error is a gap": {txn, schemas.Walk{Reason: schemas.HTTPError, HTTPStatus: 500}, true, "USR-01 MBR-01-0 - transactions 1 false http_error", true, snapshot.MemberCount{Complete: 3, Incomplete: 1}},
		"members unknown":                         {"members USR-01  ", schemas.Walk{Reason: schemas.HTTPError, HTTPStatus: 500}, false, "USR-01 - - members 1 false http_error", true, snapshot.MemberCount{Complete: 2, Incomplete: 1}},
		"user gone":                               {"members USR-01  ", schemas.Walk{Reason: schemas.NotFound, HTTPStatus: 404}, false, "USR-01 - - members 1 false not_found", false, snapshot.MemberCount{Complete: 2}},
		"member gone":                             {"status MBR-01-0", schemas.Walk{Reason: schemas.NotFound, HTTPStatus: 404}, false, "USR-01 MBR-01-0 - member_status 1 false not_found", false, snapshot.MemberCount{Complete: 3, Incomplete: 1}},
		"status fails":                            {"status MBR-01-0", schemas.Walk{Reason: schemas.HTTPError, HTTPStatus: 502}, false, "USR-01 MBR-01-0 - member_status 2 false http_error", true, snapshot.MemberCount{Complete: 3, Incomplete: 1}},
		"institution fails":                       {"read institutions bank-0", schemas.Walk{Reason: schemas.HTTPError, HTTPStatus: 500, Tries: 1}, false, "institutions 1 false http_error", true, snapshot.MemberCount{Complete: 4}},
		"institution is unknown":                  {"read institutions bank-0", schemas.Walk{Reason: schemas.NotFound, HTTPStatus: 404, Tries: 1}, false, "institutions 1 false not_found", false, snapshot.MemberCount{Complete: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(2, 2)
			s.fail[c.ask] = c.walk
			if name == "user gone" {
				s.fail["read users USR-01"] = c.walk
			}
			s.disabled["USR-01"] = c.disabled
			st := newStore(t)
			m, err := runScript(st, s, firstNight, planOf(schemas.MemberScope), nil)
			if err != nil {
				t.Fatal(err)
			}
			lines := coverage(t, st, firstNight)
			if !slices.Contains(lines, c.want) {
				t.Errorf("no line %q in\n%s", c.want, strings.Join(lines, "\n"))
			}
			incomplete := 0
			for _, l := range lines {
				if strings.Contains(l, " false ") {
					incomplete++
				}
			}
			if incomplete != 1 {
				t.Errorf("%d walks are incomplete:\n%s", incomplete, strings.Join(lines, "\n"))
			}
			if got := m.Status == snapshot.StatusPartial; got != c.gap || len(m.Gaps) == 1 != c.gap {
				t.Errorf("status %s, gaps %v", m.Status, m.Gaps)
			}
			if m.Members != c.members {
				t.Errorf("members %+v, want %+v", m.Members, c.members)
			}
		})
	}
}

// A member that is gone is asked nothing more.
func TestGoneMemberIsLeftAlone(t *testing.T) {
	s := newScript(1, 1)
	s.fail["status MBR-00-0"] = schemas.Walk{Reason: schemas.NotFound, HTTPStatus: 404}
	if _, err := runScript(newStore(t), s, firstNight, planOf(schemas.MemberScope), nil); err != nil {
		t.Fatal(err)
	}
	for _, a := range s.asked {
		if strings.HasPrefix(a, "accounts") || strings.HasPrefix(a, "transactions") {
			t.Errorf("asked for %s", a)
		}
	}
}

// A member that is aggregated while it is walked is walked again, three times
// in all; each of the three figures counts.
func TestMemberMoves(t *testing.T) {
	yes, no := true, false
	for name, c := range map[string]struct {
		status func(n int) schemas.MemberStatus // n-th reading of MBR-00-0
		tries  int
		torn   bool
	}{
		"stands still":     {func(int) schemas.MemberStatus { return schemas.MemberStatus{AggregatedAt: at(-3)} }, 1, false},
		"a job began once": {func(n int) schemas.MemberStatus { return schemas.MemberStatus{AggregatedAt: at(min(n, 2))} }, 2, false},
		"one succeeded":    {func(n int) schemas.MemberStatus { return schemas.MemberStatus{SuccessfullyAggregatedAt: at(min(n, 3))} }, 2, false},
		"one ended": {func(n int) schemas.MemberStatus {
			return schemas.MemberStatus{IsBeingAggregated: map[bool]*bool{true: &yes, false: &no}[n == 1]}
		}, 2, false},
		"keeps moving": {func(n int) schemas.MemberStatus { return schemas.MemberStatus{AggregatedAt: at(n)} }, 3, true},
		"first success": {func(n int) schemas.MemberStatus {
			return map[bool]schemas.MemberStatus{true: {}, false: {SuccessfullyAggregatedAt: at(0)}}[n == 1]
		}, 2, false},
		"only its connection": {func(n int) schemas.MemberStatus {
			c := fmt.Sprint(n)
			return schemas.MemberStatus{ConnectionStatus: &c}
		}, 1, false},
	} {
		for _, scope := range []schemas.Scope{schemas.MemberScope, schemas.UserScope} {
			t.Run(name+" "+string(scope), func(t *testing.T) {
				s := newScript(1, 2)
				s.status = func(m string, n int) schemas.MemberStatus {
					if m == "MBR-00-0" {
						return c.status(n)
					}
					return schemas.MemberStatus{}
				}
				st := newStore(t)
				m, err := runScript(st, s, firstNight, planOf(scope), nil)
				if err != nil {
					t.Fatal(err)
				}
				want := fmt.Sprintf("USR-00 MBR-00-0 - accounts %d %v -", c.tries, !c.torn)
				if c.torn {
					want = strings.TrimSuffix(want, "-") + "torn"
				}
				if lines := coverage(t, st, firstNight); !slices.Contains(lines, want) {
					t.Errorf("no line %q in\n%s", want, strings.Join(lines, "\n"))
				}
				if got := column(t, st, firstNight, schemas.Transactions, "guid"); len(got) != 6 {
					t.Errorf("%d transactions after the tries, want 6", len(got))
				}
				// The member's own row says what its last status said.
				own := column(t, st, firstNight, schemas.Members, "aggregated_at", "successfully_aggregated_at", "is_being_aggregated")
				proof := column(t, st, firstNight, schemas.Coverage, "resource", "aggregated_at_before", "successfully_aggregated_at_before", "is_being_aggregated_before")
				if len(own) != 2 || !slices.Contains(proof, "member_status "+own[0]) {
					t.Errorf("members %v, coverage %v", own, proof)
				}
				// In user scope the list of transactions is all members', and torn for both.
				incomplete := int64(0)
				if c.torn {
					incomplete = map[schemas.Scope]int64{schemas.MemberScope: 1, schemas.UserScope: 2}[scope]
				}
				if m.Members.Incomplete != incomplete {
					t.Errorf("%d members are incomplete, want %d", m.Members.Incomplete, incomplete)
				}
			})
		}
	}
}

// Zero rows where there were some, and nothing that explains it.
func TestSuspiciousEmpty(t *testing.T) {
	still := func(string, int) schemas.MemberStatus { return schemas.MemberStatus{SuccessfullyAggregatedAt: at(-9)} }
	for name, c := range map[string]struct {
		change func(*script)
		want   string
	}{
		"transactions": {func(s *script) { s.rows["MBR-00-0"] = 0 }, "USR-00 MBR-00-0 - transactions 3 false suspicious_empty"},
		"accounts":     {func(s *script) { s.accounts["MBR-00-0"] = nil }, "USR-00 MBR-00-0 - accounts 3 false suspicious_empty"},
		"aggregated since": {func(s *script) {
			s.rows["MBR-00-0"] = 0
			s.status = func(string, int) schemas.MemberStatus { return schemas.MemberStatus{SuccessfullyAggregatedAt: at(-1)} }
		}, "USR-00 MBR-00-0 - transactions 1 true -"},
		"disabled since": {func(s *script) { s.rows["MBR-00-0"] = 0; s.disabled["USR-00"] = true }, "USR-00 MBR-00-0 - transactions 3 false disabled"},
		"all users":      {func(s *script) { s.users = nil }, "users 1 false suspicious_empty"},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStore(t)
			s := newScript(1, 1)
			s.status = still
			if _, err := runScript(st, s, firstNight, planOf(schemas.MemberScope), nil); err != nil {
				t.Fatal(err)
			}
			next := newScript(1, 1)
			next.status = still
			c.change(next)
			if _, err := runScript(st, next, secondNight, planOf(schemas.MemberScope), nil); err != nil {
				t.Fatal(err)
			}
			if lines := coverage(t, st, secondNight); !slices.Contains(lines, c.want) {
				t.Errorf("no line %q in\n%s", c.want, strings.Join(lines, "\n"))
			}
		})
	}
	t.Run("left the window", func(t *testing.T) {
		st := newStore(t)
		s := newScript(1, 1)
		s.status = still
		if _, err := runScript(st, s, firstNight, planOf(schemas.MemberScope), nil); err != nil {
			t.Fatal(err)
		}
		next := newScript(1, 1)
		next.status, next.rows["MBR-00-0"] = still, 0
		plan := planOf(schemas.MemberScope)
		plan.Window.From = schemas.DateOf(scriptTime) - 10 // the newest row is at its edge
		if _, err := runScript(st, next, secondNight, plan, nil); err != nil {
			t.Fatal(err)
		}
		if lines := coverage(t, st, secondNight); !slices.Contains(lines, "USR-00 MBR-00-0 - transactions 1 true -") {
			t.Errorf("rows that left the window:\n%s", strings.Join(lines, "\n"))
		}
	})
}

func TestUsersFile(t *testing.T) {
	s := newScript(5, 1)
	s.fail["read users USR-gone"] = schemas.Walk{Reason: schemas.NotFound, HTTPStatus: 404, Tries: 1}
	s.fail["read users USR-bad"] = schemas.Walk{Reason: schemas.HTTPError, HTTPStatus: 500, Tries: 1}
	st := newStore(t)
	m, err := runScript(st, s, firstNight, planOf(schemas.MemberScope), &export.Options{Users: []schemas.UserID{"USR-01", "USR-03", "USR-gone", "USR-bad"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := column(t, st, firstNight, schemas.Users, "guid"); !slices.Equal(got, []string{"USR-01", "USR-03"}) {
		t.Errorf("users %v", got)
	}
	lines := coverage(t, st, firstNight)
	for _, want := range []string{"USR-01 - - users 1 true -", "USR-gone - - users 1 false not_found", "USR-bad - - users 1 false http_error"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
	if slices.ContainsFunc(s.asked, func(a string) bool { return strings.HasPrefix(a, "users ") }) {
		t.Error("the list of users was read")
	}
	if len(m.Gaps) != 1 || m.Gaps[0].User != "USR-bad" {
		t.Errorf("gaps %v", m.Gaps)
	}
}

func TestMaxGaps(t *testing.T) {
	share := func(f float64) *float64 { return &f }
	for name, c := range map[string]struct {
		max     *float64
		publish bool
	}{"all": {nil, true}, "one in four": {share(0.25), true}, "one in five": {share(0.2), false}, "none": {share(0), false}} {
		t.Run(name, func(t *testing.T) {
			s := newScript(4, 1)
			s.fail["accounts USR-02 MBR-02-0 "] = schemas.Walk{Reason: schemas.Timeout}
			st := newStore(t)
			_, err := runScript(st, s, firstNight, planOf(schemas.MemberScope), &export.Options{MaxGaps: c.max})
			if c.publish {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, export.ErrTooManyGaps) {
				t.Fatalf("err %v", err)
			}
			if ids, _ := snapshot.List(st); len(ids) != 0 {
				t.Fatal("it was published")
			}
			again := newScript(4, 1)
			m, err := runScript(st, again, firstNight, planOf(schemas.MemberScope), &export.Options{MaxGaps: c.max})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range again.asked {
				if !strings.Contains(a, "02") && !strings.HasPrefix(a, "read institutions") && a != "knock" {
					t.Errorf("asked again for %s", a)
				}
			}
			if m.Status != snapshot.StatusComplete {
				t.Errorf("status %s", m.Status)
			}
		})
	}
}

// An error that ends the run leaves what was finished, and nothing visible.
func TestFatal(t *testing.T) {
	boom := errors.New("the keys are refused")
	s := newScript(6, 1)
	s.fatal["accounts USR-03 MBR-03-0 "] = boom
	st := newStore(t)
	if _, err := runScript(st, s, firstNight, planOf(schemas.MemberScope), &export.Options{Concurrency: 1}); !errors.Is(err, boom) {
		t.Fatalf("err %v", err)
	}
	if ids, _ := snapshot.List(st); len(ids) != 0 {
		t.Fatal("it was published")
	}
	again := newScript(6, 1)
	if _, err := runScript(st, again, firstNight, planOf(schemas.MemberScope), nil); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(again.asked, "members USR-00  ") {
		t.Error("a finished user was asked for again")
	}
	if slices.Contains(again.asked, "users   ") {
		t.Error("the list of users was read again")
	}
	if again.asked[0] != "knock" {
		t.Errorf("a resumed run began with %q", again.asked[0])
	}
}

// A cancelled context stops the run with its cause.
func TestCancel(t *testing.T) {
	cause := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(context.Background())
	s := newScript(50, 1)
	s.hook = func(what string) {
		if what == "members USR-20  " {
			cancel(cause)
		}
	}
	st := newStore(t)
	w, err := snapshot.Begin(ctx, st, firstNight, planOf(schemas.MemberScope), scriptTime)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = export.Run(ctx, s, w, &export.Options{Concurrency: 4}); !errors.Is(err, cause) {
		t.Fatalf("err %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(s.asked); n > 50*7 {
		t.Errorf("%d questions were asked", n)
	}
}

// One user's members are walked at once when there is nothing else to do.
func TestMembersFanOut(t *testing.T) {
	s := newScript(1, 8)
	var most, now int
	s.status = func(string, int) schemas.MemberStatus { return schemas.MemberStatus{} }
	gate := make(chan struct{}, 100)
	s.hook = func(what string) {
		if !strings.HasPrefix(what, "accounts") {
			return
		}
		s.mu.Lock()
		now++
		most = max(most, now)
		full := now == 4
		s.mu.Unlock()
		if full {
			for range 8 {
				gate <- struct{}{}
			}
		}
		<-gate
		s.mu.Lock()
		now--
		s.mu.Unlock()
	}
	if _, err := runScript(newStore(t), s, firstNight, planOf(schemas.MemberScope), &export.Options{Concurrency: 4}); err != nil {
		t.Fatal(err)
	}
	if most != 4 {
		t.Errorf("%d members were walked at once, want 4", most)
	}
}
