package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// open makes a request of c and starts its session.
func (c *client) open(t testing.TB, m *session.Manager) *session.Session {
	t.Helper()
	return start(t, m, httptest.NewRecorder(), c.request())
}

func update(t *testing.T, s *session.Session, key any, fn func(old any) any) {
	t.Helper()
	if err := s.Update(t.Context(), key, func(old any) (any, error) { return fn(old), nil }); err != nil {
		t.Errorf("Update: %v", err)
	}
}

func increment(t testing.TB, s *session.Session, key any, n int64) {
	t.Helper()
	if _, err := s.Increment(t.Context(), key, n); err != nil {
		t.Errorf("Increment: %v", err)
	}
}

func remove(t testing.TB, s *session.Session, keys ...any) {
	t.Helper()
	for _, key := range keys {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}
}

func flush(t testing.TB, s *session.Session) {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Errorf("Flush: %v", err)
	}
}

func plus(n int) func(any) any {
	return func(old any) any {
		before, _ := old.(int)
		return before + n
	}
}

// compositions say what a request makes of a session with n=1 and kept=1, which somebody else changes
// between its start and its release.
var compositions = []struct {
	name   string
	do     func(t *testing.T, s *session.Session)
	sees   map[string]any // by the request itself, before it is released
	other  func(t *testing.T, s *session.Session)
	stored map[string]any
}{
	{
		name: "a change taken back",
		do: func(t *testing.T, s *session.Session) {
			set(t, s, "mine", 1)
			remove(t, s, "mine")
		},
		sees:   map[string]any{"n": 1, "mine": nil},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": 100, "mine": nil},
	},
	{
		name:   "the last Set wins",
		do:     func(t *testing.T, s *session.Session) { set(t, s, "n", 2) },
		sees:   map[string]any{"n": 2},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": 2, "kept": 1},
	},
	{
		name:   "a Set of the loaded value is a Set",
		do:     func(t *testing.T, s *session.Session) { set(t, s, "n", 1) },
		sees:   map[string]any{"n": 1},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": 1, "kept": 1},
	},
	{
		name:   "different keys stay",
		do:     func(t *testing.T, s *session.Session) { set(t, s, "mine", 2) },
		sees:   map[string]any{"n": 1, "mine": 2, "theirs": nil},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "theirs", 3) },
		stored: map[string]any{"n": 1, "kept": 1, "mine": 2, "theirs": 3},
	},
	{
		name: "Delete",
		do: func(t *testing.T, s *session.Session) {
			set(t, s, "n", 2)
			remove(t, s, "n", "absent")
		},
		sees:   map[string]any{"n": nil},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": nil, "kept": 1},
	},
	{
		name: "Delete and Set",
		do: func(t *testing.T, s *session.Session) {
			remove(t, s, "n")
			set(t, s, "n", 2)
		},
		sees:   map[string]any{"n": 2},
		other:  func(t *testing.T, s *session.Session) { remove(t, s, "n") },
		stored: map[string]any{"n": 2},
	},
	{
		name:   "Update",
		do:     func(t *testing.T, s *session.Session) { update(t, s, "n", plus(5)) },
		sees:   map[string]any{"n": 6},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": 105},
	},
	{
		name: "two Updates in their order",
		do: func(t *testing.T, s *session.Session) {
			update(t, s, "n", plus(1))
			update(t, s, "n", func(old any) any { return old.(int) * 2 })
		},
		sees:   map[string]any{"n": 4},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": 202},
	},
	{
		name: "Set, then Update",
		do: func(t *testing.T, s *session.Session) {
			set(t, s, "n", 10)
			update(t, s, "n", plus(1))
		},
		sees:   map[string]any{"n": 11},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": 11},
	},
	{
		name: "Update, then Set",
		do: func(t *testing.T, s *session.Session) {
			update(t, s, "n", plus(1))
			set(t, s, "n", 10)
		},
		sees:   map[string]any{"n": 10},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": 10},
	},
	{
		name: "Update, Delete, Increment",
		do: func(t *testing.T, s *session.Session) {
			update(t, s, "n", plus(1))
			remove(t, s, "n")
			increment(t, s, "n", 5)
		},
		sees:   map[string]any{"n": int64(5)},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": int64(5)},
	},
	{
		name:   "Update to nil deletes",
		do:     func(t *testing.T, s *session.Session) { update(t, s, "n", func(any) any { return nil }) },
		sees:   map[string]any{"n": nil},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": nil, "kept": 1},
	},
	{
		name: "Update to nil of what others have made another",
		do: func(t *testing.T, s *session.Session) {
			update(t, s, "n", func(old any) any {
				if old == 1 {
					return nil
				}
				return old
			})
		},
		sees:   map[string]any{"n": nil},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": 100},
	},
	{
		name:   "Update of what others have deleted",
		do:     func(t *testing.T, s *session.Session) { update(t, s, "n", plus(5)) },
		sees:   map[string]any{"n": 6},
		other:  func(t *testing.T, s *session.Session) { remove(t, s, "n") },
		stored: map[string]any{"n": 5},
	},
	{
		name: "Increment and Decrement",
		do: func(t *testing.T, s *session.Session) {
			increment(t, s, "n", 5)
			if _, err := s.Decrement(t.Context(), "n", 2); err != nil {
				t.Error(err)
			}
			increment(t, s, "fresh", 7)
		},
		sees: map[string]any{"n": 4, "fresh": int64(7)},
		other: func(t *testing.T, s *session.Session) {
			increment(t, s, "n", 100)
			increment(t, s, "fresh", 10)
		},
		stored: map[string]any{"n": 104, "fresh": int64(17)},
	},
	{
		name:   "others flush, then Increment",
		do:     func(t *testing.T, s *session.Session) { increment(t, s, "n", 5) },
		sees:   map[string]any{"n": 6},
		other:  func(t *testing.T, s *session.Session) { flush(t, s) },
		stored: map[string]any{"n": int64(5), "kept": nil},
	},
	{
		name: "Flush, then Set",
		do: func(t *testing.T, s *session.Session) {
			set(t, s, "n", 2)
			flush(t, s)
			set(t, s, "mine", 3)
		},
		sees:   map[string]any{"n": nil, "kept": nil, "mine": 3},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "theirs", 100) },
		stored: map[string]any{"n": nil, "kept": nil, "mine": 3, "theirs": nil},
	},
	{
		name: "Set, then Flush",
		do: func(t *testing.T, s *session.Session) {
			set(t, s, "mine", 3)
			increment(t, s, "n", 1)
			flush(t, s)
		},
		sees:   map[string]any{"n": nil, "mine": nil},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "theirs", 100) },
		stored: map[string]any{"n": nil, "kept": nil, "mine": nil, "theirs": nil},
	},
	{
		name: "Flush, then Increment",
		do: func(t *testing.T, s *session.Session) {
			flush(t, s)
			increment(t, s, "n", 5)
			increment(t, s, "n", 5)
		},
		sees:   map[string]any{"n": int64(10)},
		other:  func(t *testing.T, s *session.Session) { set(t, s, "n", 100) },
		stored: map[string]any{"n": int64(10), "kept": nil},
	},
}

func TestChangesCompose(t *testing.T) {
	for _, tt := range compositions {
		for _, nodes := range []string{"one manager", "two managers"} {
			for kind, open := range bothKinds {
				t.Run(tt.name+"/"+nodes+"/"+kind, func(t *testing.T) {
					p := open(t)
					m := newNode(t, p)
					other := m
					if nodes == "two managers" {
						other = newNode(t, p)
					}
					c := seed(t, m, map[any]any{"n": 1, "kept": 1})
					s := c.open(t, m)
					tt.do(t, s)
					wantValues(t, "the request sees", s, tt.sees)
					o := c.open(t, other)
					tt.other(t, o)
					save(t, o)
					wantValues(t, "after others have saved the request sees", s, tt.sees)
					save(t, s)
					wantValues(t, "after saving the request sees", s, tt.stored)
					for _, m := range []*session.Manager{m, other} {
						wantValues(t, "stored is", c.open(t, m), tt.stored)
					}
				})
			}
		}
	}
}

func wantValues(t *testing.T, what string, s session.Store, want map[string]any) {
	t.Helper()
	for key, value := range want {
		if got := s.Get(t.Context(), key); got != value {
			t.Errorf("%s %s = %v, want %v", what, key, got, value)
		}
	}
}

// The function of an Update is given what is stored, each time it is tried.
func TestUpdateRunsOnWhatIsStored(t *testing.T) {
	for name, want := range map[string][]any{
		"no conflict": {1}, "one": {1, 101}, "three": {1, 101, 201, 301},
	} {
		t.Run(name, func(t *testing.T) {
			backend := newTap(t)
			m, other := newNode(t, backend.provider()), newNode(t, backend.provider())
			c := seed(t, m, map[any]any{"n": 1})
			s := c.open(t, m)
			var given []any
			update(t, s, "n", func(old any) any {
				given = append(given, old)
				return old.(int) + 1
			})
			left := len(want) - 1
			var intrude func()
			intrude = func() {
				if left--; left < 0 {
					return
				}
				backend.before = nil
				o := c.open(t, other)
				increment(t, o, "n", 100)
				save(t, o)
				backend.before = intrude
			}
			backend.before = intrude
			save(t, s)
			if !slices.Equal(given, want) {
				t.Errorf("given %v, want %v", given, want)
			}
			if got := c.value(t, m, "n"); got != 1+want[len(want)-1].(int) {
				t.Errorf("n = %v", got)
			}
		})
	}
}

func TestAFailingUpdateChangesNothing(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, map[any]any{"n": 1})
	t.Run("at once", func(t *testing.T) {
		s := c.open(t, m)
		set(t, s, "mine", 1)
		increment(t, s, "n", 1)
		for _, key := range []any{"n", "absent"} {
			if err := s.Update(t.Context(), key, func(any) (any, error) { return 50, errDown }); !errors.Is(err, errDown) {
				t.Errorf("Update = %v", err)
			}
		}
		want := map[string]any{"n": 2, "mine": 1, "absent": nil}
		wantValues(t, "the request sees", s, want)
		save(t, s)
		wantValues(t, "stored is", c.open(t, m), want)
	})
	t.Run("when it is run again", func(t *testing.T) {
		s := c.open(t, m)
		set(t, s, "mine", 2)
		if err := s.Update(t.Context(), "n", func(old any) (any, error) {
			if old != 2 {
				return nil, errDown
			}
			return 3, nil
		}); err != nil {
			t.Fatal(err)
		}
		o := c.open(t, m)
		set(t, o, "n", 100)
		save(t, o)
		for range 2 {
			if err := s.Save(t.Context()); !errors.Is(err, errDown) {
				t.Errorf("Save = %v", err)
			}
		}
		wantValues(t, "stored is", c.open(t, m), map[string]any{"n": 100, "mine": 1})
		set(t, s, "n", 4) // takes the place of the update
		save(t, s)
		wantValues(t, "stored is", c.open(t, m), map[string]any{"n": 4, "mine": 2})
	})
	t.Run("of a visitor without session", func(t *testing.T) {
		m := newManager(t, session.CfgLazy(true))
		s := new(client).open(t, m)
		if err := s.Update(t.Context(), "n", func(any) (any, error) { return 1, errDown }); !errors.Is(err, errDown) {
			t.Errorf("Update = %v", err)
		}
		if m.GetActiveSession() != 0 {
			t.Error("a session began")
		}
	})
}

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
	testCounter[uint](t, 0, math.MaxInt64)
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

// What Get returns and what Set was given has nothing to do with what is stored.
func TestValuesAreCopies(t *testing.T) {
	for kind, open := range bothKinds {
		t.Run(kind, func(t *testing.T) {
			m := newNode(t, open(t))
			list, table, raw := []string{"a"}, map[string]any{"k": []int{1}}, []byte("raw")
			c := seed(t, m, map[any]any{"list": list, "table": table, "raw": raw})
			spoil := func(list []string, table map[string]any, raw []byte) {
				list[0], raw[0] = "x", 'x'
				table["k"].([]int)[0] = 9
				table["new"] = 1
			}
			spoil(list, table, raw)
			s := c.open(t, m)
			for range 3 {
				list, _ := s.Get(t.Context(), "list").([]string)
				table, _ := s.Get(t.Context(), "table").(map[string]any)
				raw, _ := s.Get(t.Context(), "raw").([]byte)
				if !slices.Equal(list, []string{"a"}) || string(raw) != "raw" ||
					!reflect.DeepEqual(table, map[string]any{"k": []int{1}}) {
					t.Fatalf("list = %v, table = %v, raw = %q", list, table, raw)
				}
				spoil(list, table, raw)
				set(t, s, "raw", []byte("raw")) // from the log this time
			}
			save(t, s)
			if got := c.value(t, m, "table"); !reflect.DeepEqual(got, map[string]any{"k": []int{1}}) {
				t.Errorf("table = %v", got)
			}
		})
	}
}

func TestRefusedKeysAndValues(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, map[any]any{"a": 1})
	s := c.open(t, m)
	set(t, s, "mine", 1)
	for name, key := range map[string]any{
		"slice": []string{"a"}, "map": map[string]int{}, "func": func() {}, "struct with a slice": struct{ S []int }{}, "chan": make(chan int),
		"array of slices": [1]any{[]int{1}}, "interface with a slice": struct{ V any }{[]int{1}},
	} {
		if err := s.Set(t.Context(), key, 1); !errors.Is(err, session.ErrUnencodable) {
			t.Errorf("Set with a %s as key = %v", name, err)
		}
		if err := s.Update(t.Context(), key, func(any) (any, error) { return 1, nil }); !errors.Is(err, session.ErrUnencodable) {
			t.Errorf("Update with a %s as key = %v", name, err)
		}
		if err := s.Delete(t.Context(), key); err != nil && !errors.Is(err, session.ErrUnencodable) {
			t.Errorf("Delete with a %s as key = %v", name, err)
		}
		if got := s.Get(t.Context(), key); got != nil {
			t.Errorf("Get with a %s as key = %v", name, got)
		}
	}
	s.Get(t.Context(), nil)
	_ = s.Delete(t.Context(), nil)
	for name, value := range map[string]any{
		"func": func() {}, "chan": make(chan int), "map of chans": map[string]any{"a": make(chan int)}, "unregistered": unregistered{"x"},
		"slice of funcs": []any{func() {}},
	} {
		if err := s.Set(t.Context(), "a", value); !errors.Is(err, session.ErrUnencodable) {
			t.Errorf("Set of a %s = %v", name, err)
		}
		if err := s.Update(t.Context(), "a", func(any) (any, error) { return value, nil }); !errors.Is(err, session.ErrUnencodable) {
			t.Errorf("Update to a %s = %v", name, err)
		}
	}
	want := map[string]any{"a": 1, "mine": 1}
	wantValues(t, "the request sees", s, want)
	save(t, s)
	wantValues(t, "stored is", c.open(t, m), want)
}

func TestTooLarge(t *testing.T) {
	for kind, open := range bothKinds {
		t.Run(kind, func(t *testing.T) {
			m := newNode(t, open(t), session.CfgMaxBytes(1000))
			c := seed(t, m, map[any]any{"a": strings.Repeat("a", 600)})
			s := c.open(t, m)
			t.Run("one value", func(t *testing.T) {
				for name, change := range map[string]func(value string) error{
					"Set": func(value string) error { return s.Set(t.Context(), "a", value) },
					"Update": func(value string) error {
						return s.Update(t.Context(), "a", func(any) (any, error) { return value, nil })
					},
				} {
					if err := change(strings.Repeat("b", 1001)); !errors.Is(err, session.ErrTooLarge) {
						t.Errorf("%s = %v", name, err)
					}
				}
				if got := s.Get(t.Context(), "a"); got != strings.Repeat("a", 600) {
					t.Errorf("a = %v", got)
				}
			})
			t.Run("the session", func(t *testing.T) {
				set(t, s, "b", strings.Repeat("b", 600))
				set(t, s, "small", 1)
				for range 2 {
					if err := s.Save(t.Context()); !errors.Is(err, session.ErrTooLarge) {
						t.Errorf("Save = %v", err)
					}
				}
				if err := s.Regenerate(t.Context()); !errors.Is(err, session.ErrTooLarge) {
					t.Errorf("Regenerate = %v", err)
				}
				wantValues(t, "stored is", c.open(t, m), map[string]any{"a": strings.Repeat("a", 600), "b": nil, "small": nil})
				wantValues(t, "the request sees", s, map[string]any{"b": strings.Repeat("b", 600), "small": 1})
			})
			t.Run("and then less", func(t *testing.T) {
				s := c.open(t, m)
				set(t, s, "b", strings.Repeat("b", 600))
				set(t, s, "small", 1)
				if err := s.Save(t.Context()); !errors.Is(err, session.ErrTooLarge) {
					t.Errorf("Save = %v", err)
				}
				remove(t, s, "a")
				save(t, s)
				want := map[string]any{"a": nil, "b": strings.Repeat("b", 600), "small": 1}
				wantValues(t, "stored is", c.open(t, m), want)
			})
			t.Run("with what others saved", func(t *testing.T) {
				s, o := c.open(t, m), c.open(t, m)
				set(t, s, "mine", strings.Repeat("m", 200))
				set(t, o, "theirs", strings.Repeat("t", 200))
				save(t, o)
				if err := s.Save(t.Context()); !errors.Is(err, session.ErrTooLarge) {
					t.Errorf("Save = %v", err)
				}
				wantValues(t, "stored is", c.open(t, m), map[string]any{"mine": nil, "theirs": strings.Repeat("t", 200)})
			})
		})
	}
	t.Run("a lazy session", func(t *testing.T) {
		m := newManager(t, session.CfgMaxBytes(1000), session.CfgLazy(true))
		w := httptest.NewRecorder()
		s := start(t, m, w, new(client).request())
		if err := s.Set(t.Context(), "a", strings.Repeat("a", 996)); !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("Set = %v", err)
		}
		if m.GetActiveSession() != 0 || w.Header()["Set-Cookie"] != nil || s.Get(t.Context(), "a") != nil {
			t.Error("a session began")
		}
		set(t, s, "a", 1)
		save(t, s)
		if m.GetActiveSession() != 1 || len(w.Header()["Set-Cookie"]) != 1 {
			t.Error("no session began")
		}
	})
}

// A Session of a lazy manager that the request has destroyed before it began takes nothing.
func TestLazySessionAfterDestroy(t *testing.T) {
	m := newManager(t, session.CfgLazy(true))
	r := (&client{cookie: "gosessionid=" + strings.Repeat("ab", 16)}).request()
	w := httptest.NewRecorder()
	s := start(t, m, w, r)
	if err := m.Destroy(w, r); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "a", 1); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Set = %v", err)
	}
	if err := s.Regenerate(t.Context()); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Regenerate = %v", err)
	}
	if s.Get(t.Context(), "a") != nil || m.GetActiveSession() != 0 {
		t.Error("something was stored")
	}
}

// Two Sessions of one request that began before there was anything to store have one session.
func TestLazySessionsOfOneRequestMeet(t *testing.T) {
	for kind, p := range map[string]session.Provider{"memory": memory.New(), "sealer": newSealerProvider()} {
		t.Run(kind, func(t *testing.T) {
			m := newNode(t, p, session.CfgLazy(true))
			c := new(client)
			w, r := httptest.NewRecorder(), c.request()
			a, b := start(t, m, w, r), start(t, m, w, r)
			set(t, b, "b", 2)
			before := b.SessionID(t.Context())
			if err := a.Regenerate(t.Context()); err != nil {
				t.Fatal(err)
			}
			set(t, a, "a", 1)
			save(t, a)
			if after := a.SessionID(t.Context()); after == before || after == "" {
				t.Error("the session that the other began was not regenerated")
			}
			set(t, b, "late", 3)
			save(t, b)
			c.take(w.Result())
			wantValues(t, "stored is", c.open(t, m), map[string]any{"a": 1, "b": 2, "late": 3})
		})
	}
}

// A stored session that cannot be read is an error, not a fresh session, and stays as it is until somebody
// destroys it.
func TestCorruptSession(t *testing.T) {
	backend := newTap(t)
	m := newNode(t, backend.provider(), session.CfgLogger(quiet))
	c := seed(t, m, map[any]any{"user": "ann", "n": 1})
	key := backend.keys()[0]
	store := func(data []byte) {
		t.Helper()
		var rec session.Record
		if err := backend.beneath.Load(t.Context(), key, &rec); err != nil {
			t.Fatal(err)
		}
		rec.Data = data
		if err := backend.beneath.Save(t.Context(), key, &rec); err != nil {
			t.Fatal(err)
		}
	}
	var good session.Record
	if err := backend.beneath.Load(t.Context(), key, &good); err != nil {
		t.Fatal(err)
	}
	late := c.open(t, m)
	set(t, late, "mine", 1)
	for i := range good.Data {
		flipped := bytes.Clone(good.Data)
		flipped[i] ^= 0x10
		for what, bad := range map[string][]byte{"with a bit flipped": flipped, "cut off": good.Data[:max(i, 1)]} {
			store(bad)
			w := httptest.NewRecorder()
			if s, err := m.Start(w, c.request()); !errors.Is(err, session.ErrCorrupt) || w.Header()["Set-Cookie"] != nil {
				t.Errorf("%s at %d: Start = %v, %v, Set-Cookie %q", what, i, s, err, w.Header()["Set-Cookie"])
			}
			if err := late.Save(t.Context()); !errors.Is(err, session.ErrCorrupt) {
				t.Errorf("%s at %d: Save = %v", what, i, err)
			}
			var rec session.Record
			if err := backend.beneath.Load(t.Context(), key, &rec); err != nil || !bytes.Equal(rec.Data, bad) {
				t.Fatalf("%s at %d: the stored bytes have changed, %v", what, i, err)
			}
		}
	}
	store(good.Data)
	save(t, late)
	wantValues(t, "stored is", c.open(t, m), map[string]any{"user": "ann", "n": 1, "mine": 1})
	store([]byte("not a session"))
	c.do(func(w http.ResponseWriter, r *http.Request) {
		if err := m.Destroy(w, r); err != nil {
			t.Errorf("Destroy = %v", err)
		}
	})
	if c.cookie != "" || backend.records(t) != 0 {
		t.Error("not destroyed")
	}
}

// Nodes with different codecs, as during a change from one to the other, read and change each other's
// sessions.
func TestTwoCodecs(t *testing.T) {
	for kind, p := range map[string]session.Provider{
		"memory": memory.New(), "tap": newTap(t).provider(), "sealer": newSealerProvider(),
	} {
		t.Run(kind, func(t *testing.T) {
			compact, gob := newNode(t, p), newNode(t, p, session.CfgCodec("gob"))
			c := seed(t, compact, map[any]any{"n": 1, 7: []string{"a"}, "kept": int8(3)})
			want := map[string]any{"n": 1, "kept": int8(3)}
			for i := range 4 {
				m := []*session.Manager{gob, compact}[i%2]
				c.visit(t, m, func(s *session.Session) {
					wantValues(t, "read is", s, want)
					increment(t, s, "n", 1)
					if kind != "sealer" { // which has nothing to merge with
						o := c.open(t, []*session.Manager{compact, gob}[i%2])
						increment(t, o, "n", 10)
						save(t, o)
					}
				})
				want["n"] = want["n"].(int) + 1
				if kind != "sealer" {
					want["n"] = want["n"].(int) + 10
				}
				wantValues(t, "stored is", c.open(t, m), want)
			}
			c.visit(t, gob, func(s *session.Session) { remove(t, s, "kept") })
			if got := c.value(t, compact, 7); !reflect.DeepEqual(got, []string{"a"}) || c.value(t, compact, "kept") != nil {
				t.Errorf("7 = %v", got)
			}
		})
	}
}

// A function that panics takes neither the session nor those who wait for it along.
func TestAPanickingUpdate(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, map[any]any{"n": 1})
	panics := func(do func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		do()
	}
	s := c.open(t, m)
	set(t, s, "mine", 1)
	panics(func() { update(t, s, "n", func(any) any { panic("at once") }) })
	wantValues(t, "the request sees", s, map[string]any{"n": 1, "mine": 1})

	update(t, s, "n", func(old any) any {
		if old != 1 {
			panic("when it is run again")
		}
		return 2
	})
	o := c.open(t, m)
	set(t, o, "n", 100)
	save(t, o)
	panics(func() { _ = s.Save(t.Context()) })
	set(t, s, "n", 3)
	save(t, s)
	o = c.open(t, m)
	increment(t, o, "n", 1)
	save(t, o)
	wantValues(t, "stored is", c.open(t, m), map[string]any{"n": 4, "mine": 1})
}

// The goroutines of one request may share its Session.
func TestGoroutinesShareASession(t *testing.T) {
	for kind, p := range map[string]session.Provider{
		"memory": memory.New(), "tap": newTap(t).provider(), "sealer": newSealerProvider(), "third party": newShelf(),
	} {
		for _, lazy := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/lazy=%v", kind, lazy), func(t *testing.T) {
				m := newNode(t, p, session.CfgLazy(lazy))
				c := new(client)
				c.visit(t, m, func(s *session.Session) {
					var all sync.WaitGroup
					for g := range 8 {
						all.Go(func() {
							for i := range 20 {
								increment(t, s, "n", 1)
								set(t, s, g, i)
								if got := s.Get(t.Context(), g); got != i {
									t.Errorf("%d = %v, want %d", g, got, i)
								}
								if i%5 == 0 {
									save(t, s)
									_ = fmt.Sprint(s, s.IsNew(), s.SessionID(t.Context()))
								}
							}
						})
					}
					all.Wait()
				})
				if got := c.value(t, m, "n"); got != int64(160) {
					t.Errorf("n = %v", got)
				}
			})
		}
	}
}

const (
	contenders = 32
	saves      = 100
)

// contend has 32 clients of one session each save 100 times, in requests of their own.
func contend(t *testing.T, c *client, nodes []*session.Manager, change func(s *session.Session, goroutine, i int)) {
	var all sync.WaitGroup
	for g := range contenders {
		all.Go(func() {
			m := nodes[g%len(nodes)]
			for i := range saves {
				s, err := m.Start(httptest.NewRecorder(), c.request())
				if err != nil {
					t.Errorf("Start: %v", err)
					return
				}
				change(s, g, i)
				if err := s.Save(t.Context()); err != nil {
					t.Errorf("Save: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
}

// shared runs test with one manager, with two of one provider, and with two nodes of one store.
func shared(t *testing.T, test func(t *testing.T, nodes []*session.Manager)) {
	run := func(name string, providers ...session.Provider) {
		t.Run(name, func(t *testing.T) {
			var nodes []*session.Manager
			for _, p := range providers {
				nodes = append(nodes, newNode(t, p))
			}
			test(t, nodes)
		})
	}
	for kind, open := range bothKinds {
		run(kind+"/one manager", open(t))
		p := open(t)
		run(kind+"/two managers", p, p)
	}
	store := newTap(t)
	run("two nodes", store.provider(), store.provider())
}

// Each client finds in its own key what it saved there last, 3200 times.
func TestOwnKeys3200(t *testing.T) {
	shared(t, func(t *testing.T, nodes []*session.Manager) {
		c := seed(t, nodes[0], nil)
		var found atomic.Int64
		contend(t, c, nodes, func(s *session.Session, goroutine, i int) {
			if got := s.Get(t.Context(), goroutine); i > 0 && got == i {
				found.Add(1)
			}
			set(t, s, goroutine, i+1)
		})
		for g := range contenders {
			if c.value(t, nodes[0], g) == saves {
				found.Add(1)
			}
		}
		if n := found.Load(); n != contenders*saves {
			t.Errorf("%d of %d saves", n, contenders*saves)
		}
	})
}

func TestSharedIncrement3200(t *testing.T) {
	shared(t, func(t *testing.T, nodes []*session.Manager) {
		c := seed(t, nodes[0], nil)
		contend(t, c, nodes, func(s *session.Session, _, _ int) { increment(t, s, "n", 1) })
		if got := c.value(t, nodes[0], "n"); got != int64(contenders*saves) {
			t.Errorf("n = %v, want %d", got, contenders*saves)
		}
	})
}

// A distant backend takes its time for the way there, and for the way back.
type distant struct {
	session.Backend
	conflicts atomic.Int64
}

func travel() { time.Sleep(450*time.Microsecond + rand.N(100*time.Microsecond)) }

func (d *distant) Load(ctx context.Context, key string, rec *session.Record) error {
	travel()
	defer travel()
	return d.Backend.Load(ctx, key, rec)
}

func (d *distant) Save(ctx context.Context, key string, rec *session.Record) error {
	travel()
	defer travel()
	err := d.Backend.Save(ctx, key, rec)
	if _, ok := errors.AsType[*session.ConflictError](err); ok {
		d.conflicts.Add(1)
	}
	return err
}

// No node keeps the others from saving, however many saves of its own are waiting. Managers of one provider
// are one node: their saves queue together.
func TestManyNodesGetTheirSavesThrough(t *testing.T) {
	for name, tt := range map[string]struct{ nodes, managers int }{
		"two nodes": {2, 1}, "eight nodes": {8, 1}, "one node with four managers": {1, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &distant{Backend: newFaulty(t)}
				var all []*session.Manager
				for range tt.nodes {
					p := session.NewProvider(func(context.Context, session.BackendConfig) (session.Backend, error) { return d, nil })
					for range tt.managers {
						all = append(all, newNode(t, p, session.CfgOpTimeout(2*time.Second)))
					}
				}
				c := seed(t, all[0], nil)
				contend(t, c, all, func(s *session.Session, _, _ int) { increment(t, s, "n", 1) })
				if got := c.value(t, all[0], "n"); got != int64(contenders*saves) {
					t.Errorf("n = %v, want %d", got, contenders*saves)
				}
				if n := d.conflicts.Load(); (n == 0) != (tt.nodes == 1) {
					t.Errorf("%d conflicts", n)
				}
			})
		})
	}
}
