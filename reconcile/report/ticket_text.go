package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestText bounds a text of the API, in characters.
const longestText = 100

// cleaned is a text of the API on one line, without what a reader could not
// see, and not longer than longestText.
func cleaned[T ~string](s T) text { return shortened(onOneLine(s)) }

func onOneLine[T ~string](s T) string {
	var b strings.Builder
	space := false
	for _, r := range string(s) {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			space = b.Len() > 0
			continue
		case r == utf8.RuneError || unicode.Is(unicode.Cf, r): // such as one that turns the direction of writing
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

func shortened(line string) text {
	n := 0
	for i := range line {
		if n == longestText {
			return text(line[:i] + "…")
		}
		n++
	}
	return text(line)
}

// inMarkdown is a text of the API as part of a line of Markdown.
func inMarkdown[T ~string](s T) string { return escapedLine(string(cleaned(s))) }

// folded gathers sentences, and counts those that are the same.
type folded struct {
	order []string
	count map[string]int
}

func (f *folded) add(line string) {
	if line == "" {
		return
	}
	if f.count == nil {
		f.count = map[string]int{}
	}
	if f.count[line] == 0 {
		f.order = append(f.order, line)
	}
	f.count[line]++
}

// lines are the sentences in the order in which they came first.
func (f *folded) lines() []string {
	out := []string{}
	for _, line := range f.order {
		if n := f.count[line]; n > 1 {
			line = fmt.Sprintf("%s (%d times)", line, n)
		}
		out = append(out, line)
	}
	return out
}
