package sessiontest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// NewRequest returns a request of a visitor who has a session with the given values, for tests of an application's handler.
// The request comes from [httptest.NewRequest] and has no body. The test fails and ends if the session cannot be stored.
func NewRequest(t testing.TB, m *session.Manager, method, target string, values map[any]any) *http.Request {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	AddSession(t, m, r, values)
	return r
}

// AddSession adds a session of m with the given values to r, as if the visitor had sent its cookie. If r already has a live
// session, the values are added to it. AddSession returns the session as stored. A lazy manager stores no session without
// values. The test fails and ends if the session cannot be stored.
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
