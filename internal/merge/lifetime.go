package merge

import (
	"bytes"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// ReservedPrefix begins the keys of what this package and the root keep among a session's values.
const ReservedPrefix = "\x01session."

// LifetimeKey is where a session has a lifetime of its own: an int64 of milliseconds, negative if the browser is to keep the
// cookie.
const LifetimeKey = ReservedPrefix + "lifetime"

var lifetimeKeyEnc, _ = codec.AppendKey(nil, LifetimeKey)

// MaxLifetime is the longest lifetime of a session's own: every store has room for a time a century from now.
const MaxLifetime = 100 * 365 * 24 * time.Hour

// A Lifetime is how long a session lives when it is not used.
type Lifetime struct {
	Idle       time.Duration // from its last use
	Own        bool          // it is the session's, not the manager's
	Remembered bool          // the cookie outlives the browser
}

// Until returns the idle deadline of a session that is used now. deadline is the absolute one.
func (l Lifetime) Until(now, deadline time.Time) time.Time {
	t := now.Add(l.Idle)
	if !deadline.IsZero() && deadline.Before(t) {
		t = deadline
	}
	return time.UnixMilli(t.UnixMilli())
}

// Extended is Until, but never an earlier deadline than the one before.
func (l Lifetime) Extended(now, expires, deadline time.Time) time.Time {
	if t := l.Until(now, deadline); t.After(expires) {
		return t
	}
	return expires
}

// Lifetimes are a manager's.
type Lifetimes struct {
	Idle     time.Duration // from the last use
	Absolute time.Duration // used or not, since the session began; 0 for ever
	Touch    time.Duration // the least by which an idle deadline is moved
}

// Usual returns the lifetime of a session that has none of its own.
func (l Lifetimes) Usual() Lifetime { return Lifetime{Idle: l.Idle} }

// In returns the lifetime of a session with these values. It is asked with every request: that a session has none of its own
// is found without decoding it.
func (l Lifetimes) In(c codec.Codec, values []byte) Lifetime {
	if len(values) == 0 || !c.Seeks() && !bytes.Contains(values, lifetimeKeyEnc[2:]) { // not what JSON escapes
		return l.Usual()
	}
	v, _, err := c.Get(values, lifetimeKeyEnc)
	if err != nil {
		return l.Usual()
	}
	return l.read(v)
}

// read reads what is stored under LifetimeKey.
func (l Lifetimes) read(v any) Lifetime {
	ms, ok := v.(int64)
	remembered := ms < 0
	if remembered {
		ms = -ms
	}
	if !ok || ms <= 0 || ms > int64(MaxLifetime/time.Millisecond) {
		return l.Usual()
	}
	return Lifetime{time.Duration(ms) * time.Millisecond, true, remembered}
}

// Planned returns the lifetime that d will have when its changes, which are codec c's, are stored.
func (l Lifetimes) Planned(d *Draft, c codec.Codec) Lifetime {
	changes := d.Changes()
	if change := changes.Find(lifetimeKeyEnc); change != nil && change.Value != nil {
		if v, err := c.Value(change.Value); err == nil {
			return l.read(v)
		}
	} else if change != nil || changes.Flush {
		return l.Usual()
	}
	return d.Life
}

// Due reports whether a session that is used now is due to have its idle deadline moved.
func (l Lifetimes) Due(now time.Time, v *View) bool {
	every := l.Touch
	if v.Life.Own && v.Life.Idle < l.Idle {
		every = min(every, v.Life.Idle/20)
	}
	return v.Life.Until(now, v.Deadline()).Sub(v.Expires()) >= max(every, time.Millisecond)
}

// Begin returns the record of a session that begins now, and lives for life when it is not used.
func (l Lifetimes) Begin(now time.Time, life Lifetime) driver.Record {
	rec := driver.Record{Created: millis.Time(now.UnixMilli())}
	if l.Absolute > 0 {
		rec.Deadline = millis.Time(now.Add(l.Absolute).UnixMilli())
	}
	rec.Expires = life.Until(now, rec.Deadline)
	return rec
}

// LogIn makes rec the record of user, who logs in now: both lifetimes begin anew. user is as it is to be stored, "" if nobody
// logs in.
func (l Lifetimes) LogIn(rec *driver.Record, user string, life Lifetime) {
	if user == "" {
		return
	}
	fresh := l.Begin(time.Now(), life)
	rec.User, rec.Created, rec.AuthTime = user, fresh.Created, fresh.Created
	rec.Expires, rec.Deadline = fresh.Expires, fresh.Deadline
}

// NextExpires returns the idle deadline of base when it is stored now with d's changes and the lifetime life, and whether it
// may be an earlier one: only a lifetime that this request has changed makes it so. With fixed it stays as it is.
func (d *Draft) NextExpires(now time.Time, base *driver.Record, life Lifetime, fixed bool) (expires time.Time, shorten bool) {
	switch changes := d.Changes(); {
	case changes.Find(lifetimeKeyEnc) != nil || changes.Flush && d.Life.Own:
		return life.Until(now, base.Deadline), true
	case fixed:
		return base.Expires, false
	}
	return life.Extended(now, base.Expires, base.Deadline), false
}
