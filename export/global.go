package export

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// Ways to choose the institutions of a snapshot.
const (
	InstitutionsReferenced = "referenced" // those that members are connected to
	InstitutionsAll        = "all"
	InstitutionsNone       = "none"
)

// global commits what belongs to no user: the institutions, and the coverage
// of the list of users.
func (r *run) global(ctx context.Context) error {
	if done, err := r.out.HasGlobal(); err != nil || done {
		return err
	}
	batch, err := r.out.Batch("")
	if err != nil {
		return err
	}
	proof := r.out.RosterCoverage()
	var o snapshot.Outcome
	record := func(w schemas.Walk) {
		w.List = schemas.List{Resource: schemas.InstitutionsResource}
		w.AppendCoverage(proof, nil, nil)
		o.ObservedAt = w.ObservedAt
		if w.Reason.Gap() {
			o.Gaps = append(o.Gaps, snapshot.Gap{Resource: w.Resource, Reason: w.Reason})
			r.gapLine(w.List, w)
		}
	}
	into := batch.Run(schemas.Institutions)
	switch r.plan.Institutions {
	case InstitutionsAll:
		w, err := r.src.Walk(ctx, schemas.List{Resource: schemas.InstitutionsResource}, tries(into))
		if err != nil {
			return err
		}
		record(w)
	case InstitutionsReferenced:
		t, err := r.out.Totals()
		if err != nil {
			return err
		}
		if len(t.Institutions) == 0 {
			break
		}
		w, err := r.referenced(ctx, t.Institutions, into)
		if err != nil {
			return err
		}
		record(w)
	}
	if err := batch.Run(schemas.Coverage).Add(proof); err != nil {
		return err
	}
	o.Requests = r.src.Requests()
	return batch.Commit(ctx, o)
}

// referenced reads the institutions one by one; the reads are one walk.
func (r *run) referenced(ctx context.Context, codes []schemas.InstitutionCode, into *snapshot.Run) (schemas.Walk, error) {
	sum := schemas.Walk{TotalFirst: -1, TotalLast: -1}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.o.Concurrency)
	for _, c := range codes {
		group.Go(func() error {
			rows, w, err := r.src.Read(ctx, schemas.List{Resource: schemas.InstitutionsResource}, string(c))
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			sum.Pages += w.Pages
			sum.Rows += w.Rows
			sum.DistinctGUIDs += w.DistinctGUIDs
			sum.Unfit += w.Unfit
			sum.Tries = max(sum.Tries, w.Tries)
			sum.ObservedAt = max(sum.ObservedAt, w.ObservedAt)
			if sum.Reason == "" || sum.Reason == schemas.NotFound && w.Reason.Gap() { // a gap outweighs one that is not there
				sum.Reason, sum.Detail, sum.HTTPStatus = w.Reason, w.Detail, w.HTTPStatus
			}
			return into.Add(rows)
		})
	}
	return sum, group.Wait()
}
