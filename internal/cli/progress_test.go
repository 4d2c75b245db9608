package cli

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tallyport/schemas"
)

// A log gets a line a minute, also while no user gets finished; what earlier
// processes finished does not make this one look faster.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &session{env: Env{Now: time.Now}, log: slog.New(slog.NewTextHandler(&log, nil))}
		p := s.progress(func() schemas.Requests { return schemas.Requests{} })
		p.Users.Store(1000)
		p.UsersDone.Store(900)
		time.Sleep(2*time.Minute + 30*time.Second)
		synctest.Wait()
		if n := strings.Count(log.String(), "exporting"); n != 2 || strings.Contains(log.String(), "left") {
			t.Errorf("%d lines in two minutes and a half: %s", n, log.String())
		}
		for range 10 {
			p.UsersDone.Add(1)
			p.Changed()
		}
		if got := p.figures(); !strings.HasSuffix(got, ", 22m30s left") { // 90 users, of which ten take 2m30s
			t.Error(got)
		}
		p.stop()
		time.Sleep(time.Hour)
		if n := strings.Count(log.String(), "exporting"); n != 2 {
			t.Errorf("%d lines after the end", n)
		}
	})
}
