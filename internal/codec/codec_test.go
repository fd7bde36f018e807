package codec

import (
	"bytes"
	"encoding/gob"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

var codecs = map[string]Codec{"compact": compact{}, "gob": gobCodec{}}

// Types of an application, registered as it would.
type (
	codecUser struct {
		ID      int64
		Name    string
		Tags    map[string]string
		Manager *codecUser
		Extra   any
		Since   time.Time
	}
	codecPoint   struct{ X, Y int }
	codecFloats  struct{ F [2]float64 }
	codecName    string
	codecRoles   []string
	codecNode    struct{ Next *codecNode }
	codecRound   *codecRound
	codecBad     struct{ N int } // its methods fail or panic
	codecWriter  struct{ N int } // can be written only
	codecHidden  struct{ n int }
	codecMissing struct{ N int } // not registered
	codecPtrOnly struct{ N int } // registered as a pointer
)

func (b codecBad) GobEncode() ([]byte, error) {
	if b.N == 0 {
		panic("the secret is 4711")
	}
	return nil, errors.New("the secret is 4711")
}
func (b *codecBad) GobDecode([]byte) error { return errors.New("the secret is 4711") }

func (w codecWriter) MarshalBinary() ([]byte, error) { return []byte{1}, nil }

func init() {
	for _, v := range []any{
		codecUser{},
		codecPoint{},
		codecFloats{},
		codecName(""), codecRoles(nil),
		codecNode{},
		codecBad{},
		codecWriter{},
		codecHidden{},
		&codecPtrOnly{},
		[2]int{},
		[2]codecPoint{},
		map[string]codecUser(nil),
		[]time.Time(nil),
		big.Int{},
		map[string][]string(nil),
	} {
		gob.Register(v)
	}
}

// valueCases are values that come back as they were. Where gob is not the same, it says what it gives
// instead, or errGob if it refuses.
var errGob = errors.New("refused by gob")

var valueCases = []struct {
	name  string
	value any
	gob   any
}{
	{"nil", nil, nil},
	{"true", true, nil},
	{"false", false, nil},
	{"int", 42, nil},
	{"int zero", 0, nil},
	{"int min", math.MinInt, nil},
	{"int8", int8(-128), nil},
	{"int16", int16(math.MaxInt16), nil},
	{"int32", int32(math.MinInt32), nil},
	{"rune", 'ß', nil},
	{"int64", int64(math.MinInt64), nil},
	{"int64 max", int64(math.MaxInt64), nil},
	{"uint", uint(math.MaxUint), nil},
	{"uint8", uint8(255), nil},
	{"uint16", uint16(65535), nil},
	{"uint32", uint32(math.MaxUint32), nil},
	{"uint64", uint64(math.MaxUint64), nil},
	{"uintptr", uintptr(7), nil},
	{"float32", float32(1.5), nil},
	{"float64", math.Pi, nil},
	{"negative zero", math.Copysign(0, -1), nil},
	{"infinity", math.Inf(-1), nil},
	{"complex64", complex64(1 + 2i), nil},
	{"complex128", 3 - 4i, nil},
	{"string", "héllo\x00\xff", nil},
	{"empty string", "", nil},
	{"long string", strings.Repeat("x", 1000), nil},
	{"bytes", []byte{0, 1, 255}, nil},
	{"empty bytes", []byte{}, []byte(nil)},
	{"nil bytes", []byte(nil), nil},
	{"time", time.Date(2025, 11, 21, 20, 5, 7, 123456789, time.UTC), nil},
	{"time zero", time.Time{}, nil},
	{"time without nanoseconds", time.Unix(1<<40, 0).UTC(), nil},
	{"duration", -3 * time.Hour, nil},
	{"strings", []string{"a", "", "ccc"}, nil},
	{"empty strings", []string{}, []string(nil)},
	{"nil strings", []string(nil), nil},
	{"bools", []bool{true, false}, nil},
	{"ints", []int{1, -1, math.MaxInt}, nil},
	{"int8s", []int8{1, -1, -128}, nil},
	{"int64s", []int64{math.MinInt64, 0}, nil},
	{"uint16s", []uint16{1, 65535}, nil},
	{"uint64s", []uint64{math.MaxUint64}, nil},
	{"float32s", []float32{1, -0.5}, nil},
	{"float64s", []float64{1, math.MaxFloat64}, nil},
	{"complex64s", []complex64{1i}, nil},
	{"complex128s", []complex128{1i}, nil},
	{"times", []time.Time{{}, time.Unix(1, 2).UTC()}, nil},
	{"durations", []time.Duration{time.Second}, errGob},
	{"byte slices", [][]byte{{1}, {}, nil}, errGob},
	{"string slices", [][]string{{"a"}, {}, nil}, errGob},
	{"anys", []any{1, "a", nil, []any{2.5, []byte{1}}, map[string]any{"k": int8(1)}}, nil},
	{"empty anys", []any{}, []any(nil)},
	{"map string any", map[string]any{"a": 1, "b": []string{"x"}, "": nil}, nil},
	{"nil map", map[string]any(nil), map[string]any{}},
	{"empty map", map[string]any{}, nil},
	{"map string string", map[string]string{"a": "1", "b": "2", "": ""}, nil},
	{"map string bool", map[string]bool{"a": true, "b": false}, errGob},
	{"map string int", map[string]int{"a": 1}, errGob},
	{"map string int64", map[string]int64{"a": 1}, errGob},
	{"map string float64", map[string]float64{"a": 1}, errGob},
	{"map string strings", map[string][]string{"a": {"b"}, "c": {"d", "e"}}, nil},
	{"map int any", map[int]any{1: "a", -1: nil}, nil},
	{"map int string", map[int]string{1: "a"}, nil},
	{"map int int", map[int]int{1: 2, 1000: 3, -1: 4}, nil},
	{"map int int64", map[int]int64{1: 2}, nil},
	{"map any any", map[any]any{"a": 1, 1: "a", int8(1): true, nil: nil, true: 2.5, codecPoint{1, 2}: "p"}, nil},
	{"map bool bool", map[bool]bool{true: false, false: true}, errGob},
	{"map float64 string", map[float64]string{0: "a", -1: "b", math.Inf(1): "c"}, errGob},
	{"map uint8 times", map[uint8]time.Time{1: time.Unix(5, 0).UTC()}, errGob},
	{"map complex64 int8", map[complex64]int8{1 + 2i: 3}, errGob},
	{"map any strings", map[any][]string{1: {"a"}, "b": nil}, errGob},
	{"map in map", map[string]map[int][]map[string]bool{"a": {1: {{"x": true}, nil, {}}}, "b": nil}, errGob},
	{"struct", codecUser{ID: 1, Name: "n", Tags: map[string]string{"a": "b"}, Since: time.Unix(1, 0).UTC()}, nil},
	{"struct zero", codecPoint{}, nil},
	{"struct with pointer", codecUser{Manager: &codecUser{Name: "m"}}, nil},
	{"struct with interface", codecUser{Extra: codecUser{Extra: []any{codecPoint{1, 2}}}}, nil},
	{"pointer to struct", &codecPoint{1, 2}, codecPoint{1, 2}},
	{"pointer to pointer", ptrTo(ptrTo(codecPoint{1, 2})), codecPoint{1, 2}},
	{"pointer to string", ptrTo("s"), "s"},
	{"pointer to map", &map[string]any{"a": 1}, map[string]any{"a": 1}},
	{"registered as pointer", &codecPtrOnly{1}, nil},
	{"registered as pointer, is none", codecPtrOnly{1}, &codecPtrOnly{1}},
	{"named string", codecName("n"), nil},
	{"named slice", codecRoles{"a", "b"}, nil},
	{"array", [2]int{1, 2}, nil},
	{"array of structs", [2]codecPoint{{1, 2}, {}}, nil},
	{"map of structs", map[string]codecUser{"a": {ID: 1}}, nil},
	{"structs in anys", []any{codecPoint{1, 2}, &codecPoint{3, 4}}, []any{codecPoint{1, 2}, codecPoint{3, 4}}},
	{"big int", *big.NewInt(1 << 40), errGob},
	{"pointer to big int", big.NewInt(1 << 40), errGob},
}

func ptrTo[T any](v T) *T { return &v }

func TestCodecValue(t *testing.T) {
	for name, c := range codecs {
		for _, tt := range valueCases {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				enc, err := c.AppendValue([]byte("before"), tt.value)
				if name == "gob" && tt.gob == errGob {
					if !errors.Is(err, ErrUnencodable) {
						t.Fatalf("appendValue: %v, want ErrUnencodable", err)
					}
					return
				}
				if err != nil || string(enc[:6]) != "before" {
					t.Fatalf("appendValue: %v, %q", err, enc)
				}
				want := tt.value
				if name == "gob" && tt.gob != nil {
					want = tt.gob
				}
				got, err := c.Value(string(enc[6:]))
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got %#v (%v), want %#v", got, err, want)
				}
				data := codecData(t, c, map[any]any{"k": tt.value, 7: 1})
				key, _ := AppendKey(nil, "k")
				if got, ok, err := c.Get(string(data), key); err != nil || !ok || !reflect.DeepEqual(got, want) {
					t.Errorf("get: %#v, %v, %v, want %#v", got, ok, err, want)
				}
			})
		}
	}
}

// codecData encodes a map.
func codecData(t testing.TB, c Codec, values map[any]any) []byte {
	t.Helper()
	data, err := c.Apply(0, "", codecChanges(t, c, values))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(string(data)); err != nil {
		t.Fatal(err)
	}
	return data
}

func codecChanges(t testing.TB, c Codec, values map[any]any) (changes []Change) {
	t.Helper()
	for k, v := range values {
		key, err := AppendKey(nil, k)
		if err != nil {
			t.Fatal(err)
		}
		value, err := c.AppendValue(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, Change{Key: key, Value: value})
	}
	return changes
}

func codecValues(t testing.TB, c Codec, data []byte) map[any]any {
	t.Helper()
	values := map[any]any{}
	err := c.Visit(string(data), func(key, value any) bool {
		if _, ok := values[key]; ok {
			t.Error("visited twice")
		}
		values[key] = value
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestCodecTimeZones(t *testing.T) {
	newYork := time.FixedZone("", -4*3600-56*60-2) // as before there were zones
	for _, zone := range []*time.Location{time.UTC, time.Local, newYork, time.FixedZone("x", 0), time.FixedZone("x", 19800)} {
		for _, want := range []time.Time{{}, time.Now(), time.Unix(0, 0), time.Unix(-1, 1), time.Unix(1<<60, 999999999)} {
			want = want.In(zone)
			enc, err := compact{}.AppendValue(nil, want)
			if err != nil {
				t.Fatal(err)
			}
			v, err := compact{}.Value(string(enc))
			got, _ := v.(time.Time)
			_, wantOffset := want.Zone()
			_, offset := got.Zone()
			if err != nil || !got.Equal(want) || offset != wantOffset || (got.Location() == time.UTC) != (zone == time.UTC) {
				t.Errorf("%v: got %v, %v", want, got, err)
			}
		}
	}
}

func TestCodecIsolation(t *testing.T) {
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) {
			values := map[any]any{
				"bytes": []byte("abc"), "strings": []string{"a"}, "any": []any{[]byte("abc")},
				"map": map[string]any{"k": []int{1}}, "struct": codecUser{Tags: map[string]string{"a": "b"}},
				"pointer": &codecPoint{1, 2},
			}
			data := codecData(t, c, values)
			stored := bytes.Clone(data)
			first, second := codecValues(t, c, data), codecValues(t, c, data)
			first["bytes"].([]byte)[0] = 'x'
			first["strings"].([]string)[0] = "x"
			first["any"].([]any)[0].([]byte)[0] = 'x'
			first["map"].(map[string]any)["k"].([]int)[0] = 9
			first["struct"].(codecUser).Tags["a"] = "x"
			clear(data)
			values["pointer"] = second["pointer"] // gob gives a value back, not a pointer
			if !reflect.DeepEqual(second, values) {
				t.Errorf("changed through another copy: %v", second)
			}
			if again := codecValues(t, c, stored); !reflect.DeepEqual(again, values) {
				t.Errorf("stored bytes changed: %v", again)
			}
		})
	}
}

func TestCodecOfNothing(t *testing.T) {
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) {
			key, _ := AppendKey(nil, "k")
			if err := c.Check(""); err != nil {
				t.Error(err)
			}
			if v, ok, err := c.Get("", key); v != nil || ok || err != nil {
				t.Error(v, ok, err)
			}
			if got := codecValues(t, c, nil); len(got) != 0 {
				t.Error(got)
			}
			if _, err := c.Value(""); !errors.Is(err, driver.ErrCorrupt) {
				t.Error(err)
			}
			data := codecData(t, c, map[any]any{"k": 1})
			data, err := c.Apply(3, string(data), []Change{{Key: key}})
			if err != nil || !bytes.Equal(data, make([]byte, 3)) {
				t.Errorf("without its last value: %q, %v", data, err)
			}
		})
	}
}

func TestCodecVisitStops(t *testing.T) {
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) {
			calls := 0
			err := c.Visit(string(codecData(t, c, map[any]any{1: 1, 2: 2})), func(any, any) bool { calls++; return false })
			if calls != 1 || err != nil {
				t.Error(calls, err)
			}
		})
	}
}

func TestCompactEqualValuesEqualBytes(t *testing.T) {
	build := func(order []int) map[any]any {
		strs, anys, floats, all := map[string]int{}, map[any]any{}, map[float64]bool{}, map[any]any{}
		for _, i := range order {
			strs[strings.Repeat("k", i)] = i
			anys[i], anys[strconv.Itoa(i)] = i, i
			floats[float64(i)*math.Copysign(1, float64(order[0]-20))] = true // 0 and -0
			floats[float64(-i)*math.Copysign(1, float64(order[0]-20))] = true
			all[i] = i
		}
		all["strs"], all["anys"], all["floats"], all["nested"] = strs, anys, floats, []any{anys, strs}
		return all
	}
	order := make([]int, 40)
	for i := range order {
		order[i] = i
	}
	want := codecData(t, compact{}, build(order))
	for range 20 {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		if got := codecData(t, compact{}, build(order)); !bytes.Equal(got, want) {
			t.Fatal("equal values have different bytes")
		}
	}
}

func TestCodecApplyModel(t *testing.T) {
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 2))
			keys := []any{"", "a", "b", "ab", strings.Repeat("k", 200), 0, 1, -1, int8(1), true, 2.5, codecPoint{1, 2}}
			model := map[any]any{}
			var data []byte
			for range 100 {
				var changes []Change
				for _, i := range rnd.Perm(len(keys))[:rnd.IntN(len(keys))] {
					key, err := AppendKey(nil, keys[i])
					if err != nil {
						t.Fatal(err)
					}
					if rnd.IntN(2) == 0 {
						delete(model, keys[i])
						changes = append(changes, Change{Key: key})
						continue
					}
					v := strings.Repeat("v", rnd.IntN(150))
					enc, err := c.AppendValue(nil, v)
					if err != nil {
						t.Fatal(err)
					}
					model[keys[i]] = v
					changes = append(changes, Change{Key: key, Value: enc})
				}
				before := bytes.Clone(data)
				out, err := c.Apply(5, string(data), changes)
				if err != nil || !bytes.Equal(out[:5], make([]byte, 5)) {
					t.Fatal(out, err)
				}
				if !bytes.Equal(data, before) {
					t.Fatal("apply changed its argument")
				}
				data = out[5:]
				if err := c.Check(string(data)); err != nil {
					t.Fatal(err)
				}
				if got := codecValues(t, c, data); !reflect.DeepEqual(got, model) {
					t.Fatalf("got %v, want %v", got, model)
				}
				for _, k := range keys {
					key, _ := AppendKey(nil, k)
					v, ok, err := c.Get(string(data), key)
					if want, wantOK := model[k]; err != nil || ok != wantOK || v != want {
						t.Fatalf("get %v: %v, %v, %v, want %v", k, v, ok, err, want)
					}
				}
			}
		})
	}
}

func TestCodecByName(t *testing.T) {
	var ids []byte
	for name, c := range codecs {
		byName, ok := ByName(name)
		byID, ok2 := ByID(c.ID())
		if byName != c || byID != c || !ok || !ok2 || slices.Contains(ids, c.ID()) {
			t.Error(name)
		}
		ids = append(ids, c.ID())
	}
	if _, ok := ByName("xml"); ok {
		t.Error("xml is a codec")
	}
	if _, ok := ByID(0); ok {
		t.Error("0 is a codec")
	}
}
