package main

import (
	"math"
	"time"

	"tallyport/reconcile"
)

// The baselines say of the same nights what others would: a row is missing if
// its guid is gone; if it is gone, was posted and is in the window; if it is in
// the window and no row of its amount came within eight days of it.
const (
	guidDiff   = "guid diff"
	postedDiff = "posted, in the window"
	amountDiff = "same amount within 8 days is it"
)

var baselines = []string{guidDiff, postedDiff, amountDiff}

type addedRow struct{ account, amount, typ string }

// naive collects what the baselines call missing on one night. A row that
// reconcile takes to have moved under another guid is gone for them.
func (sc *score) naive(n night, res *reconcile.Result) {
	from := n.manifest.Plan.Window.From.Time()
	came := map[addedRow][]time.Time{}
	for i := range res.Changes {
		c := &res.Changes[i]
		guid := c.Transaction
		if c.Change == "amended" && c.Counterpart != "" && c.Counterpart != c.Transaction {
			guid = c.Counterpart
		} else if c.Change != "added" {
			continue
		}
		if at, err := time.Parse(time.DateOnly, c.Date); err == nil && guid != "" {
			k := addedRow{c.Account, c.Amount, c.Type}
			came[k] = append(came[k], at)
		}
	}
	for i := range res.Changes {
		c := &res.Changes[i]
		moved := c.Change == "amended" && c.Counterpart != "" && c.Counterpart != c.Transaction
		if c.Change != "removed" && !moved || c.Transaction == "" {
			continue
		}
		sc.baseline[guidDiff][c.Transaction] = true
		at, err := time.Parse(time.DateOnly, c.Date)
		if err != nil || at.Before(from) {
			continue
		}
		if c.Status == "POSTED" {
			sc.baseline[postedDiff][c.Transaction] = true
		}
		replaced := false
		for _, x := range came[addedRow{c.Account, c.Amount, c.Type}] {
			replaced = replaced || math.Abs(x.Sub(at).Hours()) <= 8*24
		}
		if !replaced {
			sc.baseline[amountDiff][c.Transaction] = true
		}
	}
}

// baselineScores scores them on the rows that ticket+review is scored on.
func (sc *score) baselineScores(lost, due map[string]bool) {
	sc.Baselines = map[string]tally{}
	for _, name := range baselines {
		var t tally
		for guid := range sc.baseline[name] {
			t.said(lost[guid])
		}
		for guid := range due {
			t.True++
			if sc.baseline[name][guid] {
				t.Found++
			}
		}
		sc.Baselines[name] = t
	}
}
