package reconcile

import "tallyport/schemas"

// condition is what a connection status says by itself (mx-api.md §1.7): the
// rule it belongs to, and what to do about it.
type condition struct {
	code   Code
	action string
}

const (
	actAggregate = "Aggregate the member once while the user is present; MX suspends the nightly job after repeated failures."
	actSupport   = "Nothing is asked of the user; send MX support the member's guid and keep the member."
	actWithUser  = "Start a new aggregation when the user is present to answer; do not ask for the credentials again."
	actUpdate    = "Ask the user for the credentials this member requires and update the member; never delete and create it again."
	actAtSite    = "The user must log in at the institution's own site and settle what it asks for, then aggregate."
	actNone      = "Nothing; expect no new data from this member."
)

var conditions = map[string]condition{
	"CONNECTED": {"S3", actAggregate},

	"CHALLENGED": {"S9", "Show the user the member's challenges and resume the aggregation; unanswered it becomes EXPIRED."},
	"REJECTED":   {"S6", "The answer was wrong: start a new aggregation when the user is present to answer again."},
	"EXPIRED":    {"S6", actWithUser},
	"DENIED":     {"S7", actUpdate},
	"PREVENTED":  {"S7", actUpdate},
	"IMPAIRED":   {"S7", actUpdate},
	"LOCKED":     {"S8", actAtSite},
	"IMPEDED":    {"S8", actAtSite},

	"DEGRADED":     {"S2", actSupport},
	"DISCONNECTED": {"S2", actSupport},
	"FAILED":       {"S14", actAggregate},
	"HALTED":       {"S14", actAggregate},

	"CREATED":     {"S10", actAggregate},
	"UPDATED":     {"S10", actAggregate},
	"DELAYED":     {"S10", actAggregate},
	"RESUMED":     {"S10", actAggregate},
	"RECONNECTED": {"S10", "Aggregate the member once while the user is present; until then MX does not aggregate it."},
	"PENDING":     {"S10", "The user must finish the institution's OAuth page; MX may delete a member that waits too long."},

	"IMPORTED":     {"S11", "Ask the user for the credentials and update the member if its data is wanted; MX holds none."},
	"DISABLED":     {"S11", actNone},
	"DISCONTINUED": {"S11", actNone},
	"CLOSED":       {"S11", actNone},
	"":             {"S11", actNone},
}

func conditionOf(status string) condition {
	if c, ok := conditions[status]; ok {
		return c
	}
	return condition{"unknown_status", "Look the status up in MX's documentation; nothing is concluded from it."}
}

// runOf names the state that a status belongs to: those that MX moves a member
// between by itself are one, any other stands alone.
func runOf(status string) string {
	switch c := conditionOf(status).code; c {
	case "S2", "S10", "S14":
		return string(c)
	}
	return status
}

// evidence is the facts of the episode. What only grows older from night to
// night is not among them: it follows from last_snapshot, and a night that
// brings nothing new must not look like one that does.
func (h *memberHistory) evidence(n *memberNight, code Code) map[string]any {
	r := h.Run
	if code == "S2" {
		r = h.Down
	}
	e := map[string]any{
		"connection_status":          nullable(n.Status),
		"successfully_aggregated_at": instant(n.Succeeded),
		"tried_since_success":        n.AggregatedAt != nil && (n.Succeeded == nil || *n.AggregatedAt > *n.Succeeded),
		"status_since":               map[string]any{"not_before": nil, "not_after": r.First.String()},
		"action":                     h.action(n, code),
	}
	if r.Before != 0 {
		e["status_since"].(map[string]any)["not_before"] = r.Before.String()
	}
	if n.Succeeded == nil {
		e["first_seen"] = h.First.String()
	}
	switch code {
	case "S4": // under the others it may be another one each night
		e["aggregated_at"] = instant(n.AggregatedAt)
	case "S5":
		e["aggregated_at"] = instant(n.AggregatedAt)
		e["busy_since"] = h.Busy.String()
	case "S11":
		e["user_is_disabled"] = n.UserDisabled
		e["background_aggregation_is_disabled"] = n.Manual
	}
	return e
}

func (h *memberHistory) action(n *memberNight, code Code) string {
	switch {
	case code == "S5":
		return "No other job can start while this one runs; MX must end it."
	case code == "S3" && n.Status == "CONNECTED":
		return "Nothing is asked of the user; send MX support what failed to update and keep the member."
	case code == "S11" && n.UserDisabled:
		return "Enable the user if the data is wanted; MX does not aggregate for a disabled one."
	case code == "S11" && n.Manual && conditionOf(n.Status).code != "S11":
		return "Aggregate the member if the data is wanted; its nightly job is turned off."
	}
	return conditionOf(n.Status).action
}

// MissingInputsFor lists what MX's support table asks for (seed 000, Support) and
// only a person can add.
func MissingInputsFor(t IssueType) []string {
	switch t {
	case MFA:
		return []string{"MFA type", "attempted API request and response, without personal data"}
	case BadLogin:
		return []string{"FI login URL", "character lengths of the credentials", "screenshots of a successful login at the FI"}
	case FailedUpdate:
		return []string{"date, amount and payee of missing transactions, if known", "screenshots of them from the FI website"}
	}
	return nil
}

// MissingInputsOf lists what MX's support table asks for of a transaction that is
// missing, and only a person can add.
func MissingInputsOf(f *Finding) []string {
	inputs := []string{}
	for _, part := range []struct {
		name string
		is   text
	}{{"date", f.Date}, {"amount", f.Amount}, {"payee", f.Payee}} {
		if part.is == "" {
			inputs = append(inputs, part.name+" of the missing transaction")
		}
	}
	return append(inputs, "screenshots of the missing transaction from the FI website")
}

func instant(t *schemas.Timestamp) any {
	if t == nil {
		return nil
	}
	return t.String()
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
