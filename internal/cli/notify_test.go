package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyport/reconcile"
)

// listener is somebody who is told of a run.
type listener struct {
	answer func(n int, r *http.Request) (*http.Response, error) // to the n-th request, from 1
	said   []string
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	l.said = append(l.said, string(body))
	return l.answer(len(l.said), r)
}

func answered(status int, header ...string) (*http.Response, error) {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: h, Body: http.NoBody}, nil
}

// raised is a result with new tickets about members of the institution.
func raised(tickets int, institution string) *reconcile.Result {
	res := &reconcile.Result{}
	res.Summary.Snapshot, res.Summary.Tickets.Open = "20261120T020000Z", tickets+1
	add := func(ticket, kind string, state reconcile.State) {
		f := reconcile.Finding{ID: fmt.Sprintf("F-%03d", len(res.Findings)), Kind: reconcile.Kind(kind), State: state, IssueType: reconcile.FailedUpdate, First: "20261120T020000Z"}
		// Their type is reconcile's own.
		texts, err := json.Marshal(map[string]string{"ticket_id": ticket, "member_guid": "MBR-1", "institution_code": institution, "amount": "12.34", "payee": "Somebody"})
		if err := errors.Join(err, json.Unmarshal(texts, &f)); err != nil {
			panic(err)
		}
		res.Findings = append(res.Findings, f)
	}
	for i := range tickets {
		id := fmt.Sprintf("T-%03d", i)
		res.NewTickets = append(res.NewTickets, id)
		add(id, "missing_transaction", reconcile.Open)
	}
	add("T-000", "missing_transaction", reconcile.Open)
	add("T-000", "stale_member", reconcile.Recovered)
	add("T-OLD", "missing_transaction", reconcile.Open)
	return res
}

// notified tells l, at the address, of the result, and returns the log and how
// long it took.
func notified(t *testing.T, ctx context.Context, address string, l *listener, res *reconcile.Result) (string, time.Duration) {
	t.Helper()
	var log bytes.Buffer
	s := &session{env: Env{Transport: l}, log: slog.New(slog.NewTextHandler(&log, nil))}
	n, err := s.notifier(address)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	n.tell(ctx, newsOf(res))
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the log tells the address: %s", log.String())
	}
	return log.String(), time.Since(began)
}

func TestNotification(t *testing.T) {
	ok := func(int, *http.Request) (*http.Response, error) { return answered(200) }
	l := &listener{answer: ok}
	if log, _ := notified(t, t.Context(), "https://example.com/secret", l, raised(2, "a<!channel>&\x1b[31m")); strings.Contains(log, "WARN") {
		t.Error(log)
	}
	name := `\"a&lt;!channel&gt;&amp;\\x1b[31m\"`
	want := `{"text":"tallyport: 2 new tickets in snapshot 20261120T020000Z, 3 open` +
		`\n• T-000  failed_update, 2 missing_transaction, institution ` + name + `, member MBR-1` +
		`\n• T-001  failed_update, 1 missing_transaction, institution ` + name + `, member MBR-1",` +
		`"snapshot":"20261120T020000Z","tickets_open":3,"tickets_new":[` +
		`{"ticket_id":"T-000","issue_type":"failed_update","institution_code":"a<!channel>&\u001b[31m","member_guid":"MBR-1","findings":{"missing_transaction":2}},` +
		`{"ticket_id":"T-001","issue_type":"failed_update","institution_code":"a<!channel>&\u001b[31m","member_guid":"MBR-1","findings":{"missing_transaction":1}}]}` + "\n"
	if d := cmp.Diff([]string{want}, l.said); d != "" {
		t.Error(d)
	}
	// Slack is told what Slack knows.
	l = &listener{answer: ok}
	notified(t, t.Context(), "https://hooks.slack.com/services/secret", l, raised(25, ""))
	var said map[string]any
	if err := json.Unmarshal([]byte(l.said[0]), &said); err != nil || len(said) != 1 {
		t.Fatalf("%v: %v", err, said)
	}
	text, _ := said["text"].(string)
	if lines := strings.Split(text, "\n"); len(lines) != 1+inChat+1 || lines[1+inChat] != "… and 5 more" || strings.Contains(text, "institution") {
		t.Errorf("%d lines: %s", len(lines), text)
	}
	// No news, no notification.
	l = &listener{answer: ok}
	quiet := raised(2, "")
	quiet.NewTickets = nil
	if log, _ := notified(t, t.Context(), "https://example.com/secret", l, quiet); len(l.said) != 0 || log != "" {
		t.Errorf("%d notifications of nothing: %s", len(l.said), log)
	}
}

// It is tried again while there is hope and time, and not for longer.
func TestNotificationTries(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(n int, r *http.Request) (*http.Response, error)
		tries  int
		took   time.Duration
		warns  string // "": it was taken
	}{
		"down": {func(int, *http.Request) (*http.Response, error) { return answered(503) }, 5, 15 * time.Second, "answered 503"},
		"recovers": {func(n int, _ *http.Request) (*http.Response, error) {
			return answered(map[int]int{1: 500, 2: 429}[n] + 200*(n/3))
		}, 3, 3 * time.Second, ""},
		"unreachable": {func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return nil, errors.New("connection refused")
			}
			return answered(204)
		}, 2, time.Second, ""},
		"asks for a while": {func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return answered(429, "Retry-After", "7")
			}
			return answered(200)
		}, 2, 7 * time.Second, ""},
		"asks for too long": {func(int, *http.Request) (*http.Response, error) { return answered(429, "Retry-After", "60") }, 1, 0, "answered 429"},
		"refuses":           {func(int, *http.Request) (*http.Response, error) { return answered(400) }, 1, 0, "answered 400"},
		"redirects": {func(int, *http.Request) (*http.Response, error) {
			return answered(302, "Location", "https://example.org/")
		}, 1, 0, "answered 302"},
		"hangs": {func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, 3, notifyPatience, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &listener{answer: c.answer}
				log, took := notified(t, t.Context(), "https://example.com/secret", l, raised(1, "bank"))
				if len(l.said) != c.tries || took != c.took {
					t.Errorf("%d tries in %v, want %d in %v", len(l.said), took, c.tries, c.took)
				}
				if strings.Count(log, "WARN") != min(1, len(c.warns)) || !strings.Contains(log, c.warns) {
					t.Errorf("log: %s", log)
				}
				for _, body := range l.said {
					if body != l.said[0] || body == "" {
						t.Errorf("another body: %s", body)
					}
				}
			})
		})
	}
}

// A run that is interrupted does not wait for anybody.
func TestNotificationInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &listener{answer: func(int, *http.Request) (*http.Response, error) {
			time.AfterFunc(300*time.Millisecond, cancel)
			return answered(500)
		}}
		if log, took := notified(t, ctx, "https://example.com/secret", l, raised(1, "bank")); took != 300*time.Millisecond || len(l.said) != 1 || !strings.Contains(log, "notification failed") {
			t.Errorf("%d tries in %v: %s", len(l.said), took, log)
		}
	})
}

// The address is a secret, and so is who is told: not in the clear.
func TestNotifyURL(t *testing.T) {
	for address, good := range map[string]bool{
		"": true, "https://example.com/hook?key=1": true, "http://127.0.0.1:8080/hook": true, "http://[::1]/": true, "http://localhost/x": true,
		"http://example.com/secret": false, "http://127.0.0.1.example.com/secret": false, "ftp://127.0.0.1/secret": false, "https:///secret": false, "secret": false, "https://exa mple/secret": false,
	} {
		_, err := (&session{}).notifier(address)
		if bad := (usage{}); good != (err == nil) || !good && !errors.As(err, &bad) {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("it is told: %v", err)
		}
	}
}
