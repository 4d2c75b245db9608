package export

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"tallyport/schemas"
)

// Members reads the members of the users, of all if users is nil, as they are
// now, without a snapshot. It returns their rows and the walks that were not
// complete, but for what MX withholds for disabled users, and those of named users
// who are not there (reason not_found). observed is the newest server Date.
func Members(ctx context.Context, src Source, users []schemas.UserID, concurrency int) (rows *schemas.Rows, failed []schemas.Walk, observed schemas.Timestamp, err error) {
	rows = &schemas.Rows{Table: schemas.Members}
	disabled := map[schemas.UserID]bool{}
	named := users != nil
	note := func(w schemas.Walk) {
		if w = withheld(w, disabled[w.User]); w.Reason.Gap() || named && w.Reason == schemas.NotFound {
			failed = append(failed, w)
		}
		observed = max(observed, w.ObservedAt)
	}
	if users == nil {
		list := schemas.List{Resource: schemas.UsersResource}
		found, w, err := collect(ctx, src, list)
		if err != nil {
			return nil, nil, 0, err
		}
		w.List = list
		if w.Reason.Gap() && found.Len() == 0 { // an empty table would look like no members
			return nil, nil, 0, fmt.Errorf("the list of users could not be read (%s): %s", w.Reason, w.Detail)
		}
		note(w)
		vals := make([]schemas.Value, schemas.Users.Width())
		for i := range found.Len() {
			if err := schemas.Users.Decode(found.At(i), vals); err != nil {
				return nil, nil, 0, err
			}
			u := schemas.UserID(vals[0].Text)
			users = append(users, u)
			disabled[u] = isDisabled(vals)
		}
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, concurrency))
	for _, u := range users {
		group.Go(func() error {
			list := schemas.List{Resource: schemas.MembersResource, User: u}
			found, w, err := collect(ctx, src, list)
			if err != nil {
				return err
			}
			w.List = list
			mu.Lock()
			defer mu.Unlock()
			note(w)
			for i := range found.Len() {
				rows.AppendRow(found.At(i))
			}
			return nil
		})
	}
	return rows, failed, observed, group.Wait()
}

// collect reads one list into memory.
func collect(ctx context.Context, src Source, l schemas.List) (*schemas.Rows, schemas.Walk, error) {
	rows := new(schemas.Rows)
	last := 0
	w, err := src.Walk(ctx, l, func(try int, page *schemas.Rows) error {
		if try > last {
			rows.Reset()
			last = try
		}
		rows.Table = page.Table
		for i := range page.Len() {
			rows.AppendRow(page.At(i))
		}
		return nil
	})
	return rows, w, err
}
