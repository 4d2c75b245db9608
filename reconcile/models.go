package reconcile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"tallyport/snapshot"
)

// BalanceModel says what is known of how an account's balance follows its rows.
// Where it is not reliable, nothing is concluded from the balance.
type BalanceModel struct {
	User, Account string
	Type          string
	Looks         int // at balances, of which the model is made
	Reliable      bool
	Follows       string // what the balance follows, in words
}

// BalanceModels returns the models as they were after a judged snapshot, of all
// accounts that were listed then, by user and account.
func BalanceModels(st snapshot.Store, id snapshot.ID) ([]BalanceModel, error) {
	c, err := readCheckpoint(st, stateDir, id)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, fmt.Errorf("state of %s: %w", id, snapshot.ErrNoSnapshot)
	}
	users, err := c.users(st, stateDir, 0, 1)
	if err != nil {
		return nil, err
	}
	var all []BalanceModel
	for err == nil && users.at != nil {
		for guid, a := range users.at.Accounts {
			m, ok := learn(a.Samples, a.Type)
			all = append(all, BalanceModel{users.at.User, guid, a.Type, len(a.Samples), ok, m.describe()})
		}
		err = users.next()
	}
	if err = errors.Join(err, users.close()); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b BalanceModel) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Account, b.Account))
	})
	return all, nil
}
