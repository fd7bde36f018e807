package session_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A shelf is a provider as one writes it for beego: sessions in a map, each read whole when it starts and
// written back whole when it is released. It remembers what it was asked.
type shelf struct {
	mu       sync.Mutex
	lifetime int64
	config   string
	stored   map[string]map[any]any
	down     error // what every call returns, but those that cannot

	asked    []string // the sids of SessionExist
	read     []string // the sids of SessionRead
	opened   int      // stores given out
	released int      // of these, by either method
	ifThere  int      // of these, by SessionReleaseIfPresent
	swept    int
}

func newShelf() *shelf { return &shelf{stored: make(map[string]map[any]any)} }

// shelves is a shelf that can make another of its kind.
type shelves struct{ *shelf }

func (*shelves) New() session.Provider { return &shelves{newShelf()} }

func (p *shelf) SessionInit(_ context.Context, lifetime int64, config string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lifetime, p.config = lifetime, config
	return p.down
}

func (p *shelf) SessionRead(_ context.Context, sid string) (session.Store, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = append(p.read, sid)
	if p.down != nil {
		return nil, p.down
	}
	if p.stored[sid] == nil {
		p.stored[sid] = make(map[any]any)
	}
	return p.open(sid), nil
}

func (p *shelf) open(sid string) *shelfStore {
	p.opened++
	return &shelfStore{shelf: p, sid: sid, values: maps.Clone(p.stored[sid])}
}

func (p *shelf) SessionExist(_ context.Context, sid string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, sid)
	return p.stored[sid] != nil, p.down
}

func (p *shelf) SessionRegenerate(_ context.Context, oldsid, sid string) (session.Store, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down != nil {
		return nil, p.down
	}
	p.stored[sid] = p.stored[oldsid]
	if p.stored[sid] == nil {
		p.stored[sid] = make(map[any]any)
	}
	delete(p.stored, oldsid)
	return p.open(sid), nil
}

func (p *shelf) SessionDestroy(_ context.Context, sid string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down == nil {
		delete(p.stored, sid)
	}
	return p.down
}

func (p *shelf) SessionAll(context.Context) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.stored)
}

func (p *shelf) SessionGC(context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swept++
}

// A shelfStore is one request's copy.
type shelfStore struct {
	shelf  *shelf
	mu     sync.Mutex
	sid    string
	values map[any]any
	done   bool
}

func (s *shelfStore) Set(_ context.Context, key, value any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[key] = value
	return nil
}

func (s *shelfStore) Get(_ context.Context, key any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[key]
}

func (s *shelfStore) Delete(_ context.Context, key any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
	return nil
}

func (s *shelfStore) Flush(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.values)
	return nil
}

func (s *shelfStore) SessionID(context.Context) string { return s.sid }

// SessionRelease brings a destroyed session back, as beego's providers do.
func (s *shelfStore) SessionRelease(context.Context, http.ResponseWriter) { s.release(false) }

func (s *shelfStore) SessionReleaseIfPresent(context.Context, http.ResponseWriter) { s.release(true) }

func (s *shelfStore) release(ifPresent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.shelf
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.done {
		s.done = true
		p.released++
	}
	if ifPresent {
		p.ifThere++
		if p.stored[s.sid] == nil {
			return
		}
	}
	p.stored[s.sid] = maps.Clone(s.values)
}

// counts returns how many stores were given out and released.
func (p *shelf) counts() (opened, released int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened, p.released
}

func (p *shelf) sweeps() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.swept
}

func TestThirdPartyProvider(t *testing.T) {
	shelf := newShelf()
	m := newNode(t, shelf, session.CfgMaxLifeTime(1800), session.CfgProviderConfig("any text"))
	if shelf.lifetime != 1800 || shelf.config != "any text" {
		t.Errorf("SessionInit got %d, %q", shelf.lifetime, shelf.config)
	}
	if m.GetProvider() != session.Provider(shelf) {
		t.Error("GetProvider does not return it")
	}
	c := new(client)
	res := c.do(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.SessionStart(w, r)
		if err != nil {
			t.Fatal(err)
		}
		defer s.SessionRelease(r.Context(), w)
		set(t, s, "user", "ann")
		set(t, s, "gone", 1)
		if err := s.Delete(r.Context(), "gone"); err != nil {
			t.Error(err)
		}
		if again := start(t, m, w, r); again.SessionID(r.Context()) != s.SessionID(r.Context()) {
			t.Error("a second Start begins another session")
		} else {
			save(t, again)
		}
	})
	if len(res.Cookies()) != 1 || len(c.sid()) != 32 {
		t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
	}
	res = c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		defer s.SessionRelease(r.Context(), w)
		if s.IsNew() || s.Get(r.Context(), "user") != "ann" || s.Get(r.Context(), "gone") != nil {
			t.Errorf("IsNew = %v, user = %v, gone = %v", s.IsNew(), s.Get(r.Context(), "user"), s.Get(r.Context(), "gone"))
		}
		if err := s.Flush(r.Context()); err != nil {
			t.Error(err)
		}
	})
	if len(res.Cookies()) != 0 {
		t.Errorf("Set-Cookie again: %q", res.Header["Set-Cookie"])
	}
	if s, err := m.GetSessionStore(c.sid()); err != nil || s.Get(t.Context(), "user") != nil {
		t.Errorf("GetSessionStore = %v, %v", s, err)
	} else {
		s.SessionRelease(t.Context(), nil)
	}
	if n := m.GetActiveSession(); n != 1 {
		t.Errorf("GetActiveSession = %d", n)
	}
	if opened, released := shelf.counts(); opened != released {
		t.Errorf("%d stores, %d released", opened, released)
	}
}

func TestThirdPartySeesOnlyItsOwnSIDs(t *testing.T) {
	shelf := newShelf()
	m := newNode(t, shelf, session.CfgEnableSidInURLQuery(true), session.CfgSessionIdInHTTPHeader(true),
		session.CfgSetSessionNameInHTTPHeader("X-Session"))
	known := seed(t, m, nil).sid()
	made := map[string]bool{known: true}
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		set(t, s, "a", 1)
		made[s.SessionID(r.Context())] = true
	}))
	for _, sid := range []string{
		"x", "../../etc/passwd", known + "0", known[:31], strings.ToUpper(known) + "-", strings.Repeat("ab", 16), "a\x00b",
		strings.Repeat("a", 64<<10), "*", "{}", "%2e%2e", "\xff\xfe", known,
	} {
		for _, c := range []*client{
			{cookie: "gosessionid=" + sid},
			{header: http.Header{"X-Session": {sid}}},
			{header: http.Header{"Cookie": {"gosessionid=" + sid + "; gosessionid=" + known}}},
		} {
			for _, handle := range []http.HandlerFunc{
				h.ServeHTTP,
				func(w http.ResponseWriter, r *http.Request) { made[start(t, m, w, r).SessionID(r.Context())] = true },
				func(w http.ResponseWriter, r *http.Request) {
					s, err := m.Regenerate(w, r)
					if err != nil {
						t.Fatal(err)
					}
					made[s.SessionID(r.Context())] = true
				},
				func(w http.ResponseWriter, r *http.Request) { m.SessionDestroy(w, r) },
			} {
				handle(httptest.NewRecorder(), c.request())
			}
		}
		if _, err := m.GetSessionStore(sid); err == nil && !made[sid] {
			t.Errorf("GetSessionStore(%.40q) found something", sid)
		}
	}
	for _, sid := range shelf.read {
		if !made[sid] {
			t.Errorf("SessionRead(%.40q)", sid)
		}
	}
	for _, sid := range shelf.asked {
		if len(sid) != 32 || strings.Trim(sid, "0123456789abcdef") != "" {
			t.Errorf("SessionExist(%.40q)", sid)
		}
	}
}

func TestThirdPartyOutage(t *testing.T) {
	shelf := newShelf()
	var reported error
	m := newNode(t, shelf, session.CfgLogger(quiet),
		session.CfgErrorHandler(func(_ http.ResponseWriter, _ *http.Request, err error) { reported = err }))
	c := seed(t, m, map[any]any{"user": "ann"})
	before := c.cookie
	shelf.down = errDown
	for name, call := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"Start":        func(w http.ResponseWriter, r *http.Request) error { _, err := m.Start(w, r); return err },
		"SessionStart": func(w http.ResponseWriter, r *http.Request) error { _, err := m.SessionStart(w, r); return err },
		"Regenerate":   func(w http.ResponseWriter, r *http.Request) error { _, err := m.Regenerate(w, r); return err },
		"Destroy":      m.Destroy,
		"SessionDestroy": func(w http.ResponseWriter, r *http.Request) error {
			m.SessionDestroy(w, r)
			return reported
		},
		"GetSessionStore": func(http.ResponseWriter, *http.Request) error {
			_, err := m.GetSessionStore(strings.TrimPrefix(before, "gosessionid="))
			return err
		},
		"FromContext": func(w http.ResponseWriter, r *http.Request) (err error) {
			m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, err = m.FromContext(r.Context())
			})).ServeHTTP(w, r)
			return err
		},
		"new visitor": func(w http.ResponseWriter, _ *http.Request) error {
			_, err := m.Start(w, httptest.NewRequest("GET", "/", nil))
			return err
		},
	} {
		reported = nil
		res := c.do(func(w http.ResponseWriter, r *http.Request) {
			if err := call(w, r); !errors.Is(err, errDown) {
				t.Errorf("%s = %v", name, err)
			}
		})
		if lines := res.Header["Set-Cookie"]; lines != nil {
			t.Errorf("%s sends %q", name, lines)
		}
	}
	shelf.down = nil
	if c.value(t, m, "user") != "ann" {
		t.Error("the session did not survive the outage")
	}
	if _, err := session.New(&shelves{&shelf2}, session.NewManagerConfig()); !errors.Is(err, errDown) {
		t.Errorf("New = %v", err)
	}
}

var shelf2 = shelf{down: errDown}

// The context of every call has a deadline, within which a provider that heeds it comes back.
func TestThirdPartyCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newNode(t, &stuck{newShelf()}, session.CfgOpTimeout(3*time.Second))
		begin := time.Now()
		_, err := m.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
			t.Errorf("Start = %v after %v", err, took)
		}
	})
}

// stuck has lost its server.
type stuck struct{ *shelf }

func (*stuck) SessionRead(ctx context.Context, _ string) (session.Store, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestThirdPartyRegenerate(t *testing.T) {
	for name, within := range map[string]func(m *session.Manager, h http.HandlerFunc) http.HandlerFunc{
		"Start":   func(_ *session.Manager, h http.HandlerFunc) http.HandlerFunc { return h },
		"Handler": func(m *session.Manager, h http.HandlerFunc) http.HandlerFunc { return m.Handler(h).ServeHTTP },
	} {
		t.Run(name, func(t *testing.T) {
			shelf := newShelf()
			m := newNode(t, shelf)
			c := seed(t, m, map[any]any{"cart": "book"})
			old := c.sid()
			c.do(within(m, func(w http.ResponseWriter, r *http.Request) {
				first := start(t, m, w, r)
				defer first.SessionRelease(r.Context(), w)
				set(t, first, "before", 1)
				if name == "Start" {
					first.SessionRelease(r.Context(), w) // the store is its own: it is read again below
				}
				s, err := m.Regenerate(w, r)
				if err != nil {
					t.Fatal(err)
				}
				defer s.SessionRelease(r.Context(), w)
				set(t, s, "user", "ann")
			}))
			if c.sid() == old || alive(t, m, old) || !alive(t, m, c.sid()) {
				t.Error("the old sid is not replaced")
			}
			for key, want := range map[string]any{"cart": "book", "before": 1, "user": "ann"} {
				if got := c.value(t, m, key); got != want {
					t.Errorf("%s = %v", key, got)
				}
			}
			// value and alive start sessions that nobody releases.
			if opened, released := shelf.counts(); opened-released != 3+1 {
				t.Errorf("%d stores, %d released", opened, released)
			}
		})
	}
	t.Run("an older session of the request does not bring the old sid back", func(t *testing.T) {
		m := newNode(t, newShelf())
		c := seed(t, m, nil)
		old := c.sid()
		c.do(func(w http.ResponseWriter, r *http.Request) {
			first := start(t, m, w, r)
			defer first.SessionRelease(r.Context(), w)
			if _, err := m.Regenerate(w, r); err != nil {
				t.Fatal(err)
			}
			set(t, first, "user", "ann")
		})
		if alive(t, m, old) {
			t.Error("the old sid is alive")
		}
	})
	t.Run("unknown", func(t *testing.T) {
		m := newNode(t, newShelf())
		c := &client{cookie: "gosessionid=" + strings.Repeat("ab", 16)}
		c.do(func(w http.ResponseWriter, r *http.Request) {
			if s, err := m.Regenerate(w, r); err != nil || !s.IsNew() {
				t.Errorf("Regenerate = %v, %v", s, err)
			}
		})
		if !alive(t, m, c.sid()) || m.GetActiveSession() != 1 {
			t.Error("no fresh session")
		}
	})
}

func TestThirdPartyDestroyInTheSameRequest(t *testing.T) {
	for name, within := range map[string]func(m *session.Manager, h http.HandlerFunc) http.HandlerFunc{
		"Start":   func(_ *session.Manager, h http.HandlerFunc) http.HandlerFunc { return h },
		"Handler": func(m *session.Manager, h http.HandlerFunc) http.HandlerFunc { return m.Handler(h).ServeHTTP },
	} {
		t.Run(name, func(t *testing.T) {
			shelf := newShelf()
			m := newNode(t, shelf)
			c := seed(t, m, nil)
			sid := c.sid()
			c.do(within(m, func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				defer s.SessionRelease(r.Context(), w)
				set(t, s, "user", "ann")
				if err := m.Destroy(w, r); err != nil {
					t.Fatal(err)
				}
			}))
			if alive(t, m, sid) || m.GetActiveSession() != 0 || c.cookie != "" {
				t.Error("the session is back")
			}
			if shelf.ifThere != 1 {
				t.Errorf("SessionReleaseIfPresent was called %d times", shelf.ifThere)
			}
			if opened, released := shelf.counts(); opened != released {
				t.Errorf("%d stores, %d released", opened, released)
			}
		})
	}
}

func TestThirdPartyUnderHandler(t *testing.T) {
	shelf := newShelf()
	m := newNode(t, shelf)
	serve := func(c *client, use func(ctx context.Context, s *session.Session)) *http.Response {
		return c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := m.FromContext(r.Context())
			if err != nil {
				t.Error(err)
				return
			}
			use(r.Context(), s)
			fmt.Fprint(w, "ok")
		})).ServeHTTP)
	}
	visitor := new(client)
	for name, use := range map[string]func(ctx context.Context, s *session.Session){
		"Get":    func(ctx context.Context, s *session.Session) { s.Get(ctx, "user") },
		"Delete": func(ctx context.Context, s *session.Session) { _ = s.Delete(ctx, "user") },
		"Flush":  func(ctx context.Context, s *session.Session) { _ = s.Flush(ctx) },
		"a failing Update": func(ctx context.Context, s *session.Session) {
			if err := s.Update(ctx, "n", func(any) (any, error) { return nil, errDown }); !errors.Is(err, errDown) {
				t.Errorf("Update = %v", err)
			}
		},
	} {
		if res := serve(visitor, use); len(res.Cookies()) != 0 || len(shelf.read) != 0 {
			t.Errorf("%s gives a visitor a session", name)
		}
	}
	serve(visitor, func(ctx context.Context, s *session.Session) { set(t, s, "user", "ann") })
	if len(shelf.read) != 1 || shelf.read[0] != visitor.sid() {
		t.Errorf("SessionRead was called %d times", len(shelf.read))
	}
	serve(visitor, func(ctx context.Context, s *session.Session) {
		if s.Get(ctx, "user") != "ann" {
			t.Errorf("user = %v", s.Get(ctx, "user"))
		}
	})
	if opened, released := shelf.counts(); opened != 2 || released != 2 {
		t.Errorf("%d stores, %d released", opened, released)
	}
}

func TestThirdPartyUpdate(t *testing.T) {
	m := newNode(t, newShelf())
	c := seed(t, m, map[any]any{"n": 5, "gone": 1})
	s := start(t, m, httptest.NewRecorder(), c.request())
	if sum, err := s.Increment(t.Context(), "n", 3); sum != 8 || err != nil {
		t.Errorf("Increment = %d, %v", sum, err)
	}
	if sum, err := s.Decrement(t.Context(), "n", 1); sum != 7 || err != nil {
		t.Errorf("Decrement = %d, %v", sum, err)
	}
	if err := s.Update(t.Context(), "n", func(any) (any, error) { return nil, errDown }); !errors.Is(err, errDown) {
		t.Errorf("Update = %v", err)
	}
	if err := s.Update(t.Context(), "gone", func(any) (any, error) { return nil, nil }); err != nil {
		t.Error(err)
	}
	save(t, s)
	store, err := m.GetSessionStore(c.sid())
	if err != nil {
		t.Fatal(err)
	}
	if got := store.Get(t.Context(), "n"); got != 7 {
		t.Errorf("n = %v", got)
	}
	p := m.GetProvider().(*shelf)
	if _, ok := p.stored[c.sid()]["gone"]; ok {
		t.Error("an update to nil does not delete")
	}
}

func TestThirdPartyShowsNothing(t *testing.T) {
	m := newNode(t, newShelf())
	c := seed(t, m, map[any]any{"secretname": "secretvalue"})
	s := start(t, m, httptest.NewRecorder(), c.request())
	for _, text := range formats(t, s) {
		for _, secret := range []string{c.sid(), "secretname", "secretvalue"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q shows %q", text, secret)
			}
		}
	}
}

func TestThirdPartyGC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		m := newNode(t, shelf, session.CfgGcLifeTime(60))
		m.GC()
		synctest.Wait()
		if n := shelf.sweeps(); n != 1 {
			t.Errorf("swept %d times at once", n)
		}
		time.Sleep(10 * time.Minute)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if n := shelf.sweeps(); n < 9 || n > 12 {
			t.Errorf("swept %d times in ten periods", n)
		}
	})
}

// noStore is a provider with a common mistake.
type noStore struct{ *shelf }

func (noStore) SessionRead(context.Context, string) (session.Store, error) { return nil, nil }

func TestThirdPartyWithoutStoreIsAnError(t *testing.T) {
	m := newNode(t, noStore{newShelf()})
	if s, err := m.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)); err == nil {
		t.Errorf("Start = %v", s)
	}
	if s, err := m.SessionStart(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)); err == nil || s != nil {
		t.Errorf("SessionStart = %v, %v", s, err)
	}
}

func TestThirdPartyLazyStart(t *testing.T) {
	shelf := newShelf()
	m := newNode(t, shelf, session.CfgLazy(true))
	c := new(client)
	res := c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		s.Get(r.Context(), "a")
		s.SessionRelease(r.Context(), w)
	})
	if len(shelf.read) != 0 || len(res.Cookies()) != 0 {
		t.Error("a session without values")
	}
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		defer s.SessionRelease(r.Context(), w)
		set(t, s, "a", 1)
	})
	if !slices.Equal(shelf.read, []string{c.sid()}) || c.value(t, m, "a") != 1 {
		t.Error("the first value begins no session")
	}
}
