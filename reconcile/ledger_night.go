package reconcile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"tallyport/snapshot"
)

// night is a snapshot that was applied. Its lines of the log end before end.
type night struct {
	id  snapshot.ID
	at  time.Time
	set settings
	end int
}

// settings are the Options on which it hangs what a night concludes; one that is
// zero was the usual one. A rebuild judges each night by its own.
type settings struct {
	StaleAfter time.Duration `json:"stale_after,omitempty"` // nanoseconds
	MaxTickets int           `json:"max_tickets,omitempty"`
}

// span is where a line of the log is.
type span struct{ from, to int }

// nightLine precedes the events of a night. Whatever was watched (live, or
// closed by a person while still true, and not about one event of the past) was
// true again in this night, unless it is in Unseen or has an event, which says
// all of it. So a night in which nothing happens is one short line.
type nightLine struct {
	Version    int         `json:"version"`
	Snapshot   snapshot.ID `json:"snapshot"`
	ObservedAt time.Time   `json:"observed_at"`
	Events     int         `json:"events"` // lines that follow
	Unseen     []string    `json:"unseen"` // sorted
	Settings   settings    `json:"settings,omitzero"`
}

// eventLine is an Event and what the ledger remembers besides.
type eventLine struct {
	Event
	Held held `json:"held,omitzero"`
}

func eventID(finding string, id snapshot.ID, name EventName) string {
	return "E-" + digest([]string{finding, string(id), string(name)})
}

// writing collects the events of one night. It has two phases, decisions and
// sightings, each ended by settle.
type writing struct {
	l       *Ledger
	id      snapshot.ID
	at      time.Time
	watched []*record
	prior   map[*record]form // before the phase, of what was touched
	last    map[*record]int  // the last event of the phase
	events  []noted
}

type noted struct {
	r    *record
	line eventLine
}

func newWriting(l *Ledger, id snapshot.ID, at time.Time) *writing {
	w := &writing{l: l, id: id, at: at, prior: map[*record]form{}, last: map[*record]int{}}
	for _, r := range l.recs {
		if r.watched() {
			w.watched = append(w.watched, r)
		}
	}
	return w
}

// form is what makes an event when it changes: all but Last and Nights.
type form struct{ head, facts string }

func formOf(r *record) form {
	f, h := r.f, r.h
	f.Last, f.Evidence, f.MissingInputs, h.Nights = "", nil, nil, 0
	return form{
		head:  string(must(marshal([]any{f, h}))),
		facts: string(must(marshal([]any{r.f.Evidence, r.f.MissingInputs}))),
	}
}

// touch is called before a record changes.
func (w *writing) touch(r *record) {
	if _, ok := w.prior[r]; !ok {
		w.prior[r] = formOf(r)
	}
}

func (w *writing) note(r *record, name EventName) {
	if name.closes() {
		r.closedIn = w.id
	}
	w.last[r] = len(w.events)
	w.events = append(w.events, noted{r, w.line(r, name)})
}

func (w *writing) line(r *record, name EventName) eventLine {
	e := eventLine{
		Event: Event{ID: eventID(r.f.ID, w.id, name), Snapshot: w.id, Name: name, Finding: r.finding()},
		Held:  r.h,
	}
	if e.Finding.State != r.f.State {
		e.Held.Under = r.f.State
	}
	return e
}

// settle ends a phase: what changed after a finding's event, or without one,
// its ticket above all, is brought into an event.
func (w *writing) settle() {
	for r, i := range w.last {
		w.events[i].line = w.line(r, w.events[i].line.Name)
		w.prior[r] = formOf(r)
	}
	settled := maps.Clone(w.last)
	for r, before := range w.prior {
		if _, ok := settled[r]; ok {
			continue
		}
		now := formOf(r)
		if now == before {
			continue
		}
		w.prior[r] = now
		if now.head != before.head {
			w.note(r, WasChanged)
		} else {
			w.note(r, WasStill)
		}
	}
	clear(w.last)
}

// write appends the night to the log.
func (w *writing) write() {
	final := map[*record]int{}
	for i, e := range w.events {
		final[e.r] = i
	}
	for r, i := range final { // also what does not make an event: Last, Nights
		w.events[i].line = w.line(r, w.events[i].line.Name)
	}
	// An event's id allows one of a name in a night; the last says how it ended.
	byID := map[string]int{}
	for i, e := range w.events {
		byID[e.line.ID] = i
	}
	var kept []noted
	for i, e := range w.events {
		if byID[e.line.ID] == i {
			kept = append(kept, e)
		}
	}
	slices.SortStableFunc(kept, func(a, b noted) int { return cmp.Compare(a.r.f.ID, b.r.f.ID) })

	head := nightLine{Version: ledgerVersion, Snapshot: w.id, ObservedAt: w.at, Events: len(kept), Unseen: []string{}, Settings: w.l.set}
	for _, r := range w.watched {
		if _, ok := final[r]; !ok && r.f.Last != w.id {
			head.Unseen = append(head.Unseen, r.f.ID)
		}
	}
	slices.Sort(head.Unseen)
	w.l.append(head)
	for _, e := range kept {
		w.l.events[e.r.f.ID] = append(w.l.events[e.r.f.ID], w.l.append(e.line))
	}
	w.l.nights = append(w.l.nights, night{w.id, w.at, w.l.set, len(w.l.files.log)})
}

func (l *Ledger) append(line any) span {
	from := len(l.files.log)
	l.files.log = append(l.files.log, must(marshal(line))...)
	s := span{from, len(l.files.log)}
	l.files.log = append(l.files.log, '\n')
	return s
}

// asOf returns what Apply returned for the night.
func (l *Ledger) asOf(i int) []Finding {
	t := NewLedger(nil)
	t.files.log = l.files.log[:l.nights[i].end]
	must(0, t.replay()) // it was read, or written, by this process
	return t.view(l.nights[i].id)
}

// Finding returns a finding with its present state, and its events.
func (l *Ledger) Finding(id string) (Finding, []Event, bool) {
	r := l.present()[id]
	if r == nil {
		return Finding{}, nil, false
	}
	var events []Event
	for _, s := range l.events[id] {
		var e eventLine
		must(0, decodeLine(l.files.log[s.from:s.to], &e))
		events = append(events, e.Event)
	}
	return r.finding(), events, true
}

// News returns the last event of every finding to which something happened in
// the night.
func (l *Ledger) News(id snapshot.ID) map[string]EventName {
	news := map[string]EventName{}
	i := l.place(id)
	if i < 0 || i >= len(l.nights) {
		return news
	}
	from := 0
	if i > 0 {
		from = l.nights[i-1].end
	}
	for finding, spans := range l.events {
		for _, s := range slices.Backward(spans) {
			if s.from < from {
				break
			}
			if s.to > l.nights[i].end {
				continue
			}
			var e eventLine
			must(0, decodeLine(l.files.log[s.from:s.to], &e))
			news[finding] = e.Name
			break
		}
	}
	return news
}

// replay makes the records from the log.
func (l *Ledger) replay() error {
	left := 0 // events of the night that are still to come
	var at nightLine
	var before string
	for off, n := 0, 1; off < len(l.files.log); n++ {
		size := bytes.IndexByte(l.files.log[off:], '\n')
		if size < 0 {
			return &lineError{n, errors.New("the line has no end")}
		}
		line := l.files.log[off : off+size]
		if left == 0 {
			prev := at
			at = nightLine{}
			if err := readVersioned(line, &at, &at.Version); err != nil {
				return &lineError{n, err}
			}
			if err := l.replayNight(prev, at); err != nil {
				return &lineError{n, err}
			}
			left, before = at.Events, ""
		} else {
			var e eventLine
			err := decodeLine(line, &e)
			if err == nil {
				err = e.check(at.Snapshot, before)
			}
			if err != nil {
				return &lineError{n, err}
			}
			l.replayEvent(e)
			l.events[e.Finding.ID] = append(l.events[e.Finding.ID], span{off, off + size})
			before = e.Finding.ID
			left--
		}
		off += size + 1
		if left == 0 {
			l.nights = append(l.nights, night{at.Snapshot, at.ObservedAt, at.Settings, off})
		} else if off == len(l.files.log) {
			return &lineError{n, fmt.Errorf("the file ends here, but %d more events of %s should follow", left, at.Snapshot)}
		}
	}
	return nil
}

func (l *Ledger) replayNight(prev, n nightLine) error {
	switch {
	case !n.Snapshot.Valid() || n.ObservedAt.IsZero() || n.Events < 0:
		return errors.New("not the beginning of a night")
	case prev.Snapshot != "" && !earlier(prev.ObservedAt, prev.Snapshot, n.ObservedAt, n.Snapshot):
		return fmt.Errorf("%s stands after %s, which is later", n.Snapshot, prev.Snapshot)
	}
	l.due(n.Snapshot, n.ObservedAt) // their events follow
	for _, id := range n.Unseen {
		if r := l.recs[id]; r == nil || !r.f.State.Live() && !r.h.Standing {
			return fmt.Errorf("%q is not a finding that could be seen", id)
		}
	}
	unseen := map[string]bool{}
	for _, id := range n.Unseen {
		unseen[id] = true
	}
	for id, r := range l.recs {
		if r.watched() && !unseen[id] {
			r.seen(n.Snapshot)
		}
	}
	return nil
}

func (e *eventLine) check(id snapshot.ID, before string) error {
	switch {
	case e.Finding.ID == "" || e.Finding.ID < before || e.Snapshot != id:
		return errors.New("the event stands in the wrong place")
	case e.ID != eventID(e.Finding.ID, id, e.Name):
		return fmt.Errorf("the event is not %s", e.ID)
	case !e.Finding.State.known() || e.Held.Under != "" && !e.Held.Under.Live():
		return fmt.Errorf("there is no state %q", cmp.Or(e.Held.Under, e.Finding.State))
	case (e.Held.Under != "") != (e.Finding.State == Suppressed):
		return errors.New("the event does not say what is suppressed")
	case e.Finding.Evidence == nil || e.Finding.MissingInputs == nil:
		return errors.New("the event has no evidence")
	}
	return nil
}

func (s State) known() bool { return s.Live() || s == Recovered || s == Explained || s == Expired }

func (l *Ledger) replayEvent(e eventLine) {
	r := l.recs[e.Finding.ID]
	if r == nil {
		r = &record{}
		l.recs[e.Finding.ID] = r
	}
	r.f, r.h = e.Finding, e.Held
	if e.Held.Under != "" {
		r.f.State, r.h.Under = e.Held.Under, ""
	}
	if e.Name.closes() {
		r.closedIn = e.Snapshot
	}
}

// normal is the finding as it would be read back, so that a ledger that was
// read and one that was not are in the same state. The copy is deep.
func normal(f Finding) Finding {
	var n Finding
	must(0, decodeLine(must(marshal(f)), &n))
	if n.Evidence == nil {
		n.Evidence = map[string]any{}
	}
	if n.MissingInputs == nil {
		n.MissingInputs = []string{}
	}
	return n
}

// setFlaps keeps count of reopenings in evidence that is the record's own.
func (r *record) setFlaps() {
	if r.h.Flaps > 0 {
		r.f.Evidence["flap_count"] = json.Number(strconv.Itoa(r.h.Flaps))
	}
}

// decodeLine decodes one JSON value that nothing follows.
func decodeLine(line []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value in the line")
	}
	return nil
}

// must is for what only a mistake in this program can bring about.
func must[T any](v T, err error) T {
	if err != nil {
		panic("reconcile: " + err.Error())
	}
	return v
}
