package merge

import (
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// MaxLifetime is the longest lifetime of a session's own: every store has room for a time a century from now.
const MaxLifetime = 100 * 365 * 24 * time.Hour

// A Lifetime is how long a session lives.
type Lifetime struct {
	Idle       time.Duration // from its last use
	Absolute   time.Duration // used or not, since it began; 0 for ever
	Own        bool          // Idle is the session's, not the manager's
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
	expires = Bounded(now, expires, deadline)
	if t := l.Until(now, deadline); t.After(expires) {
		return t
	}
	return expires
}

// Bounded returns the idle deadline that is stored, or an earlier one that a session may have at the time now: no seal covers
// it, so that whoever writes to the store can make it any time. deadline is the absolute one.
func Bounded(now, expires, deadline time.Time) time.Time {
	if !deadline.IsZero() && deadline.Before(expires) {
		expires = deadline
	}
	if last := now.Add(MaxLifetime); last.Before(expires) {
		expires = last
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
func (l Lifetimes) Usual() Lifetime { return Lifetime{Idle: l.Idle, Absolute: l.Absolute} }

// Of returns the lifetime of a session with this metadata.
func (l Lifetimes) Of(m *Meta) Lifetime {
	life := l.Usual()
	if m == nil {
		return life
	}
	ms := m.Int(OwnIdle)
	remembered := ms < 0
	if remembered {
		ms = -ms
	}
	if ms > 0 && ms <= maxLifetimeMillis {
		life.Idle, life.Own, life.Remembered = time.Duration(ms)*time.Millisecond, true, remembered
	}
	if ms := m.Int(OwnAbsolute); ms > 0 && ms <= maxLifetimeMillis {
		life.Absolute = time.Duration(ms) * time.Millisecond
	}
	return life
}

const maxLifetimeMillis = int64(MaxLifetime / time.Millisecond)

// Planned returns the lifetime that d will have when its changes are stored.
func (l Lifetimes) Planned(d *Draft) Lifetime {
	if len(d.Changes().meta) == 0 {
		return d.Life
	}
	return l.Of(d.Meta())
}

// Due reports whether a session that is used now is due to have its idle deadline moved.
func (l Lifetimes) Due(now time.Time, v *View) bool {
	every := l.Touch
	if v.Life.Own && v.Life.Idle < l.Idle {
		every = min(every, v.Life.Idle/20)
	}
	return v.Life.Until(now, v.Deadline()).Sub(v.Expires()) >= max(every, time.Millisecond)
}

// Begin returns the record of a session that begins now with this lifetime.
func (life Lifetime) Begin(now time.Time) driver.Record {
	rec := driver.Record{Created: millis.Time(now.UnixMilli())}
	rec.Deadline = life.deadline(rec.Created)
	rec.Expires = life.Until(now, rec.Deadline)
	return rec
}

// deadline returns the absolute deadline of a session that began at created.
func (life Lifetime) deadline(created time.Time) time.Time {
	if life.Absolute == 0 {
		return time.Time{}
	}
	return millis.Time(created.Add(life.Absolute).UnixMilli())
}

// LogIn makes rec the record of user, who logs in now: both lifetimes begin anew. user is as it is to be stored.
func (life Lifetime) LogIn(rec *driver.Record, user string) {
	fresh := life.Begin(time.Now())
	rec.User, rec.Created, rec.AuthTime = user, fresh.Created, fresh.Created
	rec.Expires, rec.Deadline = fresh.Expires, fresh.Deadline
}

// Extend gives rec the deadlines that it has when it is stored now with d's changes and this lifetime. Only a lifetime that this
// request has changed makes one earlier. With fixed the idle one stays as it is.
func (d *Draft) Extend(rec *driver.Record, now time.Time, life Lifetime, fixed bool) {
	changes := d.Changes()
	if changes.findMeta(OwnAbsolute) != nil {
		rec.Deadline = life.deadline(rec.Created)
	}
	switch {
	case changes.findMeta(OwnIdle) != nil && (d.Life.Own || life.Own):
		rec.Expires, rec.Shorten = life.Until(now, rec.Deadline), true
	case fixed:
		rec.Shorten = false
	default:
		rec.Expires, rec.Shorten = life.Extended(now, rec.Expires, rec.Deadline), false
	}
	if !rec.Deadline.IsZero() && rec.Expires.After(rec.Deadline) { // the session's own has become shorter
		rec.Expires, rec.Shorten = rec.Deadline, true
	}
}
