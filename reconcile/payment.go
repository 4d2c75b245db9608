package reconcile

import (
	"slices"

	"tallyport/schemas"
)

// payment is the last payment that a card or loan says it received: a second
// witness of a row (mx-api.md §1.6, last_payment).
type payment struct {
	Date   schemas.Date  `json:"d"`
	Amount schemas.Money `json:"a"`
	Met    int           `json:"m,omitempty"` // payments whose row was there
	Done   bool          `json:"o,omitempty"` // this one's was, or was asked for
}

const (
	byPayment    = "last_payment"
	paymentApart = 3 // days between what the account says and its row
)

// owes reports whether what comes into an account of the type pays off a debt.
func owes(typ string) bool {
	switch typ {
	case "CREDIT_CARD", "LOAN", "MORTGAGE", "LINE_OF_CREDIT":
		return true
	}
	return false
}

// hears reports whether what the account says of its last payment is of use.
func (n *accountNight) hears() bool { return n.paid != nil && owes(n.st.Type) && n.paid.Amount != 0 }

// paymentDays is when the row of the last payment may be, if it was not there
// yet.
func (n *accountNight) paymentDays() (days []int64) {
	p := n.st.Paid
	if !n.hears() || p != nil && p.Done && p.Date == n.paid.Date && p.Amount == n.paid.Amount {
		return nil
	}
	for d := n.paid.Date - paymentApart; d <= n.paid.Date+paymentApart; d++ {
		days = append(days, int64(d))
	}
	return days
}

// hearPayment takes what the account says of its last payment, and looks for
// its row.
func (n *accountNight) hearPayment(rows []txn) {
	if !n.hears() {
		return
	}
	p := n.st.Paid
	if p == nil {
		p = new(payment)
		n.st.Paid = p
	}
	if p.Date != n.paid.Date || p.Amount != n.paid.Amount {
		p.Date, p.Amount, p.Done = n.paid.Date, n.paid.Amount, false
	}
	if !p.Done && slices.ContainsFunc(rows, func(t txn) bool { return p.isOf(&t) }) {
		p.Met, p.Done = p.Met+1, true
	}
}

func (p *payment) isOf(t *txn) bool {
	d := int(t.Date - p.Date)
	return !t.is(noDate) && t.signed() == p.Amount && d >= -paymentApart && d <= paymentApart
}

// unpaid says that the row of the last payment is missing (N3), if those of
// earlier ones were there: not every institution means the same by it.
func (n *accountNight) unpaid() {
	p := n.st.Paid
	if p == nil || p.Done || p.Met < needPairs || n.st.Closed || !upTo(n, p.Date) || n.st.First.Time().After((p.Date - legAfter).Time()) {
		return
	}
	if schemas.DateOf(n.look.at.Time())-p.Date > legKept || p.Date < n.look.window.From+paymentApart {
		return
	}
	if slices.ContainsFunc(n.st.Gone, func(g *gone) bool { return p.isOf(&g.Row) }) {
		return
	}
	p.Done = n.missingSide(&missing{Signed: p.Amount, At: p.Date.Timestamp(), By: byPayment})
}
