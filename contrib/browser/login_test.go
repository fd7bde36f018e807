package browser

import (
	"regexp"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// each tells a story once with each way to a session.
func each(t *testing.T, story func(t *testing.T, way string)) {
	for _, way := range []string{withStart, withHandler} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			story(t, way)
		})
	}
}

// TestLoginWithAPollUnderWay has a poll arrive at its session after a login has replaced the sid that the poll came with.
func TestLoginWithAPollUnderWay(t *testing.T) {
	t.Parallel()
	for name, marks := range map[string]struct {
		opts []session.ManagerConfigOpt
		user string
	}{
		"the login stays":            {nil, "Hello, ann"},
		"without marks, it is taken": {[]session.ManagerConfigOpt{session.CfgMarkLifetime(-1)}, "Hello, stranger"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, way string) {
				s, g := newShop(t, way, marks.opts...), newGate()
				s.begun = g.pass
				w := open(t)
				one := w.tab(s.at("/"))
				one.click("#count")
				before := w.cookie(cookieName).Value
				one.run(`void fetch("/late", {method: "POST"}).then(r => r.text()).then(text => { document.title = text })`)
				g.await(t, 1)

				other := w.tab(s.at("/"))
				other.click("#login")
				other.sees("Hello, ann", "Count: 1")
				after := w.cookie(cookieName).Value
				if after == before {
					t.Error("the login has given no new sid")
				}
				close(g.open)
				switch {
				case marks.opts == nil:
					one.sees("too late for stranger")
					if w.cookie(cookieName).Value != after {
						t.Error("the poll has changed the cookie")
					}
				default:
					one.sees("noted for stranger")
				}
				for _, tab := range []*tab{one, other} {
					tab.visit(s.at("/"))
					tab.sees(marks.user)
				}
			})
		})
	}
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ button, count string }{
		"count at once":              {"#together", "Count: 2"},
		"apart, one of them is lost": {"#apart", "Count: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, way string) {
				s, g := newShop(t, way), newGate()
				s.read = g.pass
				w := open(t)
				one := w.tab(s.at("/"))
				one.click("#login")
				other := w.tab(s.at("/"))
				other.sees("Hello, ann", "Count: 0")

				for _, tab := range []*tab{one, other} {
					tab.run(`document.querySelector("` + tt.button + `").click()`)
				}
				g.await(t, 2)
				close(g.open)
				for _, tab := range []*tab{one, other} {
					tab.matches(regexp.MustCompile(`Count: [12]`))
				}
				for _, tab := range []*tab{one, other} {
					tab.visit(s.at("/"))
					tab.sees("Hello, ann", tt.count)
				}
			})
		})
	}
}

// TestLogoutInAnotherTab has a request under way in one tab while the visitor logs out in the other.
func TestLogoutInAnotherTab(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, way string) {
		s, g := newShop(t, way), newGate()
		s.read = g.pass
		w := open(t)
		one := w.tab(s.at("/"))
		one.click("#login")
		one.sees("Hello, ann")
		other := w.tab(s.at("/"))
		one.run(`void fetch("/slow", {method: "POST"}).then(r => r.text()).then(text => { document.title = text })`)
		g.await(t, 1)
		other.click("#logout")
		other.sees("Bye")
		close(g.open)
		one.sees("too late for ann")
		if left := w.jar(cookieName); len(left) != 0 {
			t.Errorf("%d cookies are left", len(left))
		}
		one.click("#count")
		one.sees("Hello, stranger", "Count: 1")
		other.visit(s.at("/"))
		other.sees("Hello, stranger", "Count: 1")
	})
}

// TestBackAfterLogout presses the button that goes back to the page of an account.
func TestBackAfterLogout(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ path, user string }{
		"the page is asked for anew":          {"/account", "Hello, stranger"},
		"without no-store, it is shown again": {"/account?keep=1", "Hello, ann"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, way string) {
				s := newShop(t, way)
				w := open(t)
				tab := w.tab(s.at("/"))
				tab.click("#login")
				tab.visit(s.at(tt.path))
				tab.sees("/account", "Hello, ann")
				tab.click("#logout")
				tab.sees("/bye", "Bye")
				if left := w.jar(cookieName); len(left) != 0 {
					t.Errorf("%d cookies are left", len(left))
				}
				tab.run(`history.back()`)
				tab.sees("/account", tt.user)
			})
		})
	}
}

// TestPrivateWindow has two visitors in one browser.
func TestPrivateWindow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, way string) {
		s := newShop(t, way)
		usual, private := open(t), open(t)
		ann := usual.tab(s.at("/"))
		ann.click("#login")
		ann.click("#count")
		bob := private.tab(s.at("/"))
		bob.sees("Hello, stranger", "Count: 0")
		bob.click("#bob")
		bob.sees("Hello, bob", "Count: 0")
		usual.tab(s.at("/")).sees("Hello, ann", "Count: 1")
		bob.click("#logout")
		ann.visit(s.at("/"))
		ann.sees("Hello, ann", "Count: 1")
	})
}
