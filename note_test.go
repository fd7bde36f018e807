package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

func TestWhatALogoutDroppedStaysDropped(t *testing.T) {
	for kind, open := range bothKinds {
		t.Run(kind, func(t *testing.T) {
			m := newNode(t, open(t))
			c := seed(t, m, map[any]any{"cart": "book"})
			c.do(func(w http.ResponseWriter, r *http.Request) {
				before := start(t, m, w, r)
				set(t, before, "user", "ann")
				if err := m.Destroy(w, r); err != nil {
					t.Fatal(err)
				}
				after := start(t, m, w, r)
				set(t, after, "flash", "bye")
				save(t, after)
				before.SessionRelease(r.Context(), w)
				if err := before.Set(r.Context(), "user", "ann"); !errors.Is(err, session.ErrDestroyed) {
					t.Errorf("Set = %v", err)
				}
			})
			if c.value(t, m, "user") != nil || c.value(t, m, "cart") != nil || c.value(t, m, "flash") != "bye" {
				t.Error("the session after a logout has what the one before it had")
			}
		})
	}
}

func TestAFailedRegenerateStoresNoLoginUnderTheOldSid(t *testing.T) {
	for nth, call := range []string{1: "load", 2: "create", 3: "delete"} {
		if call == "" {
			continue
		}
		t.Run(call, func(t *testing.T) {
			f := newFaulty(t)
			m := newNode(t, f.provider())
			c := seed(t, m, map[any]any{"cart": "book"})
			w, r := httptest.NewRecorder(), c.request()
			f.heal()
			first := start(t, m, w, r)
			set(t, first, "user", "ann")
			f.plan(nth, refused)
			if _, err := m.SessionRegenerateID(w, r); err == nil {
				t.Fatal("no error")
			}
			set(t, first, "role", "admin")
			if err := first.Save(r.Context()); err == nil {
				t.Error("Save: no error")
			}
			first.SessionRelease(r.Context(), w)
			if c.value(t, m, "user") != nil || c.value(t, m, "role") != nil {
				t.Error("logged in under the old sid")
			}
			if _, err := m.SessionRegenerateID(w, r); err != nil {
				t.Fatal(err)
			}
			save(t, first)
			if c.take(w.Result()); c.value(t, m, "user") != "ann" || c.value(t, m, "cart") != "book" {
				t.Error("the changes are lost")
			}
		})
	}
}

func TestNoClientCanSendATrace(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	failed := seed(t, m, nil)
	f.plan(2, refused) // from now on the manager looks for traces
	if _, err := m.Regenerate(httptest.NewRecorder(), failed.request()); err == nil {
		t.Fatal("no error")
	}
	f.heal()
	c, victim := seed(t, m, nil), seed(t, m, map[any]any{"user": "ann"})
	for _, word := range []string{"", word(t, newManager(t)), word(t, newNode(t, f.provider()))} {
		r := c.request()
		r.Header.Set("Cookie", c.cookie+"; gosessionid.was="+word+".stuck; gosessionid.was="+word+victim.sid())
		s := start(t, m, httptest.NewRecorder(), r)
		increment(t, s, "n", 1)
		if err := s.Save(t.Context()); err != nil {
			t.Errorf("with the word %q a client's trace counts: Save = %v", word, err)
		}
	}
	if c.value(t, m, "n") != int64(3) || victim.value(t, m, "n") != nil {
		t.Error("a client's trace counts")
	}
}

// word returns what begins the traces of m, as an application sees it that serves requests with m.
func word(t *testing.T, m *session.Manager) string {
	t.Helper()
	r := seed(t, m, nil).request()
	if _, err := m.Regenerate(httptest.NewRecorder(), r); err != nil {
		t.Fatal(err)
	}
	trace, err := r.Cookie("gosessionid.was")
	if err != nil {
		t.Fatal(err)
	}
	word, _, _ := strings.Cut(trace.Value, ".")
	if len(word) < 26 { // 128 bits in base32
		t.Errorf("the word %q can be guessed", word)
	}
	return word
}

func TestADoubledLoginSendsOneCookie(t *testing.T) {
	for _, handler := range []bool{false, true} {
		m := newManager(t)
		c := seed(t, m, map[any]any{"cart": "book"})
		second := &client{cookie: c.cookie}
		login := func(w http.ResponseWriter, r *http.Request) {
			s, err := m.Start(w, r)
			if err != nil {
				t.Fatal(err)
			}
			c.do(func(w http.ResponseWriter, r *http.Request) {
				if _, err := m.Regenerate(w, r); err != nil {
					t.Error(err)
				}
			})
			if handler {
				_, err = m.Regenerate(w, r)
			} else {
				err = s.Regenerate(r.Context())
			}
			if !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("handler=%v: Regenerate = %v", handler, err)
			}
		}
		if handler {
			login = m.Handler(http.HandlerFunc(login)).ServeHTTP
		}
		if res := second.do(login); res.Header["Set-Cookie"] != nil || !alive(t, m, c.sid()) {
			t.Errorf("handler=%v: the second login takes the place of the first", handler)
		}
	}
}

func TestAThirdPartysErrorShowsNoSid(t *testing.T) {
	denied := errors.New("permission denied")
	m := newNode(t, leakyShelf{newShelf(), denied})
	sid := strings.Repeat("ab", 16)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "gosessionid="+sid)
	_, err := m.Start(httptest.NewRecorder(), r)
	for _, err := range []error{err, m.Destroy(httptest.NewRecorder(), r)} {
		if !errors.Is(err, denied) || strings.Contains(fmt.Sprintf("%v %+v", err, err), sid) {
			t.Errorf("shows a sid, or is not what the provider said: %t", errors.Is(err, denied))
		}
	}
}

// A leakyShelf names files in its errors.
type leakyShelf struct {
	*shelf
	err error
}

func (p leakyShelf) SessionExist(_ context.Context, sid string) (bool, error) {
	return false, fmt.Errorf("open ./tmp/%s: %w", sid, p.err)
}

func (p leakyShelf) SessionDestroy(_ context.Context, sid string) error {
	return fmt.Errorf("remove ./tmp/%s: %w", sid, p.err)
}

func TestAHeaderTellsNoCookiesSid(t *testing.T) {
	m := newManager(t, session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session"))
	c := seed(t, m, nil)
	res := c.do(func(w http.ResponseWriter, r *http.Request) {
		if _, err := m.Regenerate(w, r); err != nil {
			t.Fatal(err)
		}
	})
	if res.Header.Get("X-Session") != "" {
		t.Error("scripts can read the sid of an HttpOnly cookie")
	}
	c = new(client)
	res = c.do(func(w http.ResponseWriter, r *http.Request) {
		start(t, m, w, r)
		if _, err := m.Regenerate(w, r); err != nil {
			t.Fatal(err)
		}
	})
	if res.Header.Get("X-Session") != c.sid() {
		t.Error("a new visitor's header has a sid that is dead")
	}
}

func TestALostAnswerIsNoSecondSave(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, nil)
	f.heal()
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		increment(t, s, "n", 1)
		f.plan(1, unsaid)
		if err := s.Save(r.Context()); err == nil {
			t.Error("no error")
		}
		save(t, s)
		increment(t, s, "n", 1)
		save(t, s)
	})
	if got := c.value(t, m, "n"); got != int64(2) {
		t.Errorf("n = %v", got)
	}
}

func TestALostAnswerOfACreationIsNoDeadEnd(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := new(client)
	c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		set(t, s, "a", 1)
		f.plan(1, unsaid)
		if err := s.Save(r.Context()); err == nil {
			t.Error("no error")
		}
		save(t, s) // under another sid: what was stored under the first may come to the store late, and after a logout
	})).ServeHTTP)
	if c.value(t, m, "a") != 1 {
		t.Error("not saved")
	}
}

func TestAnUpdateThatFailsOnTheNewSidIsTriedAgain(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, map[any]any{"n": 1})
	c.do(func(w http.ResponseWriter, r *http.Request) {
		first, fails := start(t, m, w, r), false
		err := first.Update(r.Context(), "n", func(old any) (any, error) {
			if fails {
				return nil, errors.New("not now")
			}
			return old.(int) + 1, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		second, err := m.Regenerate(w, r)
		if err != nil {
			t.Fatal(err)
		}
		set(t, second, "n", 100)
		save(t, second)
		fails = true
		if err := first.Save(r.Context()); err == nil {
			t.Error("no error")
		}
		fails = false
		save(t, first)
	})
	if got := c.value(t, m, "n"); got != 101 {
		t.Errorf("n = %v", got)
	}
}
