// Command evaluate runs reconcile over worlds whose truth is known, and prints
// how often it was right. Its seeds are not those that rules were tuned on.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

const usage = `usage: evaluate [flags]

The default, -set all, takes hours of CPU: five seeds of smoke, standard,
clean, hard and scale, five mass events, and one seed of the sweep. -set smoke
takes a few seconds.

`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "evaluate:", err)
		os.Exit(1)
	}
}

// figures is what -json writes.
type figures struct {
	Worlds   []*score        `json:"worlds,omitempty"`
	Systemic []systemicScore `json:"systemic,omitempty"`
	Scale    []scaleScore    `json:"scale,omitempty"`
	Worst    map[string]any  `json:"worst,omitempty"`
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("evaluate", flag.ExitOnError)
	f.SetOutput(stderr)
	var (
		name   = f.String("set", "all", "all, smoke, middle, standard, clean, hard (or \"hard rows\" and so on), systemic, sweep or scale")
		seed   = f.Uint64("seed", 9001, "first seed")
		seeds  = f.Int("seeds", 0, "worlds of each kind; 0: five, but one of systemic (of five events) and sweep")
		jobs   = f.Int("jobs", runtime.GOMAXPROCS(0), "worlds at once")
		out    = f.String("json", "", "also write the figures to this file")
		errors = f.Int("errors", 0, "print so many wrong answers of each kind")
		many   = f.Int("accounts", 50_000, "accounts of -set scale, about")
		probe  = f.Bool("probe", false, "live through each world once more, asking MX for each row before it becomes a ticket")
		child  = f.String("reconcile", "", "only reconcile this store (what -set scale starts)")
	)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return err
	}
	if *child != "" {
		return reconcileOnly(ctx, *child)
	}
	e := &evaluation{seed: *seed, seeds: *seeds, limit: *errors, accounts: *many, probe: *probe, out: stdout}
	if err := e.plan(*name); err != nil {
		return err
	}
	if err := e.run(ctx, *jobs); err != nil {
		return err
	}
	e.worst()
	if *out != "" {
		b, err := json.MarshalIndent(e.figures, "", "  ")
		if err == nil {
			err = os.WriteFile(*out, append(b, '\n'), 0o600)
		}
		if err != nil {
			return err
		}
	}
	if e.missed > 0 {
		return fmt.Errorf("%d figures are not reached", e.missed)
	}
	return nil
}

// evaluation is one run of the command.
type evaluation struct {
	figures
	seed     uint64
	seeds    int
	limit    int
	accounts int
	probe    bool
	out      io.Writer
	worlds   []world
	missed   int // figures that have a target and are below it
}

// world is one of those that are to be lived through. live returns what is left
// to be done when those before it are done: to show how it went.
type world struct {
	name  string
	seed  uint64
	alone bool // it is measured
	live  func(context.Context) (show func(), err error)
}

// seedsOf is how many worlds there are of a set.
func (e *evaluation) seedsOf(name string) int {
	switch {
	case e.seeds > 0:
		return e.seeds
	case name == "systemic" || strings.HasPrefix(name, "sweep"):
		return 1
	}
	return 5
}

func (e *evaluation) add(name string, alone bool, live func(ctx context.Context, seed uint64) (func(), error)) {
	for i := range e.seedsOf(name) {
		seed := e.seed + uint64(i)
		e.worlds = append(e.worlds, world{name, seed, alone, func(ctx context.Context) (func(), error) { return live(ctx, seed) }})
	}
}

func (e *evaluation) plan(name string) error {
	switch name {
	case "all":
		for _, name := range []string{"smoke", "standard", "clean", "hard", "systemic", "sweep", "scale"} {
			if err := e.plan(name); err != nil {
				return err
			}
		}
		return nil
	case "hard":
		for _, h := range hardSets {
			e.addSet(h.name, h.set)
		}
		return nil
	case "sweep":
		for _, s := range sweeps {
			e.addSet("sweep: "+s.name, sweepSet(s.set))
		}
		return nil
	case "systemic":
		for k := range systemicWorlds {
			e.add(name, false, func(ctx context.Context, seed uint64) (func(), error) {
				x, err := massEvent(ctx, seed+uint64(k)*10, 25+10*k)
				return func() { x.print(e.out); e.Systemic = append(e.Systemic, *x) }, err
			})
		}
		return nil
	case "scale":
		e.add(name, true, func(ctx context.Context, seed uint64) (func(), error) {
			x, err := scaleWorld(ctx, seed, max(1, e.accounts*10/perUser))
			return func() { x.print(e.out); e.Scale = append(e.Scale, *x) }, err
		})
		return nil
	}
	for _, h := range hardSets {
		if h.name == name {
			e.addSet(h.name, h.set)
			return nil
		}
	}
	s, ok := sets[name]
	if !ok {
		return fmt.Errorf("there is no set %q", name)
	}
	e.addSet(name, s)
	return nil
}

func (e *evaluation) addSet(name string, s set) {
	e.add(name, false, func(ctx context.Context, seed uint64) (func(), error) {
		sc, err := evaluate(ctx, s, seed, e.limit)
		if err == nil && e.probe {
			sc.Probed, err = probed(ctx, s, seed)
		}
		if err != nil {
			return nil, err
		}
		sc.Set = name
		sc.forget()
		return func() { sc.print(e.out); e.Worlds = append(e.Worlds, sc) }, nil
	})
}

// run lives through some worlds at once, and through those that are measured one
// by one, and shows them in their order.
func (e *evaluation) run(ctx context.Context, jobs int) error {
	shows := make([]func(), len(e.worlds))
	next := 0
	var mu sync.Mutex
	one := func(ctx context.Context, i int) error {
		w := e.worlds[i]
		show, err := w.live(ctx)
		if err != nil {
			return fmt.Errorf("%s, seed %d: %w", w.name, w.seed, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for shows[i] = show; next < len(shows) && shows[next] != nil; next++ {
			shows[next]()
		}
		return nil
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(max(1, jobs))
	for i, w := range e.worlds {
		if !w.alone {
			group.Go(func() error { return one(inner, i) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, w := range e.worlds {
		if w.alone {
			if err := one(ctx, i); err != nil {
				return err
			}
		}
	}
	return nil
}
