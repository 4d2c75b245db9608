// Command tallyport exports MX data into snapshots and reconciles them.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"tallyport/internal/cli"
)

// memoryLimit is what the runtime holds itself to, unless GOMEMLIMIT says
// otherwise: with code and stacks it keeps an export at 16 in flight under
// 128 MB. Below it there is no need to collect as often as by default: that
// costs a seventh of the time (GOGC says otherwise).
const (
	memoryLimit = 88 << 20
	gcPercent   = 300
)

func main() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(memoryLimit)
	}
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		first := (<-signals).(syscall.Signal)
		cancel(cli.Interrupted{Signal: first})
		second := (<-signals).(syscall.Signal) // no more patience
		os.Exit(128 + int(second))
	}()
	width := 0
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		width = w
	}
	os.Exit(cli.Main(ctx, cli.Env{
		Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		LookupEnv: os.LookupEnv, Environ: os.Environ, Now: time.Now, Terminal: term.IsTerminal(int(os.Stderr.Fd())), Width: width,
	}))
}
