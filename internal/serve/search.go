package serve

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"tallyport/reconcile"
	"tallyport/reconcile/report"
)

// hits is what a search found.
type hits struct {
	Asked        string
	Short        bool
	Tickets      []*report.Ticket
	Found        []*reconcile.Finding
	Institutions []string
	Transaction  bool // it can be explained
	Rest         int  // findings that are not shown
	TicketsLeft  int  // tickets that are not
}

// shortest is how much of a name has to be typed for a search by its beginning.
const shortest = 4

var transactionGUID = regexp.MustCompile(`^TRN-[0-9A-Za-z-]{1,64}$`)

// search lists what bears a name: a guid, an id of a finding or a ticket, the
// code of an institution, or how one of these begins; and findings about
// transactions of that payee or that amount.
func (s *Site) search(w http.ResponseWriter, r *http.Request) error {
	v, err := s.now()
	if err != nil {
		return err
	}
	asked := strings.TrimSpace(r.URL.Query().Get("q"))
	if len(asked) > 4 && strings.EqualFold(asked[:4], "TRN-") { // guids are served in one case only
		asked = "TRN-" + strings.ToLower(asked[4:])
	}
	h := hits{Asked: asked, Short: len(asked) < shortest, Transaction: transactionGUID.MatchString(asked)}
	likes := func(name string) bool {
		return name != "" && (strings.EqualFold(name, asked) || !h.Short && len(name) > len(asked) && strings.EqualFold(name[:len(asked)], asked))
	}
	for _, t := range v.tickets {
		if likes(t.ID) {
			h.Tickets = append(h.Tickets, t)
		}
	}
	for i := range v.all {
		f := &v.all[i]
		found := slices.ContainsFunc([]string{f.ID, string(f.TicketID), string(f.User), string(f.Member), string(f.Account), string(f.Transaction), string(f.Institution)}, likes)
		if !found && asked != "" && !h.Short {
			found = mentions(f.Evidence, asked) || strings.Contains(strings.ToLower(string(f.Payee)), strings.ToLower(asked))
		}
		found = found || asked != "" && strings.TrimLeft(strings.ReplaceAll(asked, ",", ""), "-+$") == string(f.Amount)
		if found {
			h.Found = append(h.Found, f)
		}
		if code := string(f.Institution); likes(code) && !slices.Contains(h.Institutions, code) {
			h.Institutions = append(h.Institutions, code)
		}
	}
	slices.Sort(h.Institutions)
	slices.SortStableFunc(h.Found, byUrgency)
	h.TicketsLeft = max(0, len(h.Tickets)-perPage)
	h.Tickets = h.Tickets[:len(h.Tickets)-h.TicketsLeft]
	h.Rest = max(0, len(h.Found)-perPage)
	h.Found = h.Found[:len(h.Found)-h.Rest]
	s.show(w, r, http.StatusOK, "search", &page{Names: v.names, Title: "Search", Body: &h})
	return nil
}

// mentions reports whether a text of a finding's evidence is the one asked for.
func mentions(v any, asked string) bool {
	switch v := v.(type) {
	case string:
		return strings.EqualFold(v, asked)
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return mentions(e, asked) })
	case map[string]any:
		for _, e := range v {
			if mentions(e, asked) {
				return true
			}
		}
	}
	return false
}

// span is nights in which nothing changed.
type span struct {
	*reconcile.Look
	Last   reconcile.Look
	Nights int
	First  bool
	Back   bool // it was away before
}

// explain tells the story of a transaction.
func (s *Site) explain(w http.ResponseWriter, r *http.Request) error {
	guid := r.PathValue("guid")
	if !transactionGUID.MatchString(guid) {
		return missing(guid + " is not the guid of a transaction.")
	}
	type body struct {
		*reconcile.Explanation
		Spans []span
		Seen  int
	}
	var b body
	err := s.read(r.Context(), func(ctx context.Context) (err error) {
		b.Explanation, err = reconcile.Explain(ctx, s.st, guid)
		return err
	})
	if errors.Is(err, reconcile.ErrNothing) {
		err = errEmpty
	}
	if err != nil {
		return err
	}
	if len(b.Looks) == 0 && len(b.Findings) == 0 {
		return missing(guid + " was never seen in this store.")
	}
	for i := range b.Looks {
		l := &b.Looks[i]
		if l.Seen {
			b.Seen++
		}
		if last := len(b.Spans) - 1; last >= 0 && b.Spans[last].Seen == l.Seen && b.Spans[last].Why == l.Why && len(l.Changed) == 0 {
			b.Spans[last].Last, b.Spans[last].Nights = *l, b.Spans[last].Nights+1
			continue
		}
		b.Spans = append(b.Spans, span{Look: l, Last: *l, Nights: 1, First: i == 0, Back: i > 0 && l.Seen && !b.Looks[i-1].Seen})
	}
	s.show(w, r, http.StatusOK, "explain", &page{Title: "Transaction " + guid, Body: &b})
	return nil
}
