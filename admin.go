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

// List yields the live sessions, in no particular order, each one that is live throughout exactly once. After an
// error it yields no more. Where the provider cannot list, the one error wraps [errors.ErrUnsupported]. What it
// costs the store is in the provider's documentation.
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

// Count returns how many sessions are live. Where the provider cannot tell the error wraps
// [errors.ErrUnsupported].
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

// Ping is for health checks. It returns nil from a manager that can be used, [ErrClosed] from one that was closed, and within
// opTimeout the store's error if the store cannot be reached or used: a server does not answer, no file can be made in the folder.
// The memory and cookie providers have nothing to reach. A [driver.Backend] that is no [driver.Pinger] is asked for a session that
// nobody has, and a third-party provider whether there is one. An error counts in [Stats].
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

// DestroyByID ends a session, named by its sid or by its public id, whosever it is: for an id that a user chooses there
// is [Manager.DestroyOf]. A session that has already ended is no error. A login or Regenerate gives a session another sid
// and another public id: the old id then ends nothing, without an error, and [Manager.DestroyUser] finds the session. An id of neither shape is an error wrapping [ErrNotFound].
// On the memory provider, and in beego mode, a public id is looked for in the list of all sessions.
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

// endKey ends the session under a storage key, for a caller that holds a lock: it returns what tells OnDestroy, nil if the session had ended.
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

// SessionByID returns the session that a sid or a public id names, whosever it is, outside any request: for operators, to look at its
// values and to change them. [Session.Save] stores what was changed; the visitor's requests lose nothing by it. Neither looking nor
// saving moves the session's deadline. The Session has no sid, so that it cannot be answered to anybody: Login and Regenerate return an error.
//
// If there is none the error wraps [ErrNotFound]; where the provider finds no session by its id it wraps [errors.ErrUnsupported]. What
// is said of public ids at [Manager.DestroyByID] holds.
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

// recordOf loads the record that a sid or a public id names.
func (m *Manager) recordOf(ctx context.Context, b driver.Backend, id string) (key string, rec driver.Record, err error) {
	err = m.underID(ctx, id, func(ctx context.Context, found string) error {
		key = found
		rec, err = m.recordUnder(ctx, b, key)
		return err
	})
	return key, rec, err
}

// recordUnder loads the record under a storage key. A record that cannot be read has no known user, but it can be ended.
func (m *Manager) recordUnder(ctx context.Context, b driver.Backend, key string) (driver.Record, error) {
	rec := m.newRecord()
	err := b.Load(ctx, key, &rec)
	if isUnreadable(err) {
		err = nil
	}
	return rec, err
}

// underID calls load with the storage key that a sid or a public id stands for. Where sids are generated an id can have the shape of
// both: then it is called twice, if it returns [ErrNotFound].
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

// DestroyAll ends all sessions of the manager's namespace, on all nodes. OnDestroy is not called for each. Where the
// provider cannot the error wraps [errors.ErrUnsupported].
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

// Stats are what a manager has done since it was made. The numbers only grow.
type Stats struct {
	Started     uint64 // sessions begun
	Loaded      uint64 // sessions found, by the sid that a client sent
	Saved       uint64 // changes stored
	Touched     uint64 // idle deadlines moved with nothing else to store
	Regenerated uint64 // new sids given, those of logins too
	Conflicts   uint64 // tries to store that met another node's, and were made again
	Malformed   uint64 // sids refused by their shape, which no manager has made
	Unknown     uint64 // sids of the right shape that name no session: expired, destroyed, or guessed
	LoggedOut   uint64 // sessions destroyed for ReasonLogout
	Revoked     uint64 // for ReasonRevoked; not those of DestroyAll, which are not counted anywhere
	Limited     uint64 // for ReasonLimit
	Swept       uint64 // expired sessions that this manager's sweeper has removed
	Errors      uint64 // calls of the store that failed
}

// Stats returns the counters. Each is exact; between two of them others may count.
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
