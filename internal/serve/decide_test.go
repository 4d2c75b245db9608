package serve

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"tallyport/reconcile"
)

// A finding is put through all that can be decided, and each step shows.
func TestDecide(t *testing.T) {
	d := newDesk(t, lived, Options{Who: "operator"})
	f := d.one(lost)
	path := "/findings/" + f.ID
	d.page(path, `value="operator"`)
	for _, step := range []struct {
		ask   []string
		state reconcile.State
		has   []string
	}{
		{[]string{"action", "suppress", "reason", "known to us", "until", "2026-03-31"}, reconcile.Suppressed, []string{"Suppressed (1 finding).", "suppress by Ada, until 2026-03-31: known to us", `value="unsuppress"`, `name="who" required maxlength="500" autocomplete="name" value="Ada"`}},
		{[]string{"action", "unsuppress"}, reconcile.Open, []string{"it shows again", "unsuppress by Ada"}},
		{[]string{"action", "submit", "ref", "ZD-123"}, reconcile.Submitted, []string{"it was sent", "submit by Ada, ZD-123"}},
		{[]string{"action", "close", "reason", "the bank\r\nsays so"}, reconcile.Explained, []string{"Closed", "close by Ada: the bank says so"}},
	} {
		a := d.send(path, step.ask...)
		if a.status != http.StatusOK || !strings.HasPrefix(a.at, path+"?done=") {
			t.Fatalf("%v: status %d at %s: %s", step.ask, a.status, a.at, a.body)
		}
		a.has(d, step.has...)
		if got := d.state(f.ID); got != step.state {
			t.Errorf("%v: it is %s", step.ask, got)
		}
	}
	for _, list := range []string{"/findings", "/tickets"} {
		if a := d.page(list); strings.Contains(a.body, f.ID) {
			t.Errorf("%s has it", list)
		}
	}
	a := d.send(path, "action", "submit", "ref", "ZD-4")
	if a.status != http.StatusConflict {
		t.Errorf("a closed one was sent: status %d", a.status)
	}
	a.has(d, "it is explained, and nothing can be decided on it", `value="ZD-4"`)
}

// What is missing or wrong is said, and nothing that was typed is lost.
func TestDecideRefused(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	path := "/findings/" + f.ID
	for _, c := range []struct {
		status int
		has    string
		ask    []string
	}{
		{422, "Say who decides.", []string{"action", "suppress", "reason", "typed by hand", "who", " "}},
		{422, "is empty", []string{"action", "suppress", "reason", " ", "until", "2026-05-01", "who", "typed by hand"}},
		{422, "is over", []string{"action", "suppress", "reason", "typed by hand", "until", "2026-03-08"}},
		{422, "is not a date", []string{"action", "suppress", "reason", "typed by hand", "until", "tomorrow"}},
		{422, "is empty", []string{"action", "submit", "ref", "", "who", "typed by hand"}},
		{422, "longer than 500", []string{"action", "close", "reason", strings.Repeat("x", 501), "who", "typed by hand"}},
		{422, "cannot be decided here", []string{"action", "baseline", "reason", "x", "who", "typed by hand"}},
		{422, "cannot be decided here", []string{"action", "probe", "who", "typed by hand"}},
		{403, "before the page was started anew", []string{"action", "suppress", "reason", "typed by hand", "form", "of another process"}},
		{403, "before the page was started anew", []string{"action", "suppress", "reason", "typed by hand", "form", ""}},
		{409, "it allows suppress", []string{"action", "unsuppress", "reason", "typed by hand"}},
		{413, "too much text", []string{"action", "suppress", "reason", strings.Repeat("x", maxBody)}},
	} {
		a := d.send(path, c.ask...)
		if a.status != c.status || !strings.Contains(a.body, c.has) {
			t.Errorf("%.100v: status %d, want %d and %q: %s", c.ask, a.status, c.status, c.has, a.body)
		}
		if c.status != 413 {
			a.has(d, `value="typed by hand"`)
		}
		if got := d.state(f.ID); got != reconcile.Open {
			t.Fatalf("%.100v: it is %s", c.ask, got)
		}
	}
	if _, err := os.Stat(d.st.Path("_reconcile/decisions.jsonl")); err == nil {
		t.Error("a decision was kept")
	}
}

// While a run has the ledger nothing is decided, and the form is there to be
// sent again.
func TestLocked(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	unlock, err := reconcile.LockLedger(d.st)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/findings/" + f.ID, "/tickets/" + string(f.TicketID), "/institutions/" + string(f.Institution)} {
		a := d.send(path, "action", "suppress", "reason", "typed by hand", "until", "2026-04-01")
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: status %d", path, a.status)
		}
		a.has(d, "Nothing was changed", `value="typed by hand"`, `value="2026-04-01"`, "<details class=\"decide\" open>", `value="Ada"`)
	}
	count := d.countOfBaseline()
	d.send("/baseline", "reason", "typed by hand", "sure", "yes", "count", count).has(d, "Nothing was changed", `value="typed by hand"`)
	d.page("/findings/" + f.ID) // to look at it needs no lock
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if a := d.send("/findings/"+f.ID, "action", "suppress", "reason", "again"); a.status != http.StatusOK {
		t.Errorf("status %d", a.status)
	}
}

func (d *desk) countOfBaseline() string {
	d.Helper()
	n := 0
	for _, f := range d.ledger().Findings() {
		if toHide(&f) {
			n++
		}
	}
	return fmt.Sprint(n)
}

// A ticket's findings are decided on together, an institution's are hidden.
func TestDecideMany(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(lost)
	if a := d.send("/tickets/"+string(f.TicketID), "action", "submit", "ref", "ZD-9"); a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	for _, other := range d.ledger().Findings() {
		if other.TicketID == f.TicketID && other.State.Live() && other.State != reconcile.Submitted {
			t.Errorf("%s is %s", other.ID, other.State)
		}
	}
	a := d.send("/tickets/"+string(f.TicketID), "action", "submit", "ref", "ZD-9")
	if a.status != http.StatusConflict || !strings.Contains(a.body, "it is submitted; it allows suppress, close, baseline") {
		t.Errorf("sent twice: status %d: %s", a.status, a.text())
	}
	d.send("/tickets/"+string(f.TicketID), "action", "suppress", "reason", "MX knows").has(d, "Suppressed (", "Ticket "+string(f.TicketID))
	d.send("/tickets/"+string(f.TicketID), "action", "unsuppress").has(d, "it shows again")
	path := "/institutions/" + string(f.Institution)
	if a := d.send(path, "action", "close", "reason", "x"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("an institution was closed: status %d", a.status)
	}
	if a := d.send(path, "action", "suppress", "reason", "they move house"); a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	for _, other := range d.ledger().Findings() {
		if other.Institution == f.Institution && toHide(&other) {
			t.Errorf("%s is %s", other.ID, other.State)
		}
	}
	if a := d.send(path, "action", "suppress", "reason", "they move house"); a.status != http.StatusConflict {
		t.Errorf("hidden twice: status %d", a.status)
	}
}

// A finding for review gets a ticket if somebody says so, once.
func TestRequest(t *testing.T) {
	d := newDesk(t, lived, Options{})
	f := d.one(func(f *reconcile.Finding) bool { return f.State == reconcile.Open && f.TicketID == "" })
	d.page("/findings/"+f.ID, `value="request"`)
	d.send("/findings/"+f.ID, "action", "request").has(d, "it gets a ticket", `href="/tickets/T-`)
	if a := d.page("/findings/" + f.ID); strings.Contains(a.body, `value="request"`) {
		t.Error("it is offered again")
	}
}

// Everything is hidden that the form spoke of, if it is confirmed.
func TestBaseline(t *testing.T) {
	d := newDesk(t, lived, Options{})
	count := d.countOfBaseline()
	d.page("/baseline", `name="count" value="`+count+`"`)
	for _, c := range []struct {
		status int
		ask    []string
	}{
		{422, []string{"reason", "typed by hand", "count", count}},
		{422, []string{"reason", "", "count", count, "sure", "yes", "who", "typed by hand"}},
		{422, []string{"reason", "typed by hand", "count", count, "sure", "yes", "who", ""}},
		{403, []string{"reason", "typed by hand", "count", count, "sure", "yes", "form", "x"}},
		{409, []string{"reason", "typed by hand", "count", "1", "sure", "yes"}},
	} {
		a := d.send("/baseline", c.ask...)
		if a.status != c.status {
			t.Errorf("%v: status %d: %s", c.ask, a.status, a.text())
		}
		a.has(d, `value="typed by hand"`)
	}
	if got := d.countOfBaseline(); got != count {
		t.Fatalf("%s are left of %s", got, count)
	}
	d.send("/baseline", "reason", "from before", "count", count, "sure", "yes").has(d, "Suppressed for good ("+count+" findings).")
	if got := d.countOfBaseline(); got != "0" {
		t.Errorf("%s are left", got)
	}
	d.page("/baseline", "There is nothing to suppress.")
	for _, dec := range d.ledger().Decisions() {
		if dec.Who != "Ada" || dec.Ref != "from before" || dec.Reason != "baseline" {
			t.Errorf("%+v", dec)
		}
	}
}

// Who decides is remembered.
func TestWho(t *testing.T) {
	d := newDesk(t, lived, Options{Who: "operator"})
	f := d.one(lost)
	d.send("/findings/"+f.ID, "action", "suppress", "reason", "x", "who", `Zoë "Z" O'Hara; =`)
	d.page("/baseline", `value="Zoë &#34;Z&#34; O&#39;Hara; ="`)
	at, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.http.Jar.Cookies(at)); n != 1 {
		t.Errorf("%d cookies", n)
	}
}
