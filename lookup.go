package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
)

// GetSessionStore returns the session of a sid, outside any request. A sid that is unknown, expired or
// malformed is an error wrapping [ErrNotFound]; nothing begins. The caller must release the result. Client-side
// providers cannot do this: the error wraps [errors.ErrUnsupported].
func (m *Manager) GetSessionStore(sid string) (Store, error) {
	switch {
	case m.sealer != nil:
		return nil, unsupported("sessions are in the clients; a sid cannot name one")
	case !m.validSID(sid):
		return nil, ErrNotFound
	}
	ctx, cancel := m.loadContext(context.Background())
	defer cancel()
	return asStore(m.lookup(ctx, sid))
}

// lookup loads a session outside any request.
func (m *Manager) lookup(ctx context.Context, sid string) (*Session, error) {
	if m.isClosed() {
		return nil, ErrClosed
	}
	s := m.newSession()
	if err := s.find(ctx, sid); err != nil {
		return nil, fmt.Errorf("session: load: %w", err)
	}
	return s, nil
}

// read is lookup, but an absent session begins.
func (m *Manager) read(ctx context.Context, sid string) (*Session, error) {
	for try := 0; ; try++ {
		s, err := m.lookup(ctx, sid)
		if !errors.Is(err, ErrNotFound) {
			return s, err
		}
		// Somebody may begin it in between, or end it again: but not each time.
		if s, err = m.beginAs(ctx, sid); !errors.Is(err, ErrExists) || try == 3 {
			return s, err
		}
	}
}

// beginAs begins a session under sid, outside any request.
func (m *Manager) beginAs(ctx context.Context, sid string) (*Session, error) {
	s := m.newSession()
	s.sid = sid
	return s, s.ensure(ctx)
}

// GetActiveSession returns how many sessions are live, or 0 if the provider cannot tell.
func (m *Manager) GetActiveSession() int {
	return m.facade.SessionAll(context.Background())
}

func (m *Manager) count(ctx context.Context) int {
	c, ok := driver.As[driver.Counter](m.backend)
	if !ok {
		return 0
	}
	n, err := c.Count(ctx)
	if err != nil {
		m.report(ctx, nil, "count failed", err)
	}
	return n
}

// GetProvider returns the manager's provider, open: its methods work on the manager's sessions.
func (m *Manager) GetProvider() Provider { return m.facade }
