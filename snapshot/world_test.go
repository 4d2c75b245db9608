package snapshot_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// testWorld is what the tests put into snapshots: a few users whose rows are
// functions of a seed.
type testWorld struct {
	seed    uint64
	users   int
	members int // per user
	rows    int // transactions per member
	id      snapshot.ID
	plan    snapshot.Plan
	shrink  func(*snapshot.Writer)
	gapOf   int    // user with a gap, -1: none
	unknown string // that is not there, "": none
}

var testTime = time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)

func newWorld(seed uint64) testWorld {
	return testWorld{
		seed: seed, users: 9, members: 2, rows: 7, id: snapshot.IDOf(testTime), gapOf: -1,
		plan: snapshot.Plan{
			Source: "atrium", Host: "atrium.mx.com", Client: snapshot.ClientHash("c"), Users: "all",
			Window: schemas.Window{From: 20000, To: 20095}, Scope: schemas.MemberScope, Institutions: "referenced", Format: snapshot.Parquet,
		},
		shrink: func(w *snapshot.Writer) { w.Shrink(4, 700) },
	}
}

func guid(prefix string, n ...any) string {
	s := prefix
	for _, x := range n {
		s += fmt.Sprintf("-%v", x)
	}
	return s
}

// texts are awkward for every format.
var texts = []string{"", " ", "a", "Zoë ☕", "=1+1", "-5", "+x", "@a", "\tx", "\rx", "'q", "＝x", `a"b`, "a,b", "a\nb", "\r\n", "'=x", "null", `\N`, "true", "<b>&amp;</b>"}

// fill sets the cells of a row that are not keys, from the seed.
func fill(rnd *rand.Rand, t *schemas.Table, keys map[string]schemas.Value) []schemas.Value {
	vals := make([]schemas.Value, t.Width())
	for i := range vals {
		c := t.Columns[i]
		if v, ok := keys[c.Name]; ok {
			vals[i] = v
			continue
		}
		if rnd.IntN(3) == 0 && !c.Required {
			continue
		}
		switch c.Kind {
		case schemas.Text:
			vals[i] = schemas.TextValue(texts[rnd.IntN(len(texts))])
		case schemas.Bool:
			vals[i] = schemas.BoolValue(rnd.IntN(2) == 0)
		case schemas.Float:
			vals[i] = schemas.FloatValue(rnd.NormFloat64() * 100)
		case schemas.Day:
			vals[i] = schemas.IntValue(20000 + rnd.IntN(95))
		case schemas.Instant:
			vals[i] = schemas.IntValue(1_700_000_000_000_000 + rnd.Int64N(1e13))
		case schemas.Amount, schemas.Percent:
			vals[i] = schemas.IntValue(rnd.Int64N(2_000_000_000) - 1_000_000_000)
		default:
			vals[i] = schemas.IntValue(rnd.Int64N(100_000) - 500)
		}
	}
	return vals
}

// rowsOf returns the user's rows of the table, in an order that the shuffle
// decides.
func (tw testWorld) rowsOf(t *schemas.Table, u string, shuffle *rand.Rand) *schemas.Rows {
	text := func(s string) schemas.Value { return schemas.TextValue(s) }
	var list [][]schemas.Value
	rnd := rand.New(rand.NewPCG(tw.seed, uint64(len(u))+uint64(u[len(u)-1])<<8+uint64(t.Name[0])<<16+uint64(t.Name[1])<<24))
	add := func(keys map[string]schemas.Value) { list = append(list, fill(rnd, t, keys)) }
	for m := range tw.members {
		member := text(guid("MBR", u, m))
		keys := map[string]schemas.Value{"user_guid": text(u), "member_guid": member}
		switch t {
		case schemas.Users:
			if m == 0 {
				add(map[string]schemas.Value{"guid": text(u)})
			}
		case schemas.Members:
			keys["guid"] = member
			add(keys)
		case schemas.Accounts:
			for a := range 2 {
				keys["guid"] = text(guid("ACT", u, m, a))
				add(keys)
			}
		case schemas.AccountOwners:
			add(keys)
			list = append(list, slices.Clone(list[len(list)-1])) // a joint owner of the same name
		case schemas.Transactions:
			for i := range tw.rows {
				keys["account_guid"] = text(guid("ACT", u, m, i%2))
				keys["guid"] = text(guid("TRN", u, m, i*7919%1000))
				add(keys)
			}
		case schemas.Coverage:
			keys["resource"] = text("transactions")
			keys["reason"] = schemas.Value{}
			keys["complete"] = schemas.BoolValue(true)
			add(keys)
		}
	}
	if shuffle != nil {
		shuffle.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	rows := &schemas.Rows{Table: t}
	for _, v := range list {
		rows.Append(v)
	}
	return rows
}

func (tw testWorld) userIDs() []string {
	var ids []string
	for i := range tw.users {
		ids = append(ids, guid("USR", string(rune('a'+i%26)), i*i))
	}
	return ids
}

// begin starts or resumes the world's snapshot and saves the roster.
func (tw testWorld) begin(st snapshot.Store, shuffle *rand.Rand) (*snapshot.Writer, error) {
	ctx := context.Background()
	w, err := snapshot.Begin(ctx, st, tw.id, tw.plan, testTime)
	if err != nil {
		return nil, err
	}
	tw.shrink(w)
	if w.HasRoster() {
		return w, nil
	}
	r, err := w.NewRoster()
	if err != nil {
		return nil, err
	}
	ids := tw.userIDs()
	if shuffle != nil {
		shuffle.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	}
	for _, u := range ids {
		if err := r.Add(tw.rowsOf(schemas.Users, u, nil)); err != nil {
			return nil, err
		}
	}
	walk := &schemas.Walk{List: schemas.List{Resource: schemas.UsersResource}, Pages: 1, Rows: len(ids), DistinctGUIDs: len(ids), TotalFirst: len(ids), TotalLast: len(ids), HTTPStatus: 200, Tries: 1}
	return w, r.Save(walk)
}

// commitUser walks one user: a few runs, one of which starts again.
func (tw testWorld) commitUser(w *snapshot.Writer, u string, shuffle *rand.Rand) error {
	b, err := w.Batch(schemas.UserID(u))
	if err != nil {
		return err
	}
	for _, t := range schemas.Tables() {
		if t == schemas.Institutions {
			continue
		}
		rows := tw.rowsOf(t, u, shuffle)
		r := b.Run(t)
		if err := r.Add(rows); err != nil {
			return err
		}
		r.Reset()
		for i := range rows.Len() { // two walks of the list, one row each in turn
			if i == rows.Len()/2 {
				r = b.Run(t)
			}
			one := &schemas.Rows{Table: t}
			one.AppendRow(rows.At(i))
			if err := r.Add(one); err != nil {
				return err
			}
		}
	}
	o := snapshot.Outcome{Members: snapshot.MemberCount{Complete: int64(tw.members)}, Institutions: []schemas.InstitutionCode{"mxbank"}, ObservedAt: schemas.TimestampOf(testTime)}
	o.Unknown = tw.unknown != "" && u == tw.unknown
	if tw.gapOf >= 0 && u == tw.userIDs()[tw.gapOf] {
		o.Members = snapshot.MemberCount{Complete: int64(tw.members) - 1, Incomplete: 1}
		o.Gaps = []snapshot.Gap{{User: schemas.UserID(u), Member: schemas.MemberID(guid("MBR", u, 0)), Resource: schemas.TransactionsResource, Reason: schemas.Torn}}
	}
	return b.Commit(context.Background(), o)
}

// commitRest commits the users that are pending, and what belongs to no user.
func (tw testWorld) commitRest(w *snapshot.Writer, shuffle *rand.Rand) (walked int, err error) {
	vals := make([]schemas.Value, schemas.Users.Width())
	for row, err := range w.Pending() {
		if err != nil {
			return walked, err
		}
		if err := schemas.Users.Decode(row, vals); err != nil {
			return walked, err
		}
		if err := tw.commitUser(w, vals[0].String(), shuffle); err != nil {
			return walked, err
		}
		walked++
	}
	done, err := w.HasGlobal()
	if err != nil || done {
		return walked, err
	}
	b, err := w.Batch("")
	if err != nil {
		return walked, err
	}
	if err := b.Run(schemas.Coverage).Add(w.RosterCoverage()); err != nil {
		return walked, err
	}
	rows := &schemas.Rows{Table: schemas.Institutions}
	vals = make([]schemas.Value, schemas.Institutions.Width())
	vals[0] = schemas.TextValue("mxbank")
	rows.Append(vals)
	if err := b.Run(schemas.Institutions).Add(rows); err != nil {
		return walked, err
	}
	return walked, b.Commit(context.Background(), snapshot.Outcome{})
}

// export makes the whole snapshot, or what is left of it.
func (tw testWorld) export(st snapshot.Store, shuffle *rand.Rand) error {
	w, err := tw.begin(st, shuffle)
	if err != nil {
		return err
	}
	if _, err := tw.commitRest(w, shuffle); err != nil {
		return err
	}
	_, err = w.Publish(context.Background(), "tallyport test", schemas.Requests{Total: 1})
	return err
}

func openDir(t testing.TB) *snapshot.Dir {
	t.Helper()
	d, err := snapshot.CreateDir(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// files returns the content of every file of the store by name.
func files(t testing.TB, st snapshot.Store) map[string]string {
	t.Helper()
	out := map[string]string{}
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := st.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := e.Name()
			if dir != "." {
				name = dir + "/" + name
			}
			if e.Type()&fs.ModeDir != 0 {
				walk(name)
				continue
			}
			f, err := st.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(f)
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			out[name] = string(b)
		}
	}
	walk(".")
	return out
}
