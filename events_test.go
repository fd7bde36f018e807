package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/seed1a8f7c28/session"
)

func TestEvents(t *testing.T) {
	for name, p := range stores(t) {
		t.Run(name, func(t *testing.T) {
			var m *session.Manager
			var got []string
			handler := func(what string) session.EventHandler {
				return func(ctx context.Context, e session.Event) {
					if _, err := m.Count(ctx); err != nil { // no lock is held
						t.Error(err)
					}
					if s, err := m.FromContext(ctx); err == nil {
						_ = s.Get(ctx, "a")
						_ = s.User()
					}
					if len(e.ID) != 43 || (e.Previous != "") != (what == "regenerate") || e.Previous == e.ID {
						t.Errorf("%s: ids %q and %q", what, e.Previous, e.ID)
					}
					got = append(got, fmt.Sprint(what, " ", e.User, " ", e.Reason))
				}
			}
			m = newNode(t, p, session.CfgOnCreate(handler("create")), session.CfgOnRegenerate(handler("regenerate")),
				session.CfgOnDestroy(handler("destroy")), session.CfgOnConflict(handler("conflict")))
			other := newNode(t, p)
			c := new(client)
			want := func(events ...string) {
				t.Helper()
				if !slices.Equal(got, events) {
					t.Errorf("events %q, want %q", got, events)
				}
				got = nil
			}
			c.visit(t, m, func(s *session.Session) { set(t, s, "a", 1) })
			want("create  ")
			c.visit(t, m, nil)
			want()
			c.login(t, m, "ann")
			want("regenerate ann ")
			c.visit(t, m, func(s *session.Session) {
				set(t, s, "b", 1)
				c.visit(t, other, func(s *session.Session) { set(t, s, "c", 1) })
			})
			if name != "memory" { // the nodes of one process save one after the other
				want("conflict ann ")
			}
			got = nil
			c.do(func(w http.ResponseWriter, r *http.Request) { m.SessionDestroy(w, r) })
			want("destroy ann logout")
			unknown := &client{cookie: "gosessionid=0123456789abcdef0123456789abcdef"}
			unknown.do(func(w http.ResponseWriter, r *http.Request) { m.SessionDestroy(w, r) })
			want()

			c = login(t, m, "ann")
			got = nil
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
