package main

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"os"
	"slices"
	"time"

	"tallyport/atrium"
	"tallyport/export"
	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
)

type client struct{ *atrium.Client }

func (c client) Requests() schemas.Requests {
	n := c.Stats()
	return schemas.Requests{Total: n.Requests, Retried: n.Retried, RateLimited: n.RateLimited}
}

var simURL = &url.URL{Scheme: "http", Host: "127.0.0.1:9"} // never dialled: the transport is in process

// take exports the world as it is.
func take(ctx context.Context, w *sim.World, st snapshot.Store) (*snapshot.Manifest, error) {
	return takeAs(ctx, w, st, set{})
}

func takeAs(ctx context.Context, w *sim.World, st snapshot.Store, s set) (*snapshot.Manifest, error) {
	c, err := clientOf(w, s)
	if err != nil {
		return nil, err
	}
	local := w.Now().Add(s.skew)
	id, plan := snapshot.IDOf(local), planOf(local)
	if s.only != nil {
		plan.Users = "sha256:some"
	}
	out, err := snapshot.Begin(ctx, st, id, plan, local)
	if err != nil {
		return nil, err
	}
	past, err := snapshot.OpenPast(st, id)
	if err != nil {
		return nil, err
	}
	m, err := export.Run(ctx, c, out, &export.Options{Past: past, Concurrency: max(2, s.walks), Users: s.only})
	return m, errors.Join(err, out.Close())
}

func clientOf(w *sim.World, s set) (client, error) {
	keys := atrium.Credentials{APIKey: atrium.NewSecret(sim.DefaultAPIKey), ClientID: atrium.NewSecret(sim.DefaultClientID)}
	c, err := atrium.New(atrium.Atrium(simURL), keys, &atrium.Options{Transport: w.Transport(), PageSize: cmp.Or(s.page, 1000), Concurrency: max(2, s.walks)})
	return client{c}, err
}

func planOf(at time.Time) snapshot.Plan {
	day := schemas.DateOf(at)
	return snapshot.Plan{Source: "atrium", Host: simURL.Host, Client: snapshot.ClientHash(sim.DefaultClientID), Users: snapshot.AllUsers,
		Window: schemas.Window{From: day - 90, To: day + 5}, Scope: schemas.MemberScope, Institutions: export.InstitutionsNone, Format: snapshot.Parquet}
}

// night is one look at the world.
type night struct {
	at, before time.Time // the world's clock, now and at the look before
	manifest   *snapshot.Manifest
}

// newWorldStore makes a store that lasts as long as its world; remove ends it.
func newWorldStore() (st *snapshot.Dir, remove func(), err error) {
	dir, err := os.MkdirTemp("", "evaluate-")
	if err != nil {
		return nil, nil, err
	}
	if st, err = snapshot.CreateDir(dir+"/store", false); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return st, func() { _ = errors.Join(st.Close(), os.RemoveAll(dir)) }, nil
}

// evaluate lives through the nights of one world.
func evaluate(ctx context.Context, s set, seed uint64, limit int) (*score, error) {
	began := time.Now()
	st, remove, err := newWorldStore()
	if err != nil {
		return nil, err
	}
	defer remove()
	w := s.world(seed)
	sc := newScore(w, seed, limit)
	sc.torn = s.swap > 0
	var last time.Time
	for i := range s.nights {
		if !slices.Contains(s.unlooked, i) {
			m, err := takeAs(ctx, w, st, s)
			if err != nil {
				return nil, err
			}
			o := &reconcile.Options{Changes: true, MaxTickets: 1 << 30}
			if s.probe {
				if o.Prober, err = clientOf(w, s); err != nil {
					return nil, err
				}
			}
			res, err := reconcile.Run(ctx, st, o)
			if err != nil {
				return nil, err
			}
			models, err := reconcile.BalanceModels(st, m.ID)
			if err != nil {
				return nil, err
			}
			n := night{at: w.Now(), before: last, manifest: m}
			last = n.at
			sc.night(n, res, models)
			if !s.again {
				if err := forget(ctx, st, w.Now()); err != nil {
					return nil, err
				}
			}
		}
		s.strike(w, i)
		w.Advance(24 * time.Hour)
	}
	sc.finish(s)
	if s.again {
		if sc.Stability, err = judgedAgain(ctx, st, s, seed); err != nil {
			return nil, err
		}
	}
	sc.Seconds = time.Since(began).Seconds()
	return sc, nil
}

// forget prunes all snapshots but two: a night needs the one before.
func forget(ctx context.Context, st snapshot.Store, now time.Time) error {
	ids, err := snapshot.List(st)
	if err != nil || len(ids) <= 2 {
		return err
	}
	steps, err := snapshot.PlanPrune(st, snapshot.Keep{Daily: 2}, nil, now)
	if err != nil {
		return err
	}
	return snapshot.Prune(ctx, st, steps)
}

// stability says how many ids were the same when all was judged again.
type stability struct {
	IDs  int `json:"ids"`
	Same int `json:"same"`
}

// judgedAgain looks for every id of every night in the ledgers of two rebuilds,
// with one unit at once and with five, and of a store for which the same nights
// were exported with other pages and other walks at once.
func judgedAgain(ctx context.Context, st *snapshot.Dir, s set, seed uint64) (*stability, error) {
	first, err := idsIn(st)
	if err != nil {
		return nil, err
	}
	out := &stability{}
	for _, units := range []int{1, 5} {
		if _, err := reconcile.Run(ctx, st, &reconcile.Options{Rebuild: true, Concurrency: units, MaxTickets: 1 << 30}); err != nil {
			return nil, err
		}
		again, err := idsIn(st)
		if err != nil {
			return nil, err
		}
		out.compare(first, again)
	}
	shuffled, err := shuffled(ctx, s, seed)
	if err != nil {
		return nil, err
	}
	out.compare(first, shuffled)
	return out, nil
}

func (out *stability) compare(first, again []string) {
	all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(first, again))))
	out.IDs += len(all)
	for _, id := range all {
		_, a := slices.BinarySearch(first, id)
		_, b := slices.BinarySearch(again, id)
		if a && b {
			out.Same++
		}
	}
}

// shuffled exports the same nights again, so that rows and users arrive in
// another order, and returns what is found then.
func shuffled(ctx context.Context, s set, seed uint64) ([]string, error) {
	st, remove, err := newWorldStore()
	if err != nil {
		return nil, err
	}
	defer remove()
	w := s.world(seed)
	for i := range s.nights {
		if !slices.Contains(s.unlooked, i) {
			s.page, s.walks = 35+30*(i%3), 3+i%6
			if _, err := takeAs(ctx, w, st, s); err != nil {
				return nil, err
			}
		}
		s.strike(w, i)
		w.Advance(24 * time.Hour)
	}
	if _, err := reconcile.Run(ctx, st, &reconcile.Options{Concurrency: 3, MaxTickets: 1 << 30}); err != nil {
		return nil, err
	}
	return idsIn(st)
}

// idsIn lists the findings of a ledger, with the night each was first seen.
func idsIn(st snapshot.Store) ([]string, error) {
	l, err := reconcile.OpenLedger(st)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, f := range l.Findings() {
		all = append(all, f.ID+" "+string(f.First)+" "+string(f.State))
	}
	slices.Sort(all)
	return all, nil
}
