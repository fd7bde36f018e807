package codec

import (
	"bytes"
	"encoding/gob"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// The types that a stream with a field that nobody knows, or two of one type, is decoded into.
type (
	codecOuter struct{ A, B codecInner }
	codecInner struct {
		M map[string]map[string]string
		S string
	}
	codecNew struct {
		Extra any
		Kept  int
	}
	codecNewer struct{ Kept int }
	codecValue struct{ N []codecPoint }
)

func init() {
	gob.Register(codecOuter{})
	gob.Register(codecValue{})
	gob.RegisterName("codecEvolved", codecNewer{})
}

// plainGob is what beego's EncodeGob returns once the types are registered.
func plainGob(t testing.TB, values map[any]any) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(values); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestGobReadsAndWritesBeego(t *testing.T) {
	for _, values := range []map[any]any{
		{},
		{"username": "astaxie"},
		{1: codecUser{Extra: []any{codecPoint{1, 2}, codecUser{Extra: codecName("x")}}, Since: time.Unix(1, 2).UTC()}},
		{"a": map[int]int64{1: 2}, "b": map[any]any{"c": nil}, int64(3): []string{"x"}, "t": time.Unix(1, 2).UTC()},
	} {
		plain := plainGob(t, values)
		got, err := DecodeGob(plain)
		if err != nil || !reflect.DeepEqual(got, values) {
			t.Errorf("got %v, %v, want %v", got, err, values)
		}
		own, err := EncodeGob(values)
		if err != nil {
			t.Fatal(err)
		}
		if len(values) == 1 && !bytes.Equal(own, plain) {
			t.Errorf("got  %q\nwant %q", own, plain)
		}
		got = nil
		if err := gob.NewDecoder(bytes.NewReader(own)).Decode(&got); err != nil || !reflect.DeepEqual(got, values) {
			t.Errorf("encoding/gob reads %v, %v, want %v", got, err, values)
		}
	}
}

func TestGobEncodeErrors(t *testing.T) {
	type local struct{ N int }
	_, err := EncodeGob(map[any]any{"secret": []any{local{1}}})
	if !errors.Is(err, ErrUnencodable) || !strings.Contains(err.Error(), "codec.local is not registered") {
		t.Error(err)
	}
	if err := gob.NewEncoder(new(bytes.Buffer)).Encode(map[any]any{1: local{1}}); err == nil {
		t.Error("EncodeGob registered the type")
	}
	loop := map[any]any{}
	loop["secret"] = loop
	if _, err := EncodeGob(loop); !errors.Is(err, ErrUnencodable) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	if _, err := EncodeGob(map[any]any{"secret": codecBad{1}}); !errors.Is(err, ErrUnencodable) || strings.Contains(err.Error(), "4711") {
		t.Error(err)
	}
}

func TestGobDecodeErrorNamesType(t *testing.T) {
	data := plainGob(t, map[any]any{"k": codecPoint{1, 2}})
	data = bytes.ReplaceAll(data, []byte("codec.codecPoint"), []byte("codec.codecGone0"))
	_, err := DecodeGob(data)
	if !errors.Is(err, driver.ErrCorrupt) || !strings.Contains(err.Error(), "codec.codecGone0") || !strings.Contains(err.Error(), "gob.Register") {
		t.Error(err)
	}
}

// A field that was removed from a struct is skipped, also where encoding/gob by itself gets lost: behind
// an interface whose value brought definitions of types.
func TestGobSkipsInterface(t *testing.T) {
	var buf bytes.Buffer
	enc := gob.NewEncoder(&buf)
	if err := enc.Encode(codecNew{Extra: []any{codecPoint{1, 2}, codecValue{}, "x"}, Kept: 7}); err != nil {
		t.Fatal(err)
	}
	// The value of that stream, as a value of the map.
	s := gobScan{rest: buf.Bytes(), ids: map[int64]int64{}, named: map[gobNamed]bool{}}
	id := s.typeSequence(false)
	s.value(id, 0)
	data := gobStream(s.defs, []byte{byte(gobInterface << 1), 0}, gobText("codecEvolved"), appendGobInt(nil, id),
		gobLength(s.out), s.out)
	got, err := decodeGobValue(data)
	if err != nil || got != (codecNewer{7}) {
		t.Errorf("got %#v, %v", got, err)
	}
}

// gobStream makes a stream of the definitions and one message.
func gobStream(defs []byte, message ...[]byte) []byte {
	b := bytes.Join(message, nil)
	return append(append(bytes.Clone(defs), gobLength(b)...), b...)
}

func gobLength(b []byte) []byte { return appendGobUint(nil, uint64(len(b))) }

func gobText(s string) []byte { return append(gobLength([]byte(s)), s...) }

// gobDefine makes the definition of a type: which form, and the fields of the form from the second on.
func gobDefine(id int64, form byte, fields ...[]byte) []byte {
	b := appendGobInt(nil, -id)
	b = append(b, form+1)
	for i, f := range fields {
		b = append(b, 1)
		if i == 0 {
			b[len(b)-1] = 2
		}
		b = append(b, f...)
	}
	return gobStream(nil, b, []byte{0, 0})
}

func gobID(id int64) []byte { return appendGobInt(nil, id) }

func gobFieldList(fields ...any) []byte {
	b := appendGobUint(nil, uint64(len(fields)/2))
	for i := 0; i < len(fields); i += 2 {
		b = append(append(b, 1), gobText(fields[i].(string))...)
		b = append(append(append(b, 1), gobID(int64(fields[i+1].(int)))...), 0)
	}
	return b
}

const (
	formArray = iota
	formSlice
	formStruct
	formMap
	formOpaque
)

// hostile are streams of a map[any]any or an interface that must not be decoded.
func hostile() map[string][]byte {
	const many = 1 << 30
	anyMap := gobDefine(65, formMap, gobID(gobInterface), gobID(gobInterface))
	count := func(n uint64) []byte { return appendGobUint(nil, n) }
	value := func(name string, id int64, v ...[]byte) []byte {
		b := bytes.Join(v, nil)
		return bytes.Join([][]byte{{gobInterface << 1, 0}, gobText(name), gobID(id), gobLength(b), b}, nil)
	}
	var chain, busy []byte
	for id := int64(65); id < 4065; id++ {
		chain = append(chain, gobDefine(id, formSlice, gobID(id+1))...)
	}
	chain = append(chain, gobDefine(4065, formSlice, gobID(gobInt))...)
	fields := make([]any, 0, 8000)
	for range 4000 {
		fields = append(fields, "gone", 67)
	}
	busy = append(busy, gobDefine(66, formStruct, gobFieldList(fields...))...)
	for id := int64(67); id < 317; id++ {
		busy = append(busy, gobDefine(id, formMap, gobID(id+1), gobID(min(id+2, 317)))...)
	}
	busy = append(busy, gobDefine(317, formSlice, gobID(gobInt))...)
	anySlice := gobDefine(66, formSlice, gobID(gobInterface))
	emptyStruct := gobDefine(67, formStruct, gobFieldList())
	return map[string][]byte{
		"map entries":          gobStream(anyMap, gobID(65), []byte{0}, count(many)),
		"map entries, all":     gobStream(anyMap, gobID(65), []byte{0}, count(1<<63)),
		"anys":                 gobStream(anySlice, value("[]interface {}", 66, []byte{0}, count(many))),
		"ints":                 gobStream(gobDefine(66, formSlice, gobID(gobInt)), value("[]int", 66, []byte{0}, count(many))),
		"strings":              gobStream(gobDefine(66, formSlice, gobID(gobString)), value("[]string", 66, []byte{0}, count(many))),
		"string":               gobStream(nil, value("string", gobString, []byte{0}, count(many))),
		"bytes":                gobStream(nil, value("[]uint8", gobBytes, []byte{0}, count(many))),
		"time":                 gobStream(gobDefine(66, formOpaque), value("time.Time", 66, []byte{0}, count(many))),
		"message":              append(count(many), 16, 0, 0),
		"message of nothing":   {0},
		"type name":            gobStream(nil, []byte{16, 0}, count(many), []byte("int")),
		"long type name":       gobStream(nil, value(strings.Repeat("x", 2000), gobInt, []byte{0, 0})),
		"fields":               gobStream(nil, gobID(-65), []byte{3, 2}, count(many)),
		"nothing in map":       gobStream(append(emptyStruct, gobDefine(68, formMap, gobID(67), gobID(67))...), value("map[int]int", 68, []byte{0}, count(many))),
		"deep":                 gobNested(maxGobDepth), // each is two steps deeper
		"deep type":            gobStream(chain, value("[]int", 65, []byte{0, 0})),
		"many types of fields": gobStream(busy, value(reflect.TypeFor[codecPoint]().PkgPath()+".codecPoint", 66, []byte{0})),
		"type of itself":       gobStream(gobDefine(66, formSlice, gobID(66)), value("[]int", 66, []byte{0}, bytes.Repeat([]byte{1}, 10000))),
		"undefined type":       gobStream(nil, value("[]int", 66, []byte{0, 0})),
		"undefined element":    gobStream(gobDefine(66, formSlice, gobID(67)), value("[]int", 66, []byte{0, 0})),
		"type defined twice":   gobStream(append(bytes.Clone(anyMap), anyMap...), gobID(65), []byte{0, 0}),
		"type without form":    gobStream(gobStream(nil, gobID(-65), []byte{0}), gobID(65), []byte{0, 0}),
		"type of two forms":    gobStream(gobStream(nil, gobID(-65), []byte{2, 2, 4, 0, 2, 2, 4, 2, 4, 0, 0}), gobID(65), []byte{0, 0}),
		"type of gob's own":    gobStream(nil, value("int", 16, []byte{0})),
		"type number":          gobStream(nil, gobID(1<<40), []byte{0, 0}),
		"negative type":        gobStream(nil, appendGobUint(nil, 1<<64-1), []byte{0, 0}),
		"array of other size":  gobStream(gobDefine(66, formArray, gobID(gobInt), gobID(2)), value("[2]int", 66, []byte{0, 1, 2})),
		"array, large":         gobStream(gobDefine(66, formArray, gobID(gobInt), gobID(many)), value("[2]int", 66, []byte{0}, count(many))),
		"array, wrong type":    gobStream(gobDefine(66, formArray, gobID(gobInt), gobID(3)), value("[2]int", 66, []byte{0, 3, 2, 2, 2})),
		"wrong type":           gobStream(nil, value("int", gobString, []byte{0, 1, 'x'})),
		"unknown type":         gobStream(nil, value("nosuch", gobString, []byte{0, 1, 'x'})),
		"struct, no end":       gobStream(gobDefine(66, formStruct, gobFieldList("X", gobInt)), value(reflect.TypeFor[codecPoint]().PkgPath()+".codecPoint", 66, []byte{1, 2})),
		"struct, field 2":      gobStream(gobDefine(66, formStruct, gobFieldList("X", gobInt)), value(reflect.TypeFor[codecPoint]().PkgPath()+".codecPoint", 66, []byte{2, 2, 0})),
		"struct, field 9":      gobStream(gobDefine(66, formStruct, gobFieldList("X", gobInt)), value(reflect.TypeFor[codecPoint]().PkgPath()+".codecPoint", 66, []byte{9, 2, 0})),
		"key not comparable":   gobStream(append(bytes.Clone(anyMap), anySlice...), gobID(65), []byte{0, 1}, gobText("[]interface {}"), gobID(66), []byte{2, 0, 0, 0}),
		"more behind":          append(plainGobOf(1), 0),
		"second value":         append(plainGobOf(1), plainGobOf(1)...),
		"two fields, one type": gobStream(bytes.Join([][]byte{
			gobDefine(66, formStruct, gobFieldList("A", 67, "B", 68)),
			gobDefine(67, formStruct, gobFieldList("M", 69)),
			gobDefine(68, formStruct, gobFieldList("S", gobString)),
			gobDefine(69, formMap, gobID(gobString), gobID(70)),
			gobDefine(70, formMap, gobID(gobString), gobID(gobString)),
		}, nil), value(reflect.TypeFor[codecOuter]().PkgPath()+".codecOuter", 66, []byte{
			1, 1, 0, 0, // A{M: {}}
			1, 1, 7, 0, 0xfc, 0x40, 0, 0, 0, 0, 0, 0, // B{S: 7 bytes}, or B{M: {"": 1<<30 entries}}
		})),
	}
}

// gobNested is the stream of a []any that holds a []any, and so on, n times.
func gobNested(n int) []byte {
	slice := []byte{0, 0}
	inAny := func() []byte {
		return bytes.Join([][]byte{gobText("[]interface {}"), gobID(66), gobLength(slice), slice}, nil)
	}
	for range n {
		slice = append([]byte{0, 1}, inAny()...)
	}
	return gobStream(gobDefine(66, formSlice, gobID(gobInterface)), []byte{gobInterface << 1, 0}, inAny())
}

// What is nested as deeply as values may be is read, so that what is nested more deeply is refused for its depth
// and not for its form.
func TestGobNested(t *testing.T) {
	for n := range maxWalkDepth / 2 {
		v, err := decodeGobValue(gobNested(n))
		for range n {
			inner, _ := v.([]any)
			if len(inner) != 1 {
				t.Fatalf("%d levels: %v, %v", n, v, err)
			}
			v = inner[0]
		}
		if inner, ok := v.([]any); !ok || len(inner) > 0 || err != nil {
			t.Errorf("%d levels: %v, %v", n, v, err)
		}
	}
	for _, n := range []int{maxGobDepth/2 + 1, maxGobDepth, 10 * maxGobDepth} {
		if v, err := decodeGobValue(gobNested(n)); !errors.Is(err, driver.ErrCorrupt) {
			t.Errorf("%d levels: %T, %v, want driver.ErrCorrupt", n, v, err)
		}
	}
}

func plainGobOf(v any) []byte {
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(&v); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// refusedByGob are those of the hostile streams that encoding/gob itself refuses, before it reads values.
var refusedByGob = map[string]bool{
	"key not comparable": true, "wrong type": true, "unknown type": true, "array, wrong type": true,
}

func TestGobHostile(t *testing.T) {
	for name, data := range hostile() {
		t.Run(name, func(t *testing.T) {
			for _, top := range []gobTop{gobMap, gobAny} {
				if _, err := checkGob(data, top); err == nil && !refusedByGob[name] {
					t.Fatal("it is handed to encoding/gob, which may take all memory for it")
				}
			}
			var err error
			size := allocated(func() {
				if _, err = DecodeGob(data); err == nil {
					t.Error("decoded as a map")
				}
				if _, err = decodeGobValue(data); err == nil {
					t.Error("decoded as a value")
				}
			})
			if !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("%v, want driver.ErrCorrupt", err)
			}
			if size > 1<<20+64*uint64(len(data)) {
				t.Errorf("%d bytes allocated for %d", size, len(data))
			}
		})
	}
}

// A length that skips only a part of a skipped value must not make the rest be read as something else.
func TestGobFalseLength(t *testing.T) {
	text := []byte{1, 0xfc, 0x40, 0, 0, 0} // read as fields: Tags with 1<<30 entries
	data := gobStream(append(
		gobDefine(66, formStruct, gobFieldList("Gone", gobInterface, "Tags", 67)),
		gobDefine(67, formMap, gobID(gobString), gobID(gobString))...),
		[]byte{gobInterface << 1, 0}, gobText(reflect.TypeFor[codecUser]().PkgPath()+".codecUser"), gobID(66), []byte{99},
		[]byte{1}, gobText("string"), gobID(gobString), []byte{2, 0, byte(len(text))}, text, []byte{0})
	size := allocated(func() {
		if v, err := decodeGobValue(data); err != nil || !reflect.DeepEqual(v, codecUser{}) {
			t.Errorf("%#v, %v", v, err)
		}
	})
	if size > 1<<20 {
		t.Errorf("%d bytes allocated", size)
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestCheckGobKeepsItsOwn(t *testing.T) {
	for _, tt := range valueCases {
		enc, err := appendGobStream(nil, tt.value)
		if err != nil {
			continue
		}
		again, err := checkGob(enc, gobAny)
		if err != nil || !bytes.Equal(again, enc) {
			t.Errorf("%s: %x, %v, want %x", tt.name, again, err, enc)
		}
	}
}

// TestEmptyGob reads it as encoding/gob does, and so as beego does.
func TestEmptyGob(t *testing.T) {
	var values map[any]any
	if err := gob.NewDecoder(strings.NewReader(EmptyGob)).Decode(&values); err != nil || values == nil || len(values) > 0 {
		t.Errorf("it has %v, %v, want an empty map", values, err)
	}
	if err := CheckGob([]byte(EmptyGob)); err != nil {
		t.Error(err)
	}
}
