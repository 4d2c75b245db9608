package reconcile

import (
	"fmt"
	"testing"
)

func written(day, number int) txn {
	t := on0(day, "Check", -100*cent)
	t.Check, t.GUID = fmt.Sprint(number), fmt.Sprintf("TRN-%d", number)
	return t
}

func TestCheckGap(t *testing.T) {
	book := func(skip ...int) (rows []txn) {
		for i := 101; i <= 110; i++ {
			if len(skip) == 0 || i != skip[0] && (len(skip) < 2 || i != skip[1]) {
				rows = append(rows, written(4*(i-101), i))
			}
		}
		return rows
	}
	d := new(diary)
	d.rows = book(109)
	d.night(36) // 110 came today
	if day := d.quiet(37, 60, checkGap); day != 46 {
		t.Errorf("said on day %d, want 46: ten days after the later neighbour", day)
	}
	f := wantOne(t, d.night(47), checkGap, Confirmed)
	if f.ID != findingID("check_gap", "ACT-1", "109") || f.Verdict != Review || f.Evidence["check_number"] != "109" {
		t.Errorf("%+v", f)
	}
	wantOne(t, d.night(48, written(48, 109)), checkGap, Undone)
	if got := said(d.night(49), checkGap); len(got) > 0 {
		t.Errorf("said after it came: %+v", got)
	}

	for name, rows := range map[string][]txn{
		"none missing":  book(),
		"two in a row":  book(105, 106),
		"too few":       book(103)[:6],
		"out of order":  {written(0, 3), written(1, 9), written(2, 14), written(3, 15), written(4, 17), written(5, 30), written(6, 31), written(7, 32), written(8, 50)},
		"no numbers":    every(5, 12, "Check", -100*cent),
		"not a number":  append(book(), func() txn { c := written(1, 112); c.Check = "112x"; return c }()),
		"pending alone": append(book(110), func() txn { c := written(1, 111); c.Flags |= pending; return c }()),
	} {
		d := &diary{rows: rows}
		d.night(36)
		if day := d.quiet(37, 60, checkGap); day >= 0 {
			t.Errorf("%s: said on day %d", name, day)
		}
	}
}

func TestChecksStayFew(t *testing.T) {
	a := new(accountState)
	for i := range 100 {
		c := written(i, 500-i%50)
		a.noteCheck(&c)
	}
	if len(a.Checks) != keptChecks || a.Checks[0].Number != 481 {
		t.Errorf("%d checks from %v", len(a.Checks), a.Checks[0])
	}
}
