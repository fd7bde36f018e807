package session

import (
	"context"
	"errors"
	"net/http"
)

// errNoHandler tells the application what it has to do.
var errNoHandler = errors.New("session: this context does not belong to a request under this manager's Handler: " +
	"pass the request's context, r.Context() or with gin c.Request.Context()")

// Handler is middleware that gives each request one Session, which [Manager.FromContext] returns. Nothing is loaded before
// the first call of FromContext, and a visitor gets a record and a cookie only when something is stored.
//
// Handler saves the session before the first byte of the response headers, and again at the end what was changed since. If
// a change cannot be saved before the headers, ErrorHandler answers instead of next; by default the answer is 503 Service
// Unavailable. In three cases an error only goes to ErrorHandler and Logger, and the response of next stands: others have
// ended the session in the meantime, no session begins because another site has caused the request ([ErrCrossSite]), or
// nothing was changed and only the idle deadline could not be moved. When next panics nothing is saved; only the Store of a
// third-party provider is released.
//
// The ResponseWriter that next gets is an http.Flusher if w is one. http.ResponseController, Hijack, ReadFrom and
// informational responses work on it.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.handle(next, w, r) })
}

// A handling is all that Handler needs for one request, in one allocation.
type handling struct {
	deferred
	context handlerContext
	request http.Request
	writer  responseWriter
}

// handle must not be inlined into the application: WithContext would then not be inlined in turn, and would allocate the
// request that handle copies.
//
//go:noinline
func (m *Manager) handle(next http.Handler, w http.ResponseWriter, r *http.Request) {
	if m.deferred(r.Context()) != nil { // one Handler inside another
		next.ServeHTTP(w, r)
		return
	}
	h := new(handling)
	d := &h.deferred
	d.begin(m, arrivalOf(w, r))
	defer d.done()
	h.context = handlerContext{r.Context(), d}
	h.request = *r.WithContext(&h.context)
	h.writer = responseWriter{w, d}
	next.ServeHTTP(h.writer.flusher(), &h.request)
	d.returned = true
}

// A handlerContext is the context of a request under Handler.
type handlerContext struct {
	context.Context
	d *deferred
}

// Value returns the reply for FromContext.
func (c *handlerContext) Value(key any) any {
	if k, ok := key.(replyKey); ok && k.m == c.d.r.m {
		return c.d
	}
	return c.Context.Value(key)
}

// FromContext returns the session of a request under Handler, which it loads at the first call. ctx is the context of the
// request or one derived from it: r.Context(), with gin c.Request.Context(), with echo c.Request().Context(). An error
// means that the session could not be loaded, for example because the store could not be reached; it does not mean that
// there is none. The application should then answer the request with an error, and the client keeps its cookie.
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

// deferred returns the reply of a request under Handler, or nil for any other context.
func (m *Manager) deferred(ctx context.Context) *deferred {
	if ctx == nil {
		return nil
	}
	d, _ := ctx.Value(replyKey{m}).(*deferred)
	return d
}

// open returns the session that a request carries, or one that is not stored yet. alone says that no other goroutine has it.
func (m *Manager) open(ctx, request context.Context, a arrival) (s *Session, alone bool, err error) {
	if d := m.deferred(request); d != nil {
		s, err = d.load(ctx, request)
		return s, false, err
	}
	o := new(ownSession)
	o.own.init(m, &a)
	o.init(m, &o.own)
	return &o.Session, true, o.arrive(ctx, &o.own)
}

// An ownSession is a Session outside Handler, with the request that it belongs to.
type ownSession struct {
	Session
	own request
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

// HandleExchange is [Manager.Handler] for one request on an HTTP stack other than net/http. It calls next, in which
// [Manager.FromContext] returns the request's session, then saves the session and completes the response headers. The stack
// must not send the headers before HandleExchange returns, unless it calls [Handled.Commit] first.
//
// An error means that changes could not be saved and that the response of the application must not be sent. The stack then
// answers with an error, for example 503 Service Unavailable, and keeps the headers that x was given. If x is an
// [Answerer], the error response has already been written to it, and HandleExchange returns nil. When next panics nothing
// is saved.
func (m *Manager) HandleExchange(x Exchange, next func(h Handled)) error {
	if x == nil {
		return errNoRequest
	}
	if d := m.deferred(x.Context()); d != nil { // one handler inside another
		next(Handled{d})
		return nil
	}
	d := new(deferred)
	d.begin(m, arrival{x: x})
	func() {
		defer d.done()
		next(Handled{d})
		d.returned = true
	}()
	if d.unusual != nil {
		return d.unusual.unanswered
	}
	return nil
}

// Handled is a request under [Manager.HandleExchange].
type Handled struct{ d *deferred }

// Context returns ctx, which must be the context of the request, with the value that FromContext looks for.
func (h Handled) Context(ctx context.Context) context.Context {
	return context.WithValue(orBackground(ctx), replyKey{h.d.r.m}, h.d)
}

// Value is for a stack that keeps a request's values itself: the method Value of its context must return value for key.
// Such a context may be used again for another request, so FromContext does not wait with it, but with the context that
// [Exchange.Context] returns.
func (h Handled) Value() (key, value any) {
	h.d.unwaited = true
	return replyKey{h.d.r.m}, h.d
}

// Commit saves the changes so far and completes the response headers. A stack that sends the headers while the application
// is still running calls it immediately before. It may be called from any goroutine; only the first call has an effect.
// After an error nothing of the application's response may be sent.
func (h Handled) Commit() error {
	if h.d.commit() {
		return nil
	}
	h.d.committing.Lock()
	defer h.d.committing.Unlock()
	if h.d.unusual != nil && h.d.unusual.unanswered != nil {
		return h.d.unusual.unanswered
	}
	return errAnswered
}

// Save saves what was changed since Commit, as HandleExchange itself does at the end. A stack on which the application can
// go on after next has returned, for example with a stream, calls it when that has ended. After a panic in next it saves
// nothing.
func (h Handled) Save() {
	if h.d.returned {
		h.d.finish()
	}
}
