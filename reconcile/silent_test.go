package reconcile

import (
	"testing"

	"tallyport/schemas"
)

func TestSilent(t *testing.T) {
	d := &diary{rows: every(4, 12, "Shop", -5*cent)} // days 0 … 44, eleven gaps of 4
	d.night(44)
	if day := d.quiet(45, 70, silentAccount); day != 53 {
		t.Errorf("said on day %d, want 53: the first after more than twice the gap", day)
	}
	f := wantOne(t, d.night(54), silentAccount, Confirmed)
	if f.ID != findingID("silent_account", "ACT-1", (day0+45).String()) || f.Verdict != Review {
		t.Errorf("%+v", f)
	}
	wantOne(t, d.night(55, on0(40, "Late", -cent)), silentAccount, Undone)
	if day := d.quiet(56, 90, silentAccount); day >= 0 {
		t.Errorf("said again on day %d", day)
	}
}

func TestNotSilent(t *testing.T) {
	irregular := []txn{}
	for i, day := range []int{0, 1, 2, 3, 4, 14, 15, 16, 17, 18, 19, 20, 21, 22} {
		irregular = append(irregular, on0(day, "Shop", -schemas.Money(i+1)*cent))
	}
	for name, c := range map[string]struct {
		rows []txn
		to   int
	}{
		"too few gaps":       {every(4, 10, "Shop", -5*cent), 100},
		"a week at least":    {every(1, 30, "Shop", -5*cent), 35},
		"chance":             {irregular, 43},
		"an account without": {nil, 100},
	} {
		d := &diary{rows: c.rows}
		last := 0
		for _, r := range c.rows {
			last = max(last, int(r.Date-day0))
		}
		d.night(last)
		if day := d.quiet(last+1, c.to, silentAccount); day >= 0 {
			t.Errorf("%s: said on day %d", name, day)
		}
	}
}

// Without an aggregation nothing can have come.
func TestSilentStale(t *testing.T) {
	d := &diary{rows: every(4, 12, "Shop", -5*cent)}
	n := d.night(44)
	saa := n.look.saa
	late := d.night(80)
	late.sightings = nil
	d.st.Quiet.First = ""
	late.look.saa, late.look.baseSAA = saa, saa
	late.silent()
	if got := said(late, silentAccount); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}
