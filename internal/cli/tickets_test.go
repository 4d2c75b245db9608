package cli

import "testing"

// A line is as wide as the terminal at most; into a file it goes whole.
func TestFit(t *testing.T) {
	for _, c := range []struct {
		width int
		line  string
		want  string
	}{{0, "a long line", "a long line"}, {11, "a long line", "a long line"}, {6, "a long line", "a lon…"}, {4, "Bücher", "Büc…"}, {80, "end   ", "end"}} {
		s := &session{env: Env{Width: c.width}}
		if got := s.fit(c.line); got != c.want {
			t.Errorf("fit(%q) in %d = %q", c.line, c.width, got)
		}
	}
}
