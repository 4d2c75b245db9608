package snapshot

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"tallyport/schemas"
)

// cell writes one text cell and returns how it stands in the file.
func cell(t *testing.T, s string, raw bool) string {
	t.Helper()
	return string(appendText(nil, []byte(s), raw))
}

func TestFormulasAreDefused(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "": `""`, " a": `" a"`, "a,b": `"a,b"`, `say "x"`: `"say ""x"""`, "a\nb": "\"a\nb\"",
		"=1+1": `"'=1+1"`, "+49": `"'+49"`, "-5": `"'-5"`, "@x": `"'@x"`, "\tx": "\"'\tx\"", "\rx": "\"'\rx\"", "'x": `"''x"`,
		"＝1": `"'＝1"`, "＋1": `"'＋1"`, "－1": `"'－1"`, "＠1": `"'＠1"`,
		"a=1": "a=1", " =1": `" =1"`, "\n=1": "\"\n=1\"",
	} {
		if got := cell(t, in, false); got != want {
			t.Errorf("%q is written %s, want %s", in, got, want)
		}
	}
	if got := cell(t, "=1", true); got != "=1" {
		t.Errorf("raw: %s", got)
	}
	cells := []schemas.Cell{
		{Column: 0, Value: schemas.TextValue("TRN-1")},
		{Column: schemas.Transactions.Index("amount"), Value: schemas.IntValue(-125_000)},
		{Column: schemas.Transactions.Index("longitude"), Value: schemas.FloatValue(-0.5)},
	}
	var b bytes.Buffer
	w := newCSVWriter(&b, schemas.Transactions, false)
	if err := errors.Join(w.write(cells), w.close()); err != nil {
		t.Fatal(err)
	}
	if line := strings.Split(b.String(), "\n")[1]; !strings.HasPrefix(line, "TRN-1,,,,-12.5000,") || !strings.Contains(line, ",-0.5,") {
		t.Errorf("numbers are not left alone: %s", line)
	}
}

// Any text comes back as it was, with both readers that are involved.
func TestTextRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	alphabet := []string{"=", "+", "-", "@", "\t", "\r", "\n", "'", "\"", ",", " ", "a", "é", "＝", "\x00", "\u2028", "\\N"}
	for range 20_000 {
		var sb strings.Builder
		for range rnd.IntN(6) {
			sb.WriteString(alphabet[rnd.IntN(len(alphabet))])
		}
		in := sb.String()
		for _, raw := range []bool{false, true} {
			line := cell(t, in, raw) + ",\n"
			r := csvReader{in: newBuf(line)}
			fields, err := r.record()
			if err != nil || len(fields) != 2 {
				t.Fatalf("%q: %v", line, err)
			}
			v, err := parseCell(schemas.Text, fields[0], raw)
			if err != nil || !v.Set || string(v.Text) != in {
				t.Fatalf("%q comes back as %q (%v) through %q", in, v.Text, err, line)
			}
			if null, _ := parseCell(schemas.Text, fields[1], raw); null.Set {
				t.Fatalf("an unquoted empty field is not null")
			}
			other, err := csv.NewReader(strings.NewReader(line)).Read()
			// encoding/csv turns CR LF inside quotes into LF.
			if want := strings.ReplaceAll(strings.TrimPrefix(string(fields[0].text), ""), "\r\n", "\n"); err != nil || other[0] != want {
				t.Fatalf("encoding/csv reads %q as %q (%v), want %q", line, other, err, want)
			}
		}
	}
}

func TestCSVReaderRefuses(t *testing.T) {
	for _, in := range []string{"a", "a,b", "\"a", "\"a\"b\n", "a\"b\n", "\"a\"\"\n", "\"a\""} {
		r := csvReader{in: newBuf(in)}
		if f, err := r.record(); err == nil || err == io.EOF {
			t.Errorf("%q reads as %d fields, %v", in, len(f), err)
		}
	}
	r := csvReader{in: newBuf("a,\"\",\n")}
	f, err := r.record()
	if err != nil || len(f) != 3 || f[1].quoted == false || f[2].quoted {
		t.Errorf("%v %v", f, err)
	}
	if _, err := r.record(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func FuzzCSVRecord(f *testing.F) {
	f.Add([]byte("a,\"b\"\"c\",\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := csvReader{in: newBuf(string(b))}
		for range 100 {
			if _, err := r.record(); err != nil {
				return
			}
		}
	})
}

// Opening any bytes as a part ends in an error or in rows, not in a panic.
func FuzzOpenParquet(f *testing.F) {
	var b bytes.Buffer
	w, err := newParquetWriter(&b, schemas.Users, 1)
	if err != nil {
		f.Fatal(err)
	}
	n := schemas.Users.Width()
	cells := []schemas.Cell{{Column: 0, Value: schemas.TextValue("USR-1")}, {Column: n, Value: schemas.IntValue(0)}, {Column: n + 1, Value: schemas.IntValue(0)}}
	if err := errors.Join(w.write(cells), w.close()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = scanParquet(bytesFile{bytes.NewReader(b)}, schemas.Users, nil, func([]schemas.Value) error { return nil })
	})
}

type bytesFile struct{ *bytes.Reader }

func (bytesFile) Close() error { return nil }

func newBuf(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }
