package reconcile

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// differing says what a merge by date and guid says, also where a guid names
// several rows and where a day has very many.
func TestDiffering(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range 4000 {
		size, guids := 1+rnd.IntN(8), 1+rnd.IntN(12)
		if i%50 == 0 {
			size, guids = 300, 400
		}
		row := func() txn {
			n, version := rnd.IntN(guids), rnd.IntN(2)
			r := txn{GUID: fmt.Sprintf("TRN-%03d", n), Date: schemas.Date(n % 2), Hash: int64(10*n + version)}
			if n%5 == 0 {
				r.Flags, r.Date = noDate, 0
			}
			return r
		}
		var before, after []txn
		for range size {
			r := row()
			if before = append(before, r); rnd.IntN(3) > 0 {
				after = append(after, r)
			}
			if rnd.IntN(3) == 0 {
				after = append(after, row())
			}
		}
		if rnd.IntN(4) > 0 { // else a guid names several rows
			before, after = oneEach(before), oneEach(after)
		}
		b, a := rowsAtHand("", "", inTableOrder(before)), rowsAtHand("", "", inTableOrder(after))
		removed, added, err := differing(b, a)
		if err != nil {
			t.Fatal(err)
		}
		wantRemoved, wantAdded := merged(b, a)
		if !slices.Equal(removed, wantRemoved) || !slices.Equal(added, wantAdded) {
			t.Fatalf("world %d: removed %v, not %v; added %v, not %v", i, removed, wantRemoved, added, wantAdded)
		}
	}
}

func inTableOrder(rows []txn) []txn {
	slices.SortFunc(rows, func(x, y txn) int {
		return cmp.Or(-cmp.Compare(x.Flags&noDate, y.Flags&noDate), cmp.Compare(x.Date, y.Date), cmp.Compare(x.GUID, y.GUID), cmp.Compare(x.Hash, y.Hash))
	})
	return rows
}

func oneEach(rows []txn) []txn {
	return slices.CompactFunc(inTableOrder(rows), func(x, y txn) bool { return x.GUID == y.GUID })
}

// merged compares every row by date and guid.
func merged(b, a *accountRows) (removed, added []int) {
	for i, k := 0, 0; i < b.len() || k < a.len(); {
		c := 0
		switch {
		case i == b.len():
			c = 1
		case k == a.len():
			c = -1
		default:
			c = cmp.Or(cmp.Compare(b.keys.dates[i], a.keys.dates[k]), cmp.Compare(b.rows[i].GUID, a.rows[k].GUID))
		}
		same := c == 0 && b.rows[i].Hash == a.rows[k].Hash
		if c <= 0 {
			if !same {
				removed = append(removed, i)
			}
			i++
		}
		if c >= 0 {
			if !same {
				added = append(added, k)
			}
			k++
		}
	}
	return removed, added
}

// Rows are the same however they are read; when they were created is read later
// of those of which an equal one went, or the same one as it was.
func TestPick(t *testing.T) {
	st, err := snapshot.OpenDir(filepath.Join("..", "testdata", "snapshots", "v1", "parquet"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ids, err := snapshot.List(st)
	if err != nil {
		t.Fatal(err)
	}
	r, err := snapshot.Open(st, ids[0])
	if err != nil {
		t.Fatal(err)
	}
	var want []txn
	reader := newTxnReader()
	err = r.Scan(t.Context(), schemas.Transactions, txnColumns, func(vals []schemas.Value) error {
		want = append(want, reader.read(vals))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	created := 0
	for part := range r.Manifest().Shards {
		s, err := openPart(t.Context(), r, part)
		if err != nil {
			t.Fatal(err)
		}
		for err = s.next(); err == nil && s.at != nil; err = s.next() {
			mine := want[:s.at.len()]
			want = want[s.at.len():]
			undated, e1 := s.at.pickUndated(s.at.every(), nil)
			all, e2 := s.at.pick(s.at.every(), nil)
			if err := errors.Join(e1, e2); err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(mine, all); diff != "" {
				t.Fatal(diff)
			}
			n := &accountNight{after: undated}
			for i, row := range mine {
				if undated[i].Created != 0 {
					t.Fatalf("%s: when it was created was read", row.GUID)
				}
				o := row
				switch i % 3 {
				case 0: // the same, as it was
					o.Amount++
				case 1: // another, equal
					o.GUID = "TRN-other"
				case 2:
					o.GUID, o.Amount = "TRN-other", -1-o.Amount
				}
				n.removed = append(n.removed, &o)
			}
			if err := n.dateTwins(s.at, s.at.every()); err != nil {
				t.Fatal(err)
			}
			for i, row := range mine {
				twin := i%3 < 2 || slices.ContainsFunc(n.removed, func(o *txn) bool { return o.sameContent(&row) })
				if got := n.after[i].Created; twin && got != row.Created || !twin && got != 0 {
					t.Errorf("row %d of %d was created at %v, not %v", i, len(mine), got, row.Created)
				}
				if twin && row.Created != 0 {
					created++
				}
			}
		}
		if err := errors.Join(err, s.close()); err != nil {
			t.Fatal(err)
		}
	}
	if created == 0 || len(want) > 0 {
		t.Errorf("%d rows have a time, %d are left", created, len(want))
	}
}
