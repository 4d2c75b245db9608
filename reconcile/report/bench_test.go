package report

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"tallyport/reconcile"
)

// BenchmarkBundle is of many tickets, each of which was sent.
func BenchmarkBundle(b *testing.B) {
	const many = 2500
	l := reconcile.NewLedger(nil)
	var all []reconcile.Sighting
	for i := range many {
		f := lost(fmt.Sprint("F-", i))
		if err := json.Unmarshal(fmt.Appendf(nil, `{"member_guid":"MBR-%d"}`, i), &f); err != nil {
			b.Fatal(err)
		}
		all = append(all, reconcile.Sighting{Finding: f, Claim: confirmed})
	}
	l.Apply(nightID(0), nightAt(0), all)
	var ids []string
	for i := range many {
		ids = append(ids, fmt.Sprint("F-", i))
	}
	if _, err := l.DecideOn(reconcile.Decision{At: nightAt(0).Add(time.Hour), Who: "ann", Action: reconcile.Submit, Ref: "ZD-123"}, ids...); err != nil {
		b.Fatal(err)
	}
	found := l.Apply(nightID(1), nightAt(1), all)
	r := &Report{Summary: reconcile.Summary{Snapshot: nightID(1)}, Findings: found, Tickets: Tickets(found), Past: &reconcile.Past{}, ledger: l}
	var tickets []string
	for _, t := range r.Tickets {
		tickets = append(tickets, t.ID)
	}
	if len(tickets) != many {
		b.Fatalf("%d tickets", len(tickets))
	}
	b.ResetTimer()
	for b.Loop() {
		if _, err := r.Bundle(tickets...); err != nil {
			b.Fatal(err)
		}
	}
}
