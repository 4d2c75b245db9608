package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
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
	s       *session
	url     *url.URL // nil: nobody is told; its path is a secret
	run     string   // the same for start and end
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
	p.url = u
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
	if p.url == nil {
		return
	}
	u := p.url.JoinPath(what)
	q := u.Query()
	q.Set("rid", p.run)
	u.RawQuery = q.Encode()
	err := func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
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
	var whole *url.Error // names the URL
	if errors.As(err, &whole) {
		err = whole.Err
	}
	if err != nil {
		p.s.log.Warn("ping failed", "to", p.url.Scheme+"://"+p.url.Host, "error", err.Error())
	}
}
