package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

// systemicScore is one world in which many members lose rows at once.
type systemicScore struct {
	Seed    uint64 `json:"seed"`
	Struck  int    `json:"members"`
	Fired   int    `json:"nights_fired"`   // within three nights of it
	Falsely int    `json:"nights_wrongly"` // on others
	Tickets int    `json:"tickets_about_it"`
}

// systemicWorlds is how many mass events there are for each seed.
const systemicWorlds = 5

func (x *systemicScore) print(w io.Writer) {
	fmt.Fprintf(w, "systemic, seed %d: %d members, fired on %d nights of it and on %d others, %d tickets about its rows\n", x.Seed, x.Struck, x.Fired, x.Falsely, x.Tickets)
}

// massEvent lets members lose rows after the sixth night.
func massEvent(ctx context.Context, seed uint64, members int) (*systemicScore, error) {
	st, remove, err := newWorldStore()
	if err != nil {
		return nil, err
	}
	defer remove()
	w := set{users: 120, defects: map[string]float64{"Z1": 20, "V1": 15, "D2": 20}}.world(seed)
	x := &systemicScore{Seed: seed}
	lost := map[string]bool{}
	tickets := map[string]bool{}
	for i := range 13 {
		if _, err := take(ctx, w, st); err != nil {
			return nil, err
		}
		res, err := reconcile.Run(ctx, st, &reconcile.Options{MaxTickets: 1 << 30})
		if err != nil {
			return nil, err
		}
		switch {
		case res.Summary.Systemic && i >= 6 && i <= 8:
			x.Fired++
		case res.Summary.Systemic:
			x.Falsely++
		}
		for _, f := range res.Findings {
			if lost[string(f.Transaction)] && f.Verdict == reconcile.Ticket && f.State.Raised() {
				tickets[f.ID] = true
			}
		}
		if i == 5 {
			for _, d := range w.Inject("systemic", members) {
				x.Struck++
				for _, t := range d.Transactions {
					lost[t] = true
				}
			}
		}
		if err := forget(ctx, st, w.Now()); err != nil {
			return nil, err
		}
		w.Advance(24 * time.Hour)
	}
	x.Tickets = len(tickets)
	return x, nil
}

// scaleScore is what two nights of many accounts cost.
type scaleScore struct {
	Seed     uint64  `json:"seed"`
	Accounts int64   `json:"accounts"`
	Rows     int64   `json:"rows"`
	Seconds  float64 `json:"seconds"`
	CPU      float64 `json:"cpu_seconds"`
	RSS      int64   `json:"rss_bytes"`
}

const perUser = 33 // accounts of ten users

func (x *scaleScore) print(w io.Writer) {
	fmt.Fprintf(w, "scale, seed %d: %d accounts, %d rows: %.1f s, %.1f s of CPU, %d MiB\n", x.Seed, x.Accounts, x.Rows, x.Seconds, x.CPU, x.RSS>>20)
}

// scaleWorld exports two nights and reconciles them in a process of its own.
func scaleWorld(ctx context.Context, seed uint64, users int) (*scaleScore, error) {
	st, remove, err := newWorldStore()
	if err != nil {
		return nil, err
	}
	defer remove()
	w := set{users: users, defects: standardDefects}.world(seed)
	x := &scaleScore{Seed: seed}
	for range 2 {
		m, err := take(ctx, w, st)
		if err != nil {
			return nil, err
		}
		x.Rows, x.Accounts = m.Tables["transactions"].Rows, m.Tables["accounts"].Rows
		w.Advance(24 * time.Hour)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-reconcile", st.String())
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	x.Seconds = time.Since(began).Seconds()
	x.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		x.RSS = u.Maxrss * 1024 // kilobytes on Linux
	}
	return x, nil
}

func reconcileOnly(ctx context.Context, dir string) error {
	st, err := snapshot.OpenDir(dir, false)
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = reconcile.Run(ctx, st, nil)
	return err
}
