package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
)

func TestCompactCorrupt(t *testing.T) {
	entry := func(key, value string) string {
		return string(appendString(appendString(nil, key), value))
	}
	a, b := entry("\x12a", "\x02\x02"), entry("\x12b", "\x02\x04") // "a": 1, "b": 2
	for name, data := range map[string]string{
		"version 0":          "\x00" + a,
		"version 2":          "\x02" + a,
		"keys descending":    "\x01" + b + a,
		"key twice":          "\x01" + a + a,
		"empty key":          "\x01" + entry("", "\x00"),
		"empty value":        "\x01" + entry("\x12a", ""),
		"cut off":            "\x01" + a + b[:len(b)-1],
		"more behind":        "\x01" + a + b + "\x00",
		"key too long":       "\x01\x7f\x12a\x01\x00",
		"value too long":     "\x01\x02\x12a\x7f\x00",
		"length of 64 bits":  "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12a",
		"length of 65 bits":  "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x12a",
		"length not minimal": "\x01\x82\x00\x12a\x01\x00",
	} {
		t.Run(name, func(t *testing.T) {
			c := compact{}
			if err := c.Check(data); !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("check: %v", err)
			}
			err := c.Visit(data, func(k, v any) bool { t.Error("visited", k, v); return true })
			if !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("visit: %v", err)
			}
			key, _ := AppendKey(nil, "zz")
			if _, err := c.Apply(0, data, []Change{{Key: key, Value: []byte{0}}}); err != nil && !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("apply: %v", err)
			}
		})
	}
	good := []byte("\x01" + a + b)
	if err := (compact{}).Check(string(good)); err != nil {
		t.Error(err)
	}
	if n := testing.AllocsPerRun(100, func() { compact{}.Check(string(good)) }); n != 0 {
		t.Errorf("check takes %v allocations", n)
	}
}

func TestCompactValueCorrupt(t *testing.T) {
	const slice, hash, str, anyKind, nested = "\x16", "\x17", "\x12", "\x15", "\x02"
	deep := []byte{byte(kindNil)}
	for range maxValueDepth + 1 {
		deep = append([]byte(slice+anyKind+"\x02\x00"), deep...)
		deep = slicesInsertLength(deep)
	}
	minus, _ := appendScalar(nil, math.Copysign(0, -1))
	for name, enc := range map[string]string{
		"empty":                  "",
		"unknown kind":           "\x63",
		"any alone":              anyKind,
		"nil and more":           "\x00\x00",
		"nil bytes and more":     "\x18\x00",
		"bool":                   "\x01\x02",
		"bool of two bytes":      "\x01\x01\x01",
		"int without bytes":      "\x02",
		"int not minimal":        "\x02\x80\x00",
		"int8 out of range":      "\x03\x80\x02",
		"float cut off":          "\x0e\x00",
		"time cut off":           "\x14\x00\x00",
		"time with 1e9 ns":       "\x14\x00\x80\x94\xeb\xdc\x03\x00",
		"time with far zone":     "\x14\x00\x00\x82\x80\x80\x80\x10",
		"slice of nothing":       slice,
		"slice of nil":           slice + "\x00\x01",
		"slice of uint8":         slice + "\x08\x01",
		"slice without count":    slice + str,
		"slice of too many":      slice + str + "\x05\x00\x00",
		"slice of 1<<62":         slice + str + "\x81\x80\x80\x80\x80\x80\x80\x80\x40",
		"slice and more":         slice + str + "\x01\x00",
		"ints of 1<<22":          slice + "\x02\x81\x80\x80\x02\x00",
		"ints of too many":       slice + "\x07\xff\x7f",
		"type too deep":          string(bytes.Repeat([]byte(slice), 16)) + str + "\x01",
		"map of nothing":         hash,
		"map with slice as key":  hash + slice + str + str + "\x01",
		"map with bytes as key":  hash + "\x13" + str + "\x01",
		"map of 1<<62":           hash + str + str + "\x81\x80\x80\x80\x80\x80\x80\x80\x40",
		"map descending":         hash + str + str + "\x03\x01b\x00\x01a\x00",
		"map with key twice":     hash + str + str + "\x03\x01a\x00\x01a\x00",
		"int8 map descending":    hash + "\x03\x03\x03\x04\x00\x02\x00",
		"map with negative zero": hash + "\x0e\x01\x02" + string(minus[1:]) + "\x00",
		"any of nothing":         slice + anyKind + "\x02\x00",
		"any too long":           slice + anyKind + "\x02\x05\x00",
		"any key of nothing":     hash + anyKind + anyKind + "\x02\x00\x01\x00",
		"any key of bytes":       hash + anyKind + anyKind + "\x02\x02\x13a\x01\x00",
		"too deep":               string(deep),
		"gob of nothing":         "\x19",
		"gob of no stream":       "\x19\x00",
		"gob of nil":             "\x19\x00" + string(must(appendGobStream(nil, nil))),
		"gob, many pointers":     "\x19\x09" + string(must(appendGobStream(nil, codecPoint{}))),
	} {
		t.Run(name, func(t *testing.T) {
			size := allocated(func() {
				if v, err := (compact{}).Value(enc); !errors.Is(err, driver.ErrCorrupt) {
					t.Errorf("%#v, %v, want driver.ErrCorrupt", v, err)
				}
			})
			if size > 1<<20 {
				t.Errorf("%d bytes allocated for %d", size, len(enc))
			}
		})
	}
}

// slicesInsertLength fills the length that stands behind the type and the count of a []any in front of b.
func slicesInsertLength(b []byte) []byte {
	const header = 3
	return append(b[:header:header], insertLength(bytes.Clone(b[header:]), 0)...)
}

// What is nested stands behind its length, which takes a byte more from 128 on, and from 16384.
func TestCompactNestedLengths(t *testing.T) {
	for _, n := range []int{126, 127, 128, 129, 16382, 16383, 16384, 16385} {
		text := strings.Repeat("x", n-1) // behind a byte that says what it is
		want := map[any]any{text: []any{text, "more"}}
		enc, err := compact{}.AppendValue(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (compact{}).Value(string(enc)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// No encoding makes more memory of few bytes than slices of maps of one entry each.
func TestCompactAllocatesLittle(t *testing.T) {
	for name, tt := range map[string]struct{ header, elem string }{
		"strings":            {"\x16\x12", "\x00"},
		"byte slices":        {"\x16\x13", "\x00"},
		"slices of slices":   {"\x16\x16\x16\x12", "\x00"},
		"anys":               {"\x16\x15", "\x01\x00"},
		"empty maps":         {"\x16\x17\x15\x15", "\x01"},
		"maps of one entry":  {"\x16\x17\x15\x15", "\x02\x01\x00\x01\x00"},
		"maps of one string": {"\x16\x17\x12\x12", "\x02\x00\x00"},
		"maps of one slice":  {"\x16\x17\x12\x16\x12", "\x02\x00\x00"},
		"times":              {"\x16\x14", "\x00\x00\x02"},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 20000
			enc := append([]byte(tt.header), 0xa1, 0x9c, 0x01) // n + 1
			enc = append(enc, bytes.Repeat([]byte(tt.elem), n)...)
			compact{}.Value(string(enc)) // what is made only once
			size := allocated(func() {
				if _, err := (compact{}).Value(string(enc)); err != nil {
					t.Error(err)
				}
			})
			if size > 160*uint64(len(enc)) {
				t.Errorf("%d bytes allocated for %d", size, len(enc))
			}
			t.Logf("%d times", size/uint64(len(enc)))
		})
	}
}

// A count of elements is believed only as far as there are bytes for them, whatever holds them.
func TestCompactCountsMoreThanThereIs(t *testing.T) {
	rest := make([]byte, 10_000)
	for name, header := range map[string]string{
		"strings":           "\x16\x12",
		"ints":              "\x16\x02",
		"anys":              "\x16\x15",
		"map of strings":    "\x17\x12\x12",
		"map of anys":       "\x17\x15\x15",
		"byte slices":       "\x16\x13",
		"slices of strings": "\x16\x16\x12",
		"map of int8s":      "\x17\x03\x03",
	} {
		for _, n := range []uint64{uint64(len(rest)) + 1, 500 * uint64(len(rest)), 1 << 40} {
			enc := append(binary.AppendUvarint([]byte(header), n+1), rest...)
			size := allocated(func() {
				if v, err := (compact{}).Value(string(enc)); !errors.Is(err, driver.ErrCorrupt) {
					t.Errorf("%s, %d: %T, %v", name, n, v, err)
				}
			})
			if size > 4*uint64(len(enc))+64<<10 {
				t.Errorf("%s, %d: %d bytes allocated for %d", name, n, size, len(enc))
			}
		}
	}
}

func TestCompactForgetsNoMoreThanSoManyTypes(t *testing.T) {
	types := newTypeTable()
	enc := []byte{byte(kindSlice), byte(kindString)}
	made := 0
	for i := range 2 * maxTypes {
		enc := enc
		for n := i; n > 0; n /= 2 { // slices and maps, from the bits of i
			if n%2 == 0 {
				enc = append([]byte{byte(kindSlice)}, enc...)
			} else {
				enc = append([]byte{byte(kindMap), byte(kindString)}, enc...)
			}
		}
		if typeLen(string(enc)) == len(enc) && types.stored(string(enc)) != nil {
			made++
		}
	}
	if len(types.byEnc) > maxTypes || made < 100 {
		t.Errorf("%d types, %d made", len(types.byEnc), made)
	}
	if types.stored(string([]byte{byte(kindString)})) == nil {
		t.Error("a type that was known is not")
	}
}
