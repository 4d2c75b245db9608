package snapshot

// VerifyLatest says whether a store with snapshots has its _latest.json. The
// next export makes one that is missing.
func VerifyLatest(st Store) ([]Problem, error) {
	there, err := exists(st, latestFile)
	if there || err != nil {
		return nil, err
	}
	ids, err := List(st)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	// The first snapshot of a store may be on its way.
	if going, err := exists(st, stagingOf(ids[len(ids)-1])+"/"+intentFile); going || err != nil {
		return nil, err
	}
	return []Problem{{File: latestFile, What: "missing; the next export makes it again"}}, nil
}
