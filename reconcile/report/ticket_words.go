package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tallyport/reconcile"
)

// waitFor is how long MX asks to wait with what usually resolves itself (seed
// 000, Support: more than two days).
const waitFor = 48 * time.Hour

// subject is what the ticket is called: FI name | location of error | error
// description.
func (r *Report) subject(f *Form) string {
	where, what := "connection", ""
	status := ""
	if len(f.Members) == 1 && f.Members[0].Status != "" {
		status = string(f.Members[0].Status)
	}
	switch f.Issue {
	case reconcile.MFA:
		where, what = "MFA", "member is "+cmp.Or(status, "waiting for the end user")
	case reconcile.BadLogin:
		where, what = "credentials", "member is "+cmp.Or(status, "not able to log in")
	case reconcile.FIWebsite:
		where, what = "FI website", "member is "+cmp.Or(status, "not able to log in")
	case reconcile.Aggregation:
		where, what = "aggregation", "member not updating, "+sinceSuccess(f)
		if f.State.Live() && status != "" {
			what = status + ", " + sinceSuccess(f)
		}
	case reconcile.FailedUpdate:
		where, what = "aggregation", "failed update, "+sinceSuccess(f)
	default:
		where, what = "data", kindsOf(f)
	}
	switch n := len(f.Transactions); {
	case n == 1:
		where, what = "transactions", "failed update, 1 transaction missing"
	case n > 1:
		where, what = "transactions", fmt.Sprintf("failed update, %d transactions missing", n)
	}
	if o := outage(f.findings); o != nil {
		where, what = "aggregation", fmt.Sprintf("%s of %s members not updating since %s", factOf(o, "members_stale"), factOf(o, "members_total"), factOf(o, "onset"))
	}
	name := cmp.Or(f.Institution.Name, f.Institution.Code, "unknown institution")
	return strings.ReplaceAll(string(name), "|", "/") + " | " + where + " | " + what
}

func sinceSuccess(f *Form) string {
	if !f.State.Live() { // what the member's last night shows is how it ended
		return string(f.State)
	}
	if len(f.Members) != 1 || f.Members[0].Succeeded == nil {
		return "without any success"
	}
	return "no success since " + instant(f.Members[0].Succeeded)
}

func kindsOf(f *Form) string {
	var kinds []string
	for i := range f.findings {
		if k := strings.ReplaceAll(string(f.findings[i].Kind), "_", " "); !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	slices.Sort(kinds)
	return strings.Join(kinds, ", ")
}

// outage is the finding that an institution is out, nil if the ticket is about
// something else.
func outage(found []reconcile.Finding) *reconcile.Finding {
	i := slices.IndexFunc(found, func(f reconcile.Finding) bool { return f.Kind == "institution_outage" })
	if i < 0 {
		return nil
	}
	return &found[i]
}

// factOf is a fact of a finding's evidence, "?" if it is not there.
func factOf(f *reconcile.Finding, name string) string {
	if v, ok := f.Evidence[name]; ok && v != nil {
		return factText(v)
	}
	return "?"
}

// factText is a fact as it is read: a time in whole seconds.
func factText(v any) string {
	s := string(cleaned(fmt.Sprint(v)))
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.Format(time.RFC3339)
	}
	return s
}

// notes are what MX asks to be kept to with a ticket of this type (seed 000,
// Support), and whether it is.
func (r *Report) notes(f *Form) []string {
	notes := []string{}
	if !f.State.Live() {
		return append(notes, "This ticket is closed, its findings are "+string(f.State)+": there is nothing to send.")
	}
	if f.State == reconcile.Suppressed {
		return append(notes, "This ticket was put aside: there is nothing to send.")
	}
	notes = append(notes, r.sent(f)...)
	switch f.Issue {
	case reconcile.MFA:
		notes = append(notes, "MX support is asked only if the documented MFA workflow was followed and does not work. The credentials are valid: do not ask for them again.")
	case reconcile.BadLogin:
		notes = append(notes, "MX support is asked only if the end user can log in at the FI's own site and has tried without success to update the credentials.")
	case reconcile.FIWebsite:
		notes = append(notes, "MX asks for no ticket of this type: the end user must log in at the FI's website and settle what it asks for. An operator requested this one all the same.")
	case reconcile.Aggregation:
		notes = append(notes, r.patience(f))
	}
	return append(notes, "Keep the member: to delete and create it again loses its history.")
}

// sent says which part of the ticket MX has already, nothing if that is none or
// all.
func (r *Report) sent(f *Form) []string {
	var refs []string
	n := 0
	for i := range f.findings {
		if s := f.findings[i].State; s != reconcile.Submitted && s != reconcile.Escalated {
			continue
		}
		n++
		for _, d := range slices.Backward(r.decisions(f.findings[i].ID)) {
			if d.Action != reconcile.Submit {
				continue
			}
			if ref := string(cleaned(d.Ref)); ref != "" && !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
			break
		}
	}
	if n == 0 || n == len(f.findings) {
		return nil
	}
	was, as := "were", ""
	if n == 1 {
		was = "was"
	}
	if refs != nil {
		as = " as " + strings.Join(refs, ", ")
	}
	return []string{fmt.Sprintf("%d of %d findings %s sent%s; MX does not know of the rest yet.", n, len(f.findings), was, as)}
}

// patience says whether the connection has been down for as long as MX asks to
// wait, and how long there was no success. Of its status it is known when it was
// first seen; it may have begun before.
func (r *Report) patience(f *Form) string {
	if outage(f.findings) != nil {
		return "Many members of the institution went stale at the same time: this is one ticket for all of them."
	}
	var down time.Duration
	for i := range f.findings {
		since, _ := f.findings[i].Evidence["status_since"].(map[string]any)
		after, _ := since["not_after"].(string)
		if t, err := time.Parse(time.RFC3339Nano, after); err == nil {
			down = max(down, r.at().Sub(t))
		}
	}
	facts := "since when is not known"
	if down > 0 {
		facts = fmt.Sprintf("this one was first seen so %d h ago", int(down.Hours()))
	}
	switch {
	case len(f.Members) != 1:
	case f.Members[0].Succeeded == nil:
		facts += ", and it never succeeded"
	default:
		facts += fmt.Sprintf(", and its last success was %d h ago", int(r.at().Sub(f.Members[0].Succeeded.Time()).Hours()))
	}
	if down <= waitFor {
		return "MX asks to wait until a member has been DEGRADED or DISCONNECTED for more than two days: " + facts + "."
	}
	return "MX asks to wait until a member has been DEGRADED or DISCONNECTED for more than two days, which is over: " + facts + "."
}
