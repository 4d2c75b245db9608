package cli

import (
	"net/url"
	"testing"
)

// A store is bound to a host, not to a way of writing it.
func TestHost(t *testing.T) {
	for address, want := range map[string]string{
		"https://atrium.mx.com":          "atrium.mx.com",
		"HTTPS://Atrium.MX.com:443":      "atrium.mx.com",
		"https://atrium.mx.com:/v1/":     "atrium.mx.com",
		"https://atrium.mx.com:8443":     "atrium.mx.com:8443",
		"https://atrium.mx.com:80":       "atrium.mx.com:80",
		"http://localhost:80":            "localhost",
		"http://LOCALHOST:8080":          "localhost:8080",
		"http://[::1]:80":                "[::1]",
		"http://[::1]:8080":              "[::1]:8080",
		"https://[2001:DB8::1]:443/base": "[2001:db8::1]",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := (target{base: u}).host(); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}
