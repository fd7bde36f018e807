package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// isFree fails the test when s is locked.
func isFree(t *testing.T, s *session.Session) {
	t.Helper()
	used := make(chan struct{})
	go func() {
		defer close(used)
		_ = s.User()
		_ = s.Get(context.Background(), "a")
	}()
	select {
	case <-used:
	case <-time.After(10 * time.Second):
		t.Fatal("a handler is called while the session is locked")
	}
}

func TestEvents(t *testing.T) {
	for name, p := range stores(t) {
		t.Run(name, func(t *testing.T) {
			var m *session.Manager
			var got []string
			var using *session.Session // of the request that is under way
			handler := func(what string) session.EventHandler {
				return func(ctx context.Context, e session.Event) {
					if _, err := m.Count(ctx); err != nil { // no lock is held
						t.Error(err)
					}
					if using != nil {
						isFree(t, using)
					}
					if len(e.ID) != 43 || (e.Previous != "") != (what == "regenerate") || e.Previous == e.ID {
						t.Errorf("%s: ids %q and %q", what, e.Previous, e.ID)
					}
					got = append(got, fmt.Sprint(what, " ", e.User, " ", e.Reason))
				}
			}
			m = newNode(t, p, session.CfgOnCreate(handler("create")), session.CfgOnRegenerate(handler("regenerate")),
				session.CfgOnDestroy(handler("destroy")), session.CfgOnConflict(handler("conflict")), session.CfgMaxPerUser(1))
			other := newNode(t, p)
			c := new(client)
			want := func(events ...string) {
				t.Helper()
				if !slices.Equal(got, events) {
					t.Errorf("events %q, want %q", got, events)
				}
				got, using = nil, nil
			}
			c.visit(t, m, func(s *session.Session) { set(t, s, "a", 1) })
			want("create  ")
			c.visit(t, m, nil)
			want()
			c.visit(t, m, func(s *session.Session) {
				using = s
				if err := s.Login(t.Context(), "ann"); err != nil {
					t.Error(err)
				}
			})
			want("regenerate ann ")
			c.visit(t, m, func(s *session.Session) {
				using = s
				set(t, s, "b", 1)
				c.visit(t, other, func(s *session.Session) { set(t, s, "c", 1) })
			})
			if name != "memory" { // the nodes of one process save one after the other
				want("conflict ann ")
			}
			got, using = nil, nil
			c.do(func(w http.ResponseWriter, r *http.Request) { m.SessionDestroy(w, r) })
			want("destroy ann logout")
			unknown := &client{cookie: "gosessionid=0123456789abcdef0123456789abcdef"}
			unknown.do(func(w http.ResponseWriter, r *http.Request) { m.SessionDestroy(w, r) })
			want()

			evicted := login(t, m, "ann")
			got = nil
			c.visit(t, m, func(s *session.Session) {
				got, using = nil, s
				if err := s.Login(t.Context(), "ann"); err != nil {
					t.Error(err)
				}
			})
			want("destroy ann limit", "regenerate ann ")
			evicted.visit(t, m, func(s *session.Session) {
				got, using = nil, s
				if err := s.Logout(t.Context()); err != nil {
					t.Error(err)
				}
			})
			want("destroy  logout")
			if _, err := m.DestroyUser(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
			want("destroy ann revoked")

			h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.FromContext(r.Context())
				if err != nil {
					t.Error(err)
					return
				}
				using = s
				switch r.URL.Path {
				case "/set":
					set(t, s, "a", 1)
				case "/logout":
					if err := s.Logout(r.Context()); err != nil {
						t.Error(err)
					}
				}
				w.WriteHeader(http.StatusNoContent)
			}))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/set", nil))
			want("create  ")
			c = new(client)
			c.take(w.Result())
			c.target = "/logout"
			c.do(h.ServeHTTP)
			want("destroy  logout")
		})
	}
}

// A handler may save the session with the context that it is given, and that context still has the request's values then.
func TestAnEventHandlerSaves(t *testing.T) {
	type key struct{}
	var s *session.Session
	var values []any
	m := newManager(t, session.CfgLazy(true), session.CfgOnCreate(func(ctx context.Context, _ session.Event) {
		if err := s.Set(ctx, "b", 2); err != nil {
			t.Error(err)
		}
		if err := s.Save(ctx); err != nil {
			t.Error(err)
		}
		values = append(values, ctx.Value(key{}))
	}))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r = r.WithContext(context.WithValue(r.Context(), key{}, "the request's"))
	var err error
	if s, err = m.Start(httptest.NewRecorder(), r); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(r.Context(), "a", 1); err != nil {
		t.Fatal(err)
	}
	if want := []any{"the request's"}; !slices.Equal(values, want) {
		t.Errorf("the handler has seen the values %v, want %v", values, want)
	}
	if a, b := s.Get(r.Context(), "a"), s.Get(r.Context(), "b"); a != 1 || b != 2 {
		t.Errorf("a = %v, b = %v", a, b)
	}
}
