package report

import (
	"strings"
	"testing"
)

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"Hôtel du Lac": "Hôtel du Lac", "  a\r\nb\tc ": "a  b c", "a\u202eb": "a\ufffdb", "a\x00\x1b[1m": "a\ufffd\ufffd[1m", "a\xffb": "a\ufffdb",
		strings.Repeat("é", 20): strings.Repeat("é", 20), strings.Repeat("é", 21): strings.Repeat("é", 20) + "…", strings.Repeat("a", 21): strings.Repeat("a", 20) + "…", "": "",
	} {
		if got := shown(in, 20); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}
