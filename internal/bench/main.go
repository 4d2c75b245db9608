// Command bench measures export and reconcile beside peers, in one run on one
// machine: CPU seconds, memory, requests, and what is left of the time that
// latency allows.
// Figures of different runs or machines do not compare; ratios do.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

type bench struct {
	quick                     bool
	dir                       string // for what is written, removed at the end
	bin, peer, python, script string
	report                    report
}

// report is what -json writes.
type report struct {
	Began    time.Time  `json:"began"`
	Machine  string     `json:"machine"`
	Quick    bool       `json:"quick"`
	Commands []string   `json:"commands"`
	Speed    *speed     `json:"speed,omitempty"`
	Memory   []memory   `json:"memory,omitempty"`
	Requests []requests `json:"requests,omitempty"`
	Latency  *latency   `json:"latency,omitempty"`
	Nights   []*nights  `json:"nights,omitempty"`
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == serveArg {
		fail(serve())
		return
	}
	var b bench
	flag.BoolVar(&b.quick, "quick", false, "small sizes, to see whether everything runs")
	only := flag.String("only", "a,b,c,d,e", "what to measure: a speed, b memory, c requests, d latency, e reconcile")
	out := flag.String("json", "", "write the figures to `FILE`")
	flag.StringVar(&b.bin, "bin", "bin/tallyport", "the program to measure")
	flag.StringVar(&b.python, "python", ".venv/bin/python", "a python that has duckdb")
	flag.StringVar(&b.script, "script", "internal/bench/duckdb_peer.py", "the peer for it")
	tmp := flag.String("tmp", "", "`DIRECTORY` for some GB of temporary files")
	flag.Parse()
	var err error
	if b.dir, err = os.MkdirTemp(*tmp, "tallyport-bench-"); err == nil {
		go b.cleanUpWhenInterrupted()
		err = b.run(*only, *out)
		if e := os.RemoveAll(b.dir); err == nil {
			err = e
		}
	}
	fail(err)
}

// cleanUpWhenInterrupted does not leave gigabytes behind.
func (b *bench) cleanUpWhenInterrupted() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	<-c
	_ = os.RemoveAll(b.dir)
	os.Exit(1)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(only, out string) error {
	b.report = report{
		Began: time.Now().UTC().Truncate(time.Second), Quick: b.quick,
		Machine:  fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version()),
		Commands: []string{"tallyport " + strings.Join(exportArgs(), " ")},
	}
	fmt.Printf("%s\n%s --base-url … --store …\n", b.report.Machine, b.report.Commands[0])
	fmt.Printf("every server is a process of its own, calm, plain JSON; CPU is the client's, user and system\n\n")
	for _, m := range []struct {
		name    string
		measure func() error
	}{{"a", b.speed}, {"b", b.memory}, {"c", b.requests}, {"d", b.latency}, {"e", b.reconcile}} {
		if !strings.Contains(","+only+",", ","+m.name+",") {
			continue
		}
		if m.name == "a" {
			b.peer = filepath.Join(b.dir, "peer")
			if o, err := exec.Command("go", "build", "-o", b.peer, "./internal/bench/peer").CombinedOutput(); err != nil {
				return fmt.Errorf("peer: %w\n%s", err, o)
			}
		}
		if err := m.measure(); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if out == "" {
		return nil
	}
	j, err := json.MarshalIndent(&b.report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(j, '\n'), 0o600)
}

// memory is the peak of one export.
type memory struct {
	World world `json:"world"`
	Rows  int64 `json:"transactions"`
	Most  int   `json:"most_in_flight"`
	usage
	OK bool `json:"ok"`
}

const (
	limitMiB = 128
	// Without it a loopback server answers before the next request is sent.
	keepsAllInFlight = 10 * time.Millisecond
)

func (b *bench) memory() error {
	worlds := []world{
		{Users: 270, PerAccount: 120}, {Users: 2700, PerAccount: 120}, {Users: 13500, PerAccount: 120},
		{Users: 270, PerAccount: 120, Giant: 1_000_000},
		{Users: 60, Members: 5, PerAccount: 2000}, // every list in flight is a long one
	}
	if b.quick {
		worlds = []world{{Users: 40, PerAccount: 120}, {Users: 40, PerAccount: 120, Giant: 20_000}}
	}
	fmt.Printf("b. Peak memory of export, %d in flight, pages of %d; %v of latency; limit %d MiB\n", inFlight, pageSize, keepsAllInFlight, limitMiB)
	for _, w := range worlds {
		w.Latency = keepsAllInFlight
		u, sum, served, err := b.exportOf(w)
		if err != nil {
			return err
		}
		m := memory{World: w, Rows: sum.Rows["transactions"], Most: served.MaxInFlight, usage: u, OK: u.RSS <= limitMiB}
		b.report.Memory = append(b.report.Memory, m)
		fmt.Printf("   %9d transactions  %5.0f MiB  %-4s  %2d in flight  %6.1f k rows/CPU s  (%s)\n", m.Rows, u.RSS,
			map[bool]string{true: "ok", false: "over"}[m.OK], m.Most, float64(m.Rows)/u.CPU/1000, w)
	}
	fmt.Println()
	return nil
}

// requests is what one export sent.
type requests struct {
	World   world   `json:"world"`
	Rows    int64   `json:"transactions"`
	Sent    int     `json:"sent"`
	Retried int     `json:"retried"`
	Minimum int     `json:"minimum"`
	Several int     `json:"lists_of_several_pages"` // whose first page is read again
	Ratio   float64 `json:"ratio"`
}

func (b *bench) requests() error {
	worlds := []world{{Users: 1000, PerAccount: 120}, {Users: 1000, PerAccount: 500}, {Users: 70, PerAccount: 6000}}
	if b.quick {
		worlds = []world{{Users: 40, PerAccount: 120}}
	}
	fmt.Printf("c. Requests against the minimum: two statuses a member, and every page of every list once\n")
	for _, w := range worlds {
		_, sum, _, err := b.exportOf(w)
		if err != nil {
			return err
		}
		t := w.truth()
		r := requests{
			World: w, Rows: sum.Rows["transactions"], Sent: sum.Requests.Total, Retried: sum.Requests.Retried,
			Minimum: t.minimum, Several: t.several,
		}
		r.Ratio = float64(r.Sent) / float64(r.Minimum)
		b.report.Requests = append(b.report.Requests, r)
		fmt.Printf("   %7d sent, %d retried, %d at least: %.3f  (%d transactions, %d lists of several pages; %s)\n",
			r.Sent, r.Retried, r.Minimum, r.Ratio, r.Rows, r.Several, w)
	}
	fmt.Println()
	return nil
}

// latency is how much of the time that a slow server allows was used.
type latency struct {
	World    world   `json:"world"`
	Seconds  float64 `json:"latency_seconds"`
	Requests int     `json:"requests"`
	Wall     float64 `json:"wall_seconds"`
	Least    float64 `json:"least_wall_seconds"`
	Percent  float64 `json:"percent"`
}

func (b *bench) latency() error {
	w := world{Users: 1000, PerAccount: 40, Latency: 100 * time.Millisecond}
	if b.quick {
		w = world{Users: 60, PerAccount: 40, Latency: 20 * time.Millisecond}
	}
	u, sum, _, err := b.exportOf(w)
	if err != nil {
		return err
	}
	l := &latency{World: w, Seconds: w.Latency.Seconds(), Requests: sum.Requests.Total, Wall: u.Wall}
	l.Least = float64(l.Requests) * l.Seconds / inFlight
	l.Percent = 100 * l.Least / l.Wall
	b.report.Latency = l
	fmt.Printf("d. Wall time at %v of latency, %d in flight (%s)\n", w.Latency, inFlight, w)
	fmt.Printf("   %.1f s for %d requests, which need %.1f s at least: %.0f %%\n", l.Wall, l.Requests, l.Least, l.Percent)
	return nil
}
