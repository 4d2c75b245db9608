package report

import (
	"cmp"
	"html/template"
	"maps"
	"slices"
	"strings"

	"tallyport/reconcile"
)

// What a page lists at most. The files beside it have all.
const (
	mostRows         = 5_000
	mostTickets      = 500
	mostInstitutions = 50
	mostNews         = 15 // of one event
)

// view is a report as the templates read it: texts are bounded and clean.
type view struct {
	Snapshot, Observed, Compared string // Compared is "" if there was nothing before
	Summary                      *reconcile.Summary
	Notes                        []string
	Why, Exit                    string
	StaleAfter                   string
	Members, Unread              string
	Raised, ToReview, Fresh      int
	New                          []news
	Kinds                        tally
	Tickets                      []ticketRow
	AllTickets                   int
	Rows                         []row
	AllRows                      int
	Filters                      []filter
	Table                        template.HTML // Rows, rendered
	Details                      template.HTML
	Sections, Urgent             int // of so many findings there are nights, of so many there could be
	Institutions                 []institutionRow
	AllInstitutions              int
	Nights                       int
}

// news is what happened to some findings since the night before.
type news struct {
	Event string
	Count int
	Rows  []row
	More  int
}

// tally counts findings by kind and state; only states that occur have a column.
type tally struct {
	States []string
	Lines  []tallyLine
}

type tallyLine struct {
	Kind   string
	Counts []int
	Total  int
}

type filter struct {
	Name, Label string
	Choices     []choice
}

type choice struct {
	Value string
	Count int
}

// row is a finding in the table.
type row struct {
	ID, Href, Kind, Code, About, GUID, Amount string
	State, Verdict, Institution, Since        string
	Ticket, TicketHref                        string
	News                                      string // what happened tonight
	Fresh                                     bool   // it was not there before
	Others                                    string // guids that are not shown, to be found by
}

type ticketRow struct {
	ID, Href, Issue, State, Institution, About, Since string
	Findings                                          int
	Fresh                                             bool
}

// fresh are the events by which a finding comes to be shown or is raised.
func fresh(e reconcile.EventName) bool {
	return e == reconcile.WasOpened || e == reconcile.WasCandidate || e == reconcile.WasReopened
}

// told is the order in which the events of a night are told; still is no news.
var told = []reconcile.EventName{reconcile.WasOpened, reconcile.WasReopened, reconcile.WasEscalated, reconcile.WasCandidate, reconcile.WasChanged,
	reconcile.WasRecovered, reconcile.WasExplained, reconcile.WasExpired, reconcile.WasSubmitted, reconcile.WasSuppressed, reconcile.WasUnsuppressed}

// rendering is a report on a page.
type rendering struct {
	*Report
	page     Page
	sections map[string]bool   // findings that have one
	labels   map[string]string // what institutions are called, by code
	lost     map[string]bool   // guids of transactions that are raised or suspected
	written  map[string]bool   // tickets of which there are files
}

func (r *Report) on(p Page) *rendering {
	on := &rendering{Report: r, page: p, sections: map[string]bool{}, labels: map[string]string{}, lost: map[string]bool{}, written: map[string]bool{}}
	for _, id := range r.Detailed {
		on.sections[id] = true
	}
	for _, t := range r.Tickets {
		on.written[t.ID] = t.written()
	}
	for _, all := range [][]reconcile.Finding{r.Findings, r.others} {
		for i := range all {
			if f := &all[i]; f.Transaction != "" && (f.State.Raised() || f.State == reconcile.Candidate) {
				on.lost[string(f.Transaction)] = true
			}
		}
	}
	named := map[string]int{}
	for _, i := range r.past().Institutions {
		named[shown(i.Name, longName)]++
	}
	for code, i := range r.past().Institutions {
		switch name := shown(i.Name, longName); {
		case name != "" && named[name] == 1:
			on.labels[code] = name
		case name != "": // the code tells them apart
			on.labels[code] = name + " (" + shown(code, longName) + ")"
		}
	}
	return on
}

func (r *rendering) institution(code string) string {
	return cmp.Or(r.labels[code], shown(code, longName))
}

func (r *rendering) view() *view {
	s := &r.Summary
	v := &view{Snapshot: shown(string(s.Snapshot), longGUID), Summary: s, Why: whys(s.Members.Why), Exit: exits(s.ExitCode),
		AllRows: len(r.Findings), Urgent: max(r.Urgent, len(r.Detailed)), Nights: len(r.past().Nights), AllTickets: len(r.Tickets)}
	v.StaleAfter = hours(r.staleAfter())
	v.Observed = minute(s.AsOf)
	if s.Compared != nil {
		v.Compared = shown(string(*s.Compared), longGUID)
	}
	for _, n := range s.Notes {
		v.Notes = append(v.Notes, shown(n, longNote))
	}
	for _, f := range r.urgent() {
		if f.State.Raised() {
			v.Raised++
			if f.Verdict == reconcile.Review {
				v.ToReview++
			}
			if fresh(r.News[f.ID]) {
				v.Fresh++
			}
		}
		w := r.row(f)
		if len(v.Rows) < mostRows {
			v.Rows = append(v.Rows, w)
		}
	}
	v.New = r.news()
	v.Kinds = r.tally()
	v.Filters = filters(v.Rows)
	for _, t := range r.Tickets {
		if len(v.Tickets) < mostTickets {
			v.Tickets = append(v.Tickets, r.ticketRow(t))
		}
	}
	v.Institutions, v.AllInstitutions = r.institutions()
	return v
}

// urgent are the findings in the order of their urgency.
func (r *Report) urgent() []*reconcile.Finding {
	all := make([]*reconcile.Finding, len(r.Findings))
	for i := range r.Findings {
		all[i] = &r.Findings[i]
	}
	slices.SortFunc(all, byUrgency)
	return all
}

func (r *rendering) row(f *reconcile.Finding) row {
	w := row{ID: shown(f.ID, longGUID), Href: r.page.finding(f.ID, r.sections[f.ID]), Kind: words(shown(string(f.Kind), longName)), Code: words(shown(string(f.Code), longName)),
		Amount: signed(f), State: shown(string(f.State), longName), Verdict: shown(string(f.Verdict), longName),
		Institution: r.institution(string(f.Institution)), Since: day(f.First), About: about(f), Fresh: fresh(r.News[f.ID])}
	if e := r.News[f.ID]; e != reconcile.WasStill {
		w.News = happened(e)
	}
	if f.TicketID != "" {
		w.Ticket, w.TicketHref = shown(string(f.TicketID), longGUID), r.ticket(string(f.TicketID))
	}
	var others []string
	for _, guid := range []string{string(f.Member), string(f.Transaction), string(f.Account), string(f.User)} {
		switch guid = shown(guid, longGUID); {
		case guid == "":
		case w.GUID == "":
			w.GUID = guid
		default:
			others = append(others, guid)
		}
	}
	if code := shown(string(f.Institution), longName); code != w.Institution {
		others = append(others, code)
	}
	w.Others = strings.Join(others, " ")
	return w
}

// about says in a few words what a finding is about.
func about(f *reconcile.Finding) string {
	var parts []string
	if f.Date != "" {
		parts = append(parts, shown(string(f.Date), longName))
	}
	if f.Payee != "" {
		parts = append(parts, shown(string(f.Payee), longName))
	}
	if status, ok := f.Evidence["connection_status"].(string); ok && f.Transaction == "" {
		parts = append(parts, shown(status, 24))
	}
	return strings.Join(parts, " ")
}

// happened is an event as a word beside a finding.
func happened(e reconcile.EventName) string {
	switch e {
	case reconcile.WasOpened:
		return "new"
	case reconcile.WasReopened:
		return "again"
	case reconcile.WasCandidate:
		return "suspected"
	}
	return shown(string(e), longName)
}

func (r *rendering) news() []news {
	by := map[reconcile.EventName]*news{}
	for _, f := range r.urgent() {
		e, ok := r.News[f.ID]
		if !ok {
			continue
		}
		if by[e] == nil {
			by[e] = &news{Event: happened(e)}
		}
		n := by[e]
		if n.Count++; len(n.Rows) < mostNews {
			n.Rows = append(n.Rows, r.row(f))
		}
		n.More = n.Count - len(n.Rows)
	}
	var all []news
	for _, e := range told {
		if by[e] != nil {
			all = append(all, *by[e])
		}
	}
	return all
}

func (r *Report) tally() tally {
	var t tally
	counts := map[reconcile.Kind]map[reconcile.State]int{}
	total := map[reconcile.State]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if counts[f.Kind] == nil {
			counts[f.Kind] = map[reconcile.State]int{}
		}
		counts[f.Kind][f.State]++
		total[f.State]++
	}
	for _, s := range urgency {
		if total[s] > 0 {
			t.States = append(t.States, string(s))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		line := tallyLine{Kind: words(shown(string(kind), longName))}
		for _, s := range t.States {
			n := counts[kind][reconcile.State(s)]
			line.Counts = append(line.Counts, n)
			line.Total += n
		}
		t.Lines = append(t.Lines, line)
	}
	return t
}

// filters offers what the table has.
func filters(rows []row) []filter {
	counts := make([]map[string]int, 4)
	for i := range counts {
		counts[i] = map[string]int{}
	}
	for i := range rows {
		w := &rows[i]
		for k, value := range []string{w.Kind, w.State, w.Verdict, w.Institution} {
			if value != "" {
				counts[k][value]++
			}
		}
	}
	all := []filter{{Name: "kind", Label: "Kind"}, {Name: "state", Label: "State"}, {Name: "verdict", Label: "Verdict"}, {Name: "institution", Label: "Institution"}}
	for i := range all {
		for _, value := range slices.Sorted(maps.Keys(counts[i])) {
			all[i].Choices = append(all[i].Choices, choice{value, counts[i][value]})
		}
	}
	return all
}

func (r *rendering) ticketRow(t *Ticket) ticketRow {
	w := ticketRow{ID: shown(t.ID, longGUID), Href: r.ticket(t.ID), Issue: words(shown(string(t.Issue), longName)), State: shown(string(t.State), longName),
		Institution: r.institution(t.Institution), About: shown(t.Member, longGUID), Since: day(t.Since), Findings: len(t.Findings)}
	if w.About == "" {
		w.About = "several members"
	}
	w.Fresh = slices.Contains(r.New, t.ID)
	return w
}

// institutionRow is an institution over the nights.
type institutionRow struct {
	Code, Name                      string // Name is what the table of findings calls it
	Raised, Tickets, Members, Stale int
	Age                             string // the median, tonight
	Ages, Stales                    template.HTML
}

// institutions are those with raised findings or stale members, the worst
// first, and how many there are.
func (r *rendering) institutions() ([]institutionRow, int) {
	raised, tickets := map[string]int{}, map[string]map[string]bool{}
	codes := map[string]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		code := string(f.Institution)
		if code == "" || !f.State.Raised() {
			continue
		}
		raised[code]++
		codes[code] = true
		if f.TicketID != "" {
			if tickets[code] == nil {
				tickets[code] = map[string]bool{}
			}
			tickets[code][string(f.TicketID)] = true
		}
	}
	p := r.past()
	for code, i := range p.Institutions {
		if n := len(i.Nights); n > 0 && i.Nights[n-1].Stale > 0 {
			codes[code] = true
		}
	}
	now := func(code string) (n reconcile.InstitutionNight) {
		if i := p.Institutions[code]; i != nil && len(i.Nights) > 0 {
			n = i.Nights[len(i.Nights)-1]
		}
		return n
	}
	worst := slices.SortedFunc(maps.Keys(codes), func(a, b string) int {
		return cmp.Or(cmp.Compare(raised[b]+now(b).Stale, raised[a]+now(a).Stale), cmp.Compare(now(b).MedianAge, now(a).MedianAge), cmp.Compare(a, b))
	})
	var all []institutionRow
	for _, code := range worst[:min(len(worst), mostInstitutions)] {
		n := now(code)
		w := institutionRow{Code: shown(code, longName), Name: r.institution(code), Raised: raised[code], Tickets: len(tickets[code]), Members: n.Members, Stale: n.Stale}
		if i := p.Institutions[code]; i != nil {
			w.Stales, w.Ages = sparkStale(p, i), sparkAge(p, i, r.staleAfter())
		}
		if n.Members > 0 {
			w.Age = age(n.MedianAge)
		}
		all = append(all, w)
	}
	return all, len(worst)
}
