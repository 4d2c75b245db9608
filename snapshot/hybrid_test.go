package snapshot

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// What is looked up in a mixture of runs and packed numbers is what it unpacks to.
func TestHybrid(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	for range 300 {
		width := rnd.IntN(12)
		var data []byte
		n := 0
		for range 1 + rnd.IntN(20) {
			if rnd.IntN(2) == 0 {
				groups := 1 + rnd.IntN(3)
				data = binary.AppendUvarint(data, uint64(groups)<<1|1)
				for range groups * width {
					bits := rnd.Uint32()
					data = append(data, byte(bits)&byte(bits>>8)) // zeros repeat
				}
				n += 8 * groups
				continue
			}
			count := 1 + rnd.IntN(40)
			data = binary.AppendUvarint(data, uint64(count)<<1)
			v := rnd.Uint32() & (1<<width - 1)
			for i := range (width + 7) / 8 {
				data = append(data, byte(v>>(8*i)))
			}
			n += count
		}
		want := appendHybrid(nil, data, width, n)
		var h hybrid
		h.open(data, width)
		for range 50 {
			k := rnd.IntN(n)
			of := 1 + rnd.IntN(n-k)
			same := 1
			for same < of && want[k+same] == want[k] {
				same++
			}
			if got := h.repeats(k, of); got != same {
				t.Fatalf("%d of %v from %d on: %d repeat, want %d", of, want, k, got, same)
			}
			if h.at(k) != want[k] {
				t.Fatalf("%d at %d, want %d", h.at(k), k, want[k])
			}
		}
		most := int(slices.Max(want))
		if h.below(n, most) || !h.below(n, most+1) {
			t.Fatalf("%v: the greatest is not %d", want, most)
		}
	}
}
