package schemas

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParseMoney(t *testing.T) {
	for _, c := range []struct {
		lit  string
		want Money
		ok   bool
	}{
		{"0", 0, true}, {"-0", 0, true}, {"0.0000", 0, true}, {"100", 1_000_000, true},
		{"1000.23", 10_002_300, true}, {"-12.5", -125_000, true}, {"131072.01", 1_310_720_100, true},
		{"1e2", 1_000_000, true}, {"1.5E+1", 150_000, true}, {"12345e-4", 12_345, true}, {"120000e-5", 12_000, true},
		{"0.00010", 1, true}, {"1.23450000000000000000000000", 12_345, true},
		{"99999999999999.9999", 999_999_999_999_999_999, true}, {"-99999999999999.9999", -999_999_999_999_999_999, true},
		{"0e999999999999", 0, true}, {"0e-999999999999", 0, true},
		{"0.00001", 0, false}, {"1.23456", 0, false}, {"100000000000000", 0, false}, {"1e15", 0, false},
		{"1e-5", 0, false}, {"1e999999999999999999999", 0, false}, {"18446744073709551616", 0, false},
		{"", 0, false}, {"-", 0, false}, {"+1", 0, false}, {"01", 0, false}, {".5", 0, false}, {"1.", 0, false},
		{"1e", 0, false}, {"1e+", 0, false}, {"1.2.3", 0, false}, {"0x10", 0, false}, {"NaN", 0, false}, {" 1", 0, false}, {"1 ", 0, false},
		{`"1"`, 0, false}, {"null", 0, false},
	} {
		got, ok := ParseMoney([]byte(c.lit))
		if got != c.want && ok || ok != c.ok {
			t.Errorf("ParseMoney(%q) = %d, %v; want %d, %v", c.lit, got, ok, c.want, c.ok)
		}
	}
}

// Every literal is compared with exact rational arithmetic.
func TestParseDecimalAgainstBig(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("0000123456789"[rnd.IntN(13)])
		}
		return b.String()
	}
	for range 20_000 {
		lit := strings.TrimLeft(digits(rnd.IntN(20)), "0")
		if lit == "" {
			lit = "0"
		}
		if rnd.IntN(2) == 0 {
			lit += "." + digits(1+rnd.IntN(10))
		}
		if rnd.IntN(3) == 0 {
			lit += fmt.Sprintf("e%d", rnd.IntN(30)-15)
		}
		if rnd.IntN(2) == 0 {
			lit = "-" + lit
		}
		for scale, limit := range map[int]int64{0: 1<<63 - 1, 4: maxDecimal, 8: maxDecimal} {
			r, ok := new(big.Rat).SetString(lit)
			if !ok {
				t.Fatalf("test wrote %q, which is no number", lit)
			}
			r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
			fits := r.IsInt() && r.Num().CmpAbs(big.NewInt(limit)) <= 0
			got, ok := parseDecimal([]byte(lit), scale)
			if ok != fits || ok && got != r.Num().Int64() {
				t.Fatalf("parseDecimal(%q, %d) = %d, %v; want %v, fits %v", lit, scale, got, ok, r, fits)
			}
		}
	}
}

func TestDecimalText(t *testing.T) {
	for want, m := range map[string]Money{"0.0000": 0, "-0.0001": -1, "12.5000": 125_000, "-99999999999999.9999": -maxDecimal} {
		if m.String() != want {
			t.Errorf("%d prints as %s, want %s", m, m, want)
		}
		if back, ok := ParseMoney([]byte(want)); !ok || back != m {
			t.Errorf("%s reads back as %d", want, back)
		}
	}
	if s := Rate(113_000_000).String(); s != "1.13000000" {
		t.Errorf("rate prints as %s", s)
	}
}
