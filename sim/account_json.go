package sim

import "strconv"

// renderAccount writes the account, all 38 fields of mx-api.md §1.5 in
// alphabetical order as the samples have them.
func (v view) renderAccount(e *encoder, a *account) {
	h := hash(a.key, saltText)
	k := a.kind
	cents, l, ok := v.balance(a)
	p := products{e: e, k: k, h: h, cents: cents, known: ok, pendingOut: l.pendingOut, pendingIn: l.pendingIn}
	p.lastCents, p.lastAt, p.paid = a.lastPayment()
	p.rate = 500 + pick(hash(h, 1), 22_000)
	if k.typ != "CREDIT_CARD" {
		p.rate /= 4
	}
	e.ascii = a.m.inst.dialect&2 == 0
	e.begin()
	e.strOrNull("account_number", accountNumber(hash(a.key, 9)))
	p.rates()
	p.available(v.w)
	p.cash()
	e.time("created_at", v.stored(a.m, a.made()), stampOf(hash(h, 2)))
	p.money("credit_limit", k.typ == "CREDIT_CARD" || k.typ == "LINE_OF_CREDIT", p.limit())
	e.strOrNull("currency_code", a.currency())
	if k.sign < 0 && h>>8&3 != 0 {
		e.int("day_payment_is_due", 1+pick(h, 28))
	} else {
		e.null("day_payment_is_due")
	}
	p.money("death_benefit", k.typ == "INSURANCE", k.hi)
	e.guid("guid", &a.id)
	p.money("holdings_value", k.typ == "INVESTMENT", cents-cents/20)
	e.str("institution_code", a.m.inst.code)
	e.strOrNull("insured_name", p.insured())
	p.percent("interest_rate", k.typ == "LOAN" || k.typ == "MORTGAGE" || k.subtype == "CERTIFICATE_OF_DEPOSIT")
	e.bool("is_closed", a.closed())
	p.payments(a)
	e.guid("member_guid", &a.m.id)
	p.money("minimum_balance", k.typ == "CHECKING" && h>>24&3 == 0, 50_000)
	p.money("minimum_payment", k.sign < 0 && h>>26&1 == 0, max(2_500, cents/50))
	p.nameOf(a)
	p.money("original_balance", k.typ == "LOAN" || k.typ == "MORTGAGE", k.hi)
	p.money("pay_out_amount", k.typ == "INSURANCE", k.lo)
	p.dueDate(a)
	p.money("payoff_balance", k.typ == "LOAN", cents+cents/200)
	p.money("premium_amount", k.typ == "INSURANCE", 4_250)
	p.day("started_on", k.sign < 0 && h>>32&1 == 0, a.floor-int32(pick(h, 2000)))
	p.subtype()
	p.money("total_account_value", k.typ == "INVESTMENT", cents)
	e.str("type", k.typ)
	e.time("updated_at", v.condition(a.m).fetched, stampOf(hash(h, 3)))
	e.guid("user_guid", &a.m.user.id)
	if h>>36%5 == 0 {
		e.raw("account_ownership", [...]string{`"INDIVIDUAL"`, `"JOINT"`, `null`}[h>>40%3])
	}
	if u := hash(h, saltUnfit); chance(u, v.w.cfg.Unfit) {
		misfit := accountMisfits[mix(u)%uint64(len(accountMisfits))]
		e.replace(misfit[0], misfit[1])
	}
	e.end()
}

// accountMisfits are literals that no column of the field's type can hold.
var accountMisfits = [...][2]string{
	{"balance", `1048.123456`},
	{"balance", `"1,048.00"`},
	{"apr", `19.9999999999`},
	{"is_closed", `0`},
	{"payment_due_at", `"soon"`},
	{"started_on", `"2026-02-30"`},
	{"day_payment_is_due", `"1st"`},
	{"credit_limit", `99999999999999999999`},
}

// accountNumber is mostly masked, sometimes partial or null (mx-api.md §1.5).
func accountNumber(h uint64) string {
	digits := strconv.Itoa(1_000_000_000 + int(h>>16%9_000_000_000))
	switch h % 8 {
	case 0:
		return ""
	case 1:
		return digits[6:]
	case 2:
		return "0" + digits
	}
	return "XXXXXX" + digits[6:]
}

// products writes the fields that only some kinds of account have. A field that
// the kind has not is null.
type products struct {
	e          *encoder
	k          *accountKind
	h          uint64
	cents      int64
	known      bool // the balance is served
	pendingOut int64
	pendingIn  int64
	rate       int // thousandths of a percent
	lastCents  int64
	lastAt     int64
	paid       bool
}

func (p *products) money(key string, has bool, cents int64) {
	if !has {
		p.e.null(key)
		return
	}
	p.e.money(key, cents, hashString(p.h, key))
}

func (p *products) percent(key string, has bool) {
	if !has {
		p.e.null(key)
		return
	}
	p.e.percent(key, p.rate)
}

func (p *products) day(key string, has bool, day int32) {
	if !has {
		p.e.null(key)
		return
	}
	if p.h>>12%9 == 0 { // dates that come as timestamps (mx-api.md §1.2)
		p.e.time(key, midnight(day), stampZ)
		return
	}
	p.e.date(key, day)
}

func (p *products) rates() {
	p.percent("apr", p.k.typ == "CREDIT_CARD" || p.k.typ == "LINE_OF_CREDIT")
	p.percent("apy", p.k.typ == "SAVINGS" && p.h>>4&1 == 0)
}

func (p *products) limit() int64 { return p.k.hi * 2 }

func (p *products) available(w *World) {
	shown := chance(hash(p.h, 4), plainAvailableShare)
	asset := p.k.sign > 0
	p.money("available_balance", asset && shown, p.cents-p.pendingOut)
	p.money("available_credit", (p.k.typ == "CREDIT_CARD" || p.k.typ == "LINE_OF_CREDIT") && shown, p.limit()-max(p.cents, -p.cents)-p.pendingOut+p.pendingIn)
	p.money("balance", p.known, p.cents)
}

func (p *products) cash() {
	p.money("cash_balance", p.k.typ == "INVESTMENT", p.cents/20)
	p.money("cash_surrender_value", p.k.typ == "INSURANCE", p.k.lo/2)
}

func (p *products) insured() string {
	if p.k.typ != "INSURANCE" {
		return ""
	}
	return givenNames[p.h>>44%uint64(len(givenNames))] + " " + familyNames[p.h>>50%uint64(len(familyNames))]
}

// payments writes last_payment, last_payment_at, loan_amount and matures_on:
// the first two are a second witness of a payment row.
func (p *products) payments(a *account) {
	shown := p.paid && p.h>>20&3 != 0
	p.money("last_payment", shown, p.lastCents)
	if shown {
		p.e.time("last_payment_at", p.lastAt, stampOf(hash(p.h, 5)))
	} else {
		p.e.null("last_payment_at")
	}
	p.money("loan_amount", p.k.typ == "LOAN" || p.k.typ == "MORTGAGE", p.k.hi)
	p.day("matures_on", p.k.typ == "LOAN" || p.k.typ == "MORTGAGE" || p.k.subtype == "CERTIFICATE_OF_DEPOSIT", a.floor+4000)
}

func (p *products) dueDate(a *account) {
	if p.k.sign >= 0 || p.h>>28&3 == 0 {
		p.e.null("payment_due_at")
		return
	}
	p.e.time("payment_due_at", midnight(dayOf(a.saw)+1+int32(pick(p.h, 28)))+12*hours, stampOf(hash(p.h, 6)))
}

func (p *products) nameOf(a *account) {
	name := p.k.name
	if p.h>>16%4 == 0 {
		name += " " + strconv.Itoa(1000+int(hash(a.key, 9)>>16%9000))
	}
	p.e.str("name", name)
}

// subtype writes null and NONE, which mean the same (mx-api.md §1.5).
func (p *products) subtype() {
	if p.k.subtype == "" && p.h>>18%4 == 0 {
		p.e.str("subtype", "NONE")
		return
	}
	p.e.strOrNull("subtype", p.k.subtype)
}
