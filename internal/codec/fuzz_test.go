package codec

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// within fails if f allocates more than times the size of data and a constant, which is for what the
// fuzzer itself does meanwhile and what is made only once.
func within(t *testing.T, times int, data []byte, f func()) {
	t.Helper()
	if size := allocated(f); size > uint64(times*len(data))+4<<20 {
		t.Errorf("%d bytes allocated for %d", size, len(data))
	}
}

// FuzzCompact feeds the compact format with anything.
func FuzzCompact(f *testing.F) {
	for _, values := range []map[any]any{{}, {"k": nil}, goldenPlain, goldenKinds, goldenGob} {
		f.Add(codecData(f, compact{}, values), "k")
	}
	f.Add([]byte{1}, "")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		c := compact{}
		key, err := AppendKey(nil, name)
		if err != nil {
			t.Fatal(err)
		}
		value, err := c.AppendValue(nil, name)
		if err != nil {
			t.Fatal(err)
		}
		checkErr := c.Check(string(data))
		var again []Change
		var visitErr error
		// A map of one entry is the most that few bytes can make: 3 bytes for about 400.
		within(t, 200, data, func() {
			visitErr = c.Visit(string(data), func(k, v any) bool {
				again = append(again, reencode(t, k, v))
				return true
			})
			c.Get(string(data), key)
		})
		out, applyErr := c.Apply(2, string(data), []Change{{Key: key, Value: value}})
		for _, err := range []error{checkErr, visitErr, applyErr} {
			if err != nil && !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("%v, want driver.ErrCorrupt", err)
			}
		}
		if checkErr != nil {
			if visitErr == nil {
				t.Error("check refuses what visit accepts")
			}
			return
		}
		if applyErr != nil || c.Check(string(out[2:])) != nil {
			t.Error(applyErr, c.Check(string(out[2:])))
		} else if v, ok, err := c.Get(string(out[2:]), key); v != name || !ok || err != nil {
			t.Error(v, ok, err)
		}
		if visitErr == nil && len(data) > 1 && !bytes.Contains(data, []byte{byte(kindGob)}) {
			if out, err := c.Apply(0, "", again); err != nil || !bytes.Equal(out, data) {
				t.Errorf("%x encoded again is %x, %v", data, out, err)
			}
		}
	})
}

// reencode encodes what was decoded, which must be possible unless encoding/gob can decode a type better
// than encode it.
func reencode(t *testing.T, k, v any) Change {
	key, err := AppendKey(nil, k)
	if err != nil {
		t.Errorf("key of type %T: %v", k, err)
	}
	value, err := compact{}.AppendValue(nil, v)
	if err != nil && !errors.Is(err, ErrUnencodable) {
		t.Errorf("value of type %T: %v", v, err)
	}
	return Change{Key: key, Value: value}
}

// FuzzGob feeds the gob format with anything.
func FuzzGob(f *testing.F) {
	f.Add(plainGob(f, goldenPlain))
	f.Add(plainGob(f, map[any]any{"user": goldenGob["user"], 1: codecUser{Extra: []any{codecPoint{1, 2}}}}))
	for _, tt := range valueCases {
		if enc, err := appendGobStream(nil, tt.value); err == nil {
			f.Add(enc)
			f.Add(plainGobOf(tt.value))
		}
	}
	for _, data := range hostile() {
		if len(data) < 1000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var values map[any]any
		var v any
		var errMap, errValue error
		within(t, 400, data, func() {
			values, errMap = DecodeGob(data)
			v, errValue = decodeGobValue(data)
		})
		for _, err := range []error{errMap, errValue} {
			if err != nil && !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("%v, want driver.ErrCorrupt", err)
			}
		}
		if errMap == nil {
			// Fields of a struct are skipped by encoding/gob in a way of its own.
			if !bytes.Contains(data, []byte("session.")) {
				if plain, err := plainDecode(data); err != nil || !sameGob(plain, values) {
					t.Errorf("got %#v, encoding/gob gets %#v, %v", values, plain, err)
				}
			}
			if enc, err := EncodeGob(values); err == nil {
				if _, err := DecodeGob(enc); err != nil {
					t.Errorf("encoded again: %v", err)
				}
			}
		}
		if errValue == nil {
			if enc, err := appendGobStream(nil, v); err == nil {
				if _, err := decodeGobValue(enc); err != nil {
					t.Errorf("encoded again: %v", err)
				}
			}
		}
	})
}

func plainDecode(data []byte) (values map[any]any, err error) {
	err = gob.NewDecoder(bytes.NewReader(data)).Decode(&values)
	return values, err
}

// sameGob reports whether two values are deeply equal, where NaN counts as equal to itself.
func sameGob(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	encA, errA := compact{}.AppendValue(nil, a)
	encB, errB := compact{}.AppendValue(nil, b)
	return errA != nil || errB != nil || bytes.Equal(encA, encB) || bytes.Contains(encA, []byte{byte(kindGob)})
}

// FuzzDecodeKey checks that no two encodings stand for one key.
func FuzzDecodeKey(f *testing.F) {
	for _, tt := range keyCases {
		f.Add(must(AppendKey(nil, tt.key)))
	}
	f.Fuzz(func(t *testing.T, enc []byte) {
		key, err := decodeKey(string(enc))
		if err != nil {
			if !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("%v, want driver.ErrCorrupt", err)
			}
			return
		}
		if _, ok := map[any]bool{key: true}[key]; !ok {
			t.Errorf("key of type %T does not equal itself", key)
		}
		if again, err := AppendKey(nil, key); err != nil || !bytes.Equal(again, enc) {
			t.Errorf("%x encoded again is %x, %v", enc, again, err)
		}
	})
}

// FuzzCompactValue makes values from anything and checks that they come back.
func FuzzCompactValue(f *testing.F) {
	for i := range byte(40) {
		f.Add([]byte{i, 3, 17, 18, 4, 200, 5, 6, 7, 30, 2, 8, 9, 1, 22, 23, 24, 25})
	}
	f.Fuzz(func(t *testing.T, recipe []byte) {
		r := recipeReader{recipe}
		want := r.value(0)
		enc, err := compact{}.AppendValue(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := compact{}.Value(string(enc))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %#v, want %#v", got, want)
		}
		if again, err := (compact{}).AppendValue(nil, got); err != nil || !bytes.Equal(again, enc) {
			t.Errorf("%x encoded again is %x, %v", enc, again, err)
		}
	})
}

// A recipeReader makes values of the bytes of b.
type recipeReader struct{ b []byte }

func (r *recipeReader) byte() byte {
	if len(r.b) == 0 {
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *recipeReader) take(n byte) []byte {
	b := r.b[:min(len(r.b), int(n))]
	r.b = r.b[len(b):]
	return b
}

func (r *recipeReader) uint64() uint64 {
	var b [8]byte
	copy(b[:], r.take(r.byte()%9))
	return binary.LittleEndian.Uint64(b[:])
}

func (r *recipeReader) string() string { return string(r.take(r.byte())) }

func (r *recipeReader) float() float64 {
	f := math.Float64frombits(r.uint64())
	if f != f {
		return 0
	}
	return f
}

// scalar makes a value that can be a key.
func (r *recipeReader) scalar() any {
	switch r.byte() % 19 {
	case 0:
		return r.byte()%2 == 0
	case 1:
		return int(r.uint64())
	case 2:
		return int8(r.uint64())
	case 3:
		return int16(r.uint64())
	case 4:
		return int32(r.uint64())
	case 5:
		return int64(r.uint64())
	case 6:
		return uint(r.uint64())
	case 7:
		return uint8(r.uint64())
	case 8:
		return uint16(r.uint64())
	case 9:
		return uint32(r.uint64())
	case 10:
		return r.uint64()
	case 11:
		return uintptr(r.uint64())
	case 12:
		return float32(int32(r.uint64()))
	case 13:
		return r.float()
	case 14:
		return complex64(complex(float32(int32(r.uint64())), 1))
	case 15:
		return complex(r.float(), r.float())
	case 16:
		return time.Duration(r.uint64())
	case 17:
		return codecPoint{int(r.uint64()), int(r.uint64())}
	}
	return r.string()
}

func (r *recipeReader) value(depth int) any {
	n := int(r.byte() % 8)
	kind := r.byte() % 16
	if depth > 20 && kind > 4 {
		kind = 0
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return []byte(r.string())
	case 2:
		return time.Unix(int64(r.uint64()), int64(r.byte())).UTC()
	case 3:
		return recipeSlice(n, r.string)
	case 4:
		return recipeSlice(n, func() int { return int(r.uint64()) })
	case 5:
		return recipeSlice(n, func() any { return r.value(depth + 1) })
	case 6:
		return recipeMap(n, r.string, func() any { return r.value(depth + 1) })
	case 7:
		return recipeMap(n, r.scalar, func() any { return r.value(depth + 1) })
	case 8:
		return recipeMap(n, r.string, r.string)
	case 9:
		return recipeMap(n, r.float, func() []string { return recipeSlice(2, r.string) })
	case 10:
		return recipeSlice(n, func() map[bool][]byte {
			return recipeMap(2, func() bool { return r.byte()%2 == 0 }, func() []byte { return []byte(r.string()) })
		})
	case 11:
		return recipeMap(n, func() int16 { return int16(r.uint64()) }, func() any { return r.value(depth + 1) })
	case 12:
		return codecUser{ID: int64(r.uint64()), Name: r.string()}
	case 13:
		return &codecPoint{X: int(r.byte())}
	}
	return r.scalar()
}

func recipeSlice[T any](n int, elem func() T) []T {
	if n == 7 {
		return nil
	}
	s := make([]T, n)
	for i := range s {
		s[i] = elem()
	}
	return s
}

func recipeMap[K comparable, V any](n int, key func() K, elem func() V) map[K]V {
	if n == 7 {
		return nil
	}
	m := make(map[K]V, n)
	for range n {
		m[key()] = elem()
	}
	return m
}
