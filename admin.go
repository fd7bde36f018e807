package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync/atomic"

	"github.com/seed1a8f7c28/session/driver"
)

// List yields the live sessions in no particular order. A session that is live during the whole call is yielded exactly
// once. After an error List yields no more. If the provider cannot list sessions, it yields one error, which wraps
// [errors.ErrUnsupported]. The provider's documentation says what a list costs the store.
func (m *Manager) List(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		m.calls.begin()
		defer m.calls.end()
		l, err := optional[driver.Lister](m, listing)
		if err != nil {
			yield(Info{}, err)
			return
		}
		for e, err := range l.List(orBackground(ctx)) {
			if err != nil {
				yield(Info{}, fmt.Errorf("session: list: %w", err))
				return
			}
			meta, _ := m.envelope.Listed(e.Key, &e.Record) // one that was altered has none, and is no session to its visitor
			if !yield(m.info(&e, meta), nil) {
				return
			}
		}
	}
}

// Count returns how many sessions are live. If the provider cannot count them, the error wraps [errors.ErrUnsupported].
func (m *Manager) Count(ctx context.Context) (int, error) {
	m.calls.begin()
	defer m.calls.end()
	c, err := optional[driver.Counter](m, counting)
	if err != nil {
		return 0, err
	}
	n, err := c.Count(orBackground(ctx))
	if err != nil {
		return 0, fmt.Errorf("session: count: %w", err)
	}
	return n, nil
}

// Ping is for health checks. It returns nil if the manager can be used, [ErrClosed] if the manager was closed, and the
// store's error, within opTimeout, if the store cannot be reached or used: for example, a server does not answer, or no
// file can be created in the folder. An error counts in [Stats].
//
// The memory and cookie providers have nothing to reach. If a [driver.Backend] is not a [driver.Pinger], Ping asks it for a
// session that does not exist. It asks a third-party provider whether such a session exists.
func (m *Manager) Ping(ctx context.Context) error {
	m.calls.begin()
	defer m.calls.end()
	if m.isClosed() {
		return ErrClosed
	}
	ctx, cancel := m.loadContext(orBackground(ctx))
	defer cancel()
	if err := m.engine.ping(ctx); err != nil {
		m.stats.count(failures)
		return fmt.Errorf("session: ping: %w", err)
	}
	return nil
}

// DestroyByID ends the session with this sid or public id, whichever user it belongs to. For an id that a user has chosen,
// use [Manager.DestroyOf]. It is not an error if the session has already ended. An id that has the shape of neither is an
// error wrapping [ErrNotFound].
//
// A Login or Regenerate gives the session another sid and another public id. DestroyByID with the old id then ends nothing
// and returns no error; [Manager.DestroyUser] finds the session. With the memory provider, and in beego mode, a public id
// is searched for in the list of all sessions.
func (m *Manager) DestroyByID(ctx context.Context, id string) error {
	m.calls.begin()
	defer m.calls.end()
	b, err := optional[driver.Backend](m, byID)
	if err != nil {
		return err
	}
	key, rec, err := m.recordOf(ctx, b, id)
	if errors.Is(err, ErrNotFound) && (m.validSID(id) || publicIDShape.MatchString(id)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("session: destroy: %w", err)
	}
	return m.revoke(ctx, key, rec.User)
}

// endKey ends the session under a storage key, for a caller that holds a lock. event tells OnDestroy once the lock is given
// up; it is nil if the session had already ended.
func (m *Manager) endKey(ctx context.Context, key string) (event func(), err error) {
	b, err := optional[driver.Backend](m, byID)
	if err != nil {
		return nil, err
	}
	bounded, cancel := m.loadContext(orBackground(ctx))
	defer cancel()
	rec, err := m.recordUnder(bounded, b, key)
	switch {
	case errors.Is(err, ErrNotFound):
		m.watched.end(key)
		return nil, nil
	case err != nil:
		m.stats.count(failures)
		return nil, fmt.Errorf("session: destroy: %w", err)
	}
	return m.revokeUntold(ctx, key, rec.User)
}

// SessionByID returns the session with this sid or public id, whichever user it belongs to, outside any request. It is
// meant for operators, who look at values or change them. [Session.Save] stores the changes, and requests of the visitor
// lose nothing by it. Neither SessionByID nor Save moves the session's deadline. The Session has no sid, so it cannot be
// sent to anybody: Login and Regenerate return an error.
//
// If there is no such session, the error wraps [ErrNotFound]. If the provider cannot find a session by its id, it wraps
// [errors.ErrUnsupported]. After a Login or Regenerate the old id finds nothing, and a public id can be slow to find: see
// [Manager.DestroyByID].
func (m *Manager) SessionByID(ctx context.Context, id string) (*Session, error) {
	m.calls.begin()
	defer m.calls.end()
	if _, err := optional[driver.Backend](m, byID); err != nil {
		return nil, err
	}
	s := m.newSession()
	s.r = m.outside
	err := m.underID(ctx, id, func(ctx context.Context, key string) error { return m.engine.(*storedEngine).findKey(ctx, s, key) })
	if err != nil {
		return nil, fmt.Errorf("session: load: %w", err)
	}
	s.idle = fixed // who looks does not use it
	return s, nil
}

// recordOf loads the record of the session with this sid or public id.
func (m *Manager) recordOf(ctx context.Context, b driver.Backend, id string) (key string, rec driver.Record, err error) {
	err = m.underID(ctx, id, func(ctx context.Context, found string) error {
		key = found
		rec, err = m.recordUnder(ctx, b, key)
		return err
	})
	return key, rec, err
}

// recordUnder loads the record under a storage key. If the record cannot be read, its user is unknown, but it can be ended.
func (m *Manager) recordUnder(ctx context.Context, b driver.Backend, key string) (driver.Record, error) {
	rec := m.newRecord()
	err := b.Load(ctx, key, &rec)
	if isUnreadable(err) {
		err = nil
	}
	return rec, err
}

// underID calls load with the storage key of a sid or a public id. With a SessionIDGenerator an id can have the shape of
// both: if load returns [ErrNotFound] for the sid, underID calls it again for the public id.
func (m *Manager) underID(ctx context.Context, id string, load func(ctx context.Context, key string) error) error {
	bounded := func(key string) error {
		ctx, cancel := m.loadContext(orBackground(ctx))
		defer cancel()
		return load(ctx, key)
	}
	if m.validSID(id) {
		if err := bounded(m.storageKey(id)); !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	key, err := m.keyOf(orBackground(ctx), id)
	if err != nil {
		return err
	}
	return bounded(key)
}

// DestroyAll ends all sessions of the manager's namespace, on all nodes. It does not call OnDestroy. If the provider cannot
// end all sessions, the error wraps [errors.ErrUnsupported].
func (m *Manager) DestroyAll(ctx context.Context) error {
	m.calls.begin()
	defer m.calls.end()
	c, err := optional[driver.Clearer](m, clearing)
	if err != nil {
		return err
	}
	if err := c.Clear(orBackground(ctx)); err != nil {
		return fmt.Errorf("session: destroy: %w", err)
	}
	m.recheckAll()
	return nil
}

// Stats are the counters of what a manager has done since it was made. They never decrease.
type Stats struct {
	Started     uint64 // sessions that began
	Loaded      uint64 // sessions found by a sid that a client sent
	Saved       uint64 // saves that stored a change
	Touched     uint64 // calls that only moved the idle deadline
	Regenerated uint64 // sessions that got a new sid, also by a login
	Conflicts   uint64 // saves that were tried again because another node had changed the session
	Malformed   uint64 // session cookies without a sid of the right shape
	Unknown     uint64 // sids of the right shape without a session: expired, destroyed, or guessed
	LoggedOut   uint64 // sessions destroyed with ReasonLogout
	Revoked     uint64 // sessions destroyed with ReasonRevoked; DestroyAll is not counted anywhere
	Limited     uint64 // sessions destroyed with ReasonLimit
	Swept       uint64 // expired sessions that this manager's sweeps have removed
	Errors      uint64 // calls of the store that failed
}

// Stats returns the counters. Each is exact by itself, but others may change while they are read.
func (m *Manager) Stats() Stats {
	n := func(c counter) (sum uint64) {
		for i := range m.stats.stripes {
			sum += m.stats.stripes[i].n[c].Load()
		}
		return sum
	}
	return Stats{
		Started: n(started), Loaded: n(found), Saved: n(saved), Touched: n(touched), Regenerated: n(regenerated),
		Conflicts: n(conflicts), Malformed: n(malformed), Unknown: n(unknown),
		LoggedOut: n(loggedOut), Revoked: n(revoked), Limited: n(limited), Swept: n(swept), Errors: n(failures),
	}
}

type counter int

const (
	started counter = iota
	found
	saved
	touched
	regenerated
	conflicts
	malformed
	unknown
	loggedOut
	revoked
	limited
	swept
	failures
	counters
)

// statistics counts in stripes, so that requests on many processors do not wait for one cache line.
type statistics struct {
	stripes [16]stripe
}

type stripe struct {
	n [counters]atomic.Uint64
	_ [(128 - counters*8%128) % 128]byte
}

func (s *statistics) add(c counter, n uint64) {
	s.stripes[rand.Uint32()%uint32(len(s.stripes))].n[c].Add(n)
}

func (s *statistics) count(c counter) { s.add(c, 1) }

func (s *statistics) destroyed(r Reason) {
	switch r {
	case ReasonLogout:
		s.count(loggedOut)
	case ReasonRevoked:
		s.count(revoked)
	case ReasonLimit:
		s.count(limited)
	}
}
