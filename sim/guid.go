package sim

// A guid of the pretend MX is its address, enciphered: which user, member,
// account, day and slot it stands for can be read back with the seed, so that
// reading one transaction needs no index, and a guid of another world, or a
// made-up one, is not found. To a client it looks like any other: a prefix and
// five groups of lowercase hexadecimal digits (mx-api.md §1.2).

// guid is the text form: three letters, a dash, 8-4-4-4-12.
type guid [40]byte

func (g guid) String() string { return string(g[:]) }

// Prefixes of guids (mx-api.md §1.2).
const (
	prefixUser        = "USR"
	prefixMember      = "MBR"
	prefixAccount     = "ACT"
	prefixTransaction = "TRN"
	prefixOwner       = "ACO"
	prefixMerchant    = "MCH"
	prefixLocation    = "MCL"
	prefixCredential  = "CRD"
)

// address is what a guid stands for. Fields that a kind of record has no use
// for are zero.
type address struct {
	user    uint32
	member  uint8
	born    uint8 // generation of the member: a re-created member is another one
	account uint8
	variant uint8
	day     uint16 // event day, days since 1970-01-01
	slot    uint32 // 24 bits
	issue   uint8  // 1 = of an account that a defect issued again, and of its rows
}

// Variants of a transaction row, all of one event at the bank.
const (
	variantPosted  = 0 // also a pending row that keeps its guid when it posts
	variantPending = 1 // a pending row whose posted form has another guid
	variantTwin    = 2 // a row that drift shows for a moment; edit.go has more
)

const guidRounds = 4

// prefixKey is the cipher key of one kind of guid.
func (w *World) prefixKey(prefix string) uint64 {
	return hash(hash(w.seed, saltGUID), uint64(prefix[0])<<16|uint64(prefix[1])<<8|uint64(prefix[2]))
}

// guid returns the guid of an address: a Feistel network over two 64-bit
// halves, of which 24 bits in all are zero and serve as the check.
func (w *World) guid(prefix string, a address) guid {
	l := uint64(a.user)<<32 | uint64(a.member)<<24 | uint64(a.born)<<20 | uint64(a.account)<<12 | uint64(a.variant)<<8
	r := uint64(a.day)<<48 | uint64(a.slot&0xffffff)<<24 | uint64(a.issue)<<16
	key := w.prefixKey(prefix)
	for i := uint64(0); i < guidRounds; i++ {
		l, r = r, l^mix(r+key+i*golden)
	}
	return formatGUID(prefix, l, r)
}

// parse returns the address of a guid of this world.
func (w *World) parse(prefix, s string) (address, bool) {
	l, r, ok := scanGUID(prefix, s)
	if !ok {
		return address{}, false
	}
	key := w.prefixKey(prefix)
	for i := uint64(guidRounds); i > 0; i-- {
		l, r = r^mix(l+key+(i-1)*golden), l
	}
	if l&0xff != 0 || r&0xffff != 0 {
		return address{}, false
	}
	return address{
		user: uint32(l >> 32), member: uint8(l >> 24), born: uint8(l>>20) & 0xf,
		account: uint8(l >> 12), variant: uint8(l>>8) & 0xf,
		day: uint16(r >> 48), slot: uint32(r>>24) & 0xffffff, issue: uint8(r >> 16),
	}, true
}

const hexDigits = "0123456789abcdef"

func formatGUID(prefix string, l, r uint64) guid {
	var g guid
	copy(g[:], prefix)
	g[3] = '-'
	at := 4
	for i := 0; i < 32; i++ {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			g[at] = '-'
			at++
		}
		half := l
		if i >= 16 {
			half = r
		}
		g[at] = hexDigits[half>>(60-4*(uint(i)&15))&0xf]
		at++
	}
	return g
}

func scanGUID(prefix, s string) (l, r uint64, ok bool) {
	if len(s) != len(guid{}) || s[:3] != prefix || s[3] != '-' {
		return 0, 0, false
	}
	digits := 0
	for i := 4; i < len(s); i++ {
		c := s[i]
		if i == 12 || i == 17 || i == 22 || i == 27 {
			if c != '-' {
				return 0, 0, false
			}
			continue
		}
		var v uint64
		switch {
		case c >= '0' && c <= '9':
			v = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			v = uint64(c-'a') + 10
		default:
			return 0, 0, false
		}
		if digits < 16 {
			l = l<<4 | v
		} else {
			r = r<<4 | v
		}
		digits++
	}
	return l, r, true
}
