package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"strings"

	"tallyport/schemas"
)

// userList is the users that --users names; nil stands for all.
type userList struct{ ids []schemas.UserID }

// readUsers reads one guid a line. Empty lines and lines that begin with # do
// not count; a guid that stands twice counts once.
func readUsers(file string) (*userList, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("--users: %v", err)
	}
	l := &userList{}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // of editors that mark UTF-8
	for i, line := range bytes.Split(data, []byte("\n")) {
		text := bytes.TrimSpace(line)
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		id := schemas.UserID(text)
		if !plausibleUser(id) {
			return nil, usagef("--users: line %d of %s is not a user guid: %.60q; they begin with %s", i+1, file, text, userPrefix)
		}
		l.ids = append(l.ids, id)
	}
	if len(l.ids) == 0 {
		return nil, usagef("--users: %s names no user", file)
	}
	slices.Sort(l.ids)
	l.ids = slices.Compact(l.ids)
	return l, nil
}

const userPrefix = "USR-"

// plausibleUser tells a guid from another column of somebody's table. What
// follows the prefix is MX's own business.
func plausibleUser(id schemas.UserID) bool {
	rest, ok := strings.CutPrefix(string(id), userPrefix)
	return ok && rest != "" && schemas.ValidID(id)
}

func (l *userList) list() []schemas.UserID {
	if l == nil {
		return nil
	}
	return l.ids
}

// digest is how a plan names the list.
func (l *userList) digest() string {
	if l == nil {
		return "all"
	}
	h := sha256.New()
	for _, id := range l.ids {
		h.Write([]byte(id))
		h.Write([]byte{'\n'})
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
