package main

import (
	"fmt"
	"strings"
)

// worst prints the worst seed of every figure that has a target, the cases of
// all seeds together, and the codes of all seeds together.
func (e *evaluation) worst() {
	e.Worst = map[string]any{}
	figure := func(set, name string, target float64, atMost bool, of func(*score) (float64, bool)) {
		worst, n := 0.0, 0
		for _, sc := range e.Worlds {
			x, ok := of(sc)
			if sc.Set != set || !ok {
				continue
			}
			if n == 0 || atMost == (x > worst) {
				worst = x
			}
			n++
		}
		if n == 0 {
			return
		}
		verdict := "reached"
		if !(atMost && worst <= target || !atMost && worst >= target) {
			verdict = "NOT reached"
			e.missed++
		}
		fmt.Fprintf(e.out, "%-9s %-44s worst of %d: %.4f, target %.2f: %s\n", set, name, n, worst, target, verdict)
		e.Worst[set+" "+name] = worst
	}
	precision := func(t func(*score) tally) func(*score) (float64, bool) {
		return func(sc *score) (float64, bool) {
			x := t(sc)
			return float64(x.Right) / float64(max(x.Said, 1)), x.Said > 0
		}
	}
	recall := func(t func(*score) tally) func(*score) (float64, bool) {
		return func(sc *score) (float64, bool) {
			x := t(sc)
			return float64(x.Found) / float64(max(x.True, 1)), x.True > 0
		}
	}
	tickets, review, never := func(sc *score) tally { return sc.Tickets }, func(sc *score) tally { return sc.Review }, func(sc *score) tally { return sc.Never }
	figure("standard", "ticket precision", 0.97, false, precision(tickets))
	figure("standard", "ticket recall", 0.80, false, recall(tickets))
	figure("standard", "ticket+review precision", 0.85, false, precision(review))
	figure("standard", "ticket+review recall", 0.95, false, recall(review))
	figure("standard", "never seen precision", 0.85, false, precision(never))
	figure("standard", "never seen recall", 0.80, false, recall(never))
	figure("standard", "deposit and card accounts judged", 0.60, false, func(sc *score) (float64, bool) {
		all := sc.Deposits.All + sc.Cards.All
		return float64(sc.Deposits.Judged+sc.Cards.Judged) / float64(max(all, 1)), all > 0
	})
	for _, code := range scoredCodes {
		many := func(of func(*score) (float64, bool)) func(*score) (float64, bool) {
			return func(sc *score) (float64, bool) {
				x, ok := of(sc)
				return x, ok && sc.Codes[code].True >= 200
			}
		}
		figure("standard", code+" precision", 0.98, false, many(precision(func(sc *score) tally { return sc.Codes[code] })))
		figure("standard", code+" recall", 0.98, false, many(recall(func(sc *score) tally { return sc.Codes[code] })))
	}
	figure("clean", "false tickets per 10,000 account-nights", 1, true, func(sc *score) (float64, bool) {
		return float64(sc.FalseTickets) * 10000 / float64(max(sc.AccountNights, 1)), true
	})
	for _, set := range []string{"smoke", "middle"} {
		figure(set, "ids unchanged", 1, false, func(sc *score) (float64, bool) {
			if sc.Stability == nil {
				return 0, false
			}
			return float64(sc.Stability.Same) / float64(max(sc.Stability.IDs, 1)), sc.Stability.IDs > 0
		})
	}
	for _, set := range e.setNames() {
		figure(set, "staleness rules exact", 1, false, func(sc *score) (float64, bool) {
			return float64(sc.Stale.Right) / float64(max(sc.Stale.Nights, 1)), sc.Stale.Nights > 0
		})
		figure(set, "systemic nights", 0, true, func(sc *score) (float64, bool) { return float64(sc.Systemic), true })
	}
	e.kills()
	e.pooled()
}

// kills prints whether the kill switch fired on every mass event and never else.
func (e *evaluation) kills() {
	if len(e.Systemic) == 0 {
		return
	}
	all, right := 0, 0
	for _, x := range e.Systemic {
		if all++; x.Fired > 0 && x.Falsely == 0 && x.Tickets == 0 {
			right++
		}
	}
	verdict := "reached"
	if right < all {
		verdict = "NOT reached"
		e.missed++
	}
	fmt.Fprintf(e.out, "%-9s %-44s %d of %d, target all: %s\n", "systemic", "fired then, not otherwise, and no tickets", right, all, verdict)
	e.Worst["systemic"] = []int{right, all}
}

func (e *evaluation) setNames() (all []string) {
	seen := map[string]bool{}
	for _, sc := range e.Worlds {
		if !seen[sc.Set] {
			seen[sc.Set] = true
			all = append(all, sc.Set)
		}
	}
	return all
}

// pooled prints the codes and cases over all worlds, where instances are many.
func (e *evaluation) pooled() {
	codes := map[string]tally{}
	cases := map[string]*caseScore{}
	for _, sc := range e.Worlds {
		if strings.HasPrefix(sc.Set, "sweep") || sc.Set == "hard drift" {
			continue
		}
		for c, t := range sc.Codes {
			codes[c] = codes[c].plus(t)
		}
		for _, c := range sc.Cases {
			p := cases[c.Name]
			if p == nil {
				p = &caseScore{Name: c.Name}
				cases[c.Name] = p
			}
			p.N, p.Right, p.Weak, p.Wrong = p.N+c.N, p.Right+c.Right, p.Weak+c.Weak, p.Wrong+c.Wrong
		}
	}
	for _, code := range scoredCodes {
		t := codes[code]
		if t.True == 0 && t.Said == 0 {
			continue
		}
		fmt.Fprintf(e.out, "%-9s %-44s %v\n", "code", code, t)
		e.Worst["code "+code] = t
	}
	for _, name := range sortedKeys(cases) {
		c := cases[name]
		fmt.Fprintf(e.out, "%-9s %-44s n %d, right %s, weak %s, wrong %s\n", "case", name, c.N, percent(c.Right, c.N), percent(c.Weak, c.N), percent(c.Wrong, c.N))
		e.Worst["case "+name] = c
	}
}
