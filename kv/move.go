package kv

import (
	"context"

	"github.com/seed1a8f7c28/session/driver"
)

// Rename implements [driver.Renamer]. The mark is left in the same step.
func (s *store) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	from, to := s.id(oldKey), s.id(newKey)
	next := *rec
	next.Version = 1
	err := s.update(ctx, "rename", [][]byte{s.sessionKey(from), s.sessionKey(to)}, func(c *change) error {
		old, err := c.liveAt(from, oldVersion)
		if err != nil {
			return err
		}
		replaced, err := c.free(to)
		if err != nil {
			return err
		}
		var left *driver.Record
		if mark.Kind != 0 {
			left = mark.Record()
		}
		if err := c.put(from, old, left); err != nil {
			return err
		}
		return c.put(to, replaced, &next)
	})
	if err == nil {
		rec.Version = 1
	}
	return err
}

// Mark implements [driver.Marker].
func (s *store) Mark(ctx context.Context, key string, version uint64, mark driver.Mark) error {
	return s.one(ctx, "mark", key, func(c *change, id []byte) (err error) {
		var old *stored
		if version == 0 {
			old, err = c.free(id)
		} else {
			old, err = c.liveAt(id, version)
		}
		if err != nil {
			return err
		}
		return c.put(id, old, mark.Record())
	})
}
