// Package snapshot reads and writes snapshots: immutable sorted files that
// become visible all at once, when their manifest does.
//
// FORMAT.md, beside this file, specifies every file of a store. An export
// writes through a Writer: Begin starts a snapshot or resumes the one that a
// dead process left, a Batch takes the rows of one user and makes them durable
// in one step, and Publish verifies every file, moves it into place and writes
// the manifest last.
package snapshot

import (
	"errors"
	"io"
	"io/fs"
)

// Store is a place that keeps a tree of files. Names are slash-separated and
// relative (fs.ValidPath); no name can lead out of the tree. storetest checks
// that an implementation keeps these promises.
type Store interface {
	// Open opens a file for reading.
	Open(name string) (File, error)
	// Create makes a file, and the directories above it, for writing. It fails
	// with fs.ErrExist if there is one of that name.
	Create(name string) (Out, error)
	// Append cuts an existing file to size and opens it for writing at its end.
	Append(name string, size int64) (Out, error)
	// Rename moves a file over whatever has the new name, or a directory to a
	// name that is free, in one step. It makes the directories above the new name.
	Rename(from, to string) error
	// Remove deletes a file, or a directory and everything below it. What is
	// not there is no error.
	Remove(name string) error
	// List returns the entries of a directory by name; none if it is not there.
	List(dir string) ([]fs.DirEntry, error)
	// SyncDir makes the creations, renames and removals in a directory durable.
	SyncDir(dir string) error
	// Lock takes the named lock, which dies with its holder. It returns
	// ErrLocked if another holder has it.
	Lock(name string) (unlock func() error, err error)
	// String names the store in messages.
	String() string
}

// File is an open file of a Store. Its size is that at opening; ReadAt also
// sees what is appended later.
type File interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
	Size() int64
}

// Out is a file being written. What was written is durable after Sync.
type Out interface {
	io.Writer
	Sync() error
	Close() error
}

// ErrLocked is returned when another process holds the lock.
var ErrLocked = errors.New("locked by another run")

// readAll returns the content of a file of at most limit bytes.
func readAll(st Store, name string, limit int64) (data []byte, err error) {
	f, err := st.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if f.Size() > limit {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("larger than any such file can be")}
	}
	return io.ReadAll(f)
}

// Replace writes the file in one step: a reader sees the old content or the new
// one, also after a crash.
func Replace(st Store, name string, data []byte) error {
	tmp := name + ".tmp"
	if err := st.Remove(tmp); err != nil { // of a run that died here
		return err
	}
	out, err := st.Create(tmp)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, st.Remove(tmp)) // a full disk needs the room
	}
	if err := st.Rename(tmp, name); err != nil {
		return err
	}
	return st.SyncDir(parent(name))
}

// parent is the directory that holds name, "." for the root.
func parent(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return name[:i]
		}
	}
	return "."
}

func exists(st Store, name string) (bool, error) {
	entries, err := st.List(parent(name))
	if err != nil {
		return false, err
	}
	base := name
	if p := parent(name); p != "." {
		base = name[len(p)+1:]
	}
	for _, e := range entries {
		if e.Name() == base {
			return true, nil
		}
	}
	return false, nil
}
