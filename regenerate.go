package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// SessionRegenerateID is [Manager.Regenerate] with the name and the result that beego's API has.
func (m *Manager) SessionRegenerateID(w http.ResponseWriter, r *http.Request) (Store, error) {
	return asStore(m.Regenerate(w, r))
}

// Regenerate gives the request's session a new sid: see [Session.Regenerate]. A request without a live
// session gets a fresh one; one whose session others have ended since it was started gets [ErrDestroyed],
// and no cookie: theirs counts. What an older Session of the same request has changed, or will change, goes to
// the new sid too. The caller must release the result.
func (m *Manager) Regenerate(w http.ResponseWriter, r *http.Request) (*Session, error) {
	return m.regenerate(arrivalOf(w, r))
}

// RegenerateExchange is [Manager.Regenerate] for another HTTP stack than net/http.
func (m *Manager) RegenerateExchange(x Exchange) (*Session, error) {
	return m.regenerate(arrival{x: x})
}

func (m *Manager) regenerate(a arrival) (*Session, error) {
	request, err := a.context()
	if err != nil {
		return nil, err
	}
	ctx, cancel := m.saveContext(request)
	defer cancel()
	s, err := m.open(ctx, request, a)
	switch {
	case err == nil:
		s.takePlace()
		err = s.regenerate(ctx)
	case s != nil:
		s.r.hold()
	}
	if err == nil && !m.cfg.Lazy {
		err = s.ensure(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// takePlace notes the sid that the request came with. If s is not stored it is dead, and an older Session of
// the request may have it.
func (s *Session) takePlace() {
	s.mu.Lock()
	defer s.unlock()
	s.setAside().was = s.r.original
}

// Regenerate gives the session a new sid, as must be done at each login or change of privilege. Changes
// that are not saved yet are stored under the new sid alone; the old one is dead when Regenerate returns.
// No save that another request has been told of is lost. With an error the client keeps the old sid, and
// nothing that this Session has changed or will change is stored under it: Save returns an error until a
// Regenerate has succeeded. Under Handler it returns [ErrCommitted] once the response headers are sent.
func (s *Session) Regenerate(ctx context.Context) error {
	ctx, cancel := s.m.saveContext(ctx)
	defer cancel()
	return s.regenerate(ctx)
}

func (s *Session) regenerate(ctx context.Context) error {
	sid, err := s.m.newSID()
	if err != nil {
		return err
	}
	return s.regenerateAs(ctx, sid, "")
}

// regenerateAs gives the session a new sid, and, unless user is "", to user.
func (s *Session) regenerateAs(ctx context.Context, sid, user string) error {
	s.mu.Lock()
	defer s.unlock()
	if err := s.promisable(); err != nil {
		return err
	}
	s.setAside().login = user
	defer func() { s.aside.login = "" }()
	switch {
	case s.isOver():
		return ErrDestroyed
	case sid == s.sid:
		return errOwnSID
	case s.m.sealer != nil:
		return s.resealAs(sid, user)
	case s.m.raw != nil:
		return s.regenerateRaw(ctx, sid)
	case s.r.reply.moved(): // another Session of this request began it, or gave it a new sid
		if err := s.follow(ctx); err != nil {
			return s.hold(err)
		}
		if sid == s.sid {
			return errOwnSID
		}
	}
	switch s.state {
	case dismissed:
		return ErrDestroyed
	case unstored: // nobody knows the old sid
		if s.sid != "" || user != "" {
			s.sid = sid
		}
		if user == "" {
			return nil
		}
		if err := s.reserve(ctx, user, sid); err != nil {
			return err
		}
		return s.create(ctx)
	}
	was, old := s.sid, s.key
	for {
		err := s.moveAs(ctx, sid, user)
		if errors.Is(err, ErrTooManySessions) { // the session stays as it was
			return err
		}
		if err != nil {
			return s.hold(err)
		}
		if !s.isStored() { // this request has destroyed it
			return ErrDestroyed
		}
		if s.sid == sid {
			break
		}
		was, old = s.sid, s.key // another Session of this request has just given it this one
	}
	s.m.watched.end(old)
	s.answer(s.r.movedFrom(was))
	s.regenerated(ctx, was)
	return nil
}

var errOwnSID = fmt.Errorf("session: regenerate: %w: the new sid is the old one", ErrExists)

// moveAs makes room for who logs in, if somebody does, and then moves. Both are in one turn, after a look whether the
// session is still there: of two requests that log in with one session, the second ends no other to make room.
func (s *Session) moveAs(ctx context.Context, sid, user string) error {
	turn, err := s.m.saves.enter(ctx, s.key)
	if err != nil {
		return fmt.Errorf("session: regenerate: %w", err)
	}
	defer s.m.saves.leave(s.key, turn)
	limited := s.isLimited(user)
	if limited {
		switch err := s.m.backend.Load(ctx, s.key, new(driver.Record)); {
		case errors.Is(err, ErrNotFound):
			return s.lost(ctx)
		case err != nil:
			s.m.stats.count(failures)
			return fmt.Errorf("session: load: %w", err)
		}
	}
	if err := s.reserve(ctx, user, sid); err != nil {
		return err
	}
	s.state = held // also if an update panics
	err = s.move(ctx, sid, turn)
	if limited && (errors.Is(err, ErrDestroyed) || errors.Is(err, ErrTooLarge)) { // nobody can log in by this
		s.unreserve(ctx, user, sid)
	}
	return err
}

// regenerated counts a new sid, and tells of it.
func (s *Session) regenerated(ctx context.Context, was string) {
	s.m.stats.count(regenerated)
	if h := s.m.cfg.OnRegenerate; h != nil {
		s.later(ctx, h, Event{ID: s.m.publicID(s.sid), Previous: s.m.publicID(was), User: s.m.userName(s.rec.User)})
	}
}

// errHeld is what Save returns after a failed Regenerate: the changes may be those of a login, and somebody
// else may know the old sid.
var errHeld = errors.New("session: not saved: Regenerate has failed, and the old sid must not get the changes")

// move stores the record under a new key and ends the old one at the version that was copied. A crash in
// between leaves both, and nobody knows the new one.
func (s *Session) move(ctx context.Context, sid string, turn *turn) error {
	m := &move{s: s, key: s.m.storageKey(sid)}
	loaded, log := s.rec, s.log
	base := &loaded
	if turn.rec.Version > loaded.Version && s.besides().sent == nil {
		base = &turn.rec
	}
	for try := 0; ; try++ {
		if s.isOthers(s.aside.login) {
			s.log.reset()
			s.log.flush = true
		}
		p, err := s.onto(base, loaded.Version, m.key)
		if err != nil {
			s.log = log
			return m.undo(ctx, err)
		}
		err = m.step(ctx, base, p)
		if err == nil {
			s.rec = m.rec
			s.named(sid, m.key)
			s.saved(p)
			return nil
		}
		s.log = log
		base, err = s.next(ctx, try, err)
		switch {
		case errors.Is(err, ErrNotFound):
			if err := m.undo(ctx, nil); err != nil {
				return err
			}
			return s.lost(ctx)
		case errors.Is(err, errUnclear):
			return m.undo(ctx, fmt.Errorf("session: regenerate: %w", err))
		case err != nil:
			return fmt.Errorf("session: regenerate: %w", err)
		case base == nil:
			loaded, log = s.rec, s.log
			base = &loaded
		}
	}
}

// A move is one regeneration under way.
type move struct {
	s       *Session
	key     string // the new one
	created bool
	rec     driver.Record // what is stored under it
}

// step copies one version of the record and ends it.
func (m *move) step(ctx context.Context, base *driver.Record, p payload) error {
	b := m.s.m.backend
	version := m.rec.Version
	m.rec = *base
	m.rec.Data, m.rec.Shorten = p.data, false
	m.rec.Expires, _ = m.s.deadline(time.Now(), base, p.life)
	m.s.logIn(&m.rec, p.life)
	if r, ok := driver.As[driver.Renamer](b); ok {
		return m.renamed(ctx, r.Rename(ctx, m.s.key, base.Version, m.key, &m.rec))
	}
	m.rec.Version = version
	if m.created {
		err := b.Save(ctx, m.key, &m.rec)
		m.created = !errors.Is(err, ErrNotFound)
		switch {
		case !m.created && m.rec.User != "":
			return m.ended(ctx, err)
		case m.created && err != nil: // else the store has evicted it
			return err
		}
	}
	if !m.created {
		if err := b.Create(ctx, m.key, &m.rec); err != nil {
			return err
		}
		m.created = true
	}
	return b.Delete(ctx, m.s.key, base.Version)
}

// ended ends the session under its old sid too. Who looks for the sessions of a user, as a limit does, has found the new
// record and ended it.
func (m *move) ended(ctx context.Context, err error) error {
	if failed := m.s.m.backend.Delete(ctx, m.s.key, 0); failed != nil {
		return failed
	}
	return err
}

// renamed returns nil for the error of a rename that was done although its answer was lost: what was sent is under the
// new key. It may be another's session that is there, if sids are an application's own.
func (m *move) renamed(ctx context.Context, err error) error {
	if _, conflict := errors.AsType[*driver.ConflictError](err); err == nil || conflict ||
		errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) {
		return err
	}
	var found driver.Record
	if m.s.m.backend.Load(ctx, m.key, &found) != nil || !bytes.Equal(found.Data, m.rec.Data) {
		return err
	}
	m.rec = found
	return nil
}

// undo removes the copy, when it is known that the old record was not ended by this move. After an error
// that leaves this open both stay: the copy expires unused, but the session may have no other record.
func (m *move) undo(ctx context.Context, err error) error {
	if !m.created {
		return err
	}
	if undone := m.s.m.backend.Delete(ctx, m.key, 0); undone != nil && err == nil {
		err = fmt.Errorf("session: regenerate: %w", undone)
	}
	return err
}
