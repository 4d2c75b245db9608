package report

import (
	"html/template"
	"strings"

	"tallyport/reconcile"
)

// One is a report of one finding as it is now, whatever its state. The past is
// what LookBack has of it; nil: nobody looked, and its nights are not shown.
func One(res *reconcile.Result, finding string, past *reconcile.Past) *Report {
	r := &Report{Summary: res.Summary, Past: past, ledger: res.Ledger, others: res.Findings}
	f, _, ok := res.Ledger.Finding(finding)
	if !ok {
		return r
	}
	r.Findings = []reconcile.Finding{f}
	r.Tickets = Tickets(r.Findings)
	if past != nil {
		r.Detailed = []string{finding}
	}
	return r
}

// Legend says what the signs in a finding's nights mean.
func Legend() (template.HTML, error) {
	var b strings.Builder
	err := templates().ExecuteTemplate(&b, "legend", nil)
	return template.HTML(b.String()), err
}
