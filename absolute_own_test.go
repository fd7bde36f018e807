package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A session's own absolute lifetime, shorter or longer than the manager's, ends it however much it is used, and begins anew with
// a login.
func TestOwnAbsoluteLifetime(t *testing.T) {
	for name, own := range map[string]time.Duration{"shorter": 2 * time.Hour, "longer": 30 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, session.CfgAbsoluteLifetime(12*time.Hour), session.CfgMaxLifeTime(3600))
				c := seed(t, m, map[any]any{"a": 1})
				use := func(f func(s *session.Session, r *http.Request)) {
					c.do(func(w http.ResponseWriter, r *http.Request) {
						s := start(t, m, w, r)
						f(s, r)
						save(t, s)
					})
				}
				time.Sleep(30 * time.Minute)
				use(func(s *session.Session, r *http.Request) {
					if err := s.SetAbsoluteLifetime(r.Context(), 10*time.Minute); err == nil {
						t.Error("a lifetime that is over is taken")
					}
					if err := s.SetAbsoluteLifetime(r.Context(), own); err != nil {
						t.Fatal(err)
					}
					if err := s.SetLifetime(r.Context(), own+time.Second); err == nil {
						t.Error("an idle lifetime beyond the absolute one is taken")
					}
				})
				lasts := func(want time.Duration) {
					t.Helper()
					began := time.Now()
					for ended := false; !ended; {
						time.Sleep(15 * time.Minute)
						use(func(s *session.Session, _ *http.Request) { ended = s.IsNew() })
					}
					if got := time.Since(began); got < want || got > want+15*time.Minute {
						t.Errorf("it lasted %v, want %v", got, want)
					}
				}
				use(func(s *session.Session, r *http.Request) {
					if err := s.Login(r.Context(), "ann"); err != nil {
						t.Fatal(err)
					}
				})
				lasts(own)
			})
		})
	}
}
