package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// hook is the address of somebody who wants to hear of a run. Whoever knows it
// can write there: the log has its host alone.
type hook struct {
	*url.URL
	transport http.RoundTripper // nil: the network
}

// String is what may be said of the address.
func (h hook) String() string { return h.Scheme + "://" + h.Host }

// unwelcome is an answer that is no success.
type unwelcome struct {
	status string
	code   int
	after  time.Duration // that it asks to be left alone
}

func (u unwelcome) Error() string { return "answered " + u.status }

// send asks once, at a URL that begins with the hook's; body is JSON, or nil.
// Its errors do not name the address.
func (h hook) send(ctx context.Context, method string, at *url.URL, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, method, "", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.URL, req.Host = at, at.Host
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	client := &http.Client{Transport: h.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	var whole *url.Error // names the URL
	if errors.As(err, &whole) {
		err = whole.Err
	}
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode/100 == 2 {
		return nil
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(resp.Header.Get("Retry-After")))
	if err != nil || seconds < 0 {
		seconds = 0
	}
	return unwelcome{resp.Status, resp.StatusCode, time.Duration(min(seconds, 3600)) * time.Second}
}
