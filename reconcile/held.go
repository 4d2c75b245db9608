package reconcile

import "tallyport/snapshot"

// Held names the snapshots that must not be pruned yet, and why: the next night
// is compared with the last that was judged, and one that was not judged is
// still to be.
func Held(st snapshot.Store) (map[snapshot.ID]string, error) {
	l, err := OpenLedger(st)
	if err != nil {
		return nil, err
	}
	last, _ := l.Last()
	if last == "" { // nobody reconciles this store
		return nil, nil
	}
	held := map[snapshot.ID]string{last: "the next one is compared with it"}
	ids, err := snapshot.List(st)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !l.Applied(id) {
			held[id] = "not reconciled yet"
		}
	}
	return held, nil
}
