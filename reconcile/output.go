package reconcile

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// sound checks the files of a snapshot against its manifest: their sizes and
// hashes. (The export read every cell back before it published them.)
func sound(st snapshot.Store, m *snapshot.Manifest) error {
	for _, name := range slices.Sorted(maps.Keys(m.Tables)) {
		for _, f := range m.Tables[name].Files {
			if err := soundFile(st, f); err != nil {
				return fmt.Errorf("snapshot %s is refused: %w; see tallyport snapshots verify %s", m.ID, err, m.ID)
			}
		}
	}
	return nil
}

func soundFile(st snapshot.Store, want snapshot.FileInfo) (err error) {
	f, err := st.Open(want.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err == nil && (n != want.Bytes || hex.EncodeToString(h.Sum(nil)) != want.SHA256) {
		err = fmt.Errorf("%s: %w", want.Path, snapshot.ErrDamaged)
	}
	return err
}

// Summary is summary.json.
type Summary struct {
	Snapshot snapshot.ID    `json:"snapshot"`
	AsOf     time.Time      `json:"as_of"`
	Compared *snapshot.ID   `json:"compared"` // the snapshot before; null: nothing to compare yet
	Accounts AccountCount   `json:"accounts"`
	Members  MemberSummary  `json:"members"`
	Findings FindingSummary `json:"findings"`
	Changes  ChangeSummary  `json:"changes"`
	Tickets  TicketSummary  `json:"tickets"`
	Systemic bool           `json:"systemic"`
	Notes    []string       `json:"notes"`
	ExitCode int            `json:"exit_code"`
}

// AccountCount says of how many accounts something could be concluded.
type AccountCount struct {
	Compared      int64 `json:"compared"`
	NotComparable int64 `json:"not_comparable"`
}

// MemberSummary says how many members were looked at, and why others were not.
type MemberSummary struct {
	Complete   int64            `json:"complete"`
	Incomplete int64            `json:"incomplete"`
	Why        map[string]int64 `json:"why"`
}

// FindingSummary counts the findings of a report.
type FindingSummary struct {
	ByKind    map[Kind]int    `json:"by_kind"`
	ByCode    map[Code]int    `json:"by_code"`
	ByVerdict map[Verdict]int `json:"by_verdict"`
	ByState   map[State]int   `json:"by_state"`
}

// ChangeSummary counts the changes of a night by code.
type ChangeSummary struct {
	Added   map[Code]int64 `json:"added"`
	Removed map[Code]int64 `json:"removed"`
	Amended map[Code]int64 `json:"amended"`
}

// TicketSummary counts tickets.
type TicketSummary struct {
	New      int `json:"new"`
	Open     int `json:"open"`
	Withheld int `json:"withheld"`
}

func summarize(r *run, prev, m *snapshot.Manifest, c *nightCounts, found []Finding, fired bool) Summary {
	s := Summary{Snapshot: m.ID, AsOf: m.AsOf, Systemic: fired, Notes: []string{},
		Accounts: AccountCount{Compared: c.compared, NotComparable: c.apart},
		Members:  MemberSummary{Complete: m.Members.Complete, Incomplete: m.Members.Incomplete, Why: c.incomplete},
		Findings: FindingSummary{map[Kind]int{}, map[Code]int{}, map[Verdict]int{}, map[State]int{}},
		Changes:  ChangeSummary{orEmpty(c.changes["added"]), orEmpty(c.changes["removed"]), orEmpty(c.changes["amended"])},
	}
	if r.state != nil && r.state.Snapshot != m.ID {
		s.Compared = &r.state.Snapshot
		s.Notes = append(s.Notes, mixed(prev, m)...)
	} else {
		s.Notes = append(s.Notes, "nothing to compare yet")
	}
	if day := schemas.DateOf(observed(m).Time()); m.Plan.Window.To < day {
		s.Notes = append(s.Notes, fmt.Sprintf("the window ends on %s, before the day of the export, %s: balances and what should have come are not judged", m.Plan.Window.To, day))
	}
	for i := range found {
		f := &found[i]
		s.Findings.ByKind[f.Kind]++
		s.Findings.ByCode[f.Code]++
		s.Findings.ByVerdict[f.Verdict]++
		s.Findings.ByState[f.State]++
	}
	if fired || s.Compared != nil && m.Status != snapshot.StatusComplete {
		s.ExitCode = 3
	}
	return s
}

// mixed says in what two snapshots that are compared were not taken alike.
func mixed(prev, now *snapshot.Manifest) (notes []string) {
	if prev == nil {
		return nil
	}
	a, b := prev.Plan, now.Plan
	days := schemas.DateOf(now.AsOf) - schemas.DateOf(prev.AsOf)
	if b.Window.From-a.Window.From != days || b.Window.To-a.Window.To != days {
		notes = append(notes, fmt.Sprintf("the windows differ, %s to %s before and %s to %s now: only days in both are compared", a.Window.From, a.Window.To, b.Window.From, b.Window.To))
	}
	if a.Format != b.Format {
		notes = append(notes, fmt.Sprintf("the formats differ, %s before and %s now: rows are compared by what they say", a.Format, b.Format))
	}
	if prev.Shards != now.Shards {
		notes = append(notes, fmt.Sprintf("the numbers of parts differ, %d before and %d now: users are compared wherever they stand", prev.Shards, now.Shards))
	}
	if a.Scope != b.Scope {
		notes = append(notes, fmt.Sprintf("the scopes differ, %s before and %s now", a.Scope, b.Scope))
	}
	if a.Users != b.Users {
		notes = append(notes, "the lists of users differ: only users in both are compared")
	}
	return notes
}

// countTickets counts the tickets of a report: new are those that were not
// there before.
func (s *Summary) countTickets(found []Finding, before map[text]bool, withheld int) {
	open := map[text]bool{}
	s.Tickets = TicketSummary{Withheld: withheld}
	for i := range found {
		f := &found[i]
		if f.TicketID == "" || !f.State.Raised() || open[f.TicketID] {
			continue
		}
		open[f.TicketID] = true
		s.Tickets.Open++
		if !before[f.TicketID] {
			s.Tickets.New++
		}
	}
}

func orEmpty(m map[Code]int64) map[Code]int64 {
	if m == nil {
		return map[Code]int64{}
	}
	return m
}

// changeLine is one line of changes.csv.
type changeLine struct {
	Change, Code, Verdict                           string
	User, Member, Account, Transaction, Counterpart string
	Date, Amount, Type, Status, Finding             string
	day                                             schemas.Date
}

var changeColumns = []string{"change", "code", "verdict", "user_guid", "member_guid", "account_guid", "transaction_guid", "counterpart_guid", "date", "amount", "type", "status", "finding_id"}

func newChangeLine(user string, c *userChange) changeLine {
	l := changeLine{Change: c.change, Code: string(c.code), Verdict: string(c.verdict), User: user, Member: c.member, Account: c.account, Counterpart: c.counterpart, Finding: c.finding}
	if c.row.GUID == "" {
		return l
	}
	l.Transaction, l.Status, l.day = c.row.GUID, c.row.status(), c.row.Date
	if c.row.is(noDate) {
		l.day = math.MinInt32 // nulls first, as in every table
	} else {
		l.Date = c.row.Date.String()
	}
	if !c.row.is(noSum) {
		l.Amount, l.Type = plain(c.row.Amount), c.row.direction()
	}
	return l
}

func compareChanges(a, b changeLine) int {
	return cmp.Or(strings.Compare(a.User, b.User), strings.Compare(a.Account, b.Account), cmp.Compare(a.day, b.day), strings.Compare(a.Transaction, b.Transaction), strings.Compare(a.Member, b.Member), strings.Compare(a.Change, b.Change))
}

func (l *changeLine) cells() []string {
	return []string{l.Change, l.Code, l.Verdict, l.User, l.Member, l.Account, l.Transaction, l.Counterpart, l.Date, l.Amount, l.Type, l.Status, l.Finding}
}

var findingColumns = []string{"id", "kind", "code", "verdict", "issue_type", "state", "ticket_id", "user_guid", "member_guid", "account_guid", "transaction_guid", "institution_code",
	"date", "amount", "type", "payee", "first_snapshot", "last_snapshot", "last_good_snapshot", "evidence", "missing_inputs"}

func (f *Finding) cells() ([]string, error) {
	evidence, err := marshal(f.Evidence)
	if err != nil {
		return nil, err
	}
	inputs, err := marshal(f.MissingInputs)
	return []string{f.ID, string(f.Kind), string(f.Code), string(f.Verdict), string(f.IssueType), string(f.State), string(f.TicketID), Defused(string(f.User)), Defused(string(f.Member)), Defused(string(f.Account)),
		Defused(string(f.Transaction)), Defused(string(f.Institution)), string(f.Date), string(f.Amount), Defused(string(f.Type)), Defused(string(f.Payee)), string(f.First), string(f.Last), string(f.LastGood),
		string(evidence), string(inputs)}, err
}

// Defused puts an apostrophe before a text that a spreadsheet would run.
func Defused(s string) string {
	if strings.HasPrefix(strings.TrimLeft(s, "\t\r"), "=") || s != "" && strings.ContainsRune("+-@\t\r'＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}

// Files renders the report: findings.jsonl, findings.csv, findings.parquet,
// summary.json, and changes.csv and changes.parquet if changes were asked for.
func (res *Result) Files(changes bool) (map[string][]byte, error) {
	out := map[string][]byte{}
	var lines, table bytes.Buffer
	w := csv.NewWriter(&table)
	_ = w.Write(findingColumns) // to memory
	for i := range res.Findings {
		line, err := marshal(&res.Findings[i])
		if err != nil {
			return nil, err
		}
		lines.Write(append(line, '\n'))
		cells, err := res.Findings[i].cells()
		if err != nil {
			return nil, err
		}
		_ = w.Write(cells)
	}
	w.Flush()
	summary, err := marshal(res.Summary)
	if err != nil {
		return nil, err
	}
	out["findings.jsonl"], out["findings.csv"], out["summary.json"] = lines.Bytes(), table.Bytes(), append(summary, '\n')
	if out["findings.parquet"], err = parquetOf(schemas.Findings, findingRows(res.Findings)); err != nil {
		return nil, err
	}
	if changes {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		_ = w.Write(changeColumns)
		for i := range res.Changes {
			_ = w.Write(res.Changes[i].cells())
		}
		w.Flush()
		out["changes.csv"] = b.Bytes()
		if out["changes.parquet"], err = parquetOf(schemas.Changes, changeRows(res.Changes)); err != nil {
			return nil, err
		}
	}
	return out, nil
}
