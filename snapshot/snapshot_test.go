package snapshot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyport/schemas"
	"tallyport/snapshot"
	"tallyport/snapshot/storetest"
)

func TestDirIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) snapshot.Store { return openDir(t) })
}

func newSeed(t testing.TB) uint64 {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return seed
}

// Every row that goes in comes out, once, in order, in both formats.
func TestExportRoundTrip(t *testing.T) {
	seed := newSeed(t)
	for _, f := range []snapshot.Format{snapshot.Parquet, snapshot.CSV} {
		for _, raw := range []bool{false, true} {
			if raw && f == snapshot.Parquet {
				continue
			}
			t.Run(fmt.Sprint(f, raw), func(t *testing.T) {
				tw := newWorld(seed)
				tw.plan.Format, tw.plan.CSVRaw = f, raw
				st := openDir(t)
				if err := tw.export(st, rand.New(rand.NewPCG(seed, 2))); err != nil {
					t.Fatal(err)
				}
				m, err := snapshot.ReadManifest(st, tw.id)
				if err != nil {
					t.Fatal(err)
				}
				if m.Shards != 4 {
					t.Errorf("%d shards, the test means to have 4", m.Shards)
				}
				for _, table := range schemas.Tables() {
					checkTable(t, tw, st, m, table)
				}
				if p, err := snapshot.Verify(context.Background(), st, tw.id); err != nil || p != nil {
					t.Errorf("Verify: %v, %v", p, err)
				}
			})
		}
	}
}

// checkTable compares the rows of a published table with those of the world.
func checkTable(t *testing.T, tw testWorld, st snapshot.Store, m *snapshot.Manifest, table *schemas.Table) {
	t.Helper()
	var want []string
	for _, u := range tw.userIDs() {
		rows := tw.rowsOf(table, u, nil)
		for i := range rows.Len() {
			want = append(want, string(rows.At(i)))
		}
	}
	var got []string
	for _, f := range m.Tables[table.Name].Files {
		var last []byte
		err := snapshot.ScanPart(st, f.Path, table, snapshot.LayoutOf(tw.plan, tw.id), nil, func(vals []schemas.Value) error {
			row := table.AppendRow(nil, vals[:table.Width()])
			if h := vals[table.Index("row_hash")]; uint64(h.Int) != schemas.Row(row).Hash() {
				return errors.New("row_hash is not that of the row")
			}
			if at := vals[table.Index("snapshot_at")]; at.Int != testTime.UnixMicro() {
				return errors.New("snapshot_at is not the time of the snapshot")
			}
			key := table.AppendKey(nil, vals)
			if bytes.Compare(last, key) > 0 {
				return errors.New("out of order")
			}
			last = key
			if vals[table.Key()[0]].Set && table != schemas.Institutions {
				got = append(got, string(row))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", table.Name, d)
	}
}

// Parquet → CSV → Parquet: the rows of one format, written in the other, are
// the same bytes again.
func TestFormatsAgree(t *testing.T) {
	seed := newSeed(t)
	tw := newWorld(seed)
	first, second, third := openDir(t), openDir(t), openDir(t)
	if err := tw.export(first, nil); err != nil {
		t.Fatal(err)
	}
	asCSV := tw
	asCSV.plan.Format = snapshot.CSV
	copySnapshot(t, tw, first, asCSV, second)
	copySnapshot(t, asCSV, second, tw, third)
	want, got := files(t, first), files(t, third)
	for name := range want {
		if strings.HasSuffix(name, ".parquet") && want[name] != got[name] {
			t.Errorf("%s differs after Parquet → CSV → Parquet", name)
		}
	}
}

// copySnapshot writes the rows of one snapshot into another store.
func copySnapshot(t *testing.T, from testWorld, src snapshot.Store, to testWorld, dst snapshot.Store) {
	t.Helper()
	m, err := snapshot.ReadManifest(src, from.id)
	if err != nil {
		t.Fatal(err)
	}
	w, err := to.begin(dst, nil)
	if err != nil {
		t.Fatal(err)
	}
	batches := map[string]*snapshot.Batch{}
	for _, table := range schemas.Tables() {
		user := table.Key()[0]
		for _, f := range m.Tables[table.Name].Files {
			err := snapshot.ScanPart(src, f.Path, table, snapshot.LayoutOf(from.plan, from.id), nil, func(vals []schemas.Value) error {
				u := vals[user].String()
				if table == schemas.Institutions {
					u = ""
				}
				if batches[u] == nil {
					var err error
					if batches[u], err = w.Batch(schemas.UserID(u)); err != nil {
						return err
					}
				}
				rows := &schemas.Rows{Table: table}
				rows.Append(vals[:table.Width()])
				return batches[u].Run(table).Add(rows)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, b := range batches {
		if err := b.Commit(context.Background(), snapshot.Outcome{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Publish(context.Background(), "test", schemas.Requests{}); err != nil {
		t.Fatal(err)
	}
}

// The bytes of a snapshot depend on its rows alone: not on the order in which
// pages, users or walks came, nor on what spilled.
func TestSameBytes(t *testing.T) {
	seed := newSeed(t)
	tw := newWorld(seed)
	ref := openDir(t)
	if err := tw.export(ref, nil); err != nil {
		t.Fatal(err)
	}
	want := files(t, ref)
	for i := range 10 {
		again := tw
		spill := []int{1, 300, 5000, 1 << 20}[i%4]
		again.shrink = func(w *snapshot.Writer) { w.Shrink(4, spill) }
		st := openDir(t)
		if err := again.export(st, rand.New(rand.NewPCG(seed, uint64(i)))); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, files(t, st)); d != "" {
			t.Fatalf("shuffle %d, spill %d: %s", i, spill, d)
		}
	}
}

// A row that a moving list served twice is kept once; two different rows with
// one guid are both kept; equal rows without a guid are all kept.
func TestRepeatedRows(t *testing.T) {
	tw := newWorld(1)
	st := openDir(t)
	w, err := tw.begin(st, nil)
	if err != nil {
		t.Fatal(err)
	}
	u := tw.userIDs()[0]
	b, err := w.Batch(schemas.UserID(u))
	if err != nil {
		t.Fatal(err)
	}
	rows := tw.rowsOf(schemas.Transactions, u, nil)
	vals := make([]schemas.Value, schemas.Transactions.Width())
	if err := schemas.Transactions.Decode(rows.At(0), vals); err != nil {
		t.Fatal(err)
	}
	vals[schemas.Transactions.Index("memo")] = schemas.TextValue("changed")
	changed := &schemas.Rows{Table: schemas.Transactions}
	changed.Append(vals)
	for range 2 {
		for _, r := range []*schemas.Rows{rows, changed} {
			if err := b.Run(schemas.Transactions).Add(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Commit(context.Background(), snapshot.Outcome{}); err != nil {
		t.Fatal(err)
	}
	if _, err := tw.commitRest(w, nil); err != nil {
		t.Fatal(err)
	}
	m, err := w.Publish(context.Background(), "test", schemas.Requests{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Tables["transactions"].Rows, int64(tw.users*tw.members*tw.rows+1); got != want {
		t.Errorf("%d transactions, want %d", got, want)
	}
	if got, want := m.Tables["account_owners"].Rows, int64((tw.users-1)*tw.members*2); got != want {
		t.Errorf("%d owners, want %d", got, want)
	}
}
