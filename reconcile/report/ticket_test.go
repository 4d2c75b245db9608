package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyport/reconcile"
	"tallyport/schemas"
	"tallyport/snapshot"
)

// sightings are a finding and on which of the nights it is claimed what.
type sightings struct {
	finding reconcile.Finding
	claims  []reconcile.Claim // by night, "" for none
}

const (
	suspected = reconcile.Suspected
	confirmed = reconcile.Confirmed
	undone    = reconcile.Undone
)

func nightID(i int) snapshot.ID { return snapshot.IDOf(nightAt(i)) }

func nightAt(i int) time.Time { return time.Date(2026, 11, 16+i, 2, 0, 0, 0, time.UTC) }

func stamp(i int) *schemas.Timestamp {
	t := schemas.TimestampOf(nightAt(i).Add(-time.Hour))
	return &t
}

// status of a member in a night of which the last success was in another.
func status(s string, tried, succeeded int) reconcile.MemberNight {
	n := reconcile.MemberNight{Listed: true, Complete: true, Status: s, AggregatedAt: stamp(tried)}
	if succeeded >= 0 {
		n.Succeeded = stamp(succeeded)
	}
	return n
}

// world is a report of five nights, of findings and members as they are given.
func world(t *testing.T, members map[string][]reconcile.MemberNight, all []sightings, decisions ...reconcile.Decision) *Report {
	t.Helper()
	l := reconcile.NewLedger(nil)
	var found []reconcile.Finding
	past := &reconcile.Past{Members: map[string]*reconcile.MemberPast{}, Institutions: map[string]*reconcile.InstitutionPast{
		"first": {Code: "first", Name: "First | National *Bank*", URL: "https://first.example"},
	}}
	for i := range 5 {
		at := nightAt(i).Add(7 * time.Minute)
		past.Nights = append(past.Nights, reconcile.PastNight{Snapshot: nightID(i), ObservedAt: schemas.TimestampOf(at)})
		var tonight []reconcile.Sighting
		for _, s := range all {
			if i < len(s.claims) && s.claims[i] != "" {
				tonight = append(tonight, reconcile.Sighting{Finding: s.finding, Claim: s.claims[i]})
			}
		}
		found = l.Apply(nightID(i), at, tonight)
		for _, d := range decisions {
			if d.At.After(nightAt(i)) && d.At.Before(nightAt(i+1)) {
				if err := l.Decide(d); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for guid, nights := range members {
		past.Members[guid] = &reconcile.MemberPast{User: "USR-" + guid[4:], Member: guid, Institution: "first", Nights: nights, Accounts: []string{"ACT-1", "ACT-2"}}
	}
	return &Report{Summary: reconcile.Summary{Snapshot: nightID(4)}, Findings: found, Tickets: Tickets(found), Past: past, ledger: l, host: "atrium.mx.com"}
}

// findingOn is a finding about member 1 of the institution.
func findingOn(id string, kind reconcile.Kind, code reconcile.Code, issue reconcile.IssueType) reconcile.Finding {
	return reconcile.Finding{ID: id, Kind: kind, Code: code, Verdict: reconcile.Ticket, IssueType: issue, User: "USR-1", Member: "MBR-1", Institution: "first", Evidence: map[string]any{}, MissingInputs: reconcile.MissingInputsFor(issue)}
}

func lost(id string) reconcile.Finding {
	f := findingOn(id, "missing_transaction", "Z1", reconcile.FailedUpdate)
	f.Account, f.Transaction, f.Date, f.Amount, f.Type, f.Payee = "ACT-1", "TRN-1", "2026-11-12", "12.50", "DEBIT", "Corner Cafe"
	f.LastGood = "20261115T020000Z"
	f.Evidence = map[string]any{"probe": "gone", "probe_status": 404, "successfully_aggregated_at_without_it": []string{stamp(0).String(), stamp(1).String()}}
	f.MissingInputs = reconcile.MissingInputsOf(&f)
	return f
}

// still is a member that does not succeed any more after the first night.
func still(now string) map[string][]reconcile.MemberNight {
	return map[string][]reconcile.MemberNight{"MBR-1": {status("CONNECTED", 0, 0), status(now, 1, 0), status(now, 1, 0), {Listed: true, Reason: "timeout", Status: now, AggregatedAt: stamp(1), Succeeded: stamp(0)}, status(now, 4, 0)}}
}

func fine() map[string][]reconcile.MemberNight {
	return map[string][]reconcile.MemberNight{"MBR-1": {status("CONNECTED", 0, 0), status("CONNECTED", 1, 1), status("CONNECTED", 2, 2), status("CONNECTED", 3, 3), status("CONNECTED", 4, 4)}}
}

func requested(finding string) reconcile.Decision {
	return reconcile.Decision{At: nightAt(3).Add(9 * time.Hour), Who: "ann", Action: reconcile.Request, Finding: finding, Reason: "Mr Miller of 5 Elm St called"}
}

func always() []reconcile.Claim {
	return []reconcile.Claim{"", confirmed, confirmed, confirmed, confirmed}
}

// cases are a ticket of each issue type.
func cases(t *testing.T) map[string]*Report {
	action := func(code reconcile.Code, issue reconcile.IssueType) []sightings {
		f := findingOn("F-1", "member_action", code, issue)
		f.Verdict = reconcile.Notice
		return []sightings{{f, always()}}
	}
	down := findingOn("F-1", "stale_member", "S2", reconcile.Aggregation)
	down.Evidence = map[string]any{"status_since": map[string]any{"not_before": stamp(0).String(), "not_after": stamp(1).String()}, "tried_since_success": true,
		"action": "Nothing is asked of the user; send MX support the member's guid and keep the member."}
	stale := findingOn("F-2", "stale_member", "S4", reconcile.FailedUpdate)
	const aggregate = "Aggregate the member once while the user is present; MX suspends the nightly job after repeated failures."
	stale.Evidence = map[string]any{"tried_since_success": true, "action": aggregate}
	stopped := map[string][]reconcile.MemberNight{"MBR-1": {status("CONNECTED", 0, 0)}}
	for range 4 {
		stopped["MBR-1"] = append(stopped["MBR-1"], status("CONNECTED", 1, 0))
	}
	waits := findingOn("F-2", "stuck_member", "S10", reconcile.FailedUpdate)
	waits.Evidence = map[string]any{"tried_since_success": false, "successfully_aggregated_at": nil,
		"action": "The user must finish the institution's OAuth page; MX may delete a member that waits too long."}
	pending := map[string][]reconcile.MemberNight{"MBR-1": {}}
	for range 5 {
		pending["MBR-1"] = append(pending["MBR-1"], reconcile.MemberNight{Listed: true, Complete: true, Status: "PENDING"})
	}
	second := lost("F-4")
	second.Transaction, second.Date, second.Payee = "TRN-2", "2026-11-13", "Book*Shop"
	never := findingOn("F-5", "never_seen_transaction", "N1", reconcile.FailedUpdate)
	never.Account, never.Date, never.Amount, never.Type = "ACT-2", "2026-11-17", "80.00", "CREDIT"
	never.Evidence = map[string]any{"step_at": stamp(1).String(), "drift_moved_by": "80.00"}
	never.MissingInputs = reconcile.MissingInputsOf(&never)
	overdue := findingOn("F-6", "overdue_series", "N2", reconcile.FailedUpdate)
	overdue.Account, overdue.Date, overdue.Amount, overdue.Type, overdue.Payee = "ACT-2", "2026-11-15", "900.00", "DEBIT", "Rent"
	overdue.Evidence = map[string]any{"due": "2026-11-15", "last_came": "2026-10-15", "times": 6, "every_days": 31}
	overdue.MissingInputs = reconcile.MissingInputsOf(&overdue)
	out := findingOn("F-7", "institution_outage", "S15", reconcile.Aggregation)
	out.User, out.Member = "", ""
	out.Evidence = map[string]any{"onset": stamp(0).String(), "members_stale": 3, "members_total": 8, "members": []string{"MBR-1", "MBR-2", "MBR-3"},
		"action": "Nothing is asked of the users; send MX support one ticket for the institution."}
	child := findingOn("F-8", "stale_member", "S2", reconcile.Aggregation)
	child.Evidence = map[string]any{"outage": "F-7", "action": aggregate}
	child2 := child
	child2.ID, child2.User, child2.Member = "F-9", "USR-2", "MBR-2"
	many := still("DEGRADED")
	many["MBR-2"] = many["MBR-1"]
	submitted := []reconcile.Decision{{At: nightAt(2).Add(time.Hour), Who: "ann", Action: reconcile.Submit, Finding: "F-3", Ref: "ZD-123"}}
	early := down
	early.Evidence = map[string]any{"status_since": map[string]any{"not_before": stamp(3).String(), "not_after": stamp(4).String()}, "tried_since_success": true}
	late := map[string][]reconcile.MemberNight{"MBR-1": {{}, status("CONNECTED", 1, 1), status("CONNECTED", 2, 2), status("CONNECTED", 3, 3), status("DEGRADED", 4, 3)}}
	return map[string]*Report{
		"stuck":         world(t, pending, []sightings{{waits, always()}}),
		"early":         world(t, late, []sightings{{early, []reconcile.Claim{"", "", "", "", confirmed}}}),
		"mfa":           world(t, still("EXPIRED"), action("S6", reconcile.MFA), requested("F-1")),
		"credentials":   world(t, still("DENIED"), action("S7", reconcile.BadLogin), requested("F-1")),
		"fi_website":    world(t, still("LOCKED"), action("S8", reconcile.FIWebsite), requested("F-1")),
		"aggregation":   world(t, still("DEGRADED"), []sightings{{down, always()}}),
		"stale":         world(t, stopped, []sightings{{stale, always()}}),
		"failed_update": world(t, fine(), []sightings{{lost("F-3"), []reconcile.Claim{suspected, confirmed, confirmed, confirmed, confirmed}}, {second, always()}}, submitted...),
		"never_seen":    world(t, fine(), []sightings{{never, always()}, {overdue, always()}}),
		"outage":        world(t, many, []sightings{{out, always()}, {child, always()}, {child2, always()}}),
		"closed":        world(t, fine(), []sightings{{lost("F-3"), []reconcile.Claim{confirmed, "", "", "", undone}}}),
	}
}

// A ticket of each issue type is as the golden files have it.
func TestTicketFiles(t *testing.T) {
	for name, r := range cases(t) {
		t.Run(name, func(t *testing.T) {
			if name != "closed" && name != "fi_website" && len(r.Tickets) != 1 {
				t.Fatalf("%d tickets", len(r.Tickets))
			}
			out := map[string][]byte{}
			if err := r.ticketFiles(out); err != nil {
				t.Fatal(err)
			}
			if len(out) != 3 {
				t.Fatalf("%d files", len(out))
			}
			for file, got := range out {
				golden := filepath.Join("testdata", "ticket", name+filepath.Ext(file))
				if *update {
					if err := os.MkdirAll(filepath.Dir(golden), 0o750); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(golden, got, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s is\n%s\nwant\n%s", golden, got, want)
				}
			}
		})
	}
}

// What was put aside is not sent, and needs no file once it is all of a ticket.
func TestTicketWithoutWhatIsPutAside(t *testing.T) {
	second := lost("F-4")
	second.Transaction = "TRN-2"
	aside := func(id string) reconcile.Decision {
		return reconcile.Decision{At: nightAt(2).Add(time.Hour), Who: "ann", Action: reconcile.Suppress, Finding: id, Reason: "known"}
	}
	r := world(t, fine(), []sightings{{lost("F-3"), always()}, {second, always()}}, aside("F-4"))
	if got := r.Ticket(r.Tickets[0].ID).FindingIDs; !slices.Equal(got, []string{"F-3"}) {
		t.Errorf("the ticket tells of %v", got)
	}
	r = world(t, fine(), []sightings{{lost("F-3"), always()}}, aside("F-3"))
	out := map[string][]byte{}
	if err := r.ticketFiles(out); err != nil || len(out) > 0 || len(r.Tickets) != 1 {
		t.Errorf("%d files of %d tickets, %v", len(out), len(r.Tickets), err)
	}
	if r.Ticket("T-none") != nil {
		t.Error("there is a ticket of any id")
	}
}

// A report of an older night does not know what was decided later; a live one
// does.
func TestTicketAsOfItsNight(t *testing.T) {
	r := world(t, fine(), []sightings{{lost("F-3"), always()}},
		reconcile.Decision{At: nightAt(2).Add(time.Hour), Who: "ann", Action: reconcile.Submit, Finding: "F-3", Ref: "ZD-1"})
	id := r.Tickets[0].ID
	sent := func() bool { return bytes.Contains(r.Ticket(id).Markdown(), []byte("ZD-1")) }
	if !sent() {
		t.Error("the ticket does not say that it was sent")
	}
	r.Summary.Snapshot = nightID(2)
	if sent() {
		t.Error("the night knows what was decided after it")
	}
	r.live = true
	if !sent() {
		t.Error("a live report does not say that it was sent")
	}
}

// A request goes to the host that the store is bound to: over TLS, but on this
// machine.
func TestCurl(t *testing.T) {
	for host, want := range map[string]string{
		"atrium.mx.com": "https://atrium.mx.com/users", "vestibule.mx.com": "https://vestibule.mx.com/users", "127.0.0.1:8080": "http://127.0.0.1:8080/users",
		"[::1]:80": "http://[::1]:80/users", "localhost": "http://localhost/users", "127.0.0.1.example": "https://127.0.0.1.example/users",
	} {
		if got := curl(host, "/users"); !strings.HasPrefix(got, "curl -i '"+want+"' ") {
			t.Errorf("to %s: %s", host, got)
		}
	}
}

// A ticket shows a few of its requests, and says of how many.
func TestTicketSaysHowManyRequests(t *testing.T) {
	for missing, want := range map[int]string{8: "", 9: "\n10 of 11 are", 21: "\n10 of 23 are"} {
		var all []sightings
		for i := range missing {
			f := lost(fmt.Sprint("F-", i))
			if err := json.Unmarshal(fmt.Appendf(nil, `{"transaction_guid":"TRN-%d"}`, i), &f); err != nil {
				t.Fatal(err)
			}
			all = append(all, sightings{f, always()})
		}
		r := world(t, fine(), all)
		f := r.Ticket(r.Tickets[0].ID)
		md := string(f.Markdown())
		if len(f.Requests) != mostRequests || f.RequestsInAll != missing+2 || !strings.Contains(md, want) || want == "" && strings.Contains(md, " of 10 are") {
			t.Errorf("%d missing rows: %d of %d requests, want %q in\n%s", missing, len(f.Requests), f.RequestsInAll, want, md)
		}
	}
}
