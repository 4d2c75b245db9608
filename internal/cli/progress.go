package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"tallyport/export"
)

// progress shows how far an export is: a bar on a terminal, one line a minute
// in a log, nothing when it is to be quiet.
type progress struct {
	export.Progress
	s      *session
	client source
	began  time.Time
	bars   *mpb.Progress
	bar    *mpb.Bar

	mu   sync.Mutex
	told time.Time
}

const tellEvery = time.Minute

func (s *session) progress(client source) *progress {
	p := &progress{s: s, client: client, began: s.env.Now(), told: s.env.Now()}
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
			p.bar.SetTotal(p.Users.Load(), false)
			p.bar.SetCurrent(p.UsersDone.Load())
		}
	default:
		p.Changed = p.tell
	}
	return p
}

// tell writes a line if none was written for a minute.
func (p *progress) tell() {
	now := p.s.env.Now()
	p.mu.Lock()
	due := now.Sub(p.told) >= tellEvery
	if due {
		p.told = now
	}
	p.mu.Unlock()
	if due {
		p.s.log.Info("exporting", "users", p.Users.Load(), "done", p.UsersDone.Load(), "figures", p.figures())
	}
}

// figures is what the run has done so far, and how long it may take.
func (p *progress) figures() string {
	n := p.client.Requests()
	elapsed := p.s.env.Now().Sub(p.began)
	text := fmt.Sprintf("%s rows, %.0f requests/s, %s 429s", thousands(p.Rows.Load()), float64(n.Total)/max(elapsed.Seconds(), 0.001), thousands(n.RateLimited))
	if gaps := p.Gaps.Load(); gaps > 0 {
		text += fmt.Sprintf(", %s gaps", thousands(gaps))
	}
	if done, users := p.UsersDone.Load(), p.Users.Load(); done > 0 && done < users {
		left := time.Duration(float64(elapsed) / float64(done) * float64(users-done))
		text += ", " + left.Round(time.Second).String() + " left"
	}
	return text
}

// stop takes the bar away.
func (p *progress) stop() {
	if p.bars == nil {
		return
	}
	p.s.stderr.redirect(p.s.env.Stderr)
	p.bar.Abort(true)
	p.bars.Wait()
}
