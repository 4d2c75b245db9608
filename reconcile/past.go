package reconcile

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// Past is what the newest snapshots up to one of them have of what findings are
// about: for people who want to see it with their own eyes. It is read from the
// snapshots alone, and decides nothing.
type Past struct {
	Nights       []PastNight                 // oldest first; the last is the snapshot asked for
	Members      map[string]*MemberPast      // by guid
	Accounts     map[string]*AccountPast     // by guid
	Institutions map[string]*InstitutionPast // by code: those of any member
}

// PastNight is one snapshot.
type PastNight struct {
	Snapshot   snapshot.ID
	ObservedAt schemas.Timestamp
	Window     schemas.Window
	Unread     bool // its files cannot be read: nothing is known of the night
}

// MemberPast is a member by night.
type MemberPast struct {
	User, Member, Institution string
	Nights                    []MemberNight // one for each of Past.Nights
	Accounts                  []string      // guids of those that the last night lists
}

// MemberNight is what a snapshot says of a member.
type MemberNight struct {
	Listed                  bool
	Complete                bool           // all its lists were read to their end
	Reason                  schemas.Reason // of the first that was not
	Status                  string         // connection_status, "" for null
	AggregatedAt, Succeeded *schemas.Timestamp
}

// AccountPast is an account by night, with its rows.
type AccountPast struct {
	User, Member, Account, Type string
	Nights                      []AccountNight // one for each of Past.Nights
	Rows                        []RowPast      // all that any night has, by date and guid
}

// AccountNight is what a snapshot says of an account.
type AccountNight struct {
	Listed  bool
	Looked  bool // its member's lists were read to their end
	Balance *schemas.Money
}

// RowPast is a transaction by night, as the last night that has it shows it.
type RowPast struct {
	GUID   string
	Date   schemas.Date
	Amount schemas.Money // signed: what is debited is negative
	Payee  string
	Undated,
	Unsigned bool // no usable amount or type
	Nights []Sight // one for each of Past.Nights
}

// Sight is what a snapshot has of a transaction.
type Sight byte

const (
	Dark    Sight = iota // nobody looked, or the account is not listed
	Outside              // its date is outside the window
	Absent               // looked, and not there
	Pending              // there
	Posted
)

// InstitutionPast is an institution by night.
type InstitutionPast struct {
	// Name and URL are those of the list of institutions: what a member is called,
	// a person may have chosen.
	Code, Name, URL string
	Nights          []InstitutionNight // one for each of Past.Nights
}

// InstitutionNight counts an institution's members that ever succeeded.
type InstitutionNight struct {
	Members   int
	Stale     int   // whose last success is older than stale-after
	MedianAge int64 // seconds since the last success
}

// PastOptions bound what LookBack reads.
type PastOptions struct {
	Nights     int   // at most so many snapshots; 0 is 30
	StaleAfter int64 // seconds; 0 is 48 h
}

const usualPast = 30

// LookBack reads the past of members and accounts that the findings name. A
// snapshot that cannot be read, but for the last, leaves a gap. Those that were
// observed after id do not count.
func LookBack(ctx context.Context, st snapshot.Store, id snapshot.ID, of []Finding, o PastOptions) (*Past, error) {
	all, err := inOrder(st)
	if err != nil {
		return nil, err
	}
	last := slices.IndexFunc(all, func(m *snapshot.Manifest) bool { return m.ID == id })
	if last < 0 {
		return nil, snapshot.ErrNoSnapshot
	}
	all = all[max(0, last+1-cmp.Or(o.Nights, usualPast)) : last+1]
	b := &lookingBack{nights: len(all), staleAfter: cmp.Or(o.StaleAfter, int64(usualStaleAfter.Seconds())), rows: map[string]map[string]*RowPast{},
		past: &Past{Members: map[string]*MemberPast{}, Accounts: map[string]*AccountPast{}, Institutions: map[string]*InstitutionPast{}}}
	for i := range of {
		b.want(&of[i])
	}
	slices.SortFunc(b.accounts, func(x, y *AccountPast) int {
		return cmp.Or(cmp.Compare(x.User, y.User), cmp.Compare(x.Account, y.Account))
	})
	for i, m := range all {
		b.past.Nights = append(b.past.Nights, PastNight{Snapshot: m.ID, ObservedAt: observed(m), Window: m.Plan.Window})
		err := b.night(ctx, st, m, i)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil, err
		case i < len(all)-1 && (errors.Is(err, snapshot.ErrDamaged) || errors.Is(err, fs.ErrNotExist)):
			b.forget(i)
		default:
			return nil, unread(m.ID, err)
		}
	}
	b.settle()
	return b.past, nil
}

type lookingBack struct {
	past       *Past
	nights     int
	staleAfter int64
	accounts   []*AccountPast // by user and guid
	rows       map[string]map[string]*RowPast
	ages       map[string][]int64   // tonight, by institution
	walked     map[*MemberPast]bool // tonight: there is coverage of it
}

// want adds the member and the account of a finding.
func (b *lookingBack) want(f *Finding) {
	if g := string(f.Member); g != "" && b.past.Members[g] == nil {
		b.past.Members[g] = &MemberPast{User: string(f.User), Member: g, Institution: string(f.Institution), Nights: make([]MemberNight, b.nights)}
	}
	if g := string(f.Account); g != "" && b.past.Accounts[g] == nil {
		a := &AccountPast{User: string(f.User), Member: string(f.Member), Account: g, Nights: make([]AccountNight, b.nights)}
		b.past.Accounts[g], b.rows[g] = a, map[string]*RowPast{}
		b.accounts = append(b.accounts, a)
	}
}

func (b *lookingBack) night(ctx context.Context, st snapshot.Store, m *snapshot.Manifest, i int) error {
	b.ages, b.walked = map[string][]int64{}, map[*MemberPast]bool{}
	r, err := snapshot.Open(st, m.ID)
	if err != nil {
		return err
	}
	if err := b.members(ctx, r, i); err != nil {
		return err
	}
	if i == b.nights-1 {
		if err := errors.Join(b.institutions(ctx, r), b.accountsOf(ctx, r)); err != nil {
			return err
		}
	}
	for part := range m.Shards {
		wanted := slices.Collect(func(yield func(*AccountPast) bool) {
			for _, a := range b.accounts {
				if schemas.UserID(a.User).Shard(m.Shards) == part && !yield(a) {
					return
				}
			}
		})
		if err := b.walks(ctx, r, part, i); err != nil {
			return err
		}
		if len(wanted) == 0 {
			continue
		}
		if err := b.balances(ctx, r, part, i); err != nil {
			return err
		}
		if err := b.transactions(ctx, r, part, wanted, i); err != nil {
			return err
		}
	}
	return nil
}

// members reads how every member stands: institutions are judged by all.
func (b *lookingBack) members(ctx context.Context, r *snapshot.Reader, i int) error {
	at := observed(r.Manifest())
	t := schemas.Members
	guid, code := t.Index("guid"), t.Index("institution_code")
	tried, succeeded, status := t.Index("aggregated_at"), t.Index("successfully_aggregated_at"), t.Index("connection_status")
	err := r.Scan(ctx, t, []string{"user_guid", "guid", "institution_code", "aggregated_at", "successfully_aggregated_at", "connection_status"}, func(vals []schemas.Value) error {
		saa := timestamp(vals[succeeded])
		if key := string(vals[code].Text); key != "" {
			if b.past.Institutions[key] == nil {
				b.past.Institutions[key] = &InstitutionPast{Code: key, Nights: make([]InstitutionNight, b.nights)}
			}
			if saa != nil {
				b.ages[key] = append(b.ages[key], int64(between(*saa, at).Seconds()))
			}
		}
		if m := b.past.Members[string(vals[guid].Text)]; m != nil {
			m.Institution = cmp.Or(vals[code].String(), m.Institution)
			m.Nights[i] = MemberNight{Listed: true, Status: vals[status].String(), AggregatedAt: timestamp(vals[tried]), Succeeded: saa}
		}
		return nil
	})
	for key, ages := range b.ages {
		slices.Sort(ages)
		n := InstitutionNight{Members: len(ages), MedianAge: ages[len(ages)/2]}
		first, _ := slices.BinarySearch(ages, b.staleAfter+1)
		n.Stale = len(ages) - first
		b.past.Institutions[key].Nights[i] = n
	}
	return err
}

// institutions reads what they are called.
func (b *lookingBack) institutions(ctx context.Context, r *snapshot.Reader) error {
	t := schemas.Institutions
	code, name, url := t.Index("code"), t.Index("name"), t.Index("url")
	return r.Scan(ctx, t, []string{"code", "name", "url"}, func(vals []schemas.Value) error {
		if p := b.past.Institutions[string(vals[code].Text)]; p != nil {
			p.Name, p.URL = vals[name].String(), vals[url].String()
		}
		return nil
	})
}

// accountsOf reads which accounts the members have.
func (b *lookingBack) accountsOf(ctx context.Context, r *snapshot.Reader) error {
	t := schemas.Accounts
	member, guid := t.Index("member_guid"), t.Index("guid")
	for part := range r.Manifest().Shards {
		if !b.anyMemberIn(part, r.Manifest().Shards) {
			continue
		}
		err := r.ScanPart(ctx, t, part, []string{"user_guid", "member_guid", "guid"}, func(vals []schemas.Value) error {
			if m := b.past.Members[string(vals[member].Text)]; m != nil {
				m.Accounts = append(m.Accounts, vals[guid].String())
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *lookingBack) anyMemberIn(part, of int) bool {
	for _, m := range b.past.Members {
		if schemas.UserID(m.User).Shard(of) == part {
			return true
		}
	}
	return false
}

// walks reads which members' lists were read to their end.
func (b *lookingBack) walks(ctx context.Context, r *snapshot.Reader, part, i int) error {
	if !b.anyMemberIn(part, r.Manifest().Shards) {
		return nil
	}
	t := schemas.Coverage
	user, member, resource, complete, reason := t.Index("user_guid"), t.Index("member_guid"), t.Index("resource"), t.Index("complete"), t.Index("reason")
	own := map[string]schemas.Reason{} // of users whose one list of transactions stands for all members
	err := r.ScanPart(ctx, t, part, []string{"user_guid", "member_guid", "resource", "complete", "reason"}, func(vals []schemas.Value) error {
		whole, why := vals[complete].Int != 0, schemas.Reason(vals[reason].Text)
		if resource := schemas.Resource(vals[resource].Text); resource == schemas.AccountOwnersResource {
			return nil // what owners there are does not bear on transactions
		} else if resource == schemas.TransactionsResource && !vals[member].Set && !whole {
			own[string(vals[user].Text)] = why
		}
		if m := b.past.Members[string(vals[member].Text)]; m != nil {
			n := &m.Nights[i]
			n.Complete = whole && (n.Complete || !b.walked[m])
			n.Reason = cmp.Or(n.Reason, why)
			b.walked[m] = true
		}
		return nil
	})
	if len(own) == 0 {
		return err
	}
	for _, m := range b.past.Members {
		if why, torn := own[m.User]; torn {
			m.Nights[i].Complete, m.Nights[i].Reason = false, cmp.Or(m.Nights[i].Reason, why)
		}
	}
	return err
}

func (b *lookingBack) balances(ctx context.Context, r *snapshot.Reader, part, i int) error {
	t := schemas.Accounts
	guid, typ, balance := t.Index("guid"), t.Index("type"), t.Index("balance")
	return r.ScanPart(ctx, t, part, []string{"user_guid", "member_guid", "guid", "type", "balance"}, func(vals []schemas.Value) error {
		a := b.past.Accounts[string(vals[guid].Text)]
		if a == nil {
			return nil
		}
		a.Type = vals[typ].String()
		m := b.past.Members[a.Member]
		a.Nights[i] = AccountNight{Listed: true, Looked: m != nil && m.Nights[i].Listed && m.Nights[i].Complete}
		if v := vals[balance]; v.Set {
			money := schemas.Money(v.Int)
			a.Nights[i].Balance = &money
		}
		return nil
	})
}

// pastColumns are read of every row of a wanted account; pastAt is where they
// stand in the table.
var (
	pastColumns = []string{"user_guid", "account_guid", "guid", "amount", "type", "status", "date", "description", "original_description"}
	pastAt      = func() (at [9]int) {
		for i, name := range pastColumns {
			at[i] = schemas.Transactions.Index(name)
		}
		return at
	}()
)

// transactions reads the rows of the accounts, which are in key order.
func (b *lookingBack) transactions(ctx context.Context, r *snapshot.Reader, part int, wanted []*AccountPast, i int) (err error) {
	t := schemas.Transactions
	c, err := r.OpenColumns(t, part, []string{"user_guid", "account_guid"})
	if err != nil {
		return err
	}
	if c == nil {
		account := t.Index("account_guid")
		return r.ScanPart(ctx, t, part, pastColumns, func(vals []schemas.Value) error {
			if rows := b.rows[string(vals[account].Text)]; rows != nil {
				b.see(rows, vals, i)
			}
			return nil
		})
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	cells := c.Also(pastColumns[2:])
	vals := make([]schemas.Value, len(t.Columns))
	for row := int64(0); row < c.Rows() && len(wanted) > 0; {
		n, err := c.Load(row)
		if err != nil {
			return err
		}
		switch d := cmp.Or(cmp.Compare(string(c.Text(0, row)), wanted[0].User), cmp.Compare(string(c.Text(1, row)), wanted[0].Account)); {
		case d > 0:
			wanted = wanted[1:]
		case string(c.Text(0, row)) < wanted[0].User:
			row += int64(c.Same(0, row, n))
		case d < 0:
			row += int64(c.Same(1, row, c.Same(0, row, n)))
		default:
			for same := c.Same(1, row, c.Same(0, row, n)); same > 0; same-- {
				if err := cells.Cells(row, vals); err != nil {
					return err
				}
				b.see(b.rows[wanted[0].Account], vals, i)
				row++
			}
		}
	}
	return ctx.Err()
}

// see notes that a night has a row.
func (b *lookingBack) see(rows map[string]*RowPast, vals []schemas.Value, i int) {
	cell := func(i int) *schemas.Value { return &vals[pastAt[i]] }
	guid := string(cell(2).Text)
	row := rows[guid]
	if row == nil {
		row = &RowPast{GUID: guid, Nights: make([]Sight, b.nights)}
		rows[guid] = row
	}
	row.Date, row.Undated = schemas.Date(cell(6).Int), !cell(6).Set
	row.Amount, row.Unsigned = schemas.Money(cell(3).Int), !cell(3).Set
	switch string(cell(4).Text) {
	case "CREDIT":
	case "DEBIT":
		row.Amount = -row.Amount
	default:
		row.Unsigned = true
	}
	row.Payee = cmp.Or(cell(7).String(), cell(8).String())
	row.Nights[i] = Posted
	if string(cell(5).Text) == "PENDING" {
		row.Nights[i] = Pending
	}
}

// forget clears what was read of a night before it turned out to be damaged.
func (b *lookingBack) forget(i int) {
	b.past.Nights[i].Unread = true
	for _, m := range b.past.Members {
		m.Nights[i] = MemberNight{}
	}
	for _, p := range b.past.Institutions {
		p.Nights[i] = InstitutionNight{}
	}
	for guid, a := range b.past.Accounts {
		a.Nights[i] = AccountNight{}
		for _, row := range b.rows[guid] {
			row.Nights[i] = Dark
		}
	}
}

// settle puts rows in order, and tells for each night without a row why.
func (b *lookingBack) settle() {
	for guid, a := range b.past.Accounts {
		for _, row := range b.rows[guid] {
			for i := range row.Nights {
				w := b.past.Nights[i].Window
				switch {
				case row.Nights[i] != Dark || !a.Nights[i].Listed || !a.Nights[i].Looked:
				case row.Undated || !w.Contains(row.Date):
					row.Nights[i] = Outside
				default:
					row.Nights[i] = Absent
				}
			}
			a.Rows = append(a.Rows, *row)
		}
		slices.SortFunc(a.Rows, func(x, y RowPast) int { return cmp.Or(cmp.Compare(x.Date, y.Date), cmp.Compare(x.GUID, y.GUID)) })
	}
}
