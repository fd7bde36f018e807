package sessiontest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A world is a correct store, as simple as can be: all records of all namespaces under one lock.
type world struct {
	mu        sync.Mutex
	records   map[place]driver.Record
	marks     map[place]driver.Mark
	reserved  map[place]reservation
	listeners []*listener
	index     *index        // of a backend that is broken on purpose
	over      chan struct{} // closed when the case is
}

type place struct{ namespace, key string }

func newWorld() *world {
	return &world{
		records: make(map[place]driver.Record), marks: make(map[place]driver.Mark),
		reserved: make(map[place]reservation), over: make(chan struct{}),
	}
}

func (w *world) open(_ context.Context, c driver.Config) (driver.Backend, error) {
	return w.node(c.Namespace), nil
}

func (w *world) node(namespace string) *node { return &node{world: w, namespace: namespace} }

// A node is a [driver.Backend] with everything that is optional.
type node struct {
	*world
	namespace string
	onPut     func(rec *driver.Record) // if not nil, is called before a record is stored
	closed    bool
}

// raw returns the record under key, live or not. The caller holds mu.
func (n *node) raw(key string) (driver.Record, bool) {
	rec, ok := n.records[place{n.namespace, key}]
	return rec, ok
}

// stored returns the live record under key. The caller holds mu.
func (n *node) stored(key string) (driver.Record, bool) {
	rec, ok := n.raw(key)
	return rec, ok && rec.Live(time.Now())
}

// put stores rec, times cut to milliseconds. The caller holds mu.
func (n *node) put(key string, rec driver.Record) {
	for _, t := range []*time.Time{&rec.Created, &rec.AuthTime, &rec.Expires, &rec.Deadline} {
		*t = t.Truncate(time.Millisecond)
	}
	rec.Shorten = false
	if n.onPut != nil {
		n.onPut(&rec)
	}
	n.records[place{n.namespace, key}] = rec
	delete(n.marks, place{n.namespace, key})
	delete(n.reserved, place{n.namespace, key})
}

// at returns the live record under key if it has the given version. The caller holds mu.
func (n *node) at(key string, version uint64) (driver.Record, error) {
	rec, ok := n.stored(key)
	switch {
	case !ok:
		return rec, session.ErrNotFound
	case rec.Version != version:
		return rec, &driver.ConflictError{Record: &rec}
	}
	return rec, nil
}

func (n *node) Create(_ context.Context, key string, rec *driver.Record) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return driver.ErrClosed
	}
	if n.stands(key) {
		return session.ErrExists
	}
	rec.Version = 1
	n.put(key, *rec)
	return nil
}

func (n *node) Load(_ context.Context, key string, rec *driver.Record) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return driver.ErrClosed
	}
	stored, ok := n.stored(key)
	if !ok {
		return n.missing(key)
	}
	*rec = stored
	return nil
}

func (n *node) Save(_ context.Context, key string, rec *driver.Record) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return driver.ErrClosed
	}
	stored, err := n.at(key, rec.Version)
	if err != nil {
		return err
	}
	rec.Version++
	fresh := *rec
	if stored.Expires.After(fresh.Expires) && !rec.Shorten {
		fresh.Expires = stored.Expires
	}
	n.put(key, fresh)
	return nil
}

func (n *node) Touch(_ context.Context, key string, expires time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return driver.ErrClosed
	}
	stored, ok := n.stored(key)
	if !ok {
		return session.ErrNotFound
	}
	if expires.After(stored.Expires) {
		stored.Expires = expires
		n.put(key, stored)
	}
	return nil
}

func (n *node) Delete(_ context.Context, key string, version uint64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return driver.ErrClosed
	}
	if version != 0 {
		if _, err := n.at(key, version); err != nil {
			return err
		}
	}
	if _, ok := n.raw(key); ok {
		delete(n.records, place{n.namespace, key})
		n.removed(key)
	}
	return nil
}

func (n *node) Rename(
	_ context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := n.at(oldKey, oldVersion); err != nil {
		return err
	}
	if n.stands(newKey) {
		return session.ErrExists
	}
	delete(n.records, place{n.namespace, oldKey})
	n.removed(oldKey)
	rec.Version = 1
	n.put(newKey, *rec)
	if mark.Kind != 0 {
		n.putMark(oldKey, mark)
	}
	return nil
}

// all returns a copy of the live records of the namespace.
func (n *node) all() map[string]driver.Record {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.live()
}

// live is all for a caller who holds mu.
func (n *node) live() map[string]driver.Record {
	all := make(map[string]driver.Record)
	for at := range n.records {
		if rec, ok := n.stored(at.key); ok && at.namespace == n.namespace {
			all[at.key] = rec
		}
	}
	return all
}

func (n *node) Count(context.Context) (int, error) { return len(n.all()), nil }

func (n *node) List(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		for key, rec := range n.all() {
			rec.Data = nil
			if ctx.Err() != nil {
				yield(driver.Entry{}, ctx.Err())
				return
			}
			if !yield(driver.Entry{Key: key, Record: rec}, nil) {
				return
			}
		}
	}
}

func (n *node) Sweep(_ context.Context, expired func(key, user string)) (int, error) {
	n.unmark(func(_ place, mark driver.Mark) bool { return !time.Now().Before(mark.Expires) })
	users := make(map[string]string)
	removed := n.remove(func(at place, rec driver.Record) bool {
		if rec.Live(time.Now()) {
			return false
		}
		users[at.key] = rec.User
		return true
	})
	if expired != nil {
		for key, user := range users {
			expired(key, user)
		}
	}
	return removed, nil
}

func (n *node) Clear(context.Context) error {
	n.remove(func(at place, _ driver.Record) bool { return at.namespace == n.namespace })
	n.unmark(func(at place, _ driver.Mark) bool { return at.namespace == n.namespace })
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.reserved, func(at place, _ reservation) bool { return at.namespace == n.namespace })
	return nil
}

func (n *node) remove(when func(place, driver.Record) bool) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := len(n.records)
	maps.DeleteFunc(n.records, when)
	return before - len(n.records)
}

func (n *node) Ping(ctx context.Context) error { return ctx.Err() }

func (n *node) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return errors.New("closed twice")
	}
	n.closed = true
	return nil
}
