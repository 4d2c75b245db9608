package sim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (w *World) controlInject(rw http.ResponseWriter, r *http.Request) {
	kind := r.FormValue("kind")
	if !slices.Contains(DefectKinds(), kind) {
		http.Error(rw, "kind must be one of "+strings.Join(DefectKinds(), ", "), http.StatusBadRequest)
		return
	}
	n := 1
	if text := r.FormValue("n"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			http.Error(rw, "n must be a positive number", http.StatusBadRequest)
			return
		}
	}
	respond(rw, orEmpty(w.Inject(kind, n)))
}

// orEmpty makes sure that no defects are [] in JSON, not null.
func orEmpty(all []Defect) []Defect { return append([]Defect{}, all...) }

func (w *World) controlWhy(rw http.ResponseWriter, r *http.Request) {
	ask := r.URL.Query()
	var times [4]time.Time
	for i, name := range [...]string{"before", "after", "from", "to"} {
		layout := time.RFC3339
		if i >= 2 {
			layout = time.DateOnly
		}
		t, err := time.Parse(layout, ask.Get(name))
		if err != nil {
			http.Error(rw, name+" must look like "+layout, http.StatusBadRequest)
			return
		}
		times[i] = t
	}
	code, counterparts := w.Why(ask.Get("guid"), times[0], times[1], times[2], times[3])
	respond(rw, struct {
		Code         string   `json:"code"`
		Counterparts []string `json:"counterparts"`
	}{code, append([]string{}, counterparts...)})
}
