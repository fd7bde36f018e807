package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/seed1a8f7c28/session/internal/merge"
)

// A Session is one request's view of a session: the values as loaded, and a log of what the request
// changed. Saving applies the log to what is stored at that moment, so that requests of one session do not
// undo each other's changes. Goroutines of one request may share a Session.
//
// After Save the view is what was stored, other requests' changes included. A nil context stands for
// [context.Background].
type Session struct {
	m *Manager
	r *request

	mu    sync.Mutex
	sid   string // "" until a lazy session has something to store
	state state
	idle  idleDeadline
	isNew bool        // it began with this request
	draft merge.Draft // what it has seen, and what it changed
	aside *aside      // nil for most

	own request // what r points to outside Handler
}

// endHere notes that this request has ended the session, and gives up what it holds.
func (s *Session) endHere(ctx context.Context) error {
	s.dismiss()
	if s.m.sealer != nil {
		s.m.watched.end(s.sid)
	}
	if s.m.raw != nil {
		return s.releaseRaw(ctx)
	}
	return nil
}

// newSession returns a session that is not stored yet.
func (m *Manager) newSession() *Session {
	return &Session{m: m, r: m.none, draft: merge.Draft{View: merge.View{Codec: m.codec, Life: m.envelope.Lifetimes.Usual()}}}
}

func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// SessionID returns the sid, for the client alone: it must not be logged. It is empty while a lazy session
// has nothing to store.
func (s *Session) SessionID(context.Context) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sid
}

// IsNew reports whether the session began with this request.
func (s *Session) IsNew() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isNew
}

// Get returns the value under key, as this request sees it, or nil if there is none. It is a copy of the
// caller's own.
func (s *Session) Get(ctx context.Context, key any) any {
	v, _, err := s.look(ctx, key)
	if err != nil {
		s.unread(ctx, err)
	}
	return v
}

// look is Get that tells a miss from a nil, and an error from both.
func (s *Session) look(ctx context.Context, key any) (v any, ok bool, err error) {
	if isReserved(key) {
		return nil, false, nil
	}
	s.mu.Lock()
	if s.m.raw != nil {
		defer s.mu.Unlock()
		v = s.getRaw(orBackground(ctx), key)
		return v, v != nil, nil
	}
	v, ok, err = s.get(key)
	s.mu.Unlock()
	return v, ok, err
}

// unread reports why a value is not returned. That there can be none under such a key is no error.
func (s *Session) unread(ctx context.Context, err error) {
	if !errors.Is(err, ErrUnencodable) {
		s.m.report(orBackground(ctx), s.r.x, "a value could not be read", err)
	}
}

// get looks in the log, then in the stored values.
func (s *Session) get(key any) (v any, ok bool, err error) {
	mem := scratch.Get().(*[]byte)
	defer scratch.Put(mem)
	k, err := s.m.codec.AppendKey((*mem)[:0], key)
	if err != nil {
		return nil, false, err
	}
	*mem = k
	changes := s.draft.Changes()
	if c := changes.Find(k); c != nil {
		if c.Value == nil {
			return nil, false, nil
		}
		v, err = s.m.codec.Value(c.Value)
		return v, err == nil, err
	}
	if changes.Flush {
		return nil, false, nil
	}
	return s.draft.Codec.Get(s.draft.Values, k)
}

// Set stores value under key when the session is released. What is stored is value as it is now: a later
// change of what it refers to needs another Set. A key or value that cannot be encoded is refused with an
// error wrapping [ErrUnencodable], one over the limit with [ErrTooLarge]; both leave the session as it was.
//
// It returns [ErrDestroyed] once the session is known to be gone, and [ErrCommitted] if the session's
// cookie would have to be sent after the response headers.
func (s *Session) Set(ctx context.Context, key, value any) error {
	if isReserved(key) {
		return errReserved
	}
	s.mu.Lock()
	defer s.unlock()
	if s.m.raw != nil {
		return s.changeRaw(ctx, func(ctx context.Context, store Store) error { return store.Set(ctx, key, value) })
	}
	return s.change(ctx, func(log *merge.Log) error {
		k, v, err := s.encode(log, key, value)
		if err == nil {
			log.Put(k, v)
		}
		return err
	})
}

// Delete removes key when the session is released. Removing nothing is not an error.
func (s *Session) Delete(ctx context.Context, key any) error {
	if isReserved(key) {
		return errReserved
	}
	s.mu.Lock()
	defer s.unlock()
	if s.m.raw != nil {
		return s.removeRaw(ctx, func(ctx context.Context, store Store) error { return store.Delete(ctx, key) })
	}
	return s.change(ctx, func(log *merge.Log) error { return s.drop(log, key) })
}

// Flush removes everything that is stored at the moment of release, flash messages and the lifetime too. What is
// Set after Flush stays. [Session.Clear] removes what this request sees.
func (s *Session) Flush(ctx context.Context) error {
	s.mu.Lock()
	defer s.unlock()
	if s.m.raw != nil {
		return s.removeRaw(ctx, func(ctx context.Context, store Store) error { return store.Flush(ctx) })
	}
	return s.change(ctx, func(log *merge.Log) error {
		log.Clear()
		return nil
	})
}

// Update replaces the value under key by what fn makes of it; nil stands for no value, both ways. fn runs
// at once on this request's view, and again when the session is saved if another request changed it
// meanwhile, so that updates compose. It must depend on its argument alone, and must not use the Session.
// An error of fn is returned, by Update or by Save, and nothing is changed.
func (s *Session) Update(ctx context.Context, key any, fn func(old any) (any, error)) error {
	if isReserved(key) {
		return errReserved
	}
	s.mu.Lock()
	defer s.unlock()
	return s.update(ctx, key, fn)
}

// update is Update of any key, with the lock held.
func (s *Session) update(ctx context.Context, key any, fn func(old any) (any, error)) error {
	if s.m.raw != nil {
		return s.updateRaw(orBackground(ctx), key, fn)
	}
	return s.change(ctx, func(log *merge.Log) error {
		old, _, err := s.get(key)
		if err != nil {
			return err
		}
		k, v, err := s.updated(log, key, old, fn)
		if err == nil {
			log.Update(k, v, fn)
		}
		return err
	})
}

// updated encodes what fn makes of old.
func (s *Session) updated(log *merge.Log, key, old any, fn func(any) (any, error)) (k, v []byte, err error) {
	value, err := fn(old)
	if err != nil {
		return nil, nil, err
	}
	k, v, err = s.encode(log, key, value)
	if value == nil {
		v = nil
	}
	return k, v, err
}

// encode encodes an entry into the log's memory.
func (s *Session) encode(log *merge.Log, key, value any) (k, v []byte, err error) {
	if k, err = log.Key(s.m.codec, key); err != nil {
		return nil, nil, err
	}
	v, err = log.Value(s.m.codec, value)
	if err == nil && len(v) > s.m.cfg.maxBytes {
		err = fmt.Errorf("%w: one value has %d bytes, %d allowed (maxBytes)", ErrTooLarge, len(v), s.m.cfg.maxBytes)
	}
	return k, v, err
}

// drop notes that key is removed.
func (s *Session) drop(log *merge.Log, key any) error {
	k, err := log.Key(s.m.codec, key)
	if err == nil {
		log.Put(k, nil)
	}
	return err
}

// change makes one change of the log, and does at once what cannot wait for release.
func (s *Session) change(ctx context.Context, do func(log *merge.Log) error) error {
	log := s.draft.Edit()
	log.Begin()
	switch {
	case s.isOver():
		return ErrDestroyed
	case s.m.sealer != nil:
		return s.reseal(do)
	case s.isStored():
		return do(log)
	}
	before := log.Snapshot()
	if err := do(log); err != nil {
		return err
	}
	log.Simplify()
	if log.Empty() {
		return nil
	}
	if err := s.begin(ctx); err != nil {
		log.Restore(before)
		return err
	}
	return nil
}

// begin is called when a lazy session has got something to store. Outside Handler the record is created
// before the cookie is promised; under Handler both wait for the response headers.
func (s *Session) begin(ctx context.Context) (err error) {
	if err := s.promisable(); err != nil {
		return err
	}
	if !s.r.reply.waits() {
		ctx, cancel := s.saveContext(ctx)
		defer cancel()
		if err = s.create(ctx, ""); err == nil && s.state == dismissed {
			err = ErrDestroyed
		}
		return err
	}
	if s.sid == "" {
		s.sid, err = s.m.newSID()
	}
	return err
}

// promisable returns an error if no sid can be promised to the client any more, or never could be.
func (s *Session) promisable() error {
	if s.m.isClosed() {
		return ErrClosed
	}
	return s.r.reply.promise()
}

// SessionRelease stores the changes, as Save does, and reports an error to the ErrorHandler and the Logger:
// but not that the session is gone, if nothing is lost with it or this request itself destroyed it. It may
// be called more than once. Deferred, it runs when a handler panics, too. w is not used: cookies were set
// before.
func (s *Session) SessionRelease(ctx context.Context, _ http.ResponseWriter) {
	ctx = orBackground(ctx)
	if err := s.release(ctx); err != nil {
		s.m.report(ctx, s.r.x, "save failed", err)
	}
}

// release is Save, but that a session is gone is no error if that loses no change.
func (s *Session) release(ctx context.Context) error {
	s.mu.Lock()
	defer s.unlock()
	return s.releaseLocked(ctx)
}

func (s *Session) releaseLocked(ctx context.Context) error {
	unchanged := s.draft.Changes().Empty()
	err := s.save(ctx)
	if unchanged && errors.Is(err, ErrDestroyed) {
		return nil
	}
	return err
}

// SessionReleaseIfPresent is SessionRelease, which never creates a session.
func (s *Session) SessionReleaseIfPresent(ctx context.Context, w http.ResponseWriter) {
	s.SessionRelease(ctx, w)
}

// Format writes the session's public id, whatever the verb: no sid and no value reaches a log.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// String returns the session's public id.
func (s *Session) String() string {
	if s == nil {
		return "session(nil)"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sid == "" {
		return "session(none)"
	}
	return "session(" + s.m.publicID(s.sid) + ")"
}

// MarshalText returns what String returns, for JSON and other encodings.
func (s *Session) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
