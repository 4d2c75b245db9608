package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"tallyport/sim"
)

const (
	pageSize = 1000
	inFlight = 16
)

// world describes a pretend MX in calm weather that answers plain JSON. None
// of its values are malformed: the peers have no place to put them.
type world struct {
	Users      int           `json:"users"`
	Members    float64       `json:"members_per_user,omitempty"`
	PerAccount float64       `json:"transactions_per_account"`
	Giant      int           `json:"transactions_of_one_user,omitempty"`
	Latency    time.Duration `json:"latency_ns"`

	Defects map[string]float64 `json:"defects,omitempty"`
	Past    time.Duration      `json:"past_ns,omitempty"` // by which its clock begins earlier
}

func (w world) String() string {
	s := fmt.Sprintf("%d users, %g transactions per account", w.Users, w.PerAccount)
	if w.Members > 0 {
		s += fmt.Sprintf(", %g members each", w.Members)
	}
	if w.Giant > 0 {
		s += fmt.Sprintf(", one user with %d", w.Giant)
	}
	return s
}

// began is the clock of every world, the same in all processes of a run and
// never in the future.
var began = time.Now().UTC().Truncate(24 * time.Hour)

func (w world) config() sim.Config {
	calm := sim.Calm()
	return sim.Config{
		Seed: 1, Users: w.Users, Members: w.Members, Transactions: w.PerAccount, Giant: w.Giant, Latency: w.Latency,
		Start: began.Add(-w.Past), Defects: w.Defects, Unfit: -1, Churn: -1, NoGzip: true, Weather: &calm,
	}
}

// window is the dates of the transactions that are asked for.
func window() (from, to time.Time) { return began.AddDate(0, 0, -90), began.AddDate(0, 0, 5) }

// list is the transactions of one member.
type list struct {
	user, member string
	pages        int
}

// truth is what a reader of the world has to ask for, by the world itself and
// not by what it served.
type truth struct {
	minimum int // requests
	several int // lists of more than one page
	lists   []list
}

func (w world) truth() truth {
	t := sim.New(w.config()).Truth()
	from, to := window()
	var all truth
	pages := func(rows int) int {
		if rows > pageSize {
			all.several++
		}
		return max(1, (rows+pageSize-1)/pageSize)
	}
	users, codes := 0, map[string]bool{}
	for u := range t.Users() {
		users++
		user := u.Text("guid")
		if t.State(user).Disabled {
			all.minimum++ // the refusal
			continue
		}
		members := 0
		for m := range t.Members(user) {
			members++
			member := m.Text("guid")
			codes[m.Text("institution_code")] = true
			accounts, rows := 0, 0
			for range t.Accounts(user, member) {
				accounts++
			}
			for range t.Transactions(user, member, from, to) {
				rows++
			}
			const statuses, owners = 2, 1
			l := list{user, member, pages(rows)}
			all.lists = append(all.lists, l)
			all.minimum += statuses + pages(accounts) + l.pages + owners
		}
		all.minimum += pages(members)
	}
	all.minimum += pages(users) + len(codes)
	return all
}

// urls are the addresses of all pages of transactions.
func (t truth) urls(base string) []string {
	from, to := window()
	var all []string
	for _, l := range t.lists {
		for page := 1; page <= l.pages; page++ {
			all = append(all, fmt.Sprintf("%s/users/%s/members/%s/transactions?from_date=%s&to_date=%s&page=%d&records_per_page=%d",
				base, l.user, l.member, from.Format(time.DateOnly), to.Format(time.DateOnly), page, pageSize))
		}
	}
	return all
}

// summary is what export --json says.
type summary struct {
	Status   string           `json:"status"`
	Rows     map[string]int64 `json:"rows"`
	Requests struct {
		Total   int `json:"total"`
		Retried int `json:"retried"`
	} `json:"requests"`
}

// exportArgs are the arguments of every export that is measured.
func exportArgs() []string {
	from, to := window()
	return []string{"export", "--page-size", strconv.Itoa(pageSize), "--concurrency", strconv.Itoa(inFlight),
		"--from", from.Format(time.DateOnly), "--to", to.Format(time.DateOnly), "--quiet", "--json"}
}

// export runs one export of everything into a new store.
func (b *bench) export(s *server) (usage, summary, error) {
	var sum summary
	store := filepath.Join(b.dir, "store")
	if err := os.RemoveAll(store); err != nil {
		return usage{}, sum, err
	}
	var out bytes.Buffer
	cmd := exec.Command(b.bin, append(exportArgs(), "--base-url", s.url, "--store", store)...)
	cmd.Env, cmd.Stdout = keys(), &out
	u, err := run(cmd)
	if err != nil {
		return u, sum, err
	}
	if err := json.Unmarshal(out.Bytes(), &sum); err != nil {
		return u, sum, err
	}
	if sum.Status != "complete" {
		return u, sum, fmt.Errorf("the snapshot is %s", sum.Status)
	}
	return u, sum, nil
}

// exportOf exports a world that nothing else is asked of.
func (b *bench) exportOf(w world) (u usage, sum summary, served sim.Stats, err error) {
	s, err := start(w)
	if err != nil {
		return u, sum, served, err
	}
	u, sum, err = b.export(s)
	served, e := s.stop()
	if err = errors.Join(err, e); err == nil && served.Total != sum.Requests.Total {
		err = fmt.Errorf("%d requests were counted, %d were served", sum.Requests.Total, served.Total)
	}
	return u, sum, served, err
}
