package sim

import "strconv"

// txWriter renders transaction rows. What all rows of an account share is
// worked out once.
type txWriter struct {
	v        view
	e        *encoder
	acc      *account
	currency string
	flags    uint64 // how the institution fills the is_* flags
	twin     bool   // show the row as another one with the same content
}

// use turns to the rows of an account.
func (x *txWriter) use(a *account) {
	if x.acc == a {
		return
	}
	x.acc = a
	d := a.m.inst.dialect
	x.currency = a.currency()
	x.flags = d >> 4 & 3
}

// currency is that of the account, "" for null.
func (a *account) currency() string {
	if w := a.edits.all(); w != nil && w.currency != "" && w.at <= a.saw {
		return w.currency
	}
	switch x := a.m.inst.dialect >> 8 % 20; {
	case x == 0:
		return "CAD"
	case hash(a.key, 8)%40 == 0:
		return ""
	}
	return "USD"
}

// recategorisedAfter is when MX changes its mind about a category, in seconds
// after it stored the row; updated_at moves then (mx-api.md §1.5).
const recategorisedAfter = 5 * secondsPerDay

// write renders one row, all fields of mx-api.md §1.5 in alphabetical order as
// the samples have them.
func (x *txWriter) write(ev *event, r row) {
	e, a, h := x.e, x.acc, ev.h
	c := a.terms(ev, a.saw)
	m, t := mix(h^saltText), mix(h^saltTime)
	id := x.id(ev, r)
	created, updated := x.updated(ev, r)
	recat := m%100 < 3
	if recat && x.v.t >= created+recategorisedAfter {
		updated = max(updated, created+recategorisedAfter)
	}
	cents := c.shown(r)
	e.ascii = a.m.inst.dialect&2 == 0
	e.begin()
	e.guid("account_guid", &a.id)
	e.money("amount", cents, m>>8)
	if recat && x.v.t < created+recategorisedAfter {
		e.str("category", "Uncategorized")
	} else if m>>8%50 == 0 {
		e.null("category")
	} else {
		e.str("category", c.payee.category)
	}
	x.cheque(&c)
	e.time("created_at", created, rowStamp(t))
	e.strOrNull("currency_code", x.currency)
	e.date("date", r.date)
	if t>>34%120 == 0 {
		e.null("description")
	} else {
		x.describe("description", ev, r, &c, r.pending && m>>16&1 == 0)
	}
	e.guid("guid", &id)
	x.writeFlags(&c, m)
	x.merchant(ev, &c, m, &a.m.id)
	if m>>24%40 == 0 {
		e.null("original_description")
	} else {
		x.describe("original_description", ev, r, &c, true)
	}
	switch {
	case !r.pending:
		e.time("posted_at", ev.post/secondsPerDay*secondsPerDay+12*hours*int64(t>>6&1), stampOf(t>>7))
	case a.m.inst.dialect>>12&1 == 0:
		e.null("posted_at") // elsewhere it is missing while pending
	}
	e.raw("status", either(r.pending, `"PENDING"`, `"POSTED"`))
	if m>>8%100 == 0 { // only where the category is null, too
		e.null("top_level_category")
	} else {
		e.str("top_level_category", c.payee.top)
	}
	switch {
	case ev.blank && !r.pending:
		e.null("transacted_at")
	case t>>13%5 < 2: // the filler hour
		e.time("transacted_at", midnight(ev.day)+12*hours, stampOf(t>>16))
	default:
		e.time("transacted_at", ev.at, stampOf(t>>16))
	}
	e.raw("type", either(c.credit, `"CREDIT"`, `"DEBIT"`))
	e.time("updated_at", updated, rowStamp(t>>22))
	e.guid("user_guid", &a.m.user.id)
	if m>>32%64 == 0 {
		e.raw("extended_transaction_type", extraValues[m>>38%uint64(len(extraValues))])
	}
	if u := hash(h, saltUnfit); chance(u, x.v.w.cfg.Unfit) {
		misfit := txMisfits[mix(u)%uint64(len(txMisfits))]
		e.replace(misfit[0], misfit[1])
	}
	e.end()
}

// shown is the amount of a row.
func (c *content) shown(r row) int64 {
	switch {
	case r.pending:
		return c.pending
	case r.part == 0:
		return c.cents
	case r.edit.op == opDouble:
		return c.cents + 100
	}
	return share(c.cents, int(r.part), r.edit.parts)
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// extraValues are values of keys that no document names.
var extraValues = [...]string{`null`, `"ach"`, `true`, `17`, `{"code":"5","nested":[1,{"a":null}]}`, `[]`, `"\u00e9\ud83d\ude80"`}

// txMisfits are literals that no column of the field's type can hold.
var txMisfits = [...][2]string{
	{"amount", `12.345678`},
	{"amount", `"18.20"`},
	{"amount", `123456789012345678901.5`},
	{"latitude", `"north"`},
	{"transacted_at", `"2026-13-45T25:61:00Z"`},
	{"transacted_at", `1795140000`},
	{"updated_at", `"yesterday"`},
	{"is_fee", `"no"`},
	{"merchant_category_code", `5812.5`},
	{"check_number", `98765432109876543210`},
	{"description", `{"text":"not a string"}`},
}

func rowStamp(h uint64) stamp {
	if h&63 == 62 {
		return stampMicros
	}
	return stampOf(h)
}

func (x *txWriter) id(ev *event, r row) guid {
	m := x.acc.m
	a := address{user: m.user.i, member: m.ord, born: m.born, account: x.acc.ord, variant: r.variant, day: uint16(ev.day), slot: ev.slot, issue: x.acc.issue}
	if ev.extra != nil && ev.extra.alias != nil {
		a = *ev.extra.alias
	}
	if x.twin {
		a.variant = variantTwin
	}
	return x.v.w.guid(prefixTransaction, a)
}

// updated is storage with what an amendment does to it.
func (x *txWriter) updated(ev *event, r row) (created, updated int64) {
	created, updated = x.storage(ev, r)
	if r.edit != nil && r.edit.op == opAmend {
		updated = x.v.stored(x.acc.m, r.edit.at)
	}
	return created, updated
}

// storage is when MX first stored the row and when it last changed it.
func (x *txWriter) storage(ev *event, r row) (created, updated int64) {
	m := x.acc.m
	since := x.acc.since(ev, r)
	began, posted := max(ev.at, since), max(ev.post, since)
	if r.pending || r.variant == variantPosted && m.inst.pending == pendingKept && ev.post > ev.at {
		created = x.v.stored(m, began)
		if r.pending {
			return created, created
		}
		return created, x.v.stored(m, posted)
	}
	created = x.v.stored(m, posted)
	return created, created
}

// cheque writes the two forms of a cheque's number: the deprecated integer
// loses leading zeros (mx-api.md §1.5).
func (x *txWriter) cheque(c *content) {
	e := x.e
	if c.cheque == 0 {
		if x.acc.m.inst.dialect>>13&1 == 0 {
			e.null("check_number")
		}
		e.null("check_number_string")
		return
	}
	e.int("check_number", c.cheque)
	e.name("check_number_string")
	digits := strconv.Itoa(c.cheque)
	e.b = append(e.b, `"00000000`[:1+max(0, 8-len(digits))]...)
	e.b = append(append(e.b, digits...), '"')
}

// describe writes the cleansed name, or the text as the bank's feed has it.
func (x *txWriter) describe(k string, ev *event, r row, c *content, feed bool) {
	e, p := x.e, c.payee
	if !feed {
		if c.refund {
			e.str(k, p.name+" Refund"+r.reworded())
			return
		}
		e.str(k, p.name+r.reworded())
		return
	}
	d := x.acc.m.inst.dialect >> 14 % 4
	e.name(k)
	e.b = append(e.b, '"')
	if r.pending && d != 1 {
		e.b = append(e.b, "PENDING - "...)
	}
	n := int(ev.h >> 44)
	where := &places[ev.h>>3%uint64(len(places))]
	switch {
	case c.cheque != 0:
		e.b = append(e.b, "CHECK # "...)
		e.b = strconv.AppendInt(e.b, int64(c.cheque), 10)
	case d == 0:
		e.b = appendEscaped(e.b, p.feed, e.ascii)
		e.b = append(e.b, " #"...)
		e.b = strconv.AppendInt(e.b, int64(1000+n%9000), 10)
		e.b = append(e.b, ' ')
		e.b = appendEscaped(e.b, where.city, e.ascii)
		e.b = append(append(e.b, ' '), where.state...)
	case d == 1:
		_, month, dom := civil(ev.day)
		e.b = append(e.b, either(c.credit, "DEPOSIT ", "POS DEBIT ")...)
		e.b = append2(append(append2(e.b, month), '/'), dom)
		e.b = append(e.b, ' ')
		e.b = appendEscaped(e.b, p.feed, e.ascii)
	default:
		e.b = appendEscaped(e.b, p.feed, e.ascii)
		e.b = append(e.b, "  "...)
		e.b = strconv.AppendInt(e.b, 1_000_000_000+int64(n), 10)
	}
	e.b = append(append(e.b, r.reworded()...), '"')
}

// reworded is what an edit adds to the description of a row.
func (r row) reworded() string {
	if r.edit != nil && (r.edit.text || r.part > 0 && r.edit.op == opDouble) {
		return " CO"
	}
	return ""
}

// txFlags are the nine flags; the live test returned null for most of them
// (mx-api.md §1.5).
var txFlags = [...]struct {
	key string
	of  trait
}{
	{"is_bill_pay", bill},
	{"is_direct_deposit", direct},
	{"is_expense", 0},
	{"is_fee", fee},
	{"is_income", income},
	{"is_international", abroad},
	{"is_overdraft_fee", overdraft},
	{"is_payroll_advance", advance},
	{"is_subscription", subscription},
}

func (x *txWriter) writeFlags(c *content, h uint64) {
	for i, f := range txFlags {
		set := c.payee.traits&f.of != 0
		if f.of == 0 {
			set = !c.credit && c.payee.traits&transfer == 0
		}
		known := true
		switch x.flags {
		case 0:
			known = h>>(40+i)&1 == 0
		case 2:
			known = set
		case 3:
			known = h>>(50+i)&1 == 0 || set
		}
		if known {
			x.e.bool(f.key, set)
		} else {
			x.e.null(f.key)
		}
	}
}

// locationsPerShop is how many places one merchant has.
const locationsPerShop = 12

// merchant writes coordinates, the keys between them, and the merchant's guids.
func (x *txWriter) merchant(ev *event, c *content, h uint64, member *guid) {
	e, w := x.e, x.v.w
	shop := shopIndex(c.payee)
	place := shop >= 0 && h>>3%10 < 3
	if spot := &places[ev.h>>3%uint64(len(places))]; place {
		e.degrees("latitude", spot.lat+int(ev.h%20_000)-10_000)
		e.degrees("longitude", spot.lon+int(ev.h>>5%20_000)-10_000)
	} else {
		e.null("latitude")
		e.null("longitude")
	}
	e.guid("member_guid", member)
	switch h >> 46 % 64 {
	case 0:
		e.str("memo", oddTexts[pick(mix(h), len(oddTexts))])
	case 1, 2:
		e.str("memo", "")
	case 3, 4, 5, 6:
		e.str("memo", "ref "+strconv.FormatUint(h>>20&0xffffff, 36))
	default:
		e.null("memo")
	}
	if c.payee.mcc != 0 && h>>52%10 != 0 {
		e.int("merchant_category_code", c.payee.mcc)
	} else {
		e.null("merchant_category_code")
	}
	if shop < 0 || h>>56%20 == 0 {
		e.null("merchant_guid")
	} else {
		g := w.guid(prefixMerchant, address{slot: uint32(shop)})
		e.guid("merchant_guid", &g)
	}
	switch {
	case place:
		g := w.guid(prefixLocation, address{slot: uint32(shop*locationsPerShop) + uint32(h>>12%locationsPerShop)})
		e.guid("merchant_location_guid", &g)
	case x.acc.m.inst.dialect>>16&1 == 0: // elsewhere the key is missing
		e.null("merchant_location_guid")
	}
}

// shopIndex is the position of a payee in shops, -1 for others.
func shopIndex(p *payee) int {
	for i := range shops {
		if p == &shops[i] {
			return i
		}
	}
	return -1
}
