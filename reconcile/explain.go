package reconcile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// Look is what one snapshot has of a transaction.
type Look struct {
	Snapshot snapshot.ID `json:"snapshot"`
	Seen     bool        `json:"seen"`
	// Why says, of a snapshot that does not have it, whether its member was
	// looked at: only then is the absence evidence.
	Why         string   `json:"why,omitempty"`
	User        string   `json:"user_guid,omitempty"`
	Member      string   `json:"member_guid,omitempty"`
	Account     string   `json:"account_guid,omitempty"`
	Date        text     `json:"date,omitempty"`
	Amount      text     `json:"amount,omitempty"`
	Type        text     `json:"type,omitempty"`
	Status      string   `json:"status,omitempty"`
	Description string   `json:"description,omitempty"`
	Changed     []string `json:"changed,omitempty"` // columns that differ from the look before
}

// Told is a finding with its events and the sentence of its rule.
type Told struct {
	Finding
	Says   string  `json:"says"`
	Events []Event `json:"events"`
}

// Explanation is everything the store knows of a transaction.
type Explanation struct {
	Transaction string `json:"transaction_guid"`
	Looks       []Look `json:"looks"` // from the first snapshot that has it on
	Findings    []Told `json:"findings"`
}

// Explain reads every snapshot of the store for one transaction, and the
// ledger. It returns snapshot.ErrNoSnapshot for an empty store; a transaction
// that was never seen has neither looks nor findings.
func Explain(ctx context.Context, st snapshot.Store, guid string) (*Explanation, error) {
	all, err := inOrder(st)
	if err != nil {
		return nil, err
	}
	ledger, err := OpenLedger(st)
	if err != nil {
		return nil, err
	}
	x := &explaining{guid: guid, out: &Explanation{Transaction: guid, Looks: []Look{}, Findings: []Told{}}}
	needle := must(marshal(guid))
	for _, f := range ledger.Findings() {
		if string(f.Transaction) != guid && !bytes.Contains(must(marshal(f.Evidence)), needle) {
			continue
		}
		_, events, _ := ledger.Finding(f.ID)
		if events == nil {
			events = []Event{}
		}
		x.out.Findings = append(x.out.Findings, Told{f, Says(f.Code), events})
		if string(f.Transaction) == guid {
			x.user = string(f.User)
		}
	}
	if len(all) == 0 && len(x.out.Findings) == 0 {
		return nil, ErrNothing
	}
	// The newest first: once the user is known, one part of each is enough.
	for _, m := range slices.Backward(all) {
		if err := x.look(ctx, st, m); err != nil {
			return nil, unread(m.ID, err)
		}
	}
	slices.Reverse(x.out.Looks)
	first := slices.IndexFunc(x.out.Looks, func(l Look) bool { return l.Seen })
	if first < 0 {
		first = len(x.out.Looks)
	}
	x.out.Looks = x.out.Looks[first:]
	slices.Reverse(x.cells)
	var before []schemas.Value
	for i, c := range x.cells[first:] {
		if c != nil && before != nil {
			x.out.Looks[i].Changed = changed(before, c)
		}
		if c != nil {
			before = c
		}
	}
	// A second pass over what does not have it, now that its member is known.
	return x.out, x.absences(ctx, st, all)
}

// Kinds are the kinds of findings, in the order of the rules.
func Kinds() []Kind {
	var all []Kind
	for i := range rules {
		if k := rules[i].Kind; k != "" && !slices.Contains(all, k) {
			all = append(all, k)
		}
	}
	return all
}

// Says is the sentence of a code's rule.
func Says(c Code) string {
	for i := range rules {
		if rules[i].Code == c {
			return rules[i].Says
		}
	}
	return ""
}

type explaining struct {
	guid  string
	user  string // "" while it is not known
	out   *Explanation
	cells [][]schemas.Value // of each look, nil where it is absent
}

// look finds the transaction in one snapshot. A guid that names several rows
// is a finding of its own; the first row is shown.
func (x *explaining) look(ctx context.Context, st snapshot.Store, m *snapshot.Manifest) error {
	r, err := snapshot.Open(st, m.ID)
	if err != nil {
		return err
	}
	t := schemas.Transactions
	guid := t.Index("guid")
	l := Look{Snapshot: m.ID}
	var cells []schemas.Value
	for part := range m.Shards {
		if x.user != "" && part != schemas.UserID(x.user).Shard(m.Shards) {
			continue
		}
		there := false
		err := r.ScanPart(ctx, t, part, []string{"guid"}, func(vals []schemas.Value) error {
			if there = string(vals[guid].Text) == x.guid; there {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			return err
		}
		if !there {
			continue
		}
		err = r.ScanPart(ctx, t, part, nil, func(vals []schemas.Value) error {
			if string(vals[guid].Text) != x.guid {
				return nil
			}
			for _, v := range vals { // they are valid during the call only
				v.Text = bytes.Clone(v.Text)
				cells = append(cells, v)
			}
			return errStopped
		})
		if err != nil && !errors.Is(err, errStopped) {
			return err
		}
		break
	}
	if cells != nil {
		row := newTxnReader().read(cells)
		l.Seen, l.Member, l.Account, l.Status, l.Description = true, row.Member, cells[t.Index("account_guid")].String(), row.status(), row.Payee
		l.User = cells[t.Index("user_guid")].String()
		if !row.is(noDate) {
			l.Date = text(row.Date.String())
		}
		if !row.is(noSum) {
			l.Amount, l.Type = text(plain(row.Amount)), text(row.direction())
		}
		x.user = l.User
	}
	x.out.Looks, x.cells = append(x.out.Looks, l), append(x.cells, cells)
	return nil
}

// unread is the error of a snapshot whose files are not what they should be.
func unread(id snapshot.ID, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("snapshot %s cannot be read: %w; see tallyport snapshots verify %s", id, err, id)
}

// changed names the columns in which two rows differ.
func changed(a, b []schemas.Value) []string {
	var names []string
	for i, c := range schemas.Transactions.Columns {
		if i < len(a) && i < len(b) && c.Name != "row_hash" && c.Name != "snapshot_at" && !sameCell(a[i], b[i]) {
			names = append(names, c.Name)
		}
	}
	return names
}

// absences says of each snapshot without the row whether it was looked for.
func (x *explaining) absences(ctx context.Context, st snapshot.Store, all []*snapshot.Manifest) error {
	var last Look
	for i := range x.out.Looks {
		l := &x.out.Looks[i]
		if l.Seen {
			last = *l
			continue
		}
		m := manifestOf(all, l.Snapshot)
		r, err := snapshot.Open(st, l.Snapshot)
		if err != nil {
			return err
		}
		// Units of one part: a unit is the shard.
		rows, err := readTables(ctx, r, schemas.UserID(last.User).Shard(m.Shards), m.Shards)
		if err != nil {
			return unread(l.Snapshot, err)
		}
		l.Why = whyAbsent(rows.users[last.User], &last, m.Plan.Window)
	}
	return nil
}

func whyAbsent(u *userRow, last *Look, w schemas.Window) string {
	switch {
	case u == nil:
		return "its user is not there"
	case u.disabled:
		return "its user is disabled"
	}
	m := u.members[last.Member]
	switch {
	case m == nil && u.whole:
		return "its member is not there"
	case m == nil || !m.complete || !m.covered:
		reason := "its list was not read"
		if m != nil && m.reason != "" {
			reason = string(m.reason)
		}
		return "its member was not looked at: " + reason
	case last.Date != "" && (strings.Compare(string(last.Date), w.From.String()) < 0 || strings.Compare(string(last.Date), w.To.String()) > 0):
		return "its date is outside the window"
	case m.accounts[last.Account] == nil:
		return "its account is not there"
	}
	return "its account was looked at, and it is not there"
}
