package report

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"tallyport/reconcile"
	"tallyport/schemas"
)

// detail is what a page says of one finding.
type detail struct {
	Row     row
	Says    string // what its code means
	Action  string // what to do about it
	Facts   []pair
	Inputs  []string
	Events  []pair // night, what happened
	Grid    *grid
	Actions template.HTML
}

type pair struct{ Name, Value string }

// grid shows nights as columns: first the member, then the account's
// transactions, then its balance.
type grid struct {
	Label   string
	Months  []band
	Heads   []head
	Status  []band
	Tried   []cell
	Success []cell
	Walked  template.HTML
	Rows    []gridRow
	Hidden  int // rows of the account that are not shown
	Edge    string
	Balance *chart
	Times   []timeLine
}

type band struct {
	Nights             int
	Text, Class, Title string
}

type head struct {
	Day, Title string
	Gone       bool // the finding was first true here
	Unread     bool
}

type cell struct {
	Text string
	Old  bool
}

// timeLine is a member on one night, in full.
type timeLine struct{ Night, Status, Tried, Succeeded, Read string }

type gridRow struct {
	Date, Amount, Payee, Note string
	Target, Gap               bool
	Cells                     template.HTML
	Story                     string
}

func (r *rendering) detail(id string) *detail {
	i := slices.IndexFunc(r.Findings, func(f reconcile.Finding) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	f := &r.Findings[i]
	d := &detail{Row: r.row(f), Says: reconcile.Says(f.Code)}
	d.Action, _ = f.Evidence["action"].(string)
	d.Action = shown(d.Action, longFact)
	add := func(name, value string) {
		if value != "" {
			d.Facts = append(d.Facts, pair{name, value})
		}
	}
	add("user", shown(string(f.User), longGUID))
	add("member", shown(string(f.Member), longGUID))
	add("account", shown(string(f.Account), longGUID))
	add("transaction", shown(string(f.Transaction), longGUID))
	add("first true", shown(string(f.First), longGUID))
	add("last true", shown(string(f.Last), longGUID))
	add("last seen", shown(string(f.LastGood), longGUID))
	names := slices.Sorted(maps.Keys(f.Evidence))
	for _, name := range names[:min(len(names), mostFacts)] {
		if name != "action" {
			add(words(shown(name, longName)), fact(f.Evidence[name]))
		}
	}
	for _, in := range f.MissingInputs[:min(len(f.MissingInputs), mostFacts)] {
		d.Inputs = append(d.Inputs, shown(in, longFact))
	}
	events := r.Events(id)
	for _, e := range events[max(0, len(events)-mostFacts):] {
		if e.Name != reconcile.WasStill {
			d.Events = append(d.Events, pair{day(e.Snapshot), words(string(e.Name))})
		}
	}
	d.Grid = r.grid(f)
	if r.page.Actions != nil {
		d.Actions = r.page.Actions(f)
	}
	return d
}

// grid draws the nights of a finding, nil if nothing was read of them.
func (r *rendering) grid(f *reconcile.Finding) *grid {
	p := r.past()
	m, a := p.Members[string(f.Member)], p.Accounts[string(f.Account)]
	if len(p.Nights) == 0 || m == nil && a == nil {
		return nil
	}
	g := &grid{Label: "Nights of " + shown(f.ID, longGUID)}
	for i := range p.Nights {
		n := &p.Nights[i]
		t := n.Snapshot.Time()
		h := head{Day: t.Format("2"), Title: string(n.Snapshot), Gone: n.Snapshot == f.First, Unread: n.Unread}
		g.Heads = append(g.Heads, h)
		g.Months = banded(g.Months, t.Format("Jan 2006"), "", "")
	}
	if m != nil {
		g.member(p, m, r.staleAfter())
	}
	if a != nil {
		g.account(r, a, f)
	}
	return g
}

// banded makes the last band a night longer, or begins another.
func banded(all []band, text, class, title string) []band {
	if n := len(all); n > 0 && all[n-1].Text == text && all[n-1].Class == class {
		all[n-1].Nights++
		return all
	}
	return append(all, band{1, text, class, title})
}

func (g *grid) member(p *reconcile.Past, m *reconcile.MemberPast, staleAfter int64) {
	var walked strings.Builder
	for i := range m.Nights {
		n, at := &m.Nights[i], p.Nights[i].ObservedAt
		line := timeLine{Night: day(p.Nights[i].Snapshot), Read: "yes"}
		status, class := shown(cmp.Or(n.Status, "no status"), 24), statusClass(n.Status)
		switch {
		case p.Nights[i].Unread:
			status, class, line.Read = "?", "d", "the snapshot cannot be read"
		case !n.Listed:
			status, class, line.Read = "not listed", "d", "not listed"
		case !n.Complete:
			line.Read = "no: " + words(shown(cmp.Or(string(n.Reason), "not walked"), longName))
		}
		g.Status = banded(g.Status, status, class, status)
		line.Status = status
		tried, _ := ago(n.AggregatedAt, at, n.Listed, staleAfter)
		succeeded, old := ago(n.Succeeded, at, n.Listed, staleAfter)
		g.Tried, g.Success = append(g.Tried, cell{Text: tried}), append(g.Success, cell{succeeded, old})
		if n.AggregatedAt != nil {
			line.Tried = minute(n.AggregatedAt.Time())
		}
		if n.Succeeded != nil {
			line.Succeeded = minute(n.Succeeded.Time())
		}
		if n.Listed && n.Complete {
			walked.WriteString("<td class=p>Y")
		} else {
			walked.WriteString("<td class=d>?")
		}
		g.Times = append(g.Times, line)
	}
	g.Walked = template.HTML(walked.String())
}

// ago is how long something was ago on a night, and whether it is old.
func ago(t *schemas.Timestamp, at schemas.Timestamp, listed bool, staleAfter int64) (text string, old bool) {
	switch {
	case !listed:
		return "", false
	case t == nil:
		return "\u2013", true
	}
	seconds := int64(at.Time().Sub(t.Time()) / time.Second)
	if seconds < 3600 { // minutes are too wide for a column
		return "0h", false
	}
	return age(seconds), seconds > staleAfter
}

// statusClass is how a connection status looks: well, waiting for the user, or broken.
func statusClass(status string) string {
	switch status {
	case "CONNECTED":
		return "good"
	case "CHALLENGED", "REJECTED", "EXPIRED", "DENIED", "PREVENTED", "IMPAIRED", "LOCKED", "IMPEDED", "PENDING":
		return "user"
	case "DEGRADED", "DISCONNECTED", "FAILED", "HALTED":
		return "bad"
	}
	return "odd"
}

// around is how many rows are shown on each side of the hole.
const around = 6

func (g *grid) account(r *rendering, a *reconcile.AccountPast, f *reconcile.Finding) {
	p := r.past()
	target := slices.IndexFunc(a.Rows, func(w reconcile.RowPast) bool { return w.GUID == string(f.Transaction) && w.GUID != "" })
	rows := a.Rows
	if target < 0 && f.Date != "" {
		if expected, ok := expectedRow(p, a, f); ok {
			target, _ = slices.BinarySearchFunc(rows, expected, func(x, y reconcile.RowPast) int {
				return cmp.Or(cmp.Compare(x.Date, y.Date), cmp.Compare(x.GUID, y.GUID))
			})
			rows = slices.Insert(slices.Clone(rows), target, expected)
		}
	}
	centre := target
	if centre < 0 {
		centre = len(rows) - 1
	}
	named := map[string]string{} // rows that the evidence names
	for name, v := range f.Evidence {
		if guid, ok := v.(string); ok {
			named[guid] = words(shown(name, longName))
		}
	}
	last := -1
	for i := range rows {
		w := &rows[i]
		note, other := named[w.GUID]
		if (i < centre-around || i > centre+around) && !other {
			g.Hidden++
			continue
		}
		row := gridRow{Amount: money(w.Amount), Payee: shown(w.Payee, longName), Note: note, Target: i == target, Gap: last >= 0 && last != i-1}
		if w.Undated {
			row.Date = "no date"
		} else {
			row.Date = w.Date.String()
		}
		if w.Unsigned {
			row.Amount = ""
		}
		if row.Target && w.GUID == "" {
			row.Note = "never seen"
		}
		var above *reconcile.RowPast
		if last >= 0 {
			above = &rows[last]
		}
		seen := seenOf(p, w, row.Target || r.lost[w.GUID])
		row.Cells = sights(p, w, seen, above, string(f.First), row.Target)
		row.Story = story(p, seen)
		g.Rows = append(g.Rows, row)
		last = i
	}
	w := p.Nights[len(p.Nights)-1].Window
	g.Edge = fmt.Sprintf("On the last night the window is %s to %s", w.From, w.To)
	g.Balance = balanceChart(p, a, f)
}

// expectedRow is a row that no night has: what a balance or a habit says should
// be there. It is absent from the night on that shows it.
func expectedRow(p *reconcile.Past, a *reconcile.AccountPast, f *reconcile.Finding) (reconcile.RowPast, bool) {
	w := reconcile.RowPast{Payee: string(f.Payee), Unsigned: true, Nights: make([]reconcile.Sight, len(p.Nights))}
	if w.Date.UnmarshalText([]byte(f.Date)) != nil {
		return w, false
	}
	if amount, ok := schemas.ParseMoney([]byte(f.Amount)); ok && f.Type != "" {
		w.Amount, w.Unsigned = amount, false
		if f.Type == "DEBIT" {
			w.Amount = -amount
		}
	}
	for i := range w.Nights {
		switch n := a.Nights[i]; {
		case !n.Listed || !n.Looked:
		case !p.Nights[i].Window.Contains(w.Date):
			w.Nights[i] = reconcile.Outside
		default:
			w.Nights[i] = reconcile.Absent
		}
	}
	return w, true
}

// seen is what a cell shows: a sight, and of an absence whether the row had been
// there before, and whether that is a loss.
type seen int

const (
	dark seen = iota
	outside
	early // looked, and it was not there yet
	left  // it was there before, and is not held to be missing
	gone
	pending
	posted
)

// letters stand for what was seen, so that nobody needs the colours.
var letters = [...]string{dark: "d>?", outside: "o>\u2013", early: "y>\u00b7", left: "w>\u25cb", gone: "x>X", pending: "h>H", posted: "p>P"}

var stories = [...]string{dark: "not looked", outside: "outside the window", early: "not there yet", left: "no longer listed", gone: "missing", pending: "pending", posted: "posted"}

// seenOf tells for every night what was seen of a row, which is missing or only
// left: a pending one that was booked leaves too. One that no night has is gone
// from its date on.
func seenOf(p *reconcile.Past, w *reconcile.RowPast, missing bool) []seen {
	all := make([]seen, len(w.Nights))
	was := false
	for i, s := range w.Nights {
		switch s {
		case reconcile.Outside:
			all[i] = outside
		case reconcile.Pending:
			all[i], was = pending, true
		case reconcile.Posted:
			all[i], was = posted, true
		case reconcile.Absent:
			all[i] = early
			switch {
			case was && !missing:
				all[i] = left
			case was, w.GUID == "" && schemas.DateOf(p.Nights[i].ObservedAt.Time()) >= w.Date:
				all[i] = gone
			}
		}
	}
	return all
}

// sights are the cells of a row. The edge of a night's window is drawn between
// the rows on its two sides, and the row that a finding is about has a line
// where that came to be true.
func sights(p *reconcile.Past, w *reconcile.RowPast, all []seen, above *reconcile.RowPast, first string, target bool) template.HTML {
	var b strings.Builder
	for i, s := range all {
		from := p.Nights[i].Window.From
		class := ""
		if above != nil && !above.Undated && !w.Undated && above.Date < from && w.Date >= from && !p.Nights[i].Unread {
			class = " e"
		}
		if target && string(p.Nights[i].Snapshot) == first {
			class += " g"
		}
		b.WriteString("<td class=")
		if text := letters[s]; class != "" {
			b.WriteString(`"` + text[:1] + class + `"` + text[1:])
		} else {
			b.WriteString(text)
		}
	}
	return template.HTML(b.String())
}

// story says in words what the cells of a row show.
func story(p *reconcile.Past, all []seen) string {
	var parts []string
	for i := 0; i < len(all); {
		k := i
		for k < len(all) && all[k] == all[i] {
			k++
		}
		from, to := day(p.Nights[i].Snapshot), day(p.Nights[k-1].Snapshot)
		if k-i > 1 {
			from += " to " + to
		}
		parts = append(parts, stories[all[i]]+" "+from)
		i = k
	}
	return strings.Join(parts, "; ")
}
