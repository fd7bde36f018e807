package sessiontest

import (
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/goroutines"
)

// What a manager leaves behind.
var closeCases = []testCase{{
	name:       "share/goroutines",
	sentence:   "S12",
	rule:       "Close stops the manager's goroutines and waits for them: the sweeper, the watch and those of the store's client.",
	clientSide: true,
	check: func(t testing.TB, e *env) {
		family := goroutines.NewFamily()
		family.Do(func() {
			m, err := session.New(e.provider(nil), e.config())
			if err != nil {
				t.Errorf("New: %v", err)
				return
			}
			m.GC()
			b := visitor(t, m, values{"a": "1"})
			s := b.start(t, m)
			s.Done()
			s.set(t, values{"a": "2"})
			wantOK(t, "Save", s.Save(t.Context()))
			b.destroy(t, m)
			wantOK(t, "Close", m.Close())
		})
		family.Gone(t)
	},
}}
