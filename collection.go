package session

import (
	"context"
	"fmt"
	"iter"
	"reflect"

	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// All ranges over keys and values as this request sees them when the loop begins, in no particular order. Each
// is a copy. The loop may use the Session; what it changes shows in the next one. What cannot be read is reported
// to the ErrorHandler and the Logger and ends the loop; [Session.GetAll] returns it as an error. The Store of a
// third-party provider cannot list its values.
func (s *Session) All(ctx context.Context) iter.Seq2[any, any] {
	return func(yield func(key, value any) bool) {
		if err := s.each(yield); err != nil {
			s.unread(ctx, err)
		}
	}
}

// GetAll returns what All ranges over, as a map of the caller's own that is not nil without an error. The error
// wraps [ErrCorrupt], or [errors.ErrUnsupported] with a third-party provider.
func (s *Session) GetAll(context.Context) (map[any]any, error) {
	all := make(map[any]any)
	err := s.each(func(key, value any) bool {
		all[key] = value
		return true
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Visit calls fn with each key and value that All ranges over. Errors are those of GetAll; fn may have been
// called before.
func (s *Session) Visit(_ context.Context, fn func(key, value any)) error {
	return s.each(func(key, value any) bool {
		fn(key, value)
		return true
	})
}

// Len returns how many values there are, as this request sees them. Errors are those of GetAll.
func (s *Session) Len(context.Context) (n int, err error) {
	err = s.each(func(any, any) bool {
		n++
		return true
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// each calls f with the application's keys and values until f returns false. f may use the Session.
func (s *Session) each(f func(key, value any) bool) error {
	c, values, err := s.seen()
	if err != nil {
		return err
	}
	return c.Visit(values, func(key, value any) bool { return isReserved(key) || f(key, value) })
}

// seen returns all values as this request sees them.
func (s *Session) seen() (codec.Codec, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m.raw != nil {
		return nil, nil, unsupported("the store of a third-party provider cannot list its values")
	}
	return s.draft.Seen(s.m.codec)
}

// Has reports whether there is a value under key, as this request sees it: also a nil one, unless the Store is a
// third-party provider's.
func (s *Session) Has(ctx context.Context, key any) bool {
	_, ok, err := s.look(ctx, key)
	if err != nil {
		s.unread(ctx, err)
	}
	return ok
}

// GetMulti returns the values of those keys that have one. The map is the caller's own. A key that cannot have a
// value is an error wrapping [ErrUnencodable].
func (s *Session) GetMulti(ctx context.Context, keys ...any) (map[any]any, error) {
	found := make(map[any]any, len(keys))
	for _, key := range keys {
		if key == nil || !reflect.ValueOf(key).Comparable() {
			return nil, fmt.Errorf("%w: key of type %T is not comparable", ErrUnencodable, key)
		}
		v, ok, err := s.look(ctx, key)
		if err != nil {
			return nil, err
		}
		if ok {
			found[key] = v
		}
	}
	return found, nil
}

// SetMulti is Set for each of values, all of them or, with an error, none. A third-party provider that refuses
// one is given back what it had.
func (s *Session) SetMulti(ctx context.Context, values map[any]any) error {
	for key := range values {
		if isReserved(key) {
			return errReserved
		}
	}
	if len(values) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.unlock()
	if s.m.raw != nil {
		return s.changeRaw(ctx, func(ctx context.Context, store Store) error { return setAll(ctx, store, values) })
	}
	return s.change(ctx, func(log *merge.Log) error {
		changes := make([]codec.Change, 0, len(values))
		for key, value := range values {
			k, v, err := s.encode(log, key, value)
			if err != nil {
				return err
			}
			changes = append(changes, codec.Change{Key: k, Value: v})
		}
		for _, c := range changes {
			log.Put(c.Key, c.Value)
		}
		return nil
	})
}

// setAll sets all values in a store, or puts back those that it has set.
func setAll(ctx context.Context, store Store, values map[any]any) error {
	before := make(map[any]any)
	for key, value := range values {
		before[key] = store.Get(ctx, key)
		err := store.Set(ctx, key, value)
		if err == nil {
			continue
		}
		for key, value := range before {
			undo := store.Delete
			if value != nil {
				undo = func(ctx context.Context, key any) error { return store.Set(ctx, key, value) }
			}
			if undone := undo(ctx, key); undone != nil {
				return fmt.Errorf("%w; some values are set: %w", err, undone)
			}
		}
		return err
	}
	return nil
}

// Pop returns the value under key and deletes it, as Delete does. Without one it returns nil and changes
// nothing. Two requests at the same time may both get the value: to take something once only, use Update.
func (s *Session) Pop(ctx context.Context, key any) (any, error) {
	if isReserved(key) {
		return nil, nil
	}
	s.mu.Lock()
	defer s.unlock()
	if s.m.raw != nil {
		v := s.getRaw(orBackground(ctx), key)
		if v == nil {
			return nil, nil
		}
		return v, s.removeRaw(ctx, func(ctx context.Context, store Store) error { return store.Delete(ctx, key) })
	}
	v, ok, err := s.get(key)
	if err != nil || !ok {
		return nil, err
	}
	err = s.change(ctx, func(log *merge.Log) error {
		if v, ok, err = s.get(key); err != nil || !ok { // another Session of the request may have changed it
			return err
		}
		return s.drop(log, key)
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Clear deletes each value that this request sees, as Delete does: what other requests add meanwhile stays, and
// so do flash messages and the lifetime. [Session.Flush] removes everything that is stored at the moment of release.
// The session goes on either way; [Manager.Destroy] ends it. A third-party provider is flushed, and gets back
// what is not the application's.
func (s *Session) Clear(ctx context.Context) error {
	if s.m.raw != nil {
		return s.clearRaw(ctx)
	}
	var keys []any
	if err := s.each(func(key, _ any) bool { keys = append(keys, key); return true }); err != nil {
		return err
	}
	if len(keys) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.unlock()
	return s.change(ctx, func(log *merge.Log) error {
		for _, key := range keys {
			if err := s.drop(log, key); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Session) clearRaw(ctx context.Context) error {
	s.mu.Lock()
	defer s.unlock()
	return s.removeRaw(ctx, func(ctx context.Context, store Store) error {
		kept := make(map[any]any)
		for _, key := range [...]string{flashList, flashNamed} {
			if v := store.Get(ctx, key); v != nil {
				kept[key] = v
			}
		}
		if err := store.Flush(ctx); err != nil {
			return err
		}
		return setAll(ctx, store, kept)
	})
}
