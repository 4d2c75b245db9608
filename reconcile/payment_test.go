package reconcile

import (
	"fmt"
	"testing"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// card is a credit card whose balance is not shown, and which says when it was
// paid last.
type card struct {
	diary
	paid *payment
}

func (c *card) night(day int, came ...txn) *accountNight {
	if c.st == nil {
		c.st = &accountState{Member: "MBR-1", Type: "CREDIT_CARD", First: snapshot.IDOf(day0.Time())}
	}
	return c.look(day, c.paid, came...)
}

func (c *card) pays(day int, amount schemas.Money) {
	c.paid = &payment{Date: day0 + schemas.Date(day), Amount: amount}
}

func TestLastPayment(t *testing.T) {
	const amount = 120 * 100 * cent
	pay := func(day int) txn { return on0(day, "Thank you", amount+schemas.Money(day)*cent) }
	for _, tt := range []struct {
		name string
		met  int // payments that had their row
		last func(c *card)
		day  int // on which it is said, -1: never
	}{
		{"missing", 2, func(c *card) { c.pays(70, amount) }, 76},
		{"there", 2, func(c *card) { c.pays(71, pay(70).Amount); c.night(71, pay(70)) }, -1},
		{"another amount", 2, func(c *card) { c.pays(70, amount+1); c.night(71, pay(70)) }, 76},
		{"four days apart", 2, func(c *card) { c.pays(74, pay(70).Amount); c.night(74, pay(70)) }, 80},
		{"not often enough", 1, func(c *card) { c.pays(70, amount) }, -1},
		{"closed", 2, func(c *card) { c.pays(70, amount); c.st.Closed = true }, -1},
		{"not a debt", 2, func(c *card) { c.pays(70, amount); c.st.Type = "CHECKING" }, -1},
		{"long ago", 2, func(c *card) { c.pays(-60, amount) }, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := new(card)
			c.night(0)
			for i := range tt.met {
				day := 20 + 20*i
				c.pays(day, pay(day).Amount)
				c.night(day, pay(day))
			}
			c.night(69)
			tt.last(c)
			for day := 72; day < 100; day++ {
				n := c.night(day)
				if got := said(n, neverSeen); len(got) > 0 {
					f := got[0]
					if day != tt.day || f.Code != "N3" || f.Verdict != Ticket || f.Type != "CREDIT" || f.Evidence["corroborated_by"] != "last_payment" || f.Claim != Confirmed {
						t.Errorf("on day %d: %+v", day, f)
					}
					// It comes after all, and is not asked for again.
					late := on0(day, "Thank you", c.paid.Amount)
					late.Date = c.paid.Date
					if got := said(c.night(day+1, late), neverSeen); len(got) != 1 || got[0].Claim != Undone || got[0].ID != f.ID {
						t.Errorf("it came: %+v", got)
					}
					return
				}
			}
			if tt.day >= 0 {
				t.Errorf("nothing was said: %s", fmt.Sprint(*c.st.Paid))
			}
		})
	}
}
