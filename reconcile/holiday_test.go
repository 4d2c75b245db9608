package reconcile

import (
	"testing"
	"time"

	"tallyport/schemas"
)

// The holidays of two years as the Federal Reserve lists them.
func TestHolidays(t *testing.T) {
	want := map[string]bool{}
	for _, d := range []string{
		"2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-09-07", "2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25",
		"2023-01-02", "2023-01-16", "2023-02-20", "2023-05-29", "2023-06-19", "2023-07-04", "2023-09-04", "2023-10-09", "2023-11-23", "2023-12-25",
	} {
		want[d] = true
	}
	for _, year := range []int{2023, 2026} {
		for d := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() == year; d = d.AddDate(0, 0, 1) {
			if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
				continue
			}
			if name := d.Format(time.DateOnly); isHoliday(d) != want[name] {
				t.Errorf("%s: %v", name, isHoliday(d))
			}
		}
	}
	if isHoliday(time.Date(2020, 6, 19, 0, 0, 0, 0, time.UTC)) {
		t.Error("Juneteenth before 2021")
	}
}

func TestBankDay(t *testing.T) {
	for day, want := range map[string]string{
		"2026-11-20": "2026-11-20", "2026-11-21": "2026-11-23", "2026-11-22": "2026-11-23", // a weekend
		"2026-11-26": "2026-11-27", "2023-12-23": "2023-12-26", "2022-12-31": "2023-01-03", // and a holiday after it
		"2026-07-04": "2026-07-06", "2026-07-03": "2026-07-03",
	} {
		var d schemas.Date
		if err := d.UnmarshalText([]byte(day)); err != nil {
			t.Fatal(err)
		}
		if got := bankDay(d).String(); got != want {
			t.Errorf("%s: %s, want %s", day, got, want)
		}
	}
}
