package main

import (
	"context"
	"fmt"

	"tallyport/reconcile"
	"tallyport/schemas"
)

// probedScore is how tickets did where MX was asked for each row first, beside
// how they did where it was not.
type probedScore struct {
	Tickets      tally          `json:"tickets"`
	FalseTickets int            `json:"false_tickets"`
	FalseByKind  map[string]int `json:"false_tickets_by_kind"`
}

// Probe reads one transaction.
func (c client) Probe(ctx context.Context, u schemas.UserID, t schemas.TransactionID) (reconcile.Probed, error) {
	rows, w, err := c.Read(ctx, schemas.List{Resource: schemas.TransactionsResource, User: u}, string(t))
	a := reconcile.Probed{Answer: reconcile.Unanswered, Status: w.HTTPStatus, At: w.ObservedAt}
	switch {
	case w.Reason == schemas.NotFound:
		a.Answer = reconcile.NotThere
	case w.Reason == "" && err == nil:
		a.Answer = reconcile.StillThere
		cells := make([]schemas.Value, schemas.Transactions.Width())
		if err := schemas.Transactions.Decode(rows.At(0), cells); err != nil {
			return a, err
		}
		if d := cells[schemas.Transactions.Index("date")]; d.Set {
			date := schemas.Date(d.Int)
			a.Date = &date
		}
	}
	return a, err
}

// probed lives through the same world once more, asking.
func probed(ctx context.Context, s set, seed uint64) (*probedScore, error) {
	s.probe, s.again = true, false
	sc, err := evaluate(ctx, s, seed, 0)
	if err != nil {
		return nil, err
	}
	return &probedScore{sc.Tickets, sc.FalseTickets, sc.FalseByKind}, nil
}

func (p *probedScore) lines(sc *score) (all []string) {
	return []string{
		fmt.Sprintf("%-34s %v", "ticket, MX having been asked", p.Tickets),
		fmt.Sprintf("%-34s %d (%v), without %d (%v)", "false tickets, MX having been asked", p.FalseTickets, p.FalseByKind, sc.FalseTickets, sc.FalseByKind),
	}
}
