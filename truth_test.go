package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"math/rand/v2"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tallyport/atrium"
	"tallyport/export"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
)

var (
	seeds   = flag.Int("seeds", 200, "worlds that TestDefaultWeather exports")
	firstly = flag.Uint64("seed", 0, "first of these worlds, 0 for a random one")
	simURL  = &url.URL{Scheme: "http", Host: "127.0.0.1:9"} // never dialled: the transport is in process
)

// client is the real client as the real export uses it.
type client struct{ *atrium.Client }

func (c client) Requests() schemas.Requests {
	n := c.Stats()
	return schemas.Requests{Total: n.Requests, Retried: n.Retried, RateLimited: n.RateLimited}
}

func newClient(t testing.TB, w *sim.World, pageSize int) client {
	t.Helper()
	keys := atrium.Credentials{APIKey: atrium.NewSecret(sim.DefaultAPIKey), ClientID: atrium.NewSecret(sim.DefaultClientID)}
	c, err := atrium.New(atrium.Atrium(simURL), keys, &atrium.Options{Transport: w.Transport(), PageSize: pageSize})
	if err != nil {
		t.Fatal(err)
	}
	return client{c}
}

func worldPlan(w *sim.World, scope schemas.Scope, format snapshot.Format) (snapshot.ID, snapshot.Plan) {
	id := snapshot.IDOf(w.Now())
	day := schemas.DateOf(w.Now())
	return id, snapshot.Plan{Source: "atrium", Host: simURL.Host, Client: snapshot.ClientHash(sim.DefaultClientID), Users: "all",
		Window: schemas.Window{From: day - 90, To: day + 5}, Scope: scope, Institutions: export.InstitutionsReferenced, Format: format}
}

// exportWorld exports the world as it is now into st.
func exportWorld(t testing.TB, w *sim.World, st snapshot.Store, scope schemas.Scope, format snapshot.Format, pageSize int) *snapshot.Manifest {
	t.Helper()
	ctx := context.Background()
	id, plan := worldPlan(w, scope, format)
	out, err := snapshot.Begin(ctx, st, id, plan, w.Now())
	if err != nil {
		t.Fatal(err)
	}
	past, err := snapshot.OpenPast(st, id)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, w, pageSize)
	m, err := export.Run(ctx, c, out, &export.Options{Past: past, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err = errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	return m
}

// In calm weather every row and field equals the truth and every member that
// MX shows is complete, in every scope and format.
func TestCalmWeather(t *testing.T) {
	seed := firstSeed(t)
	for i, scope := range []schemas.Scope{schemas.MemberScope, schemas.AccountScope, schemas.UserScope} {
		for k, format := range []snapshot.Format{snapshot.Parquet, snapshot.CSV} {
			t.Run(fmt.Sprint(scope, format), func(t *testing.T) {
				calm := sim.Calm()
				w := sim.New(sim.Config{Seed: seed + uint64(2*i+k), Users: 40, Transactions: 60, Weather: &calm, Unfit: 0.02})
				st := testStore(t)
				m := exportWorld(t, w, st, scope, format, 0)
				c := compare(t, w, st, m)
				if c.incomplete != 0 || c.complete == 0 || m.Status != snapshot.StatusComplete {
					t.Errorf("status %s; of the members that MX shows %d are complete, %d not", m.Status, c.complete, c.incomplete)
				}
				if c.rows < 1000 || c.unfit["transactions"] == 0 { // there are too few accounts to be sure of one
					t.Errorf("only %d rows and these unfit values were compared: %v", c.rows, c.unfit)
				}
				if !maps.Equal(c.counted, c.unfit) {
					t.Errorf("coverage counts as unfit %v, want %v", c.counted, c.unfit)
				}
			})
		}
	}
}

// In default weather every row of a complete member equals the truth, nearly
// all members are complete, and the others have a reason. Time is pretended,
// which the encoders of the Parquet library cannot be part of: they wander from
// one test to the next. So these snapshots are CSV.
func TestDefaultWeather(t *testing.T) {
	seed := firstSeed(t)
	n := *seeds
	if testing.Short() {
		n = 10
	}
	scopes := []schemas.Scope{schemas.MemberScope, schemas.AccountScope, schemas.UserScope}
	sizes := []int{0, 25, atrium.PageSizeAuto}
	var mu sync.Mutex
	var all tally
	group := t.Run("worlds", func(t *testing.T) {
		for i := range n {
			t.Run(fmt.Sprintf("seed=%d", seed+uint64(i)), func(t *testing.T) {
				t.Parallel()
				w := sim.New(sim.Config{Seed: seed + uint64(i), Users: 80, Transactions: 15, NoGzip: i%2 == 1})
				st := testStore(t)
				synctest.Test(t, func(t *testing.T) {
					m := exportWorld(t, w, st, scopes[i%3], snapshot.CSV, sizes[i%len(sizes)])
					c := compare(t, w, st, m)
					mu.Lock()
					all.complete += c.complete
					all.incomplete += c.incomplete
					all.rows += c.rows
					mu.Unlock()
					if share := float64(c.complete) / float64(c.complete+c.incomplete); share < 0.97 {
						t.Errorf("%d of %d members are complete (seed %d)", c.complete, c.complete+c.incomplete, seed+uint64(i))
					}
				})
			})
		}
	})
	if group {
		t.Logf("%d worlds: %d members complete, %d not, %d rows compared", n, all.complete, all.incomplete, all.rows)
	}
}

func firstSeed(t *testing.T) uint64 {
	seed := *firstly
	if seed == 0 {
		seed = rand.Uint64N(1 << 40)
	}
	t.Logf("seed %d; again with -seed %[1]d", seed)
	return seed
}

func testStore(t testing.TB) *snapshot.Dir {
	t.Helper()
	st, err := snapshot.CreateDir(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// tally is what a comparison with the truth found.
type tally struct {
	complete, incomplete int // members that MX shows
	rows                 int
	unfit, counted       map[string]int // unfit values by table: of the truth, and by the coverage of complete walks
}

// compare compares a snapshot with the truth of the world.
func compare(t *testing.T, w *sim.World, st snapshot.Store, m *snapshot.Manifest) tally {
	t.Helper()
	truth := w.Truth()
	r, err := snapshot.Open(st, m.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := readAll(t, r)
	whole := got.completeMembers(t)
	c := tally{unfit: map[string]int{}, counted: got.unfit()}
	want := map[string][]string{}
	add := func(table *schemas.Table, rec sim.Record) {
		line, unfit := expected(t, table, rec)
		c.rows++
		if unfit > 0 {
			c.unfit[table.Name] += unfit
		}
		want[table.Name] = append(want[table.Name], line)
	}
	from, to := m.Plan.Window.From.Time(), m.Plan.Window.To.Time()
	exists := map[string]bool{}
	for u := range truth.Users() {
		user := u.Text("guid")
		exists[user] = true
		add(schemas.Users, u)
		state := truth.State(user)
		for mem := range truth.Members(user) {
			member := mem.Text("guid")
			exists[member] = true
			if !whole[member] {
				if !got.admitted(user, member, state.Disabled) {
					t.Errorf("member %s of user %s is not complete, and coverage has no reason for it", member, user)
				}
				if !state.Disabled {
					c.incomplete++
				}
				continue
			}
			c.complete++
			add(schemas.Members, mem)
			for a := range truth.Accounts(user, member) {
				add(schemas.Accounts, a)
			}
			for x := range truth.Transactions(user, member, from, to) {
				add(schemas.Transactions, x)
			}
			for o := range truth.Owners(user, member) {
				add(schemas.AccountOwners, o)
			}
		}
	}
	for member := range whole {
		if whole[member] && !exists[member] {
			t.Errorf("member %s is complete and does not exist", member)
		}
	}
	wanted := got.institutions(t)
	for inst := range truth.Institutions() {
		if wanted[inst.Text("code")] {
			add(schemas.Institutions, inst)
		}
	}
	for _, table := range schemas.Tables() {
		if table == schemas.Coverage {
			continue
		}
		have := got.lines(table, whole, exists)
		slices.Sort(have)
		slices.Sort(want[table.Name])
		if !slices.Equal(have, want[table.Name]) {
			t.Errorf("%s differs from the truth:\n%s", table.Name, firstDifference(want[table.Name], have))
		}
	}
	return c
}

func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			return fmt.Sprintf("%d rows, want %d; first too many:\n%s", len(got), len(want), got[i])
		case i >= len(got):
			return fmt.Sprintf("%d rows, want %d; first missing:\n%s", len(got), len(want), want[i])
		case want[i] != got[i]:
			return fmt.Sprintf("row %d of %d (want %d):\nwant %s\ngot  %s", i, len(got), len(want), want[i], got[i])
		}
	}
	return ""
}

// stored is a snapshot's rows, each as one line of text.
type stored struct {
	rows     map[string][]storedRow
	coverage []map[string]string
}

type storedRow struct{ line, user, member, institution string }

func readAll(t *testing.T, r *snapshot.Reader) stored {
	t.Helper()
	s := stored{rows: map[string][]storedRow{}}
	for _, table := range schemas.Tables() {
		err := r.Scan(context.Background(), table, nil, func(vals []schemas.Value) error {
			var coverage map[string]string
			if table == schemas.Coverage {
				coverage = map[string]string{}
			}
			cells := make([]string, 0, len(vals))
			for i, c := range table.Columns[:len(table.Columns)-2] {
				if !vals[i].Set {
					continue
				}
				text := cellText(c.Kind, vals[i])
				switch {
				case table == schemas.Coverage:
					coverage[c.Name] = text
				case c.Name == "extra" && text != "":
					text = canonicalJSON(t, text)
				}
				cells = append(cells, c.Name+"="+text)
			}
			if table == schemas.Coverage {
				s.coverage = append(s.coverage, coverage)
				return nil
			}
			text := func(name string) string { return vals[table.Index(name)].String() }
			row := storedRow{line: lineOf(cells)}
			switch table {
			case schemas.Users:
				row.user = text("guid")
			case schemas.Members:
				row.user, row.member, row.institution = text("user_guid"), text("guid"), text("institution_code")
			case schemas.Institutions:
				row.institution = text("code")
			default:
				row.user, row.member = text("user_guid"), text("member_guid")
			}
			s.rows[table.Name] = append(s.rows[table.Name], row)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// completeMembers returns the members with coverage, and whether all their
// walks are complete; a walk of the whole user counts for all its members.
func (s stored) completeMembers(t *testing.T) map[string]bool {
	whole := map[string]bool{}
	userBad := map[string]bool{}
	owner := map[string]string{}
	for _, c := range s.coverage {
		ok := c["complete"] == "true"
		if ok != (c["reason"] == "") {
			t.Errorf("complete is %s, reason %q: %v", c["complete"], c["reason"], c)
		}
		switch m := c["member_guid"]; {
		case m == "" && !ok && c["resource"] == "transactions":
			userBad[c["user_guid"]] = true
		case m != "":
			owner[m] = c["user_guid"]
			if _, seen := whole[m]; !seen {
				whole[m] = true
			}
			whole[m] = whole[m] && ok
		}
	}
	for m, u := range owner {
		whole[m] = whole[m] && !userBad[u]
	}
	return whole
}

// admitted reports whether coverage says that a member which exists is missing
// or incomplete: by a walk of its own, by one of its user's transactions, or,
// if none speaks of the member, by the list that it should have stood in. What
// exists did not go away, so not_found is no excuse, and only a disabled user's
// data may be withheld.
func (s stored) admitted(user, member string, disabled bool) bool {
	var own, shared, lists, users []schemas.Reason // of each walk; "" if it was complete
	for _, c := range s.coverage {
		r := schemas.Reason(c["reason"])
		switch {
		case c["user_guid"] == "" && c["resource"] == "users":
			users = append(users, r)
		case c["user_guid"] != user:
		case c["member_guid"] == member:
			own = append(own, r)
		case c["member_guid"] == "" && c["resource"] == "transactions":
			shared = append(shared, r)
		case c["member_guid"] == "" && c["resource"] == "members":
			lists = append(lists, r)
		}
	}
	walks := users
	switch {
	case len(own) > 0:
		walks = append(own, shared...)
	case len(lists) > 0:
		walks = lists
	}
	return slices.ContainsFunc(walks, func(r schemas.Reason) bool { return r.Gap() || disabled && r == schemas.Disabled })
}

// institutions returns the codes that must be stored: those that the stored
// members refer to. Where coverage admits a gap what is stored is enough.
func (s stored) institutions(t *testing.T) map[string]bool {
	codes := map[string]bool{}
	for _, r := range s.rows[schemas.Members.Name] {
		codes[r.institution] = true
	}
	delete(codes, "") // a member that names none
	complete, gap := false, false
	for _, c := range s.coverage {
		if c["resource"] == "institutions" {
			complete = complete || c["complete"] == "true"
			gap = gap || schemas.Reason(c["reason"]).Gap()
		}
	}
	if len(codes) > 0 && !complete && !gap {
		t.Error("coverage does not say how the institutions were read")
	}
	if gap {
		there := map[string]bool{}
		for _, r := range s.rows[schemas.Institutions.Name] {
			there[r.institution] = true
		}
		maps.DeleteFunc(codes, func(code string, _ bool) bool { return !there[code] })
	}
	return codes
}

// unfit sums the unfit values of complete walks by table. What a status holds
// is not stored and does not count.
func (s stored) unfit() map[string]int {
	sums := map[string]int{}
	for _, c := range s.coverage {
		n, _ := strconv.Atoi(c["unfit_values"])
		if c["complete"] == "true" && c["resource"] != "member_status" && n > 0 {
			sums[c["resource"]] += n
		}
	}
	return sums
}

// lines returns the rows of users that exist, of members that are complete, and
// all institutions.
func (s stored) lines(table *schemas.Table, whole, exists map[string]bool) []string {
	var out []string
	for _, r := range s.rows[table.Name] {
		keep := whole[r.member]
		switch table {
		case schemas.Users:
			keep = exists[r.user]
		case schemas.Institutions:
			keep = true
		}
		if keep {
			out = append(out, r.line)
		}
	}
	return out
}

// lineOf writes cells, each its name and its text, in the order of their names.
func lineOf(cells []string) string {
	slices.Sort(cells)
	return strings.Join(cells, " ")
}

// cellText writes a stored cell; decimals as fractions in lowest terms.
func cellText(k schemas.Kind, v schemas.Value) string {
	switch k {
	case schemas.Text:
		return v.String()
	case schemas.Bool:
		return fmt.Sprint(v.Int != 0)
	case schemas.Amount:
		return big.NewRat(v.Int, 10_000).RatString()
	case schemas.Percent:
		return big.NewRat(v.Int, 100_000_000).RatString()
	case schemas.Float:
		return fmt.Sprint(v.Float())
	case schemas.Day:
		return time.Unix(v.Int*86_400, 0).UTC().Format(time.DateOnly)
	case schemas.Instant:
		return time.UnixMicro(v.Int).UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v.Int)
}

// expected is the line that a record of the truth must be stored as, by the
// rules of FORMAT.md and none of the code that the product stores with.
func expected(t *testing.T, table *schemas.Table, rec sim.Record) (line string, unfit int) {
	t.Helper()
	cells := make([]string, 0, len(rec.Fields))
	extra := map[string]any{}
	for _, f := range rec.Fields {
		i, known := table.Lookup([]byte(f.Name))
		if f.Literal == "null" && known {
			continue
		}
		if known {
			if text, fits := fit(table.Columns[i].Kind, f.Literal); fits {
				cells = append(cells, f.Name+"="+text)
				continue
			}
			unfit++
		}
		extra[f.Name] = decodeJSON(t, f.Literal)
	}
	if len(extra) > 0 {
		b, err := json.Marshal(extra)
		if err != nil {
			t.Fatal(err)
		}
		cells = append(cells, "extra="+canonicalJSON(t, string(b)))
	}
	return lineOf(cells), unfit
}

// fit is the text of a literal in a column of the kind, if it fits there.
func fit(k schemas.Kind, literal string) (string, bool) {
	// This runs for millions of values; a json.Decoder for each takes too long.
	raw := []byte(literal)
	if !json.Valid(raw) {
		return "", false
	}
	var text string
	isText := literal[0] == '"' && json.Unmarshal(raw, &text) == nil
	number := json.Number(literal)
	isNumber := strings.ContainsRune("-0123456789", rune(literal[0]))
	switch k {
	case schemas.Text:
		return text, isText
	case schemas.Bool:
		return literal, literal == "true" || literal == "false"
	case schemas.Int:
		r, ok := new(big.Rat).SetString(number.String())
		return ratText(r, 1, ok && isNumber)
	case schemas.Amount:
		r, ok := new(big.Rat).SetString(number.String())
		return ratText(r, 10_000, ok && isNumber)
	case schemas.Percent:
		r, ok := new(big.Rat).SetString(number.String())
		return ratText(r, 100_000_000, ok && isNumber)
	case schemas.Float:
		f, err := number.Float64()
		return fmt.Sprint(f), isNumber && err == nil
	case schemas.Day:
		if d, err := time.Parse(time.DateOnly, text); err == nil {
			return d.Format(time.DateOnly), true
		}
		at, ok := parseInstant(text)
		return at.Format(time.DateOnly), ok && at.Equal(at.Truncate(24*time.Hour)) && strings.HasPrefix(text, at.Format(time.DateOnly))
	case schemas.Instant:
		at, ok := parseInstant(text)
		return at.Truncate(time.Microsecond).Format(time.RFC3339Nano), ok
	}
	return "", false
}

func ratText(r *big.Rat, scale int64, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	units := new(big.Rat).Mul(r, new(big.Rat).SetInt64(scale))
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil)
	return r.RatString(), units.IsInt() && units.Num().CmpAbs(limit) < 0
}

func parseInstant(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999 Z", "2006-01-02 15:04:05 Z"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

func decodeJSON(t *testing.T, s string) any {
	t.Helper()
	var v any
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return v
}

// canonicalJSON writes JSON with sorted keys, numbers as they are.
func canonicalJSON(t *testing.T, s string) string {
	t.Helper()
	v := decodeJSON(t, s)
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if again := decodeJSON(t, string(b)); !reflect.DeepEqual(v, again) {
		t.Fatalf("%q is not %q", b, s)
	}
	return string(b)
}
