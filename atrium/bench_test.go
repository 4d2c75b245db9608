package atrium

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"tallyport/schemas"
)

// transactionsPage is a page of n transactions of the size and kind that MX
// serves: 34 fields with a column and four without, 1.3 KB each, with texts
// beyond ASCII, escapes, nulls, both forms of UTC, amounts without decimals.
func transactionsPage(rnd *rand.Rand, n int) []byte {
	texts := []string{
		"WHOLEFDS MKT 10234 AUSTIN TX 09/14 PURCHASE WHOLEFDS MKT 10234 AUSTIN TX CARD ENDING IN 4821 TRACE 0091827364",
		"Zoë's Café ☕ München, Maximilianstraße 14, Kartenzahlung vom 14.09. 18:22 Uhr", `DEBIT CARD \"PURCHASE\" 09/14 <b>`,
		"Online Transfer to SAV ...4821 transaction#: 9274811034 memo: rent for September, thank you very much",
		`ACH\/PAYROLL ACME & SONS LLC PPD ID: 9000112233 CO ENTRY DESCR: DIRECT DEP TRACE#: 021000021234567`, "CHECK # 15234",
	}
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	guid := func(prefix string) string {
		a, b := rnd.Uint64(), rnd.Uint64()
		return fmt.Sprintf("%s-%08x-%04x-%04x-%04x-%012x", prefix, uint32(a), uint16(a>>32), uint16(a>>48), uint16(b), b>>16)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"pagination":{"current_page":1,"per_page":%d,"total_entries":%d,"total_pages":1},"transactions":[`, n, n)
	user, member, account := guid("USR"), guid("MBR"), guid("ACT")
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		day := fmt.Sprintf("2026-%02d-%02d", 1+rnd.IntN(12), 1+rnd.IntN(28))
		fmt.Fprintf(&b, `{"account_guid":%q,"amount":%s,"category":%q,"check_number":%s,"check_number_string":%s,"created_at":"%sT09:14:0%d%s",`,
			account, pick("12.5", "100", "1000.23", fmt.Sprintf("%d.%02d", rnd.IntN(5000), rnd.IntN(100))), pick("Groceries", "Fast Food", "Paycheck"),
			pick("null", "15234"), pick("null", `"00015234"`), day, rnd.IntN(10), pick("Z", "+00:00"))
		fmt.Fprintf(&b, `"currency_code":"USD","date":%q,"description":%q,"guid":%q,"is_bill_pay":%s,"is_direct_deposit":false,"is_expense":true,"is_fee":false,"is_income":false,"is_international":%s,`,
			day, pick("Whole Foods", "Zoë's Café", "Amazon"), guid("TRN"), pick("null", "false"), pick("null", "false"))
		fmt.Fprintf(&b, `"is_overdraft_fee":false,"is_payroll_advance":false,"is_subscription":null,"latitude":%s,"longitude":%s,"member_guid":%q,"memo":%s,"merchant_category_code":%d,"merchant_guid":%q,"merchant_location_guid":%s,`,
			pick("null", "30.2672", "-43.2075"), pick("null", "-97.7431"), member, pick("null", `"ref 0012"`), 5000+rnd.IntN(900), guid("MCH"), pick("null", `"`+guid("MCL")+`"`))
		fmt.Fprintf(&b, `"original_description":"%s","posted_at":%s,"status":"POSTED","top_level_category":"Food & Dining","transacted_at":"%sT12:00:00Z","type":%q,"updated_at":"%sT21:05:09.000Z","user_guid":%q,"is_recurring":%s,"extended_transaction_type":null,"localized_memo":"","category_guid":%q}`,
			pick(texts...), pick("null", `"`+day+`T12:00:00+00:00"`), day, pick("DEBIT", "CREDIT"), day, user, pick("true", "null"), guid("CAT"))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func transactionsWant() *want {
	return &want{key: "transactions", list: true, lay: newLayout(schemas.Transactions, nil), seed: maphash.MakeSeed()}
}

// BenchmarkDecode reports records per second of one core, beside encoding/json
// into structs, which has no exact amounts and none of the checks.
func BenchmarkDecode(b *testing.B) {
	const records = 1000
	text := transactionsPage(rand.New(rand.NewPCG(1, 2)), records)
	report := func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportMetric(float64(records*b.N)/b.Elapsed().Seconds(), "records/s")
	}
	b.Run("atrium", func(b *testing.B) {
		var d decoder
		var p page
		w, src := transactionsWant(), bytes.NewReader(nil)
		b.ReportAllocs()
		for b.Loop() {
			src.Reset(text)
			if err := d.document(src, w, &p); err != nil || p.rows.Len() != records || p.unfit != 0 {
				b.Fatal(err, p.rows.Len(), p.unfit, p.detail)
			}
		}
		report(b)
	})
	b.Run("encoding_json", func(b *testing.B) {
		type transaction struct {
			F0  *string    `json:"account_guid"`
			F1  *float64   `json:"amount"`
			F2  *string    `json:"category"`
			F3  *int64     `json:"check_number"`
			F4  *string    `json:"check_number_string"`
			F5  *time.Time `json:"created_at"`
			F6  *string    `json:"currency_code"`
			F7  *string    `json:"date"`
			F8  *string    `json:"description"`
			F9  *string    `json:"guid"`
			F10 *bool      `json:"is_bill_pay"`
			F11 *bool      `json:"is_direct_deposit"`
			F12 *bool      `json:"is_expense"`
			F13 *bool      `json:"is_fee"`
			F14 *bool      `json:"is_income"`
			F15 *bool      `json:"is_international"`
			F16 *bool      `json:"is_overdraft_fee"`
			F17 *bool      `json:"is_payroll_advance"`
			F18 *bool      `json:"is_subscription"`
			F19 *float64   `json:"latitude"`
			F20 *float64   `json:"longitude"`
			F21 *string    `json:"member_guid"`
			F22 *string    `json:"memo"`
			F23 *int64     `json:"merchant_category_code"`
			F24 *string    `json:"merchant_guid"`
			F25 *string    `json:"merchant_location_guid"`
			F26 *string    `json:"original_description"`
			F27 *time.Time `json:"posted_at"`
			F28 *string    `json:"status"`
			F29 *string    `json:"top_level_category"`
			F30 *time.Time `json:"transacted_at"`
			F31 *string    `json:"type"`
			F32 *time.Time `json:"updated_at"`
			F33 *string    `json:"user_guid"`
		}
		b.ReportAllocs()
		for b.Loop() {
			var doc struct{ Transactions []transaction }
			if err := json.Unmarshal(text, &doc); err != nil || len(doc.Transactions) != records {
				b.Fatal(err)
			}
		}
		report(b)
	})
}

// BenchmarkWalk is the whole client, but for the network: one page of 1000
// records as it comes from a connection, plain and compressed.
func BenchmarkWalk(b *testing.B) {
	const records = 1000
	text := string(transactionsPage(rand.New(rand.NewPCG(1, 2)), records))
	for name, body := range map[string]string{"identity": text, "gzip": gzipped(b, text)} {
		b.Run(name, func(b *testing.B) {
			c := newClient(b, transport(func(*http.Request) (*http.Response, error) {
				return reply(http.StatusOK, body, "Content-Encoding", name), nil
			}), Options{PageSize: records})
			list := schemas.List{Resource: schemas.TransactionsResource, User: schemas.UserID(userOf(text))}
			b.ReportAllocs()
			for b.Loop() {
				w, err := c.Walk(b.Context(), list, func(int, *schemas.Rows) error { return nil })
				if err != nil || !w.Complete() || w.Rows != records {
					b.Fatal(err, w)
				}
			}
			b.SetBytes(int64(len(text)))
			b.ReportMetric(float64(records*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// userOf is the user of a page's first record.
func userOf(text string) string {
	_, rest, _ := strings.Cut(text, `"user_guid":"`)
	user, _, _ := strings.Cut(rest, `"`)
	return user
}
