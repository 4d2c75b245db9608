package serve

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"tallyport/reconcile"
	"tallyport/reconcile/report"
	"tallyport/snapshot"
)

var (
	errEmpty    = errors.New("the store has no snapshot")
	errUnjudged = errors.New("the store was never reconciled")
)

// view is what the files of the ledger say.
type view struct {
	summary   reconcile.Summary
	result    *reconcile.Result   // many may ask its ledger at once
	all       []reconcile.Finding // by id
	byID      map[string]*reconcile.Finding
	tickets   []*report.Ticket          // of findings that are live
	byTicket  map[string]*report.Ticket // also those that are closed
	decisions map[string][]reconcile.Decision
	news      map[string]reconcile.EventName
	names     map[string]string // of institutions, by code

	live *report.Report // for who holds Site.reading; nil: nobody asked for it yet
}

// viewing keeps the newest view, until the files change.
type viewing struct {
	mu    sync.Mutex
	view  *view
	files []fs.FileInfo
}

// ledgerFiles are the files that change when there is something new to show.
var ledgerFiles = []string{"_reconcile/events.jsonl", "_reconcile/decisions.jsonl"}

// now returns the view of the files as they are. Each is replaced as a whole,
// hence another file when it changes.
func (s *Site) now() (*view, error) {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	var files []fs.FileInfo
	for _, name := range ledgerFiles {
		info, err := stat(s.st, name)
		if err != nil {
			return nil, err
		}
		files = append(files, info)
	}
	if s.seen.view != nil && unchanged(s.seen.files, files) {
		return s.seen.view, nil
	}
	v, err := open(s.st, s.seen.view)
	if err != nil {
		return nil, err
	}
	s.seen.view, s.seen.files = v, files
	return v, nil
}

// stat describes a file; nil if it is not there, or the store cannot tell.
func stat(st snapshot.Store, name string) (info fs.FileInfo, err error) {
	f, err := st.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if d, ok := f.(interface{ Stat() (fs.FileInfo, error) }); ok {
		return d.Stat()
	}
	return nil, nil
}

func unchanged(old, now []fs.FileInfo) bool {
	if now[0] == nil { // without events there is no view to keep
		return false
	}
	for i := range now {
		a, b := old[i], now[i]
		if (a == nil) != (b == nil) || a != nil && (!os.SameFile(a, b) || a.Size() != b.Size() || !a.ModTime().Equal(b.ModTime())) {
			return false
		}
	}
	return true
}

// judged is what was concluded of the newest night, and what people decided.
func judged(st snapshot.Store) (*reconcile.Result, error) {
	ledger, err := reconcile.OpenLedger(st)
	if err != nil {
		return nil, err
	}
	last, _ := ledger.Last()
	if last == "" {
		ids, err := snapshot.List(st)
		if err == nil && len(ids) == 0 {
			err = errEmpty
		}
		if err == nil {
			err = errUnjudged
		}
		return nil, err
	}
	return ledger.Judged(st, last)
}

// open reads the files; of what was seen before, what the snapshot itself says
// is as it was.
func open(st snapshot.Store, before *view) (*view, error) {
	res, err := judged(st)
	if err != nil {
		return nil, err
	}
	ledger, last := res.Ledger, res.Summary.Snapshot
	v := &view{summary: res.Summary, result: res, all: ledger.Findings(), news: ledger.News(last), byID: map[string]*reconcile.Finding{}, byTicket: map[string]*report.Ticket{}, decisions: map[string][]reconcile.Decision{}}
	if before != nil && before.summary.Snapshot == last && len(before.names) > 0 {
		v.names = before.names
	} else {
		v.names = names(st, last)
	}
	var live []reconcile.Finding
	for i := range v.all {
		f := &v.all[i]
		v.byID[f.ID] = f
		if f.State.Live() {
			live = append(live, *f)
		}
	}
	v.tickets = report.Tickets(live)
	for _, t := range append(report.Tickets(v.all), v.tickets...) { // of one that is live, what is
		v.byTicket[t.ID] = t
	}
	for _, d := range ledger.Decisions() {
		if d.Action != reconcile.Probe { // what a probe answered stands in the evidence
			v.decisions[d.Finding] = append(v.decisions[d.Finding], d)
		}
	}
	return v, nil
}
