package reconcile

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"

	"tallyport/snapshot"
)

// Code names a cause: a row of the taxonomy that the rules table explains.
type Code string

// Kind is what a finding is shown as.
type Kind string

// Verdict says what follows from a finding or a change.
type Verdict string

const (
	Ticket  Verdict = "ticket"  // MX has something to put right
	Review  Verdict = "review"  // a person should look
	Notice  Verdict = "notice"  // worth knowing
	Benign  Verdict = "benign"  // changes only
	Unknown Verdict = "unknown" // changes only: we did not look
)

// IssueType is the kind of ticket that MX's support table knows.
type IssueType string

const (
	NoIssue      IssueType = "none"
	MFA          IssueType = "mfa"
	BadLogin     IssueType = "credentials"
	FIWebsite    IssueType = "fi_website"
	Aggregation  IssueType = "aggregation"
	FailedUpdate IssueType = "failed_update"
)

// State is where a finding stands in its life.
type State string

const (
	Candidate  State = "candidate"  // seen, not yet confirmed
	Open       State = "open"       // confirmed
	Submitted  State = "submitted"  // a person sent the ticket
	Escalated  State = "escalated"  // and it is still true long after
	Recovered  State = "recovered"  // put right
	Explained  State = "explained"  // it was nothing
	Suppressed State = "suppressed" // a person does not want to see it
	Expired    State = "expired"    // can no longer be proved
)

// Live reports whether the finding is still of interest.
func (s State) Live() bool {
	switch s {
	case Candidate, Open, Submitted, Escalated, Suppressed:
		return true
	}
	return false
}

// Raised reports whether the finding counts: it was confirmed and nobody has
// put it aside.
func (s State) Raised() bool { return s == Open || s == Submitted || s == Escalated }

// Finding is one wrong thing (contract.md, Findings). Texts that do not apply
// are empty, and null in files.
type Finding struct {
	ID        string    `json:"id"`
	Kind      Kind      `json:"kind"`
	Code      Code      `json:"code"`
	Verdict   Verdict   `json:"verdict"`
	IssueType IssueType `json:"issue_type"`
	State     State     `json:"state"`
	TicketID  text      `json:"ticket_id"`

	User        text `json:"user_guid"`
	Member      text `json:"member_guid"`
	Account     text `json:"account_guid"`
	Transaction text `json:"transaction_guid"`
	Institution text `json:"institution_code"`

	Date   text `json:"date"`   // of the transaction
	Amount text `json:"amount"` // unsigned, exact, at least two decimals
	Type   text `json:"type"`   // CREDIT or DEBIT
	Payee  text `json:"payee"`

	First    snapshot.ID `json:"first_snapshot"` // where it was first true
	Last     snapshot.ID `json:"last_snapshot"`  // and last
	LastGood text        `json:"last_good_snapshot"`

	Evidence      map[string]any `json:"evidence"`
	MissingInputs []string       `json:"missing_inputs"`
}

// text is a string that is null in JSON when it is empty.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return marshal(string(t))
}

// Claim is what a night says of a finding.
type Claim string

const (
	Suspected Claim = "suspected" // true tonight, not confirmed
	Confirmed Claim = "confirmed" // true tonight, and often enough before
	Undone    Claim = "undone"    // put right
	Harmless  Claim = "harmless"  // explained by Code
	Lapsed    Claim = "lapsed"    // can no longer be proved
)

// Sighting is what one night says of one finding. A finding whose subject was
// not looked at has none, and nothing moves. State and TicketID are not filled
// in: they are the ledger's.
type Sighting struct {
	Finding
	Claim Claim
}

// findingID makes the id of a finding from what identifies it: the same
// defect has the same id every night. No part may hold personal data, wording
// or a score.
func findingID(parts ...string) string { return "F-" + digest(parts) }

// digest is the first 80 bits of the SHA-256 of the parts, in base32.
func digest(parts []string) string {
	h := sha256.New()
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return base32.StdEncoding.EncodeToString(h.Sum(nil)[:10])
}
