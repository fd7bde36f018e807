package sessionbeego_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"

	beegosession "github.com/beego/beego/v2/server/web/session"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/cookie"
)

// carryOver is the one of docs/beego.md.
func carryOver(from, to *session.Manager, next http.Handler) http.Handler {
	return to.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("gosessionid") // of from
		if err != nil {
			next.ServeHTTP(w, r)
			return
		}
		old, err := from.GetSessionStore(cookie.Value)
		if errors.Is(err, session.ErrNotFound) {
			next.ServeHTTP(w, r)
			return
		}
		sess, errTo := to.FromContext(r.Context())
		if err = errors.Join(err, errTo); err == nil {
			var values map[any]any
			if values, err = old.(*session.Session).GetAll(r.Context()); err == nil {
				err = sess.SetMulti(r.Context(), values)
			}
		}
		if err == nil {
			err = sess.Regenerate(r.Context()) // as after a login: others may know the sid
		}
		if err == nil {
			err = sess.Save(r.Context())
		}
		if err == nil {
			err = from.Destroy(w, r)
		}
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// TestLeave takes a session from beego's layout to this module's, where sids are hashed and users can be listed.
func TestLeave(t *testing.T) {
	for _, p := range places {
		t.Run(p.provider, func(t *testing.T) {
			config := p.config(t)
			fixed := place{p.provider, func(testing.TB) string { return config }}
			w := open(t, fixed, 3600)
			own, err := session.NewManager(p.provider, session.NewManagerConfig(
				session.CfgCookieName("sid"), session.CfgProviderConfig(config)))
			must(t, err)
			defer own.Close()
			sid := w.begin(t)
			site := httptest.NewServer(carryOver(w.ours, own, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := own.FromContext(r.Context())
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(w, s.GetStringDefault(r.Context(), "username", "nobody"))
			})))
			defer site.Close()
			jar, err := cookiejar.New(nil)
			must(t, err)
			at, err := url.Parse(site.URL)
			must(t, err)
			jar.SetCookies(at, []*http.Cookie{{Name: "gosessionid", Value: sid, Path: "/"}})
			client := &http.Client{Jar: jar}
			for range 2 {
				answer, err := client.Get(site.URL)
				must(t, err)
				body, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if err != nil || string(body) != "astaxie" {
					t.Errorf("the visitor is %q, %v", body, err)
				}
				if cookies := jar.Cookies(at); len(cookies) != 1 || cookies[0].Name != "sid" {
					t.Errorf("cookies %v, want sid alone", cookies)
				}
			}
			if w.existsInBeego(t, sid) {
				t.Error("the old session is left")
			}
			s, err := own.GetSessionStore(jar.Cookies(at)[0].Value)
			must(t, err)
			for k, v := range values() {
				if got := s.Get(t.Context(), k); !equal(got, v) {
					t.Errorf("%v is %#v, want %#v", k, got, v)
				}
			}

			// A session that somebody else has put into the browser gets none of the visitor's values.
			planted, err := own.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			must(t, err)
			known := planted.SessionID(t.Context())
			jar.SetCookies(at, []*http.Cookie{
				{Name: "gosessionid", Value: w.begin(t), Path: "/"}, {Name: "sid", Value: known, Path: "/"},
			})
			answer, err := client.Get(site.URL)
			must(t, err)
			answer.Body.Close()
			if _, err := own.GetSessionStore(known); !errors.Is(err, session.ErrNotFound) || jar.Cookies(at)[0].Value == known {
				t.Errorf("the visitor goes on under a sid that others know, %v", err)
			}
		})
	}
}

// TestCookie opens what beego's cookie provider has sealed.
func TestCookie(t *testing.T) {
	const config = `{"cookieName":"gosessionid","securityKey":"a key of at least 16 bytes","blockKey":"0123456789abcdef",` +
		`"securityName":"a name","secure":false,"maxage":3600}`
	theirs, err := beegosession.NewManager("cookie", &beegosession.ManagerConfig{
		CookieName: "gosessionid", EnableSetCookie: true, Gclifetime: 3600, ProviderConfig: config,
	})
	must(t, err)
	w := httptest.NewRecorder()
	s, err := theirs.SessionStart(w, httptest.NewRequest("GET", "/", nil))
	must(t, err)
	for k, v := range values() {
		must(t, s.Set(t.Context(), k, v))
	}
	sealed := httptest.NewRecorder()
	s.SessionRelease(t.Context(), sealed)
	ours, err := session.NewManager("cookie", session.NewManagerConfig(
		session.CfgBeego(true), session.CfgGcLifeTime(3600), session.CfgProviderConfig(config)))
	must(t, err)
	defer ours.Close()
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range sealed.Result().Cookies() {
		r.AddCookie(c)
	}
	answer := httptest.NewRecorder()
	opened, err := ours.Start(answer, r)
	must(t, err)
	if opened.IsNew() {
		t.Fatal("beego's cookie was not opened")
	}
	for k, v := range values() {
		if got := opened.Get(t.Context(), k); !equal(got, v) {
			t.Errorf("%v is %#v, want %#v", k, got, v)
		}
	}
	if len(answer.Result().Cookies()) == 0 {
		t.Error("it was not sealed anew")
	}
}
