package sim

import "testing"

func TestGUIDs(t *testing.T) {
	w := New(Config{Seed: 5})
	other := New(Config{Seed: 6})
	seen := map[guid]bool{}
	for i := range uint64(2000) {
		h := hash(9, i)
		a := address{user: uint32(h), member: uint8(h >> 32), born: uint8(h>>40) & 1, account: uint8(h >> 44), variant: uint8(h>>52) & 3, day: uint16(h >> 8), slot: uint32(h>>3) & 0xffffff}
		g := w.guid(prefixTransaction, a)
		if got, ok := w.parse(prefixTransaction, g.String()); !ok || got != a {
			t.Fatalf("%s reads as %+v %v, want %+v", g, got, ok, a)
		}
		if seen[g] {
			t.Fatalf("%s came twice", g)
		}
		seen[g] = true
		if _, ok := other.parse(prefixTransaction, g.String()); ok {
			t.Errorf("%s is known in another world", g)
		}
		if _, ok := w.parse(prefixAccount, prefixAccount+g.String()[3:]); ok {
			t.Errorf("%s is known as an account", g)
		}
	}
	for _, bad := range []string{"", "TRN-", "TRN-00000000-0000-0000-0000-000000000000", "trn-5d09e6f1-b83c-74a2-1ec7-a94f30d82b65", "../../x"} {
		if _, ok := w.parse(prefixTransaction, bad); ok {
			t.Errorf("%q is known", bad)
		}
	}
}
