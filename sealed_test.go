package session_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// An aesSealer seals with AES-256-GCM, the cookie's name as additional data.
type aesSealer struct{ aead cipher.AEAD }

func newSealer() aesSealer {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aesSealer{aead}
}

var cookieEncoding = base64.RawURLEncoding.Strict()

func (s aesSealer) Seal(dst []byte, name string, rec *driver.Record) ([]byte, error) {
	plain, err := rec.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return cookieEncoding.AppendEncode(dst, s.aead.Seal(nil, nil, plain, []byte(name))), nil
}

func (s aesSealer) Open(name, sealed string, rec *driver.Record) error {
	raw, err := cookieEncoding.DecodeString(sealed)
	if err == nil {
		raw, err = s.aead.Open(nil, nil, raw, []byte(name))
	}
	if err == nil {
		err = rec.UnmarshalBinary(raw)
	}
	if err != nil {
		return session.ErrNotFound
	}
	return nil
}

func (s aesSealer) provider() session.Provider {
	return session.NewClientProvider(func(context.Context, driver.Config) (driver.Sealer, error) { return s, nil })
}

func newSealerProvider() session.Provider { return newSealer().provider() }

func TestSealedChangesAreInTheHeaderBeforeTheBody(t *testing.T) {
	m := newNode(t, newSealerProvider())
	c := new(client)
	steps := []func(ctx context.Context, s session.Store) error{
		func(ctx context.Context, s session.Store) error { return s.Set(ctx, "user", "ann") },
		func(ctx context.Context, s session.Store) error { return s.Set(ctx, "n", 1) },
		func(ctx context.Context, s session.Store) error { return s.Set(ctx, "gone", 1) },
		func(ctx context.Context, s session.Store) error { return s.Delete(ctx, "gone") },
		func(ctx context.Context, s session.Store) error {
			_, err := s.(*session.Session).Increment(ctx, "n", 41)
			return err
		},
	}
	for _, change := range steps {
		res := c.do(func(w http.ResponseWriter, r *http.Request) {
			s, err := m.SessionStart(w, r)
			if err != nil {
				t.Fatal(err)
			}
			defer s.SessionRelease(r.Context(), w)
			if err := change(r.Context(), s); err != nil {
				t.Error(err)
			}
			fmt.Fprint(w, "body")
		})
		if n := len(res.Cookies()); n != 1 {
			t.Errorf("%d cookies", n)
		}
	}
	for key, want := range map[string]any{"user": "ann", "n": 42, "gone": nil} {
		if got := c.value(t, m, key); got != want {
			t.Errorf("%s = %v, want %v", key, got, want)
		}
	}
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		if err := s.Flush(r.Context()); err != nil {
			t.Error(err)
		}
		set(t, s, "left", 1)
		for _, key := range []string{"user", "n"} {
			if got := s.Get(r.Context(), key); got != nil {
				t.Errorf("%s after Flush = %v", key, got)
			}
		}
	})
	if c.value(t, m, "user") != nil || c.value(t, m, "left") != 1 {
		t.Error("Flush was not sealed")
	}
	if n := m.GetActiveSession(); n != 0 {
		t.Errorf("GetActiveSession = %d", n)
	}
}

func TestSealedSecondStartSeesTheChanges(t *testing.T) {
	m := newNode(t, newSealerProvider())
	c := new(client)
	res := c.do(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Cookie", "theme=dark")
		a := start(t, m, w, r)
		set(t, a, "user", "ann")
		b := start(t, m, w, r)
		if b.Get(r.Context(), "user") != "ann" || a.SessionID(r.Context()) != b.SessionID(r.Context()) {
			t.Error("a second Start finds another session")
		}
		set(t, b, "role", "admin")
		set(t, a, "n", 1) // on top of what b has sealed
		if theme, err := r.Cookie("theme"); err != nil || theme.Value != "dark" {
			t.Errorf("theme = %v, %v", theme, err)
		}
	})
	if n := len(res.Cookies()); n != 1 {
		t.Errorf("%d cookies", n)
	}
	for key, want := range map[string]any{"user": "ann", "role": "admin", "n": 1} {
		if got := c.value(t, m, key); got != want {
			t.Errorf("%s = %v, want %v", key, got, want)
		}
	}
}

func TestSealedBeegoLogin(t *testing.T) {
	m := newNode(t, newSealerProvider())
	c := seed(t, m, map[any]any{"cart": "book"})
	sid := func() string { return start(t, m, httptest.NewRecorder(), c.request()).SessionID(t.Context()) }
	old := sid()
	res := c.do(func(w http.ResponseWriter, r *http.Request) {
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
	if n := len(res.Cookies()); n != 1 {
		t.Errorf("%d cookies", n)
	}
	if sid() == old {
		t.Error("the sid is the old one")
	}
	for key, want := range map[string]any{"cart": "book", "before": 1, "user": "ann", "role": "admin"} {
		if got := c.value(t, m, key); got != want {
			t.Errorf("%s = %v, want %v", key, got, want)
		}
	}
}

func TestSealedTooLarge(t *testing.T) {
	m := newNode(t, newSealerProvider())
	c := new(client)
	largest := 0
	for n := 2800; ; n++ {
		var err error
		res := c.do(func(w http.ResponseWriter, r *http.Request) {
			s := start(t, m, w, r)
			set(t, s, "small", n)
			err = s.Set(r.Context(), "large", strings.Repeat("x", n))
			if err == nil {
				return
			}
			if got, _ := s.Get(r.Context(), "large").(string); len(got) != n-1 {
				t.Errorf("after ErrTooLarge the request sees %d bytes", len(got))
			}
		})
		if len(res.Cookies()) != 1 {
			t.Fatalf("%d cookies", len(res.Cookies()))
		}
		if err != nil {
			if !errors.Is(err, session.ErrTooLarge) {
				t.Error(err)
			}
			if got, _ := c.value(t, m, "large").(string); len(got) != n-1 || c.value(t, m, "small") != n {
				t.Error("what was sealed before is lost")
			}
			break
		}
		largest = len("gosessionid") + len(res.Cookies()[0].Value)
	}
	if largest > 4096 || largest < 4093 {
		t.Errorf("the largest cookie has %d bytes", largest)
	}
	t.Run("a larger one is not read", func(t *testing.T) {
		sealer := newSealer()
		m := newNode(t, sealer.provider())
		c := seed(t, m, nil)
		c.cookie += strings.Repeat("A", 4096)
		if !start(t, m, httptest.NewRecorder(), c.request()).IsNew() {
			t.Error("it was read")
		}
	})
	t.Run("maxBytes", func(t *testing.T) {
		m := newNode(t, newSealerProvider(), session.CfgMaxBytes(1000))
		s := start(t, m, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		set(t, s, "a", strings.Repeat("x", 600))
		if err := s.Set(t.Context(), "b", strings.Repeat("x", 600)); !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("Set = %v", err)
		}
		if s.Get(t.Context(), "a") == nil || s.Get(t.Context(), "b") != nil {
			t.Error("not as before")
		}
	})
}

// wantFresh starts a session with a cookie that must not open.
func wantFresh(t *testing.T, m *session.Manager, cookie, what string) {
	t.Helper()
	c := &client{header: http.Header{"Cookie": {"gosessionid=" + cookie}}}
	s := start(t, m, httptest.NewRecorder(), c.request())
	if !s.IsNew() || s.Get(t.Context(), "user") != nil {
		t.Errorf("%s opens", what)
	}
}

func TestSealedBadCookies(t *testing.T) {
	sealer := newSealer()
	m := newNode(t, sealer.provider(), session.CfgLogger(quiet))
	good := seed(t, m, map[any]any{"user": "ann"}).sid()
	for i := range good {
		for bit := range 8 {
			bad := []byte(good)
			bad[i] ^= 1 << bit
			wantFresh(t, m, string(bad), fmt.Sprintf("byte %d with bit %d flipped", i, bit))
		}
		wantFresh(t, m, good[:i], fmt.Sprintf("the first %d bytes", i))
	}
	wantFresh(t, m, good+good, "twice")
	wantFresh(t, m, good+"A", "a byte more")
	wantFresh(t, m, base64.RawURLEncoding.EncodeToString([]byte(`{"user":"ann"}`)), "plain JSON")

	named := newNode(t, sealer.provider(), session.CfgCookieName("other"))
	wantFresh(t, m, seed(t, named, map[any]any{"user": "ann"}).sid(), "another cookie's")
	foreign := newNode(t, newSealerProvider())
	wantFresh(t, m, seed(t, foreign, map[any]any{"user": "ann"}).sid(), "another key's")
	shape := newNode(t, sealer.provider(), session.CfgSessionIdPrefix("shop-"))
	wantFresh(t, m, seed(t, shape, map[any]any{"user": "ann"}).sid(), "one with a sid of another shape")

	// Sealed with the right key, but not by a manager.
	var rec driver.Record
	if err := sealer.Open("gosessionid", good, &rec); err != nil {
		t.Fatal(err)
	}
	data := rec.Data
	for n := range len(data) {
		rec.Data = data[:n]
		sealed, err := sealer.Seal(nil, "gosessionid", &rec)
		if err != nil {
			t.Fatal(err)
		}
		if n < 3+32 {
			wantFresh(t, m, string(sealed), fmt.Sprintf("%d bytes of data", n))
		}
		rec.Data = append(bytes.Clone(data[:n]), data[n]^0xff)
		rec.Data = append(rec.Data, data[n+1:]...)
		if sealed, err = sealer.Seal(nil, "gosessionid", &rec); err != nil {
			t.Fatal(err)
		}
		c := &client{cookie: "gosessionid=" + string(sealed)}
		c.value(t, m, "user") // whatever it is: no panic, no error
	}
	wantFresh(t, m, string(good)+`"; x="`, "a quote")

	t.Run("duplicates", func(t *testing.T) {
		bad := []byte(good)
		bad[40] ^= 1
		c := &client{header: http.Header{"Cookie": {"gosessionid=" + string(bad) + "; gosessionid=" + good}}}
		c.do(func(w http.ResponseWriter, r *http.Request) {
			s := start(t, m, w, r)
			if s.Get(r.Context(), "user") != "ann" {
				t.Error("the good one was not found")
			}
			if again := start(t, m, w, r); again.Get(r.Context(), "user") != "ann" {
				t.Error("a second Start finds another session")
			}
		})
	})
}

// A slowExchange takes a minute to change the request.
type slowExchange struct{ *foreign }

func (x slowExchange) SetRequestHeader(name, value string) {
	time.Sleep(time.Minute)
	x.foreign.SetRequestHeader(name, value)
}

func TestSealedDeadlines(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newNode(t, newSealerProvider(), session.CfgMaxLifeTime(600), session.CfgCookieLifeTime(3600))
			c := seed(t, m, map[any]any{"user": "ann"})
			time.Sleep(10*time.Minute - time.Nanosecond)
			if c.value(t, m, "user") != "ann" {
				t.Error("gone before the deadline")
			}
			time.Sleep(time.Nanosecond)
			wantFresh(t, m, c.sid(), "a session at its deadline")
		})
	})
	t.Run("renewal when due", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newNode(t, newSealerProvider(), session.CfgMaxLifeTime(600), session.CfgTouchInterval(time.Minute))
			c := seed(t, m, map[any]any{"user": "ann"})
			begin := time.Now()
			read := func() bool {
				return len(c.do(func(w http.ResponseWriter, r *http.Request) {
					s := start(t, m, w, r)
					defer s.SessionRelease(r.Context(), w)
					if s.Get(r.Context(), "user") != "ann" {
						t.Errorf("gone after %v", time.Since(begin))
					}
				}).Cookies()) == 1
			}
			for range 30 {
				time.Sleep(time.Minute - time.Millisecond)
				if read() {
					t.Errorf("renewed after %v, not due", time.Since(begin))
				}
				time.Sleep(time.Millisecond)
				if !read() {
					t.Errorf("not renewed after %v", time.Since(begin))
				}
			}
		})
	})
	t.Run("absolute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newNode(t, newSealerProvider(), session.CfgMaxLifeTime(600), session.CfgAbsoluteLifetime(30*time.Minute),
				session.CfgTouchInterval(-1))
			c := seed(t, m, map[any]any{"user": "ann"})
			use := func(alive bool) {
				t.Helper()
				c.do(func(w http.ResponseWriter, r *http.Request) {
					s := start(t, m, w, r)
					if s.IsNew() == alive {
						t.Errorf("IsNew = %v", s.IsNew())
					}
					set(t, s, "n", time.Now().Unix())
				})
			}
			for range 29 {
				time.Sleep(time.Minute)
				use(true)
			}
			time.Sleep(time.Minute - time.Nanosecond)
			use(true)
			time.Sleep(time.Nanosecond)
			use(false)
		})
	})
	t.Run("reached during the request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newNode(t, newSealerProvider(), session.CfgMaxLifeTime(600))
			c := seed(t, m, map[any]any{"user": "ann"})
			w := httptest.NewRecorder()
			s := start(t, m, w, c.request())
			time.Sleep(10 * time.Minute)
			if err := s.Set(t.Context(), "n", 1); !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("Set = %v", err)
			}
			if lines := w.Header()["Set-Cookie"]; lines != nil {
				t.Errorf("Set-Cookie = %q", lines)
			}
		})
	})
	t.Run("reached while the request is read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newNode(t, newSealerProvider(), session.CfgMaxLifeTime(600))
			c := seed(t, m, map[any]any{"user": "ann"})
			time.Sleep(9 * time.Minute)
			x := slowExchange{newForeign(c.cookie + "; gosessionid=junk")}
			s, err := m.StartExchange(x)
			if err != nil {
				t.Fatalf("StartExchange = %v", err)
			}
			if err := s.Set(t.Context(), "n", 1); !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("Set = %v", err)
			}
			if lines := x.response["Set-Cookie"]; lines != nil {
				t.Errorf("Set-Cookie = %q", lines)
			}
		})
	})
	t.Run("a change does not shorten", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sealer := newSealer()
			long := newNode(t, sealer.provider(), session.CfgMaxLifeTime(3600))
			short := newNode(t, sealer.provider(), session.CfgMaxLifeTime(60))
			c := seed(t, long, map[any]any{"user": "ann"})
			c.do(func(w http.ResponseWriter, r *http.Request) { set(t, start(t, short, w, r), "n", 1) })
			time.Sleep(time.Hour - time.Millisecond)
			if c.value(t, long, "user") != "ann" {
				t.Error("the deadline was shortened")
			}
		})
	})
}

func TestSealedDestroy(t *testing.T) {
	m := newNode(t, newSealerProvider())
	c := seed(t, m, map[any]any{"user": "ann"})
	res := c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		defer s.SessionRelease(r.Context(), w)
		set(t, s, "n", 1)
		if err := m.Destroy(w, r); err != nil {
			t.Fatal(err)
		}
		if err := s.Set(r.Context(), "n", 2); !errors.Is(err, session.ErrDestroyed) {
			t.Errorf("Set after Destroy = %v", err)
		}
	})
	if len(res.Cookies()) != 1 || c.cookie != "" {
		t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
	}
	t.Run("and a Start afterwards", func(t *testing.T) {
		c := seed(t, m, map[any]any{"user": "ann"})
		res := c.do(func(w http.ResponseWriter, r *http.Request) {
			if err := m.Destroy(w, r); err != nil {
				t.Fatal(err)
			}
			s := start(t, m, w, r)
			if !s.IsNew() || s.Get(r.Context(), "user") != nil {
				t.Error("the session is back")
			}
		})
		if len(res.Cookies()) != 1 || c.value(t, m, "user") != nil {
			t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
		}
	})
}

func TestSealedAfterALogoutTheOldSessionIsNotTheNewOne(t *testing.T) {
	m := newNode(t, newSealerProvider())
	c := seed(t, m, map[any]any{"user": "ann"})
	c.do(func(w http.ResponseWriter, r *http.Request) {
		before := start(t, m, w, r)
		if err := m.Destroy(w, r); err != nil {
			t.Fatal(err)
		}
		set(t, start(t, m, w, r), "flash", "bye")
		if err := before.Set(r.Context(), "user", "ann"); !errors.Is(err, session.ErrDestroyed) {
			t.Errorf("Set = %v", err)
		}
	})
	if c.value(t, m, "user") != nil || c.value(t, m, "flash") != "bye" {
		t.Error("the session after a logout has what the one before it had")
	}
}

func TestSealedUnderHandler(t *testing.T) {
	m := newNode(t, newSealerProvider())
	c := new(client)
	res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Get(r.Context(), "user")
		if err := s.Delete(r.Context(), "user"); err != nil {
			t.Error(err)
		}
	})).ServeHTTP)
	if len(res.Cookies()) != 0 {
		t.Error("a visitor for whom nothing is stored gets a cookie")
	}
	res = c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		set(t, s, "user", "ann")
		set(t, s, "n", 1)
		if w.Header()["Set-Cookie"] != nil {
			t.Error("the header is set before the response is committed")
		}
		fmt.Fprint(w, "body")
		if len(w.Header()["Set-Cookie"]) != 1 {
			t.Errorf("Set-Cookie = %q", w.Header()["Set-Cookie"])
		}
		if err := s.Set(r.Context(), "user", "eve"); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Set after commit = %v", err)
		}
		if err := s.Regenerate(r.Context()); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Regenerate after commit = %v", err)
		}
		if got := s.Get(r.Context(), "user"); got != "ann" {
			t.Errorf("user = %v", got)
		}
	})).ServeHTTP)
	if len(res.Cookies()) != 1 || c.value(t, m, "user") != "ann" || c.value(t, m, "n") != 1 {
		t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
	}
	c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := m.Destroy(w, r); err != nil {
			t.Error(err)
		}
	})).ServeHTTP)
	if c.cookie != "" {
		t.Error("Destroy leaves the cookie")
	}
}

func TestSealedLazy(t *testing.T) {
	m := newNode(t, newSealerProvider(), session.CfgLazy(true))
	c := new(client)
	res := c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		defer s.SessionRelease(r.Context(), w)
		s.Get(r.Context(), "user")
		if err := s.Flush(r.Context()); err != nil {
			t.Error(err)
		}
		if _, err := m.Regenerate(w, r); err != nil {
			t.Error(err)
		}
	})
	if len(res.Cookies()) != 0 {
		t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
	}
	c.do(func(w http.ResponseWriter, r *http.Request) { set(t, start(t, m, w, r), "user", "ann") })
	if c.value(t, m, "user") != "ann" {
		t.Error("the first value begins no session")
	}
}

func TestSealedCookieIsSentAlways(t *testing.T) {
	m := newNode(t, newSealerProvider(), session.CfgSetCookie(false))
	c := seed(t, m, map[any]any{"user": "ann"})
	if c.cookie == "" || c.value(t, m, "user") != "ann" {
		t.Error("no cookie")
	}
	c.do(func(w http.ResponseWriter, r *http.Request) {
		if err := m.Destroy(w, r); err != nil {
			t.Error(err)
		}
	})
	if c.cookie != "" {
		t.Error("Destroy leaves the cookie")
	}
}

func TestSealedTravelsInTheCookieAlone(t *testing.T) {
	m := newNode(t, newSealerProvider(), session.CfgEnableSidInURLQuery(true), session.CfgSessionIdInHTTPHeader(true),
		session.CfgSetSessionNameInHTTPHeader("X-Session"))
	c := new(client)
	res := c.do(func(w http.ResponseWriter, r *http.Request) { set(t, start(t, m, w, r), "user", "ann") })
	if got := res.Header.Get("X-Session"); got != "" {
		t.Errorf("X-Session = %q", got)
	}
	for name, c := range map[string]*client{
		"query":  {target: "/?gosessionid=" + c.sid()},
		"header": {header: http.Header{"X-Session": {c.sid()}}},
	} {
		if got := c.value(t, m, "user"); got != nil {
			t.Errorf("the %s was read", name)
		}
	}
}

func TestSealedHasNoSessionsByID(t *testing.T) {
	m := newNode(t, newSealerProvider())
	c := seed(t, m, nil)
	sid := start(t, m, httptest.NewRecorder(), c.request()).SessionID(t.Context())
	opened := newSealerProvider()
	openFacade(t, opened)
	_, store := m.GetSessionStore(sid)
	errs := map[string]error{"GetSessionStore": store}
	for name, p := range map[string]session.Provider{"manager's": m.GetProvider(), "own": opened} {
		_, errs[name+" SessionRead"] = p.SessionRead(t.Context(), sid)
		_, errs[name+" SessionExist"] = p.SessionExist(t.Context(), sid)
		_, errs[name+" SessionRegenerate"] = p.SessionRegenerate(t.Context(), sid, sid)
		errs[name+" SessionDestroy"] = p.SessionDestroy(t.Context(), sid)
		if n := p.SessionAll(t.Context()); n != 0 {
			t.Errorf("SessionAll = %d", n)
		}
		p.SessionGC(t.Context())
	}
	for name, err := range errs {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s = %v", name, err)
		}
	}
}

func TestSealedUpdate(t *testing.T) {
	m := newNode(t, newSealerProvider())
	c := seed(t, m, map[any]any{"n": 1, "gone": 1})
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		before := w.Header().Get("Set-Cookie")
		if err := s.Update(r.Context(), "n", func(any) (any, error) { return 5, errDown }); !errors.Is(err, errDown) {
			t.Errorf("Update = %v", err)
		}
		if err := s.Set(r.Context(), "bad", make(chan int)); !errors.Is(err, session.ErrUnencodable) {
			t.Errorf("Set = %v", err)
		}
		if got := s.Get(r.Context(), "n"); got != 1 || w.Header().Get("Set-Cookie") != before {
			t.Errorf("a failing change changes: n = %v", got)
		}
		if err := s.Update(r.Context(), "gone", func(any) (any, error) { return nil, nil }); err != nil {
			t.Error(err)
		}
		if n, err := s.Decrement(r.Context(), "n", 3); n != -2 || err != nil {
			t.Errorf("Decrement = %d, %v", n, err)
		}
	})
	if c.value(t, m, "n") != -2 || c.value(t, m, "gone") != nil {
		t.Errorf("n = %v, gone = %v", c.value(t, m, "n"), c.value(t, m, "gone"))
	}
}
