package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// After UpdateExpiration each cookie of the session has a Max-Age that goes by the deadline, in its own request and in later ones,
// until a login begins both lifetimes anew.
func TestTheCookieGoesByTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgMaxLifeTime(3600), session.CfgCookieLifeTime(3600))
		c := seed(t, m, nil)
		ages := func(do func(w http.ResponseWriter, r *http.Request) error) (last int) {
			t.Helper()
			for _, cookie := range c.do(func(w http.ResponseWriter, r *http.Request) {
				if err := do(w, r); err != nil {
					t.Error(err)
				}
			}).Cookies() {
				last = cookie.MaxAge
			}
			return last
		}
		const day = 24 * 3600
		regenerate := func(w http.ResponseWriter, r *http.Request) error {
			_, err := m.Regenerate(w, r)
			return err
		}
		if age := ages(func(w http.ResponseWriter, r *http.Request) error {
			if err := m.UpdateExpiration(w, r, 24*time.Hour); err != nil {
				return err
			}
			return regenerate(w, r)
		}); age != day {
			t.Errorf("Regenerate in the same request: Max-Age %d, want %d", age, day)
		}
		time.Sleep(time.Hour)
		if age := ages(m.ShiftExpiration); age != day-3600 {
			t.Errorf("ShiftExpiration an hour later: Max-Age %d, want %d", age, day-3600)
		}
		if age := ages(regenerate); age != day-3600 {
			t.Errorf("Regenerate an hour later: Max-Age %d, want %d", age, day-3600)
		}
		if age := ages(func(w http.ResponseWriter, r *http.Request) error {
			return start(t, m, w, r).Login(r.Context(), "ann")
		}); age != 3600 {
			t.Errorf("Login: Max-Age %d, want 3600", age)
		}
	})
}
