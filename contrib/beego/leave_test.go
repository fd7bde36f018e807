package sessionbeego_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	beegosession "github.com/beego/beego/v2/server/web/session"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/cookie"
)

// carryOver and carry are those of docs/beego.md.
func carryOver(from, to *session.Manager, next http.Handler) http.Handler {
	return to.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie("gosessionid"); err == nil { // the name of from's cookie
			if err := carry(r.Context(), from, to, cookie.Value); err != nil {
				http.Error(w, "try again", http.StatusServiceUnavailable)
				return
			}
			http.SetCookie(w, &http.Cookie{Name: "gosessionid", Path: "/", MaxAge: -1}) // its path, and its domain if it has one
		}
		next.ServeHTTP(w, r)
	}))
}

// carry copies the values of a session of from, if it is live, into the request's session of to.
func carry(ctx context.Context, from, to *session.Manager, sid string) error {
	store, err := from.GetSessionStore(sid)
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	old := store.(*session.Session)
	values, err := old.GetAll(ctx)
	if err != nil {
		return err
	}
	sess, err := to.FromContext(ctx)
	if err != nil {
		return err
	}
	if err := sess.SetMulti(ctx, values); err != nil {
		return err
	}
	if err := sess.Regenerate(ctx); err != nil { // as after a login: others may know the sid
		return err
	}
	if err := sess.Save(ctx); err != nil {
		return err
	}
	if time.Until(old.Expires()) <= time.Minute {
		return nil
	}
	// More requests with the old cookie may be on their way, so the old session stays for a minute.
	if err := old.SetLifetime(ctx, time.Minute); err != nil {
		return err
	}
	return old.Save(ctx)
}

// TestLeave takes sessions from beego's layout to this module's, where sids are hashed and users can be listed. The visitors
// send several requests at once, as browsers do.
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
			site := httptest.NewServer(carryOver(w.ours, own, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := own.FromContext(r.Context())
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(w, s.GetStringDefault(r.Context(), "username", "nobody"))
			})))
			defer site.Close()
			at, err := url.Parse(site.URL)
			must(t, err)
			jar, err := cookiejar.New(nil)
			must(t, err)
			client := &http.Client{Jar: jar}
			visit := func() {
				t.Helper()
				answer, err := client.Get(site.URL)
				if err != nil {
					t.Error(err)
					return
				}
				defer answer.Body.Close()
				if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "astaxie" {
					t.Errorf("the visitor is %q, %v", body, err)
				}
			}
			for range 5 {
				sid := w.begin(t)
				jar.SetCookies(at, []*http.Cookie{
					{Name: "gosessionid", Value: sid, Path: "/"}, {Name: "sid", Path: "/", MaxAge: -1},
				})
				var requests sync.WaitGroup
				for range 6 {
					requests.Go(visit)
				}
				requests.Wait()
				visit()
				if cookies := jar.Cookies(at); len(cookies) != 1 || cookies[0].Name != "sid" {
					t.Errorf("cookies %v, want sid alone", cookies)
				}
				for _, after := range []string{"", ", and is not prolonged"} {
					old, err := w.ours.GetSessionStore(sid)
					must(t, err)
					// A database has whole seconds. Of beego's items in memcached the provider knows no end.
					left := time.Until(old.(*session.Session).Expires())
					if (left > 62*time.Second || left < 30*time.Second) && p.provider != "memcache" {
						t.Errorf("the old session ends in %v, want a minute%s", left, after)
					}
					answer, err := http.DefaultClient.Do(again(site.URL, sid))
					must(t, err)
					answer.Body.Close()
				}
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

// again is a request that still comes with the old cookie.
func again(url, sid string) *http.Request {
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		panic(err)
	}
	r.AddCookie(&http.Cookie{Name: "gosessionid", Value: sid})
	return r
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
