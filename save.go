package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed1a8f7c28/session/internal/merge"
)

// Save stores the changes: it applies them to the session as it is stored at that moment. On different keys the changes
// of all requests stay; on one key the last Save wins, while Update and Increment compose. Without changes Save only moves
// the idle deadline, if that is due. It goes on when ctx is cancelled, for as long as opTimeout: a client that hung up
// does not lose its changes.
//
// It returns [ErrDestroyed] if the session is gone meanwhile, [ErrTooLarge] if it would pass maxBytes, and the store's
// error. The changes are kept for another Save. After the store's error they may be stored nevertheless, if only its
// answer was lost. The next Save finds that out, and makes nothing twice. It cannot find out once others have saved: then
// it sets and removes again, but returns an error if there are updates or increments.
//
// After an error of Save the application answers: Handler does not save once more by itself.
func (s *Session) Save(ctx context.Context) error {
	s.mu.Lock()
	defer s.unlock()
	err := s.save(orBackground(ctx))
	if err != nil || s.draft.Log != nil {
		s.draft.Edit().Told = err != nil
	}
	return err
}

// told reports whether the application knows from Save that its changes are not stored. The caller holds mu.
func (s *Session) told() bool { return s.draft.Log != nil && s.draft.Log.Told }

// isTold is told for who does not hold mu.
func (s *Session) isTold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told()
}

func (s *Session) save(ctx context.Context) error {
	unchanged := s.draft.Changes().Empty()
	switch {
	case s.m.raw != nil:
		return s.releaseRaw(ctx)
	case s.state == gone:
		return ErrDestroyed
	case s.state == dismissed || s.m.sealer != nil:
		return nil
	case unchanged && (s.state == unstored || s.idle != due || s.isFixed()):
		return nil
	case s.m.isClosed():
		return ErrClosed
	case !unchanged && s.isHeld():
		return errHeld
	}
	ctx, cancel := s.saveContext(ctx)
	defer cancel()
	switch {
	case s.state == unstored:
		if err := s.promisable(); err != nil {
			return err
		}
		return s.create(ctx, "")
	case unchanged:
		return s.touch(ctx)
	}
	return s.merge(ctx)
}

// saveContext is the manager's, without its allocation where nothing waits.
func (s *Session) saveContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.m.local && s.draft.Log != nil {
		return s.draft.Log.Detached(orBackground(ctx)), func() {}
	}
	return s.m.saveContext(ctx)
}

// met counts what a call of the store has met, and tells of it. user is whose the session was before.
func (s *Session) met(ctx context.Context, user string, out merge.Outcome) {
	if out.Failed {
		s.m.stats.count(failures)
	}
	for range out.Conflicts {
		s.m.stats.count(conflicts)
		if h := s.m.cfg.OnConflict; h != nil {
			s.later(ctx, h, Event{ID: s.m.publicID(s.sid), User: s.m.userName(user)})
		}
	}
	if !out.Sooner.IsZero() {
		s.m.watched.sooner(s.draft.Key, out.Sooner)
	}
}

// touch moves the idle deadline.
func (s *Session) touch(ctx context.Context) error {
	out, err := s.m.store.Touch(ctx, &s.draft)
	s.met(ctx, s.draft.User, out)
	switch {
	case out.Gone:
		return s.lost(ctx)
	case err != nil:
		return err
	}
	s.m.stats.count(touched)
	s.setDue(false)
	return nil
}

// create stores the session for the first time, for user, who logs in unless it is "", and then promises its sid to the
// client.
func (s *Session) create(ctx context.Context, user string) error {
	if s.r.reply.moved() {
		return s.follow(ctx)
	}
	sid, err := s.sid, error(nil)
	if sid == "" {
		if sid, err = s.m.newSID(); err != nil {
			return err
		}
	}
	out, err := s.m.store.Create(ctx, s.m.storageKey(sid), &s.draft, user)
	s.met(ctx, user, out)
	if errors.Is(err, ErrExists) { // an earlier try was stored, but the answer was lost
		s.sid = ""
	}
	if err != nil {
		return err
	}
	s.isNew = true
	s.named(sid)
	s.setDue(false)
	s.answer(s.r.movedFrom(s.besides().was))
	s.begun(ctx)
	return nil
}

// begun counts a new session, and tells of it.
func (s *Session) begun(ctx context.Context) {
	s.m.stats.count(started)
	if h := s.m.cfg.OnCreate; h != nil {
		s.later(ctx, h, Event{ID: s.m.publicID(s.sid), User: s.m.userName(s.draft.User)})
	}
}

// answer promises the sid to the client and to later readers of the request.
func (s *Session) answer(n note) {
	s.r.answerSID(s.sid, s.m.maxAge(s.lifetime()))
	s.r.reply.rewrite(s.sid, "", n)
}

// merge stores the changes in what is stored.
func (s *Session) merge(ctx context.Context) error {
	user := s.draft.User
	out, err := s.m.store.Save(ctx, &s.draft, s.isFixed())
	s.met(ctx, user, out)
	switch {
	case out.Gone:
		return s.lost(ctx)
	case err != nil:
		return err
	}
	s.m.stats.count(saved)
	s.setDue(false)
	return nil
}

// lost is called when the record is gone. If this request has regenerated the session meanwhile, the
// changes go on to the new sid; if it has destroyed it, they are dropped without a word.
func (s *Session) lost(ctx context.Context) error {
	if s.r.reply.moved() {
		return s.follow(ctx)
	}
	s.lose()
	s.m.watched.end(s.draft.Key)
	s.r.reply.retract()
	return ErrDestroyed
}

// follow takes the session and its log to the sid that another Session of this request has given it.
func (s *Session) follow(ctx context.Context) error {
	sid := s.r.reply.current()
	if sid == "" || s.isStored() && !s.r.leadsFrom(s.sid) { // what came later is another session
		s.r.original = sid
		s.dismiss()
		return nil
	}
	var next merge.Draft
	out, err := s.m.store.Load(ctx, s.m.storageKey(sid), &next)
	s.met(ctx, "", out)
	switch {
	case errors.Is(err, ErrNotFound):
		s.r.original = sid
		return s.lost(ctx)
	case err != nil:
		return fmt.Errorf("session: load: %w", err)
	}
	if err := s.m.store.Rebase(&s.draft, &next); err != nil {
		return err
	}
	s.named(sid)
	s.r.original = sid
	if s.setDue(false); s.draft.Changes().Empty() {
		return nil
	}
	return s.merge(ctx)
}

// load makes the live record of sid the session's view.
func (s *Session) load(ctx context.Context, sid string) error {
	out, err := s.m.store.Load(ctx, s.m.storageKey(sid), &s.draft)
	s.met(ctx, "", out)
	if err != nil {
		return err
	}
	s.named(sid)
	s.setDue(out.Due)
	return nil
}
