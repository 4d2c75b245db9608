package serve

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tallyport/reconcile"
	"tallyport/reconcile/report"
	"tallyport/snapshot"
)

//go:embed *.gohtml
var templates embed.FS

//go:embed serve.css
var ownStyle string

// styleSheet is that of the report, and what other pages need besides.
var styleSheet = []byte(string(report.Style()) + ownStyle)

// script is that of the report: it sorts and filters. No page needs it.
var script = []byte(report.Script())

// pages are the templates by name; each stands in the frame of page.gohtml.
var pages = func() map[string]*template.Template {
	frame := template.Must(template.New("page.gohtml").Funcs(template.FuncMap{
		"words": func(s any) string { return strings.ReplaceAll(fmt.Sprint(s), "_", " ") },
		"night": func(of any) string {
			if id, ok := of.(*snapshot.ID); ok {
				return report.Day(*id)
			}
			return report.Day(snapshot.ID(fmt.Sprint(of)))
		},
		"says":  reconcile.Says,
		"path":  func(s any) string { return url.PathEscape(fmt.Sprint(s)) },
		"about": about,
		"called": func(names map[string]string, code any) string {
			return cmp.Or(names[fmt.Sprint(code)], fmt.Sprint(code))
		},
		"count": counted,
		"n":     report.Count,
		"facts": facts,
		"list":  func(s ...any) []any { return s },
	}).ParseFS(templates, "page.gohtml", "parts.gohtml"))
	all := map[string]*template.Template{}
	for _, name := range []string{"overview", "report", "findings", "finding", "tickets", "ticket", "institution", "baseline", "search", "explain", "nothing", "refused", "token"} {
		all[name] = template.Must(template.Must(frame.Clone()).ParseFS(templates, name+".gohtml"))
	}
	return all
}()

// page is what the frame of every page shows.
type page struct {
	Title   string
	Store   string
	Who     string
	Form    string            // of Site
	Query   string            // in the field for searching
	Done    string            // what was decided just now
	Problem string            // what is wrong with what was typed
	Again   string            // ask for this page instead
	Whole   template.HTML     // stands for all between the bar and the end
	Names   map[string]string // of institutions, by code
	At      string            // which of the pages in the bar it is
	Body    any
}

// states are those of findings, the most urgent first.
var states = report.States()

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return report.Count(n) + " " + many
}

// about is a finding in a line: what a person would call it.
func about(f *reconcile.Finding) string {
	return strings.TrimSpace(report.Amount(f) + " " + report.About(f))
}

// fact is a line of a finding's evidence.
type fact struct{ Name, Value string }

func facts(evidence map[string]any) (all []fact) {
	for _, name := range slices.Sorted(maps.Keys(evidence)) {
		all = append(all, fact{strings.ReplaceAll(name, "_", " "), report.Fact(evidence[name])})
	}
	return all
}

// tally is how many findings there are of something.
type tally struct {
	Name   string
	Raised int
	New    int
}

// overview is the first page.
func (s *Site) overview(w http.ResponseWriter, r *http.Request) error {
	v, err := s.now()
	if err != nil {
		return err
	}
	type body struct {
		Summary             reconcile.Summary
		Kinds, Institutions []tally
		States              []tally
		News                []*reconcile.Finding // raised last night
		Tickets             []*report.Ticket
		Why                 []tally
		Raised, NewTickets  int
		New                 int
		NewsLeft            int // of News, that are not shown
	}
	b := body{Summary: v.summary, NewTickets: v.summary.Tickets.New}
	kinds, institutions, stands := map[string]*tally{}, map[string]*tally{}, map[string]*tally{}
	add := func(to map[string]*tally, name string, isNew bool) {
		if to[name] == nil {
			to[name] = &tally{Name: name}
		}
		to[name].Raised++
		if isNew {
			to[name].New++
		}
	}
	for i := range v.all {
		f := &v.all[i]
		if f.State.Live() {
			add(stands, string(f.State), false)
		}
		if !f.State.Raised() {
			continue
		}
		b.Raised++
		isNew := v.isNew(f)
		if isNew {
			b.News = append(b.News, f)
		}
		add(kinds, string(f.Kind), isNew)
		add(institutions, cmp.Or(string(f.Institution), "no institution"), isNew)
	}
	b.New = len(b.News)
	for _, t := range v.tickets {
		if t.State.Raised() {
			b.Tickets = append(b.Tickets, t)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(v.summary.Members.Why)) {
		b.Why = append(b.Why, tally{Name: why, Raised: int(v.summary.Members.Why[why])})
	}
	b.Kinds, b.Institutions, b.States = largest(kinds), largest(institutions), largest(stands)
	slices.SortStableFunc(b.News, byUrgency)
	b.NewsLeft = max(0, len(b.News)-perPage)
	b.News = b.News[:len(b.News)-b.NewsLeft]
	s.show(w, r, http.StatusOK, "overview", &page{Names: v.names, Title: "Night of " + report.Day(v.summary.Snapshot), Body: &b, Done: done(r)})
	return nil
}

// isNew reports whether the finding came in the newest night, as in the report.
func (v *view) isNew(f *reconcile.Finding) bool { return report.IsNew(v.news[f.ID]) }

func largest(of map[string]*tally) (all []tally) {
	for _, t := range of {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b tally) int { return cmp.Or(cmp.Compare(b.Raised, a.Raised), cmp.Compare(a.Name, b.Name)) })
	return all
}

const perPage = 200 // lines of a list

// listing is a list of findings and what it is of.
type listing struct {
	Kinds                    []reconcile.Kind
	States                   []reconcile.State
	Kind, State, Institution string
	New                      bool
	Found                    []*reconcile.Finding // on this page
	Extent                   extent
}

// extent is which part of a list a page shows.
type extent struct {
	From, To, Total int
	Earlier, Later  string // addresses of other parts
}

// part is the part of a list that the request asks for.
func part[T any](r *http.Request, all []T) ([]T, extent) {
	q := r.URL.Query()
	e := extent{Total: len(all)}
	if from, err := strconv.Atoi(q.Get("from")); err == nil && from > 0 && from < len(all) {
		e.From = from
	}
	e.To = min(len(all), e.From+perPage)
	to := func(from int) string {
		q.Set("from", strconv.Itoa(from))
		return r.URL.Path + "?" + q.Encode()
	}
	if e.From > 0 {
		e.Earlier = to(max(0, e.From-perPage))
	}
	if e.To < len(all) {
		e.Later = to(e.To)
	}
	return all[e.From:e.To], e
}

// Of says which part it is of so many things.
func (e extent) Of(one, many string) string {
	if e.Earlier == "" && e.Later == "" {
		return counted(e.Total, one, many)
	}
	return report.Count(e.From+1) + " to " + report.Count(e.To) + " of " + counted(e.Total, one, many)
}

func (s *Site) findings(w http.ResponseWriter, r *http.Request) error {
	v, err := s.now()
	if err != nil {
		return err
	}
	q := r.URL.Query()
	l := listing{Kinds: reconcile.Kinds(), States: states, Kind: q.Get("kind"), State: cmp.Or(q.Get("state"), "raised"), Institution: strings.TrimSpace(q.Get("institution")), New: q.Has("new")}
	var found []*reconcile.Finding
	for i := range v.all {
		f := &v.all[i]
		wanted := l.State == "all" || l.State == string(f.State) || l.State == "raised" && f.State.Raised()
		wanted = wanted && (l.Kind == "" || l.Kind == string(f.Kind))
		wanted = wanted && (l.Institution == "" || strings.EqualFold(l.Institution, string(f.Institution)))
		if wanted && (!l.New || v.isNew(f)) {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, byUrgency)
	l.Found, l.Extent = part(r, found)
	s.show(w, r, http.StatusOK, "findings", &page{Names: v.names, Title: "Findings", At: "findings", Body: &l})
	return nil
}

// byUrgency orders findings by what they ask of people, the newest first.
func byUrgency(a, b *reconcile.Finding) int {
	return cmp.Or(cmp.Compare(slices.Index(states, a.State), slices.Index(states, b.State)), cmp.Compare(b.First, a.First), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

// subject is what a page with decisions is about.
type subject struct {
	Name    string // as in "this finding"
	Path    string
	Actions []*choice
}

func (s *Site) finding(w http.ResponseWriter, r *http.Request) error {
	return s.showFinding(w, r, http.StatusOK, nil, "")
}

// showFinding shows a finding; typed is what a decision that failed was to be.
func (s *Site) showFinding(w http.ResponseWriter, r *http.Request, status int, typed url.Values, wrong string) error {
	v, err := s.now()
	if err != nil {
		return err
	}
	f := v.byID[r.PathValue("id")]
	if f == nil {
		return missing("There is no finding " + r.PathValue("id") + ".")
	}
	type body struct {
		*reconcile.Finding
		Subject   subject
		Decisions []reconcile.Decision
		New, Late bool
		Detail    template.HTML
		Legend    template.HTML
	}
	allowed := v.result.Ledger.Allowed(f.ID)
	if f.TicketID != "" {
		allowed = slices.DeleteFunc(allowed, func(a reconcile.Action) bool { return a == reconcile.Request })
	}
	b := body{Finding: f, Decisions: v.decisions[f.ID], New: v.isNew(f), Subject: subject{"this finding", "/findings/" + f.ID, choices(allowed, typed)}}
	if b.Detail, b.Late, err = s.detail(r, v, f); err != nil {
		return err
	}
	if strings.Contains(string(b.Detail), `class="grid"`) {
		if b.Legend, err = report.Legend(); err != nil {
			return err
		}
	}
	s.show(w, r, status, "finding", &page{Names: v.names, Title: title(f), Body: &b, Done: done(r), Problem: wrong, Who: typed.Get("who")})
	return nil
}

// title is what a finding is called.
func title(f *reconcile.Finding) string {
	kind := strings.ReplaceAll(string(f.Kind), "_", " ")
	if kind != "" {
		kind = strings.ToUpper(kind[:1]) + kind[1:]
	}
	return strings.TrimSuffix(kind+": "+about(f), ": ")
}

func (s *Site) tickets(w http.ResponseWriter, r *http.Request) error {
	v, err := s.now()
	if err != nil {
		return err
	}
	type body struct {
		State   string
		States  []reconcile.State
		Tickets []*report.Ticket
		Extent  extent
	}
	b := body{State: cmp.Or(r.URL.Query().Get("state"), "raised"), States: states[:slices.Index(states, reconcile.Recovered)]}
	for _, t := range v.tickets {
		if b.State == "all" || b.State == string(t.State) || b.State == "raised" && t.State.Raised() {
			b.Tickets = append(b.Tickets, t)
		}
	}
	b.Tickets, b.Extent = part(r, b.Tickets)
	s.show(w, r, http.StatusOK, "tickets", &page{Names: v.names, Title: "Tickets", At: "tickets", Body: &b, Done: done(r)})
	return nil
}

// ticketOf is the ticket of an id, also one that is closed, of which an old link
// may tell.
func (v *view) ticketOf(id string) (*report.Ticket, error) {
	if t := v.byTicket[id]; t != nil {
		return t, nil
	}
	return nil, missing("There is no ticket " + id + ".")
}

func (s *Site) ticket(w http.ResponseWriter, r *http.Request) error {
	return s.showTicket(w, r, http.StatusOK, nil, "")
}

func (s *Site) showTicket(w http.ResponseWriter, r *http.Request, status int, typed url.Values, wrong string) error {
	v, err := s.now()
	if err != nil {
		return err
	}
	t, err := v.ticketOf(r.PathValue("id"))
	if err != nil {
		return err
	}
	type body struct {
		*report.Ticket
		Found   []*reconcile.Finding
		Subject subject
		Written *report.Form // nil: its nights cannot be read, or not at a glance
		Text    string
		Late    bool
	}
	var allowed []reconcile.Action
	for i := range t.Findings {
		for _, a := range v.result.Ledger.Allowed(t.Findings[i].ID) {
			if a != reconcile.Request && !slices.Contains(allowed, a) {
				allowed = append(allowed, a)
			}
		}
	}
	b := body{Ticket: t, Subject: subject{"this ticket", "/tickets/" + t.ID, choices(allowed, typed)}}
	for i := range t.Findings {
		b.Found = append(b.Found, &t.Findings[i])
	}
	slices.SortStableFunc(b.Found, byUrgency)
	b.Written, b.Late, err = glimpse(s, r, func(ctx context.Context) (*report.Form, error) { return s.written(ctx, v, t.ID) })
	if err != nil {
		return err
	}
	if b.Written != nil {
		b.Text = string(b.Written.Markdown())
	}
	s.show(w, r, status, "ticket", &page{Names: v.names, Title: "Ticket " + t.ID, Body: &b, Done: done(r), Problem: wrong, Who: typed.Get("who")})
	return nil
}

func (s *Site) institution(w http.ResponseWriter, r *http.Request) error {
	return s.showInstitution(w, r, http.StatusOK, nil, "")
}

func (s *Site) showInstitution(w http.ResponseWriter, r *http.Request, status int, typed url.Values, wrong string) error {
	v, err := s.now()
	if err != nil {
		return err
	}
	type body struct {
		Code    string
		Found   []*reconcile.Finding // live
		Rest    int                  // that are not shown
		Subject subject
	}
	b := body{Code: r.PathValue("code")}
	known, hidable := false, len(v.result.Ledger.Shown(b.Code))
	for i := range v.all {
		f := &v.all[i]
		if string(f.Institution) != b.Code {
			continue
		}
		known = true
		if f.State.Live() {
			b.Found = append(b.Found, f)
		}
	}
	if !known {
		return missing("No finding is about an institution " + b.Code + ".")
	}
	slices.SortStableFunc(b.Found, byUrgency)
	b.Rest = max(0, len(b.Found)-perPage)
	b.Found = b.Found[:len(b.Found)-b.Rest]
	b.Subject = subject{Name: counted(hidable, "finding", "findings") + " about " + b.Code, Path: "/institutions/" + url.PathEscape(b.Code)}
	if hidable > 0 {
		b.Subject.Actions = choices([]reconcile.Action{reconcile.Suppress}, typed)
	}
	s.show(w, r, status, "institution", &page{Names: v.names, Title: cmp.Or(v.names[b.Code], "Institution "+b.Code), Body: &b, Done: done(r), Problem: wrong, Who: typed.Get("who")})
	return nil
}
