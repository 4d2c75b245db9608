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
		events = massEvents(events, night, schemas.Timestamp(100*(i+1)), lossy[i], fetched)
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
		s := Sighting{Finding{Kind: missingTransaction, Verdict: Ticket, First: x.night, Member: x.member, Evidence: map[string]any{}}, Confirmed}
		got := withhold([]Sighting{s}, events)[0]
		if got.Verdict != x.want || (got.Evidence["systemic"] == string(nights[1])) != (x.want == Review) {
			t.Errorf("%s %s: %s %v", x.night, x.member, got.Verdict, got.Evidence)
		}
	}
}
