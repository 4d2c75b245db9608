package main

import (
	"fmt"
	"io"
	"strings"
)

func percent(a, b int) string {
	if b == 0 {
		return "    -"
	}
	return fmt.Sprintf("%.3f", float64(a)/float64(b))
}

func (t tally) String() string {
	return fmt.Sprintf("precision %s (%d)  recall %s (%d)", percent(t.Right, t.Said), t.Said, percent(t.Found, t.True), t.True)
}

func (sc *score) print(w io.Writer) {
	fmt.Fprintf(w, "%s, seed %d: %d account-nights, %.0f s\n", sc.Set, sc.Seed, sc.AccountNights, sc.Seconds)
	line := func(name string, t tally) { fmt.Fprintf(w, "  %-34s %v\n", name, t) }
	line("ticket", sc.Tickets)
	line("ticket+review", sc.Review)
	for _, name := range baselines {
		line("  baseline: "+name, sc.Baselines[name])
	}
	line("never seen, balance reliable", sc.Never)
	fmt.Fprintf(w, "    right as the sum of what was due at once: %d; found elsewhere %d of %d, in silent accounts %d of %d\n",
		sc.NeverSums, sc.NeverApart.Found, sc.NeverApart.True, sc.NeverSilent.Found, sc.NeverSilent.True)
	fmt.Fprintf(w, "    accounts judged by their balance: deposits %d of %d (%s), cards %d of %d (%s), others %d of %d\n", sc.Deposits.Judged, sc.Deposits.All,
		percent(sc.Deposits.Judged, sc.Deposits.All), sc.Cards.Judged, sc.Cards.All, percent(sc.Cards.Judged, sc.Cards.All), sc.Others.Judged, sc.Others.All)
	for _, e := range expectations {
		line(e.code+" "+strings.ReplaceAll(e.kind, "_", " "), sc.Expected[e.code])
	}
	fmt.Fprintf(w, "  %-34s %s (%d of %d nights of members; %d not scored)\n", "staleness as the rules say", percent(sc.Stale.Right, sc.Stale.Nights), sc.Stale.Right, sc.Stale.Nights, sc.Stale.Apart)
	for _, l := range sc.Stale.lines() {
		fmt.Fprintf(w, "    %s\n", l)
	}
	fmt.Fprintf(w, "  %-34s %.2f  (%d: %v)\n", "false tickets per 10,000", float64(sc.FalseTickets)*10000/float64(max(sc.AccountNights, 1)), sc.FalseTickets, sc.FalseByKind)
	if sc.Probed != nil {
		for _, l := range sc.Probed.lines(sc) {
			fmt.Fprintf(w, "  %s\n", l)
		}
	}
	fmt.Fprintf(w, "  %-34s rows: median %d, p90 %d (%d); never seen: median %d, p90 %d (%d)\n", "nights to a ticket", sc.Detect.Median, sc.Detect.P90, sc.Detect.N,
		sc.DetectNever.Median, sc.DetectNever.P90, sc.DetectNever.N)
	if sc.Stability != nil {
		fmt.Fprintf(w, "  %-34s %s (%d)\n", "ids unchanged when judged again", percent(sc.Stability.Same, sc.Stability.IDs), sc.Stability.IDs)
	}
	fmt.Fprintf(w, "  %-34s %d\n", "systemic nights", sc.Systemic)
	sc.printCodes(w)
	for _, c := range sc.Cases {
		fmt.Fprintf(w, "  %-42s n %5d  right %s  weak %s  wrong %s ", c.Name, c.N, percent(c.Right, c.N), percent(c.Weak, c.N), percent(c.Wrong, c.N))
		for _, said := range sortedKeys(c.Said) {
			fmt.Fprintf(w, " [%s] %d", said, c.Said[said])
		}
		fmt.Fprintln(w)
	}
	for _, k := range sortedKeys(sc.wrong) {
		for _, l := range sc.wrong[k] {
			fmt.Fprintf(w, "    %s: %s\n", k, l)
		}
	}
	fmt.Fprintln(w)
}

// printCodes prints the codes that are scored one by one, and all rows by what
// they were and what they were called.
func (sc *score) printCodes(w io.Writer) {
	fmt.Fprintf(w, "  rows that went, truth → said\n")
	for _, truth := range sortedKeys(sc.Confusion) {
		total := 0
		for _, n := range sc.Confusion[truth] {
			total += n
		}
		figures := ""
		if t, ok := sc.Codes[truth]; ok {
			figures = fmt.Sprintf("precision %s recall %s", percent(t.Right, t.Said), percent(t.Found, t.True))
		}
		name := truth
		if name == "" {
			name = "there"
		}
		fmt.Fprintf(w, "    %-5s %7d  %-28s", name, total, figures)
		for _, c := range sortedKeys(sc.Confusion[truth]) {
			fmt.Fprintf(w, " %s:%d", c, sc.Confusion[truth][c])
		}
		fmt.Fprintln(w)
	}
}
