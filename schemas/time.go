package schemas

import (
	"fmt"
	"time"
)

// Date is a calendar day without a zone, in days since 1970-01-01.
type Date int32

// Timestamp is an instant in microseconds since 1970-01-01T00:00:00Z.
type Timestamp int64

const (
	microsPerSecond = 1_000_000
	secondsPerDay   = 86_400
)

// ParseDate reads YYYY-MM-DD. A full timestamp is accepted where MX serves
// one in an `_on` field (mx-api.md §1.2), as long as it names midnight.
func ParseDate(s []byte) (Date, bool) {
	d, ok := civil(s)
	if !ok {
		return 0, false
	}
	if len(s) > len("2006-01-02") {
		ts, ok := ParseTimestamp(s)
		return d, ok && ts == d.Timestamp()
	}
	return d, true
}

// civil reads the YYYY-MM-DD that s begins with.
func civil(s []byte) (Date, bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, ok1 := digits(s[0:4])
	m, ok2 := digits(s[5:7])
	d, ok3 := digits(s[8:10])
	if !ok1 || !ok2 || !ok3 || y < 1 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	return Date(daysFromCivil(y, m, d)), true
}

// ParseTimestamp reads the forms MX serves (mx-api.md §1.2): RFC 3339 with Z
// or a numeric offset, with or without a fraction of up to nine digits, and
// the form with spaces, `2020-04-13 21:05:09.000000000 Z`. Digits below the
// microsecond are cut off. A time without a zone is no instant: false.
func ParseTimestamp(s []byte) (Timestamp, bool) {
	day, ok := civil(s)
	if !ok || len(s) < len("2006-01-02T15:04:05Z") {
		return 0, false
	}
	if s[10] != 'T' && s[10] != 't' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	hh, ok1 := digits(s[11:13])
	mm, ok2 := digits(s[14:16])
	ss, ok3 := digits(s[17:19])
	if !ok1 || !ok2 || !ok3 || hh > 23 || mm > 59 || ss > 59 {
		return 0, false
	}
	micros, rest := 0, s[19:]
	if rest[0] == '.' {
		i, unit := 1, 100_000
		for ; i < len(rest) && isDigit(rest[i]); i++ {
			micros += int(rest[i]-'0') * unit
			unit /= 10
		}
		if i == 1 || i > 10 {
			return 0, false
		}
		rest = rest[i:]
	}
	if len(rest) > 1 && rest[0] == ' ' {
		rest = rest[1:]
	}
	offset, ok := zone(rest)
	if !ok {
		return 0, false
	}
	secs := int64(day)*secondsPerDay + int64(hh*3600+mm*60+ss) - int64(offset)
	return Timestamp(secs*microsPerSecond + int64(micros)), true
}

// zone returns the offset in seconds east of UTC of "Z", "±hh:mm" or "±hhmm".
func zone(s []byte) (int, bool) {
	if len(s) == 1 && (s[0] == 'Z' || s[0] == 'z') {
		return 0, true
	}
	if len(s) == 6 && s[3] == ':' {
		s = append(append(make([]byte, 0, 5), s[:3]...), s[4:]...)
	}
	if len(s) != 5 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, ok1 := digits(s[1:3])
	m, ok2 := digits(s[3:5])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, false
	}
	off := h*3600 + m*60
	if s[0] == '-' {
		off = -off
	}
	return off, true
}

func digits(s []byte) (int, bool) {
	n := 0
	for _, c := range s {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func daysIn(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysFromCivil counts the days from 1970-01-01 in the proleptic Gregorian
// calendar, with years that begin in March so that the leap day comes last.
func daysFromCivil(y, m, d int) int {
	if m <= 2 {
		y--
		m += 12
	}
	dayOfYear := (153*(m-3)+2)/5 + d - 1
	return y*365 + y/4 - y/100 + y/400 + dayOfYear - 719_468
}

// DateOf is the UTC day of t.
func DateOf(t time.Time) Date {
	y, m, d := t.UTC().Date()
	return Date(daysFromCivil(y, int(m), d))
}

// Timestamp is the day's first instant in UTC.
func (d Date) Timestamp() Timestamp { return Timestamp(int64(d) * secondsPerDay * microsPerSecond) }

// Time is the day's first instant in UTC.
func (d Date) Time() time.Time { return d.Timestamp().Time() }

// Append writes YYYY-MM-DD.
func (d Date) Append(dst []byte) []byte { return d.Time().AppendFormat(dst, time.DateOnly) }

func (d Date) String() string { return string(d.Append(nil)) }

func (d Date) MarshalText() ([]byte, error) { return d.Append(nil), nil }

func (d *Date) UnmarshalText(b []byte) error {
	v, ok := civil(b)
	if !ok || len(b) != len("2006-01-02") {
		return fmt.Errorf("%q is not a date, write it as 2026-11-20", b)
	}
	*d = v
	return nil
}

// TimestampOf cuts t to the microsecond.
func TimestampOf(t time.Time) Timestamp { return Timestamp(t.UnixMicro()) }

// Time returns the instant in UTC.
func (t Timestamp) Time() time.Time { return time.UnixMicro(int64(t)).UTC() }

// Append writes 2026-11-20T02:00:00.000000Z, as CSV has it.
func (t Timestamp) Append(dst []byte) []byte {
	return t.Time().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
}

func (t Timestamp) String() string { return string(t.Append(nil)) }

func (t Timestamp) MarshalText() ([]byte, error) {
	return t.Time().AppendFormat(nil, time.RFC3339Nano), nil
}

func (t *Timestamp) UnmarshalText(b []byte) error {
	v, ok := ParseTimestamp(b)
	if !ok {
		return fmt.Errorf("%q is not a time, write it as 2026-11-20T02:00:00Z", b)
	}
	*t = v
	return nil
}

// Window is the range of transaction dates that was asked for, both ends
// included. It is always stated, never defaulted by the server.
type Window struct {
	From Date `json:"from"`
	To   Date `json:"to"`
}

// Contains reports whether d lies in the window.
func (w Window) Contains(d Date) bool { return w.From <= d && d <= w.To }

func (w Window) String() string { return w.From.String() + ".." + w.To.String() }
