package schemas

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// randomValues fills a row of t; awkward texts and extreme numbers are common.
func randomValues(rnd *rand.Rand, t *Table) []Value {
	texts := []string{"", "a", "a\x00", "a\x00b", "ab", "Zoë ☕", "=1+1", "\xff"}
	numbers := []int64{0, 1, -1, math.MaxInt64, math.MinInt64, 1_700_000_000_000_000}
	vals := make([]Value, t.Width())
	for i := range vals {
		c := t.Columns[i]
		if rnd.IntN(4) == 0 && !c.Required {
			continue
		}
		switch c.Kind {
		case Text:
			vals[i] = TextValue(texts[rnd.IntN(len(texts))])
		case Bool:
			vals[i] = BoolValue(rnd.IntN(2) == 0)
		case Float:
			vals[i] = FloatValue(rnd.NormFloat64())
		default:
			vals[i] = IntValue(numbers[rnd.IntN(len(numbers))])
		}
	}
	return vals
}

func TestRowRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for _, table := range Tables() {
		for range 500 {
			vals := randomValues(rnd, table)
			row := Row(table.AppendRow(nil, vals))
			got := make([]Value, table.Width())
			got[0] = TextValue("left over")
			if err := table.Decode(row, got); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(vals, got, cmp.Comparer(func(a, b Value) bool {
				return a.Set == b.Set && a.Int == b.Int && bytes.Equal(a.Text, b.Text)
			})); d != "" {
				t.Fatal(table.Name, d)
			}
			for n := range row {
				if err := table.Decode(row[:n], got); err == nil && n < hashBytes {
					t.Fatalf("%d bytes of a row decode", n)
				}
			}
		}
	}
}

func TestDecodeRefusesOtherBytes(t *testing.T) {
	vals := make([]Value, Users.Width())
	for _, b := range [][]byte{
		nil, make([]byte, 7),
		append(make([]byte, 8), 10),                   // no such field
		append(make([]byte, 8), 200),                  // beyond the field ids
		append(make([]byte, 8), idRowHash, 1),         // not a field of a row
		append(make([]byte, 8), firstFieldID),         // no length
		append(make([]byte, 8), firstFieldID, 5, 'a'), // shorter than its length
		append(append(make([]byte, 8), firstFieldID), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
	} {
		if err := Users.Decode(b, vals); !errors.Is(err, ErrRow) {
			t.Errorf("Decode(%v) = %v", b, err)
		}
	}
}

// The hash ignores what changes without meaning and sees everything else.
func TestRowHash(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, table := range Tables() {
		base := randomValues(rnd, table)
		for i := range base {
			if c := table.Columns[i]; !c.Required {
				base[i] = Value{}
			}
		}
		h := Row(table.AppendRow(nil, base)).Hash()
		for i, c := range table.data() {
			changed := slices.Clone(base)
			switch {
			case c.Kind == Text:
				changed[i] = TextValue("other text")
			case c.Required:
				changed[i].Int ^= 1
			default:
				changed[i] = IntValue(0) // 0 and false are not null
			}
			ignored := c.Name == "updated_at" || c.Name == "extra"
			if same := Row(table.AppendRow(nil, changed)).Hash() == h; same != ignored {
				t.Errorf("%s.%s: hash unchanged %v", table.Name, c.Name, same)
			}
		}
	}
}

// FORMAT.md states this hash for this row, so that others can recompute it.
func TestRowHashVector(t *testing.T) {
	vals := make([]Value, Users.Width())
	vals[Users.Index("guid")] = TextValue("USR-1")
	vals[Users.Index("is_disabled")] = BoolValue(false)
	vals[Users.Index("extra")] = TextValue("{}")
	row := Row(Users.AppendRow(nil, vals))
	if want := []byte("\x0b\x05USR-1\x0d\x00\x03\x02{}"); !bytes.Equal(row[hashBytes:], want) {
		t.Errorf("row is %q, want %q", row[hashBytes:], want)
	}
	if got, want := row.Hash(), uint64(0x81e1c96fd50b1de3); got != want {
		t.Errorf("hash is %#x, want %#x", got, want)
	}
}

// Keys sort as the columns do: nulls first, texts by bytes, numbers by value.
func TestKeyOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	compare := func(table *Table, a, b []Value) int {
		for _, i := range table.key {
			switch x, y := a[i], b[i]; {
			case x.Set != y.Set:
				if y.Set {
					return -1
				}
				return 1
			case table.Columns[i].Kind == Text && !bytes.Equal(x.Text, y.Text):
				return bytes.Compare(x.Text, y.Text)
			case x.Int < y.Int:
				return -1
			case x.Int > y.Int:
				return 1
			}
		}
		return 0
	}
	for _, table := range Tables() {
		for range 2000 {
			a, b := randomValues(rnd, table), randomValues(rnd, table)
			key := table.AppendKey(nil, a)
			if fromRow, err := table.AppendRowKey(nil, table.AppendRow(nil, a)); err != nil || !bytes.Equal(fromRow, key) {
				t.Fatalf("%s: key of the row is %q (%v), of its values %q", table.Name, fromRow, err, key)
			}
			got := bytes.Compare(key, table.AppendKey(nil, b))
			if want := compare(table, a, b); got != want {
				t.Fatalf("%s: keys compare %d, columns %d:\n%v\n%v", table.Name, got, want, a, b)
			}
		}
	}
}

func TestRows(t *testing.T) {
	rows := Rows{Table: Users}
	for _, g := range []string{"USR-1", "USR-2", "USR-3"} {
		vals := make([]Value, Users.Width())
		vals[0] = TextValue(g)
		rows.Append(vals)
	}
	rows.Truncate(2)
	rows.AppendRow(rows.At(0))
	if rows.Len() != 3 || !bytes.Equal(rows.At(0), rows.At(2)) || bytes.Equal(rows.At(0), rows.At(1)) {
		t.Errorf("rows after Truncate and AppendRow: %q", rows.buf)
	}
	rows.Truncate(0)
	if rows.Len() != 0 || rows.Size() != 0 {
		t.Errorf("%d rows, %d bytes after Truncate(0)", rows.Len(), rows.Size())
	}
}

// Doubling the number of shards splits each shard in two.
func TestShardsSplit(t *testing.T) {
	for i := range 1000 {
		u := UserID("USR-" + string(rune('a'+i%26)) + string(rune('a'+i/26)))
		for n := 1; n < 64; n *= 2 {
			if s, d := u.Shard(n), u.Shard(2*n); d != s && d != s+n {
				t.Fatalf("%s is in shard %d of %d and %d of %d", u, s, n, d, 2*n)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(Users.AppendRow(nil, []Value{TextValue("USR-1"), {}, BoolValue(true), {}, {}})))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, table := range Tables() {
			vals := make([]Value, table.Width())
			if table.Decode(b, vals) != nil {
				continue
			}
			again := make([]Value, table.Width())
			if err := table.Decode(table.AppendRow(nil, vals), again); err != nil {
				t.Fatalf("%s: decoded row does not encode: %v", table.Name, err)
			}
		}
	})
}
