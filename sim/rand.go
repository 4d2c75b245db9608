package sim

import "math/bits"

// Nothing in this package draws random numbers in sequence. Every fact of the
// world is a hash of what it is a fact about (seed, user, account, day, slot),
// so that a row can be computed alone, in any order, and costs no memory.

// golden is 2^64 divided by the golden ratio: the step of splitmix64.
const golden = 0x9e3779b97f4a7c15

// mix is the finaliser of splitmix64: a bijection in which every bit of x
// moves about half the bits of the result.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	x ^= x >> 31
	return x
}

// hash derives an independent 64-bit value from key for part.
func hash(key, part uint64) uint64 { return mix(mix(key+golden) ^ (part+1)*golden) }

// hashString derives a value from key and a text (FNV-1a, then mixed).
func hashString(key uint64, s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return hash(key, h)
}

// pick maps h to [0, n) without the bias of a remainder.
func pick(h uint64, n int) int {
	hi, _ := bits.Mul64(h, uint64(n))
	return int(hi)
}

// chance reports whether h falls into the given share of all values.
func chance(h uint64, share float64) bool { return float64(h>>11) < share*(1<<53) }

// rate is a mean number of things in units of 1/65536.
type rate uint64

func rateOf(mean float64) rate {
	if mean <= 0 {
		return 0
	}
	return rate(mean * 65536)
}

// count draws a number of things whose mean is r: a uniform bulk around the
// mean where it is large, four coin tosses where it is small. Integers only, so
// that every platform draws the same.
func (r rate) count(h uint64) int {
	bulk := 0
	if r >= 2<<16 {
		bulk = int(r>>16-1) &^ 1
		r -= rate(bulk) << 16
	}
	n := 0
	if bulk > 0 {
		n = bulk/2 + pick(mix(h), bulk+1)
	}
	for lane := uint64(r) / 4; h != 0; h >>= 16 {
		if h&0xffff < lane {
			n++
		}
	}
	return n
}

// Salts keep facts of different kinds about the same thing independent. They lie
// apart from the small numbers that tell facts of one kind apart.
const (
	saltUser uint64 = iota + 1<<32
	saltMember
	saltAccount
	saltDay
	saltHold
	saltSeries
	saltTwin
	saltOwner
	saltGUID
	saltText
	saltTime
	saltUnfit
	saltFault
	saltFallback
	saltShuffle
	saltDrift
	saltAggregation
	saltVanish
	saltFailing
	saltLatency
	saltChallenge
	saltRequest
	saltDefect
)
