package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
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
			return usagef("%s from %s: %q is not a value that --%s takes", name, origin, value, name)
		}
		s.origins[name] = origin
	}
	s.quiet, s.verbose = c.Bool("quiet"), c.Bool("v")
	s.log = s.logger()
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
	var collect func(commands []*cli.Command)
	collect = func(commands []*cli.Command) {
		for _, c := range commands {
			for _, f := range c.Flags {
				known[f.Names()[0]] = true
			}
			collect(c.Subcommands)
		}
	}
	collect(app.Commands)
	var nodes map[string]yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&nodes); err != nil && !errors.Is(err, io.EOF) {
		return nil, usagef("config %s: %v", file, err)
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
		case !known[k] || k == "config":
			return nil, usagef("config %s, line %d: there is no setting %q; keys are flag names such as page-size", file, n.Line, k)
		case n.Kind != yaml.ScalarNode:
			return nil, usagef("config %s, line %d: %s takes one value", file, n.Line, k)
		}
		values[k] = n.Value
	}
	return values, nil
}

// credentials reads the keys from the environment or from the files it names.
func (s *session) credentials() (atrium.Credentials, error) {
	key, err := s.secret("MX_API_KEY")
	if err != nil {
		return atrium.Credentials{}, err
	}
	client, err := s.secret("MX_CLIENT_ID")
	return atrium.Credentials{APIKey: atrium.NewSecret(key), ClientID: atrium.NewSecret(client)}, err
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
		return "", usagef("no credentials: set %s, or %s_FILE to a file that holds it", name, name)
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return "", usagef("%s_FILE: %v", name, err)
	case !info.Mode().IsRegular():
		return "", usagef("%s_FILE: %s is not a file", name, file)
	case info.Mode().Perm()&(0o022|0o004) != 0:
		return "", usagef("%s_FILE: %s may be read by everybody or written by others (%v); run chmod 600 on it", name, file, fs.FileMode(info.Mode().Perm()))
	case info.Size() > 4096:
		return "", usagef("%s_FILE: %s is too large to hold a key", name, file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", usagef("%s_FILE: %v", name, err)
	}
	if value = strings.TrimSpace(string(data)); value == "" {
		return "", usagef("%s_FILE: %s is empty", name, file)
	}
	return value, nil
}

// clientID is the client id for naming the store, without which nothing is done.
func (s *session) clientID() (string, error) { return s.secret("MX_CLIENT_ID") }

// out prints a result.
func (s *session) out(format string, args ...any) { fmt.Fprintf(s.env.Stdout, format, args...) }
