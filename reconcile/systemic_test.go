package reconcile

import (
	"fmt"
	"testing"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// Members that are aggregated only after the kill switch fired belong to its
// event, and nobody else does.
func TestStragglers(t *testing.T) {
	nights := []snapshot.ID{"20261101T020000Z", "20261102T020000Z", "20261103T020000Z", "20261104T020000Z"}
	lossy := [][]string{{"MBR-early"}, nil, {"MBR-late", "MBR-news"}, {"MBR-later"}}
	for i := range systemicMembers {
		lossy[1] = append(lossy[1], fmt.Sprintf("MBR-%02d", i))
	}
	fetched := map[string]schemas.Timestamp{"MBR-late": 199, "MBR-later": 120, "MBR-news": 290}
	var events []massEvent
	for i, night := range nights {
		events = massEvents(events, night, schemas.Timestamp(100*(i+1)), len(lossy[i]) >= systemicMembers, lossy[i], fetched)
	}
	for _, x := range []struct {
		night  snapshot.ID
		member text
		want   Verdict
	}{
		{nights[0], "MBR-early", Ticket},
		{nights[1], "MBR-03", Review},
		{nights[1], "MBR-of-few-rows", Review},
		{nights[2], "MBR-late", Review},
		{nights[2], "MBR-news", Ticket}, // it had been aggregated since, and lost nothing then
		{nights[3], "MBR-late", Ticket},
		{nights[3], "MBR-later", Review},
	} {
		for _, kind := range []Kind{missingTransaction, neverSeen, overdueSeries, staleMember} {
			s := Sighting{Finding{Kind: kind, Verdict: Ticket, First: x.night, Member: x.member, Evidence: map[string]any{}}, Confirmed}
			want := x.want
			if kind == staleMember {
				want = Ticket
			}
			maybe := s
			maybe.Member, maybe.Claim, maybe.Evidence = "MBR-maybe", Suspected, map[string]any{}
			all, tickets := withhold([]Sighting{s, s, maybe}, events)
			if got := all[0]; got.Verdict != want || (got.Evidence["systemic"] == string(nights[1])) != (want == Review) || tickets == 1 != (want == Review) {
				t.Errorf("%s of %s in %s: %s %v, %d withheld", kind, x.member, x.night, got.Verdict, got.Evidence, tickets)
			}
		}
	}
}

// It takes twenty members, and in a large store more: so many lose a row by
// chance.
func TestMassGrowsWithTheStore(t *testing.T) {
	for complete, want := range map[int64]int{10: 20, 750: 20, 4_000: 20, 25_000: 125} {
		c := newCounts()
		c.complete = complete
		if got := c.mass(); got != want {
			t.Errorf("of %d members %d, want %d", complete, got, want)
		}
	}
}

// The rows that could vanish are the posted ones well inside the window.
func TestPostedInWindow(t *testing.T) {
	k := rowKeys{dates: []int64{nullDate, 9, 10, 10, 12, 20, 21}, pending: []bool{false, false, false, true, false, false, false}}
	if got := k.posted(10, 20); got != 3 {
		t.Errorf("%d rows, want 3", got)
	}
	if got := k.posted(13, 11); got != 0 {
		t.Errorf("%d rows in no window", got)
	}
}
