package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// diary lives through the nights of one account. Each day has a look at noon,
// just after an aggregation.
type diary struct {
	st   *accountState
	rows []txn
	last schemas.Date
}

const day0 schemas.Date = 20_000

func on0(day int, payee string, signed schemas.Money) txn {
	t := txn{GUID: fmt.Sprintf("TRN-%s-%d-%d", payee, day, signed), Date: day0 + schemas.Date(day), Amount: abs(signed), Payee: payee, Hash: int64(day)}
	if signed > 0 {
		t.Flags |= credit
	}
	return t
}

func byDate(rows []txn) []txn {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b txn) int { return cmp.Or(cmp.Compare(a.Date, b.Date), strings.Compare(a.GUID, b.GUID)) })
	return rows
}

// night looks on a day, at the rows so far and these.
func (d *diary) night(day int, came ...txn) *accountNight { return d.look(day, nil, came...) }

// look is night, of an account that says when it was paid last.
func (d *diary) look(day int, paid *payment, came ...txn) *accountNight {
	at := (day0 + schemas.Date(day)).Timestamp() + 43_200_000_000
	l := &look{night: snapshot.IDOf(at.Time()), at: at, saa: &at}
	if d.st == nil {
		d.st = &accountState{Member: "MBR-1"}
	}
	if d.last != 0 {
		baseAt := d.last.Timestamp() + 43_200_000_000
		l.base, l.baseAt, l.baseSAA = snapshot.IDOf(baseAt.Time()), baseAt, &baseAt
	}
	l.window = schemas.Window{From: day0 - 200, To: day0 + schemas.Date(day) + 5}
	l.before = l.window
	n := &accountNight{user: "USR-1", account: "ACT-1", look: l, st: d.st, paid: paid}
	after := append(slices.Clone(d.rows), came...)
	if err := n.compare(rowsAtHand("", "", byDate(d.rows)), rowsAtHand("", "", byDate(after))); err != nil {
		panic(err)
	}
	d.rows, d.last = after, day0+schemas.Date(day)
	n.conclude(nil, true)
	return n
}

// quiet looks night by night, nothing having come, and returns the first day on
// which something of the kind is said.
func (d *diary) quiet(from, to int, kind Kind) int {
	for day := from; day <= to; day++ {
		if len(said(d.night(day), kind)) > 0 {
			return day
		}
	}
	return -1
}

func said(n *accountNight, kind Kind) (out []Sighting) {
	for _, s := range n.sightings {
		if s.Kind == kind {
			out = append(out, s)
		}
	}
	return out
}

func wantOne(t *testing.T, n *accountNight, kind Kind, claim Claim) Finding {
	t.Helper()
	got := said(n, kind)
	if len(got) != 1 || got[0].Claim != claim {
		t.Fatalf("%s: %+v, want one %s", kind, got, claim)
	}
	return got[0].Finding
}

func every(days, times int, payee string, signed schemas.Money) (rows []txn) {
	for i := range times {
		rows = append(rows, on0(i*days, payee, signed))
	}
	return rows
}
