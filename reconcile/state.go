package reconcile

import (
	"tallyport/schemas"
	"tallyport/snapshot"
)

// userState is what is kept of one user from night to night: one record of a
// state file. The names of its fields are those of version 1.
type userState struct {
	User     string                   `json:"user"`
	Disabled snapshot.ID              `json:"disabled,omitempty"` // where it was first seen so
	Gone     snapshot.ID              `json:"gone,omitempty"`     // where the user was first not listed
	Members  map[string]*memberState  `json:"members,omitempty"`
	Accounts map[string]*accountState `json:"accounts,omitempty"`
	Links    []link                   `json:"links,omitempty"` // accounts between which money moves
	Legs     []leg                    `json:"legs,omitempty"`  // the last transfers
	Left     []left                   `json:"left,omitempty"`  // lately: they may return
}

// over reports whether nothing has to be kept of a user that is gone.
func (u *userState) over() bool { return u.Gone != "" && len(u.Members)+len(u.Left) == 0 }

// left is a user, member or account that is not listed any more.
type left struct {
	GUID    string            `json:"g"`
	Finding string            `json:"f"` // what was said of it
	At      schemas.Timestamp `json:"t"` // server's time
	Kept    *kept             `json:"k,omitempty"`
}

// kept is what was known of something that left, for the case that it returns.
type kept struct {
	Members  map[string]*memberState  `json:"m"`
	Accounts map[string]*accountState `json:"a"`
}

// memberState is what is kept of a member.
type memberState struct {
	Institution string             `json:"i,omitempty"`
	First       schemas.Timestamp  `json:"f,omitempty"` // where it was first listed, server's time
	Health      memberHistory      `json:"h,omitzero"`
	Base        snapshot.ID        `json:"b,omitempty"` // its last complete snapshot
	BaseWindow  schemas.Window     `json:"w,omitzero"`
	BaseSAA     *schemas.Timestamp `json:"s,omitempty"` // successfully_aggregated_at there
	BaseAt      schemas.Timestamp  `json:"t,omitempty"` // server's time there
	Gone        snapshot.ID        `json:"g,omitempty"` // where it was first not listed
	// Carried holds the rows of Base by account while Base is not the newest
	// snapshot.
	Carried map[string][]txn `json:"c,omitempty"`
	// Former are accounts of the member that this one was connected in place of,
	// until it is aggregated.
	Former []former `json:"p,omitempty"`
}

// former is an account of a member that is gone.
type former struct {
	Account string      `json:"a"`
	Member  string      `json:"m"`
	Type    string      `json:"t,omitempty"`
	Lineage string      `json:"l"`
	Base    snapshot.ID `json:"b,omitempty"` // its member's last complete snapshot
	Rows    []txn       `json:"r,omitempty"`
}

// accountState is what is kept of an account.
type accountState struct {
	Member  string            `json:"m"`
	First   snapshot.ID       `json:"f"` // first complete look
	Type    string            `json:"t,omitempty"`
	Tail    string            `json:"n,omitempty"` // digest of name and number, to know it again
	Closed  bool              `json:"c,omitempty"`
	Zero    bool              `json:"z,omitempty"` // its balance was zero
	Updated schemas.Timestamp `json:"y,omitempty"` // updated_at, as it was last seen
	Lineage string            `json:"l,omitempty"` // the account it continues, if its guid changed

	Booked  schemas.Money `json:"u"` // sum of every posted row ever seen, credits positive
	Pending schemas.Money `json:"p"` // sum of the pending rows there are
	Samples []sample      `json:"s,omitempty"`
	Missing []*missing    `json:"d,omitempty"`
	Gone    []*gone       `json:"g,omitempty"`
	// Posted names, by pending row that is still shown, the posted row beside it.
	Posted  map[string]string `json:"b,omitempty"`
	Doubles []*double         `json:"2,omitempty"`
	// Held are pending rows that went lately, whatever was thought of it: the
	// balance may tell another story.
	Held []*gone `json:"h,omitempty"`

	Away []away `json:"x,omitempty"` // rows that are booked and not shown

	// What the account does as a rule.
	Checks []check      `json:"k,omitempty"`
	Holes  []checkHole  `json:"o,omitempty"`
	Quiet  *silence     `json:"q,omitempty"`
	Series []*series    `json:"r,omitempty"`
	Learnt schemas.Date `json:"e,omitempty"` // when series were last looked for
	Pends  bool         `json:"v,omitempty"` // it showed pending rows
	Paid   *payment     `json:"w,omitempty"` // the last payment, where it is owed
}

// away is a row that went and stays booked, for no fault of the feed: near the edge
// of the window, outside it, or with the oldest part of the history. It may be
// shown again.
type away struct {
	GUID    string        `json:"g"`
	Date    schemas.Date  `json:"d"`
	Signed  schemas.Money `json:"a"`
	Code    Code          `json:"c"`           // of its return
	Finding string        `json:"f,omitempty"` // history_lost
	Since   schemas.Date  `json:"s"`
}

// keptAway is for how many days a row is remembered so.
const keptAway = 30

// double is a row that came although an equal one was there.
type double struct {
	GUID  string            `json:"g"`
	Of    string            `json:"o"`
	By    schemas.Money     `json:"a"`           // signed
	At    schemas.Timestamp `json:"t"`           // successfully_aggregated_at of the look that first had it
	Extra bool              `json:"x,omitempty"` // the institution has it once: it is not counted
}

// lineage is the name under which the account's findings stand.
func (a *accountState) lineage(guid string) string {
	if a.Lineage != "" {
		return a.Lineage
	}
	return guid
}

// gone is a row that is not there any more and about which nothing is settled.
type gone struct {
	Row      txn                 `json:"r"`
	LastGood snapshot.ID         `json:"l"`
	LastSAA  *schemas.Timestamp  `json:"s,omitempty"` // member's successfully_aggregated_at there
	First    snapshot.ID         `json:"f"`           // first snapshot without it
	Stood    bool                `json:"m,omitempty"` // the member had not been aggregated in between
	Looks    []schemas.Timestamp `json:"k,omitempty"` // distinct successfully_aggregated_at of looks without it
	Like     string              `json:"c,omitempty"` // a row that resembles it came that night
	Twin     string              `json:"w,omitempty"` // an equal row is still there, and the feed may have had one thing twice
	Doubt    string              `json:"u,omitempty"` // another row that went, which may have come again in its stead
	Code     Code                `json:"o"`           // what is thought of it
	Claim    Claim               `json:"x,omitempty"` // last said of it; empty: nothing
	Of       string              `json:"a,omitempty"` // the account it was in, if that is gone
	Booked   bool                `json:"b,omitempty"` // pending, and counted as booked: the balance has it
	By       schemas.Money       `json:"p,omitempty"` // as which amount
	Unbooked bool                `json:"n,omitempty"` // posted, and taken out of what is booked: the balance has it no more
	Cut      bool                `json:"e,omitempty"` // the balance cannot tell: it was among the oldest, with others, or much moved that night
}

// keptGone is how long an open question is kept, in days after the row's date:
// longer than any window, and flapping rows have time to come back.
const keptGone = 150
