// Command tallyport exports MX data into snapshots and reconciles them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"tallyport/internal/cli"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		first := (<-signals).(syscall.Signal)
		cancel(cli.Interrupted{Signal: first})
		second := (<-signals).(syscall.Signal) // no more patience
		os.Exit(128 + int(second))
	}()
	os.Exit(cli.Main(ctx, cli.Env{
		Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		LookupEnv: os.LookupEnv, Now: time.Now, Terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}))
}
