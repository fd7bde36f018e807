// Package imports gets its sessions from another package, which knows of Handler. // want package:"passes Handler"
package imports

import (
	"net/http"

	"example.com/shop/helper"
	"github.com/seed1a8f7c28/session"
)

func login(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
	before, err := helper.Session(m, r)
	if err != nil || before.User() != "" {
		return err
	}
	sess, err := m.Regenerate(w, r)
	if err != nil {
		return err
	}
	return sess.Set(r.Context(), "user", "ann")
}
