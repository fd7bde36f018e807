package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// onBoth runs test for HTTP/1.1 and for HTTP/2 over TLS.
func onBoth(t *testing.T, test func(t *testing.T, protocol string)) {
	t.Helper()
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) { test(t, protocol) })
	}
}

// serve runs h on a real server.
func serve(t testing.TB, protocol string, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	if srv.EnableHTTP2 = protocol == "HTTP/2.0"; srv.EnableHTTP2 {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	srv.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(srv.Close)
	return srv
}

// fetch makes the client's next request to srv, takes its cookies, and returns the answer with its body.
func (c *client) fetch(t testing.TB, srv *httptest.Server, method string) (*http.Response, string) {
	t.Helper()
	return c.send(t, srv, t.Context(), method)
}

func (c *client) send(t testing.TB, srv *httptest.Server, ctx context.Context, method string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.cookie != "" {
		r.Header.Set("Cookie", c.cookie)
	}
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if srv.EnableHTTP2 != (res.ProtoMajor == 2) {
		t.Fatalf("answered over %s", res.Proto)
	}
	c.take(res)
	return res, string(body)
}

// current is FromContext in a handler. On a real server a failure ends the connection, and with it the test.
func current(t testing.TB, m *session.Manager, r *http.Request) *session.Session {
	t.Helper()
	s, err := m.FromContext(r.Context())
	if err != nil {
		t.Fatalf("FromContext: %v", err)
	}
	return s
}

// cookies returns the Set-Cookie lines of a name.
func cookies(res *http.Response, name string) (lines []string) {
	for i, c := range res.Cookies() {
		if c.Name == name {
			lines = append(lines, res.Header["Set-Cookie"][i])
		}
	}
	return lines
}

func TestAVisitorWhoOnlyReadsLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, protocol string) {
		f := newFaulty(t)
		m := newNode(t, f.provider())
		srv := serve(t, protocol, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := current(t, m, r)
			if got := s.Get(r.Context(), "user"); got != nil {
				t.Errorf("user = %v", got)
			}
			if err := s.Delete(r.Context(), "user"); err != nil {
				t.Errorf("Delete: %v", err)
			}
			if err := s.Flush(r.Context()); err != nil {
				t.Errorf("Flush: %v", err)
			}
			fmt.Fprint(w, "hello")
			if s.SessionID(r.Context()) != "" || !s.IsNew() {
				t.Error("it has a sid, or is not new")
			}
		})))
		res, body := new(client).fetch(t, srv, "GET")
		if res.Header["Set-Cookie"] != nil || body != "hello" {
			t.Errorf("Set-Cookie = %q, body %q", res.Header["Set-Cookie"], body)
		}
		if got := res.Header.Get("Vary"); got != "Cookie" {
			t.Errorf("Vary = %q", got)
		}
		if ops := f.ops(); len(ops) > 0 {
			t.Errorf("calls to the store: %v", ops)
		}
	})
}

func TestAHandlerWithoutTheSessionAsksNothing(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, nil)
	f.down(refused)
	res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })).ServeHTTP)
	if ops := f.ops(); len(ops) > 0 || len(res.Header["Vary"]) > 0 || res.StatusCode != http.StatusOK {
		t.Errorf("calls %v, status %d, Vary %q", ops, res.StatusCode, res.Header["Vary"])
	}
}

func TestTenThousandReadersLeaveNothing(t *testing.T) {
	for kind, p := range map[string]session.Provider{"memory": memory.New(), "tap": newTap(t).provider()} {
		t.Run(kind, func(t *testing.T) {
			m := newNode(t, p)
			h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, current(t, m, r).Get(r.Context(), "user"))
			}))
			for range 10_000 {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
				if got := w.Header()["Set-Cookie"]; got != nil {
					t.Fatalf("Set-Cookie = %q", got)
				}
			}
			if n := m.GetActiveSession(); n != 0 {
				t.Errorf("%d records", n)
			}
			if s := m.Stats(); s != (session.Stats{}) {
				t.Errorf("something was done with the store: %+v", s)
			}
		})
	}
}

func TestFromContextNeedsTheHandler(t *testing.T) {
	m, other := newManager(t), newManager(t)
	new(client).do(other.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, ctx := range []context.Context{r.Context(), context.Background()} {
			if s, err := m.FromContext(ctx); err == nil || s != nil {
				t.Errorf("FromContext = %v, %v", s, err)
			}
		}
	})).ServeHTTP)
}

// TestWhenHandlerSaves follows requests whose handlers change the session before and after the first byte.
func TestWhenHandlerSaves(t *testing.T) {
	// stored returns what another request would read at this moment.
	stored := func(t *testing.T, m *session.Manager, s *session.Session, key string) any {
		other, err := m.GetSessionStore(s.SessionID(t.Context()))
		if err != nil {
			return err
		}
		return other.Get(t.Context(), key)
	}
	for _, tt := range []struct {
		name    string
		visitor bool
		do      func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session)
		cookie  bool           // a cookie is set
		gone    bool           // no session is left under the old sid
		want    map[string]any // values afterwards
	}{
		{
			name: "a visitor's change, before the first byte", visitor: true, cookie: true, want: map[string]any{"a": 1, "b": 2},
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
				set(t, s, "a", 1)
				if m.GetActiveSession() != 0 || w.Header()["Set-Cookie"] != nil {
					t.Error("something was done before the response was begun")
				}
				fmt.Fprint(w, "hello")
				if got := stored(t, m, s, "a"); got != 1 || !s.IsNew() {
					t.Errorf("after the first byte a = %v", got)
				}
				set(t, s, "b", 2)
			},
		},
		{
			name: "a change, before the first byte and after", want: map[string]any{"a": 1, "b": 2, "cart": "book"},
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
				set(t, s, "a", 1)
				fmt.Fprint(w, "hello")
				set(t, s, "b", 2)
				if a, b := stored(t, m, s, "a"), stored(t, m, s, "b"); a != 1 || b != nil {
					t.Errorf("after the first byte a = %v, b = %v", a, b)
				}
			},
		},
		{
			name: "a change, only after the first byte", want: map[string]any{"b": 2},
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
				fmt.Fprint(w, "hello")
				set(t, s, "b", 2)
			},
		},
		{
			name: "the session asked for only after the first byte", want: map[string]any{"b": 2},
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, _ *session.Session) {
				fmt.Fprint(w, "hello")
				set(t, current(t, m, r), "b", 2)
			},
		},
		{
			name: "a visitor's change, only after the first byte", visitor: true,
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
				fmt.Fprint(w, "hello")
				if err := s.Set(r.Context(), "a", 1); !errors.Is(err, session.ErrCommitted) {
					t.Errorf("Set = %v", err)
				}
				if _, err := m.Start(w, r); !errors.Is(err, session.ErrCommitted) {
					t.Errorf("Start = %v", err)
				}
				if err := s.Save(r.Context()); err != nil || s.Get(r.Context(), "a") != nil {
					t.Errorf("Save = %v, a = %v", err, s.Get(r.Context(), "a"))
				}
			},
		},
		{
			name: "regenerate, before the first byte", cookie: true, gone: true, want: map[string]any{"a": 1, "b": 2, "cart": "book"},
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
				set(t, s, "a", 1)
				if err := s.Regenerate(r.Context()); err != nil {
					t.Errorf("Regenerate: %v", err)
				}
				fmt.Fprint(w, "hello")
				set(t, s, "b", 2)
			},
		},
		{
			name: "regenerate twice", cookie: true, gone: true, want: map[string]any{"cart": "book"},
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
				for range 2 {
					if same, err := m.Regenerate(w, r); err != nil || same != s {
						t.Errorf("Regenerate = %v, %v", same, err)
					}
				}
			},
		},
		{
			name: "regenerate, after the first byte", want: map[string]any{"cart": "book", "a": 1},
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
				fmt.Fprint(w, "hello")
				set(t, s, "a", 1)
				sid := s.SessionID(r.Context())
				if err := s.Regenerate(r.Context()); !errors.Is(err, session.ErrCommitted) {
					t.Errorf("Regenerate = %v", err)
				}
				if _, err := m.Regenerate(w, r); !errors.Is(err, session.ErrCommitted) {
					t.Errorf("Manager.Regenerate = %v", err)
				}
				if s.SessionID(r.Context()) != sid {
					t.Error("the sid has changed")
				}
			},
		},
		{
			name: "destroy, before the first byte", cookie: true, gone: true,
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
				set(t, s, "a", 1)
				if err := m.Destroy(w, r); err != nil {
					t.Errorf("Destroy: %v", err)
				}
				if err := s.Set(r.Context(), "a", 1); !errors.Is(err, session.ErrDestroyed) {
					t.Errorf("Set = %v", err)
				}
			},
		},
		{
			name: "destroy, after the first byte", gone: true,
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
				set(t, s, "a", 1)
				fmt.Fprint(w, "hello")
				set(t, s, "b", 1)
				m.SessionDestroy(w, r)
				if n := m.GetActiveSession(); n != 0 {
					t.Errorf("%d records", n)
				}
				if err := current(t, m, r).Set(r.Context(), "a", 1); !errors.Is(err, session.ErrCommitted) {
					t.Errorf("Set = %v", err)
				}
			},
		},
		{
			name: "an explicit save", visitor: true, cookie: true, want: map[string]any{"a": 1},
			do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
				set(t, s, "a", 1)
				save(t, s)
				if got := stored(t, m, s, "a"); got != 1 {
					t.Errorf("after Save a = %v", got)
				}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, protocol string) {
				var got reports
				m := newManager(t, got.options()...)
				c := new(client)
				if !tt.visitor {
					c = seed(t, m, map[any]any{"cart": "book"})
				}
				old := c.sid()
				srv := serve(t, protocol, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tt.do(t, m, w, r, current(t, m, r))
				})))
				res, _ := c.fetch(t, srv, "GET")
				if lines := res.Header["Set-Cookie"]; len(lines) > 1 || len(lines) == 1 != tt.cookie {
					t.Errorf("Set-Cookie = %q", lines)
				}
				if res.StatusCode != http.StatusOK {
					t.Errorf("status %d", res.StatusCode)
				}
				if old != "" && alive(t, m, old) == tt.gone {
					t.Errorf("the old sid is alive: %v", !tt.gone)
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
