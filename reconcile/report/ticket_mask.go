package report

import (
	"regexp"
	"strings"
	"unicode"
)

// A payee may be the bank's own text, which may name the account or the card.
const (
	longNumber = 6 // digits in a number that could be one
	keptDigits = 4 // of its end: enough to tell it from another
)

// numbers are what could name an account: an IBAN, or digits, also in groups.
var numbers = regexp.MustCompile(`(?i)(?:\b[A-Z]{2}\p{Nd}{2}(?:[ \p{Pd}]?[A-Z\p{Nd}]{4}){2,7}(?:[ \p{Pd}]?[A-Z\p{Nd}]{1,3})?|\p{Nd})(?:[ \p{Pd}\x{2212}./]{0,3}\p{Nd})*`)

// masked is a payee with its long numbers hidden but for their end. A number
// is hidden before the text is cut, which could make it look short.
func masked[T ~string](payee T) text {
	return shortened(numbers.ReplaceAllStringFunc(onOneLine(payee), func(number string) string {
		digits := 0
		var signs []rune // without what groups them
		for _, r := range number {
			if unicode.IsDigit(r) {
				digits++
			}
			if unicode.IsDigit(r) || unicode.IsLetter(r) {
				signs = append(signs, r)
			}
		}
		if digits < longNumber {
			return number
		}
		return strings.Repeat("x", keptDigits) + string(signs[len(signs)-keptDigits:])
	}))
}
