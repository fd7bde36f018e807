package sessiontest

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Late requests log nobody out.
var lateCases = []testCase{
	{
		name:     "late/after a login",
		notBeego: true,
		sentence: "Marker",
		rule: "A request whose sid a login has replaced is anonymous on every node, with Start and with Handler: no cookie, no record, not new. " +
			"Set returns ErrDestroyed. A login begins a session.",
		check: func(t testing.TB, e *env) {
			e.eachReplaced(t, func(t testing.TB, b *browser, m *session.Manager) {
				b.visit(t, m, func(s *flight) { wantOK(t, "Login", s.Login(t.Context(), "Ann")) })
			})
		},
	},
	{
		name:     "late/after Regenerate",
		notBeego: true,
		sentence: "Marker",
		rule:     "A request with a sid that Regenerate or a later login has replaced is anonymous in the same way.",
		check: func(t testing.TB, e *env) {
			e.eachReplaced(t, func(t testing.TB, b *browser, m *session.Manager) { *b = *b.regenerate(t, m) })
			e.eachReplaced(t, func(t testing.TB, b *browser, m *session.Manager) {
				*b = *b.regenerate(t, m)
				b.visit(t, m, func(s *flight) { wantOK(t, "Login", s.Login(t.Context(), "Ann")) })
			})
		},
	},
	{
		name:     "late/dead sid",
		notBeego: true,
		sentence: "Marker",
		rule:     "If a request carried a dead sid and logged in, later requests with that dead sid are anonymous in the same way.",
		check: func(t testing.TB, e *env) {
			for _, lazy := range []bool{false, true} {
				e.eachReplaced(t, func(t testing.TB, b *browser, m *session.Manager) {
					b.destroy(t, m)
					b.visit(t, m, func(s *flight) { wantOK(t, "Login", s.Login(t.Context(), "Ann")) })
				}, session.CfgLazy(lazy))
			}
		},
	},
	{
		name:     "late/too late",
		notBeego: true,
		sentence: "S6",
		rule:     "After markLifetime a replaced sid is unknown, and a request with it begins a session.",
		check: func(t testing.TB, e *env) {
			optional[driver.Marker](t, e.node(t))
			m := e.manager(t, session.CfgMarkLifetime(2*e.resolution))
			b := visitor(t, m, values{"a": "1"})
			old := *b
			b.visit(t, m, func(s *flight) { wantOK(t, "Login", s.Login(t.Context(), "Ann")) })
			sleepUntil(time.Now().Add(4 * e.resolution))
			old.wantFresh(t, m, "the cookie before the login")
			never := e.manager(t, session.CfgMarkLifetime(-1))
			old = *b
			b.visit(t, never, func(s *flight) { wantOK(t, "Login", s.Login(t.Context(), "Ann")) })
			old.wantFresh(t, m, "the cookie before the login")
		},
	},
}

// eachReplaced gives a visitor's session another sid, and then lets late requests come with the one before.
func (e *env) eachReplaced(t testing.TB, replace func(t testing.TB, b *browser, m *session.Manager), opts ...session.ManagerConfigOpt) {
	t.Helper()
	optional[driver.Marker](t, e.node(t))
	m, other := e.manager(t, opts...), e.manager(t, opts...)
	b := visitor(t, m, values{"a": "1"})
	old := *b
	replace(t, b, m)
	for _, node := range []*session.Manager{m, other} {
		e.wantReplaced(t, &old, node)
	}
	if s := b.start(t, other); s.IsNew() {
		t.Error("the session is gone")
	}
	s := old.start(t, other)
	wantOK(t, "Login", s.Login(t.Context(), "Bob"))
	wantOK(t, "Set", s.Set(t.Context(), "b", "2"))
	wantOK(t, "Save", s.Save(t.Context()))
	late := old
	late.take(s.w.Header())
	if s := late.start(t, m); s.User() != "Bob" || s.IsNew() || s.Get(t.Context(), "b") != "2" || s.Get(t.Context(), "a") != nil {
		t.Errorf("after a login that came late the user is %q, new: %t", s.User(), s.IsNew())
	}
}

// wantReplaced checks that the browser's cookie stands for a sid that was replaced a moment ago: with marks its requests come late,
// without them it is as unknown as any.
func (e *env) wantReplaced(t testing.TB, b *browser, m *session.Manager) {
	t.Helper()
	if _, ok := driver.As[driver.Marker](e.node(t)); !ok {
		b.wantFresh(t, m, "a sid that was replaced")
		return
	}
	check := func(s *session.Session) {
		t.Helper()
		if s.IsNew() || s.User() != "" || s.SessionID(t.Context()) != "" || s.Get(t.Context(), "a") != nil {
			t.Errorf("a request that came late has a session of user %q, new: %t", s.User(), s.IsNew())
		}
		wantErr(t, "Set", s.Set(t.Context(), "late", "1"), session.ErrDestroyed)
		_, err := s.Increment(t.Context(), "n", 1)
		wantErr(t, "Increment", err, session.ErrDestroyed)
		wantErr(t, "SetLabel", s.SetLabel(t.Context(), "late"), session.ErrDestroyed)
		wantOK(t, "Save", s.Save(t.Context()))
	}
	s := b.start(t, m)
	check(s.Session)
	wantNoCookie(t, "a request that came late", s.w.Header())
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		wantOK(t, "FromContext", err)
		if err == nil {
			check(s)
		}
	})).ServeHTTP(w, b.request())
	wantNoCookie(t, "a request that came late", w.Header())
	wantSID(t, m, b.value(), false)
}
