package reconcile

import (
	"math/bits"
	"strings"

	"tallyport/schemas"
)

// txn is what reconciliation needs of a transaction. It is also how the rows
// of a member that was not looked at are carried from night to night.
type txn struct {
	GUID    string            `json:"g"`
	Member  string            `json:"-"`
	Date    schemas.Date      `json:"d"`
	Amount  schemas.Money     `json:"a"` // unsigned, as served
	Flags   txnFlags          `json:"f"`
	Hash    int64             `json:"h"`
	Created schemas.Timestamp `json:"c,omitempty"`

	Payee    string `json:"p,omitempty"` // description, as MX cleaned it
	Feed     string `json:"o,omitempty"` // original_description
	Category string `json:"y,omitempty"`
	Currency string `json:"u,omitempty"`
	Merchant string `json:"m,omitempty"`
	Check    string `json:"k,omitempty"`
}

type txnFlags uint8

const (
	credit  txnFlags = 1 << iota // money into the account
	pending                      // not yet booked
	noSum                        // amount or type is null: it cannot be added up
	noDate
	abroad
)

func (t *txn) is(f txnFlags) bool { return t.Flags&f != 0 }

// signed is what the row does to the account: credits are positive.
func (t *txn) signed() schemas.Money {
	switch {
	case t.is(noSum):
		return 0
	case t.is(credit):
		return t.Amount
	}
	return -t.Amount
}

func (t *txn) direction() string {
	if t.is(credit) {
		return "CREDIT"
	}
	return "DEBIT"
}

func (t *txn) status() string {
	if t.is(pending) {
		return "PENDING"
	}
	return "POSTED"
}

// sameContent reports whether two rows say the same of the same thing: twins,
// but for their guids.
func (t *txn) sameContent(o *txn) bool {
	return t.Amount == o.Amount && t.Flags == o.Flags && t.Date == o.Date && t.Feed == o.Feed && t.Currency == o.Currency &&
		(t.Feed != "" || t.Payee == o.Payee)
}

// txnColumns are read of every row.
var txnColumns = []string{
	"guid", "account_guid", "member_guid", "user_guid", "amount", "type", "status", "date", "created_at", "description",
	"original_description", "category", "currency_code", "check_number_string", "merchant_guid", "is_international", "row_hash",
}

// txnReader turns cells into rows.
type txnReader struct {
	at   [17]int
	last [17]string // texts that often repeat
	buf  []byte
}

func newTxnReader() *txnReader {
	r := new(txnReader)
	for i, name := range txnColumns {
		r.at[i] = schemas.Transactions.Index(name)
	}
	return r
}

// again is the text of a cell, and no new copy of the one before.
func (r *txnReader) again(i int, vals []schemas.Value) string {
	if text := vals[r.at[i]].Text; string(text) != r.last[i] {
		r.last[i] = string(text)
	}
	return r.last[i]
}

// read takes a copy of what it needs of the cells.
func (r *txnReader) read(vals []schemas.Value) txn {
	cell := func(i int) *schemas.Value { return &vals[r.at[i]] }
	t := txn{
		Member: r.again(2, vals), Amount: schemas.Money(cell(4).Int), Date: schemas.Date(cell(7).Int),
		Created: schemas.Timestamp(cell(8).Int), Currency: r.again(12, vals), Hash: cell(16).Int,
	}
	texts := [...]*string{&t.GUID, &t.Payee, &t.Feed, &t.Category, &t.Check, &t.Merchant}
	from := [len(texts)]int{0, 9, 10, 11, 13, 14}
	r.buf = r.buf[:0]
	for _, i := range from {
		r.buf = append(r.buf, cell(i).Text...)
	}
	all := string(r.buf) // one copy of them together
	for k, i := range from {
		n := len(cell(i).Text)
		*texts[k], all = all[:n], all[n:]
	}
	switch typ := cell(5).Text; {
	case string(typ) == "CREDIT":
		t.Flags |= credit
	case string(typ) != "DEBIT":
		t.Flags |= noSum
	}
	if !cell(4).Set {
		t.Flags |= noSum
	}
	if string(cell(6).Text) == "PENDING" {
		t.Flags |= pending
	}
	if !cell(7).Set {
		t.Flags |= noDate
	}
	if cell(15).Int != 0 {
		t.Flags |= abroad
	}
	return t
}

// words are the words of the institution's text that name the payee: numbers,
// dates and what banks put before them say nothing of whom it is about. They
// are put into room.
func (t *txn) words(room []string) []string {
	text := t.Feed
	if text == "" {
		text = t.Payee
	}
	text = strings.ToUpper(text)
	fields, begin := room[:0], -1
	for i := range len(text) + 1 {
		switch in := i < len(text) && (text[i] >= 'A' && text[i] <= 'Z' || text[i] >= 0x80); {
		case in && begin < 0:
			begin = i
		case !in && begin >= 0:
			fields, begin = append(fields, text[begin:i]), -1
		}
	}
	kept := fields[:0]
	for _, w := range fields {
		switch w {
		case "PENDING", "POS", "DEBIT", "CREDIT", "CARD", "PURCHASE", "DEPOSIT", "AUTH", "HOLD", "PAYMENT", "ACH", "CHECK", "THE", "REFUND":
		default:
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 {
		return fields
	}
	return kept
}

// likeness compares two rows' payees, from 0 to 1000: the share of words that
// both have, or certainty where MX knows the merchant.
func likeness(a, b *txn) int {
	if a.Check != "" || b.Check != "" {
		if a.Check == b.Check {
			return 1000
		}
		if a.Check != "" && b.Check != "" {
			return 0
		}
	}
	if a.Merchant != "" && a.Merchant == b.Merchant || a.Feed != "" && a.Feed == b.Feed || a.Payee != "" && a.Payee == b.Payee {
		return 1000
	}
	var seen uint64
	var rooms [2][32]string
	x, y := a.words(rooms[0][:]), b.words(rooms[1][:])
	if len(x) == 0 || len(y) == 0 {
		return 500 // nothing to compare is neither for nor against
	}
	x, y = x[:min(len(x), 32)], y[:min(len(y), 32)]
	for _, w := range x {
		for j, v := range y {
			if w == v && seen&(1<<j) == 0 {
				seen |= 1 << j
				break
			}
		}
	}
	both := bits.OnesCount64(seen)
	return 1000 * both / (len(x) + len(y) - both)
}
