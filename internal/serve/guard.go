package serve

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	tokenCookie = "tallyport_token"
	whoCookie   = "tallyport_who"
	formField   = "form"  // in every form: Site.form
	again       = "again" // in an address: it was asked for before, by this page
)

func baseContext(ctx context.Context) func(net.Listener) context.Context {
	return func(net.Listener) context.Context { return ctx }
}

// guarded lets requests through that come from people who may see the store,
// by way of pages of this site.
func (s *Site) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		// Other sites are told nothing. With no-referrer this one's forms would
		// come from an origin that browsers call null, as from anywhere.
		h.Set("Referrer-Policy", "same-origin")
		switch {
		case !s.ours(r):
			http.Error(w, "This is not the address of this page. Start tallyport serve with --host if it should be.", http.StatusForbidden)
		case r.URL.Path == "/style.css": // also for the page that asks for the token
			h.Set("Content-Type", "text/css; charset=utf-8")
			_, _ = w.Write(styleSheet)
		case s.cross.Check(r) != nil:
			http.Error(w, "This was sent by a page of another site.", http.StatusForbidden)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			if s.o.Token != "" && !s.admitted(w, r) {
				return
			}
			s.o.Log.Debug("page", "method", r.Method, "path", r.URL.Path) // no query: it may hold the token
			next.ServeHTTP(w, r)
		}
	})
}

const contentPolicy = "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ours reports whether the request is for a name of this site. A page of
// another site may have its own name lead here, and would read all of it.
func (s *Site) ours(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip := net.ParseIP(host); ip != nil {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if ip.IsLoopback() || local != nil && local.IP.Equal(ip) { // where the request arrived
			return true
		}
	}
	return strings.EqualFold(host, "localhost") || slices.ContainsFunc(s.o.Hosts, func(name string) bool { return strings.EqualFold(name, host) })
}

// admitted reports whether the request has the token; if not it is answered.
func (s *Site) admitted(w http.ResponseWriter, r *http.Request) bool {
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if bearer && same(given, s.o.Token) {
		return true
	}
	to, ask := "/", r.URL.Query()
	asked := ask.Has(again)
	if c, err := r.Cookie(tokenCookie); err == nil && same(c.Value, s.pass()) && !ask.Has("token") {
		if asked && r.Method == http.MethodGet {
			http.Redirect(w, r, address(r.URL, ask, again), http.StatusSeeOther)
			return false
		}
		return true
	}
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/token":
		given = r.PostFormValue("token")
		if u, err := url.Parse(r.PostFormValue("to")); err == nil {
			to = address(u, u.Query(), "")
		}
	case ask.Has("token") && r.Method == http.MethodGet:
		given = ask.Get("token")
		to = address(r.URL, ask, "token")
	default:
		p := &page{Title: "Who is there?", Body: address(r.URL, ask, again)}
		// A link from a mail or a chat comes without the cookie, which is for
		// requests of this site alone: the page asks for itself once more. Over
		// plain http browsers do not say where a request comes from.
		if from := r.Header.Get("Sec-Fetch-Site"); r.Method == http.MethodGet && !asked && (from == "" || from == "cross-site") {
			ask.Set(again, "1")
			p.Again = address(r.URL, ask, "")
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="tallyport"`)
		s.show(w, r, http.StatusUnauthorized, "token", p)
		return false
	}
	if !same(given, s.o.Token) {
		s.o.Log.Warn("a wrong token", "from", r.RemoteAddr)
		s.show(w, r, http.StatusUnauthorized, "token", &page{Title: "Who is there?", Problem: "That is not the token.", Body: to})
		return false
	}
	// Behind a proxy it is the proxy that knows; whoever claims it falsely harms themselves.
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",") // of several proxies the one that browsers reach
	secure := r.TLS != nil || strings.EqualFold(strings.TrimSpace(first), "https")
	http.SetCookie(w, &http.Cookie{Name: tokenCookie, Value: s.pass(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure})
	http.Redirect(w, r, to, http.StatusSeeOther)
	return false
}

// address is where a request was meant to go, without one of its questions. It
// never leads to another site.
func address(u *url.URL, ask url.Values, without string) string {
	ask.Del(without)
	to := url.URL{Path: "/" + strings.TrimLeft(u.Path, `/\`), RawQuery: ask.Encode()}
	return to.String()
}

// pass is what a browser keeps: it opens the page as the token does, and does
// not tell it.
func (s *Site) pass() string {
	h := hmac.New(sha256.New, []byte(s.o.Token))
	h.Write([]byte("cookie"))
	return hex.EncodeToString(h.Sum(nil))
}

// same compares secrets in a time that tells nothing of them.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// readForm reads what was typed. A form of another process of this program, or
// of another site, is an error; what was typed is there all the same.
func (s *Site) readForm(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		if big := new(http.MaxBytesError); errors.As(err, &big) {
			return nil, &problem{status: http.StatusRequestEntityTooLarge, text: "That is too much text for a form."}
		}
		return nil, &problem{status: http.StatusBadRequest, text: "That form cannot be read."}
	}
	if !same(r.PostForm.Get(formField), s.form) {
		return r.PostForm, &problem{status: http.StatusForbidden, text: "This form is from before the page was started anew. See that it still holds, and send it again."}
	}
	return r.PostForm, nil
}

// who is the person who decides, as they said last.
func (s *Site) who(r *http.Request) string {
	if c, err := r.Cookie(whoCookie); err == nil {
		if name, err := url.QueryUnescape(c.Value); err == nil {
			return name
		}
	}
	return s.o.Who
}

func remember(w http.ResponseWriter, who string) {
	http.SetCookie(w, &http.Cookie{Name: whoCookie, Value: url.QueryEscape(who), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}
