package browser

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/memory"
)

const day = 24 * time.Hour

// TestCookieOf400Days has the browser keep a cookie for as long as a manager can promise.
func TestCookieOf400Days(t *testing.T) {
	t.Parallel()
	s := newShop(t, withStart, session.CfgIdleLifetime(400*day), session.CfgCookieMaxAge(400*day))
	w := open(t)
	tab := w.tab(s.at("/"))
	tab.click("#login")
	tab.sees("Hello, ann")
	wantAge(t, w.cookie(cookieName), 400*day)

	remembering := newShop(t, withStart)
	remembering.long = 400 * day
	other := open(t)
	tab = other.tab(remembering.at("/"))
	tab.click("#remember")
	tab.sees("Hello, ann")
	wantAge(t, other.cookie(cookieName), 400*day)

	if _, err := session.New(memory.New(), session.NewManagerConfig(session.CfgCookieMaxAge(401*day))); err == nil {
		t.Error("a cookie of 401 days is promised")
	}
	tab.run(`document.cookie = "longer=1; max-age=" + 401 * 86400`)
	wantAge(t, other.cookie("longer"), 400*day) // which is why
}

// wantAge compares how long the browser will keep a cookie.
func wantAge(t *testing.T, c *network.Cookie, want time.Duration) {
	t.Helper()
	if age := time.Until(time.UnixMilli(int64(c.Expires * 1000))); age > want+time.Minute || age < want-time.Hour {
		t.Errorf("the browser keeps %s for %v, want %v", c.Name, age, want)
	}
}

// TestHostPrefix has a neighbour, which an attacker has, set a cookie for the shop.
func TestHostPrefix(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cookie  string
		planted int
	}{
		"__Host-":                {"__Host-sid", 0},
		"without, it is planted": {"sid", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, withStart, session.CfgCookieName(tt.cookie), session.CfgSecure(true))
			w := open(t)
			tab := w.tab(s.at("/"))
			tab.click("#login")
			tab.sees("Hello, ann")
			own := w.cookie(tt.cookie)
			if !own.Secure || !own.HTTPOnly || own.Path != "/" || own.Domain != "shop.test" || !own.Session {
				t.Errorf("the browser keeps %+v", own)
			}
			tab.visit(s.at("/bye", "evil.shop.test"))
			tab.run(plant(tt.cookie, "/", 'e'))
			if n := len(w.jar(tt.cookie)) - 1; n != tt.planted {
				t.Errorf("the neighbour has planted %d cookies, want %d", n, tt.planted)
			}
			tab.visit(s.at("/"))
			tab.sees("Hello, ann")
			tab.click("#logout")
			tab.sees("Bye")
			for _, c := range w.jar(tt.cookie) {
				if c.Value == own.Value {
					t.Error("the logout has left the cookie")
				}
			}
		})
	}
}

// plant is a script that sets a cookie for all of shop.test, of a shape that a sid has.
func plant(name, path string, digit rune) string {
	return `document.cookie = "` + name + `=` + strings.Repeat(string(digit), 32) + `; domain=shop.test; secure; path=` + path + `"`
}

// TestThreeCookiesOfOneName has two cookies beside the session's own, which the browser sends before it or behind.
func TestThreeCookiesOfOneName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, way string) {
		s := newShop(t, way)
		sent := make(chan []*http.Cookie, 2)
		s.sees = func(r *http.Request) {
			if r.URL.Path == "/account" {
				sent <- r.CookiesNamed(cookieName)
			}
		}
		w := open(t)
		tab := w.tab(s.at("/bye", "evil.shop.test"))
		tab.run(plant(cookieName, "/account", 'e')) // the longer path is sent first
		tab.run(plant(cookieName, "/", 'f'))        // and so is the older cookie
		tab.visit(s.at("/"))
		tab.sees("Hello, stranger")
		tab.click("#login")
		tab.sees("Hello, ann")
		tab.visit(s.at("/account"))
		tab.sees("/account", "Hello, ann")
		if came := <-sent; len(came) != 3 || came[0].Value[0] != 'e' || came[1].Value[0] != 'f' {
			t.Errorf("the browser sent %d cookies of the name, the session's not last", len(came))
		}
		tab.click("#logout")
		if n := len(w.jar(cookieName)); n != 2 {
			t.Errorf("the browser has %d cookies after the logout, want the two that were planted", n)
		}
		tab.visit(s.at("/account"))
		tab.sees("/account", "Hello, stranger")
	})
}

// TestRememberMeOverARestart has two users of one browser's data, of whom one wants to be remembered.
func TestRememberMeOverARestart(t *testing.T) {
	t.Parallel()
	program, folder := servertest.Chromium(t), t.TempDir()
	remembering, other := newShop(t, withStart), newShop(t, withHandler)
	run := func(name string, do func(t *testing.T, first, second *tab)) {
		t.Run(name, func(t *testing.T) {
			ctx, stop, err := start(program, folder)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(stop)
			w := openIn(t, ctx)
			do(t, w.tab(remembering.at("/")), w.tab(other.at("/", "www.other.test")))
		})
	}
	run("before", func(t *testing.T, first, second *tab) {
		first.click("#remember")
		first.sees("Hello, ann")
		second.click("#login")
		second.sees("Hello, ann")
	})
	run("after", func(t *testing.T, first, second *tab) {
		first.sees("Hello, ann")
		second.sees("Hello, stranger")
		wantAge(t, first.cookie(cookieName), 30*day)
	})
}
