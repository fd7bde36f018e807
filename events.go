package session

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
)

// An Event says what became of a session. It holds nothing that lets anyone in.
type Event struct {
	ID       string // the session's public id, for OnRegenerate the new one
	Previous string // for OnRegenerate, the public id until then
	User     string // who is logged in, "" for nobody
	Reason   Reason // for OnDestroy
}

// A Reason says why a session was destroyed.
type Reason string

const (
	ReasonLogout  Reason = "logout"  // by its own client: Destroy, Logout
	ReasonRevoked Reason = "revoked" // by somebody else: DestroyUser, DestroyOf, DestroyByID, DestroyAll
	ReasonLimit   Reason = "limit"   // by a login beyond maxPerUser
	ReasonExpired Reason = "expired" // by nobody: the sweep of one node has removed it, see [Manager.GC]
)

// An EventHandler is called in the goroutine that caused the event, after the store has done it and with no
// lock held: it may use the manager and the session. The request waits for it. ctx has the values of the
// request's, or of the call's, and never ends.
type EventHandler func(ctx context.Context, e Event)

// later has h called with e once s is unlocked. The caller holds mu.
func (s *Session) later(ctx context.Context, h EventHandler, e Event) {
	if h != nil {
		ctx = context.WithoutCancel(ctx) // it is over before h is called
		s.queue(func() { h(ctx, e) })
	}
}

// queue has what is given called once s is unlocked. The caller holds mu.
func (s *Session) queue(events ...func()) {
	if len(events) > 0 {
		a := s.addExtra()
		a.events = append(a.events, events...)
	}
}

// unlock gives up mu, and then tells of what happened under it.
func (s *Session) unlock() {
	events := s.takeEvents()
	s.mu.Unlock()
	tell(events...)
}

// takeEvents returns what is to be told of once mu and other locks are given up. The caller holds mu.
func (s *Session) takeEvents() []func() {
	if s.extras == nil {
		return nil
	}
	events := s.extras.events
	s.extras.events = nil
	return events
}

// tell calls what is to be called once no lock is held.
func tell(events ...func()) {
	for _, tell := range events {
		if tell != nil {
			tell()
		}
	}
}

// destroyed notes that the session under a storage key was destroyed. It returns what tells OnDestroy, once no lock is
// held; nil if nobody is to be told. user is as stored.
func (m *Manager) destroyed(ctx context.Context, key, user string, why Reason) func() {
	m.watched.end(key)
	m.stats.destroyed(why)
	h := m.cfg.OnDestroy
	if h == nil {
		return nil
	}
	ctx = context.WithoutCancel(orBackground(ctx))
	e := Event{ID: m.publicIDOf(key), User: m.userName(user), Reason: why}
	return func() { h(ctx, e) }
}

// SLogger is where managers without a Logger write.
//
// Deprecated: set ManagerConfig.Logger.
var SLogger = NewSessionLog(log.Writer())

// Log is a log.Logger.
//
// Deprecated: set ManagerConfig.Logger.
type Log struct {
	*log.Logger
}

// NewSessionLog makes a Log that writes to out.
//
// Deprecated: set ManagerConfig.Logger.
func NewSessionLog(out io.Writer) *Log {
	return &Log{log.New(out, "[SESSION] ", log.LstdFlags)}
}

// defaultLogger writes to whatever SLogger is at that moment. All managers without a Logger share it, so that a provider
// can see that they have the same.
var defaultLogger = slog.New(slog.NewTextHandler(sLoggerWriter{}, &slog.HandlerOptions{
	ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey { // SLogger has its own
			return slog.Attr{}
		}
		return a
	},
}))

type sLoggerWriter struct{}

func (sLoggerWriter) Write(line []byte) (int, error) {
	if l := SLogger; l != nil {
		l.Print(string(line))
	}
	return len(line), nil
}

// report tells the ErrorHandler and the log of an error that no return value carries. A client that went
// away is no error.
func (m *Manager) report(ctx context.Context, x Exchange, what string, err error) {
	ctx = orBackground(ctx)
	if isHangUp(ctx, err) {
		return
	}
	m.logError(ctx, what, err)
	m.tellError(x, err)
}

// isHangUp reports whether err means that nobody waits any more.
func isHangUp(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}

func (m *Manager) logError(ctx context.Context, what string, err error) {
	level := slog.LevelError
	if errors.Is(err, ErrCrossSite) { // any other site can cause that, and nothing is wrong
		level = slog.LevelWarn
	}
	m.log.Log(ctx, level, "session: "+what, "error", err)
}

func (m *Manager) tellError(x Exchange, err error) {
	if h := m.cfg.ErrorHandler; h != nil {
		h(nil, requestOf(x), err)
	}
}
