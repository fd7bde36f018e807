package sessiontest

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Sessions that live longer or shorter than the others.
var lifetimeCases = []testCase{
	{
		name:     "lifetime/of its own",
		sentence: "S5",
		rule:     "A session's own lifetime applies on every node, to touches too, and stays with the session under a new sid.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			const month = 30 * 24 * time.Hour
			b := visitor(t, m, values{"a": "1"})
			b.visit(t, m, func(s *flight) { wantOK(t, "SetLifetime", s.SetLifetime(t.Context(), month)) })
			e.wantLeft(t, "set", b, month)
			e.hasten(t, b.value(), func(rec *driver.Record) { rec.Expires = time.Now().Add(time.Hour).Truncate(time.Millisecond) })
			b.visit(t, other, nil)
			e.wantLeft(t, "used on another node", b, month)
			b = b.regenerate(t, other)
			e.wantLeft(t, "regenerated", b, month)
			b.wantValues(t, m, values{"a": "1"})
		},
	},
	{
		name:     "lifetime/shorter",
		notBeego: true,
		sentence: "S5",
		rule:     "SetLifetime and UpdateExpiration can also move the deadline earlier, and nothing that the same request stores moves it back.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			b := visitor(t, m, values{"a": "1"})
			b.visit(t, m, func(s *flight) { wantOK(t, "SetLifetime", s.SetLifetime(t.Context(), 10*time.Minute)) })
			e.wantLeft(t, "set", b, 10*time.Minute)
			b.visit(t, other, func(s *flight) {
				wantOK(t, "UpdateExpiration", other.UpdateExpiration(s.w, s.r, 5*time.Minute))
				s.set(t, values{"a": "2"})
			})
			e.wantLeft(t, "updated", b, 5*time.Minute)
			b.wantValues(t, m, values{"a": "2"})
		},
	},
	{
		name:     "lifetime/shift",
		sentence: "S5",
		rule:     "ShiftExpiration moves the deadline when it is called, even if the deadline is not due.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t, session.CfgTouchInterval(59*time.Minute))
			b := visitor(t, m, values{"a": "1"})
			e.hasten(t, b.value(), func(rec *driver.Record) {
				rec.Expires = time.Now().Add(50 * time.Minute).Truncate(time.Millisecond)
			})
			wantOK(t, "ShiftExpiration", m.ShiftExpiration(httptest.NewRecorder(), b.request()))
			e.wantLeft(t, "shifted", b, time.Hour)
		},
	},
}

// wantLeft checks how long the browser's session still lives unused, give or take what a slow machine needs.
func (e *env) wantLeft(t testing.TB, when string, b *browser, want time.Duration) {
	t.Helper()
	if left := time.Until(e.stored(t, b.value()).Expires); left > want+e.resolution || left < want-time.Minute {
		t.Errorf("%s: the session has %v left, want %v", when, left, want)
	}
}
