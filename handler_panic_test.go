package session_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// recovering is a middleware that answers a panic, as applications put one outside of everything.
func recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				http.Error(w, fmt.Sprint("recovered: ", p), http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func TestAPanicSavesNothing(t *testing.T) {
	for _, tt := range []struct {
		name      string
		visitor   bool
		do        func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session)
		cookie    bool // the client gets a new one
		committed bool // the answer is not the recovery's
		want      map[string]any
	}{
		{name: "a visitor", visitor: true, do: func(t *testing.T, _ *session.Manager, _ http.ResponseWriter, _ *http.Request, s *session.Session) {
			set(t, s, "a", 1)
		}},
		{name: "a change", want: map[string]any{"cart": "book", "a": nil}, do: func(t *testing.T, _ *session.Manager, _ http.ResponseWriter, _ *http.Request, s *session.Session) {
			set(t, s, "a", 1)
		}},
		{name: "an explicit save before", want: map[string]any{"a": 1, "b": nil}, do: func(t *testing.T, _ *session.Manager, _ http.ResponseWriter, _ *http.Request, s *session.Session) {
			set(t, s, "a", 1)
			save(t, s)
			set(t, s, "b", 2)
		}},
		{name: "after Regenerate", cookie: true, want: map[string]any{"cart": "book", "a": 1, "b": nil}, do: func(t *testing.T, _ *session.Manager, _ http.ResponseWriter, r *http.Request, s *session.Session) {
			set(t, s, "a", 1)
			if err := s.Regenerate(r.Context()); err != nil {
				t.Error(err)
			}
			set(t, s, "b", 2)
		}},
		{name: "after Start of a visitor", visitor: true, cookie: true, want: map[string]any{"a": nil}, do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
			set(t, start(t, m, w, r), "a", 1)
		}},
		{name: "after Destroy", cookie: true, do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, _ *session.Session) {
			m.SessionDestroy(w, r)
		}},
		{name: "after the first byte", committed: true, want: map[string]any{"a": 1, "b": nil}, do: func(t *testing.T, _ *session.Manager, w http.ResponseWriter, _ *http.Request, s *session.Session) {
			set(t, s, "a", 1)
			fmt.Fprint(w, "hello")
			set(t, s, "b", 2)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, protocol string) {
				var got reports
				m := newManager(t, got.options()...)
				c := new(client)
				if !tt.visitor {
					c = seed(t, m, map[any]any{"cart": "book"})
				}
				before := c.cookie
				srv := serve(t, protocol, recovering(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tt.do(t, m, w, r, current(t, m, r))
					panic("a defect")
				}))))
				res, body := c.fetch(t, srv, "GET")
				if (res.StatusCode == http.StatusOK) != tt.committed || !strings.HasSuffix(body, "recovered: a defect\n") {
					t.Errorf("status %d, body %q", res.StatusCode, body)
				}
				if lines := res.Header["Set-Cookie"]; len(lines) == 1 != tt.cookie || len(lines) > 1 || (c.cookie != before) != tt.cookie {
					t.Errorf("Set-Cookie = %q", lines)
				}
				for key, want := range tt.want {
					if got := c.value(t, m, key); got != want {
						t.Errorf("%s = %v", key, got)
					}
				}
				if n := m.GetActiveSession(); len(tt.want) == 0 && n != 0 {
					t.Errorf("%d records", n)
				}
				got.silentSoFar(t)
			})
		})
	}
}

func TestAnAbortedHandlerSavesNothing(t *testing.T) {
	for name, abort := range map[string]func(){
		"ErrAbortHandler": func() { panic(http.ErrAbortHandler) },
		"Goexit":          runtime.Goexit,
		"panic":           func() { panic("a defect") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t)
			m := newNode(t, f.provider())
			c := seed(t, m, nil)
			srv := serve(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				set(t, current(t, m, r), "a", 1)
				abort()
			})))
			for _, c := range []*client{c, {}} {
				r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Cookie", c.cookie)
				if res, err := srv.Client().Do(r); err == nil {
					res.Body.Close()
					t.Errorf("answered: %v", res)
				}
			}
			if got := c.value(t, m, "a"); got != nil || f.records(t) != 1 {
				t.Errorf("a = %v, %d records", got, f.records(t))
			}
		})
	}
}

func TestAnErrorAnswerSaves(t *testing.T) {
	m := newManager(t)
	c := new(client)
	res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set(t, current(t, m, r), "tries", 1)
		http.Error(w, "failed", http.StatusInternalServerError)
	})).ServeHTTP)
	if res.StatusCode != http.StatusInternalServerError || c.value(t, m, "tries") != 1 {
		t.Errorf("status %d, tries = %v", res.StatusCode, c.value(t, m, "tries"))
	}
}

// rawProvider is a third-party provider that counts what is released.
type rawProvider struct {
	session.Provider
	mu       sync.Mutex
	released int
}

func (p *rawProvider) SessionInit(ctx context.Context, lifetime int64, config string) error {
	return p.Provider.SessionInit(ctx, lifetime, config)
}

func (p *rawProvider) SessionRead(ctx context.Context, sid string) (session.Store, error) {
	s, err := p.Provider.SessionRead(ctx, sid)
	return rawStore{s, p}, err
}

type rawStore struct {
	session.Store
	p *rawProvider
}

func (s rawStore) SessionRelease(ctx context.Context, w http.ResponseWriter) {
	s.p.mu.Lock()
	s.p.released++
	s.p.mu.Unlock()
	s.Store.SessionRelease(ctx, w)
}

// TestAThirdPartyStoreIsReleased also when the handler panics: it may hold a connection, or a lock.
func TestAThirdPartyStoreIsReleased(t *testing.T) {
	for _, panics := range []bool{false, true} {
		t.Run(fmt.Sprintf("panics=%v", panics), func(t *testing.T) {
			p := &rawProvider{Provider: newFaulty(t).provider()}
			m := newNode(t, p)
			c := seed(t, m, map[any]any{"cart": "book"})
			p.released = 0
			res := c.do(recovering(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				set(t, current(t, m, r), "a", 1)
				if panics {
					panic("a defect")
				}
			}))).ServeHTTP)
			if (res.StatusCode == http.StatusOK) == panics || p.released != 1 {
				t.Errorf("status %d, released %d times", res.StatusCode, p.released)
			}
		})
	}
}
