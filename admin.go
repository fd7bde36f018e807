package session

import (
	"context"
	"fmt"
	"iter"
	"regexp"

	"github.com/seed1a8f7c28/session/driver"
)

// List yields the live sessions, in no particular order, each one that is live throughout exactly once. After an
// error it yields no more. Where the provider cannot list, the one error wraps [errors.ErrUnsupported]. What it
// costs the store is in the provider's documentation.
func (m *Manager) List(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		m.calls.begin()
		defer m.calls.end()
		l, err := optionalOf[driver.Lister](m, "list sessions")
		if err != nil {
			yield(Info{}, err)
			return
		}
		for e, err := range l.List(orBackground(ctx)) {
			if err != nil {
				yield(Info{}, fmt.Errorf("session: list: %w", err))
				return
			}
			if !yield(m.info(&e, m.cfg.idle), nil) {
				return
			}
		}
	}
}

// Count returns how many sessions are live. Where the provider cannot tell the error wraps
// [errors.ErrUnsupported].
func (m *Manager) Count(ctx context.Context) (int, error) {
	m.calls.begin()
	defer m.calls.end()
	c, err := optionalOf[driver.Counter](m, "count sessions")
	if err != nil {
		return 0, err
	}
	n, err := c.Count(orBackground(ctx))
	if err != nil {
		return 0, fmt.Errorf("session: count: %w", err)
	}
	return n, nil
}

// Ping reports whether the store can be reached. A client-side provider always can.
func (m *Manager) Ping(ctx context.Context) error {
	if m.sealer != nil && !m.isClosed() {
		return nil
	}
	p, err := optionalOf[driver.Pinger](m, "be pinged")
	if err != nil {
		return err
	}
	ctx, cancel := m.loadContext(orBackground(ctx))
	defer cancel()
	if err := p.Ping(ctx); err != nil {
		m.stats.count(failures)
		return fmt.Errorf("session: ping: %w", err)
	}
	return nil
}

// publicIDShape is a SHA-256 in base64url.
var publicIDShape = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// DestroyByID ends a session, named by its sid or by its public id. If there is none, or id has neither shape, the
// error wraps [ErrNotFound]. On the memory provider, and in beego mode, a public id is looked for in the
// list of all sessions.
func (m *Manager) DestroyByID(ctx context.Context, id string) error {
	m.calls.begin()
	defer m.calls.end()
	if m.backend == nil {
		return unsupported("this provider cannot end a session by its id")
	}
	if m.isClosed() {
		return ErrClosed
	}
	ctx = orBackground(ctx)
	key, err := m.keyOf(ctx, id)
	if err != nil {
		return err
	}
	var rec driver.Record
	loading, cancel := m.loadContext(ctx)
	err = m.backend.Load(loading, key, &rec)
	cancel()
	if err != nil {
		return fmt.Errorf("session: destroy: %w", err)
	}
	return m.revoke(ctx, key, rec.User)
}

// keyOf returns the storage key of a sid or a public id.
func (m *Manager) keyOf(ctx context.Context, id string) (string, error) {
	switch {
	case m.validSID(id):
		return m.storageKey(id), nil
	case !publicIDShape.MatchString(id):
		return "", ErrNotFound
	case !m.plainKeys:
		return id, nil
	}
	l, err := optionalOf[driver.Lister](m, "find a session by its public id")
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

// DestroyAll ends all sessions of the manager's namespace, on all nodes. OnDestroy is not called for each. Where the
// provider cannot the error wraps [errors.ErrUnsupported].
func (m *Manager) DestroyAll(ctx context.Context) error {
	m.calls.begin()
	defer m.calls.end()
	c, err := optionalOf[driver.Clearer](m, "end all sessions")
	if err != nil {
		return err
	}
	if err := c.Clear(orBackground(ctx)); err != nil {
		return fmt.Errorf("session: destroy: %w", err)
	}
	m.recheckAll()
	return nil
}

// optionalOf returns what the backend can do besides, if it can.
func optionalOf[T any](m *Manager, what string) (T, error) {
	t, ok := driver.As[T](m.backend)
	switch {
	case !ok:
		return t, unsupported("this provider cannot %s", what)
	case m.isClosed():
		return t, ErrClosed
	}
	return t, nil
}
