package snapshot

import (
	"context"
	"fmt"
	"time"

	"tallyport/schemas"
)

// Keep says which snapshots a store keeps. For each of the last Daily days on
// which there is one, and each of the last Monthly months, the newest of the
// day or month stays.
type Keep struct {
	Daily   int
	Monthly int
}

// PruneStep is what becomes of one snapshot or unfinished run.
type PruneStep struct {
	ID         ID     `json:"id"`
	Unfinished bool   `json:"unfinished,omitempty"`
	Remove     bool   `json:"remove"`
	Why        string `json:"why"`
}

// staleRun is the age at which an unfinished run will not be resumed by itself
// any more and may be removed.
const staleRun = 24 * time.Hour

// PlanPrune returns what pruning would do, oldest first. The newest snapshot
// and the newest complete one always stay, and those held for another reason:
// held maps an id to it. now serves to tell abandoned runs.
func PlanPrune(st Store, k Keep, held map[ID]string, now time.Time) ([]PruneStep, error) {
	ids, err := List(st)
	if err != nil {
		return nil, err
	}
	keep := map[ID]string{}
	for id, why := range held {
		keep[id] = why
	}
	mark := func(id ID, why string) {
		if keep[id] == "" {
			keep[id] = why
		}
	}
	for i := len(ids) - 1; i >= 0; i-- {
		if i == len(ids)-1 {
			mark(ids[i], "newest")
		}
		m, err := ReadManifest(st, ids[i])
		if err != nil {
			return nil, err
		}
		if m.Status == StatusComplete {
			mark(ids[i], "newest complete")
			break
		}
	}
	newestOf(ids, k.Daily, time.DateOnly, func(id ID, day string) { mark(id, "day "+day) })
	newestOf(ids, k.Monthly, "2006-01", func(id ID, month string) { mark(id, "month "+month) })
	var steps []PruneStep
	for _, id := range ids {
		why, stay := keep[id]
		if !stay {
			why = "not kept by the policy"
		}
		steps = append(steps, PruneStep{ID: id, Remove: !stay, Why: why})
	}
	runs, err := ListUnfinished(st)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		s := PruneStep{ID: r.ID, Unfinished: true, Why: "unfinished, may still be resumed"}
		if now.Sub(r.Began) >= staleRun {
			s.Remove, s.Why = true, "unfinished since "+r.Began.Format(time.RFC3339)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// newestOf calls mark for the newest snapshot of each of the last n periods.
func newestOf(ids []ID, n int, layout string, mark func(ID, string)) {
	last := ""
	for i := len(ids) - 1; i >= 0; i-- {
		period := ids[i].Time().Format(layout)
		if period == last {
			continue
		}
		if n--; n < 0 {
			return
		}
		mark(ids[i], period)
		last = period
	}
}

const prunePrefix = "prune-"

// Prune removes what the steps say. A snapshot first loses its manifest and
// its partitions move out of sight, then its files are deleted. The caller
// holds the export lock.
func Prune(ctx context.Context, st Store, steps []PruneStep) error {
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !s.Remove {
			continue
		}
		if s.Unfinished {
			if err := st.Remove(stagingOf(s.ID)); err != nil {
				return err
			}
			continue
		}
		if !s.ID.Valid() {
			return fmt.Errorf("%q: %w", s.ID, ErrNoSnapshot)
		}
		if err := Replace(st, stagingDir+"/"+prunePrefix+string(s.ID)+"/prune.json", []byte("{}\n")); err != nil {
			return err
		}
		if err := prune(st, s.ID); err != nil {
			return err
		}
	}
	return nil
}

// prune carries out the removal of one snapshot, as far as that has not been
// done.
func prune(st Store, id ID) error {
	if err := st.Remove(manifestName(id)); err != nil {
		return err
	}
	if err := st.SyncDir(manifestDir); err != nil {
		return err
	}
	if err := writeLatest(st); err != nil {
		return err
	}
	dir := stagingDir + "/" + prunePrefix + string(id)
	for _, t := range schemas.Tables() {
		ok, err := exists(st, partition(t, id))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := st.Rename(partition(t, id), dir+"/"+t.Name); err != nil {
			return err
		}
		if err := st.SyncDir(t.Name); err != nil {
			return err
		}
	}
	return st.Remove(dir)
}
