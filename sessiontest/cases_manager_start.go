package sessiontest

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// unknownSID has the shape of a sid, but no manager made it.
var unknownSID = strings.Repeat("ab", 16)

// malformedSIDs are values that a client may send instead of a sid.
var malformedSIDs = []string{
	"", "0", "0123", unknownSID[1:], unknownSID + "0", unknownSID + "00", unknownSID + "\x00", strings.ToUpper(unknownSID),
	" " + unknownSID, unknownSID + "\r\nset x 0 0 1", "../../../etc/passwd", "..%2f..%2fetc", "/etc/passwd", "*", "{x}",
	"' OR 1=1 --", "%00", "ä" + unknownSID[2:], strings.Repeat("é", 16), unknownSID[:31] + "g",
	`"`, `"` + unknownSID, strings.Repeat("a", 64<<10), Key(unknownSID), "null", "[]", "$(id)",
}

// Only the server makes sids.
var startCases = []testCase{
	{
		name:       "start/unknown cookie",
		sentence:   "S1",
		rule:       "A sid that the server did not make is never adopted: the visitor gets another sid.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			for _, cookie := range append([]string{unknownSID}, malformedSIDs...) {
				with(cookie).wantFresh(t, m, strings.ToValidUTF8(cookie[:min(len(cookie), 50)], "?"))
			}
		},
	},
	{
		name:     "start/nothing under an unknown sid",
		sentence: "S1",
		rule:     "Whatever a request with an unknown sid does, nothing is stored under that sid.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			for _, act := range []func(s *flight){
				func(s *flight) { s.set(t, values{"user": "eve"}) },
				func(s *flight) { wantOK(t, "Flush", s.Flush(t.Context())) },
				func(s *flight) { wantOK(t, "Regenerate", s.Regenerate(t.Context())) },
				func(s *flight) {
					_, err := m.Regenerate(s.w, s.r)
					wantOK(t, "Regenerate", err)
				},
			} {
				attacker := with(unknownSID)
				attacker.visit(t, m, act)
				e.wantRecordless(t, unknownSID)
				wantSID(t, m, unknownSID, false)
			}
		},
	},
	{
		name:     "start/dead sid",
		sentence: "S1",
		rule:     "A sid that was destroyed, was replaced by Regenerate or has expired is never adopted and shows no values.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			for how, end := range map[string]func(b *browser){
				"destroyed":   func(b *browser) { b.destroy(t, other) },
				"regenerated": func(b *browser) { b.regenerate(t, other) },
				"expired":     func(b *browser) { e.expire(t, b.value()) },
			} {
				b := visitor(t, m, values{"user": "ann"})
				dead := *b
				end(b)
				if how == "regenerated" {
					e.wantReplaced(t, &dead, m)
					e.wantRecordless(t, dead.value())
					continue
				}
				dead.wantFresh(t, m, how)
				b.visit(t, m, func(s *flight) {
					s.wantValues(t, values{"user": nil})
					s.set(t, values{"user": "eve"})
				})
				e.wantRecordless(t, dead.value())
			}
		},
	},
	{
		name:     "start/malformed sid",
		sentence: "S1",
		rule:     "A value without the exact shape of a sid never reaches a store.",
		check: func(t testing.TB, e *env) {
			var calls []string
			m := e.tapped(t, func(c call, do func() error) error {
				calls = append(calls, c.method)
				return do()
			}, session.CfgLazy(true), session.CfgEnableSidInURLQuery(true),
				session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session"))
			for _, sid := range malformedSIDs {
				r := with(sid).request()
				r.Header["X-Session"] = []string{sid}
				r.URL.RawQuery = cookieName + "=" + sid
				s, err := m.Start(httptest.NewRecorder(), r)
				if err != nil || s.SessionID(t.Context()) != "" {
					t.Errorf("Start: %v, and the session has a sid: %t", err, s.SessionID(t.Context()) != "")
				}
				wantOK(t, "Destroy", m.Destroy(httptest.NewRecorder(), r))
				wantSID(t, m, sid, false)
			}
			if len(calls) > 0 {
				t.Errorf("the store was called: %v", calls)
			}
		},
	},
	{
		name:       "start/sids",
		sentence:   "S1",
		rule:       "The server makes each sid, no sid appears twice, and no part of a sid stays the same.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			const n = 100
			m := e.manager(t)
			seen := make(map[string]bool)
			var at [32]map[byte]bool
			for range n {
				sid := new(browser).start(t, m).SessionID(t.Context())
				if !regexp.MustCompile("^[0-9a-f]{32}$").MatchString(sid) || seen[sid] {
					t.Fatalf("a sid has %d characters or came twice", len(sid))
				}
				seen[sid] = true
				for i := range at {
					if at[i] == nil {
						at[i] = make(map[byte]bool)
					}
					at[i][sid[i]] = true
				}
			}
			for i, chars := range at {
				if len(chars) < 8 { // 16 are possible
					t.Errorf("at place %d, %d sids have only %d different digits", i, n, len(chars))
				}
			}
		},
	},
	{
		name:     "start/finds the session",
		sentence: "S1",
		rule:     "The cookie that a response sets belongs to the session on every node, and is not set again.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			b := visitor(t, m, values{"user": "ann"})
			sid := b.value()
			for _, node := range []*session.Manager{m, other} {
				header := b.visit(t, node, func(s *flight) {
					s.wantValues(t, values{"user": "ann"})
					if s.IsNew() || s.SessionID(t.Context()) != sid {
						t.Errorf("IsNew = %t, same sid %t", s.IsNew(), s.SessionID(t.Context()) == sid)
					}
				})
				wantNoCookie(t, "a request with a live sid", header)
			}
		},
	},
	{
		name:       "start/new",
		sentence:   "S1",
		rule:       "IsNew tells whether the session was already stored when the request arrived. This holds for each Session of the request until the session ends.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			is := func(when string, s *session.Session, want bool) {
				t.Helper()
				if s.IsNew() != want {
					t.Errorf("%s: IsNew = %t, want %t", when, s.IsNew(), want)
				}
			}
			b, w, r := new(browser), httptest.NewRecorder(), new(browser).request()
			start := func(m *session.Manager) *session.Session {
				t.Helper()
				s, err := m.Start(w, r)
				wantOK(t, "Start", err)
				return s
			}
			first := start(m)
			is("a visitor without a session", first, true)
			wantOK(t, "Set", first.Set(t.Context(), "a", "1"))
			wantOK(t, "Save", first.Save(t.Context()))
			is("after Save", first, true)
			is("a second Start", start(m), true)
			next, err := m.Regenerate(w, r)
			wantOK(t, "Regenerate", err)
			is("after Regenerate", next, true)
			is("a Start after Regenerate", start(m), true)
			b.take(w.Header())
			b.visit(t, e.manager(t), func(s *flight) { is("the next request, on another node", s.Session, false) })

			w, r = httptest.NewRecorder(), b.request()
			is("another request", start(m), false)
			is("its second Start", start(m), false)
			wantOK(t, "Destroy", m.Destroy(w, r))
			is("a Start after Destroy", start(m), true)
			is("a second Start after Destroy", start(m), true)

			lazy := e.manager(t, session.CfgLazy(true))
			w, r = httptest.NewRecorder(), new(browser).request()
			is("a lazy session", start(lazy), true)
			lazy.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s, err := lazy.FromContext(r.Context())
				wantOK(t, "FromContext", err)
				is("under Handler, before anything is stored", s, true)
				wantOK(t, "Set", s.Set(t.Context(), "a", "1"))
				wantOK(t, "Save", s.Save(t.Context()))
				is("under Handler, after Save", s, true)
			})).ServeHTTP(w, r)
		},
	},
	{
		name:     "start/several cookies",
		sentence: "S1",
		rule:     "If others have planted cookies of the session's name, the live one is found among them.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			b := visitor(t, m, values{"user": "ann"})
			for _, planted := range []string{"evil", unknownSID, unknownSID + "; " + cookieName + "=" + unknownSID[:30] + "cd"} {
				before := &browser{cookieName + "=" + planted + "; " + b.cookie}
				before.wantValues(t, m, values{"user": "ann"})
				after := &browser{b.cookie + "; " + cookieName + "=" + planted}
				after.wantValues(t, m, values{"user": "ann"})
			}
		},
	},
}
