package session_test

import (
	"encoding/gob"
	"errors"
	"math"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

type account struct {
	ID    int64
	Name  string
	Roles []string
}

func init() { gob.Register(account{}) }

var moment = time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC)

// What was set is what is got, whatever the engine and the codec: before the session is saved and after.
func TestTypedRoundTrip(t *testing.T) {
	ann := account{7, "ann", []string{"admin"}}
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			c := new(client)
			check := func(s *session.Session) {
				t.Helper()
				wantTyped(t, s, "string", "text")
				wantTyped(t, s, "int", 42)
				wantTyped(t, s, "int8", int8(-7))
				wantTyped(t, s, "uint64", uint64(math.MaxUint64))
				wantTyped(t, s, "float32", float32(0.1))
				wantTyped(t, s, "float64", 0.1)
				wantTyped(t, s, "bool", true)
				wantTyped(t, s, "bytes", []byte{0, 255})
				wantTyped(t, s, "time", moment)
				wantTyped(t, s, "strings", []string{"a", "b"})
				wantTyped(t, s, "account", ann)
			}
			c.visit(t, m, func(s *session.Session) {
				for key, value := range map[string]any{
					"string": "text", "int": 42, "int8": int8(-7), "uint64": uint64(math.MaxUint64), "float32": float32(0.1), "float64": 0.1,
					"bool": true, "bytes": []byte{0, 255}, "time": moment, "strings": []string{"a", "b"}, "account": ann,
				} {
					set(t, s, key, value)
				}
				check(s)
			})
			c.visit(t, m, check)
		})
	}
}

func wantTyped[T any](t *testing.T, s session.Store, key string, want T) {
	t.Helper()
	if got, err := session.Get[T](t.Context(), s, key); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Get[%T](%s) = %v, %v; want %v", want, key, got, err, want)
	}
}

func TestTypedErrors(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			c := seed(t, m, map[any]any{"the key": "secret", "big": int64(math.MaxInt64), "half": 0.5})
			s := c.open(t, m)
			_, err := session.Get[string](t.Context(), s, "absent")
			if !errors.Is(err, session.ErrNoValue) || errors.Is(err, session.ErrNotFound) { // the session is there
				t.Errorf("absent: %v", err)
			}
			if _, err := s.GetInt(t.Context(), "absent"); !errors.Is(err, session.ErrNoValue) {
				t.Errorf("absent: %v", err)
			}
			_, err = session.Get[[]int](t.Context(), s, "the key")
			wantTypeError(t, err, reflect.TypeFor[string](), reflect.TypeFor[[]int](), false)
			_, err = s.GetBool(t.Context(), "the key")
			wantTypeError(t, err, reflect.TypeFor[string](), reflect.TypeFor[bool](), false)
			_, err = s.GetInt64(t.Context(), "the key")
			wantTypeError(t, err, reflect.TypeFor[string](), reflect.TypeFor[int64](), false)
			_, err = s.GetInt(t.Context(), "half")
			wantTypeError(t, err, reflect.TypeFor[float64](), reflect.TypeFor[int](), true)
			if e.codec != "json" {
				_, err = s.GetFloat64(t.Context(), "big")
				wantTypeError(t, err, reflect.TypeFor[int64](), reflect.TypeFor[float64](), true)
			}
			if v, err := session.Get[any](t.Context(), s, "the key"); v != "secret" || err != nil {
				t.Errorf("Get[any] = %v, %v", v, err)
			}
		})
	}
}

func wantTypeError(t *testing.T, err error, stored, wanted reflect.Type, unfit bool) {
	t.Helper()
	wrong, ok := errors.AsType[*session.TypeError](err)
	if !ok || wrong.Stored != stored || wrong.Wanted != wanted || wrong.Unfit != unfit {
		t.Errorf("%v, want %v that is no %v, unfit = %v", err, stored, wanted, unfit)
		return
	}
	text := err.Error()
	if !strings.Contains(text, stored.String()) || !strings.Contains(text, wanted.String()) || strings.Contains(text, "the key") ||
		strings.Contains(text, "secret") {
		t.Errorf("the error says %q", text)
	}
}

func TestTypedNil(t *testing.T) {
	for _, e := range storing() {
		t.Run(e.name, func(t *testing.T) {
			s := seed(t, e.open(t), map[any]any{"other": 1}).open(t, e.open(t))
			set(t, s, "nil", nil)
			if v, err := session.Get[any](t.Context(), s, "nil"); v != nil || err != nil {
				t.Errorf("Get[any] = %v, %v", v, err)
			}
			_, err := session.Get[string](t.Context(), s, "nil")
			if wrong, ok := errors.AsType[*session.TypeError](err); !ok || wrong.Stored != nil || !strings.Contains(err.Error(), "nil") {
				t.Errorf("Get[string] = %v", err)
			}
			if got := s.GetStringDefault(t.Context(), "nil", "d"); got != "d" {
				t.Errorf("GetStringDefault = %q", got)
			}
		})
	}
}

// Integers come in whatever type they fit into.
func TestGetNumbers(t *testing.T) {
	const none, roundedInJSON = "none", "rounded in JSON"
	for _, tt := range []struct {
		stored                      any
		int64, uint64, float64, f32 any
	}{
		{0, int64(0), uint64(0), 0.0, float32(0)},
		{-5, int64(-5), none, -5.0, float32(-5)},
		{int8(-128), int64(-128), none, -128.0, float32(-128)},
		{int16(300), int64(300), uint64(300), 300.0, float32(300)},
		{int32(7), int64(7), uint64(7), 7.0, float32(7)},
		{int64(math.MinInt64), int64(math.MinInt64), none, -0x1p63, float32(-0x1p63)},
		{int64(math.MaxInt64), int64(math.MaxInt64), uint64(math.MaxInt64), roundedInJSON, roundedInJSON},
		{uint(9), int64(9), uint64(9), 9.0, float32(9)},
		{uint8(255), int64(255), uint64(255), 255.0, float32(255)},
		{uint16(9), int64(9), uint64(9), 9.0, float32(9)},
		{uint32(math.MaxUint32), int64(math.MaxUint32), uint64(math.MaxUint32), float64(math.MaxUint32), roundedInJSON},
		{uint64(math.MaxUint64), none, uint64(math.MaxUint64), roundedInJSON, roundedInJSON},
		{uint64(1 << 63), none, uint64(1 << 63), 0x1p63, float32(0x1p63)},
		{1.5, none, none, 1.5, float32(1.5)},
		{-2.0, int64(-2), none, -2.0, float32(-2)},
		{0x1p52, int64(1 << 52), uint64(1 << 52), 0x1p52, float32(0x1p52)},
		{0x1p64, none, none, 0x1p64, float32(0x1p64)},
		{-0x1p63, int64(math.MinInt64), none, -0x1p63, float32(-0x1p63)},
		{-0x1p64, none, none, -0x1p64, float32(-0x1p64)},
		{1e300, none, none, 1e300, none},
		{float32(0.5), none, none, 0.5, float32(0.5)},
		{"12", int64(12), uint64(12), 12.0, float32(12)},
		{"-12", int64(-12), none, -12.0, float32(-12)},
		{"1.5", none, none, 1.5, float32(1.5)},
		{"18446744073709551615", none, uint64(math.MaxUint64), 0x1p64, float32(0x1p64)},
		{"1e400", none, none, none, none},
		{"", none, none, none, none},
		{"twelve", none, none, none, none},
		{true, none, none, none, none},
		{time.Second, none, none, none, none},
	} {
		for _, codec := range []string{"compact", "gob", "json"} {
			if _, ok := tt.stored.(time.Duration); ok && codec == "json" { // a number there
				continue
			}
			m := newManager(t, session.CfgCodec(codec))
			s := seed(t, m, map[any]any{"n": tt.stored}).open(t, m)
			ctx := t.Context()
			for _, got := range []struct {
				what  string
				want  any
				value func() (any, error)
				or    any
			}{
				{"int", asInt(tt.int64), func() (any, error) { return result(s.GetInt(ctx, "n")) }, s.GetIntDefault(ctx, "n", 77)},
				{"int64", tt.int64, func() (any, error) { return result(s.GetInt64(ctx, "n")) }, s.GetInt64Default(ctx, "n", 77)},
				{"uint64", tt.uint64, func() (any, error) { return result(s.GetUint64(ctx, "n")) }, s.GetUint64Default(ctx, "n", 77)},
				{"float64", tt.float64, func() (any, error) { return result(s.GetFloat64(ctx, "n")) }, s.GetFloat64Default(ctx, "n", 77)},
				{"float32", tt.f32, func() (any, error) { return result(s.GetFloat32(ctx, "n")) }, s.GetFloat32Default(ctx, "n", 77)},
			} {
				v, err := got.value()
				if got.want == roundedInJSON {
					if got.want = none; codec == "json" {
						continue
					}
				}
				if got.want == none {
					if wrong, ok := errors.AsType[*session.TypeError](err); !ok || wrong.Wanted.String() != got.what {
						t.Errorf("%s: %T %v as %s = %v, %v; want a *TypeError", codec, tt.stored, tt.stored, got.what, v, err)
					}
					if reflect.ValueOf(got.or).Convert(reflect.TypeFor[int]()).Int() != 77 {
						t.Errorf("%s: %T %v as %s has not the default, but %v", codec, tt.stored, tt.stored, got.what, got.or)
					}
				} else if v != got.want || err != nil || got.or != got.want {
					t.Errorf("%s: %T %v as %s = %v, %v, with default %v; want %v", codec, tt.stored, tt.stored, got.what, v, err, got.or, got.want)
				}
			}
		}
	}
}

// asInt returns what is wanted of GetInt where that is wanted of GetInt64: less fits into an int of 32 bits.
func asInt(want any) any {
	i, ok := want.(int64)
	switch {
	case !ok:
		return want
	case int64(int(i)) != i:
		return "none"
	}
	return int(i)
}

func result[T any](v T, err error) (any, error) { return v, err }

func TestGetDefaults(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m, ctx := e.open(t), t.Context()
			s := seed(t, m, map[any]any{"s": "x", "b": true, "bytes": []byte("raw"), "t": moment}).open(t, m)
			for what, ok := range map[string]bool{
				"string": s.GetStringDefault(ctx, "s", "d") == "x", "string, absent": s.GetStringDefault(ctx, "no", "d") == "d",
				"string, of another type": s.GetStringDefault(ctx, "b", "d") == "d",
				"bool":                    s.GetBoolDefault(ctx, "b", false), "bool, absent": s.GetBoolDefault(ctx, "no", true), "bool, of another type": s.GetBoolDefault(ctx, "s", true),
				"bytes": string(s.GetBytesDefault(ctx, "bytes", nil)) == "raw", "bytes, absent": string(s.GetBytesDefault(ctx, "no", []byte("d"))) == "d",
				"bytes, of another type": string(s.GetBytesDefault(ctx, "b", []byte("d"))) == "d",
				"time":                   s.GetTimeDefault(ctx, "t", time.Time{}).Equal(moment), "time, absent": s.GetTimeDefault(ctx, "no", moment).Equal(moment),
				"time, of another type": s.GetTimeDefault(ctx, "s", moment).Equal(moment), "int, absent": s.GetIntDefault(ctx, "no", 3) == 3,
			} {
				if !ok {
					t.Errorf("%s: wrong", what)
				}
			}
			if e.name != "third party" && s.GetStringDefault(ctx, []int{1}, "d") != "d" {
				t.Error("a value under a key that cannot be")
			}
			if v, err := s.GetString(ctx, "s"); v != "x" || err != nil {
				t.Errorf("GetString = %q, %v", v, err)
			}
			if v, err := s.GetBool(ctx, "b"); !v || err != nil {
				t.Errorf("GetBool = %v, %v", v, err)
			}
			if v, err := s.GetBytes(ctx, "bytes"); string(v) != "raw" || err != nil {
				t.Errorf("GetBytes = %q, %v", v, err)
			}
			if v, err := s.GetTime(ctx, "t"); !v.Equal(moment) || err != nil {
				t.Errorf("GetTime = %v, %v", v, err)
			}
		})
	}
}

// Get takes the Store of beego's API too, a third party's included.
func TestGetFromAStore(t *testing.T) {
	m := newManager(t)
	store, err := m.SessionStart(httptest.NewRecorder(), seed(t, m, map[any]any{"n": 1}).request())
	if err != nil {
		t.Fatal(err)
	}
	wantTyped(t, store, "n", 1)
	shelf := newShelf()
	foreign, err := shelf.SessionRead(t.Context(), "sid")
	if err != nil {
		t.Fatal(err)
	}
	set(t, foreign, "n", 1)
	wantTyped(t, foreign, "n", 1)
	if _, err := session.Get[int](t.Context(), foreign, "absent"); !errors.Is(err, session.ErrNoValue) {
		t.Errorf("absent: %v", err)
	}
	if _, err := session.Get[string](t.Context(), foreign, "n"); err == nil {
		t.Error("an int is a string")
	}
}

// An Update of a type of one's own is the same with every codec: in the request that has set the value, in a later one, and beside
// another one's.
func TestTypedUpdate(t *testing.T) {
	hire := func(role string) func(account) (account, error) {
		return func(a account) (account, error) {
			a.Name, a.Roles = "ann", append(a.Roles, role)
			return a, nil
		}
	}
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			c := new(client)
			c.visit(t, m, func(s *session.Session) {
				for _, role := range []string{"reader", "writer"} {
					if err := session.Update(t.Context(), s, "account", hire(role)); err != nil {
						t.Fatal(err)
					}
				}
			})
			c.visit(t, m, func(s *session.Session) {
				if err := session.Update(t.Context(), s, "account", hire("admin")); err != nil {
					t.Fatal(err)
				}
			})
			s := c.open(t, m)
			wantTyped(t, s, "account", account{Name: "ann", Roles: []string{"reader", "writer", "admin"}})

			wantTypeError(t, session.Update(t.Context(), s, "account", func(n int) (int, error) { return n, nil }),
				storedType(e), reflect.TypeFor[int](), false)
			refused := errors.New("refused")
			if err := session.Update(t.Context(), s, "account", func(a account) (account, error) { return account{}, refused }); err != refused {
				t.Errorf("Update returned %v, not the error of its function", err)
			}
			save(t, s)
			wantTyped(t, c.open(t, m), "account", account{Name: "ann", Roles: []string{"reader", "writer", "admin"}})
		})
	}
}

// storedType returns the type that an account has to who does not name one.
func storedType(e engine) reflect.Type {
	if e.codec == "json" {
		return reflect.TypeFor[map[string]any]()
	}
	return reflect.TypeFor[account]()
}

// Two requests that update one value at the same time both count.
func TestTypedUpdatesCompose(t *testing.T) {
	for _, codec := range []string{"compact", "gob", "json"} {
		m := newManager(t, session.CfgCodec(codec))
		c := seed(t, m, map[any]any{"account": account{ID: 1}})
		first, second := c.open(t, m), c.open(t, m)
		for _, s := range []*session.Session{first, second} {
			err := session.Update(t.Context(), s, "account", func(a account) (account, error) {
				a.ID *= 3
				return a, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		save(t, first)
		save(t, second)
		wantTyped(t, c.open(t, m), "account", account{ID: 9})
	}
}

func TestUpdateOfAStore(t *testing.T) {
	foreign, err := newShelf().SessionRead(t.Context(), "sid")
	if err != nil {
		t.Fatal(err)
	}
	set(t, foreign, "n", "text")
	count := func(n int) (int, error) { return n + 1, nil }
	wantTypeError(t, session.Update(t.Context(), foreign, "n", count), reflect.TypeFor[string](), reflect.TypeFor[int](), false)
	for want := 1; want < 3; want++ {
		if err := session.Update(t.Context(), foreign, "count", count); err != nil {
			t.Fatal(err)
		}
		wantTyped(t, foreign, "count", want)
	}
	if err := session.Update(t.Context(), foreign, "count", func(any) (any, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if _, ok := foreign.(*shelfStore).values["count"]; ok {
		t.Error("an update to nil leaves the value")
	}
}

// A nil T is no value, whatever can be nil, and the next update gets the zero T.
func TestTypedUpdateToNil(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			s := seed(t, m, map[any]any{"pointer": account{ID: 1}, "map": map[string]string{"a": "b"}, "slice": []string{"a"}, "any": 1}).open(t, m)
			updateToNil[*account](t, s, "pointer")
			updateToNil[map[string]string](t, s, "map")
			updateToNil[[]string](t, s, "slice")
			updateToNil[any](t, s, "any")
			if err := session.Update(t.Context(), s, "slice", func(old []string) ([]string, error) { return append(old, "b"), nil }); err != nil {
				t.Fatal(err)
			}
			wantTyped(t, s, "slice", []string{"b"})
			for range 2 { // another zero is a value, and so is what is empty
				if err := session.Update(t.Context(), s, "n", func(n int) (int, error) { return n, nil }); err != nil {
					t.Fatal(err)
				}
				wantTyped(t, s, "n", 0)
				if err := session.Update(t.Context(), s, "list", func([]string) ([]string, error) { return []string{}, nil }); err != nil {
					t.Fatal(err)
				}
				if !s.Has(t.Context(), "list") {
					t.Error("an empty list is gone")
				}
			}
		})
	}
}

func updateToNil[T any](t *testing.T, s *session.Session, key string) {
	t.Helper()
	if key == "pointer" { // what is stored is no pointer
		remove(t, s, key)
	}
	for range 2 {
		var none T
		if err := session.Update(t.Context(), s, key, func(T) (T, error) { return none, nil }); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if _, err := session.Get[T](t.Context(), s, key); !errors.Is(err, session.ErrNoValue) {
			t.Errorf("%s: Get = %v", key, err)
		}
	}
}
