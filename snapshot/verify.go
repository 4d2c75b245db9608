package snapshot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"tallyport/schemas"
)

// verifyPart reads a part back and compares it with what its writer says of
// it. Two implementations read it: arrow-go, which wrote it, and one that
// shares nothing with it.
func verifyPart(st Store, p part, t *schemas.Table, l layout) error {
	if err := verifyBytes(st, p.FileInfo); err != nil {
		return err
	}
	sums, err := readSums(st, p.Path, t, l)
	if err != nil {
		return err
	}
	if sums.Rows != p.Sums.Rows || sums.Hash != p.Sums.Hash || !slices.Equal(sums.Amounts, p.Sums.Amounts) {
		return fmt.Errorf("%s: %w: %d rows were written and read back, but their content adds up to something else", p.Path, ErrDamaged, sums.Rows)
	}
	return secondOpinion(st, p.Path, t, l, sums)
}

// verifyBytes compares the file's size and hash.
func verifyBytes(st Store, f FileInfo) (err error) {
	in, err := st.Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: missing", f.Path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %v", f.Path, ErrDamaged, err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	h := sha256.New()
	n, err := io.Copy(h, in)
	if err != nil {
		return err
	}
	if n != f.Bytes {
		return fmt.Errorf("%s: %w: %d bytes, the manifest says %d", f.Path, ErrDamaged, n, f.Bytes)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != f.SHA256 {
		return fmt.Errorf("%s: %w: its SHA-256 is %s, the manifest says %s", f.Path, ErrDamaged, sum, f.SHA256)
	}
	return nil
}

// readSums adds up a part with the first implementation, and checks that the
// snapshot_at of its rows is that of the snapshot.
func readSums(st Store, name string, t *schemas.Table, l layout) (partSums, error) {
	var sums partSums
	a := newAdder(t, &sums)
	hash, at := t.Index("row_hash"), t.Index("snapshot_at")
	want := append([]int{hash, at}, a.amounts...)
	err := scanPart(st, name, t, l, want, func(vals []schemas.Value) error {
		if vals[at].Int != int64(l.at) {
			return fmt.Errorf("%w: a row of another snapshot", ErrDamaged)
		}
		a.add(vals)
		return nil
	})
	return sums, err
}

// secondOpinion reads the part with the second implementation of its format:
// schema, number of rows, order of keys, sums of money.
func secondOpinion(st Store, name string, t *schemas.Table, l layout, sums partSums) (err error) {
	f, err := st.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var got partSums
	if l.format == CSV {
		got, err = secondCSV(f, t, l.csvRaw)
	} else {
		got, err = secondParquet(f, t)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: second reader: %w", name, err)
	case got.Rows != sums.Rows:
		return fmt.Errorf("%s: %w: the first reader finds %d rows, the second %d", name, ErrDamaged, sums.Rows, got.Rows)
	case !slices.Equal(got.Amounts, sums.Amounts):
		return fmt.Errorf("%s: %w: the two readers find different sums of money", name, ErrDamaged)
	}
	return nil
}

// keyOrder checks that the keys it is given do not go back.
type keyOrder struct {
	t         *schemas.Table
	last, key []byte
}

func (k *keyOrder) next(vals []schemas.Value) error {
	k.last, k.key = k.key, k.last
	k.key = k.t.AppendKey(k.key[:0], vals)
	if bytes.Compare(k.last, k.key) > 0 {
		return fmt.Errorf("%w: rows are not in the order of their keys", ErrDamaged)
	}
	return nil
}

// secondCSV reads a CSV part with encoding/csv. That reader cannot tell null
// from an empty text, which the order of keys does not need.
func secondCSV(f io.Reader, t *schemas.Table, raw bool) (partSums, error) {
	var sums partSums
	a := newAdder(t, &sums)
	r := csv.NewReader(f)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return sums, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	columns, err := placesOf(header, t)
	if err != nil {
		return sums, err
	}
	vals := make([]schemas.Value, len(t.Columns))
	order := keyOrder{t: t}
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return sums, nil
		}
		if err != nil {
			return sums, fmt.Errorf("%w: %v", ErrDamaged, err)
		}
		for _, i := range append(slices.Clone(t.Key()), a.amounts...) {
			if columns[i] < 0 {
				continue
			}
			if vals[i], err = parseCell(t.Columns[i].Kind, csvField{text: []byte(fields[columns[i]])}, raw); err != nil {
				return sums, fmt.Errorf("%w: column %s: %v", ErrDamaged, t.Columns[i].Name, err)
			}
		}
		if err := order.next(vals); err != nil {
			return sums, err
		}
		a.add(vals)
	}
}

// Problem is one thing that Verify or Strays found wrong.
type Problem struct {
	Snapshot ID     `json:"snapshot"`
	File     string `json:"file,omitempty"`
	What     string `json:"what"`
	Extra    bool   `json:"extra,omitempty"` // what does not belong, and is to be deleted
}

// Verify repeats on a published snapshot what was checked before it was
// published, and looks for files that do not belong to it. It returns what is
// wrong; the error says why it could not look.
func Verify(ctx context.Context, st Store, id ID) ([]Problem, error) {
	m, err := ReadManifest(st, id)
	if errors.Is(err, ErrDamaged) {
		return []Problem{{Snapshot: id, File: manifestName(id), What: err.Error()}}, nil
	}
	if err != nil {
		return nil, err
	}
	var problems []Problem
	report := func(file string, what error) {
		text := strings.TrimPrefix(strings.TrimPrefix(what.Error(), file), ": ")
		problems = append(problems, Problem{Snapshot: id, File: file, What: text})
	}
	l := m.Plan.layout(id)
	for _, t := range schemas.Tables() {
		tm, ok := m.Tables[t.Name]
		if !ok {
			continue // of a version without this table
		}
		var rows int64
		listed := map[string]bool{}
		for _, f := range tm.Files {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			rows += f.Rows
			listed[f.Path] = true
			if err := verifyFile(st, f, t, l); err != nil {
				report(f.Path, err)
			}
		}
		if rows != tm.Rows {
			report(manifestName(id), fmt.Errorf("table %s: %d rows, its files have %d", t.Name, tm.Rows, rows))
		}
		entries, err := st.List(partition(t, id))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if name := partition(t, id) + "/" + e.Name(); !listed[name] {
				problems = append(problems, Problem{id, name, "not part of the snapshot, but readers that glob would take it for one; delete it", true})
			}
		}
	}
	return problems, nil
}

// Strays finds what stands among the partitions and belongs to no snapshot,
// and to none that is just being published or pruned.
func Strays(ctx context.Context, st Store) ([]Problem, error) {
	var problems []Problem
	for _, t := range schemas.Tables() {
		entries, err := st.List(t.Name)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			name := t.Name + "/" + e.Name()
			id, ok := strings.CutPrefix(e.Name(), "snapshot=")
			if !ok || !ID(id).Valid() || !e.IsDir() {
				problems = append(problems, Problem{File: name, What: "not a partition, but readers that glob may take it for one; delete it", Extra: true})
				continue
			}
			if known, err := accountedFor(st, t, ID(id)); err != nil {
				return nil, err
			} else if !known {
				problems = append(problems, Problem{ID(id), name, "no manifest names it, but readers that glob take it for a snapshot; if its manifest was lost, put that back, or else delete it", true})
			}
		}
	}
	return problems, nil
}

// accountedFor reports whether a partition is that of a snapshot. An export or
// a pruning may go on meanwhile: an intent ends only after the manifest is
// there, and begins before it goes, so it is looked for before and after.
func accountedFor(st Store, t *schemas.Table, id ID) (bool, error) {
	intents := []string{stagingOf(id) + "/" + intentFile, stagingDir + "/" + prunePrefix + string(id)}
	for _, name := range append(append(slices.Clone(intents), manifestName(id)), intents...) {
		if ok, err := exists(st, name); ok || err != nil {
			return ok, err
		}
	}
	still, err := exists(st, partition(t, id))
	return !still, err
}

// verifyFile is verifyPart for a file of which only the manifest's word is left.
func verifyFile(st Store, f FileInfo, t *schemas.Table, l layout) error {
	if err := verifyBytes(st, f); err != nil {
		return err
	}
	sums, err := readSums(st, f.Path, t, l)
	if err != nil {
		return err
	}
	if sums.Rows != f.Rows {
		return fmt.Errorf("%w: %d rows, the manifest says %d", ErrDamaged, sums.Rows, f.Rows)
	}
	return secondOpinion(st, f.Path, t, l, sums)
}
