package session

import "context"

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
	if v := m.handledVisit(x.Context()); v != nil { // one handler inside another
		next(Handled{v.handled})
		return nil
	}
	h := new(handled)
	h.begin(m, x)
	func() {
		defer h.end()
		next(Handled{h})
		h.returned = true
	}()
	return h.unanswered
}

// Handled is a request under [Manager.HandleExchange].
type Handled struct{ h *handled }

// Context returns ctx, which is the request's, with what FromContext looks for.
func (h Handled) Context(ctx context.Context) context.Context {
	return context.WithValue(orBackground(ctx), visitKey{h.h.visit.m}, &h.h.visit)
}

// Value is Context for a stack that keeps the values of a request itself: in its context, Value must return value for
// key. That context may be one that is used for another request later. So FromContext does not wait with it, but with
// what the Exchange's method Context returns.
func (h Handled) Value() (key, value any) {
	h.h.foreign = true
	return visitKey{h.h.visit.m}, &h.h.visit
}

// Commit saves what was changed so far and completes the response headers. A stack that sends them while the
// application still runs calls it right before, from any goroutine; only the first call does something. With an error
// nothing of the application's response must be sent.
func (h Handled) Commit() error {
	if h.h.commit() {
		return nil
	}
	h.h.committing.Lock()
	defer h.h.committing.Unlock()
	if h.h.unanswered != nil {
		return h.h.unanswered
	}
	return errAnswered
}

// Save saves what was changed since Commit, as HandleExchange itself does at the end. It is for a stack on which the
// application can go on after next has returned, with a stream for example: when that has ended. After a panic in next
// it saves nothing.
func (h Handled) Save() {
	if h.h.returned {
		h.h.finish()
	}
}
