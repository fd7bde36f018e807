package merge

import (
	"bytes"
	"slices"
	"sync"

	"github.com/seed1a8f7c28/session/internal/codec"
)

// Changes are the changes of a request: whether all values are removed first, and at most one change for each key. If the
// Updates of a change are not nil, its value was computed by Update, and is valid only until somebody else changes the
// value from which it was computed.
type Changes struct {
	Flush bool // all values are removed first
	wipe  bool // with Flush: all metadata is removed too
	list  []codec.Change
	meta  []metaChange
}

// Empty reports whether nothing changes.
func (c Changes) Empty() bool { return !c.Flush && len(c.list) == 0 && len(c.meta) == 0 }

// Find returns the change of an encoded key, or nil.
func (c Changes) Find(key []byte) *codec.Change {
	for i := range c.list {
		if bytes.Equal(c.list[i].Key, key) {
			return &c.list[i]
		}
	}
	return nil
}

// clone returns a copy that is independent of later changes.
func (c Changes) clone() Changes {
	c.list, c.meta = slices.Clone(c.list), slices.Clone(c.meta)
	for i := range c.list {
		c.list[i].Updates = slices.Clone(c.list[i].Updates)
	}
	return c
}

// replayed returns the changes after running their updates again on values, in codec from, because others have changed
// these values. New values are in codec to.
func (c Changes) replayed(from, to codec.Codec, values string) (Changes, error) {
	c.list = slices.Clone(c.list)
	for i := range c.list {
		change := &c.list[i]
		if change.Updates == nil {
			continue
		}
		v, _, err := from.Get(values, change.Key)
		if err == nil {
			change.Value, err = rerun(change.Updates, v, to)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// rerun applies the updates to v, one after the other, and returns the result in codec to. Each update gets a new value, as
// Get would return it, because it may change that value, and the application may keep the result of the previous update.
func rerun(updates []func(any) (any, error), v any, to codec.Codec) (value []byte, err error) {
	for i, fn := range updates {
		if i > 0 && value != nil {
			if v, err = to.Value(string(value)); err != nil {
				return nil, err
			}
		}
		if v, err = fn(v); err != nil {
			return nil, err
		}
		if value = nil; v != nil {
			if value, err = to.AppendValue(nil, v); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// without returns the changes that remain when before, an earlier state of them, has been stored.
func (c Changes) without(before Changes) Changes {
	if c.Flush { // a second Flush may have come later, and flushing twice does no harm
		return c
	}
	var rest []codec.Change
	for _, change := range c.list {
		if was := before.Find(change.Key); was != nil {
			if len(change.Updates) == len(was.Updates) && bytes.Equal(change.Value, was.Value) {
				continue
			}
			if change.Updates != nil { // those of before come first
				change.Updates = change.Updates[len(was.Updates):]
			}
		}
		rest = append(rest, change)
	}
	meta := slices.DeleteFunc(slices.Clone(c.meta), func(change metaChange) bool {
		was := before.findMeta(change.field)
		return was != nil && bytes.Equal(was.content, change.content)
	})
	return Changes{list: rest, meta: meta}
}

// repeats reports whether making the changes after those of before, an earlier state, would run an update twice.
func (c Changes) repeats(before Changes) bool {
	for _, was := range before.list {
		if now := c.Find(was.Key); was.Updates != nil && now != nil && now.Updates != nil {
			return true
		}
	}
	return false
}

// A Log contains the changes of a request that are not stored yet.
type Log struct {
	Changes
	Told bool // the application knows that the changes are not stored

	count      int       // number of changes so far, including stored ones
	cookieSent int64     // when the cookie was sent, in milliseconds since 1970, if that is not stored yet
	sent       []attempt // saves whose answers were lost

	rest  []byte    // unused rest of the memory for encoded keys and values; nil if all is unused
	bytes [256]byte // where this memory begins
}

// Begin is called before each change.
func (l *Log) Begin() {
	l.Told = false
	l.count++
}

// Key encodes a key into the log's memory. The result is not overwritten until the log is given up.
func (l *Log) Key(c codec.Codec, key any) ([]byte, error) {
	b, err := c.AppendKey(l.memory(), key)
	return l.taken(b, err)
}

// Value encodes a value into the log's memory. The result is not overwritten until the log is given up.
func (l *Log) Value(c codec.Codec, value any) ([]byte, error) {
	b, err := c.AppendValue(l.memory(), value)
	return l.taken(b, err)
}

func (l *Log) memory() []byte {
	if l.rest == nil {
		l.rest = l.bytes[:0]
	}
	return l.rest[:0]
}

func (l *Log) taken(b []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	l.rest = b[len(b):]
	return b[:len(b):len(b)], nil
}

// at returns the change of key. It adds one if there is none.
func (l *Log) at(key []byte) *codec.Change {
	if c := l.Find(key); c != nil {
		return c
	}
	l.list = append(l.list, codec.Change{Key: key})
	return &l.list[len(l.list)-1]
}

// Put records that an encoded key gets a value, whatever its previous value. A nil value deletes the key.
func (l *Log) Put(key, value []byte) {
	c := l.at(key)
	c.Value, c.Updates = value, nil
}

// Update records that an encoded key gets the value that fn computed from the previous one.
func (l *Log) Update(key, value []byte, fn func(any) (any, error)) {
	if c := l.Find(key); c == nil && l.Flush || c != nil && c.Updates == nil {
		l.Put(key, value) // nobody else can change the value from which fn started
		return
	}
	c := l.at(key)
	c.Value, c.Updates = value, append(c.Updates, fn)
}

// Clear records that all values are removed, and the metadata that belongs to them.
func (l *Log) Clear() {
	l.Changes = Changes{Flush: true}
	for _, f := range withValues {
		l.setMeta(f, nil)
	}
}

// Wipe records that everything is removed, because it belonged to another user.
func (l *Log) Wipe() { l.Changes = wiped }

var wiped = Changes{Flush: true, wipe: true}

// Reset drops all changes. The memory that they used is not used again.
func (l *Log) Reset() { l.Changes = Changes{} }

// Recycle drops all changes like Reset, but reuses their memory. The caller must have no reference to a change.
func (l *Log) Recycle() {
	clear(l.list) // updates are functions of the application
	l.Changes, l.rest = Changes{list: l.list[:0]}, nil
}

// logs are Logs for later requests. Nobody keeps one: whoever uses a Log gets it from the Draft.
var logs = sync.Pool{New: func() any { return new(Log) }}

// maxSpare is how many changes a Log has room for when it waits for its next request.
const maxSpare = 16

// free gives up l, which must have no changes.
func (l *Log) free() {
	spare := l.list
	if cap(spare) > maxSpare {
		spare = nil
	}
	*l = Log{Changes: Changes{list: spare}}
	logs.Put(l)
}

// Simplify shortens the log of a session that nobody else can know: it drops removals and keeps only the results of
// updates.
func (l *Log) Simplify() {
	l.Flush = false
	l.meta = slices.DeleteFunc(l.meta, func(c metaChange) bool { return c.content == nil })
	l.list = slices.DeleteFunc(l.list, func(c codec.Change) bool { return c.Value == nil })
	for i := range l.list {
		l.list[i].Updates = nil
	}
}

// Snapshot returns the current changes, for Restore.
func (l *Log) Snapshot() Changes { return l.clone() }

// Restore undoes the changes since the Snapshot.
func (l *Log) Restore(c Changes) { l.Changes = c }
