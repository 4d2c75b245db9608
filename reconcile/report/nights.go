package report

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

// Nights keeps what the snapshots of a store have of findings, for reports that
// are made of it again and again: what people decide changes none of it, so
// that only what nobody asked for yet is read. The zero value has nothing.
type Nights struct {
	mu   sync.Mutex // of what follows; nobody reads while holding it
	ids  []snapshot.ID
	last snapshot.ID
	o    reconcile.PastOptions
	past *reconcile.Past // of all that was asked for; replaced, never changed
}

// mostAccounts are kept, with all their rows.
const mostAccounts = 4 * detailed

// Kept returns the past of findings up to the night of a result, if nothing has to be read for it, else nil.
func (n *Nights) Kept(st snapshot.Store, res *reconcile.Result, of ...reconcile.Finding) (*reconcile.Past, error) {
	past, left, _, err := n.lack(st, res, of)
	if past == nil || len(left) > 0 || err != nil {
		return nil, err
	}
	return only(past, of), nil
}

// Of returns the past of findings up to the night of a result, as LookBack does.
func (n *Nights) Of(ctx context.Context, st snapshot.Store, res *reconcile.Result, of ...reconcile.Finding) (*reconcile.Past, error) {
	id, o := nightOf(res)
	past, left, ids, err := n.lack(st, res, of)
	if err != nil {
		return nil, err
	}
	if past != nil && len(left) == 0 {
		return only(past, of), nil
	}
	more, err := reconcile.LookBack(ctx, st, id, left, o)
	if err == nil && past != nil && !slices.Equal(past.Nights, more.Nights) { // a snapshot came, went or broke meanwhile
		past = nil
		more, err = reconcile.LookBack(ctx, st, id, of, o)
	}
	if err != nil {
		return nil, err
	}
	if past != nil {
		more = with(past, more)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids, n.last, n.o, n.past = ids, id, o, more
	return only(more, of), nil
}

// lack returns what is kept, nil if that is of no use, and of which of the
// findings it is not.
func (n *Nights) lack(st snapshot.Store, res *reconcile.Result, of []reconcile.Finding) (past *reconcile.Past, left []reconcile.Finding, ids []snapshot.ID, err error) {
	if ids, err = snapshot.List(st); err != nil {
		return nil, nil, nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if id, o := nightOf(res); n.past == nil || n.last != id || n.o != o || !slices.Equal(n.ids, ids) {
		return nil, of, ids, nil
	}
	left = slices.DeleteFunc(slices.Clone(of), func(f reconcile.Finding) bool {
		return (f.Member == "" || n.past.Members[string(f.Member)] != nil) && (f.Account == "" || n.past.Accounts[string(f.Account)] != nil)
	})
	accounts := map[string]bool{}
	for i := range left {
		if g := string(left[i].Account); g != "" && n.past.Accounts[g] == nil {
			accounts[g] = true
		}
	}
	if len(accounts) > 0 && len(n.past.Accounts)+len(accounts) > mostAccounts {
		return nil, of, ids, nil
	}
	return n.past, left, ids, nil
}

// nightOf is the night of a result, and how its past is read.
func nightOf(res *reconcile.Result) (snapshot.ID, reconcile.PastOptions) {
	id := res.Summary.Snapshot
	return id, reconcile.PastOptions{StaleAfter: int64(res.Ledger.StaleAfter(id) / time.Second)}
}

// with is what two pasts of the same nights have.
func with(a, b *reconcile.Past) *reconcile.Past {
	all := &reconcile.Past{Nights: b.Nights, Members: maps.Clone(a.Members), Accounts: maps.Clone(a.Accounts), Institutions: b.Institutions}
	maps.Copy(all.Members, b.Members)
	maps.Copy(all.Accounts, b.Accounts)
	return all
}

// only leaves out what the findings are not about: a ticket says the same
// whatever was asked for before it.
func only(p *reconcile.Past, of []reconcile.Finding) *reconcile.Past {
	some := &reconcile.Past{Nights: p.Nights, Members: map[string]*reconcile.MemberPast{}, Accounts: map[string]*reconcile.AccountPast{}, Institutions: p.Institutions}
	for i := range of {
		if g := string(of[i].Member); g != "" {
			some.Members[g] = p.Members[g]
		}
		if g := string(of[i].Account); g != "" {
			some.Accounts[g] = p.Accounts[g]
		}
	}
	return some
}
