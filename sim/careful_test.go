package sim

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// careful is a small client that does what a client of MX should: it retries,
// waits when it is told to, distrusts lists that change under it, and looks at a
// member's status before and after. It exists to show that such a client gets
// through the default weather; it is not the product's.
type careful struct {
	w *World
	t *testing.T
}

var (
	errGone = errors.New("not found")
	errTorn = errors.New("torn")
)

const careTries = 8

// ask returns the body of a 200.
func (c *careful) ask(path string) ([]byte, error) {
	var last error
	for range careTries {
		resp, body, err := send(c.w, newRequest(c.t, path))
		switch {
		case err != nil:
			last = err
			time.Sleep(50 * time.Millisecond)
		case resp.StatusCode == 200:
			return body, nil
		case resp.StatusCode == 429 || resp.StatusCode >= 500:
			last = errors.New(resp.Status)
			time.Sleep(c.pause(resp))
		case resp.StatusCode == 404:
			return nil, errGone
		default:
			return nil, errors.New(resp.Status)
		}
	}
	return nil, last
}

// pause is how long to wait after a refusal.
func (c *careful) pause(resp *http.Response) time.Duration {
	after := resp.Header.Get("Retry-After")
	if s, err := strconv.Atoi(after); err == nil {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(after); err == nil {
		now, err := http.ParseTime(resp.Header.Get("Date"))
		if err != nil {
			c.t.Errorf("Date: %v", err)
		}
		return at.Sub(now)
	}
	return 50 * time.Millisecond
}

// list walks a list until one walk shows no contradiction, three times at most.
func (c *careful) list(path string, size int) ([]seen, error) {
	for range 3 {
		all, err := c.walkOnce(path, size)
		if !errors.Is(err, errTorn) {
			return all, err
		}
	}
	return nil, errTorn
}

func (c *careful) walkOnce(path string, size int) ([]seen, error) {
	var all []seen
	guids := map[string]bool{}
	total := -1
	for n := 1; ; n++ {
		body, err := c.ask(fmt.Sprintf("%s?records_per_page=%d&page=%d", path, size, n))
		if err != nil {
			return nil, err
		}
		p, err := parsePage(body)
		if err != nil {
			return nil, err
		}
		for _, e := range p.Entries {
			if guids[e.text("guid")] {
				return nil, errTorn
			}
			guids[e.text("guid")] = true
		}
		all = append(all, p.Entries...)
		g := p.Pagination
		if g == nil {
			return all, nil
		}
		if g.CurrentPage != n || g.PerPage != size || total >= 0 && g.TotalEntries != total {
			return nil, errTorn
		}
		if total = g.TotalEntries; n >= g.TotalPages {
			if len(all) != total {
				return nil, errTorn
			}
			return all, nil
		}
	}
}

// harvest is what the client has of one member.
type harvest struct{ accounts, rows, owners []seen }

// member reads all of a member between two equal statuses.
func (c *careful) member(base string) (h harvest, err error) {
	for range 3 {
		before, err := c.ask(base + "/status")
		if err != nil {
			return h, err
		}
		if h.accounts, err = c.list(base+"/accounts", 25); err != nil {
			return h, err
		}
		if h.rows, err = c.list(base+"/transactions", 25); err != nil {
			return h, err
		}
		if h.owners, err = c.list(base+"/account_owners", 25); err != nil {
			return h, err
		}
		after, err := c.ask(base + "/status")
		if err != nil {
			return h, err
		}
		if sameStatus(before, after) {
			return h, nil
		}
	}
	return h, errTorn
}

// sameStatus compares two statuses whatever the order of their keys.
func sameStatus(a, b []byte) bool {
	x, errx := parseSingle(a)
	y, erry := parseSingle(b)
	for _, k := range []string{"aggregated_at", "successfully_aggregated_at", "is_being_aggregated"} {
		if !bytes.Equal(x[k], y[k]) {
			return false
		}
	}
	return errx == nil && erry == nil
}

// A careful client in the default weather gets at least 97 % of the members
// that exist, and what it has of them is true to the last literal; whatever it
// has not has a reason.
func TestCarefulClientGetsThrough(t *testing.T) {
	const seeds = 5
	members, whole := 0, 0
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			w := New(Config{Seed: seed, Users: 50, Transactions: 20})
			m, c := carefulRun(t, w)
			members, whole = members+m, whole+c
			s := w.Stats()
			t.Logf("seed %d: %d of %d members; %d requests, %d with 429, %d resets, %d truncated, %d slow, %d drifted, %d fallbacks, %d inside Retry-After",
				seed, c, m, s.Total, s.RateLimited, s.Resets, s.Truncated, s.Slow, s.Drifted, s.Fallbacks, s.InRetryAfter)
			if s.InRetryAfter != 0 || s.OpenBodies != 0 || s.MaxInFlight != 1 {
				t.Errorf("seed %d: manners of a sequential client: %d inside Retry-After, %d open bodies, %d in flight", seed, s.InRetryAfter, s.OpenBodies, s.MaxInFlight)
			}
			if s.RateLimited == 0 || s.Resets == 0 || s.Truncated == 0 {
				t.Errorf("seed %d: the weather was calm", seed)
			}
		})
	}
	if whole*100 < members*97 {
		t.Errorf("%d of %d members in %d seeds", whole, members, seeds)
	}
}

// carefulRun exports a world and compares it with the truth. It returns how many
// members can be read at all, and how many were.
func carefulRun(t *testing.T, w *World) (members, whole int) {
	c := &careful{w, t}
	users, err := c.list("/users", 25)
	if err != nil {
		t.Fatalf("users: %v", err)
	}
	got := map[string]harvest{}
	fate := map[string]error{}
	for _, u := range users {
		base := "/users/" + u.text("guid")
		list, err := c.list(base+"/members", 25)
		if err != nil {
			fate[u.text("guid")] = err
			continue
		}
		for _, m := range list {
			h, err := c.member(base + "/members/" + m.text("guid"))
			if err != nil {
				fate[m.text("guid")] = err
				continue
			}
			got[m.text("guid")] = h
		}
	}
	tr := w.Truth()
	from, to := days(w)
	everyMember(tr, func(user string, m Record) {
		id := m.Text("guid")
		state := tr.State(user)
		if state.Disabled {
			if fate[user] == nil {
				t.Errorf("disabled user %s was read", user)
			}
			return
		}
		members++
		h, ok := got[id]
		if !ok {
			if fate[id] == nil && fate[user] == nil {
				t.Errorf("member %s is missing without a reason", id)
			}
			return
		}
		whole++
		sameRecords(t, "accounts", "guid", h.accounts, tr.Accounts(user, id))
		sameRecords(t, "transactions", "guid", h.rows, tr.Transactions(user, id, from, to))
		sameRecords(t, "owners", "guid", h.owners, tr.Owners(user, id))
	})
	return members, whole
}
