package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

func TestOneSessionARequest(t *testing.T) {
	for _, lazy := range []bool{false, true} {
		for _, visitor := range []bool{false, true} {
			t.Run(fmt.Sprintf("lazy=%v/visitor=%v", lazy, visitor), func(t *testing.T) {
				f := newFaulty(t)
				m := newNode(t, f.provider(), session.CfgLazy(lazy))
				c := new(client)
				if !visitor {
					c = seed(t, m, map[any]any{"cart": "book"})
				}
				f.heal()
				srv := serve(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s := current(t, m, r)
					derived, cancel := context.WithCancel(r.Context())
					defer cancel()
					if current(t, m, r.WithContext(derived)) != s {
						t.Error("FromContext returns another")
					}
					if got := start(t, m, w, r); got != s {
						t.Error("Start returns another")
					}
					if got, err := m.SessionStart(w, r); err != nil || got != s {
						t.Errorf("SessionStart returns another: %v", err)
					}
					if got, err := m.Regenerate(w, r); err != nil || got != s {
						t.Errorf("Regenerate returns another: %v", err)
					}
					if got, err := m.SessionRegenerateID(w, r); err != nil || got != s {
						t.Errorf("SessionRegenerateID returns another: %v", err)
					}
					s.SessionRelease(r.Context(), w)
				})))
				res, _ := c.fetch(t, srv, "GET")
				none := lazy && visitor
				if got := len(cookies(res, "gosessionid")); (got == 0) != none || got > 1 {
					t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
				}
				if n := f.records(t); (n == 0) != none || n > 1 {
					t.Errorf("%d records, calls %v", n, f.ops())
				}
			})
		}
	}
}

func TestDestroyBehindHandlerBeginsAnew(t *testing.T) {
	onBoth(t, func(t *testing.T, protocol string) {
		var got reports
		m := newManager(t, got.options()...)
		c := seed(t, m, map[any]any{"cart": "book"})
		old := c.sid()
		srv := serve(t, protocol, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			before := current(t, m, r)
			set(t, before, "user", "ann")
			for range 2 {
				if err := m.Destroy(w, r); err != nil {
					t.Error(err)
				}
			}
			s := current(t, m, r)
			if s == before || s.Get(r.Context(), "cart") != nil {
				t.Error("the session is still there")
			}
			set(t, s, "user", "eve")
			before.SessionRelease(r.Context(), w)
			if err := before.Set(r.Context(), "user", "bob"); !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("Set = %v", err)
			}
		})))
		res, _ := c.fetch(t, srv, "GET")
		if len(res.Header["Set-Cookie"]) != 1 || c.sid() == "" || c.sid() == old {
			t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
		}
		if alive(t, m, old) || c.value(t, m, "user") != "eve" || m.GetActiveSession() != 1 {
			t.Errorf("user = %v, %d sessions", c.value(t, m, "user"), m.GetActiveSession())
		}
		got.silentSoFar(t)
	})
}

func TestDestroyTwiceRemovesTheCookie(t *testing.T) {
	for _, handler := range []bool{false, true} {
		t.Run(fmt.Sprintf("handler=%v", handler), func(t *testing.T) {
			m := newManager(t)
			var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				m.SessionDestroy(w, r)
				m.SessionDestroy(w, r)
			})
			if handler {
				h = m.Handler(h)
			}
			c := seed(t, m, nil)
			res := c.do(h.ServeHTTP)
			if c.cookie != "" || len(res.Header["Set-Cookie"]) != 1 || m.GetActiveSession() != 0 {
				t.Errorf("Set-Cookie = %q, %d sessions", res.Header["Set-Cookie"], m.GetActiveSession())
			}
		})
	}
}

func TestDestroyEndsEverySidOfTheRequest(t *testing.T) {
	for _, handler := range []bool{false, true} {
		t.Run(fmt.Sprintf("handler=%v", handler), func(t *testing.T) {
			m := newManager(t)
			a, b := seed(t, m, nil), seed(t, m, nil)
			var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := start(t, m, w, r).SessionID(r.Context()); got != a.sid() {
					t.Error("not the first one was found")
				}
				m.SessionDestroy(w, r)
			})
			if handler {
				h = m.Handler(h)
			}
			(&client{cookie: a.cookie + "; " + b.cookie}).do(h.ServeHTTP)
			if alive(t, m, a.sid()) || alive(t, m, b.sid()) {
				t.Error("one is alive: the next request would be logged in again")
			}
		})
	}
}

func TestDestroyAsksOnceForEachSid(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, nil)
	f.heal()
	c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		current(t, m, r)
		m.SessionDestroy(w, r)
	})).ServeHTTP)
	if got := fmt.Sprint(f.ops()); got != "[load delete]" {
		t.Errorf("calls: %v", got)
	}
}

func TestHandlerInsideHandler(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, nil)
	f.heal()
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { set(t, current(t, m, r), "inner", 1) })
	srv := serve(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer := current(t, m, r)
		m.Handler(inner).ServeHTTP(w, r)
		set(t, outer, "outer", outer.Get(r.Context(), "inner"))
	})))
	res, _ := c.fetch(t, srv, "GET")
	if got := fmt.Sprint(f.ops()); got != "[load save]" || res.Header["Set-Cookie"] != nil {
		t.Errorf("calls %v, Set-Cookie %q", got, res.Header["Set-Cookie"])
	}
	if got := c.value(t, m, "outer"); got != 1 {
		t.Errorf("outer = %v", got)
	}
}

func TestTwoManagersInOneRequest(t *testing.T) {
	onBoth(t, func(t *testing.T, protocol string) {
		a, b := newManager(t, session.CfgCookieName("a")), newManager(t, session.CfgCookieName("b"))
		srv := serve(t, protocol, a.Handler(b.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sa, sb := current(t, a, r), current(t, b, r)
			set(t, sa, "of", "a")
			set(t, sb, "of", "b")
			w.Header().Add("Set-Cookie", "theme=dark")
			fmt.Fprint(w, "hello")
		}))))
		res, _ := new(client).fetch(t, srv, "GET")
		for _, name := range []string{"a", "b", "theme"} {
			if got := cookies(res, name); len(got) != 1 {
				t.Errorf("cookies of the name %s: %q", name, got)
			}
		}
		all := &client{}
		for _, c := range res.Cookies() {
			all.cookie += c.Name + "=" + c.Value + "; "
		}
		if got := fmt.Sprint(all.value(t, a, "of"), all.value(t, b, "of")); got != "ab" {
			t.Errorf("values %v", got)
		}
	})
}

// TestHandlerLeavesTheRequestAlone because others may be reading it: a timed-out handler, an access log.
func TestHandlerLeavesTheRequestAlone(t *testing.T) {
	m := newManager(t, session.CfgEnableSidInURLQuery(true))
	c := &client{cookie: "theme=dark; " + seed(t, m, nil).cookie, target: "/?a=1"}
	r := c.request()
	before := r.Header.Clone()
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		if err := s.Regenerate(r.Context()); err != nil {
			t.Fatal(err)
		}
		m.SessionDestroy(w, r)
		set(t, current(t, m, r), "user", "ann")
	})).ServeHTTP(httptest.NewRecorder(), r)
	if fmt.Sprint(r.Header) != fmt.Sprint(before) || r.URL.RawQuery != "a=1" {
		t.Errorf("header %d lines, query %q", len(r.Header), r.URL.RawQuery)
	}
}

// A context that Handler knows nothing of gets an error that says which one to pass.
func TestFromContextOfSomethingElse(t *testing.T) {
	m := newManager(t)
	for name, ctx := range map[string]context.Context{"background": context.Background(), "nil": nil} {
		s, err := m.FromContext(ctx)
		if s != nil || err == nil || !strings.Contains(err.Error(), "r.Context()") || !strings.Contains(err.Error(), "c.Request.Context()") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}
