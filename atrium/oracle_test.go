package atrium

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyport/schemas"
)

// oracle decodes one record with encoding/json, math/big and time, none of
// which the decoder uses, into the same text that show prints.
func oracle(t *testing.T, table *schemas.Table, text []byte, parents map[string]string) (row string, unfit int) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil {
		t.Fatalf("the test wrote %s: %v", text, err)
	}
	extra := map[string]any{}
	var cells []string
	for i, c := range table.Columns {
		if i >= table.Width()-1 {
			break
		}
		value, there := fields[c.Name]
		delete(fields, c.Name)
		if value == nil {
			if parents[c.Name] == "" {
				continue
			}
			value, there = parents[c.Name], true
		}
		if cell, ok := oracleCell(c.Kind, value); there && ok {
			cells = append(cells, c.Name+"="+cell)
		} else {
			extra[c.Name] = value
			unfit++
		}
	}
	maps.Copy(extra, fields)
	if len(extra) > 0 {
		var b bytes.Buffer
		enc := json.NewEncoder(&b) // sorts keys, writes numbers as they were
		enc.SetEscapeHTML(false)
		if err := enc.Encode(extra); err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSuffix(b.String(), "\n")
		text = strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029", `\b`, `\u0008`, `\f`, `\u000c`).Replace(text)
		cells = append(cells, "extra="+text)
	}
	return strings.Join(cells, " "), unfit
}

func oracleCell(kind schemas.Kind, value any) (string, bool) {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v), kind == schemas.Bool
	case string:
		switch kind {
		case schemas.Text:
			return v, true
		case schemas.Day:
			d, err := time.Parse(time.DateOnly, v)
			if full, notFull := time.Parse(time.RFC3339, v); notFull == nil && full.UTC().Truncate(24*time.Hour).Equal(full) {
				d, err = full.UTC(), nil
			}
			return d.Format(time.DateOnly), err == nil
		case schemas.Instant:
			d, err := time.Parse(time.RFC3339, v)
			if err != nil {
				d, err = time.Parse("2006-01-02 15:04:05 Z", v)
			}
			return d.UTC().Truncate(time.Microsecond).Format("2006-01-02T15:04:05.000000Z"), err == nil
		}
	case json.Number:
		r, ok := new(big.Rat).SetString(v.String())
		scale := map[schemas.Kind]int{schemas.Amount: 4, schemas.Percent: 8, schemas.Int: 0}
		digits, decimal := scale[kind]
		switch {
		case !ok:
		case kind == schemas.Float:
			f, err := strconv.ParseFloat(v.String(), 64)
			return fmt.Sprint(f), err == nil
		case decimal:
			exact := r.FloatString(digits)
			back, _ := new(big.Rat).SetString(exact)
			limit, _ := new(big.Rat).SetString("1e" + strconv.Itoa(18-digits))
			if kind == schemas.Int {
				limit, _ = new(big.Rat).SetString("9223372036854775808")
			}
			if r.Sign() == 0 {
				exact = strings.TrimPrefix(exact, "-")
			}
			return exact, back.Cmp(r) == 0 && new(big.Rat).Abs(r).Cmp(limit) < 0
		}
	}
	return "", false
}

// Records of every table, with fields in any order, missing, null, of the
// wrong type or unknown, written with any white space and any escapes, decode
// to what encoding/json and exact arithmetic make of them.
func TestDecodeAgainstOracle(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for _, table := range []*schemas.Table{schemas.Users, schemas.Members, schemas.Accounts, schemas.Transactions, schemas.AccountOwners, schemas.Institutions} {
		var records [][]byte
		for i := range 150 {
			records = append(records, randomRecord(rnd, table, i))
		}
		text := fmt.Sprintf(`{%s"%s":[%s]}`, space(rnd), table.Name, bytes.Join(records, []byte(space(rnd)+","+space(rnd))))
		p, err := decodeAll(t, wantOf(table), text)
		if err != nil || p.rows.Len() != len(records) {
			t.Fatalf("%s: %v, %d rows, %s", table.Name, err, p.rows.Len(), p.detail)
		}
		parents := map[string]string{}
		for i, name := range []string{"user_guid", "member_guid", "account_guid"} {
			if _, ok := table.Lookup([]byte(name)); ok {
				parents[name] = []string{"U", "M", "A"}[i]
			}
		}
		unfit := 0
		for i, r := range records {
			want, n := oracle(t, table, r, parents)
			unfit += n
			if d := cmp.Diff(want, show(t, table, p.rows.At(i))); d != "" {
				t.Fatalf("%s\n%s", r, d)
			}
		}
		if p.unfit != unfit {
			t.Errorf("%s: %d values unfit, want %d", table.Name, p.unfit, unfit)
		}
	}
}

func randomRecord(rnd *rand.Rand, table *schemas.Table, i int) []byte {
	fields := map[string]string{}
	for _, c := range table.Columns[:table.Width()-1] {
		switch {
		case c.Name == "guid" || c.Name == "code":
			fields[c.Name] = quote(rnd, fmt.Sprintf("GUID-%d", i))
		case strings.HasSuffix(c.Name, "_guid") && rnd.IntN(2) == 0:
			fields[c.Name] = map[string]string{"user_guid": `"U"`, "member_guid": `"M"`, "account_guid": `"A"`}[c.Name]
		case strings.HasSuffix(c.Name, "_guid"):
			fields[c.Name] = "null"
		case rnd.IntN(8) > 0:
			fields[c.Name] = randomValue(rnd, c.Kind)
		}
		if fields[c.Name] == "" {
			delete(fields, c.Name)
		}
	}
	for range rnd.IntN(4) {
		fields[[]string{"x", "category_guid", "Zed", "é☕", "a\"b", "\n", "extra", "row_hash"}[rnd.IntN(8)]] = randomJSON(rnd, 3)
	}
	names := slices.Collect(maps.Keys(fields))
	slices.Sort(names)
	rnd.Shuffle(len(names), func(a, b int) { names[a], names[b] = names[b], names[a] })
	if rnd.IntN(2) == 0 {
		slices.Sort(names) // the usual case: the order of the record before
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(space(rnd) + quote(rnd, name) + space(rnd) + ":" + space(rnd) + fields[name] + space(rnd))
	}
	b.WriteByte('}')
	return []byte(b.String())
}

// randomValue is mostly a value of that kind.
func randomValue(rnd *rand.Rand, kind schemas.Kind) string {
	if rnd.IntN(8) == 0 {
		return randomJSON(rnd, 2)
	}
	switch kind {
	case schemas.Bool:
		return []string{"true", "false"}[rnd.IntN(2)]
	case schemas.Text:
		return quote(rnd, randomText(rnd))
	case schemas.Day:
		return quote(rnd, randomTime(rnd).Format(time.DateOnly))
	case schemas.Instant:
		return quote(rnd, randomTime(rnd).Format([]string{time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05.000Z07:00"}[rnd.IntN(3)]))
	}
	return randomNumber(rnd)
}

func randomTime(rnd *rand.Rand) time.Time {
	zone := time.FixedZone("", []int{0, -6 * 3600, 5*3600 + 45*60}[rnd.IntN(3)])
	return time.Unix(rnd.Int64N(4e9), rnd.Int64N(1e9)).In(zone)
}

func randomNumber(rnd *rand.Rand) string {
	s := strconv.Itoa(rnd.IntN(10))
	if rnd.IntN(3) > 0 {
		s = strconv.FormatUint(rnd.Uint64()>>rnd.IntN(64), 10)
	}
	if rnd.IntN(2) == 0 {
		s += "." + fmt.Sprintf("%0*d", 1+rnd.IntN(9), rnd.IntN(100))
	}
	if rnd.IntN(4) == 0 {
		s += []string{"e", "E+", "e-"}[rnd.IntN(3)] + strconv.Itoa(rnd.IntN(12))
	}
	if rnd.IntN(4) == 0 {
		s = "-" + s
	}
	return s
}

func randomText(rnd *rand.Rand) string {
	pieces := []string{"", "a", "WHOLEFDS MKT", "Zoë", "☕", "😀", "\n\r\t\b\f", `"`, `\`, "/", "<b>&", "\x00", "\x1f", "\u2028", "\ufffd", "\u007f", "seventeen letters"}
	var b strings.Builder
	for range rnd.IntN(5) {
		b.WriteString(pieces[rnd.IntN(len(pieces))])
	}
	return b.String()
}

func randomJSON(rnd *rand.Rand, depth int) string {
	switch n := rnd.IntN(7); {
	case n == 0:
		return "null"
	case n == 1:
		return []string{"true", "false"}[rnd.IntN(2)]
	case n == 2:
		return randomNumber(rnd)
	case n < 5 || depth == 0:
		return quote(rnd, randomText(rnd))
	case n == 5:
		var parts []string
		for range rnd.IntN(4) {
			parts = append(parts, space(rnd)+randomJSON(rnd, depth-1)+space(rnd))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	var parts []string
	for i := range rnd.IntN(4) {
		parts = append(parts, quote(rnd, strings.ToLower(randomText(rnd))+strconv.Itoa(i))+space(rnd)+":"+randomJSON(rnd, depth-1))
	}
	return "{" + strings.Join(parts, space(rnd)+",") + "}"
}

// quote writes s as JSON with escapes where they must be, and elsewhere by chance.
func quote(rnd *rand.Rand, s string) string {
	var b strings.Builder
	b.WriteByte('"')
	escapeAll := rnd.IntN(6) == 0
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '/' && escapeAll:
			b.WriteString(`\` + string(r))
		case r == '\n' && escapeAll:
			b.WriteString(`\n`)
		case r > 0xffff && escapeAll:
			fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		case r < ' ' || escapeAll && r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func space(rnd *rand.Rand) string {
	return []string{"", "", "", " ", "\n\t", "\r\n  "}[rnd.IntN(6)]
}

// FuzzDecode holds whatever the decoder accepts against encoding/json: it
// accepts nothing that is not JSON, and loses no record.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"users":[{"guid":"U1","identifier":null,"is_disabled":false,"metadata":"{\"a\":1}"}],"pagination":{"current_page":1,"per_page":25,"total_entries":1,"total_pages":1}}`))
	f.Add([]byte(`{"users":[{"guid":"\ud83d\ude00","x":{"b":[1.50,-0e5],"a":"\ud800"},"x2":"` + "\xff" + `"}]}`))
	f.Add([]byte("{ \"users\" : [ ] }"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		p, err := decodeAll(t, wantOf(schemas.Users), string(text))
		if err != nil {
			return
		}
		var doc struct {
			Users []json.RawMessage `json:"users"`
		}
		// encoding/json refuses what is no JSON too, but looks at names by case.
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatalf("accepted %q, which encoding/json refuses: %v", text, err)
		}
		if len(doc.Users) != p.records || p.records != p.rows.Len()+len(p.lost) {
			t.Fatalf("%d records of %d in %q", p.records, len(doc.Users), text)
		}
		vals := make([]schemas.Value, schemas.Users.Width())
		for i := range p.rows.Len() {
			if err := schemas.Users.Decode(p.rows.At(i), vals); err != nil {
				t.Fatal(err)
			}
			if extra := vals[len(vals)-1]; extra.Set && !json.Valid(extra.Text) {
				t.Fatalf("extra is %q", extra.Text)
			}
			for _, v := range vals {
				if !bytes.Equal(v.Text, bytes.ToValidUTF8(v.Text, nil)) {
					t.Fatalf("%q is not UTF-8", v.Text)
				}
			}
		}
	})
}

// FuzzFolding holds names that differ in case only against the standard library.
func FuzzFolding(f *testing.F) {
	f.Add("guid", "GUID")
	f.Add("is", "i\u017f")
	f.Add("\u212a", "k")
	f.Add("ǅ", "ǆ")
	f.Add("ß", "ẞ")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, ""), strings.ToValidUTF8(b, "")
		same := bytes.Equal(appendFolded(nil, []byte(a)), appendFolded(nil, []byte(b)))
		if same != strings.EqualFold(a, b) {
			t.Errorf("%q and %q fold alike: %v", a, b, same)
		}
		if isFolded([]byte(a)) && string(appendFolded(nil, []byte(a))) != a {
			t.Errorf("%q folds to another name", a)
		}
	})
}
