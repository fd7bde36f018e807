package sessiontest

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A reservation is for one more session of user.
type reservation struct {
	user  string
	until time.Time
}

func (n *node) ListUser(_ context.Context, user string) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		for key, rec := range n.all() {
			if rec.Data = nil; rec.User == user && !yield(driver.Entry{Key: key, Record: rec}, nil) {
				return
			}
		}
	}
}

func (n *node) ListAlias(_ context.Context, alias string) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		n.listWhere(func(_ string, rec driver.Record) bool { return rec.Alias == alias }, yield)
	}
}

func (n *node) Reserve(ctx context.Context, user, key string, until time.Time, limit int, evict bool) ([]string, error) {
	for {
		evicted, done, err := n.reserve(user, key, until, limit, evict)
		if done || err != nil {
			return evicted, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// reserve is one try of Reserve. It is not done if it would have to wait.
func (n *node) reserve(user, key string, until time.Time, limit int, evict bool) (evicted []string, done bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	records, pending := n.held(user, key)
	over := len(records) + pending - limit + 1
	switch {
	case over > 0 && !evict:
		return nil, false, session.ErrTooManySessions
	case over > len(records):
		return nil, false, nil
	}
	for i := range max(over, 0) {
		delete(n.records, place{n.namespace, records[i].Key})
		n.removed(records[i].Key)
		evicted = append(evicted, records[i].Key)
	}
	n.reserved[place{n.namespace, key}] = reservation{user, until}
	return evicted, true, nil
}

// held returns the live records of user, those who logged in first before others, and how many more
// reservations there are, all but those of key. The caller holds mu.
func (n *node) held(user, key string) (records []driver.Entry, pending int) {
	all := n.live()
	delete(all, key)
	for key, rec := range all {
		if rec.User == user {
			records = append(records, driver.Entry{Key: key, Record: rec})
		}
	}
	slices.SortFunc(records, func(a, b driver.Entry) int { return a.AuthTime.Compare(b.AuthTime) })
	for at, r := range n.reserved {
		if at.namespace == n.namespace && at.key != key && r.user == user && r.until.After(time.Now()) {
			pending++
		}
	}
	return records, pending
}
