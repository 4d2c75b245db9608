package reconcile

import (
	"fmt"
	"strconv"
	"testing"

	"tallyport/schemas"
)

// steady is an account that shows pending rows now and then.
func steady(rows []txn) *diary {
	p := on0(0, "Hotel", -cent)
	p.Flags |= pending
	p.GUID = "TRN-hold"
	return &diary{rows: append(rows, p)}
}

func TestOverdueSeries(t *testing.T) {
	rent := every(30, 3, "Elm Street", -1000*cent) // days 0, 30, 60; day 90 is a Thursday
	d := steady(rent)
	d.night(62)
	d.night(63)
	if day := d.quiet(64, 120, overdueSeries); day != 97 {
		t.Fatalf("said on day %d, want 97: 90, and 5 of slack, and more than one", day)
	}
	f := wantOne(t, d.night(98), overdueSeries, Confirmed)
	key := d.st.Series[0].Key
	if f.ID != findingID("series", "ACT-1", strconv.FormatUint(key, 36), (day0+90).String()) || f.Verdict != Review || f.Amount != "10.00" || f.Type != "DEBIT" {
		t.Errorf("%+v", f)
	}
	wantOne(t, d.night(99, on0(96, "Elm Street", -1020*cent)), overdueSeries, Undone)
	if got := said(d.night(100), overdueSeries); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// It never comes again: said once, then forgotten after two periods.
func TestSeriesEnds(t *testing.T) {
	d := steady(every(30, 3, "Elm Street", -1000*cent))
	d.night(62)
	d.night(63)
	ids, lapsed := map[string]bool{}, 0
	for day := 64; day < 220; day++ {
		for _, s := range said(d.night(day), overdueSeries) {
			ids[s.ID] = true
			if s.Claim == Lapsed {
				lapsed = day
			}
		}
	}
	if len(ids) != 1 || lapsed != 90+60+5+1 || len(d.st.Series) > 0 {
		t.Errorf("findings %v, lapsed on day %d, series %v", ids, lapsed, d.st.Series)
	}
}

// The next one came on its date: the one that is missing can come no more.
func TestSeriesGoesOn(t *testing.T) {
	d := steady(every(30, 3, "Elm Street", -1000*cent))
	d.night(62)
	d.night(63)
	d.quiet(64, 100, overdueSeries)
	for day := 101; day < 120; day++ {
		d.night(day)
	}
	wantOne(t, d.night(120, on0(120, "Elm Street", -1000*cent)), overdueSeries, Lapsed)
	if day := d.quiet(121, 156, overdueSeries); day >= 0 {
		t.Errorf("said on day %d", day)
	}
	if day := d.quiet(157, 165, overdueSeries); day != 157 { // 150 is a Monday
		t.Errorf("the next is said on day %d", day)
	}
}

func TestNoSeries(t *testing.T) {
	months := every(30, 3, "Elm Street", -1000*cent)
	for name, rows := range map[string][]txn{
		"two only":       months[:2],
		"three biweekly": every(14, 3, "Works", 500*cent),
		"three weekly":   every(7, 3, "Works", 500*cent),
		"every ten days": every(10, 7, "Works", 500*cent),
		"uneven":         {on0(0, "Shop", -cent), on0(21, "Shop", -cent), on0(60, "Shop", -cent)},
		"amounts differ": {on0(0, "Elm", -100*cent), on0(30, "Elm", -80*cent), on0(60, "Elm", -60*cent)},
		"a habit":        append(every(3, 20, "Elm Street", -7*cent), months...),
		"ended before":   {on0(-40, "Elm", -cent), on0(-10, "Elm", -cent), on0(20, "Elm", -cent)},
	} {
		d := steady(rows)
		d.night(62)
		if day := d.quiet(63, 140, overdueSeries); day >= 0 {
			t.Errorf("%s: said on day %d: %v", name, day, d.st.Series)
		}
	}
}

// Series are looked for on the first night, and once a week.
func TestSeriesLearntOnceAWeek(t *testing.T) {
	d := new(diary)
	d.night(62)
	d.night(63, every(30, 3, "Elm Street", -1000*cent)...) // an old history that came late
	for day := 64; day < 62+learnEvery; day++ {
		if d.night(day); len(d.st.Series) != 0 {
			t.Fatalf("on day %d there is %v", day, d.st.Series)
		}
	}
	if d.night(62 + learnEvery); len(d.st.Series) != 1 {
		t.Errorf("a week later there are %v", d.st.Series)
	}
}

// A payment that is due on a holiday is due on the day after.
func TestSeriesOverHoliday(t *testing.T) {
	var s series
	for _, day := range []string{"2026-09-26", "2026-10-27"} { // thirty days and thirty
		var d schemas.Date
		if err := d.UnmarshalText([]byte(day)); err != nil {
			t.Fatal(err)
		}
		s.Dates = append(s.Dates, d)
	}
	s.Dates = append([]schemas.Date{s.Dates[0] - 31}, s.Dates...)
	due, _, _ := s.next()
	if due.String() != "2026-11-27" { // Thanksgiving is the day before
		t.Errorf("due on %s", due)
	}
}

// What is on its way, or came under another name, is not overdue.
func TestSeriesComing(t *testing.T) {
	wait := on0(92, "Elm Street", -1000*cent)
	wait.Flags |= pending
	named := on0(92, "E. Lm St. Inc", -1000*cent)
	for name, r := range map[string]txn{"pending": wait, "another name": named} {
		d := steady(every(30, 3, "Elm Street", -1000*cent))
		d.night(62)
		d.night(93, r)
		if day := d.quiet(94, 120, overdueSeries); day >= 0 {
			t.Errorf("%s: said on day %d", name, day)
		}
	}
}

// Where pending rows are never shown, it may be on its way for longer.
func TestSeriesUnseen(t *testing.T) {
	d := &diary{rows: every(30, 3, "Elm Street", -1000*cent)}
	d.night(62)
	if day := d.quiet(63, 120, overdueSeries); day != 97+latePosting {
		t.Errorf("said on day %d", day)
	}
}

// The balance moved by the same amount about then: both are tickets.
func TestSeriesAndStep(t *testing.T) {
	for _, c := range []struct {
		signed schemas.Money
		day    int
		want   Verdict
	}{{-1000 * cent, 91, Ticket}, {-1000 * cent, 85, Ticket}, {-1001 * cent, 91, Review}, {1000 * cent, 91, Review}, {-1000 * cent, 84, Review}} {
		d := steady(every(30, 3, "Elm Street", -1000*cent))
		d.night(62)
		d.night(63)
		d.st.Missing = []*missing{{ID: "F-1", Signed: c.signed, At: (day0 + schemas.Date(c.day)).Timestamp()}}
		n := d.night(97)
		f := wantOne(t, n, overdueSeries, Confirmed)
		g := wantOne(t, n, neverSeen, Confirmed)
		if f.Verdict != c.want || g.Verdict != c.want {
			t.Errorf("%v on day %d: %s and %s, want %s", c.signed, c.day, f.Verdict, g.Verdict, c.want)
		}
	}
}

func TestSeriesStayFew(t *testing.T) {
	var rows []txn
	for i := range 60 {
		rows = append(rows, every(30, 3+i%2, fmt.Sprintf("Club %c%c", 'A'+i%26, 'A'+i/26), -10*cent)...)
	}
	d := &diary{rows: rows}
	d.night(91)
	if len(d.st.Series) != keptSeries {
		t.Errorf("%d series", len(d.st.Series))
	}
	for _, s := range d.st.Series {
		if len(s.Dates) != 4 {
			t.Errorf("a weak one was kept: %v", s.Dates)
		}
	}
}

// Of two gaps neither is the usual one: what comes once a month may be moved by
// a weekend each time.
func TestRegularOverWeekends(t *testing.T) {
	median, _, ok := regular([]schemas.Date{day0, day0 + 33, day0 + 62})
	if !ok || median != 31 {
		t.Errorf("every %d days, %v", median, ok)
	}
	if _, _, ok := regular([]schemas.Date{day0, day0 + 38, day0 + 62}); ok {
		t.Error("24 and 38 days are regular")
	}
}

// Chance brings people together every two weeks or so: not to the day.
func TestVaryingByChance(t *testing.T) {
	var rows []txn
	for i, day := range []int{0, 14, 25, 42, 56, 70} {
		rows = append(rows, on0(day, "Person to Person", schemas.Money(i*i+1)*50_000*cent))
	}
	rows = append(rows, on0(70, "Person to Person", cent))
	d := steady(rows)
	d.night(71)
	d.night(72)
	if day := d.quiet(73, 95, overdueSeries); day >= 0 {
		t.Errorf("said on day %d", day)
	}
}

// A payroll is another sum each time; what comes often enough at its time is a
// series all the same, of no amount.
func TestSeriesOfVaryingAmounts(t *testing.T) {
	pay := func(n int) (rows []txn) {
		for i, t := range every(14, n, "Acme Payroll", 100_000*cent) {
			t.Amount += schemas.Money(i*i) * 10_000 * cent
			rows = append(rows, t)
		}
		return rows
	}
	for _, n := range []int{4, 6} {
		d := steady(pay(n))
		last := 14 * (n - 1)
		d.night(last + 1)
		d.night(last + 2)
		first := d.quiet(last+3, last+25, overdueSeries)
		if n == 4 {
			if first >= 0 {
				t.Errorf("four times are enough")
			}
			continue
		}
		f := wantOne(t, d.night(first+1), overdueSeries, Confirmed)
		if f.Amount != "" || f.Type != "CREDIT" || f.Date != text((day0+schemas.Date(last+14)).String()) {
			t.Errorf("%+v", f)
		}
		wantOne(t, d.night(first+2, on0(first, "Acme Payroll", 77*cent)), overdueSeries, Undone)
	}
}
