package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"list", "show", "verify", "prune", "v", "page-size"}
	for word, want := range map[string]string{
		"lst": "list", "lsit": "list", "shwo": "show", "veriffy": "verify", "prnue": "prune", "page_size": "page-size",
		"": "", "x": "", "remove": "", "li": "", "l": "", "shom": "show", "some": "",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"ab", "ba", 1}, {"sotre", "store", 1}, {"sotre", "source", 2}, {"kitten", "sitting", 3}} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("edits(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// A store that may not be written is a matter of settings, and says which
// store and what to do; other errors stay what they are.
func TestDenied(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code int
		want string
	}{
		"no permission": {&fs.PathError{Op: "openat", Path: "_export.lock", Err: syscall.EACCES}, 2, "--store /data/mx may not be read or written by this user (openat _export.lock: permission denied); change its owner"},
		"rename":        {&os.LinkError{Op: "renameat", Old: "a", New: "b", Err: syscall.EACCES}, 2, "--store /data/mx may not"},
		"read-only":     {fmt.Errorf("begin: %w", &fs.PathError{Op: "mkdirat", Path: "_staging", Err: syscall.EROFS}), 2, "--store /data/mx is on a file system that is mounted read-only"},
		"disk full":     {&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, 1, "write x: no space left"},
		"network":       {errors.Join(errors.New("list of users"), syscall.EACCES), 1, "list of users"},
		"interrupted":   {errors.Join(&fs.PathError{Op: "openat", Path: "x", Err: syscall.EACCES}, Interrupted{syscall.SIGTERM}), 143, "--store /data/mx"},
		"nothing":       {nil, 0, ""},
	} {
		err := denied("/data/mx", denied("/data/mx", c.err))
		if code := exitCode(err); code != c.code {
			t.Errorf("%s: exit code %d, want %d", name, code, c.code)
		}
		if err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
