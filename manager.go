package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/cookies"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// A Manager starts, regenerates and destroys sessions for requests. It is safe for concurrent use; an
// application usually has one.
type Manager struct {
	cfg       *settings
	log       *slog.Logger
	secure    atomic.Bool
	word      string      // begins what the manager notes in requests
	noteName  string      // the cookie that it notes it in
	held      atomic.Bool // there was a Regenerate that failed: look for its note
	fixed     atomic.Bool // there was an UpdateExpiration: look for its note
	none      *request    // that of Sessions without one
	cookie    cookies.Writer
	elsewhere *cookies.Writer // where beego's cookie is another one; else nil
	codec     codec.Codec
	envelope  merge.Envelope

	backend   driver.Backend // one of these three is not nil
	sealer    driver.Sealer
	parts     int // how many cookies a session may take
	raw       Provider
	facade    Provider     // what GetProvider returns
	release   func() error // gives back the backend or sealer
	local     bool         // nothing waits: the backend is InProcess, or there is a sealer
	plainKeys bool

	store   *merge.Store // of backend; else nil
	stats   statistics
	watched watches

	closing  context.Context // over when Close is called
	cancel   context.CancelFunc
	mu       sync.Mutex // guards sweeping, and working against Close
	sweeping bool
	working  sync.WaitGroup
	calls    calls
}

// NewManager opens the provider that is registered under name, and makes a manager with it. The provider
// is the manager's own: nothing is shared in the process with other managers. cfg is not changed or kept.
// What is wrong with cfg is a [*ConfigError] that names the setting. Close the manager when it is no
// longer used.
func NewManager(name string, cfg *ManagerConfig) (*Manager, error) {
	if cfg != nil && cfg.Provider != "" && cfg.Provider != name {
		return nil, configErrorf("provider", "is %q, but NewManager is called for %q", cfg.Provider, name)
	}
	p, err := GetProvider(name)
	if err != nil {
		return nil, err
	}
	return New(p, cfg)
}

// Open is [NewManager] with the provider that cfg names.
func Open(cfg *ManagerConfig) (*Manager, error) {
	if cfg == nil {
		return New(nil, nil)
	}
	if cfg.Provider == "" {
		return nil, configErrorf("provider", "is not set")
	}
	return NewManager(cfg.Provider, cfg)
}

// New makes a manager with a provider of the application's own, such as one that uses a client which the
// application has opened. Managers made of the same p share its sessions, if they have the same namespace
// and providerConfig.
func New(p Provider, cfg *ManagerConfig) (*Manager, error) {
	s, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, configErrorf("provider", "is nil")
	}
	c, ok := codec.ByName(s.Codec)
	if !ok {
		return nil, configErrorf("codec", "unknown codec %q", s.Codec)
	}
	m := &Manager{cfg: s, log: s.Logger, cookie: newCookieWriter(s), elsewhere: newElsewhere(s), codec: c, parts: 1}
	if m.log == nil {
		m.log = defaultLogger()
	}
	m.envelope = newEnvelope(s, c)
	m.none = noRequest(m)
	m.secure.Store(s.Secure)
	m.word, m.noteName = rand.Text(), s.CookieName+".was"
	m.closing, m.cancel = context.WithCancel(context.Background())
	ctx, cancel := context.WithTimeout(m.closing, s.opTimeout)
	defer cancel()
	if err := m.attach(ctx, p, cfg); err != nil {
		m.cancel()
		return nil, err
	}
	return m, nil
}

// attach opens p for m, which is made with cfg.
func (m *Manager) attach(ctx context.Context, p Provider, cfg *ManagerConfig) error {
	own, ok := p.(*provider)
	if !ok {
		if m.cfg.MaxPerUser > 0 {
			return configErrorf("maxPerUser", "a third-party provider keeps no users: %w", errors.ErrUnsupported)
		}
		m.raw, m.facade, m.release = p, p, func() error { return nil }
		return openError(p.SessionInit(ctx, int64(m.cfg.idle/time.Second), m.cfg.ProviderConfig))
	}
	o, release, err := own.acquire(ctx, backendConfig(m.cfg, m.log))
	if err != nil {
		return openError(err)
	}
	if o.sealer != nil && m.cfg.encryption != nil {
		return errors.Join(configErrorf("encryptionKeys", "this provider has keys of its own"), release())
	}
	if o.sealer != nil && m.cfg.CookieEncode != nil {
		return errors.Join(configErrorf("CookieEncode", "this provider seals the cookie itself"), release())
	}
	m.backend, m.sealer, m.release = o.backend, o.sealer, release
	m.facade = own.facadeOf(m)
	if c, ok := o.sealer.(interface{ Cookies() driver.CookieConfig }); ok {
		if err := m.adapt(*cfg, c.Cookies()); err != nil {
			return errors.Join(err, release())
		}
	}
	_, inProcess := driver.As[driver.InProcess](m.backend)
	m.local = inProcess || m.sealer != nil
	if m.backend != nil {
		m.store = &merge.Store{Backend: m.backend, Envelope: m.envelope, Queue: o.saves, Local: m.local}
	}
	m.plainKeys = inProcess || m.cfg.Beego
	if _, ok := driver.As[driver.UserLimiter](m.backend); !ok && m.cfg.MaxPerUser > 0 {
		return errors.Join(configErrorf("maxPerUser", "this provider cannot limit the sessions of a user: %w",
			errors.ErrUnsupported), release())
	}
	return nil
}

// newEnvelope returns how values are stored under settings s.
func newEnvelope(s *settings, c codec.Codec) merge.Envelope {
	return merge.Envelope{
		Codec: c, Encryption: s.encryption, Beego: s.Beego, MaxBytes: s.maxBytes,
		Lifetimes: merge.Lifetimes{Idle: s.idle, Absolute: s.absolute, Touch: s.touchEvery},
	}
}

// adapt takes over what the provider's config says of the cookies. Settings that follow from others follow
// from those.
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
	m.cfg, m.cookie, m.elsewhere = s, newCookieWriter(s), newElsewhere(s)
	m.envelope = newEnvelope(s, m.codec)
	m.parts = min(max(c.Max, 1), cookies.MaxParts)
	m.noteName = s.CookieName + ".was"
	m.secure.Store(s.Secure)
	return nil
}

// openError says what failed, unless err names a setting.
func openError(err error) error {
	if _, ok := errors.AsType[*ConfigError](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("session: open provider: %w", err)
}

// Close stops the sweeper, waits for it and, for as long as opTimeout, for the calls of the store that are under way, a List
// among them, and gives back the provider. From then on requests get [ErrClosed]. A second call does nothing.
func (m *Manager) Close() error {
	m.mu.Lock()
	before := m.isClosed()
	m.cancel()
	m.mu.Unlock()
	m.working.Wait()
	m.watched.close()
	if before {
		return nil
	}
	m.calls.wait(m.cfg.opTimeout)
	return m.release()
}

// isClosed reports whether Close was called.
func (m *Manager) isClosed() bool { return m.closing.Err() != nil }

// work runs f in a goroutine that Close waits for. It reports false if the manager is closed.
func (m *Manager) work(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isClosed() {
		return false
	}
	m.working.Go(f)
	return true
}

// SetSecure sets whether cookies always have the attribute Secure; otherwise they have it on encrypted
// connections. It does not weaken what a cookie name's prefix, SameSite=None or partitioned demand.
func (m *Manager) SetSecure(secure bool) {
	m.secure.Store(secure || m.cfg.needsSecure())
}

// loadContext bounds what a request waits for the store. An in-process backend never waits.
func (m *Manager) loadContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if m.local {
		return ctx, func() {}
	}
	m.calls.begin()
	ctx, cancel := context.WithTimeout(ctx, m.cfg.opTimeout)
	return ctx, func() {
		cancel()
		m.calls.end()
	}
}

// saveContext is loadContext for what must be stored although the client has gone.
func (m *Manager) saveContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if m.local {
		return context.WithoutCancel(orBackground(ctx)), func() {}
	}
	return m.loadContext(context.WithoutCancel(orBackground(ctx)))
}
