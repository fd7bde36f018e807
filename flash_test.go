package session_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session"
)

func addFlash(t testing.TB, s *session.Session, value any, key ...string) {
	t.Helper()
	if err := s.AddFlash(t.Context(), value, key...); err != nil {
		t.Errorf("AddFlash: %v", err)
	}
}

// wantFlashes takes the messages of the list without a name.
func wantFlashes(t testing.TB, s *session.Session, want ...any) {
	t.Helper()
	if got, err := s.Flashes(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("Flashes = %v, %v; want %v", got, err, want)
	}
}

func TestFlashLists(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m, ctx := e.open(t), t.Context()
			c := new(client)
			c.visit(t, m, func(s *session.Session) {
				addFlash(t, s, "one")
				addFlash(t, s, "two")
				addFlash(t, s, "oops", "error")
				addFlash(t, s, nil)
				if s.PeekFlash(ctx, "error") != nil {
					t.Error("the two kinds meet")
				}
			})
			c.visit(t, m, func(s *session.Session) {
				if !s.HasFlash(ctx) || !s.HasFlash(ctx, "error") || s.HasFlash(ctx, "success") {
					t.Error("HasFlash is wrong")
				}
				wantFlashes(t, s, "one", "two")
				wantFlashes(t, s)
				addFlash(t, s, "three")
			})
			c.visit(t, m, func(s *session.Session) {
				wantFlashes(t, s, "three")
				if got, err := s.Flashes(ctx, "error"); err != nil || !slices.Equal(got, []any{"oops"}) {
					t.Errorf("Flashes = %v, %v", got, err)
				}
				if s.HasFlash(ctx) {
					t.Error("there is a message left")
				}
			})
			if s := c.open(t, m); s.HasFlash(ctx) {
				t.Error("a message was shown and is still there")
			}
		})
	}
}

func TestFlashesByKey(t *testing.T) {
	setFlash := func(t *testing.T, s *session.Session, key string, value any) {
		t.Helper()
		if err := s.SetFlash(t.Context(), key, value); err != nil {
			t.Errorf("SetFlash: %v", err)
		}
	}
	wantFlash := func(t *testing.T, s *session.Session, key string, want any) {
		t.Helper()
		if got, err := s.GetFlash(t.Context(), key); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("GetFlash(%s) = %v, %v; want %v", key, got, err, want)
		}
	}
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m, ctx := e.open(t), t.Context()
			c := new(client)
			c.visit(t, m, func(s *session.Session) {
				setFlash(t, s, "success", "stored")
				setFlash(t, s, "success", "stored twice")
				setFlash(t, s, "error", "oops")
				setFlash(t, s, "taken back", "x")
				setFlash(t, s, "taken back", nil)
				setFlash(t, s, "list", []string{"a"})
			})
			c.visit(t, m, func(s *session.Session) {
				if !s.HasFlash(ctx, "success") || s.HasFlash(ctx, "taken back") || s.PeekFlash(ctx, "success") != "stored twice" ||
					s.PeekFlash(ctx, "absent") != nil {
					t.Errorf("HasFlash or PeekFlash is wrong: %v", s.PeekFlash(ctx, "success"))
				}
				wantFlash(t, s, "success", "stored twice")
				wantFlash(t, s, "success", nil)
				if e.codec != "json" {
					wantFlash(t, s, "list", []string{"a"})
				} else {
					wantFlash(t, s, "list", []any{"a"})
				}
			})
			c.visit(t, m, func(s *session.Session) {
				setFlash(t, s, "two", "2")
				want := map[string]any{"error": "oops", "two": "2"}
				if got, err := s.GetFlashes(ctx); err != nil || !maps.Equal(got, want) {
					t.Errorf("GetFlashes = %v, %v; want %v", got, err, want)
				}
			})
			c.visit(t, m, func(s *session.Session) {
				if got, err := s.GetFlashes(ctx); err != nil || len(got) > 0 || got == nil {
					t.Errorf("GetFlashes = %v, %v", got, err)
				}
			})
		})
	}
}

// Requests at the same time: what one adds is not lost to another that adds or takes.
func TestFlashesCompose(t *testing.T) {
	both := func(s *session.Session) (got []any) {
		list, err := s.Flashes(t.Context())
		named, err2 := s.GetFlashes(t.Context())
		if err != nil || err2 != nil {
			t.Errorf("%v, %v", err, err2)
		}
		for _, v := range named {
			list = append(list, v)
		}
		return list
	}
	for _, e := range storing() {
		if strings.HasPrefix(e.name, "sealer") {
			continue // there is nothing to merge with: the last answer counts
		}
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			c := new(client)
			c.visit(t, m, func(s *session.Session) { addFlash(t, s, "same") })

			a, b := c.open(t, m), c.open(t, m)
			addFlash(t, a, "a")
			addFlash(t, b, "b")
			save(t, a)
			save(t, b)

			// One takes what the other has taken meanwhile, and an equal message is added in between.
			first, second := c.open(t, m), c.open(t, m)
			for _, s := range []*session.Session{first, second} {
				if got := both(s); !slices.Equal(got, []any{"same", "a", "b"}) {
					t.Errorf("a request shows %v", got)
				}
			}
			save(t, first)
			c.visit(t, m, func(s *session.Session) { addFlash(t, s, "same") })
			save(t, second)
			if got := both(c.open(t, m)); !slices.Equal(got, []any{"same"}) {
				t.Errorf("left is %v, want what was added meanwhile", got)
			}

			// The same by key.
			c.visit(t, m, func(s *session.Session) { wantFlashes(t, s, "same") })
			c.visit(t, m, func(s *session.Session) { _ = s.SetFlash(t.Context(), "k", "same") })
			takes, sets := c.open(t, m), c.open(t, m)
			if v, err := takes.GetFlash(t.Context(), "k"); v != "same" || err != nil {
				t.Errorf("GetFlash = %v, %v", v, err)
			}
			_ = sets.SetFlash(t.Context(), "k", "same")
			_ = sets.SetFlash(t.Context(), "other", "x")
			save(t, sets)
			save(t, takes)
			if s := c.open(t, m); s.PeekFlash(t.Context(), "k") != "same" || s.PeekFlash(t.Context(), "other") != "x" {
				t.Error("taking the old message removed the new one")
			}
		})
	}
}

// Each message of many requests is shown, and none of them twice one after another.
func TestManyFlashes(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, nil)
	shown := make(map[any]int)
	var all sync.WaitGroup
	var mu sync.Mutex
	for g := range 8 {
		all.Go(func() {
			for i := range 10 {
				c := &client{cookie: c.cookie}
				s := c.open(t, m)
				addFlash(t, s, fmt.Sprint(g, " ", i))
				save(t, s)
				s = c.open(t, m)
				list, err := s.Flashes(t.Context())
				if err != nil {
					t.Error(err)
				}
				save(t, s)
				mu.Lock()
				for _, v := range list {
					shown[v]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(shown) != 80 || c.open(t, m).HasFlash(t.Context()) {
		t.Errorf("%d of 80 messages were shown", len(shown))
	}
}

// A message is what it was when it was added.
func TestFlashIsACopy(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, nil)
	s, o := c.open(t, m), c.open(t, m)
	list := []string{"a"}
	addFlash(t, s, list)
	list[0] = "changed"
	addFlash(t, o, "theirs")
	save(t, o)
	save(t, s) // adds it once more, to theirs
	got, err := c.open(t, m).Flashes(t.Context())
	if err != nil || !reflect.DeepEqual(got, []any{"theirs", []string{"a"}}) {
		t.Errorf("Flashes = %v, %v", got, err)
	}
}

func TestFlashErrors(t *testing.T) {
	for _, e := range storing() {
		m := e.open(t, session.CfgLazy(true), session.CfgMaxBytes(1000))
		s := new(client).open(t, m)
		if err := s.AddFlash(t.Context(), make(chan int)); !errors.Is(err, session.ErrUnencodable) {
			t.Errorf("%s: AddFlash = %v", e.name, err)
		}
		if err := s.SetFlash(t.Context(), "k", strings.Repeat("x", 2000)); !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("%s: SetFlash = %v", e.name, err)
		}
		if got, err := s.Flashes(t.Context()); err != nil || len(got) > 0 || s.SessionID(t.Context()) != "" {
			t.Errorf("%s: Flashes = %v, %v, or a session began", e.name, got, err)
		}
	}
}

func TestSaveAll(t *testing.T) {
	backend := newTap(t)
	a, b := newManager(t), newNode(t, backend.provider())
	ca, cb := seed(t, a, nil), seed(t, b, nil)
	good, bad := ca.open(t, a), cb.open(t, b)
	set(t, good, "a", 1)
	set(t, bad, "b", 1)
	backend.down(refused)
	err := session.SaveAll(t.Context(), bad, nil, good)
	if !errors.Is(err, errDown) {
		t.Errorf("SaveAll = %v", err)
	}
	backend.heal()
	if ca.value(t, a, "a") != 1 || cb.value(t, b, "b") != nil {
		t.Error("one failure kept the other session from being saved, or saved itself")
	}
	if err := session.SaveAll(t.Context(), bad, good); err != nil || cb.value(t, b, "b") != 1 {
		t.Errorf("SaveAll = %v", err)
	}
	if err := session.SaveAll(t.Context()); err != nil {
		t.Error(err)
	}
}
