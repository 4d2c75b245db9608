package schemas

import (
	"math"
	"strconv"
)

// Money is an amount in ten-thousandths of the account's currency unit. It is
// parsed from the number's literal and never passes through a float.
type Money int64

// Rate is a percentage in hundred-millionths of a percent (apr, apy,
// interest_rate: 1.13 means 1.13 %, mx-api.md §1.5).
type Rate int64

const (
	moneyScale = 4
	rateScale  = 8
	// maxDecimal is the largest magnitude DECIMAL(18, s) holds, in units of 10^-s.
	maxDecimal = 999_999_999_999_999_999
)

// ParseMoney reads a JSON number literal. It reports false when the text is no
// number or does not fit DECIMAL(18,4) exactly; nothing is ever rounded.
func ParseMoney(lit []byte) (Money, bool) {
	n, ok := parseDecimal(lit, moneyScale)
	return Money(n), ok
}

// ParseRate is ParseMoney for DECIMAL(18,8).
func ParseRate(lit []byte) (Rate, bool) {
	n, ok := parseDecimal(lit, rateScale)
	return Rate(n), ok
}

// ParseInt reads a JSON number literal whose value is an integer, in whatever
// notation (15234, 15234.0, 1.5234e4), and reports false when it is not or
// when it does not fit an int64.
func ParseInt(lit []byte) (int64, bool) { return parseDecimal(lit, 0) }

// parseDecimal returns the value of the JSON number literal in units of
// 10^-scale, exactly, or false.
func parseDecimal(lit []byte, scale int) (int64, bool) {
	i, neg := 0, false
	if i < len(lit) && lit[i] == '-' {
		neg = true
		i++
	}
	intStart := i
	for i < len(lit) && isDigit(lit[i]) {
		i++
	}
	intDigits := lit[intStart:i]
	if len(intDigits) == 0 || (len(intDigits) > 1 && intDigits[0] == '0') {
		return 0, false
	}
	var frac []byte
	if i < len(lit) && lit[i] == '.' {
		start := i + 1
		for i = start; i < len(lit) && isDigit(lit[i]); i++ {
		}
		if frac = lit[start:i]; len(frac) == 0 {
			return 0, false
		}
	}
	exp := 0
	if i < len(lit) && (lit[i] == 'e' || lit[i] == 'E') {
		i++
		expNeg := false
		if i < len(lit) && (lit[i] == '+' || lit[i] == '-') {
			expNeg = lit[i] == '-'
			i++
		}
		start := i
		for ; i < len(lit) && isDigit(lit[i]); i++ {
			if exp < 1<<30 { // beyond any literal's length nothing changes any more
				exp = exp*10 + int(lit[i]-'0')
			}
		}
		if i == start {
			return 0, false
		}
		if expNeg {
			exp = -exp
		}
	}
	if i != len(lit) {
		return 0, false
	}

	// value = digits × 10^shift units; a digit that the unit cannot hold must be 0.
	shift := exp + scale - len(frac)
	var n uint64
	add := func(digits []byte, following int) bool {
		for k, c := range digits {
			d := uint64(c - '0')
			if place := shift + following + len(digits) - 1 - k; place < 0 {
				if d != 0 {
					return false
				}
				continue
			}
			if n > (math.MaxUint64-9)/10 {
				return false
			}
			n = n*10 + d
		}
		return true
	}
	if !add(intDigits, len(frac)) || !add(frac, 0) {
		return 0, false
	}
	limit := uint64(maxDecimal)
	if scale == 0 {
		limit = math.MaxInt64
	}
	for ; shift > 0 && n != 0; shift-- {
		if n > limit/10 {
			return 0, false
		}
		n *= 10
	}
	if n > limit {
		return 0, false
	}
	if neg {
		return -int64(n), true
	}
	return int64(n), true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// Append writes the amount with four decimals, as CSV has it.
func (m Money) Append(dst []byte) []byte { return appendDecimal(dst, int64(m), moneyScale) }

func (m Money) String() string { return string(m.Append(nil)) }

// Append writes the rate with eight decimals, as CSV has it.
func (r Rate) Append(dst []byte) []byte { return appendDecimal(dst, int64(r), rateScale) }

func (r Rate) String() string { return string(r.Append(nil)) }

func appendDecimal(dst []byte, n int64, scale int) []byte {
	u := uint64(n)
	if n < 0 {
		dst = append(dst, '-')
		u = -u
	}
	pow := uint64(1)
	for range scale {
		pow *= 10
	}
	dst = strconv.AppendUint(dst, u/pow, 10)
	dst = append(dst, '.')
	rest := u % pow
	for pow /= 10; pow > 0; pow /= 10 {
		dst = append(dst, '0'+byte(rest/pow%10))
	}
	return dst
}
