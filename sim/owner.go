package sim

import "strconv"

// owner is one row of account_owners: a person on one account.
type owner struct {
	acc *account
	n   uint8
	key uint64
	id  guid
}

// owners returns the owners of a member's accounts: none where the institution
// volunteers none, several for joint accounts (mx-api.md §1.5).
func (v view) owners(m *member) []owner {
	if hash(m.key, saltOwner)%10 < 4 && !m.inst.supports[identification] {
		return nil
	}
	accounts := v.accounts(m)
	all := make([]owner, 0, len(accounts))
	for i := range accounts {
		a := &accounts[i]
		switch a.kind.typ {
		case "CHECKING", "SAVINGS", "CREDIT_CARD", "MORTGAGE", "LOAN", "INVESTMENT":
		default:
			continue
		}
		n := 1
		if hash(a.key, saltOwner)%5 == 0 {
			n = 2
		}
		for j := range n {
			o := owner{acc: a, n: uint8(j), key: hash(hash(m.user.key, saltOwner), uint64(j))}
			o.id = v.w.guid(prefixOwner, address{user: m.user.i, member: m.ord, born: m.born, account: a.ord, variant: uint8(j), issue: a.issue})
			all = append(all, o)
		}
	}
	return all
}

// listOwners has no pages unless Config.PagedOwners says so (mx-api.md §1.3).
func (q *request) listOwners() int {
	if q.ids[idUser] == "test_atrium" && q.ids[idMember] == "test_atrium_member" {
		q.e.b = append(q.e.b, testOwners...)
		q.rows = 2
		return 200
	}
	m, status := q.member()
	if status != 200 {
		return status
	}
	all := q.v.owners(m)
	rows := func(lo, hi int) {
		q.each(lo, hi, func(i int) { q.v.renderOwner(&q.e, &all[i]) })
	}
	if q.w.cfg.PagedOwners {
		return q.list(listing{plural: "account_owners", n: len(all), rows: rows})
	}
	if q.emptied {
		all = nil
	}
	q.e.b = append(q.e.b, `{"account_owners":[`...)
	rows(0, len(all))
	q.e.b = append(q.e.b, ']', '}')
	q.rows = len(all)
	return 200
}

// renderOwner writes the owner: the union of what MX's clients know
// (mx-api.md §1.5), with the keys missing that only some of them have.
func (v view) renderOwner(e *encoder, o *owner) {
	m := o.acc.m
	h := o.key
	d := m.inst.dialect
	at := &places[hash(m.user.key, 6)%uint64(len(places))]
	given := givenNames[h%uint64(len(givenNames))]
	family := familyNames[hash(m.user.key, 5)%uint64(len(familyNames))]
	email := "person" + strconv.Itoa(int(m.user.i)) + "+" + strconv.Itoa(int(o.n)) + "@mail.example"
	street := strconv.Itoa(10+int(h>>8%990)) + " " + streets[h>>20%uint64(len(streets))]
	canada := at.state == "QC"
	state, country := at.state, either(canada, "CA", "US")
	if d&1 == 0 {
		state, country = at.stateName, either(canada, "Canada", "United States")
	}
	unless := func(blank bool, s string) string { return either(blank, "", s) }
	sparse := hash(h, uint64(o.acc.ord))
	e.ascii = d&2 == 0
	e.begin()
	e.guid("account_guid", &o.acc.id)
	e.strOrNull("address", unless(sparse%12 == 0, street))
	e.strOrNull("city", unless(sparse>>4%12 == 0, at.city))
	e.strOrNull("country", unless(sparse>>8%4 == 0, country))
	e.strOrNull("email", unless(sparse>>12%3 == 0, email))
	if d>>2%3 != 0 {
		e.strOrNull("first_name", unless(d>>2%3 == 1, given)) // null unless names are split
	}
	e.guid("guid", &o.id)
	if d>>2%3 != 0 {
		e.strOrNull("last_name", unless(d>>2%3 == 1, family))
	}
	e.guid("member_guid", &m.id)
	e.strOrNull("owner_name", unless(sparse>>16%20 == 0, given+" "+family))
	if d>>6%4 != 0 {
		e.strOrNull("phone", unless(sparse>>20%4 == 0, "+1 (801) 555-01"+strconv.Itoa(10+int(h>>30%90))))
	}
	e.strOrNull("postal_code", unless(sparse>>24%12 == 0, at.postal))
	e.strOrNull("state", unless(sparse>>28%12 == 0, state))
	e.guid("user_guid", &m.user.id)
	e.end()
}

// testOwners is what the documented test path returns: static, whatever the
// world (mx-api.md §1.9).
const testOwners = `{"account_owners":[` +
	`{"account_guid":"ACT-00000000-0000-0000-0000-00000000a001","address":"2211 Sample Loop","city":"Lehi","country":"US",` +
	`"email":"first.owner@mail.example","first_name":null,"guid":"ACO-00000000-0000-0000-0000-00000000b001","last_name":null,` +
	`"member_guid":"MBR-00000000-0000-0000-0000-00000000c001","owner_name":"First Owner","phone":"+18015550101",` +
	`"postal_code":"84043","state":"UT","user_guid":"USR-00000000-0000-0000-0000-00000000d001"},` +
	`{"account_guid":"ACT-00000000-0000-0000-0000-00000000a001","address":null,"city":null,"country":null,` +
	`"email":null,"guid":"ACO-00000000-0000-0000-0000-00000000b002",` +
	`"member_guid":"MBR-00000000-0000-0000-0000-00000000c001","owner_name":"Second Owner",` +
	`"postal_code":null,"state":null,"user_guid":"USR-00000000-0000-0000-0000-00000000d001"}]}`
