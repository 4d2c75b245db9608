package reconcile

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// scan is ScanPart, and refuses a part that has not as many rows as were
// written (N9): what is not there must not look as if it had gone.
func scan(ctx context.Context, r *snapshot.Reader, t *schemas.Table, part int, columns []string, visit func([]schemas.Value) error) error {
	var rows int64
	err := r.ScanPart(ctx, t, part, columns, func(vals []schemas.Value) error {
		rows++
		return visit(vals)
	})
	if err == nil {
		err = short(r.Manifest(), t, part, rows)
	}
	return err
}

// scanned yields what scan visits.
func scanned(ctx context.Context, r *snapshot.Reader, t *schemas.Table, part int, columns []string) iter.Seq2[[]schemas.Value, error] {
	return func(yield func([]schemas.Value, error) bool) {
		err := scan(ctx, r, t, part, columns, func(vals []schemas.Value) error {
			if !yield(vals, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

// short refuses a part that has not as many rows as were written.
func short(m *snapshot.Manifest, t *schemas.Table, part int, rows int64) error {
	f := m.Tables[t.Name].Files[part]
	if rows == f.Rows {
		return nil
	}
	return fmt.Errorf("snapshot %s is refused: %s has %d rows, and %d were written: %w; see tallyport snapshots verify %s", m.ID, f.Path, rows, f.Rows, snapshot.ErrDamaged, m.ID)
}
