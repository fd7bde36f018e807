package memcache

import (
	"fmt"
	"math"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A layout says how records become items.
type layout interface {
	// name returns the name of the item, if key can be one.
	name(key string) (name string, ok bool)
	// encode returns the value for rec, which follows version rec.Version, and the version that it is.
	encode(rec *driver.Record) (value []byte, version uint64, err error)
	// decode returns the record in a value, whose Data is a part of it.
	decode(value []byte) (*driver.Record, error)
	// later is how much longer than the record's memcached's time for it is, at least a second.
	later() time.Duration
}

// records is the layout of this package: the prefix of the namespace.
type records string

func (r records) name(key string) (string, bool) { return string(r) + key, validKey(string(r), key) }

func (records) encode(rec *driver.Record) ([]byte, uint64, error) {
	next := *rec
	next.Version++
	const header = 64 // and a little more
	value, err := next.AppendBinary(make([]byte, 0, header+len(rec.User)+len(rec.Data)))
	return value, next.Version, err
}

func (records) decode(value []byte) (*driver.Record, error) {
	rec := new(driver.Record)
	if err := rec.UnmarshalBinary(value); err != nil {
		return nil, fmt.Errorf("session/memcache: %w", err)
	}
	return rec, nil
}

// later is for memcached's clock, which ticks once a second and stands still while the machine does: for a moment
// after it memcached counts from a time that is long past. The deadline in the record ends the session.
func (records) later() time.Duration { return time.Minute }

// What an exptime means to memcached.
const (
	atOnce      = -1
	never       = 0
	maxRelative = 30 * 24 * 60 * 60 // more seconds than these are a time since 1970
)

// clockSlack is how much later memcached may expire what it is given an absolute time for, lest a clock of it
// that is ahead ends sessions early.
const clockSlack = time.Hour

// exptime returns when memcached is to drop what expires at that time, and somewhat later. Up to 30 days it is
// told in how many seconds, so that its clock does not matter; it counts in whole ones, and the current one may be
// nearly over, so that later is at least one. A time after 2038, which the protocol cannot express, is none.
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
