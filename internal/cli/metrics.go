package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// gauges gathers metrics. Names and labels are constants, so that registering
// one cannot fail.
type gauges struct{ *prometheus.Registry }

func (g gauges) set(name, help string, v float64, labels ...string) {
	l := prometheus.Labels{}
	for i := 0; i+1 < len(labels); i += 2 {
		l[labels[i]] = labels[i+1]
	}
	m := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "tallyport", Name: name, Help: help, ConstLabels: l})
	m.Set(v)
	g.MustRegister(m)
}

// metrics are the figures of an export.
func (r *runReport) metrics(g gauges) {
	const members, requests = "Members in the snapshot, by whether all their walks are complete.", "Requests sent for the snapshot."
	g.set("export_exit_code", "Exit code of the last export; of the export alone where nightly ran it.", float64(r.Exit))
	g.set("export_duration_seconds", "How long the last export took.", r.Seconds)
	g.set("export_finished_timestamp_seconds", "When the last export ended.", float64(r.started.Unix())+r.Seconds)
	g.set("export_members", members, float64(r.Members.Complete), "state", "complete")
	g.set("export_members", members, float64(r.Members.Incomplete), "state", "incomplete")
	g.set("export_requests", requests, float64(r.Requests.Total), "kind", "total")
	g.set("export_requests", requests, float64(r.Requests.Retried), "kind", "retried")
	g.set("export_requests", requests, float64(r.Requests.RateLimited), "kind", "rate_limited")
	g.set("export_bytes", "Size of the snapshot's files.", float64(r.Bytes))
	for table, n := range r.Rows {
		g.set("export_rows", "Rows in the snapshot.", float64(n), "table", table)
	}
	if r.manifest != nil {
		g.set("export_snapshot_timestamp_seconds", "Nominal time of the snapshot of the last export.", float64(r.manifest.AsOf.Unix()))
	}
}

// metrics are the figures of a night: those of its export, and what came of it.
func (n *nightlyReport) metrics(g gauges) {
	n.Export.metrics(g)
	g.set("nightly_exit_code", "Exit code of the last nightly run, export and reconcile together.", float64(n.Exit))
	if n.Reconcile == nil {
		return
	}
	for _, s := range states {
		g.set("nightly_findings", "Findings in the report of the last nightly run, by state.", float64(n.Reconcile.Findings.ByState[s]), "state", string(s))
	}
	t := n.Reconcile.Tickets
	for kind, v := range map[string]int{"open": t.Open, "new": t.New, "withheld": t.Withheld} {
		g.set("nightly_tickets", "Tickets after the last nightly run: open ones, the new ones among them, and those that wait for --max-tickets.", float64(v), "kind", kind)
	}
}

// writeMetrics writes metrics for node_exporter's textfile collector, in one
// step. A file that cannot be written any more is a line in the log and nothing
// else.
func (s *session) writeMetrics(file string, of interface{ metrics(gauges) }) {
	if file == "" {
		return
	}
	g := gauges{prometheus.NewRegistry()}
	of.metrics(g)
	if err := prometheus.WriteToTextfile(file, g); err != nil {
		s.log.Warn("metrics were not written", "error", err.Error())
	}
}

// checkMetricsFile refuses a file that cannot be written, before the run.
func checkMetricsFile(file string) error {
	if file == "" {
		return nil
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return usagef("--metrics-file %s is not a file", file)
	}
	probe, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)) // where the real one is made
	if err != nil {
		return usagef("--metrics-file %s cannot be written: %w", file, err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return usagef("--metrics-file %s cannot be written: %w", file, err)
	}
	return nil
}

// pinger tells a watchdog such as healthchecks.io that a run started and how
// it ended. It does its best, and never changes how a run ends.
type pinger struct {
	s       *session
	to      *hook  // nil: nobody is told
	run     string // the same for start and end
	started chan struct{}
}

const (
	pingTimeout     = 10 * time.Second
	pingAfterSignal = 2 * time.Second // a run that is interrupted ends within five
)

func (s *session) pinger(address string) (*pinger, error) {
	p := &pinger{s: s, started: make(chan struct{})}
	if address == "" {
		return p, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, usagef("--ping-url is not an http or https address; write it as https://hc-ping.com/your-uuid")
	}
	p.to = &hook{u, s.env.Transport}
	now := uint64(s.env.Now().UnixNano())
	// A UUID, as healthchecks.io wants it, that no two runs share in practice.
	p.run = fmt.Sprintf("%08x-%04x-4000-8000-%012x", uint32(now>>32), uint16(now>>16), now&0xffffffffffff)
	return p, nil
}

// start tells of the start while the run goes on: a watchdog that hangs must
// not hold it up.
func (p *pinger) start(ctx context.Context) {
	go func() {
		defer close(p.started)
		ctx, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		p.send(ctx, "start")
	}()
}

// end tells of the end, after the start.
func (p *pinger) end(ctx context.Context, code int) {
	<-p.started
	// The run's own context may be what ended it.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(pingAfterSignal, cancel) })
	defer stop()
	p.send(last, strconv.Itoa(code))
}

func (p *pinger) send(ctx context.Context, what string) {
	if p.to == nil {
		return
	}
	u := p.to.JoinPath(what)
	q := u.Query()
	q.Set("rid", p.run)
	u.RawQuery = q.Encode()
	if err := p.to.send(ctx, http.MethodGet, u, nil); err != nil {
		p.s.log.Warn("ping failed", "to", p.to.String(), "error", err.Error())
	}
}
