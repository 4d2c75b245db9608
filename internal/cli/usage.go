package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// helpAsFlag turns "help COMMAND" into "COMMAND --help".
func helpAsFlag(args []string) []string {
	if len(args) < 2 || args[1] != "help" {
		return args
	}
	return slices.Concat(args[:1], args[2:], []string{"--help"})
}

// misspelt is the error of arguments that name a command which is not there.
// It is looked for before flags are read: those of a command that nobody knows
// would be the wrong thing to complain of.
func misspelt(app *cli.App, args []string) error {
	if slices.Contains(args, "--generate-bash-completion") {
		return nil
	}
	commands, path := app.Commands, []string{"tallyport"}
	for _, a := range args[min(1, len(args)):] {
		if len(commands) == 0 || strings.HasPrefix(a, "-") {
			return nil
		}
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(a) })
		if i < 0 {
			var names []string
			for _, c := range commands {
				if !c.Hidden {
					names = append(names, c.Name)
				}
			}
			there := ""
			if len(path) > 1 {
				there = fmt.Sprintf(" under %s, only %s", path[len(path)-1], listOf(names, "and"))
			}
			return usagef("there is no command %q%s%s; run %s --help for the list", a, there, perhaps("", a, names), strings.Join(path, " "))
		}
		path, commands = append(path, a), commands[i].Subcommands
	}
	return nil
}

// perhaps suggests the name that was probably meant, if there is one.
func perhaps(prefix, word string, names []string) string {
	if n := nearest(word, names); n != "" {
		return "; did you mean " + prefix + n + "?"
	}
	return ""
}

// nearest is the name within two edits of the word that takes the fewest, or
// "". Half of a name's letters are no likeness.
func nearest(word string, names []string) string {
	best, found := 3, ""
	for _, n := range names {
		if d := edits(word, n); d < best && 2*d < len(n) {
			best, found = d, n
		}
	}
	return found
}

// edits is how many letters are to be added, removed, changed or swapped with
// their neighbour to turn a into b.
func edits(a, b string) int {
	var older []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			d := row[j]
			if a[i] != b[j] {
				d = 1 + min(d, row[j+1], next[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, older[j-1]+1)
			}
			next[j+1] = d
		}
		older, row = row, next
	}
	return row[len(b)]
}

// listOf is the words as people list them: a, b and c.
func listOf(words []string, and string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + and + " " + words[last]
}

// What package flag says of arguments that it cannot read.
var (
	unknownFlag  = regexp.MustCompile(`^flag provided but not defined: -+(.*)$`)
	missingValue = regexp.MustCompile(`^flag needs an argument: -+(.*)$`)
	invalidValue = regexp.MustCompile(`^invalid (?:boolean )?value ("(?:[^"\\]|\\.)*") for (?:flag )?-+([^:]+):`)
)

func onUsageError(c *cli.Context, err error, _ bool) error {
	var flags []cli.Flag
	name := "tallyport"
	switch {
	case c.Command != nil && c.Command.HelpName != "":
		name, flags = c.Command.HelpName, c.Command.Flags
	default:
		flags = c.App.Flags
	}
	text := err.Error()
	if m := unknownFlag.FindStringSubmatch(text); m != nil {
		var names []string
		for _, f := range flags {
			names = append(names, f.Names()[0])
		}
		text = fmt.Sprintf("there is no flag --%s%s", m[1], perhaps("--", m[1], names))
	} else if m := missingValue.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("--%s needs a value", m[1])
	} else if m := invalidValue.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("--%s %s is not %s", m[2], m[1], formOf(flags, m[2]))
	}
	return usagef("%s; run %s --help", text, name)
}

// formOf says what the value of a flag looks like.
func formOf(flags []cli.Flag, name string) string {
	for _, f := range flags {
		if !slices.Contains(f.Names(), name) {
			continue
		}
		switch f.(type) {
		case *cli.DurationFlag:
			return "a duration such as 90m or 4h"
		case *cli.IntFlag, *cli.Uint64Flag:
			return "a whole number"
		case *cli.Float64Flag:
			return "a number"
		case *cli.BoolFlag:
			return "true or false"
		}
	}
	return "a value that it takes"
}

// warnUnknownTwins says which variables look like settings and are none: a
// setting that is spelt wrong would go unnoticed otherwise.
func (s *session) warnUnknownTwins(app *cli.App) {
	if s.env.Environ == nil {
		return
	}
	var known []string
	eachFlag(app.Commands, func(name string) { known = append(known, twin(name)) })
	var unknown []string
	for _, e := range s.env.Environ() {
		name, value, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, twin("")) && value != "" && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		if n := nearest(name, known); n != "" {
			s.log.Warn("an environment variable that is no setting", "name", name, "perhaps", n)
			continue
		}
		s.log.Warn("an environment variable that is no setting", "name", name)
	}
}

// eachFlag visits the names of all flags of the commands.
func eachFlag(commands []*cli.Command, visit func(name string)) {
	for _, c := range commands {
		for _, f := range c.Flags {
			visit(f.Names()[0])
		}
		eachFlag(c.Subcommands, visit)
	}
}
