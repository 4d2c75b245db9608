package report

import (
	"encoding/csv"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"tallyport/reconcile"
)

// hostileFields are texts that would do something in a page of Markdown, in a
// spreadsheet, in a shell or on a screen.
var hostileFields = []string{
	"<script>alert(1)</script>",
	"=HYPERLINK(\"http://evil.example\",\"x\")",
	"\t=1+1",
	"-2+3",
	"@SUM(A1)",
	"＝1",
	"a\n## Injected\n\n- [ ] send money",
	"a\r\n| b | c |\n|---|---|",
	"x | y",
	"[click](javascript:alert(1)) ![p](http://evil.example/p.png) http://evil.example www.evil.example",
	"`$(rm -rf /)` ' ; rm -rf / #",
	"```\nend of block",
	"\\| \\`",
	"**bold** _it_ ~~s~~ &lt; $x$",
	"right\u202eto left \u200b \x1b[31m \x00 \u2028 bad\xff",
	strings.Repeat("long ", 400),
}

// fill puts a hostile text wherever the API has a say, guids and the date aside
// if the ticket is to have its requests.
func fill(t *testing.T, s string, requests bool) *Report {
	t.Helper()
	f := lost("F-1")
	texts := map[string]string{"institution_code": s, "amount": s, "type": s, "payee": s, "last_good_snapshot": s}
	if !requests {
		for _, field := range []string{"user_guid", "member_guid", "account_guid", "transaction_guid", "date"} {
			texts[field] = s
		}
	}
	data, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	f.Evidence = map[string]any{"probe": "gone", "due": s, "times": s, "last_came": s, "step_at": s, "successfully_aggregated_at_without_it": []string{s}, "status_since": map[string]any{"not_after": s}}
	guid := string(f.Member)
	r := world(t, nil, []sightings{{f, always()}})
	r.Past.Members[guid] = &reconcile.MemberPast{User: s, Member: guid, Nights: still(s)["MBR-1"], Accounts: []string{s}}
	r.Past.Institutions[string(f.Institution)] = &reconcile.InstitutionPast{Code: s, Name: s, URL: s}
	r.host = s
	return r
}

var headings = regexp.MustCompile(`^(# .*|## (What is wrong|What was wrong|Where|Missing transactions|Status history|Steps already taken|Requests that show it|Before it is sent))$`)

// command is a request of a ticket: nothing in its quotes ends them.
var command = regexp.MustCompile(`^curl -i 'https?://[^' ]*/users/USR-1/(members/MBR-1/status|transactions/TRN-1|accounts/ACT-1/transactions\?from_date=2026-11-10&to_date=2026-11-14&records_per_page=100)' \\$`)

// The API cannot write into a ticket anything but words.
func TestTicketHostile(t *testing.T) {
	for _, s := range hostileFields {
		onlyWords(t, s, false)
		onlyWords(t, s, true)
	}
}

func onlyWords(t *testing.T, s string, requests bool) {
	t.Helper()
	r := fill(t, s, requests)
	f := r.Ticket(r.Tickets[0].ID)
	if want := map[bool]int{false: 0, true: 3}[requests]; len(f.Requests) != want {
		t.Errorf("%q: %d requests, want %d", s, len(f.Requests), want)
	}
	md := string(f.Markdown())
	block := false
	for i, line := range strings.Split(md, "\n") {
		if strings.HasPrefix(line, "```") {
			block = !block
			continue
		}
		switch {
		case strings.HasPrefix(line, "| From | To |"):
			continue
		case block:
			if strings.Count(line, "'") != 2 || strings.ContainsAny(line, "`") || strings.HasPrefix(line, "curl") && !command.MatchString(line) {
				t.Errorf("%q: a command that is cut: %s", s, line)
			}
			continue
		case i == 0 && !strings.HasPrefix(line, "# "), i > 0 && strings.HasPrefix(line, "#") && !headings.MatchString(line):
			t.Errorf("%q: heading %q", s, line)
		case strings.HasPrefix(line, "- [") && !strings.HasPrefix(line, "- [ ] screenshots of the missing"):
			t.Errorf("%q: a box to tick %q", s, line)
		}
		bare := strings.NewReplacer(`\\`, "", "\\`", "", `\<`, "", `\>`, "", `\|`, "", `\[`, "", `\]`, "", `\*`, "", `\_`, "", `\~`, "", `\&`, "", `\$`, "", `\:`, "", `www\.`, "", `\#`, "", `\!`, "").Replace(strings.TrimPrefix(strings.TrimPrefix(line, "- [ ] "), "> "))
		if strings.ContainsAny(bare, "`<>[]*_~&$\x1b\x00\u202e\u200b\u2028") || strings.Contains(bare, "http:") && strings.Contains(bare, "://") || strings.Contains(bare, "www.") {
			t.Errorf("%q: markup in %q", s, line)
		}
		if cells := strings.Count(bare, "|"); strings.HasPrefix(line, "|") && cells != 3 && cells != 7 && cells != 8 {
			t.Errorf("%q: %d bars in %q", s, cells, line)
		}
		if utf8.RuneCountInString(line) > 1500 {
			t.Errorf("%q: a line of %d characters", s, utf8.RuneCountInString(line))
		}
	}
	if strings.Count(f.Subject, "|") != 2 || strings.Contains(f.Subject, "\n") {
		t.Errorf("%q: subject %q", s, f.Subject)
	}
	table, err := csv.NewReader(strings.NewReader(string(f.CSV()))).ReadAll()
	if err != nil || len(table) != 2 {
		t.Fatalf("%q: %d lines, %v", s, len(table), err)
	}
	for i, c := range table[1] {
		if strings.ContainsAny(c, "\n\r") || regexp.MustCompile(`^[=+\-@\t＝＋－＠]`).MatchString(c) {
			t.Errorf("%q: cell %s is %q", s, table[0][i], c)
		}
	}
	data, err := f.JSON()
	var back struct {
		Missing []struct{ Payee string } `json:"missing_transactions"`
	}
	if err != nil || json.Unmarshal(data, &back) != nil || len(back.Missing) != 1 || utf8.RuneCountInString(back.Missing[0].Payee) > longestText+1 || strings.ContainsAny(back.Missing[0].Payee, "\n\r\x1b\u202e") {
		t.Errorf("%q: %v, %s", s, err, data)
	}
}
