package reconcile

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tallyport/schemas"
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
