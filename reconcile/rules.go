package reconcile

// The rules are functions, in the order in which they are tried, each with the
// codes that it decides; what a code means stands below. What the tables of users
// and members say is decided before any row is read (U1, U2, M1 in userNight, S1 to
// S14 in memberHistory), an incomplete walk is X1 or X3, what a probe finds X2, and
// S15 and systemic hold for a whole snapshot.

// A rowRule explains what went and came in one account by its rows alone, and
// takes out what it explains.
type rowRule struct {
	codes string
	apply func(*accountNight)
}

var rowRules = []rowRule{
	{"N10", (*accountNight).duplicates},
	{"Z3", (*accountNight).returned},
	{"P1 C1 C3", (*accountNight).amended},
	{"W1 X4", (*accountNight).left},
	{"P2", (*accountNight).posted},
	{"D2", (*accountNight).replaced},
	{"P3", (*accountNight).split},
	{"D1", (*accountNight).twins},
	{"W3", (*accountNight).cut},
}

// A userRule explains what an account's rows alone do not: by other accounts,
// by the balance, by habit.
type userRule struct {
	codes string
	apply func(*userNight)
}

var userRules = []userRule{
	{"A1 A2 A3 A4", (*userNight).goneAccounts},
	{"M2", (*userNight).relink},
	{"C4", (*userNight).moved},
	{"W2 M3 M3b C2 Z1 Z2 V1 P4 P5 N1", (*userNight).concludeAll},
	{"N3", (*userNight).otherLegs},
}

// expectations find what should have come to an account and did not.
var expectations = []rowRule{
	{"N2", (*accountNight).overdue},
	{"N4", (*accountNight).checkGaps},
	{"N5", (*accountNight).silent},
	{"N3", (*accountNight).unpaid},
}

// rule says how a code is shown.
type rule struct {
	Code    Code
	Kind    Kind // empty: changes.csv only
	Verdict Verdict
	Issue   IssueType
	Says    string // one sentence, for reports and explain
}

const (
	missingTransaction Kind = "missing_transaction"
	neverSeen          Kind = "never_seen_transaction"
	overdueSeries      Kind = "overdue_series"
	checkGap           Kind = "check_gap"
	silentAccount      Kind = "silent_account"
	duplicateGUID      Kind = "duplicate_guid"
	historyLost        Kind = "history_lost"
	amendedTransaction Kind = "amended_transaction"
	staleMember        Kind = "stale_member"
	stuckMember        Kind = "stuck_member"
	memberAction       Kind = "member_action"
	memberEnded        Kind = "member_ended"
	institutionOutage  Kind = "institution_outage"
	userGone           Kind = "user_gone"
	userDisabled       Kind = "user_disabled"
	memberGone         Kind = "member_gone"
	memberRelinked     Kind = "member_relinked"
	accountGone        Kind = "account_gone"
	unknownStatus      Kind = "unknown_status"
	systemic           Kind = "systemic"
)

// rules is the taxonomy. A verdict that depends on the case is the mildest
// here; the rule's function says when it is another.
var rules = []rule{
	{"X1", "", Unknown, NoIssue, "The walk of this member failed or is incomplete, so its absence proves nothing."},
	{"X2", "", Unknown, NoIssue, "The row slipped between two pages while the list was read; MX still has it."},
	{"X3", "", Unknown, NoIssue, "The member was aggregated while its lists were read."},
	{"X4", "", Benign, NoIssue, "The row lies outside what both snapshots asked for."},

	{"U1", userGone, Notice, NoIssue, "The user is no longer listed."},
	{"U2", userDisabled, Notice, NoIssue, "The user is disabled; MX withholds its data."},
	{"M1", memberGone, Notice, NoIssue, "The member was deleted, and its history with it."},
	{"M2", memberRelinked, Notice, NoIssue, "The member was deleted and connected again under a new guid."},
	{"M3", "", Unknown, NoIssue, "The member was not aggregated since the row was last seen."},
	{"M3b", missingTransaction, Review, FailedUpdate, "A posted row vanished although the member was not aggregated: something on MX's side removed it."},

	{"A1", accountGone, Notice, NoIssue, "The account was closed."},
	{"A2", accountGone, Notice, NoIssue, "The account was deleted or hidden; other accounts of the member remain."},
	{"A3", accountGone, Notice, NoIssue, "The account was merged into another one that has the same rows."},
	{"A4", accountGone, Notice, NoIssue, "The account was issued again under a new guid."},

	{"W1", "", Benign, NoIssue, "The row is older than the window that was asked for."},
	{"W2", "", Benign, NoIssue, "The row's date moved across an edge of the window."},
	{"W3", historyLost, Notice, NoIssue, "The account's history now begins later: every older row is gone at once."},

	{"P1", "", Benign, NoIssue, "The pending row posted under its own guid."},
	{"P2", "", Benign, NoIssue, "The pending row posted under a new guid."},
	{"P3", "", Benign, NoIssue, "The pending row posted as several rows, or several as one."},
	{"P4", "", Benign, NoIssue, "The pending row went, no posted row took its place, and no balance says that it was booked: most likely a hold that was released."},
	{"P5", missingTransaction, Ticket, FailedUpdate, "The pending row went, the balance moved by its amount, and no posted row came: it posted at the institution and the feed lost it."},

	{"D1", "", Benign, NoIssue, "A duplicate was removed; an identical row is still there."},
	{"D2", "", Benign, NoIssue, "The row was delivered again under a new guid."},
	{"C1", amendedTransaction, Review, NoIssue, "The row was changed in place. Of a posted row another amount, type, date or currency is worth a look."},
	{"C2", missingTransaction, Review, FailedUpdate, "The row is gone; one that resembles it came, but not closely enough to be taken for it."},
	{"C3", amendedTransaction, Notice, NoIssue, "The account's rows are stated in another currency at one constant rate."},
	{"C4", "", Benign, NoIssue, "The row moved to another account of the same member."},
	{"V1", "", Benign, NoIssue, "The institution reversed the row: it went and the balance moved back by its amount."},
	{"Z1", missingTransaction, Ticket, FailedUpdate, "A posted row is gone, nothing took its place, and the balance did not move back: the feed lost it."},
	{"Z2", missingTransaction, Review, FailedUpdate, "A posted row is gone and nothing took its place; the balance of this account cannot tell why."},
	{"Z3", "", Benign, NoIssue, "The row that was missing came back."},

	{"N1", neverSeen, Review, FailedUpdate, "The balance moved by an amount that no row explains, and stayed there."},
	{"N2", overdueSeries, Review, FailedUpdate, "A payment that came regularly did not come although the account is up to date."},
	{"N3", neverSeen, Ticket, FailedUpdate, "The other leg of this transfer never arrived."},
	{"N4", checkGap, Review, NoIssue, "A check between two that posted was never seen."},
	{"N5", silentAccount, Review, NoIssue, "Nothing arrived for more than twice as long as ever before."},
	{"N10", duplicateGUID, Review, NoIssue, "One guid names two different rows."},

	{"S2", staleMember, Ticket, Aggregation, "The connection is DEGRADED or DISCONNECTED, and did not resolve itself in the time that it was given."},
	{"S3", staleMember, Ticket, FailedUpdate, "Aggregation is tried and does not succeed."},
	{"S4", staleMember, Ticket, FailedUpdate, "Background aggregation is not tried any more."},
	{"S5", stuckMember, Ticket, FailedUpdate, "The same job has been running for more than a night."},
	{"S6", memberAction, Notice, MFA, "The user must answer the institution's question again."},
	{"S7", memberAction, Notice, BadLogin, "The user must enter working credentials."},
	{"S8", memberAction, Notice, FIWebsite, "The user must act on the institution's own site."},
	{"S9", memberAction, Notice, MFA, "A question of the institution waits for the user."},
	{"S10", stuckMember, Review, FailedUpdate, "A state that should pass has lasted for more than a day."},
	{"S11", memberEnded, Notice, NoIssue, "The connection has ended or never aggregates; nothing can be concluded from its silence."},
	{"S14", staleMember, Review, FailedUpdate, "The job failed."},
	{"S15", institutionOutage, Ticket, Aggregation, "Many members of one institution went stale at the same time."},
	{"unknown_status", unknownStatus, Review, NoIssue, "The connection status is one that no document names."},
	{newRow, "", Benign, NoIssue, "The row came, and takes no other's place."},
	{closedByUser, "", Benign, NoIssue, "A person looked and closed it: it is nothing."},
	{"systemic", systemic, Notice, NoIssue, "So many rows vanished at once that it is not about single transactions; tickets are withheld."},
}

// event reports whether findings of the kind are about one event: true of one
// night, and of no later one.
func (k Kind) event() bool {
	switch k {
	case userGone, memberGone, memberRelinked, accountGone, historyLost, amendedTransaction, duplicateGUID, systemic:
		return true
	}
	return false
}

// aboutTransactions reports whether findings of the kind say that rows are not
// there.
func (k Kind) aboutTransactions() bool {
	return k == missingTransaction || k == neverSeen || k == overdueSeries
}

// ruleOf returns the rule of a code. Codes are constants of the program.
func ruleOf(c Code) *rule {
	for i := range rules {
		if rules[i].Code == c {
			return &rules[i]
		}
	}
	panic("reconcile: no rule for code " + string(c))
}
