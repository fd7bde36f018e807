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

// A Manager starts, regenerates and destroys sessions for requests. It is safe for concurrent use. An application usually
// has one. [NewManager], [Open] and [New] make Managers; the zero value cannot be used.
type Manager struct {
	cfg       *settings
	log       *slog.Logger
	secure    atomic.Bool
	word      string      // each note that the manager puts into a request begins with it
	noteName  string      // the name of the cookie that holds the note
	begun     string      // the note of a request that has begun a session, after "; "
	held      atomic.Bool // there was a Regenerate that failed: look for its note
	fixed     atomic.Bool // there was an UpdateExpiration: look for its note
	none      *request    // the request of Sessions that have none
	outside   *request    // the request of Sessions that have no sid either: see SessionByID
	cookie    cookies.Writer
	elsewhere *cookies.Writer // removes beego's cookie if that is a different one; else nil
	codec     codec.Codec
	envelope  merge.Envelope
	unborn    *merge.Version // what a Session has seen whose session is not stored

	engine     engine
	cannot     [abilities]error // nil for what the engine can do
	backend    driver.Backend   // the stored engine's; else nil
	facade     Provider         // what GetProvider returns
	release    func() error     // gives back the backend or sealer
	local      bool             // calls never wait: the backend is InProcess, or the clients hold the sessions
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

// NewManager opens the provider that is registered under name and returns a Manager that uses it. The Manager gets its own
// instance of the provider, which it does not share with other Managers in the process; [Provider] names the exception.
// NewManager copies cfg and does not change it.
//
// If a setting is wrong, the error is a [*ConfigError] that names it. Opening the provider takes at most opTimeout. The
// caller must call [Manager.Close] when the Manager is no longer used.
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

// Open is [NewManager] with the name in cfg.Provider. A nil cfg or an empty name is a [*ConfigError].
func Open(cfg *ManagerConfig) (*Manager, error) {
	if cfg == nil {
		return New(nil, nil)
	}
	if cfg.Provider == "" {
		return nil, configErrorf("provider", "is not set (registered: %s)", registered())
	}
	return NewManager(cfg.Provider, cfg)
}

// New makes a Manager that uses p, for example a provider around a client that the application has opened itself. Managers
// that are made with the same p share its sessions if they have the same Namespace, ProviderConfig and Beego. Errors and
// the use of cfg are those of [NewManager]; a nil p is a [*ConfigError].
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
	m.envelope, m.unborn = newEnvelope(s, c), merge.NewVersion(c)
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
		m.log.Warn("session: no client can return to its session: set enableSetCookie, EnableSidInHTTPHeader or EnableSidInURLQuery. " +
			"The first is false in a ManagerConfig literal, or in an empty config: was the error of json.Unmarshal checked?")
	}
	return m, nil
}

// Close stops the sweeper and waits for it. It then waits for calls of the store that are under way, including a
// [Manager.List], but not longer than opTimeout, and closes the provider unless another Manager still uses it. As soon as
// Close is called, requests get [ErrClosed]. A second call does nothing and returns nil.
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

// SetSecure(true) gives all cookies the attribute Secure. After SetSecure(false) only cookies on encrypted connections have
// it, unless the prefix of the cookie's name, SameSite=None or Partitioned requires it.
func (m *Manager) SetSecure(secure bool) {
	m.secure.Store(secure || m.cfg.needsSecure())
}

// loadContext limits how long a request waits for the store. An in-process backend never waits, so it gets no limit.
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

// saveContext is loadContext for a save, which goes on when the client has hung up.
func (m *Manager) saveContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return m.loadContext(context.WithoutCancel(orBackground(ctx)))
}

// calls counts the calls of the store that are under way.
type calls struct {
	n    atomic.Int64
	idle atomic.Pointer[chan struct{}] // told when the last one ends
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
