package session

import (
	"bytes"
	"slices"

	"github.com/seed1a8f7c28/session/internal/codec"
)

// A changeLog is what a request changed: whether it flushed, and then one change for each key. A change
// whose updates are not nil came about by Update: its value holds as long as nobody else changes what the
// updates started from.
type changeLog struct {
	flush   bool
	changes []codec.Change
	room    *logRoom // nil before the first change
	free    []byte   // what is left of the memory that keys and values are encoded into
}

// logRoom is what a request needs that makes one small change, in one allocation.
type logRoom struct {
	change   [1]codec.Change
	used     bool
	bytes    [64]byte
	detached detached // the context of a save
}

// encode appends with f into the log's memory. The result is not written to again.
func (l *changeLog) encode(f func([]byte) ([]byte, error)) ([]byte, error) {
	if l.room == nil {
		l.room = new(logRoom)
		l.free = l.room.bytes[:0]
	}
	b, err := f(l.free[:0])
	if err != nil {
		return nil, err
	}
	l.free = b[len(b):]
	return b[:len(b):len(b)], nil
}

// reset empties the log. Memory that changes were in is not used again.
func (l *changeLog) reset() { *l = changeLog{room: l.room, free: l.free} }

func (l *changeLog) empty() bool { return !l.flush && len(l.changes) == 0 }

// find returns the change of key, or nil.
func (l *changeLog) find(key []byte) *codec.Change {
	for i := range l.changes {
		if bytes.Equal(l.changes[i].Key, key) {
			return &l.changes[i]
		}
	}
	return nil
}

// at returns the change of key, a new one if there is none.
func (l *changeLog) at(key []byte) *codec.Change {
	if c := l.find(key); c != nil {
		return c
	}
	if l.changes == nil && !l.room.used {
		l.changes, l.room.used = l.room.change[:0], true
	}
	l.changes = append(l.changes, codec.Change{Key: key})
	return &l.changes[len(l.changes)-1]
}

// put notes that key has a value, or none if that is nil, whatever it had.
func (l *changeLog) put(key, value []byte) {
	c := l.at(key)
	c.Value, c.Updates = value, nil
}

// update notes that key has the value that fn made of the one before.
func (l *changeLog) update(key, value []byte, fn func(any) (any, error)) {
	if c := l.find(key); c == nil && l.flush || c != nil && c.Updates == nil {
		l.put(key, value) // nobody else can change what fn started from
		return
	}
	c := l.at(key)
	c.Value, c.Updates = value, append(c.Updates, fn)
}

// simplify shortens the log of a session that nobody else can know: what removes is dropped, what
// updates is done.
func (l *changeLog) simplify() {
	l.flush = false
	l.changes = slices.DeleteFunc(l.changes, func(c codec.Change) bool { return c.Value == nil })
	for i := range l.changes {
		l.changes[i].Updates = nil
	}
}

// replay runs the updates again, on what get finds, after others have changed what they started from. A
// copy of l that was made before keeps the values that it has.
func (l *changeLog) replay(get func(key []byte) (any, error), encode func(any) ([]byte, error)) error {
	l.changes = slices.Clone(l.changes)
	for i := range l.changes {
		c := &l.changes[i]
		if c.Updates == nil {
			continue
		}
		v, err := get(c.Key)
		for _, fn := range c.Updates {
			if err == nil {
				v, err = fn(v)
			}
		}
		var value []byte
		if err == nil && v != nil {
			value, err = encode(v)
		}
		if err != nil {
			return err
		}
		c.Value = value
	}
	return nil
}

// clone returns a copy that later changes of l do not reach.
func (l *changeLog) clone() changeLog {
	c := changeLog{flush: l.flush, changes: slices.Clone(l.changes), room: l.room, free: l.free}
	for i := range c.changes {
		c.changes[i].Updates = slices.Clone(c.changes[i].Updates)
	}
	return c
}
