package sessiontest

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// An ending is a way in which a session ends while requests of it are under way.
type ending struct {
	name string
	end  func(t testing.TB, e *env, m *session.Manager, b *browser)
}

var endings = []ending{
	{"destroyed", func(t testing.TB, _ *env, m *session.Manager, b *browser) { b.destroy(t, m) }},
	{"destroyed by its sid", func(t testing.TB, _ *env, m *session.Manager, b *browser) {
		wantOK(t, "SessionDestroy", m.GetProvider().SessionDestroy(t.Context(), b.value()))
	}},
	{"regenerated", func(t testing.TB, _ *env, m *session.Manager, b *browser) { b.regenerate(t, m) }},
	{"expired", func(t testing.TB, e *env, _ *session.Manager, b *browser) { e.expire(t, b.value()) }},
}

// eachEnding ends a session in each way while one of its requests is under way. That request begins after has passed since
// the start of the session, and then calls late. It must leave the response as Start left it, and must store nothing.
func eachEnding(t testing.TB, e *env, after time.Duration, late func(m *session.Manager, s *flight)) {
	t.Helper()
	var created []string
	other := e.manager(t)
	// With these settings each request moves the deadline if the session still exists, and renews the cookie of a session
	// that other has begun, which does not record when the cookie was sent.
	m := e.tapped(t, func(c call, do func() error) error {
		switch c.method {
		case "create":
			created = append(created, c.key)
		case "rename":
			created = append(created, c.newKey)
		}
		return do()
	}, session.CfgTouchInterval(-1), session.CfgCookieLifeTime(600))
	for _, ending := range endings {
		for _, node := range []*session.Manager{m, other} {
			for _, begins := range []*session.Manager{m, other} {
				b := visitor(t, begins, values{"user": "ann"})
				time.Sleep(after)
				s := b.start(t, m)
				ending.end(t, e, node, b)
				created = nil
				answered := s.w.Header().Clone()
				late(m, s)
				if !maps.EqualFunc(answered, s.w.Header(), slices.Equal) {
					t.Errorf("a request of a session that was %s changes the response header", ending.name)
				}
				wantSID(t, other, b.value(), false)
				e.wantRecordless(t, b.value())
				for _, key := range created {
					wantGone(t, e.node(t), key)
				}
			}
		}
	}
}

// Ended sessions stay ended.
var goneCases = []testCase{
	{
		name:     "gone/save",
		sentence: "S4",
		rule:     "A release does not bring back a session that has ended meanwhile: Save returns ErrDestroyed and changes no header.",
		check: func(t testing.TB, e *env) {
			eachEnding(t, e, 2*time.Millisecond, func(_ *session.Manager, s *flight) {
				s.set(t, values{"user": "eve"})
				for range 2 {
					wantErr(t, "Save", s.Save(t.Context()), session.ErrDestroyed)
				}
				wantErr(t, "Set", s.Set(t.Context(), "user", "eve"), session.ErrDestroyed)
				s.SessionRelease(t.Context(), s.w)
			})
		},
	},
	{
		name:     "gone/touch",
		sentence: "S4",
		rule:     "A release without changes does not bring back an ended session either, even if the deadline is due to be moved.",
		check: func(t testing.TB, e *env) {
			eachEnding(t, e, 2*e.resolution, func(_ *session.Manager, s *flight) {
				s.wantValues(t, values{"user": "ann"})
				wantErr(t, "Save", s.Save(t.Context()), session.ErrDestroyed)
			})
		},
	},
	{
		name:     "gone/increment",
		sentence: "S4",
		rule:     "Increment and Flush do not bring back an ended session either.",
		check: func(t testing.TB, e *env) {
			eachEnding(t, e, 2*time.Millisecond, func(_ *session.Manager, s *flight) {
				wantOK(t, "Flush", s.Flush(t.Context()))
				_, err := s.Increment(t.Context(), "n", 1)
				wantOK(t, "Increment", err)
				wantErr(t, "Save", s.Save(t.Context()), session.ErrDestroyed)
			})
		},
	},
	{
		name:     "gone/regenerate",
		sentence: "S4",
		rule:     "Regenerate does not bring back an ended session either: it returns ErrDestroyed and stores nothing under the new sid.",
		check: func(t testing.TB, e *env) {
			eachEnding(t, e, 2*time.Millisecond, func(_ *session.Manager, s *flight) {
				s.set(t, values{"role": "admin"})
				wantErr(t, "Regenerate", s.Regenerate(t.Context()), session.ErrDestroyed)
				wantErr(t, "Save", s.Save(t.Context()), session.ErrDestroyed)
			})
		},
	},
	{
		name:     "gone/under Handler",
		sentence: "S4",
		rule:     "Under Handler the same rules hold, and the response to a late request sends no cookie.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t, session.CfgTouchInterval(-1), session.CfgCookieLifeTime(600))
			for _, ending := range endings {
				b, w := visitor(t, m, values{"user": "ann"}), httptest.NewRecorder()
				time.Sleep(2 * time.Millisecond)
				m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, err := m.FromContext(r.Context())
					if err != nil {
						t.Fatalf("FromContext: %v", err)
					}
					wantOK(t, "Set", s.Set(r.Context(), "user", "eve"))
					ending.end(t, e, m, b)
					w.WriteHeader(http.StatusNoContent)
				})).ServeHTTP(w, b.request())
				if w.Code != http.StatusNoContent {
					t.Errorf("status %d, want that of the application", w.Code)
				}
				wantNoCookie(t, "a request of a session that was "+ending.name, w.Header())
				e.wantRecordless(t, b.value())
			}
		},
	},
	{
		name:     "gone/second start",
		sentence: "S4",
		rule:     "A renewed cookie is removed from the response if the same request finds that the session has ended.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t, session.CfgTouchInterval(-1), session.CfgCookieLifeTime(600), session.CfgLazy(true))
			for _, again := range []func(s *flight) (*session.Session, error){
				func(s *flight) (*session.Session, error) { return m.Start(s.w, s.r) },
				func(s *flight) (*session.Session, error) { return m.Regenerate(s.w, s.r) },
			} {
				b := visitor(t, m, values{"user": "ann"})
				time.Sleep(2 * e.resolution)
				s := b.start(t, m)
				b.destroy(t, m)
				next, err := again(s)
				if err != nil || next.SessionID(t.Context()) != "" {
					t.Errorf("Start or Regenerate = %v, want a session that is not stored yet", err)
				}
				wantNoCookie(t, "the response", s.w.Header())
			}
		},
	},
	{
		name:     "gone/between load and save",
		sentence: "S4",
		rule:     "If a session is saved close to its end, either the save is refused or it took effect before the end.",
		check: func(t testing.TB, e *env) {
			other := e.manager(t)
			var end func()
			for _, before := range []string{"save", "touch", "delete", "mark", "rename", "create"} {
				m := e.tapped(t, func(c call, do func() error) error {
					if c.method == before && end != nil && (c.final() || before != "delete" && before != "mark") {
						end()
						end = nil
					}
					return do()
				}, session.CfgTouchInterval(-1))
				for _, act := range []func(s *flight) error{
					func(s *flight) error { return s.Save(t.Context()) },
					func(s *flight) error { s.set(t, values{"user": "eve"}); return s.Save(t.Context()) },
					func(s *flight) error { return s.Regenerate(t.Context()) },
				} {
					b := visitor(t, other, values{"user": "ann"})
					time.Sleep(2 * e.resolution)
					s := b.start(t, m)
					end = func() { b.destroy(t, other) }
					err := act(s)
					if end != nil { // the call was not made
						end = nil
						wantOK(t, "Save or Regenerate", err)
						continue
					}
					wantErr(t, "Save or Regenerate", err, session.ErrDestroyed)
					wantNoCookie(t, "a late request", s.w.Header())
					wantSID(t, other, b.value(), false)
					wantSID(t, other, s.SessionID(t.Context()), false)
				}
			}
		},
	},
	{
		name:     "gone/at the same time",
		sentence: "S14",
		rule:     "Requests of one session that save, touch and regenerate while it is destroyed leave nothing behind.",
		check: func(t testing.TB, e *env) {
			nodes := []*session.Manager{e.manager(t, session.CfgTouchInterval(-1)), e.manager(t, session.CfgTouchInterval(-1))}
			for range 20 {
				b := visitor(t, nodes[0], values{"user": "ann"})
				time.Sleep(2 * e.resolution)
				flights := make([]*flight, 6)
				for i := range flights {
					flights[i] = b.start(t, nodes[i%2])
				}
				errs, sids := make([]error, len(flights)), make([]string, len(flights))
				together(len(flights)+1, func(i int) {
					if i == len(flights) {
						b.destroy(t, nodes[0])
						return
					}
					s := flights[i]
					if i < 2 {
						errs[i] = s.Set(t.Context(), "user", "eve")
					}
					if i == 2 {
						errs[i] = s.Regenerate(t.Context())
						sids[i] = s.SessionID(t.Context())
					}
					errs[i] = errors.Join(errs[i], s.Save(t.Context()))
				})
				for i, err := range errs {
					if err != nil && !errors.Is(err, session.ErrDestroyed) {
						t.Errorf("Save = %v, want none or ErrDestroyed", err)
					}
					if err != nil {
						wantNoCookie(t, "a late request", flights[i].w.Header())
					}
				}
				e.wantRecordless(t, b.value())
				// The one that regenerated was first, or it has failed.
				wantSID(t, nodes[1], sids[2], errs[2] == nil)
			}
		},
	},
}
