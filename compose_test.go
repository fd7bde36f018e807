package session_test

import (
	"testing"

	"github.com/seed1a8f7c28/session"
)

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
