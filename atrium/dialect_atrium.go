package atrium

import (
	"net/http"
	"net/url"

	"tallyport/schemas"
)

// Hosts of Atrium (mx-api.md §1.1).
const (
	AtriumProduction  = "https://atrium.mx.com"
	AtriumDevelopment = "https://vestibule.mx.com"
)

// Atrium is the dialect of the Atrium API (mx-api.md, part 1), served at base.
func Atrium(base *url.URL) Dialect {
	d := Dialect{
		base:   base,
		accept: "application/vnd.mx.atrium.v1+json",
		authorize: func(h http.Header, c Credentials) {
			h.Set("MX-API-Key", c.APIKey.text())
			h.Set("MX-Client-ID", c.ClientID.text())
		},
		list:    atriumList,
		record:  atriumRecord,
		layouts: map[schemas.Resource]*layout{},
		// The range is not documented for Atrium; its siblings take up to 1000, and
		// answer a size that they do not take with pages of 25 (§1.3).
		probes: []int{1000, 100},
	}
	for r, t := range map[schemas.Resource]*schemas.Table{
		schemas.UsersResource:         schemas.Users,
		schemas.MembersResource:       schemas.Members,
		schemas.MemberStatusResource:  schemas.Members, // the fields that it has are a member's
		schemas.AccountsResource:      schemas.Accounts,
		schemas.TransactionsResource:  schemas.Transactions,
		schemas.AccountOwnersResource: schemas.AccountOwners,
		schemas.InstitutionsResource:  schemas.Institutions,
	} {
		d.layouts[r] = newLayout(t, nil)
	}
	return d
}

// testUser is the user of MX's static test paths (§1.9), whose records carry
// guids of their own.
const testUser = "test_atrium"

// atriumList is the endpoint of a list (§1.4). A resource that has no list of
// its own yields an endpoint without key.
func atriumList(l schemas.List) endpoint {
	e := endpoint{resource: l.Resource, key: string(l.Resource), op: "list " + string(l.Resource), lenient: l.User == testUser}
	var r route
	switch l.Resource {
	case schemas.UsersResource:
		e.root, r = true, r.at("users")
	case schemas.InstitutionsResource:
		r = r.at("institutions")
	case schemas.MembersResource:
		r = r.user(l.User).at("members")
	case schemas.AccountsResource:
		if r = r.user(l.User); l.Member != "" {
			r = r.member(l.Member)
			e.kind = "member"
		}
		r = r.at("accounts")
	case schemas.TransactionsResource:
		e.windowed = true
		switch r = r.user(l.User); {
		case l.Account != "":
			r = r.account(l.Account)
			e.kind = "account"
		case l.Member != "":
			r = r.member(l.Member)
			e.kind = "member"
		}
		r = r.at("transactions")
	case schemas.AccountOwnersResource:
		e.unpaged = true
		e.op = "list account owners"
		r = r.user(l.User).member(l.Member).at("account_owners")
	default:
		e.key = ""
	}
	e.kind += " " + e.key
	e.route = r
	return e
}

// atriumRecord is the endpoint of one record (§1.4).
func atriumRecord(l schemas.List, id string) endpoint {
	e := endpoint{resource: l.Resource, lenient: l.User == testUser}
	var r route
	switch l.Resource {
	case schemas.UsersResource:
		e.key, r = "user", r.user(schemas.UserID(id))
	case schemas.MembersResource:
		e.key, r = "member", r.user(l.User).member(schemas.MemberID(id))
	case schemas.MemberStatusResource:
		e.key, r = "member", r.user(l.User).member(schemas.MemberID(id)).at("status")
	case schemas.AccountsResource:
		e.key, r = "account", r.user(l.User).account(schemas.AccountID(id))
	case schemas.TransactionsResource:
		e.key, r = "transaction", r.user(l.User).at("transactions").id("guid", id, schemas.ValidID(id))
	case schemas.InstitutionsResource:
		e.key, r = "institution", r.at("institutions").id("code", id, schemas.ValidCode(schemas.InstitutionCode(id)))
	}
	e.op = "read " + e.key
	if l.Resource == schemas.MemberStatusResource {
		e.op = "read member status"
	}
	e.route = r
	return e
}
