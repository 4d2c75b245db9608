// Package reconcile compares snapshots account by account, says what is wrong,
// and keeps one finding per wrong thing until it is put right. An absence is
// evidence only if it can be proved that somebody looked.
package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// Options of a run. The zero value is the recommended setting.
type Options struct {
	Snapshot   snapshot.ID   // the one to report on; "" is the newest
	StaleAfter time.Duration // replaces every 48 h of the staleness rules; 0 is 48 h
	Rebuild    bool          // judge all snapshots again
	Changes    bool          // also list every change
	// MaxTickets bounds how many new tickets a night raises; 0 is 50. The others
	// are counted, and wait.
	MaxTickets  int
	Prober      Prober // nil: nothing is asked of the API
	Concurrency int    // units compared at once; 0 is 2
	Log         *slog.Logger
}

const (
	usualStaleAfter = 48 * time.Hour
	usualMaxTickets = 50
)

// settings are those of a night that is judged with these options.
func (o *Options) settings() (s settings) {
	if o.StaleAfter != usualStaleAfter {
		s.StaleAfter = o.StaleAfter
	}
	if o.MaxTickets != usualMaxTickets {
		s.MaxTickets = o.MaxTickets
	}
	return s
}

// Result is what a run concluded about one snapshot.
type Result struct {
	Summary  Summary
	Findings []Finding // live, and those that this night closed, by id
	Changes  []changeLine
	Judged   []snapshot.ID // by this run
	// NewTickets are the sorted ids of the tickets that there were not before this
	// run, also where they were raised on an earlier night that it judged.
	NewTickets []string
	Ledger     *Ledger // with this night, and perhaps later ones
}

// NewTonight returns the sorted ids of the tickets that the summary counts as
// new: those that this night raised, whichever run judged it.
func (r *Result) NewTonight() []string {
	before := NewLedger(nil)
	if i := r.Ledger.place(r.Summary.Snapshot); i > 0 {
		before.files.log = r.Ledger.files.log[:r.Ledger.nights[i-1].end]
		must(0, before.replay()) // it was read, or written, by this process
	}
	return newTickets(before.tickets(), r.Findings)
}

// Run judges every snapshot up to the one asked for that was not judged yet, in
// the order in which they were observed. The caller holds the ledger's lock.
// When it returns an error the store's ledger is as it was, but for what probes
// answered.
func Run(ctx context.Context, st snapshot.Store, o *Options) (*Result, error) {
	r := &run{st: st, sound: map[snapshot.ID]bool{}, judged: map[snapshot.ID]bool{}, asked: map[[2]text]Probed{}}
	if o != nil {
		r.o = *o
	}
	r.o.Concurrency = cmp.Or(r.o.Concurrency, 2)
	if r.o.Log == nil {
		r.o.Log = slog.New(slog.DiscardHandler)
	}
	return r.run(ctx)
}

type run struct {
	st     snapshot.Store
	o      Options
	ledger *Ledger
	state  *checkpoint
	dir    string        // where states are written
	had    map[text]bool // tickets before the run; nil: it is not known

	rebuilding bool
	sound      map[snapshot.ID]bool     // whose files are as their manifests say
	judged     map[snapshot.ID]bool     // by earlier runs: nothing is asked about these nights
	asked      map[[2]text]Probed       // by this run, by user and transaction
	by         map[snapshot.ID]settings // that nights were judged by before
}

// ErrNothing is returned for a store without snapshots.
var ErrNothing = fmt.Errorf("nothing to reconcile: %w", snapshot.ErrNoSnapshot)

func (r *run) run(ctx context.Context) (*Result, error) {
	if _, err := snapshot.ReadBinding(r.st); err != nil { // a newer version's store
		return nil, err
	}
	all, err := inOrder(r.st)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNothing
	}
	target := len(all) - 1
	if r.o.Snapshot != "" {
		if target = slices.IndexFunc(all, func(m *snapshot.Manifest) bool { return m.ID == r.o.Snapshot }); target < 0 {
			return nil, fmt.Errorf("%s: %w", r.o.Snapshot, snapshot.ErrNoSnapshot)
		}
	}
	if err := r.open(all); err != nil {
		return nil, err
	}
	first := 0
	if r.state != nil {
		first = slices.IndexFunc(all, func(m *snapshot.Manifest) bool { return later(m, r.state) })
		if first < 0 {
			first = len(all)
		}
	}
	if target < first && !r.rebuilding {
		return r.again(all[target])
	}
	last := target
	if r.rebuilding { // to the end, or what was said of later nights would be gone
		last = len(all) - 1
	}
	var res *Result
	for i := first; i <= last; i++ {
		var prev *snapshot.Manifest
		if r.state != nil {
			prev = manifestOf(all, r.state.Snapshot)
		}
		night, err := r.night(ctx, prev, all[i], i == target)
		if err != nil {
			return nil, err
		}
		if i == target {
			res = night
			res.NewTickets = newTickets(r.had, res.Findings)
		}
	}
	if err := r.ledger.Save(r.st); err != nil {
		return nil, err
	}
	if err := r.swap(); err != nil {
		return nil, err
	}
	r.tellOfLost()
	if res == nil { // it stands before those that were judged again
		if res, err = r.again(all[target]); err != nil {
			return nil, err
		}
	}
	for i := first; i <= last; i++ {
		res.Judged = append(res.Judged, all[i].ID)
	}
	res.Ledger = r.ledger
	return res, r.keepState()
}

func manifestOf(all []*snapshot.Manifest, id snapshot.ID) *snapshot.Manifest {
	for _, m := range all {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// inOrder returns the store's manifests in the order of their observed_at.
func inOrder(st snapshot.Store) ([]*snapshot.Manifest, error) {
	ids, err := snapshot.List(st)
	if err != nil {
		return nil, err
	}
	var all []*snapshot.Manifest
	for _, id := range ids {
		m, err := snapshot.ReadManifest(st, id)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b *snapshot.Manifest) int {
		return cmp.Or(cmp.Compare(observed(a), observed(b)), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// observed is when a snapshot was taken, by the server's clock.
func observed(m *snapshot.Manifest) schemas.Timestamp {
	if m.ObservedAt != nil {
		return *m.ObservedAt
	}
	return schemas.TimestampOf(m.ID.Time())
}

func later(m *snapshot.Manifest, c *checkpoint) bool {
	return cmp.Or(cmp.Compare(observed(m), c.Observed), cmp.Compare(m.ID, c.Snapshot)) > 0
}

// open reads the ledger and the newest state, or starts again: when asked to,
// and when a snapshot came late, between others that were judged already.
func (r *run) open(all []*snapshot.Manifest) (err error) {
	r.dir = stateDir
	entries, err := r.st.List(stateDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries { // also where the log is damaged
		r.judged[snapshot.ID(e.Name())] = true
	}
	if r.ledger, err = OpenLedger(r.st); err != nil && (!r.o.Rebuild || errors.Is(err, snapshot.ErrNewer)) {
		return err
	}
	if err != nil { // the log is damaged, and a rebuild makes it again
		for _, e := range entries {
			if id := snapshot.ID(e.Name()); id.Valid() && manifestOf(all, id) == nil {
				return fmt.Errorf("%w; it cannot be made again, since %s was judged and is pruned: restore a copy of the file", err, id)
			}
		}
		return r.startAgain()
	}
	r.by, r.had = r.ledger.settings(), r.ledger.tickets()
	last, _ := r.ledger.Last()
	if last == "" {
		return r.startAgain()
	}
	if r.state, err = r.newestState(last); err != nil && (!r.o.Rebuild || errors.Is(err, snapshot.ErrNewer)) {
		return err
	}
	if r.state != nil && !r.o.Rebuild && manifestOf(all, r.state.Snapshot) == nil && slices.ContainsFunc(all, func(m *snapshot.Manifest) bool { return later(m, r.state) }) {
		return r.withoutBase(all)
	}
	var late []*snapshot.Manifest
	if r.state != nil {
		for _, m := range all {
			if !later(m, r.state) && !slices.Contains(r.state.Judged, m.ID) {
				late = append(late, m)
			}
		}
	}
	if !r.o.Rebuild && r.state != nil && late == nil {
		return nil
	}
	for _, id := range r.ledger.Nights() {
		if manifestOf(all, id) == nil {
			return r.goBack(all, late, id)
		}
	}
	r.o.Log.Info("judging all snapshots again")
	return r.startAgain()
}

// tellOfLost names tickets that no night raises, now that all were judged
// again: somebody may have sent them.
func (r *run) tellOfLost() {
	if !r.rebuilding {
		return
	}
	lost := maps.Clone(r.had)
	for _, rec := range r.ledger.recs {
		delete(lost, rec.f.TicketID)
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		r.o.Log.Warn("all snapshots were judged again, and a ticket is not raised any more; what was decided on it stays in decisions.jsonl", "ticket", string(id))
	}
}

// startAgain judges from the first snapshot on, beside the state that is there.
func (r *run) startAgain() error {
	decisions, err := ReadDecisions(r.st)
	if err != nil {
		return err
	}
	r.ledger, r.state, r.dir, r.rebuilding = NewLedger(decisions), nil, stateDir+".new", true
	return r.st.Remove(r.dir)
}

// swap puts the state of a rebuild in the place of the one before.
func (r *run) swap() error {
	if !r.rebuilding {
		return nil
	}
	if err := r.st.Remove(stateDir); err != nil {
		return err
	}
	if err := r.st.Rename(r.dir, stateDir); err != nil {
		return err
	}
	r.dir = stateDir
	return r.st.SyncDir(ledgerDir)
}

// newestState reads the state after a snapshot. A rebuild that died after it
// had saved the ledger left it beside the old one.
func (r *run) newestState(id snapshot.ID) (*checkpoint, error) {
	c, err := readCheckpoint(r.st, stateDir, id)
	if c != nil || err != nil {
		return c, err
	}
	if c, err = readCheckpoint(r.st, stateDir+".new", id); c == nil || err != nil {
		return nil, err
	}
	r.dir, r.rebuilding = stateDir+".new", true
	err = r.swap()
	r.rebuilding = false
	return c, err
}

func readCheckpoint(st snapshot.Store, dir string, id snapshot.ID) (*checkpoint, error) {
	data, err := readFile(st, dir+"/"+string(id)+"/"+stateFile)
	if errors.Is(err, fs.ErrNotExist) || err == nil && data == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := new(checkpoint)
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("%s/%s: %w: %w; run tallyport reconcile --rebuild", stateDir, id, snapshot.ErrDamaged, err)
	}
	if c.Version > stateVersion {
		return nil, fmt.Errorf("%s/%s: %w", stateDir, id, snapshot.ErrNewer)
	}
	return c, nil
}

// night judges one snapshot.
func (r *run) night(ctx context.Context, prev, now *snapshot.Manifest, reported bool) (*Result, error) {
	r.o.Log.Info("reconcile", "snapshot", now.ID)
	set, judged := r.by[now.ID]
	if !judged {
		set = r.o.settings()
	}
	r.ledger.set = set
	o := r.o
	o.StaleAfter, o.MaxTickets = cmp.Or(set.StaleAfter, usualStaleAfter), cmp.Or(set.MaxTickets, usualMaxTickets)
	for _, m := range []*snapshot.Manifest{prev, now} {
		if m == nil || r.sound[m.ID] {
			continue
		}
		if err := sound(r.st, m); err != nil {
			return nil, err
		}
		r.sound[m.ID] = true
	}
	facts := factsOf(now)
	of := now.Shards
	var before *snapshot.Reader
	var err error
	if prev != nil {
		of = min(of, prev.Shards)
		if before, err = snapshot.Open(r.st, prev.ID); err != nil {
			return nil, err
		}
		before.Sound()
	}
	if r.state != nil {
		of = min(of, r.state.Shards)
	}
	reader, err := snapshot.Open(r.st, now.ID)
	if err != nil {
		return nil, err
	}
	reader.Sound()
	into := r.dir + "/" + string(now.ID) + ".new"
	if err := r.st.Remove(into); err != nil {
		return nil, err
	}
	o.Changes = o.Changes && reported
	units := make([]*unitNight, of)
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(r.o.Concurrency)
	for i := range units {
		units[i] = &unitNight{unit: i, of: of, facts: facts, o: &o, st: r.st, prev: before, now: reader, before: r.state, states: r.dir, into: into}
		group.Go(func() error { return units[i].run(inner) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return r.close(ctx, &o, facts, prev, now, units, into)
}

func factsOf(m *snapshot.Manifest) *snapshotFacts {
	all := m.Plan.Users == snapshot.AllUsers
	return &snapshotFacts{id: m.ID, at: observed(m), window: m.Plan.Window, allUsers: all && usersWhole(m), named: !all}
}

// usersWhole reports whether the list of users was read to its end.
func usersWhole(m *snapshot.Manifest) bool {
	return !slices.ContainsFunc(m.Gaps, func(g snapshot.Gap) bool { return g.Resource == schemas.UsersResource && g.User == "" })
}

// close brings the units together: what holds for the whole snapshot, the
// ledger, the state.
func (r *run) close(ctx context.Context, o *Options, facts *snapshotFacts, prev, now *snapshot.Manifest, units []*unitNight, into string) (*Result, error) {
	counts := newCounts()
	var sightings []Sighting
	var stale []staleEntry
	res := &Result{}
	for _, u := range units {
		counts.add(u.counts)
		sightings, stale = append(sightings, u.sightings...), append(stale, u.stale...)
		res.Changes = append(res.Changes, u.changes...)
	}
	slices.SortStableFunc(res.Changes, compareChanges)
	c := &checkpoint{Version: stateVersion, Snapshot: now.ID, Observed: facts.at, Shards: len(units), Window: facts.window}
	if r.state != nil {
		c.Outages, c.Events, c.Judged = r.state.Outages, r.state.Events, r.state.Judged
	}
	c.Judged = append(slices.Clone(c.Judged), now.ID)
	var found []Sighting
	var links map[string]string
	c.Outages, found, links = outages(c.Outages, now.ID, counts.members, stale, o.StaleAfter)
	sightings = append(sightings, found...)
	linkOutages(sightings, links)
	lossy := counts.lossy()
	fired := len(lossy) >= counts.mass()
	if fired {
		rule := ruleOf("systemic")
		sightings = append(sightings, Sighting{Finding{ID: findingID("systemic", string(now.ID)), Kind: rule.Kind, Code: rule.Code, Verdict: rule.Verdict, IssueType: rule.Issue,
			First: now.ID, Last: now.ID, Evidence: map[string]any{"members": len(lossy)}}, Confirmed})
	}
	c.Events = massEvents(c.Events, now.ID, facts.at, fired, lossy, counts.fetched)
	sightings, kept := withhold(strongest(sightings), c.Events)
	withheld, err := r.raise(ctx, facts, o.MaxTickets, fired, sightings)
	if err != nil {
		return nil, err
	}
	before := r.ledger.tickets()
	res.Findings = r.ledger.Apply(now.ID, facts.at.Time(), sightings)
	res.Summary = summarize(r, prev, now, counts, res.Findings, fired)
	res.Summary.countTickets(res.Findings, before, withheld+kept)
	c.Summary = &res.Summary
	line, err := marshal(c)
	if err != nil {
		return nil, err
	}
	if err := snapshot.Replace(r.st, into+"/"+stateFile, append(line, '\n')); err != nil {
		return nil, err
	}
	place := strings.TrimSuffix(into, ".new")
	if err := r.st.Remove(place); err != nil {
		return nil, err
	}
	if err := r.st.Rename(into, place); err != nil {
		return nil, err
	}
	r.state = c
	return res, r.st.SyncDir(r.dir)
}

// again renders the report of a snapshot that was judged before.
func (r *run) again(m *snapshot.Manifest) (*Result, error) {
	return r.ledger.Judged(r.st, m.ID)
}

// Judged returns what was concluded of a snapshot of the store, but for its
// changes.
func (l *Ledger) Judged(st snapshot.Store, id snapshot.ID) (*Result, error) {
	c, err := readCheckpoint(st, stateDir, id)
	if err != nil {
		return nil, err
	}
	at := l.place(id)
	if c == nil || c.Summary == nil || !l.Applied(id) {
		return nil, fmt.Errorf("%s was judged, and what was said of it is gone; run tallyport reconcile --rebuild", id)
	}
	return &Result{Findings: l.asOf(at), Summary: *c.Summary, Ledger: l}, nil
}

// keptStates is how many states are kept besides the newest that is older than
// every snapshot.
const keptStates = 3

// keepState removes states that nobody will start from. What was said of their
// nights stays.
func (r *run) keepState() error {
	entries, err := r.st.List(stateDir)
	if err != nil {
		return err
	}
	judged := r.state.Judged
	for _, e := range entries {
		dir := stateDir + "/" + e.Name()
		i := slices.Index(judged, snapshot.ID(e.Name()))
		if i < 0 {
			if err := r.st.Remove(dir); err != nil {
				return err
			}
			continue
		}
		if i >= len(judged)-keptStates {
			continue
		}
		files, err := r.st.List(dir)
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.Name() == stateFile {
				continue
			}
			if err := r.st.Remove(dir + "/" + f.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}
