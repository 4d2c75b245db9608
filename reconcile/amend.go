package reconcile

import (
	"cmp"
	"math/big"
	"slices"
)

// duplicates finds guids that name two rows at once: of what came, and of what is
// there on the same days.
func (n *accountNight) duplicates() {
	if len(n.added) == 0 {
		return
	}
	seen := make(map[string]*txn, len(n.after))
	for i := range n.after {
		t := &n.after[i]
		o := seen[t.GUID]
		seen[t.GUID] = t
		if o != nil && o.Hash != t.Hash && slices.ContainsFunc(n.added, func(x *txn) bool { return x.GUID == t.GUID }) {
			n.namesTwo(o, t)
		}
	}
}

// namesTwo reports a guid that names two rows, of which the second is this
// account's.
func (n *accountNight) namesTwo(o, t *txn) {
	f := n.finding("N10", t)
	f.ID = findingID(string(duplicateGUID), n.user, t.GUID)
	f.Evidence = map[string]any{"dates": []string{o.Date.String(), t.Date.String()}, "amounts": []string{o.Amount.String(), t.Amount.String()}}
	n.sightings = append(n.sightings, Sighting{f, Confirmed})
}

// amended pairs rows that kept their guid.
func (n *accountNight) amended() {
	if len(n.removed) == 0 || len(n.added) == 0 {
		return
	}
	came := map[string]*txn{}
	for _, t := range n.added {
		came[t.GUID] = t
	}
	var stated [][2]*txn // in another currency
	other := 0
	for _, o := range n.removed {
		t := came[o.GUID]
		if t == nil {
			continue
		}
		if o.Currency != t.Currency && o.Currency != "" && t.Currency != "" {
			stated = append(stated, [2]*txn{o, t})
		} else {
			other++
		}
	}
	restated := len(stated) > 2 && len(stated) > 4*other
	if restated {
		n.st.Samples = nil // balances in another currency are no continuation of these
	}
	restated = restated && atOneRate(stated)
	n.removed = slices.DeleteFunc(n.removed, func(o *txn) bool {
		t := came[o.GUID]
		if t == nil {
			return false
		}
		delete(came, o.GUID)
		n.restated = append(n.restated, [2]*txn{o, t})
		if !o.is(pending) && !t.is(pending) {
			n.st.Booked -= o.signed() // count took the new one for another row
		}
		code := Code("C1")
		switch {
		case o.is(pending) && !t.is(pending):
			code = "P1"
		case restated:
			code = "C3"
		}
		n.amendment(n.note("amended", code, t, ""), o)
		return true
	})
	n.added = slices.DeleteFunc(n.added, func(t *txn) bool {
		if came[t.GUID] == nil && slices.ContainsFunc(n.changes, func(v verdictOn) bool { return v.change == "amended" && v.row.GUID == t.GUID }) {
			return true
		}
		return false
	})
}

// atOneRate reports whether all amounts became others at the rate of the largest
// one, but for what rounding to a cent can do to both.
func atOneRate(pairs [][2]*txn) bool {
	top := slices.MaxFunc(pairs, func(a, b [2]*txn) int { return cmp.Compare(a[0].Amount, b[0].Amount) })
	was, is := big.NewInt(int64(top[0].Amount)), big.NewInt(int64(top[1].Amount))
	for _, p := range pairs {
		// |new × was − old × is| ≤ a cent of each
		off := new(big.Int).Mul(big.NewInt(int64(p[1].Amount)), was)
		off.Sub(off, new(big.Int).Mul(big.NewInt(int64(p[0].Amount)), is))
		most := new(big.Int).Mul(big.NewInt(cent), new(big.Int).Add(was, is))
		if off.CmpAbs(most) > 0 {
			return false
		}
	}
	return true
}

// amendment reports an amended row if it matters. o is what it was.
func (n *accountNight) amendment(v *verdictOn, o *txn) {
	t := v.row
	v.verdict = Benign
	f := n.finding(v.code, t)
	switch {
	case v.code == "P1":
		return
	case v.code == "C3":
		f.ID = findingID(string(amendedTransaction), n.user, n.st.lineage(n.account), string(n.look.night))
		f.Transaction, f.Date, f.Amount, f.Type, f.Payee = "", "", "", "", ""
		f.Evidence = map[string]any{"currency_before": o.Currency, "currency_after": t.Currency}
		v.finding = f.ID
		if !slices.ContainsFunc(n.sightings, func(s Sighting) bool { return s.ID == f.ID }) {
			n.sightings = append(n.sightings, Sighting{f, Confirmed})
		}
		return
	case o.is(pending) || t.is(pending):
		return
	case o.Amount == t.Amount && o.Flags == t.Flags && o.Date == t.Date && o.Currency == t.Currency:
		return
	}
	f.ID = findingID(string(amendedTransaction), n.user, t.GUID, string(n.look.night))
	f.Evidence = map[string]any{
		"before": map[string]any{"amount": o.Amount.String(), "type": o.direction(), "date": o.Date.String(), "currency_code": o.Currency},
		"after":  map[string]any{"amount": t.Amount.String(), "type": t.direction(), "date": t.Date.String(), "currency_code": t.Currency},
	}
	n.sightings = append(n.sightings, Sighting{f, Confirmed})
	v.verdict, v.finding = Review, f.ID
}
