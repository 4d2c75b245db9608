// Command evaluate runs reconcile over worlds whose truth is known, and prints
// how often it was right. Its seeds are not those that rules were tuned on.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	var (
		set    = flag.String("set", "smoke", "smoke, middle, standard or clean")
		seed   = flag.Uint64("seed", 9001, "first seed")
		seeds  = flag.Int("seeds", 1, "worlds")
		out    = flag.String("json", "", "also write the figures to this file")
		errors = flag.Int("errors", 0, "print so many wrong answers of each kind")
	)
	flag.Parse()
	s, ok := sets[*set]
	if !ok {
		fmt.Fprintf(os.Stderr, "evaluate: there is no set %q\n", *set)
		os.Exit(2)
	}
	var all []*score
	for i := range *seeds {
		began := time.Now()
		sc, err := evaluate(context.Background(), s, *seed+uint64(i), *errors)
		if err != nil {
			fmt.Fprintln(os.Stderr, "evaluate:", err)
			os.Exit(1)
		}
		sc.print(os.Stdout)
		fmt.Printf("%s\n\n", time.Since(began).Round(time.Second))
		all = append(all, sc)
	}
	if *out != "" {
		b, err := json.MarshalIndent(all, "", "  ")
		if err == nil {
			err = os.WriteFile(*out, append(b, '\n'), 0o600)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "evaluate:", err)
			os.Exit(1)
		}
	}
}

// set is a kind of world: how large, how long, what goes wrong in it.
type set struct {
	users   int
	nights  int
	defects map[string]float64
}

// sets as in reconcile.md §1.e. Rates are per 10,000 accounts and night.
var sets = map[string]set{
	"smoke":    {25, 30, standardDefects},
	"middle":   {110, 45, standardDefects},
	"standard": {460, 50, standardDefects},
	"clean":    {120, 40, nil},
}

var standardDefects = map[string]float64{
	"Z1": 30, "Z3": 10, "P5": 10, "V1": 15, "D1": 15, "D2": 20, "P3": 5, "C1": 10, "C2": 3, "C4": 3, "W3": 2,
	"M2": 2, "A1": 1, "A2": 1, "A3": 1, "A4": 1, "M3b": 2, "N1": 15, "N6": 10, "C3": 1,
	"N2": 5, "N2b": 5, "N3": 5, "N4": 5, "N5": 5,
}

func percent(a, b int) string {
	if b == 0 {
		return strings.Repeat(" ", 4) + "-"
	}
	return fmt.Sprintf("%.3f", float64(a)/float64(b))
}
