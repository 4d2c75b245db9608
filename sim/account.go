package sim

// account is one account of a member, as the bank has it and as its member's
// last aggregation saw it.
type account struct {
	m      *member
	ord    uint8
	key    uint64
	id     guid
	kind   *accountKind
	random rate // unscheduled transactions per day
	series [maxSeries]series
	n      int   // of series
	shut   int32 // first day without transactions
	floor  int32 // first day that is served
	saw    int64 // the bank's time that is shown
	now    int64 // the world's clock
	before int64 // and the one before it
	twins  float64
	lag    int   // Config.PostingLag
	issue  uint8 // 1 = shown under the guid that a defect gave it
	edits  *accountEdits
}

// accountKind says what accounts of one type are like.
type accountKind struct {
	typ, subtype string
	sign         int     // +1: credits raise the balance; -1: it is an amount owed; 0: not tied to the rows
	activity     float64 // transactions relative to the mean
	lo, hi       int64   // opening balance, cents
	name         string
	odds         [2]int // of being the first account of a member, and a further one
}

// accountKinds has the types of mx-api.md §1.5, and one that no document names.
var accountKinds = [...]accountKind{
	{typ: "CHECKING", sign: 1, activity: 1.6, lo: 40_000, hi: 900_000, name: "Everyday Checking", odds: [2]int{780, 90}},
	{typ: "SAVINGS", sign: 1, activity: 0.25, lo: 100_000, hi: 3_000_000, name: "Rainy Day Savings", odds: [2]int{30, 240}},
	{typ: "SAVINGS", subtype: "MONEY_MARKET", sign: 1, activity: 0.15, lo: 500_000, hi: 9_000_000, name: "Money Market", odds: [2]int{5, 60}},
	{typ: "SAVINGS", subtype: "CERTIFICATE_OF_DEPOSIT", sign: 1, activity: 0.05, lo: 500_000, hi: 5_000_000, name: "12 Month CD", odds: [2]int{5, 30}},
	{typ: "CREDIT_CARD", sign: -1, activity: 1.4, lo: 5_000, hi: 600_000, name: "Rewards Card", odds: [2]int{110, 250}},
	{typ: "LOAN", subtype: "AUTO", sign: -1, activity: 0.07, lo: 400_000, hi: 4_500_000, name: "Auto Loan", odds: [2]int{10, 60}},
	{typ: "LOAN", subtype: "STUDENT", sign: -1, activity: 0.07, lo: 300_000, hi: 6_000_000, name: "Student Loan", odds: [2]int{10, 40}},
	{typ: "LOAN", subtype: "PERSONAL", sign: -1, activity: 0.07, lo: 100_000, hi: 1_500_000, name: "Personal Loan", odds: [2]int{5, 25}},
	{typ: "MORTGAGE", subtype: "NONE", sign: -1, activity: 0.07, lo: 8_000_000, hi: 60_000_000, name: "Home Mortgage", odds: [2]int{10, 60}},
	{typ: "LINE_OF_CREDIT", subtype: "HOME_EQUITY", sign: -1, activity: 0.2, lo: 10_000, hi: 3_000_000, name: "HELOC", odds: [2]int{5, 25}},
	{typ: "INVESTMENT", subtype: "PLAN_401_K", activity: 0.1, lo: 1_000_000, hi: 80_000_000, name: "401(k)", odds: [2]int{10, 50}},
	{typ: "INVESTMENT", activity: 0.1, lo: 100_000, hi: 20_000_000, name: "Brokerage \"Individual\"", odds: [2]int{5, 20}},
	{typ: "PREPAID", sign: 1, activity: 0.8, lo: 1_000, hi: 60_000, name: "Prepaid <Travel>", odds: [2]int{10, 20}},
	{typ: "INSURANCE", activity: 0.04, lo: 100_000, hi: 9_000_000, name: "Whole Life", odds: [2]int{0, 10}},
	{typ: "PROPERTY", lo: 10_000_000, hi: 90_000_000, name: "Résidence principale", odds: [2]int{0, 10}},
	{typ: "CHECKING_LINE_OF_CREDIT", sign: -1, activity: 0.1, lo: 0, hi: 50_000, name: "Overdraft Line", odds: [2]int{5, 8}},
	{typ: "CRYPTO_WALLET", activity: 0.1, lo: 10_000, hi: 900_000, name: "₿ Wallet", odds: [2]int{0, 2}},
}

const (
	giantAccounts = 4
	oddsTotal     = 1000
	daysInWindow  = 90
	historyDays   = 90 // what the first aggregation of a member brings
	closedShare   = 0.02
)

// accountCount is how many accounts a member has.
func (v view) accountCount(m *member) int {
	h := hash(m.key, saltAccount)
	switch {
	case m.user.giant:
		return giantAccounts
	case h%100 == 0:
		return 0
	case v.w.cfg.Accounts < 1:
		return rateOf(v.w.cfg.Accounts).count(hash(h, 1))
	}
	return min(1+rateOf(v.w.cfg.Accounts-1).count(hash(h, 1)), 60)
}

// kindOf is the kind of account ord of a member.
func kindOf(m *member, ord uint8) *accountKind {
	if m.user.giant {
		return &accountKinds[[2]int{0, 4}[ord%2]]
	}
	x := pick(hash(m.key, 200+uint64(ord)), oddsTotal)
	for i := range accountKinds {
		if x -= accountKinds[i].odds[min(ord, 1)]; x < 0 {
			return &accountKinds[i]
		}
	}
	return &accountKinds[0]
}

// accounts returns what a member's aggregation has brought; nothing before the
// first one.
func (v view) accounts(m *member) []account {
	c := v.condition(m)
	if c.saw == 0 {
		return nil
	}
	n := v.accountCount(m)
	all := make([]account, 0, n)
	for i := range n {
		a := v.accountAt(m, c, uint8(i), 0)
		first, second := a.forms()
		if first {
			all = append(all, a)
		}
		if second {
			all = append(all, v.accountAt(m, c, uint8(i), 1))
		}
	}
	return all
}

// userAccounts returns the accounts of all members of a user.
func (v view) userAccounts(u *user) []account {
	var all []account
	members := v.members(u)
	for i := range members {
		all = append(all, v.accounts(&members[i])...)
	}
	return all
}

// account finds an account of u by its guid.
func (v view) account(u *user, id string) (account, bool) {
	a, ok := v.w.parse(prefixAccount, id)
	n := v.w.memberCount(u)
	if !ok || a.user != u.i || int(a.member) >= n {
		return account{}, false
	}
	m, ok := v.memberAt(u, a.member, n)
	if !ok || int(a.account) >= v.accountCount(&m) {
		return account{}, false
	}
	c := v.condition(&m)
	acc := v.accountAt(&m, c, a.account, a.issue)
	first, second := acc.forms()
	return acc, c.saw != 0 && acc.id.String() == id && (first && a.issue == 0 || second && a.issue == 1)
}

// accountAt is account ord of a member under its first guid or, as issue 1, the
// one that a defect gave it, whether it is shown or not.
func (v view) accountAt(m *member, c condition, ord, issue uint8) account {
	w := v.w
	a := account{m: m, ord: ord, key: hash(hash(m.key, saltAccount), 10+uint64(ord)), kind: kindOf(m, ord), shut: 1 << 30, issue: issue}
	a.id = w.guid(prefixAccount, address{user: m.user.i, member: m.ord, born: m.born, account: ord, issue: issue})
	a.edits, a.now, a.twins, a.lag = v.over.accounts[accountID{m.ref(), ord}], v.t, w.cfg.Twins, w.cfg.PostingLag
	a.saw, a.before = c.saw, c.prevSaw
	a.floor = dayOf(m.created) - m.history
	if h := hash(a.key, 1); chance(h, closedShare) && !m.user.giant {
		a.shut = dayOf(w.start) - 40 + int32(pick(hash(h, 1), 90))
	}
	budget := w.cfg.Transactions * a.kind.activity * float64(40+pick(hash(a.key, 2), 121)) / 100
	if m.user.giant {
		budget = float64(w.cfg.Giant) / giantAccounts
	}
	v.schedule(&a, budget)
	for i := range a.n {
		budget -= a.series[i].per90()
	}
	if a.kind.typ != "PROPERTY" {
		a.random = rateOf(budget / daysInWindow)
	}
	return a
}

func (a *account) closed() bool { return a.shut <= dayOf(a.saw) || a.wound() }

// wound reports whether a defect has closed the account.
func (a *account) wound() bool {
	w := a.edits.all()
	return w != nil && w.kind == "A1" && w.at <= a.saw
}

// ledger is what the bank had on its books at an instant: posted amounts since
// the books were opened, signed as the balance is, and the authorised ones that
// had not posted.
type ledger struct{ posted, pendingOut, pendingIn int64 }

// booksOpen is the number of days before the start at which balances begin:
// what posted earlier is in the opening balance.
const booksOpen = 14

func (v view) ledger(a *account, at int64) ledger {
	var l ledger
	open := midnight(dayOf(v.w.start) - booksOpen)
	for day := dayOf(open) - longestLife; day <= dayOf(at); day++ {
		a.events(day, 0, func(ev event) bool {
			if ev.at > at || ev.post <= open || !a.booked(&ev, at) {
				return true
			}
			c := a.terms(&ev, at)
			switch {
			case ev.post <= at && c.credit:
				l.posted += c.cents
			case ev.post <= at:
				l.posted -= c.cents
			case ev.hold && ev.drop <= at:
			case c.credit:
				l.pendingIn += c.pending
			default:
				l.pendingOut += c.pending
			}
			return true
		})
	}
	l.posted += a.corrections(open, at)
	return l
}

// Habits of an account's balance: shares of accounts that differ from the rule
// (reconcile.md §1.e), and the few without one.
const (
	nullBalanceShare    = 0.03
	pendingInShare      = 0.15
	laggingShare        = 0.10
	roundedShare        = 0.02
	negativeDebtShare   = 0.05
	plainAvailableShare = 0.85
)

// balance is the balance served, in cents: opening plus posted amounts, an
// amount owed for debts (mx-api.md §1.5: normally positive for all types).
func (v view) balance(a *account) (cents int64, l ledger, ok bool) {
	h := hash(a.key, 5)
	at := a.saw
	if chance(hash(h, 1), laggingShare) && a.before != 0 {
		at = a.before
	}
	k := a.kind
	if a.wound() {
		return 0, l, !chance(hash(h, 7), nullBalanceShare)
	}
	opening := a.exchange(k.lo+int64(pick(hash(h, 2), int(k.hi-k.lo+1))), at)
	l = v.ledger(a, at)
	movement := l.posted
	includes := chance(hash(h, 3), pendingInShare)
	if w := a.edits.all(); w != nil && w.kind == "B-weekend" && w.at <= a.saw {
		includes = isWeekend(at)
	}
	if includes && a.m.inst.pending != pendingNone {
		movement += l.pendingIn - l.pendingOut
	}
	switch {
	case k.sign > 0:
		cents = opening + movement
	case k.sign < 0:
		cents = opening - movement
		if chance(hash(h, 4), negativeDebtShare) {
			cents = -cents
		}
	case k.typ == "INVESTMENT" || k.typ == "CRYPTO_WALLET": // the market moves it
		cents = opening + movement + opening/1000*int64(pick(hash(h, uint64(dayOf(at))), 61)-30)
	default:
		cents = opening
	}
	if chance(hash(h, 6), roundedShare) {
		cents = cents / 10 * 10
	}
	return cents, l, !chance(hash(h, 7), nullBalanceShare)
}

// lastPayment finds the last scheduled payment on a debt that the member's
// aggregation saw.
func (a *account) lastPayment() (cents, at int64, ok bool) {
	if a.kind.sign >= 0 {
		return 0, 0, false
	}
	for day := dayOf(a.saw); day > dayOf(a.saw)-40 && !ok; day-- {
		a.events(day, 0, func(ev event) bool {
			if ev.slot < slotSeries || ev.slot >= slotHold || ev.at > a.saw || !a.booked(&ev, a.saw) {
				return ev.slot >= slotSeries
			}
			if c := a.terms(&ev, a.saw); c.credit {
				cents, at, ok = c.cents, ev.at, true
			}
			return !ok
		})
	}
	return cents, at, ok
}

// linked returns the first account of a member of the given type, for the two
// legs of a transfer.
func (v view) linked(m *member, typ string) (uint8, bool) {
	for ord := range v.accountCount(m) {
		if kindOf(m, uint8(ord)).typ == typ {
			return uint8(ord), true
		}
	}
	return 0, false
}
