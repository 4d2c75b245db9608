package reconcile

import (
	"strings"
	"testing"
)

// What left and is listed again was put right, and so is what was said of it.
func TestLeftAndBack(t *testing.T) {
	for _, tt := range []struct {
		name         string
		leave, again func(h *household)
		code         Code
	}{
		{"user", func(h *household) { h.listed = false }, func(h *household) { h.listed = true }, "U1"},
		{"member", func(h *household) {
			h.members["MBR-2"] = h.members["MBR-1"]
			delete(h.members, "MBR-1")
		}, func(h *household) { h.members["MBR-1"] = &homeMember{accounts: map[string]*homeAccount{}} }, "M2"},
		{"account", func(h *household) { delete(h.members["MBR-1"].accounts, "ACT-2") },
			func(h *household) { h.members["MBR-1"].accounts["ACT-2"] = &homeAccount{typ: "SAVINGS"} }, "A2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHousehold()
			tt.leave(h)
			s := h.tonight()
			went := s.sighting(tt.code)
			if went == nil || went.Claim != Confirmed {
				t.Fatalf("it went: %v", went)
			}
			for _, c := range s.changes {
				if c.change == "removed" && c.finding != went.ID {
					t.Errorf("%s, %s: its finding is %q", c.row.GUID, c.code, c.finding)
				}
			}
			for range 3 {
				if s := h.tonight(); s.of(went.ID) != "" {
					t.Errorf("said again: %s", s.of(went.ID))
				}
			}
			tt.again(h)
			if claim := h.tonight().of(went.ID); claim != Undone {
				t.Errorf("it is back, and the night says %q", claim)
			}
			if len(h.st.Left) > 0 {
				t.Errorf("left over: %v", h.st.Left)
			}
		})
	}
}

// of is what the night says of a finding.
func (s said0) of(id string) Claim {
	for _, x := range s.sightings {
		if x.ID == id {
			return x.Claim
		}
	}
	return ""
}

// Nobody waits for something that went longer than it is shown.
func TestLeftForGood(t *testing.T) {
	h := newHousehold()
	h.listed = false
	for range 32 {
		h.tonight()
	}
	if len(h.st.Left) > 0 || len(h.st.Members) > 0 {
		t.Errorf("still kept: %+v", h.st)
	}
}

// With a member ends what was said of its connection, also where its user went.
func TestGoneMemberIsNotStale(t *testing.T) {
	h := newHousehold()
	h.members["MBR-1"].stands = true
	var stale *Sighting
	for range 4 {
		if s := h.tonight().sighting("S4"); s != nil {
			stale = s
		}
	}
	if stale == nil {
		t.Fatal("it is never stale")
	}
	h.listed = false
	if claim := h.tonight().of(stale.ID); claim != Lapsed {
		t.Errorf("its user went, and the night says %q", claim)
	}
}

// A finding about one event is shown for a time and then expires; no night has
// to name it until then.
func TestEventsExpire(t *testing.T) {
	event := func(id string, k Kind, v Verdict) Sighting {
		s := sight(id, Confirmed)
		s.Kind, s.Verdict, s.IssueType = k, v, NoIssue
		return s
	}
	l := newTestLedger()
	l.applyAt(0, event("F-1", accountGone, Notice), event("F-2", amendedTransaction, Review), event("F-3", historyLost, Review), event("F-4", memberGone, Notice))
	if err := l.Decide(Decision{Action: Submit, Who: "me", At: nightAt(0.5), Finding: "F-3"}); err != nil {
		t.Fatal(err)
	}
	l.applyAt(1)
	l.applyAt(2, Sighting{Finding{ID: "F-4"}, Undone})
	if got := strings.Count(string(l.files.log), `"unseen":[]`); got != 3 {
		t.Errorf("%d of 3 nights name nothing that was not seen:\n%s", got, l.files.log)
	}
	states := func() string {
		var all []string
		for _, id := range []string{"F-1", "F-2", "F-3", "F-4"} {
			all = append(all, string(get(t, l, id).State))
		}
		return strings.Join(all, " ")
	}
	for _, tt := range []struct {
		night float64
		want  string
	}{
		{30, "open open submitted recovered"},
		{31, "expired open submitted recovered"},
		{150, "expired open submitted recovered"},
		{151, "expired expired submitted recovered"},
	} {
		l.applyAt(tt.night)
		if got := states(); got != tt.want {
			t.Errorf("night %v: %s, want %s", tt.night, got, tt.want)
		}
	}
	again := NewLedger(nil)
	again.files.log = l.files.log
	if err := again.replay(); err != nil {
		t.Error(err)
	}
}
