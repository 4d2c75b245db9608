package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tallyport/schemas"
	"tallyport/snapshot"
)

var staleBase = time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)

func staleAt(t *testing.T, offset string) *schemas.Timestamp {
	t.Helper()
	if offset == "never" {
		return nil
	}
	if ts, ok := schemas.ParseTimestamp([]byte(offset)); ok {
		return &ts
	}
	d, err := time.ParseDuration(offset)
	if err != nil {
		t.Fatal(err)
	}
	ts := schemas.TimestampOf(staleBase.Add(d))
	return &ts
}

// nights reads looks, one a line: when, status, then what changed of ok= and
// try= (the last success and the last job, "never" for null), and busy, unsaid
// (busy is null), off (a disabled user) or manual. After => stand the sightings of that night.
func nights(t *testing.T, text string) (looks []memberNight, want []string) {
	t.Helper()
	var ok, try *schemas.Timestamp
	for line := range strings.Lines(strings.TrimSpace(text)) {
		facts, says, found := strings.Cut(line, "=>")
		f := strings.Fields(facts)
		if !found || len(f) < 2 {
			t.Fatalf("bad line %q", line)
		}
		at := staleAt(t, f[0])
		n := memberNight{Snapshot: snapshot.IDOf(at.Time()), ObservedAt: *at, Status: f[1], Institution: "bank", Busy: new(bool)}
		if n.Status == "null" {
			n.Status = ""
		}
		for _, word := range f[2:] {
			key, value, _ := strings.Cut(word, "=")
			switch key {
			case "ok":
				ok = staleAt(t, value)
			case "try":
				try = staleAt(t, value)
			case "busy":
				*n.Busy = true
			case "unsaid":
				n.Busy = nil
			case "off":
				n.UserDisabled = true
			case "manual":
				n.Manual = true
			default:
				t.Fatalf("bad word %q", word)
			}
		}
		n.Succeeded, n.AggregatedAt = ok, try
		looks, want = append(looks, n), append(want, strings.TrimSpace(says))
	}
	return looks, want
}

// says is the sightings in short: a confirmed one by code and verdict.
func says(found []Sighting) string {
	var parts []string
	for _, s := range found {
		if s.Claim == Confirmed {
			parts = append(parts, fmt.Sprintf("%s %s", s.Code, s.Verdict))
		} else {
			parts = append(parts, fmt.Sprintf("%s %s", s.Claim, s.Code))
		}
	}
	return strings.Join(parts, ", ")
}

func TestStaleRules(t *testing.T) {
	for _, c := range []struct {
		name, looks string
		after       time.Duration
	}{
		{name: "S0: every night a success", looks: `
			0h CONNECTED ok=-3h try=-3h =>
			24h CONNECTED ok=21h try=21h =>
			48h CONNECTED ok=45h try=45h =>
			72h CONNECTED ok=69h try=69h =>`},
		{name: "S1: one night without", looks: `
			0h CONNECTED ok=-20h try=-20h =>
			24h CONNECTED =>
			48h CONNECTED ok=30h try=30h =>`},
		{name: "S2: DEGRADED, third night after the success", looks: `
			0h DEGRADED ok=-10h try=-1h =>
			24h DEGRADED try=23h =>
			48h DEGRADED try=47h => S2 ticket
			72h CONNECTED ok=70h try=70h => undone S2
			96h CONNECTED ok=94h try=94h =>`},
		{name: "S2: three nights, the success exactly 48 h old, then a second more", looks: `
			0h DEGRADED ok=-4h try=-1h =>
			22h DEGRADED =>
			44h DEGRADED =>
			44h0m1s DEGRADED => S2 ticket`},
		{name: "S2: three nights, the success 47:59 old", looks: `
			0h DEGRADED ok=1m try=1m =>
			24h DEGRADED =>
			48h DEGRADED =>`},
		{name: "S2: flapping does not reset", looks: `
			0h DEGRADED ok=-10h try=-1h =>
			24h DISCONNECTED =>
			48h DEGRADED => S2 ticket
			72h DISCONNECTED => S2 ticket`},
		{name: "S2: two nights interrupted, seen for exactly 48 h", looks: `
			0h DEGRADED ok=-10h try=-1h =>
			24h FAILED =>
			48h DISCONNECTED =>
			48h0m1s DISCONNECTED => S2 ticket`},
		{name: "S2: only a success resets", looks: `
			0h DEGRADED ok=-10h try=-1h =>
			24h DEGRADED =>
			47h DEGRADED ok=46h try=46h =>
			71h DEGRADED =>
			95h DEGRADED => S2 ticket
			119h DEGRADED ok=118h try=118h => undone S2
			143h DEGRADED =>`},
		{name: "S2: a handful of looks in a day is not three nights", looks: `
			0h DEGRADED ok=-90h try=-1h =>
			1h DEGRADED =>
			2h DEGRADED =>
			24h DEGRADED =>
			24h0m1s DEGRADED => S2 ticket`},
		{name: "S2: a week in which nobody looked counts as nothing", looks: `
			0h DEGRADED ok=-10h try=-1h =>
			168h DEGRADED =>
			168h1s DEGRADED => S2 ticket`},
		{name: "S2: nor does it when the looks are not three in a row", looks: `
			0h DEGRADED ok=-10h try=-1h =>
			168h DEGRADED =>
			192h FAILED =>
			216h DEGRADED =>
			216h1s DEGRADED => S2 ticket`},
		{name: "S2: a gap of 36 h is still looking", looks: `
			0h DEGRADED ok=-10h try=-1h =>
			36h FAILED =>
			72h DEGRADED => S2 ticket`},
		{name: "S2: a second more is not", looks: `
			0h DEGRADED ok=-10h try=-1h =>
			36h1s FAILED =>
			72h DEGRADED =>`},
		{name: "S2: SAA null", looks: `
			0h DEGRADED ok=never try=-1h =>
			24h DEGRADED =>
			48h DEGRADED =>
			48h0m1s DEGRADED => S2 ticket
			72h CONNECTED ok=71h try=71h => undone S2`},
		{name: "S3: exactly 48 h, then a second more", looks: `
			0h CONNECTED ok=0h try=0h =>
			24h CONNECTED try=23h =>
			48h CONNECTED try=47h =>
			48h0m1s CONNECTED => S3 ticket`},
		{name: "S3: from the second night", looks: `
			0h CONNECTED ok=-60h try=-1h =>
			24h CONNECTED try=23h => S3 ticket
			48h CONNECTED try=47h => S3 ticket`},
		{name: "S3 to S4: the last try 48 h old, then more", looks: `
			0h CONNECTED ok=-60h try=0h =>
			24h CONNECTED => S3 ticket
			48h CONNECTED => S3 ticket
			48h0m1s CONNECTED => S4 ticket`},
		{name: "S4: from the first night", looks: `
			0h CONNECTED ok=-60h try=-60h => S4 ticket
			24h CONNECTED ok=12h try=12h => undone S4`},
		{name: "S4 to S3: an identify job moves aggregated_at only", looks: `
			0h CONNECTED ok=-60h try=-60h => S4 ticket
			24h CONNECTED try=20h => S3 ticket
			48h CONNECTED => S3 ticket
			72h CONNECTED => S4 ticket`},
		{name: "S4: never aggregated, by first seen", looks: `
			0h CONNECTED ok=never try=never =>
			24h CONNECTED =>
			48h CONNECTED =>
			48h0m1s CONNECTED => S4 ticket`},
		{name: "S12: never succeeded, but tried", looks: `
			0h CONNECTED ok=never try=-90h =>
			24h CONNECTED try=20h =>
			49h CONNECTED try=44h => S3 ticket`},
		{name: "S12, S16: first seen is no clock for a week without looks", looks: `
			0h CONNECTED ok=never try=never =>
			168h CONNECTED =>
			192h CONNECTED =>
			216h CONNECTED =>
			217h CONNECTED => S4 ticket`},
		{name: "S16: the success's age runs on", looks: `
			0h CONNECTED ok=-1h try=-1h =>
			168h CONNECTED => S4 ticket`},
		{name: "S5: the same job 20 h later, a success yesterday", looks: `
			0h CONNECTED ok=-20h try=-1h busy =>
			19h59m CONNECTED busy =>
			20h CONNECTED busy => S5 ticket
			24h CONNECTED =>`},
		{name: "S5: another job each night", looks: `
			0h CONNECTED ok=-20h try=-1h busy =>
			20h CONNECTED try=19h busy =>`},
		{name: "S5: not busy in between", looks: `
			0h CONNECTED ok=-10h try=-1h busy =>
			12h CONNECTED =>
			24h CONNECTED busy =>`},
		{name: "S5: said only on the third look", looks: `
			0h CONNECTED ok=-10h try=-1h busy =>
			20h CONNECTED unsaid =>
			21h CONNECTED busy => S5 ticket`},
		{name: "S5: a disabled user's job is another one", looks: `
			0h CONNECTED ok=-1h try=-1h busy =>
			10h CONNECTED busy off => S11 notice
			20h CONNECTED busy =>`},
		{name: "S5 before S3 and S4", looks: `
			0h CONNECTED ok=-60h try=-70h busy => S4 ticket
			24h CONNECTED busy => S5 ticket
			48h CONNECTED ok=-60h try=40h busy => S3 ticket`},
		{name: "S9 before S5: busy by design, then EXPIRED", looks: `
			0h CHALLENGED ok=-20h try=-1h busy => S9 notice
			24h CHALLENGED busy => S9 notice
			48h EXPIRED => S6 notice
			72h CONNECTED ok=71h try=71h => undone S6`},
		{name: "S6, S7, S8 from the first night, as one episode", looks: `
			0h REJECTED ok=-2h try=-1h => S6 notice
			1h EXPIRED => S6 notice
			2h DENIED => S7 notice
			3h PREVENTED => S7 notice
			4h IMPAIRED => S7 notice
			5h LOCKED => S8 notice
			6h IMPEDED => S8 notice
			7h CONNECTED =>
			8h CONNECTED ok=7h try=7h => undone S8`},
		{name: "S10: a day, then S4 after 48 h", looks: `
			0h DELAYED ok=-10h try=-10h =>
			24h DELAYED =>
			24h0m1s RESUMED => S10 review
			48h PENDING => S10 review
			48h0m1s UPDATED => S4 ticket`},
		{name: "S10: tried all the same", looks: `
			0h RECONNECTED ok=-60h try=-1h =>
			25h RECONNECTED try=24h => S10 review
			49h RECONNECTED try=48h => S3 ticket`},
		{name: "S10: a state that should pass is given its time", looks: `
			0h CREATED ok=-90h try=-90h busy =>
			24h CREATED busy =>
			48h CREATED busy => S10 review
			72h CREATED busy => S5 ticket`},
		{name: "S10: the run begins anew with another state", looks: `
			0h DELAYED ok=-10h try=-10h =>
			24h CONNECTED =>
			30h DELAYED =>
			54h DELAYED =>`},
		{name: "S14: review at 24 h, ticket at 48 h", looks: `
			0h FAILED ok=-10h try=-1h =>
			23h59m HALTED =>
			24h FAILED => S14 review
			47h59m FAILED => S14 review
			48h HALTED => S14 ticket`},
		{name: "S14: not for a week without looks", looks: `
			0h FAILED ok=-10h try=-1h =>
			168h FAILED =>
			192h FAILED => S14 review`},
		{name: "S11: the ends", looks: `
			0h IMPORTED ok=-10h try=-1h => S11 notice
			24h DISABLED => S11 notice
			48h DISCONTINUED => S11 notice
			72h CLOSED => S11 notice
			96h null => S11 notice`},
		{name: "S11: a disabled user for two nights, and time to begin again", looks: `
			0h CONNECTED ok=-20h try=-20h =>
			24h CONNECTED off => S11 notice
			48h CONNECTED off => S11 notice
			72h CONNECTED =>
			96h CONNECTED ok=95h try=95h => undone S11`},
		{name: "S11: enabled again, and still nothing", looks: `
			-24h CONNECTED ok=-26h try=-26h =>
			0h DEGRADED =>
			24h DEGRADED off => S11 notice
			48h DEGRADED off => S11 notice
			72h CONNECTED =>
			96h DEGRADED =>
			120h CONNECTED =>
			120h1s CONNECTED => S4 ticket`},
		{name: "S11: a disabled user's states do not last", looks: `
			0h DELAYED ok=-10h try=-10h =>
			24h DELAYED off => S11 notice
			48h DELAYED =>
			72h DELAYED =>
			72h1s DELAYED => S10 review`},
		{name: "S11: before S9", looks: `
			0h CHALLENGED ok=-20h try=-20h busy off => S11 notice`},
		{name: "S11: a manual member is silent only when nobody aggregates it", looks: `
			0h CONNECTED ok=-20h try=-20h manual =>
			24h CONNECTED ok=4h try=4h manual =>
			52h CONNECTED manual =>
			52h1s CONNECTED manual => S11 notice`},
		{name: "S11: a manual member that never was", looks: `
			0h CONNECTED ok=never try=never manual => S11 notice`},
		{name: "S13: SAA backwards begins all anew", looks: `
			0h CONNECTED ok=-60h try=-60h => S4 ticket
			24h CONNECTED ok=-90h try=20h => lapsed S4
			48h CONNECTED => S3 ticket`},
		{name: "S13: SAA null again, and first seen with it", looks: `
			0h CONNECTED ok=-20h try=-20h =>
			24h CONNECTED ok=never try=never =>
			48h CONNECTED =>
			72h CONNECTED =>
			73h CONNECTED => S4 ticket`},
		{name: "unknown status, beside nothing", looks: `
			0h QUARANTINED ok=-90h try=-90h => unknown_status review
			24h QUARANTINED ok=20h try=20h => unknown_status review
			48h BANISHED => undone unknown_status, unknown_status review
			72h CONNECTED ok=70h try=70h => undone unknown_status
			96h CONNECTED =>`},
		{name: "an unknown status leaves the episode as it is", looks: `
			0h EXPIRED ok=-90h try=-90h => S6 notice
			24h BANISHED => unknown_status review
			48h BANISHED ok=47h try=47h => undone S6, unknown_status review`},
		{name: "a new episode the same night", looks: `
			0h EXPIRED ok=-90h try=-90h => S6 notice
			24h LOCKED ok=10h try=20h => undone S6, S8 notice`},
		{name: "a time of the year 1601 is old, not new", looks: `
			0h CONNECTED ok=1601-01-01T00:00:00Z try=1601-01-01T00:00:00Z => S4 ticket`},
		{name: "a success in the future is no failure", looks: `
			0h CONNECTED ok=10m try=10m =>`},
		{name: "--stale-after 12h", after: 12 * time.Hour, looks: `
			0h CONNECTED ok=0h try=0h =>
			12h CONNECTED =>
			12h1s CONNECTED => S4 ticket
			13h DEGRADED ok=12h30m try=13h => undone S4
			24h DEGRADED =>
			25h DEGRADED =>
			25h0m1s DEGRADED => S2 ticket
			26h FAILED ok=25h30m try=26h => undone S2
			38h FAILED => S14 ticket
			39h DELAYED ok=38h30m try=39h => undone S14
			51h DELAYED =>
			51h1s DELAYED => S4 ticket`},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := c.after
			if after == 0 {
				after = 48 * time.Hour
			}
			looks, want := nights(t, c.looks)
			var h memberHistory
			for i, n := range looks {
				var found []Sighting
				h, found = h.stale("USR-1", "MBR-1", n, after)
				if got := says(found); got != want[i] {
					t.Errorf("look %d at %v, %s: got %q, want %q", i+1, n.ObservedAt, n.Status, got, want[i])
				}
			}
		})
	}
}
