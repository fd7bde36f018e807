// Package underhandler has its requests pass through Handler. // want package:"passes Handler"
package underhandler

import (
	"net/http"

	"github.com/seed1a8f7c28/session"
)

func login(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
	sess, err := m.Regenerate(w, r)
	if err != nil {
		return err
	}
	return sess.Set(r.Context(), "user", "ann")
}

func rename(m *session.Manager, r *http.Request, sid string) error {
	sess, err := m.GetSessionStore(sid) // want `the session sess is never released`
	if err != nil {
		return err
	}
	return sess.Set(r.Context(), "user", "eve")
}

func serve(m *session.Manager, use func(func(http.Handler) http.Handler)) { use(m.Handler) }
