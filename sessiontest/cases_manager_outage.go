package sessiontest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// failing returns a tapping that fails the methods in *down.
func failing(down *map[string]bool) tapping {
	return func(c call, do func() error) error {
		if (*down)[c.method] {
			return errInjected
		}
		return do()
	}
}

// down returns the methods that fail.
func down(methods ...string) map[string]bool {
	down := make(map[string]bool)
	for _, m := range methods {
		down[m] = true
	}
	return down
}

func allDown() map[string]bool {
	return down("create", "load", "save", "touch", "delete", "rename", "mark")
}

// An unreachable store is an error, never an anonymous visitor.
var outageCases = []testCase{
	{
		name:     "outage/start",
		sentence: "S8",
		rule:     "When the store fails, Start returns the error and leaves the response alone: no new sid, no changed cookie.",
		check: func(t testing.TB, e *env) {
			var broken map[string]bool
			m := e.tapped(t, failing(&broken), session.CfgCookieLifeTime(600), session.CfgTouchInterval(-1))
			b := visitor(t, m, values{"user": "ann"})
			for who, visitor := range map[string]*browser{"a visitor with a session": b, "a new visitor": new(browser)} {
				broken = allDown()
				w := httptest.NewRecorder()
				s, err := m.Start(w, visitor.request())
				broken = nil
				wantErr(t, "Start for "+who, err, errInjected)
				if s != nil || errors.Is(err, session.ErrNotFound) {
					t.Errorf("Start for %s returned a session, or a miss: %v", who, err)
				}
				wantNoCookie(t, "the response to "+who, w.Header())
			}
			b.wantValues(t, m, values{"user": "ann"})
		},
	},
	{
		name:     "outage/lookup",
		sentence: "S8",
		rule:     "When the store fails, no call says that a sid is unknown.",
		check: func(t testing.TB, e *env) {
			var broken map[string]bool
			m := e.tapped(t, failing(&broken))
			b := visitor(t, m, values{"user": "ann"})
			broken = allDown()
			_, err := m.GetSessionStore(b.value())
			wantErr(t, "GetSessionStore", err, errInjected)
			exists, err := m.GetProvider().SessionExist(t.Context(), b.value())
			wantErr(t, "SessionExist", err, errInjected)
			if exists {
				t.Error("SessionExist = true beside an error")
			}
		},
	},
	{
		name:     "outage/save",
		sentence: "S8",
		rule:     "A save that fails returns the error, keeps the changes for another Save, and leaves the response alone.",
		check: func(t testing.TB, e *env) {
			var broken map[string]bool
			m := e.tapped(t, failing(&broken))
			b := visitor(t, m, values{"user": "ann", "n": int64(1)})
			s := b.start(t, m)
			s.set(t, values{"user": "bob"})
			_, err := s.Increment(t.Context(), "n", 1)
			wantOK(t, "Increment", err)
			broken = allDown()
			wantErr(t, "Save", s.Save(t.Context()), errInjected)
			broken = nil
			wantNoCookie(t, "the response", s.w.Header())
			b.wantValues(t, m, values{"user": "ann", "n": int64(1)})
			s.wantValues(t, values{"user": "bob", "n": int64(2)})
			wantOK(t, "Save, again", s.Save(t.Context()))
			b.wantValues(t, m, values{"user": "bob", "n": int64(2)})
		},
	},
	{
		name:     "outage/touch",
		sentence: "S8",
		rule:     "Save returns an error if the deadline cannot be moved, and the session stays.",
		check: func(t testing.TB, e *env) {
			var broken map[string]bool
			m := e.tapped(t, failing(&broken), session.CfgTouchInterval(-1))
			b := visitor(t, m, values{"user": "ann"})
			time.Sleep(2 * e.resolution)
			s := b.start(t, m)
			broken = allDown()
			wantErr(t, "Save", s.Save(t.Context()), errInjected)
			broken = nil
			wantOK(t, "Save, again", s.Save(t.Context()))
			b.wantValues(t, m, values{"user": "ann"})
		},
	},
	{
		name:     "outage/destroy",
		sentence: "S8",
		rule:     "A logout that fails returns an error, and the client keeps its cookie to try again.",
		check: func(t testing.TB, e *env) {
			var broken map[string]bool
			var reported error
			m := e.tapped(t, failing(&broken), session.CfgErrorHandler(func(_ http.ResponseWriter, _ *http.Request, err error) { reported = err }))
			b := visitor(t, m, values{"user": "ann"})
			w := httptest.NewRecorder()
			broken = allDown()
			wantErr(t, "Destroy", m.Destroy(w, b.request()), errInjected)
			m.SessionDestroy(w, b.request())
			wantErr(t, "SessionDestroy reports", reported, errInjected)
			broken = nil
			wantNoCookie(t, "the response", w.Header())
			b.wantValues(t, m, values{"user": "ann"})
			b.destroy(t, m)
			wantSID(t, m, b.value(), false)
		},
	},
	{
		name:     "outage/regenerate",
		sentence: "S8",
		rule:     "A Regenerate that fails returns an error, and the client keeps its sid and its session.",
		check: func(t testing.TB, e *env) {
			var broken map[string]bool
			m := e.tapped(t, failing(&broken))
			b := visitor(t, m, values{"user": "ann"})
			s := b.start(t, m)
			broken = allDown()
			wantErr(t, "Regenerate", s.Regenerate(t.Context()), errInjected)
			_, err := m.Regenerate(s.w, s.r)
			wantErr(t, "Manager.Regenerate", err, errInjected)
			broken = nil
			wantNoCookie(t, "the response", s.w.Header())
			b.wantValues(t, m, values{"user": "ann"})
		},
	},
	{
		name:     "outage/lazy",
		sentence: "S8",
		rule:     "If a lazy session cannot be created, Set returns an error and leaves the response alone.",
		check: func(t testing.TB, e *env) {
			var broken map[string]bool
			m := e.tapped(t, failing(&broken), session.CfgLazy(true))
			s := new(browser).start(t, m)
			broken = allDown()
			wantErr(t, "Set", s.Set(t.Context(), "a", 1), errInjected)
			wantNoCookie(t, "the response", s.w.Header())
			broken = nil
			s.set(t, values{"b": "2"})
			var b browser
			b.take(s.w.Header())
			b.wantValues(t, m, values{"a": nil, "b": "2"})
		},
	},
	{
		name:     "outage/under Handler",
		sentence: "S8",
		rule:     "Under Handler a failed save is answered with 503, and a failed load is reported to the application.",
		check: func(t testing.TB, e *env) {
			var broken map[string]bool
			m := e.tapped(t, failing(&broken))
			b := visitor(t, m, values{"user": "ann"})
			for _, visitor := range []*browser{b, new(browser)} {
				w := httptest.NewRecorder()
				m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, err := m.FromContext(r.Context())
					if err != nil {
						t.Fatalf("FromContext: %v", err)
					}
					wantOK(t, "Set", s.Set(r.Context(), "user", "bob"))
					broken = allDown()
					w.Write([]byte("saved"))
				})).ServeHTTP(w, visitor.request())
				broken = nil
				if w.Code != http.StatusServiceUnavailable {
					t.Errorf("status %d, want 503", w.Code)
				}
				wantNoCookie(t, "the response", w.Header())
			}
			m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				broken = allDown()
				_, err := m.FromContext(r.Context())
				wantErr(t, "FromContext", err, errInjected)
				broken = nil
			})).ServeHTTP(httptest.NewRecorder(), b.request())
			b.wantValues(t, m, values{"user": "ann"})
		},
	},
	{
		name:     "outage/time limit",
		sentence: "S8",
		rule:     "A store that does not answer delays a request by opTimeout, including retries, and no longer.",
		check: func(t testing.TB, e *env) {
			const limit = time.Second // which a server may need to be connected to
			patient := e.manager(t)
			var hangs atomic.Bool
			m := e.tapped(t, func(c call, do func() error) error {
				if hangs.Load() {
					<-c.ctx.Done()
					return c.ctx.Err()
				}
				return do()
			}, session.CfgOpTimeout(limit), session.CfgTouchInterval(-1))
			if _, ok := driver.As[driver.InProcess](e.node(t)); ok {
				t.Skip("the store is in this process, and never waits")
			}
			start := func(b *browser) error { _, err := m.Start(httptest.NewRecorder(), b.request()); return err }
			ops := []struct {
				name string
				do   func(b *browser, s *flight) error
			}{
				{"Start", func(b *browser, _ *flight) error { return start(b) }},
				{"a new Start", func(*browser, *flight) error { return start(new(browser)) }},
				{"a touch", func(_ *browser, s *flight) error { return s.Save(t.Context()) }},
				{"Save", func(_ *browser, s *flight) error {
					return errors.Join(s.Set(t.Context(), "user", "bob"), s.Save(t.Context()))
				}},
				{"Regenerate", func(_ *browser, s *flight) error { return s.Regenerate(t.Context()) }},
				{"Destroy", func(b *browser, _ *flight) error { return m.Destroy(httptest.NewRecorder(), b.request()) }},
			}
			browsers, flights := make([]*browser, len(ops)), make([]*flight, len(ops))
			for i := range ops {
				browsers[i] = visitor(t, patient, values{"user": "ann"})
				time.Sleep(2 * e.resolution)
				flights[i] = browsers[i].start(t, m)
			}
			hangs.Store(true)
			together(len(ops), func(i int) {
				begun := time.Now()
				err := ops[i].do(browsers[i], flights[i])
				took := time.Since(begun)
				wantErr(t, ops[i].name, err, context.DeadlineExceeded)
				if took < limit/2 || took > 4*limit { // the default would be five seconds
					t.Errorf("%s took %v, want about %v", ops[i].name, took, limit)
				}
			})
			hangs.Store(false)
			for _, b := range browsers {
				b.wantValues(t, patient, values{"user": "ann"})
			}
		},
	},
	{
		name:     "outage/client hangs up",
		sentence: "S8",
		rule:     "A client that hangs up loses neither its changes nor its logout nor its new sid.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			b := visitor(t, m, values{"user": "ann"})
			s := b.start(t, m)
			s.set(t, values{"user": "bob"})
			s.SessionRelease(cancelled(t), s.w)
			b.wantValues(t, m, values{"user": "bob"})

			s = b.start(t, m)
			wantOK(t, "Regenerate", s.Regenerate(cancelled(t)))
			wantSID(t, m, b.value(), false)
			b.take(s.w.Header())
			wantOK(t, "Destroy", m.Destroy(httptest.NewRecorder(), b.request().WithContext(cancelled(t))))
			wantSID(t, m, b.value(), false)
		},
	},
}
