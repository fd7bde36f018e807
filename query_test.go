package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// A visitor whose sid came in the URL gets a new one in the cookie, since nobody else would carry it to the next request. Where the
// manager sends no cookie the application has SessionID.
func TestANewSIDLeavesTheURL(t *testing.T) {
	regenerate := func(m *session.Manager, w http.ResponseWriter, r *http.Request, _ *session.Session) (*session.Session, error) {
		return m.Regenerate(w, r)
	}
	login := func(_ *session.Manager, _ http.ResponseWriter, r *http.Request, s *session.Session) (*session.Session, error) {
		return s, s.Login(r.Context(), "ann")
	}
	for kind, open := range bothKinds {
		for what, move := range map[string]func(
			*session.Manager, http.ResponseWriter, *http.Request, *session.Session,
		) (*session.Session, error){"Regenerate": regenerate, "Login": login} {
			for _, under := range []string{"Start", "Handler"} {
				for _, cookies := range []bool{true, false} {
					t.Run(strings.Join([]string{kind, what, under, map[bool]string{true: "cookie", false: "none"}[cookies]}, "/"), func(t *testing.T) {
						m := newNode(t, open(t), session.CfgEnableSidInURLQuery(true), session.CfgSetCookie(cookies), session.CfgCookieLifeTime(3600))
						s := start(t, m, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
						set(t, s, "cart", "book")
						save(t, s)
						old, sid := s.SessionID(t.Context()), ""
						c := &client{target: "/?a=1&gosessionid=" + old}
						visit := func(w http.ResponseWriter, r *http.Request) {
							s, err := move(m, w, r, start(t, m, w, r))
							if err != nil {
								t.Fatal(err)
							}
							sid = s.SessionID(r.Context())
							if again := start(t, m, w, r); again.SessionID(r.Context()) != sid {
								t.Error("a later Start finds another session")
							}
						}
						if under == "Handler" {
							visit = m.Handler(http.HandlerFunc(visit)).ServeHTTP
						}
						res := c.do(visit)
						if got := len(res.Cookies()); got != map[bool]int{true: 1}[cookies] {
							t.Fatalf("%d cookies in the response", got)
						}
						if sid == old || !alive(t, m, sid) || alive(t, m, old) {
							t.Error("the session has no new sid, or the old one lives")
						}
						if !cookies {
							c.target = "/?gosessionid=" + sid
						}
						if c.value(t, m, "cart") != "book" { // also where the links of an old page have the old sid
							t.Error("the session is lost")
						}
						if res := c.do(func(w http.ResponseWriter, r *http.Request) { start(t, m, w, r) }); len(res.Cookies()) > 0 {
							t.Error("the cookie is sent again, as if it never was")
						}
					})
				}
			}
		}
	}
}

// A Regenerate that fails leaves the sid in the URL, and pins it to no cookie: it may be another's.
func TestAFailedRegenerateLeavesTheSIDInTheURL(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider(), session.CfgEnableSidInURLQuery(true), session.CfgCookieLifeTime(3600))
	sid := seed(t, m, nil).sid()
	f.heal()
	res := (&client{target: "/?gosessionid=" + sid}).do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		f.plan(1, refused)
		if err := s.Regenerate(r.Context()); err == nil {
			t.Error("no error")
		}
		f.heal()
		if again := start(t, m, w, r); again.SessionID(r.Context()) != sid {
			t.Error("a later Start finds another session")
		}
	})
	if len(res.Cookies()) > 0 {
		t.Error("the response sets a cookie")
	}
}
