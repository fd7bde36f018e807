package session_test

import (
	"context"
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

// A countingSealer counts how often it seals. With fails it does not.
type countingSealer struct {
	aesSealer
	seals int
	fails error
}

func (s *countingSealer) Seal(dst []byte, name string, rec *driver.Record) ([]byte, error) {
	s.seals++
	if s.fails != nil {
		return dst, s.fails
	}
	return s.aesSealer.Seal(dst, name, rec)
}

// A sizedSealer knows how long what it seals will be, but for what it forgets.
type sizedSealer struct {
	*countingSealer
	forgets int
}

func newSizedSealer() *sizedSealer { return &sizedSealer{&countingSealer{aesSealer: newSealer()}, 0} }

func (s *sizedSealer) SealedSize(_ string, rec *driver.Record) int {
	return cookieEncoding.EncodedLen(rec.BinarySize()+s.aead.Overhead()) - s.forgets
}

func clientProvider(s driver.Sealer) session.Provider {
	return session.NewClientProvider(func(context.Context, driver.Config) (driver.Sealer, error) { return s, nil })
}

// TestUnderHandlerASessionIsSealedOnce a response, if its length is known before. Otherwise, and outside Handler, each change is.
func TestUnderHandlerASessionIsSealedOnce(t *testing.T) {
	ok := func(t *testing.T, what string, err error) {
		if t.Helper(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	type use = func(t *testing.T, m *session.Manager, s *session.Session, w http.ResponseWriter, r *http.Request)
	for name, tt := range map[string]struct {
		use        use
		once, each int // seals
		cookies    int
		want       map[string]any
	}{
		"Reload": {func(t *testing.T, _ *session.Manager, s *session.Session, _ http.ResponseWriter, r *http.Request) {
			ok(t, "Delete", s.Delete(r.Context(), "cart"))
			set(t, s, "cart", "book")
			ok(t, "Reload", s.Reload(r.Context()))
		}, 1, 2, 1, map[string]any{"cart": "book"}},
		"nothing": {func(*testing.T, *session.Manager, *session.Session, http.ResponseWriter, *http.Request) {
		}, 0, 0, 0, map[string]any{"cart": "book"}},
		"values": {func(t *testing.T, _ *session.Manager, s *session.Session, _ http.ResponseWriter, r *http.Request) {
			set(t, s, "a", 1)
			set(t, s, "a", 2)
			ok(t, "SetMulti", s.SetMulti(r.Context(), map[any]any{"b": 1, "c": 1, "d": 1}))
			ok(t, "Delete", s.Delete(r.Context(), "cart"))
			if n, err := s.Increment(r.Context(), "b", 41); n != 42 || err != nil {
				t.Errorf("Increment = %d, %v", n, err)
			}
		}, 1, 5, 1, map[string]any{"a": 2, "b": 42, "c": 1, "d": 1, "cart": nil}},
		"Flush": {func(t *testing.T, _ *session.Manager, s *session.Session, _ http.ResponseWriter, r *http.Request) {
			set(t, s, "a", 1)
			ok(t, "Flush", s.Flush(r.Context()))
			set(t, s, "b", 2)
		}, 1, 3, 1, map[string]any{"cart": nil, "a": nil, "b": 2}},
		"a login": {func(t *testing.T, m *session.Manager, s *session.Session, w http.ResponseWriter, r *http.Request) {
			before := s.SessionID(r.Context())
			set(t, s, "a", 1)
			ok(t, "Login", s.Login(r.Context(), "ann"))
			ok(t, "RememberMe", s.RememberMe(r.Context(), time.Hour))
			ok(t, "SetLifetime", s.SetLifetime(r.Context(), 2*time.Hour))
			ok(t, "Regenerate", s.Regenerate(r.Context()))
			ok(t, "ShiftExpiration", m.ShiftExpiration(w, r))
			ok(t, "UpdateExpiration", m.UpdateExpiration(w, r, 3*time.Hour))
			ok(t, "Reload", s.Reload(r.Context()))
			if s.User() != "ann" || s.SessionID(r.Context()) == before || time.Until(s.Expires()).Round(time.Minute) != 3*time.Hour {
				t.Errorf("user %q, expires in %v", s.User(), time.Until(s.Expires()))
			}
		}, 1, 7, 1, map[string]any{"cart": "book", "a": 1}},
		"SendCookie": {func(t *testing.T, _ *session.Manager, s *session.Session, _ http.ResponseWriter, r *http.Request) {
			ok(t, "SendCookie", s.SendCookie(r.Context()))
		}, 1, 1, 1, map[string]any{"cart": "book"}},
		"what does not fit": {func(t *testing.T, _ *session.Manager, s *session.Session, _ http.ResponseWriter, r *http.Request) {
			if err := s.Set(r.Context(), "a", strings.Repeat("x", 5000)); !errors.Is(err, session.ErrTooLarge) {
				t.Errorf("Set = %v", err)
			}
			if s.Get(r.Context(), "a") != nil {
				t.Error("the request sees what was refused")
			}
		}, 0, 1, 0, map[string]any{"cart": "book", "a": nil}},
		"what does not fit, and something else": {func(t *testing.T, _ *session.Manager, s *session.Session, _ http.ResponseWriter, r *http.Request) {
			set(t, s, "a", 1)
			if err := s.Set(r.Context(), "a", strings.Repeat("x", 5000)); !errors.Is(err, session.ErrTooLarge) {
				t.Errorf("Set = %v", err)
			}
		}, 1, 2, 1, map[string]any{"cart": "book", "a": 1}},
		"a logout": {func(t *testing.T, m *session.Manager, s *session.Session, w http.ResponseWriter, r *http.Request) {
			set(t, s, "a", 1)
			ok(t, "Logout", s.Logout(r.Context()))
			save(t, s)
		}, 0, 1, 1, map[string]any{"cart": nil, "a": nil}},
		"a logout, and a look": {func(t *testing.T, m *session.Manager, s *session.Session, w http.ResponseWriter, r *http.Request) {
			set(t, s, "a", 1)
			ok(t, "Logout", s.Logout(r.Context()))
			if got := start(t, m, w, r).Get(r.Context(), "cart"); got != nil {
				t.Errorf("cart = %v", got)
			}
		}, 0, 1, 1, map[string]any{"cart": nil, "a": nil}},
		"a logout, and another session": {func(t *testing.T, m *session.Manager, s *session.Session, w http.ResponseWriter, r *http.Request) {
			set(t, s, "a", 1)
			ok(t, "Destroy", m.Destroy(w, r))
			next := start(t, m, w, r)
			set(t, next, "notice", "bye")
			save(t, s) // which is over
			set(t, next, "more", 1)
		}, 1, 3, 1, map[string]any{"cart": nil, "a": nil, "notice": "bye", "more": 1}},
		"an explicit save": {func(t *testing.T, _ *session.Manager, s *session.Session, _ http.ResponseWriter, _ *http.Request) {
			set(t, s, "a", 1)
			set(t, s, "a", 2)
			save(t, s)
			save(t, s)
		}, 1, 2, 1, map[string]any{"cart": "book", "a": 2}},
		"a change after a save": {func(t *testing.T, _ *session.Manager, s *session.Session, _ http.ResponseWriter, _ *http.Request) {
			set(t, s, "a", 1)
			save(t, s)
			set(t, s, "a", 2)
			set(t, s, "a", 3)
		}, 2, 3, 1, map[string]any{"cart": "book", "a": 3}},
	} {
		for _, way := range []struct {
			name           string
			sized, handled bool
		}{{"Handler", true, true}, {"Handler, no sizes", false, true}, {"Start", true, false}} {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				sealer := newSizedSealer()
				p, want := clientProvider(sealer), tt.each
				if !way.sized {
					p = sealer.countingSealer.provider()
				}
				if way.sized && way.handled {
					want = tt.once
				}
				m := newNode(t, p, session.CfgLazy(true))
				c := seed(t, m, map[any]any{"cart": "book"})
				sealer.seals = 0
				page := func(w http.ResponseWriter, r *http.Request) { tt.use(t, m, start(t, m, w, r), w, r) }
				if way.handled {
					page = m.Handler(http.HandlerFunc(page)).ServeHTTP
				}
				res := c.do(page)
				if sealer.seals != want {
					t.Errorf("sealed %d times, want %d", sealer.seals, want)
				}
				if n := len(res.Header["Set-Cookie"]); n != tt.cookies || res.StatusCode != http.StatusOK {
					t.Errorf("status %d, %d cookies, want %d", res.StatusCode, n, tt.cookies)
				}
				for key, want := range tt.want {
					if got := c.value(t, m, key); got != want {
						t.Errorf("%s = %v, want %v", key, got, want)
					}
				}
			})
		}
	}
}

func (s *countingSealer) provider() session.Provider { return clientProvider(s) }

// TestSizesAreRefusedAsBefore compares, byte by byte, what Set accepts with and without a sealer that knows lengths.
func TestSizesAreRefusedAsBefore(t *testing.T) {
	sized := newSizedSealer()
	for _, most := range []int{1, 3} {
		t.Run(fmt.Sprint(most, " cookies"), func(t *testing.T) {
			known := newNode(t, clientProvider(struct {
				*sizedSealer
				several
			}{sized, several(most)}))
			unknown := newNode(t, clientProvider(struct {
				*countingSealer
				several
			}{sized.countingSealer, several(most)}))
			accepts := func(m *session.Manager, n int) (ok bool) {
				res := new(client).do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					s := current(t, m, r)
					set(t, s, "small", 1)
					err := s.Set(r.Context(), "large", strings.Repeat("x", n))
					if ok = err == nil; !ok && !errors.Is(err, session.ErrTooLarge) {
						t.Errorf("Set = %v", err)
					}
				})).ServeHTTP)
				if n := len(res.Header["Set-Cookie"]); ok && n != most || !ok && n != 1 || res.StatusCode != http.StatusOK {
					t.Errorf("status %d, %d cookies", res.StatusCode, n)
				}
				return ok
			}
			at := most*3000 - 350
			for accepts(unknown, at) {
				at++
			}
			for n := at - 20; n < at+20; n++ {
				if got, want := accepts(known, n), n < at; got != want {
					t.Errorf("%d bytes: accepted %v, want %v", n, got, want)
				}
			}
		})
	}
}

// several is how many cookies a sealer's sessions may take.
type several int

func (n several) Cookies() driver.CookieConfig { return driver.CookieConfig{Max: int(n)} }

// TestASessionThatCannotBeSealedIsAnswered as every save that fails before the headers.
func TestASessionThatCannotBeSealedIsAnswered(t *testing.T) {
	for name, tt := range map[string]struct {
		bytes  int
		breaks func(t *testing.T, m *session.Manager, s *sizedSealer)
		want   error
	}{
		"an outage":            {10, func(_ *testing.T, _ *session.Manager, s *sizedSealer) { s.fails = errDown }, errDown},
		"longer than was said": {4000, func(*testing.T, *session.Manager, *sizedSealer) {}, session.ErrTooLarge},
		"closed in the meantime": {10, func(t *testing.T, m *session.Manager, _ *sizedSealer) {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}, session.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			var got reports
			sealer := newSizedSealer()
			m := newNode(t, clientProvider(sealer), got.options()...)
			c := seed(t, m, map[any]any{"cart": "book"})
			before := c.cookie
			res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sealer.forgets = 2 * max(0, tt.bytes-1000)
				set(t, current(t, m, r), "cart", strings.Repeat("x", tt.bytes))
				tt.breaks(t, m, sealer)
				fmt.Fprint(w, "done")
			})).ServeHTTP)
			if res.StatusCode != http.StatusServiceUnavailable || res.Header["Set-Cookie"] != nil || c.cookie != before {
				t.Errorf("status %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
			}
			if _, errs := got.taken(); len(errs) != 1 || !errors.Is(errs[0], tt.want) {
				t.Errorf("reported %v", errs)
			}
		})
	}
}

// TestALogoutOfANewVisitorAnswersNothing: there is no cookie to remove, and what was to be one is dropped.
func TestALogoutOfANewVisitorAnswersNothing(t *testing.T) {
	sealer := newSizedSealer()
	m := newNode(t, clientProvider(sealer))
	res := new(client).do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set(t, current(t, m, r), "user", "ann")
		if err := m.Destroy(w, r); err != nil {
			t.Error(err)
		}
		if got := current(t, m, r).Get(r.Context(), "user"); got != nil {
			t.Errorf("user = %v", got)
		}
	})).ServeHTTP)
	if sealer.seals != 0 || res.Header["Set-Cookie"] != nil {
		t.Errorf("sealed %d times, Set-Cookie %q", sealer.seals, res.Header["Set-Cookie"])
	}
}

// TestALogoutStaysWhenTheNextSessionCannotBeSealed although the response is an error.
func TestALogoutStaysWhenTheNextSessionCannotBeSealed(t *testing.T) {
	var got reports
	sealer := newSizedSealer()
	m := newNode(t, clientProvider(sealer), got.options()...)
	c := seed(t, m, map[any]any{"user": "ann"})
	res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := m.Destroy(w, r); err != nil {
			t.Error(err)
		}
		set(t, current(t, m, r), "notice", "bye")
		sealer.fails = errDown
	})).ServeHTTP)
	if c.cookie != "" || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
	}
}

// TestSaveSealsUnderHandler, so that the application learns of an error. What it was told of it answers itself.
func TestSaveSealsUnderHandler(t *testing.T) {
	for name, tt := range map[string]struct {
		then func(t testing.TB, s *session.Session)
		want any
	}{
		"nothing":        {func(testing.TB, *session.Session) {}, "book"},
		"another save":   {save, "pen"},
		"another change": {func(t testing.TB, s *session.Session) { set(t, s, "more", 1) }, "pen"},
		"a change that fails": {func(t testing.TB, s *session.Session) {
			if s.Set(t.Context(), "more", make(chan int)) == nil {
				t.Error("a channel was stored")
			}
		}, "book"},
	} {
		t.Run(name, func(t *testing.T) {
			var got reports
			sealer := newSizedSealer()
			m := newNode(t, clientProvider(sealer), got.options()...)
			c := seed(t, m, map[any]any{"cart": "book"})
			res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := current(t, m, r)
				set(t, s, "cart", "pen")
				sealer.fails = errDown
				if err := s.Save(r.Context()); !errors.Is(err, errDown) {
					t.Errorf("Save = %v", err)
				}
				sealer.fails = nil
				tt.then(t, s)
				w.WriteHeader(http.StatusTeapot)
				if name != "nothing" {
					return
				}
				if err := s.Save(r.Context()); !errors.Is(err, session.ErrCommitted) {
					t.Errorf("Save after the headers = %v", err)
				}
			})).ServeHTTP)
			if got := c.value(t, m, "cart"); got != tt.want || res.StatusCode != http.StatusTeapot {
				t.Errorf("status %d, cart = %v, want %v", res.StatusCode, got, tt.want)
			}
			if _, errs := got.taken(); len(errs) > 0 {
				t.Errorf("reported %v", errs)
			}
		})
	}
}

// TestAnEarlierDeadlineIsSealedThoughItHasCome, or the cookie before would bring the session back.
func TestAnEarlierDeadlineIsSealedThoughItHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newNode(t, clientProvider(newSizedSealer()), session.CfgMaxLifeTime(3600))
		c := seed(t, m, map[any]any{"user": "ann"})
		c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := m.UpdateExpiration(w, r, time.Second); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			if err := current(t, m, r).Set(r.Context(), "n", 1); !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("Set = %v", err)
			}
		})).ServeHTTP)
		if got := c.value(t, m, "user"); got != nil {
			t.Errorf("user = %v", got)
		}
	})
}

// TestWhatWasReadStays as it was while others are set: they are encoded into the same memory, one after the other.
func TestWhatWasReadStays(t *testing.T) {
	for _, e := range storing() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			values := make(map[string]string)
			read := make(map[string]any)
			check := func(s *session.Session) {
				all, err := s.GetAll(t.Context())
				if err != nil || len(all) != len(values) {
					t.Errorf("%d values, %v", len(all), err)
				}
				for key, want := range values {
					if got := s.Get(t.Context(), key); got != want || read[key] != want || all[key] != want {
						t.Errorf("%s = %q, was %q, want %q", key, got, read[key], want)
					}
				}
			}
			c := new(client)
			c.do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s := current(t, m, r)
				for i := range 40 {
					key, value := fmt.Sprint("key", i%30), strings.Repeat(string(rune('a'+i%26)), i)
					set(t, s, key, value)
					values[key], read[key] = value, s.Get(t.Context(), key)
					if i%7 == 6 {
						old := fmt.Sprint("key", i-3)
						if _, err := s.Pop(t.Context(), old); err != nil {
							t.Error(err)
						}
						delete(values, old)
					}
					check(s)
				}
			})).ServeHTTP)
			check(start(t, m, httptest.NewRecorder(), c.request()))
		})
	}
}

// TestTheHookIsAskedOnceAResponse, when it is sealed.
func TestTheHookIsAskedOnceAResponse(t *testing.T) {
	asked := 0
	m := newNode(t, clientProvider(newSizedSealer()), session.CfgCookieAttributes(func(_ session.Exchange, c *http.Cookie) {
		asked++
		c.Domain = "example.com"
	}))
	res := new(client).do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		set(t, s, "a", 1)
		set(t, s, "b", 1)
	})).ServeHTTP)
	if set := res.Cookies(); asked != 1 || len(set) != 1 || set[0].Domain != "example.com" {
		t.Errorf("asked %d times, Set-Cookie %q", asked, res.Header["Set-Cookie"])
	}
}

// TestAStreamSealsOnce, with its first byte.
func TestAStreamSealsOnce(t *testing.T) {
	sealer := newSizedSealer()
	m := newNode(t, clientProvider(sealer))
	c := new(client)
	c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		set(t, s, "a", 1)
		set(t, s, "b", 1)
		if sealer.seals != 0 {
			t.Errorf("sealed %d times before the headers", sealer.seals)
		}
		w.(http.Flusher).Flush()
		if err := s.Set(r.Context(), "c", 1); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Set = %v", err)
		}
		save(t, s)
		fmt.Fprint(w, "more")
	})).ServeHTTP)
	if sealer.seals != 1 || c.value(t, m, "b") != 1 || c.value(t, m, "c") != nil {
		t.Errorf("sealed %d times", sealer.seals)
	}
}

// TestARenewedDeadlineIsSealedOnce, together with what the request changes.
func TestARenewedDeadlineIsSealedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sealer := newSizedSealer()
		m := newNode(t, clientProvider(sealer), session.CfgMaxLifeTime(600), session.CfgTouchInterval(time.Minute))
		c := seed(t, m, map[any]any{"user": "ann"})
		for _, change := range []bool{false, true} {
			time.Sleep(9 * time.Minute)
			sealer.seals = 0
			c.do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if s := current(t, m, r); change {
					set(t, s, "n", 1)
				}
			})).ServeHTTP)
			if sealer.seals != 1 {
				t.Errorf("sealed %d times", sealer.seals)
			}
		}
		time.Sleep(9 * time.Minute)
		if s := start(t, m, httptest.NewRecorder(), c.request()); s.Get(t.Context(), "user") != "ann" || s.Get(t.Context(), "n") != 1 {
			t.Error("the session is lost")
		}
	})
}
