package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/internal/sealing"
)

// A Manager starts, regenerates and destroys sessions for requests. It is safe for concurrent use; an
// application usually has one.
type Manager struct {
	cfg    *settings
	log    *slog.Logger
	secure atomic.Bool
	word   string      // begins what the manager notes in requests
	stuck  atomic.Bool // there was a Regenerate that failed: look for its note
	cookie cookieWriter
	codec  codec
	atRest *sealing.Box // nil without encryption

	backend   Backend // one of these three is not nil
	sealer    Sealer
	raw       Provider
	facade    Provider     // what GetProvider returns
	release   func() error // gives back the backend or sealer
	local     bool         // the backend is InProcess
	plainKeys bool

	saves *saveQueue

	closing  context.Context // over when Close is called
	cancel   context.CancelFunc
	mu       sync.Mutex // guards closed and sweeping
	closed   bool
	sweeping bool
	working  sync.WaitGroup
	calls    atomic.Int64 // requests that wait for the store
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
	c, ok := codecByName(s.Codec)
	if !ok {
		return nil, configErrorf("codec", "unknown codec %q", s.Codec)
	}
	m := &Manager{cfg: s, log: s.Logger, cookie: newCookieWriter(s), codec: c, atRest: s.atRest}
	if m.log == nil {
		m.log = defaultLogger()
	}
	m.secure.Store(s.Secure)
	m.word = rand.Text()
	m.closing, m.cancel = context.WithCancel(context.Background())
	ctx, cancel := context.WithTimeout(m.closing, s.opTimeout)
	defer cancel()
	if err := m.attach(ctx, p); err != nil {
		m.cancel()
		return nil, err
	}
	return m, nil
}

// attach opens p for m.
func (m *Manager) attach(ctx context.Context, p Provider) error {
	own, ok := p.(*provider)
	if !ok {
		m.raw, m.facade, m.release = p, p, func() error { return nil }
		return openError(p.SessionInit(ctx, int64(m.cfg.idle/time.Second), m.cfg.ProviderConfig))
	}
	o, release, err := own.acquire(ctx, backendConfig(m.cfg, m.log))
	if err != nil {
		return openError(err)
	}
	if o.sealer != nil && m.atRest != nil {
		return errors.Join(configErrorf("encryptionKeys", "this provider has keys of its own"), release())
	}
	m.backend, m.sealer, m.saves, m.release = o.backend, o.sealer, o.saves, release
	m.facade = own.facadeOf(m)
	_, m.local = As[InProcess](m.backend)
	m.plainKeys = m.local || m.cfg.Beego
	return nil
}

// openError says what failed, unless err names a setting.
func openError(err error) error {
	if _, ok := errors.AsType[*ConfigError](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("session: open provider: %w", err)
}

// Close stops the sweeper, waits for it and for the calls of the store that are under way, and gives back
// the provider. From then on requests get [ErrClosed]. A second call does nothing.
func (m *Manager) Close() error {
	m.mu.Lock()
	before := m.closed
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	m.working.Wait()
	if before {
		return nil
	}
	for end := time.Now().Add(m.cfg.opTimeout); m.calls.Load() > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	return m.release()
}

// SessionStart is [Manager.Start] with the name and the result that beego's API has.
func (m *Manager) SessionStart(w http.ResponseWriter, r *http.Request) (Store, error) {
	return asStore(m.Start(w, r))
}

// Start returns the request's session. A visitor without one gets one, with a cookie: at once, or, if the
// manager is lazy, with the first value that is stored. The caller must call SessionRelease or Save,
// usually deferred. An error means that the store could not be asked: then nothing was answered, and the
// visitor still has the session.
//
// Start looks at cookies, then the query, then the header, as configured. When it answers a new sid it
// also puts it into r, so that a second Start with r finds the same session. Under Handler it returns the
// request's one Session.
func (m *Manager) Start(w http.ResponseWriter, r *http.Request) (*Session, error) {
	return m.start(w, r, !m.cfg.Lazy)
}

func (m *Manager) start(w http.ResponseWriter, r *http.Request, eager bool) (*Session, error) {
	if r == nil {
		return nil, errNoRequest
	}
	ctx, cancel := m.loadContext(r.Context())
	defer cancel()
	s, err := m.open(ctx, w, r)
	if err == nil && eager {
		err = s.ensure(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// open returns the session that the request carries, or one that is not stored yet.
func (m *Manager) open(ctx context.Context, w http.ResponseWriter, r *http.Request) (*Session, error) {
	if v := m.handledVisit(r.Context()); v != nil {
		return v.session(ctx, r.Context())
	}
	s := m.newSession()
	s.own = visit{m: m, http: httpExchange{w, r}}
	s.own.x = &s.own.http
	return s, s.arrive(ctx, &s.own)
}

// StartExchange is [Manager.Start] for another HTTP stack than net/http.
func (m *Manager) StartExchange(x Exchange) (*Session, error) {
	if x == nil {
		return nil, errNoRequest
	}
	ctx, cancel := m.loadContext(orBackground(x.Context()))
	defer cancel()
	s := m.newSession()
	s.own = visit{m: m, x: x}
	err := s.arrive(ctx, &s.own)
	if err == nil && !m.cfg.Lazy {
		err = s.ensure(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// arrive fills s with the session that the request carries, if any is live.
func (s *Session) arrive(ctx context.Context, v *visit) error {
	m := s.m
	s.v = v
	if m.closing.Err() != nil {
		return ErrClosed
	}
	v.answerRead()
	var buf [maxCandidates + 2]candidate
	candidates := v.candidates(buf[:0])
	for i, c := range candidates {
		if i == 0 {
			v.original = c.sid
		}
		err := s.find(ctx, c.sid)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("session: load: %w", err)
		}
		if v.came = c.by; len(candidates) > 1 {
			v.rewrite(c.sid, v.trace(), candidates[i+1:]...)
		}
		return s.arrived(v, c)
	}
	if len(candidates) > 0 {
		v.retract() // a Session of this request may have renewed the cookie before its session ended
	}
	return nil
}

// arrived answers a request whose sid c is live.
func (s *Session) arrived(v *visit, c candidate) error {
	switch {
	case s.m.sealer != nil:
		return s.renewSealed()
	case c.by == byHeader:
		v.answerHeader(c.sid)
	case c.by == byCookie && s.due && s.m.cfg.cookieMaxAge > 0 && s.m.cfg.EnableSetCookie:
		v.answerCookie(s.m.cookie.line(c.sid, v.secure()))
	}
	return nil
}

// find fills s with the live session of a sid that came from a client.
func (s *Session) find(ctx context.Context, sid string) error {
	switch {
	case s.m.raw != nil:
		return s.findRaw(ctx, sid)
	case s.m.sealer != nil:
		return s.unseal(sid)
	}
	return s.load(ctx, sid)
}

// ensure stores a session that is not stored yet.
func (s *Session) ensure(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status != unstored {
		return nil
	}
	if err := s.promisable(); err != nil {
		return err
	}
	if s.m.sealer != nil {
		return s.reseal(nil)
	}
	if s.m.raw != nil {
		return s.beginRaw(ctx)
	}
	return s.create(ctx)
}

// SessionRegenerateID is [Manager.Regenerate] with the name and the result that beego's API has.
func (m *Manager) SessionRegenerateID(w http.ResponseWriter, r *http.Request) (Store, error) {
	return asStore(m.Regenerate(w, r))
}

// Regenerate gives the request's session a new sid: see [Session.Regenerate]. A request without a live
// session gets a fresh one; one whose session others have ended since it was started gets [ErrDestroyed],
// and no cookie: theirs counts. What an older Session of the same request has changed, or will change, goes to
// the new sid too. The caller must release the result.
func (m *Manager) Regenerate(w http.ResponseWriter, r *http.Request) (*Session, error) {
	if r == nil {
		return nil, errNoRequest
	}
	ctx, cancel := m.saveContext(r.Context())
	defer cancel()
	s, err := m.open(ctx, w, r)
	switch {
	case err == nil:
		s.was = s.v.original // dead, if s is not stored; an older Session may have it
		err = s.regenerate(ctx)
	case s != nil && s.v != nil:
		s.v.stick()
	}
	if err == nil && !m.cfg.Lazy {
		err = s.ensure(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// SessionDestroy is [Manager.Destroy] for callers of beego's API; an error goes to the ErrorHandler and the
// Logger.
func (m *Manager) SessionDestroy(w http.ResponseWriter, r *http.Request) {
	if err := m.Destroy(w, r); err != nil {
		ctx, x := context.Background(), Exchange(nil)
		if r != nil {
			ctx, x = r.Context(), &httpExchange{w, r}
		}
		m.report(ctx, x, "destroy failed", err)
	}
}

// Destroy ends the session of the request, by whichever channel its sid came, and removes the cookie. No
// request that still uses the session can bring it back. With an error the session may still be there, and
// the client keeps its cookie. Later in the same request a Start begins a new session.
func (m *Manager) Destroy(w http.ResponseWriter, r *http.Request) error {
	if r == nil {
		return errNoRequest
	}
	if v := m.handledVisit(r.Context()); v != nil {
		return v.destroy()
	}
	v := &visit{m: m, http: httpExchange{w, r}}
	v.x = &v.http
	return v.end("")
}

// DestroyExchange is [Manager.Destroy] for another HTTP stack than net/http.
func (m *Manager) DestroyExchange(x Exchange) error {
	if x == nil {
		return errNoRequest
	}
	v := &visit{m: m, x: x}
	return v.end("")
}

// end destroys every session whose sid the request carries, and the one of sid, if there is one.
func (v *visit) end(sid string) error {
	if v.m.closing.Err() != nil {
		return ErrClosed
	}
	ctx, cancel := v.m.saveContext(v.x.Context())
	defer cancel()
	var buf [maxCandidates + 3]candidate
	candidates := v.requested(buf[:0])
	if sid != "" && !slices.ContainsFunc(candidates, func(c candidate) bool { return c.sid == sid }) {
		candidates = append(candidates, candidate{sid: sid})
	}
	if v.m.sealer == nil {
		for _, c := range candidates {
			if err := v.m.remove(ctx, c.sid); err != nil {
				return fmt.Errorf("session: destroy: %w", err)
			}
		}
	}
	v.answerNothing()
	return nil
}

// remove removes what is stored for a well-formed sid.
func (m *Manager) remove(ctx context.Context, sid string) error {
	if m.raw != nil {
		return hideSID(m.raw.SessionDestroy(ctx, sid), sid)
	}
	return m.backend.Delete(ctx, m.storageKey(sid), 0)
}

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
	if m.closing.Err() != nil {
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
		s = m.newSession()
		s.sid = sid
		// Somebody may begin it in between, or end it again: but not each time.
		if err = s.ensure(ctx); !errors.Is(err, ErrExists) || try == 3 {
			return s, err
		}
	}
}

// GetActiveSession returns how many sessions are live, or 0 if the provider cannot tell.
func (m *Manager) GetActiveSession() int {
	return m.facade.SessionAll(context.Background())
}

func (m *Manager) count(ctx context.Context) int {
	c, ok := As[Counter](m.backend)
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
	m.calls.Add(1)
	ctx, cancel := context.WithTimeout(ctx, m.cfg.opTimeout)
	return ctx, func() {
		cancel()
		m.calls.Add(-1)
	}
}

// saveContext is loadContext for what must be stored although the client has gone.
func (m *Manager) saveContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if m.local {
		return context.WithoutCancel(orBackground(ctx)), func() {}
	}
	return m.loadContext(context.WithoutCancel(orBackground(ctx)))
}

var errNoRequest = errors.New("session: request is nil")
