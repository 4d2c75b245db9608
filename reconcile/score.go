package reconcile

import (
	"slices"
	"strings"

	"tallyport/schemas"
)

const cent = 100 // of schemas.Money

// habit is how categories differ in what is authorised and what is booked.
type habit uint8

const (
	tipped  habit = iota + 1 // booked up to 35 % higher
	rounded                  // authorised as a round sum
)

var habits = []struct {
	word string
	of   habit
}{
	{"RESTAURANT", tipped}, {"FOOD", tipped}, {"DINING", tipped}, {"COFFEE", tipped}, {"BAR", tipped}, {"TAXI", tipped}, {"RIDE", tipped}, {"SALON", tipped}, {"HAIR", tipped}, {"SPA", tipped},
	{"FUEL", rounded}, {"GAS", rounded}, {"HOTEL", rounded}, {"LODGING", rounded}, {"TRAVEL", rounded}, {"PARKING", rounded}, {"RENTAL", rounded},
}

// roundSums are what is authorised before the real amount is known.
var roundSums = []schemas.Money{1_0000, 50_0000, 75_0000, 100_0000, 125_0000, 150_0000, 175_0000, 200_0000}

// has reports whether the row's category is of that habit, or may be.
func (t *txn) has(h habit) bool {
	text := strings.ToUpper(t.Category)
	return text == "" || text == "UNCATEGORIZED" || slices.ContainsFunc(habits, func(x struct {
		word string
		of   habit
	}) bool {
		return x.of == h && strings.Contains(text, x.word)
	})
}

// roundHold reports whether the row is authorised as a round sum, which says
// nothing of what is booked.
func roundHold(o *txn) bool { return o.has(rounded) && slices.Contains(roundSums, o.Amount) }

// alike reports whether two rows can be the same thing at all.
func alike(a, b *txn) bool {
	return a.is(credit) == b.is(credit) && !a.is(noSum) && !b.is(noSum) && !a.is(noDate) && !b.is(noDate) &&
		(a.Currency == b.Currency || a.Currency == "" || b.Currency == "")
}

const (
	// Days from the date of a pending row to that of the posted one. Most take
	// less than ten (reconcile.md §1.a.3); what takes more must agree better.
	postsBefore, postsUsually, postsAtMost = 2, 10, 14
	reissueDays                            = 2
	// surely is from where on the text agrees too, and not the amount alone.
	surely = 1500
	// ambiguousMargin is how much better the best pairing must be.
	ambiguousMargin = 150
)

// posts scores whether b is what became of the pending row a; 0: it is not.
func posts(a, b *txn) int {
	days := int(b.Date - a.Date)
	if !a.is(pending) || b.is(pending) || !alike(a, b) || days < -postsBefore || days > postsAtMost {
		return 0
	}
	like := likeness(a, b)
	late := 20 * max(days, -days)
	if days > postsUsually {
		late += 300
	}
	switch ratio := float64(b.Amount) / float64(max(a.Amount, 1)); {
	case a.Amount == b.Amount && like >= 150:
		return max(2000+like-late, 1)
	case a.Amount == b.Amount && days <= 5:
		return 800 - late
	case like < 600:
		return 0
	case ratio > 1 && ratio <= 1.35 && (a.has(tipped) || b.has(tipped)):
		return 900 + like - late
	case slices.Contains(roundSums, a.Amount) && (a.has(rounded) || b.has(rounded)):
		return 700 + like - late
	case ratio >= 0.96 && ratio <= 1.04: // at the rate of the day; not every feed says what was abroad
		return 800 + like - late
	}
	return 0
}

// reissued scores whether b is the posted row a under another guid; 0: it is not.
func reissued(a, b *txn) int {
	days := int(b.Date - a.Date)
	days = max(days, -days)
	if a.is(pending) || b.is(pending) || !alike(a, b) || days > reissueDays || a.Amount != b.Amount {
		return 0
	}
	like := likeness(a, b)
	if like < 400 {
		return 0
	}
	return 2000 + like - 100*days
}

// resembles scores whether b could be the posted row a after more than a
// reissue: another amount, or a date further away.
func resembles(a, b *txn) int {
	days := int(b.Date - a.Date)
	days = max(days, -days)
	if a.is(pending) || b.is(pending) || !alike(a, b) || days > postsUsually {
		return 0
	}
	like := likeness(a, b)
	near := a.Amount == b.Amount || b.Amount > a.Amount/2 && b.Amount < 2*a.Amount
	if like < 600 || !near {
		return 0
	}
	return 500 + like - 30*days
}
