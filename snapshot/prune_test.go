package snapshot_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyport/snapshot"
	"tallyport/snapshot/storetest"
)

// storeOf makes a store with a tiny snapshot for each id; those in partial have gaps.
func storeOf(t *testing.T, ids []snapshot.ID, partial ...snapshot.ID) *snapshot.Dir {
	t.Helper()
	st := openDir(t)
	for _, id := range ids {
		tw := newWorld(1)
		tw.id, tw.users, tw.members, tw.rows = id, 1, 1, 1
		for _, p := range partial {
			if p == id {
				tw.gapOf = 0
			}
		}
		if err := tw.export(st, nil); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

func TestPlanPrune(t *testing.T) {
	ids := []snapshot.ID{
		"20260831T020000Z", "20260930T020000Z", "20261030T020000Z", "20261031T020000Z",
		"20261117T020000Z", "20261118T020000Z", "20261118T140000Z", "20261119T020000Z", "20261120T020000Z",
	}
	st := storeOf(t, ids, "20261119T020000Z", "20261120T020000Z", "20261118T140000Z")
	for name, c := range map[string]struct {
		keep snapshot.Keep
		held map[snapshot.ID]string
		want string // the days that stay
	}{
		"nothing asked":    {snapshot.Keep{}, nil, "20261118T02 20261120T02"},
		"two days":         {snapshot.Keep{Daily: 2}, nil, "20261118T02 20261119T02 20261120T02"},
		"three days":       {snapshot.Keep{Daily: 3}, nil, "20261118T02 20261118T14 20261119T02 20261120T02"},
		"three months":     {snapshot.Keep{Monthly: 3}, nil, "20260930T02 20261031T02 20261118T02 20261120T02"},
		"days and months":  {snapshot.Keep{Daily: 1, Monthly: 2}, nil, "20261031T02 20261118T02 20261120T02"},
		"an open finding":  {snapshot.Keep{Daily: 1}, map[snapshot.ID]string{"20260831T020000Z": "finding F-1"}, "20260831T02 20261118T02 20261120T02"},
		"more than are in": {snapshot.Keep{Daily: 100}, nil, "20260831T02 20260930T02 20261030T02 20261031T02 20261117T02 20261118T02 20261118T14 20261119T02 20261120T02"},
	} {
		steps, err := snapshot.PlanPrune(st, c.keep, c.held, testTime)
		if err != nil {
			t.Fatal(err)
		}
		var stay []string
		for _, s := range steps {
			if !s.Remove {
				stay = append(stay, string(s.ID[:11]))
			}
		}
		if got := strings.Join(stay, " "); got != c.want {
			t.Errorf("%s: %s stay, want %s", name, got, c.want)
		}
	}
}

func TestPrune(t *testing.T) {
	ids := []snapshot.ID{"20261118T020000Z", "20261119T020000Z", "20261120T020000Z"}
	steps := func(st snapshot.Store) []snapshot.PruneStep {
		s, err := snapshot.PlanPrune(st, snapshot.Keep{Daily: 1}, nil, testTime.Add(48*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ref := storeOf(t, ids)
	abandoned := newWorld(2)
	abandoned.id = "20261121T020000Z"
	begin := func(st snapshot.Store) {
		w, err := abandoned.begin(st, nil)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	begin(ref)
	count := &storetest.Crasher{Store: ref}
	if err := snapshot.Prune(context.Background(), count, steps(ref)); err != nil {
		t.Fatal(err)
	}
	want := files(t, ref)
	for name := range want {
		if strings.Contains(name, "20261118") || strings.Contains(name, "20261119") || strings.Contains(name, "20261121") {
			t.Errorf("%s is still there", name)
		}
	}
	for n := 1; n <= count.Ops(); n++ {
		st := storeOf(t, ids)
		begin(st)
		dying := &storetest.Crasher{Store: st, At: n}
		if err := snapshot.Prune(context.Background(), dying, steps(st)); !errors.Is(err, storetest.ErrCrashed) {
			t.Fatalf("operation %d: %v", n, err)
		}
		left, err := snapshot.List(st)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range left {
			if p, err := snapshot.Verify(context.Background(), st, id); err != nil || p != nil {
				t.Fatalf("operation %d: %s is visible and not whole: %v %v", n, id, p, err)
			}
		}
		if err := snapshot.RollForward(context.Background(), st); err != nil {
			t.Fatalf("after dying at operation %d: %v", n, err)
		}
		if err := snapshot.Prune(context.Background(), st, steps(st)); err != nil {
			t.Fatalf("after dying at operation %d: %v", n, err)
		}
		if d := cmp.Diff(want, files(t, st)); d != "" {
			t.Fatalf("after dying at operation %d: %s", n, d)
		}
	}
}

func TestNewestOnlyCompleteStays(t *testing.T) {
	st := storeOf(t, []snapshot.ID{"20261118T020000Z"})
	steps, err := snapshot.PlanPrune(st, snapshot.Keep{}, nil, testTime)
	if err != nil || len(steps) != 1 || steps[0].Remove {
		t.Errorf("%v %v", steps, err)
	}
}
