package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"tallyport/atrium"
)

// settle gives every flag of the command that was not typed the value of its
// environment twin, else that of the config file, and sets up logging.
func (s *session) settle(c *cli.Context) error {
	s.origins = map[string]string{}
	file := c.String("config")
	if v, ok := s.lookup(twin("config")); ok && !c.IsSet("config") {
		file = v
	}
	config, err := readConfig(file, c.App)
	if err != nil {
		return err
	}
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		if name == "help" {
			continue
		}
		s.origins[name] = "default"
		if c.IsSet(name) {
			s.origins[name] = "flag"
			continue
		}
		value, origin := "", ""
		if v, ok := s.lookup(twin(name)); ok {
			value, origin = v, twin(name)
		} else if v, ok := config[name]; ok {
			value, origin = v, file
		} else {
			continue
		}
		if err := c.Set(name, value); err != nil {
			return usagef("%s from %s: %q is not %s", name, origin, value, formOf(c.Command.Flags, name))
		}
		s.origins[name] = origin
	}
	s.quiet, s.verbose = c.Bool("quiet"), c.Bool("v")
	s.log = s.logger()
	s.warnUnknownTwins(c.App)
	return nil
}

// lookup reads an environment variable. An empty one counts as unset: that is
// how cron files and containers leave one out.
func (s *session) lookup(name string) (string, bool) {
	v, _ := s.env.LookupEnv(name)
	return v, v != ""
}

// twin is the environment variable that stands for a flag.
func twin(flag string) string {
	return "TALLYPORT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func (s *session) logger() *slog.Logger {
	level := slog.LevelInfo
	switch {
	case s.quiet:
		level = slog.LevelError
	case s.verbose:
		level = slog.LevelDebug
	}
	o := &slog.HandlerOptions{Level: level}
	if s.env.Terminal {
		return slog.New(slog.NewTextHandler(s.stderr, o))
	}
	return slog.New(slog.NewJSONHandler(s.stderr, o))
}

var yamlLine = regexp.MustCompile(`line \d+`)

// readConfig reads a YAML file of flag names and values. A key that is no flag
// of any command is refused.
func readConfig(file string, app *cli.App) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("config: %v", err)
	}
	known := map[string]bool{}
	var names []string
	eachFlag(app.Commands, func(name string) {
		if name != "help" && name != "config" {
			known[name], names = true, append(names, name)
		}
	})
	var nodes map[string]yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&nodes); err != nil && !errors.Is(err, io.EOF) {
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		var kind *yaml.TypeError // speaks of Go's types
		if errors.As(err, &kind) {
			text = "there are no settings in it"
			if line := yamlLine.FindString(err.Error()); line != "" {
				text = line + ": this is no setting"
			}
		}
		return nil, usagef("config %s: %s; write one setting a line, such as page-size: 50", file, text)
	}
	values := map[string]string{}
	keys := make([]string, 0, len(nodes))
	for k := range nodes {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		n := nodes[k]
		switch {
		case !known[k]:
			return nil, usagef("config %s, line %d: there is no setting %q%s; keys are flag names such as page-size", file, n.Line, k, perhaps("", k, names))
		case n.Kind != yaml.ScalarNode:
			return nil, usagef("config %s, line %d: %s takes one value, such as page-size: 50", file, n.Line, k)
		}
		values[k] = n.Value
	}
	return values, nil
}

// credentials reads the keys from the environment or from the files it names.
func (s *session) credentials() (atrium.Credentials, error) {
	if err := s.missingKeys(); err != nil {
		return atrium.Credentials{}, err
	}
	key, err := s.secret("MX_API_KEY")
	if err != nil {
		return atrium.Credentials{}, err
	}
	client, err := s.secret("MX_CLIENT_ID")
	return atrium.Credentials{APIKey: atrium.NewSecret(key), ClientID: atrium.NewSecret(client)}, err
}

// missingKeys names all the credentials that are not there at once.
func (s *session) missingKeys() error {
	var names []string
	for _, n := range []string{"MX_API_KEY", "MX_CLIENT_ID"} {
		_, value := s.lookup(n)
		if _, file := s.lookup(n + "_FILE"); !value && !file {
			names = append(names, n)
		}
	}
	switch len(names) {
	case 0:
		return nil
	case 1:
		return usagef("no credentials: set %s, or %[1]s_FILE to a file that holds it", names[0])
	}
	return usagef("no credentials: set %s, or %s to files that hold them", listOf(names, "and"), strings.Join(names, "_FILE and ")+"_FILE")
}

func (s *session) secret(name string) (string, error) {
	value, ok := s.lookup(name)
	file, named := s.lookup(name + "_FILE")
	switch {
	case ok && named:
		return "", usagef("both %s and %s_FILE are set; unset one of them", name, name)
	case ok:
		return value, nil
	case !named:
		return "", usagef("no credentials: set %s, or %[1]s_FILE to a file that holds it", name)
	}
	return secretFile(name+"_FILE", file)
}

// secretFile reads what is in a file that others must not read; what names the
// setting.
func secretFile(what, file string) (string, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return "", usagef("%s: %v", what, err)
	case !info.Mode().IsRegular():
		return "", usagef("%s: %s is not a file", what, file)
	case info.Mode().Perm()&(0o022|0o004) != 0:
		return "", usagef("%s: %s may be read by everybody or written by others (%v); run chmod 600 on it", what, file, fs.FileMode(info.Mode().Perm()))
	case info.Size() > 4096:
		return "", usagef("%s: %s is too large to hold a key", what, file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", usagef("%s: %v", what, err)
	}
	value := strings.TrimSpace(string(data))
	if value == "" {
		return "", usagef("%s: %s is empty", what, file)
	}
	return value, nil
}

// clientID is the client id for naming the store, without which nothing is done.
func (s *session) clientID() (string, error) {
	if err := s.missingKeys(); err != nil {
		return "", err
	}
	return s.secret("MX_CLIENT_ID")
}

// out prints a result.
func (s *session) out(format string, args ...any) { fmt.Fprintf(s.env.Stdout, format, args...) }
