package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// nights is two successive snapshots and what it took to compare them.
type nights struct {
	Users  int      `json:"users"`
	Before int64    `json:"transactions_before"`
	After  int64    `json:"transactions_after"`
	Differ joined   `json:"rows_that_differ"`
	Ours   *joint   `json:"reconcile"`
	Peers  []*joint `json:"peers"`
	OK     bool     `json:"ok"`
}

// joint is one way of comparing them.
type joint struct {
	Name    string    `json:"name"`
	CPU     []float64 `json:"cpu_seconds"` // of each run
	Median  float64   `json:"median_cpu_seconds"`
	RSS     float64   `json:"peak_rss_mib"`
	CPUs    float64   `json:"times_the_cpu_of_reconcile,omitempty"`
	Memory  float64   `json:"times_the_memory_of_reconcile,omitempty"`
	Missing string    `json:"not_measured,omitempty"`

	run func() (usage, joined, error)
}

// joined is the rows that differ, which all must find.
type joined struct {
	Added   int64 `json:"added"`
	Removed int64 `json:"removed"`
	Changed int64 `json:"changed"`
}

const (
	lessCPU     = 3  // at least, than the join of all fields
	lessMemory  = 10 // at least, than the same
	comparisons = 3
)

// reconcile compares two nights, of which the first was reconciled before. It
// reads members, accounts and coverage and writes state, ledger and report
// besides; the peer only joins.
func (b *bench) reconcile() error {
	sizes := []int{5350, 26750} // 2 M and 10 M transactions
	if b.quick {
		sizes = []int{60}
	}
	fmt.Printf("e. Two nights compared: everything that reconcile does on the second, and joins of the same files\n")
	for _, users := range sizes {
		n, err := b.nights(users)
		if err != nil {
			return err
		}
		b.report.Nights = append(b.report.Nights, n)
		n.print()
	}
	return nil
}

func (b *bench) nights(users int) (*nights, error) {
	store := filepath.Join(b.dir, "nights")
	defer os.RemoveAll(store)
	ids, rows, err := b.twoNights(store, users, func() error {
		_, err := run(exec.Command(b.bin, "reconcile", "--store", store, "--quiet"))
		return err
	})
	if err != nil {
		return nil, err
	}
	// The second is compared in the ledger and the state that the first left.
	ledger, kept := filepath.Join(store, "_reconcile"), filepath.Join(b.dir, "reconcile-kept")
	if err := os.RemoveAll(kept); err != nil {
		return nil, err
	}
	if err := os.CopyFS(kept, os.DirFS(ledger)); err != nil {
		return nil, err
	}
	n := &nights{Users: users, Before: rows[0], After: rows[1]}
	n.Ours = &joint{Name: "tallyport reconcile", run: func() (usage, joined, error) {
		err := errors.Join(os.RemoveAll(ledger), os.CopyFS(ledger, os.DirFS(kept)))
		if err != nil {
			return usage{}, joined{}, err
		}
		u, err := run(exec.Command(b.bin, "reconcile", "--store", store, "--quiet"))
		return u, joined{}, err
	}}
	for _, how := range []struct{ name, arg string }{
		{"DuckDB, full outer join of all fields", "fields"},
		{"DuckDB, join of key and row_hash", "key"},
		{"DuckDB, join of guid and row_hash", "guid"},
		{"DuckDB, nothing: what it takes to start", "nothing"},
	} {
		n.Peers = append(n.Peers, b.joint(how.name, how.arg, store, ids))
	}
	all := append([]*joint{n.Ours}, n.Peers...)
	for range comparisons {
		for _, j := range all {
			if err := n.measure(j); err != nil {
				return nil, err
			}
		}
	}
	n.OK = n.Ours.RSS <= limitMiB
	for i, j := range all {
		slices.Sort(j.CPU)
		if j.Missing != "" {
			continue
		}
		j.Median = j.CPU[len(j.CPU)/2]
		j.CPUs, j.Memory = j.Median/n.Ours.Median, j.RSS/n.Ours.RSS
		switch i {
		case 1:
			n.OK = n.OK && j.CPUs >= lessCPU && j.Memory >= lessMemory
		case 2:
			n.OK = n.OK && j.CPUs > 1
		}
	}
	return n, nil
}

func (b *bench) joint(name, how, store string, ids []string) *joint {
	j := &joint{Name: name}
	j.run = func() (u usage, found joined, err error) {
		args := []string{filepath.Join(filepath.Dir(b.script), "duckdb_join.py"), how}
		for _, id := range ids {
			args = append(args, filepath.Join(store, "transactions", "snapshot="+id, "*.parquet"))
		}
		cmd := exec.Command(b.python, args...)
		var out bytes.Buffer
		cmd.Stdout = &out
		if u, err = run(cmd); err == nil {
			err = json.Unmarshal(out.Bytes(), &found)
		}
		return u, found, err
	}
	if exec.Command(b.python, "-c", "import duckdb").Run() != nil {
		j.Missing = "no duckdb"
	}
	return j
}

func (n *nights) measure(j *joint) error {
	if j.Missing != "" {
		return nil
	}
	u, found, err := j.run()
	if err != nil {
		return err
	}
	j.CPU, j.RSS = append(j.CPU, u.CPU), max(j.RSS, u.RSS)
	if found == (joined{}) {
		return nil
	}
	if n.Differ == (joined{}) {
		n.Differ = found
	}
	if n.Differ != found {
		return fmt.Errorf("%s found %+v, not %+v", j.Name, found, n.Differ)
	}
	return nil
}

func (n *nights) print() {
	fmt.Printf("   %d and %d transactions of %d users; %d added, %d removed, %d changed\n", n.Before, n.After, n.Users, n.Differ.Added, n.Differ.Removed, n.Differ.Changed)
	for _, j := range append([]*joint{n.Ours}, n.Peers...) {
		if j.Missing != "" {
			fmt.Printf("   %-42s not measured: %s\n", j.Name, j.Missing)
			continue
		}
		fmt.Printf("   %-42s %6.2f CPU s (%s)  %5.0f MiB", j.Name, j.Median, strings.Trim(fmt.Sprintf("%.2f", j.CPU), "[]"), j.RSS)
		if j != n.Ours {
			fmt.Printf("  %5.1f× the CPU, %5.1f× the memory", j.CPUs, j.Memory)
		} else {
			fmt.Printf("  %.2f M rows/CPU s", float64(n.After)/j.Median/1e6)
		}
		fmt.Println()
	}
	fmt.Printf("   at least %d× less CPU and %d× less memory than the first join, less CPU than the second, at most %d MiB: %v\n\n", lessCPU, lessMemory, limitMiB, n.OK)
}

// comparedDefects are, beside what a day brings by itself, what goes wrong: per
// 10,000 accounts and night.
var comparedDefects = map[string]float64{"C1": 300, "D2": 100, "Z1": 30, "V1": 15, "D1": 15, "N1": 15}

// twoNights exports two nights of a world, and calls between after the first.
func (b *bench) twoNights(store string, users int, between func() error) (ids []string, rows []int64, err error) {
	s, err := start(world{Users: users, PerAccount: 120, Defects: comparedDefects, Past: day})
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		_, e := s.stop()
		err = errors.Join(err, e)
	}()
	for _, at := range []time.Time{began.Add(-day), began} {
		if len(ids) > 0 {
			if err := errors.Join(between(), s.advance(day)); err != nil {
				return nil, nil, err
			}
		}
		sum, err := b.exportNight(s, store, at)
		if err != nil {
			return nil, nil, err
		}
		ids, rows = append(ids, at.Format("20060102T150405Z")), append(rows, sum.Rows["transactions"])
	}
	return ids, rows, nil
}

const day = 24 * time.Hour

func (b *bench) exportNight(s *server, store string, at time.Time) (sum summary, err error) {
	var out bytes.Buffer
	cmd := exec.Command(b.bin, "export", "--page-size", strconv.Itoa(pageSize), "--quiet", "--json",
		"--as-of", at.Format(time.RFC3339), "--base-url", s.url, "--store", store)
	cmd.Env, cmd.Stdout = keys(), &out
	if _, err = run(cmd); err != nil {
		return sum, err
	}
	return sum, json.Unmarshal(out.Bytes(), &sum)
}
