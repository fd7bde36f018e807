package redis_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/memory"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

// TestPeers runs the calls that docs/peers.md sets beside those of other packages: in one process, and over a network
// with a second manager as another node. A test of the root package checks that none is left out.
func TestPeers(t *testing.T) {
	for name, f := range map[string]func(*testing.T, *peer){
		"values": peerValues, "collections": peerCollections, "types": peerTypes, "counters": peerCounters, "flash": peerFlash,
		"sids": peerSIDs, "login": peerLogin, "beego": peerBeego, "provider": peerProvider, "lifetimes": peerLifetimes,
		"administration": peerAdministration, "handler": peerHandler, "exchange": peerExchange, "cookie": peerCookie,
		"fasthttp": peerFasthttp,
	} {
		t.Run(name+"/memory", func(t *testing.T) { f(t, newPeer(t, memory.New(), "")) })
		t.Run(name+"/redis", func(t *testing.T) {
			p, err := session.GetProvider("redis")
			must(t, err)
			f(t, newPeer(t, p, servertest.Redis(t).Addr))
		})
	}
}

// A peer is a visitor's browser, and the two nodes that it comes to.
type peer struct {
	t        *testing.T
	m, other *session.Manager
	open     func(opts ...session.ManagerConfigOpt) *session.Manager
	cookie   string
}

func newPeer(t *testing.T, p session.Provider, config string) *peer {
	t.Helper()
	namespace := t.Name() + time.Now().Format(".000000000") // for -count
	open := func(opts ...session.ManagerConfigOpt) *session.Manager {
		t.Helper()
		cfg := session.NewManagerConfig(session.CfgNamespace(namespace), session.CfgProviderConfig(config),
			session.CfgLogger(slog.New(slog.DiscardHandler)), session.CfgMaxLifeTime(600), session.CfgAbsoluteLifetime(time.Hour))
		cfg.Opts(opts...)
		m, err := session.New(p, cfg)
		must(t, err)
		t.Cleanup(func() { must(t, m.Close()) })
		return m
	}
	return &peer{t: t, m: open(), other: open(), open: open}
}

// do sends one request, and keeps the cookie that is answered.
func (p *peer) do(f func(w http.ResponseWriter, r *http.Request)) *httptest.ResponseRecorder {
	p.t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	if p.cookie != "" {
		r.Header.Set("Cookie", "gosessionid="+p.cookie)
	}
	f(w, r)
	for _, c := range w.Result().Cookies() {
		if p.cookie = c.Value; c.MaxAge < 0 {
			p.cookie = ""
		}
	}
	return w
}

// visit has a handler on each node: f on the first, then see, if it is not nil, on the second.
func (p *peer) visit(f, see func(ctx context.Context, s *session.Session)) {
	p.t.Helper()
	for i, m := range []*session.Manager{p.m, p.other} {
		handler := []func(context.Context, *session.Session){f, see}[i]
		if handler == nil {
			continue
		}
		p.do(func(w http.ResponseWriter, r *http.Request) {
			s, err := m.Start(w, r)
			must(p.t, err)
			handler(r.Context(), s)
			if err := s.Save(r.Context()); err != nil && !errors.Is(err, session.ErrDestroyed) {
				p.t.Errorf("Save: %v", err)
			}
		})
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func peerValues(t *testing.T, p *peer) {
	p.visit(func(ctx context.Context, s *session.Session) {
		equal(t, "IsNew", s.IsNew(), true)
		must(t, s.Set(ctx, "a", "1"))
		must(t, s.Set(ctx, 2, []string{"x"}))
		must(t, s.Set(ctx, "gone", true))
		must(t, s.Delete(ctx, "gone"))
	}, func(ctx context.Context, s *session.Session) {
		equal(t, "IsNew", s.IsNew(), false)
		equal[any](t, "a", s.Get(ctx, "a"), "1")
		if got, err := session.Get[[]string](ctx, s, 2); err != nil || !slices.Equal(got, []string{"x"}) {
			t.Errorf("2 = %v, %v", got, err)
		}
		equal(t, "Has", s.Has(ctx, "gone"), false)
		must(t, s.Flush(ctx))
	})
	p.visit(func(ctx context.Context, s *session.Session) {
		equal[any](t, "a after Flush", s.Get(ctx, "a"), nil)
	}, nil)
}

func peerCollections(t *testing.T, p *peer) {
	want := map[any]any{"a": "1", "b": int64(2)}
	p.visit(func(ctx context.Context, s *session.Session) {
		must(t, s.SetMulti(ctx, map[any]any{"a": "1", "b": int64(2), "c": 3.5}))
		if c, err := s.Pop(ctx, "c"); err != nil || c != 3.5 {
			t.Errorf("Pop = %v, %v", c, err)
		}
	}, func(ctx context.Context, s *session.Session) {
		all, err := s.GetAll(ctx)
		if err != nil || !maps.Equal(all, want) {
			t.Errorf("GetAll = %v, %v", all, err)
		}
		if got := maps.Collect(s.All(ctx)); !maps.Equal(got, want) {
			t.Errorf("All = %v", got)
		}
		visited := make(map[any]any)
		must(t, s.Visit(ctx, func(key, value any) { visited[key] = value }))
		if !maps.Equal(visited, want) {
			t.Errorf("Visit: %v", visited)
		}
		if n, err := s.Len(ctx); err != nil || n != 2 {
			t.Errorf("Len = %d, %v", n, err)
		}
		if some, err := s.GetMulti(ctx, "b", "c"); err != nil || !maps.Equal(some, map[any]any{"b": int64(2)}) {
			t.Errorf("GetMulti = %v, %v", some, err)
		}
		must(t, s.Clear(ctx))
	})
	p.visit(func(ctx context.Context, s *session.Session) {
		equal(t, "IsNew after Clear", s.IsNew(), false)
		if n, err := s.Len(ctx); err != nil || n != 0 {
			t.Errorf("Len after Clear = %d, %v", n, err)
		}
	}, nil)
}

// wantTyped checks a getter, and the same with a default for a key without a value.
func wantTyped[T comparable](
	t *testing.T, ctx context.Context, key string, want, def T,
	get func(context.Context, any) (T, error), getDefault func(context.Context, any, T) T,
) {
	t.Helper()
	if got, err := get(ctx, key); err != nil || got != want {
		t.Errorf("%s = %v, %v; want %v", key, got, err, want)
	}
	if _, err := get(ctx, "absent"); !errors.Is(err, session.ErrNoValue) {
		t.Errorf("%s, absent: %v", key, err)
	}
	var wrong *session.TypeError
	if _, err := get(ctx, "list"); !errors.As(err, &wrong) {
		t.Errorf("%s, of another type: %v", key, err)
	}
	equal(t, key+" with a default", getDefault(ctx, key, def), want)
	equal(t, key+", the default", getDefault(ctx, "absent", def), def)
}

func peerTypes(t *testing.T, p *peer) {
	now := time.Now().UTC().Truncate(time.Second)
	p.visit(func(ctx context.Context, s *session.Session) {
		must(t, s.SetMulti(ctx, map[any]any{
			"string": "s", "int": "12", "int64": int64(1) << 40, "uint64": uint64(1) << 63, "float32": float32(1.5),
			"float64": 2.5, "bool": true, "bytes": []byte("b"), "time": now, "int32": int32(7), "list": []string{"x"},
		}))
	}, func(ctx context.Context, s *session.Session) {
		wantTyped(t, ctx, "string", "s", "d", s.GetString, s.GetStringDefault)
		wantTyped(t, ctx, "int", 12, 3, s.GetInt, s.GetIntDefault)
		wantTyped(t, ctx, "int64", int64(1)<<40, 3, s.GetInt64, s.GetInt64Default)
		wantTyped(t, ctx, "uint64", uint64(1)<<63, 3, s.GetUint64, s.GetUint64Default)
		wantTyped(t, ctx, "float32", float32(1.5), 3, s.GetFloat32, s.GetFloat32Default)
		wantTyped(t, ctx, "float64", 2.5, 3, s.GetFloat64, s.GetFloat64Default)
		wantTyped(t, ctx, "bool", true, false, s.GetBool, s.GetBoolDefault)
		wantTyped(t, ctx, "time", now, now.Add(1), s.GetTime, s.GetTimeDefault)
		if b, err := s.GetBytes(ctx, "bytes"); err != nil || string(b) != "b" {
			t.Errorf("GetBytes = %q, %v", b, err)
		}
		equal(t, "GetBytesDefault", string(s.GetBytesDefault(ctx, "absent", []byte("d"))), "d")
		if n, err := session.Get[int32](ctx, s, "int32"); err != nil || n != 7 {
			t.Errorf("Get[int32] = %v, %v", n, err)
		}
	})
}

// peerCounters has two requests that both have read before the first of them saves.
func peerCounters(t *testing.T, p *peer) {
	p.visit(func(ctx context.Context, s *session.Session) { must(t, s.Set(ctx, "n", 10)) }, nil)
	p.visit(func(ctx context.Context, s *session.Session) {
		_, err := s.Increment(ctx, "n", 5)
		must(t, err)
		p.visit(nil, func(ctx context.Context, s *session.Session) {
			_, err := s.Decrement(ctx, "n", 2)
			must(t, err)
		})
	}, func(ctx context.Context, s *session.Session) { equal[any](t, "n", s.Get(ctx, "n"), 13) })
}

func peerFlash(t *testing.T, p *peer) {
	p.visit(func(ctx context.Context, s *session.Session) {
		must(t, s.AddFlash(ctx, "one"))
		must(t, s.AddFlash(ctx, "two"))
		must(t, s.SetFlash(ctx, "info", "saved"))
		must(t, s.SetFlash(ctx, "error", "none"))
		must(t, s.SetFlash(ctx, "error", nil))
	}, func(ctx context.Context, s *session.Session) {
		equal(t, "HasFlash", s.HasFlash(ctx, "error"), false)
		equal[any](t, "PeekFlash", s.PeekFlash(ctx, "info"), "saved")
		if list, err := s.Flashes(ctx); err != nil || !slices.Equal(list, []any{"one", "two"}) {
			t.Errorf("Flashes = %v, %v", list, err)
		}
		if m, err := s.GetFlash(ctx, "info"); err != nil || m != "saved" {
			t.Errorf("GetFlash = %v, %v", m, err)
		}
		must(t, s.SetFlash(ctx, "other", "last"))
	})
	p.visit(func(ctx context.Context, s *session.Session) {
		if all, err := s.GetFlashes(ctx); err != nil || !maps.Equal(all, map[string]any{"other": "last"}) {
			t.Errorf("GetFlashes = %v, %v", all, err)
		}
	}, func(ctx context.Context, s *session.Session) { equal(t, "HasFlash", s.HasFlash(ctx), false) })
}

func peerSIDs(t *testing.T, p *peer) {
	p.visit(func(ctx context.Context, s *session.Session) { must(t, s.Set(ctx, "a", "1")) }, nil)
	first := p.cookie
	p.visit(func(ctx context.Context, s *session.Session) {
		equal(t, "SessionID", s.SessionID(ctx), first)
		id := s.ID()
		must(t, s.Regenerate(ctx))
		if s.SessionID(ctx) == first || s.ID() == id {
			t.Error("Regenerate: the same sid")
		}
	}, func(ctx context.Context, s *session.Session) { equal[any](t, "a", s.Get(ctx, "a"), "1") })
	second := p.cookie
	p.do(func(w http.ResponseWriter, r *http.Request) {
		s, err := p.m.Regenerate(w, r)
		must(t, err)
		s.SessionRelease(r.Context(), w)
	})
	third := p.cookie
	for _, old := range []string{first, second, "invented"} {
		p.cookie = old
		p.visit(func(ctx context.Context, s *session.Session) { // one that was replaced gets nothing, for a minute
			equal(t, "IsNew", s.IsNew(), old == "invented")
			equal[any](t, "a", s.Get(ctx, "a"), nil)
		}, nil)
	}
	p.cookie = third
	p.do(func(w http.ResponseWriter, r *http.Request) {
		must(t, p.m.Destroy(w, r))
		s, err := p.m.Start(w, r) // begins anew
		must(t, err)
		equal(t, "IsNew", s.IsNew(), true)
		equal[any](t, "a", s.Get(r.Context(), "a"), nil)
		s.SessionRelease(r.Context(), w)
	})
}

func peerLogin(t *testing.T, p *peer) {
	p.visit(func(ctx context.Context, s *session.Session) {
		must(t, s.Set(ctx, "a", "1"))
		must(t, s.Login(ctx, "ann"))
	}, func(ctx context.Context, s *session.Session) {
		equal(t, "User", s.User(), "ann")
		equal[any](t, "a", s.Get(ctx, "a"), "1")
	})
	before := p.cookie
	p.visit(func(ctx context.Context, s *session.Session) {
		p.visit(nil, func(ctx context.Context, s *session.Session) { must(t, s.Logout(ctx)) })
		must(t, s.Set(ctx, "a", "2")) // what a slow request stores after the logout
	}, nil)
	equal(t, "cookie after Logout", p.cookie, "")
	p.cookie = before
	p.visit(func(ctx context.Context, s *session.Session) { equal(t, "IsNew after Logout", s.IsNew(), true) }, nil)
}

func peerBeego(t *testing.T, p *peer) {
	p.do(func(w http.ResponseWriter, r *http.Request) {
		s, err := p.m.SessionStart(w, r)
		must(t, err)
		must(t, s.Set(r.Context(), "a", "1"))
		s.SessionRelease(r.Context(), w)
	})
	p.do(func(w http.ResponseWriter, r *http.Request) {
		s, err := p.m.SessionRegenerateID(w, r)
		must(t, err)
		must(t, s.Set(r.Context(), "b", "2"))
		s.SessionReleaseIfPresent(r.Context(), w)
	})
	s, err := p.other.GetSessionStore(p.cookie)
	must(t, err)
	equal[any](t, "b", s.Get(t.Context(), "b"), "2")
	s.SessionRelease(t.Context(), nil)
	equal(t, "GetActiveSession", p.other.GetActiveSession(), 1)
	p.m.SetSecure(true)
	p.m.GC()
	sid := p.cookie
	p.do(p.m.SessionDestroy)
	if _, err := p.other.GetSessionStore(sid); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("GetSessionStore after SessionDestroy: %v", err)
	}
}

func peerProvider(t *testing.T, p *peer) {
	p.visit(func(ctx context.Context, s *session.Session) { must(t, s.Set(ctx, "a", "1")) }, nil)
	provider, ctx := p.other.GetProvider(), t.Context()
	for sid, want := range map[string]bool{p.cookie: true, "invented": false} {
		if is, err := provider.SessionExist(ctx, sid); err != nil || is != want {
			t.Errorf("SessionExist(%q) = %v, %v", sid, is, err)
		}
	}
	s, err := provider.SessionRead(ctx, p.cookie)
	must(t, err)
	equal[any](t, "a", s.Get(ctx, "a"), "1")
	equal(t, "SessionAll", provider.SessionAll(ctx), 1)
	provider.SessionGC(ctx)
	must(t, provider.SessionDestroy(ctx, p.cookie))
	equal(t, "SessionAll", provider.SessionAll(ctx), 0)
}

// wantExpires checks how many minutes the one session of ann has if it is not used. In any case it has an hour.
func (p *peer) wantExpires(what string, minutes time.Duration) {
	p.t.Helper()
	infos, err := p.other.SessionsOf(p.t.Context(), "ann")
	must(p.t, err)
	if len(infos) != 1 {
		p.t.Fatalf("%d sessions", len(infos))
	}
	idle, absolute := time.Until(infos[0].Expires).Round(time.Minute), time.Until(infos[0].Deadline).Round(time.Minute)
	if idle != minutes*time.Minute || absolute != time.Hour {
		p.t.Errorf("%s: %v idle, %v in any case; want %d minutes", what, idle, absolute, minutes)
	}
}

func peerLifetimes(t *testing.T, p *peer) {
	p.visit(func(ctx context.Context, s *session.Session) { must(t, s.Login(ctx, "ann")) }, nil)
	want := p.wantExpires
	want("Login", 10)
	p.visit(func(ctx context.Context, s *session.Session) { must(t, s.SetLifetime(ctx, 20*time.Minute)) }, nil)
	want("SetLifetime", 20)
	p.visit(func(ctx context.Context, s *session.Session) {
		must(t, s.SetAbsoluteLifetime(ctx, time.Hour))
		must(t, s.SendCookie(ctx))
		must(t, s.Reload(ctx))
		idle, absolute := time.Until(s.Expires()).Round(time.Minute), time.Until(s.Deadline()).Round(time.Minute)
		if idle != 20*time.Minute || absolute != time.Hour {
			t.Errorf("the session ends in %v, and in %v at most", idle, absolute)
		}
	}, nil)
	p.visit(func(ctx context.Context, s *session.Session) { must(t, s.Regenerate(ctx)) }, nil)
	want("Regenerate", 20)
	p.do(func(w http.ResponseWriter, r *http.Request) { must(t, p.m.UpdateExpiration(w, r, 5*time.Minute)) })
	want("UpdateExpiration", 5)
	p.do(func(w http.ResponseWriter, r *http.Request) { must(t, p.m.ShiftExpiration(w, r)) })
	want("ShiftExpiration", 20)
	w := p.do(func(w http.ResponseWriter, r *http.Request) {
		s, err := p.m.Start(w, r)
		must(t, err)
		must(t, s.RememberMe(r.Context(), 30*time.Minute))
		must(t, s.Save(r.Context()))
	})
	want("RememberMe", 30)
	if c := w.Result().Cookies(); len(c) != 1 || c[0].MaxAge != 1800 {
		t.Errorf("cookies %v", c)
	}
}

func peerAdministration(t *testing.T, p *peer) {
	var id string
	p.visit(func(ctx context.Context, s *session.Session) {
		must(t, s.Login(ctx, "ann"))
		id = s.ID()
	}, nil)
	ctx := t.Context()
	for range 2 {
		p.cookie = ""
		p.visit(func(ctx context.Context, s *session.Session) { must(t, s.Set(ctx, "a", "1")) }, nil)
	}
	wantCount := func(want int) {
		t.Helper()
		if n, err := p.other.Count(ctx); err != nil || n != want {
			t.Errorf("Count = %d, %v; want %d", n, err, want)
		}
	}
	wantCount(3)
	listed := 0
	for info, err := range p.other.List(ctx) {
		must(t, err)
		if info.ID == id {
			equal(t, "User", info.User, "ann")
		}
		listed++
	}
	equal(t, "listed", listed, 3)
	if infos, err := p.other.SessionsOf(ctx, "ann"); err != nil || len(infos) != 1 || infos[0].ID != id {
		t.Errorf("SessionsOf = %v, %v", infos, err)
	}
	found, err := p.other.SessionByID(ctx, id)
	must(t, err)
	equal(t, "User", found.User(), "ann")
	must(t, p.other.DestroyByID(ctx, id))
	wantCount(2)
	must(t, p.other.DestroyByID(ctx, p.cookie))
	wantCount(1)
	must(t, p.other.DestroyAll(ctx))
	wantCount(0)
}

// peerHandler has two cookies in one request, each of a manager of its own.
func peerHandler(t *testing.T, p *peer) {
	second := p.open(session.CfgCookieName("second"), session.CfgNamespace(t.Name()+" second"))
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		a, err := p.m.FromContext(ctx)
		must(t, err)
		b, err := second.FromContext(ctx)
		must(t, err)
		must(t, a.Set(ctx, "a", "1"))
		must(t, b.Set(ctx, "b", "2"))
		must(t, session.SaveAll(ctx, a, b))
	})
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	p.m.Handler(second.Handler(app)).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		m, key := p.other, "a"
		if c.Name == "second" {
			m, key = second, "b"
		}
		s, err := m.GetSessionStore(c.Value)
		must(t, err)
		if s.Get(t.Context(), key) == nil {
			t.Errorf("%s: no %s", c.Name, key)
		}
	}
	equal(t, "cookies", len(w.Result().Cookies()), 2)
}

// An event is a request of a stack that is not net/http.
type event struct{ in, out http.Header }

var _ session.Exchange = event{}

func (e event) Context() context.Context                      { return context.Background() }
func (e event) RequestHeader(name string) []string            { return e.in[name] }
func (e event) Query() string                                 { return "" }
func (e event) SetQuery(string)                               {}
func (e event) Method() string                                { return "POST" }
func (e event) TLS() bool                                     { return true }
func (e event) RemoteAddr() string                            { return "" }
func (e event) ResponseHeader(name string) []string           { return e.out[name] }
func (e event) SetResponseHeader(name string, lines []string) { e.out[name] = lines }

func (e event) SetRequestHeader(name, value string) {
	if e.in.Set(name, value); value == "" {
		e.in.Del(name)
	}
}

// answered returns the sid of the one cookie in what was answered.
func (e event) answered(t *testing.T) (sid string) {
	t.Helper()
	cookies := (&http.Response{Header: e.out}).Cookies()
	if len(cookies) != 1 || !cookies[0].Secure {
		t.Fatalf("cookies %v", cookies)
	}
	return cookies[0].Value
}

func peerExchange(t *testing.T, p *peer) {
	next := func(sid string) event {
		return event{http.Header{"Cookie": {"gosessionid=" + sid}}, make(http.Header)}
	}
	x := next("")
	s, err := p.m.StartExchange(x)
	must(t, err)
	must(t, s.Login(t.Context(), "ann"))
	x = next(x.answered(t))
	s, err = p.m.RegenerateExchange(x)
	must(t, err)
	s.SessionRelease(t.Context(), nil)
	sid := x.answered(t)
	must(t, p.other.HandleExchange(next(sid), func(h session.Handled) {
		ctx := h.Context(t.Context())
		s, err := p.other.FromContext(ctx)
		must(t, err)
		equal(t, "User", s.User(), "ann")
		must(t, s.Set(ctx, "a", "1"))
	}))
	must(t, p.m.UpdateExpirationExchange(next(sid), 5*time.Minute))
	p.wantExpires("UpdateExpirationExchange", 5)
	must(t, p.m.ShiftExpirationExchange(next(sid)))
	p.wantExpires("ShiftExpirationExchange", 10)
	s, err = p.m.StartExchange(next(sid))
	must(t, err)
	equal[any](t, "a", s.Get(t.Context(), "a"), "1")
	must(t, p.other.DestroyExchange(next(sid)))
	if _, err := p.m.GetSessionStore(sid); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("GetSessionStore after DestroyExchange: %v", err)
	}
}

// peerFasthttp has the same manager serve fasthttp on one node, and read on the other.
func peerFasthttp(t *testing.T, p *peer) {
	request := func(handler fasthttp.RequestHandler) {
		t.Helper()
		var ctx fasthttp.RequestCtx
		ctx.Init(&fasthttp.Request{}, nil, nil)
		ctx.Request.Header.SetCookie("gosessionid", p.cookie)
		handler(&ctx)
		var c fasthttp.Cookie
		if c.SetKey("gosessionid"); ctx.Response.Header.Cookie(&c) {
			p.cookie = string(c.Value())
		}
	}
	request(func(ctx *fasthttp.RequestCtx) {
		s, err := sessionfasthttp.Start(p.m, ctx)
		must(t, err)
		must(t, s.Login(ctx, "ann"))
		s.SessionRelease(ctx, nil)
	})
	request(sessionfasthttp.Handler(p.other, func(ctx *fasthttp.RequestCtx) {
		s, err := p.other.FromContext(ctx)
		must(t, err)
		must(t, s.Set(ctx, "a", "1"))
	}))
	before := p.cookie
	request(func(ctx *fasthttp.RequestCtx) {
		s, err := sessionfasthttp.Regenerate(p.m, ctx)
		must(t, err)
		equal[any](t, "a", s.Get(ctx, "a"), "1")
		s.SessionRelease(ctx, nil)
	})
	if p.cookie == before {
		t.Error("Regenerate: the same sid")
	}
	request(func(ctx *fasthttp.RequestCtx) { must(t, sessionfasthttp.UpdateExpiration(p.m, ctx, 5*time.Minute)) })
	p.wantExpires("UpdateExpiration", 5)
	request(func(ctx *fasthttp.RequestCtx) { must(t, sessionfasthttp.ShiftExpiration(p.m, ctx)) })
	p.wantExpires("ShiftExpiration", 10)
	sid := p.cookie
	request(func(ctx *fasthttp.RequestCtx) { must(t, sessionfasthttp.Destroy(p.m, ctx)) })
	if _, err := p.other.GetSessionStore(sid); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("GetSessionStore after Destroy: %v", err)
	}
}

// peerCookie has every setting of a cookie that another package has, with sids of the application's own.
func peerCookie(t *testing.T, p *peer) {
	sid := "made-by-the-application"
	m := p.open(session.CfgCookieName("sid"), session.CfgDomain("example.com"), session.CfgCookiePath("/app"), session.CfgSecure(true),
		session.CfgHTTPOnly(false), session.CfgSameSite(http.SameSiteNoneMode), session.CfgPartitioned(true), session.CfgCookieLifeTime(60),
		session.CfgSessionIDGenerator(func(session.Exchange) (string, error) { return sid, nil }),
		session.CfgCookieEncode(func(_ string, sid any) (string, error) { return "x-" + sid.(string), nil }),
		session.CfgCookieDecode(func(_, value string, sid any) error {
			*sid.(*string) = value[len("x-"):]
			return nil
		}))
	w := httptest.NewRecorder()
	s, err := m.Start(w, httptest.NewRequest(http.MethodGet, "/app", nil))
	must(t, err)
	must(t, s.Set(t.Context(), "a", "1"))
	must(t, s.Save(t.Context()))
	c, err := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
	must(t, err)
	c.Expires = time.Time{} // says the same as Max-Age
	const want = "sid=x-made-by-the-application; Path=/app; Domain=example.com; Max-Age=60; Secure; SameSite=None; Partitioned"
	equal(t, "Set-Cookie", c.String(), want)
	r := httptest.NewRequest(http.MethodGet, "/app", nil)
	r.Header.Set("Cookie", "sid=x-"+sid)
	s, err = m.Start(httptest.NewRecorder(), r)
	must(t, err)
	equal[any](t, "a", s.Get(t.Context(), "a"), "1")
}
