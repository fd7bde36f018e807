package session_test

import (
	"context"
	"errors"
	"maps"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memory"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// A tap is a store out of this process that can do more than it must, and counts how often it was closed.
type tap struct {
	*faulty
	closed int
	before func() // runs before each Save
}

func newTap(t testing.TB) *tap { return &tap{faulty: newFaulty(t)} }

// provider returns one whose managers all work on p, whatever their namespaces.
func (p *tap) provider() session.Provider {
	return session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return p, nil })
}

// count returns how often op was called since the last plan.
func (p *tap) count(op string) (n int) {
	for _, o := range p.ops() {
		if o == op {
			n++
		}
	}
	return n
}

// keys returns the distinct keys of the calls since the last plan.
func (p *tap) keys() []string {
	seen := make(map[string]bool)
	for _, c := range p.recorded() {
		seen[c.key] = true
	}
	delete(seen, "")
	return slices.Collect(maps.Keys(seen))
}

func (p *tap) Save(ctx context.Context, key string, rec *driver.Record) error {
	if p.before != nil {
		p.before()
	}
	return p.faulty.Save(ctx, key, rec)
}

func (p *tap) Count(ctx context.Context) (n int, err error) {
	err = p.call(ctx, "count", "", func() error {
		n, err = p.beneath.(driver.Counter).Count(ctx)
		return err
	})
	return n, err
}

var _ driver.Sweeper = (*tap)(nil)

func (p *tap) Sweep(ctx context.Context, expired func(key, user string)) (n int, err error) {
	err = p.call(ctx, "sweep", "", func() error {
		n, err = p.beneath.(driver.Sweeper).Sweep(ctx, expired)
		return err
	})
	return n, err
}

func (p *tap) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed++
	return nil
}

func init() {
	session.Register("test-shelf", newShelf())
	session.Register("test-shelves", &shelves{newShelf()})
	session.Register("test-unreachable", session.NewProvider(
		func(context.Context, driver.Config) (driver.Backend, error) { return nil, errDown }))
}

func TestRegisterPanics(t *testing.T) {
	before := session.Providers()
	for name, register := range map[string]func(){
		"nil provider": func() { session.Register("test-nil", nil) },
		"empty name":   func() { session.Register("", memory.New()) },
		"name taken":   func() { session.Register("memory", memory.New()) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "session: Register") {
					t.Errorf("panic with %q", text)
				}
				if got := session.Providers(); !slices.Equal(got, before) {
					t.Errorf("registered: %q, before: %q", got, before)
				}
			}()
			register()
			t.Error("no panic")
		})
	}
}

func TestProviders(t *testing.T) {
	names := session.Providers()
	if !slices.IsSorted(names) || !slices.Contains(names, "memory") || !slices.Contains(names, "test-shelf") {
		t.Errorf("Providers = %q", names)
	}
	clear(names)
	if !slices.Contains(session.Providers(), "memory") {
		t.Error("Providers gives away the registry's memory")
	}
}

func TestGetProvider(t *testing.T) {
	get := func(t *testing.T, name string) session.Provider {
		t.Helper()
		p, err := session.GetProvider(name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Run("fresh and not opened", func(t *testing.T) {
		a, b := get(t, "memory"), get(t, "memory")
		if a == b {
			t.Error("the same provider twice")
		}
		if _, err := a.SessionRead(t.Context(), "sid"); err == nil {
			t.Error("SessionRead before SessionInit works")
		}
		openFacade(t, a)
		if _, err := a.SessionRead(t.Context(), "sid"); err != nil {
			t.Error(err)
		}
		if _, err := b.SessionRead(t.Context(), "sid"); err == nil {
			t.Error("the other provider was opened too")
		}
	})
	t.Run("third party", func(t *testing.T) {
		if get(t, "test-shelf") != get(t, "test-shelf") {
			t.Error("a provider without New is not the registered instance")
		}
		if get(t, "test-shelves") == get(t, "test-shelves") {
			t.Error("a provider with New is shared")
		}
	})
	t.Run("unknown", func(t *testing.T) {
		for name, err := range map[string]error{
			"GetProvider": func() error { _, err := session.GetProvider("nosuch"); return err }(),
			"NewManager":  func() error { _, err := session.NewManager("nosuch", session.NewManagerConfig()); return err }(),
			"Open": func() error {
				_, err := session.Open(session.NewManagerConfig(session.CfgProvider("nosuch")))
				return err
			}(),
		} {
			wantFieldError(t, name, err, "provider")
			for _, part := range []string{`"nosuch"`, "registered: file, memory, test-shelf", "import"} {
				if err != nil && !strings.Contains(err.Error(), part) {
					t.Errorf("%s: %q is not in %q", name, part, err)
				}
			}
		}
	})
}

func wantFieldError(t *testing.T, what string, err error, field string) {
	t.Helper()
	var ce *session.ConfigError
	if !errors.As(err, &ce) || ce.Field != field {
		t.Errorf("%s: %v, want a *ConfigError of %s", what, err, field)
	}
}

func TestEachNewManagerHasAStoreOfItsOwn(t *testing.T) {
	open := func(name string) *session.Manager {
		m, err := session.NewManager(name, session.NewManagerConfig())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		return m
	}
	for _, name := range []string{"memory", "test-shelves"} {
		a, b := open(name), open(name)
		sid := seed(t, a, nil).sid()
		if !alive(t, a, sid) || alive(t, b, sid) || b.GetActiveSession() != 0 {
			t.Errorf("%s: two managers share a store", name)
		}
	}
	a, b := open("test-shelf"), open("test-shelf")
	if sid := seed(t, a, nil).sid(); !alive(t, b, sid) {
		t.Error("a third-party provider without New is not shared")
	}
}

func TestManagersOfOneProviderShareIt(t *testing.T) {
	for name, p := range map[string]session.Provider{"memory": memory.New(), "a tap": newTap(t).provider()} {
		t.Run(name, func(t *testing.T) {
			a, b := newNode(t, p), newNode(t, p, session.CfgMaxLifeTime(60))
			c := seed(t, a, map[any]any{"user": "ann"})
			if got := c.value(t, b, "user"); got != "ann" {
				t.Errorf("user = %v", got)
			}
			if b.GetActiveSession() != 1 {
				t.Errorf("%d sessions", b.GetActiveSession())
			}
			other := newNode(t, p, session.CfgNamespace("other"))
			if alive(t, other, c.sid()) {
				t.Error("two namespaces meet")
			}
			prefixed := newNode(t, p, session.CfgSessionIdPrefix("shop-"))
			if mine := seed(t, prefixed, nil).sid(); alive(t, a, mine) || !strings.HasPrefix(mine, "shop-") {
				t.Error("a prefix is no namespace")
			}
		})
	}
}

func TestAManagersProviderMakesMore(t *testing.T) {
	backend := newTap(t)
	a, err := session.New(backend.provider(), session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	c := seed(t, a, map[any]any{"user": "ann"})
	b, err := session.New(a.GetProvider(), session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if c.value(t, b, "user") != "ann" || backend.closed != 0 {
		t.Error("the second manager has not the first one's store")
	}
	if err := b.Close(); err != nil || backend.closed != 1 {
		t.Errorf("closed %d times, %v", backend.closed, err)
	}
}

func TestCloseOfOneManagerLeavesTheOthers(t *testing.T) {
	backend := newTap(t)
	p := backend.provider()
	open := func() *session.Manager {
		m, err := session.New(p, session.NewManagerConfig())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a, b := open(), open()
	c := seed(t, a, map[any]any{"user": "ann"})
	for range 2 {
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Start(httptest.NewRecorder(), c.request()); !errors.Is(err, session.ErrClosed) {
		t.Errorf("Start after Close = %v", err)
	}
	if backend.closed != 0 || c.value(t, b, "user") != "ann" {
		t.Error("the other manager does not work any more")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if backend.closed != 1 {
		t.Errorf("closed %d times", backend.closed)
	}
	m := open()
	if !alive(t, m, c.sid()) {
		t.Error("a manager after all were closed does not work")
	}
	if err := m.Close(); err != nil || backend.closed != 2 {
		t.Errorf("closed %d times, %v", backend.closed, err)
	}
}

// A closedTap fails to close.
type closedTap struct{ *tap }

func (closedTap) Close() error { return errDown }

func TestCloseReturnsTheBackendsError(t *testing.T) {
	p := session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
		return closedTap{newTap(t)}, nil
	})
	m, err := session.New(p, session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); !errors.Is(err, errDown) {
		t.Errorf("Close = %v", err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("a second Close = %v", err)
	}
}

// Nothing reaches a backend that may be closed.
func TestNothingReachesTheBackendAfterClose(t *testing.T) {
	backend := newTap(t)
	m, err := session.New(backend.provider(), session.NewManagerConfig(session.CfgTouchInterval(-1), session.CfgLogger(quiet)))
	if err != nil {
		t.Fatal(err)
	}
	c := seed(t, m, nil)
	w, r := httptest.NewRecorder(), c.request()
	s := start(t, m, w, r)
	set(t, s, "a", 1)
	lazy := func() *session.Session {
		m := newNode(t, backend.provider(), session.CfgLazy(true))
		s := start(t, m, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		return s
	}()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	backend.heal()
	for name, call := range map[string]func() error{
		"Start":           func() error { _, err := m.Start(w, c.request()); return err },
		"Destroy":         func() error { return m.Destroy(w, c.request()) },
		"Regenerate":      func() error { _, err := m.Regenerate(w, c.request()); return err },
		"GetSessionStore": func() error { _, err := m.GetSessionStore(c.sid()); return err },
		"Save":            func() error { return s.Save(t.Context()) },
		"the session's":   func() error { return s.Regenerate(t.Context()) },
		"lazy":            func() error { return lazy.Set(t.Context(), "a", 1) },
		"SessionRead":     func() error { _, err := m.GetProvider().SessionRead(t.Context(), "a"); return err },
		"SessionExist":    func() error { _, err := m.GetProvider().SessionExist(t.Context(), "a"); return err },
		"SessionDestroy":  func() error { return m.GetProvider().SessionDestroy(t.Context(), "a") },
		"SessionRegenerate": func() error {
			_, err := m.GetProvider().SessionRegenerate(t.Context(), "a", "b")
			return err
		},
	} {
		if err := call(); !errors.Is(err, session.ErrClosed) {
			t.Errorf("%s after Close = %v", name, err)
		}
	}
	m.GC()
	m.GetProvider().SessionGC(t.Context())
	if n := m.GetActiveSession(); n != 0 {
		t.Errorf("GetActiveSession after Close = %d", n)
	}
	if calls := backend.ops(); len(calls) != 0 {
		t.Errorf("calls after Close: %v", calls)
	}
}

func TestAFailingOpenLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine stays
		_, err := session.NewManager("test-unreachable", session.NewManagerConfig())
		if !errors.Is(err, errDown) {
			t.Errorf("NewManager = %v", err)
		}
		failed := errDown
		backend := newTap(t)
		p := session.NewProvider(func(ctx context.Context, _ driver.Config) (driver.Backend, error) {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("open has no deadline")
			}
			return backend, failed
		})
		if m, err := session.New(p, session.NewManagerConfig()); !errors.Is(err, errDown) || m != nil {
			t.Errorf("New = %v, %v", m, err)
		}
		if err := p.SessionInit(t.Context(), 60, ""); !errors.Is(err, errDown) {
			t.Errorf("SessionInit = %v", err)
		}
		if _, err := p.SessionExist(t.Context(), "sid"); err == nil {
			t.Error("half open")
		}
		failed = nil
		m, err := session.New(p, session.NewManagerConfig())
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil || backend.closed != 1 {
			t.Errorf("Close = %v, closed %d times", err, backend.closed)
		}
	})
}

func TestAnOpenThatGivesNothingIsAnError(t *testing.T) {
	for name, p := range map[string]session.Provider{
		"no backend": session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return nil, nil }),
		"no sealer":  session.NewClientProvider(func(context.Context, driver.Config) (driver.Sealer, error) { return nil, nil }),
		"no open":    session.NewProvider(nil),
		"no seal":    session.NewClientProvider(nil),
	} {
		if _, err := session.New(p, session.NewManagerConfig()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The engine of the example keeps the contract.
func TestMapBackendKeepsTheContract(t *testing.T) {
	sessiontest.Run(t, sessiontest.Harness{Store: func(testing.TB) sessiontest.Open {
		var mu sync.Mutex
		stores := make(map[string]driver.Backend)
		return func(ctx context.Context, c driver.Config) (b driver.Backend, err error) {
			mu.Lock()
			defer mu.Unlock()
			if stores[c.Namespace] == nil {
				stores[c.Namespace], err = openMap(ctx, c)
			}
			return stores[c.Namespace], err
		}
	}})
}

// beego passes nil contexts. Every exported method that takes one is called with nil, those of the future
// too.
func TestNilContexts(t *testing.T) {
	silent := session.CfgLogger(quiet)
	sealed := newNode(t, newSealerProvider(), silent)
	taps := newNode(t, newTap(t).provider(), silent)
	shelf := newNode(t, newShelf(), silent)
	for name, m := range map[string]*session.Manager{"memory": newManager(t, silent), "tap": taps, "sealer": sealed, "third party": shelf} {
		t.Run(name, func(t *testing.T) {
			for _, method := range methodsWithContext(reflect.TypeFor[*session.Session]()) {
				s := start(t, m, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
				method.call(t, reflect.ValueOf(s))
			}
			for _, method := range methodsWithContext(reflect.TypeFor[*session.Manager]()) {
				method.call(t, reflect.ValueOf(m))
			}
			if name == "third party" { // which may need what it is given
				return
			}
			p := m.GetProvider()
			for _, method := range methodsWithContext(reflect.TypeOf(p)) {
				method.call(t, reflect.ValueOf(p))
			}
		})
	}
}

type methodWithContext struct{ reflect.Method }

func methodsWithContext(of reflect.Type) (methods []methodWithContext) {
	for m := range of.Methods() {
		if m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[context.Context]() && !m.Type.IsVariadic() {
			methods = append(methods, methodWithContext{m})
		}
	}
	return methods
}

// call calls m with a nil context and something for each other argument.
func (m methodWithContext) call(t *testing.T, receiver reflect.Value) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s panics: %v", m.Name, p)
		}
	}()
	args := []reflect.Value{receiver}
	for i := 1; i < m.Type.NumIn(); i++ {
		in := m.Type.In(i)
		arg := reflect.Zero(in)
		switch {
		case in.Kind() == reflect.Func:
			arg = reflect.MakeFunc(in, func([]reflect.Value) (out []reflect.Value) {
				for o := range in.Outs() {
					out = append(out, reflect.Zero(o))
				}
				return out
			})
		case in == reflect.TypeFor[any]():
			arg = reflect.ValueOf("text")
		case in.Kind() == reflect.String:
			arg = reflect.ValueOf("text").Convert(in)
		}
		args = append(args, arg)
	}
	m.Func.Call(args)
}
