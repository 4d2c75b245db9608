package sim

import "time"

// Instants are Unix seconds and days are days since 1970-01-01, both UTC. Zero
// stands for "never", which JSON shows as null.

const secondsPerDay = 86_400

func dayOf(unix int64) int32 {
	if unix < 0 {
		unix -= secondsPerDay - 1
	}
	return int32(unix / secondsPerDay)
}

func midnight(day int32) int64 { return int64(day) * secondsPerDay }

// civil returns the calendar date of a day: the usual era arithmetic, with
// years that begin in March.
func civil(day int32) (year, month, dom int) {
	z := int(day) + 719468
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	dom = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, dom
}

// parseDay reads YYYY-MM-DD.
func parseDay(s string) (int32, bool) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, false
	}
	return dayOf(t.Unix()), true
}

func append2(b []byte, n int) []byte { return append(b, byte('0'+n/10%10), byte('0'+n%10)) }

// appendDate writes YYYY-MM-DD.
func appendDate(b []byte, day int32) []byte {
	y, m, d := civil(day)
	b = append2(append2(b, y/100), y)
	b = append2(append(b, '-'), m)
	return append2(append(b, '-'), d)
}

// stamp is one of the textual forms in which MX serves the same instant
// (mx-api.md §1.2).
type stamp uint8

const (
	stampZ      stamp = iota // 2026-11-20T02:00:00Z
	stampZero                // 2026-11-20T02:00:00+00:00
	stampWest                // 2026-11-19T20:00:00-06:00
	stampEast                // 2026-11-20T07:30:00+05:30
	stampMillis              // 2026-11-20T02:00:00.000Z
	stampNanos               // 2026-11-20T02:00:00.000000000Z
	stampSpace               // 2026-11-20 02:00:00.000000000 Z
	stampMinus               // 2026-11-20T02:00:00-00:00
	stampMicros              // 2026-11-20T02:00:00.123456Z, only where a fraction moves nothing
)

// stampOf spreads the forms: mostly Z and +00:00, as the live tests and the
// samples have it, the others now and then.
func stampOf(h uint64) stamp {
	switch x := h % 64; {
	case x < 34:
		return stampZ
	case x < 52:
		return stampZero
	case x < 55:
		return stampWest
	case x < 56:
		return stampEast
	case x < 60:
		return stampMillis
	case x < 61:
		return stampNanos
	case x < 62:
		return stampSpace
	default:
		return stampMinus
	}
}

// appendTime writes an instant in the given form. The world's clock has whole
// seconds; only stampMicros shows a fraction, made from the instant itself.
func appendTime(b []byte, unix int64, form stamp) []byte {
	switch form {
	case stampWest:
		unix -= 6 * 3600
	case stampEast:
		unix += 5*3600 + 1800
	}
	day := dayOf(unix)
	b = appendDate(b, day)
	if form == stampSpace {
		b = append(b, ' ')
	} else {
		b = append(b, 'T')
	}
	s := int(unix - midnight(day))
	b = append2(b, s/3600)
	b = append2(append(b, ':'), s/60%60)
	b = append2(append(b, ':'), s%60)
	switch form {
	case stampZero:
		return append(b, "+00:00"...)
	case stampWest:
		return append(b, "-06:00"...)
	case stampEast:
		return append(b, "+05:30"...)
	case stampMillis:
		return append(b, ".000Z"...)
	case stampNanos:
		return append(b, ".000000000Z"...)
	case stampSpace:
		return append(b, ".000000000 Z"...)
	case stampMinus:
		return append(b, "-00:00"...)
	case stampMicros:
		b = append(b, '.')
		for f, div := int(mix(uint64(unix))%1_000_000), 100_000; div > 0; div /= 10 {
			b = append(b, byte('0'+f/div%10))
		}
	}
	return append(b, 'Z')
}
