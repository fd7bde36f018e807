package session_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A session tells when it ends: if it is not used again, and at the latest.
func TestExpiresAndDeadline(t *testing.T) {
	for _, e := range storing() {
		t.Run(e.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := e.open(t, session.CfgMaxLifeTime(3600), session.CfgAbsoluteLifetime(12*time.Hour), session.CfgLazy(true))
				c, begun := new(client), time.Now()
				want := func(s *session.Session, expires, deadline time.Time) {
					t.Helper()
					if got := s.Expires(); !got.Equal(expires) {
						t.Errorf("after %v: Expires is %v after the beginning, want %v", time.Since(begun), got.Sub(begun), expires.Sub(begun))
					}
					if got := s.Deadline(); !got.Equal(deadline) {
						t.Errorf("after %v: Deadline is %v after the beginning, want %v", time.Since(begun), got.Sub(begun), deadline.Sub(begun))
					}
				}
				c.visit(t, m, func(s *session.Session) {
					want(s, time.Time{}, time.Time{}) // nothing is stored
					set(t, s, "k", 1)
					want(s, begun.Add(time.Hour), begun.Add(12*time.Hour))
				})
				time.Sleep(30 * time.Minute)
				c.visit(t, m, func(s *session.Session) { set(t, s, "k", 2) })
				want(c.open(t, m), begun.Add(90*time.Minute), begun.Add(12*time.Hour))
				c.visit(t, m, func(s *session.Session) {
					if err := s.SetLifetime(t.Context(), 3*time.Hour); err != nil {
						t.Error(err)
					}
					save(t, s)
					want(s, begun.Add(210*time.Minute), begun.Add(12*time.Hour))
				})
				c.visit(t, m, func(s *session.Session) {
					if err := s.Login(t.Context(), "ann"); err != nil {
						t.Error(err)
					}
					want(s, begun.Add(210*time.Minute), begun.Add(750*time.Minute))
				})
				c.do(func(w http.ResponseWriter, r *http.Request) {
					s := start(t, m, w, r)
					if err := m.UpdateExpiration(w, r, time.Minute); err != nil {
						t.Error(err)
					}
					reload(t, s)
					want(s, begun.Add(31*time.Minute), begun.Add(750*time.Minute))
					if err := s.Logout(t.Context()); err != nil {
						t.Error(err)
					}
					want(s, time.Time{}, time.Time{})
				})
			})
		})
	}
}

// Without an absolute lifetime there is no Deadline, and a third party's sessions tell neither.
func TestNoDeadline(t *testing.T) {
	m := newManager(t)
	if s := seed(t, m, nil).open(t, m); !s.Deadline().IsZero() {
		t.Errorf("Deadline = %v", s.Deadline())
	}
	m = newNode(t, newShelf())
	if s := seed(t, m, map[any]any{"k": 1}).open(t, m); !s.Expires().IsZero() || !s.Deadline().IsZero() {
		t.Errorf("a third party's: %v, %v", s.Expires(), s.Deadline())
	}
}

// In a visitor's first request the session that a Set begins can be given a deadline, by whatever way the request comes in.
func TestDeadlineInTheFirstRequest(t *testing.T) {
	for _, e := range storing() {
		for _, way := range []string{"Start", "Handler"} {
			for what, call := range map[string]func(m *session.Manager, w http.ResponseWriter, r *http.Request) error{
				"UpdateExpiration": func(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
					return m.UpdateExpiration(w, r, 5*time.Hour)
				},
				"ShiftExpiration": (*session.Manager).ShiftExpiration,
			} {
				t.Run(e.name+"/"+way+"/"+what, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						m := e.open(t, session.CfgMaxLifeTime(3600), session.CfgLazy(true))
						c, want := new(client), time.Now().Add(time.Hour)
						if what == "UpdateExpiration" {
							want = time.Now().Add(5 * time.Hour)
						}
						page := func(w http.ResponseWriter, r *http.Request) {
							if err := call(m, w, r); !errors.Is(err, session.ErrNotFound) {
								t.Errorf("before anything is stored: %v", err)
							}
							s := start(t, m, w, r)
							set(t, s, "k", "v")
							if err := call(m, w, r); err != nil {
								t.Fatal(err)
							}
							set(t, s, "more", "v")
							save(t, s)
							if !s.IsNew() {
								t.Error("the session is not new")
							}
						}
						if way == "Handler" {
							h := m.Handler(http.HandlerFunc(page))
							c.do(h.ServeHTTP)
						} else {
							c.do(page)
						}
						s := c.open(t, m)
						if got := s.Expires(); !got.Equal(want) {
							t.Errorf("it expires %v from now, want %v", time.Until(got), time.Until(want))
						}
						if s.Get(t.Context(), "k") != "v" || s.Get(t.Context(), "more") != "v" {
							t.Error("values are lost")
						}
					})
				})
			}
		}
	}
}
