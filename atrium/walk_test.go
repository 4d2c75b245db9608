package atrium

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tallyport/schemas"
)

func TestWalk(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 200, 250, 1000} {
		s := &tiny{guids: users(n)}
		c := newClient(t, s, Options{})
		guids, w, err := walkUsers(t, c)
		pages := max(1, (n+99)/100)
		requests := pages
		if pages > 1 {
			requests++ // the first page once more
		}
		if err != nil || !w.Complete() || !slices.Equal(guids, s.guids) && n > 0 || len(s.asked) != requests {
			t.Errorf("%d users: %v, %+v, %d came in %d requests", n, err, w, len(guids), len(s.asked))
		}
		if w.Pages != pages || w.Rows != n || w.DistinctGUIDs != n || w.RepeatedGUIDs != 0 || w.TotalFirst != n || w.TotalLast != n ||
			w.PageSizeAsked != 100 || w.PageSizeEchoed != 100 || w.HTTPStatus != 200 || w.Tries != 1 || w.ObservedAt == 0 || w.Detail != "" || len(w.RequestIDs) != min(4, requests) {
			t.Errorf("%d users: %+v", n, w)
		}
		for i, q := range s.asked {
			if want := fmt.Sprintf("page=%d&records_per_page=100", i%pages+1); q != want {
				t.Errorf("request %d asks %s, want %s", i, q, want)
			}
		}
	}
}

// Everything that says that a list moved starts the walk again; three times it
// is given up, with the rows of the last try, each once.
func TestTornWalks(t *testing.T) {
	last := func(s *tiny) { s.guids = s.guids[:len(s.guids)-1] }
	for name, move := range map[string]func(s *tiny, request int){
		"added at the end":     func(s *tiny, _ int) { s.guids = append(s.guids, fmt.Sprint("USR-new", len(s.asked))) },
		"added at the front":   func(s *tiny, _ int) { s.guids = slices.Insert(s.guids, 0, fmt.Sprint("USR-new", len(s.asked))) },
		"removed at the end":   func(s *tiny, _ int) { last(s) },
		"removed at the front": func(s *tiny, _ int) { s.guids = s.guids[1:] },
		"added and removed": func(s *tiny, _ int) {
			last(s)
			s.guids = slices.Insert(s.guids, 0, fmt.Sprint("USR-new", len(s.asked)))
		},
		"removed and added": func(s *tiny, _ int) {
			s.guids = append(s.guids[1:len(s.guids):len(s.guids)], fmt.Sprint("USR-new", len(s.asked)))
		},
		"a user replaced another": func(s *tiny, _ int) { s.guids[3] = fmt.Sprint("USR-new", len(s.asked)) },
		"a user changed": func(s *tiny, _ int) {
			s.guids[3] = fmt.Sprintf(`{"guid":"USR-3","identifier":"%d"}`, len(s.asked))
		},
	} {
		t.Run(name, func(t *testing.T) {
			// It moves once, between any two requests of the walk.
			for at := 2; at <= 4; at++ {
				s := &tiny{guids: users(250)}
				s.before = func(s *tiny, request int) {
					if request == at {
						move(s, request)
					}
				}
				guids, w, err := walkUsers(t, newClient(t, s, Options{}))
				if err != nil || !w.Complete() || w.Tries != 2 || !slices.Equal(guids, plain(s.guids)) {
					t.Errorf("moved before request %d: %v, %+v, %d of %d rows", at, err, w, len(guids), len(s.guids))
				}
			}
			// It never stops moving.
			s := &tiny{guids: users(250)}
			s.before = func(s *tiny, request int) {
				if request > 1 {
					move(s, request)
				}
			}
			guids, w, err := walkUsers(t, newClient(t, s, Options{}))
			if err != nil || w.Reason != schemas.Torn || w.Tries != 3 || w.Detail == "" || len(s.asked) > 20 {
				t.Errorf("%v, %+v, %d requests", err, w, len(s.asked))
			}
			if n := len(guids); n < 240 || n != w.DistinctGUIDs || w.Rows != w.DistinctGUIDs+w.RepeatedGUIDs || len(slices.Compact(slices.Sorted(slices.Values(guids)))) != n {
				t.Errorf("%d rows delivered: %+v", n, w)
			}
		})
	}
}

// plain is the guids of records.
func plain(records []string) []string {
	var guids []string
	for _, r := range records {
		if strings.HasPrefix(r, "{") {
			r = strings.Split(r, `"`)[3]
		}
		guids = append(guids, r)
	}
	return guids
}

// Under a server that moves at random a walk ends complete only with a list
// that was there, or not at all; but for moves that cancel each other between
// two requests, behind the first page: those paging by offset cannot show.
func TestRandomDrift(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	complete, torn, unseen := 0, 0, 0
	for range 300 {
		s := &tiny{guids: users(20 + rnd.IntN(80))}
		moved := 0 // the request before which it moved last
		history := map[string]bool{}
		remember := func() { history[strings.Join(s.guids, " ")] = true }
		remember()
		s.before = func(s *tiny, request int) {
			if rnd.IntN(6) > 0 || len(s.guids) < 15 {
				return
			}
			for n := range 1 + rnd.IntN(3) {
				i := rnd.IntN(len(s.guids))
				if rnd.IntN(2) == 0 {
					s.guids = slices.Delete(slices.Clone(s.guids), i, i+1)
				} else {
					s.guids = slices.Insert(slices.Clone(s.guids), i, fmt.Sprint("USR-new", request, n))
				}
			}
			moved = request
			remember()
		}
		guids, w, err := walkUsers(t, newClient(t, s, Options{PageSize: 10}))
		switch {
		case err != nil:
			t.Fatal(err)
		case w.Complete():
			complete++
			if !history[strings.Join(guids, " ")] {
				unseen++
				if w.TotalFirst != w.TotalLast || len(guids) != w.TotalFirst {
					t.Fatalf("a list that never was: %+v", w)
				}
			}
		case w.Reason == schemas.Torn && w.Tries == 3 && moved > 0:
			torn++
		default:
			t.Fatalf("%+v, last moved before request %d", w, moved)
		}
	}
	t.Logf("%d complete, %d of them with moves that cancelled each other, %d torn", complete, unseen, torn)
}

// Servers that lie about the list are not believed, and do not keep us.
func TestLyingServers(t *testing.T) {
	for name, c := range map[string]struct {
		n      int
		lie    func(page, size, total, pages *int)
		reason schemas.Reason
		most   int // requests
	}{
		"no pages of nothing":     {0, func(_, _, _, pages *int) { *pages = 0 }, "", 1},
		"endless total":           {250, func(_, _, total, pages *int) { *total = 50_000_000; *pages = 500_000 }, schemas.Torn, 20},
		"absurd total":            {250, func(_, _, total, _ *int) { *total = 1 << 40 }, schemas.Undecodable, 1},
		"total too small":         {250, func(_, _, total, pages *int) { *total = 150; *pages = 2 }, schemas.Torn, 20},
		"total of one more":       {250, func(_, _, total, _ *int) { *total++ }, schemas.Torn, 20},
		"total of none":           {250, func(_, _, total, pages *int) { *total = 0; *pages = 1 }, schemas.Torn, 20},
		"too many pages":          {250, func(_, _, _, pages *int) { *pages = 1 << 20 }, schemas.Torn, 60},
		"too few pages":           {250, func(_, _, _, pages *int) { *pages = 1 }, schemas.Torn, 20},
		"always page 1":           {250, func(page, _, _, _ *int) { *page = 1 }, schemas.Torn, 20},
		"no page":                 {250, func(page, _, _, _ *int) { *page = 0 }, schemas.Torn, 20},
		"total grows by the page": {250, func(page, _, total, pages *int) { *total += 100 * *page; *pages += *page }, schemas.Torn, 60},
	} {
		t.Run(name, func(t *testing.T) {
			s := &tiny{guids: users(c.n), lie: c.lie}
			_, w, err := walkUsers(t, newClient(t, s, Options{}))
			if err != nil || w.Reason != c.reason || len(s.asked) > c.most {
				t.Errorf("%v, %+v, %d requests", err, w, len(s.asked))
			}
		})
	}
	// The same page for ever, whatever is asked.
	s := &tiny{guids: users(100), answer: func(s *tiny, _ int, r *http.Request) *http.Response {
		q := r.URL.Query()
		asked := q.Get("page")
		q.Set("page", "1")
		body := strings.Replace(s.page(q), `"current_page":1`, `"current_page":`+asked, 1)
		return reply(200, strings.Replace(body, `"total_entries":100,"total_pages":1`, `"total_entries":10000,"total_pages":100`, 1))
	}}
	if guids, w, err := walkUsers(t, newClient(t, s, Options{})); err != nil || w.Reason != schemas.Torn || len(s.asked) != 6 || len(guids) != 100 || w.RepeatedGUIDs != 100 {
		t.Errorf("%v, %+v, %d requests", err, w, len(s.asked))
	}
}

// A guid twice in one page is as good as a move.
func TestRepeatedGUID(t *testing.T) {
	s := &tiny{guids: []string{"USR-1", "USR-2", "USR-1"}}
	guids, w, err := walkUsers(t, newClient(t, s, Options{}))
	if err != nil || w.Reason != schemas.Torn || !slices.Equal(guids, []string{"USR-1", "USR-2"}) || w.RepeatedGUIDs != 1 || w.DistinctGUIDs != 2 || w.Rows != 3 {
		t.Errorf("%v, %+v, %v", err, w, guids)
	}
}

// A size that the server does not honour comes back as 25; the walk goes on
// with what was honoured, and says so.
func TestPageSizeFallsBack(t *testing.T) {
	s := &tiny{guids: users(60), honour: func(size int) bool { return size == 25 }}
	guids, w, err := walkUsers(t, newClient(t, s, Options{}))
	want := []string{"page=1&records_per_page=100", "page=2&records_per_page=25", "page=3&records_per_page=25", "page=1&records_per_page=25"}
	if err != nil || !w.Complete() || len(guids) != 60 || !slices.Equal(s.asked, want) || w.PageSizeAsked != 25 || w.PageSizeEchoed != 25 || w.Tries != 1 {
		t.Errorf("%v, %+v, %d rows, %q", err, w, len(guids), s.asked)
	}

	// From the second page on: the walk begins again.
	s = &tiny{guids: users(250)}
	s.honour = func(size int) bool { return size == 25 || len(s.asked) < 2 }
	guids, w, err = walkUsers(t, newClient(t, s, Options{}))
	if err != nil || !w.Complete() || len(guids) != 250 || w.Tries != 2 || w.Pages != 10 || w.PageSizeEchoed != 25 || s.asked[2] != "page=1&records_per_page=25" {
		t.Errorf("%v, %+v, %d rows, %q", err, w, len(guids), s.asked)
	}

	// At random, for ever.
	s = &tiny{guids: users(250), answer: func(s *tiny, n int, r *http.Request) *http.Response {
		q := r.URL.Query()
		q.Set("records_per_page", []string{"100", "25"}[n%2])
		return reply(200, s.page(q))
	}}
	guids, w, err = walkUsers(t, newClient(t, s, Options{}))
	if err != nil || w.Reason != schemas.Torn || w.Tries != 3 || len(s.asked) > 12 || len(guids) == 0 {
		t.Errorf("%v, %+v, %d rows, %q", err, w, len(guids), s.asked)
	}
}

// The largest size that a list honours is looked for once, however many walks
// begin at the same time.
func TestPageSizeAuto(t *testing.T) {
	for _, c := range []struct {
		honoured []int
		status   int // for the others; 0: pages of 25
		asked    []string
		size     int
	}{
		{[]int{1000, 100}, 0, []string{"1000"}, 1000},
		{[]int{100}, 0, []string{"1000", "100"}, 100},
		{nil, 0, []string{"1000", "100"}, 25},
		{[]int{100}, 400, []string{"1000", "100"}, 100},
		{[]int{100}, 422, []string{"1000", "100"}, 100},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &tiny{guids: users(20), honour: func(size int) bool { return slices.Contains(c.honoured, size) }}
			s.answer = func(s *tiny, _ int, r *http.Request) *http.Response {
				if size, _ := strconv.Atoi(r.URL.Query().Get("records_per_page")); c.status != 0 && !slices.Contains(c.honoured, size) {
					return reply(c.status, `{"error":{"message":"records_per_page"}}`)
				}
				return nil
			}
			slow := transport(func(r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return s.RoundTrip(r)
			})
			client := newClient(t, slow, Options{PageSize: PageSizeAuto})
			var wg sync.WaitGroup
			for range 40 {
				wg.Go(func() {
					if guids, w, err := walkUsers(t, client); err != nil || !w.Complete() || len(guids) != 20 || w.PageSizeEchoed != c.size || w.PageSizeAsked < c.size {
						t.Errorf("%v, %+v", err, w)
					}
				})
			}
			wg.Wait()
			want := slices.Clone(c.asked)
			for len(want) < 39+len(c.asked) {
				want = append(want, strconv.Itoa(c.size))
			}
			for i, q := range s.asked {
				if q != "page=1&records_per_page="+want[i] {
					t.Errorf("request %d asks %s, want %s", i, q, want[i])
				}
			}
			if len(s.asked) != len(want) {
				t.Errorf("%d requests, want %d", len(s.asked), len(want))
			}
		})
	}
}

// Each kind of list is probed by itself; a probe that fails is taken over; and
// a list without pagination does not make its walks queue.
func TestPageSizeAutoPerList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := true
		s := &tiny{answer: func(s *tiny, n int, r *http.Request) *http.Response {
			if fail {
				return reply(404, "")
			}
			key := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
			if key == "account_owners" {
				return reply(200, `{"account_owners":[]}`)
			}
			return reply(200, strings.Replace(s.page(r.URL.Query()), `"users"`, `"`+key+`"`, 1))
		}}
		c := newClient(t, s, Options{PageSize: PageSizeAuto})
		ignore := func(int, *schemas.Rows) error { return nil }
		walk := func(l schemas.List) schemas.Walk {
			w, err := c.Walk(t.Context(), l, ignore)
			if err != nil {
				t.Error(err)
			}
			return w
		}
		if w := walk(usersList); w.Reason != schemas.NotFound {
			t.Error(w)
		}
		fail = false
		lists := []schemas.List{
			usersList, {Resource: schemas.InstitutionsResource}, {Resource: schemas.MembersResource, User: "U"},
			{Resource: schemas.AccountsResource, User: "U"}, {Resource: schemas.AccountsResource, User: "U", Member: "M"},
			{Resource: schemas.TransactionsResource, User: "U"}, {Resource: schemas.TransactionsResource, User: "U", Member: "M"},
			{Resource: schemas.TransactionsResource, User: "U", Member: "M", Account: "A"},
			{Resource: schemas.AccountOwnersResource, User: "U", Member: "M"},
		}
		for range 2 {
			for _, l := range lists {
				if w := walk(l); !w.Complete() || w.PageSizeAsked != 1000 {
					t.Errorf("%+v", w)
				}
			}
		}
		if len(c.sizes.found) != len(lists) {
			t.Errorf("%d kinds of lists, want %d", len(c.sizes.found), len(lists))
		}
		for kind, p := range c.sizes.found {
			if p.size.Load() != 1000 {
				t.Errorf("%q: size %d", kind, p.size.Load())
			}
		}
	})
}

// A record that cannot be decoded costs the walk its completeness, and no
// other record.
func TestLostRecords(t *testing.T) {
	s := &tiny{guids: []string{"USR-1", `{"identifier":"x"}`, `{"guid":"USR-3","guid":"USR-3"}`, "USR-4", `{"guid":"USR-5","metadata":1}`}}
	guids, w, err := walkUsers(t, newClient(t, s, Options{}))
	if err != nil || w.Reason != schemas.Undecodable || w.Detail != "page 1, record 2: guid is missing; and 1 more records" ||
		!slices.Equal(guids, []string{"USR-1", "USR-4", "USR-5"}) || w.Rows != 5 || w.DistinctGUIDs != 4 || w.Unfit != 1 || w.Tries != 1 {
		t.Errorf("%v, %+v, %v", err, w, guids)
	}
}

// The last look at the first page is part of the walk.
func TestRereadFails(t *testing.T) {
	for body, want := range map[string]schemas.Reason{"": schemas.NotFound, `{"users":[]}`: schemas.Undecodable} {
		s := &tiny{guids: users(250), answer: func(_ *tiny, n int, _ *http.Request) *http.Response {
			switch {
			case n < 4:
				return nil
			case body == "":
				return reply(404, "")
			}
			return reply(200, body)
		}}
		guids, w, err := walkUsers(t, newClient(t, s, Options{}))
		if err != nil || w.Reason != want || w.Rows != 250 || len(guids) != 250 || len(s.asked) != 4 {
			t.Errorf("%q: %v, %+v", body, err, w)
		}
	}
	s := &tiny{guids: []string{`{"guid":"USR-1","guid":"USR-1"}`, `{"guid":"USR-1","x":1,"X":1}`}}
	if _, w, err := walkUsers(t, newClient(t, s, Options{})); err != nil || w.Reason != schemas.Torn || w.RepeatedGUIDs != 1 {
		t.Errorf("the same guid in two lost records: %v, %+v", err, w)
	}
}

// account_owners come without pagination, and without guid from some versions.
func TestAccountOwners(t *testing.T) {
	list := schemas.List{Resource: schemas.AccountOwnersResource, User: "U", Member: "M"}
	const two = `{"account_owners":[{"account_guid":"A","owner_name":"Ann"},{"account_guid":"A","owner_name":"Bob"}]}`
	for body, want := range map[string]string{
		two:                     " 2 rows, 0 distinct, 0 repeated, total -1 -1, size 100 0",
		`{"account_owners":[]}`: " 0 rows, 0 distinct, 0 repeated, total -1 -1, size 100 0",
		strings.Replace(two, `]}`, `],"pagination":null}`, 1):                                                               " 2 rows, 0 distinct, 0 repeated, total -1 -1, size 100 0",
		strings.Replace(two, `]}`, `],"pagination":{"current_page":1,"per_page":25,"total_entries":2,"total_pages":1}}`, 1): " 2 rows, 0 distinct, 0 repeated, total 2 2, size 100 25",
		strings.Replace(two, `]}`, `],"pagination":{"current_page":1,"per_page":25,"total_entries":3,"total_pages":1}}`, 1): "torn 2 rows, 0 distinct, 0 repeated, total 3 3, size 100 25",
		`{"account_owners":[{"guid":"O1"},{"guid":"O2"},{"guid":""},{"guid":null}]}`:                                        " 4 rows, 2 distinct, 0 repeated, total -1 -1, size 100 0",
		`{"account_owners":[{"guid":"O1"},{"guid":"O1"}]}`:                                                                  "torn 2 rows, 1 distinct, 1 repeated, total -1 -1, size 100 0",
		`{"account_owners":[{"guid":"O1","user_guid":"U2"}]}`:                                                               "undecodable 1 rows, 1 distinct, 0 repeated, total -1 -1, size 100 0",
	} {
		c := newClient(t, transport(func(*http.Request) (*http.Response, error) { return reply(200, body), nil }), Options{})
		w, err := c.Walk(t.Context(), list, func(int, *schemas.Rows) error { return nil })
		got := fmt.Sprintf("%s %d rows, %d distinct, %d repeated, total %d %d, size %d %d", w.Reason, w.Rows, w.DistinctGUIDs, w.RepeatedGUIDs, w.TotalFirst, w.TotalLast, w.PageSizeAsked, w.PageSizeEchoed)
		if err != nil || got != want {
			t.Errorf("%s\n%s, %v\nwant %s", body, got, err, want)
		}
	}
	// Pagination that is there on the first page must be on the others.
	s := &tiny{key: "account_owners", guids: users(150), answer: func(_ *tiny, n int, _ *http.Request) *http.Response {
		if n == 2 {
			return reply(200, two)
		}
		return nil
	}}
	if w, err := newClient(t, s, Options{}).Walk(t.Context(), list, func(int, *schemas.Rows) error { return nil }); err != nil || w.Reason != schemas.Undecodable {
		t.Error(err, w)
	}
}

// A page that fails for good ends the walk, with the rows before it delivered
// and the evidence of where.
func TestWalkFailsOnLaterPage(t *testing.T) {
	for status, reason := range map[int]schemas.Reason{404: schemas.NotFound, 403: schemas.Refused, 400: schemas.HTTPError} {
		s := &tiny{guids: users(250), answer: func(_ *tiny, n int, _ *http.Request) *http.Response {
			if n == 2 {
				return reply(status, "", "X-Request-Id", "a b/c-9")
			}
			return nil
		}}
		s.key = "members"
		var got collected
		w, err := newClient(t, s, Options{}).Walk(t.Context(), schemas.List{Resource: schemas.MembersResource, User: "U"}, got.page(t))
		if err != nil || w.Reason != reason || w.Rows != 100 || len(got.guids) != 100 || w.Pages != 1 || w.TotalFirst != 250 || w.HTTPStatus != status || !slices.Equal(w.RequestIDs, []string{"4cdf2a1e", "abc-9"}) {
			t.Errorf("%v, %+v", err, w)
		}
	}
}

// When a second try fails before its first page, nothing of the first is left.
func TestLaterTryVoidsEarlierRows(t *testing.T) {
	s := &tiny{guids: users(250), answer: func(s *tiny, n int, _ *http.Request) *http.Response {
		if n == 2 {
			s.guids = s.guids[1:]
		}
		if n > 2 {
			return reply(404, "")
		}
		return nil
	}}
	guids, w, err := walkUsers(t, newClient(t, s, Options{}))
	if err != nil || w.Reason != schemas.NotFound || w.Tries != 2 || w.Rows != 0 || len(guids) != 0 {
		t.Errorf("%v, %+v, %d rows", err, w, len(guids))
	}
}

// What the caller's function returns ends the walk, and comes back as it is.
func TestPageFunctionStopsWalk(t *testing.T) {
	stop := errors.New("disk full")
	for _, at := range []int{1, 2, 3} {
		s := &tiny{guids: users(250)}
		calls := 0
		w, err := newClient(t, s, Options{}).Walk(t.Context(), usersList, func(int, *schemas.Rows) error {
			if calls++; calls == at {
				return stop
			}
			return nil
		})
		if err != stop || w.Reason != schemas.Interrupted || len(s.asked) != at {
			t.Errorf("%v, %+v", err, w)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &tiny{guids: users(250)}
	w, err := newClient(t, s, Options{}).Walk(ctx, usersList, func(int, *schemas.Rows) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || w.Reason != schemas.Interrupted || len(s.asked) != 1 {
		t.Errorf("%v, %+v", err, w)
	}
}

func TestSeen(t *testing.T) {
	var s seen
	rnd := rand.New(rand.NewPCG(1, 2))
	known := map[uint64]bool{}
	for i := range 60_000 {
		h := max(1, rnd.Uint64())
		if i%3 == 0 {
			h = max(1, rnd.Uint64N(1000)) // small ones crowd in the first slots
		}
		if i%7 == 0 {
			h = ^uint64(0) - rnd.Uint64N(1000) // and large ones wrap around
		}
		if s.add(h) == known[h] {
			t.Fatalf("%d is new: %v", h, known[h])
		}
		known[h] = true
		if s.n > 100 && len(s.slots) > 2*s.n {
			t.Fatalf("%d slots for %d hashes: more than 16 bytes each", len(s.slots), s.n)
		}
	}
	if s.n != len(known) {
		t.Errorf("%d hashes, want %d", s.n, len(known))
	}
}

// A client is for many goroutines: walks side by side get their own rows.
func TestConcurrentWalks(t *testing.T) {
	c := newClient(t, transport(func(r *http.Request) (*http.Response, error) {
		user := strings.Split(r.URL.Path, "/")[2]
		s := &tiny{key: "members"}
		for i := range 230 {
			s.guids = append(s.guids, fmt.Sprintf(`{"guid":"MBR-%s-%d","user_guid":%q,"x":[%d]}`, user, i, user, i))
		}
		return s.RoundTrip(r)
	}), Options{})
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			user := schemas.UserID(fmt.Sprintf("U%d", i))
			for range 3 {
				n := 0
				w, err := c.Walk(context.Background(), schemas.List{Resource: schemas.MembersResource, User: user}, func(_ int, rows *schemas.Rows) error {
					for k := range rows.Len() {
						want := fmt.Sprintf(`guid=MBR-%s-%d user_guid=%s extra={"x":[%d]}`, user, n, user, n)
						if got := show(t, schemas.Members, rows.At(k)); got != want {
							t.Errorf("row %d of %s is %s", n, user, got)
						}
						n++
					}
					return nil
				})
				if err != nil || !w.Complete() || n != 230 {
					t.Errorf("%v, %+v", err, w)
				}
			}
		})
	}
	wg.Wait()
	if st := c.Stats(); st.Requests != 64*3*4 || st.InFlight != 0 || st.Retried != 0 || st.Limit != 16 {
		t.Errorf("%+v", st)
	}
}
