//go:build unix

package cli

import "golang.org/x/sys/unix"

// freeBytes is the space that this user may still fill on the disk of path.
func freeBytes(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// writable reports why files cannot be made in the directory, without making one.
func writable(path string) error {
	if err := unix.Access(path, unix.W_OK|unix.X_OK); err != nil {
		return usagef("--store %s cannot be written: %v; change its owner or name another directory", path, err)
	}
	return nil
}
