package memcache

import (
	"context"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/driver"
)

// A marker is a store with marks, each an item like a record's. What holds beego's items has no room for them.
type marker struct{ store }

// Mark implements [driver.Marker].
func (s *marker) Mark(ctx context.Context, key string, version uint64, mark driver.Mark) error {
	value, err := mark.Record().AppendBinary(nil)
	if err != nil {
		return err
	}
	item := memcache.Item{Value: value, Expiration: s.exptime(mark.Expires)}
	if version != 0 {
		return s.swap(ctx, "mark", key, version, func(next *memcache.Item, _ time.Time) error {
			next.Value, next.Expiration = item.Value, item.Expiration
			return nil
		})
	}
	name, ok := s.layout.name(key)
	if !ok {
		return errKey
	}
	item.Key = name
	return s.place(ctx, "mark", &item)
}

// Delete implements [driver.Backend]. memcached's own would remove a mark, too, so that any version is removed as a
// certain one is: the one that was loaded here last, or else the one that is there.
func (s *marker) Delete(ctx context.Context, key string, version uint64) error {
	if version != 0 {
		return s.store.Delete(ctx, key, version)
	}
	name, ok := s.layout.name(key)
	if !ok {
		return nil
	}
	at, known := s.seen.take(key, 0, time.Now())
	for lost := false; ; known = false {
		if !known {
			item, err := s.get(ctx, name)
			switch {
			case errors.Is(err, memcache.ErrCacheMiss):
				return nil
			case err != nil:
				return fail("delete", err)
			}
			if rec, err := s.layout.decode(item.Value); err == nil {
				if _, marked := rec.Mark(); marked {
					return nil
				}
			}
			at.cas = item.CasID
		}
		err := s.cas(ctx, &memcache.Item{Key: name, CasID: at.cas, Expiration: atOnce})
		switch {
		case errors.Is(err, memcache.ErrCASConflict): // somebody has written
		case cut(err) && !lost: // it may have been removed, or not
			lost = true
		case errors.Is(err, memcache.ErrCacheMiss):
			return nil
		default:
			return fail("delete", err)
		}
	}
}
