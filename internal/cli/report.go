package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

// summaryFile makes a directory a report.
const summaryFile = "summary.json"

// changesFiles list the changes of a night.
var changesFiles = []string{"changes.csv", "changes.parquet"}

// reportFiles are the names that a report may hold. A directory with others in
// it is not replaced.
var reportFiles = []string{summaryFile, "findings.jsonl", "findings.csv", "findings.parquet", "changes.csv", "changes.parquet", "report.html", "report.md", "tickets"}

// checkReport refuses a directory for a report that holds something else.
func checkReport(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usagef("--report: %v", err)
	}
	for _, e := range entries {
		if !slices.Contains(reportFiles, e.Name()) {
			return usagef("--report %s holds %s, which is no part of a report; name another directory", dir, e.Name())
		}
	}
	return nil
}

// keptChanges returns the files of a report that list changes, none if it is
// about another snapshot.
func keptChanges(dir string, id snapshot.ID) (map[string][]byte, error) {
	data, err := os.ReadFile(filepath.Join(dir, summaryFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var was reconcile.Summary
	if err != nil || json.Unmarshal(data, &was) != nil || was.Snapshot != id {
		return nil, err
	}
	kept := map[string][]byte{}
	for _, name := range changesFiles {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		kept[name] = data
	}
	return kept, nil
}

// writeReport makes the directory in one step: what is under its name is a
// whole report, the old one or the new. The caller holds the ledger's lock.
func writeReport(dir string, files map[string][]byte) error {
	if err := checkReport(dir); err != nil {
		return err
	}
	dir = filepath.Clean(dir)
	above := filepath.Dir(dir)
	if err := os.MkdirAll(above, 0o700); err != nil {
		return err
	}
	// The names are the same each time, so that a run that died leaves nothing
	// for good.
	fresh, old := aside(dir, "new"), aside(dir, "old")
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(old)); err != nil {
		return err
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := writeSynced(filepath.Join(fresh, filepath.FromSlash(name)), files[name]); err != nil {
			return err
		}
	}
	if err := syncDir(fresh); err != nil {
		return err
	}
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(fresh, dir); err != nil {
		return err
	}
	return errors.Join(syncDir(above), os.RemoveAll(old))
}

func aside(dir, what string) string {
	return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".tallyport-"+what)
}

func writeSynced(name string, data []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
