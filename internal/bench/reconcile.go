package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tallyport/atrium"
	"tallyport/export"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
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
	ids, rows, err := twoNights(store, users, func() error {
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
		{"DuckDB, full outer join of all fields", "fields"}, {"DuckDB, hash join of guid and row_hash", "hashes"}, {"DuckDB, nothing: what Python and DuckDB take to start", "nothing"},
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

func (b *bench) joint(name, how, store string, ids []snapshot.ID) *joint {
	j := &joint{Name: name}
	j.run = func() (u usage, found joined, err error) {
		args := []string{filepath.Join(filepath.Dir(b.script), "duckdb_join.py"), how}
		for _, id := range ids {
			args = append(args, filepath.Join(store, "transactions", "*"+string(id), "*.parquet"))
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
			fmt.Printf("   %-55s not measured: %s\n", j.Name, j.Missing)
			continue
		}
		fmt.Printf("   %-55s %6.2f CPU s (%s)  %5.0f MiB", j.Name, j.Median, strings.Trim(fmt.Sprintf("%.2f", j.CPU), "[]"), j.RSS)
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

// twoNights exports two nights of a world in process, and calls between after
// the first.
func twoNights(dir string, users int, between func() error) (ids []snapshot.ID, rows []int64, err error) {
	st, err := snapshot.CreateDir(dir, false)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	cfg := world{Users: users, PerAccount: 120}.config()
	cfg.Start, cfg.Defects = began.Add(-46*time.Hour), comparedDefects
	w := sim.New(cfg)
	for night := range 2 {
		if night > 0 {
			if err := between(); err != nil {
				return nil, nil, err
			}
			w.Advance(24 * time.Hour)
		}
		m, err := exportInProcess(w, st)
		if err != nil {
			return nil, nil, err
		}
		ids, rows = append(ids, m.ID), append(rows, m.Tables[schemas.Transactions.Name].Rows)
	}
	return ids, rows, nil
}

type client struct{ *atrium.Client }

func (c client) Requests() schemas.Requests {
	n := c.Stats()
	return schemas.Requests{Total: n.Requests, Retried: n.Retried, RateLimited: n.RateLimited}
}

func exportInProcess(w *sim.World, st snapshot.Store) (*snapshot.Manifest, error) {
	host := &url.URL{Scheme: "http", Host: "127.0.0.1:9"} // never dialled: the transport is in process
	keys := atrium.Credentials{APIKey: atrium.NewSecret(sim.DefaultAPIKey), ClientID: atrium.NewSecret(sim.DefaultClientID)}
	c, err := atrium.New(atrium.Atrium(host), keys, &atrium.Options{Transport: w.Transport(), PageSize: pageSize, Concurrency: 4})
	if err != nil {
		return nil, err
	}
	id, day := snapshot.IDOf(w.Now()), schemas.DateOf(w.Now())
	ctx := context.Background()
	out, err := snapshot.Begin(ctx, st, id, snapshot.Plan{Source: "atrium", Host: host.Host, Client: snapshot.ClientHash(sim.DefaultClientID), Users: snapshot.AllUsers,
		Window: schemas.Window{From: day - 90, To: day + 5}, Scope: schemas.MemberScope, Institutions: export.InstitutionsNone, Format: snapshot.Parquet}, w.Now())
	if err != nil {
		return nil, err
	}
	past, err := snapshot.OpenPast(st, id)
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	m, err := export.Run(ctx, client{c}, out, &export.Options{Past: past, Concurrency: 4})
	return m, errors.Join(err, out.Close())
}
