package snapshot_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"tallyport/schemas"
	"tallyport/snapshot"
)

// realTransactions returns rows of the shape and variety of real ones.
func realTransactions(rnd *rand.Rand, user, account string, n int) *schemas.Rows {
	t := schemas.Transactions
	rows := &schemas.Rows{Table: t}
	vals := make([]schemas.Value, t.Width())
	set := func(name string, v schemas.Value) { vals[t.Index(name)] = v }
	hex := func(prefix string) schemas.Value {
		return schemas.TextValue(fmt.Sprintf("%s-%08x-%04x-%04x-%04x-%012x", prefix, rnd.Uint32(), rnd.Uint32()&0xffff, rnd.Uint32()&0xffff, rnd.Uint32()&0xffff, rnd.Uint64()&0xffffffffffff))
	}
	member := hex("MBR")
	for range n {
		clear(vals)
		m := rnd.IntN(400)
		day := 20300 + rnd.IntN(95)
		at := int64(day)*86_400_000_000 + 12*3_600_000_000
		set("guid", hex("TRN"))
		set("account_guid", schemas.TextValue(account))
		set("member_guid", member)
		set("user_guid", schemas.TextValue(user))
		set("amount", schemas.IntValue(int64(rnd.IntN(20_000))*100))
		set("type", schemas.TextValue([]string{"DEBIT", "DEBIT", "DEBIT", "CREDIT"}[rnd.IntN(4)]))
		set("status", schemas.TextValue("POSTED"))
		set("date", schemas.IntValue(day))
		set("transacted_at", schemas.IntValue(at))
		set("posted_at", schemas.IntValue(at+86_400_000_000))
		set("created_at", schemas.IntValue(at+rnd.Int64N(1e11)))
		set("updated_at", schemas.IntValue(at+rnd.Int64N(1e12)))
		set("description", schemas.TextValue(fmt.Sprintf("Merchant %d", m)))
		set("original_description", schemas.TextValue(fmt.Sprintf("MERCHANT %d #%04d CITY ST", m, rnd.IntN(500))))
		set("category", schemas.TextValue(fmt.Sprintf("Category %d", m%60)))
		set("top_level_category", schemas.TextValue(fmt.Sprintf("Group %d", m%15)))
		set("currency_code", schemas.TextValue("USD"))
		set("merchant_guid", schemas.TextValue(fmt.Sprintf("MCH-00000000-0000-0000-0000-%012x", m)))
		set("merchant_category_code", schemas.IntValue(5000+m))
		set("latitude", schemas.FloatValue(40+rnd.Float64()))
		set("longitude", schemas.FloatValue(-111+rnd.Float64()))
		for _, flag := range []string{"is_bill_pay", "is_direct_deposit", "is_expense", "is_fee", "is_income", "is_international", "is_overdraft_fee", "is_payroll_advance", "is_subscription"} {
			set(flag, schemas.BoolValue(rnd.IntN(8) == 0))
		}
		rows.Append(vals)
	}
	return rows
}

// BenchmarkWriter is everything behind the decoder: sort, journal, parts, both
// verifications. One op is one transaction.
func BenchmarkWriter(b *testing.B) {
	for _, f := range []snapshot.Format{snapshot.Parquet, snapshot.CSV} {
		b.Run(string(f), func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(1, 1))
			tw := newWorld(1)
			tw.plan.Format = f
			const perUser = 300
			tw.users = max(1, b.N/perUser)
			tw.shrink = func(*snapshot.Writer) {}
			st := openDir(b)
			w, err := tw.begin(st, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for i, u := range tw.userIDs() {
				b.StopTimer()
				rows := realTransactions(rnd, u, fmt.Sprintf("ACT-%036d", i), perUser)
				b.StartTimer()
				batch, err := w.Batch(schemas.UserID(u))
				if err != nil {
					b.Fatal(err)
				}
				if err := batch.Run(schemas.Transactions).Add(rows); err != nil {
					b.Fatal(err)
				}
				if err := batch.Commit(context.Background(), snapshot.Outcome{}); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := w.Publish(context.Background(), "bench", schemas.Requests{}); err != nil {
				b.Fatal(err)
			}
		})
	}
}
