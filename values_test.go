package session_test

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
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
		var rec driver.Record
		if err := backend.beneath.Load(t.Context(), key, &rec); err != nil {
			t.Fatal(err)
		}
		rec.Data = data
		if err := backend.beneath.Save(t.Context(), key, &rec); err != nil {
			t.Fatal(err)
		}
	}
	var good driver.Record
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
			var rec driver.Record
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

// TestPointer: docs/peers.md says what comes back for a *T.
func TestPointer(t *testing.T) {
	gob.Register(link{})
	for codec, want := range map[string]any{"compact": &link{"a"}, "gob": link{"a"}, "json": map[string]any{"To": "a"}} {
		m := newManager(t, session.CfgCodec(codec))
		if got := seed(t, m, map[any]any{"link": &link{"a"}}).value(t, m, "link"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %T %v, want %T", codec, got, got, want)
		}
	}
}

type link struct{ To string }
