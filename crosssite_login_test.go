package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// payment is the request of a payment that returns by POST.
func payment() *http.Request { return new(client).with("POST", crossSite("navigate", "document")) }

// under runs a handler with the request, and with m's Handler around it if that is wanted.
func under(m *session.Manager, handler bool, r *http.Request, h http.HandlerFunc) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	if handler {
		m.Handler(h).ServeHTTP(w, r)
	} else {
		h(w, r)
	}
	return w
}

// A Login that fails begins nothing either, and nor does the Save after it: of a request of another site, and of one that comes late.
func TestALoginThatFailsBeginsNothing(t *testing.T) {
	for _, handler := range []bool{false, true} {
		m := newManager(t, session.CfgMaxPerUser(1), session.CfgOnLimit("refuse"))
		new(client).login(t, m, "ann")
		c := seed(t, m, nil)
		late := c.request()
		c.login(t, m, "bob")
		for name, r := range map[string]*http.Request{"another site": payment(), "late": late} {
			w := under(m, handler, r, func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				_ = s.Set(r.Context(), "next", "/")
				if err := s.Login(r.Context(), "ann"); !errors.Is(err, session.ErrTooManySessions) {
					t.Fatalf("Login = %v", err)
				}
				_ = s.Set(r.Context(), "next", "/account")
				if err := s.Save(r.Context()); err == nil && name == "another site" {
					t.Error("Save: no error")
				}
				if s.SessionID(r.Context()) != "" {
					t.Error("it has a sid")
				}
			})
			if len(w.Result().Cookies()) > 0 {
				t.Errorf("%s, handler=%t: the response sets a cookie", name, handler)
			}
		}
		if n, err := m.Count(t.Context()); n != 2 || err != nil {
			t.Errorf("handler=%t: %d sessions, %v", handler, n, err)
		}
	}
}

// What another Session of the request has set, or sets later, goes to the session that a Regenerate has begun.
func TestACrossSiteRegenerateTakesAnOlderSessionAlong(t *testing.T) {
	for kind, open := range kindsOfEngine {
		t.Run(kind, func(t *testing.T) {
			m := newNode(t, open(t))
			c, w, r := new(client), httptest.NewRecorder(), payment()
			old := start(t, m, w, r)
			before := old.Set(r.Context(), "before", "1")
			if _, err := m.Regenerate(w, r); err != nil {
				t.Fatal(err)
			}
			set(t, old, "after", "1")
			save(t, old)
			if c.take(w.Result()); c.value(t, m, "after") != "1" || before == nil && c.value(t, m, "before") != "1" {
				t.Error("a value is lost")
			}
		})
	}
}

// Regenerate begins the session, whatever was set, and also after a Save that has refused to.
func TestACrossSiteRegenerateBegins(t *testing.T) {
	for kind, open := range kindsOfEngine {
		t.Run(kind, func(t *testing.T) {
			m := newNode(t, open(t))
			w, r := httptest.NewRecorder(), payment()
			s := start(t, m, w, r)
			if err := s.Regenerate(r.Context()); err != nil {
				t.Fatal(err)
			}
			if s.SessionID(r.Context()) == "" && kind != "sealed" || !s.IsNew() {
				t.Errorf("nothing begins; new: %t", s.IsNew())
			}
			set(t, s, "a", "1")
			save(t, s)
			if c := new(client); len(w.Result().Cookies()) == 0 {
				t.Error("no cookie")
			} else if c.take(w.Result()); c.value(t, m, "a") != "1" {
				t.Error("not stored")
			}

			lazy := newNode(t, open(t), session.CfgLazy(true))
			if s, err := lazy.Regenerate(httptest.NewRecorder(), payment()); err != nil || !s.IsNew() {
				t.Errorf("lazy: not new, or %v", err)
			}
		})
	}
	m, c := newManager(t), new(client)
	w := under(m, true, payment(), func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		set(t, s, "a", "1")
		if err := s.Save(r.Context()); !errors.Is(err, session.ErrCrossSite) {
			t.Errorf("Save = %v", err)
		}
		if err := s.Regenerate(r.Context()); err != nil {
			t.Error(err)
		}
	})
	if c.take(w.Result()); c.value(t, m, "a") != "1" {
		t.Error("under Handler what Save has refused is lost after a Regenerate")
	}
}

// A cookie that this request removes can be replaced by none: later in the request a session begins.
func TestACrossSiteLogoutAndAStart(t *testing.T) {
	for _, handler := range []bool{false, true} {
		m := newManager(t)
		live := seed(t, m, nil).cookie
		for name, cookie := range map[string]string{
			"live": live, "dead": "gosessionid=" + strings.Repeat("ab", 16), "malformed": "gosessionid=x",
		} {
			r := (&client{cookie: cookie}).with("POST", crossSite("navigate", "document"))
			w := under(m, handler, r, func(w http.ResponseWriter, r *http.Request) {
				start(t, m, w, r)
				if err := m.Destroy(w, r); err != nil {
					t.Fatal(err)
				}
				s := start(t, m, w, r)
				set(t, s, "a", "1")
				save(t, s)
				if !s.IsNew() {
					t.Errorf("%s, handler=%t: not new", name, handler)
				}
			})
			if got := w.Result().Cookies(); len(got) != 1 || got[0].Value == "" {
				t.Errorf("%s, handler=%t: %d cookies, or none with a sid", name, handler, len(got))
			}
		}
	}
}

// A script of another site that keeps its sid in a header has no cookie that could be replaced.
func TestACrossSiteScriptWithAHeader(t *testing.T) {
	m := newManager(t, session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session"))
	h := crossSite("cors", "empty")
	for _, sid := range []string{"", strings.Repeat("ab", 16)} {
		if sid != "" {
			h["X-Session"] = []string{sid}
		}
		w, r := httptest.NewRecorder(), new(client).with("POST", h)
		if s := start(t, m, w, r); !s.IsNew() || w.Header().Get("X-Session") != s.SessionID(r.Context()) {
			t.Errorf("with a sid: %t; no session, or its sid is not answered", sid != "")
		}
	}
	if s := start(t, m, httptest.NewRecorder(), payment()); s.IsNew() {
		t.Error("a payment that returns begins a session")
	}
}

// Removing nothing is no error, also where a change is refused at once.
func TestACrossSiteRequestRemovesNothing(t *testing.T) {
	for kind, open := range kindsOfEngine {
		m, r := newNode(t, open(t)), payment()
		s := start(t, m, httptest.NewRecorder(), r)
		nothing := func(any) (any, error) { return nil, nil }
		err := errors.Join(s.Delete(r.Context(), "x"), s.Flush(r.Context()), s.Clear(r.Context()),
			s.Update(r.Context(), "x", nothing), s.Save(r.Context()))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
