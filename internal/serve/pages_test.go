package serve

import (
	"archive/zip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tallyport/reconcile"
	"tallyport/sim"
	"tallyport/snapshot"
)

// Every page is there, says what it is about, and leads to the next.
func TestPages(t *testing.T) {
	d := newDesk(t, lived, Options{Who: "Ada"})
	f := d.one(lost)
	for path, has := range map[string][]string{
		"/":         {"By kind", `href="/findings?kind=missing_transaction"`, "Compared with the night of 2026-03-07"},
		"/findings": {`href="/findings/` + f.ID + `"`, string(f.Member), string(f.Amount)},
		"/findings?kind=missing_transaction&state=open": {f.ID},
		"/findings?new=1":                        {"finding"},
		"/findings/" + f.ID:                      {"Missing transaction", "What is known", "What happened", "Connection status", "edge of the window", `value="Ada"`, `value="submit"`, `value="suppress"`, `value="close"`, `href="/transactions/` + string(f.Transaction)},
		"/tickets":                               {string(f.TicketID), "Download a bundle", `<form method="post" action="/bundle"><input type="hidden" name="form" value="` + d.site.form + `">`},
		"/tickets/" + string(f.TicketID):         {f.ID, "Decide on this ticket", "Text for MX", "Before it is sent"},
		"/institutions/" + string(f.Institution): {f.ID, "suppress"},
		"/transactions/" + string(f.Transaction): {"absent", "its account was looked at, and it is not there", f.ID, "first seen"},
		"/report":                                {"What the night came to", `href="/findings/` + f.ID + `"`, `href="/tickets/` + string(f.TicketID) + `"`, `<script src="/script.js">`},
		"/script.js":                             {"aria-sort"},
		"/report/report.html":                    {"What the night came to", `href="#` + f.ID, `href="tickets/` + string(f.TicketID) + `.md"`, "<style>"},
		"/report/report.md":                      {"# Tallyport report"},
		"/report/findings.csv":                   {f.ID, "transaction_guid"},
		"/report/summary.json":                   {`"by_kind"`},
		"/baseline":                              {"Suppress ", "for good"},
		"/search":                                {"Type a guid"},
		"/style.css":                             {"color-scheme"},
	} {
		a := d.page(path, has...)
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "same-origin"} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(a.header.Get("Content-Security-Policy"), want) {
				t.Errorf("%s: the policy has no %s", path, want)
			}
		}
	}
	if a := d.page("/findings?kind=stale_member"); strings.Contains(a.body, f.ID) {
		t.Error("a list of another kind has it")
	}
}

// What is downloaded is a file, of the right name and type, with the ticket in it.
func TestDownload(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	id := string(f.TicketID)
	for end, typ := range map[string]string{"md": "text/markdown; charset=utf-8", "csv": "text/csv; charset=utf-8", "json": "application/json"} {
		a := d.page("/tickets/"+id+"/"+id+"."+end, string(f.Transaction), string(f.Member))
		if got := a.header.Get("Content-Disposition"); got != `attachment; filename="`+id+"."+end+`"` || a.header.Get("Content-Type") != typ {
			t.Errorf("%s: %s, %s", end, got, a.header.Get("Content-Type"))
		}
	}
	other := d.one(func(o *reconcile.Finding) bool { return o.TicketID != "" && o.TicketID != f.TicketID && o.State.Live() })
	bundle := func(ids ...string) answer {
		return d.do(d.request("POST", "/bundle", url.Values{"form": {d.site.form}, "id": ids}))
	}
	for name, got := range map[string]struct {
		answer
		files int
	}{id + ".zip": {bundle(id), 3}, "tickets.zip": {bundle(id, string(other.TicketID), id), 6}, id + ".zip, by its link": {d.page("/tickets/" + id + "/" + id + ".zip"), 3}} {
		file, _, _ := strings.Cut(name, ",")
		if at := got.header.Get("Content-Disposition"); got.status != http.StatusOK || at != `attachment; filename="`+file+`"` {
			t.Errorf("%s: status %d, %s", name, got.status, at)
		}
		z, err := zip.NewReader(strings.NewReader(got.body), int64(len(got.body)))
		if err != nil || len(z.File) != got.files {
			t.Errorf("%s: %d files, %v", name, len(z.File), err)
		}
	}
	page := make([]string, perPage) // as many as can be ticked, and none is there
	for i := range page {
		page[i] = fmt.Sprintf("T-%013d", i)
	}
	for want, ids := range map[int][][]string{422: {nil}, 404: {{""}, {"T-NONE"}, {id, "../x"}, page}} {
		for _, ids := range ids {
			if a := bundle(ids...); a.status != want {
				t.Errorf("%v: status %d", ids, a.status)
			}
		}
	}
	if a := d.do(d.request("POST", "/bundle", url.Values{"id": {id}})); a.status != http.StatusForbidden {
		t.Errorf("of another site: status %d", a.status)
	}
}

// A long list is shown in parts.
func TestParts(t *testing.T) {
	all := make([]int, 2*perPage+1532)
	for address, want := range map[string]string{
		"/x?a=1":           "1 to 200 of 1,932 things||/x?a=1&from=200",
		"/x?from=1":        "2 to 201 of 1,932 things|/x?from=0|/x?from=201",
		"/x?from=1800":     "1,801 to 1,932 of 1,932 things|/x?from=1600|",
		"/x?from=1932":     "1 to 200 of 1,932 things||/x?from=200",
		"/x?from=-3&b=%26": "1 to 200 of 1,932 things||/x?b=%26&from=200",
	} {
		got, e := part(httptest.NewRequest("GET", address, nil), all)
		if is := e.Of("thing", "things") + "|" + e.Earlier + "|" + e.Later; is != want || len(got) != e.To-e.From {
			t.Errorf("%s: %s, and %d", address, is, len(got))
		}
	}
	if _, e := part(httptest.NewRequest("GET", "/x", nil), all[:1]); e.Of("thing", "things") != "1 thing" || e.Later != "" {
		t.Errorf("%+v", e)
	}
}

// What any guid names is found, in whatever case, and by its beginning.
func TestSearch(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	for _, name := range []string{f.ID, string(f.TicketID), string(f.User), string(f.Member), string(f.Account), string(f.Transaction), string(f.Institution)} {
		for _, asked := range []string{name, strings.ToLower(name), name[:len(name)-2], "  " + name + " "} {
			d.page("/search?q="+url.QueryEscape(asked), `href="/findings/`+f.ID+`"`)
		}
	}
	d.page("/search?q="+string(f.Transaction), "Explain "+string(f.Transaction))
	d.page("/search?q="+string(f.TicketID), `name="id" value="`+string(f.TicketID)+`"`)
	d.page("/search?q="+string(f.Institution), `<a href="/institutions/`+string(f.Institution)+`">`)
	d.page("/search?q=USR", "four letters or more")
	d.page("/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "No finding has", "&lt;script&gt;")
	// As customers tell it: by payee, by amount, and with the guid as they typed it.
	for _, asked := range []string{strings.ToLower(string(f.Payee))[:5], "-" + string(f.Amount), strings.ToLower(string(f.Transaction))} {
		d.page("/search?q="+url.QueryEscape(asked), `href="/findings/`+f.ID+`"`)
	}
	d.page("/search?q="+strings.ToLower(string(f.Transaction)), "Explain "+string(f.Transaction))
}

// What is not there is said so.
func TestNotThere(t *testing.T) {
	d := newDesk(t, lived, Options{})
	for _, path := range []string{"/nothing", "/findings/F-NONE", "/tickets/T-NONE", "/tickets/T-NONE/T-NONE.md", "/institutions/none", "/report/none", "/findings/..%2F..%2F_store.json",
		"/transactions/TRN-00000000-0000-0000-0000-000000000000", "/transactions/none", "/report/..%2F..%2F_store.json"} {
		if a := d.get(path); a.status != http.StatusNotFound || !strings.Contains(a.body, "Not found") {
			t.Errorf("%s: status %d: %s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"/findings/F-NONE", "/tickets/T-NONE", "/institutions/none"} {
		if a := d.send(path, "action", "suppress", "reason", "x"); a.status != http.StatusNotFound && a.status != http.StatusConflict {
			t.Errorf("%s: status %d", path, a.status)
		}
	}
}

// A store that has nothing to show yet says what to do.
func TestNothingYet(t *testing.T) {
	d := newDesk(t, t.TempDir(), Options{})
	d.page("/", "tallyport nightly --store")
	d.page("/transactions/TRN-1", "tallyport nightly --store")
	bare := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(bare, os.DirFS(lived)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(bare, "_reconcile")); err != nil {
		t.Fatal(err)
	}
	d = newDesk(t, bare, Options{})
	for _, path := range []string{"/", "/findings", "/tickets", "/baseline", "/report/report.html", "/search?q=F-1234"} {
		d.page(path, "tallyport reconcile --store")
	}
	unlock, err := reconcile.LockLedger(d.st)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reconcile.Run(t.Context(), d.st, nil); err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	d.page("/", "By kind")
}

// A new night shows without a new start.
func TestNewNight(t *testing.T) {
	dir := t.TempDir()
	st, err := snapshot.OpenDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	w := sim.New(worldConfig())
	if err := oneNight(w, st); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, dir, Options{})
	d.page("/", "Night of 2026-03-01", "There is no earlier night")
	if err := oneNight(w, d.st); err != nil {
		t.Fatal(err)
	}
	d.page("/", "Night of 2026-03-02", "Compared with the night of 2026-03-01")
	first, err := d.site.now()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.site.now(); err != nil || again != first {
		t.Errorf("nothing changed, and it was read again (%v)", err)
	}
}

// What is new is what the report calls new.
func TestNew(t *testing.T) {
	d := newDesk(t, lived, Options{})
	said := regexp.MustCompile(`([0-9,]+) new since last night`).FindStringSubmatch(d.page("/report").text())
	if said == nil || said[1] == "0" {
		t.Fatalf("the report says %q", said)
	}
	d.page("/", `<a href="/findings?new=1">`+said[1]+" new that night</a>")
	d.page("/findings?new=1", `<p role="status">`+said[1]+" finding")
}

// A ledger that is damaged is said to be, and mended without a new start.
func TestDamaged(t *testing.T) {
	d := newDesk(t, lived, Options{})
	file := d.st.Path("_reconcile/events.jsonl")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d.page("/")
	if err := os.WriteFile(file, good[:len(good)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if a := d.get("/"); a.status != http.StatusInternalServerError || !strings.Contains(a.body, "rebuild") {
		t.Errorf("status %d: %s", a.status, a.body)
	}
	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	d.page("/")
}
