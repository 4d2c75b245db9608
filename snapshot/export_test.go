package snapshot

// Shrink makes a run spill and shard at sizes that a test can afford.
func (w *Writer) Shrink(usersPerShard int64, spill int) {
	w.limits = limits{usersPerShard: usersPerShard, spill: spill, idle: int64(spill)}
}

// ScanPart gives tests the rows of a part.
var ScanPart = scanPart

// LayoutOf is the layout that scanPart needs.
func LayoutOf(p Plan, id ID) layout { return p.layout(id) }
