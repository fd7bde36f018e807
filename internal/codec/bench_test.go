package codec

import (
	"bytes"
	"testing"
	"time"
)

// What most sessions hold: an id, a name, a list of roles, a token and a time.
var benchValues = []struct {
	key   any
	value any
}{
	{"user_id", int64(1234567)},
	{"name", "Grace Hopper"},
	{"roles", []string{"admin", "editor", "viewer"}},
	{"csrf", bytes.Repeat([]byte{0xa5}, 32)},
	{"login", time.Date(2025, 11, 21, 20, 5, 7, 123456789, time.UTC)},
}

// benchChanges encodes all values, into buf if there is room.
func benchChanges(b *testing.B, c Codec, changes []Change, buf []byte) []Change {
	var err error
	for _, v := range benchValues {
		var change Change
		start := len(buf)
		if buf, err = AppendKey(buf, v.key); err != nil {
			b.Fatal(err)
		}
		change.Key, start = buf[start:len(buf):len(buf)], len(buf)
		if buf, err = c.AppendValue(buf, v.value); err != nil {
			b.Fatal(err)
		}
		change.Value = buf[start:len(buf):len(buf)]
		changes = append(changes, change)
	}
	return changes
}

func benchData(b *testing.B, c Codec) []byte {
	data, err := c.Apply(0, "", benchChanges(b, c, nil, nil))
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func BenchmarkCompactEncode(b *testing.B) { benchmarkEncode(b, compact{}) }
func BenchmarkGobEncode(b *testing.B)     { benchmarkEncode(b, gobCodec{}) }
func BenchmarkCompactDecode(b *testing.B) { benchmarkDecode(b, compact{}) }
func BenchmarkGobDecode(b *testing.B)     { benchmarkDecode(b, gobCodec{}) }
func BenchmarkCompactGet(b *testing.B)    { benchmarkGet(b, compact{}) }
func BenchmarkGobGet(b *testing.B)        { benchmarkGet(b, gobCodec{}) }
func BenchmarkCompactApply(b *testing.B)  { benchmarkApply(b, compact{}) }
func BenchmarkGobApply(b *testing.B)      { benchmarkApply(b, gobCodec{}) }
func BenchmarkCompactCheck(b *testing.B)  { benchmarkCheck(b, compact{}) }
func BenchmarkGobCheck(b *testing.B)      { benchmarkCheck(b, gobCodec{}) }

// benchmarkEncode measures the making of a session's data from its values.
func benchmarkEncode(b *testing.B, c Codec) {
	changes := make([]Change, 0, len(benchValues))
	buf := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		data, err := c.Apply(0, "", benchChanges(b, c, changes, buf))
		if err != nil {
			b.Fatal(err)
		}
		size = len(data)
	}
	b.ReportMetric(float64(size), "bytes")
}

// BenchmarkGobEncodeMap measures encoding/gob alone, for the values that the others encode one by one.
func BenchmarkGobEncodeMap(b *testing.B) {
	values := map[any]any{}
	for _, v := range benchValues {
		values[v.key] = v.value
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := EncodeGob(values); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarkDecode measures the making of a map of all values.
func benchmarkDecode(b *testing.B, c Codec) {
	data := benchData(b, c)
	b.ReportAllocs()
	for b.Loop() {
		values := make(map[any]any, len(benchValues))
		err := c.Visit(string(data), func(key, value any) bool {
			values[key] = value
			return true
		})
		if err != nil || len(values) != len(benchValues) {
			b.Fatal(len(values), err)
		}
	}
}

// benchmarkGet measures the reading of one string.
func benchmarkGet(b *testing.B, c Codec) {
	data := benchData(b, c)
	var key any = "name"
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		enc, _ := AppendKey(buf, key)
		if v, ok, err := c.Get(string(data), enc); err != nil || !ok || v != "Grace Hopper" {
			b.Fatal(v, ok, err)
		}
	}
}

// benchmarkApply measures the replacing of one value.
func benchmarkApply(b *testing.B, c Codec) {
	data := benchData(b, c)
	key, _ := AppendKey(nil, "name")
	value, _ := c.AppendValue(nil, "Rear Admiral Grace Hopper")
	changes := make([]Change, 1)
	b.ReportAllocs()
	for b.Loop() {
		changes[0] = Change{Key: key, Value: value}
		if _, err := c.Apply(0, string(data), changes); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkCheck(b *testing.B, c Codec) {
	data := benchData(b, c)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Check(string(data)); err != nil {
			b.Fatal(err)
		}
	}
}
