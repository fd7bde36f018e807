package sessiontest

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// What a request sees, and what happens to its changes.
var valueCases = []testCase{
	{
		name:       "values/own changes",
		sentence:   "S2",
		rule:       "A request sees its own changes at once, and the next request sees them too.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m, ctx := e.manager(t), t.Context()
			b := visitor(t, m, values{"a": "1", "b": "2", "n": int64(40)})
			want := values{"a": "3", "b": nil, "c": "4", "n": int64(42), "u": "x"}
			b.visit(t, m, func(s *flight) {
				s.wantValues(t, values{"a": "1", "b": "2", "c": nil, "n": int64(40)})
				s.set(t, values{"a": "3", "c": "4"})
				wantOK(t, "Delete", s.Delete(ctx, "b"))
				if sum, err := s.Increment(ctx, "n", 2); sum != 42 || err != nil {
					t.Errorf("Increment = %d, %v; want 42", sum, err)
				}
				wantOK(t, "Update", s.Update(ctx, "u", func(any) (any, error) { return "x", nil }))
				s.wantValues(t, want)
			})
			b.visit(t, m, func(s *flight) {
				s.wantValues(t, want)
				wantOK(t, "Flush", s.Flush(ctx))
				s.set(t, values{"d": "5"})
				s.wantValues(t, values{"a": nil, "c": nil, "n": nil, "d": "5"})
			})
			b.wantValues(t, m, values{"a": nil, "c": nil, "n": nil, "d": "5"})
		},
	},
	{
		name:     "values/as loaded",
		sentence: "S2",
		rule:     "A request sees the values as they were at its start, whatever other requests store meanwhile.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			b := visitor(t, m, values{"a": "1"})
			s, late := b.start(t, m), b.start(t, other)
			late.set(t, values{"a": "2", "b": "3"})
			s.wantValues(t, values{"a": "1", "b": nil})
			b.wantValues(t, m, values{"a": "1", "b": nil}) // not released yet
			wantOK(t, "Save", late.Save(t.Context()))
			s.wantValues(t, values{"a": "1", "b": nil})
			b.wantValues(t, m, values{"a": "2", "b": "3"})
		},
	},
	{
		name:       "values/copies",
		sentence:   "S2",
		rule:       "The caller owns what Get returns, and may change what it passed to Set afterwards.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m, ctx := e.manager(t), t.Context()
			wantRoles := func(s *flight) {
				t.Helper()
				if got, ok := s.Get(ctx, "roles").([]string); !ok || len(got) != 2 || got[0] != "reader" {
					t.Errorf("roles = %v, want the stored ones", s.Get(ctx, "roles"))
				}
				if got, ok := s.Get(ctx, "token").([]byte); !ok || string(got) != "secret" {
					t.Error("token is not the stored one")
				}
			}
			spoil := func(s *flight) {
				if roles, ok := s.Get(ctx, "roles").([]string); ok {
					clear(roles)
				}
				if token, ok := s.Get(ctx, "token").([]byte); ok {
					clear(token)
				}
			}
			b := new(browser)
			b.visit(t, m, func(s *flight) {
				roles, token := []string{"reader", "writer"}, []byte("secret")
				s.set(t, values{"roles": roles, "token": token})
				roles[0], token[0] = "admin", 'S'
				wantRoles(s)
				spoil(s)
				wantRoles(s)
			})
			b.visit(t, m, func(s *flight) {
				spoil(s)
				wantRoles(s)
				s.set(t, values{"other": true})
			})
			b.visit(t, m, wantRoles)
		},
	},
	{
		name:       "values/kinds",
		sentence:   "S2",
		rule:       "A value keeps its content and its type. Keys of different types are different keys.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			kinds := map[any]any{
				"bool": true, "int": -1, "int8": int8(math.MinInt8), "int64": int64(math.MinInt64), "uint": uint(7),
				"uint64": uint64(math.MaxUint64), "float32": float32(1.5), "float64": math.Pi, "string": "ä\x00\n", "empty": "",
				"bytes": []byte{0, 255}, "duration": time.Minute, "strings": []string{"a", ""}, "ints": []int{1, -2},
				"map": map[string]any{"a": int64(1), "b": []any{"x", 2.5}}, "time": time.Unix(1700000000, 123456789).UTC(),
				1: "int key", int64(1): "int64 key", "1": "string key", 1.0: "float key", true: "bool key",
			}
			m := e.manager(t)
			b := visitor(t, m, kinds)
			s := b.start(t, m)
			for k, want := range kinds {
				if got := s.Get(t.Context(), k); !reflect.DeepEqual(got, want) {
					t.Errorf("Get(%v) = %T %v, want %T %v", k, got, got, want, want)
				}
			}
		},
	},
	{
		name:       "values/refused",
		sentence:   "S2",
		rule:       "Set refuses a value that cannot be stored, and changes nothing.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			b := visitor(t, m, values{"a": "1"})
			b.visit(t, m, func(s *flight) {
				for _, v := range []any{make(chan int), func() {}, struct{ F func() }{}} {
					wantErr(t, "Set", s.Set(t.Context(), "a", v), session.ErrUnencodable)
				}
				wantErr(t, "Set", s.Set(t.Context(), []string{"key"}, 1), session.ErrUnencodable)
				s.set(t, values{"b": "2"})
			})
			b.wantValues(t, m, values{"a": "1", "b": "2"})
		},
	},
	{
		name:     "values/different keys",
		sentence: "S3",
		rule:     "Concurrent requests that change different keys do not undo each other's changes.",
		check: func(t testing.TB, e *env) {
			eachOrder(t, e, values{"a": "0", "b": "0", "gone": "0"},
				func(s *flight) { s.set(t, values{"a": "1", "c": "1"}) },
				func(s *flight) {
					s.set(t, values{"b": "2"})
					wantOK(t, "Delete", s.Delete(t.Context(), "gone"))
				},
				func(int) values { return values{"a": "1", "b": "2", "c": "1", "gone": nil} })
		},
	},
	{
		name:     "values/same key",
		sentence: "S3",
		rule:     "If two requests set the same key, the last release wins, even if its value equals the one it has loaded.",
		check: func(t testing.TB, e *env) {
			eachOrder(t, e, values{"a": "0", "b": "0"},
				func(s *flight) { s.set(t, values{"a": "1", "b": "1"}) },
				func(s *flight) {
					s.set(t, values{"a": "0"})
					wantOK(t, "Delete", s.Delete(t.Context(), "b"))
				},
				func(last int) values {
					if last == 0 {
						return values{"a": "1", "b": "1"}
					}
					return values{"a": "0", "b": nil}
				})
		},
	},
	{
		name:     "values/increments",
		sentence: "S3",
		rule:     "Increments and Updates of concurrent requests all take effect.",
		check: func(t testing.TB, e *env) {
			add := func(s *flight) {
				for _, n := range []int64{1, 2} {
					_, err := s.Increment(t.Context(), "n", n)
					wantOK(t, "Increment", err)
				}
				_, err := s.Decrement(t.Context(), "new", 1)
				wantOK(t, "Decrement", err)
				wantOK(t, "Update", s.Update(t.Context(), "list", func(old any) (any, error) {
					list, _ := old.(string)
					return list + "x", nil
				}))
			}
			eachOrder(t, e, values{"n": int64(100), "list": ""}, add, add,
				func(int) values { return values{"n": int64(106), "new": int64(-2), "list": "xx"} })
		},
	},
	{
		name:     "values/increment after set",
		sentence: "S3",
		rule:     "An Increment after a Set in the same request starts from the value that was set.",
		check: func(t testing.TB, e *env) {
			eachOrder(t, e, values{"n": int64(100)},
				func(s *flight) {
					s.set(t, values{"n": int64(5)})
					_, err := s.Increment(t.Context(), "n", 1)
					wantOK(t, "Increment", err)
				},
				func(s *flight) {
					_, err := s.Increment(t.Context(), "n", 10)
					wantOK(t, "Increment", err)
				},
				func(last int) values { return values{"n": []int64{6, 16}[last]} })
		},
	},
	{
		name:     "values/flush",
		sentence: "S3",
		rule:     "Flush removes everything that is stored at the time of the release. Values that the request sets later stay.",
		check: func(t testing.TB, e *env) {
			eachOrder(t, e, values{"a": "0", "n": int64(1)},
				func(s *flight) {
					s.set(t, values{"before": "1"})
					wantOK(t, "Flush", s.Flush(t.Context()))
					s.set(t, values{"after": "1"})
					_, err := s.Increment(t.Context(), "n", 1)
					wantOK(t, "Increment", err)
				},
				func(s *flight) { s.set(t, values{"other": "2", "after": "2"}) },
				func(last int) values {
					want := values{"a": nil, "before": nil, "after": "1", "n": int64(1), "other": nil}
					if last == 1 {
						want["after"], want["other"] = "2", "2"
					}
					return want
				})
		},
	},
	{
		name:     "values/update refuses",
		sentence: "S3",
		rule:     "If an Update refuses a value that another request has stored meanwhile, Save returns its error and stores nothing.",
		check: func(t testing.TB, e *env) {
			m, other, refused := e.manager(t), e.manager(t), errors.New("balance is too low")
			spend := func(old any) (any, error) {
				balance, _ := old.(int64)
				if balance < 10 {
					return nil, refused
				}
				return balance - 10, nil
			}
			b := visitor(t, m, values{"balance": int64(15)})
			s, late := b.start(t, m), b.start(t, other)
			for _, s := range []*flight{s, late} {
				wantOK(t, "Update", s.Update(t.Context(), "balance", spend))
			}
			late.set(t, values{"bought": true})
			wantOK(t, "Save", s.Save(t.Context()))
			wantErr(t, "Save", late.Save(t.Context()), refused)
			b.wantValues(t, m, values{"balance": int64(5), "bought": nil})
		},
	},
	{
		name:     "values/after save",
		sentence: "S3",
		rule:     "After Save the request sees what was stored, and a later Save stores only later changes.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			b := visitor(t, m, values{"a": "0"})
			s := b.start(t, m)
			s.set(t, values{"b": "1"})
			b.visit(t, other, func(o *flight) { o.set(t, values{"a": "2"}) })
			wantOK(t, "Save", s.Save(t.Context()))
			s.wantValues(t, values{"a": "2", "b": "1"})
			b.visit(t, other, func(o *flight) { o.set(t, values{"b": "3"}) })
			s.set(t, values{"c": "4"})
			wantOK(t, "Save", s.Save(t.Context()))
			b.wantValues(t, m, values{"a": "2", "b": "3", "c": "4"})
		},
	},
}

// eachOrder runs two requests at the same time, on one node and on two, in both orders of release, and
// checks what is stored afterwards. want is told which of them was released last.
func eachOrder(t testing.TB, e *env, before values, first, second func(s *flight), want func(last int) values) {
	t.Helper()
	m, other := e.manager(t), e.manager(t)
	for _, node := range []*session.Manager{m, other} {
		for last := range 2 {
			b := visitor(t, m, before)
			s := []*flight{b.start(t, m), b.start(t, node)}
			first(s[0])
			second(s[1])
			wantOK(t, "Save", s[1-last].Save(t.Context()))
			wantOK(t, "Save", s[last].Save(t.Context()))
			for _, node := range []*session.Manager{m, other} {
				b.wantValues(t, node, want(last))
			}
		}
	}
}
