package reconcile

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// One night's finding in full, so that names, ids and facts are as they are
// written to files.
func TestStaleFinding(t *testing.T) {
	looks, _ := nights(t, `
		0h DEGRADED ok=-90h try=-90h =>
		24h DEGRADED ok=-10h30m try=20h =>
		48h DISCONNECTED try=40h =>
		72h DEGRADED try=60h =>`)
	var h memberHistory
	var found []Sighting
	for _, n := range looks {
		h, found = h.stale("USR-1", "MBR-1", n, 48*time.Hour)
	}
	want := []Sighting{{Claim: Confirmed, Finding: Finding{
		ID:   findingID("member", "MBR-1", "2026-11-19T15:30:00.000000Z"),
		Kind: "stale_member", Code: "S2", Verdict: "ticket", IssueType: "aggregation",
		User: "USR-1", Member: "MBR-1", Institution: "bank",
		First: "20261123T020000Z", Last: "20261123T020000Z",
		Evidence: map[string]any{
			"connection_status":          "DEGRADED",
			"successfully_aggregated_at": "2026-11-19T15:30:00.000000Z",
			"tried_since_success":        true,
			"status_since":               map[string]any{"not_before": "2026-11-20T02:00:00.000000Z", "not_after": "2026-11-21T02:00:00.000000Z"},
			"action":                     actSupport,
		},
	}}}
	if d := cmp.Diff(want, found); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if id := episodeID("MBR-1", nil); id != findingID("member", "MBR-1", "never") {
		t.Errorf("a member that never succeeded has the id %s", id)
	}

	// Later nights keep where it was first true, even under another code.
	n := looks[3]
	n.Snapshot, n.ObservedAt, n.Status = "20261124T020000Z", n.ObservedAt+86_400_000_000, "EXPIRED"
	h, found = h.stale("USR-1", "MBR-1", n, 48*time.Hour)
	s := found[0]
	if s.ID != want[0].ID || s.First != want[0].First || s.Last != n.Snapshot || s.Code != "S6" {
		t.Errorf("the next night: %+v", s)
	}
	if a := s.Evidence["action"]; a != actWithUser {
		t.Errorf("EXPIRED: %v", a)
	}
	// And a look that is not later says nothing and changes nothing.
	if again, found := h.stale("USR-1", "MBR-1", n, 48*time.Hour); found != nil || !cmp.Equal(again, h) {
		t.Errorf("the same look again: %v", found)
	}
}

// A night on which nothing changes says what the night before said, whether MX
// tries or not; when it stops trying, that is news.
func TestStaleSaysNothingNew(t *testing.T) {
	looks, _ := nights(t, `
		0h CONNECTED ok=-60h try=-1h =>
		24h CONNECTED try=23h =>
		48h CONNECTED try=47h =>
		72h CONNECTED try=71h =>
		96h CONNECTED try=71h =>
		144h CONNECTED try=71h =>
		168h CONNECTED try=71h =>`)
	var h memberHistory
	var found []Sighting
	said := []string{}
	for _, n := range looks {
		h, found = h.stale("USR-1", "MBR-1", n, 48*time.Hour)
		if len(found) == 0 {
			continue
		}
		said = append(said, string(must(marshal([]any{found[0].Code, found[0].Evidence}))))
	}
	if len(said) < 5 || len(slices.Compact(said)) != 2 {
		t.Errorf("it said:\n%s", strings.Join(said, "\n"))
	}
}

func TestStaleMissingInputs(t *testing.T) {
	for status, want := range map[string]string{
		"EXPIRED":   `["MFA type","attempted API request and response, without personal data"]`,
		"DENIED":    `["FI login URL","character lengths of the credentials","screenshots of a successful login at the FI"]`,
		"LOCKED":    `null`,
		"CLOSED":    `null`,
		"CONNECTED": `["date, amount and payee of missing transactions, if known","screenshots of them from the FI website"]`,
	} {
		looks, _ := nights(t, "0h "+status+" ok=-60h try=-60h =>")
		_, found := memberHistory{}.stale("USR-1", "MBR-1", looks[0], 48*time.Hour)
		if got, err := json.Marshal(found[0].MissingInputs); err != nil || string(got) != want {
			t.Errorf("%s: %s %v, want %s", status, got, err, want)
		}
	}
}
