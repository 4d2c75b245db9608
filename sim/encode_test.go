package sim

import (
	"encoding/json"
	"math/big"
	"testing"
	"time"
)

func TestCivilAgreesWithTime(t *testing.T) {
	for day := int32(-719_000); day < 800_000; day += 97 {
		want := time.Unix(midnight(day), 0).UTC()
		y, m, d := civil(day)
		if y != want.Year() || m != int(want.Month()) || d != want.Day() {
			t.Fatalf("day %d is %d-%d-%d, want %s", day, y, m, d, want)
		}
	}
}

func TestStampsAreTheSameInstant(t *testing.T) {
	const at = 1795140000 + 12345
	layouts := map[stamp]string{stampSpace: "2006-01-02 15:04:05.000000000 Z"}
	seen := map[string]bool{}
	for form := stampZ; form <= stampMicros; form++ {
		text := string(appendTime(nil, at, form))
		layout := layouts[form]
		if layout == "" {
			layout = time.RFC3339Nano
		}
		got, err := time.Parse(layout, text)
		if err != nil || got.Unix() != at {
			t.Errorf("%s is %v (%v), want %d", text, got, err, at)
		}
		if seen[text] {
			t.Errorf("%s is written by two forms", text)
		}
		seen[text] = true
	}
}

func TestStringsSurviveJSON(t *testing.T) {
	texts := append([]string{"", "plain", "\x7f", "a/b", "\u2028", "😀", "\r\b\f"}, oddTexts[:]...)
	for _, p := range shops {
		texts = append(texts, p.name, p.feed)
	}
	for _, s := range texts {
		for _, ascii := range []bool{false, true} {
			lit := appendString(nil, s, ascii)
			var got string
			if err := json.Unmarshal(lit, &got); err != nil || got != s {
				t.Errorf("%q as %s reads as %q (%v)", s, lit, got, err)
			}
			for _, c := range lit {
				if ascii && c >= 0x80 {
					t.Errorf("%q as %s is not ASCII", s, lit)
					break
				}
			}
		}
	}
}

func TestMoneyIsExactInEveryForm(t *testing.T) {
	forms := map[string]bool{}
	for _, cents := range []int64{0, 1, 7, 10, 99, 100, 1000, 1001, 1250, 12345, 99999999_99, -5, -1250} {
		for h := uint64(0); h < 1<<12+64; h++ {
			var e encoder
			e.begin()
			e.money("x", cents, h)
			lit := string(e.b[len(`{"x":`):])
			got, ok := new(big.Rat).SetString(lit)
			if !ok || !json.Valid([]byte(lit)) || got.Cmp(big.NewRat(cents, 100)) != 0 {
				t.Fatalf("%d cents (%d) is written %s", cents, h, lit)
			}
			forms[lit] = true
		}
	}
	for _, lit := range []string{"0", "10", "10.0", "12.5", "12.50", "1.250e1", "-12.5", "99999999.99"} {
		if !forms[lit] {
			t.Errorf("the form %s never came", lit)
		}
	}
}

func TestNumbersAreExact(t *testing.T) {
	var e encoder
	e.begin()
	e.percent("a", 1130)
	e.percent("b", 20000)
	e.percent("c", 7)
	e.degrees("d", -111_658_531)
	e.degrees("e", 500_000)
	e.degrees("f", 0)
	e.end()
	const want = `{"a":1.13,"b":20,"c":0.007,"d":-111.658531,"e":0.5,"f":0.0}`
	if string(e.b) != want {
		t.Errorf("got  %s\nwant %s", e.b, want)
	}
}

func TestReplaceAndPermuteKeepTheFields(t *testing.T) {
	build := func(shuffle uint64) string {
		e := encoder{shuffle: shuffle}
		e.begin()
		e.int("amount", 12)
		e.str("name", "a,b")
		e.null("amount_note")
		e.bool("last", true)
		e.replace("amount", `"twelve"`)
		e.replace("last", `{"a":1}`)
		e.replace("absent", `1`)
		e.end()
		return string(e.b)
	}
	const want = `{"amount":"twelve","name":"a,b","amount_note":null,"last":{"a":1}}`
	if got := build(0); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	orders := map[string]bool{}
	for shuffle := uint64(1); shuffle < 200; shuffle++ {
		got := build(shuffle)
		var a, b map[string]any
		if err := json.Unmarshal([]byte(got), &a); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		if err := json.Unmarshal([]byte(want), &b); err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if string(x) != string(y) {
			t.Fatalf("%s differs from %s", got, want)
		}
		orders[got] = true
	}
	if len(orders) < 20 {
		t.Errorf("only %d orders in 199 shuffles", len(orders))
	}
}

func TestCountsHaveTheirMean(t *testing.T) {
	for _, mean := range []float64{0, 0.01, 0.5, 1, 1.9, 2, 7.5, 2800} {
		sum := 0
		const n = 20_000
		for i := range uint64(n) {
			sum += rateOf(mean).count(hash(42, i))
		}
		if got := float64(sum) / n; got < mean*0.93-0.005 || got > mean*1.07+0.005 {
			t.Errorf("mean of rate %v is %v", mean, got)
		}
	}
}
