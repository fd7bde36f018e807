package codec

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestCodecUnencodable(t *testing.T) {
	var loop []any
	loop = append(loop, &loop)
	slice := []any{nil}
	slice[0] = slice
	m := map[string]any{}
	m["m"] = m
	typed := map[string][]any{}
	typed["m"] = []any{typed}
	node := &codecNode{}
	node.Next = node
	var self any
	self = &self
	var round codecRound
	round = &round
	deep := any(1)
	for range 1000 {
		deep = []any{deep}
	}
	wide := any(strings.Repeat("x", 1<<20))
	for range maxValueDepth - 1 {
		wide = []any{wide, wide}
	}
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"chan", make(chan int), "chan int"},
		{"func", func() {}, "func()"},
		{"chan in anys", []any{make(chan int)}, "chan int"},
		{"func in map", map[string]any{"k": func() {}}, "func()"},
		{"func in struct", codecUser{Extra: func() {}}, "func()"},
		{"slice of chans", []chan int{nil}, "chan int"},
		{"unregistered struct", codecMissing{}, "codecMissing is not registered: call gob.Register"},
		{"unregistered in anys", []any{1, codecMissing{}}, "codecMissing is not registered"},
		{"unregistered in map", map[string]any{"k": &codecMissing{}}, "codecMissing is not registered"},
		{"unregistered in struct", codecUser{Extra: codecMissing{}}, "codecMissing is not registered"},
		{"unregistered array", [3]int{}, "[3]int is not registered"},
		{"unregistered slice of structs", []codecPoint{{}}, "[]codec.codecPoint is not registered"},
		{"nil pointer", (*codecUser)(nil), "codecUser"},
		{"nil pointer in struct", codecUser{Extra: (*codecPoint)(nil)}, "codecPoint"},
		{"nothing exported", codecHidden{1}, "codecHidden"},
		{"method panics", codecBad{0}, "codecBad"},
		{"method fails", codecBad{1}, "codecBad"},
		{"method to decode missing", codecWriter{}, "codecWriter"},
		{"contains itself, pointer", loop, "[]interface {}"},
		{"contains itself, slice", slice, "[]interface {}"},
		{"contains itself, map", m, "map[string]interface {}"},
		{"contains itself, typed map", typed, "interface {}"},
		{"contains itself, struct", node, "codecNode"},
		{"contains itself, interface", self, "interface {}"},
		{"contains itself, type of pointers", round, "codecRound"},
		{"deep", deep, "[]interface {}"},
		{"many pointers", ptrTo(ptrTo(ptrTo(ptrTo(ptrTo(ptrTo(ptrTo(ptrTo(ptrTo(1))))))))), "*int"},
		{"much from little", wide, ""},
		{"NaN in map", map[any]any{math.NaN(): 1}, "NaN"},
	} {
		for name, c := range codecs {
			if name == "gob" && (tt.name == "many pointers" || tt.name == "NaN in map") {
				continue
			}
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				enc, err := c.AppendValue([]byte("before"), tt.value)
				if !errors.Is(err, ErrUnencodable) || string(enc) != "before" {
					t.Fatalf("%q, %v, want ErrUnencodable", enc, err)
				}
				if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "4711") {
					t.Errorf("%q does not name %q", err, tt.want)
				}
			})
		}
	}
}

func TestCodecDepth(t *testing.T) {
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) {
			v := any("x")
			for range maxValueDepth - 1 {
				v = []any{v}
			}
			enc, err := c.AppendValue(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := c.Value(string(enc)); err != nil || !reflect.DeepEqual(got, v) {
				t.Error(err)
			}
		})
	}
}

// TestCodecSharedValues are values of little memory that would be large when written out.
func TestCodecSharedValues(t *testing.T) {
	text := strings.Repeat("x", 1<<20)
	texts := slices.Repeat([]string{text}, 2*maxValueSize/len(text))
	byName := map[string]string{}
	for i := range texts {
		byName[strconv.Itoa(i)] = text
	}
	anys, bytes := []any{}, [][]byte{}
	for range texts {
		anys, bytes = append(anys, text), append(bytes, []byte(text))
	}
	numbers := slices.Repeat([][]float64{make([]float64, 1<<20)}, 2*maxValueSize>>20)
	many := any("x")
	for range 26 {
		many = []any{many, many}
	}
	for name, v := range map[string]any{
		"strings":             texts,
		"map of strings":      byName,
		"anys":                anys,
		"byte slices":         bytes,
		"slices of strings":   [][]string{texts[:len(texts)/2+1], texts},
		"map of strings each": map[string][]string{"a": texts},
		"map of maps":         map[string]map[string]string{"a": byName},
		"slices of numbers":   numbers,
		"a registered type":   codecRoles(texts),
		"a struct":            codecUser{Extra: anys},
		"many":                many,
	} {
		for format, c := range map[string]Codec{"compact": compact{}, "gob": gobCodec{}, "json": jsonCodec{}} {
			if format == "compact" && name == "many" {
				continue // TestCodecUnencodable has it, and it takes seconds
			}
			t.Run(format+"/"+name, func(t *testing.T) {
				var err error
				size := allocated(func() { _, err = c.AppendValue(nil, v) })
				if !errors.Is(err, ErrUnencodable) {
					t.Errorf("%v, want ErrUnencodable", err)
				}
				if size > 8*maxValueSize {
					t.Errorf("%d MiB allocated", size>>20)
				}
			})
		}
	}
}
