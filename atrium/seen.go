package atrium

import "math/bits"

// seen is a set of hashes, none of which is 0: 10 to 15 bytes for each, so
// that the guids of a million transactions fit where their texts would not.
// Two guids in a list of a million share a hash once in 10 million walks, and
// a walk that begins again hashes with another seed.
type seen struct {
	slots []uint64 // 0: free
	n     int
}

// add reports whether h is new.
func (s *seen) add(h uint64) bool {
	if 5*(s.n+1) > 4*len(s.slots) {
		old := s.slots
		s.slots = make([]uint64, max(64, len(old)+len(old)/2))
		for _, o := range old {
			if o != 0 {
				s.slots[s.find(o)] = o
			}
		}
	}
	i := s.find(h)
	if s.slots[i] == h {
		return false
	}
	s.slots[i] = h
	s.n++
	return true
}

// find returns the slot that holds h, or the free one where it belongs.
func (s *seen) find(h uint64) int {
	hi, _ := bits.Mul64(h, uint64(len(s.slots)))
	i := int(hi)
	for s.slots[i] != 0 && s.slots[i] != h {
		if i++; i == len(s.slots) {
			i = 0
		}
	}
	return i
}
