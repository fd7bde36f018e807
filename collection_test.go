package session_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// wantAll checks what a Session lists, in each of the ways.
func wantAll(t *testing.T, s *session.Session, want map[any]any) {
	t.Helper()
	ctx := t.Context()
	if got := maps.Collect(s.All(ctx)); !reflect.DeepEqual(got, want) {
		t.Errorf("All: %v, want %v", got, want)
	}
	if got, err := s.GetAll(ctx); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("GetAll = %v, %v; want %v", got, err, want)
	}
	got := make(map[any]any)
	if err := s.Visit(ctx, func(k, v any) { got[k] = v }); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Visit: %v, %v; want %v", got, err, want)
	}
	if n, err := s.Len(ctx); err != nil || n != len(want) {
		t.Errorf("Len = %d, %v; want %d", n, err, len(want))
	}
	for k := range want {
		if !s.Has(ctx, k) {
			t.Errorf("Has(%v) = false", k)
		}
	}
}

func TestAll(t *testing.T) {
	for _, e := range storing() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			stored := map[any]any{"a": int64(1), "b": "two", "gone": int64(3)}
			if e.codec != "json" {
				stored[7], stored[true], stored[2.5] = "int", "bool", "float"
			}
			c := seed(t, m, stored)
			c.visit(t, m, func(s *session.Session) {
				wantAll(t, s, stored)
				set(t, s, "a", int64(10))
				set(t, s, "new", "n")
				remove(t, s, "gone")
				if err := s.AddFlash(t.Context(), "not shown"); err != nil {
					t.Error(err)
				}
				stored["a"], stored["new"] = int64(10), "n"
				delete(stored, "gone")
				wantAll(t, s, stored)
			})
			c.visit(t, m, func(s *session.Session) {
				wantAll(t, s, stored)
				if s.Has(t.Context(), "gone") || s.Has(t.Context(), []int{1}) {
					t.Error("Has what there is not")
				}
				for range s.All(t.Context()) { // a loop may end early
					break
				}
				for k := range s.All(t.Context()) { // and change what it is about
					remove(t, s, k)
				}
				wantAll(t, s, map[any]any{})
				flush(t, s)
				set(t, s, "after", "flush")
				wantAll(t, s, map[any]any{"after": "flush"})
			})
		})
	}
}

func TestGetAllIsACopy(t *testing.T) {
	m := newManager(t)
	s := seed(t, m, map[any]any{"list": []string{"a"}}).open(t, m)
	for range 2 {
		all, err := s.GetAll(t.Context())
		if err != nil || all["list"].([]string)[0] != "a" {
			t.Fatalf("GetAll = %v, %v", all, err)
		}
		all["list"].([]string)[0], all["x"] = "b", 1
	}
}

func TestHasANil(t *testing.T) {
	for _, e := range storing() {
		if e.codec == "gob" {
			continue // beego's format has no nil in a map of interfaces
		}
		s := seed(t, e.open(t), map[any]any{}).open(t, e.open(t))
		set(t, s, "nil", nil)
		if !s.Has(t.Context(), "nil") || s.Has(t.Context(), "absent") {
			t.Errorf("%s: a nil value and none are the same", e.name)
		}
	}
}

func TestMulti(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m, ctx := e.open(t), t.Context()
			c := seed(t, m, map[any]any{"a": "1", "b": "2"})
			c.visit(t, m, func(s *session.Session) {
				if err := s.SetMulti(ctx, map[any]any{"b": "3", "c": "4", "d": "5"}); err != nil {
					t.Fatal(err)
				}
				if err := s.SetMulti(ctx, nil); err != nil {
					t.Error(err)
				}
			})
			s := c.open(t, m)
			want := map[any]any{"a": "1", "b": "3", "c": "4"}
			if got, err := s.GetMulti(ctx, "a", "b", "c", "absent"); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("GetMulti = %v, %v; want %v", got, err, want)
			}
			if got, err := s.GetMulti(ctx); err != nil || len(got) != 0 || got == nil {
				t.Errorf("GetMulti of no keys = %v, %v", got, err)
			}
			for _, bad := range []any{[]int{1}, nil, [1]any{[]int{1}}} {
				if _, err := s.GetMulti(ctx, "a", bad); !errors.Is(err, session.ErrUnencodable) {
					t.Errorf("GetMulti of a %T = %v", bad, err)
				}
			}
		})
	}
}

// If one value of several is refused, none is set.
func TestSetMultiIsAllOrNothing(t *testing.T) {
	bad := map[string]any{"unencodable": make(chan int), "too large": strings.Repeat("x", 3000)}
	for _, e := range storing() {
		for what, value := range bad {
			t.Run(e.name+"/"+what, func(t *testing.T) {
				m, ctx := e.open(t, session.CfgMaxBytes(2000)), t.Context()
				c := seed(t, m, map[any]any{"a": "old"})
				for range 10 { // maps have no order
					c.do(func(w http.ResponseWriter, r *http.Request) {
						s := start(t, m, w, r)
						if err := s.SetMulti(ctx, map[any]any{"a": "new", "b": "new", "bad": value, "c": "new"}); err == nil {
							t.Error("SetMulti takes it")
						}
						wantAll(t, s, map[any]any{"a": "old"})
						save(t, s)
					})
				}
				wantAll(t, c.open(t, m), map[any]any{"a": "old"})
			})
		}
	}
	t.Run("third party", func(t *testing.T) {
		m := newNode(t, &picky{newShelf()})
		c := seed(t, m, map[any]any{"a": "old"})
		for range 10 {
			c.visit(t, m, func(s *session.Session) {
				if err := s.SetMulti(t.Context(), map[any]any{"a": "new", "b": "new", "refused": 1, "c": "new"}); !errors.Is(err, errDown) {
					t.Errorf("SetMulti = %v", err)
				}
				wantValues(t, "the request sees", s, map[string]any{"a": "old", "b": nil, "c": nil, "refused": nil})
			})
		}
	})
}

// picky is a shelf that does not take every key.
type picky struct{ *shelf }

type pickyStore struct{ session.Store }

func (p *picky) SessionRead(ctx context.Context, sid string) (session.Store, error) {
	s, err := p.shelf.SessionRead(ctx, sid)
	return pickyStore{s}, err
}

func (s pickyStore) Set(ctx context.Context, key, value any) error {
	if key == "refused" {
		return errDown
	}
	return s.Store.Set(ctx, key, value)
}

func TestPop(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m, ctx := e.open(t), t.Context()
			c := seed(t, m, map[any]any{"state": "xyz", "kept": "1"})
			c.visit(t, m, func(s *session.Session) {
				if v, err := s.Pop(ctx, "state"); v != "xyz" || err != nil {
					t.Errorf("Pop = %v, %v", v, err)
				}
				if v, err := s.Pop(ctx, "state"); v != nil || err != nil {
					t.Errorf("a second Pop = %v, %v", v, err)
				}
			})
			wantValues(t, "stored is", c.open(t, m), map[string]any{"state": nil, "kept": "1"})
			if e.name == "third party" { // which may panic
				return
			}
			if v, err := c.open(t, m).Pop(ctx, []int{1}); v != nil || !errors.Is(err, session.ErrUnencodable) {
				t.Errorf("Pop of a bad key = %v, %v", v, err)
			}
		})
	}
	t.Run("nothing begins a session", func(t *testing.T) {
		m := newManager(t, session.CfgLazy(true))
		s := new(client).open(t, m)
		if v, err := s.Pop(t.Context(), "a"); v != nil || err != nil || m.GetActiveSession() != 0 {
			t.Errorf("Pop = %v, %v, %d sessions", v, err, m.GetActiveSession())
		}
	})
	t.Run("destroyed meanwhile", func(t *testing.T) {
		m := newManager(t)
		c := seed(t, m, map[any]any{"a": 1})
		r := c.request()
		s := start(t, m, httptest.NewRecorder(), r)
		if err := m.Destroy(httptest.NewRecorder(), c.request()); err != nil {
			t.Fatal(err)
		}
		set(t, s, "b", 1)
		if err := s.Save(t.Context()); !errors.Is(err, session.ErrDestroyed) {
			t.Fatal(err)
		}
		if v, err := s.Pop(t.Context(), "a"); v != nil || !errors.Is(err, session.ErrDestroyed) {
			t.Errorf("Pop = %v, %v", v, err)
		}
	})
}

// Clear removes what the request has seen, Flush what is stored at release.
func TestClear(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m, ctx := e.open(t), t.Context()
			c := seed(t, m, map[any]any{"a": "1", "b": "2"})
			c.visit(t, m, func(s *session.Session) {
				set(t, s, "mine", "3")
				if err := s.AddFlash(ctx, "hello"); err != nil {
					t.Error(err)
				}
				if err := s.SetFlash(ctx, "k", "named"); err != nil {
					t.Error(err)
				}
				if err := s.Clear(ctx); err != nil {
					t.Errorf("Clear = %v", err)
				}
				set(t, s, "after", "4")
				if !strings.HasPrefix(e.name, "sealer") && e.name != "third party" { // which have nothing to merge
					o := c.open(t, m)
					set(t, o, "theirs", "5")
					save(t, o)
				}
			})
			s := c.open(t, m)
			wantValues(t, "stored is", s, map[string]any{"a": nil, "b": nil, "mine": nil, "after": "4"})
			if !strings.HasPrefix(e.name, "sealer") && e.name != "third party" {
				wantValues(t, "stored is", s, map[string]any{"theirs": "5"})
			}
			if list, err := s.Flashes(ctx); err != nil || len(list) != 1 || list[0] != "hello" || s.PeekFlash(ctx, "k") != "named" {
				t.Errorf("Flashes = %v, %v; PeekFlash = %v", list, err, s.PeekFlash(ctx, "k"))
			}
		})
	}
}

// Flush takes flash messages along.
func TestFlushTakesFlashes(t *testing.T) {
	for _, e := range engines() {
		m := e.open(t)
		c := seed(t, m, map[any]any{"a": "1"})
		c.visit(t, m, func(s *session.Session) { addFlash(t, s, "old") })
		c.visit(t, m, func(s *session.Session) {
			flush(t, s)
			addFlash(t, s, "goodbye")
		})
		wantFlashes(t, c.open(t, m), "goodbye")
	}
}

// What this package keeps with a session an application can neither read nor change.
func TestReservedKeys(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m, ctx := e.open(t), t.Context()
			c := new(client)
			c.visit(t, m, func(s *session.Session) { addFlash(t, s, "hello") })
			c.visit(t, m, func(s *session.Session) {
				key := "\x01session.flashes"
				refused := map[string]error{
					"Set": s.Set(ctx, key, 1), "Delete": s.Delete(ctx, key),
					"SetMulti": s.SetMulti(ctx, map[any]any{"a": 1, key: 1}),
					"Update":   s.Update(ctx, key, func(any) (any, error) { return nil, nil }),
				}
				for what, err := range refused {
					if !errors.Is(err, session.ErrUnencodable) {
						t.Errorf("%s = %v", what, err)
					}
				}
				if v, err := s.Pop(ctx, key); v != nil || err != nil || s.Get(ctx, key) != nil || s.Has(ctx, key) || s.Has(ctx, "a") {
					t.Errorf("Pop = %v, %v; Get = %v", v, err, s.Get(ctx, key))
				}
				if got, err := s.GetMulti(ctx, key); len(got) != 0 || err != nil {
					t.Errorf("GetMulti = %v, %v", got, err)
				}
				set(t, s, "\x01session", 1) // which is none of them
				wantFlashes(t, s, "hello")
			})
		})
	}
}

func TestThirdPartyCannotList(t *testing.T) {
	m := newNode(t, newShelf(), session.CfgLogger(quiet))
	s := seed(t, m, map[any]any{"a": 1}).open(t, m)
	_, all := s.GetAll(t.Context())
	_, n := s.Len(t.Context())
	visit := s.Visit(t.Context(), func(any, any) {})
	for what, err := range map[string]error{"GetAll": all, "Len": n, "Visit": visit} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s = %v", what, err)
		}
	}
	for range s.All(t.Context()) {
		t.Error("All lists something")
	}
}
