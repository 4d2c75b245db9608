package cli

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/atrium"
	"tallyport/schemas"
	"tallyport/snapshot"
)

// clientFlags are the flags of every command that talks to the API.
func clientFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "source", Value: "atrium", Usage: "which of MX's APIs: atrium"},
		&cli.StringFlag{Name: "env", Value: "production", Usage: "production or development (vestibule)"},
		&cli.StringFlag{Name: "base-url", Usage: "another address of the API: https, or http to a loopback address"},
		&cli.IntFlag{Name: "concurrency", Value: 16, Usage: "most requests in flight; fewer when the API asks for it"},
		&cli.Float64Flag{Name: "rps", Usage: "most requests per second, 0 for no limit"},
		&cli.StringFlag{Name: "page-size", Value: "100", Usage: "records per page asked for, 10 to 1000, or auto to find out"},
		&cli.BoolFlag{Name: "proxy-from-env", Usage: "send requests through the proxy that HTTPS_PROXY names"},
	}
}

// target is where the API is, as the flags say it.
type target struct {
	source string
	base   *url.URL
}

func targetOf(c *cli.Context) (target, error) {
	t := target{source: c.String("source")}
	if t.source != "atrium" {
		return t, usagef("--source %q is not supported; use atrium", t.source)
	}
	address := map[string]string{"production": atrium.AtriumProduction, "development": atrium.AtriumDevelopment}[c.String("env")]
	if address == "" {
		return t, usagef("--env %q is neither production nor development", c.String("env"))
	}
	if v := c.String("base-url"); v != "" {
		address = v
	}
	if !strings.Contains(address, "://") {
		return t, usagef("%s", schemeMissing(address))
	}
	base, err := url.Parse(address)
	if err != nil {
		return t, usagef("--base-url %q is not an address; write it as https://atrium.mx.com", address)
	}
	t.base = base
	return t, nil
}

// schemeMissing is what to say of an address without a scheme.
func schemeMissing(address string) string {
	if strings.ContainsAny(address, "@?#") { // it may hold a secret
		return "--base-url has no scheme; write it as https://atrium.mx.com"
	}
	scheme := "https://"
	host, _, err := net.SplitHostPort(address)
	if err == nil && isLoopback(host) || isLoopback(address) {
		scheme = "http://"
	}
	return fmt.Sprintf("--base-url %q has no scheme; write it as %s%s", address, scheme, address)
}

// client makes the API's client from the flags and the credentials.
func (s *session) client(c *cli.Context) (source, error) {
	t, err := targetOf(c)
	if err != nil {
		return source{}, err
	}
	o := &atrium.Options{
		Transport: s.env.Transport, Concurrency: c.Int("concurrency"), RPS: c.Float64("rps"),
		ProxyFromEnvironment: c.Bool("proxy-from-env"), Logger: s.log,
	}
	if o.Concurrency < 1 || o.Concurrency > 256 {
		return source{}, usagef("--concurrency %d is not between 1 and 256", o.Concurrency)
	}
	if !(o.RPS >= 0) || math.IsInf(o.RPS, 0) {
		return source{}, usagef("--rps %v is not a rate; 0 is no limit", o.RPS)
	}
	if o.PageSize, err = pageSize(c.String("page-size")); err != nil {
		return source{}, err
	}
	keys, err := s.credentials()
	if err != nil {
		return source{}, err
	}
	client, err := atrium.New(atrium.Atrium(t.base), keys, o)
	if err != nil {
		return source{}, usage{err}
	}
	return source{client}, nil
}

func pageSize(v string) (int, error) {
	if v == "auto" {
		return atrium.PageSizeAuto, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 10 || n > 1000 { // MX answers others with pages of 25 (mx-api.md §1.3)
		return 0, usagef("--page-size %q is neither a number from 10 to 1000 nor auto", v)
	}
	return n, nil
}

// source is the client as export wants it.
type source struct{ *atrium.Client }

func (s source) Requests() schemas.Requests {
	n := s.Stats()
	return schemas.Requests{Total: n.Requests, Retried: n.Retried, RateLimited: n.RateLimited}
}

// host is how the store names the API's address: the same for every way to
// write it.
func (t target) host() string {
	name, port := strings.ToLower(t.base.Hostname()), t.base.Port()
	if port == "" || port == map[string]string{"http": "80", "https": "443"}[t.base.Scheme] {
		if strings.Contains(name, ":") {
			return "[" + name + "]"
		}
		return name
	}
	return net.JoinHostPort(name, port)
}

// plan is what the flags ask of an export, for a snapshot as of id.
func (s *session) plan(c *cli.Context, t target, id snapshot.ID, users *userList) (snapshot.Plan, error) {
	client, err := s.clientID()
	if err != nil {
		return snapshot.Plan{}, err
	}
	window, err := windowOf(c, id)
	if err != nil {
		return snapshot.Plan{}, err
	}
	return snapshot.Plan{
		Source: t.source, Host: t.host(), Client: snapshot.ClientHash(client), Users: users.digest(),
		Window: window, Scope: schemas.Scope(c.String("scope")), Institutions: c.String("institutions"),
		Format: snapshot.Format(c.String("format")), CSVRaw: c.Bool("csv-raw"),
	}, nil
}

const (
	defaultDaysBack  = 90 // of the transaction window
	defaultDaysAhead = 5
)

// lastYear is the last one that is written with four digits. Years before 1970
// are refused as well: not every reader of the files takes negative times.
const lastYear = 9999

// windowOf is the window of transactions: the flags, or days around the id.
func windowOf(c *cli.Context, id snapshot.ID) (schemas.Window, error) {
	day := schemas.DateOf(id.Time())
	w := schemas.Window{From: day - defaultDaysBack, To: day + defaultDaysAhead}
	for _, f := range []struct {
		name string
		date *schemas.Date
	}{{"from", &w.From}, {"to", &w.To}} {
		if v := c.String(f.name); v != "" {
			if err := f.date.UnmarshalText([]byte(v)); err != nil {
				return w, usagef("--%s: %v", f.name, err)
			}
		}
	}
	last := schemas.DateOf(time.Date(lastYear, 12, 31, 0, 0, 0, 0, time.UTC))
	for _, f := range []struct {
		name string
		date schemas.Date
	}{{"from", w.From}, {"to", w.To}} {
		if f.date < 0 || f.date > last {
			return w, usagef("--%s %s is not between 1970-01-01 and %s", f.name, f.date, last)
		}
	}
	if w.To < w.From {
		return w, usagef("the window ends before it begins: --from %s, --to %s", w.From, w.To)
	}
	return w, nil
}

// oneOf checks a flag that names one of a few things.
func oneOf(c *cli.Context, flag string, values ...string) error {
	v := c.String(flag)
	for _, x := range values {
		if v == x {
			return nil
		}
	}
	return usagef("--%s %q is not known%s; use %s", flag, v, perhaps("", v, values), listOf(values, "or"))
}
