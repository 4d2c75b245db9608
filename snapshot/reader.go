package snapshot

import (
	"context"

	"tallyport/schemas"
)

// Reader reads a published snapshot.
type Reader struct {
	st       Store
	manifest *Manifest
	sound    bool
}

// Open opens a published snapshot. It does not verify its files; Verify does.
func Open(st Store, id ID) (*Reader, error) {
	m, err := ReadManifest(st, id)
	if err != nil {
		return nil, err
	}
	return &Reader{st: st, manifest: m}, nil
}

// Sound says that all files are as the manifest says, so that OpenColumns need
// not look at the checksums of their pages.
func (r *Reader) Sound() { r.sound = true }

// Manifest of the snapshot.
func (r *Reader) Manifest() *Manifest { return r.manifest }

// Scan calls visit with the cells of every row of the table, part by part and
// in key order within a part: one for each of the table's columns. If columns
// are named, only they are read and the others are null. The cells are valid
// during the call.
func (r *Reader) Scan(ctx context.Context, t *schemas.Table, columns []string, visit func(vals []schemas.Value) error) error {
	for i := range r.manifest.Tables[t.Name].Files {
		if err := r.ScanPart(ctx, t, i, columns, visit); err != nil {
			return err
		}
	}
	return nil
}

// ScanPart is Scan for one part: the rows of one shard, or the only part of a
// table that has no users. There are Manifest().Shards of the other tables.
func (r *Reader) ScanPart(ctx context.Context, t *schemas.Table, part int, columns []string, visit func(vals []schemas.Value) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var want []int
	for _, c := range columns {
		want = append(want, t.Index(c))
	}
	f := r.manifest.Tables[t.Name].Files[part]
	return scanPart(r.st, f.Path, t, r.manifest.Plan.layout(r.manifest.ID), want, visit)
}
