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

// A Session is one request's view of a session: the values as they were loaded, and a log of what the request has changed.
// Saving applies the log to the session as it is stored at that moment, so that requests of one session do not undo each
// other's changes. After Save the view is what was stored, including the changes of other requests.
//
// Goroutines of one request may share a Session. A nil context stands for [context.Background].
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
}

// Sessions are refused inside values: encoding one would call its MarshalText while it is locked for the change that stores
// it.
func init() { codec.Refuse[Session]() }

// extras are fields that few Sessions need. They are a type of their own because each request allocates a Session.
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

// noExtras is what extra returns for a Session that has none. It is never changed.
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

// newSession returns a session that is not stored yet and belongs to no request.
func (m *Manager) newSession() *Session {
	s := new(Session)
	s.init(m, m.none)
	return s
}

// init makes s, which is zero, a session of r that is not stored yet.
func (s *Session) init(m *Manager, r *request) { s.m, s.r, s.draft.Version = m, r, m.unborn }

func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// SessionID returns the sid. It is meant for the client alone and must not be logged. It is "" while a lazy session has
// nothing to store, and on a Session that [Manager.SessionByID] returned.
func (s *Session) SessionID(context.Context) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sid
}

// IsNew reports whether the session began with this request, that is, whether the store had none when the request arrived.
// It stays true until the request ends, also on another Session of the request, after something was stored, and after
// Login. It is false where no session begins: for a late request or one from another site, see [Manager.Start].
func (s *Session) IsNew() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isNew
}

// Get returns the value under key as this request sees it, or nil if there is none. The value is a copy that belongs to the
// caller. Its strings share memory with all values of the session: clone one that you keep for long. If the value cannot be read, Get
// returns nil, and the error goes to ErrorHandler and Logger. The generic function [Get] returns the error.
func (s *Session) Get(ctx context.Context, key any) any {
	v, _, err := s.look(ctx, key)
	if err != nil {
		s.unread(ctx, err)
	}
	return v
}

// look is Get for callers that must tell a missing value, a nil value and an error apart.
func (s *Session) look(ctx context.Context, key any) (v any, ok bool, err error) {
	if isReserved(key) {
		return nil, false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.engine.get(orBackground(ctx), s, key)
}

// unread reports why a value is not returned. A key under which there can be no value is not reported.
func (s *Session) unread(ctx context.Context, err error) {
	if !errors.Is(err, ErrUnencodable) {
		s.m.report(orBackground(ctx), s.r.x, "a value could not be read", err)
	}
}

// Set stores value under key when the session is released. It encodes value at once: if something that value refers to
// changes later, call Set again. Values that cannot be encoded, such as a Session, return an error wrapping
// [ErrUnencodable], and so do keys that begin with U+0001 and "session.". A value over the limit returns one wrapping
// [ErrTooLarge]. The session then stays as it was. A method that encodes value must not use the Session that value is
// stored in.
//
// Set returns [ErrDestroyed] once the session is known to have ended, and [ErrCommitted] if the session's cookie would have
// to be sent after the response headers. SessionRelease logs each value that was refused, in case the application ignores
// the error.
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

// Delete removes the value under key when the session is released. It is not an error if there is none.
func (s *Session) Delete(ctx context.Context, key any) error {
	if isReserved(key) {
		return errReserved
	}
	return s.change(ctx, edit{op: opRemove, key: key})
}

// Flush removes all values that are stored at the moment of release, and with them the flash messages, the label and what
// SetLifetime or RememberMe has set. The limit of SetAbsoluteLifetime stays, and so do values that are Set after Flush.
// [Session.Clear] removes only the values that this request sees.
func (s *Session) Flush(ctx context.Context) error { return s.change(ctx, edit{op: opFlush}) }

// Update replaces the value under key by what fn returns. fn gets nil if there is no value, and removes the value by
// returning nil. It is called at once with this request's view, and again during a save if another request has changed the
// session in the meantime, so that concurrent updates compose. Its result must depend on its argument alone, and it must
// not use the Session. An error of fn is returned by Update or by Save, and nothing is changed.
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

// changeLocked is change for a caller that holds mu.
func (s *Session) changeLocked(ctx context.Context, e edit) error {
	return s.m.engine.change(orBackground(ctx), s, e)
}

// Reload loads the session again, so that this request sees what is stored now. It is meant for handlers that run for a
// long time, such as streams. Changes that are not saved yet stay, and updates run again on the new values. Nothing is
// stored, and no deadline moves. A session that is not stored yet, or that is in the client's cookie, stays as it is.
//
// Reload returns [ErrDestroyed] if the session has ended or if a login of another request has given it another sid. After
// an error of the store or of an update, nothing has changed. After a Save that failed, call Save before Reload. With a
// third-party provider the error wraps [errors.ErrUnsupported].
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

// promisable returns an error if the response can no longer, or never could, carry a sid.
func (s *Session) promisable() error {
	if s.m.isClosed() {
		return ErrClosed
	}
	if s.lift(); s.state == withheld {
		return ErrCrossSite
	}
	return s.r.reply.promise()
}

// SessionRelease stores the changes as [Session.Save] does, and reports an error to ErrorHandler and Logger. It reports no
// error if the session has ended and no change is lost with it, or if this request destroyed it. It also logs each value
// that Set has refused, unless a later Set of the same key succeeded.
//
// It may be called more than once. A deferred call also runs when the handler panics. The ResponseWriter is not used,
// because cookies have been set before.
func (s *Session) SessionRelease(ctx context.Context, _ http.ResponseWriter) {
	ctx = orBackground(ctx)
	refused, err := s.release(ctx)
	if err != nil {
		s.m.report(ctx, s.r.x, "save failed", err)
	}
	s.m.tellRefused(ctx, refused)
}

// release is Save, except that it is no error if the session has ended and no change is lost. It returns the values that Set
// has refused.
func (s *Session) release(ctx context.Context) (refused []refusal, err error) {
	s.mu.Lock()
	defer s.unlock()
	err = s.releaseLocked(ctx)
	return s.takeRefused(), err
}

// finish is release at the end of a request under Handler. It does not save again what the application knows to be unsaved.
func (s *Session) finish(ctx context.Context) (refused []refusal, err error) {
	s.mu.Lock()
	defer s.unlock()
	if !s.told() {
		err = s.releaseLocked(ctx)
	}
	return s.takeRefused(), err
}

func (s *Session) releaseLocked(ctx context.Context) error {
	unchanged := !s.draft.IsChanged()
	err := s.save(ctx)
	if unchanged && errors.Is(err, ErrDestroyed) {
		return nil
	}
	return err
}

// SessionReleaseIfPresent does the same as SessionRelease, which never brings back a session that has ended.
func (s *Session) SessionReleaseIfPresent(ctx context.Context, w http.ResponseWriter) {
	s.SessionRelease(ctx, w)
}

// Format writes what String returns, whatever the verb, so that no sid and no value reaches a log.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// String returns "session(ID)" with the session's public id. It returns "session(none)" while the session has no id, and
// "session(nil)" for a nil Session.
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

// A state is what a Session knows about its record.
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

// lift lets a withheld session begin after all, if another Session of the request has begun one.
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

// hold keeps changes from being stored after a Regenerate that failed with err, and returns err.
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

// An idleDeadline says what a release does with the idle deadline of a Session.
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
