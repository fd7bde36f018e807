package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// PollInterval is how often the manager looks whether a watched session still exists, if the provider cannot report the end
// of a session: see [Session.Done].
const PollInterval = 5 * time.Second

// Done returns a channel that is closed when the session ends: when anybody destroys it, when it gets a new sid, or when a
// deadline has passed. It is meant for handlers that run longer than a usual request, such as streams of events and
// WebSockets, and that should end with the session.
//
// If the session ends on this node, the channel is closed at once. If it ends on another node, the channel is closed as
// soon as the store reports it, with a provider that is a [driver.Watcher], and otherwise after [PollInterval] at most.
// While the store cannot be reached, the channel stays open, also after the deadline. A session that is kept in the client
// ends only when it expires or by this request itself.
//
// The channel stays open when the request ends or the manager is closed; the watch is then over. After Regenerate or Login,
// another call returns the channel of the session under its new sid. Done returns nil for a lazy session that has nothing
// to store and with a third-party provider. The first call looks at the store once, in the background.
func (s *Session) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isOver() {
		return closedChannel
	}
	key := s.m.engine.watched(s)
	if s.state == unstored || key == "" {
		return nil
	}
	a := s.addExtra()
	if a.done == nil || a.doneOf != key {
		a.done, a.doneOf = s.m.watched.watch(s.r.context(), s.m, key, s.draft.Expires()), key
	}
	return a.done
}

var closedChannel = func() chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}()

// watches are the sessions of a manager for whose end somebody waits, by storage key.
type watches struct {
	mu      sync.Mutex
	keys    map[string]*watch
	running bool // hear, which learns what other nodes have ended
}

// A watch is about one session, for all requests that wait for its end.
type watch struct {
	ended chan struct{}
	users int
	timer *time.Timer // until it expires, as far as is known
}

// watch returns the channel for a key. The watch ends when ctx is done.
func (w *watches) watch(ctx context.Context, m *Manager, key string, expires time.Time) <-chan struct{} {
	others := m.cannot[byID] == nil // can end it, too
	w.mu.Lock()
	defer w.mu.Unlock()
	found := w.keys[key]
	if found == nil {
		found = &watch{ended: make(chan struct{})}
		found.timer = time.AfterFunc(time.Until(expires), func() { m.recheck(key, found) })
		if w.keys == nil {
			w.keys = make(map[string]*watch)
		}
		w.keys[key] = found
		if others { // it may have ended since it was loaded
			m.work(func() { m.recheck(key, found) })
		}
	}
	found.users++
	context.AfterFunc(ctx, func() { w.leave(key, found) })
	if !w.running && others {
		w.running = m.work(m.hear)
	}
	return found.ended
}

// leave ends the watch of one request.
func (w *watches) leave(key string, of *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if of.users--; of.users == 0 && w.keys[key] == of {
		of.timer.Stop()
		delete(w.keys, key)
	}
}

// end closes the channel of a session that has ended. Most keys are not watched.
func (w *watches) end(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if of := w.keys[key]; of != nil {
		of.timer.Stop()
		close(of.ended)
		delete(w.keys, key)
	}
}

// close stops the timers. The channels stay open.
func (w *watches) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, of := range w.keys {
		of.timer.Stop()
	}
	w.keys = nil
}

// all returns all watches.
func (w *watches) all() map[string]*watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[string]*watch, len(w.keys))
	for key, of := range w.keys {
		all[key] = of
	}
	return all
}

// at lets a watch look again at the given time.
func (w *watches) at(key string, of *watch, expires time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keys[key] == of {
		of.timer.Reset(max(time.Until(expires), time.Millisecond))
	}
}

// sooner lets a watch, if there is one, look at the time to which a deadline was moved forward.
func (w *watches) sooner(key string, expires time.Time) {
	w.mu.Lock()
	of := w.keys[key]
	w.mu.Unlock()
	if of != nil {
		w.at(key, of, expires)
	}
}

// recheck looks whether a watched session still exists. If the store does not answer, recheck looks again later.
func (m *Manager) recheck(key string, of *watch) {
	if m.isClosed() {
		return
	}
	ctx, cancel := m.loadContext(m.closing)
	defer cancel()
	expires, err := time.Time{}, errPanicked
	m.guarded("looking for a session", func() { expires, err = m.engine.deadline(ctx, key) })
	switch {
	case errors.Is(err, ErrNotFound):
		m.watched.end(key)
	case err != nil:
		m.watched.at(key, of, time.Now().Add(PollInterval))
	default:
		m.watched.at(key, of, expires)
	}
}

// recheckAll looks at all watched sessions.
func (m *Manager) recheckAll() {
	for key, of := range m.watched.all() {
		m.recheck(key, of)
	}
}

// hear runs from the first Done until the manager is closed, and learns which sessions other nodes have ended.
func (m *Manager) hear() {
	w, err := optional[driver.Watcher](m, watching)
	if err != nil {
		m.poll()
		return
	}
	// Notices are missed while there is no connection. Afterwards all watched sessions are looked at.
	for between := 50 * time.Millisecond; ; between = min(2*between, PollInterval) {
		begun, err := time.Now(), errPanicked
		m.guarded("watching sessions", func() { err = w.Watch(m.closing, m.recheckAll, m.watched.end) })
		switch {
		case m.isClosed():
			return
		case errors.Is(err, errors.ErrUnsupported):
			m.poll()
			return
		}
		if time.Since(begun) > PollInterval {
			between = 50 * time.Millisecond
		}
		m.reportAside(m.closing, "watching sessions failed and will be tried again", err)
		if !pause.For(m.closing, between+rand.N(between)) {
			return
		}
		m.recheckAll()
	}
}

// poll looks at all watched sessions at intervals.
func (m *Manager) poll() {
	for pause.For(m.closing, PollInterval) {
		m.recheckAll()
	}
}
