package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"tallyport/reconcile"
	"tallyport/snapshot"
)

// choice is a form: one thing that can be decided.
type choice struct {
	Action reconcile.Action
	Offer  string // on the button
	Means  string
	Open   bool // it is what was tried just now
	Ask    []field
}

// field is what a form asks for.
type field struct {
	Name, Label, Hint, Kind, Value string
	Required                       bool
}

const longest = 500 // characters of a field

var (
	whyField   = field{Name: "reason", Label: "Why", Hint: "for whoever asks later", Kind: "text", Required: true}
	untilField = field{Name: "until", Label: "Until", Hint: "the last day it is hidden, UTC; leave it empty for no end", Kind: "date"}
	refField   = field{Name: "ref", Label: "Number", Hint: "of the ticket at MX, as ZD-123", Kind: "text", Required: true}
)

// offers are the forms, in the order in which they are shown.
var offers = []choice{
	{Action: reconcile.Request, Offer: "Make a ticket", Means: "MX should put it right, whatever was concluded.", Ask: []field{optional(whyField)}},
	{Action: reconcile.Submit, Offer: "It was sent", Means: "It is at MX. What is still true days after shows as escalated.", Ask: []field{refField}},
	{Action: reconcile.Suppress, Offer: "Suppress", Means: "Hide it, until a day or for good.", Ask: []field{whyField, untilField}},
	{Action: reconcile.Unsuppress, Offer: "Show again", Means: "It is hidden now.", Ask: []field{optional(whyField)}},
	{Action: reconcile.Close, Offer: "Close", Means: "It is nothing. It stays closed until it was put right and comes again.", Ask: []field{whyField}},
}

func optional(f field) field {
	f.Required = false
	return f
}

// choices are the forms of what is allowed, with what was typed already.
func choices(allowed []reconcile.Action, typed url.Values) (all []*choice) {
	tried := reconcile.Action(typed.Get("action"))
	for _, c := range offers {
		if !slices.Contains(allowed, c.Action) && tried != c.Action { // what was typed is not lost
			continue
		}
		if tried == c.Action {
			c.Open, c.Ask = true, slices.Clone(c.Ask)
			for i := range c.Ask {
				c.Ask[i].Value = typed.Get(c.Ask[i].Name)
			}
		}
		all = append(all, &c)
	}
	return all
}

// wrong is an error of whoever typed.
func wrong(format string, args ...any) error {
	return &problem{status: http.StatusUnprocessableEntity, text: fmt.Sprintf(format, args...)}
}

// decided reads a decision from a form. Its error says what is missing.
func (s *Site) decided(typed url.Values, offered []reconcile.Action) (d reconcile.Decision, err error) {
	d.Action, d.At, d.Who = reconcile.Action(typed.Get("action")), s.o.Now(), line(typed.Get("who"))
	i := slices.IndexFunc(offers, func(c choice) bool { return c.Action == d.Action })
	if i < 0 || !slices.Contains(offered, d.Action) {
		return d, wrong("That cannot be decided here.")
	}
	if d.Who == "" {
		return d, wrong("Say who decides.")
	}
	for _, f := range append([]field{{Name: "who", Label: "Who"}}, offers[i].Ask...) {
		value := line(typed.Get(f.Name))
		switch {
		case f.Required && value == "":
			return d, wrong("%q is empty.", f.Label)
		case len([]rune(value)) > longest:
			return d, wrong("%q is longer than %d characters.", f.Label, longest)
		}
		switch f.Name {
		case "reason":
			d.Reason = value
		case "ref":
			d.Ref = value
		case "until":
			d.Until = value
		}
	}
	if d.Until == "" {
		return d, nil
	}
	if _, err := time.Parse(time.DateOnly, d.Until); err != nil {
		return d, wrong("%q is not a date; write it as 2026-12-31.", d.Until)
	}
	if d.Until < d.At.UTC().Format(time.DateOnly) {
		return d, wrong("%s is over.", d.Until)
	}
	return d, nil
}

// line is a text without what would break a line.
func line(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// decide keeps a decision on the findings and tickets that of names: on all of
// them, or on none. It returns on how many findings.
func (s *Site) decide(ctx context.Context, d reconcile.Decision, of func(*reconcile.Ledger) []string) (n int, err error) {
	busy := &problem{status: http.StatusServiceUnavailable, text: "Somebody else decides just now. Nothing was changed; send it again in a moment."}
	if err := take(ctx, s.writing, busy); err != nil {
		return 0, err
	}
	defer func() { <-s.writing }()
	unlock, err := reconcile.LockLedger(s.st)
	if errors.Is(err, snapshot.ErrLocked) {
		return 0, &problem{status: http.StatusServiceUnavailable, text: "A run of tallyport has the ledger just now. Nothing was changed; send it again when the run is over."}
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	ledger, err := reconcile.OpenLedger(s.st)
	if err != nil {
		return 0, err
	}
	found, err := ledger.DecideOn(d, of(ledger)...)
	if err == nil && len(found) == 0 {
		err = errors.New("there is nothing left to decide on")
	}
	if err != nil {
		return 0, &problem{status: http.StatusConflict, text: "That is not possible any more: " + err.Error() + "."}
	}
	return len(found), ledger.Save(s.st)
}

// submitted takes a form: it decides, and leads to the page at. What cannot be
// decided is shown again, with what was typed.
func (s *Site) submitted(w http.ResponseWriter, r *http.Request, at string, offered []reconcile.Action, of func(*reconcile.Ledger) []string, again func(status int, typed url.Values, text string) error) error {
	typed, err := s.readForm(r)
	if typed == nil {
		return err
	}
	var d reconcile.Decision
	if err == nil {
		d, err = s.decided(typed, offered)
	}
	n := 0
	if err == nil {
		n, err = s.decide(r.Context(), d, of)
	}
	if err != nil {
		p := new(problem)
		if !errors.As(err, &p) {
			s.o.Log.Error("a decision was not kept", "path", r.URL.Path, "error", err)
			p = &problem{status: http.StatusInternalServerError, text: "It could not be kept: " + err.Error()}
		}
		if p.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "10")
		}
		return again(p.status, typed, p.text)
	}
	s.o.Log.Info("decided", "action", d.Action, "findings", n, "path", r.URL.Path)
	remember(w, d.Who)
	http.Redirect(w, r, at+"?"+url.Values{"done": {string(d.Action)}, "n": {fmt.Sprint(n)}}.Encode(), http.StatusSeeOther)
	return nil
}

// done is what the page says that a decision leads to.
func done(r *http.Request) string {
	n := 0
	if _, err := fmt.Sscan(r.URL.Query().Get("n"), &n); err != nil || n < 1 {
		return ""
	}
	what := map[reconcile.Action]string{
		reconcile.Request: "Kept: it gets a ticket", reconcile.Submit: "Kept: it was sent", reconcile.Suppress: "Suppressed",
		reconcile.Unsuppress: "Kept: it shows again", reconcile.Close: "Closed", reconcile.Baseline: "Suppressed for good",
	}[reconcile.Action(r.URL.Query().Get("done"))]
	if what == "" {
		return ""
	}
	return fmt.Sprintf("%s (%s).", what, counted(n, "finding", "findings"))
}

var anyAction = []reconcile.Action{reconcile.Request, reconcile.Submit, reconcile.Suppress, reconcile.Unsuppress, reconcile.Close}

func (s *Site) decideFinding(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if v, err := s.now(); err != nil {
		return err
	} else if v.byID[id] == nil {
		return missing("There is no finding " + id + ".")
	}
	return s.submitted(w, r, "/findings/"+id, anyAction, these(id),
		func(status int, typed url.Values, wrong string) error {
			return s.showFinding(w, r, status, typed, wrong)
		})
}

func (s *Site) decideTicket(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if v, err := s.now(); err != nil {
		return err
	} else if _, err := v.ticketOf(id); err != nil {
		return err
	}
	return s.submitted(w, r, "/tickets/"+id, anyAction[1:], these(id),
		func(status int, typed url.Values, wrong string) error {
			return s.showTicket(w, r, status, typed, wrong)
		})
}

func (s *Site) decideInstitution(w http.ResponseWriter, r *http.Request) error {
	code := r.PathValue("code")
	return s.submitted(w, r, "/institutions/"+url.PathEscape(code), []reconcile.Action{reconcile.Suppress},
		func(l *reconcile.Ledger) []string { return l.Shown(code) },
		func(status int, typed url.Values, wrong string) error {
			return s.showInstitution(w, r, status, typed, wrong)
		})
}

// these are findings or tickets by their ids.
func these(ids ...string) func(*reconcile.Ledger) []string {
	return func(*reconcile.Ledger) []string { return ids }
}

// toHide reports whether a finding shows, or will once it is sure.
func toHide(f *reconcile.Finding) bool { return f.State.Raised() || f.State == reconcile.Candidate }

func (s *Site) baseline(w http.ResponseWriter, r *http.Request) error {
	return s.showBaseline(w, r, http.StatusOK, nil, "")
}

func (s *Site) showBaseline(w http.ResponseWriter, r *http.Request, status int, typed url.Values, wrong string) error {
	v, err := s.now()
	if err != nil {
		return err
	}
	type body struct {
		Count  int
		Reason string
	}
	b := body{Reason: typed.Get("reason")}
	for i := range v.all {
		if toHide(&v.all[i]) {
			b.Count++
		}
	}
	s.show(w, r, status, "baseline", &page{Title: "Baseline", At: "baseline", Body: &b, Problem: wrong, Who: typed.Get("who")})
	return nil
}

// decideBaseline puts everything aside that is there. The form says how much
// that was when it was made: what came since is not meant.
func (s *Site) decideBaseline(w http.ResponseWriter, r *http.Request) error {
	typed, err := s.readForm(r)
	if typed == nil {
		return err
	}
	again := func(status int, wrong string) error { return s.showBaseline(w, r, status, typed, wrong) }
	// The ledger gives a baseline its reason; the text is kept beside it.
	d := reconcile.Decision{Action: reconcile.Baseline, At: s.o.Now(), Who: line(typed.Get("who")), Ref: line(typed.Get("reason"))}
	switch {
	case err != nil:
		return again(http.StatusForbidden, err.Error())
	case d.Who == "" || d.Ref == "":
		return again(http.StatusUnprocessableEntity, "Say who decides, and why.")
	case len([]rune(d.Who)) > longest || len([]rune(d.Ref)) > longest:
		return again(http.StatusUnprocessableEntity, fmt.Sprintf("At most %d characters.", longest))
	case typed.Get("sure") != "yes":
		return again(http.StatusUnprocessableEntity, "Tick the box if that is what you want.")
	}
	moved := &problem{status: http.StatusConflict, text: "The number of findings is another one now. Nothing was changed; see that it still holds, and send it again."}
	count := 0
	n, err := s.decide(r.Context(), d, func(l *reconcile.Ledger) (ids []string) {
		for _, f := range l.Findings() {
			if toHide(&f) {
				ids = append(ids, f.ID)
			}
		}
		if count = len(ids); fmt.Sprint(count) != typed.Get("count") {
			return nil
		}
		return ids
	})
	if count > 0 && n == 0 && fmt.Sprint(count) != typed.Get("count") {
		err = moved
	}
	if p := new(problem); errors.As(err, &p) {
		return again(p.status, p.text)
	}
	if err != nil {
		return err
	}
	s.o.Log.Info("decided", "action", d.Action, "findings", n)
	remember(w, d.Who)
	http.Redirect(w, r, "/?"+url.Values{"done": {string(d.Action)}, "n": {fmt.Sprint(n)}}.Encode(), http.StatusSeeOther)
	return nil
}
