package reconcile

import (
	"slices"
	"testing"

	"tallyport/snapshot"
)

// Of the nights of a finding the ledger tells, from the first to its last
// event; another transaction's finding says nothing of this one.
func TestLedgerTells(t *testing.T) {
	l := newTestLedger()
	for i, claim := range []Claim{"", Suspected, Confirmed, "", Undone, ""} {
		var seen []Sighting
		if claim != "" {
			seen = append(seen, sight("F-1", claim))
			seen[0].First = snapshot.IDOf(nightAt(1))
		}
		l.applyAt(float64(i), append(seen, sight("F-2", Suspected))...)
	}
	for guid, want := range map[string][]float64{"TRN-F-1": {0, 5, 6}, "TRN-F-9": {0, 1, 2, 3, 4, 5, 6}} {
		x := &explaining{guid: guid, out: &Explanation{}}
		for _, f := range l.Findings() {
			_, events, _ := l.Finding(f.ID)
			x.out.Findings = append(x.out.Findings, Told{f, "", events, nil})
		}
		for i := range 7 { // the last is not judged yet
			x.out.Judgements = append(x.out.Judgements, Judgement{Snapshot: snapshot.IDOf(nightAt(float64(i)))})
		}
		x.untold(l)
		var got []float64
		for i := range 7 {
			if slices.ContainsFunc(x.out.Judgements, func(j Judgement) bool { return j.Snapshot == snapshot.IDOf(nightAt(float64(i))) }) {
				got = append(got, float64(i))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: nights %v are left, want %v", guid, got, want)
		}
	}
}

// As long as it is asked why a row went, there is evidence.
func TestUnsettled(t *testing.T) {
	h := newHousehold()
	h.account(usual).balance -= h.lose(usual, "TRN-day-5").signed()
	h.tonight()
	x := &explaining{guid: "TRN-day-5", user: "USR-1", out: &Explanation{Judgements: []Judgement{
		{Snapshot: h.night, Change: "removed", Code: "V1", Transaction: "TRN-day-5"},
		{Snapshot: h.night, Change: "added", Code: "V1", Transaction: "TRN-other"},
	}}}
	x.unsettled(h.st, h.night)
	got := x.out.Judgements
	if got[0].Evidence["balance_model"] != "balance follows posted rows" || got[1].Evidence != nil {
		t.Errorf("%+v", got)
	}
	if _, probed := got[0].Evidence["probe"]; probed {
		t.Error("nobody asks MX for what is no finding")
	}
}
