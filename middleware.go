package session

import (
	"context"
	"errors"
	"net/http"
	"sync"
)

// errNoHandler says what the application has to do.
var errNoHandler = errors.New("session: the request did not come through this manager's Handler")

// Handler gives each request that passes through it one Session, which [Manager.FromContext] returns.
// Nothing is loaded before that; a visitor gets a record and a cookie only when something is stored. The
// session is saved before the first byte of the response headers, and once more at the end for what was
// changed since. If it cannot be saved before the headers, ErrorHandler answers instead of next: by default
// with 503 Service Unavailable. When next panics nothing is saved.
//
// The ResponseWriter that next gets is an http.Flusher if w is one; http.ResponseController works on it,
// as do Hijack, ReadFrom and informational responses.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.handledVisit(r.Context()) != nil { // one Handler inside another
			next.ServeHTTP(w, r)
			return
		}
		h := new(handled)
		h.visit = visit{m: m, http: httpExchange{w, r}, handled: h}
		h.visit.x = &h.visit.http
		returned := false
		defer func() {
			if !returned {
				h.abandon()
			}
		}()
		next.ServeHTTP(h.writer(), r.WithContext(context.WithValue(r.Context(), visitKey{m}, &h.visit)))
		returned = true
		h.finish()
	})
}

// FromContext returns the session of a request that came through Handler, loaded at the first call. ctx is
// the request's context or one made from it. An error means that the store could not be asked, not that
// there is no session: the request should be answered with an error, and the client keeps its cookie.
func (m *Manager) FromContext(ctx context.Context) (*Session, error) {
	v := m.handledVisit(ctx)
	if v == nil {
		return nil, errNoHandler
	}
	ctx, cancel := m.loadContext(ctx)
	defer cancel()
	return v.session(ctx)
}

type visitKey struct{ m *Manager }

func (m *Manager) handledVisit(ctx context.Context) *visit {
	if ctx == nil {
		return nil
	}
	v, _ := ctx.Value(visitKey{m}).(*visit)
	return v
}

// handled is what Handler keeps of a request.
type handled struct {
	visit visit

	loading sync.Mutex // guards session and err
	current *Session   // nil before the first use, and after Destroy
	err     error

	mu        sync.Mutex // guards pending and committed
	pending   answer
	committed bool

	committing sync.Mutex // held while the response is committed; guards failed
	failed     bool       // ErrorHandler has answered
}

// session returns the request's one Session, loaded under ctx at the first call.
func (v *visit) session(ctx context.Context) (*Session, error) {
	h := v.handled
	h.loading.Lock()
	defer h.loading.Unlock()
	if h.current == nil && h.err == nil {
		s := v.m.newSession()
		if h.err = s.arrive(ctx, v); h.err == nil {
			h.current = s
		}
	}
	return h.current, h.err
}

// destroy ends the request's session.
func (v *visit) destroy() error {
	h := v.handled
	h.loading.Lock()
	defer h.loading.Unlock()
	s := h.current
	if s == nil {
		err := v.end("")
		if err == nil {
			h.err = nil
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sid := ""
	if s.status == stored {
		sid = s.sid
	}
	if err := v.end(sid); err != nil {
		return err
	}
	s.status, h.current = dismissed, nil
	if v.m.raw != nil {
		return s.releaseRaw(v.x.Context())
	}
	return nil
}

// answer changes what will be answered, unless that is sent already.
func (h *handled) answer(change func(*answer)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.committed {
		change(&h.pending)
	}
}

func (h *handled) isCommitted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.committed
}

// commit saves the session and completes the response header, once. It reports false if the response is
// not the application's any more.
func (h *handled) commit() bool {
	h.committing.Lock()
	defer h.committing.Unlock()
	if h.isCommitted() {
		return !h.failed
	}
	err := h.save()
	h.publish()
	if err != nil {
		h.failed = true
		h.fail(err)
	}
	return !h.failed
}

// save stores what the request has changed so far. That others have destroyed the session fails nothing.
func (h *handled) save() error {
	h.loading.Lock()
	s := h.current
	h.loading.Unlock()
	if s == nil {
		return nil
	}
	ctx := h.visit.x.Context()
	err := s.release(ctx)
	if errors.Is(err, ErrDestroyed) {
		h.visit.m.report(ctx, h.visit.x, "save failed", err)
		return nil
	}
	return err
}

// publish puts the answer into the response header.
func (h *handled) publish() {
	h.mu.Lock()
	a := h.pending
	h.committed = true
	h.mu.Unlock()
	h.visit.publish(a)
}

// fail answers instead of the application.
func (h *handled) fail(err error) {
	m, x := h.visit.m, &h.visit.http
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Range", "Content-Type", "Etag", "Last-Modified", "Location"} {
		x.w.Header().Del(name)
	}
	m.log.ErrorContext(x.r.Context(), "session: save failed", "error", err)
	if m.cfg.ErrorHandler != nil {
		m.cfg.ErrorHandler(x.w, x.r, err)
		return
	}
	http.Error(x.w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}

// finish is called when the application has returned.
func (h *handled) finish() {
	if !h.commit() {
		return
	}
	if err := h.save(); err != nil {
		h.visit.m.report(h.visit.x.Context(), h.visit.x, "save failed", err)
	}
}

// abandon is called instead when it panicked. What is already true in the store the client still learns, if
// somebody answers.
func (h *handled) abandon() {
	h.committing.Lock()
	defer h.committing.Unlock()
	if !h.isCommitted() {
		h.publish()
	}
}
