package report

import (
	"fmt"
	"testing"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

// Only so much is kept: what is more than that takes the place of all.
func TestNightsAreBounded(t *testing.T) {
	st, err := snapshot.OpenDir(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	res := reconcile.Result{Summary: reconcile.Summary{Snapshot: "x"}, Ledger: reconcile.NewLedger(nil)}
	_, o := nightOf(&res)
	n := Nights{last: "x", o: o, past: &reconcile.Past{Accounts: map[string]*reconcile.AccountPast{}}}
	for i := range mostAccounts - 1 {
		n.past.Accounts[fmt.Sprint(i)] = &reconcile.AccountPast{}
	}
	for _, c := range []struct {
		of         []reconcile.Finding
		keep, left int
	}{
		{[]reconcile.Finding{{Account: "0"}, {Account: "1"}}, 399, 0},
		{[]reconcile.Finding{{Account: "0"}, {Account: "new"}}, 399, 1},
		{[]reconcile.Finding{{Account: "new"}, {Account: "new"}, {Member: "one"}, {Member: "two"}}, 399, 4},
		{[]reconcile.Finding{{Account: "0"}, {Account: "new"}, {Account: "newer"}}, 0, 3},
	} {
		past, left, _, err := n.lack(st, &res, c.of)
		kept := 0
		if past != nil {
			kept = len(past.Accounts)
		}
		if err != nil || kept != c.keep || len(left) != c.left {
			t.Errorf("%v: %d are kept, %d are left, %v", c.of, kept, len(left), err)
		}
	}
}
