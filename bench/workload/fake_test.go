package workload

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// A fake is a library that keeps maps, with what can be wrong with one.
type fake struct {
	copies bool // a request has values of its own, and writes all of them back

	forgets bool                        // a Set stores nothing
	mixes   bool                        // all have one session
	changes func(key string, v any) any // what Get returns

	mu       sync.Mutex
	sessions map[string]map[string]any
}

type fakeSession struct {
	id     string
	values map[string]any
}

func (f *fake) app() *App {
	f.sessions = make(map[string]map[string]any)
	calls := Calls[HTTP, *fakeSession]{Open: f.open, Get: f.get, Set: f.set, Destroy: f.destroy}
	if f.copies {
		calls.Save = f.save
	}
	return OnHTTP(calls, nil)
}

func (f *fake) open(c HTTP) (*fakeSession, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := rand.Text()
	if cookie, err := c.R.Cookie("fake"); err == nil {
		id = cookie.Value
	} else {
		http.SetCookie(c.W, &http.Cookie{Name: "fake", Value: id})
	}
	if f.mixes {
		id = "all"
	}
	s := &fakeSession{id, f.sessions[id]}
	if f.copies {
		s.values = maps.Clone(s.values)
		if roles, ok := s.values["roles"].([]string); ok {
			s.values["roles"] = slices.Clone(roles)
		}
	}
	if s.values == nil {
		s.values = make(map[string]any)
		f.sessions[id] = s.values
	}
	return s, nil
}

func (f *fake) get(_ HTTP, s *fakeSession, key string) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changes != nil {
		return f.changes(key, s.values[key]), nil
	}
	return s.values[key], nil
}

func (f *fake) set(_ HTTP, s *fakeSession, key string, value any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.forgets && s.values[key] != nil {
		return nil
	}
	s.values[key] = value
	return nil
}

func (f *fake) save(_ HTTP, s *fakeSession) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions[s.id] = s.values
	return nil
}

func (f *fake) destroy(_ HTTP, s *fakeSession) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sessions, s.id)
	return nil
}
