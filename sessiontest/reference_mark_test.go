package sessiontest

import (
	"context"
	"maps"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Mark keeps marks beside the records.
func (n *node) Mark(_ context.Context, key string, version uint64, mark driver.Mark) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if version == 0 {
		if n.stands(key) {
			return session.ErrExists
		}
		n.putMark(key, mark)
		return nil
	}
	if _, err := n.at(key, version); err != nil {
		return err
	}
	n.putMark(key, mark)
	n.removed(key)
	return nil
}

// putMark puts a mark where a record was, or nothing. The caller holds mu.
func (n *node) putMark(key string, mark driver.Mark) {
	mark.Expires = mark.Expires.Truncate(time.Millisecond)
	delete(n.records, place{n.namespace, key})
	n.marks[place{n.namespace, key}] = mark
}

// stands reports whether there is a live record or a mark under key. The caller holds mu.
func (n *node) stands(key string) bool {
	_, ok := n.stored(key)
	return ok || n.missing(key) != session.ErrNotFound
}

// missing is the error that there is no record under key, with the mark if there is one. The caller holds mu.
func (n *node) missing(key string) error {
	mark, ok := n.marks[place{n.namespace, key}]
	if ok && time.Now().Before(mark.Expires) {
		return &driver.MarkedError{Mark: mark}
	}
	return session.ErrNotFound
}

// unmark removes marks.
func (n *node) unmark(when func(place, driver.Mark) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.marks, when)
}
