package sim

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Misbehaviour makes every request to a path answer with something that no
// client should trust. It is for tests of a client's defences and apart from
// Weather, which is what an honest server does on a bad day.
type Misbehaviour struct {
	Path string `json:"path"` // of the URL, without query; a final * matches any rest
	Kind string `json:"kind"` // one of MischiefKinds

	// Location is where redirects lead; empty is another host that does not
	// exist. The world counts requests that reach its Transport for that host
	// in Stats.Strayed.
	Location string `json:"location,omitempty"`
}

// strayHost is where redirects lead by default.
const strayHost = "elsewhere.invalid"

// Misbehave replaces all misbehaviours; without arguments the world is honest
// again. An unknown kind is an error.
func (w *World) Misbehave(all ...Misbehaviour) error {
	for _, m := range all {
		if mischiefs[m.Kind] == nil {
			return fmt.Errorf("sim: no misbehaviour is called %q", m.Kind)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = slices.Clone(all)
	return nil
}

// MischiefKinds returns the names of all misbehaviours, sorted.
func MischiefKinds() []string {
	var all []string
	for k := range mischiefs {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// mischief returns what answers the request instead of the world, or nil.
func (w *World) mischief(r *http.Request) func(*request, *http.Request) *reply {
	if r.URL.Hostname() == strayHost || r.Host == strayHost {
		return func(q *request, r *http.Request) *reply {
			w.stats.note(func(s *Stats) {
				s.Strayed++
				if r.Header.Get("MX-API-Key") != "" || r.Header.Get("MX-Client-ID") != "" {
					s.StrayedWithKeys++
				}
			})
			return plain(404, "text/plain", "nobody here")
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.bad {
		prefix, open := strings.CutSuffix(m.Path, "*")
		if r.URL.Path == m.Path || open && strings.HasPrefix(r.URL.Path, prefix) {
			return func(q *request, r *http.Request) *reply {
				w.stats.note(func(s *Stats) { s.Misbehaved++ })
				return mischiefs[m.Kind](w, m, q, r)
			}
		}
	}
	return nil
}

type mischiefFunc func(w *World, m Misbehaviour, q *request, r *http.Request) *reply

// mischiefs is the table of misbehaviours.
var mischiefs = map[string]mischiefFunc{
	"redirect-301": redirect(301),
	"redirect-302": redirect(302),
	"redirect-303": redirect(303),
	"redirect-307": redirect(307),
	"redirect-308": redirect(308),

	"refused-403":      fixed(403, atriumType, `{"error":{"message":"This address is not on the list."}}`),
	"unauthorized-401": fixed(401, atriumType, `{"error":{"message":"The API key is not valid here."}}`),
	"html-200":         fixed(200, "text/html; charset=utf-8", "<!DOCTYPE html><html><body>Please sign in to the network.</body></html>"),
	"html-as-json":     fixed(200, atriumType, "<!DOCTYPE html><html><body>Please sign in to the network.</body></html>"),
	"empty-200":        fixed(200, atriumType, ""),
	"wrong-envelope":   fixed(200, atriumType, `{"data":[],"pagination":{"current_page":1,"per_page":25,"total_entries":0,"total_pages":1}}`),
	"bare-array":       fixed(200, atriumType, `[]`),
	"deep-nesting": func(*World, Misbehaviour, *request, *http.Request) *reply {
		return plain(200, atriumType, `{"users":`+strings.Repeat("[", 10_500)+strings.Repeat("]", 10_500)+`}`)
	},

	// The whole of the honest answer, with one thing wrong.
	"wrong-type": func(w *World, _ Misbehaviour, q *request, r *http.Request) *reply {
		rep := w.answer(r, q)
		rep.header.Set("Content-Type", "text/plain")
		return rep
	},
	"no-pagination": rewrite(`,?"pagination":\{[^}]*\},?`, ``),
	"lying-total":   rewrite(`"total_entries":(\d+)`, `"total_entries":1${1}`),
	"null-list":     rewrite(`:\[.*\]`, `:null`),
	"duplicate-key": inFirst(`"guid":"XXX-00000000-0000-0000-0000-000000000000",`),
	"folded-key":    inFirst(`"GUID":"XXX-00000000-0000-0000-0000-000000000000",`),
	"huge-string": func(w *World, m Misbehaviour, q *request, r *http.Request) *reply {
		return inFirst(`"note":"`+strings.Repeat("long ", 1<<18)+`",`)(w, m, q, r)
	},
	"huge-number":      inFirst(`"score":1e400,`),
	"not-a-number":     inFirst(`"score":NaN,`),
	"broken-utf8":      inFirst("\"note\":\"caf\xe9 \xff\","),
	"control-char":     inFirst("\"note\":\"a\x00b\","),
	"climbing-id":      rewriteFirst(`"guid":"[^"]*"`, `"guid":"../../institutions?x="`),
	"trailing-garbage": suffix(`{"users":[]}`),

	// page 1 again and again, as one of a million
	"endless-pages": func(w *World, _ Misbehaviour, q *request, r *http.Request) *reply {
		page := q.page()
		q.values.Del("page")
		rep := w.answer(r, q)
		for key, n := range map[string]int{"current_page": page, "total_entries": 25_000_000, "total_pages": 1_000_000} {
			rep.body = regexp.MustCompile(`"`+key+`":\d+`).ReplaceAll(rep.body, []byte(`"`+key+`":`+strconv.Itoa(n)))
		}
		return rep
	},
	// a list whose end never comes
	"endless-array": func(_ *World, _ Misbehaviour, q *request, _ *http.Request) *reply {
		rep := plain(200, atriumType, `{"pagination":{"current_page":1,"per_page":25,"total_entries":1,"total_pages":1},"users":[{"guid":"USR-0"}`)
		rep.tail, rep.times = bytes.Repeat([]byte(`,{"guid":"USR-0"}`), 1000), -1
		return rep
	},
	// 1 GiB of blanks in a megabyte on the wire
	"gzip-bomb": func(w *World, _ Misbehaviour, q *request, _ *http.Request) *reply {
		rep := plain(200, atriumType, "")
		rep.header.Set("Content-Encoding", "gzip")
		rep.tail, rep.times = w.zips.compress(bytes.Repeat([]byte(" "), 1<<20)), 1<<10
		return rep
	},
	// an error that shows the caller's own secrets
	"echo-500": func(_ *World, _ Misbehaviour, q *request, r *http.Request) *reply {
		return plain(500, atriumType, `{"error":{"message":"`+r.Header.Get("MX-API-Key")+` `+r.Header.Get("MX-Client-ID")+` `+r.URL.RequestURI()+`"}}`)
	},
	// no answer until the client gives up
	"silence": func(*World, Misbehaviour, *request, *http.Request) *reply { return silence },
}

// silence is the reply that never comes.
var silence = &reply{}

func plain(status int, contentType, text string) *reply {
	return &reply{status: status, header: http.Header{"Content-Type": {contentType}}, body: []byte(text), length: -1, cut: -1}
}

func fixed(status int, contentType, text string) mischiefFunc {
	return func(*World, Misbehaviour, *request, *http.Request) *reply { return plain(status, contentType, text) }
}

func redirect(status int) mischiefFunc {
	return func(_ *World, m Misbehaviour, _ *request, r *http.Request) *reply {
		rep := plain(status, "text/html", "<html>moved</html>")
		to := m.Location
		if to == "" {
			to = "https://" + strayHost
		}
		rep.header.Set("Location", to+r.URL.RequestURI())
		return rep
	}
}

// rewrite changes the honest body wherever the pattern matches.
func rewrite(pattern, by string) mischiefFunc {
	return func(w *World, _ Misbehaviour, q *request, r *http.Request) *reply {
		rep := w.answer(r, q)
		re := regexp.MustCompile(`(?s)` + pattern)
		rep.body = re.ReplaceAll(rep.body, []byte(by))
		return rep
	}
}

// rewriteFirst changes the honest body where the pattern matches first.
func rewriteFirst(pattern, by string) mischiefFunc {
	return func(w *World, _ Misbehaviour, q *request, r *http.Request) *reply {
		rep := w.answer(r, q)
		re := regexp.MustCompile(pattern)
		if at := re.FindIndex(rep.body); at != nil {
			rep.body = slices.Concat(rep.body[:at[0]], []byte(by), rep.body[at[1]:])
		}
		return rep
	}
}

// inFirst puts a field in front of the first record's guid.
func inFirst(field string) mischiefFunc {
	return rewriteFirst(`"guid":`, field+`"guid":`)
}

func suffix(text string) mischiefFunc {
	return func(w *World, _ Misbehaviour, q *request, r *http.Request) *reply {
		rep := w.answer(r, q)
		rep.body = append(rep.body, text...)
		return rep
	}
}
