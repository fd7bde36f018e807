package memcache

import (
	"fmt"
	"math"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A layout defines how records become items.
type layout interface {
	// name returns the name of the item for key. ok is false if key cannot be one.
	name(key string) (name string, ok bool)
	// encode returns the value for rec, which follows the version rec.Version, and the new version.
	encode(rec driver.Record) (value []byte, version uint64, err error)
	// decode returns the record in a value. Its Data is part of value.
	decode(value []byte) (driver.Record, error)
	// later is how much longer memcached keeps the item than the record lives, at least one second.
	later() time.Duration
}

// records is the layout of this package. Its value is the prefix of the namespace.
type records string

func (r records) name(key string) (string, bool) { return string(r) + key, validKey(string(r), key) }

func (records) encode(rec driver.Record) ([]byte, uint64, error) {
	rec.Version++
	value, err := rec.AppendBinary(nil)
	return value, rec.Version, err
}

func (records) decode(value []byte) (rec driver.Record, err error) {
	if err := rec.UnmarshalBinary(value); err != nil {
		return rec, fmt.Errorf("session/memcache: %w", err)
	}
	return rec, nil
}

// later allows for memcached's clock, which ticks once a second and stops while the machine is suspended: for a moment
// after that, memcached computes expiries from a time in the past. The deadline in the record ends the session.
func (records) later() time.Duration { return time.Minute }

// The meaning of an exptime in memcached's protocol (doc/protocol.txt).
const (
	atOnce      = -1
	never       = 0
	maxRelative = 30 * 24 * 60 * 60 // larger values are a Unix time
)

// clockSlack is added to absolute expiry times, so that a server whose clock is ahead does not end sessions early.
const clockSlack = time.Hour

// exptime returns the expiry of an item for a record that expires at expires, plus later. Up to 30 days it is a number of
// seconds from now, so that the server's clock does not matter. memcached counts whole seconds and the current one may be
// nearly over, so later must be at least one second. For a time after 2038, which the protocol cannot express, the item has
// no expiry.
func exptime(expires, now time.Time, later time.Duration) int32 {
	left := expires.Sub(now)
	if left <= 0 {
		return atOnce
	}
	if left <= maxRelative*time.Second { // with more, the sum could overflow
		if seconds := int64((left + later + time.Second - 1) / time.Second); seconds <= maxRelative {
			return int32(seconds)
		}
	}
	if at := expires.Add(clockSlack).Unix(); at <= math.MaxInt32 {
		return int32(at)
	}
	return never
}
