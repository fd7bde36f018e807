package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/seed1a8f7c28/session/internal/codec"
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

	mu     sync.Mutex
	sid    string // "" until a lazy session has something to store
	state  state
	idle   idleDeadline
	isNew  bool        // it was not stored when the request arrived
	draft  merge.Draft // what it has seen, and what it changed
	extras *extras     // nil for most
	keyBuf [24]byte    // where short keys are encoded for a look-up

	own request // what r points to outside Handler
}

// A Session in a value would be asked for its text while it is locked for the change that stores the value.
func init() { codec.Refuse[Session]() }

// Extras are what few Sessions have. They stand apart since each request allocates a Session.
type extras struct {
	was    string   // the dead sid that this session takes the place of, if a Regenerate found one
	dead   []string // the sids of the request that named no session
	events []func() // what is to be told of when mu is given up

	done   <-chan struct{} // of the key doneOf, once Done was called
	doneOf string

	refused []refusal // the values that Set has refused, and that the application may not know of

	store      Store // a third-party provider's, instead of the draft
	unreleased bool  // store waits for its SessionRelease
}

// noExtras stands for those of a Session that has none. It is never changed.
var noExtras extras

// extra returns the extras, for reading. The caller holds mu.
func (s *Session) extra() *extras {
	if s.extras == nil {
		return &noExtras
	}
	return s.extras
}

// addExtra returns the extras, for a change. The caller holds mu.
func (s *Session) addExtra() *extras {
	if s.extras == nil {
		s.extras = new(extras)
	}
	return s.extras
}

// endHere notes that this request has ended the session, and gives up what it holds.
func (s *Session) endHere(ctx context.Context) error {
	s.dismiss()
	return s.m.engine.leave(ctx, s)
}

// newSession returns a session that is not stored yet.
func (m *Manager) newSession() *Session {
	s := &Session{m: m, r: m.none} // as one literal it would be copied
	s.draft.Codec, s.draft.Life = m.codec, m.envelope.Lifetimes.Usual()
	return s
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

// IsNew reports whether the session began with this request: whether there was none in the store when the request arrived. It
// stays true until the request ends, also on another Session of it, and when something was stored or Login has given it
// a user. It is false where nothing begins: for a request that comes late or from another site, see [Manager.Start].
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
	defer s.mu.Unlock()
	return s.m.engine.get(orBackground(ctx), s, key)
}

// unread reports why a value is not returned. That there can be none under such a key is no error.
func (s *Session) unread(ctx context.Context, err error) {
	if !errors.Is(err, ErrUnencodable) {
		s.m.report(orBackground(ctx), s.r.x, "a value could not be read", err)
	}
}

// Set stores value under key when the session is released. What is stored is value as it is now: a later
// change of what it refers to needs another Set. A key or value that cannot be encoded is refused with an
// error wrapping [ErrUnencodable], one over the limit with [ErrTooLarge]; both leave the session as it was. A Session
// is no value, and a method that encodes value must not use the Session that it is stored in.
//
// It returns [ErrDestroyed] once the session is known to be gone, and [ErrCommitted] if the session's
// cookie would have to be sent after the response headers. If the application throws the error away, the Logger is told of a
// refused value by SessionRelease.
func (s *Session) Set(ctx context.Context, key, value any) error {
	s.mu.Lock()
	defer s.unlock()
	err := errReserved
	if !isReserved(key) {
		err = s.changeLocked(ctx, edit{op: opSet, key: key, value: value})
	}
	s.settle(key, value, err)
	return err
}

// Delete removes key when the session is released. Removing nothing is not an error.
func (s *Session) Delete(ctx context.Context, key any) error {
	if isReserved(key) {
		return errReserved
	}
	return s.change(ctx, edit{op: opRemove, key: key})
}

// Flush removes everything that is stored at the moment of release, flash messages and the lifetime too. What is
// Set after Flush stays. [Session.Clear] removes what this request sees.
func (s *Session) Flush(ctx context.Context) error { return s.change(ctx, edit{op: opFlush}) }

// Update replaces the value under key by what fn makes of it; nil stands for no value, both ways. fn runs
// at once on this request's view, and again when the session is saved if another request changed it
// meanwhile, so that updates compose. It must depend on its argument alone, and must not use the Session.
// An error of fn is returned, by Update or by Save, and nothing is changed.
func (s *Session) Update(ctx context.Context, key any, fn func(old any) (any, error)) error {
	if isReserved(key) {
		return errReserved
	}
	return s.change(ctx, edit{op: opUpdate, key: key, fn: fn})
}

// change makes one change.
func (s *Session) change(ctx context.Context, e edit) error {
	s.mu.Lock()
	defer s.unlock()
	return s.changeLocked(ctx, e)
}

// changeLocked is change for who holds mu.
func (s *Session) changeLocked(ctx context.Context, e edit) error {
	return s.m.engine.change(orBackground(ctx), s, e)
}

// Reload makes the session as it is stored now what this request sees: for a handler that runs for long, such as a stream. Changes
// that are not saved stay, and updates run again on the new values. Nothing is stored, and no deadline moves.
//
// It returns [ErrDestroyed] if the session has ended, or has got another sid by the login of another request. With the store's error,
// and that of an update, nothing has changed; after a Save that has failed, Save comes before Reload. A session that is not
// stored yet, or is in the client's cookie, stays as it is. Third-party providers cannot reload: [errors.ErrUnsupported].
func (s *Session) Reload(ctx context.Context) error {
	if s.m.cannot[reloading] != nil {
		return s.m.cannot[reloading]
	}
	ctx, cancel := s.m.loadContext(orBackground(ctx))
	defer cancel()
	s.mu.Lock()
	defer s.unlock()
	switch {
	case s.m.isClosed():
		return ErrClosed
	case s.isOver():
		return ErrDestroyed
	}
	return s.m.engine.reload(ctx, s)
}

// promisable returns an error if no sid can be promised to the client any more, or never could be.
func (s *Session) promisable() error {
	if s.m.isClosed() {
		return ErrClosed
	}
	if s.lift(); s.state == withheld {
		return ErrCrossSite
	}
	return s.r.reply.promise()
}

// SessionRelease stores the changes, as Save does, and reports an error to the ErrorHandler and the Logger:
// but not that the session is gone, if nothing is lost with it or this request itself destroyed it. It may
// be called more than once. Deferred, it runs when a handler panics, too. w is not used: cookies were set
// before. The Logger is told of each value that Set has refused, unless a later Set of its key was not.
func (s *Session) SessionRelease(ctx context.Context, _ http.ResponseWriter) {
	ctx = orBackground(ctx)
	if err := s.release(ctx); err != nil {
		s.m.report(ctx, s.r.x, "save failed", err)
	}
	s.tellRefused(ctx)
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
	if id := s.publicID(); id != "" {
		return "session(" + id + ")"
	}
	return "session(none)"
}

// MarshalText returns what String returns, for JSON and other encodings.
func (s *Session) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A state is what a Session knows of its record.
//
//	replaced, withheld → unstored → stored ⇄ held
//	                                   ↓
//	                           gone or dismissed
type state uint8

const (
	unstored  state = iota // nothing is in the store yet
	stored                 // there was a record when the store was last asked
	held                   // the same, but a Regenerate has failed: changes wait for one that does not
	gone                   // destroyed, regenerated away or expired, by others
	dismissed              // destroyed by this very request
	replaced               // the request's sid is one that a login or Regenerate has replaced: nothing begins, but a login
	withheld               // SameSite may have kept the cookie back: nothing begins, but a login
)

// lift has a withheld session begin, where another Session of the request has begun one.
func (s *Session) lift() {
	if s.state == withheld && s.r.reply.moved() {
		s.state = unstored
	}
}

// isStored reports whether there was a record when the store was last asked.
func (s *Session) isStored() bool { return s.state == stored || s.state == held }

// isOver reports whether the session is known to have ended.
func (s *Session) isOver() bool {
	return s.state == gone || s.state == dismissed || s.state == replaced
}

// storedSID returns the sid under which there is a record, "" if there is none.
func (s *Session) storedSID() string {
	if s.isStored() {
		return s.sid
	}
	return ""
}

// named notes under which sid the session is stored.
func (s *Session) named(sid string) { s.sid, s.state = sid, stored }

// hold keeps what is stored as it is after a Regenerate that has failed with err, which it returns.
func (s *Session) hold(err error) error {
	if s.isStored() {
		s.state = held
		if !s.r.reply.moved() {
			s.r.hold()
		}
	}
	return err
}

// lose notes that others have ended the session.
func (s *Session) lose() { s.state = gone }

// dismiss notes that this request has ended the session.
func (s *Session) dismiss() { s.state = dismissed }

// An idleDeadline is what is to become of a Session's idle deadline when it is released.
type idleDeadline uint8

const (
	asItIs idleDeadline = iota
	due                 // to be moved
	fixed               // UpdateExpiration has set it: this Session moves it no more
)

// setDue notes whether the idle deadline is to be moved.
func (s *Session) setDue(is bool) {
	switch {
	case s.idle == fixed:
	case is:
		s.idle = due
	default:
		s.idle = asItIs
	}
}
