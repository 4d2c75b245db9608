package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyport/atrium"
	"tallyport/export"
	"tallyport/reconcile"
	"tallyport/reconcile/report"
	"tallyport/schemas"
	"tallyport/sim"
	"tallyport/snapshot"
)

type client struct{ *atrium.Client }

func (c client) Requests() schemas.Requests { return schemas.Requests{Total: c.Stats().Requests} }

// take exports a world, and judges it.
func take(t *testing.T, w *sim.World, st snapshot.Store) *reconcile.Result {
	t.Helper()
	base := &url.URL{Scheme: "http", Host: "127.0.0.1:9"} // never dialled
	api, err := atrium.New(atrium.Atrium(base), atrium.Credentials{APIKey: atrium.NewSecret(sim.DefaultAPIKey), ClientID: atrium.NewSecret(sim.DefaultClientID)}, &atrium.Options{Transport: w.Transport(), PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	day := schemas.DateOf(w.Now())
	plan := snapshot.Plan{Source: "atrium", Host: base.Host, Client: snapshot.ClientHash(sim.DefaultClientID), Users: snapshot.AllUsers,
		Window: schemas.Window{From: day - 90, To: day + 5}, Scope: schemas.MemberScope, Institutions: export.InstitutionsReferenced, Format: snapshot.CSV} // Parquet decoders are shared, with a test in pretended time
	out, err := snapshot.Begin(t.Context(), st, snapshot.IDOf(w.Now()), plan, w.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, err = export.Run(t.Context(), client{api}, out, nil)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	res, err := reconcile.Run(t.Context(), st, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// secrets are what nobody outside may read of a world: who its users are, what
// their accounts are called and hold.
func secrets(w *sim.World) (all []string) {
	amounts := map[string]bool{}
	note := func(r sim.Record, fields ...string) {
		for _, f := range fields {
			v := r.Text(f)
			if v == "" {
				v, _ = r.Get(f)
			}
			if len(v) >= 5 && !amounts[v] && !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
	}
	tr := w.Truth()
	for u := range tr.Users() {
		for m := range tr.Members(u.Text("guid")) {
			for row := range tr.Transactions(u.Text("guid"), m.Text("guid"), w.Now().AddDate(0, 0, -90), w.Now().AddDate(0, 0, 5)) {
				v, _ := row.Get("amount")
				amounts[v] = true
			}
		}
	}
	for u := range tr.Users() {
		note(u, "identifier")
		for m := range tr.Members(u.Text("guid")) {
			note(m, "identifier")
			for a := range tr.Accounts(u.Text("guid"), m.Text("guid")) {
				note(a, "account_number", "balance", "available_balance")
			}
			for o := range tr.Owners(u.Text("guid"), m.Text("guid")) {
				note(o, "owner_name", "email", "address", "phone")
			}
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "null" })
}

// Tickets of a whole world tell nobody's name and no balance; a ticket alone is
// what it is among the others.
func TestTicketsOfWorld(t *testing.T) {
	if testing.Short() {
		t.Skip("twelve nights of a world, three minutes with the race detector; without it they are always lived through")
	}
	calm := sim.Calm()
	w := sim.New(sim.Config{Seed: 1, Users: 150, Transactions: 60, Weather: &calm, Start: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)})
	st, err := snapshot.CreateDir(filepath.Join(t.TempDir(), "s"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var res *reconcile.Result
	for night := range 12 {
		if night == 7 {
			w.Inject("outage", 1)
			w.Inject("Z1", 6)
			w.Inject("N1", 4)
		}
		res = take(t, w, st)
		if night < 11 {
			w.Advance(24 * time.Hour)
		}
	}
	r, err := report.New(t.Context(), st, res)
	if err != nil {
		t.Fatal(err)
	}
	files, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	found, err := res.Files(false)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[reconcile.Kind]bool{}
	for _, f := range res.Findings {
		if f.TicketID != "" {
			kinds[f.Kind] = true
		}
	}
	for _, k := range []reconcile.Kind{"missing_transaction", "stale_member", "institution_outage"} {
		if !kinds[k] {
			t.Errorf("no ticket is about a %s", k)
		}
	}
	private := secrets(w)
	if len(private) < 500 {
		t.Fatalf("only %d secrets", len(private))
	}
	files["findings.jsonl"] = found["findings.jsonl"]
	tickets := 0
	for name, data := range files {
		if !strings.HasPrefix(name, "tickets/") && name != "findings.jsonl" {
			continue
		}
		tickets++
		for _, s := range private {
			if bytes.Contains(data, []byte(s)) {
				t.Errorf("%s tells %q", name, s)
			}
		}
	}
	for _, ticket := range r.Tickets {
		if !ticket.State.Raised() {
			continue
		}
		some, err := report.Some(t.Context(), st, res, ticket.ID)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := some.Ticket(ticket.ID).JSON()
		if err != nil || !bytes.Equal(alone, files["tickets/"+ticket.ID+".json"]) {
			t.Errorf("%s alone is\n%s\nand among others\n%s", ticket.ID, alone, files["tickets/"+ticket.ID+".json"])
		}
		var form struct {
			Members []struct {
				User string `json:"user_guid"`
			}
			History  []report.Span `json:"status_history"`
			Accounts []string      `json:"account_guids"`
		}
		if err := json.Unmarshal(alone, &form); err != nil || len(form.Members) == 0 || len(form.Members) == 1 && len(form.History) == 0 {
			t.Errorf("%s: %v, %d members, %d nights", ticket.ID, err, len(form.Members), len(form.History))
		}
		succeeded := len(form.History) > 0 && form.History[len(form.History)-1].Succeeded != nil // before that there is no account
		if ticket.Issue == reconcile.FailedUpdate && len(form.Accounts) == 0 && succeeded {
			t.Errorf("%s names no account: %s", ticket.ID, alone)
		}
	}
	if tickets < 30 {
		t.Errorf("only %d files", tickets)
	}
}
