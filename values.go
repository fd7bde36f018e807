package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"
	"strings"

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
	s.mu.Lock()
	c, values, err := s.m.engine.all(s)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return c.Visit(values, func(key, value any) bool { return isReserved(key) || f(key, value) })
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
	return s.change(ctx, edit{op: opSetAll, values: values})
}

// Pop returns the value under key and deletes it, as Delete does. Without one it returns nil and changes
// nothing. Two requests at the same time may both get the value: to take something once only, use Update.
func (s *Session) Pop(ctx context.Context, key any) (any, error) {
	if isReserved(key) {
		return nil, nil
	}
	var v any
	if err := s.change(ctx, edit{op: opPop, key: key, popped: &v}); err != nil {
		return nil, err
	}
	return v, nil
}

// Clear deletes each value that this request sees, as Delete does: what other requests add meanwhile stays, and
// so do flash messages and the lifetime. [Session.Flush] removes everything that is stored at the moment of release.
// The session goes on either way; [Manager.Destroy] ends it. A third-party provider is flushed, and gets back
// what is not the application's.
func (s *Session) Clear(ctx context.Context) error { return s.change(ctx, edit{op: opWipe}) }

// Increment adds n to the integer under key and returns the sum, as this request sees it. Increments of
// concurrent requests compose: none is lost. The value keeps its integer type; without one it begins as an
// int64. A value of another type, or a sum that its type cannot hold, is an error and changes nothing.
func (s *Session) Increment(ctx context.Context, key any, n int64) (int64, error) {
	var sum int64
	first := true
	err := s.Update(ctx, key, func(old any) (any, error) {
		value, now, err := add(old, n)
		if first { // later, another goroutine's Save may run this while sum is returned
			sum, first = now, false
		}
		return value, err
	})
	return sum, err
}

// Decrement is Increment by -n.
func (s *Session) Decrement(ctx context.Context, key any, n int64) (int64, error) {
	if n == math.MinInt64 {
		return 0, errOverflow
	}
	return s.Increment(ctx, key, -n)
}

var errOverflow = errors.New("session: the counter's type cannot hold the sum")

// add returns old + n in old's type, and as an int64.
func add(old any, n int64) (any, int64, error) {
	switch v := old.(type) {
	case nil:
		return addTo(int64(0), n)
	case int:
		return addTo(v, n)
	case int8:
		return addTo(v, n)
	case int16:
		return addTo(v, n)
	case int32:
		return addTo(v, n)
	case int64:
		return addTo(v, n)
	case uint:
		return addTo(v, n)
	case uint8:
		return addTo(v, n)
	case uint16:
		return addTo(v, n)
	case uint32:
		return addTo(v, n)
	case uint64:
		return addTo(v, n)
	}
	return nil, 0, fmt.Errorf("session: cannot increment a value of type %T", old)
}

type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// addTo keeps to the range that both T and int64 have.
func addTo[T integer](v T, n int64) (any, int64, error) {
	before := int64(v)
	if v > 0 && before < 0 { // a uint64 beyond int64
		return nil, 0, errOverflow
	}
	sum := before + n
	if (sum > before) != (n > 0) && n != 0 {
		return nil, 0, errOverflow
	}
	value := T(sum)
	if int64(value) != sum || (value < 0) != (sum < 0) {
		return nil, 0, errOverflow
	}
	return value, sum, nil
}

// What this package keeps with a session beside the application's values, such as flash messages, stands
// among them, so that every engine and every codec holds it and it is merged, sealed and encrypted with them.
// Its keys are strings that begin with reservedPrefix. The application cannot set, read or list such keys.
const reservedPrefix = merge.ReservedPrefix

// isReserved reports whether a key is one of this package's own.
func isReserved(key any) bool {
	k, ok := key.(string)
	return ok && len(k) > 0 && k[0] == reservedPrefix[0] && strings.HasPrefix(k, reservedPrefix)
}

var errReserved = fmt.Errorf("%w: keys that begin with U+0001 and %q are reserved for this package", ErrUnencodable, reservedPrefix[1:])
