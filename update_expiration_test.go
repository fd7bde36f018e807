package session_test

import (
	"net/http"
	"testing"
	"time"
)

// What a request has changed stays in its log while UpdateExpiration stores the session as another request has left it: the Save
// after it makes the changes of what is stored then.
func TestUpdateExpirationBetweenAnUpdateAndItsSave(t *testing.T) {
	for kind, open := range bothKinds {
		t.Run(kind, func(t *testing.T) {
			m := newNode(t, open(t))
			c := seed(t, m, map[any]any{"n": 1})
			c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // where the two have one Session
				s := current(t, m, r)
				err := s.Update(r.Context(), "n", func(old any) (any, error) { return old.(int) + 1, nil })
				if err != nil {
					t.Fatal(err)
				}
				c.do(func(w http.ResponseWriter, r *http.Request) {
					other := start(t, m, w, r)
					set(t, other, "n", 10)
					save(t, other)
				})
				if err := m.UpdateExpiration(w, r, time.Hour); err != nil {
					t.Fatal(err)
				}
				save(t, s)
			})).ServeHTTP)
			if got := c.value(t, m, "n"); got != 11 {
				t.Errorf("n = %v, want 11", got)
			}
		})
	}
}
