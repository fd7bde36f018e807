package sessiontest

import (
	"slices"
	"testing"
)

// Messages that are shown once.
var flashCases = []testCase{
	{
		name:       "flash/next request",
		sentence:   "S2",
		rule:       "The next request that asks for flash messages gets them in the order in which they were added. No later request gets them.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m, ctx := e.manager(t), t.Context()
			b := visitor(t, m, values{"a": "1"})
			b.visit(t, m, func(s *flight) {
				wantOK(t, "AddFlash", s.AddFlash(ctx, "one"))
				wantOK(t, "AddFlash", s.AddFlash(ctx, "two"))
				wantOK(t, "SetFlash", s.SetFlash(ctx, "k", "three"))
			})
			b.visit(t, m, func(s *flight) {
				s.wantFlashes(t, "one", "two")
				if v, err := s.GetFlash(ctx, "k"); v != "three" || err != nil {
					t.Errorf("GetFlash = %v, %v", v, err)
				}
				s.wantValues(t, values{"a": "1"})
			})
			if s := b.start(t, m); s.HasFlash(ctx) {
				t.Error("a message was shown and is still there")
			}
		},
	},
	{
		name:     "flash/added meanwhile",
		sentence: "S3",
		rule:     "A flash message is not lost if another request adds or takes messages at the same time, even if it equals one that is taken.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			b := visitor(t, m, nil)
			adds, also := b.start(t, m), b.start(t, other)
			for _, s := range []*flight{adds, also} {
				wantOK(t, "AddFlash", s.AddFlash(t.Context(), "same"))
				wantOK(t, "Save", s.Save(t.Context()))
			}
			takes := b.start(t, m)
			takes.wantFlashes(t, "same", "same")
			b.visit(t, other, func(s *flight) { wantOK(t, "AddFlash", s.AddFlash(t.Context(), "same")) })
			wantOK(t, "Save", takes.Save(t.Context()))
			b.start(t, other).wantFlashes(t, "same")
		},
	},
}

// wantFlashes takes the messages of the list without a name.
func (s *flight) wantFlashes(t testing.TB, want ...any) {
	t.Helper()
	if got, err := s.Flashes(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("Flashes = %v, %v; want %v", got, err, want)
	}
}
