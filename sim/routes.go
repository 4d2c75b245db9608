package sim

import (
	"net/url"
	"strconv"
	"strings"
)

// request is one request on its way through the world.
type request struct {
	luck
	w      *World
	v      view
	path   string
	values url.Values
	route  *route
	ids    [4]string // by place: user, member, account, other
	e      encoder
	marks  [64]int // backs e.marks

	emptied  bool // lists below a disabled user show nothing
	fellBack bool // the list has another page size than was asked for
	rows     int  // records in the answer
	message  string
}

// Places in request.ids, and the path segments that fill them.
const (
	idUser = iota
	idMember
	idAccount
	idOther
)

var idSegments = map[string]int{"{u}": idUser, "{m}": idMember, "{a}": idAccount, "{t}": idOther, "{c}": idOther}

// route is one endpoint of the Atrium read side (mx-api.md §1.4). Endpoints of
// other dialects, jobs and writes are further lines here.
type route struct {
	pattern string
	serve   func(*request) int
}

var routes = [...]route{
	{"/users", (*request).listUsers},
	{"/users/{u}", (*request).readUser},
	{"/users/{u}/members", (*request).listMembers},
	{"/users/{u}/members/{m}", (*request).readMember},
	{"/users/{u}/members/{m}/status", (*request).readStatus},
	{"/users/{u}/members/{m}/accounts", (*request).listMemberAccounts},
	{"/users/{u}/members/{m}/accounts/{a}", (*request).readMemberAccount},
	{"/users/{u}/members/{m}/transactions", (*request).listMemberTransactions},
	{"/users/{u}/members/{m}/account_owners", (*request).listOwners},
	{"/users/{u}/accounts", (*request).listAccounts},
	{"/users/{u}/accounts/{a}", (*request).readAccount},
	{"/users/{u}/accounts/{a}/transactions", (*request).listAccountTransactions},
	{"/users/{u}/transactions", (*request).listTransactions},
	{"/users/{u}/transactions/{t}", (*request).readTransaction},
	{"/institutions", (*request).listInstitutions},
	{"/institutions/{c}", (*request).readInstitution},
}

// match finds the endpoint of a path and what stands in its variable segments.
func (q *request) match() bool {
	for i := range routes {
		ids, ok := matchPattern(routes[i].pattern, q.path)
		if ok {
			q.route, q.ids = &routes[i], ids
			return true
		}
	}
	return false
}

func matchPattern(pattern, path string) (ids [4]string, ok bool) {
	for {
		var want, have string
		want, pattern, _ = strings.Cut(strings.TrimPrefix(pattern, "/"), "/")
		have, path, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if place, variable := idSegments[want]; variable && have != "" {
			ids[place] = have
		} else if want != have {
			return ids, false
		}
		if pattern == "" || path == "" {
			return ids, pattern == path
		}
	}
}

func (q *request) param(name string) string { return q.values.Get(name) }

// walkQuery is the query without the page: what all pages of a walk share.
func (q *request) walkQuery() string {
	rest := url.Values{}
	for k, v := range q.values {
		if k != "page" {
			rest[k] = v
		}
	}
	return rest.Encode()
}

// memberID reads from the path which member the request is about, without
// asking whether it exists.
func (q *request) memberID() (id memberID, hasUser, hasMember bool) {
	u, ok := q.w.parse(prefixUser, q.ids[idUser])
	if !ok {
		return memberID{}, false, false
	}
	id.user = u.user
	prefix, text := prefixMember, q.ids[idMember]
	if text == "" {
		prefix, text = prefixAccount, q.ids[idAccount]
	}
	m, ok := q.w.parse(prefix, text)
	id.ord, id.born = m.member, m.born
	return id, true, ok && m.user == u.user
}

// refuse makes an error answer.
func (q *request) refuse(status int, message string) int {
	q.message = message
	return status
}

func (q *request) notFound() int { return q.refuse(404, "No such record.") }

// user finds the user of the path. For what lies below a disabled user the
// answer is Config.DisabledStatus (mx-api.md §1.5: effect not known).
func (q *request) user(below bool) (*user, int) {
	u, ok := q.v.user(q.ids[idUser])
	if !ok {
		return nil, q.notFound()
	}
	if below && q.v.disabled(&u) {
		if q.w.cfg.DisabledStatus != 200 {
			return nil, q.refuse(q.w.cfg.DisabledStatus, "The data of this user is restricted.")
		}
		q.emptied = true
	}
	return &u, 200
}

func (q *request) member() (*member, int) {
	u, status := q.user(true)
	if status != 200 {
		return nil, status
	}
	m, ok := q.v.member(u, q.ids[idMember])
	if !ok {
		return nil, q.notFound()
	}
	return &m, 200
}

func (q *request) account() (*account, int) {
	u, status := q.user(true)
	if status != 200 {
		return nil, status
	}
	a, ok := q.v.account(u, q.ids[idAccount])
	if !ok || q.emptied || q.ids[idMember] != "" && a.m.id.String() != q.ids[idMember] {
		return nil, q.notFound()
	}
	return &a, 200
}

// single writes the envelope of one record.
func (q *request) single(name string, render func(*encoder)) int {
	q.e.b = append(append(append(q.e.b, '{', '"'), name...), '"', ':')
	render(&q.e)
	q.e.b = append(q.e.b, '}')
	q.rows = 1
	return 200
}

// each renders entries lo … hi-1 with commas between.
func (q *request) each(lo, hi int, render func(i int)) {
	for i := lo; i < hi; i++ {
		if i > lo {
			q.e.b = append(q.e.b, ',')
		}
		render(i)
	}
}

func (q *request) listUsers() int {
	all := q.v.users()
	return q.list(listing{plural: "users", n: len(all), first: true, rows: func(lo, hi int) {
		q.each(lo, hi, func(i int) {
			u := q.w.userAt(all[i])
			q.v.renderUser(&q.e, &u)
		})
	}})
}

func (q *request) readUser() int {
	u, status := q.user(false)
	if status != 200 {
		return status
	}
	return q.single("user", func(e *encoder) { q.v.renderUser(e, u) })
}

func (q *request) listMembers() int {
	u, status := q.user(true)
	if status != 200 {
		return status
	}
	all := q.v.members(u)
	return q.list(listing{plural: "members", n: len(all), rows: func(lo, hi int) {
		q.each(lo, hi, func(i int) { q.v.renderMember(&q.e, &all[i]) })
	}})
}

func (q *request) readMember() int {
	m, status := q.member()
	if status != 200 {
		return status
	}
	return q.single("member", func(e *encoder) { q.v.renderMember(e, m) })
}

func (q *request) readStatus() int {
	m, status := q.member()
	if status != 200 {
		return status
	}
	return q.single("member", func(e *encoder) { q.v.renderStatus(e, m) })
}

func (q *request) accountList(all []account) int {
	return q.list(listing{plural: "accounts", n: len(all), rows: func(lo, hi int) {
		q.each(lo, hi, func(i int) { q.v.renderAccount(&q.e, &all[i]) })
	}})
}

func (q *request) listAccounts() int {
	u, status := q.user(true)
	if status != 200 {
		return status
	}
	return q.accountList(q.v.userAccounts(u))
}

func (q *request) listMemberAccounts() int {
	m, status := q.member()
	if status != 200 {
		return status
	}
	return q.accountList(q.v.accounts(m))
}

func (q *request) readAccount() int {
	a, status := q.account()
	if status != 200 {
		return status
	}
	return q.single("account", func(e *encoder) { q.v.renderAccount(e, a) })
}

func (q *request) readMemberAccount() int { return q.readAccount() }

// Days of the window that holds when the request names none (mx-api.md §1.3).
const (
	defaultDaysBack  = 90
	defaultDaysAhead = 5
)

// window reads from_date and to_date, both included.
func (q *request) window() (window, bool) {
	today := dayOf(q.v.t)
	w := window{today - defaultDaysBack, today + defaultDaysAhead}
	ok := true
	for name, day := range map[string]*int32{"from_date": &w.from, "to_date": &w.to} {
		if s := q.param(name); s != "" {
			var good bool
			*day, good = parseDay(s)
			ok = ok && good
		}
	}
	return w, ok
}

func (q *request) transactionList(accounts []account) int {
	w, ok := q.window()
	if !ok {
		return q.refuse(400, "A date is not in the form YYYY-MM-DD.")
	}
	ix := q.v.cachedIndex(accounts, w)
	x := txWriter{v: q.v, e: &q.e}
	rows := func(lo, hi int) {
		n := 0
		ix.each(accounts, lo, hi, func(a *account, ev event, r row) {
			if n++; n > 1 {
				q.e.b = append(q.e.b, ',')
			}
			x.use(a)
			x.write(&ev, r)
		})
	}
	return q.list(listing{plural: "transactions", n: ix.total, rows: rows, twin: func(i int) {
		x.twin = true
		rows(i, i+1)
		x.twin = false
	}})
}

func (q *request) listTransactions() int {
	u, status := q.user(true)
	if status != 200 {
		return status
	}
	return q.transactionList(q.v.userAccounts(u))
}

func (q *request) listMemberTransactions() int {
	m, status := q.member()
	if status != 200 {
		return status
	}
	return q.transactionList(q.v.accounts(m))
}

func (q *request) listAccountTransactions() int {
	a, status := q.account()
	if status != 200 {
		return status
	}
	return q.transactionList([]account{*a})
}

func (q *request) readTransaction() int {
	u, status := q.user(true)
	if status != 200 {
		return status
	}
	a, ev, r, ok := q.v.transaction(u, q.ids[idOther])
	if !ok || q.emptied {
		return q.notFound()
	}
	x := txWriter{v: q.v, e: &q.e}
	x.use(a)
	return q.single("transaction", func(*encoder) { x.write(&ev, r) })
}

func (q *request) listInstitutions() int {
	name := strings.ToLower(q.param("name"))
	var all []*institution
next:
	for i := range q.w.institutions {
		in := &q.w.institutions[i]
		if !strings.Contains(strings.ToLower(in.name), name) {
			continue
		}
		for s, key := range supportKeys {
			if want, err := strconv.ParseBool(q.param(key)); s != oauth && err == nil && want != in.supports[s] {
				continue next
			}
		}
		all = append(all, in)
	}
	return q.list(listing{plural: "institutions", n: len(all), rows: func(lo, hi int) {
		q.each(lo, hi, func(i int) { all[i].render(&q.e) })
	}})
}

func (q *request) readInstitution() int {
	for i := range q.w.institutions {
		if in := &q.w.institutions[i]; in.code == q.ids[idOther] {
			return q.single("institution", in.render)
		}
	}
	return q.notFound()
}
