package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/millis"
	"github.com/seed1a8f7c28/session/internal/pause"
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
	s.told = err != nil
	return err
}

func (s *Session) save(ctx context.Context) error {
	switch {
	case s.m.raw != nil:
		return s.releaseRaw(ctx)
	case s.state == gone:
		return ErrDestroyed
	case s.state == dismissed || s.m.sealer != nil:
		return nil
	case s.log.empty() && (s.state == unstored || s.idle != due || s.isFixed()):
		return nil
	case s.m.isClosed():
		return ErrClosed
	case !s.log.empty() && s.isHeld():
		return errHeld
	}
	ctx, cancel := s.saveContext(ctx)
	defer cancel()
	switch {
	case s.state == unstored:
		if err := s.promisable(); err != nil {
			return err
		}
		return s.create(ctx)
	case s.log.empty():
		return s.touch(ctx)
	}
	return s.merge(ctx)
}

// saveContext is the manager's, without its allocation where nothing waits.
func (s *Session) saveContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if room := s.log.room; s.m.local && room != nil {
		room.detached = detached{orBackground(ctx)}
		return &room.detached, func() {}
	}
	return s.m.saveContext(ctx)
}

// detached is a context as context.WithoutCancel makes it.
type detached struct{ context.Context }

func (*detached) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (*detached) Done() <-chan struct{}                   { return nil }
func (*detached) Err() error                              { return nil }

// touch moves the idle deadline.
func (s *Session) touch(ctx context.Context) error {
	expires := s.m.extended(time.Now(), &s.rec, s.life)
	err := s.m.backend.Touch(ctx, s.key, expires)
	if errors.Is(err, ErrNotFound) {
		return s.lost(ctx)
	}
	if err != nil {
		s.m.stats.count(failures)
		return fmt.Errorf("session: touch: %w", err)
	}
	s.m.stats.count(touched)
	s.rec.Expires = expires
	s.setDue(false)
	return nil
}

// create stores the session for the first time, and then promises its sid to the client.
func (s *Session) create(ctx context.Context) error {
	if s.r.reply.moved() {
		return s.follow(ctx)
	}
	sid, err := s.sid, error(nil)
	if sid == "" {
		if sid, err = s.m.newSID(); err != nil {
			return err
		}
	}
	key := s.m.storageKey(sid)
	p, err := s.m.changedData(key, s.m.codec, nil, false, s.log.changes)
	if err != nil {
		return err
	}
	rec := s.m.newRecord(time.Now(), p.data, p.life)
	s.logIn(&rec, p.life)
	err = s.m.backend.Create(ctx, key, &rec)
	if errors.Is(err, ErrExists) { // an earlier try was stored, but the answer was lost
		s.sid = ""
	}
	if err != nil {
		s.m.stats.count(failures)
		return fmt.Errorf("session: create: %w", err)
	}
	s.isNew, s.rec = true, rec
	s.named(sid, key)
	s.answer(s.r.movedFrom(s.besides().was))
	s.saved(p)
	s.begun(ctx)
	return nil
}

// begun counts a new session, and tells of it.
func (s *Session) begun(ctx context.Context) {
	s.m.stats.count(started)
	if h := s.m.cfg.OnCreate; h != nil {
		s.later(ctx, h, Event{ID: s.m.publicID(s.sid), User: s.m.userName(s.rec.User)})
	}
}

// newRecord returns the record of a session that begins now.
func (m *Manager) newRecord(now time.Time, data []byte, l lifetime) driver.Record {
	rec := driver.Record{Created: millis.Time(now.UnixMilli()), Data: data}
	if m.cfg.absolute > 0 {
		rec.Deadline = millis.Time(now.Add(m.cfg.absolute).UnixMilli())
	}
	rec.Expires = m.idleUntil(now, rec.Deadline, l)
	return rec
}

// answer promises the sid to the client and to later readers of the request.
func (s *Session) answer(n note) {
	s.r.answerSID(s.sid, s.m.maxAge(s.lifetime()))
	s.r.reply.rewrite(s.sid, "", n)
}

// saved makes s.rec, which was just stored with this payload, the view, with nothing left to store.
func (s *Session) saved(p payload) {
	s.codec, s.values, s.life = s.m.codec, p.values, p.life
	s.log.reset()
	s.setDue(false)
	if s.aside != nil {
		s.aside.sent = nil
	}
}

// maxTries bounds the conflicts that a save takes. Saves of one process queue, so that every conflict
// means that another node has saved.
const maxTries = 256

// merge applies the log to what is stored.
func (s *Session) merge(ctx context.Context) error {
	turn, err := s.m.saves.enter(ctx, s.key)
	if err != nil {
		return fmt.Errorf("session: save: %w", err)
	}
	defer s.m.saves.leave(s.key, turn)
	if !s.m.local { // all managers of a local backend have one queue, and nobody else saves
		turn.breathe(ctx)
	}
	loaded, log := s.rec, s.log
	base := &loaded
	if turn.rec.Version > loaded.Version && s.besides().sent == nil {
		base = &turn.rec
	}
	for try := 0; ; try++ {
		p, err := s.onto(base, loaded.Version, s.key)
		if err != nil {
			s.log = log
			return err
		}
		s.rec = *base
		begin := time.Now()
		s.rec.Data = p.data
		s.rec.Expires, s.rec.Shorten = s.deadline(begin, base, p.life)
		err = s.m.backend.Save(ctx, s.key, &s.rec)
		if err == nil {
			s.merged(turn, p, begin)
			return nil
		}
		s.unclear(base.Version, p.values, &log, err)
		s.rec, s.log = loaded, log
		base, err = s.next(ctx, try, err)
		switch {
		case errors.Is(err, ErrNotFound):
			return s.lost(ctx)
		case err != nil:
			return fmt.Errorf("session: save: %w", err)
		case base != nil:
			continue
		case s.log.empty():
			s.merged(turn, payload{values: s.values, life: s.life}, begin)
			return nil
		}
		loaded, log = s.rec, s.log
		base = &loaded
	}
}

// merged notes that s.rec is stored with this payload, and hands it to the next save of this process.
func (s *Session) merged(turn *turn, p payload, begin time.Time) {
	if turn.rec = s.rec; !s.m.local {
		turn.took = time.Since(begin)
	}
	if s.rec.Shorten {
		s.m.watched.sooner(s.key, s.rec.Expires)
	}
	s.m.stats.count(saved)
	s.saved(p)
}

// onto returns base, a version of this session's record, with the log applied, as it is to be stored under
// key. viewed is the version that the Session shows: the log's updates started from it.
func (s *Session) onto(base *driver.Record, viewed uint64, key string) (payload, error) {
	c, values := s.codec, s.values
	if base.Version != viewed {
		var err error
		if c, values, err = s.m.openData(s.key, base.Data); err == nil {
			err = s.replay(c, values)
		}
		if err != nil {
			return payload{}, err
		}
	}
	return s.m.changedData(key, c, values, s.log.flush, s.log.changes)
}

// replay runs the log's updates on values.
func (s *Session) replay(c codec.Codec, values []byte) error {
	return s.log.replay(
		func(key []byte) (any, error) { v, _, err := c.Get(values, key); return v, err },
		func(v any) ([]byte, error) { return s.m.codec.AppendValue(nil, v) },
	)
}

// next returns the record to try again with after a conflict, or the error after which there is no more to try. It
// returns neither if an earlier try, whose answer was lost, has stored what it conflicts with: that is the view
// then, and what is not in it is left in the log.
func (s *Session) next(ctx context.Context, try int, err error) (*driver.Record, error) {
	if conflict, ok := errors.AsType[*driver.ConflictError](err); ok && conflict.Record != nil {
		if mine, err := s.resolve(conflict.Record); mine || err != nil {
			return nil, err
		}
	}
	base, err := s.retry(ctx, try, err)
	if err == nil {
		var mine bool
		if mine, err = s.resolve(base); mine {
			return nil, nil
		}
	}
	return base, err
}

// retry returns the record to try again with after a conflict, or the error after which there is no more to
// try. It waits a little longer after each lost try, so that contending nodes get out of step.
func (s *Session) retry(ctx context.Context, try int, err error) (*driver.Record, error) {
	var conflict *driver.ConflictError
	switch {
	case !errors.As(err, &conflict) || conflict.Record == nil:
		if !errors.Is(err, ErrNotFound) {
			s.m.stats.count(failures)
		}
		return nil, err
	case try == maxTries:
		return nil, err
	}
	s.m.stats.count(conflicts)
	if h := s.m.cfg.OnConflict; h != nil {
		s.later(ctx, h, Event{ID: s.m.publicID(s.sid), User: s.m.userName(s.rec.User)})
	}
	switch {
	case try == 0 && ctx.Err() == nil:
		return conflict.Record, nil
	case !pause.For(ctx, rand.N(time.Duration(min(try+1, 10))*time.Millisecond)):
		return nil, err
	}
	rec := new(driver.Record) // the conflict's is as old as the wait
	return rec, s.m.backend.Load(ctx, s.key, rec)
}

// lost is called when the record is gone. If this request has regenerated the session meanwhile, the
// changes go on to the new sid; if it has destroyed it, they are dropped without a word.
func (s *Session) lost(ctx context.Context) error {
	if s.r.reply.moved() {
		return s.follow(ctx)
	}
	s.lose()
	s.m.watched.end(s.key)
	s.r.reply.retract()
	return ErrDestroyed
}

// follow takes the session and its log to the sid that another Session of this request has given it.
func (s *Session) follow(ctx context.Context) error {
	sid, log := s.r.reply.current(), s.log
	if sid == "" || s.isStored() && !s.r.leadsFrom(s.sid) { // what came later is another session
		s.r.original = sid
		s.dismiss()
		return nil
	}
	next := s.m.newSession()
	err := next.load(ctx, sid)
	switch {
	case errors.Is(err, ErrNotFound):
		s.r.original = sid
		return s.lost(ctx)
	case err != nil:
		return fmt.Errorf("session: load: %w", err)
	}
	if !log.empty() { // updates started from the values under the old sid
		if err := s.replay(next.codec, next.values); err != nil {
			s.log = log
			return err
		}
	}
	s.named(next.sid, next.key)
	s.r.original, s.rec, s.codec, s.values, s.life = sid, next.rec, next.codec, next.values, next.life
	if s.setDue(false); log.empty() {
		return nil
	}
	return s.merge(ctx)
}

// load makes the live record of sid the session's view.
func (s *Session) load(ctx context.Context, sid string) error {
	key := s.m.storageKey(sid)
	if err := s.m.backend.Load(ctx, key, &s.rec); err != nil {
		if !errors.Is(err, ErrNotFound) {
			s.m.stats.count(failures)
		}
		return err
	}
	now := time.Now()
	if !s.rec.Live(now) {
		return ErrNotFound
	}
	c, values, err := s.m.openData(key, s.rec.Data)
	if err != nil {
		return err
	}
	s.named(sid, key)
	s.codec, s.values, s.life = c, values, s.m.lifetimeIn(c, values)
	s.log.reset()
	s.setDue(s.m.due(now, &s.rec, s.life))
	return nil
}
