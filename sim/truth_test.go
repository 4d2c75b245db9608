package sim

import (
	"testing"
	"time"
)

// Every list of a calm world, walked by hand, is what Truth says, record by
// record and literal by literal. Truth counts nothing and knows no pages.
func TestCalmListsAreTrue(t *testing.T) {
	for _, c := range []Config{
		{Seed: 1, Users: 30, Transactions: 20},
		{Seed: 2, Users: 9, Transactions: 50, Accounts: 4, Members: 3, Unfit: 0.05, PagedOwners: true},
		{Seed: 3, Users: 8, Transactions: 3, MaxPageSize: 100, Giant: 2000},
	} {
		w := calmWorld(t, c)
		w.Advance(36 * time.Hour)
		tr := w.Truth()
		from, to := days(w)
		sameRecords(t, "users", "guid", walk(t, w, "/users", 10), tr.Users())
		sameRecords(t, "institutions", "code", walk(t, w, "/institutions", 25), tr.Institutions())
		rows := 0
		for u := range tr.Users() {
			user := u.Text("guid")
			if tr.State(user).Disabled {
				if resp, _ := get(t, w, "/users/"+user+"/members"); resp.StatusCode != 403 {
					t.Errorf("members of a disabled user: %s", resp.Status)
				}
				continue
			}
			base := "/users/" + user
			sameRecords(t, "members", "guid", walk(t, w, base+"/members", 25), tr.Members(user))
			ofUser, accountsOfUser := 0, 0
			for m := range tr.Members(user) {
				member := m.Text("guid")
				accountsOfUser += sameRecords(t, "accounts", "guid", walk(t, w, base+"/members/"+member+"/accounts", 25), tr.Accounts(user, member))
				sameRecords(t, "owners", "guid", walk(t, w, base+"/members/"+member+"/account_owners", 25), tr.Owners(user, member))
				n := sameRecords(t, "transactions of member", "guid", walk(t, w, base+"/members/"+member+"/transactions", 50), tr.Transactions(user, member, from, to))
				ofUser += n
				ofAccounts := 0
				for a := range tr.Accounts(user, member) {
					ofAccounts += getPage(t, w, base+"/accounts/"+a.Text("guid")+"/transactions").Pagination.TotalEntries
				}
				if ofAccounts != n {
					t.Errorf("member %s has %d transactions, its accounts have %d", member, n, ofAccounts)
				}
			}
			if n := len(walk(t, w, base+"/transactions", 100)); n != ofUser {
				t.Errorf("user %s has %d transactions, its members have %d", user, n, ofUser)
			}
			if n := len(walk(t, w, base+"/accounts", 25)); n != accountsOfUser {
				t.Errorf("user %s has %d accounts, its members have %d", user, n, accountsOfUser)
			}
			rows += ofUser
		}
		t.Logf("%d rows", rows)
		if rows == 0 {
			t.Error("no rows at all")
		}
	}
}

// Reading one record shows what the list shows.
func TestSingleReadsAreTrue(t *testing.T) {
	w := calmWorld(t, Config{Seed: 4, Users: 20, Transactions: 25})
	from, to := days(w)
	tr := w.Truth()
	n := 0
	foreign := 0
	one := func(path, envelope string, want Record) {
		t.Helper()
		n++
		resp, body := get(t, w, path)
		if resp.StatusCode != 200 {
			t.Errorf("GET %s: %s", path, resp.Status)
			return
		}
		if lit, _ := want.Get("guid"); want.Fields[0].Name == "guid" && lit == "" {
			t.Errorf("%s has no guid", path)
		}
		got := `{"` + envelope + `":{`
		for i, f := range want.Fields {
			if i > 0 {
				got += ","
			}
			got += `"` + f.Name + `":` + f.Literal
		}
		if got += "}}"; got != string(body) {
			t.Errorf("GET %s\ngot  %s\nwant %s", path, body, got)
		}
	}
	for u := range tr.Users() {
		user := u.Text("guid")
		one("/users/"+user, "user", u)
		if tr.State(user).Disabled {
			continue
		}
		stranger := ""
		for m := range tr.Members(user) {
			member := m.Text("guid")
			base := "/users/" + user + "/members/" + member
			one(base, "member", m)
			if stranger != "" {
				foreign++
				if resp, _ := get(t, w, base+"/accounts/"+stranger); resp.StatusCode != 404 {
					t.Errorf("another member's account below %s: %s", base, resp.Status)
				}
			}
			if s, ok := tr.Status(user, member); ok {
				one(base+"/status", "member", s)
			}
			for a := range tr.Accounts(user, member) {
				one(base+"/accounts/"+a.Text("guid"), "account", a)
				one("/users/"+user+"/accounts/"+a.Text("guid"), "account", a)
				stranger = a.Text("guid")
			}
			for x := range tr.Transactions(user, member, from, to) {
				one("/users/"+user+"/transactions/"+x.Text("guid"), "transaction", x)
			}
		}
	}
	for in := range tr.Institutions() {
		one("/institutions/"+in.Text("code"), "institution", in)
	}
	t.Logf("%d records, %d accounts of other members", n, foreign)
	if foreign == 0 {
		t.Error("no user has two members")
	}
}

// The truth of an earlier night stays what it was, whatever happens later.
func TestTruthOfAnEarlierNight(t *testing.T) {
	stormy := Weather{Vanishing: 0.2, Aggregating: 0.3}
	w := New(Config{Seed: 8, Users: 40, Transactions: 20, Weather: &stormy})
	visit := func() {
		everyMember(w.Truth(), func(user string, m Record) {
			for range 6 {
				get(t, w, "/users/"+user+"/members/"+m.Text("guid")+"/status")
			}
		})
	}
	snapshot := func(tr Truth) map[string]string {
		all := map[string]string{}
		from, to := tr.At().AddDate(0, 0, -90), tr.At()
		for u := range tr.Users() {
			all[u.Text("guid")] = "user"
		}
		everyMember(tr, func(user string, m Record) {
			for _, f := range []string{"connection_status", "status", "aggregated_at", "successfully_aggregated_at", "is_being_aggregated"} {
				lit, _ := m.Get(f)
				all[m.Text("guid")] += lit + " "
			}
			for x := range tr.Transactions(user, m.Text("guid"), from, to) {
				all[x.Text("guid")] = x.Text("status") + x.Text("date")
			}
		})
		return all
	}
	visit()
	before := snapshot(w.Truth())
	at := w.Now()
	for range 3 {
		w.Advance(24 * time.Hour)
		visit()
	}
	again := snapshot(w.TruthAt(at))
	if len(before) != len(again) {
		t.Errorf("%d records then, %d in hindsight", len(before), len(again))
	}
	for k, v := range before {
		if again[k] != v {
			t.Errorf("%s was %q, in hindsight %q", k, v, again[k])
		}
	}
	if now := snapshot(w.Truth()); len(now) == len(before) {
		t.Log("the same number of records today, by chance")
	}
	nights := w.Nights()
	if len(nights) != 4 || !nights[0].At.Equal(at) || nights[0].Served.Total == 0 {
		t.Errorf("nights: %d, first at %s with %d requests", len(nights), nights[0].At, nights[0].Served.Total)
	}
}
