package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// storedEngine is the engine of sessions in a [driver.Backend]. Package internal/merge stores them; this type connects them
// to a request.
type storedEngine struct {
	drafted
	store *merge.Store
}

func (e *storedEngine) find(ctx context.Context, s *Session, sid string) error {
	err := e.findKey(ctx, s, e.m.storageKey(sid))
	if err == nil {
		s.named(sid)
	}
	return err
}

// findKey fills s with the live session under a storage key. s then has no sid.
func (e *storedEngine) findKey(ctx context.Context, s *Session, key string) error {
	out, err := e.store.Load(ctx, key, &s.draft)
	e.met(ctx, s, "", out)
	if err != nil {
		return err
	}
	s.state = stored
	s.setDue(out.Due)
	return nil
}

func (e *storedEngine) arrived(s *Session, c candidate) error {
	switch {
	case c.by == byHeader:
		s.r.reply.header(c.sid)
	case s.cookieDue():
		e.renew(s, s.maxAge())
		s.setDue(true)
	}
	return nil
}

func (e *storedEngine) renew(s *Session, maxAge int) {
	if sid := s.sidNow(); s.isStored() && sid != "" {
		s.sends(s.r.answersCookie())
		s.r.answerCookie(sid, maxAge)
	}
}

func (e *storedEngine) resend(_ context.Context, s *Session) error {
	sid := s.sidNow()
	if sid == "" {
		return ErrDestroyed
	}
	s.sends(s.r.answersNewSID())
	s.r.answerSID(sid, s.maxAge())
	return nil
}

// met counts what happened during a call of the store, and queues the events. user is the user from before the call.
func (e *storedEngine) met(ctx context.Context, s *Session, user string, out merge.Outcome) {
	if out.Failed {
		e.m.stats.count(failures)
	}
	for range out.Conflicts {
		e.m.stats.count(conflicts)
		if h := e.m.cfg.OnConflict; h != nil {
			s.later(ctx, h, Event{ID: s.publicID(), User: e.m.userName(user)})
		}
	}
	if !out.Sooner.IsZero() {
		e.m.watched.sooner(s.draft.Key, out.Sooner)
	}
}

// after is called when the store was asked to change a session. It calls met, handles a record that is gone, and counts a
// success as what.
func (e *storedEngine) after(ctx context.Context, s *Session, what counter, user string, out merge.Outcome, err error) error {
	e.met(ctx, s, user, out)
	switch {
	case out.Gone:
		return e.lost(ctx, s)
	case err != nil:
		return err
	}
	e.m.stats.count(what)
	s.setDue(false)
	return nil
}

func (e *storedEngine) begin(ctx context.Context, s *Session) error {
	if err := s.promisable(); err != nil {
		return err
	}
	return e.create(ctx, s, "")
}

// create stores the session for the first time, logs user in unless it is "", and then answers the sid to the client.
func (e *storedEngine) create(ctx context.Context, s *Session, user string) error {
	if s.r.reply.moved() {
		return e.follow(ctx, s)
	}
	sid, err := s.sid, error(nil)
	if sid == "" {
		if sid, err = s.r.newSID(); err != nil {
			return err
		}
	}
	s.sends(s.r.answersCookie())
	out, err := e.store.Create(ctx, e.m.storageKey(sid), &s.draft, user)
	e.met(ctx, s, user, out)
	if out.Failed { // what became of this sid is not known: the next try takes another one
		s.sid = ""
	}
	if err != nil {
		return err
	}
	s.isNew = true
	s.named(sid)
	s.setDue(false)
	if user != "" || s.extra().was != "" {
		e.markDead(ctx, s)
	}
	s.answer(s.r.movedFrom(s.extra().was))
	s.begun(ctx)
	return nil
}

func (e *storedEngine) change(ctx context.Context, s *Session, ed edit) error {
	if nothing, err := e.changesNothing(ctx, s, ed); nothing || err != nil {
		return err
	}
	s.lift()
	log := s.draft.WriteLog()
	log.Begin()
	switch {
	case s.isOver():
		return ErrDestroyed
	case s.isStored():
		return e.apply(ctx, s, ed)
	}
	begun := s.sid != "" && s.r.reply.waits() && s.promisable() == nil // then beginning cannot fail
	var before merge.Changes
	if !begun {
		before = log.Snapshot()
	}
	if err := e.apply(ctx, s, ed); err != nil {
		return err
	}
	log.Simplify()
	if begun || log.Empty() || s.state == withheld { // Save tells, unless a Login takes the changes along
		return nil
	}
	if err := e.beginLazily(ctx, s); err != nil {
		if s.draft.Log == log { // else a save has stored it
			log.Restore(before)
		}
		return err
	}
	return nil
}

// beginLazily is called when a lazy session has something to store. Outside Handler the record is created before the cookie
// is answered; under Handler both wait for the response headers.
func (e *storedEngine) beginLazily(ctx context.Context, s *Session) (err error) {
	if err := s.promisable(); err != nil {
		return err
	}
	if !s.r.reply.waits() {
		ctx, cancel := e.m.saveContext(ctx)
		defer cancel()
		if err = e.create(ctx, s, ""); err == nil && s.state == dismissed {
			err = ErrDestroyed
		}
		return err
	}
	if s.sid == "" {
		s.sid, err = s.r.newSID()
	}
	return err
}

func (e *storedEngine) save(ctx context.Context, s *Session) error {
	unchanged := !s.draft.IsChanged()
	switch {
	case s.state == gone:
		return ErrDestroyed
	case s.state == dismissed || s.state == replaced:
		return nil
	case unchanged && (!s.isStored() || s.idle != due || s.isFixed()):
		return nil
	case e.m.isClosed():
		return ErrClosed
	case !unchanged && s.isHeld():
		return errHeld
	}
	ctx, cancel := e.m.saveContext(ctx)
	defer cancel()
	switch {
	case !s.isStored():
		return e.begin(ctx, s)
	case unchanged:
		return e.shift(ctx, s)
	}
	return e.merge(ctx, s)
}

// merge stores the changes on top of what is stored.
func (e *storedEngine) merge(ctx context.Context, s *Session) error {
	user := s.draft.User()
	out, err := e.store.Save(ctx, &s.draft, s.isFixed())
	return e.after(ctx, s, saved, user, out, err)
}

func (e *storedEngine) shift(ctx context.Context, s *Session) error {
	out, err := e.store.Touch(ctx, &s.draft)
	return e.after(ctx, s, touched, s.draft.User(), out, err)
}

func (e *storedEngine) fix(ctx context.Context, s *Session, life merge.Lifetime) error {
	s.sends(s.r.answersCookie())
	user := s.draft.User()
	out, err := e.store.Expire(ctx, &s.draft, life)
	return e.after(ctx, s, saved, user, out, err)
}

// lost is called when the record is gone. If this request has regenerated the session in the meantime, the changes are
// stored under the new sid. If this request has destroyed the session, they are dropped without an error.
func (e *storedEngine) lost(ctx context.Context, s *Session) error {
	if s.r.reply.moved() {
		return e.follow(ctx, s)
	}
	s.lose()
	e.m.watched.end(s.draft.Key)
	s.r.reply.gone()
	return ErrDestroyed
}

// follow moves the session and its log to the sid that another Session of this request has given it.
func (e *storedEngine) follow(ctx context.Context, s *Session) error {
	if err := e.join(ctx, s); err != nil || !s.isStored() || !s.draft.IsChanged() {
		return err
	}
	return e.merge(ctx, s)
}

// join is follow without a save.
func (e *storedEngine) join(ctx context.Context, s *Session) error {
	sid := s.r.reply.current()
	if sid == "" || s.isStored() && !s.r.leadsFrom(s.sid) { // what came later is another session
		s.r.original = sid
		s.dismiss()
		return nil
	}
	var next merge.Draft
	out, err := e.store.Load(ctx, e.m.storageKey(sid), &next)
	e.met(ctx, s, "", out)
	switch {
	case errors.Is(err, ErrNotFound):
		s.r.original = sid
		return e.lost(ctx, s)
	case err != nil:
		return fmt.Errorf("session: load: %w", err)
	}
	if err := e.store.Rebase(&s.draft, &next); err != nil {
		return err
	}
	s.named(sid)
	s.r.original = sid
	s.setDue(false)
	return nil
}

func (e *storedEngine) reload(ctx context.Context, s *Session) error {
	if s.r.reply.moved() {
		if err := e.join(ctx, s); err != nil || !s.isOver() {
			return err
		}
		return ErrDestroyed
	}
	if !s.isStored() {
		return nil
	}
	out, err := e.store.Reload(ctx, &s.draft)
	e.met(ctx, s, s.draft.User(), out)
	switch {
	case out.Gone:
		return e.lost(ctx, s)
	case err != nil:
		return fmt.Errorf("session: reload: %w", err)
	}
	s.setDue(out.Due || s.idle == due) // a cookie may have been sent, which is still to be noted
	return nil
}

func (e *storedEngine) remove(ctx context.Context, sid string) (events []func(), err error) {
	m := e.m
	key, absent := m.storageKey(sid), false
	rec := m.newRecord()
	if m.cfg.OnDestroy != nil { // it is told whose session it was
		switch err := e.store.Backend.Load(ctx, key, &rec); {
		case errors.Is(err, ErrNotFound) && m.cannot[sweeping] == nil: // the sweep tells OnDestroy if it has expired
			m.watched.end(key)
			return nil, nil
		case errors.Is(err, ErrNotFound): // by this node's clock; another's may be behind
			absent = true
		case isUnreadable(err): // its user is unknown, but it can be deleted
		case err != nil:
			m.stats.count(failures)
			return nil, err
		}
	}
	if err := e.store.Backend.Delete(ctx, key, 0); err != nil {
		m.stats.count(failures)
		return nil, err
	}
	event := m.destroyed(ctx, key, rec.User, ReasonLogout)
	if absent || event == nil {
		return nil, nil
	}
	return []func(){event}, nil
}

func (*storedEngine) leave(context.Context, *Session) error { return nil }

func (*storedEngine) abandon(*deferred, *Session) {}

func (e *storedEngine) sweep(ctx context.Context) (int, error) {
	s, err := optional[driver.Sweeper](e.m, sweeping)
	if err != nil { // there is nothing to sweep, or it is closed
		return 0, nil
	}
	return s.Sweep(ctx, e.m.expired())
}

// ping loads a record that does not exist, if the store has no Ping.
func (e *storedEngine) ping(ctx context.Context) error {
	if p, ok := driver.As[driver.Pinger](e.m.backend); ok {
		return p.Ping(ctx)
	}
	sid, err := e.m.unusedSID()
	if err != nil {
		return err
	}
	rec := e.m.newRecord()
	if err := e.store.Backend.Load(ctx, e.m.storageKey(sid), &rec); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

func (*storedEngine) watched(s *Session) string { return s.draft.Key }

func (e *storedEngine) deadline(ctx context.Context, key string) (time.Time, error) {
	rec := e.m.newRecord()
	if err := e.store.Backend.Load(ctx, key, &rec); err != nil {
		return time.Time{}, err
	}
	now := time.Now()
	if !rec.Live(now) {
		return time.Time{}, ErrNotFound
	}
	return merge.Bounded(now, rec.Expires, rec.Deadline), nil
}

// newRecord returns a record for a Load of one that may be larger than this manager reads.
func (m *Manager) newRecord() driver.Record { return driver.Record{MaxData: m.envelope.MaxData()} }
