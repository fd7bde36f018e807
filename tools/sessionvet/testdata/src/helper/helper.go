// Package helper has the session of a request under Handler.
package helper

import (
	"net/http"

	"github.com/seed1a8f7c28/session"
)

// Session returns the session of r.
func Session(m *session.Manager, r *http.Request) (*session.Session, error) {
	return m.FromContext(r.Context())
}
