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
// changed since. If a change cannot be saved before the headers, ErrorHandler answers instead of next: by
// default with 503 Service Unavailable. That others have destroyed the session meanwhile is reported to
// ErrorHandler, and next's answer stands. When next panics nothing is saved, but that the Store of a third-party
// provider is released.
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
		h.visit.http = httpExchange{w, r}
		h.begin(m, &h.visit.http)
		defer h.end()
		next.ServeHTTP(h.writer(), r.WithContext(context.WithValue(r.Context(), visitKey{m}, &h.visit)))
		h.returned = true
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
	if v.handled.foreign {
		ctx = orBackground(v.x.Context())
	}
	bounded, cancel := m.loadContext(ctx)
	defer cancel()
	return v.session(bounded, ctx)
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
	visit    visit
	encoding []string // Content-Encoding as a middleware further out has set it
	returned bool     // the application has, it did not panic
	foreign  bool     // it finds the session by a context that must not be waited with: see Handled.Value

	loading sync.Mutex // guards current, err and ended
	current *Session   // nil before the first use, and after Destroy
	err     error
	ended   bool // Destroy has ended a session of the request

	mu        sync.Mutex // guards pending and committed
	pending   answer
	committed bool

	committing sync.Mutex // held while the response is committed; guards the rest
	failed     bool       // ErrorHandler has answered, or somebody has to
	unanswered error      // why somebody has to
	lost       *Session   // what could not be saved then, without harm
}

func (h *handled) begin(m *Manager, x Exchange) {
	h.visit.m, h.visit.x, h.visit.handled = m, x, h
	h.encoding = x.ResponseHeader("Content-Encoding")
}

// end is called when the application has returned or panicked.
func (h *handled) end() {
	if h.returned {
		h.finish()
	} else {
		h.abandon()
	}
}

// session returns the request's one Session, loaded under ctx at the first call. A failure is that of all
// calls, unless it came because caller is over.
func (v *visit) session(ctx, caller context.Context) (*Session, error) {
	h := v.handled
	h.loading.Lock()
	defer h.loading.Unlock()
	if h.current == nil && h.err == nil {
		s := v.m.newSession()
		switch err := s.arrive(ctx, v); {
		case err == nil:
			h.current = s
		case caller.Err() != nil:
			return nil, err
		default:
			h.err = err
		}
	}
	return h.current, h.err
}

// destroy ends the request's session: only if it is this one, unless only is nil.
func (v *visit) destroy(only *Session) (err error) {
	h := v.handled
	var events []func()
	defer func() { tell(events) }()
	h.loading.Lock()
	defer h.loading.Unlock()
	s := h.current
	if only != nil && only != s { // it has ended before
		return nil
	}
	if s == nil {
		events, err = v.end("")
		if err == nil {
			h.err, h.ended = nil, true
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sid := ""
	if s.status == stored {
		sid = s.sid
	}
	if events, err = v.end(sid); err != nil {
		return err
	}
	s.status, h.current, h.ended = dismissed, nil, true
	if v.m.sealer != nil {
		v.m.watched.end(s.sid)
	}
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
	s, harmless, err := h.settle()
	switch {
	case err == nil:
	case harmless:
		h.lost = s
		h.visit.m.report(h.visit.x.Context(), h.visit.x, "save failed", err)
	default:
		h.failed = true
		h.fail(err)
	}
	return !h.failed
}

// settle stores what the request has changed so far, and publishes the answer. Nobody begins or changes the
// session in between: that change would need a header that is not sent any more.
//
// An error is harmless, which makes nothing of the response wrong, if others have destroyed the session, or
// nothing was changed and only its idle deadline could not be moved.
func (h *handled) settle() (s *Session, harmless bool, err error) {
	var events []func()
	defer func() { tell(events) }()
	h.loading.Lock()
	defer h.loading.Unlock()
	if s = h.current; s != nil {
		s.mu.Lock()
		defer func() {
			events = s.takeEvents()
			s.mu.Unlock()
		}()
		unchanged := s.log.empty()
		if !s.told {
			err = s.releaseLocked(h.visit.x.Context())
		}
		harmless = unchanged || errors.Is(err, ErrDestroyed)
	}
	if err != nil && !harmless {
		h.strip()
	}
	h.publish()
	return s, harmless, err
}

// session returns the Session, if there is one by now.
func (h *handled) session() *Session {
	h.loading.Lock()
	defer h.loading.Unlock()
	return h.current
}

// isTold reports whether the application knows from Save that its changes are not stored.
func (s *Session) isTold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// publish puts the answer into the response header.
func (h *handled) publish() {
	h.mu.Lock()
	a := h.pending
	h.committed = true
	h.mu.Unlock()
	h.visit.publish(a)
}

// aboutContent are the headers that describe a response which is not sent when the save has failed.
var aboutContent = []string{
	"Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
	"Content-Location", "Content-Range", "Content-Type", "Etag", "Expires", "Last-Modified", "Location",
}

// strip removes what the application has said about its response.
func (h *handled) strip() {
	for _, name := range aboutContent {
		h.visit.x.SetResponseHeader(name, nil)
	}
	if h.encoding != nil { // whoever set it encodes this response too
		h.visit.x.SetResponseHeader("Content-Encoding", h.encoding)
	}
}

// fail answers instead of the application, if the Exchange can be answered.
func (h *handled) fail(err error) {
	m, x := h.visit.m, h.visit.x
	a, ok := x.(Answerer)
	if !ok {
		h.unanswered = err
		m.report(context.WithoutCancel(orBackground(x.Context())), x, "save failed", err)
		return
	}
	answer, r := a.Answer()
	w := &answerWriter{ResponseWriter: answer}
	m.log.ErrorContext(orBackground(x.Context()), "session: save failed", "error", err)
	if m.cfg.ErrorHandler != nil {
		m.cfg.ErrorHandler(w, r, err)
	}
	if !w.begun {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
	}
}

// finish is called when the application has returned.
func (h *handled) finish() {
	if !h.commit() {
		return
	}
	s := h.session()
	if s == nil || s == h.lost || s.isTold() {
		return
	}
	if err := s.release(h.visit.x.Context()); err != nil {
		h.visit.m.report(h.visit.x.Context(), h.visit.x, "save failed", err)
	}
}

// abandon is called instead when it panicked. What is already true in the store the client still learns, if
// somebody answers.
func (h *handled) abandon() {
	h.committing.Lock()
	defer h.committing.Unlock()
	switch s := h.session(); {
	case s == nil:
	case h.visit.m.raw != nil:
		_ = s.release(h.visit.x.Context()) // its store may hold a connection or a lock
	case h.visit.m.sealer != nil:
		h.unsave()
	}
	if !h.isCommitted() {
		h.publish()
	}
}

// unsave takes back what a sealer's answer holds, which is not saved yet, but the session with its changes. A
// logout stays.
func (h *handled) unsave() {
	h.loading.Lock()
	defer h.loading.Unlock()
	if h.ended {
		h.visit.answerNothing()
		return
	}
	h.visit.retract()
}
