package reconcile

import (
	"testing"
	"time"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// What is missing lapses with its age. That one night looks at a few days only
// makes it no older.
func TestNarrowNightLapsesNothing(t *testing.T) {
	at := schemas.TimestampOf(time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC))
	today := schemas.DateOf(at.Time())
	for days, want := range map[schemas.Date]Claim{5: Suspected, 63: Suspected, keptGone: Suspected, keptGone + 1: Lapsed} {
		n := &accountNight{user: "USR-1", account: "ACT-1", st: &accountState{}, look: &look{night: snapshot.ID("20261121T020000Z"), at: at, window: schemas.Window{From: today - 1, To: today + 5}}}
		g := &gone{Row: txn{GUID: "TRN-1", Date: today - days, Amount: 100}, First: "20261101T020000Z", Code: "Z1", Claim: Suspected}
		n.st.Gone = []*gone{g}
		n.say(g)
		if len(n.sightings) != 1 || n.sightings[0].Claim != want {
			t.Errorf("after %d days: %v, want %s", days, n.sightings, want)
		}
	}
}
