package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/urfave/cli/v2"

	"tallyport/atrium"
	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/snapshot"
)

// prober is the client as reconcile wants it.
type prober struct {
	client *atrium.Client
	log    *slog.Logger
	users  map[schemas.UserID]bool // those asked for: whether they are there
	ended  bool                    // the API asks to be left alone, or cannot be reached
}

// NewProber returns what asks that client for transactions, one by one.
func NewProber(c *atrium.Client, log *slog.Logger) reconcile.Prober {
	return &prober{client: c, log: log, users: map[schemas.UserID]bool{}}
}

// Probe reads one transaction. Keys that are refused end the run; an API that
// cannot be reached answers nothing, and what is asked for waits.
func (p *prober) Probe(ctx context.Context, u schemas.UserID, t schemas.TransactionID) (reconcile.Probed, error) {
	rows, w, err := p.read(ctx, schemas.List{Resource: schemas.TransactionsResource, User: u}, string(t))
	answer := reconcile.Probed{Answer: reconcile.Unanswered, Status: w.HTTPStatus, At: w.ObservedAt}
	switch {
	case err != nil || p.ended:
		return answer, err
	case w.Reason == schemas.NotFound:
		there, err := p.user(ctx, u)
		if there {
			answer.Answer = reconcile.NotThere
		}
		return answer, err
	case w.Reason != "" || w.HTTPStatus != http.StatusOK:
		return answer, nil
	}
	cells := make([]schemas.Value, schemas.Transactions.Width())
	if err := schemas.Transactions.Decode(rows.At(0), cells); err != nil {
		return answer, err
	}
	if date := cells[schemas.Transactions.Index("date")]; date.Set {
		d := schemas.Date(date.Int)
		answer.Date = &d
	}
	answer.Answer = reconcile.StillThere
	return answer, nil
}

// user reports whether the user is there: of one that is gone no transaction
// is, and that says nothing of the feed.
func (p *prober) user(ctx context.Context, u schemas.UserID) (bool, error) {
	there, ok := p.users[u]
	if ok {
		return there, nil
	}
	_, w, err := p.read(ctx, schemas.List{Resource: schemas.UsersResource}, string(u))
	there = w.Reason == "" && !p.ended
	if err == nil && !p.ended {
		p.users[u] = there
	}
	return there, err
}

func (p *prober) read(ctx context.Context, l schemas.List, id string) (*schemas.Rows, schemas.Walk, error) {
	if p.ended {
		return nil, schemas.Walk{}, nil
	}
	rows, w, err := p.client.Read(ctx, l, id)
	if errors.Is(err, atrium.ErrQuota) || errors.Is(err, atrium.ErrUnreachable) {
		p.log.Warn("no more is asked tonight; what is not answered for waits", "error", err)
		p.ended, err = true, nil
	}
	return rows, w, err
}

// sameClient refuses to ask another API than the one that the store is of:
// there, nothing would be found.
func (s *session) sameClient(c *cli.Context, st snapshot.Store) error {
	t, err := targetOf(c)
	if err != nil {
		return err
	}
	client, err := s.clientID()
	if err != nil {
		return err
	}
	b, err := snapshot.ReadBinding(st)
	if err != nil || b == nil {
		return err
	}
	for _, d := range [][3]string{{"source", b.Source, t.source}, {"host", b.Host, t.host()}, {"client", b.Client, snapshot.ClientHash(client)}} {
		if d[1] != d[2] {
			return fmt.Errorf("--probe: %s holds snapshots of %s %s, not %s: %w", st, d[0], d[1], d[2], snapshot.ErrBound)
		}
	}
	return nil
}
