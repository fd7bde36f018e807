package session_test

import (
	"errors"
	"fmt"
	"math"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func TestIncrementOfWhatOthersMadeNoCounter(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, map[any]any{"n": 1})
	s := c.open(t, m)
	increment(t, s, "n", 1)
	set(t, s, "mine", 1)
	o := c.open(t, m)
	set(t, o, "n", "text")
	save(t, o)
	if err := s.Save(t.Context()); err == nil || !strings.Contains(err.Error(), "string") {
		t.Errorf("Save = %v", err)
	}
	wantValues(t, "stored is", c.open(t, m), map[string]any{"n": "text", "mine": nil})
}

type counter interface {
	int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64
}

// testCounter counts up and down to both ends of what T and int64 have in common.
func testCounter[T counter](t *testing.T, lowest, highest T) {
	t.Run(fmt.Sprintf("%T", lowest), func(t *testing.T) {
		m := newManager(t)
		s := seed(t, m, nil).open(t, m)
		check := func(from T, n int64, want T, ok bool) {
			t.Helper()
			set(t, s, "n", from)
			sum, err := s.Increment(t.Context(), "n", n)
			got := s.Get(t.Context(), "n")
			switch {
			case ok && (err != nil || sum != int64(want) || got != want):
				t.Errorf("%v + %d = %d, %v; stored %T(%v)", from, n, sum, err, got, got)
			case !ok && (err == nil || got != from):
				t.Errorf("%v + %d = %d, %v; stored %T(%v)", from, n, sum, err, got, got)
			}
			if n == math.MinInt64 {
				return
			}
			set(t, s, "n", from)
			if back, downErr := s.Decrement(t.Context(), "n", -n); back != sum || (downErr == nil) != (err == nil) {
				t.Errorf("%v - %d = %d, %v", from, -n, back, downErr)
			}
		}
		check(highest-1, 1, highest, true)
		check(highest, 0, highest, true)
		check(highest, 1, 0, false)
		check(highest, math.MaxInt64, 0, false)
		check(lowest+1, -1, lowest, true)
		check(lowest, 0, lowest, true)
		check(lowest, -1, 0, false)
		check(lowest, math.MinInt64, 0, false)
		check(0, int64(highest), highest, true)
		check(0, int64(lowest), lowest, true)
		check(highest, -int64(highest), 0, true)
		check(1, 1, 2, true)
		check(2, -1, 1, true)
	})
}

func TestCounters(t *testing.T) {
	testCounter[int](t, math.MinInt, math.MaxInt)
	testCounter[int8](t, math.MinInt8, math.MaxInt8)
	testCounter[int16](t, math.MinInt16, math.MaxInt16)
	testCounter[int32](t, math.MinInt32, math.MaxInt32)
	testCounter[int64](t, math.MinInt64, math.MaxInt64)
	testCounter[uint](t, 0, min(math.MaxUint, math.MaxInt64))
	testCounter[uint8](t, 0, math.MaxUint8)
	testCounter[uint16](t, 0, math.MaxUint16)
	testCounter[uint32](t, 0, math.MaxUint32)
	testCounter[uint64](t, 0, math.MaxInt64)
	t.Run("others", func(t *testing.T) {
		m := newManager(t)
		s := seed(t, m, nil).open(t, m)
		if n, err := s.Increment(t.Context(), "fresh", math.MinInt64); n != math.MinInt64 || err != nil {
			t.Errorf("Increment of nothing = %d, %v", n, err)
		}
		if _, ok := s.Get(t.Context(), "fresh").(int64); !ok {
			t.Error("a fresh counter is no int64")
		}
		if n, err := s.Decrement(t.Context(), "fresh", math.MinInt64); err == nil {
			t.Errorf("Decrement by the lowest int64 = %d", n)
		}
		for _, value := range []any{"1", 1.0, float32(1), true, []byte{1}, uint64(math.MaxInt64 + 1), uint64(math.MaxUint64)} {
			set(t, s, "n", value)
			if n, err := s.Increment(t.Context(), "n", 1); err == nil {
				t.Errorf("%T(%v) + 1 = %d", value, value, n)
			}
			if got := s.Get(t.Context(), "n"); !reflect.DeepEqual(got, value) {
				t.Errorf("a failing Increment left %v", got)
			}
		}
	})
}

// TestIncrementBesideASave: goroutines of one request share a Session, and a Save that conflicts runs the increments of
// the others again.
func TestIncrementBesideASave(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, nil)
	s := start(t, m, httptest.NewRecorder(), c.request())
	const each = 200
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range each {
				if n, err := s.Increment(t.Context(), "n", 1); err != nil || n < 1 {
					t.Error(n, err)
				}
			}
		})
	}
	wg.Go(func() {
		for range each {
			other := start(t, m, httptest.NewRecorder(), c.request())
			set(t, other, "other", true)
			if err := errors.Join(other.Save(t.Context()), s.Save(t.Context())); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	save(t, s)
	if got := c.value(t, m, "n"); got != int64(4*each) {
		t.Errorf("n = %v", got)
	}
}
