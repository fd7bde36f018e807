package memcache

import (
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/driver"
)

// beego is the layout of beego's memcache provider: the bare sid is the key, and the value is the gob map of the session's
// values, or empty if there are none. beego's applications can work on the same sessions at the same time.
//
// The layout has no version. The backend uses the SHA-1 of the values instead, so that a save can compare what it has read
// with what is stored. It does not notice a change back to the same values, which does no harm. The layout also has no
// place for the user, the login time, the start time and the absolute deadline: they are lost.
type beego struct{ lifetime time.Duration }

func (beego) name(key string) (string, bool) { return key, validSID(key) }

func (beego) encode(rec driver.Record) ([]byte, uint64, error) {
	return rec.Data, fingerprint(rec.Data), nil
}

// decode returns a record that expires so soon that each request moves the deadline, as in beego. memcached reveals the
// real deadline to nobody.
func (b beego) decode(value []byte) (driver.Record, error) {
	rec := driver.Record{Version: fingerprint(value), Data: value, Expires: time.Now().Add(b.lifetime / 4)}
	if len(value) == 0 {
		rec.Data = nil
	}
	return rec, nil
}

// later returns the minimum, because nothing else ends the session.
func (beego) later() time.Duration { return time.Second }

// fingerprint returns the version for values. It is never 0.
func fingerprint(values []byte) uint64 {
	sum := sha1.Sum(values)
	return binary.BigEndian.Uint64(sum[:]) | 1
}

// A beegoStore is a store whose deadlines only memcached knows.
type beegoStore struct{ store }

// Touch implements [driver.Backend]. It cannot see whether the deadline is already later.
func (s *beegoStore) Touch(ctx context.Context, key string, expires time.Time) error {
	name, ok := s.layout.name(key)
	if !ok {
		return driver.ErrNotFound
	}
	err := s.touch(ctx, name, s.exptime(expires))
	if errors.Is(err, memcache.ErrCacheMiss) {
		return driver.ErrNotFound
	}
	return fail("touch", err)
}
