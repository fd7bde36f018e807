package browser

import (
	"net/http"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// TestReturnByPost has a visitor who is logged in come back from a bank, whose form the browser sends without the cookie.
func TestReturnByPost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sameSite     http.SameSite
		replaced     bool
		button       string
		thanks, then string
	}{
		"Lax, redirected":                        {http.SameSiteLaxMode, false, "#redirect", "Hello, ann", "Hello, ann"},
		"Lax, by a page":                         {http.SameSiteLaxMode, false, "#pay", "Hello, ann", "Hello, ann"},
		"Strict, by a page":                      {http.SameSiteStrictMode, false, "#pay", "Hello, ann", "Hello, ann"},
		"Strict, redirected":                     {http.SameSiteStrictMode, false, "#redirect", "Hello, stranger", "Hello, ann"},
		"Lax, with crossSiteCookies, is lost":    {http.SameSiteLaxMode, true, "#redirect", "Hello, stranger", "Hello, stranger"},
		"Strict, with crossSiteCookies, is lost": {http.SameSiteStrictMode, true, "#pay", "Hello, stranger", "Hello, stranger"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, way string) {
				s := newShop(t, way, session.CfgSameSite(tt.sameSite), session.CfgCrossSiteCookies(tt.replaced))
				w := open(t)
				tab := w.tab(s.at("/"))
				tab.click("#login")
				tab.sees("Hello, ann")
				before := w.cookie(cookieName).Value
				tab.visit(s.at("/", "bank.test"))
				tab.click(tt.button)
				tab.sees("/thanks", tt.thanks)
				tab.visit(s.at("/"))
				tab.sees("/", tt.then)
				if same := w.cookie(cookieName).Value == before; same == tt.replaced {
					t.Errorf("the cookie is the same: %t", same)
				}
			})
		})
	}
}

// TestLinkFromAnotherSite follows a link. The browser sends a Lax cookie then, and no Strict one.
func TestLinkFromAnotherSite(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sameSite    http.SameSite
		replaced    bool
		first, then string
	}{
		"Lax":                           {http.SameSiteLaxMode, false, "Hello, ann", "Hello, ann"},
		"Strict":                        {http.SameSiteStrictMode, false, "Hello, stranger", "Hello, ann"},
		"Strict, with crossSiteCookies": {http.SameSiteStrictMode, true, "Hello, stranger", "Hello, stranger"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, withStart, session.CfgSameSite(tt.sameSite), session.CfgCrossSiteCookies(tt.replaced))
			w := open(t)
			tab := w.tab(s.at("/"))
			tab.click("#login")
			tab.sees("Hello, ann")
			tab.visit(s.at("/", "bank.test"))
			tab.click("#link")
			tab.sees("/", tt.first)
			tab.click("#again")
			tab.sees("/", tt.then)
		})
	}
}

// TestFrame has the shop in frames of two sites. The window is a private one, which keeps no cookies of frames but partitioned ones.
func TestFrame(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		opts                      []session.ManagerConfigOpt
		bank, again, news, itself string
		partitions                int
	}{
		"partitioned": {
			[]session.ManagerConfigOpt{session.CfgSameSite(http.SameSiteNoneMode), session.CfgSecure(true), session.CfgPartitioned(true)},
			"Framed: 1", "Framed: 2", "Framed: 1", "Seen: 1", 3,
		},
		"without, there is no session": {
			[]session.ManagerConfigOpt{session.CfgSameSite(http.SameSiteNoneMode), session.CfgSecure(true)},
			"Framed: 1", "Framed: 1", "Framed: 1", "Seen: 1", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, way string) {
				s := newShop(t, way, tt.opts...)
				w := open(t)
				tab := w.tab(s.at("/frame", "bank.test"))
				tab.sees("bank.test", tt.bank)
				tab.visit(s.at("/frame", "bank.test"))
				tab.sees("bank.test", tt.again)
				tab.visit(s.at("/frame", "news.test"))
				tab.sees("news.test", tt.news)
				tab.visit(s.at("/framed"))
				tab.sees(tt.itself)
				partitions := make(map[string]bool)
				for _, c := range w.jar(cookieName) {
					if c.PartitionKey != nil {
						partitions[c.PartitionKey.TopLevelSite] = true
					}
				}
				if len(partitions) != tt.partitions {
					t.Errorf("partitions %v, want %d", partitions, tt.partitions)
				}
			})
		})
	}
}
