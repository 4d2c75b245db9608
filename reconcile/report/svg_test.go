package report

import (
	"encoding/json"
	"strings"
	"testing"

	"tallyport/reconcile"
	"tallyport/schemas"
)

// ledger is an account whose rows come one a night, pending on the first and
// posted from the next on. Old rows leave the window.
func ledger(n int, balance func(posted, all []schemas.Money, night int) schemas.Money) (*reconcile.Past, *reconcile.AccountPast) {
	p := &reconcile.Past{Nights: nights(n)}
	a := &reconcile.AccountPast{}
	first := p.Nights[0].Window
	for i := range 2 * n {
		w := reconcile.RowPast{Date: first.From + schemas.Date(i/2), Amount: schemas.Money(1000+i*i*100) * (1 - 2*schemas.Money(i%3)), Nights: make([]reconcile.Sight, n)}
		if i >= n {
			w.Date = first.To - 5 + schemas.Date(i-n)
		}
		for k := range w.Nights {
			switch night := p.Nights[k]; {
			case !night.Window.Contains(w.Date):
				w.Nights[k] = reconcile.Outside
			case i < n || k > i-n:
				w.Nights[k] = reconcile.Posted
			case k == i-n:
				w.Nights[k] = reconcile.Pending
			default:
				w.Nights[k] = reconcile.Absent
			}
		}
		a.Rows = append(a.Rows, w)
	}
	posted, all := make([]schemas.Money, n), make([]schemas.Money, n) // what was booked by then; a bank forgets nothing
	for k := range n {
		for i, w := range a.Rows {
			if i < n || k > i-n {
				posted[k] += w.Amount
			}
			if i < n || k >= i-n {
				all[k] += w.Amount
			}
		}
	}
	for k := range n {
		m := balance(posted, all, k)
		a.Nights = append(a.Nights, reconcile.AccountNight{Listed: true, Looked: true, Balance: &m})
	}
	return p, a
}

// The balance's own steps say how it follows; what leaves the window moves nothing.
func TestFollow(t *testing.T) {
	for name, c := range map[string]struct {
		balance func(posted, all []schemas.Money, k int) schemas.Money
		says    string
	}{
		"posted":  {func(posted, _ []schemas.Money, k int) schemas.Money { return 5000 + posted[k] }, "The balance follows the posted transactions, on every night."},
		"pending": {func(_, all []schemas.Money, k int) schemas.Money { return all[k] }, "The balance follows the transactions, pending ones included, on every night."},
		"owed":    {func(posted, _ []schemas.Money, k int) schemas.Money { return -posted[k] }, "The balance follows the posted transactions, as what is owed, on every night."},
		"step": {func(posted, _ []schemas.Money, k int) schemas.Money { return posted[k] - schemas.Money(k/5)*52600 },
			"The balance follows the posted transactions. Since 2026-11-18 the transactions add up to 5.26 more than the balance says."},
		"none": {func(_, _ []schemas.Money, k int) schemas.Money { return schemas.Money(k*k*k) * 7 }, "The balance does not follow the transactions, so it stands alone."},
	} {
		p, a := ledger(8, c.balance)
		got := balanceChart(p, a, &reconcile.Finding{})
		if got.Says != c.says {
			t.Errorf("%s: %s", name, got.Says)
		}
		svg := string(got.SVG)
		if follows := strings.Contains(svg, `class="sum"`); follows != got.Follows || follows == (name == "none") {
			t.Errorf("%s: a sum is drawn: %v", name, follows)
		}
		if strings.Contains(svg, `class="drift"`) != (name == "step") {
			t.Errorf("%s: a step is marked, or not: %s", name, svg)
		}
	}
	// A pending row posts a night later: a balance of posted rows is one of all
	// rows a night late. The simpler one is meant. Late is what follows neither.
	p, a := ledger(8, func(posted, _ []schemas.Money, k int) schemas.Money { return posted[max(k-1, 0)] })
	if got := balanceChart(p, a, &reconcile.Finding{}); got.Says != "The balance follows the posted transactions, an aggregation late, on every night." {
		t.Error(got.Says)
	}
	if n := strings.Count(string(balanceChart(p, a, &reconcile.Finding{}).SVG), "L"); n != 13 { // the late sum has no first night
		t.Errorf("%d steps are drawn", n)
	}
	a.Nights[2].Balance, a.Nights[3].Looked = nil, false
	if got := balanceChart(p, a, &reconcile.Finding{}); !got.Follows || strings.Count(string(got.SVG), "M")-2 < 2 {
		t.Errorf("two nights without a balance: %+v", got)
	}
	for i := range a.Nights {
		a.Nights[i].Looked = false
	}
	if got := balanceChart(p, a, &reconcile.Finding{}); got != nil {
		t.Errorf("without any balance: %+v", got)
	}
}

// A finding that was judged by the balance has the chart that it was judged by.
func TestJudgedChart(t *testing.T) {
	owed := func(posted, _ []schemas.Money, k int) schemas.Money { return -posted[k] }
	missing := func(posted, _ []schemas.Money, k int) schemas.Money { return posted[k] - schemas.Money(k/5)*52600 }
	back := func(posted, _ []schemas.Money, k int) schemas.Money { return posted[k] + schemas.Money(k/3%2)*52600 }
	late := func(posted, _ []schemas.Money, k int) schemas.Money { return posted[max(k-1, 0)] }
	for _, c := range []struct {
		model   any
		balance func(posted, all []schemas.Money, k int) schemas.Money
		sum     bool
		says    string
	}{
		{"unreliable", owed, false, "The balance was not relied on: it does not follow the transactions well enough. So it stands alone."},
		{"balance is what is owed", owed, true, "The balance follows the posted transactions, as what is owed, on every night."},
		{"balance follows posted rows", missing, true, "The balance follows the posted transactions. Since 2026-11-18 the transactions add up to 5.26 more than the balance says."},
		{"balance follows posted rows, to within 10.00", missing, true, "The balance follows the posted transactions, to within 10.00, on every night."},
		{"balance follows posted rows", back, true, "The balance follows the posted transactions. Since 2026-11-16 the transactions add up to 5.26 less than the balance says; since 2026-11-19 they agree again."},
		{"balance follows posted rows, one aggregation late", late, true, "The balance follows the posted transactions, an aggregation late, on every night."},
		{"by the moon", owed, false, "What the balance was taken to follow cannot be read here, so it stands alone."},
		{json.Number("1"), owed, false, "What the balance was taken to follow cannot be read here, so it stands alone."},
	} {
		p, a := ledger(8, c.balance)
		got := balanceChart(p, a, &reconcile.Finding{Evidence: map[string]any{"balance_model": c.model}})
		if got.Says != c.says || got.Follows != c.sum || strings.Contains(string(got.SVG), `class="sum"`) != c.sum || !strings.Contains(string(got.SVG), `class="balance"`) {
			t.Errorf("%v: %s, a sum %v", c.model, got.Says, got.Follows)
		}
		if drawn := strings.Count(string(got.SVG), `class="drift"`); drawn != strings.Count(c.says, "ince 20") {
			t.Errorf("%v: %d nights are marked", c.model, drawn)
		}
	}
	p, a := ledger(8, owed)
	got := balanceChart(p, a, &reconcile.Finding{Evidence: map[string]any{"balance_model": "no balance; what is available follows posted rows, pending ones included"}})
	if got.SVG != "" || got.Says != "The account shows no balance, so none is drawn: what can be spent of it was relied on instead." {
		t.Errorf("of an account without a balance: %+v", got)
	}
}

// A balance that is late waits for a success, not for a night.
func TestLateWaits(t *testing.T) {
	p, a := ledger(8, func(posted, _ []schemas.Money, k int) schemas.Money { return posted[max(k-1, 0)] })
	m := member(p.Nights, "MBR-1", "x", -1)
	a.Member, p.Members = "MBR-1", map[string]*reconcile.MemberPast{"MBR-1": m}
	// On one night there is no success: all is as on the night before.
	m.Nights[4].Succeeded = m.Nights[3].Succeeded
	a.Nights[4].Balance = a.Nights[3].Balance
	for i := range a.Rows {
		a.Rows[i].Nights[4] = a.Rows[i].Nights[3]
	}
	*a.Nights[5].Balance = *a.Nights[3].Balance
	for i := range a.Rows {
		if w := &a.Rows[i]; w.Nights[2] != w.Nights[3] && w.Nights[3] == reconcile.Posted {
			*a.Nights[5].Balance += w.Amount
		}
	}
	got := balanceChart(p, a, &reconcile.Finding{Evidence: map[string]any{"balance_model": "balance follows posted rows, one aggregation late"}})
	if strings.Contains(got.Says, "2026-11-17") || strings.Contains(got.Says, "2026-11-18") {
		t.Error(got.Says)
	}
	_, sum, _ := strings.Cut(string(got.SVG), `class="sum"`)
	if sum, _, _ = strings.Cut(sum, "/>"); strings.Count(sum, "M") != 1 { // it goes on through that night
		t.Errorf("the sum is in pieces: %s", sum)
	}
}

// The rows around the hole are shown, with those that the evidence names, and
// said how many are not.
func TestNeighbourhood(t *testing.T) {
	p, a := ledger(20, func(posted, _ []schemas.Money, k int) schemas.Money { return posted[k] })
	for i := range a.Rows {
		a.Rows[i].GUID = "TRN-" + string(rune('A'+i))
	}
	f := reconcile.Finding{ID: "F-1", Account: "ACT-1", Transaction: "TRN-P", Evidence: map[string]any{"resembles": "TRN-B", "equal_row_left": "TRN-Y"}}
	p.Accounts = map[string]*reconcile.AccountPast{"ACT-1": a}
	r := &Report{Past: p, Findings: []reconcile.Finding{f}, ledger: reconcile.NewLedger(nil)}
	g := r.on(Page{}).grid(&f)
	var got strings.Builder
	for _, w := range g.Rows {
		if w.Gap {
			got.WriteByte(' ')
		}
		if w.Target {
			got.WriteByte('!')
		}
		got.WriteString(w.Note + "/")
	}
	if want := "resembles/ //////!/////// equal row left/"; got.String() != want || g.Hidden != 40-15 {
		t.Errorf("%q and %d hidden, want %q", got.String(), g.Hidden, want)
	}
	edges := 0
	for _, w := range g.Rows {
		edges += strings.Count(string(w.Cells), ` e">`) + strings.Count(string(w.Cells), ` e g">`)
	}
	if edges != 19 { // on the first night all are in the window
		t.Errorf("the edge is drawn on %d nights", edges)
	}
}
