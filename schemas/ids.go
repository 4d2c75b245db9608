// Package schemas defines the records this tool moves, their one sort order,
// and their exact layout in files.
//
// Every table of the product is declared once, in tables.go. That declaration
// is what the JSON decoder fills, what the Parquet and CSV codecs write, what
// `tallyport schema` prints and what FORMAT.md describes.
package schemas

import "strings"

// Ids have a type each, so that an id of one kind cannot be passed for
// another. MX writes them as a prefix and five groups of hexadecimal digits
// (mx-api.md §1.2); nothing here relies on that shape.
type (
	UserID          string
	MemberID        string
	AccountID       string
	TransactionID   string
	InstitutionCode string
)

// maxID bounds an id in bytes. MX's own are 40.
const maxID = 128

// ValidID reports whether s can stand in a request path as one segment:
// letters, digits, '-' and '_' only, so that no id can climb out of a path or
// carry a query with it.
func ValidID[S ~string](s S) bool {
	if len(s) == 0 || len(s) > maxID {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// ValidCode reports whether an institution code can stand in a request path
// once it is percent-encoded. Codes are slugs or UUIDs (mx-api.md §1.5), but
// other text is tolerated as long as it is one segment.
func ValidCode(c InstitutionCode) bool {
	s := string(c)
	return s != "" && len(s) <= maxID && s != "." && s != ".." && !strings.ContainsAny(s, "/\\?#\x00\r\n")
}
