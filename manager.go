package session

import (
	"context"
	"crypto/rand"
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
	begun     string      // that of a request that has begun a session, behind "; "
	held      atomic.Bool // there was a Regenerate that failed: look for its note
	fixed     atomic.Bool // there was an UpdateExpiration: look for its note
	none      *request    // that of Sessions without one
	outside   *request    // that of Sessions that have no sid either: see SessionByID
	cookie    cookies.Writer
	elsewhere *cookies.Writer // where beego's cookie is another one; else nil
	codec     codec.Codec
	envelope  merge.Envelope

	engine     engine
	cannot     [abilities]error // nil for what the engine can do
	backend    driver.Backend   // the stored engine's; else nil
	facade     Provider         // what GetProvider returns
	release    func() error     // gives back the backend or sealer
	local      bool             // nothing waits: the backend is InProcess, or sessions are in the clients
	plainKeys  bool             // the backend gets bare sids as keys
	losesTypes bool             // a value that is read back may have another type
	parts      int              // how many cookies a session may take; 0 where one holds the sid
	maxPart    int              // the number of the last cookie that may be the session's

	stats   statistics
	watched watches

	closing  context.Context // over when Close is called
	cancel   context.CancelFunc
	mu       sync.Mutex // guards sweeping, and working against Close
	sweeping bool       // GC was called, or has nothing to do
	working  sync.WaitGroup
	calls    calls
}

// NewManager opens the provider that is registered under name, and makes a manager with it. The provider
// is the manager's own: nothing is shared in the process with other managers. cfg is not changed or kept.
// What is wrong with cfg is a [*ConfigError] that names the setting. Close the manager when it is no
// longer used.
func NewManager(name string, cfg *ManagerConfig) (*Manager, error) {
	if cfg != nil && cfg.Provider != "" && cfg.Provider != name {
		return nil, configErrorf("provider", "is %q, but NewManager was called for %q", cfg.Provider, name)
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
	m := &Manager{cfg: s, log: s.Logger, cookie: newCookieWriter(s), codec: c}
	if m.log == nil {
		m.log = defaultLogger
	}
	m.envelope = newEnvelope(s, c)
	m.none = noRequest(m, noReply{m})
	m.outside = noRequest(m, outsideReply{noReply{m}})
	m.secure.Store(s.Secure)
	m.word = rand.Text()
	m.nameNotes()
	m.closing, m.cancel = context.WithCancel(context.Background())
	ctx, cancel := context.WithTimeout(m.closing, s.opTimeout)
	defer cancel()
	if err := m.attach(ctx, p, cfg); err != nil {
		m.cancel()
		return nil, err
	}
	for _, warning := range s.warnings {
		m.log.WarnContext(ctx, "session: "+warning)
	}
	if c := m.cfg; !c.EnableSetCookie && !c.EnableSidInHTTPHeader && !c.EnableSidInURLQuery {
		m.log.Warn("session: no client can return to its session: set enableSetCookie, which is false in a ManagerConfig literal, " +
			"EnableSidInHTTPHeader or EnableSidInURLQuery")
	}
	return m, nil
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
	return m.loadContext(context.WithoutCancel(orBackground(ctx)))
}

// calls counts the calls of the store that are under way.
type calls struct {
	n    atomic.Int64
	idle atomic.Pointer[chan struct{}] // who waits for the last to end
}

func (c *calls) begin() { c.n.Add(1) }

func (c *calls) end() {
	if c.n.Add(-1) > 0 {
		return
	}
	if idle := c.idle.Load(); idle != nil {
		select {
		case *idle <- struct{}{}:
		default:
		}
	}
}

// wait waits until no call is under way, but no longer than most.
func (c *calls) wait(most time.Duration) {
	idle := make(chan struct{}, 1)
	c.idle.Store(&idle)
	over := time.NewTimer(most)
	defer over.Stop()
	for c.n.Load() > 0 {
		select {
		case <-idle:
		case <-over.C:
			return
		}
	}
}
