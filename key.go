package session

import (
	"context"
	"fmt"
	"regexp"

	"github.com/seed1a8f7c28/session/driver"
)

// storageKey returns the key under which a backend keeps the session. It is the public id, so that nobody learns a sid from
// the store. Backends that never leave the process and beego's formats use the sid itself.
func (m *Manager) storageKey(sid string) string {
	if m.plainKeys {
		return sid
	}
	return m.publicID(sid)
}

// publicIDOf returns the public id of the session under a storage key.
func (m *Manager) publicIDOf(key string) string {
	if m.plainKeys {
		return m.publicID(key)
	}
	return key
}

// keyOf returns the storage key of a public id.
func (m *Manager) keyOf(ctx context.Context, id string) (string, error) {
	switch {
	case !publicIDShape.MatchString(id):
		return "", ErrNotFound
	case !m.plainKeys:
		return id, nil
	}
	l, err := optional[driver.Lister](m, listing)
	if err != nil {
		return "", err
	}
	for e, err := range l.List(ctx) {
		if err != nil {
			return "", fmt.Errorf("session: list: %w", err)
		}
		if m.publicID(e.Key) == id {
			return e.Key, nil
		}
	}
	return "", ErrNotFound
}

// publicIDShape is a SHA-256 in base64url.
var publicIDShape = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
