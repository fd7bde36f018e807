package sessiontest

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// Nothing that exceeds the limits is stored.
var limitCases = []testCase{
	{
		name:       "limit/one value",
		sentence:   "S9",
		rule:       "A value larger than maxBytes is refused with ErrTooLarge and changes nothing.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t, session.CfgMaxBytes(2000))
			b := visitor(t, m, values{"a": "1"})
			b.visit(t, m, func(s *flight) {
				wantErr(t, "Set", s.Set(t.Context(), "a", strings.Repeat("x", 2001)), session.ErrTooLarge)
				s.wantValues(t, values{"a": "1"})
				s.set(t, values{"b": "2"})
			})
			b.wantValues(t, m, values{"a": "1", "b": "2"})
		},
	},
	{
		name:       "limit/all values",
		sentence:   "S9",
		rule:       "Values that together exceed maxBytes are refused with ErrTooLarge, and what was stored before stays.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t, session.CfgMaxBytes(2000))
			b := visitor(t, m, values{"a": "1"})
			s := b.start(t, m)
			var refused error
			for _, key := range []string{"x", "y", "z"} {
				if err := s.Set(t.Context(), key, strings.Repeat(key, 900)); err != nil {
					refused = err
				}
			}
			if e.seal == nil {
				refused = s.Save(t.Context())
			}
			wantErr(t, "Set or Save", refused, session.ErrTooLarge)
			s.wantValues(t, values{"a": "1"})
			b.take(s.w.Header())
			b.wantValues(t, m, values{"a": "1", "z": nil})
		},
	},
	{
		name:     "limit/large",
		sentence: "S9",
		rule:     "A session of half a megabyte is stored, and a Flush makes room.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			large := strings.Repeat("0123456789abcdef", 1<<15)
			b := visitor(t, m, values{"a": large})
			b.wantValues(t, m, values{"a": large})
			s := b.start(t, m)
			s.set(t, values{"b": large, "c": "1"})
			wantErr(t, "Save", s.Save(t.Context()), session.ErrTooLarge)
			b.wantValues(t, m, values{"a": large, "b": nil})
			wantOK(t, "Flush", s.Flush(t.Context()))
			s.set(t, values{"b": large})
			wantOK(t, "Save", s.Save(t.Context()))
			b.wantValues(t, m, values{"a": nil, "b": large, "c": nil})
		},
	},
	{
		name:     "limit/lowered",
		sentence: "S9",
		rule: "A session of up to four times maxBytes can still be opened and made smaller. A larger one is refused with ErrTooLarge " +
			"before it is decoded. Destroy still works on it.",
		check: func(t testing.TB, e *env) {
			large := strings.Repeat("x", 3000)
			b := visitor(t, e.manager(t), values{"a": large})
			m := e.manager(t, session.CfgMaxBytes(1000))
			s := b.start(t, m)
			s.wantValues(t, values{"a": large})
			s.set(t, values{"b": "1"})
			wantErr(t, "Save", s.Save(t.Context()), session.ErrTooLarge)

			stats := 0
			low := e.manager(t, session.CfgMaxBytes(700), session.CfgOnDestroy(func(context.Context, session.Event) { stats++ }))
			w := httptest.NewRecorder()
			_, err := low.Start(w, b.request())
			wantErr(t, "Start", err, session.ErrTooLarge)
			wantNoCookie(t, "the response", w.Header())
			_, err = low.Regenerate(httptest.NewRecorder(), b.request())
			wantErr(t, "Regenerate", err, session.ErrTooLarge)
			b.wantValues(t, m, values{"a": large})

			wantOK(t, "Delete", s.Delete(t.Context(), "a"))
			wantOK(t, "Save", s.Save(t.Context()))
			b.wantValues(t, low, values{"a": nil, "b": "1"})

			b = visitor(t, e.manager(t), values{"a": large})
			b.destroy(t, low)
			e.wantRecordless(t, b.value())
			if stats != 1 {
				t.Errorf("OnDestroy was called %d times, want once", stats)
			}
		},
	},
}
