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
	late     bool          // the balance moves a night after them
	steps    []step
	right    int // steps that are as large as those of the sum
}

// step is from one night with a known balance to the next.
type step struct {
	from, to     int // nights
	balance, sum schemas.Money
}

func (s step) drift() schemas.Money { return s.balance - s.sum }

// follow finds the choice that makes most steps of balance and sum equal; false
// if none fits half of them. A step counts the rows that both windows reach back
// to: what only leaves a window moves no balance.
func follow(p *reconcile.Past, a *reconcile.AccountPast) (following, bool) {
	var known []int
	for i, n := range a.Nights {
		if n.Listed && n.Looked && n.Balance != nil {
			known = append(known, i)
		}
	}
	var best following
	for _, pendings := range []bool{false, true} {
		var steps []step
		for k := 1; k < len(known); k++ {
			s := step{from: known[k-1], to: known[k], sum: moved(p, a, known[k-1], known[k], pendings)}
			s.balance = *a.Nights[s.to].Balance - *a.Nights[s.from].Balance
			steps = append(steps, s)
		}
		for _, f := range []following{{sign: 1}, {sign: -1}, {sign: 1, late: true}, {sign: -1, late: true}} {
			f.pendings = pendings
			f.follow(steps)
			if best.sign == 0 || f.right > best.right {
				best = f
			}
		}
	}
	return best, len(best.steps) > 0 && 2*best.right >= len(best.steps)
}

// follow counts how often the balance makes the steps of the sum. What came
// before the first of them nobody knows: a late balance begins with the second.
func (f *following) follow(steps []step) {
	for k, s := range steps {
		switch {
		case !f.late:
			s.sum *= f.sign
		case k == 0:
			continue
		default:
			s.sum = f.sign * steps[k-1].sum
		}
		if s.drift() == 0 {
			f.right++
		}
		f.steps = append(f.steps, s)
	}
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
	SVG       template.HTML
	Says      string
	Low, High string
	Follows   bool
}

// Sizes in pixels: a night is as wide as a column of the grid.
const (
	nightWide = 28
	chartHigh = 96
	chartEdge = 10
	mostSteps = 5
)

// balanceChart draws the balance, and the sum of the transactions if the
// balance follows it; nil without any balance.
func balanceChart(p *reconcile.Past, a *reconcile.AccountPast) *chart {
	balance := make([]*schemas.Money, len(p.Nights))
	for i, n := range a.Nights {
		if n.Listed && n.Looked {
			balance[i] = n.Balance
		}
	}
	first := slices.IndexFunc(balance, func(m *schemas.Money) bool { return m != nil })
	if first < 0 {
		return nil
	}
	f, ok := follow(p, a)
	c := &chart{Follows: ok}
	var sum []*schemas.Money
	var drifts []step
	if ok {
		sum = make([]*schemas.Money, len(p.Nights))
		for k, s := range f.steps {
			if k == 0 {
				sum[s.from] = balance[s.from]
			}
			next := *sum[s.from] + s.sum
			sum[s.to] = &next
			if s.drift() != 0 {
				drifts = append(drifts, s)
			}
		}
	}
	low, high := bounds(append(slices.Clone(balance), sum...))
	c.Low, c.High = money(low), money(high)
	c.Says = f.says(p, drifts, ok)
	scale := func(m schemas.Money) float64 {
		if high == low {
			return chartHigh / 2
		}
		return chartHigh - chartEdge - float64(m-low)/float64(high-low)*(chartHigh-2*chartEdge)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg role="img" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d"><title>Balance by night</title><desc>%s</desc>`, nightWide*len(p.Nights), chartHigh, template.HTMLEscapeString(c.Says))
	for _, s := range drifts {
		fmt.Fprintf(&b, `<path class="drift" d="M%d 0h%dv%dh-%dz"/><path class="tip" d="M%d %dl5 8h-10z"/>`,
			nightWide*s.to, nightWide, chartHigh, nightWide, nightWide*s.to+nightWide/2, chartHigh-9)
	}
	if ok {
		fmt.Fprintf(&b, `<path class="sum" d="%s"/>`, line(sum, scale))
	}
	fmt.Fprintf(&b, `<path class="balance" d="%s"/>`, line(balance, scale))
	b.WriteString(`</svg>`)
	c.SVG = template.HTML(b.String())
	return c
}

// says is the chart in words.
func (f following) says(p *reconcile.Past, drifts []step, ok bool) string {
	if !ok {
		return "The balance does not follow the transactions, so it stands alone."
	}
	s := "The balance follows the posted transactions"
	if f.pendings {
		s = "The balance follows the transactions, pending ones included"
	}
	if f.sign < 0 {
		s += ", as what is owed"
	}
	if f.late {
		s += ", a night late"
	}
	if len(drifts) == 0 {
		return s + ", on every night."
	}
	for i, d := range drifts[:min(len(drifts), mostSteps)] {
		if i == 0 {
			s += ". They part"
		} else {
			s += ","
		}
		s += " on " + day(p.Nights[d.to].Snapshot) + " by " + money(d.drift())
	}
	if more := len(drifts) - mostSteps; more > 0 {
		s += fmt.Sprintf(", and on %d more nights", more)
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
// at 48 hours.
func sparkAge(p *reconcile.Past, i *reconcile.InstitutionPast) template.HTML {
	most := int64(staleAfter)
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
