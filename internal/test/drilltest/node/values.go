package main

import (
	"encoding/gob"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A kind is a kind of value that a codec supports.
type kind struct {
	name  string
	json  bool // the json codec keeps the type
	value func(n int64) any
}

// An order is a type that the application defines.
type order struct {
	ID    int64
	Lines []string
	At    time.Time
}

var kinds = []kind{
	{"bool", true, func(n int64) any { return n%3 == 0 }},
	{"int", false, func(n int64) any { return int(-n) }},
	{"int8", false, func(n int64) any { return int8(n) }},
	{"int16", false, func(n int64) any { return int16(n) }},
	{"int32", false, func(n int64) any { return int32(n) }},
	{"int64", true, func(n int64) any { return n << 30 }},
	{"uint", false, func(n int64) any { return uint(n) }},
	{"uint8", false, func(n int64) any { return uint8(n) }},
	{"uint16", false, func(n int64) any { return uint16(n) }},
	{"uint32", false, func(n int64) any { return uint32(n) }},
	{"uint64", true, func(n int64) any { return 1<<63 + uint64(n) }},
	{"float32", false, func(n int64) any { return float32(n) / 3 }},
	{"float64", true, func(n int64) any { return float64(n) + 0.1 }},
	{"complex64", false, func(n int64) any { return complex(float32(n), 1) }},
	{"complex128", false, func(n int64) any { return complex(1, float64(n)) }},
	{"duration", false, func(n int64) any { return time.Duration(n) * time.Second }},
	{"string", true, func(n int64) any { return fmt.Sprintf("grün \x00 %d", n) }},
	{"long", true, func(n int64) any { return fmt.Sprint(strings.Repeat("long ", 600), n) }},
	{"bytes", false, func(n int64) any { return []byte{0, 0xff, byte(n)} }},
	{"time", false, func(n int64) any { return time.Unix(n<<20, n).UTC() }},
	{"zone", false, func(n int64) any { return time.Unix(n<<20, n).In(time.FixedZone("", 3600)) }},
	{"ints", false, func(n int64) any { return []int{int(n), -1} }},
	{"strings", false, func(n int64) any { return []string{"", fmt.Sprint(n)} }},
	{"map", false, func(n int64) any { return map[string]int{"n": int(n), "": 0} }},
	{"list", true, func(n int64) any { return []any{n, "n", true, []any{0.5}} }},
	{"object", true, func(n int64) any { return map[string]any{"n": n, "list": []any{"n"}} }},
	{"order", false, func(n int64) any { return order{n, []string{"a", "b"}, time.Unix(n, 0).UTC()} }},
}

func init() {
	for _, k := range kinds {
		gob.Register(k.value(0))
	}
}

// kind returns one of the kinds that the codec supports, chosen by n.
func (a *app) kind(n int64) kind {
	known := kinds
	if a.json {
		known = slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return !k.json })
	}
	return known[n%int64(len(known))]
}

// show returns a text that is the same only for equal values of the same type.
func show(v any) string {
	switch v := v.(type) {
	case time.Time:
		return "time.Time " + v.Format(time.RFC3339Nano)
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = show(v[i])
		}
		return fmt.Sprintf("[]any %q", texts)
	case map[string]any:
		texts := make(map[string]string, len(v))
		for key := range v {
			texts[key] = show(v[key])
		}
		return fmt.Sprintf("map[string]any %q", texts)
	}
	return fmt.Sprintf("%T %v", v, v)
}
