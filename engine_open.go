package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/cookies"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// attach opens p and gives m its engine. cfg is the config that m was made with.
func (m *Manager) attach(ctx context.Context, p Provider, cfg *ManagerConfig) error {
	own, ok := p.(*provider)
	if !ok {
		m.engine, m.facade, m.release = &foreignEngine{m, p}, p, func() error { return nil }
		if err := m.enable(); err != nil {
			return err
		}
		return openError(p.SessionInit(ctx, int64(m.cfg.idle/time.Second), m.cfg.ProviderConfig))
	}
	o, release, err := own.acquire(ctx, backendConfig(m.cfg, m.log))
	if err != nil {
		return openError(err)
	}
	m.facade, m.release = own.facadeOf(m), release
	m.losesTypes = !m.codec.KeepsTypes() // a third-party provider keeps values as they are
	if o.sealer != nil {
		err = m.attachSealer(o.sealer, cfg)
	} else {
		m.attachBackend(o)
	}
	if err == nil {
		err = m.enable()
	}
	if err != nil {
		return errors.Join(err, release())
	}
	return nil
}

func (m *Manager) attachBackend(o *opened) {
	m.backend = o.backend
	m.local = has[driver.InProcess](m)
	m.plainKeys = m.local || m.cfg.Beego
	store := &merge.Store{Backend: o.backend, Envelope: m.envelope, Queue: o.saves, Local: m.local}
	store.Keeper, _ = o.backend.(merge.Keeper) // one that another wraps would be used past that
	switch {
	case has[driver.Marker](m):
		store.MarkFor = m.cfg.markFor
	case m.cfg.markFor > 0 && !m.cfg.Beego:
		m.log.Warn("session: markLifetime has no effect, because the provider's engine is no driver.Marker: a late request with the sid " +
			"from before a login gets a new cookie, which replaces the login's. A negative markLifetime turns this warning off")
	}
	m.engine = &storedEngine{drafted{m}, store}
}

func (m *Manager) attachSealer(s driver.Sealer, cfg *ManagerConfig) error {
	switch {
	case m.cfg.seal != nil:
		return configErrorf("encryptionKeys", "this provider uses its own keys")
	case m.cfg.CookieEncode != nil:
		return configErrorf("CookieEncode", "this provider seals the cookie itself")
	}
	m.parts = 1
	if c, ok := s.(interface{ Cookies() driver.CookieConfig }); ok {
		if err := m.adapt(*cfg, c.Cookies()); err != nil {
			return err
		}
	}
	m.local, m.maxPart, m.elsewhere = true, cookies.MaxParts-1, newElsewhere(m.cfg)
	// The session is in a cookie, whatever the settings say, and in our form, which has a place for metadata.
	m.cfg.EnableSetCookie, m.cfg.EnableSidInURLQuery, m.cfg.EnableSidInHTTPHeader = true, false, false
	m.envelope.Beego = false
	sizer, _ := s.(driver.SealSizer)
	m.engine = &sealedEngine{drafted{m}, s, sizer}
	return nil
}

// enable notes what the engine cannot do, and refuses settings that need it.
func (m *Manager) enable() error {
	m.cannot = m.unable()
	m.sweeping = m.cannot[sweeping] != nil
	if m.cannot[userLimits] != nil && m.cfg.MaxPerUser > 0 {
		return configErrorf("maxPerUser", "this provider cannot limit the sessions of a user: %w", errors.ErrUnsupported)
	}
	if l, ok := driver.As[driver.KeyLimiter](m.backend); ok && m.plainKeys {
		return m.cfg.checkSIDFits(l.MaxKey())
	}
	return nil
}

// newEnvelope returns how values are stored under settings s.
func newEnvelope(s *settings, c codec.Codec) merge.Envelope {
	return merge.Envelope{
		Codec: c, Seal: s.seal, Beego: s.Beego, MaxBytes: s.maxBytes,
		Lifetimes: merge.Lifetimes{Idle: s.idle, Absolute: s.absolute, Touch: s.touchEvery},
	}
}

// adapt takes the settings of the cookies from the provider's config, and derives the settings that follow from them again.
func (m *Manager) adapt(cfg ManagerConfig, c driver.CookieConfig) error {
	if c.Name != "" {
		cfg.CookieName = c.Name
	}
	if c.MaxAge != 0 {
		cfg.CookieLifeTime = c.MaxAge
	}
	cfg.Secure = cfg.Secure || c.Secure
	s, err := cfg.resolve()
	if err != nil {
		wrong, _ := errors.AsType[*ConfigError](err) // which is what resolve returns
		switch wrong.Field {
		case "cookieName":
			return configErrorf("providerConfig.cookieName", "%w", wrong.Err)
		case "cookieLifeTime":
			return configErrorf("providerConfig.maxage", "%w", wrong.Err)
		}
		return configErrorf("providerConfig", "%s: %w", wrong.Field, wrong.Err)
	}
	m.cfg, m.cookie = s, newCookieWriter(s)
	m.envelope = newEnvelope(s, m.codec)
	m.parts = min(max(c.Max, 1), cookies.MaxParts)
	m.nameNotes()
	m.secure.Store(s.Secure)
	return nil
}

// openError says that opening the provider failed, unless err names a setting.
func openError(err error) error {
	if _, ok := errors.AsType[*ConfigError](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("session: open provider: %w", err)
}

// opened is a backend or sealer that a provider has opened, with the number of managers that share it.
type opened struct {
	backend driver.Backend
	sealer  driver.Sealer
	saves   *merge.Queue
	users   int
}

// acquire opens a backend or a sealer, or returns one that is already open. release gives it back; the last user closes it.
func (p *provider) acquire(ctx context.Context, c driver.Config) (o *opened, release func() error, err error) {
	if p.origin != nil {
		return p.origin.acquire(ctx, c)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := c
	id.Logger, id.Lifetime = nil, 0
	o = p.shared[id]
	if o == nil {
		if o, err = p.openNew(ctx, c); err != nil {
			return nil, nil, err
		}
		if p.shared == nil {
			p.shared = make(map[driver.Config]*opened)
		}
		p.shared[id] = o
	}
	o.users++
	return o, func() error { return p.release(id) }, nil
}

func (p *provider) openNew(ctx context.Context, c driver.Config) (*opened, error) {
	var (
		o   = opened{saves: merge.NewQueue()}
		err error
	)
	switch {
	case p.open != nil:
		o.backend, err = p.open(ctx, c)
	case p.seal != nil:
		o.sealer, err = p.seal(ctx, c)
	}
	if err == nil && o.backend == nil && o.sealer == nil {
		err = errors.New("the provider returned nil without an error")
	}
	return &o, err
}

func (p *provider) release(id driver.Config) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.shared[id]
	if o.users--; o.users > 0 {
		return nil
	}
	delete(p.shared, id)
	return o.close()
}

func (o *opened) close() error {
	if c, ok := driver.As[io.Closer](o.backend); ok {
		return c.Close()
	}
	if c, ok := o.sealer.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// backendConfig returns the config with which a provider is opened under settings s.
func backendConfig(s *settings, log *slog.Logger) driver.Config {
	return driver.Config{
		Config:    s.ProviderConfig,
		Namespace: s.Namespace,
		Lifetime:  s.idle,
		Beego:     s.Beego,
		Logger:    log,
	}
}
