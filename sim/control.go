package sim

import (
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// Control is a second handler, for what the real API never offers. It belongs
// on another address than Handler, and asks for no credentials.
//
//	GET  /now                     the clock
//	POST /advance?by=24h          moves it
//	GET  /weather                 the weather
//	POST /weather?name=calm       sets it to calm or default, and then to what
//	                              the body says: {"rate_limit":0.5}
//	POST /misbehave               replaces the misbehaviours: [{"path":"/users","kind":"html-200"}]
//	POST /inject?kind=Z1&n=3      does defects and says which
//	GET  /defects                 all so far
//	GET  /why?guid=…&before=…&after=…&from=…&to=…
//	                              why a transaction is not shown any more: two
//	                              instants and the dates of the window
//	GET  /stats                   what was served
//	GET  /nights                  the same, night by night
//	GET  /truth/users             one JSON record a line; and likewise
//	     /truth/institutions, /truth/members?user=…, /truth/accounts?user=…&member=…,
//	     /truth/owners?user=…&member=…, /truth/transactions?user=…&member=…&from=…&to=…;
//	                              at=2026-11-20T02:00:00Z asks for an earlier night
func (w *World) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /now", func(rw http.ResponseWriter, _ *http.Request) {
		respond(rw, map[string]time.Time{"now": w.Now()})
	})
	mux.HandleFunc("POST /advance", func(rw http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.FormValue("by"))
		if err != nil || d <= 0 {
			http.Error(rw, "by must be a positive duration such as 24h", http.StatusBadRequest)
			return
		}
		w.Advance(d)
		respond(rw, map[string]time.Time{"now": w.Now()})
	})
	mux.HandleFunc("GET /weather", func(rw http.ResponseWriter, _ *http.Request) { respond(rw, w.Weather()) })
	mux.HandleFunc("POST /weather", w.controlWeather)
	mux.HandleFunc("POST /misbehave", func(rw http.ResponseWriter, r *http.Request) {
		var all []Misbehaviour
		if err := decode(r, &all); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		if err := w.Misbehave(all...); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		respond(rw, all)
	})
	mux.HandleFunc("POST /inject", w.controlInject)
	mux.HandleFunc("GET /defects", func(rw http.ResponseWriter, _ *http.Request) { respond(rw, orEmpty(w.Defects())) })
	mux.HandleFunc("GET /why", w.controlWhy)
	mux.HandleFunc("GET /stats", func(rw http.ResponseWriter, _ *http.Request) { respond(rw, w.Stats()) })
	mux.HandleFunc("GET /nights", func(rw http.ResponseWriter, _ *http.Request) { respond(rw, w.Nights()) })
	mux.HandleFunc("GET /truth/{resource}", w.controlTruth)
	return mux
}

func (w *World) controlWeather(rw http.ResponseWriter, r *http.Request) {
	weather := w.Weather()
	switch name := r.URL.Query().Get("name"); name {
	case "":
	case "calm":
		weather = Calm()
	case "default":
		weather = DefaultWeather()
	default:
		http.Error(rw, "name must be calm or default", http.StatusBadRequest)
		return
	}
	if r.ContentLength != 0 {
		if err := decode(r, &weather); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
	}
	w.SetWeather(weather)
	respond(rw, weather)
}

func (w *World) controlTruth(rw http.ResponseWriter, r *http.Request) {
	ask := r.URL.Query()
	t := w.Truth()
	if at := ask.Get("at"); at != "" {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			http.Error(rw, "at must be a time such as 2026-11-20T02:00:00Z", http.StatusBadRequest)
			return
		}
		t = w.TruthAt(when)
	}
	user, member := ask.Get("user"), ask.Get("member")
	var all iter.Seq[Record]
	switch r.PathValue("resource") {
	case "users":
		all = t.Users()
	case "institutions":
		all = t.Institutions()
	case "members":
		all = t.Members(user)
	case "accounts":
		all = t.Accounts(user, member)
	case "owners":
		all = t.Owners(user, member)
	case "transactions":
		from, ferr := time.Parse(time.DateOnly, ask.Get("from"))
		to, terr := time.Parse(time.DateOnly, ask.Get("to"))
		if ferr != nil || terr != nil {
			http.Error(rw, "from and to must be dates such as 2026-11-20", http.StatusBadRequest)
			return
		}
		all = t.Transactions(user, member, from, to)
	default:
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "application/jsonl")
	for rec := range all {
		b := []byte{'{'}
		for i, f := range rec.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, f.Name, false), ':')
			b = append(b, f.Literal...)
		}
		if _, err := rw.Write(append(b, '}', '\n')); err != nil {
			return // the client has gone
		}
	}
}

func decode(r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

func respond(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(rw)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return // the client has gone
	}
}
