package atrium

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const redacted = "[redacted]"

// Secret is a text that no way of printing shows: every verb of fmt, JSON and
// other encodings, slog, and panic write [redacted]. The zero Secret is empty.
type Secret struct {
	// A function and no string, so that what prints or compares by reflection,
	// past the methods below, finds an address.
	reveal func() string
}

// NewSecret returns a Secret that holds s.
func NewSecret(s string) Secret { return Secret{func() string { return s }} }

func (s Secret) text() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Format implements fmt.Formatter for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) } // fmt has no use for the error

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }

// Credentials are those of a client of MX: they reach every user of the client
// (mx-api.md §1.1).
type Credentials struct {
	APIKey   Secret
	ClientID Secret
}

// check refuses what could not be sent, without repeating it.
func (c Credentials) check() error {
	for _, s := range []struct {
		name  string
		value string
	}{{"API key", c.APIKey.text()}, {"client id", c.ClientID.text()}} {
		if s.value == "" {
			return fmt.Errorf("the %s is empty; set MX_API_KEY and MX_CLIENT_ID", s.name)
		}
		if strings.ContainsFunc(s.value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("the " + s.name + " has a space, a line break or another character that no key has; check how it was stored")
		}
	}
	return nil
}
