package sim

// transaction finds a row that is shown now by its guid.
func (v view) transaction(u *user, id string) (*account, event, row, bool) {
	at, ok := v.w.parse(prefixTransaction, id)
	if !ok || at.user != u.i {
		return nil, event{}, row{}, false
	}
	a, ev, r, ok := v.rowAt(u, at)
	if a == nil {
		return nil, event{}, row{}, false
	}
	if ok {
		return a, ev, r, ev.extra == nil || ev.extra.alias == nil
	}
	if e := a.edits.of(&event{day: int32(at.day), slot: at.slot}); e != nil && e.next != nil {
		if a, ev, r, ok = v.rowAt(u, *e.next); ok && ev.extra.alias != nil {
			return a, ev, r, true
		}
	}
	return nil, event{}, row{}, false
}

// rowAt finds the row of an address; without it, the account is returned
// nevertheless.
func (v view) rowAt(u *user, at address) (*account, event, row, bool) {
	home := at
	home.day, home.slot, home.variant = 0, 0, 0
	a, ok := v.account(u, v.w.guid(prefixAccount, home).String())
	if !ok {
		return nil, event{}, row{}, false
	}
	ev, ok := a.eventAt(int32(at.day), at.slot)
	if !ok {
		return &a, event{}, row{}, false
	}
	var out [maxRows]row
	n := a.rows(&ev, &out)
	for _, r := range out[:n] {
		if r.variant == at.variant {
			return &a, ev, r, true
		}
	}
	return &a, event{}, row{}, false
}

// eventAt finds the event of a slot.
func (a *account) eventAt(day int32, slot uint32) (found event, ok bool) {
	if day < a.floor {
		return found, false
	}
	a.events(day, 0, func(ev event) bool {
		if ok = ev.slot == slot; ok {
			found = ev
		}
		return !ok
	})
	return found, ok
}
