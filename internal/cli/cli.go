// Package cli turns arguments into calls, errors into exit codes, and nothing
// else.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/atrium"
	"tallyport/snapshot"
)

// Version is the program's version; the build may set another one.
var Version = "0.1.0"

// Env is everything that arrives from outside the process.
type Env struct {
	Args      []string // with the program's name
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer
	LookupEnv func(string) (string, bool)
	Environ   func() []string // name=value; nil: settings with wrong names go unnoticed
	Now       func() time.Time
	Terminal  bool              // Stderr is one
	Width     int               // of the terminal that Stdout is, 0: it is none
	Transport http.RoundTripper // nil: the network
}

// Exit codes; see contract.md. They are never renumbered.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitGaps      = 3
	exitFindings  = 4
	exitNone      = 10
	exitLocked    = 11
	exitRefused   = 12
	exitStopped   = 13
	exitSignalled = 128 // plus the signal
)

// Interrupted is the cause of a context that a signal ended.
type Interrupted struct{ Signal syscall.Signal }

func (i Interrupted) Error() string {
	switch i.Signal {
	case syscall.SIGINT:
		return "interrupted"
	case syscall.SIGTERM:
		return "stopped by SIGTERM"
	}
	return fmt.Sprintf("stopped by signal %d", int(i.Signal))
}

// errMaxDuration is the cause of a context that --max-duration ended.
var errMaxDuration = errors.New("stopped by --max-duration")

// usage marks an error of the person who typed the command.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

// none marks the error of a store without what was asked for.
type none struct{ error }

func (n none) Unwrap() error { return n.error }

func (none) Is(target error) bool { return target == snapshot.ErrNoSnapshot }

// empty is the error of a store without any snapshot.
func empty(st snapshot.Store) error {
	runs, err := snapshot.ListUnfinished(st)
	switch {
	case err != nil:
		return err
	case len(runs) > 0:
		return none{fmt.Errorf("%s holds no snapshot yet, only %s; the command that began one finishes it", st, counted(int64(len(runs)), "unfinished run", "unfinished runs"))}
	}
	return none{fmt.Errorf("%s is empty; tallyport export fills it", st)}
}

// exit is an outcome that has its own code and nothing more to say.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// kept marks the end of a run whose finished work the next one goes on from.
type kept struct {
	error
	progress string // "" if it is not known
}

func (k kept) Unwrap() error { return k.error }

// withCause adds why ctx ended to an error that only says that it ended: the
// cause has an exit code of its own.
func withCause(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.Join(err, context.Cause(ctx))
}

// exitCode is the code of a command that ended with err.
func exitCode(err error) int {
	var code exit
	var sig Interrupted
	var bad usage
	var plan *snapshot.PlanError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &sig):
		return exitSignalled + int(sig.Signal)
	case errors.Is(err, errMaxDuration), errors.Is(err, atrium.ErrQuota):
		return exitStopped
	case errors.Is(err, atrium.ErrRefused):
		return exitRefused
	case errors.Is(err, snapshot.ErrLocked):
		return exitLocked
	case errors.Is(err, snapshot.ErrNoSnapshot):
		return exitNone
	case errors.As(err, &bad), errors.As(err, &plan), errors.Is(err, snapshot.ErrBound):
		return exitUsage
	}
	return exitFailed
}

// Main runs one command and returns its exit code.
func Main(ctx context.Context, env Env) int {
	err := run(ctx, env)
	var silent exit
	if err != nil && !errors.As(err, &silent) {
		fmt.Fprintf(env.Stderr, "tallyport: %s\n", oneLine(err))
	}
	return exitCode(err)
}

// run runs one command.
func run(ctx context.Context, env Env) error {
	s := &session{env: env, stderr: &outlet{w: env.Stderr}}
	app := s.app()
	args := helpAsFlag(env.Args)
	if err := misspelt(app, args); err != nil {
		return err
	}
	return withCause(ctx, app.RunContext(ctx, flagsFirst(app, args)))
}

// flagsFirst puts the flags of a command before its arguments, where the
// library wants them: people write them anywhere.
func flagsFirst(app *cli.App, args []string) []string {
	commands, at := app.Commands, 1
	var command *cli.Command
	for at < len(args) {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[at]) })
		if i < 0 {
			break
		}
		command, commands, at = commands[i], commands[i].Subcommands, at+1
	}
	// The shell asks with its flag last, where the library looks for it.
	if command == nil || slices.Contains(args, "--generate-bash-completion") {
		return args
	}
	var flags, rest []string
	for ; at < len(args); at++ {
		a := args[at]
		if a == "--" {
			rest = append(rest, args[at:]...)
			break
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		flags = append(flags, a)
		if takesValue(command, a) && at+1 < len(args) {
			at++
			flags = append(flags, args[at])
		}
	}
	head := args[:len(args)-len(flags)-len(rest)]
	return slices.Concat(head, flags, rest)
}

// takesValue reports whether the flag's value is the next argument.
func takesValue(c *cli.Command, flag string) bool {
	if strings.Contains(flag, "=") {
		return false
	}
	for _, f := range c.Flags {
		if slices.Contains(f.Names(), strings.TrimLeft(flag, "-")) {
			d, ok := f.(cli.DocGenerationFlag)
			return ok && d.TakesValue()
		}
	}
	return false
}

// oneLine is the error as one line: what, where, what to do.
func oneLine(err error) string {
	var sig Interrupted
	var k kept
	goesOn := ""
	if errors.As(err, &k) {
		goesOn = "; what was finished is kept, and the same command goes on from here"
		if k.progress != "" {
			goesOn = "; " + k.progress + goesOn
		}
	}
	switch {
	case errors.As(err, &sig):
		return sig.Error() + goesOn
	case errors.Is(err, errMaxDuration):
		return errMaxDuration.Error() + cmp.Or(goesOn, "; the same command goes on from here")
	}
	var bad usage
	text := strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", "; ")), " ")
	text = strings.TrimSuffix(text, "; context canceled")
	if errors.As(err, &bad) && !strings.Contains(text, "--help") {
		return text
	}
	var path *fs.PathError
	if errors.As(err, &path) && errors.Is(path.Err, syscall.ENOSPC) {
		return text + "; free some space and run the same command again: what was finished is kept"
	}
	return text
}

// session is one run of the program.
type session struct {
	env     Env
	stderr  *outlet // of the log
	log     *slog.Logger
	quiet   bool
	verbose bool
	origins map[string]string // of each setting of the command
}

// outlet is where the log goes: to stderr, or above the bars while there are some.
type outlet struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *outlet) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(b)
}

func (o *outlet) redirect(w io.Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w = w
}

func (s *session) app() *cli.App {
	return &cli.App{
		Name:                 "tallyport",
		Usage:                "exports MX data into snapshots that can be trusted, and says what is missing",
		UsageText:            "tallyport COMMAND [flags]",
		Description:          "Every flag has an environment twin, TALLYPORT_ and its name in capitals: --page-size is TALLYPORT_PAGE_SIZE.\nCredentials are never flags: MX_API_KEY and MX_CLIENT_ID, or MX_API_KEY_FILE and MX_CLIENT_ID_FILE.\n\nExit codes: 0 done, 1 failed, 2 usage or settings, 3 published or compared with gaps,\n4 findings that --fail-on names, 10 no such snapshot, 11 locked, 12 refused by the API,\n13 stopped and can be resumed, 130/143 interrupted.",
		HideVersion:          true,
		HideHelpCommand:      true,
		EnableBashCompletion: true,
		Flags:                []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "print the version"}},
		Writer:               s.env.Stdout,
		ErrWriter:            s.env.Stderr,
		ExitErrHandler:       func(*cli.Context, error) {},
		OnUsageError:         onUsageError,
		Commands: []*cli.Command{
			s.exportCommand(),
			s.reconcileCommand(),
			s.nightlyCommand(),
			s.explainCommand(),
			s.diffCommand(),
			s.ticketsCommand(),
			s.snapshotsCommand(),
			s.membersCommand(),
			s.schemaCommand(),
			s.doctorCommand(),
			s.demoCommand(),
			s.serveCommand(),
			s.simCommand(),
			s.completionCommand(),
			s.manCommand(),
		},
		Action: func(c *cli.Context) error {
			if c.Bool("version") {
				fmt.Fprintln(s.env.Stdout, "tallyport", Version)
				return nil
			}
			return cli.ShowAppHelp(c)
		},
	}
}

// command finishes a command: the flags that all have, settings from the
// environment and the file, and no arguments unless it takes some.
func (s *session) command(c *cli.Command, maxArgs int) *cli.Command {
	c.Flags = append(c.Flags,
		&cli.StringFlag{Name: "config", Usage: "read settings from the YAML `FILE`: flag names and values"},
		&cli.BoolFlag{Name: "v", Usage: "log every request and every step"},
		&cli.BoolFlag{Name: "quiet", Usage: "say nothing but errors"},
	)
	c.OnUsageError = onUsageError
	c.HideHelpCommand = true
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		if ctx.NArg() > maxArgs {
			return usagef("%s takes no argument %q; run %s --help", ctx.Command.HelpName, ctx.Args().Get(maxArgs), ctx.Command.HelpName)
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
		return action(ctx)
	}
	return c
}

// group finishes a command that only has subcommands.
func (s *session) group(c *cli.Command) *cli.Command {
	c.OnUsageError = onUsageError
	c.HideHelpCommand = true
	c.Action = func(ctx *cli.Context) error {
		return cli.ShowSubcommandHelp(ctx)
	}
	return c
}

// openStore opens the store that a command reads. It is not made. What is
// written to one that a group may read, the group may read.
func (s *session) openStore(path string) (*snapshot.Dir, error) {
	if path == "" {
		return nil, usagef("--store is empty; name a directory")
	}
	info, err := os.Stat(filepath.Join(path, "_store.json"))
	bare := errors.Is(err, fs.ErrNotExist)
	st, err := snapshot.OpenDir(path, err == nil && info.Mode()&0o040 != 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, none{fmt.Errorf("there is no store at %s; name one with --store", path)}
	}
	if entries, e := os.ReadDir(path); err != nil && bare && e == nil && len(entries) > 0 {
		return nil, none{notAStore(path)} // which nobody need put in order
	}
	if err != nil {
		return nil, usage{denied(path, err)}
	}
	foreign, err := snapshot.Foreign(st)
	if err == nil && foreign {
		err = none{notAStore(path)}
	}
	if err != nil {
		closeStore(st, &err)
		return nil, err
	}
	return st, nil
}

// closeStore ends the use of a store, of which *err is the outcome.
func closeStore(st *snapshot.Dir, err *error) {
	*err = denied(st.String(), errors.Join(*err, st.Close()))
}

// denied says of a store that may not be read or written what to do about it.
func denied(path string, err error) error {
	var at *fs.PathError
	var link *os.LinkError
	var cause error
	switch {
	case errors.As(err, &at):
		cause = at.Err
	case errors.As(err, &link):
		cause = link.Err
	}
	switch {
	case cause == nil, errors.As(err, new(usage)):
		return err
	case errors.Is(cause, fs.ErrPermission):
		return usagef("--store %s may not be read or written by this user (%w); change its owner, or name another directory", path, err)
	case errors.Is(cause, syscall.EROFS):
		return usagef("--store %s is on a file system that is mounted read-only (%w); name another directory", path, err)
	}
	return err
}

// notAStore is the error for a directory that holds something else. Only what
// was made for a store may be filled, pruned or called damaged.
func notAStore(path string) error {
	return fmt.Errorf("%s is not a tallyport store (no _store.json) and not empty; name another directory with --store", path)
}

// lock takes the export lock, waiting up to wait for it.
func (s *session) lock(ctx context.Context, st snapshot.Store, wait time.Duration) (func() error, error) {
	return s.waitFor(ctx, st, wait, func() (func() error, error) { return snapshot.LockExport(st) })
}

// waitFor takes a lock, waiting up to wait for it.
func (s *session) waitFor(ctx context.Context, st snapshot.Store, wait time.Duration, lock func() (func() error, error)) (func() error, error) {
	deadline := s.env.Now().Add(wait)
	for {
		unlock, err := lock()
		if !errors.Is(err, snapshot.ErrLocked) {
			return unlock, err
		}
		if !s.env.Now().Before(deadline) {
			return nil, fmt.Errorf("%s is %w; wait for it with --lock-wait 10m", st, err)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(min(lockPoll, deadline.Sub(s.env.Now()))):
		}
	}
}

const lockPoll = 250 * time.Millisecond

// Flags that several commands have.
func storeFlag() cli.Flag {
	return &cli.StringFlag{Name: "store", Value: "./snapshots", Usage: "directory of the snapshots"}
}

func lockWaitFlag() cli.Flag {
	return &cli.DurationFlag{Name: "lock-wait", Usage: "wait this long for another run to end, as 10m"}
}

func jsonFlag(what string) cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: what}
}
