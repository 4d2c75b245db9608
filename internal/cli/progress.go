package cli

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"tallyport/export"
	"tallyport/schemas"
)

// progress shows how far an export is: a bar on a terminal, one line a minute
// in a log, nothing when it is to be quiet.
type progress struct {
	export.Progress
	s        *session
	requests func() schemas.Requests
	began    time.Time
	mine     atomic.Int64 // users that this process finished
	bars     *mpb.Progress
	bar      *mpb.Bar
	quit     chan struct{} // of the lines, nil without
	told     sync.WaitGroup
}

const tellEvery = time.Minute

func (s *session) progress(requests func() schemas.Requests) *progress {
	p := &progress{s: s, requests: requests, began: s.env.Now()}
	p.Changed = func() { p.mine.Add(1) }
	switch {
	case s.quiet:
	case s.env.Terminal:
		p.bars = mpb.New(mpb.WithOutput(s.env.Stderr), mpb.WithWidth(40))
		s.stderr.redirect(p.bars)
		p.bar = p.bars.AddBar(0,
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
				return fmt.Sprintf("users %s/%s", thousands(p.UsersDone.Load()), thousands(p.Users.Load()))
			})),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return p.figures() })),
			mpb.BarRemoveOnComplete())
		p.Changed = func() {
			p.mine.Add(1)
			p.bar.SetTotal(p.Users.Load(), false)
			p.bar.SetCurrent(p.UsersDone.Load())
		}
	default:
		p.quit = make(chan struct{})
		p.told.Go(p.tell)
	}
	return p
}

// tell writes a line a minute, also while no user gets finished.
func (p *progress) tell() {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-tick.C:
			p.s.log.Info("exporting", "users", p.Users.Load(), "done", p.UsersDone.Load(), "figures", p.figures())
		}
	}
}

// figures is what the run has done so far, and how long it may take.
func (p *progress) figures() string {
	n := p.requests()
	elapsed := p.s.env.Now().Sub(p.began)
	text := fmt.Sprintf("%s rows, %.0f requests/s, %s 429s", thousands(p.Rows.Load()), float64(n.Total)/max(elapsed.Seconds(), 0.001), thousands(n.RateLimited))
	if gaps := p.Gaps.Load(); gaps > 0 {
		text += ", " + counted(gaps, "gap", "gaps")
	}
	// Users of earlier processes took none of this one's time.
	if mine, left := p.mine.Load(), p.Users.Load()-p.UsersDone.Load(); mine > 0 && left > 0 {
		left := time.Duration(float64(elapsed) / float64(mine) * float64(left))
		text += ", " + left.Round(time.Second).String() + " left"
	}
	return text
}

// stop takes the bar away, and ends the lines.
func (p *progress) stop() {
	if p.quit != nil {
		close(p.quit)
		p.told.Wait()
	}
	if p.bars == nil {
		return
	}
	p.s.stderr.redirect(p.s.env.Stderr)
	p.bar.Abort(true)
	p.bars.Wait()
}
