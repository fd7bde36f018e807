package codec

import (
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

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
		if got, err := c.Value(string(enc[1:])); err != nil || !reflect.DeepEqual(got, tt.out) {
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
		data, err = c.Apply(2, string(data), []Change{ch})
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
		if err := c.Check(bad); !errors.Is(err, driver.ErrCorrupt) {
			t.Errorf("check of %s: %v", bad, err)
		}
	}
	if err := c.Check(" {\n}"); err != nil {
		t.Error(err)
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"n":7,"user":"ann","deep":[[{"a":null}]]}`))
	for _, depth := range []int{maxValueDepth, maxValueDepth + 1, 9999} {
		f.Add([]byte(`{"k":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := jsonCodec{}
		if c.Check(string(data)) != nil {
			return
		}
		var again []Change
		if err := c.Visit(string(data), func(key, value any) bool {
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
		if _, err := c.Apply(0, string(data), again); err != nil {
			t.Fatal(err)
		}
	})
}

// Types that are encoded by methods of their own, or not at all.
type (
	jsonText   string
	jsonRaw    string
	jsonPanics struct{}
	jsonNamed  struct{ Name string }
	jsonSecret struct{ name string }

	JSONEmbedded struct {
		*JSONEmbedded
		jsonPanics
	}
)

func (v jsonText) MarshalText() ([]byte, error) { return []byte(v), nil }
func (v jsonRaw) MarshalJSON() ([]byte, error)  { return []byte(v), nil }
func (jsonPanics) MarshalJSON() ([]byte, error) { panic("the secret is 4711") }

// TestJSONRefuses holds the format to giving back what it was given, in all that JSON can tell apart.
func TestJSONRefuses(t *testing.T) {
	const bad = "4711\xff"
	deep := any(1)
	for range 200 {
		deep = []any{deep}
	}
	var loop []any
	loop = append(loop, &loop)
	var round codecRound
	round = &round
	for name, v := range map[string]any{
		"a string":                     bad,
		"half a surrogate":             "4711\xed\xa0\x80",
		"a named string":               jsonName(bad),
		"in anys":                      []any{1, bad},
		"in strings":                   []string{"a", bad},
		"in an array":                  [1]string{bad},
		"in a map":                     map[string]any{"k": bad},
		"in a map of strings":          map[string]string{"k": bad},
		"key of a map":                 map[string]int{bad: 1},
		"key that is a text":           map[jsonTextKey]int{{bad}: 1},
		"in a struct":                  jsonNamed{bad},
		"behind a pointer":             &jsonNamed{bad},
		"in an embedded struct":        struct{ jsonNamed }{jsonNamed{bad}},
		"by MarshalText":               jsonText(bad),
		"by MarshalText in a map":      map[string]any{"k": []any{jsonText(bad)}},
		"by MarshalJSON":               jsonRaw(`"` + bad + `"`),
		"a RawMessage":                 json.RawMessage(`"` + bad + `"`),
		"a number that none can hold":  json.Number("1e4711"),
		"a number by MarshalJSON":      jsonRaw("1e4711"),
		"nothing exported":             jsonSecret{"4711"},
		"nothing exported, deeper":     map[string]any{"k": &jsonSecret{"4711"}},
		"a method that panics":         jsonPanics{},
		"deep":                         deep,
		"deep by MarshalJSON":          jsonRaw(strings.Repeat("[", 10000) + strings.Repeat("]", 10000)),
		"deeper than Go values may be": jsonRaw(strings.Repeat("[", maxValueDepth+2) + strings.Repeat("]", maxValueDepth+2)),
		"contains itself":              loop,
		"contains itself, embedded":    &JSONEmbedded{},
		"a pointer to itself":          round,
	} {
		enc, err := jsonCodec{}.AppendValue([]byte("before"), v)
		if !errors.Is(err, ErrUnencodable) || string(enc) != "before" {
			t.Errorf("%s: got %.100q, %v, want ErrUnencodable", name, enc, err)
		} else if strings.Contains(err.Error(), "4711") {
			t.Errorf("%s: %q shows the value", name, err)
		}
	}
	for _, key := range []string{bad, "\xed\xa0\x80"} {
		if _, err := (jsonCodec{}).AppendKey(nil, key); !errors.Is(err, ErrUnencodable) {
			t.Errorf("key %q: %v, want ErrUnencodable", key, err)
		}
	}
}

type (
	jsonName    string
	jsonTextKey struct{ text string }
)

func (k jsonTextKey) MarshalText() ([]byte, error) { return []byte(k.text), nil }

// TestJSONTakes are values that look like those that it refuses.
func TestJSONTakes(t *testing.T) {
	for name, v := range map[string]any{
		"U+FFFD":     "a\ufffdb",
		"its escape": `\ufffd`,
		"a field left out": struct {
			F string `json:"-"`
		}{"\xff"},
		"an empty struct":     struct{}{},
		"an unexported field": struct{ N, n int }{1, 2},
		"a nil pointer":       (*jsonNamed)(nil),
		"a nil marshaler":     (*jsonRaw)(nil),
		"bytes":               []byte{0xff},
		"a RawMessage":        json.RawMessage(`{"a":[1]}`),
		"a number":            json.Number("12"),
		"a time":              time.Now(),
		"times by their days": map[time.Time]bool{time.Now(): true},
		"an address":          netip.MustParseAddr("::1"),
		"a lock beside a value": &struct {
			mu sync.Mutex
			N  int
		}{N: 1},
	} {
		enc, err := jsonCodec{}.AppendValue(nil, v)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if _, err := (jsonCodec{}).Value(string(enc)); err != nil {
			t.Errorf("%s: %q: %v", name, enc, err)
		}
	}
}

// TestJSONChecksText has stored data that is no JSON, since it is not UTF-8: names that differ would become one.
func TestJSONChecksText(t *testing.T) {
	if err := (jsonCodec{}).Check("{\"a\xff\":1,\"a\xfe\":2}"); !errors.Is(err, driver.ErrCorrupt) {
		t.Errorf("%v, want ErrCorrupt", err)
	}
}

// FuzzJSONText has texts come back as they were, or refused.
func FuzzJSONText(f *testing.F) {
	for _, text := range []string{"", "ann", "a\xffb", "a\ufffdb", `\ufffd`, "\xed\xa0\x80", "\u2028<\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := jsonCodec{}
		want := map[string]any{"k" + text: []any{text}}
		enc, err := c.AppendValue(nil, want)
		if (err == nil) != utf8.ValidString(text) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		if got, err := c.Value(string(enc)); err != nil || !reflect.DeepEqual(got, any(want)) {
			t.Errorf("%q comes back as %q, %v", want, got, err)
		}
	})
}
