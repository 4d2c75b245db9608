package atrium

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"tallyport/schemas"
)

// What ends a run, told apart with errors.Is.
var (
	// ErrRefused: the API does not accept the keys, the address that we call
	// from, or the version that we ask for.
	ErrRefused = errors.New("refused by the API")
	// ErrQuota: the API asks to come back later than it is worth waiting for.
	ErrQuota = errors.New("the API asks to come back later")
	// ErrUnreachable: nothing has succeeded for minutes.
	ErrUnreachable = errors.New("the API cannot be reached")
)

// Error is a request that failed for good. It holds nothing of the keys or of
// an answer's body.
type Error struct {
	Op         string        // "list transactions"
	Path       string        // path and query of the request
	Status     int           // HTTP status, 0: no answer
	RequestID  string        // X-Request-Id of the answer, what MX's support asks for
	RetryAfter time.Duration // that the answer asked for, 0: none
	Hint       string        // what a person can do, "" if there is nothing
	Err        error         // what else is known

	reason    schemas.Reason
	tries     int
	ends      bool // the run, not only the walk
	again     bool // another try may help
	throttled bool // we were too fast, nothing is broken

	unconnected bool // no connection came about
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: GET %s: %s", e.Op, e.Path, e.what())
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	if e.Hint != "" {
		b.WriteString("; hint: " + e.Hint)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// what is the error in a few words, as a walk's Detail has it.
func (e *Error) what() string {
	var parts []string
	if e.Status != 0 && e.Status != http.StatusOK {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	if e.RetryAfter > 0 {
		parts = append(parts, fmt.Sprintf("Retry-After %v", e.RetryAfter))
	}
	if e.tries > 1 {
		parts = append(parts, fmt.Sprintf("%d tries", e.tries))
	}
	return strings.Join(parts, ", ")
}

// Causes that say no more than their words. Texts of net/http are not passed
// on: they quote what the server sent.
var (
	errSilent      = errors.New("no answer in time")
	errNoHost      = errors.New("the host name was not found")
	errConnection  = errors.New("the connection broke")
	errRefusedConn = errors.New("the connection was refused")
	errNoRoute     = errors.New("there is no way to the host")
	errPlain       = errors.New("the server speaks http, not https")
	errNoTLS       = errors.New("what the server speaks is not TLS")
	errCertificate = errors.New("the server's certificate is not valid for it")
	errRedirect    = errors.New("a redirect, which is never followed")
	errNotJSON     = errors.New("the answer is not JSON by its Content-Type")
	errEncoding    = errors.New("the answer's compression is damaged or not one that we asked for")
	errTooLarge    = errors.New("the answer is larger than 64 MiB")
	errBomb        = errors.New("the answer inflates to more than 200 times its size")
	errBudget      = errors.New("too many retries in this run")
)

// judge chooses the error of one try: err is what went wrong with sending,
// reading or decoding, nil if only the status did. It is the only place that
// does so.
func (c *Client) judge(q *request, a answer, err error) *Error {
	e := &Error{Op: q.op, Path: q.path, Status: a.status, RequestID: a.requestID, reason: schemas.HTTPError}
	switch {
	case err != nil:
		c.judgeFault(e, err)
	case a.status == http.StatusUnauthorized:
		e.ends, e.reason, e.Err = true, schemas.Refused, ErrRefused
		e.Hint = "check MX_API_KEY and MX_CLIENT_ID, and that they belong to this environment: keys of production are unknown in development, and the reverse"
	case a.status == http.StatusNotAcceptable:
		e.ends, e.reason, e.Err = true, schemas.Refused, ErrRefused
		e.Hint = "the server does not serve this version of the API; check --source and --base-url"
	case a.status == http.StatusForbidden:
		e.reason = schemas.Refused
		if q.root || !c.health.succeeded() {
			e.ends, e.Err = true, ErrRefused
			e.Hint = "production answers 403 to every address that is not on MX's allow-list, and for features that MX has not enabled for the client; ask MX's support"
		}
	case a.status == http.StatusNotFound || a.status == http.StatusGone:
		e.reason = schemas.NotFound
	case a.status >= 300 && a.status < 400:
		e.Err = errRedirect
	case isTransient(a.status):
		e.again, e.RetryAfter = true, a.after
		e.throttled = a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable && a.told
		if a.after > maxRetryAfter {
			e.ends, e.Err = true, ErrQuota
			e.Hint = "run the same command again when that time has passed; it goes on where it stopped"
		}
	}
	return e
}

// isTransient reports whether another try may be answered differently (§1.11).
func isTransient(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// judgeFault is judge for a try that did not end in a status.
func (c *Client) judgeFault(e *Error, err error) {
	var (
		corrupt flate.CorruptInputError
		unknown *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		dns     *net.DNSError
		netErr  net.Error
	)
	e.again = true
	e.unconnected = isUnconnected(err)
	switch {
	case errors.Is(err, errSilent):
		e.reason, e.Err = schemas.Timeout, errSilent
	case errors.Is(err, errTruncated), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Err = errTruncated
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		e.again, e.reason, e.Err = false, schemas.Undecodable, errEncoding
	case isUndecodable(err):
		e.again, e.reason, e.Err = false, schemas.Undecodable, err
	case errors.As(err, &unknown):
		e.again, e.ends, e.Err = false, true, because(ErrUnreachable, errCertificate)
		e.Hint = "check --base-url, the machine's list of certificate authorities, and whether something between here and MX opens TLS"
	case errors.As(err, &record):
		e.again, e.ends, e.Err = false, true, because(ErrUnreachable, errNoTLS)
		if string(record.RecordHeader[:]) == "HTTP/" {
			e.Err = because(ErrUnreachable, errPlain)
		}
		e.Hint = "check --base-url, its port, and whether something between here and MX answers in its place"
	case errors.As(err, &dns):
		e.Err = errNoHost
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Err = errRefusedConn
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		e.Err = errNoRoute
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		e.reason, e.Err = schemas.Timeout, errSilent
	default:
		e.Err = errConnection
	}
}

// isUnconnected reports whether the request did not come as far as a connection.
func isUnconnected(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// isUndecodable reports whether err says that an answer came whole, and is not
// what the API promises. Its text is ours.
func isUndecodable(err error) bool {
	for _, known := range []error{
		errSyntax, errDepth, errTooLong, errRepeated, errNoContent, errPagination, errTooMany,
		errNotJSON, errEncoding, errTooLarge, errBomb,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
