package schemas

import "encoding/json"

// Resource names what a walk looked at.
type Resource string

const (
	UsersResource         Resource = "users"
	MembersResource       Resource = "members"
	MemberStatusResource  Resource = "member_status"
	AccountsResource      Resource = "accounts"
	TransactionsResource  Resource = "transactions"
	AccountOwnersResource Resource = "account_owners"
	InstitutionsResource  Resource = "institutions"
)

// Reason says why a walk is not complete. A complete walk has none.
type Reason string

const (
	HTTPError       Reason = "http_error"       // an answer that is no success, or a broken connection, to the last try
	Timeout         Reason = "timeout"          // no answer in time, to the last try
	Refused         Reason = "refused"          // 403
	NotFound        Reason = "not_found"        // 404: the parent went away
	Torn            Reason = "torn"             // the list moved while it was read, three times
	Undecodable     Reason = "undecodable"      // an answer, or a record in it, that is not what the API promises
	SuspiciousEmpty Reason = "suspicious_empty" // no row where there were rows, and nothing that explains it
	Interrupted     Reason = "interrupted"      // the run was stopped
	Disabled        Reason = "disabled"         // refused because the user is disabled
)

// Gap reports whether a walk that ended for this reason leaves a hole in the
// snapshot. What went away, and what MX withholds for a disabled user, does not.
func (r Reason) Gap() bool { return r != "" && r != NotFound && r != Disabled }

// Scope says which of the three documented lists a walk of transactions reads.
type Scope string

const (
	MemberScope  Scope = "member"
	AccountScope Scope = "account"
	UserScope    Scope = "user"
)

// List names one list of the API: what is walked, under which parents.
type List struct {
	Resource Resource
	User     UserID
	Member   MemberID
	Account  AccountID
	Window   Window // transactions only
}

// Walk is the evidence of one walk: what was asked, what came, and whether
// every row that was there was seen. Counts are those of the last try.
type Walk struct {
	List
	PageSizeAsked  int
	PageSizeEchoed int // 0: the API did not say
	Pages          int
	Rows           int
	DistinctGUIDs  int
	RepeatedGUIDs  int
	TotalFirst     int       // total_entries on the first page, -1: the API did not say
	TotalLast      int       // and when the walk ended
	HTTPStatus     int       // of the last answer, 0: none
	Tries          int       // walks begun
	ObservedAt     Timestamp // server's Date of the last answer, 0: none
	Unfit          int       // values that did not fit their column and went to extra
	Reason         Reason    // "" when complete
	RequestIDs     []string  // X-Request-Id of the last answers, cleaned to letters, digits and dashes
	Detail         string    // for people: what made the walk incomplete; never personal data
}

// Complete reports whether the walk proves what it did not see.
func (w *Walk) Complete() bool { return w.Reason == "" }

// Requests counts requests to the API: all that were sent, those of them that
// repeated another, and the answers 429.
type Requests struct {
	Total       int64 `json:"total"`
	Retried     int64 `json:"retried"`
	RateLimited int64 `json:"rate_limited"`
}

// MemberStatus is what a member says of itself (mx-api.md §1.5, member
// status), as far as it decides whether a walk can be trusted. Null and
// missing are nil.
type MemberStatus struct {
	AggregatedAt             *Timestamp
	SuccessfullyAggregatedAt *Timestamp
	IsBeingAggregated        *bool
	ConnectionStatus         *string
	ObservedAt               Timestamp
}

// SameData reports whether two readings frame a time in which the member's
// data stood still: no job began, succeeded or ended between them.
func (s MemberStatus) SameData(t MemberStatus) bool {
	return equal(s.AggregatedAt, t.AggregatedAt) &&
		equal(s.SuccessfullyAggregatedAt, t.SuccessfullyAggregatedAt) &&
		equal(s.IsBeingAggregated, t.IsBeingAggregated)
}

func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// AppendCoverage adds the coverage row of the walk to rows, framed by the
// member's status before and after it; nil for walks that no status frames.
func (w *Walk) AppendCoverage(rows *Rows, before, after *MemberStatus) {
	vals := make([]Value, Coverage.Width())
	set := func(name string, v Value) { vals[Coverage.Index(name)] = v }
	text := func(name, s string) {
		if s != "" {
			set(name, TextValue(s))
		}
	}
	text("user_guid", string(w.User))
	text("member_guid", string(w.Member))
	text("account_guid", string(w.Account))
	text("resource", string(w.Resource))
	if w.Resource == TransactionsResource {
		set("from_date", IntValue(w.Window.From))
		set("to_date", IntValue(w.Window.To))
	}
	count := func(name string, n int, known bool) {
		if known {
			set(name, IntValue(n))
		}
	}
	count("page_size_asked", w.PageSizeAsked, w.PageSizeAsked > 0)
	count("page_size_echoed", w.PageSizeEchoed, w.PageSizeEchoed > 0)
	count("pages", w.Pages, true)
	count("rows", w.Rows, true)
	count("distinct_guids", w.DistinctGUIDs, true)
	count("repeated_guids", w.RepeatedGUIDs, true)
	count("total_entries_first", w.TotalFirst, w.TotalFirst >= 0)
	count("total_entries_last", w.TotalLast, w.TotalLast >= 0)
	count("http_status", w.HTTPStatus, w.HTTPStatus > 0)
	count("tries", w.Tries, true)
	count("unfit_values", w.Unfit, true)
	if w.ObservedAt != 0 {
		set("observed_at", IntValue(w.ObservedAt))
	}
	frame := func(suffix string, s *MemberStatus) {
		if s == nil {
			return
		}
		if s.AggregatedAt != nil {
			set("aggregated_at"+suffix, IntValue(*s.AggregatedAt))
		}
		if s.SuccessfullyAggregatedAt != nil {
			set("successfully_aggregated_at"+suffix, IntValue(*s.SuccessfullyAggregatedAt))
		}
		if s.IsBeingAggregated != nil {
			set("is_being_aggregated"+suffix, BoolValue(*s.IsBeingAggregated))
		}
		if s.ConnectionStatus != nil {
			set("connection_status"+suffix, TextValue(*s.ConnectionStatus))
		}
	}
	frame("_before", before)
	frame("_after", after)
	set("complete", BoolValue(w.Complete()))
	text("reason", string(w.Reason))
	if extra := w.extra(); extra != nil {
		set("extra", TextValue(extra))
	}
	rows.Append(vals)
}

// extra is the part of the evidence that has no column.
func (w *Walk) extra() []byte {
	if len(w.RequestIDs) == 0 && w.Detail == "" {
		return nil
	}
	b, err := json.Marshal(struct {
		Detail     string   `json:"detail,omitempty"`
		RequestIDs []string `json:"request_ids,omitempty"`
	}{w.Detail, w.RequestIDs})
	if err != nil {
		panic(err) // two texts cannot fail
	}
	return b
}
