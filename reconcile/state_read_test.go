package reconcile

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"tallyport/schemas"
)

// filled sets every field to something, or most of them.
func filled(rnd *rand.Rand, v reflect.Value, texts []string) {
	if rnd.IntN(6) == 0 {
		return
	}
	switch v.Interface().(type) {
	case schemas.Date:
		v.SetInt(20_000 + rnd.Int64N(500))
		return
	case schemas.Timestamp:
		v.SetInt(1_700_000_000_000_000 + rnd.Int64N(1e14))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[rnd.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(rnd.Int64N(2_000_000) - 1_000_000)
	case reflect.Uint8:
		v.SetUint(rnd.Uint64N(32))
	case reflect.Uint64:
		v.SetUint(rnd.Uint64())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(rnd, v.Elem(), texts)
	case reflect.Slice:
		for range 1 + rnd.IntN(3) {
			x := reflect.New(v.Type().Elem()).Elem()
			filled(rnd, x, texts)
			if x.Kind() != reflect.Pointer || !x.IsNil() {
				v.Set(reflect.Append(v, x))
			}
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + rnd.IntN(3) {
			key, x := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			filled(rnd, key, texts)
			filled(rnd, x, texts)
			if x.Kind() != reflect.Pointer || !x.IsNil() {
				v.SetMapIndex(key, x)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				filled(rnd, v.Field(i), texts)
			}
		}
	}
}

// What readUser reads, and appendUser writes, is what encoding/json does.
func TestReadUser(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range 600 {
		texts := []string{"", "a", "Zo\u00eb & <b>", "TRN-1", "{[,]}:"}
		if i%4 == 0 {
			texts = append(texts, "a\"b", "\\", "\n")
		}
		var u, want, got userState
		filled(rnd, reflect.ValueOf(&u).Elem(), texts)
		for _, a := range u.Accounts {
			for _, r := range a.Series { // which has dates
				r.Dates = append(r.Dates, day0)
			}
		}
		line, err := marshal(&u)
		if err != nil {
			t.Fatal(err)
		}
		if written, err := appendUser(nil, &u); err != nil || string(written) != string(line)+"\n" {
			t.Fatalf("%s\nis written as\n%s %v", line, written, err)
		}
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		if err := readUser(line, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			g, _ := marshal(&got)
			t.Fatalf("%s\nis read as\n%s", line, g)
		}
		if i%4 == 0 {
			continue
		}
		s := stateText{line: line, rest: line}
		if s.user(new(userState)); s.odd {
			t.Fatalf("a field is not read by stateText, which makes every night slower: %s", line)
		}
	}
}

// A line that is cut short, or not JSON, is no user.
func TestReadUserDamaged(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	var u userState
	for u.Accounts == nil || u.Members == nil {
		filled(rnd, reflect.ValueOf(&u).Elem(), []string{"a", "b"})
	}
	line, err := marshal(&u)
	if err != nil {
		t.Fatal(err)
	}
	for n := range line {
		if readUser(line[:n], new(userState)) == nil {
			t.Errorf("%s is read", line[:n])
		}
	}
}
