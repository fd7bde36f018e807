package merge

import (
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// A Draft is a session as one request has it: what it has seen, and what it changed. Its methods do not lock.
type Draft struct {
	Key string // what the backend keeps it under
	View
	Log *Log // nil before the first change
}

// WriteLog returns the log, which is made at the first call.
func (d *Draft) WriteLog() *Log {
	if d.Log == nil {
		d.Log = new(Log)
	}
	return d.Log
}

// Changes returns what is not stored yet.
func (d *Draft) Changes() Changes {
	if d.Log == nil {
		return Changes{}
	}
	return d.Log.Changes
}

// cookieSent returns when the cookie was sent, in ms since 1970, if that is not stored yet, or 0.
func (d *Draft) cookieSent() int64 {
	if d.Log == nil {
		return 0
	}
	return d.Log.cookieSent
}

// isUnclear reports whether the store may have more of the log than is known.
func (d *Draft) isUnclear() bool { return d.Log != nil && len(d.Log.sent) > 0 }

// Seen returns what the application sees: the view's values with the changes made, in the codec to, or in the view's own if
// nothing changes.
func (d *Draft) Seen(to codec.Codec) (codec.Codec, []byte, error) {
	c := d.Changes()
	if !c.Flush && len(c.list) == 0 {
		return d.Codec, d.Values, nil
	}
	values, err := apply(to, 0, d.Codec, d.Values, c.clone())
	return to, values, err
}

// A View is a record as it was loaded or stored last. It is smaller than a [driver.Record]: each request has one.
type View struct {
	Version uint64      // the record's; 0 before it is stored
	User    string      // as stored
	Codec   codec.Codec // of Values
	Values  []byte      // the part of the record's Data that is the codec's
	Meta    *Meta
	Life    Lifetime
	Stale   bool // it is sealed as records were before, or under an older key: the next save mends that

	created, authTime, expires, deadline int64 // as in millis
}

// Created returns when the session began.
func (v *View) Created() time.Time { return millis.Time(v.created) }

// AuthTime returns when the user logged in.
func (v *View) AuthTime() time.Time { return millis.Time(v.authTime) }

// Expires returns the idle deadline.
func (v *View) Expires() time.Time { return millis.Time(v.expires) }

// SetExpires notes another idle deadline.
func (v *View) SetExpires(t time.Time) { v.expires = millis.Of(t) }

// Deadline returns the absolute deadline.
func (v *View) Deadline() time.Time { return millis.Time(v.deadline) }

// Take makes rec the view, with these contents.
func (v *View) Take(rec *driver.Record, c *Contents, l Lifetime) {
	*v = View{
		rec.Version, rec.User, c.Codec, c.Values, c.Meta, l, c.Stale,
		millis.Of(rec.Created), millis.Of(rec.AuthTime), millis.Of(rec.Expires), millis.Of(rec.Deadline),
	}
}

// contents returns what Take was given.
func (v *View) contents() Contents { return Contents{v.Codec, v.Values, v.Meta, v.Stale} }

// Record returns the view as a record without its contents.
func (v *View) Record() driver.Record {
	return driver.Record{
		Version: v.Version, User: v.User,
		Created: v.Created(), AuthTime: v.AuthTime(), Expires: v.Expires(), Deadline: v.Deadline(),
	}
}

var records = sync.Pool{New: func() any { return new(driver.Record) }}

// NewRecord returns an empty record, which FreeRecord takes back. It is from a pool, since a record that a backend or sealer is
// given escapes.
func NewRecord() *driver.Record { return records.Get().(*driver.Record) }

// FreeRecord takes back a record that nobody uses any more.
func FreeRecord(rec *driver.Record) {
	*rec = driver.Record{}
	records.Put(rec)
}
