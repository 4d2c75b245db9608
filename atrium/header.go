package atrium

import (
	"context"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tallyport/schemas"
)

// isJSON reports whether a Content-Type is JSON. Atrium sends
// application/vnd.mx.atrium.v1+json; charset=utf-8 (mx-api.md §1.1).
func isJSON(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json"))
}

// cleanID keeps of a request id what such ids are made of, so that it can
// stand in a log, an error or a file.
func cleanID(id string) string {
	id = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return -1
	}, id)
	return id[:min(len(id), 64)]
}

// serverTimes reads the Date of an answer and its Retry-After, which is seconds,
// or a time by the server's own clock: without a Date to compare it with, that
// says nothing.
func serverTimes(h http.Header) (date schemas.Timestamp, after time.Duration, told bool) {
	now, err := http.ParseTime(h.Get("Date"))
	if err == nil {
		date = schemas.TimestampOf(now)
	}
	text := strings.TrimSpace(h.Get("Retry-After"))
	if isDigits(text) {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > math.MaxInt64/int64(time.Second) {
			return date, math.MaxInt64, true // longer than anyone waits
		}
		return date, time.Duration(seconds) * time.Second, true
	}
	until, notTime := http.ParseTime(text)
	if err != nil || notTime != nil {
		return date, 0, false
	}
	return date, max(0, until.Sub(now)), true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// logRequest writes the one line that each request gets.
func (c *Client) logRequest(ctx context.Context, q *request, try int, a answer, took time.Duration, fail *Error) {
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", http.MethodGet), slog.String("path", q.path), slog.Int("status", a.status),
		slog.String("request_id", a.requestID), slog.Duration("duration", took), slog.Int("try", try),
	}
	if fail != nil && fail.Err != nil {
		attrs = append(attrs, slog.String("error", fail.Err.Error()))
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, "request", attrs...)
}
