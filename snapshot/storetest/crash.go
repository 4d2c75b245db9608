package storetest

import (
	"errors"
	"io/fs"
	"sync"

	"tallyport/snapshot"
)

// ErrCrashed is what every operation returns once the store is dead.
var ErrCrashed = errors.New("the process died here")

// Crasher is a Store that dies at its operation number At (from 1; 0: never),
// and counts the operations that change something. The operation at which it
// dies is not carried out, but for a write half of it is.
//
// With LosePower the files that were written and not synced also lose what was
// not, as if the machine had gone down with the process.
type Crasher struct {
	snapshot.Store
	At        int
	LosePower bool

	mu     sync.Mutex
	ops    int
	dead   bool
	synced map[string]int64 // sizes, of files with unsynced bytes
}

// Ops is the number of operations so far.
func (c *Crasher) Ops() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ops
}

// step counts an operation and reports whether it may go on.
func (c *Crasher) step() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return false
	}
	if c.ops++; c.ops != c.At {
		return true
	}
	c.dead = true
	if c.LosePower {
		for name, size := range c.synced {
			if out, err := c.Store.Append(name, size); err == nil {
				out.Close()
			}
		}
	}
	return false
}

func (c *Crasher) Create(name string) (snapshot.Out, error) {
	if !c.step() {
		return nil, ErrCrashed
	}
	out, err := c.Store.Create(name)
	return c.follow(name, 0, out, err)
}

func (c *Crasher) Append(name string, size int64) (snapshot.Out, error) {
	if !c.step() {
		return nil, ErrCrashed
	}
	out, err := c.Store.Append(name, size)
	return c.follow(name, size, out, err)
}

func (c *Crasher) Rename(from, to string) error {
	if !c.step() {
		return ErrCrashed
	}
	return c.Store.Rename(from, to)
}

func (c *Crasher) Remove(name string) error {
	if !c.step() {
		return ErrCrashed
	}
	return c.Store.Remove(name)
}

func (c *Crasher) SyncDir(dir string) error {
	if !c.step() {
		return ErrCrashed
	}
	return nil // what is not lost is durable here, and syncing takes long
}

func (c *Crasher) List(dir string) ([]fs.DirEntry, error) {
	if c.isDead() {
		return nil, ErrCrashed
	}
	return c.Store.List(dir)
}

func (c *Crasher) Open(name string) (snapshot.File, error) {
	if c.isDead() {
		return nil, ErrCrashed
	}
	return c.Store.Open(name)
}

func (c *Crasher) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

func (c *Crasher) follow(name string, size int64, out snapshot.Out, err error) (snapshot.Out, error) {
	if err != nil {
		return nil, err
	}
	return &crashOut{Out: out, c: c, name: name, size: size}, nil
}

type crashOut struct {
	snapshot.Out
	c    *Crasher
	name string
	size int64
}

func (o *crashOut) Write(b []byte) (int, error) {
	if o.c.isDead() {
		return 0, ErrCrashed
	}
	if !o.c.step() {
		n, _ := o.Out.Write(b[:len(b)/2])
		return n, ErrCrashed
	}
	o.c.note(o.name, o.size)
	n, err := o.Out.Write(b)
	o.size += int64(n)
	return n, err
}

// note remembers the size that a file is sure to have.
func (c *Crasher) note(name string, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.synced == nil {
		c.synced = map[string]int64{}
	}
	if _, ok := c.synced[name]; !ok {
		c.synced[name] = size
	}
}

func (o *crashOut) Sync() error {
	if !o.c.step() {
		return ErrCrashed
	}
	o.c.mu.Lock()
	delete(o.c.synced, o.name)
	o.c.mu.Unlock()
	return nil
}

func (o *crashOut) Close() error {
	err := o.Out.Close()
	if o.c.isDead() {
		return ErrCrashed
	}
	return err
}
