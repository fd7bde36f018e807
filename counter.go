package session

import (
	"context"
	"errors"
	"fmt"
	"math"
)

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
	return nil, 0, fmt.Errorf("session: a %T is no counter", old)
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
