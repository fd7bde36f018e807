package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// When the cookie was last sent is stored, and decides when it is sent again, whatever else is stored meanwhile: who keeps
// using the site keeps the cookie, too.
func TestTheCookieIsRenewed(t *testing.T) {
	type visitFunc = func(t *testing.T, s *session.Session)
	for name, visit := range map[string]visitFunc{
		"reads":      func(t *testing.T, s *session.Session) { s.Get(t.Context(), "n") },
		"increments": func(t *testing.T, s *session.Session) { s.Increment(t.Context(), "n", 1) },
	} {
		for settings, opts := range map[string][]session.ManagerConfigOpt{
			"an hour":                {session.CfgCookieLifeTime(3600), session.CfgMaxLifeTime(7200)},
			"a working day":          {session.CfgCookieLifeTime(8 * 3600), session.CfgMaxLifeTime(8 * 3600), session.CfgTouchInterval(15 * time.Minute)},
			"touches at each visit":  {session.CfgCookieLifeTime(3600), session.CfgMaxLifeTime(3600), session.CfgTouchInterval(-1)},
			"remembered for an hour": {session.CfgMaxLifeTime(600)},
		} {
			for way, handler := range ways {
				t.Run(name+", "+settings+", "+way, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						m := newManager(t, append(opts, session.CfgEncryptionKeys(newKey))...)
						b := &keeper{}
						b.visit(m, handler, func(s *session.Session) {
							s.Set(t.Context(), "n", 1)
							if settings == "remembered for an hour" {
								s.RememberMe(t.Context(), time.Hour)
							}
						})
						life := b.life
						if life == 0 {
							t.Fatal("the browser does not keep the cookie")
						}
						sent := b.sent
						for range 200 {
							time.Sleep(life / 70)
							b.visit(m, handler, func(s *session.Session) {
								if s.IsNew() {
									t.Fatal("the visitor is logged out")
								}
								visit(t, s)
							})
						}
						// A visit each 70th of its life: every fourth one is over a twentieth after the last cookie.
						if n := b.sent - sent; n < 40 || n > 50 {
							t.Errorf("the cookie was sent %d times in 200 visits, want 50", n)
						}
					})
				})
			}
		}
	}
}

// keeper is a browser that drops its cookie when Max-Age is over.
type keeper struct {
	client
	until time.Time
	life  time.Duration
	sent  int
}

var ways = map[string]func(m *session.Manager, f func(s *session.Session)) http.Handler{
	"Start": func(m *session.Manager, f func(s *session.Session)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := m.Start(w, r)
			if err != nil {
				panic(err)
			}
			defer s.SessionRelease(r.Context(), w)
			f(s)
		})
	},
	"Handler": func(m *session.Manager, f func(s *session.Session)) http.Handler {
		return m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := m.FromContext(r.Context())
			if err != nil {
				panic(err)
			}
			f(s)
		}))
	},
}

func (k *keeper) visit(m *session.Manager, way func(*session.Manager, func(*session.Session)) http.Handler, f func(s *session.Session)) {
	if k.life > 0 && !time.Now().Before(k.until) {
		k.cookie = ""
	}
	h := way(m, f)
	for _, c := range k.do(h.ServeHTTP).Cookies() {
		k.sent++
		k.life = time.Duration(c.MaxAge) * time.Second
		k.until = time.Now().Add(k.life)
	}
}
