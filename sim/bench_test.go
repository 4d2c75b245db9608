package sim

import (
	"io"
	"net/http"
	"strconv"
	"testing"
)

// BenchmarkPage serves one page of transactions from the middle of the giant
// user's list, over the in-process transport, in calm and in shuffled weather.
func BenchmarkPage(b *testing.B) {
	for _, rows := range []int{100, 1000} {
		for _, shuffled := range []bool{false, true} {
			name := strconv.Itoa(rows) + "rows"
			if shuffled {
				name += "/shuffled"
			}
			b.Run(name, func(b *testing.B) {
				w := New(Config{Users: 20, Giant: 200_000, Weather: &Weather{ShuffleKeys: shuffled}})
				u := w.userAt(uint32(w.cfg.Users / 2))
				path := "/users/" + u.id.String() + "/transactions?records_per_page=" + strconv.Itoa(rows)
				n := 0
				for b.Loop() {
					n++
					size := fetch(b, w, path+"&page="+strconv.Itoa(1+n%(100_000/rows)))
					b.SetBytes(size)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*rows), "ns/row")
			})
		}
	}
}

// BenchmarkSmallMember serves the whole list of one ordinary member: what most
// requests of a run are.
func BenchmarkSmallMember(b *testing.B) {
	calm := Calm()
	w := New(Config{Weather: &calm})
	u := w.userAt(0)
	m := w.view().members(&u)[0]
	path := "/users/" + u.id.String() + "/members/" + m.id.String()
	for _, list := range []string{"/status", "/accounts", "/transactions?records_per_page=1000"} {
		b.Run(list[1:7], func(b *testing.B) {
			for b.Loop() {
				fetch(b, w, path+list)
			}
		})
	}
}

func fetch(tb testing.TB, w *World, path string) int64 {
	r, err := http.NewRequest(http.MethodGet, "https://mx.example"+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("MX-API-Key", DefaultAPIKey)
	r.Header.Set("MX-Client-ID", DefaultClientID)
	r.Header.Set("Accept", "application/vnd.mx.atrium.v1+json")
	resp, err := w.Transport().RoundTrip(r)
	if err != nil {
		tb.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		tb.Fatal(err)
	}
	if resp.StatusCode != 200 {
		tb.Fatalf("%s: %s", path, resp.Status)
	}
	return n
}
