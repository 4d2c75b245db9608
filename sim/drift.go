package sim

// drift is how a list differs, for some pages of one walk, from what is true:
// an entry that is there is not shown yet, or an entry is shown that goes away.
// It begins with page 1 of a walk and ends before a later page that the walk
// must ask for, so that total_entries moves while the walk looks on, entries
// slip from one page to another, and after the walk nothing is left of it: what
// is true does not change. With swap both happen at once, and the total stays.
type drift struct {
	hidden   int // 1 = entry hiddenAt is not shown
	hiddenAt int
	extra    int // 1 = a twin is shown before entry extraAt
	extraAt  int
	until    int // the first page without drift
	size     int // of the pages of the walk
}

// split calls rows for the true entries that stand at lo … hi-1 of the list as
// shown, twin for the extra one, and comma between the calls' output.
func (d drift) split(lo, hi int, rows func(lo, hi int), twin func(i int), comma func()) {
	written := false
	emit := func(lo, hi int) {
		// Entries shown from lo on stand one further back in truth when the
		// hidden one lies before them.
		part := func(lo, hi int) {
			if lo >= hi {
				return
			}
			if written {
				comma()
			}
			rows(lo, hi)
			written = true
		}
		if d.hidden == 0 {
			part(lo, hi)
			return
		}
		part(lo, min(hi, d.hiddenAt))
		part(max(lo, d.hiddenAt)+1, hi+1)
	}
	if d.extra == 0 {
		emit(lo, hi)
		return
	}
	emit(lo, min(hi, d.extraAt))
	if lo <= d.extraAt && d.extraAt < hi {
		if written {
			comma()
		}
		twin(d.extraAt)
		written = true
	}
	emit(max(lo, d.extraAt+1)-1, hi-1)
}

// planDrift decides whether the walk that begins drifts, and how.
func planDrift(h uint64, w Weather, total, size int, twins bool) (drift, bool) {
	swap := chance(hash(h, 1), w.SwapDrift) && twins
	if !swap && !chance(h, w.Drift) {
		return drift{}, false
	}
	// The walk must come to the page on which the drift ends, however many
	// pages it believes there are.
	until := min(2+int(h&1), pagesOf(total-1, size))
	if until < 2 {
		return drift{}, false
	}
	d := drift{until: until, size: size}
	at := pick(hash(h, 2), size)
	if swap || !twins || h>>1&1 == 0 {
		d.hidden, d.hiddenAt = 1, at
	}
	if swap || d.hidden == 0 {
		d.extra, d.extraAt = 1, pick(hash(h, 3), size)
	}
	return d, true
}

// drift returns how the list of this request differs from the truth.
func (q *request) drift(total, size, page int, twins bool) drift {
	w := q.w
	if q.weather.Drift == 0 && q.weather.SwapDrift == 0 || q.fallback {
		return drift{}
	}
	key := q.path + "?" + q.walkQuery()
	w.mu.Lock()
	defer w.mu.Unlock()
	if page == 1 {
		n := w.night.begun[key]
		w.night.begun[key] = n + 1
		h := hash(hash(hashString(w.seed^saltDrift, key), uint64(w.clock)), uint64(n))
		d, ok := planDrift(h, q.weather, total, size, twins)
		if !ok {
			delete(w.night.walks, key)
			return drift{}
		}
		w.night.walks[key] = d
		return d
	}
	d, ok := w.night.walks[key]
	if !ok || page < d.until && d.size == size {
		return d
	}
	delete(w.night.walks, key)
	w.stats.note(func(s *Stats) { s.Drifted++ })
	return drift{}
}
