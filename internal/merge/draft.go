package merge

import (
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// A Draft is one request's state of a session: what it has loaded and what it has changed. Its methods do not lock.
type Draft struct {
	Key      string // the storage key
	*Version        // the version that was loaded or stored last; nil only before Load
	expires  int64  // the idle deadline of that time, as in millis
	Log      *Log   // the changes; nil before the first
}

// WriteLog returns the log. The first call creates it.
func (d *Draft) WriteLog() *Log {
	if d.Log == nil {
		d.Log = logs.Get().(*Log)
	}
	return d.Log
}

// FreeLog drops all changes and gives up the log, unless the log knows something that is needed later. The caller must have
// no reference to a change.
func (d *Draft) FreeLog() {
	l := d.Log
	if l == nil {
		return
	}
	if l.Recycle(); !l.Told && len(l.sent) == 0 && l.cookieSent == 0 {
		d.Log = nil
		l.free()
	}
}

// Changes returns the changes that are not stored yet.
func (d *Draft) Changes() Changes {
	if d.Log == nil {
		return Changes{}
	}
	return d.Log.Changes
}

// IsChanged reports whether there are changes that are not stored yet.
func (d *Draft) IsChanged() bool { return d.Log != nil && !d.Log.Empty() }

// cookieSent returns when the cookie was sent, in milliseconds since 1970, if that time is not stored yet; otherwise 0.
func (d *Draft) cookieSent() int64 {
	if d.Log == nil {
		return 0
	}
	return d.Log.cookieSent
}

// isUnclear reports whether the store may contain changes of the log that were not confirmed.
func (d *Draft) isUnclear() bool { return d.Log != nil && len(d.Log.sent) > 0 }

// Seen returns the values that the application sees: the version's values with the changes made. They are in the codec to, or
// in the version's own if there are no changes.
func (d *Draft) Seen(to codec.Codec) (codec.Codec, string, error) {
	c := d.Changes()
	if !c.Flush && len(c.list) == 0 {
		return d.Codec(), d.Values(), nil
	}
	values, err := apply(to, 0, d.Codec(), d.Values(), c.clone())
	return to, codec.Frozen(values), err
}

// Expires returns the idle deadline.
func (d *Draft) Expires() time.Time { return millis.Time(d.expires) }

// SetExpires records another idle deadline.
func (d *Draft) SetExpires(t time.Time) { d.expires = millis.Of(t) }

// Take makes rec, with these contents, the version that the request has seen.
func (d *Draft) Take(rec *driver.Record, c *Contents) {
	v := versionOf(rec, c, &blank)
	d.Version, d.expires = &v, millis.Of(rec.Expires)
}

// stored records that the version is stored under key and contains all changes.
func (d *Draft) stored(key string) {
	d.Key = key
	if l := d.Log; l != nil {
		l.sent, l.cookieSent = nil, 0
		d.FreeLog()
	}
}

// Record returns the version that the request has seen as a record, without the contents.
func (d *Draft) Record() driver.Record { return d.record(d.Expires()) }

var records = sync.Pool{New: func() any { return new(driver.Record) }}

// NewRecord returns an empty record from a pool. Pass it to FreeRecord after use. The pool avoids an allocation, because a
// record passed to a backend or sealer escapes to the heap.
func NewRecord() *driver.Record { return records.Get().(*driver.Record) }

// FreeRecord returns a record to the pool, unless it is nil. Nobody may use it afterwards.
func FreeRecord(rec *driver.Record) {
	if rec != nil {
		*rec = driver.Record{}
		records.Put(rec)
	}
}
