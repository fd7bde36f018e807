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

// All ranges over the keys and values as this request sees them when the loop begins, in no particular order. Each is a
// copy. The loop may use the Session; its changes are seen by the next loop. If the values cannot be read, the loop ends
// and the error goes to ErrorHandler and Logger; [Session.GetAll] returns it. The Store of a third-party provider cannot
// list its values.
func (s *Session) All(ctx context.Context) iter.Seq2[any, any] {
	return func(yield func(key, value any) bool) {
		if err := s.each(yield); err != nil {
			s.unread(ctx, err)
		}
	}
}

// GetAll returns what All ranges over, as a map that belongs to the caller. Without an error the map is not nil. The error
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

// Visit calls fn for each key and value that All ranges over. Errors are those of GetAll; fn may have been called before
// one.
func (s *Session) Visit(_ context.Context, fn func(key, value any)) error {
	return s.each(func(key, value any) bool {
		fn(key, value)
		return true
	})
}

// Len returns the number of values as this request sees them. Errors are those of GetAll.
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

// Has reports whether there is a value under key as this request sees it. A nil value is one too, except with a third-party
// provider. If the value cannot be read, the error goes to ErrorHandler and Logger.
func (s *Session) Has(ctx context.Context, key any) bool {
	_, ok, err := s.look(ctx, key)
	if err != nil {
		s.unread(ctx, err)
	}
	return ok
}

// GetMulti returns the values of those keys that have one, in a map that belongs to the caller. A nil key, or a key of a
// type that is not comparable, is an error wrapping [ErrUnencodable].
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

// SetMulti calls Set for all of values. After an error it has set none of them. If a third-party provider refuses one,
// SetMulti puts back the values from before.
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

// Pop returns the value under key and deletes it, as Delete does. If there is none, it returns nil and changes nothing. Two
// requests that run at the same time may both get the value. Use Update for something that may be taken only once.
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

// Clear deletes each value that this request sees, as Delete does. Values that other requests add in the meantime stay, and
// so do flash messages, the label and the lifetimes. [Session.Flush] removes more. After both the session goes on;
// [Manager.Destroy] ends it. With a third-party provider Clear flushes the Store and then puts the flash messages back.
func (s *Session) Clear(ctx context.Context) error { return s.change(ctx, edit{op: opWipe}) }

// Increment adds n to the integer under key and returns the sum as this request sees it. Increments of concurrent requests
// compose: none is lost. The value keeps its integer type; if there is none, it starts as an int64 of 0. It is an error if
// the value is not an integer or if its type cannot hold the sum, and then nothing changes.
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

// Decrement subtracts n, as [Session.Increment] adds it.
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

// addTo adds within the range that both T and int64 have.
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

// This package stores some of its own data, such as flash messages, among the application's values, so that every engine
// and every codec holds it and it is merged, sealed and encrypted with them. The keys of such data are strings that begin
// with reservedPrefix. The application cannot set, read or list them.
const reservedPrefix = merge.ReservedPrefix

// isReserved reports whether a key is one of this package's own.
func isReserved(key any) bool {
	k, ok := key.(string)
	return ok && len(k) > 0 && k[0] == reservedPrefix[0] && strings.HasPrefix(k, reservedPrefix)
}

var errReserved = fmt.Errorf("%w: keys that begin with U+0001 and %q are reserved for this package", ErrUnencodable, reservedPrefix[1:])
