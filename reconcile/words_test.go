package reconcile

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Words are what strings.FieldsFunc makes of the text.
func TestWords(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	parts := []string{"Café", "POS", "#12", " ", "-", "a", "ünder", "\xff", "日本", "CARD", "x1y", "*", "THE ", "ß", "ı"}
	for range 2000 {
		feed := ""
		for range rnd.IntN(40) {
			feed += parts[rnd.IntN(len(parts))]
		}
		all := strings.FieldsFunc(strings.ToUpper(feed), func(r rune) bool { return (r < 'A' || r > 'Z') && r < 0x80 })
		want := slices.DeleteFunc(slices.Clone(all), func(w string) bool { return w == "POS" || w == "CARD" || w == "THE" })
		if len(want) == 0 {
			want = all
		}
		if got := (&txn{Feed: feed}).words(make([]string, 4)); !slices.Equal(got, want) {
			t.Fatalf("%q: %q, not %q", feed, got, want)
		}
	}
}
