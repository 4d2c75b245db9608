package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	unescape "html"
	"html/template"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/snapshot"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// set writes a text of whichever type.
func set[T ~string](to *T, s string) { *to = T(s) }

func pointer[T any](v T) *T { return &v }

// nights are so many, one a day, up to 20 November 2026.
func nights(n int) []reconcile.PastNight {
	all := make([]reconcile.PastNight, n)
	for i := range all {
		at := time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC).AddDate(0, 0, i+1-n)
		day := schemas.DateOf(at)
		all[i] = reconcile.PastNight{Snapshot: snapshot.IDOf(at), ObservedAt: schemas.TimestampOf(at.Add(time.Minute)), Window: schemas.Window{From: day - 20, To: day + 5}}
	}
	return all
}

// member is one whose success stops at a night, -1: never.
func member(past []reconcile.PastNight, guid, code string, stops int) *reconcile.MemberPast {
	m := &reconcile.MemberPast{User: "USR-1", Member: guid, Institution: code}
	for i, n := range past {
		w := reconcile.MemberNight{Listed: true, Complete: true, Status: "CONNECTED", AggregatedAt: pointer(n.ObservedAt - 3*3600*1e6), Succeeded: pointer(n.ObservedAt - 2*3600*1e6)}
		if stops >= 0 && i >= stops {
			w.Status, w.Succeeded = "DEGRADED", m.Nights[stops-1].Succeeded
		}
		m.Nights = append(m.Nights, w)
	}
	return m
}

const (
	_P = reconcile.Posted
	_H = reconcile.Pending
	_X = reconcile.Absent
	_O = reconcile.Outside
	_D = reconcile.Dark
)

// fixed is a small report with one of everything: a lost row, one that was never
// seen, a stale member, a suspicion, one that recovered.
func fixed() *Report {
	past := nights(6)
	last := past[5].Snapshot
	day := schemas.DateOf(past[5].Snapshot.Time())
	row := func(guid string, ago schemas.Date, cents schemas.Money, payee string, seen ...reconcile.Sight) reconcile.RowPast {
		return reconcile.RowPast{GUID: guid, Date: day - ago, Amount: cents * 100, Payee: payee, Nights: seen}
	}
	a := &reconcile.AccountPast{User: "USR-1", Member: "MBR-1", Account: "ACT-1", Type: "CHECKING", Rows: []reconcile.RowPast{
		row("TRN-1", 22, -1250, "Quick Cuts", _P, _P, _P, _D, _O, _O),
		row("TRN-2", 12, -15830, "Rent & Co", _P, _P, _P, _D, _P, _P),
		row("TRN-3", 11, -15051, "Credit Card Payment", _P, _P, _P, _D, _X, _X),
		row("TRN-4", 11, 240000, "Payroll", _P, _P, _P, _D, _P, _P),
		row("TRN-5", 3, -499, "Appvault", _X, _X, _H, _D, _P, _P),
		row("TRN-7", 2, -850, "Corner Shop", _X, _X, _H, _D, _X, _X),
		row("TRN-8", 2, -850, "Corner Shop", _X, _X, _X, _D, _P, _P),
		row("TRN-6", 1, -1222, "Taquería", _X, _X, _X, _D, _H, _P),
	}}
	for i, balance := range []schemas.Money{500000, 500000, 500000, 0, 498651, 496903} {
		a.Nights = append(a.Nights, reconcile.AccountNight{Listed: true, Looked: i != 3, Balance: pointer(balance * 100)})
	}
	a.Nights[3].Balance = nil
	first := member(past, "MBR-1", "bluepeak", -1)
	first.Nights[3] = reconcile.MemberNight{Listed: true, Reason: "http_error", Status: "CONNECTED"}
	institution := func(code, name string, stale ...int) *reconcile.InstitutionPast {
		p := &reconcile.InstitutionPast{Code: code, Name: name}
		for _, n := range stale {
			p.Nights = append(p.Nights, reconcile.InstitutionNight{Members: 4, Stale: n, MedianAge: int64(7200 + 36000*n)})
		}
		return p
	}
	findings := []reconcile.Finding{
		{ID: "F-A", Kind: "missing_transaction", Code: "Z1", Verdict: "ticket", IssueType: "failed_update", State: "open", TicketID: "T-A", User: "USR-1", Member: "MBR-1", Account: "ACT-1",
			Transaction: "TRN-3", Institution: "bluepeak", Date: "2026-11-09", Amount: "150.51", Type: "DEBIT", Payee: "Credit Card Payment", First: past[4].Snapshot, Last: last, LastGood: "20261117T020000Z",
			Evidence:      map[string]any{"balance_model": "balance follows posted rows", "drift_moved_by": "0.00", "equal_row_left": "TRN-1", "successfully_aggregated_at_without_it": []any{"2026-11-19T00:01:00.000000Z"}},
			MissingInputs: []string{"screenshots of them from the FI website"}},
		{ID: "F-B", Kind: "never_seen_transaction", Code: "N1", Verdict: "review", IssueType: "failed_update", State: "open", User: "USR-1", Member: "MBR-1", Account: "ACT-1",
			Institution: "bluepeak", Date: "2026-11-20", Amount: "5.26", Type: "DEBIT", First: last, Last: last, Evidence: map[string]any{"step_at": "2026-11-20T00:01:00.000000Z"}},
		{ID: "F-C", Kind: "stale_member", Code: "S2", Verdict: "ticket", IssueType: "aggregation", State: "escalated", TicketID: "T-C", User: "USR-1", Member: "MBR-2", Institution: "yonder",
			First: past[3].Snapshot, Last: last, Evidence: map[string]any{"connection_status": "DEGRADED", "action": "Nothing is asked of the user; send MX support the member's guid and keep the member.",
				"status_since": map[string]any{"not_before": nil, "not_after": "2026-11-17T02:00:00.000000Z"}, "tried_since_success": true, "flap_count": json.Number("2")}},
		{ID: "F-D", Kind: "missing_transaction", Code: "Z2", Verdict: "review", IssueType: "failed_update", State: "candidate", User: "USR-1", Member: "MBR-1", Account: "ACT-1", Transaction: "TRN-9",
			Institution: "bluepeak", Date: "2026-11-02", Amount: "17.97", Type: "DEBIT", Payee: "Noodle <House>", First: last, Last: last},
		{ID: "F-E", Kind: "user_disabled", Code: "U2", Verdict: "notice", IssueType: "none", State: "suppressed", User: "USR-2", First: past[0].Snapshot, Last: last},
		{ID: "F-F", Kind: "stale_member", Code: "S4", Verdict: "ticket", IssueType: "failed_update", State: "recovered", User: "USR-3", Member: "MBR-3", Institution: "old_mill", First: past[1].Snapshot, Last: past[4].Snapshot},
	}
	r := &Report{Findings: findings, Tickets: Tickets(findings), Detailed: []string{"F-C", "F-A", "F-B"}, New: []string{"T-A"},
		News: map[string]reconcile.EventName{"F-A": reconcile.WasOpened, "F-B": reconcile.WasOpened, "F-C": reconcile.WasEscalated, "F-D": reconcile.WasCandidate, "F-F": reconcile.WasRecovered, "F-E": reconcile.WasStill},
		Past: &reconcile.Past{Nights: past, Accounts: map[string]*reconcile.AccountPast{"ACT-1": a},
			Members: map[string]*reconcile.MemberPast{"MBR-1": first, "MBR-2": member(past, "MBR-2", "yonder", 2)},
			Institutions: map[string]*reconcile.InstitutionPast{"bluepeak": institution("bluepeak", "Bluepeak Bank", 0, 0, 0, 0, 1, 0),
				"yonder": institution("yonder", "Neobank", 0, 0, 1, 2, 2, 3), "yonder2": institution("yonder2", "Neobank", 0, 0, 0, 0, 0, 1)}},
		ledger: reconcile.NewLedger(nil)}
	r.Summary = reconcile.Summary{Snapshot: last, AsOf: last.Time(), Compared: pointer(past[4].Snapshot), Accounts: reconcile.AccountCount{Compared: 645, NotComparable: 6},
		Members: reconcile.MemberSummary{Complete: 1315, Incomplete: 2, Why: map[string]int64{"http_error": 1, "torn": 1}},
		Tickets: reconcile.TicketSummary{New: 1, Open: 2, Withheld: 3}, Systemic: true, Notes: []string{"the formats differ, csv before and parquet now: rows are compared by what they say"}, ExitCode: 3}
	return r
}

func page(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteHTML(&b, Page{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	r := fixed()
	// The style sheet and the script would only repeat themselves, and so would their hashes.
	html := strings.NewReplacer(style, "…", script, "…").Replace(page(t, r))
	html = regexp.MustCompile(`content="default-src[^"]*"`).ReplaceAllString(html, `content="…"`)
	for name, got := range map[string]string{"report.html": html, "report.md": string(r.Markdown())} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
			t.Errorf("%s differs (-want +got); if that is meant, run go test ./reconcile/report -update:\n%s", path, d)
		}
	}
}

// A row is missing if it has a finding: its own page's, or one that is raised or
// suspected. Any other that went is no longer listed.
func TestMissingOrLeft(t *testing.T) {
	for _, c := range []struct {
		state        reconcile.State
		target, want string
	}{
		{"open", "TRN-3", "X"}, {"candidate", "TRN-3", "X"}, {"explained", "TRN-3", "○"}, {"suppressed", "TRN-3", "○"}, {"explained", "TRN-1", "X"}, {"", "TRN-3", "○"},
	} {
		r := fixed()
		r.Findings = r.Findings[1:2]
		other := reconcile.Finding{ID: "F-O", State: c.state, Account: "ACT-1"}
		set(&other.Transaction, c.target)
		r.others = []reconcile.Finding{other}
		f := r.Findings[0]
		if c.target == "TRN-1" { // the page of TRN-3 itself
			set(&f.Transaction, "TRN-3")
		}
		for _, w := range r.on(Page{}).grid(&f).Rows {
			switch w.Payee {
			case "Credit Card Payment":
				if !strings.HasSuffix(string(w.Cells), c.want) || strings.Contains(w.Story, "missing") != (c.want == "X") {
					t.Errorf("%s %s: %s, %s", c.state, c.target, w.Cells, w.Story)
				}
			case "Corner Shop":
				if strings.Contains(string(w.Cells), "X") {
					t.Errorf("a pending row that was booked: %s", w.Cells)
				}
			}
		}
	}
}

// The same report is the same bytes, whatever order maps come in.
func TestDeterminism(t *testing.T) {
	first, err := fixed().Files()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := fixed().Files()
		if err != nil {
			t.Fatal(err)
		}
		if !maps.EqualFunc(first, again, bytes.Equal) {
			t.Fatal("another rendering has other bytes")
		}
	}
}

// A browser runs nothing but the script whose hash the policy has, and takes
// nothing from anywhere.
func TestSelfContained(t *testing.T) {
	html := page(t, fixed())
	if n := strings.Count(html, "<script"); n != 1 || !strings.Contains(html, "<script>"+script+"</script>") {
		t.Errorf("%d scripts, or not the one that is hashed", n)
	}
	if n := strings.Count(html, "<style"); n != 1 || !strings.Contains(html, "<style>"+style+"</style>") {
		t.Errorf("%d style sheets, or not the one that is hashed", n)
	}
	if !strings.Contains(unescape.UnescapeString(html), `content="`+Policy(false)+`"`) {
		t.Error("the page has no policy")
	}
	for _, bad := range []string{" src=", " style=", "<link", "<img", "<iframe", "@import", "url(", "http://", "https://"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		if !regexp.MustCompile(`^(#[\w-]+|tickets/T-\w+\.md)$`).MatchString(href[1]) {
			t.Errorf("a link leads to %q", href[1])
		}
	}
}

// The file beside the page is there of every ticket that is linked. What is put
// aside has none, and a server shows it all the same.
func TestLinkedTickets(t *testing.T) {
	r := fixed()
	for i, state := range []reconcile.State{reconcile.Open, reconcile.Suppressed, reconcile.Candidate, reconcile.Recovered, reconcile.Submitted, reconcile.Expired} {
		r.Findings[i].State = state
		set(&r.Findings[i].TicketID, fmt.Sprintf("T-%d", i))
	}
	r.Tickets = Tickets(r.Findings)
	files, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	html := string(files["report.html"])
	linked := 0
	for _, href := range regexp.MustCompile(`href="(tickets/[^"]*)"`).FindAllStringSubmatch(html, -1) {
		if linked++; files[href[1]] == nil {
			t.Errorf("%s is linked and not written", href[1])
		}
	}
	for i := range r.Findings {
		id := fmt.Sprintf("T-%d", i)
		if n := strings.Count(html, id+"</"); n < 2 || (files["tickets/"+id+".md"] != nil) != strings.Contains(html, `"tickets/`+id+`.md"`) {
			t.Errorf("%s stands %d times, or is written and not linked", id, n)
		}
	}
	if linked == 0 {
		t.Error("no ticket is linked")
	}
	var b bytes.Buffer
	if err := r.WriteBody(&b, Page{Ticket: func(id string) string { return "/tickets/" + id }}); err != nil || !strings.Contains(b.String(), `href="/tickets/T-1"`) {
		t.Errorf("a server does not show what was put aside, %v", err)
	}
}

// A live page says where its links lead and what can be done; its parts are
// those of the file.
func TestPageOfAServer(t *testing.T) {
	r := fixed()
	p := Page{Ticket: func(id string) string { return "/ticket/" + id }, Finding: func(id string) string { return "/finding/" + id }, Above: "<nav>home</nav>",
		Actions: func(f *reconcile.Finding) template.HTML {
			return template.HTML(`<form method="post" action="/do/` + f.ID + `"></form>`)
		}}
	var whole, part, none bytes.Buffer
	if err := r.WriteHTML(&whole, p); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`href="/ticket/T-A"`, `href="/finding/F-A"`, `href="/finding/F-E"`, "<nav>home</nav>", `action="/do/F-A"`, Policy(true)} {
		if !strings.Contains(unescape.UnescapeString(whole.String()), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if err := r.WriteFinding(&part, "F-A", p); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(part.String(), "<article") || !strings.Contains(whole.String(), part.String()) {
		t.Error("the fragment of a finding is not what the page has")
	}
	if err := r.WriteFinding(&none, "F-Z", p); err != nil || none.Len() > 0 {
		t.Errorf("of a finding that is not there: %q, %v", &none, err)
	}
	p.Ticket = func(string) string { return "javascript:alert(1)" }
	whole.Reset()
	if err := r.WriteHTML(&whole, p); err != nil || strings.Contains(whole.String(), "javascript:") {
		t.Errorf("a script is linked, %v", err)
	}
}

var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`, `</script><script>alert(1)//`, `</style><svg onload=alert(1)>`,
	"\u202eevil\u2066\u200f", strings.Repeat("long <b>", 1280), "nul\x00\x1b[31m", "bad\xff\xfe\xc3", "`|*_[x](javascript:alert(1))", "<!-- --><![CDATA[", "{{.}}", "../../etc/passwd?a=b#c", "http://a.example HTTPS://b.example www.c.example Www.d.example @octocat @org/team", "a\r\n# head\n| x |",
}

// poison puts a hostile text into every field of every finding, and of what is
// shown of members, accounts and institutions.
func poison(s string) *Report {
	r := fixed()
	for i := range r.Findings {
		f := &r.Findings[i]
		f.ID += s
		f.Kind, f.Code, f.Verdict, f.IssueType, f.State = reconcile.Kind(s), reconcile.Code(s), reconcile.Verdict(s), reconcile.IssueType(s), reconcile.Open
		set(&f.TicketID, s)
		set(&f.Institution, s)
		set(&f.User, s)
		set(&f.Payee, s)
		set(&f.Amount, s)
		set(&f.Type, s)
		set(&f.LastGood, s)
		set(&f.Last, s)
		if i%2 == 0 {
			set(&f.Date, s)
			set(&f.First, s)
		}
		f.MissingInputs = []string{s, s}
		f.Evidence = map[string]any{s: s, "action": s, "connection_status": s, "list": []any{s, json.Number(s)}, "map": map[string]any{s: s}}
	}
	for i, id := range []string{"F-C", "F-A", "F-B"} {
		r.Detailed[i] = id + s
	}
	r.News = map[string]reconcile.EventName{r.Findings[0].ID: reconcile.EventName(s), r.Findings[1].ID: reconcile.WasOpened, r.Findings[2].ID: reconcile.WasOpened}
	r.Tickets = Tickets(r.Findings)
	for i := range r.Tickets {
		r.Tickets[i].ID, r.Tickets[i].State, r.Tickets[i].Member, r.Tickets[i].Since = s, reconcile.State(s), s, snapshot.ID(s)
	}
	p := r.Past
	for _, m := range p.Members {
		for i := range m.Nights {
			m.Nights[i].Status, m.Nights[i].Reason, m.Nights[i].Complete = s, schemas.Reason(s), i%2 == 0
		}
	}
	for _, a := range p.Accounts {
		a.Type = s
		for i := range a.Rows {
			a.Rows[i].Payee = s
			if i != 2 {
				a.Rows[i].GUID = s
			}
		}
	}
	all := map[string]*reconcile.InstitutionPast{}
	for code, i := range p.Institutions {
		i.Code, i.Name, i.URL = code+s, s, s
		all[i.Code] = i
	}
	all[s] = p.Institutions["yonder"]
	p.Institutions = all
	r.Summary.Notes = []string{s}
	r.Summary.Members.Why = map[string]int64{s: 1}
	r.Summary.Compared = pointer(snapshot.ID(s))
	return r
}

// The elements of a page with hostile texts are those that the templates make,
// and their attributes too.
func TestHostile(t *testing.T) {
	tags := regexp.MustCompile(`<[a-zA-Z!/][^>]*>`)
	names := regexp.MustCompile(`\s([a-zA-Z-]+)(=|\s|>|/)`)
	shape := func(html string) (all map[string]bool) {
		all = map[string]bool{}
		html = strings.NewReplacer(style, "", script, "").Replace(html)
		for _, tag := range tags.FindAllString(html, -1) {
			name := strings.Trim(strings.FieldsFunc(tag, func(c rune) bool { return strings.ContainsRune("< />", c) })[0], "/")
			bare := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(tag, "")
			for _, a := range names.FindAllStringSubmatch(bare, -1) {
				all[name+" "+a[1]] = true
			}
			all[name] = true
		}
		return all
	}
	calm := shape(page(t, poison("calm text")))
	for _, s := range hostile {
		r := poison(s)
		html := page(t, r)
		for what := range shape(html) {
			if !calm[what] {
				t.Errorf("%.20q makes a %s", s, what)
			}
		}
		md := string(r.Markdown())
		for name, text := range map[string]string{"report.html": html, "report.md": md} {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\r\u202e\u2066\u200f") {
				at := strings.IndexAny(text, "\x00\x1b\r\u202e\u2066\u200f")
				t.Errorf("%.20q comes into %s as it is: %q", s, name, text[max(0, at-60):max(0, at)+60])
			}
			if len(text) > 400_000 {
				t.Errorf("%.20q makes %s %d bytes large", s, name, len(text))
			}
		}
		for _, href := range regexp.MustCompile(`href="?([^"> ]*)`).FindAllStringSubmatch(html, -1) {
			if !strings.HasPrefix(href[1], "#") && !regexp.MustCompile(`^tickets/[^/]*\.md$`).MatchString(href[1]) {
				t.Errorf("%.20q makes a link to %.60q", s, href[1])
			}
		}
		lines := strings.Split(md, "\n")
		for i, l := range lines {
			if strings.HasPrefix(l, "|") && i > 0 && strings.HasPrefix(lines[i-1], "|") && bars(l) != bars(lines[i-1]) {
				t.Errorf("%.20q breaks the table: %.200q", s, l)
			}
			if strings.HasPrefix(l, "#") != slices.Contains(headsOf(t), l) && !strings.HasPrefix(l, "# Tallyport report") {
				t.Errorf("%.20q makes a head: %.80q", s, l)
			}
			if unescaped(l, "[<") {
				t.Errorf("%.20q makes a link or an element: %.200q", s, l)
			}
			if address.MatchString(uncoded(l)) {
				t.Errorf("%.20q makes an address or a mention: %.200q", s, l)
			}
		}
	}
}

func headsOf(t *testing.T) (heads []string) {
	for _, l := range strings.Split(string(fixed().Markdown()), "\n") {
		if strings.HasPrefix(l, "#") {
			heads = append(heads, l)
		}
	}
	return heads
}

// bars counts those that end a cell.
func bars(line string) int { return strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") }

// unescaped reports whether one of the characters stands outside of code without a backslash.
func unescaped(line, any string) bool { return strings.ContainsAny(uncoded(line), any) }

// uncoded is a line without its code and what has a backslash.
func uncoded(line string) string {
	return regexp.MustCompile("\\\\.|`[^`]*`").ReplaceAllString(line, "")
}

// address is what is taken for a link, or for a person to be told.
var address = regexp.MustCompile(`(?i)://|www\.|@`)

// large is a report of n findings, all raised, of which the most urgent hundred
// have thirty nights and long accounts.
func large(n int) *Report {
	past := nights(30)
	r := &Report{News: map[string]reconcile.EventName{}, ledger: reconcile.NewLedger(nil),
		Past: &reconcile.Past{Nights: past, Members: map[string]*reconcile.MemberPast{}, Accounts: map[string]*reconcile.AccountPast{}, Institutions: map[string]*reconcile.InstitutionPast{}}}
	r.Summary = reconcile.Summary{Snapshot: past[29].Snapshot, AsOf: past[29].Snapshot.Time()}
	day := schemas.DateOf(r.Summary.AsOf)
	guid := func(prefix string, i int) string {
		return fmt.Sprintf("%s-%08x-0000-4000-8000-%012x", prefix, i, i*7919)
	}
	for i := range n {
		f := reconcile.Finding{ID: fmt.Sprintf("F-%016d", i), Kind: "missing_transaction", Code: "Z1", Verdict: "ticket", IssueType: "failed_update", State: "open",
			Date: "2026-11-10", Amount: "150.51", Type: "DEBIT", First: past[20].Snapshot, Last: r.Summary.Snapshot, MissingInputs: []string{"date, amount and payee of missing transactions, if known", "screenshots of them from the FI website"},
			Evidence: map[string]any{"balance_model": "balance follows posted rows", "drift_moved_by": "0.00", "probe": "not_asked", "status": "POSTED", "successfully_aggregated_at_last_good": "2026-11-16T06:14:04.000000Z",
				"successfully_aggregated_at_without_it": []any{"2026-11-17T05:58:07.000000Z", "2026-11-18T06:05:06.000000Z"}}}
		set(&f.TicketID, fmt.Sprintf("T-%016d", i))
		set(&f.User, guid("USR", i))
		set(&f.Member, guid("MBR", i))
		set(&f.Account, guid("ACT", i))
		set(&f.Transaction, guid("TRN", i))
		set(&f.Institution, fmt.Sprintf("institution_number_%d", i%300))
		set(&f.Payee, fmt.Sprintf("Some “Merchant” of quite an ordinary length #%d", i))
		r.News[f.ID] = reconcile.WasOpened
		r.Findings = append(r.Findings, f)
		if i >= detailed {
			continue
		}
		r.Detailed = append(r.Detailed, f.ID)
		r.Past.Members[guid("MBR", i)] = member(past, guid("MBR", i), "x", 20)
		a := &reconcile.AccountPast{Account: guid("ACT", i)}
		for k := range 200 {
			w := reconcile.RowPast{GUID: guid("TRN", 100000+k), Date: day - 30 + schemas.Date(k/8), Amount: -schemas.Money(k+1) * 1234, Payee: "Some merchant of quite an ordinary length"}
			if k == 100 {
				w.GUID = guid("TRN", i)
			}
			for range past {
				w.Nights = append(w.Nights, reconcile.Posted)
			}
			a.Rows = append(a.Rows, w)
		}
		for k := range past {
			a.Nights = append(a.Nights, reconcile.AccountNight{Listed: true, Looked: true, Balance: pointer(schemas.Money(k*k) * 12345)})
		}
		r.Past.Accounts[guid("ACT", i)] = a
	}
	r.Tickets, r.Urgent = Tickets(r.Findings), n
	for i := range 300 {
		p := &reconcile.InstitutionPast{Code: fmt.Sprintf("institution_number_%d", i), Name: fmt.Sprintf("The Institution of Number %d", i)}
		for k := range past {
			p.Nights = append(p.Nights, reconcile.InstitutionNight{Members: 20, Stale: k % 20, MedianAge: int64(k) * 5000})
		}
		r.Past.Institutions[p.Code] = p
	}
	return r
}

func TestSize(t *testing.T) {
	html := page(t, large(5000))
	t.Logf("%d bytes", len(html))
	if len(html) > 5_000_000 {
		t.Errorf("5,000 findings make %d bytes", len(html))
	}
	if n := strings.Count(html, "<tr class=\"fresh\""); n != 5000 {
		t.Errorf("the table has %d rows of 5,000", n)
	}
	shown := strings.Count(html, "<article")
	if shown < 60 || shown > detailed || !strings.Contains(html, fmt.Sprintf("The %d most urgent of 5,000 raised findings", shown)) {
		t.Errorf("%d findings have nights, and the page does not say so", shown)
	}
	more := page(t, large(6000))
	if len(more) > 5_000_000 || !strings.Contains(more, "The 5,000 most urgent of 6,000") {
		t.Errorf("6,000 findings make %d bytes, and it is not said which are shown", len(more))
	}
	r := large(5000)
	for i := range r.Findings {
		set(&r.Findings[i].Payee, strings.Repeat(`"`, 100))
		set(&r.Findings[i].Institution, strings.Repeat(`<`, 100))
	}
	most := page(t, r)
	rows, sections := strings.Count(most, "<tr class=\"fresh\""), strings.Count(most, "<article")
	if len(most) > 5_000_000 || !strings.Contains(most, fmt.Sprintf("The %s most urgent of 5,000", count(rows))) || !strings.Contains(most, fmt.Sprintf("The %d most urgent of 5,000 raised findings", sections)) {
		t.Errorf("5,000 findings with long texts make %d bytes, %d rows and %d sections, or it is not said which are shown", len(most), rows, sections)
	}
	if md := large(5000).Markdown(); len(md) > 100_000 || !bytes.Contains(md, []byte("These are 100 of 5,000.")) {
		t.Errorf("report.md has %d bytes, and does not say what is left out", len(md))
	}
}

func BenchmarkPage(b *testing.B) {
	r := large(5000)
	for b.Loop() {
		page(b, r)
	}
}
