package merge

import (
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// MaxLifetime is the maximum of a session's own lifetime. Every store can represent a time a century from now.
const MaxLifetime = 100 * 365 * 24 * time.Hour

// A Lifetime says how long a session lives.
type Lifetime struct {
	Idle       time.Duration // since its last use
	Absolute   time.Duration // since its beginning, used or not; 0 for no limit
	Own        bool          // Idle was set for this session, not by the manager
	Remembered bool          // the cookie outlives the browser's process
}

// Until returns the idle deadline of a session that is used now. deadline is its absolute deadline.
func (l Lifetime) Until(now, deadline time.Time) time.Time {
	t := now.Add(l.Idle)
	if !deadline.IsZero() && deadline.Before(t) {
		t = deadline
	}
	return time.UnixMilli(t.UnixMilli())
}

// Extended is Until, but never returns a time before expires.
func (l Lifetime) Extended(now, expires, deadline time.Time) time.Time {
	expires = Bounded(now, expires, deadline)
	if t := l.Until(now, deadline); t.After(expires) {
		return t
	}
	return expires
}

// Bounded returns the stored idle deadline, but at most the latest one that a session can have at the time now. No seal
// covers the stored one, so anyone who can write to the store can set it to any time. deadline is the absolute deadline.
func Bounded(now, expires, deadline time.Time) time.Time {
	if !deadline.IsZero() && deadline.Before(expires) {
		expires = deadline
	}
	if last := now.Add(MaxLifetime); last.Before(expires) {
		expires = last
	}
	return expires
}

// Lifetimes are the lifetimes that a manager's settings define.
type Lifetimes struct {
	Idle     time.Duration // since the last use
	Absolute time.Duration // since the beginning, used or not; 0 for no limit
	Touch    time.Duration // the minimum by which an idle deadline is moved
}

// Usual returns the lifetime of a session without its own lifetime.
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

// Planned returns the lifetime that d's session will have when its changes are stored.
func (l Lifetimes) Planned(d *Draft) Lifetime {
	if len(d.Changes().meta) == 0 {
		return l.Of(d.rare().meta)
	}
	return l.Of(d.Meta())
}

// Due reports whether the idle deadline of a session that is used now must be moved.
func (l Lifetimes) Due(now time.Time, d *Draft) bool {
	every, life := l.Touch, l.Of(d.rare().meta)
	if life.Own && life.Idle < l.Idle {
		every = min(every, life.Idle/20)
	}
	until := now.UnixMilli() + life.Idle.Milliseconds() // as Until has it; each request asks
	if d.ends != 0 {
		until = min(until, d.ends)
	}
	return until-d.expires >= max(every.Milliseconds(), 1)
}

// Begin returns a new record that begins now with this lifetime.
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

// LogIn makes rec the record of user, who logs in now. Both lifetimes start again. user is in its stored form.
func (life Lifetime) LogIn(rec *driver.Record, user string) {
	fresh := life.Begin(time.Now())
	rec.User = strings.Clone(user) // it may be a part of something large, such as a request
	rec.Created, rec.AuthTime = fresh.Created, fresh.Created
	rec.Expires, rec.Deadline = fresh.Expires, fresh.Deadline
}

// Extend sets the deadlines of rec, which is stored now with d's changes and this lifetime. A deadline becomes earlier only if
// this request has changed a lifetime. With fixed the idle deadline stays.
func (l Lifetimes) Extend(d *Draft, rec *driver.Record, now time.Time, life Lifetime, fixed bool) {
	changes := d.Changes()
	if changes.findMeta(OwnAbsolute) != nil {
		rec.Deadline = life.deadline(rec.Created)
	}
	switch {
	case changes.findMeta(OwnIdle) != nil && (l.Of(d.rare().meta).Own || life.Own):
		rec.Expires, rec.Shorten = life.Until(now, rec.Deadline), true
	case fixed:
		rec.Shorten = false
	default:
		rec.Expires, rec.Shorten = life.Extended(now, rec.Expires, rec.Deadline), false
	}
	if !rec.Deadline.IsZero() && rec.Expires.After(rec.Deadline) { // the session's own absolute lifetime has become shorter
		rec.Expires, rec.Shorten = rec.Deadline, true
	}
}
