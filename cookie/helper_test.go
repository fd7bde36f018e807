package cookie_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/cookie"
	"github.com/seed1a8f7c28/session/driver"
)

const oneKey = `{"securityKey": "a secret of the tests"}`

// newManager makes a manager on the cookie provider.
func newManager(t testing.TB, config string, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	opts = append([]session.ManagerConfigOpt{session.CfgProviderConfig(config)}, opts...)
	m, err := session.New(cookie.New(), session.NewManagerConfig(opts...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// open makes a sealer.
func open(t testing.TB, c driver.Config) driver.Sealer {
	t.Helper()
	s, err := cookie.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A browser keeps cookies as its jar does, and makes requests.
type browser struct {
	testing.TB
	jar    *jar
	scheme string // "http" if empty
}

func newBrowser(t testing.TB) *browser { return &browser{TB: t, jar: newJar()} }

// request makes the next request.
func (b *browser) request() *http.Request {
	scheme := b.scheme
	if scheme == "" {
		scheme = "http"
	}
	r := httptest.NewRequest("GET", scheme+"://example.com/", nil)
	if cookies := b.jar.header(scheme == "https"); cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	return r
}

// do has handler answer a request.
func (b *browser) do(handler func(w http.ResponseWriter, r *http.Request)) *http.Response {
	b.Helper()
	w := httptest.NewRecorder()
	handler(w, b.request())
	res := w.Result()
	b.jar.take(res.Header["Set-Cookie"], b.scheme == "https")
	for _, refused := range b.jar.refused {
		b.Errorf("the browser refuses a cookie: %s", refused)
	}
	b.jar.refused = nil
	return res
}

// visit makes a request whose handler uses the session.
func (b *browser) visit(m *session.Manager, use func(s *session.Session)) *http.Response {
	b.Helper()
	return b.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(b, m, w, r)
		defer s.SessionRelease(r.Context(), w)
		use(s)
	})
}

// value reads one value, with a request of its own.
func (b *browser) value(m *session.Manager, key any) (v any) {
	b.Helper()
	b.visit(m, func(s *session.Session) { v = s.Get(b.Context(), key) })
	return v
}

// sid returns the sid, with a request of its own.
func (b *browser) sid(m *session.Manager) (sid string) {
	b.Helper()
	b.visit(m, func(s *session.Session) { sid = s.SessionID(b.Context()) })
	return sid
}

// seeded returns a browser that has a session with the user ann.
func seeded(t testing.TB, m *session.Manager) *browser {
	t.Helper()
	b := newBrowser(t)
	b.visit(m, func(s *session.Session) { set(t, s, "user", "ann") })
	return b
}

func start(t testing.TB, m *session.Manager, w http.ResponseWriter, r *http.Request) *session.Session {
	t.Helper()
	s, err := m.Start(w, r)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	return s
}

func set(t testing.TB, s session.Store, key, value any) {
	t.Helper()
	if err := s.Set(t.Context(), key, value); err != nil {
		t.Fatalf("Set: %v", err)
	}
}

// An outcome is what a visitor gets to see.
type outcome struct {
	status  int
	user    any
	isNew   bool
	cookies int
}

// fresh is what a visitor without a cookie gets.
var fresh = outcome{http.StatusOK, nil, true, 1}

// with returns the outcome of a request with this Cookie header.
func with(m *session.Manager, header string) (o outcome) {
	w, r := httptest.NewRecorder(), &http.Request{Method: "GET", Header: http.Header{"Cookie": {header}}}
	s, err := m.Start(w, r)
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
	} else {
		o.user, o.isNew = s.Get(r.Context(), "user"), s.IsNew()
		s.SessionRelease(r.Context(), w)
	}
	o.status, o.cookies = w.Code, len(w.Header()["Set-Cookie"])
	return o
}

// wantFresh checks that what is in the cookies is no session.
func wantFresh(t testing.TB, m *session.Manager, header, what string) {
	t.Helper()
	if got := with(m, header); got != fresh {
		t.Errorf("%s: %+v, want %+v", what, got, fresh)
	}
}
