package memcache

import (
	"context"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/driver"
)

// A marker is a store with marks. A mark is an item like a record's. beego's layout has no room for marks.
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

// Delete implements [driver.Backend]. memcached's delete would also remove a mark. So Delete without a version removes a
// certain version: the one that was last loaded here, or otherwise the one that is stored.
func (s *marker) Delete(ctx context.Context, key string, version uint64) error {
	if version != 0 {
		return s.store.Delete(ctx, key, version)
	}
	name, ok := s.layout.name(key)
	if !ok {
		return nil
	}
	at, known := s.seen.Take(key, 0, time.Now())
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
			at.State = item.CasID
		}
		err := s.cas(ctx, &memcache.Item{Key: name, CasID: at.State, Expiration: atOnce})
		switch {
		case errors.Is(err, memcache.ErrCASConflict): // somebody has written
		case cut(err) && !lost: // it may or may not have been removed
			lost = true
		case errors.Is(err, memcache.ErrCacheMiss):
			return nil
		default:
			return fail("delete", err)
		}
	}
}
