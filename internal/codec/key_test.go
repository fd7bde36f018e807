package codec

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

var keyCases = []struct {
	name string
	key  any
}{
	{"string", "user"},
	{"empty string", ""},
	{"true", true},
	{"false", false},
	{"int", -5},
	{"int8", int8(-5)},
	{"int16", int16(-5)},
	{"int32", int32(-5)},
	{"int64", int64(math.MinInt64)},
	{"uint", uint(5)},
	{"uint8", uint8(5)},
	{"uint16", uint16(5)},
	{"uint32", uint32(5)},
	{"uint64", uint64(math.MaxUint64)},
	{"uintptr", uintptr(5)},
	{"float32", float32(0.5)},
	{"float64", math.Inf(1)},
	{"zero", 0.0},
	{"complex64", complex64(1i)},
	{"complex128", 1 - 2i},
	{"duration", time.Minute},
	{"struct", codecPoint{1, -2}},
	{"array", [2]int{3, 4}},
	{"array of structs", [2]codecPoint{{1, 2}}},
	{"floats", codecFloats{[2]float64{0, 1}}},
	{"named string", codecName("user")},
}

func TestKeyRoundTrip(t *testing.T) {
	seen := map[string]string{}
	for _, tt := range keyCases {
		t.Run(tt.name, func(t *testing.T) {
			enc, err := AppendKey([]byte("before"), tt.key)
			if err != nil || string(enc[:6]) != "before" {
				t.Fatalf("%q, %v", enc, err)
			}
			if got, err := decodeKey(string(enc[6:])); err != nil || got != tt.key {
				t.Errorf("got %#v, %v", got, err)
			}
			if other, ok := seen[string(enc)]; ok {
				t.Errorf("same encoding as %s", other)
			}
			seen[string(enc)] = tt.name
		})
	}
}

func TestKeyEqualKeysEqualBytes(t *testing.T) {
	minus := math.Copysign(0, -1)
	for _, tt := range []struct {
		name string
		a, b any
	}{
		{"float32", float32(0), float32(minus)},
		{"float64", 0.0, minus},
		{"complex64", complex64(0), complex(float32(minus), float32(minus))},
		{"complex128", 0i, complex(minus, minus)},
		{"in a struct", codecFloats{}, codecFloats{[2]float64{minus, 0}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, errA := AppendKey(nil, tt.a)
			b, errB := AppendKey(nil, tt.b)
			if errA != nil || errB != nil || tt.a != tt.b || string(a) != string(b) {
				t.Errorf("%x %v, %x %v", a, errA, b, errB)
			}
		})
	}
}

func TestKeyUnencodable(t *testing.T) {
	n := 1
	for _, tt := range []struct {
		name string
		key  any
		want string
	}{
		{"nil", nil, "nil"},
		{"slice", []string{"secret"}, "key of type []string is not comparable"},
		{"bytes", []byte("secret"), "key of type []uint8 is not comparable"},
		{"map", map[string]int{"secret": 1}, "key of type map[string]int is not comparable"},
		{"func", func() {}, "key of type func() is not comparable"},
		{"slice in interface", [1]any{[]int{1}}, "key of type [1]interface {} is not comparable"},
		{"interface", [1]any{1}, "[1]interface {}"},
		{"pointer", &n, "*int"},
		{"chan", make(chan int), "chan int"},
		{"NaN", math.NaN(), "NaN"},
		{"NaN float32", float32(math.NaN()), "NaN"},
		{"NaN complex", complex(math.Inf(1), math.NaN()), "NaN"},
		{"NaN in struct", codecFloats{[2]float64{math.NaN()}}, "NaN"},
		{"unregistered", codecMissing{1}, "type codec.codecMissing is not registered: call gob.Register"},
		{"unregistered array", [3]int{}, "type [3]int is not registered"},
		{"pointer inside", codecNode{}, "codecNode"},
		{"unexported", codecHidden{1}, "codecHidden"},
		{"time", time.Now(), "time.Time"},
		{"registered as pointer", codecPtrOnly{1}, "codecPtrOnly"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			enc, err := AppendKey([]byte("before"), tt.key)
			if !errors.Is(err, ErrUnencodable) || string(enc) != "before" {
				t.Fatalf("%q, %v, want ErrUnencodable", enc, err)
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%q does not contain %q", err, tt.want)
			}
		})
	}
}

func TestKeyCorrupt(t *testing.T) {
	gobKey, _ := AppendKey(nil, codecPoint{1, 2})
	notKey, _ := compact{}.AppendValue(nil, codecUser{})
	minus, _ := appendScalar(nil, math.Copysign(0, -1))
	nan, _ := appendScalar(nil, math.NaN())
	for name, enc := range map[string][]byte{
		"empty":                  {},
		"nil":                    {byte(kindNil)},
		"unknown kind":           {99},
		"bytes":                  {byte(kindBytes), 1},
		"bool":                   {byte(kindBool), 2},
		"int without bytes":      {byte(kindInt)},
		"int of too many bytes":  {byte(kindInt), 0x80, 0},
		"int with more":          {byte(kindInt), 1, 1},
		"int8 out of range":      {byte(kindInt8), 0x80, 0x02},
		"uint8 out of range":     {byte(kindUint8), 0x80, 0x02},
		"negative zero":          minus,
		"NaN":                    nan,
		"gob cut off":            gobKey[:len(gobKey)-1],
		"gob with more":          append(gobKey[:len(gobKey):len(gobKey)], 0),
		"gob of no key":          append([]byte{byte(kindGob)}, notKey[2:]...),
		"gob of a scalar":        append([]byte{byte(kindGob)}, must(appendGobStream(nil, "x"))...),
		"gob of something empty": {byte(kindGob)},
	} {
		t.Run(name, func(t *testing.T) {
			if key, err := decodeKey(string(enc)); !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("%#v, %v, want driver.ErrCorrupt", key, err)
			}
		})
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestKeyStringTakesNoAllocation(t *testing.T) {
	buf := make([]byte, 0, 64)
	var key any = "user"
	if n := testing.AllocsPerRun(100, func() { AppendKey(buf, key) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
