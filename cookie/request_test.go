package cookie_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

func TestTheSIDIsStable(t *testing.T) {
	m := newManager(t, oneKey)
	b := newBrowser(t)
	sid := b.sid(m)
	if len(sid) != 32 {
		t.Fatalf("the sid has %d characters", len(sid))
	}
	before := ""
	for i := range 10 {
		b.visit(m, func(s *session.Session) { set(t, s, "n", i) })
		if got := b.sid(m); got != sid {
			t.Fatalf("after %d changes the sid is another", i+1)
		}
		if value := b.jar.values()["gosessionid"]; value == before || strings.Contains(value, sid) {
			t.Error("the cookie shows the sid, or that nothing has changed")
		} else {
			before = value
		}
	}
	b.visit(m, func(s *session.Session) {
		if err := s.Regenerate(t.Context()); err != nil {
			t.Error(err)
		}
	})
	again := b.sid(m)
	if again == sid || b.value(m, "n") != 9 {
		t.Errorf("after Regenerate: the same sid, or n = %v", b.value(m, "n"))
	}
	b.do(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.SessionRegenerateID(w, r)
		if err != nil {
			t.Fatal(err)
		}
		s.SessionRelease(r.Context(), w)
	})
	if third := b.sid(m); third == again || third == sid || b.value(m, "n") != 9 {
		t.Errorf("after SessionRegenerateID: an old sid, or n = %v", b.value(m, "n"))
	}
}

func TestBeegoLogin(t *testing.T) {
	m := newManager(t, oneKey)
	for _, large := range []int{0, 7000} {
		b := newBrowser(t)
		b.visit(m, func(s *session.Session) { set(t, s, "cart", text(large)) })
		old := b.sid(m)
		b.do(func(w http.ResponseWriter, r *http.Request) {
			first, err := m.SessionStart(w, r)
			if err != nil {
				t.Fatal(err)
			}
			defer first.SessionRelease(r.Context(), w)
			set(t, first, "before", 1)
			second, err := m.SessionRegenerateID(w, r)
			if err != nil {
				t.Fatal(err)
			}
			set(t, first, "user", "ann")
			set(t, second, "role", "admin")
			second.SessionRelease(r.Context(), w)
			fmt.Fprint(w, "welcome")
		})
		for key, want := range map[string]any{"before": 1, "user": "ann", "role": "admin"} {
			if got := b.value(m, key); got != want {
				t.Errorf("%s = %v, want %v", key, got, want)
			}
		}
		if v, _ := b.value(m, "cart").(string); len(v) != large || b.sid(m) == old {
			t.Error("the cart is lost, or the sid is the old one")
		}
	}
}

func TestHandlerAndStart(t *testing.T) {
	m := newManager(t, oneKey)
	b := newBrowser(t)
	res := b.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := m.FromContext(r.Context()); err != nil {
			t.Error(err)
		}
	})).ServeHTTP)
	if len(res.Cookies()) != 0 {
		t.Error("a visitor for whom nothing is stored has a cookie")
	}
	b.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		set(t, s, "text", text(7000))
		if err := s.Regenerate(r.Context()); err != nil {
			t.Error(err)
		}
		set(t, s, "handler", 1)
		started := start(t, m, w, r)
		if started != s {
			t.Error("Start finds another session under Handler")
		}
		fmt.Fprint(w, "body")
		if err := s.Set(r.Context(), "late", 1); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Set after the body began = %v", err)
		}
	})).ServeHTTP)
	b.do(func(w http.ResponseWriter, r *http.Request) {
		s, again := start(t, m, w, r), start(t, m, w, r)
		set(t, s, "start", 1)
		set(t, again, "again", 1)
		if s.Get(r.Context(), "handler") != 1 || s.Get(r.Context(), "late") != nil {
			t.Error("Start does not find what Handler has sealed")
		}
	})
	for _, key := range []string{"handler", "start", "again"} {
		if b.value(m, key) != 1 {
			t.Errorf("%s is lost", key)
		}
	}
}

// quiet keeps what the tests provoke out of their output.
var quiet = session.CfgLogger(slog.New(slog.DiscardHandler))

func TestAPanicSavesNothing(t *testing.T) {
	m := newManager(t, oneKey, quiet)
	b := seeded(t, m)
	use := func(b *browser, do func(w http.ResponseWriter, r *http.Request)) {
		handler := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			do(w, r)
			panic("in the application")
		}))
		b.do(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				_ = recover()
				http.Error(w, "sorry", http.StatusInternalServerError)
			}()
			handler.ServeHTTP(w, r)
		})
	}
	use(b, func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		set(t, s, "user", "eve")
		set(t, s, "text", text(7000))
	})
	if b.value(m, "user") != "ann" || b.value(m, "text") != nil {
		t.Error("what a handler changed before it panicked was saved")
	}
	use(b, func(w http.ResponseWriter, r *http.Request) {
		if err := m.Destroy(w, r); err != nil {
			t.Error(err)
		}
	})
	if len(b.jar.cookies) != 0 {
		t.Error("a logout was undone")
	}
	for name, again := range map[string]func(w http.ResponseWriter, r *http.Request){
		"and nothing is stored": func(w http.ResponseWriter, r *http.Request) {},
		"and a session is asked for": func(w http.ResponseWriter, r *http.Request) {
			if _, err := m.FromContext(r.Context()); err != nil {
				t.Error(err)
			}
		},
		"and a notice is stored": func(w http.ResponseWriter, r *http.Request) {
			set(t, start(t, m, w, r), "notice", "goodbye")
		},
		"and a large notice is": func(w http.ResponseWriter, r *http.Request) {
			set(t, start(t, m, w, r), "notice", text(7000))
		},
		"and another logout": func(w http.ResponseWriter, r *http.Request) {
			set(t, start(t, m, w, r), "notice", "goodbye")
			m.SessionDestroy(w, r)
		},
	} {
		b := seeded(t, m)
		b.visit(m, func(s *session.Session) { set(t, s, "text", text(7000)) })
		use(b, func(w http.ResponseWriter, r *http.Request) {
			set(t, start(t, m, w, r), "before", 1)
			m.SessionDestroy(w, r)
			again(w, r)
		})
		if len(b.jar.cookies) != 0 {
			t.Errorf("a logout %s: undone, with cookies %v", name, b.jar.names(""))
		}
	}
}

func TestTwoSessionsInARequest(t *testing.T) {
	shop, admin := newManager(t, oneKey, session.CfgCookieName("shop")), newManager(t, oneKey, session.CfgCookieName("shop-admin"))
	b := newBrowser(t)
	for i, large := range []int{10, 7000, 10} {
		want := text(large)
		b.do(func(w http.ResponseWriter, r *http.Request) {
			a, z := start(t, shop, w, r), start(t, admin, w, r)
			set(t, a, "user", "ann")
			set(t, z, "user", "root")
			set(t, a, "text", want)
			set(t, z, "n", i)
			set(t, a, "n", -i)
		})
		if b.value(shop, "user") != "ann" || b.value(admin, "user") != "root" || b.value(shop, "text") != want ||
			b.value(shop, "n") != -i || b.value(admin, "n") != i {
			t.Errorf("round %d: a value is lost", i)
		}
	}
	b.do(shop.SessionDestroy)
	if b.value(admin, "user") != "root" || len(b.jar.names("")) != 1 {
		t.Errorf("cookies %v after the logout from one", b.jar.names(""))
	}
}

func TestCookiesOfOthersStay(t *testing.T) {
	others := []string{"gosessionid.0", "gosessionid.9", "gosessionid.10", "gosessionid.x", "gosessionid-1", "gosession", "Gosessionid.1"}
	t.Run("cookie", func(t *testing.T) { othersStay(t, newManager(t, oneKey), others) })
	t.Run("another provider", func(t *testing.T) {
		m, err := session.New(memory.New(), session.NewManagerConfig())
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		othersStay(t, m, append(others, "gosessionid.1"))
	})
}

func othersStay(t *testing.T, m *session.Manager, others []string) {
	b := newBrowser(t)
	for _, name := range others {
		b.jar.take([]string{name + "=other; Path=/"}, false)
	}
	b.do(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"gosessionid.x", "gosessionid.0", "gosessionid.9"} {
			w.Header().Add("Set-Cookie", name+"=new; Path=/")
		}
		s := start(t, m, w, r)
		set(t, s, "text", text(7000))
		w.Header().Add("Set-Cookie", "theme=dark")
		set(t, s, "text", text(10))
	})
	b.do(m.SessionDestroy)
	values := b.jar.values()
	for _, name := range others {
		want := "other"
		if slices.Contains([]string{"gosessionid.x", "gosessionid.0", "gosessionid.9"}, name) {
			want = "new"
		}
		if values[name] != want {
			t.Errorf("%s = %q, want %q", name, values[name], want)
		}
	}
	if values["theme"] != "dark" || len(values) != len(others)+1 {
		t.Errorf("cookies %v", b.jar.names(""))
	}
}

// Of several cookies of the name the one that opens counts.
func TestDuplicates(t *testing.T) {
	m := newManager(t, oneKey)
	b := seeded(t, m)
	good := b.jar.header(false)
	for name, header := range map[string]string{
		"behind junk":        "gosessionid=junk; " + good,
		"behind parts":       "gosessionid=3.junk; gosessionid.1=junk; " + good,
		"behind flipped":     strings.Replace(good, "A", "B", 1) + "; " + good,
		"before junk":        good + "; gosessionid=junk",
		"quoted":             `gosessionid="` + strings.TrimPrefix(good, "gosessionid=") + `"`,
		"among many":         strings.Repeat("a=b; ", 4000) + good,
		"another case":       "Gosessionid=junk; " + good,
		"with a part of one": good + "; gosessionid.1=junk",
	} {
		if got := with(m, header); got.user != "ann" || got.isNew || got.status != http.StatusOK {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, junk := range []string{"junk", "2.junk", "3.junk", "x.junk", ""} {
		for n, want := range map[int]any{3: "ann", 4: nil} {
			if got := with(m, strings.Repeat("gosessionid="+junk+"; ", n)+good); got.user != want {
				t.Errorf("behind %d of %q: %+v", n, junk, got)
			}
		}
	}
}

// Each cookie that says that there are more makes the manager look for them. A request of 1 MB holds 60 000: if
// none was counted they would take minutes.
func TestAFloodOfFirstPartsIsCheap(t *testing.T) {
	m := newManager(t, `{"securityKey": "a secret of the tests", "maxCookies": 9}`)
	for what, header := range map[string]string{
		"without the others": strings.Repeat("gosessionid=9.; ", 1<<20/16),
		"with some":          strings.Repeat("gosessionid=9.A; ", 1<<20/17) + "gosessionid.1=A; gosessionid.2=A",
		"large":              "gosessionid=9." + strings.Repeat("A", 1<<20) + strings.Repeat("; gosessionid.1=A", 8),
	} {
		begin := time.Now()
		got := with(m, header)
		if took := time.Since(begin); got.user != nil || !got.isNew || took > 5*time.Second {
			t.Errorf("%s: %+v, after %v", what, got, took)
		}
	}
}

// A captured cookie outlives the logout: docs/providers/cookie.md says so.
func TestACapturedCookieStillOpens(t *testing.T) {
	m := newManager(t, oneKey)
	b := seeded(t, m)
	captured := b.jar.header(false)
	b.do(m.SessionDestroy)
	if got := with(m, captured); got.user != "ann" {
		t.Errorf("got %+v: if that is so now, say so in docs/providers/cookie.md", got)
	}
}

// TestServer is a session over a real connection, with the standard library's own jar.
func TestServer(t *testing.T) {
	m := newManager(t, oneKey)
	mux := http.NewServeMux()
	mux.HandleFunc("/set", func(w http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err == nil {
			err = s.Set(r.Context(), "text", r.FormValue("text"))
		}
		fmt.Fprint(w, err)
	})
	mux.HandleFunc("/get", func(w http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(w, s.Get(r.Context(), "text"))
	})
	mux.HandleFunc("/logout", m.SessionDestroy)
	server := httptest.NewServer(m.Handler(mux))
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	get := func(path string) string {
		res, err := client.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for _, n := range []int{10, 9000, 3000} {
		want := text(n)
		if got := get("/set?text=" + url.QueryEscape(want)); got != "<nil>" {
			t.Errorf("set: %s", got)
		}
		if get("/get") != want {
			t.Errorf("%d bytes are lost", n)
		}
	}
	get("/logout")
	at, _ := url.Parse(server.URL)
	if n := len(jar.Cookies(at)); n != 0 || get("/get") != "<nil>" {
		t.Errorf("%d cookies after the logout", n)
	}
}
