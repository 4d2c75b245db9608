package reconcile

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The assignment is one to one, its sum is the largest of all, and neither
// depends on the order of the pairs.
func TestAssignIsBest(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		var pairs []pair
		for g := range 1 + r.IntN(5) {
			for c := range 1 + r.IntN(5) {
				if r.IntN(3) > 0 {
					pairs = append(pairs, pair{g, c, 1 + r.IntN(20)})
				}
			}
		}
		got, _ := assign(slices.Clone(pairs), 0)
		gone, came, sum := map[int]bool{}, map[int]bool{}, 0
		for _, p := range got {
			if gone[p.gone] || came[p.came] || !slices.Contains(pairs, p) {
				t.Fatalf("%v of %v", got, pairs)
			}
			gone[p.gone], came[p.came] = true, true
			sum += p.score
		}
		if want := largest(pairs, 0, 0); sum != want {
			t.Fatalf("sum %d, want %d: %v of %v", sum, want, got, pairs)
		}
		r.Shuffle(len(pairs), func(i, k int) { pairs[i], pairs[k] = pairs[k], pairs[i] })
		if again, _ := assign(slices.Clone(pairs), 0); !slices.Equal(got, again) {
			t.Fatalf("%v, and in another order %v", got, again)
		}
	}
}

// largest tries every choice of pairs.
func largest(pairs []pair, gone, came uint) int {
	most := 0
	for i, p := range pairs {
		if gone>>p.gone&1 == 0 && came>>p.came&1 == 0 {
			most = max(most, p.score+largest(pairs[i+1:], gone|1<<p.gone, came|1<<p.came))
		}
	}
	return most
}

// A row is doubted if it was left alone for another that fits hardly better.
func TestDoubted(t *testing.T) {
	many := func(n int) (all []pair) { // one more went than came
		for g := range n + 1 {
			for c := range n {
				all = append(all, pair{g, c, 1000 - 200*g/n})
			}
		}
		return all
	}
	for _, tt := range []struct {
		name   string
		pairs  []pair
		margin int
		want   map[int]pair
	}{
		{"clear", []pair{{0, 0, 2000}, {1, 0, 1800}}, 150, map[int]pair{}},
		{"near", []pair{{0, 0, 2000}, {1, 0, 1900}}, 150, map[int]pair{1: {0, 0, 2000}}},
		{"both found one", []pair{{0, 0, 2000}, {1, 0, 2000}, {1, 1, 1990}}, 150, map[int]pair{}},
		{"a choice of two that came", []pair{{0, 0, 2000}, {0, 1, 2000}}, 150, map[int]pair{}},
		{"too many to search", many(largestComponent), 1, map[int]pair{largestComponent: {0, 0, 1000}}},
	} {
		_, got := assign(tt.pairs, tt.margin)
		if len(got) != len(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		for i, p := range tt.want {
			if got[i] != p {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		}
	}
}

// Two rows of one amount went and one of them came again, perhaps either: what
// is left is for a person.
func TestEitherOfTwoIsReview(t *testing.T) {
	lost := func(second string) *Sighting {
		h := newHousehold()
		h.post(usual, posted("TRN-a", 10, "Cinema Nord", -12_5000))
		h.post(usual, posted("TRN-b", 10, second, -12_5000))
		h.tonight()
		h.lose(usual, "TRN-a", "TRN-b")
		h.account(usual).rows = append(h.account(usual).rows, posted("TRN-c", 10, "Cinema Nord", -12_5000))
		var last *Sighting
		for range 3 {
			last = h.tonight().sighting("Z1")
		}
		return last
	}
	for second, want := range map[string]Verdict{"Cinema Nort": Ticket, "Nord Cinema": Review, "Cinema Nord": Ticket} {
		switch s := lost(second); {
		case s == nil || s.Claim != Confirmed:
			t.Errorf("%s: %v is not confirmed", second, s)
		case s.Verdict != want:
			t.Errorf("%s: %s, want %s: %v", second, s.Verdict, want, s.Evidence)
		}
	}
}
