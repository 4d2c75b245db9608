package report

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"tallyport/reconcile"
	"tallyport/schemas"
)

// following is how the balance of an account goes with its transactions.
type following struct {
	sign     schemas.Money // 1; -1 where the balance is what is owed
	pendings bool          // pending transactions count
	late     bool          // the balance moves an aggregation after them
	within   schemas.Money // by how much it may be off
	steps    []step
	right    int // steps that are as large as those of the sum
}

// step is from one night with a known balance to the next.
type step struct {
	from, to     int // nights
	balance, sum schemas.Money
	gap          schemas.Money // by how much the balance is above the sum from then on
}

// parts reports whether balance and sum make different steps.
func (f *following) parts(s step) bool { return max(s.balance-s.sum, s.sum-s.balance) > f.within }

// guess finds the choice that makes most steps of balance and sum equal; false
// if none fits half of them.
func guess(p *reconcile.Past, a *reconcile.AccountPast) (following, bool) {
	var best following
	for _, pendings := range []bool{false, true} {
		for _, f := range []following{{sign: 1}, {sign: -1}, {sign: 1, late: true}, {sign: -1, late: true}} {
			f.pendings = pendings
			f.follow(p, a)
			if best.sign == 0 || f.right > best.right {
				best = f
			}
		}
	}
	return best, len(best.steps) > 0 && 2*best.right >= len(best.steps)
}

// judged is how the balance was taken to go when the finding was made.
func judged(p *reconcile.Past, a *reconcile.AccountPast, m reconcile.Follows) following {
	f := following{sign: 1, pendings: m.Pendings, late: m.Late, within: m.Within}
	if m.Owed {
		f.sign = -1
	}
	f.follow(p, a)
	return f
}

// follow takes the steps of the balance beside those of the sum. A step counts
// the rows that both windows reach back to: what only leaves a window moves no
// balance. What came before the first step nobody knows: a late balance begins
// with the second.
func (f *following) follow(p *reconcile.Past, a *reconcile.AccountPast) {
	known := balances(p, a, f.late)
	var before, gap schemas.Money
	for k := 1; k < len(known); k++ {
		s := step{from: known[k-1], to: known[k], sum: f.sign * moved(p, a, known[k-1], known[k], f.pendings)}
		s.balance = *a.Nights[s.to].Balance - *a.Nights[s.from].Balance
		if f.late {
			s.sum, before = before, s.sum
			if k == 1 {
				continue
			}
		}
		gap += s.balance - s.sum
		s.gap = gap
		if !f.parts(s) {
			f.right++
		}
		f.steps = append(f.steps, s)
	}
}

// balances are the nights with a known balance. A late one waits for the next
// success, so that nights without one are no steps of it.
func balances(p *reconcile.Past, a *reconcile.AccountPast, late bool) (known []int) {
	m := p.Members[a.Member]
	var last schemas.Timestamp
	for i, n := range a.Nights {
		if !n.Listed || !n.Looked || n.Balance == nil {
			continue
		}
		if late && m != nil {
			at := m.Nights[i].Succeeded
			if at == nil || *at <= last {
				continue
			}
			last = *at
		}
		known = append(known, i)
	}
	return known
}

// moved is by how much the sum of the rows is another on the later night.
func moved(p *reconcile.Past, a *reconcile.AccountPast, from, to int, pendings bool) (sum schemas.Money) {
	since := max(p.Nights[from].Window.From, p.Nights[to].Window.From)
	for i := range a.Rows {
		w := &a.Rows[i]
		if w.Undated || w.Unsigned || w.Date < since {
			continue
		}
		if counts(w.Nights[to], pendings) {
			sum += w.Amount
		}
		if counts(w.Nights[from], pendings) {
			sum -= w.Amount
		}
	}
	return sum
}

func counts(s reconcile.Sight, pendings bool) bool {
	return s == reconcile.Posted || pendings && s == reconcile.Pending
}

// chart is the balance by night, under the columns of the grid.
type chart struct {
	SVG       template.HTML // "" if there is nothing to draw
	Says      string
	Low, High string
	Follows   bool // the sum is drawn too
}

// Sizes in pixels: a night is as wide as a column of the grid.
const (
	nightWide = 28
	chartHigh = 96
	chartEdge = 10
	mostSteps = 5
)

// balanceChart draws the balance, and the sum of the transactions if the
// balance follows it: as the finding was judged by, and where it was not judged
// by the balance, as it looks. It is nil without any balance.
func balanceChart(p *reconcile.Past, a *reconcile.AccountPast, f *reconcile.Finding) *chart {
	said, asked := f.Evidence["balance_model"]
	says, _ := said.(string)
	model, readable := reconcile.ReadFollows(says)
	if model.Available {
		return &chart{Says: "The account shows no balance, so none is drawn: what can be spent of it was relied on instead."}
	}
	balance := make([]*schemas.Money, len(p.Nights))
	for i, n := range a.Nights {
		if n.Listed && n.Looked {
			balance[i] = n.Balance
		}
	}
	if !slices.ContainsFunc(balance, func(m *schemas.Money) bool { return m != nil }) {
		return nil
	}
	c := &chart{}
	var by following
	switch {
	case !asked:
		if by, c.Follows = guess(p, a); c.Follows {
			c.Says = by.says(p)
		} else {
			c.Says = "The balance does not follow the transactions, so it stands alone."
		}
	case readable:
		by = judged(p, a, model)
		c.Says, c.Follows = by.says(p), len(by.steps) > 0
	case says == "unreliable":
		c.Says = "The balance was not relied on: it does not follow the transactions well enough. So it stands alone."
	default:
		c.Says = "What the balance was taken to follow cannot be read here, so it stands alone."
	}
	sum := make([]*schemas.Money, len(p.Nights))
	if c.Follows {
		first := by.steps[0].from
		sum[first] = balance[first]
		for _, s := range by.steps {
			for i := s.from + 1; i < s.to; i++ {
				if balance[i] != nil { // a night that was no step
					sum[i] = sum[s.from]
				}
			}
			next := *sum[s.from] + s.sum
			sum[s.to] = &next
		}
	}
	low, high := bounds(append(slices.Clone(balance), sum...))
	c.Low, c.High = money(low), money(high)
	scale := func(m schemas.Money) float64 {
		if high == low {
			return chartHigh / 2
		}
		return chartHigh - chartEdge - float64(m-low)/float64(high-low)*(chartHigh-2*chartEdge)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg role="img" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d"><title>Balance by night</title><desc>%s</desc>`, nightWide*len(p.Nights), chartHigh, template.HTMLEscapeString(c.Says))
	for _, s := range by.steps {
		if !c.Follows || !by.parts(s) {
			continue
		}
		fmt.Fprintf(&b, `<path class="drift" d="M%d 0h%dv%dh-%dz"/><path class="tip" d="M%d %dl5 8h-10z"/>`,
			nightWide*s.to, nightWide, chartHigh, nightWide, nightWide*s.to+nightWide/2, chartHigh-9)
	}
	if c.Follows {
		fmt.Fprintf(&b, `<path class="sum" d="%s"/>`, line(sum, scale))
	}
	fmt.Fprintf(&b, `<path class="balance" d="%s"/>`, line(balance, scale))
	b.WriteString(`</svg>`)
	c.SVG = template.HTML(b.String())
	return c
}

// says is the chart in words.
func (f *following) says(p *reconcile.Past) string {
	s := "The balance follows the posted transactions"
	if f.pendings {
		s = "The balance follows the transactions, pending ones included"
	}
	if f.sign < 0 {
		s += ", as what is owed"
	}
	if f.late {
		s += ", an aggregation late"
	}
	if f.within > 0 {
		s += ", to within " + money(f.within)
	}
	if len(f.steps) == 0 {
		return s + "; these nights have too few balances to show it."
	}
	parted, before, after := 0, " the transactions add up to ", " than the balance says"
	for _, d := range f.steps {
		if !f.parts(d) {
			continue
		}
		if parted++; parted > mostSteps {
			continue
		}
		if parted == 1 {
			s += ". Since " + day(p.Nights[d.to].Snapshot)
		} else {
			s += "; since " + day(p.Nights[d.to].Snapshot)
		}
		switch {
		case max(d.gap, -d.gap) <= f.within:
			s += " they agree again"
			continue
		case d.gap < 0:
			s += before + money(-d.gap) + " more" + after
		default:
			s += before + money(d.gap) + " less" + after
		}
		before, after = " ", "" // it was said
	}
	switch more := parted - mostSteps; {
	case parted == 0:
		return s + ", on every night."
	case more == 1:
		s += "; on another night that changes"
	case more > 1:
		s += fmt.Sprintf("; on %d more nights that changes", more)
	}
	return s + "."
}

func bounds(all []*schemas.Money) (low, high schemas.Money) {
	known := slices.DeleteFunc(all, func(m *schemas.Money) bool { return m == nil })
	if len(known) == 0 {
		return 0, 0
	}
	low, high = *known[0], *known[0]
	for _, m := range known {
		low, high = min(low, *m), max(high, *m)
	}
	return low, high
}

// line joins what is known, from the middle of one column to that of the next;
// a night that is not known leaves a gap. A night alone is a dot.
func line[T any](all []*T, y func(T) float64) string {
	var b strings.Builder
	pen := false
	for i, v := range all {
		if v == nil {
			pen = false
			continue
		}
		if pen {
			b.WriteByte('L')
		} else {
			b.WriteByte('M')
		}
		b.WriteString(strconv.Itoa(i*nightWide + nightWide/2))
		b.WriteByte(' ')
		b.WriteString(strconv.FormatFloat(y(*v), 'f', 1, 64))
		if !pen {
			b.WriteString("h.1")
		}
		pen = true
	}
	return b.String()
}

// Small multiples: one for each institution, all of one size.
const (
	sparkWide = 150
	sparkHigh = 26
)

// sparkStale draws how many members were stale, as bars: a full one is all.
func sparkStale(p *reconcile.Past, i *reconcile.InstitutionPast) template.HTML {
	most, members := 0, 1
	for _, n := range i.Nights {
		most, members = max(most, n.Stale), max(members, n.Members)
	}
	var d strings.Builder
	wide := float64(sparkWide) / float64(len(i.Nights))
	for k, n := range i.Nights {
		if n.Stale == 0 || p.Nights[k].Unread {
			continue
		}
		high := max(float64(n.Stale)/float64(members)*(sparkHigh-2), 2)
		fmt.Fprintf(&d, "M%.1f %dv-%.1fh%.1fv%.1fz", float64(k)*wide+.5, sparkHigh-1, high, max(wide-1, 1), high)
	}
	first, last := i.Nights[0], i.Nights[len(i.Nights)-1]
	return spark("bars", d.String(), fmt.Sprintf("Stale members by night: from %d to %d, at most %d", first.Stale, last.Stale, most))
}

// sparkAge draws the median age of the last success, as a line. The dashes are
// at the age from which it is stale.
func sparkAge(p *reconcile.Past, i *reconcile.InstitutionPast, staleAfter int64) template.HTML {
	most := staleAfter
	for _, n := range i.Nights {
		most = max(most, n.MedianAge)
	}
	y := func(age int64) float64 { return sparkHigh - 2 - float64(age)/float64(most)*(sparkHigh-4) }
	var d strings.Builder
	wide := float64(sparkWide) / float64(len(i.Nights))
	pen := "M"
	for k, n := range i.Nights {
		if n.Members == 0 || p.Nights[k].Unread {
			pen = "M"
			continue
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", pen, (float64(k)+.5)*wide, y(n.MedianAge))
		if pen == "M" {
			d.WriteString("h.1")
		}
		pen = "L"
	}
	limit := fmt.Sprintf(`<path class="limit" d="M0 %.1fh%d"/>`, y(staleAfter), sparkWide)
	first, last := i.Nights[0], i.Nights[len(i.Nights)-1]
	return spark("age", d.String(), "Median age of the last success by night: from "+age(first.MedianAge)+" to "+age(last.MedianAge)+", at most "+age(most), limit)
}

func spark(class, d, title string, more ...string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg role="img" class="spark" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d"><title>%s</title>%s<path class="%s" d="%s"/></svg>`,
		sparkWide, sparkHigh, title, strings.Join(more, ""), class, d))
}
