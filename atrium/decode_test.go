package atrium

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"tallyport/schemas"
)

// show prints a row as name=value pairs, nulls left out.
func show(t testing.TB, table *schemas.Table, row schemas.Row) string {
	t.Helper()
	vals := make([]schemas.Value, table.Width())
	if err := table.Decode(row, vals); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, v := range vals {
		if !v.Set {
			continue
		}
		c := table.Columns[i]
		fmt.Fprintf(&b, " %s=", c.Name)
		switch c.Kind {
		case schemas.Text:
			b.Write(v.Text)
		case schemas.Bool:
			b.WriteString([]string{"false", "true"}[v.Int])
		case schemas.Int:
			fmt.Fprint(&b, v.Int)
		case schemas.Amount:
			b.WriteString(schemas.Money(v.Int).String())
		case schemas.Percent:
			b.WriteString(schemas.Rate(v.Int).String())
		case schemas.Float:
			fmt.Fprint(&b, v.Float())
		case schemas.Day:
			b.WriteString(schemas.Date(v.Int).String())
		case schemas.Instant:
			b.WriteString(schemas.Timestamp(v.Int).String())
		}
	}
	return strings.TrimPrefix(b.String(), " ")
}

// wantOf expects a list of the table, under parents U, M and A.
func wantOf(table *schemas.Table) *want {
	w := &want{key: table.Name, list: true, lay: newLayout(table, nil), seed: maphash.MakeSeed()}
	w.parents = [3]string{"U", "M", "A"}
	return w
}

// decodeAll decodes text in one piece, through a buffer that is almost always
// too small, and byte by byte, and demands the same result each time.
func decodeAll(t testing.TB, w *want, text string) (*page, error) {
	t.Helper()
	var first *page
	var firstErr error
	for i, src := range []io.Reader{
		strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)),
		iotest.HalfReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text)),
	} {
		if i == 1 && len(text) > 1<<16 {
			continue // a byte at a time would take too long
		}
		d, p := new(decoder), new(page)
		if i > 0 {
			d.buf = make([]byte, 7+slack)
		}
		err := d.document(src, w, p)
		if i == 0 {
			first, firstErr = p, err
			continue
		}
		if !errors.Is(err, firstErr) || err == nil && (p.rows.Len() != first.rows.Len() || p.detail != first.detail || p.unfit != first.unfit) {
			t.Fatalf("reader %d: %v, %d rows; in one piece: %v, %d rows\n%.300s", i, err, p.rows.Len(), firstErr, first.rows.Len(), text)
		}
		for k := range p.rows.Len() {
			if err == nil && !bytes.Equal(p.rows.At(k), first.rows.At(k)) {
				t.Fatalf("reader %d: row %d is %q, in one piece %q", i, k, p.rows.At(k), first.rows.At(k))
			}
		}
	}
	return first, firstErr
}

func TestDecodeRecord(t *testing.T) {
	const amounts = `{"guid":"T","account_guid":"A",`
	const kept = "guid=T account_guid=A member_guid=M user_guid=U"
	long := strings.Repeat("x", maxString+1)
	for _, c := range []struct {
		name   string
		table  *schemas.Table
		in     string
		want   string // the row, or "" and
		detail string // why there is none
		unfit  int
	}{
		{name: "null, missing and empty", table: schemas.Users, in: `{"guid":"U1","identifier":null,"metadata":""}`, want: "guid=U1 metadata="},
		{name: "false is not null", table: schemas.Users, in: `{"is_disabled":false,"guid":"U1"}`, want: "guid=U1 is_disabled=false"},
		{name: "true", table: schemas.Users, in: `{"is_disabled":true,"guid":"U1"}`, want: "guid=U1 is_disabled=true"},
		{name: "escapes", table: schemas.Users, in: `{"guid":"U1","metadata":"{\"a\": \"b\"}\/\\ \b\f\n\r\t\u00e9\ud83d\ude00\u0000"}`, want: "guid=U1 metadata={\"a\": \"b\"}/\\ \b\f\n\r\té😀\x00"},
		{name: "beyond ASCII", table: schemas.Users, in: `{"guid":"U1","metadata":"Zoë ☕ 😀 �"}`, want: "guid=U1 metadata=Zoë ☕ 😀 �"},
		{name: "escaped name", table: schemas.Users, in: `{"gu\u0069d":"U1"}`, want: "guid=U1"},
		{name: "white space", table: schemas.Users, in: " {\n \"guid\" :\t\"U1\" , \"metadata\":\r\n\"m\" } ", want: "guid=U1 metadata=m"},

		{name: "money", table: schemas.Transactions, in: amounts + `"amount":131072.01}`, want: kept + " amount=131072.0100"},
		{name: "money with exponent", table: schemas.Transactions, in: amounts + `"amount":1.5E+1}`, want: kept + " amount=15.0000"},
		{name: "zero", table: schemas.Transactions, in: amounts + `"amount":0}`, want: kept + " amount=0.0000"},
		{name: "minus zero", table: schemas.Transactions, in: amounts + `"amount":-0}`, want: kept + " amount=0.0000"},
		{name: "25 digits that fit", table: schemas.Transactions, in: amounts + `"amount":1.2345000000000000000000000}`, want: kept + " amount=1.2345"},
		{name: "inexact money", table: schemas.Transactions, in: amounts + `"amount":1.23456}`, want: kept + ` extra={"amount":1.23456}`, unfit: 1},
		{name: "too much money", table: schemas.Transactions, in: amounts + `"amount":1e400}`, want: kept + ` extra={"amount":1e400}`, unfit: 1},
		{name: "money as text", table: schemas.Transactions, in: amounts + `"amount":"12.50"}`, want: kept + ` extra={"amount":"12.50"}`, unfit: 1},
		{name: "rate", table: schemas.Accounts, in: `{"guid":"A1","apr":19.99,"apy":0.00000001,"interest_rate":0.000000001}`, want: `guid=A1 member_guid=M user_guid=U apr=19.99000000 apy=0.00000001 extra={"interest_rate":0.000000001}`, unfit: 1},
		{name: "check number", table: schemas.Transactions, in: amounts + `"check_number":15234,"check_number_string":"00015234"}`, want: kept + " check_number=15234 check_number_string=00015234"},
		{name: "integer with a fraction", table: schemas.Transactions, in: amounts + `"check_number":1.5}`, want: kept + ` extra={"check_number":1.5}`, unfit: 1},
		{name: "integer beyond 64 bits", table: schemas.Transactions, in: amounts + `"check_number":9223372036854775808}`, want: kept + ` extra={"check_number":9223372036854775808}`, unfit: 1},
		{name: "coordinates", table: schemas.Transactions, in: amounts + `"latitude":-43.2075,"longitude":0}`, want: kept + " latitude=-43.2075 longitude=0"},
		{name: "coordinate beyond a double", table: schemas.Transactions, in: amounts + `"latitude":1e309}`, want: kept + ` extra={"latitude":1e309}`, unfit: 1},
		{name: "bool as number", table: schemas.Transactions, in: amounts + `"is_fee":0,"is_income":"true"}`, want: kept + ` extra={"is_fee":0,"is_income":"true"}`, unfit: 2},
		{name: "text as number, list, object", table: schemas.Transactions, in: amounts + `"memo":12e0,"category":[ 1, 2 ],"status":{"b":1,"a":null},"type":true}`, want: kept + ` extra={"category":[1,2],"memo":12e0,"status":{"a":null,"b":1},"type":true}`, unfit: 4},
		{name: "times", table: schemas.Transactions, in: amounts + `"date":"2026-11-20","posted_at":"2026-11-20T12:00:00+00:00","created_at":"2020-04-13 21:05:09.000000000 Z","transacted_at":"2026-11-20T05:00:00.123-07:00"}`,
			want: kept + " date=2026-11-20 transacted_at=2026-11-20T12:00:00.123000Z posted_at=2026-11-20T12:00:00.000000Z created_at=2020-04-13T21:05:09.000000Z"},
		{name: "escaped time", table: schemas.Transactions, in: amounts + `"posted_at":"2026-11-20T12:00:00\u005a"}`, want: kept + " posted_at=2026-11-20T12:00:00.000000Z"},
		{name: "malformed times", table: schemas.Transactions, in: amounts + `"date":"2026-02-30","posted_at":"yesterday","created_at":1476381457}`, want: kept + ` extra={"created_at":1476381457,"date":"2026-02-30","posted_at":"yesterday"}`, unfit: 3},

		{name: "invalid UTF-8", table: schemas.Users, in: "{\"guid\":\"U1\",\"metadata\":\"a\xffb\xed\xa0\x80\"}", want: `guid=U1 extra={"metadata":"a�b���"}`, unfit: 1},
		{name: "invalid UTF-8 and an escape", table: schemas.Users, in: "{\"guid\":\"U1\",\"metadata\":\"\\n\xff\"}", want: `guid=U1 extra={"metadata":"\n�"}`, unfit: 1},
		{name: "lone surrogate", table: schemas.Users, in: `{"guid":"U1","metadata":"a\uD83Dz\udc00"}`, want: `guid=U1 extra={"metadata":"a\ud83dz\udc00"}`, unfit: 1},
		{name: "surrogates in the wrong order", table: schemas.Users, in: `{"guid":"U1","metadata":"\ude00\ud83d"}`, want: `guid=U1 extra={"metadata":"\ude00\ud83d"}`, unfit: 1},

		{name: "unknown fields", table: schemas.Users, in: `{"zeta":1.50,"guid":"U1","alpha":"\u0041\/\u001f","nested":{"b":[{},[],{"y":-0.0E1,"x":""}],"a":null,"Z":false},"é":1}`,
			want: `guid=U1 extra={"alpha":"A/\u001f","nested":{"Z":false,"a":null,"b":[{},[],{"x":"","y":-0.0E1}]},"zeta":1.50,"é":1}`},
		{name: "a field named extra", table: schemas.Users, in: `{"guid":"U1","extra":{"a":1},"row_hash":7,"snapshot_at":null}`, want: `guid=U1 extra={"extra":{"a":1},"row_hash":7,"snapshot_at":null}`},
		{name: "another case alone", table: schemas.Users, in: `{"guid":"U1","Metadata":"m"}`, want: `guid=U1 extra={"Metadata":"m"}`},
		{name: "awkward names", table: schemas.Users, in: `{"guid":"U1","a\nb":1,"":2,"q\"":3}`, want: `guid=U1 extra={"":2,"a\nb":1,"q\"":3}`},

		{name: "no guid", table: schemas.Users, in: `{"identifier":"x"}`, detail: "record 1: guid is missing"},
		{name: "empty record", table: schemas.Users, in: `{}`, detail: "record 1: guid is missing"},
		{name: "null guid", table: schemas.Users, in: `{"guid":null}`, detail: "record 1: guid is missing"},
		{name: "blank guid", table: schemas.Users, in: `{"guid":" \t\u00a0"}`, detail: "record 1: guid is blank"},
		{name: "guid of another type", table: schemas.Users, in: `{"guid":12}`, detail: "record 1: guid is missing"},
		{name: "guid that is no text", table: schemas.Users, in: `{"guid":"\ud800"}`, detail: "record 1: guid is missing"},
		{name: "code", table: schemas.Institutions, in: `{"code":"mxbank","name":"MX Bank"}`, want: "code=mxbank name=MX Bank"},
		{name: "no code", table: schemas.Institutions, in: `{"guid":"x"}`, detail: "record 1: code is missing"},
		{name: "not an object", table: schemas.Users, in: `["U1"]`, detail: "record 1: is not an object"},
		{name: "null", table: schemas.Users, in: `null`, detail: "record 1: is not an object"},

		{name: "parents filled in", table: schemas.Transactions, in: `{"guid":"T","user_guid":null}`, want: kept},
		{name: "parents repeated", table: schemas.Transactions, in: `{"guid":"T","user_guid":"U","member_guid":"M","account_guid":"A"}`, want: kept},
		{name: "foreign user", table: schemas.Transactions, in: `{"guid":"T","user_guid":"U2"}`, detail: "T: user_guid is not the one that was asked for"},
		{name: "foreign member", table: schemas.Accounts, in: `{"guid":"A1","member_guid":"M2"}`, detail: "A1: member_guid is not the one that was asked for"},
		{name: "foreign account", table: schemas.Transactions, in: `{"guid":"T","account_guid":""}`, detail: "T: account_guid is not the one that was asked for"},
		{name: "parent of another type", table: schemas.Transactions, in: `{"guid":"T","user_guid":["U"]}`, detail: "T: user_guid is not a text"},
		{name: "owner without guid", table: schemas.AccountOwners, in: `{"owner_name":"Ann"}`, want: "account_guid=A member_guid=M user_guid=U owner_name=Ann"},

		{name: "field twice", table: schemas.Users, in: `{"guid":"U1","guid":"U1"}`, detail: "U1: guid is there twice"},
		{name: "field twice, first null", table: schemas.Users, in: `{"metadata":null,"guid":"U1","metadata":"m"}`, detail: "U1: metadata is there twice"},
		{name: "field twice, ASCII case", table: schemas.Users, in: `{"guid":"U1","GUID":"U2"}`, detail: "U1: a field is there twice"},
		{name: "field twice, Unicode case", table: schemas.Users, in: `{"guid":"U1","i\u017f_disabled":true,"is_disabled":true}`, detail: "U1: a field is there twice"},
		{name: "field twice, one misfit", table: schemas.Users, in: `{"guid":"U1","metadata":1,"Metadata":"m"}`, detail: "U1: a field is there twice"},
		{name: "unknown field twice", table: schemas.Users, in: `{"guid":"U1","x":1,"y":2,"x":1}`, detail: "U1: a field is there twice"},
		{name: "unknown field twice, Kelvin", table: schemas.Users, in: `{"guid":"U1","k":1,"y":2,"\u212a":1}`, detail: "U1: a field is there twice"},
		{name: "nested field twice", table: schemas.Users, in: `{"guid":"U1","x":[{"a":1,"A":2}]}`, detail: "U1: a field is there twice"},
		{name: "name that is no text", table: schemas.Users, in: "{\"guid\":\"U1\",\"\xff\":1}", detail: "U1: a field name that is not UTF-8"},
		{name: "long string", table: schemas.Users, in: `{"guid":"U1","metadata":"` + long + `"}`, detail: "U1: metadata is longer than 1 MiB"},
		{name: "long unknown string", table: schemas.Users, in: `{"guid":"U1","x":{"y":"` + long + `"}}`, detail: "U1: a string of more than 1 MiB"},
		{name: "long name", table: schemas.Users, in: `{"guid":"U1","` + long + `":1}`, detail: "U1: a string of more than 1 MiB"},
		{name: "many fields", table: schemas.Users, in: `{"guid":"U1"` + manyFields(1000) + `}`, detail: "U1: more than 1000 fields"},
		{name: "many nested fields", table: schemas.Users, in: `{"guid":"U1","x":{"f":1` + manyFields(1000) + `}}`, detail: "U1: more than 1000 fields"},
		{name: "as deep as allowed", table: schemas.Users, in: `{"guid":"U1","x":` + strings.Repeat("[", 61) + strings.Repeat("]", 61) + `}`, want: `guid=U1 extra={"x":` + strings.Repeat("[", 61) + strings.Repeat("]", 61) + `}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := decodeAll(t, wantOf(c.table), `{"`+c.table.Name+`":[`+c.in+`]}`)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if p.rows.Len() > 0 {
				got = show(t, c.table, p.rows.At(0))
			}
			if got != c.want || p.detail != c.detail || p.unfit != c.unfit || p.records != 1 || p.rows.Len()+len(p.lost) != 1 || p.rows.Len() != len(p.ids) {
				t.Errorf("%.300s\n got %.300s, detail %q, unfit %d\nwant %.300s, detail %q, unfit %d", c.in, got, p.detail, p.unfit, c.want, c.detail, c.unfit)
			}
		})
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"f%d":0`, i)
	}
	return b.String()
}

// A record that is refused does not take others with it, nor its values.
func TestDecodeGoesOnAfterLostRecord(t *testing.T) {
	p, err := decodeAll(t, wantOf(schemas.Users), `{"users":[{"guid":"U1","metadata":"a"},{"guid":"U2","guid":"U2","metadata":"b"},7,{"guid":"U3"}]}`)
	if err != nil || p.records != 4 || p.rows.Len() != 2 || len(p.lost) != 2 || p.lost[0] == 0 || p.lost[1] != 0 || p.detail != "U2: guid is there twice" {
		t.Fatal(err, p)
	}
	if got := show(t, schemas.Users, p.rows.At(1)); got != "guid=U3" {
		t.Error(got)
	}
}

func TestDecodeEnvelope(t *testing.T) {
	const page1 = `"pagination":{"current_page":1,"per_page":25,"total_entries":2,"total_pages":1}`
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"pagination first", `{` + page1 + `,"users":[]}`, nil},
		{"pagination last", `{"users":[],` + page1 + `}`, nil},
		{"unknown fields", `{"meta":{"a":[1,{"b":null}]},"users":[],` + page1 + `,"x":"\n"}`, nil},
		{"unknown pagination field", `{"users":[],"pagination":{"next":null,"current_page":1,"per_page":25,"total_entries":2.0,"total_pages":1e0}}`, nil},
		{"no pagination", `{"users":[]}`, nil},
		{"null pagination", `{"users":[],"pagination":null}`, nil},
		{"white space around", " \n{ \"users\" : [ ] } \r\n\t", nil},
		{"records that are numbers", `{"users":[0,1000,-12.5e+3],"x":123456789}`, nil},
		{"63 deep", `{"users":[],"x":` + nested(63) + `}`, nil},

		{"64 deep", `{"users":[],"x":` + nested(64) + `}`, errDepth},
		{"64 deep in a record", `{"users":[{"x":` + nested(62) + `}]}`, errDepth},
		{"objects 64 deep", `{"x":` + strings.Repeat(`{"a":`, 64) + `1` + strings.Repeat(`}`, 64) + `}`, errDepth},
		{"bottomless", `{"users":[` + strings.Repeat("[", 1<<20), errDepth},
		{"list twice", `{"users":[],"users":[]}`, errRepeated},
		{"list twice but for case", `{"users":[],"Users":[]}`, errRepeated},
		{"list twice but for Unicode case", `{"users":[],"u\u017fers":[]}`, errRepeated},
		{"pagination twice", `{` + page1 + `,"users":[],` + page1 + `}`, errRepeated},
		{"duplicate in unknown field", `{"users":[],"x":{"a":1,"a":2}}`, errRepeated},
		{"many fields", `{"users":[]` + manyFields(101) + `}`, errRepeated},
		{"duplicate in pagination", `{"users":[],"pagination":{"current_page":1,"current_page":1,"per_page":25,"total_entries":2,"total_pages":1}}`, errPagination},
		{"pagination without size", `{"users":[],"pagination":{"current_page":1,"total_entries":2,"total_pages":1}}`, errPagination},
		{"pagination with null", `{"users":[],"pagination":{"current_page":1,"per_page":25,"total_entries":null,"total_pages":1}}`, errPagination},
		{"pagination with text", `{"users":[],"pagination":{"current_page":"1","per_page":25,"total_entries":2,"total_pages":1}}`, errPagination},
		{"negative total", `{"users":[],"pagination":{"current_page":1,"per_page":25,"total_entries":-2,"total_pages":1}}`, errPagination},
		{"absurd total", `{"users":[],"pagination":{"current_page":1,"per_page":25,"total_entries":9007199254740992,"total_pages":1}}`, errPagination},
		{"size 0", `{"users":[],"pagination":{"current_page":1,"per_page":0,"total_entries":2,"total_pages":1}}`, errPagination},
		{"size 10001", `{"users":[],"pagination":{"current_page":1,"per_page":10001,"total_entries":2,"total_pages":1}}`, errPagination},
		{"pagination is a list", `{"users":[],"pagination":[]}`, errPagination},
		{"no list", `{` + page1 + `}`, errNoContent},
		{"another list", `{"members":[]}`, errNoContent},
		{"empty object", `{}`, errNoContent},
		{"null list", `{"users":null}`, errNoContent},
		{"list is an object", `{"users":{}}`, errNoContent},
		{"endless list", `{"users":[1` + strings.Repeat(",1", maxRecords) + `]}`, errTooMany},
		{"huge record", `{"users":[{"x":["` + strings.Repeat(strings.Repeat("x", 1<<19)+`","`, 9) + `"]}]}`, errTooLong},
		{"huge unknown value", `{"x":["` + strings.Repeat(strings.Repeat("x", 1<<19)+`","`, 9) + `"]}`, errTooLong},

		{"not JSON", `<html>`, errSyntax},
		{"a list", `[]`, errSyntax},
		{"byte order mark", "\ufeff" + `{"users":[]}`, errSyntax},
		{"trailing garbage", `{"users":[]}x`, errSyntax},
		{"second document", `{"users":[]}{"users":[]}`, errSyntax},
		{"trailing NUL", "{\"users\":[]}\x00", errSyntax},
		{"comma at the end of a list", `{"users":[{"guid":"U1"},]}`, errSyntax},
		{"comma at the end of an object", `{"users":[{"guid":"U1",}]}`, errSyntax},
		{"comma at the end of the envelope", `{"users":[],}`, errSyntax},
		{"no comma in the envelope", `{"users":[] "x":1}`, errSyntax},
		{"envelope ends as a list", `{"users":[]]`, errSyntax},
		{"comma first", `{,"users":[]}`, errSyntax},
		{"two commas", `{"users":[{"guid":"U1"},,{"guid":"U2"}]}`, errSyntax},
		{"no comma", `{"users":[{"guid":"U1"}{"guid":"U2"}]}`, errSyntax},
		{"no comma in an object", `{"users":[{"guid":"U1" "metadata":1}]}`, errSyntax},
		{"no colon", `{"users":[{"guid" "U1"}]}`, errSyntax},
		{"no quotes", `{"users":[{guid:"U1"}]}`, errSyntax},
		{"single quotes", `{"users":[{'guid':"U1"}]}`, errSyntax},
		{"mismatched brackets", `{"users":[{"guid":"U1"]}}`, errSyntax},
		{"comment", `{"users":[/* */]}`, errSyntax},
		{"control character", "{\"users\":[{\"guid\":\"U\n1\"}]}", errSyntax},
		{"control character in an unknown field", "{\"users\":[{\"x\":\"U\x011\"}]}", errSyntax},
		{"escaped control character", "{\"users\":[{\"guid\":\"U\\\n1\"}]}", errSyntax},
		{"NUL", "{\"users\":[{\"guid\":\"U\x001\"}]}", errSyntax},
		{"unknown escape", `{"users":[{"guid":"\x41"}]}`, errSyntax},
		{"unknown escape in an unknown field", `{"users":[{"x":"\'"}]}`, errSyntax},
		{"unknown escape in a name", `{"users":[{"\a":1}]}`, errSyntax},
		{"short escape", `{"users":[{"guid":"\u12"}]}`, errSyntax},
		{"escape without digits", `{"users":[{"guid":"\u12g4"}]}`, errSyntax},
		{"broken second surrogate", `{"users":[{"guid":"\ud83d\u12"}]}`, errSyntax},
		{"NaN", `{"users":[{"x":NaN}]}`, errSyntax},
		{"infinity", `{"users":[{"x":-Infinity}]}`, errSyntax},
		{"leading zero", `{"users":[{"x":01}]}`, errSyntax},
		{"leading plus", `{"users":[{"x":+1}]}`, errSyntax},
		{"leading point", `{"users":[{"x":.5}]}`, errSyntax},
		{"trailing point", `{"users":[{"x":1.}]}`, errSyntax},
		{"no exponent", `{"users":[{"x":1e}]}`, errSyntax},
		{"hexadecimal", `{"users":[{"x":0x10}]}`, errSyntax},
		{"minus alone", `{"users":[{"x":-}]}`, errSyntax},
		{"True", `{"users":[{"x":True}]}`, errSyntax},
		{"half a word", `{"users":[{"x":nul}]}`, errSyntax},
		{"word with a tail", `{"users":[{"is_disabled":truer}]}`, errSyntax},

		{"nothing", ``, errTruncated},
		{"white space", " \n ", errTruncated},
		{"brace", `{`, errTruncated},
		{"half a number", `{"users":[],"x":-`, errTruncated},
		{"half a name", `{"use`, errTruncated},
		{"backslash", `{"users":[{"x":"\`, errTruncated},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := decodeAll(t, wantOf(schemas.Users), c.in)
			if !errors.Is(err, c.want) {
				t.Fatalf("%.200s\n%v, want %v", c.in, err, c.want)
			}
			if err == nil && strings.Contains(c.in, `"per_page"`) && (!p.paged || p.number != 1 || p.size != 25 || p.total != 2 || p.pages != 1) {
				t.Errorf("pagination %+v", p)
			}
			if err == nil && !strings.Contains(c.in, `"per_page"`) && p.paged {
				t.Errorf("pagination %+v", p)
			}
		})
	}
}

// However early a document ends, it is known to be incomplete.
func TestDecodeTruncatedAnywhere(t *testing.T) {
	text := `{"meta":{"a":[1.5e3,true,"\u00e9x"]}, "users":[{"guid":"U1","identifier":"\"","is_disabled":false,"x":{"y":[null]}},{"guid":"U2"}],"pagination":{"current_page":1,"per_page":25,"total_entries":2,"total_pages":1}}`
	w := wantOf(schemas.Users)
	for n := range len(text) {
		if _, err := decodeAll(t, w, text[:n]); !errors.Is(err, errTruncated) {
			t.Fatalf("after %d bytes: %v\n%s", n, err, text[:n])
		}
	}
	if p, err := decodeAll(t, w, text); err != nil || p.rows.Len() != 2 {
		t.Fatal(err)
	}
}

func TestDecodeSingle(t *testing.T) {
	w := wantOf(schemas.Users)
	w.key, w.list, w.id = "user", false, "U1"
	for in, want := range map[string]string{
		`{"user":{"guid":"U1","is_disabled":true}}`:           "guid=U1 is_disabled=true",
		`{"x":1,"user":{"guid":"U1"},"pagination":"ignored"}`: "guid=U1",
		`{"user":{"guid":"U2"}}`:                              "U2: guid is not the one that was asked for",
		`{"user":null}`:                                       "record 1: is not an object",
		`{"user":[{"guid":"U1"}]}`:                            "record 1: is not an object",
		`{"users":[{"guid":"U1"}]}`:                           errNoContent.Error(),
		`{"user":{"guid":"U1"},"user":{"guid":"U1"}}`:         errRepeated.Error(),
	} {
		p, err := decodeAll(t, w, in)
		got := p.detail
		if err != nil {
			got = err.Error()
		} else if p.rows.Len() == 1 {
			got = show(t, schemas.Users, p.rows.At(0))
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// A dialect may have other names for fields; ours are unknown to it then.
func TestDecodeRenamed(t *testing.T) {
	w := wantOf(schemas.Users)
	w.lay = newLayout(schemas.Users, map[string]string{"identifier": "id"})
	p, err := decodeAll(t, w, `{"users":[{"guid":"U1","id":"mine","identifier":"x"},{"guid":"U2","id":7}]}`)
	if err != nil || p.rows.Len() != 2 || p.unfit != 1 {
		t.Fatal(err, p.detail)
	}
	for i, want := range []string{`guid=U1 identifier=mine extra={"identifier":"x"}`, `guid=U2 extra={"id":7}`} {
		if got := show(t, schemas.Users, p.rows.At(i)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// MX's static test paths name a user and a member that their records do not.
func TestDecodeLenientParents(t *testing.T) {
	w := wantOf(schemas.AccountOwners)
	w.lenient = true
	p, err := decodeAll(t, w, `{"account_owners":[{"guid":"O","user_guid":"U2"}]}`)
	if err != nil || p.rows.Len() != 1 || show(t, schemas.AccountOwners, p.rows.At(0)) != "guid=O account_guid=A member_guid=M user_guid=U2" {
		t.Error(err, p.detail)
	}
}

// A source that fails is the source's error, and no truncation.
func TestDecodeSourceFails(t *testing.T) {
	broken := errors.New("broken")
	src := io.MultiReader(strings.NewReader(`{"users":[]`), iotest.ErrReader(broken))
	if err := new(decoder).document(src, wantOf(schemas.Users), new(page)); !errors.Is(err, broken) {
		t.Error(err)
	}
	src = io.MultiReader(strings.NewReader(`{"users":[]}`), iotest.ErrReader(broken))
	if err := new(decoder).document(src, wantOf(schemas.Users), new(page)); !errors.Is(err, broken) {
		t.Error("after the document:", err)
	}
	src = io.MultiReader(strings.NewReader(`{"users":[]}`), iotest.ErrReader(broken))
	small := decoder{scanner: scanner{buf: make([]byte, len(`{"users":[]}`)+slack)}}
	if err := small.document(src, wantOf(schemas.Users), new(page)); !errors.Is(err, broken) {
		t.Error("after the document, which fills the buffer:", err)
	}
	if err := new(decoder).document(iotest.ErrReader(nil), wantOf(schemas.Users), new(page)); !errors.Is(err, io.ErrNoProgress) {
		t.Error("a source that never moves:", err)
	}
}

// What scanning lets through, unquoting checks again.
func TestUnquote(t *testing.T) {
	for raw, want := range map[string]string{
		`a\u00e9\n`: "aé\n", "a\x1f": "invalid", "a\"b": "invalid", `a\`: "invalid", `\u12`: "invalid", `\x`: "invalid", "\\\x01": "invalid",
		"a\xff": "no text", `\ud800`: "no text", `\ud800\ud800`: "no text", "\xed\xa0\x80": "no text",
	} {
		out, text, valid := appendText(nil, []byte(raw))
		got := string(out)
		switch {
		case !valid:
			got = "invalid"
		case !text:
			got = "no text"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
		if _, ok := appendCanonical(nil, []byte(raw)); ok != valid {
			t.Errorf("%q: canonical %v, text %v", raw, ok, valid)
		}
	}
}

func TestDecodeAllocates(t *testing.T) {
	text := []byte(`{"transactions":[`)
	for i := range 1000 {
		text = fmt.Appendf(text, `{"guid":"TRN-%d","user_guid":"U","amount":12.5,"description":"a\n","memo":"é","x":{"b":1,"a":[2]},"date":"2026-11-20","posted_at":"2026-11-20T12:00:00+00:00","latitude":1.5},`, i)
	}
	text = append(text[:len(text)-1], `]}`...)
	var d decoder
	var p page
	w, src := wantOf(schemas.Transactions), bytes.NewReader(nil)
	if n := testing.AllocsPerRun(10, func() {
		src.Reset(text)
		if err := d.document(src, w, &p); err != nil || p.rows.Len() != 1000 {
			t.Fatal(err, p.detail)
		}
	}); n > 10 {
		t.Errorf("%v allocations for a page of 1000 records", n)
	}
	if len(d.buf) != firstBuffer+slack || cap(d.arena) > firstBuffer {
		t.Errorf("a page of %d bytes took a buffer of %d and an arena of %d", len(text), len(d.buf), cap(d.arena))
	}
}
