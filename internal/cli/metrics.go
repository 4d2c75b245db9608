package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// writeMetrics writes the figures of the run for node_exporter's textfile
// collector, in one step.
func (r *runReport) writeMetrics(file string) error {
	reg := prometheus.NewRegistry()
	gauge := func(name, help string, v float64, labels ...string) {
		l := prometheus.Labels{}
		for i := 0; i+1 < len(labels); i += 2 {
			l[labels[i]] = labels[i+1]
		}
		g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "tallyport", Subsystem: "export", Name: name, Help: help, ConstLabels: l})
		g.Set(v)
		reg.MustRegister(g) // names and labels are constants
	}
	gauge("exit_code", "Exit code of the last run.", float64(r.Exit))
	gauge("duration_seconds", "How long the last run took.", r.Seconds)
	gauge("finished_timestamp_seconds", "When the last run ended.", float64(r.started.Unix())+r.Seconds)
	gauge("members", "Members in the snapshot, by whether all their walks are complete.", float64(r.Members.Complete), "state", "complete")
	gauge("members", "Members in the snapshot, by whether all their walks are complete.", float64(r.Members.Incomplete), "state", "incomplete")
	gauge("requests", "Requests sent for the snapshot.", float64(r.Requests.Total), "kind", "total")
	gauge("requests", "Requests sent for the snapshot.", float64(r.Requests.Retried), "kind", "retried")
	gauge("requests", "Requests sent for the snapshot.", float64(r.Requests.RateLimited), "kind", "rate_limited")
	gauge("bytes", "Size of the snapshot's files.", float64(r.Bytes))
	for table, n := range r.Rows {
		gauge("rows", "Rows in the snapshot.", float64(n), "table", table)
	}
	if r.manifest != nil {
		gauge("snapshot_timestamp_seconds", "Nominal time of the snapshot that was published last.", float64(r.manifest.AsOf.Unix()))
	}
	return prometheus.WriteToTextfile(file, reg)
}

// pinger tells a watchdog such as healthchecks.io that a run started and how
// it ended. It does its best, and never changes how a run ends.
type pinger struct {
	s   *session
	url string
	run string // the same for start and end
}

const pingTimeout = 10 * time.Second

func (s *session) pinger(address string) *pinger {
	p := &pinger{s: s, url: strings.TrimSuffix(address, "/")}
	now := uint64(s.env.Now().UnixNano())
	// A UUID, as healthchecks.io wants it, that no two runs share in practice.
	p.run = fmt.Sprintf("%08x-%04x-4000-8000-%012x", uint32(now>>32), uint16(now>>16), now&0xffffffffffff)
	return p
}

func (p *pinger) start(ctx context.Context) { p.send(ctx, "/start") }

func (p *pinger) end(code int) {
	// The run's own context may be what ended it.
	p.send(context.Background(), fmt.Sprintf("/%d", code))
}

func (p *pinger) send(ctx context.Context, what string) {
	if p.url == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	err := func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+what+"?rid="+url.QueryEscape(p.run), nil)
		if err != nil {
			return err
		}
		client := &http.Client{Transport: p.s.env.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
		if resp.StatusCode/100 != 2 {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return nil
	}()
	if err != nil {
		p.s.log.Warn("ping failed", "error", err.Error())
	}
}
