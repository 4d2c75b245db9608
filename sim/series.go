package sim

// series is a standing item of an account: payroll, rent, a subscription, a
// cheque book, one leg of a transfer.
type series struct {
	payee  *payee
	period int32 // days; 0 = monthly
	phase  int32 // a day on which it is due, or the day of the month
	key    uint64
	credit bool
	varies bool // each time another amount
	number int  // that of the cheque of occurrence 0; it may be negative
}

func (s *series) due(day int32, dom int8) bool {
	if s.period == 0 {
		return int32(dom) == s.phase
	}
	return (day-s.phase)%s.period == 0
}

// occurrence numbers the times a series comes.
func (s *series) occurrence(ev *event) int {
	if s.period == 0 {
		return int(ev.month)
	}
	return int((ev.day - s.phase) / s.period)
}

func (s *series) amount(ev *event) int64 {
	if s.varies {
		return s.payee.amount(hash(s.key, uint64(s.occurrence(ev))))
	}
	return s.payee.amount(hash(s.key, 0))
}

// per90 is how often it comes in a window of 90 days.
func (s *series) per90() float64 {
	if s.period == 0 {
		return 3
	}
	return daysInWindow / float64(s.period)
}

// amount draws cents: a price point, or a value between lo and hi with small
// ones more likely.
func (p *payee) amount(h uint64) int64 {
	if len(p.points) > 0 {
		return p.points[pick(h, len(p.points))]
	}
	x := h >> 32
	return p.lo + int64(x*x>>32*uint64(p.hi-p.lo)>>32)
}

// quietBelow is the mean number of transactions under which accounts have no
// standing items: tiny worlds stay tiny.
const quietBelow = 20

// schedule gives an account its standing items. Items with two legs hang on the
// member, not on the account's budget, so that both legs agree.
func (v view) schedule(a *account, budget float64) {
	if v.w.cfg.Transactions < quietBelow && !a.m.user.giant {
		return
	}
	add := func(s series) {
		s.key = hash(s.key, saltSeries)
		if a.n < maxSeries {
			a.series[a.n] = s
			a.n++
		}
	}
	// own is a series of this account alone, if the budget has room for it.
	own := func(tag uint64, p *payee, period int32, credit, varies bool) {
		s := series{payee: p, period: period, credit: credit, varies: varies, key: hash(a.key, 300+tag)}
		s.phase = 1 + int32(pick(s.key, 28))
		if period > 0 {
			s.phase = 14_000 + int32(pick(s.key, int(period)))
		}
		if p == &cheque {
			s.number = 101 + pick(hash(s.key, 1), 4000) - 640 // about 640 were written between day 14000 and the start
		}
		if budget -= s.per90(); budget >= 0 {
			add(s)
		}
	}
	pair := hash(a.m.key, saltSeries)
	first := func(typ string) bool { ord, ok := v.linked(a.m, typ); return ok && ord == a.ord }
	dom := 1 + int32(pick(pair, 26))
	_, hasSavings := v.linked(a.m, "SAVINGS")
	_, hasCard := v.linked(a.m, "CREDIT_CARD")
	_, hasChecking := v.linked(a.m, "CHECKING")
	save := series{phase: dom, key: hash(pair, 1)}
	pay := series{phase: dom + 1, key: hash(pair, 2), varies: true}
	h := hash(a.key, 7)
	switch a.kind.typ {
	case "CHECKING":
		if first("CHECKING") && hasSavings {
			save.payee = &toSavings
			add(save)
		}
		if first("CHECKING") && hasCard {
			pay.payee = &cardPayment
			add(pay)
		}
		if h%100 < 75 {
			own(1, &employers[pick(hash(h, 1), len(employers))], 14, true, h>>8%4 == 0)
		}
		if h>>16%100 < 40 {
			own(2, &landlords[pick(hash(h, 2), len(landlords))], 0, false, false)
		}
		if h>>24%100 < 25 {
			own(3, &cheque, 9, false, true)
		}
		v.services(h, own)
	case "CREDIT_CARD":
		if first("CREDIT_CARD") && hasChecking {
			pay.payee, pay.credit, pay.phase = &cardReceived, true, dom+2
			add(pay)
		}
		v.services(h, own)
	case "SAVINGS":
		if first("SAVINGS") && hasChecking {
			save.payee, save.credit = &fromChecking, true
			add(save)
		}
		own(4, &interestIn, 0, true, true)
	case "LOAN", "MORTGAGE", "LINE_OF_CREDIT":
		own(5, &loanPayment, 0, true, false)
		own(6, &interestOut, 0, false, true)
	case "INVESTMENT":
		own(7, &contribution, 14, true, false)
		own(8, &dividend, 91, true, true)
	case "INSURANCE":
		own(9, &premium, 0, false, false)
	}
}

// services adds up to three subscriptions and bills.
func (v view) services(h uint64, own func(uint64, *payee, int32, bool, bool)) {
	at := pick(hash(h, 3), len(services))
	for i := range h >> 32 % 4 {
		p := &services[(at+int(i)*3)%len(services)]
		own(20+i, p, 0, false, len(p.points) == 0)
	}
}

// payee is who the event of a slot is with.
func (a *account) payee(slot uint32, h uint64) *payee {
	switch {
	case slot >= slotHold:
		if h&1 == 0 {
			return &shops[holdShops[h>>1%uint64(len(holdShops))]]
		}
		return &shops[8+h>>1%3] // fuel
	case slot >= slotSeries:
		return a.series[slot-slotSeries].payee
	case a.kind.activity < 0.5:
		return &moveCash
	}
	x := h & 0x3ff
	if a.kind.sign < 0 {
		if x < 20 {
			return &fxFee
		}
	} else {
		switch {
		case x < 50:
			return &cash
		case x < 100:
			return &friend
		case x < 110:
			return &atmFee
		case x < 114:
			return &odFee
		case x < 118:
			return &cashAhead
		}
	}
	// Most spending is habit: the same few shops again and again.
	y := mix(h ^ saltAccount)
	if y&3 != 0 {
		return &shops[pick(hash(a.key, 400+y>>2%8), len(shops))]
	}
	return &shops[pick(mix(y), len(shops))]
}

// holdShops are the positions of hotels in shops.
var holdShops = [...]int{20, 21}

// content is what an event is about.
type content struct {
	payee   *payee
	cents   int64 // as posted
	pending int64 // as authorised
	credit  bool
	refund  bool
	cheque  int // its number, 0 = none
}

// content is a pure function of account and event.
func (a *account) content(ev *event) content {
	if ev.extra != nil {
		return ev.extra.c
	}
	h := ev.h
	c := content{payee: a.payee(ev.slot, h)}
	if ev.slot >= slotSeries && !ev.hold {
		s := &a.series[ev.slot-slotSeries]
		c.cents, c.credit = s.amount(ev), s.credit
		if s.payee == &cheque {
			c.cheque = s.number + s.occurrence(ev)
		}
		c.pending = c.cents
		return c
	}
	t := c.payee.traits
	x := mix(h ^ saltSeries)
	c.cents = max(c.payee.amount(mix(x)), 1)
	c.pending = c.cents
	switch {
	case ev.hold:
		c.cents = [...]int64{100, 10_000, 12_500, 15_000, 17_500}[x%5]
		c.pending = c.cents
	case t&income != 0:
		c.credit = true
	case t&transfer != 0:
		c.credit = x&1 == 0
	case t == 0 && x%100 < 2:
		c.credit, c.refund = true, true
	case t&tips != 0 && x%100 < 35:
		c.cents = c.cents * int64(115+x>>8%11) / 100
	case t&fuel != 0 && x%100 < 60:
		c.pending = [...]int64{100, 100, 10_000, 12_500, 15_000}[x>>8%5]
	case t&abroad != 0:
		c.cents = c.cents * int64(970+x>>8%61) / 1000
	}
	return c
}
