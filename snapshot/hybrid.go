package snapshot

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// hybrid looks numbers up in Parquet's mixture of runs and packed numbers.
// Whoever asks for one after the other goes through it once.
type hybrid struct {
	data  []byte
	width int

	rest     []byte // after the present run
	from, to int    // the numbers it has
	before   int    // ones that stand before it, if there are only zeros and ones
	packed   []byte // nil: all are same
	same     int32
}

// open begins with other data.
func (h *hybrid) open(data []byte, width int) {
	if width > 24 {
		panic("wider than any dictionary")
	}
	h.data, h.width = data, width
	h.rewind()
}

func (h *hybrid) rewind() { h.rest, h.from, h.to, h.before, h.packed, h.same = h.data, 0, 0, 0, nil, 0 }

// seek turns to the run that has the number at k.
func (h *hybrid) seek(k int) {
	if k < h.from {
		h.rewind()
	}
	for k >= h.to {
		if h.width == 1 {
			h.before += h.ones(h.to - h.from)
		}
		count, packed, same, rest := hybridRun(h.rest, h.width)
		h.from, h.to = h.to, h.to+count
		h.packed, h.same, h.rest = packed, same, rest
	}
}

// at returns the number at k.
func (h *hybrid) at(k int) int32 {
	h.seek(k)
	if h.packed == nil {
		return h.same
	}
	return unpackAt(h.packed, (k-h.from)*h.width, h.width)
}

// repeats returns how many of n numbers, from the one at k on, are the same as
// that.
func (h *hybrid) repeats(k, n int) int {
	first, at := h.at(k), k
	for at < k+n {
		h.seek(at)
		end := min(h.to, k+n)
		if h.packed == nil && h.same == first {
			at = end
			continue
		}
		for at < end && h.at(at) == first {
			at++
		}
		if at < end {
			break
		}
	}
	return at - k
}

// below reports whether all of the first n numbers are.
func (h *hybrid) below(n, limit int) bool {
	data := h.data
	for n > 0 {
		count, packed, same, rest := hybridRun(data, h.width)
		count, data = min(count, n), rest
		n -= count
		if packed == nil {
			count = 0
			if int(same) >= limit {
				return false
			}
		}
		for i := range count {
			if int(unpackAt(packed, i*h.width, h.width)) >= limit {
				return false
			}
		}
	}
	return true
}

// rank returns how many ones stand before k, and whether one stands there.
func (h *hybrid) rank(k int) (n int, one bool) {
	one = h.at(k) == 1
	return h.before + h.ones(k-h.from), one
}

// ones counts those among the first n of the run.
func (h *hybrid) ones(n int) (sum int) {
	if h.packed == nil {
		return n * int(h.same)
	}
	p := h.packed
	for ; n >= 64 && len(p) >= 8; n, p = n-64, p[8:] {
		sum += bits.OnesCount64(binary.LittleEndian.Uint64(p))
	}
	for ; n >= 8; n, p = n-8, p[1:] {
		sum += bits.OnesCount8(p[0])
	}
	if n > 0 {
		sum += bits.OnesCount8(p[0] & (1<<n - 1))
	}
	return sum
}

// maxRun is what is believed of a run.
const maxRun = 8 * maxGroupRows

// hybridRun splits off the first run: one number that stands there count times,
// or packed numbers.
func hybridRun(data []byte, width int) (count int, packed []byte, same int32, rest []byte) {
	head, w := binary.Uvarint(data)
	if w <= 0 {
		panic("a run without a head")
	}
	data = data[w:]
	count = int(min(head>>1, maxRun))
	if count == 0 {
		panic("a run of nothing")
	}
	if head&1 == 0 {
		for i := range (width + 7) / 8 {
			same |= int32(data[i]) << (8 * i)
		}
		if same>>width != 0 {
			panic("a number too wide for its run")
		}
		return count, nil, same, data[(width+7)/8:]
	}
	packed = data[:min(count*width, len(data))] // the last may be cut short
	if packed == nil {
		packed = []byte{}
	}
	return 8 * count, packed, 0, data[len(packed):]
}

// unpackAt returns the number of width bits that begins at a bit.
func unpackAt(packed []byte, bit, width int) int32 {
	var x int32
	if at := bit >> 3; at+4 <= len(packed) {
		x = int32(binary.LittleEndian.Uint32(packed[at:]) >> (bit & 7))
	} else {
		for i := len(packed) - 1; i >= at; i-- {
			x = x<<8 | int32(packed[i])
		}
		x >>= bit & 7
	}
	return x & (1<<width - 1)
}

// appendHybrid appends n numbers of width bits.
func appendHybrid(dst []int32, data []byte, width, n int) []int32 {
	dst = slices.Grow(dst, n)
	for n > 0 {
		count, packed, same, rest := hybridRun(data, width)
		count, data = min(count, n), rest
		if packed == nil {
			for range count {
				dst = append(dst, same)
			}
		} else {
			bit := 0
			for range count {
				dst = append(dst, unpackAt(packed, bit, width))
				bit += width
			}
		}
		n -= count
	}
	return dst
}
