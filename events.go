package session

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
)

// An Event says what happened to a session. Nothing in it gives access to the session.
type Event struct {
	ID       string // the session's public id; for OnRegenerate the new one
	Previous string // for OnRegenerate the old public id, else ""
	User     string // the user who is logged in, or ""
	Reason   Reason // for OnDestroy, else ""
}

// A Reason says why a session was destroyed.
type Reason string

const (
	ReasonLogout  Reason = "logout"  // by its own client: Destroy, Logout
	ReasonRevoked Reason = "revoked" // by somebody else: DestroyUser, DestroyOf, DestroyByID, or Logout on a Session of SessionByID
	ReasonLimit   Reason = "limit"   // by a login beyond maxPerUser
	ReasonExpired Reason = "expired" // by nobody: it has expired and a sweep has removed it, see [Manager.GC]
)

// An EventHandler is called after the store has made the change, in the goroutine that caused the event. The request waits
// for it. No lock is held, so it may use the manager and the session. ctx has the values of the context of the request or
// call, and is never done.
type EventHandler func(ctx context.Context, e Event)

// later queues a call of h with e for when s is unlocked. The caller holds mu.
func (s *Session) later(ctx context.Context, h EventHandler, e Event) {
	if h != nil {
		ctx = context.WithoutCancel(ctx) // it is over before h is called
		s.queue(func() { h(ctx, e) })
	}
}

// queue queues functions to be called when s is unlocked. The caller holds mu.
func (s *Session) queue(events ...func()) {
	if len(events) > 0 {
		a := s.addExtra()
		a.events = append(a.events, events...)
	}
}

// unlock gives up mu and then calls the queued functions.
func (s *Session) unlock() {
	events := s.takeEvents()
	s.mu.Unlock()
	tell(events...)
}

// takeEvents returns the queued functions, which the caller must call once mu and other locks are given up. The caller
// holds mu.
func (s *Session) takeEvents() []func() {
	if s.extras == nil {
		return nil
	}
	events := s.extras.events
	s.extras.events = nil
	return events
}

// tell calls queued functions. No lock may be held.
func tell(events ...func()) {
	for _, tell := range events {
		if tell != nil {
			tell()
		}
	}
}

// destroyed notes that the session under a storage key was destroyed. It returns a function that calls OnDestroy, to be
// called once no lock is held, or nil if OnDestroy is not set. user is in its stored form.
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

// SLogger is the log to which managers without a Logger write. It writes to standard error, unless the application sets
// another one.
//
// Deprecated: set ManagerConfig.Logger.
var SLogger = NewSessionLog(log.Writer())

// Log is a log.Logger, for [SLogger].
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

// defaultLogger writes to SLogger as it is at that moment. All managers without a Logger share it, so that a provider can
// see that they have the same one.
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

// report passes an error that no return value carries to ErrorHandler and the log. It ignores an error that only means that
// the client has hung up.
func (m *Manager) report(ctx context.Context, x Exchange, what string, err error) {
	ctx = orBackground(ctx)
	if isHangUp(ctx, err) {
		return
	}
	m.logError(ctx, what, err)
	m.tellError(x, err)
}

// isHangUp reports whether err means that nobody waits for the result any more.
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
