package nats

import (
	"context"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/seen"
)

// Mark implements [driver.Marker]. A mark is an entry like a record's, under the same key.
func (s *store) Mark(ctx context.Context, key string, version uint64, mark driver.Mark) error {
	if version != 0 {
		return s.swap(ctx, "mark", key, version, func(was seen.At[state]) error {
			return s.remove(ctx, "mark", key, was.State, &mark)
		})
	}
	if !valid(key) {
		return errKey
	}
	data, err := mark.Record().AppendBinary(nil)
	if err != nil {
		return err
	}
	_, _, err = s.begin(ctx, "mark", key, nil, write{subject: s.keys.session(key), data: data, lasts: mark.Expires})
	return err
}

// Rename implements [driver.Renamer] by an atomic batch.
func (s *store) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	if !valid(newKey) {
		return errKey
	}
	created := *rec
	created.Version = 1
	w, err := s.recordOf(newKey, &created)
	if err != nil {
		return err
	}
	left := &mark
	if mark.Kind == 0 {
		left = nil
	}
	w = w.over(place{})
	err = s.swap(ctx, "rename", oldKey, oldVersion, func(was seen.At[state]) error {
		writes, err := s.indexing(ctx, "rename", append(
			leaving(oldKey, was.State.user, was.State.alias), entering(newKey, rec.User, rec.Alias, rec.Expires)...))
		if err != nil {
			return err
		}
		out, err := s.removing(oldKey, was.State, left)
		if err != nil {
			return err
		}
		at, err := s.store(ctx, "rename", append(append(writes, out...), w)...)
		if err == nil {
			s.note(newKey, &created, at, w.lasts)
			s.noteRemoval(oldKey, at.seq-2)
		}
		if err != errChanged {
			return err
		}
		// One of the two keys has changed. If it is the new one, this finds out; if the old one, swap does.
		f, err := s.look(ctx, "rename", newKey)
		switch {
		case err != nil:
			return err
		case f.taken():
			return s.unless(ctx, oldKey, oldVersion)
		}
		w = w.over(f.place)
		w.lasts = later(w.lasts, f.lasts)
		return errChanged
	})
	if err == nil {
		rec.Version = 1
	}
	return err
}

// unless returns [driver.ErrExists], unless the record under key is gone or has another version.
func (s *store) unless(ctx context.Context, key string, version uint64) error {
	return s.swap(ctx, "rename", key, version, func(seen.At[state]) error { return driver.ErrExists })
}
