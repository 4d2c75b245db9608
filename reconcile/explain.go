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

// Told is a finding with its events, what people decided of it, and the sentence
// of its rule.
type Told struct {
	Finding
	Says      string     `json:"says"`
	Events    []Event    `json:"events"`
	Decisions []Decision `json:"decisions"`
}

// Explanation is everything the store knows of a transaction.
type Explanation struct {
	Transaction string      `json:"transaction_guid"`
	Looks       []Look      `json:"looks"` // from the first snapshot that has it on
	Judgements  []Judgement `json:"judgements"`
	Findings    []Told      `json:"findings"`
	// Pruned counts snapshots that were judged and are not there any more.
	// Judgements are made without them, and may have been others.
	Pruned int `json:"pruned_snapshots"`
}

// Explain reads every snapshot of the store for one transaction, and the
// ledger. Of nights of which a finding tells there are no Judgements: the
// ledger's word stands. It returns snapshot.ErrNoSnapshot for an empty store; a transaction
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
	x := &explaining{guid: guid, rows: map[snapshot.ID]*userRow{}, out: &Explanation{Transaction: guid, Looks: []Look{}, Judgements: []Judgement{}, Findings: []Told{}}}
	needle := must(marshal(guid))
	for _, f := range ledger.Findings() {
		if string(f.Transaction) != guid && !bytes.Contains(must(marshal(f.Evidence)), needle) {
			continue
		}
		told, err := ledger.Told(f.ID)
		if err != nil {
			return nil, err
		}
		x.out.Findings = append(x.out.Findings, told)
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
	if len(x.out.Looks) == 0 {
		return x.out, nil
	}
	for _, id := range ledger.Nights() {
		if manifestOf(all, id) == nil {
			x.out.Pruned++
		}
	}
	if err := x.replay(ctx, st, all); err != nil {
		return nil, err
	}
	x.untold(ledger)
	x.absences(all)
	return x.out, nil
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
	cells [][]schemas.Value        // of each look, nil where it is absent
	rows  map[snapshot.ID]*userRow // the user, as each snapshot has it
}

// look finds the transaction in one snapshot. A guid that names several rows
// is a finding of its own; the first row is shown.
func (x *explaining) look(ctx context.Context, st snapshot.Store, m *snapshot.Manifest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := snapshot.Open(st, m.ID)
	if err != nil {
		return err
	}
	t := schemas.Transactions
	l := Look{Snapshot: m.ID}
	var cells []schemas.Value
	for part := 0; part < m.Shards && cells == nil; part++ {
		if x.user != "" && part != schemas.UserID(x.user).Shard(m.Shards) {
			continue
		}
		if cells, err = x.find(ctx, r, part); err != nil {
			return err
		}
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

// find returns the cells of the transaction's row in a part, nil if it has none.
func (x *explaining) find(ctx context.Context, r *snapshot.Reader, part int) (cells []schemas.Value, err error) {
	t := schemas.Transactions
	user, guid := t.Index("user_guid"), t.Index("guid")
	keep := func(vals []schemas.Value) { // they are valid during the call only
		for _, v := range vals {
			v.Text = bytes.Clone(v.Text)
			cells = append(cells, v)
		}
	}
	keys, err := r.OpenColumns(t, part, []string{"user_guid", "guid"})
	if err != nil {
		return nil, err
	}
	if keys == nil {
		err = r.ScanPart(ctx, t, part, nil, func(vals []schemas.Value) error {
			switch {
			case string(vals[guid].Text) == x.guid:
				keep(vals)
			case x.user == "" || string(vals[user].Text) <= x.user:
				return nil
			}
			return errStopped
		})
		if errors.Is(err, errStopped) {
			err = nil
		}
		return cells, err
	}
	defer func() { err = errors.Join(err, keys.Close()) }()
	row := int64(0)
	if x.user != "" {
		row, err = firstRow(r, x.user)
	}
	vals := make([]schemas.Value, len(t.Columns))
	for ; err == nil && row < keys.Rows(); row++ {
		if err = keys.Cells(row, vals); err != nil || x.user != "" && string(vals[user].Text) != x.user {
			break
		}
		if string(vals[guid].Text) == x.guid {
			err = rowAt(r, part, row, vals)
			keep(vals)
			break
		}
	}
	return cells, err
}

// rowAt reads all cells of one row of a part.
func rowAt(r *snapshot.Reader, part int, row int64, vals []schemas.Value) error {
	var names []string
	for _, c := range schemas.Transactions.Columns {
		names = append(names, c.Name)
	}
	c, err := r.OpenColumns(schemas.Transactions, part, names)
	if err != nil {
		return err
	}
	return errors.Join(c.Cells(row, vals), c.Close())
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
func (x *explaining) absences(all []*snapshot.Manifest) {
	var last Look
	for i := range x.out.Looks {
		if l := &x.out.Looks[i]; l.Seen {
			last = *l
		} else {
			l.Why = whyAbsent(x.rows[l.Snapshot], &last, manifestOf(all, l.Snapshot).Plan)
		}
	}
}

func whyAbsent(u *userRow, last *Look, plan snapshot.Plan) string {
	w := plan.Window
	switch {
	case u == nil && plan.Users != snapshot.AllUsers:
		return "its user was not asked for"
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
