package sim

import (
	"slices"
	"testing"
	"time"
)

// What is never shown is listed with the terms of the bank's books, when it is
// due and not before, and nothing else is.
func TestUnshown(t *testing.T) {
	plain, hit := calmDefects(t, 120), calmDefects(t, 120)
	var all []Defect
	for _, kind := range []string{"N1", "N2", "N3", "N5", "P5", "Z1", "V1", "N2b"} {
		all = append(all, hit.Inject(kind, 4)...)
	}
	if got := hit.Unshown(); len(got) > 0 {
		t.Errorf("before anything was due: %+v", got)
	}
	plain.Advance(12 * 24 * time.Hour)
	hit.Advance(12 * 24 * time.Hour)
	got := hit.Unshown()
	kinds := map[string]int{}
	vp, vh := plain.view(), hit.view()
	for _, x := range got {
		kinds[x.Kind]++
		at, _ := hit.parse(prefixTransaction, x.Transaction)
		u := hit.userAt(at.user)
		rowsPlain, rowsHit := rowsNow(vp, &u), rowsNow(vh, &u)
		p, ok := rowsPlain[x.Transaction]
		if !ok || p.row.pending || p.cents != x.Cents || p.account != x.Account {
			t.Errorf("%+v would be %+v", x, p)
		}
		if _, ok := rowsHit[x.Transaction]; ok {
			t.Errorf("%+v is shown", x)
		}
		if x.Booked.Before(x.Authorised) || x.Due.Before(x.Booked) || x.Due.After(hit.Now()) || p.stored != x.Due.Unix() && !p.ev.moved && p.ev.post == p.ev.at {
			t.Errorf("%+v was stored at %v", x, instant(p.stored))
		}
		if !slices.ContainsFunc(all, func(d Defect) bool { return d.Kind == x.Kind && d.Account == x.Account }) {
			t.Errorf("nobody did %+v", x)
		}
	}
	for _, kind := range []string{"N1", "N5", "P5"} {
		if kinds[kind] < 2 {
			t.Errorf("kinds: %v", kinds)
		}
	}
	for _, kind := range []string{"Z1", "V1", "N2b"} {
		if kinds[kind] > 0 {
			t.Errorf("kinds: %v", kinds)
		}
	}
}
