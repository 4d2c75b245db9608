package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"github.com/gofrs/flock"
)

// Dir is a Store in a directory of the local file system. Its files are for
// the owner alone (0600, directories 0700) unless it was opened group-readable
// (0640, 0750).
type Dir struct {
	path     string
	root     *os.Root
	file     fs.FileMode
	dir      fs.FileMode
	explicit bool // chmod what the umask would narrow
}

// OpenDir opens the store in the directory, which must exist. A directory that
// everybody may write to is refused: anybody could plant files in it.
func OpenDir(path string, groupReadable bool) (*Dir, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not a directory; name a directory for the store", path)
	case info.Mode().Perm()&0o002 != 0:
		return nil, fmt.Errorf("%s may be written by everybody; run chmod o-w on it first", path)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, root: root, file: 0o600, dir: 0o700}
	if groupReadable {
		d.file, d.dir, d.explicit = 0o640, 0o750, true
	}
	return d, nil
}

// CreateDir makes the directory if it is missing and opens the store in it.
func CreateDir(path string, groupReadable bool) (*Dir, error) {
	mode := fs.FileMode(0o700)
	if groupReadable {
		mode = 0o750
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(path, mode); err != nil {
			return nil, err
		}
		if groupReadable {
			if err := os.Chmod(path, mode); err != nil {
				return nil, err
			}
		}
	}
	return OpenDir(path, groupReadable)
}

// Close releases the directory. Files that are open stay open.
func (d *Dir) Close() error { return d.root.Close() }

func (d *Dir) String() string { return d.path }

// Path is the local name of a file of the store, for messages.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

type dirFile struct {
	*os.File
	size int64
}

func (f dirFile) Size() int64 { return f.size }

func (d *Dir) Open(name string) (File, error) {
	// To open a pipe would be to wait for who writes to it.
	if info, err := d.root.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return dirFile{f, info.Size()}, nil
}

func (d *Dir) mkdirAbove(name string) error {
	dir := parent(name)
	if dir == "." {
		return nil
	}
	if info, err := d.root.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := d.mkdirAbove(dir); err != nil {
		return err
	}
	if err := d.root.Mkdir(dir, d.dir); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // another process was faster
		}
		return err
	}
	if d.explicit {
		if err := d.root.Chmod(dir, d.dir); err != nil {
			return err
		}
	}
	return d.SyncDir(parent(dir))
}

func (d *Dir) Create(name string) (Out, error) {
	if err := d.mkdirAbove(name); err != nil {
		return nil, err
	}
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, d.file)
	if err != nil {
		return nil, err
	}
	if d.explicit {
		if err := f.Chmod(d.file); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

func (d *Dir) Append(name string, size int64) (Out, error) {
	f, err := d.root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := f.Seek(size, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (d *Dir) Rename(from, to string) error {
	if err := d.mkdirAbove(to); err != nil {
		return err
	}
	return d.root.Rename(from, to)
}

func (d *Dir) Remove(name string) error { return d.root.RemoveAll(name) }

func (d *Dir) List(dir string) ([]fs.DirEntry, error) {
	f, err := d.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	return entries, errors.Join(err, f.Close())
}

func (d *Dir) SyncDir(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Lock takes a kernel lock on a file that is never removed. The kernel drops
// the lock when its holder dies, however it dies. Network file systems may not.
func (d *Dir) Lock(name string) (func() error, error) {
	out, err := d.Create(name)
	if err == nil {
		err = out.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	lock := flock.New(d.Path(name), flock.SetFlag(os.O_RDWR))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrLocked
	}
	return lock.Unlock, nil
}
