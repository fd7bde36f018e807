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
	Key string // the backend's key
	View
	Log *Log // nil before the first change
}

// WriteLog returns the log. The first call creates it.
func (d *Draft) WriteLog() *Log {
	if d.Log == nil {
		d.Log = new(Log)
	}
	return d.Log
}

// Changes returns the changes that are not stored yet.
func (d *Draft) Changes() Changes {
	if d.Log == nil {
		return Changes{}
	}
	return d.Log.Changes
}

// cookieSent returns when the cookie was sent, in milliseconds since 1970, if that time is not stored yet; otherwise 0.
func (d *Draft) cookieSent() int64 {
	if d.Log == nil {
		return 0
	}
	return d.Log.cookieSent
}

// isUnclear reports whether the store may contain changes of the log that were not confirmed.
func (d *Draft) isUnclear() bool { return d.Log != nil && len(d.Log.sent) > 0 }

// Seen returns the values that the application sees: the view's values with the changes made. They are in the codec to, or
// in the view's own if there are no changes.
func (d *Draft) Seen(to codec.Codec) (codec.Codec, []byte, error) {
	c := d.Changes()
	if !c.Flush && len(c.list) == 0 {
		return d.Codec, d.Values, nil
	}
	values, err := apply(to, 0, d.Codec, d.Values, c.clone())
	return to, values, err
}

// A View is a record as it was last loaded or stored. It is smaller than a [driver.Record], because each request has one.
type View struct {
	Version uint64      // of the record; 0 before it is stored
	User    string      // as stored
	Codec   codec.Codec // the codec of Values
	Values  []byte      // the codec's part of the record's Data
	Meta    *Meta
	Life    Lifetime
	Stale   bool // it is sealed in the old form or under an older key; the next save changes that

	created, authTime, expires, deadline int64 // in milliseconds, as in package millis
}

// Created returns when the session began.
func (v *View) Created() time.Time { return millis.Time(v.created) }

// AuthTime returns when the user logged in.
func (v *View) AuthTime() time.Time { return millis.Time(v.authTime) }

// Expires returns the idle deadline.
func (v *View) Expires() time.Time { return millis.Time(v.expires) }

// SetExpires sets the idle deadline of the view.
func (v *View) SetExpires(t time.Time) { v.expires = millis.Of(t) }

// Deadline returns the absolute deadline.
func (v *View) Deadline() time.Time { return millis.Time(v.deadline) }

// Take sets the view to rec with these contents.
func (v *View) Take(rec *driver.Record, c *Contents, l Lifetime) {
	*v = View{
		rec.Version, rec.User, c.Codec, c.Values, c.Meta, l, c.Stale,
		millis.Of(rec.Created), millis.Of(rec.AuthTime), millis.Of(rec.Expires), millis.Of(rec.Deadline),
	}
}

// contents returns the contents given to Take.
func (v *View) contents() Contents { return Contents{v.Codec, v.Values, v.Meta, v.Stale} }

// Record returns the view as a record without Meta and Data.
func (v *View) Record() driver.Record {
	return driver.Record{
		Version: v.Version, User: v.User,
		Created: v.Created(), AuthTime: v.AuthTime(), Expires: v.Expires(), Deadline: v.Deadline(),
	}
}

var records = sync.Pool{New: func() any { return new(driver.Record) }}

// NewRecord returns an empty record from a pool. Pass it to FreeRecord after use. The pool avoids an allocation, because a
// record passed to a backend or sealer escapes to the heap.
func NewRecord() *driver.Record { return records.Get().(*driver.Record) }

// FreeRecord returns a record to the pool. Nobody may use it afterwards.
func FreeRecord(rec *driver.Record) {
	*rec = driver.Record{}
	records.Put(rec)
}
