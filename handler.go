package session

import (
	"context"
	"errors"
	"net/http"
)

// errNoHandler says what the application has to do.
var errNoHandler = errors.New("session: this context does not belong to a request under this manager's Handler: " +
	"pass the request's context, r.Context() or with gin c.Request.Context()")

// Handler gives each request that passes through it one Session, which [Manager.FromContext] returns.
// Nothing is loaded before that; a visitor gets a record and a cookie only when something is stored. The
// session is saved before the first byte of the response headers, and once more at the end for what was
// changed since. If a change cannot be saved before the headers, ErrorHandler answers instead of next: by
// default with 503 Service Unavailable. That others have destroyed the session meanwhile, or that nothing begins because
// another site has caused the request ([ErrCrossSite]), is reported to ErrorHandler, and next's answer stands. When next
// panics nothing is saved, but that the Store of a third-party provider is released.
//
// The ResponseWriter that next gets is an http.Flusher if w is one; http.ResponseController works on it,
// as do Hijack, ReadFrom and informational responses.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.deferred(r.Context()) != nil { // one Handler inside another
			next.ServeHTTP(w, r)
			return
		}
		d := newDeferred(m, arrivalOf(w, r))
		defer d.done()
		next.ServeHTTP(d.writer(), r.WithContext(context.WithValue(r.Context(), replyKey{m}, d)))
		d.returned = true
	})
}

// FromContext returns the session of a request that came through Handler, loaded at the first call. ctx is
// the request's context or one made from it: r.Context(), with gin c.Request.Context(), with echo c.Request().Context(). An error
// means that the store could not be asked, not that there is no session: the request should be answered with an error, and the client
// keeps its cookie.
func (m *Manager) FromContext(ctx context.Context) (*Session, error) {
	d := m.deferred(ctx)
	if d == nil {
		return nil, errNoHandler
	}
	if d.unwaited {
		ctx = d.r.context()
	}
	bounded, cancel := m.loadContext(ctx)
	defer cancel()
	return d.load(bounded, ctx)
}

type replyKey struct{ m *Manager }

// deferred returns the reply of a request that came through Handler, nil for another.
func (m *Manager) deferred(ctx context.Context) *deferred {
	if ctx == nil {
		return nil
	}
	d, _ := ctx.Value(replyKey{m}).(*deferred)
	return d
}

// open returns the session that a request carries, or one that is not stored yet.
func (m *Manager) open(ctx, request context.Context, a arrival) (*Session, error) {
	if d := m.deferred(request); d != nil {
		return d.load(ctx, request)
	}
	s := m.newSession()
	s.own.init(m, &a)
	return s, s.arrive(ctx, &s.own)
}

// replyTo returns how a request is answered.
func (m *Manager) replyTo(ctx context.Context, a *arrival) reply {
	if d := m.deferred(ctx); d != nil {
		return d
	}
	r := new(request)
	r.init(m, a)
	return r.reply
}

// HandleExchange is [Manager.Handler] for one request on another HTTP stack than net/http: it calls next, where
// [Manager.FromContext] returns the request's session, and then saves it and completes the response headers.
// The stack must not have sent them before that, or calls [Handled.Commit] first.
//
// An error means that changes could not be saved, and that what the application has answered must not be sent: the
// stack answers with an error, 503 Service Unavailable for example, and keeps the headers that x was given. An x that
// is an [Answerer] has been answered instead, and there is no error. When next panics nothing is saved.
func (m *Manager) HandleExchange(x Exchange, next func(h Handled)) error {
	if x == nil {
		return errNoRequest
	}
	if d := m.deferred(x.Context()); d != nil { // one handler inside another
		next(Handled{d})
		return nil
	}
	d := newDeferred(m, arrival{x: x})
	func() {
		defer d.done()
		next(Handled{d})
		d.returned = true
	}()
	return d.unanswered
}

// Handled is a request under [Manager.HandleExchange].
type Handled struct{ d *deferred }

// Context returns ctx, which is the request's, with what FromContext looks for.
func (h Handled) Context(ctx context.Context) context.Context {
	return context.WithValue(orBackground(ctx), replyKey{h.d.r.m}, h.d)
}

// Value is Context for a stack that keeps the values of a request itself: in its context, Value must return value for
// key. That context may be one that is used for another request later. So FromContext does not wait with it, but with
// what the Exchange's method Context returns.
func (h Handled) Value() (key, value any) {
	h.d.unwaited = true
	return replyKey{h.d.r.m}, h.d
}

// Commit saves what was changed so far and completes the response headers. A stack that sends them while the
// application still runs calls it right before, from any goroutine; only the first call does something. With an error
// nothing of the application's response must be sent.
func (h Handled) Commit() error {
	if h.d.commit() {
		return nil
	}
	h.d.committing.Lock()
	defer h.d.committing.Unlock()
	if h.d.unanswered != nil {
		return h.d.unanswered
	}
	return errAnswered
}

// Save saves what was changed since Commit, as HandleExchange itself does at the end. It is for a stack on which the
// application can go on after next has returned, with a stream for example: when that has ended. After a panic in next
// it saves nothing.
func (h Handled) Save() {
	if h.d.returned {
		h.d.finish()
	}
}
