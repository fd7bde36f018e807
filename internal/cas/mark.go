package cas

import (
	"context"
	"errors"
	"time"

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
	if version != 0 {
		return s.swap(ctx, "mark", key, version, func(item *Item, _ time.Time) error {
			item.Value, item.Expires = value, mark.Expires
			return nil
		})
	}
	name, ok := s.layout.name(key)
	if !ok {
		return s.errKey()
	}
	return s.place(ctx, "mark", name, Item{Value: value, Expires: mark.Expires})
}

// Delete implements [driver.Backend]. An engine's delete would also remove a mark. So Delete without a version removes a
// certain item: the one that was last loaded here, or otherwise the one that is stored.
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
		number := at.State
		if !known {
			item, err := s.Get(ctx, name)
			switch {
			case errors.Is(err, ErrMiss):
				return nil
			case err != nil:
				return s.Fail("delete", err)
			}
			if rec, err := s.layout.decode(item.Value); err == nil {
				if _, marked := rec.Mark(); marked {
					return nil
				}
			}
			number = item.Number
		}
		err := s.Remove(ctx, name, number)
		switch {
		case errors.Is(err, ErrChanged): // somebody has written
		case s.Cut(err) && !lost: // it may or may not have been removed
			lost = true
		case errors.Is(err, ErrMiss):
			return nil
		default:
			return s.Fail("delete", err)
		}
	}
}

// A beegoStore is a store whose deadlines only the engine knows.
type beegoStore struct{ store }

// Touch implements [driver.Backend]. It cannot see whether the deadline is already later.
func (s *beegoStore) Touch(ctx context.Context, key string, expires time.Time) error {
	name, ok := s.layout.name(key)
	if !ok {
		return driver.ErrNotFound
	}
	err := s.Items.Touch(ctx, name, expires)
	if errors.Is(err, ErrMiss) {
		return driver.ErrNotFound
	}
	return s.Fail("touch", err)
}
