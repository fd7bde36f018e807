package sessiontest

import (
	"crypto/rand"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// A new sid for the same session.
var regenerateCases = []testCase{
	{
		name:     "regenerate/old sid is dead",
		sentence: "S7",
		rule:     "When Regenerate returns, the old sid is dead on every node, and the new one has the values.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			for how, regenerate := range map[string]func(s *flight) (*session.Session, error){
				"Session.Regenerate": func(s *flight) (*session.Session, error) { return s.Session, s.Regenerate(t.Context()) },
				"Manager.Regenerate": func(s *flight) (*session.Session, error) { return m.Regenerate(s.w, s.r) },
			} {
				b := visitor(t, m, values{"cart": "book"})
				old, before := *b, e.stored(t, b.value())
				s := b.start(t, m)
				next, err := regenerate(s)
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				b.take(s.w.Header())
				if b.value() == old.value() || b.value() != next.SessionID(t.Context()) {
					t.Errorf("%s: the cookie is not the new sid", how)
				}
				e.wantRecordless(t, old.value())
				for _, node := range []*session.Manager{m, other} {
					wantSID(t, node, old.value(), false)
					e.wantReplaced(t, &old, node)
					b.wantValues(t, node, values{"cart": "book"})
				}
				after := e.stored(t, b.value())
				e.wantTime(t, "Created", after.Created, before.Created)
				e.wantTime(t, "Deadline", after.Deadline, before.Deadline)
			}
		},
	},
	{
		name:       "regenerate/keeps values",
		sentence:   "S2",
		rule:       "A request that regenerates keeps its values, and its later changes are stored too.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			b := visitor(t, m, values{"cart": "book"})
			var before, after string
			b.visit(t, m, func(s *flight) {
				before = s.SessionID(t.Context())
				s.set(t, values{"user": "ann"})
				wantOK(t, "Regenerate", s.Regenerate(t.Context()))
				after = s.SessionID(t.Context())
				s.wantValues(t, values{"cart": "book", "user": "ann"})
				s.set(t, values{"role": "admin"})
			})
			if before == after || before == "" || after == "" {
				t.Error("the sid is the same")
			}
			b.wantValues(t, m, values{"cart": "book", "user": "ann", "role": "admin"})
		},
	},
	{
		name:     "regenerate/acknowledged saves",
		sentence: "S7",
		rule:     "A save that was acknowledged before the old record ended is part of the new record.",
		check: func(t testing.TB, e *env) {
			other := e.manager(t)
			for _, rounds := range []int{1, 3} { // as often the copy is out of date again
				b, saved := new(browser), 0
				m := e.tapped(t, func(c call, do func() error) error {
					if c.final() && saved < rounds {
						saved++
						b.visit(t, other, func(s *flight) {
							s.set(t, values{"theirs": saved})
							_, err := s.Increment(t.Context(), "n", 1)
							wantOK(t, "Increment", err)
						})
					}
					return do()
				})
				*b = *visitor(t, m, values{"a": "1", "n": int64(0)})
				s := b.start(t, m)
				s.set(t, values{"mine": "1"})
				_, err := s.Increment(t.Context(), "n", 10)
				wantOK(t, "Increment", err)
				wantOK(t, "Regenerate", s.Regenerate(t.Context()))
				if saved != rounds {
					t.Fatalf("%d saves came in between, want %d", saved, rounds)
				}
				wantSID(t, other, b.value(), false)
				b.take(s.w.Header())
				for _, node := range []*session.Manager{m, other} {
					b.wantValues(t, node, values{"a": "1", "mine": "1", "theirs": rounds, "n": int64(10 + rounds)})
				}
			}
		},
	},
	{
		name:     "regenerate/destroyed in between",
		sentence: "S7",
		rule:     "If a session is destroyed while it is copied, it is gone: ErrDestroyed, no copy, no cookie.",
		check: func(t testing.TB, e *env) {
			other := e.manager(t)
			var b *browser
			var created string
			m := e.tapped(t, func(c call, do func() error) error {
				if c.method == "create" {
					created = c.key
				}
				if c.final() {
					b.destroy(t, other)
				}
				return do()
			})
			b = visitor(t, m, values{"a": "1"})
			s := b.start(t, m)
			wantErr(t, "Regenerate", s.Regenerate(t.Context()), session.ErrDestroyed)
			wantErr(t, "Save", s.Save(t.Context()), session.ErrDestroyed)
			wantNoCookie(t, "the response", s.w.Header())
			wantGone(t, e.node(t), created)
			e.wantRecordless(t, b.value())
		},
	},
	{
		name:     "regenerate/evicted in between",
		sentence: "S7",
		rule:     "If the store drops the copy before the old record ends, the copy is made again.",
		check: func(t testing.TB, e *env) {
			other, node := e.manager(t), e.node(t)
			var b *browser
			var created string
			evicted := false
			m := e.tapped(t, func(c call, do func() error) error {
				if c.method == "create" {
					created = c.key
				}
				if c.final() && !evicted { // with the save that makes the copy out of date
					evicted = true
					wantOK(t, "Delete", node.Delete(t.Context(), created, 0))
					b.visit(t, other, func(s *flight) { s.set(t, values{"theirs": "2"}) })
				}
				return do()
			})
			b = visitor(t, m, values{"a": "1"})
			s := b.start(t, m)
			created = Key("a store that renames makes no copy")
			wantOK(t, "Regenerate", s.Regenerate(t.Context()))
			wantSID(t, other, b.value(), false)
			b.take(s.w.Header())
			b.wantValues(t, other, values{"a": "1", "theirs": "2"})
		},
	},
	{
		name:     "regenerate/one wins",
		sentence: "S7",
		rule:     "If two requests regenerate the same session, one gets a new sid and the other ErrDestroyed.",
		check: func(t testing.TB, e *env) {
			nodes := []*session.Manager{e.manager(t), e.manager(t)}
			for _, node := range nodes {
				b := visitor(t, nodes[0], values{"a": "1"})
				first, second := b.start(t, nodes[0]), b.start(t, node)
				wantOK(t, "Regenerate", first.Regenerate(t.Context()))
				wantErr(t, "the second Regenerate", second.Regenerate(t.Context()), session.ErrDestroyed)
				wantNoCookie(t, "the second response", second.w.Header())
				wantSID(t, node, first.SessionID(t.Context()), true)
			}
		},
	},
	{
		name:     "regenerate/privileges",
		sentence: "S7",
		rule:     "What the request changed is never stored under the old sid.",
		check: func(t testing.TB, e *env) {
			var old string
			m := e.tapped(t, func(c call, do func() error) error {
				if c.key == old && (c.method == "save" || c.method == "create") || c.newKey != "" && c.newKey == old {
					t.Errorf("%s under the old sid", c.method)
				}
				return do()
			})
			for range 2 {
				old = ""
				b := visitor(t, m, values{"a": "1"})
				s := b.start(t, m)
				node := e.node(t)
				old = e.storageKey(node, b.value())
				s.set(t, values{"role": "admin"})
				wantOK(t, "Regenerate", s.Regenerate(t.Context()))
				s.set(t, values{"user": "root"})
				wantOK(t, "Save", s.Save(t.Context()))
			}
		},
	},
	{
		name:     "regenerate/fails halfway",
		sentence: "S7",
		rule:     "If the store fails between the two steps, the old session is still there and the client keeps its sid.",
		check: func(t testing.TB, e *env) {
			for _, broken := range []string{"create", "delete", "rename", "mark"} {
				var down bool
				m := e.tapped(t, func(c call, do func() error) error {
					if down && c.method == broken {
						return errInjected
					}
					return do()
				})
				b := visitor(t, m, values{"a": "1"})
				s := b.start(t, m)
				s.set(t, values{"role": "admin"})
				down = true
				err := s.Regenerate(t.Context())
				down = false
				if err == nil { // the call is not one that this store needs
					continue
				}
				wantErr(t, "Regenerate", err, errInjected)
				wantNoCookie(t, "the response", s.w.Header())
				if s.SessionID(t.Context()) != b.value() {
					t.Error("the session has another sid")
				}
				b.wantValues(t, m, values{"a": "1", "role": nil})
				wantOK(t, "Regenerate, again", s.Regenerate(t.Context()))
				wantSID(t, m, b.value(), false)
				b.take(s.w.Header())
				b.wantValues(t, m, values{"a": "1", "role": "admin"})
			}
		},
	},
	{
		name:     "regenerate/older session",
		sentence: "S7",
		rule:     "An older Session of the request that regenerates continues under the new sid.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			for _, twice := range []bool{false, true} {
				b := visitor(t, m, values{"cart": "book", "n": int64(1)})
				old := b.value()
				s := b.start(t, m)
				s.set(t, values{"before": "1"})
				for range map[bool]int{false: 1, true: 2}[twice] {
					_, err := m.Regenerate(s.w, s.r)
					wantOK(t, "Regenerate", err)
				}
				s.set(t, values{"after": "2"})
				_, err := s.Increment(t.Context(), "n", 1)
				wantOK(t, "Increment", err)
				wantOK(t, "Save", s.Save(t.Context()))
				b.take(s.w.Header())
				wantSID(t, m, old, false)
				b.wantValues(t, m, values{"cart": "book", "before": "1", "after": "2", "n": int64(2)})
			}
		},
	},
	{
		name:     "regenerate/taken",
		sentence: "S7",
		rule:     "Regenerating to a sid that another session already has, from an application's own generator, returns ErrExists and changes neither session.",
		check: func(t testing.TB, e *env) {
			next := rand.Text()
			m := e.manager(t, session.CfgSessionIDGenerator(func(session.Exchange) (string, error) { return next, nil }))
			ann := visitor(t, m, values{"user": "ann"})
			taken := next
			next = rand.Text()
			eve := visitor(t, m, values{"user": "eve"})
			next = taken
			s := eve.start(t, m)
			s.set(t, values{"role": "admin"})
			wantErr(t, "Regenerate", s.Regenerate(t.Context()), session.ErrExists)
			wantNoCookie(t, "the response", s.w.Header())
			ann.wantValues(t, m, values{"user": "ann", "role": nil})
			eve.wantValues(t, m, values{"user": "eve", "role": nil})
		},
	},
	{
		name:     "regenerate/dead sid",
		sentence: "S7",
		rule:     "Regenerating a sid that belongs to no session gives a fresh session.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			b := visitor(t, m, values{"a": "1"})
			b.destroy(t, m)
			w := httptest.NewRecorder()
			s, err := m.Regenerate(w, b.request())
			if err != nil || !s.IsNew() || s.SessionID(t.Context()) == b.value() {
				t.Fatalf("Regenerate = %v, want a new session", err)
			}
			b.take(w.Header())
			b.wantValues(t, m, values{"a": nil})
			wantSID(t, m, b.value(), true)
		},
	},
}
