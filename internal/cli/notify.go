package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tallyport/reconcile"
	"tallyport/reconcile/report"
	"tallyport/snapshot"
)

// notifier tells a chat or a program of the tickets that a run raised. It does
// its best, and never changes how the run ends.
type notifier struct {
	s  *session
	to *hook // nil: nobody is told
}

// notifyPatience is how long a run waits for its notification to be taken, in
// all. notifyWaits are the times between tries.
const notifyPatience = 30 * time.Second

var notifyWaits = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

func (s *session) notifier(address string) (*notifier, error) {
	if address == "" {
		return &notifier{s: s}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, usagef("--notify-url is no https address, nor http to this machine; write it as https://example.com/hook")
	}
	return &notifier{s, &hook{u, s.env.Transport}}, nil
}

// news is what is told of a run that raised tickets. Text is what Slack shows,
// and whoever takes what Slack takes; the rest is for programs. There are no
// amounts and no payees in it.
type news struct {
	Text     string      `json:"text"`
	Snapshot snapshot.ID `json:"snapshot,omitempty"`
	Open     int         `json:"tickets_open,omitempty"`
	New      []newTicket `json:"tickets_new,omitempty"`
}

type newTicket struct {
	ID          string                 `json:"ticket_id"`
	Issue       reconcile.IssueType    `json:"issue_type"`
	Institution *string                `json:"institution_code"`
	Member      *string                `json:"member_guid"` // null: it is about more than one
	Findings    map[reconcile.Kind]int `json:"findings"`
}

// newsOf is what there is to tell of a result; nil: nothing.
func newsOf(res *reconcile.Result) *news {
	found := slices.DeleteFunc(slices.Clone(res.Findings), func(f reconcile.Finding) bool {
		_, fresh := slices.BinarySearch(res.NewTickets, string(f.TicketID))
		return !fresh || !f.State.Raised()
	})
	if len(found) == 0 {
		return nil
	}
	n := &news{Snapshot: res.Summary.Snapshot, Open: res.Summary.Tickets.Open}
	for _, t := range report.Tickets(found) {
		line := newTicket{ID: t.ID, Issue: t.Issue, Institution: orNull(t.Institution), Member: orNull(t.Member), Findings: map[reconcile.Kind]int{}}
		for _, f := range t.Findings {
			line.Findings[f.Kind]++
		}
		n.New = append(n.New, line)
	}
	n.Text = n.text()
	return n
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// inChat is how many tickets a message names: nobody reads more there.
const inChat = 20

func (n *news) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "tallyport: %s in snapshot %s, %s open", counted(int64(len(n.New)), "new ticket", "new tickets"), n.Snapshot, thousands(int64(n.Open)))
	for i, t := range n.New {
		if i == inChat {
			fmt.Fprintf(&b, "\n… and %s more", thousands(int64(len(n.New)-inChat)))
			break
		}
		fmt.Fprintf(&b, "\n• %s  %s", t.ID, t.Issue)
		for _, kind := range slices.Sorted(maps.Keys(t.Findings)) {
			fmt.Fprintf(&b, ", %d %s", t.Findings[kind], kind)
		}
		if t.Institution != nil {
			fmt.Fprintf(&b, ", institution %s", inSlack(*t.Institution))
		}
		if t.Member != nil {
			fmt.Fprintf(&b, ", member %s", inSlack(*t.Member))
		}
	}
	return b.String()
}

// slackControls are the characters that Slack asks to be escaped: <!channel>
// would call everybody.
var slackControls = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// inSlack is a text of somebody else's as it may stand in a message.
func inSlack(s string) string { return slackControls.Replace(printable(s)) }

// tell sends what there is to tell, again if it has to.
func (n *notifier) tell(ctx context.Context, about *news) {
	if n.to == nil || about == nil {
		return
	}
	if host := n.to.Hostname(); host == "hooks.slack.com" || host == "hooks.slack-gov.com" {
		// Slack does not say what becomes of members that it does not know.
		about = &news{Text: about.Text}
	}
	ctx, cancel := context.WithTimeout(ctx, notifyPatience)
	defer cancel()
	err := n.deliver(ctx, about)
	if err != nil {
		n.s.log.Warn("notification failed", "to", n.to.String(), "error", err.Error())
		return
	}
	n.s.log.Info("notified", "to", n.to.String())
}

func (n *notifier) deliver(ctx context.Context, about *news) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(about); err != nil {
		return err
	}
	for _, wait := range notifyWaits {
		err := n.post(ctx, body.Bytes())
		var no unwelcome
		if err == nil || errors.As(err, &no) && no.code/100 != 5 && no.code != http.StatusTooManyRequests {
			return err
		}
		wait = max(wait, no.after)
		if until, ok := ctx.Deadline(); ok && time.Until(until) < wait {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
	return n.post(ctx, body.Bytes())
}

// post is one try.
func (n *notifier) post(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return n.to.send(ctx, http.MethodPost, n.to.URL, body)
}
