package report

import (
	"tallyport/reconcile"
	"tallyport/snapshot"
)

// For pages beside the report, so that they say the same in the same words.

// Count is a number with separators.
func Count(n int) string { return count(n) }

// Day is the UTC date of a snapshot.
func Day(id snapshot.ID) string { return day(id) }

// About says in a few words what a finding is about.
func About(f *reconcile.Finding) string { return about(f) }

// Amount is the amount of a finding with its sign, "" if it has none.
func Amount(f *reconcile.Finding) string { return signed(f) }

// Fact is a value of the evidence in words.
func Fact(v any) string { return fact(v) }

// IsNew reports whether a finding comes to be shown or is raised by the event.
func IsNew(e reconcile.EventName) bool { return fresh(e) }
