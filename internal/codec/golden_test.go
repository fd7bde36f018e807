package codec

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew; only for a format that no release has written")

// goldenUser is part of the golden files: it never changes.
type goldenUser struct {
	ID    int64
	Name  string
	Roles []string
	Since time.Time
	Boss  *goldenUser
	Extra any
}

type goldenKey struct{ Shop, Cart int }

// The files have the names that the types had where the codecs were first.
func init() {
	gob.RegisterName("github.com/seed1a8f7c28/session.goldenUser", goldenUser{})
	gob.RegisterName("github.com/seed1a8f7c28/session.goldenKey", goldenKey{})
}

var goldenTime = time.Date(2025, 11, 21, 20, 5, 7, 123456789, time.UTC)

// goldenPlain are values of the kinds that beego's sessions hold.
var goldenPlain = map[any]any{
	"username": "astaxie", "uid": int64(1234567), "count": 42, "rate": 0.5, "admin": true, "nothing": nil,
	"token": []byte{0, 1, 2, 255}, "roles": []string{"admin", "editor"}, "list": []any{1, "two", 3.0},
	"map": map[string]any{"a": 1, "b": "c"}, "strings": map[string]string{"k": "v"}, "ints": map[int]int{1: 2, -3: 4},
	"int64s": map[int]int64{5: 6}, "names": map[int]string{7: "seven"}, "anys": map[any]any{"k": 8, 9: "nine"},
	"by int": map[int]any{10: nil}, "login": goldenTime, 11: "int key", int64(12): uint8(13),
}

// goldenKinds are values of the kinds that the compact format knows beyond those.
var goldenKinds = map[any]any{
	true: false, int8(-1): int8(-2), int16(-3): int16(-4), int32(-5): int32(-6), uint(7): uint(8), uint8(9): uint8(10),
	uint16(11): uint16(12), uint32(13): uint32(14), uint64(15): uint64(16), uintptr(17): uintptr(18),
	float32(0.5): float32(1.5), 2.5: 3.5, complex64(1i): complex64(2i), 3i: 4i, time.Second: time.Minute, "": "",
	"nil bytes": []byte(nil), "empty bytes": []byte{}, "nil strings": []string(nil), "empty strings": []string{},
	"nil map": map[string]any(nil), "empty map": map[string]any{}, "zone": goldenTime.In(time.FixedZone("", -18001)),
	"zero time": time.Time{}, "times": []time.Time{goldenTime}, "durations": []time.Duration{time.Hour},
	"bools": []bool{true, false}, "float32s": []float32{1, 2}, "complexes": []complex128{1 + 2i}, "byte slices": [][]byte{{1}, {}, nil},
	"nested": map[string]map[int8][]map[uint16]any{"a": {1: {{2: []any{nil, int8(3)}}, nil}}}, "long": string(make([]byte, 300)),
	"by any": map[any]any{nil: nil, 1: int8(1), "1": 1.0, true: []any{}}, "by float": map[float64]bool{0: true, -1: false},
}

// goldenGob are values that the compact format leaves to encoding/gob.
var goldenGob = map[any]any{
	"user":    goldenUser{ID: 1, Name: "n", Roles: []string{"r"}, Since: goldenTime, Boss: &goldenUser{ID: 2}, Extra: goldenKey{3, 4}},
	"pointer": &goldenKey{5, 6}, "in anys": []any{goldenKey{7, 8}, "x"}, goldenKey{9, 10}: 11, "key in map": map[any]any{goldenKey{12, 13}: 14},
}

// Every file that a release has written stays readable. Those of the compact format are also written again
// the same, in whatever order a program uses its types.
func TestGolden(t *testing.T) {
	for _, tt := range []struct {
		file   string
		codec  Codec
		values map[any]any
	}{
		{"compact-v1-plain", compact{}, goldenPlain},
		{"compact-v1-kinds", compact{}, goldenKinds},
		{"compact-v1-gob", compact{}, goldenGob},
		{"gob-plain", gobCodec{}, goldenPlain},
		{"gob-struct", gobCodec{}, map[any]any{"user": goldenGob["user"]}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			file := filepath.Join("testdata", "golden", tt.file+".hex")
			if *updateGolden {
				writeGolden(t, file, tt.codec, tt.values)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			data, err := hex.DecodeString(string(bytes.Join(bytes.Fields(text), nil)))
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.codec.Check(string(data)); err != nil {
				t.Error(err)
			}
			got := codecValues(t, tt.codec, data)
			normalizeZone(t, got)
			want := tt.values
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %#v\nwant %#v", got, want)
			}
			if tt.codec == (compact{}) && !bytes.Equal(codecData(t, tt.codec, tt.values), data) {
				t.Error("is not written again as it was read")
			}
		})
	}
}

// normalizeZone puts the time that has a zone into the very zone of the wanted value, so that the two are
// deeply equal.
func normalizeZone(t *testing.T, values map[any]any) {
	got, ok := values["zone"].(time.Time)
	if !ok {
		return
	}
	want := goldenKinds["zone"].(time.Time)
	_, offset := got.Zone()
	if _, wantOffset := want.Zone(); offset != wantOffset || !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	values["zone"] = want
}

func writeGolden(t *testing.T, file string, c Codec, values map[any]any) {
	var data []byte
	if c == (gobCodec{}) {
		data = plainGob(t, values)
	} else {
		data = codecData(t, c, values)
	}
	var text bytes.Buffer
	for len(data) > 0 {
		line := data[:min(40, len(data))]
		text.WriteString(hex.EncodeToString(line) + "\n")
		data = data[len(line):]
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
