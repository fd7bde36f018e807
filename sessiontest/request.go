package sessiontest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// NewRequest returns a request, for a test of an application's handler, of a visitor who has a session with
// the given values. The request is one for [httptest.NewRequest], without a body. If the session cannot be
// stored the test ends.
func NewRequest(t testing.TB, m *session.Manager, method, target string, values map[any]any) *http.Request {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	AddSession(t, m, r, values)
	return r
}

// AddSession gives r a session of m with the given values, as if the visitor had sent its cookie; if r has a
// live one, the values go there. It returns the session as stored. With a lazy manager and no values there
// is none. If the session cannot be stored the test ends.
func AddSession(t testing.TB, m *session.Manager, r *http.Request, values map[any]any) *session.Session {
	t.Helper()
	s, err := m.Start(httptest.NewRecorder(), r)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	ctx := context.WithoutCancel(r.Context())
	for key, value := range values {
		if err := s.Set(ctx, key, value); err != nil {
			t.Fatalf("Set %v: %v", key, err)
		}
	}
	if err := s.Save(ctx); err != nil {
		t.Fatalf("Save: %v", err)
	}
	return s
}
