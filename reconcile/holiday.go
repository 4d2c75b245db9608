package reconcile

import (
	"time"

	"tallyport/schemas"
)

// bankDay returns the day, or the first after it on which banks in the United
// States book: not on weekends, nor on federal holidays (5 U.S.C. 6103).
func bankDay(d schemas.Date) schemas.Date {
	for {
		t := d.Time()
		if w := t.Weekday(); w != time.Saturday && w != time.Sunday && !isHoliday(t) {
			return d
		}
		d++
	}
}

// isHoliday reports whether banks are closed on a weekday. A holiday on a
// Sunday is kept on Monday; one on a Saturday is not, for the Federal Reserve
// is open on the Friday before.
func isHoliday(t time.Time) bool {
	month, day, weekday := t.Month(), t.Day(), t.Weekday()
	for _, h := range []struct {
		month time.Month
		day   int
		since int
	}{{time.January, 1, 0}, {time.June, 19, 2021}, {time.July, 4, 0}, {time.November, 11, 0}, {time.December, 25, 0}} {
		if month == h.month && t.Year() >= h.since && (day == h.day || day == h.day+1 && weekday == time.Monday) {
			return true
		}
	}
	nth := (day-1)/7 + 1
	switch {
	case weekday == time.Monday:
		return (month == time.January || month == time.February) && nth == 3 || // King, Washington
			month == time.May && day > 24 || // Memorial Day, the last one
			month == time.September && nth == 1 || // Labor Day
			month == time.October && nth == 2 // Columbus Day
	case weekday == time.Thursday:
		return month == time.November && nth == 4 // Thanksgiving
	}
	return false
}
