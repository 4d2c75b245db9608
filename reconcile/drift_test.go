package reconcile

import (
	"testing"

	"tallyport/schemas"
)

// levels is samples of a balance that follows what is booked, lag samples late.
func levels(lag int, booked ...schemas.Money) (s []sample) {
	for i, b := range booked {
		s = append(s, sample{At: schemas.Timestamp(i+1) * 86_400_000_000, Booked: b, Balance: booked[max(0, i-lag)]})
	}
	return s
}

// Two bookings that the balance follows to the cent are no luck; one may be.
func TestLearn(t *testing.T) {
	one := levels(0, 0, 0, 0, 7_1300, 7_1300, 7_1300, 7_1300, 7_1300, 7_1300)
	two := levels(0, 0, 0, 0, 7_1300, 7_1300, 7_1300, 9_4200, 9_4200, 9_4200)
	for _, typ := range []string{"CHECKING", "MORTGAGE"} {
		if typ == "MORTGAGE" {
			for _, s := range [][]sample{one, two} {
				for i := range s {
					s[i].Balance *= -1
				}
			}
		}
		if _, ok := learn(one, typ); ok {
			t.Errorf("%s: one booking is believed", typ)
		}
		if _, ok := learn(two, typ); !ok {
			t.Errorf("%s: two bookings are not believed", typ)
		}
	}
}

// A balance that is one aggregation late shows at the sample of an event what
// was before it.
func TestMovedLate(t *testing.T) {
	m := model{sign: 1, lag: 1}
	s := levels(1, 0, 3_0000, 5_0000, 9_0000, 12_0000)
	if delta, sure := m.moved(s, 1); !sure || delta != 0 {
		t.Errorf("nothing moved, said as %v, %v", delta, sure)
	}
	for i := 2; i < len(s); i++ {
		s[i].Balance += 4_0000 // from sample 1 on, seen at the next
	}
	s = append(levels(1, 0, 0), s...)
	for i := range s {
		s[i].At = schemas.Timestamp(i+1) * 86_400_000_000
	}
	if delta, sure := m.moved(s, 3); !sure || delta != 4_0000 {
		t.Errorf("it moved by %v, %v", delta, sure)
	}
}

// What describe says of any model is read back.
func TestReadFollows(t *testing.T) {
	for i := range 16 * len(quanta) {
		m := model{sign: 1 - 2*schemas.Money(i&1), pendings: i&2 > 0, lag: i >> 2 & 1, available: i&8 > 0, quantum: quanta[i/16]}
		want := Follows{Available: m.available, Owed: m.sign < 0 && !m.available, Pendings: m.pendings, Late: m.lag > 0, Within: m.quantum}
		if got, ok := ReadFollows(m.describe()); !ok || got != want {
			t.Errorf("%q is read as %+v, %v, not as %+v", m.describe(), got, ok, want)
		}
	}
	for _, says := range []string{"", "unreliable", "balance follows posted rows, perhaps", "balance follows posted rows, to within", "balance follows posted rows, to within a lot"} {
		if got, ok := ReadFollows(says); ok {
			t.Errorf("%q is read as %+v", says, got)
		}
	}
}
