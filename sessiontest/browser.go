package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// manager makes a manager on its own node, in the case's namespace. It is closed when the case ends.
func (e *env) manager(t testing.TB, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	return e.tapped(t, nil, opts...)
}

// tapped is manager with on in front of the node, unless on is nil.
func (e *env) tapped(t testing.TB, on tapping, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	m, err := session.New(e.provider(on), e.config(opts...))
	for begin := time.Now(); errors.Is(err, context.DeadlineExceeded) && time.Since(begin) < time.Minute; {
		// The case may have a short opTimeout, in which a busy machine does not open the store.
		m, err = session.New(e.provider(on), e.config(opts...))
	}
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return m
}

func (e *env) config(opts ...session.ManagerConfigOpt) *session.ManagerConfig {
	c := session.NewManagerConfig(session.CfgNamespace(e.namespace), session.CfgLogger(slog.New(slog.DiscardHandler)))
	c.Opts(opts...)
	c.Opts(e.opts...)
	return c
}

// A browser keeps the session's cookie and sends it with each request.
type browser struct {
	cookie string // "name=value", "" for none; a sealed session may take several, with "; " between them
}

// with returns a browser that sends value as the session's cookie.
func with(value string) *browser { return &browser{cookieName + "=" + value} }

const cookieName = "gosessionid" // the default

func (b *browser) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	return r
}

// value returns the cookie's value: a sid, or a session that is sealed.
func (b *browser) value() string {
	_, value, _ := strings.Cut(b.cookie, "=")
	return value
}

// pairs returns "name=value" of each cookie.
func (b *browser) pairs() []string {
	if b.cookie == "" {
		return nil
	}
	return strings.Split(b.cookie, "; ")
}

// take stores the session's cookies from a response.
func (b *browser) take(h http.Header) {
	pairs := b.pairs()
	for _, c := range (&http.Response{Header: h}).Cookies() {
		if !ours(c.Name) {
			continue
		}
		at := slices.IndexFunc(pairs, func(pair string) bool { return strings.HasPrefix(pair, c.Name+"=") })
		switch {
		case c.MaxAge < 0 && at >= 0:
			pairs = slices.Delete(pairs, at, at+1)
		case c.MaxAge < 0:
		case at >= 0:
			pairs[at] = c.Name + "=" + c.Value
		default:
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	b.cookie = strings.Join(pairs, "; ")
}

// ours reports whether a cookie of this name belongs to the session: its only cookie or one of several.
func ours(name string) bool { return name == cookieName || strings.HasPrefix(name, cookieName+".") }

// A flight is a request under way.
type flight struct {
	*session.Session
	w *httptest.ResponseRecorder
	r *http.Request
}

// start begins a request, and its session, which must work.
func (b *browser) start(t testing.TB, m *session.Manager) *flight {
	t.Helper()
	w, r := httptest.NewRecorder(), b.request()
	s, err := m.Start(w, r)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	return &flight{s, w, r}
}

// visit makes a whole request, and returns the response's header.
func (b *browser) visit(t testing.TB, m *session.Manager, f func(s *flight)) http.Header {
	t.Helper()
	s := b.start(t, m)
	if f != nil {
		f(s)
	}
	wantOK(t, "Save", s.Save(t.Context()))
	b.take(s.w.Header())
	return s.w.Header()
}

// visitor returns a browser with a session that has the given values.
func visitor(t testing.TB, m *session.Manager, values map[any]any) *browser {
	t.Helper()
	b := new(browser)
	b.visit(t, m, func(s *flight) { s.set(t, values) })
	return b
}

// values are what a session holds.
type values = map[any]any

func (s *flight) set(t testing.TB, values map[any]any) {
	t.Helper()
	for k, v := range values {
		wantOK(t, "Set", s.Set(t.Context(), k, v))
	}
}

// wantValues checks what the request sees. A nil value is none.
func (s *flight) wantValues(t testing.TB, values map[any]any) {
	t.Helper()
	for k, want := range values {
		if got := s.Get(t.Context(), k); got != want {
			t.Errorf("Get(%v) = %T %.40q, want %T %.40q", k, got, fmt.Sprint(got), want, fmt.Sprint(want))
		}
	}
}

// wantValues checks what a new request sees. A nil value is none.
func (b *browser) wantValues(t testing.TB, m *session.Manager, values map[any]any) {
	t.Helper()
	b.start(t, m).wantValues(t, values)
}

// wantFresh checks that the browser's cookie belongs to no session, and that the response sets a new sid.
func (b *browser) wantFresh(t testing.TB, m *session.Manager, cookie string) {
	t.Helper()
	s := b.start(t, m)
	if !s.IsNew() {
		t.Errorf("%s: the cookie was accepted", cookie)
	}
	if got := s.SessionID(t.Context()); got == "" || got == b.value() {
		t.Errorf("%s: the sid was adopted", cookie)
	}
	after := new(browser)
	if after.take(s.w.Header()); after.cookie == "" || after.cookie == b.cookie {
		t.Errorf("%s: the response sets no cookie of its own", cookie)
	}
}

// destroy ends the browser's session, but leaves its cookie to be used again.
func (b *browser) destroy(t testing.TB, m *session.Manager) {
	t.Helper()
	wantOK(t, "Destroy", m.Destroy(httptest.NewRecorder(), b.request()))
}

// regenerate gives the browser's session a new sid and returns a browser with the new sid; b keeps the old one.
func (b *browser) regenerate(t testing.TB, m *session.Manager) *browser {
	t.Helper()
	w := httptest.NewRecorder()
	_, err := m.Regenerate(w, b.request())
	if err != nil {
		t.Fatalf("Regenerate: %v", err)
	}
	next := &browser{b.cookie}
	next.take(w.Header())
	return next
}

// wantSID checks whether a sid stands for a session.
func wantSID(t testing.TB, m *session.Manager, sid string, live bool) {
	t.Helper()
	_, err := m.GetSessionStore(sid)
	if live {
		wantOK(t, "GetSessionStore", err)
	} else {
		wantErr(t, "GetSessionStore", err, session.ErrNotFound)
	}
}

// wantNoCookie checks that a response does not touch the session's cookie.
func wantNoCookie(t testing.TB, response string, h http.Header) {
	t.Helper()
	for _, line := range h["Set-Cookie"] {
		if name, _, _ := strings.Cut(line, "="); ours(name) {
			t.Errorf("%s has a Set-Cookie", response)
		}
	}
}

// storageKey returns the key under which b stores a session.
func (e *env) storageKey(b driver.Backend, sid string) string {
	if _, ok := driver.As[driver.InProcess](b); ok || e.beego {
		return sid
	}
	return e.hashed(sid)
}

// wantRecordless checks that nothing is stored for a sid.
func (e *env) wantRecordless(t testing.TB, sid string) {
	t.Helper()
	b := e.node(t)
	wantGone(t, b, e.storageKey(b, sid))
}

// stored returns what is stored for a sid.
func (e *env) stored(t testing.TB, sid string) *driver.Record {
	t.Helper()
	b := e.node(t)
	return load(t, b, e.storageKey(b, sid))
}

// hasten lets change alter the stored record of a sid, for example its times.
func (e *env) hasten(t testing.TB, sid string, change func(rec *driver.Record)) {
	t.Helper()
	b := e.node(t)
	hasten(t, b, e.storageKey(b, sid), change)
}

func hasten(t testing.TB, b driver.Backend, key string, change func(rec *driver.Record)) {
	t.Helper()
	rec := load(t, b, key)
	rec.Shorten = true
	change(rec)
	save(t, b, key, rec)
}

// expire lets what is stored for a sid expire.
func (e *env) expire(t testing.TB, sid string) {
	t.Helper()
	soon := e.soon()
	e.hasten(t, sid, func(rec *driver.Record) { rec.Expires = soon })
	e.waitFor(soon)
}

var errInjected = errors.New("the store is down")
