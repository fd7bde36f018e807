package session_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

func TestSessionIDGenerator(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			var made atomic.Int64
			m := e.open(t, session.CfgSessionIdPrefix("app."), session.CfgSessionIDGenerator(func(session.Exchange) (string, error) {
				return fmt.Sprintf("Generated_by-me-%04d", made.Add(1)), nil
			}))
			c := seed(t, m, map[any]any{"a": "1"})
			s := c.open(t, m)
			if got := s.SessionID(t.Context()); got != "app.Generated_by-me-0001" {
				t.Errorf("SessionID = %q", got)
			}
			wantValues(t, "stored is", s, map[string]any{"a": "1"})
			c.do(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.Regenerate(w, r)
				if err != nil || s.SessionID(r.Context()) != "app.Generated_by-me-0002" {
					t.Errorf("Regenerate = %v, %v", s, err)
				}
				s.SessionRelease(r.Context(), w)
			})
			wantValues(t, "stored is", c.open(t, m), map[string]any{"a": "1"})
		})
	}
}

// What a generator may not return is an error, and reaches neither the store nor the client.
func TestBadGenerators(t *testing.T) {
	long := strings.Repeat("a", 16)
	for what, generate := range map[string]func(session.Exchange) (string, error){
		"empty": func(session.Exchange) (string, error) { return "", nil }, "too short": func(session.Exchange) (string, error) { return long[1:], nil },
		"too long": func(session.Exchange) (string, error) { return strings.Repeat("a", 129), nil }, "a path": func(session.Exchange) (string, error) { return "../" + long, nil },
		"a dot": func(session.Exchange) (string, error) { return long + ".", nil }, "a line": func(session.Exchange) (string, error) { return long + "\r\nSet-Cookie: a=b", nil },
		"a cookie": func(session.Exchange) (string, error) { return long + "; Domain=evil", nil }, "not ASCII": func(session.Exchange) (string, error) { return long + "ä", nil },
		"not UTF-8": func(session.Exchange) (string, error) { return long + "\xff", nil }, "an error": func(session.Exchange) (string, error) { return long, errDown },
	} {
		backend := newTap(t)
		m := newNode(t, backend.provider(), session.CfgSessionIDGenerator(generate))
		w := httptest.NewRecorder()
		s, err := m.Start(w, new(client).request())
		if err == nil || s != nil || w.Header()["Set-Cookie"] != nil || len(backend.ops()) > 0 {
			t.Errorf("%s: Start = %v, %v, Set-Cookie %q, calls %v", what, s, err, w.Header()["Set-Cookie"], backend.ops())
		}
		if err != nil && strings.Contains(err.Error(), long) {
			t.Errorf("%s: the error shows what was made: %v", what, err)
		}
		if what == "an error" && !errors.Is(err, errDown) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, n := range []int{16, 128} {
		m := newManager(t, session.CfgSessionIDGenerator(func(session.Exchange) (string, error) { return strings.Repeat("z", n), nil }))
		if got := len(seed(t, m, nil).sid()); got != n {
			t.Errorf("a sid of %d characters is one of %d", n, got)
		}
	}
}

// A generator that repeats itself gives nobody the session of somebody else.
func TestAGeneratorThatRepeatsItself(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t, session.CfgSessionIDGenerator(func(session.Exchange) (string, error) { return "always-the-same-one", nil }))
			c := seed(t, m, map[any]any{"user": "ann"})
			if _, err := m.Regenerate(httptest.NewRecorder(), c.request()); !errors.Is(err, session.ErrExists) {
				t.Errorf("Regenerate = %v", err)
			}
			if strings.HasPrefix(e.name, "sealer") {
				return // each client has its own
			}
			w := httptest.NewRecorder()
			if s, err := m.Start(w, new(client).request()); !errors.Is(err, session.ErrExists) || w.Header()["Set-Cookie"] != nil {
				t.Errorf("Start = %v, %v", s, err)
			}
			wantValues(t, "stored is", c.open(t, m), map[string]any{"user": "ann"})
		})
	}
}

// The shape of what a client sends is checked as before, with the generator's rule.
func TestSIDShapeWithAGenerator(t *testing.T) {
	backend := newTap(t)
	m := newNode(t, backend.provider(), session.CfgSessionIdPrefix("p-"), session.CfgSessionIDGenerator(func(session.Exchange) (string, error) {
		return strings.Repeat("g", 20), nil
	}), session.CfgLazy(true))
	for value, asked := range map[string]bool{
		"p-" + strings.Repeat("x", 16): true, "p-" + strings.Repeat("0", 128): true, strings.Repeat("x", 18): false,
		"p-" + strings.Repeat("x", 15): false, "p-" + strings.Repeat("x", 129): false, "p-" + strings.Repeat("x", 16) + "/": false,
		"p-" + strings.Repeat("x", 16) + ".": false, "p-": false, "": false,
	} {
		backend.heal()
		start(t, m, httptest.NewRecorder(), (&client{cookie: "gosessionid=" + value}).request())
		if got := len(backend.ops()) > 0; got != asked {
			t.Errorf("%q: asked the store: %v", value, got)
		}
	}
}

// box stands in for securecookie.
type box struct{ decoded atomic.Int64 }

func (b *box) encode(name string, sid any) (string, error) {
	return "sealed-" + base64.RawURLEncoding.EncodeToString([]byte(name+"|"+sid.(string))), nil
}

func (b *box) decode(name, value string, sid any) error {
	b.decoded.Add(1)
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(value, "sealed-"))
	plain, ok := strings.CutPrefix(string(text), name+"|")
	if err != nil || !ok || !strings.HasPrefix(value, "sealed-") {
		return errors.New("not sealed here")
	}
	*sid.(*string) = plain
	return nil
}

func (b *box) opts() session.ManagerConfigOpt {
	return func(c *session.ManagerConfig) {
		c.Opts(session.CfgCookieEncode(b.encode), session.CfgCookieDecode(b.decode))
	}
}

func TestCookieHooks(t *testing.T) {
	for name, p := range map[string]session.Provider{"memory": memory.New(), "tap": newTap(t).provider(), "third party": newShelf()} {
		t.Run(name, func(t *testing.T) {
			b := new(box)
			m := newNode(t, p, b.opts())
			c := new(client)
			c.do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				set(t, s, "a", "1")
				save(t, s)
				again := start(t, m, w, r)
				if again.SessionID(r.Context()) != s.SessionID(r.Context()) || !again.IsNew() {
					t.Error("a second Start begins another session")
				}
				again.SessionRelease(r.Context(), w)
				if strings.Contains(w.Header().Get("Set-Cookie"), s.SessionID(r.Context())) {
					t.Error("the cookie shows the sid")
				}
			})
			plain := c.open(t, m).SessionID(t.Context())
			if (&client{cookie: "gosessionid=" + plain}).open(t, m).SessionID(t.Context()) == plain {
				t.Error("a bare sid is accepted")
			}
			c.do(func(w http.ResponseWriter, r *http.Request) {
				older := start(t, m, w, r)
				s, err := m.Regenerate(w, r)
				if err != nil {
					t.Fatal(err)
				}
				set(t, older, "b", "2") // goes to the new sid
				older.SessionRelease(r.Context(), w)
				s.SessionRelease(r.Context(), w)
			})
			if name != "third party" {
				wantValues(t, "stored is", c.open(t, m), map[string]any{"a": "1", "b": "2"})
			}
			res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.FromContext(r.Context())
				if err != nil || s.Get(r.Context(), "a") != "1" {
					t.Errorf("FromContext = %v, %v", s, err)
				}
				if err := s.Regenerate(r.Context()); err != nil {
					t.Error(err)
				}
			})).ServeHTTP)
			if len(res.Cookies()) != 1 || !strings.HasPrefix(c.sid(), "sealed-") {
				t.Errorf("Set-Cookie %q", res.Header["Set-Cookie"])
			}
			kept := *c
			c.do(func(w http.ResponseWriter, r *http.Request) {
				if err := m.Destroy(w, r); err != nil {
					t.Error(err)
				}
			})
			if c.cookie != "" || !kept.open(t, m).IsNew() {
				t.Error("not destroyed")
			}
		})
	}
}

// What comes out of a cookie is checked like any sid.
func TestDecodedSIDIsChecked(t *testing.T) {
	b, backend := new(box), newTap(t)
	m := newNode(t, backend.provider(), b.opts(), session.CfgLazy(true), session.CfgLogger(quiet))
	for _, sid := range []string{"", "../../etc/passwd", strings.Repeat("a", 33), strings.Repeat("A", 32), strings.Repeat("a", 4000)} {
		value, _ := b.encode("gosessionid", sid)
		start(t, m, httptest.NewRecorder(), (&client{cookie: "gosessionid=" + value}).request())
		if ops := backend.ops(); len(ops) > 0 {
			t.Errorf("%.20q: the store was asked: %v", sid, ops)
		}
	}
	b.decoded.Store(0)
	many := strings.Repeat("gosessionid=x; ", 1000)
	start(t, m, httptest.NewRecorder(), (&client{cookie: many}).request())
	if n := b.decoded.Load(); n > 32 {
		t.Errorf("%d cookies were decoded", n)
	}
	c := seed(t, m, map[any]any{"a": 1})
	if got := (&client{cookie: "gosessionid=x; " + c.cookie}).value(t, m, "a"); got != 1 {
		t.Errorf("behind a bad cookie a = %v", got)
	}
}

func TestBadCookieHooks(t *testing.T) {
	b := new(box)
	for field, opt := range map[string]session.ManagerConfigOpt{
		"CookieDecode": session.CfgCookieEncode(b.encode), "CookieEncode": session.CfgCookieDecode(b.decode),
	} {
		_, err := session.New(memory.New(), session.NewManagerConfig(opt))
		wantFieldError(t, "one of two", err, field)
	}
	_, err := session.New(newSealerProvider(), session.NewManagerConfig(b.opts()))
	wantFieldError(t, "a sealer", err, "CookieEncode")
	for _, key := range []string{"sessionIDGenerator", "SESSIONIDGENERATOR", "cookieEncode", "cookieDecode", "logger", "errorHandler"} {
		_, err := session.ParseConfig([]byte(`{"` + key + `": "x"}`))
		wrong, ok := errors.AsType[*session.ConfigError](err)
		if !ok || !strings.EqualFold(wrong.Field, key) || !strings.Contains(err.Error(), "Go code") {
			t.Errorf("%s in JSON: %v", key, err)
		}
	}
	for _, bad := range []string{"", "a b", "a;b", "a,b", `a"b`, "a\r\nb", "ä", strings.Repeat("x", 4096)} {
		backend := newTap(t)
		m := newNode(t, backend.provider(), session.CfgCookieDecode(b.decode),
			session.CfgCookieEncode(func(string, any) (string, error) { return bad, nil }))
		w := httptest.NewRecorder()
		if s, err := m.Start(w, new(client).request()); err == nil || w.Header()["Set-Cookie"] != nil || len(backend.ops()) > 0 {
			t.Errorf("%.20q: Start = %v, %v", bad, s, err)
		}
	}
	m := newManager(t, session.CfgCookieDecode(b.decode), session.CfgCookieEncode(func(_ string, sid any) (string, error) {
		return "", fmt.Errorf("cannot encode %s: %w", sid, errDown)
	}))
	_, err = m.Start(httptest.NewRecorder(), new(client).request())
	if !errors.Is(err, errDown) || !strings.Contains(err.Error(), "(sid)") {
		t.Errorf("Start = %v", err)
	}
}
