package atrium

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// No way of printing shows a secret, nor how long it is.
func TestSecretIsNeverPrinted(t *testing.T) {
	const canary = "s3cr3t-CANARY-0xdeadbeef"
	s := NewSecret(canary)
	keys := Credentials{APIKey: s, ClientID: s}
	hidden := struct{ inner Credentials }{keys} // fmt calls no methods in here
	base, err := url.Parse(testBase)
	if err != nil {
		t.Fatal(err)
	}
	client, err := New(Atrium(base), keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%T", "%p", "%c", "%U", "%e", "%08b", "%w", "%30s", "%.3s", "%!"} {
		for _, v := range []any{s, &s, keys, &keys, []Secret{s}, map[string]Secret{"k": s}, hidden, &hidden, client} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		if got := fmt.Sprintf(verb, s); !strings.Contains(got, redacted) && !slices.Contains([]string{"%T", "%p", "%w", "%!"}, verb) {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	fmt.Fprintln(&out, s, keys, hidden)
	fmt.Fprint(&out, fmt.Errorf("%w %v", errors.New("x"), keys))
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
		log.Info("x", "secret", s, "keys", keys, "pointer", &keys, "hidden", hidden, slog.Group("g", "s", s))
	}
	for _, v := range []any{s, keys, &keys, hidden, map[string]any{"k": s}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		out.Write(text)
	}
	text, err := xml.Marshal(keys)
	if err != nil {
		t.Error(err)
	}
	out.Write(text)
	func() {
		defer func() { fmt.Fprint(&out, recover()) }()
		panic(s)
	}()
	func() {
		defer func() { fmt.Fprint(&out, recover()) }()
		panic(fmt.Sprint(keys))
	}()
	for _, form := range []string{canary, "CANARY", "s3cr3t", fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary), fmt.Sprint([]byte(canary))} {
		if strings.Contains(out.String(), form) {
			t.Errorf("output has %q:\n%s", form, out.String())
		}
	}
	if s.text() != canary || (Secret{}).text() != "" {
		t.Error("the secret is lost")
	}
}

func TestCredentialsAreChecked(t *testing.T) {
	base, err := url.Parse(testBase)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "key\n", "key\r\nX-Evil: 1", "a b", "\x00", "ключ", "\x7f"} {
		for _, k := range []Credentials{{NewSecret(bad), NewSecret("ok")}, {NewSecret("ok"), NewSecret(bad)}} {
			_, err := New(Atrium(base), k, nil)
			if err == nil {
				t.Errorf("%q is taken for a key", bad)
			} else if bad != "" && strings.Contains(err.Error(), bad) {
				t.Errorf("the error repeats the key: %v", err)
			}
		}
	}
	if _, err := New(Atrium(base), Credentials{}, nil); err == nil {
		t.Error("no keys are taken for keys")
	}
}
