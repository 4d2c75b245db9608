package reconcile

import (
	"testing"

	"tallyport/schemas"
)

// What a pending row may be booked as, by category and amount.
func TestPosts(t *testing.T) {
	for _, tt := range []struct {
		name, category string
		held, booked   schemas.Money
		want           bool
	}{
		{"the same", "Toys", -50_0000, -50_0000, true},
		{"a tip", "Restaurants", -50_0000, -60_0000, true},
		{"a tip where none is usual", "Toys", -50_0000, -60_0000, false},
		{"perhaps a tip", "", -50_0000, -60_0000, true},
		{"perhaps a tip, said so", "Uncategorized", -50_0000, -60_0000, true},
		{"the rate of the day, not said to be abroad", "Toys", -50_0000, -49_0000, true},
		{"more than a rate", "Toys", -50_0000, -47_0000, false},
		{"a hold of a round sum", "Gas", -100_0000, -31_0000, true},
		{"a round sum", "Toys", -100_0000, -31_0000, false},
	} {
		a, b := held0("TRN-a", 1, "Payee", tt.held), posted("TRN-b", 2, "Payee", tt.booked)
		a.Category, b.Category = tt.category, tt.category
		if got := posts(&a, &b) > 0; got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
