package atrium

import (
	"context"
	"encoding/json"

	"tallyport/schemas"
)

// Read reads one record: the user, member, account, transaction or institution
// with that id, under l's parents. There is one row, or none and a Reason.
// Errors are those of Walk.
func (c *Client) Read(ctx context.Context, l schemas.List, id string) (*schemas.Rows, schemas.Walk, error) {
	end := c.dialect.record(l, id)
	w := schemas.Walk{List: l, Tries: 1, TotalFirst: -1, TotalLast: -1}
	rows := new(schemas.Rows)
	if end.key == "" || end.route.invalid != "" {
		k := walk{end: end, w: w}
		k.refuse()
		return rows, k.w, nil
	}
	expect := end.want(c.dialect, l)
	expect.id = id
	rows.Table = expect.lay.table
	ws, a, err := c.fetch(ctx, &request{op: end.op, path: end.route.path, want: &expect})
	note(&w, a)
	if err != nil {
		return rows, w, fault(&w, err)
	}
	defer c.giveBack(ws)
	p := &ws.page
	w.Pages, w.Rows, w.Unfit = 1, p.records, p.unfit
	if p.rows.Len() == 0 {
		w.Reason, w.Detail = schemas.Undecodable, p.detail
		return rows, w, nil
	}
	w.DistinctGUIDs = 1
	rows.AppendRow(p.rows.At(0))
	return rows, w, nil
}

// Status reads what a member says of itself (mx-api.md §1.5, member status).
// It has meaning only if the walk has no Reason. Errors are those of Walk.
func (c *Client) Status(ctx context.Context, u schemas.UserID, m schemas.MemberID) (schemas.MemberStatus, schemas.Walk, error) {
	var s schemas.MemberStatus
	rows, w, err := c.Read(ctx, schemas.List{Resource: schemas.MemberStatusResource, User: u}, string(m))
	w.Member = m
	if err != nil || w.Reason != "" {
		return s, w, err
	}
	t := schemas.Members
	vals := make([]schemas.Value, t.Width())
	if err := t.Decode(rows.At(0), vals); err != nil {
		return s, w, err
	}
	// A status that cannot be read must not pass for one that never changes.
	var extra map[string]json.RawMessage
	if text := vals[t.Index("extra")].Text; w.Unfit > 0 && json.Unmarshal(text, &extra) == nil {
		for _, name := range []string{"aggregated_at", "successfully_aggregated_at", "is_being_aggregated", "connection_status"} {
			if _, ok := extra[name]; ok {
				w.Reason, w.Detail = schemas.Undecodable, string(m)+": "+name+" is not what the API promises"
				return s, w, nil
			}
		}
	}
	instant := func(name string) *schemas.Timestamp {
		v := vals[t.Index(name)]
		if !v.Set {
			return nil
		}
		at := schemas.Timestamp(v.Int)
		return &at
	}
	s.AggregatedAt = instant("aggregated_at")
	s.SuccessfullyAggregatedAt = instant("successfully_aggregated_at")
	if v := vals[t.Index("is_being_aggregated")]; v.Set {
		busy := v.Int == 1
		s.IsBeingAggregated = &busy
	}
	if v := vals[t.Index("connection_status")]; v.Set {
		status := v.String()
		s.ConnectionStatus = &status
	}
	s.ObservedAt = w.ObservedAt
	return s, w, nil
}
