package sessiontest

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// sealerCases are rules for client-side stores alone.
var sealerCases = []testCase{
	{
		name:       "sealed/one cookie",
		sentence:   "S9",
		rule:       "What a cookie cannot hold is refused with ErrTooLarge, and the cookie stays as it is.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			b := visitor(t, m, values{"a": "1"})
			s := b.start(t, m)
			large := make([]byte, 4096)
			rand.Read(large) // cannot be compressed
			wantErr(t, "Set", s.Set(t.Context(), "b", large), session.ErrTooLarge)
			wantNoCookie(t, "the response", s.w.Header())
			s.set(t, values{"c": strings.Repeat("x", 1000)})
			b.take(s.w.Header())
			b.wantValues(t, m, values{"a": "1", "b": nil, "c": strings.Repeat("x", 1000)})
			if n := len(cookieName) + len(b.value()); n > 4096 {
				t.Errorf("the cookie has %d bytes, a browser keeps 4096", n)
			}
		},
	},
	{
		name:       "sealed/outage",
		sentence:   "S8",
		rule:       "A session that cannot be sealed is an error, and the cookie stays as it is.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			var broken bool
			mine := *e
			mine.seal = func(ctx context.Context, c session.BackendConfig) (session.Sealer, error) {
				s, err := e.seal(ctx, c)
				return failingSealer{s, &broken}, err
			}
			m := mine.manager(t)
			b := visitor(t, m, values{"user": "ann"})
			s := b.start(t, m)
			broken = true
			wantErr(t, "Set", s.Set(t.Context(), "user", "bob"), errInjected)
			wantErr(t, "Regenerate", s.Regenerate(t.Context()), errInjected)
			wantNoCookie(t, "the response", s.w.Header())
			w := httptest.NewRecorder()
			_, err := m.Start(w, new(browser).request())
			wantErr(t, "Start", err, errInjected)
			wantNoCookie(t, "the response to a new visitor", w.Header())
			broken = false
			s.wantValues(t, values{"user": "ann"})
			b.wantValues(t, m, values{"user": "ann"})
		},
	},
	{
		name:       "sealed/changed cookie",
		sentence:   "S11",
		rule:       "A sealed cookie of which any bit, or the length, was changed is no session, and nobody else's.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			v := visitor(t, m, values{"user": "ann"})
			other := visitor(t, m, values{"user": "bob"})
			whole := v.value()
			half := len(whole) / 2
			changed := []string{whole[:half] + other.value()[min(half, len(other.value())):], other.value() + whole, whole + whole}
			for _, data := range damaged([]byte(whole)) {
				if !bytes.ContainsAny(data, "\x00\r\n;\" ") { // which a cookie's value cannot hold
					changed = append(changed, string(data))
				}
			}
			for _, cookie := range changed {
				if cookie == whole {
					continue
				}
				s, err := m.Start(httptest.NewRecorder(), with(cookie).request())
				if err != nil || !s.IsNew() || s.Get(t.Context(), "user") != nil {
					t.Fatalf("Start with a changed cookie: %v; want a fresh session", err)
				}
			}
			v.wantValues(t, m, values{"user": "ann"})
		},
	},
	{
		name:       "sealed/another cookie",
		sentence:   "S11",
		rule:       "What was sealed under one cookie name does not open under another.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			v := visitor(t, e.manager(t), values{"user": "ann"})
			other := e.manager(t, session.CfgCookieName("other"))
			s := (&browser{"other=" + v.value()}).start(t, other)
			if !s.IsNew() {
				t.Error("it was accepted")
			}
		},
	},
}

// failingSealer seals nothing while *broken.
type failingSealer struct {
	session.Sealer
	broken *bool
}

func (s failingSealer) Seal(dst []byte, name string, rec *session.Record) ([]byte, error) {
	if *s.broken {
		return nil, errInjected
	}
	return s.Sealer.Seal(dst, name, rec)
}
