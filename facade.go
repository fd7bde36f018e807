package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
)

// SessionInit opens the provider for use without a Manager. A second call replaces the first.
func (p *provider) SessionInit(_ context.Context, lifetime int64, config string) error {
	if p.origin != nil {
		return errors.New("session: this provider belongs to a manager and is already open")
	}
	m, err := New(p, NewManagerConfig(CfgMaxLifeTime(lifetime), CfgGcLifeTime(lifetime), CfgProviderConfig(config)))
	if err != nil {
		return err
	}
	p.mu.Lock()
	before := p.m
	p.m = m
	p.mu.Unlock()
	if before != nil {
		return before.Close()
	}
	return nil
}

// Close closes what SessionInit opened.
func (p *provider) Close() error {
	if p.origin != nil {
		return nil
	}
	p.mu.Lock()
	m := p.m
	p.m = nil
	p.mu.Unlock()
	if m == nil {
		return nil
	}
	return m.Close()
}

var errNotOpened = errors.New("session: provider is not open: use the one that Manager.GetProvider returns, or call SessionInit first")

// maxFacadeSID is more than the length of any sid that a Manager makes: a prefix of 64 characters, and 64 bytes in hex.
const maxFacadeSID = 256

// facade calls do with the manager behind p, or returns an error if there is none or one of sids is not acceptable.
func (p *provider) facade(ctx context.Context, do func(ctx context.Context, m *Manager) error, sids ...string) error {
	p.mu.Lock()
	m := p.m
	p.mu.Unlock()
	switch {
	case m == nil:
		return errNotOpened
	case m.cannot[bySID] != nil:
		return m.cannot[bySID]
	case m.isClosed():
		return ErrClosed
	}
	for _, sid := range sids {
		if sid == "" || len(sid) > maxFacadeSID {
			return fmt.Errorf("session: a sid must be 1 to %d bytes long", maxFacadeSID)
		}
		if m.cfg.Beego && !m.validSID(sid) { // it is the storage key
			return errors.New("session: in beego mode a sid must have the shape of the manager's own sids")
		}
	}
	ctx, cancel := m.loadContext(orBackground(ctx))
	defer cancel()
	return do(ctx, m)
}

func (p *provider) SessionRead(ctx context.Context, sid string) (store Store, err error) {
	err = p.facade(ctx, func(ctx context.Context, m *Manager) error {
		store, err = asStore(m.read(ctx, sid))
		return err
	}, sid)
	return store, err
}

func (p *provider) SessionExist(ctx context.Context, sid string) (bool, error) {
	err := p.facade(ctx, func(ctx context.Context, m *Manager) error {
		_, err := m.lookup(ctx, sid)
		return err
	}, sid)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (p *provider) SessionRegenerate(ctx context.Context, oldsid, sid string) (store Store, err error) {
	err = p.facade(ctx, func(ctx context.Context, m *Manager) error {
		s, err := m.lookup(ctx, oldsid)
		if errors.Is(err, ErrNotFound) {
			s, err = m.beginAs(ctx, sid) // what is there under sid is another's
		} else if err == nil {
			err = s.regenerateAs(ctx, sid, "")
		}
		store, err = asStore(s, err)
		return err
	}, oldsid, sid)
	return store, err
}

func (p *provider) SessionDestroy(ctx context.Context, sid string) error {
	return p.facade(ctx, func(ctx context.Context, m *Manager) error {
		events, err := m.engine.remove(ctx, sid)
		if err != nil {
			return fmt.Errorf("session: destroy: %w", err)
		}
		tell(events...)
		return nil
	}, sid)
}

func (p *provider) SessionAll(ctx context.Context) (n int) {
	err := p.facade(ctx, func(ctx context.Context, m *Manager) error {
		n = m.count(ctx)
		return nil
	})
	if errors.Is(err, errNotOpened) {
		p.warnNotOpened(ctx)
	}
	return n
}

// warnNotOpened logs what methods that return no error cannot say. An application may ask for a new provider each time, so
// all providers that come from one log it once.
func (p *provider) warnNotOpened(ctx context.Context) {
	p.warned.Do(func() { defaultLogger.WarnContext(orBackground(ctx), errNotOpened.Error()) })
}

func (p *provider) SessionGC(ctx context.Context) {
	p.mu.Lock()
	m := p.m
	p.mu.Unlock()
	if m == nil {
		p.warnNotOpened(ctx)
		return
	}
	m.sweep(ctx)
}

// GetSessionStore returns the session with this sid, outside any request. If the sid is unknown, expired or malformed, the
// error wraps [ErrNotFound], and no session begins. The caller must release the result. With a client-side provider the
// error wraps [errors.ErrUnsupported].
func (m *Manager) GetSessionStore(sid string) (Store, error) {
	switch {
	case m.cannot[bySID] != nil:
		return nil, m.cannot[bySID]
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
	if err := m.engine.find(ctx, s, sid); err != nil {
		return nil, fmt.Errorf("session: load: %w", err)
	}
	return s, nil
}

// read is lookup, except that a session begins if there is none.
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

// GetActiveSession returns how many sessions are live, or 0 if the provider cannot tell. An error of the store goes to
// ErrorHandler and Logger; [Manager.Count] returns it.
func (m *Manager) GetActiveSession() int {
	return m.facade.SessionAll(context.Background())
}

func (m *Manager) count(ctx context.Context) int {
	c, err := optional[driver.Counter](m, counting)
	if err != nil {
		return 0
	}
	n, err := c.Count(ctx)
	if err != nil {
		m.report(ctx, nil, "count failed", err)
	}
	return n
}

// GetProvider returns the manager's provider. It is open, and its methods work on the manager's sessions.
func (m *Manager) GetProvider() Provider { return m.facade }
