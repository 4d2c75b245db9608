package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/snapshot"
)

// How much of a text is shown. All of it is in findings.csv.
const (
	longName  = 60
	longGUID  = 48
	longFact  = 300
	longNote  = 600
	mostFacts = 20
)

// shown is a text as a page may show it: at most n characters on one line,
// without those that would turn, hide or break what stands around it.
func shown(s string, n int) string {
	if len(s) <= n && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return s // most are
	}
	var b strings.Builder
	for _, c := range s { // what is not UTF-8 comes as U+FFFD
		if n--; n < 0 {
			b.WriteString("…")
			break
		}
		switch {
		case unicode.IsSpace(c):
			c = ' '
		case unicode.IsControl(c), unicode.Is(unicode.Cf, c) && c != '\u200c' && c != '\u200d':
			c = unicode.ReplacementChar
		}
		b.WriteRune(c)
	}
	return strings.TrimSpace(b.String())
}

// words is a name of the program as people say it.
func words[T ~string](name T) string { return strings.ReplaceAll(string(name), "_", " ") }

// money is an amount with at least two decimals and its sign.
func money(m schemas.Money) string {
	s := m.String()
	for strings.HasSuffix(s, "0") && len(s)-strings.IndexByte(s, '.') > 3 {
		s = s[:len(s)-1]
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "\u2212", s[1:]
	}
	dot := strings.IndexByte(s, '.')
	for i := dot - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// signed is the amount of a finding: what is debited is negative.
func signed(f *reconcile.Finding) string {
	switch {
	case f.Amount == "":
		return ""
	case f.Type == "DEBIT":
		return "\u2212" + shown(string(f.Amount), 24)
	case f.Type == "CREDIT":
		return "+" + shown(string(f.Amount), 24)
	}
	return shown(string(f.Amount), 24)
}

// count is a number with separators.
func count[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// day is the UTC date of a snapshot.
func day(id snapshot.ID) string {
	if t := id.Time(); !t.IsZero() {
		return t.Format(time.DateOnly)
	}
	return shown(string(id), longGUID)
}

// minute is a time as people read it.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// age is a time span in the one unit that fits.
func age(seconds int64) string {
	switch {
	case seconds < 0:
		return "0m"
	case seconds < 3600:
		return fmt.Sprintf("%dm", seconds/60)
	case seconds < 48*3600:
		return fmt.Sprintf("%dh", seconds/3600)
	}
	return fmt.Sprintf("%dd", seconds/86400)
}

// hours is a time span as an option gives it.
func hours(seconds int64) string {
	switch {
	case seconds == 3600:
		return "an hour"
	case seconds%3600 == 0:
		return count(seconds/3600) + " hours"
	}
	return (time.Duration(seconds) * time.Second).String()
}

// fact is a value of the evidence in words.
func fact(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		if t, ok := schemas.ParseTimestamp([]byte(v)); ok {
			return t.Time().Format("2006-01-02 15:04:05 UTC")
		}
		return shown(v, longFact)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case json.Number:
		return shown(v.String(), longFact)
	case []any:
		var all []string
		for _, one := range v[:min(len(v), mostFacts)] {
			all = append(all, fact(one))
		}
		if more := len(v) - mostFacts; more > 0 {
			all = append(all, fmt.Sprintf("and %s more", count(more)))
		}
		return shown(strings.Join(all, ", "), longFact)
	case map[string]any:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = append(all, words(name)+": "+fact(v[name]))
		}
		return shown(strings.Join(all, ", "), longFact)
	}
	return shown(fmt.Sprint(v), longFact)
}

// whys says for each reason how often it was.
func whys(n map[string]int64) string {
	var all []string
	for _, reason := range slices.Sorted(maps.Keys(n)) {
		all = append(all, words(shown(reason, longName))+" "+count(n[reason]))
	}
	return strings.Join(all, ", ")
}

// exits says what an exit code tells (contract.md, Exit codes).
func exits(code int) string {
	switch code {
	case 0:
		return "done, without gaps"
	case 3:
		return "done, with gaps, or systemic"
	case 4:
		return "there are findings that --fail-on names"
	}
	return "see the log"
}
