package reconcile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tallyport/schemas"
	"tallyport/snapshot"
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

// A user is read as it was written, and as encoding/json would.
func TestReadUser(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 600 {
		texts := []string{"", "a", "Zo\u00eb & <b>", "TRN-1", "a\"b", "\\", "\n", strings.Repeat("long ", 200)}
		var u, want, got userState
		filled(rnd, reflect.ValueOf(&u).Elem(), texts)
		for i := range u.Left { // as keptOf makes them
			if k := u.Left[i].Kept; k != nil && k.Members == nil {
				k.Members = map[string]*memberState{}
			}
			if k := u.Left[i].Kept; k != nil && k.Accounts == nil {
				k.Accounts = map[string]*accountState{}
			}
		}
		line, err := marshal(&u)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		record := appendUser(nil, &u)
		if err := readUser(record, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(leg{})); diff != "" || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\nis not what was read: %s", line, diff)
		}
		if again := appendUser(nil, &got); !bytes.Equal(again, record) {
			t.Fatalf("%q\nis written again as\n%q", record, again)
		}
	}
}

// A record that is cut short, or goes on, is no user.
func TestReadUserDamaged(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	var u userState
	for u.Accounts == nil || u.Members == nil {
		filled(rnd, reflect.ValueOf(&u).Elem(), []string{"a", "b"})
	}
	record := appendUser(nil, &u)
	for n := range record {
		if readUser(record[:n], new(userState)) == nil {
			t.Errorf("%q is read", record[:n])
		}
	}
	if readUser(append(record, 0), new(userState)) == nil {
		t.Error("a record and more is read")
	}
	for range 20_000 { // nothing is believed that could not be there
		odd := bytes.Clone(record)
		odd[rnd.IntN(len(odd))] = byte(rnd.Uint32())
		_ = readUser(odd, new(userState))
	}
}

// A state is read as it was written, also one of the version before this one,
// which has lines of JSON; what is cut short is refused.
func TestStateVersions(t *testing.T) {
	st, _ := tempStore(t)
	rnd := rand.New(rand.NewPCG(3, 3))
	var want []*userState
	for i := range 40 {
		u := &userState{Links: []link{{Out: strings.Repeat("wide ", i*1000)}}}
		filled(rnd, reflect.ValueOf(&u.Accounts).Elem(), []string{"a", "b", "c"})
		for _, a := range u.Accounts {
			a.Missing, a.Gone, a.Held = nil, nil, nil
		}
		u.User = fmt.Sprintf("USR-%02d", i)
		want = append(want, u)
	}
	for version := 1; version <= stateVersion; version++ {
		c := &checkpoint{Version: version, Snapshot: snapshot.ID(fmt.Sprintf("night-%d", version)), Shards: 1}
		name := fmt.Sprintf("%s/%s/0000", stateDir, c.Snapshot)
		w, err := newStateWriter(st, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range want {
			if version == stateVersion {
				err = w.write(u)
			} else {
				var line []byte
				line, _ = marshal(u)
				_, err = w.buf.Write(append(line, '\n'))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.close(true); err != nil {
			t.Fatal(err)
		}
		var got []*userState
		read := func() error {
			got = nil
			s, err := c.users(st, stateDir, 0, 1)
			for err == nil && s.at != nil {
				got = append(got, s.at)
				err = s.next()
			}
			return errors.Join(err, s.close())
		}
		if err := read(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(leg{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("version %d: %s", version, diff)
		}
		data, err := readFile(st, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := snapshot.Replace(st, name, data[:len(data)-100]); err != nil {
			t.Fatal(err)
		}
		if err := read(); !errors.Is(err, snapshot.ErrDamaged) {
			t.Errorf("version %d: a file that is cut short: %v", version, err)
		}
		if c.Version = 3 - version; read() == nil {
			t.Errorf("version %d is read as %d", version, c.Version)
		}
	}
}

// A state that is read in another order of fields than it was written is damaged,
// or worse.
func TestStateLayout(t *testing.T) {
	var u userState
	rnd := rand.New(rand.NewPCG(4, 4))
	for range 20 { // each time a sixth of the fields is left as it is
		filled(rnd, reflect.ValueOf(&u).Elem(), []string{"a", "b", "c"})
	}
	if got, want := digest([]string{string(appendUser(nil, &u))}), "LF2YDB7YEVSE74ET"; got != want {
		t.Errorf("the layout is %s, not %s: raise stateVersion", got, want)
	}
}
