package session_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// A foreign is an Exchange of an HTTP stack that is not net/http.
type foreign struct {
	request  map[string][]string
	query    string
	response map[string][]string
}

func (x *foreign) Context() context.Context               { return context.Background() }
func (x *foreign) RequestHeader(name string) []string     { return x.request[name] }
func (x *foreign) Query() string                          { return x.query }
func (x *foreign) SetQuery(query string)                  { x.query = query }
func (x *foreign) Method() string                         { return "GET" }
func (x *foreign) TLS() bool                              { return false }
func (x *foreign) RemoteAddr() string                     { return "" }
func (x *foreign) ResponseHeader(name string) []string    { return x.response[name] }
func (x *foreign) SetResponseHeader(n string, l []string) { x.response[n] = l }

func (x *foreign) SetRequestHeader(name, value string) {
	delete(x.request, name)
	if value != "" {
		x.request[name] = []string{value}
	}
}

func newForeign(cookie string) *foreign {
	x := &foreign{request: make(map[string][]string), response: make(map[string][]string)}
	x.SetRequestHeader("Cookie", cookie)
	return x
}

func TestStartExchange(t *testing.T) {
	m := newManager(t)
	x := newForeign("theme=dark")
	s, err := m.StartExchange(x)
	if err != nil || !s.IsNew() {
		t.Fatal(s, err)
	}
	set(t, s, "user", "ann")
	save(t, s)
	line := x.response["Set-Cookie"]
	if len(line) != 1 || !strings.HasPrefix(line[0], "gosessionid="+s.SessionID(t.Context())+"; ") {
		t.Fatalf("Set-Cookie = %q", line)
	}
	if want := "theme=dark; gosessionid=" + s.SessionID(t.Context()) + ";"; !strings.HasPrefix(x.request["Cookie"][0], want) {
		t.Error("the request does not carry the session")
	}
	pair, _, _ := strings.Cut(line[0], ";")
	again, err := m.StartExchange(newForeign(pair))
	if err != nil || again.Get(t.Context(), "user") != "ann" {
		t.Fatal(again, err)
	}
	c := &client{cookie: pair} // and net/http serves the same session
	if c.value(t, m, "user") != "ann" {
		t.Error("net/http does not find it")
	}

	x = newForeign(pair)
	if s, err = m.StartExchange(x); err != nil {
		t.Fatal(err)
	}
	if err := s.Regenerate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive(t, m, c.sid()) || len(x.response["Set-Cookie"]) != 1 {
		t.Error("not regenerated")
	}

	lazy := newManager(t, session.CfgLazy(true))
	x = newForeign("")
	if s, err = lazy.StartExchange(x); err != nil || x.response["Set-Cookie"] != nil {
		t.Fatal(err, x.response)
	}
	if set(t, s, "n", 1); len(x.response["Set-Cookie"]) != 1 {
		t.Error("the first value brings no cookie")
	}
}

func TestSecure(t *testing.T) {
	request := func(change func(r *http.Request)) *http.Request {
		r := httptest.NewRequest("GET", "/", nil) // from 192.0.2.1:1234
		if change != nil {
			change(r)
		}
		return r
	}
	proto := func(lines ...string) func(r *http.Request) {
		return func(r *http.Request) { r.Header["X-Forwarded-Proto"] = lines }
	}
	forwarded := func(lines ...string) func(r *http.Request) {
		return func(r *http.Request) { r.Header["Forwarded"] = lines }
	}
	trusts := func(proxies ...string) []session.ManagerConfigOpt {
		return []session.ManagerConfigOpt{session.CfgTrustedProxies(proxies...)}
	}
	from := func(addr string, next func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			if r.RemoteAddr = addr; next != nil {
				next(r)
			}
		}
	}
	for name, tt := range map[string]struct {
		opts []session.ManagerConfigOpt
		r    *http.Request
		want bool
	}{
		"plain":                     {nil, request(nil), false},
		"always":                    {[]session.ManagerConfigOpt{session.CfgSecure(true)}, request(nil), true},
		"TLS":                       {nil, request(func(r *http.Request) { r.TLS = new(tls.ConnectionState) }), true},
		"nobody is trusted":         {nil, request(proto("https")), false},
		"trusted":                   {trusts("10.0.0.1", "192.0.2.0/24"), request(proto("https")), true},
		"trusted, in capitals":      {trusts("192.0.2.1"), request(proto("HTTPS")), true},
		"trusted, plain":            {trusts("192.0.2.1"), request(proto("http")), false},
		"trusted, silent":           {trusts("192.0.2.1"), request(nil), false},
		"trusted, twice":            {trusts("192.0.2.1"), request(proto("https", "https")), true},
		"trusted, a websocket":      {trusts("192.0.2.1"), request(proto("Wss")), true},
		"trusted, ws":               {trusts("192.0.2.1"), request(proto("ws")), false},
		"trusted, a list":           {trusts("192.0.2.1"), request(proto("https,https")), true},
		"the client's comes first":  {trusts("192.0.2.1"), request(proto("https , http")), true},
		"the client's is plain":     {trusts("192.0.2.1"), request(proto("http", "https")), false},
		"empty members":             {trusts("192.0.2.1"), request(proto("", " ,, https, http")), true},
		"Forwarded":                 {trusts("192.0.2.1"), request(forwarded("for=192.0.2.43;proto=https;by=203.0.113.43")), true},
		"Forwarded, in capitals":    {trusts("192.0.2.1"), request(forwarded("For=x;PROTO=HTTPS")), true},
		"Forwarded, quoted":         {trusts("192.0.2.1"), request(forwarded(`for="a,b;proto=http\"," ; proto="h\ttps"`)), true},
		"Forwarded, plain":          {trusts("192.0.2.1"), request(forwarded("proto=http, proto=https")), false},
		"Forwarded, in a value":     {trusts("192.0.2.1"), request(forwarded(`for=";proto=https;"`)), false},
		"Forwarded, lines":          {trusts("192.0.2.1"), request(forwarded("", "proto=https", "proto=http")), true},
		"Forwarded, another name":   {trusts("192.0.2.1"), request(forwarded("xproto=https;proto2=https;proto")), false},
		"Forwarded, not closed":     {trusts("192.0.2.1"), request(forwarded(`proto="https`)), false},
		"Forwarded, not trusted":    {trusts("192.0.2.2"), request(forwarded("proto=https")), false},
		"unix":                      {trusts("192.0.2.2", "unix"), request(from("@", proto("https"))), true},
		"unix, a name":              {trusts("unix"), request(from("@proxy", proto("https"))), true},
		"unix, a path":              {trusts("unix"), request(from("/run/proxy", proto("https"))), true},
		"unix, nothing":             {trusts("unix"), request(from("", proto("https"))), true},
		"unix, silent":              {trusts("unix"), request(from("@", nil)), false},
		"unix, but from afar":       {trusts("unix"), request(proto("https")), false},
		"another":                   {trusts("192.0.2.2"), request(proto("https")), false},
		"IPv4 written as IPv6":      {trusts("192.0.2.1"), request(from("[::ffff:192.0.2.1]:80", proto("https"))), true},
		"IPv6":                      {trusts("2001:db8::/32"), request(from("[2001:db8::1]:80", proto("https"))), true},
		"address without a port":    {trusts("192.0.2.1"), request(from("192.0.2.1", proto("https"))), true},
		"no address, a unix socket": {trusts("192.0.2.1"), request(from("@", proto("https"))), false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, tt.opts...)
			w := httptest.NewRecorder()
			start(t, m, w, tt.r)
			if got := w.Result().Cookies()[0].Secure; got != tt.want {
				t.Errorf("Secure = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSetSecure(t *testing.T) {
	secure := func(m *session.Manager) bool {
		res := new(client).do(func(w http.ResponseWriter, r *http.Request) { start(t, m, w, r) })
		return res.Cookies()[0].Secure
	}
	m := newManager(t)
	for _, want := range []bool{true, false} {
		if m.SetSecure(want); secure(m) != want {
			t.Errorf("after SetSecure(%v) Secure = %v", want, !want)
		}
	}
	for name, opts := range map[string][]session.ManagerConfigOpt{
		"prefix":      {session.CfgCookieName("__Secure-id")},
		"SameSite":    {session.CfgSameSite(http.SameSiteNoneMode)},
		"partitioned": {session.CfgPartitioned(true)},
	} {
		m := newManager(t, append(slices.Clone(opts), session.CfgSecure(true))...)
		if m.SetSecure(false); !secure(m) {
			t.Errorf("%s: a cookie without Secure, which browsers refuse", name)
		}
	}
}

func TestAShortCookieIsRenewedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgCookieLifeTime(10))
		c := seed(t, m, nil)
		for range 5 {
			time.Sleep(9 * time.Second)
			res := c.do(func(w http.ResponseWriter, r *http.Request) {
				start(t, m, w, r).SessionRelease(r.Context(), w)
			})
			if len(res.Cookies()) != 1 || res.Cookies()[0].MaxAge != 10 {
				t.Fatalf("Set-Cookie = %q", res.Header["Set-Cookie"])
			}
		}
	})
	_, err := session.New(memory.New(), session.NewManagerConfig(session.CfgCookieLifeTime(10), session.CfgTouchInterval(10*time.Second)))
	if err == nil || !strings.Contains(err.Error(), "touchInterval: 10s is not less than cookieLifeTime, 10s") {
		t.Errorf("New = %v", err)
	}
}
