package cookie_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// text returns n bytes that are like no others.
func text(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(rand.Text())
	}
	return b.String()[:n]
}

func TestLargeSessionsTakeSeveralCookies(t *testing.T) {
	m := newManager(t, oneKey)
	b := seeded(t, m)
	first, second := text(3000), text(3000)
	for _, tt := range []struct {
		key, value string
		want       []string
	}{
		{"first", first, []string{"gosessionid", "gosessionid.1"}},
		{"second", second, []string{"gosessionid", "gosessionid.1", "gosessionid.2"}},
	} {
		b.visit(m, func(s *session.Session) { set(t, s, tt.key, tt.value) })
		if got := b.jar.names(""); !slices.Equal(got, tt.want) {
			t.Errorf("cookies %v, want %v", got, tt.want)
		}
	}
	for key, want := range map[string]string{"user": "ann", "first": first, "second": second} {
		if got := b.value(m, key); got != want {
			t.Errorf("%s is lost", key)
		}
	}
}

func TestTooLargeLeavesTheSession(t *testing.T) {
	for _, handled := range []bool{false, true} {
		t.Run(fmt.Sprintf("Handler=%t", handled), func(t *testing.T) {
			m := newManager(t, oneKey)
			b := seeded(t, m)
			b.visit(m, func(s *session.Session) { set(t, s, "large", text(3000)) })
			sid := b.sid(m)
			use := func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				defer s.SessionRelease(r.Context(), w)
				set(t, s, "before", 1)
				if err := s.Set(r.Context(), "larger", text(20_000)); !errors.Is(err, session.ErrTooLarge) {
					t.Errorf("Set = %v", err)
				}
				if s.Get(r.Context(), "larger") != nil || s.Get(r.Context(), "user") != "ann" {
					t.Error("the request does not see the session as before")
				}
				set(t, s, "after", 1)
			}
			if handled {
				use = m.Handler(http.HandlerFunc(use)).ServeHTTP
			}
			if res := b.do(use); res.StatusCode != http.StatusOK {
				t.Errorf("status %d", res.StatusCode)
			}
			for key, want := range map[string]any{"user": "ann", "before": 1, "after": 1, "larger": nil} {
				if got := b.value(m, key); got != want {
					t.Errorf("%s = %v, want %v", key, got, want)
				}
			}
			if v, _ := b.value(m, "large").(string); len(v) != 3000 || b.sid(m) != sid {
				t.Error("what was stored before is lost")
			}
		})
	}
}

func TestMaxCookies(t *testing.T) {
	for i := range 10 {
		n, config := i, fmt.Sprintf(`{"securityKey": "a secret of the tests", "maxCookies": %d}`, i)
		if i == 0 {
			n, config = 4, oneKey // the default
		}
		m := newManager(t, config)
		b := seeded(t, m)
		fits, large := 0, 9*maxPair
		for large-fits > 1 { // how many bytes fit
			size := (fits + large) / 2
			b.visit(m, func(s *session.Session) {
				switch err := s.Set(t.Context(), "text", strings.Repeat("x", size)); {
				case err == nil:
					fits = size
				case errors.Is(err, session.ErrTooLarge):
					large = size
				default:
					t.Fatal(err)
				}
			})
		}
		b.visit(m, func(s *session.Session) { set(t, s, "text", strings.Repeat("x", fits)) })
		if got := len(b.jar.names("gosessionid")); got != n {
			t.Errorf("maxCookies %d: %d cookies", n, got)
		}
		if v, _ := b.value(m, "text").(string); len(v) != fits {
			t.Errorf("maxCookies %d: %d of %d bytes", n, len(v), fits)
		}
		if least := n*(maxPair-len("gosessionid.1"))*3/4 - 200; fits < least {
			t.Errorf("maxCookies %d: %d bytes fit, want at least %d", n, fits, least)
		}
	}
}

// A browser keeps 4096 bytes of name and value, to the byte, and so much is used.
func TestExactlyFull(t *testing.T) {
	value := text(2900)
	pairs := func(name, config string) (sizes []int) {
		m := newManager(t, config, session.CfgCookieName(name))
		b := newBrowser(t)
		var err error
		b.visit(m, func(s *session.Session) { err = s.Set(t.Context(), "text", value) })
		if errors.Is(err, session.ErrTooLarge) {
			return nil
		}
		if b.value(m, "text") != value {
			t.Errorf("a name of %d bytes: the text is lost", len(name))
		}
		for _, c := range b.jar.cookies {
			sizes = append(sizes, len(c.Name)+len(c.Value))
		}
		return sizes
	}
	one := `{"securityKey": "a secret of the tests", "maxCookies": 1}`
	sealed := pairs("n", one)[0] - len("n")
	fits := strings.Repeat("n", maxPair-sealed)
	for _, tt := range []struct {
		name, config string
		want         []int
	}{
		{fits, one, []int{maxPair}},
		{fits, oneKey, []int{maxPair}},
		{fits + "n", one, nil},
		{fits + "n", oneKey, []int{maxPair, len(fits+"n.1") + len("2.") + 1}},
	} {
		if got := pairs(tt.name, tt.config); !slices.Equal(got, tt.want) {
			t.Errorf("a name of %d bytes, %s: pairs of %v bytes, want %v", len(tt.name), tt.config, got, tt.want)
		}
	}
	t.Run("every part but the last", func(t *testing.T) {
		m := newManager(t, `{"securityKey": "a secret of the tests", "maxCookies": 9}`)
		b := newBrowser(t)
		b.visit(m, func(s *session.Session) { set(t, s, "text", text(26_000)) })
		if len(b.jar.cookies) != 9 {
			t.Errorf("%d cookies", len(b.jar.cookies))
		}
		for _, c := range b.jar.cookies[:8] {
			if n := len(c.Name) + len(c.Value); n != maxPair {
				t.Errorf("%s has %d bytes", c.Name, n)
			}
		}
	})
}

func TestCookiesThatAreNotNeededAreDeleted(t *testing.T) {
	m := newManager(t, `{"securityKey": "a secret of the tests", "cookieName": "__Host-s", "secure": true, "maxage": 3600}`)
	b := newBrowser(t)
	b.scheme = "https"
	for _, tt := range []struct{ bytes, cookies int }{{11_000, 4}, {8_000, 3}, {5_000, 2}, {10, 1}, {8_000, 3}, {10, 1}} {
		b.visit(m, func(s *session.Session) { set(t, s, "text", text(tt.bytes)) })
		if got := b.jar.names(""); len(got) != tt.cookies {
			t.Errorf("%d bytes are in %v", tt.bytes, got)
		}
		if v, _ := b.value(m, "text").(string); len(v) != tt.bytes {
			t.Errorf("%d of %d bytes", len(v), tt.bytes)
		}
	}
	t.Run("the ninth", func(t *testing.T) {
		m := newManager(t, `{"securityKey": "a secret of the tests", "maxCookies": 9}`)
		b := newBrowser(t)
		large := func(s *session.Session) { set(t, s, "text", text(26_000)) }
		small := func(s *session.Session) { set(t, s, "text", text(10)) }
		for _, tt := range []struct {
			uses []func(s *session.Session)
			want int
		}{
			{[]func(s *session.Session){large, small}, 1},
			{[]func(s *session.Session){large}, 9},
			{[]func(s *session.Session){small}, 1},
			{[]func(s *session.Session){small, large, large}, 9},
		} {
			b.visit(m, func(s *session.Session) {
				for _, use := range tt.uses {
					use(s)
				}
			})
			if n := len(b.jar.cookies); n != tt.want {
				t.Errorf("%d cookies, want %d", n, tt.want)
			}
		}
		if b.do(m.SessionDestroy); len(b.jar.cookies) != 0 {
			t.Errorf("cookies %v after the logout", b.jar.names(""))
		}
	})
	t.Run("by a Flush", func(t *testing.T) {
		b.visit(m, func(s *session.Session) { set(t, s, "text", text(8_000)) })
		b.visit(m, func(s *session.Session) {
			if err := s.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
		if got := b.jar.names(""); !slices.Equal(got, []string{"__Host-s"}) {
			t.Errorf("cookies %v", got)
		}
	})
	t.Run("within one request", func(t *testing.T) {
		b := newBrowser(t)
		b.scheme = "https"
		res := b.visit(m, func(s *session.Session) {
			set(t, s, "text", text(8_000))
			set(t, s, "text", text(10))
		})
		if lines := res.Header["Set-Cookie"]; len(lines) != 1 {
			t.Errorf("Set-Cookie: %d lines", len(lines))
		}
	})
	t.Run("when maxCookies was lowered", func(t *testing.T) {
		b := seeded(t, newManager(t, oneKey))
		b.visit(newManager(t, oneKey), func(s *session.Session) { set(t, s, "text", text(11_000)) })
		lowered := newManager(t, `{"securityKey": "a secret of the tests", "maxCookies": 2}`)
		joined := ""
		for _, c := range b.jar.cookies {
			joined += c.Value
		}
		wantFresh(t, lowered, "gosessionid="+joined[len("4."):], "a session of four cookies in one")
		b.visit(lowered, func(s *session.Session) {
			if !s.IsNew() {
				t.Error("a session of four cookies is read")
			}
		})
		if got := b.jar.names(""); !slices.Equal(got, []string{"gosessionid"}) {
			t.Errorf("cookies %v", got)
		}
	})
	t.Run("when the first is lost", func(t *testing.T) {
		m := newManager(t, oneKey)
		b := seeded(t, m)
		b.visit(m, func(s *session.Session) { set(t, s, "text", text(8_000)) })
		b.jar.cookies = b.jar.cookies[1:]
		b.do(func(w http.ResponseWriter, r *http.Request) {
			if err := m.Destroy(w, r); err != nil {
				t.Error(err)
			}
		})
		if got := b.jar.names(""); len(got) != 0 {
			t.Errorf("cookies %v", got)
		}
	})
}

func TestLogoutDeletesAllCookies(t *testing.T) {
	for name, tt := range map[string]struct {
		config string
		opts   []session.ManagerConfigOpt
	}{
		"plain":     {config: oneKey},
		"__Host-":   {`{"securityKey": "a secret of the tests", "cookieName": "__Host-s", "secure": true}`, nil},
		"maxage":    {`{"securityKey": "a secret of the tests", "maxage": 86400}`, nil},
		"no cookie": {oneKey, []session.ManagerConfigOpt{session.CfgSetCookie(false)}},
		"embedded":  {oneKey, []session.ManagerConfigOpt{session.CfgSecure(true), session.CfgCookieName("__Secure-s"), session.CfgDomain("example.com"), session.CfgCookiePath("/app"), session.CfgPartitioned(true), session.CfgSameSite(http.SameSiteNoneMode)}},
	} {
		for _, handled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, Handler=%t", name, handled), func(t *testing.T) {
				m := newManager(t, tt.config, tt.opts...)
				b := newBrowser(t)
				b.scheme = "https"
				in := b.visit(m, func(s *session.Session) { set(t, s, "text", text(8_000)) })
				logout := func(w http.ResponseWriter, r *http.Request) { m.SessionDestroy(w, r) }
				if handled {
					logout = m.Handler(http.HandlerFunc(logout)).ServeHTTP
				}
				out := b.do(logout)
				if got := b.jar.names(""); len(got) != 0 {
					t.Errorf("cookies %v", got)
				}
				set, deleted := in.Cookies(), out.Cookies()
				if len(deleted) != 3 || len(set) != 3 {
					t.Fatalf("%d cookies set, %d deleted", len(set), len(deleted))
				}
				for i := range set {
					if want := attributes(set[i]); attributes(deleted[i]) != want {
						t.Errorf("deleted with %s, set with %s", attributes(deleted[i]), want)
					}
				}
			})
		}
	}
}

// attributes returns all of a cookie but its value and its times.
func attributes(c *http.Cookie) string {
	return fmt.Sprintln(c.Name, c.Path, c.Domain, c.Secure, c.HttpOnly, c.SameSite, c.Partitioned)
}

// pairs returns the cookies of a header, as a browser with these values sends it.
func pairs(values ...string) string {
	var header []string
	for i, value := range values {
		name := "gosessionid"
		if i > 0 {
			name += fmt.Sprintf(".%d", i)
		}
		header = append(header, name+"="+value)
	}
	return strings.Join(header, "; ")
}

func TestEveryExchangeOfPartsIsRefused(t *testing.T) {
	m := newManager(t, oneKey)
	states := make([][]string, 200) // the values of three cookies each
	b := seeded(t, m)
	for i := range states {
		if i%4 == 0 { // every four are states of one session
			b = seeded(t, m)
		}
		b.visit(m, func(s *session.Session) { set(t, s, "text", text(7_000+10*i)) })
		for _, c := range b.jar.cookies {
			states[i] = append(states[i], c.Value)
		}
		if len(states[i]) != 3 || with(m, pairs(states[i]...)).user != "ann" {
			t.Fatalf("session %d: %d cookies", i, len(states[i]))
		}
	}
	for i, p := range states {
		other := states[(i+1)%len(states)]
		for what, values := range map[string][]string{
			"1 and 2 swapped":            {p[0], p[2], p[1]},
			"0 and 1 swapped":            {p[1], p[0], p[2]},
			"0 and 1 swapped but number": {"3." + p[1], p[0][2:], p[2]},
			"turned around":              {p[2], p[1], p[0]},
			"moved":                      {"3." + p[2], p[0][2:], p[1]},
			"1 twice":                    {p[0], p[1], p[1]},
			"2 twice":                    {p[0], p[2], p[2]},
			"0 twice":                    {p[0], p[0], p[2]},
			"without the last":           {p[0], p[1]},
			"without the last but one":   {"2" + p[0][1:], p[1]},
			"the first alone":            {p[0]},
			"the first without number":   {p[0][2:]},
			"another's first":            {other[0], p[1], p[2]},
			"another's second":           {p[0], other[1], p[2]},
			"another's third":            {p[0], p[1], other[2]},
			"an empty one":               {p[0], "", p[2]},
			"one part more":              {"4" + p[0][1:], p[1], p[2], p[2]},
			"no part":                    {"0" + p[0][1:], p[1], p[2]},
			"one part":                   {"1" + p[0][1:], p[1], p[2]},
			"nine parts":                 {"9" + p[0][1:], p[1], p[2]},
			"a strange number":           {"x" + p[0][1:], p[1], p[2]},
			"a byte less":                {p[0], p[1], p[2][:len(p[2])-1]},
			"a byte moved":               {p[0], p[1] + p[2][:1], p[2][2:]},
			"a bit flipped":              {p[0], p[1][:99] + string(p[1][99]^1) + p[1][100:], p[2]},
		} {
			want := fresh
			want.cookies = len(values) // one is set, the others are deleted
			if got := with(m, pairs(values...)); got != want {
				t.Errorf("session %d, %s: %+v, want %+v", i, what, got, want)
			}
		}
	}
}

// The order of the cookies in a request means nothing.
func TestPartsInAnyOrder(t *testing.T) {
	m := newManager(t, oneKey)
	b := seeded(t, m)
	b.visit(m, func(s *session.Session) { set(t, s, "text", text(10_000)) })
	for range 20 {
		mathrand.Shuffle(len(b.jar.cookies), func(i, j int) {
			b.jar.cookies[i], b.jar.cookies[j] = b.jar.cookies[j], b.jar.cookies[i]
		})
		if b.value(m, "user") != "ann" {
			t.Errorf("not read from %v", b.jar.header(false))
		}
		r := httptest.NewRequest("GET", "/", nil)
		for _, c := range b.jar.cookies {
			r.Header.Add("Cookie", c.Name+"="+c.Value) // a line each, as HTTP/2 may send them
		}
		if s := start(t, m, httptest.NewRecorder(), r); s.Get(t.Context(), "user") != "ann" {
			t.Error("not read from several lines")
		}
	}
}

func TestABrowserKeepsEverything(t *testing.T) {
	m := newManager(t, `{"securityKey": "a secret of the tests", "cookieName": "__Host-id", "secure": true, "maxCookies": 9}`,
		session.CfgSameSite(http.SameSiteStrictMode))
	b := newBrowser(t)
	b.scheme = "https"
	for i := range maxPerHost - 9 {
		b.jar.take([]string{fmt.Sprintf("other%d=x", i)}, true)
	}
	want := make(map[string]string)
	for range 200 {
		key := fmt.Sprint("key", mathrand.IntN(8))
		want[key] = text(mathrand.IntN(3000))
		b.visit(m, func(s *session.Session) { set(t, s, key, want[key]) })
		b.visit(m, func(s *session.Session) {
			for key, value := range want {
				if s.Get(t.Context(), key) != value {
					t.Errorf("%s is lost", key)
				}
			}
		})
	}
	if b.jar.dropped > 0 || len(b.jar.names("other")) != maxPerHost-9 {
		t.Errorf("%d cookies were dropped", b.jar.dropped)
	}
}
