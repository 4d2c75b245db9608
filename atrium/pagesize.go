package atrium

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
)

// sizes knows how many records to ask for in a page.
type sizes struct {
	asked  int   // the same for every list, or PageSizeAuto:
	probes []int // then the sizes to try

	mu    sync.Mutex
	found map[string]*probe // by kind of list
}

// probe is the search for the largest pages that one kind of list honours.
// Whoever comes first searches; the others wait for what comes out.
type probe struct {
	turn chan struct{} // holds an element while someone searches
	size atomic.Int64  // 0: not known yet
}

func (s *sizes) of(kind string) *probe {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found == nil {
		s.found = map[string]*probe{}
	}
	if s.found[kind] == nil {
		s.found[kind] = &probe{turn: make(chan struct{}, 1)}
	}
	return s.found[kind]
}

// first reads the first page, with the size that this try or this client has
// settled on, or else with the one that it finds out.
func (k *walk) first(ctx context.Context) (*workspace, error) {
	s := &k.c.sizes
	if k.settled > 0 {
		return k.read(ctx, 1, k.settled)
	}
	if s.asked != PageSizeAuto {
		return k.read(ctx, 1, s.asked)
	}
	p := s.of(k.end.kind)
	if size := p.size.Load(); size > 0 {
		return k.read(ctx, 1, int(size))
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if size := p.size.Load(); size > 0 {
		return k.read(ctx, 1, int(size))
	}
	for i, size := range s.probes {
		next := 0
		if i+1 < len(s.probes) {
			next = s.probes[i+1]
		}
		ws, err := k.read(ctx, 1, size)
		switch {
		case err != nil && next > 0 && refusesSize(err):
			continue
		case err != nil:
			return nil, err
		case !ws.page.paged: // nobody will ever know
			p.size.Store(int64(size))
			return ws, nil
		case ws.page.size >= next: // honoured, or still better than what comes next
			p.size.Store(int64(ws.page.size))
			return ws, nil
		}
		k.c.giveBack(ws)
	}
	return k.read(ctx, 1, defaultPageSize) // a dialect that knows no sizes
}

// refusesSize reports whether the API may have meant the size of the page.
func refusesSize(err error) bool {
	e, ok := err.(*Error)
	return ok && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity)
}
