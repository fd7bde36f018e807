package cookie_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// Visitors share the provider's memory. None gets to see another's values.
func TestVisitorsAtTheSameTime(t *testing.T) {
	m := newManager(t, oneKey)
	other := newManager(t, oneKey, session.CfgCookieName("other"), session.CfgNamespace("another application"))
	var visitors sync.WaitGroup
	for visitor := range 8 {
		visitors.Go(func() {
			b := newBrowser(t)
			for i := range 60 {
				m := []*session.Manager{m, other}[i%2]
				want := fmt.Sprint(visitor, " ", i, " ", text(i*visitor*20))
				b.visit(m, func(s *session.Session) { set(t, s, "text", want) })
				if b.value(m, "text") != want {
					t.Errorf("visitor %d, request %d: the text is another", visitor, i)
				}
			}
		})
	}
	visitors.Wait()
}

// Goroutines of one request share its Session, and all that they change is in the answer.
func TestGoroutinesOfARequest(t *testing.T) {
	m := newManager(t, oneKey)
	b := seeded(t, m)
	b.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var working sync.WaitGroup
		for i := range 8 {
			working.Go(func() {
				s, err := m.FromContext(r.Context())
				if err != nil {
					t.Error(err)
					return
				}
				for range 20 {
					if _, err := s.Increment(r.Context(), "n", 1); err != nil {
						t.Error(err)
					}
				}
				if err := s.Set(r.Context(), i, text(500)); err != nil {
					t.Error(err)
				}
			})
		}
		working.Wait()
		fmt.Fprint(w, "body")
	})).ServeHTTP)
	b.visit(m, func(s *session.Session) {
		for i := range 8 {
			if v, _ := s.Get(t.Context(), i).(string); len(v) != 500 {
				t.Errorf("what goroutine %d has set is lost", i)
			}
		}
		if n := s.Get(t.Context(), "n"); fmt.Sprint(n) != "160" {
			t.Errorf("n = %v, want 160", n)
		}
	})
}
