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

// beego is the layout of beego's memcache provider: under the bare sid the gob map of the values, or nothing if there
// are none. beego's applications can work on the same sessions meanwhile.
//
// There is no room for a version. It is made of the values' SHA-1, so that a save compares what it has read with
// what is stored; a change back to the same values goes unseen, and does no harm. Nor is there room for the
// user, the time of the login, of the beginning and the absolute deadline: they are lost.
type beego struct{ lifetime time.Duration }

func (beego) name(key string) (string, bool) { return key, validSID(key) }

func (beego) encode(rec *driver.Record) ([]byte, uint64, error) {
	return rec.Data, fingerprint(rec.Data), nil
}

// decode returns a record that expires so soon that each request moves the deadline, as in beego: when it really
// is, memcached tells nobody.
func (b beego) decode(value []byte) (*driver.Record, error) {
	rec := &driver.Record{Version: fingerprint(value), Data: value, Expires: time.Now().Add(b.lifetime / 4)}
	if len(value) == 0 {
		rec.Data = nil
	}
	return rec, nil
}

// later is no more than it must be: nothing else ends the session.
func (beego) later() time.Duration { return time.Second }

// fingerprint returns the version of values, which is not 0.
func fingerprint(values []byte) uint64 {
	sum := sha1.Sum(values)
	return binary.BigEndian.Uint64(sum[:]) | 1
}

// A beegoStore is a store that has its deadlines in memcached alone.
type beegoStore struct{ store }

// Touch implements [driver.Backend]. It cannot see whether the deadline is later already.
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
