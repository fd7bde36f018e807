package codec

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

func TestJSONValues(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	tests := []struct{ in, out any }{
		{nil, nil},
		{true, true},
		{int8(-5), int64(-5)},
		{uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{1.5, 1.5},
		{1e300, 1e300},
		{"a <b> & c", "a <b> & c"},
		{[]byte("raw"), "cmF3"},
		{at, "2026-05-04T03:02:01Z"},
		{[]string{"a", "b"}, []any{"a", "b"}},
		{map[string]int{"a": 1}, map[string]any{"a": int64(1)}},
		{[]any{1, []any{2.5, nil}}, []any{int64(1), []any{2.5, nil}}},
		{struct{ Name string }{"ann"}, map[string]any{"Name": "ann"}},
	}
	c := jsonCodec{}
	for _, tt := range tests {
		enc, err := c.AppendValue([]byte("x"), tt.in)
		if err != nil || enc[0] != 'x' {
			t.Errorf("%T: %v", tt.in, err)
			continue
		}
		if got, err := c.Value(enc[1:]); err != nil || !reflect.DeepEqual(got, tt.out) {
			t.Errorf("%#v comes back as %#v, %v", tt.in, got, err)
		}
	}
	for _, bad := range []any{math.NaN(), make(chan int), func() {}, map[any]any{1: 2}, complex(1, 2)} {
		if _, err := c.AppendValue(nil, bad); !errors.Is(err, ErrUnencodable) {
			t.Errorf("%T: %v", bad, err)
		}
	}
	for _, bad := range []any{1, true, [2]int{}, []int{}, nil} {
		if _, err := c.AppendKey(nil, bad); !errors.Is(err, ErrUnencodable) {
			t.Errorf("key of type %T: %v", bad, err)
		}
	}
}

func TestJSONData(t *testing.T) {
	c := jsonCodec{}
	put := func(data []byte, key string, v any) []byte {
		k, err := c.AppendKey(nil, key)
		if err != nil {
			t.Fatal(err)
		}
		ch := Change{Key: k}
		if v != nil {
			if ch.Value, err = c.AppendValue(nil, v); err != nil {
				t.Fatal(err)
			}
		}
		data, err = c.Apply(2, data, []Change{ch})
		if err != nil || data[0] != 0 || data[1] != 0 {
			t.Fatal(data, err)
		}
		return data[2:]
	}
	data := put(put(put(nil, "user", "ann"), "n", 7), "gone", 1)
	data = put(data, "gone", nil)
	if want := `{"n":7,"user":"ann"}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
	if data = put(put(data, "n", nil), "user", nil); len(data) != 0 {
		t.Errorf("without values: %q", data)
	}
	for _, bad := range []string{"x", "[1]", "null", "1", `"s"`, "{", `{"a":1}x`, " "} {
		if err := c.Check([]byte(bad)); !errors.Is(err, driver.ErrCorrupt) {
			t.Errorf("check of %s: %v", bad, err)
		}
	}
	if err := c.Check([]byte(" {\n}")); err != nil {
		t.Error(err)
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"n":7,"user":"ann","deep":[[{"a":null}]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := jsonCodec{}
		if c.Check(data) != nil {
			return
		}
		var again []Change
		if err := c.Visit(data, func(key, value any) bool {
			k, err := c.AppendKey(nil, key)
			if err != nil {
				t.Fatal(err)
			}
			v, err := c.AppendValue(nil, value)
			if err != nil {
				t.Fatal(err)
			}
			again = append(again, Change{Key: k, Value: v})
			return true
		}); err != nil {
			return
		}
		if _, err := c.Apply(0, data, again); err != nil {
			t.Fatal(err)
		}
	})
}
