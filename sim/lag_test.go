package sim

import "testing"

// With a posting lag more is pending at any time, and nothing else happened.
func TestPostingLag(t *testing.T) {
	pending := func(lag int) (waiting, all int) {
		calm := Calm()
		w := New(Config{Seed: 5, Users: 40, Weather: &calm, PostingLag: lag, Unfit: -1, Churn: -1})
		tr := w.Truth()
		from, to := days(w)
		everyMember(tr, func(user string, m Record) {
			for r := range tr.Transactions(user, m.Text("guid"), from, to) {
				if all++; r.Text("status") == "PENDING" {
					waiting++
				}
			}
		})
		return waiting, all
	}
	now, all := pending(0)
	late, lateAll := pending(3)
	if now == 0 || late < 2*now || late > 8*now || 100*lateAll < 95*all || 100*lateAll > 105*all {
		t.Errorf("%d of %d rows are pending, and with a lag of three days %d of %d", now, all, late, lateAll)
	}
}
