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
)

const usage = `usage: evaluate [flags]

The default, -set all, takes about half an hour of one core: standard, clean,
hard, systemic and a sweep, one seed each. -set smoke takes five seconds. Five
seeds of everything: -seeds 5, in two and a half hours; and -set scale by itself.

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
		seeds  = f.Int("seeds", 1, "worlds of each kind")
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
	if err := e.run(ctx, *name); err != nil {
		return err
	}
	e.worst()
	if *out == "" {
		return nil
	}
	b, err := json.MarshalIndent(e.figures, "", "  ")
	if err == nil {
		err = os.WriteFile(*out, append(b, '\n'), 0o600)
	}
	return err
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
}

func (e *evaluation) run(ctx context.Context, name string) error {
	switch name {
	case "all":
		for _, name := range []string{"smoke", "standard", "clean", "hard", "systemic", "sweep"} {
			if err := e.run(ctx, name); err != nil {
				return err
			}
		}
		return nil
	case "hard":
		for _, h := range hardSets {
			if err := e.worlds(ctx, h.name, h.set); err != nil {
				return err
			}
		}
		return nil
	case "sweep":
		for _, s := range sweeps {
			if err := e.worlds(ctx, "sweep: "+s.name, sweepSet(s.set)); err != nil {
				return err
			}
		}
		return nil
	case "systemic":
		return e.systemic(ctx)
	case "scale":
		return e.scale(ctx)
	}
	for _, h := range hardSets {
		if h.name == name {
			return e.worlds(ctx, h.name, h.set)
		}
	}
	s, ok := sets[name]
	if !ok {
		return fmt.Errorf("there is no set %q", name)
	}
	return e.worlds(ctx, name, s)
}

func (e *evaluation) worlds(ctx context.Context, name string, s set) error {
	for i := range e.seeds {
		sc, err := evaluate(ctx, s, e.seed+uint64(i), e.limit)
		if err != nil {
			return fmt.Errorf("%s, seed %d: %w", name, e.seed+uint64(i), err)
		}
		if e.probe {
			if sc.Probed, err = probed(ctx, s, e.seed+uint64(i)); err != nil {
				return fmt.Errorf("%s, seed %d: %w", name, e.seed+uint64(i), err)
			}
		}
		sc.Set = name
		sc.print(e.out)
		e.Worlds = append(e.Worlds, sc)
	}
	return nil
}
