package codec

import (
	"encoding/binary"
	"math"
	"reflect"
	"strconv"
	"time"
)

// A valueKind is the type of the bytes after it. Kinds are stored, so their numbers never change.
type valueKind byte

const (
	kindNil        valueKind = 0
	kindBool       valueKind = 1
	kindInt        valueKind = 2
	kindInt8       valueKind = 3
	kindInt16      valueKind = 4
	kindInt32      valueKind = 5
	kindInt64      valueKind = 6
	kindUint       valueKind = 7
	kindUint8      valueKind = 8
	kindUint16     valueKind = 9
	kindUint32     valueKind = 10
	kindUint64     valueKind = 11
	kindUintptr    valueKind = 12
	kindFloat32    valueKind = 13
	kindFloat64    valueKind = 14
	kindComplex64  valueKind = 15
	kindComplex128 valueKind = 16
	kindDuration   valueKind = 17
	kindString     valueKind = 18
	kindBytes      valueKind = 19 // []byte, not nil unless it is an element
	kindTime       valueKind = 20
	kindAny        valueKind = 21 // only as an element type; each element then has its own kind
	kindSlice      valueKind = 22 // the type of the elements follows
	kindMap        valueKind = 23 // the types of the keys and the elements follow
	kindNilBytes   valueKind = 24 // []byte(nil)
	kindGob        valueKind = 25 // a type registered with encoding/gob
)

// A scalarKind describes a kind that contains no others.
type scalarKind struct {
	rt  reflect.Type
	min int  // the minimum length of an element of a slice or map
	key bool // may be the key type of a map
}

var scalarKinds = [...]scalarKind{
	kindBool:       {reflect.TypeFor[bool](), 1, true},
	kindInt:        {reflect.TypeFor[int](), 1, true},
	kindInt8:       {reflect.TypeFor[int8](), 1, true},
	kindInt16:      {reflect.TypeFor[int16](), 1, true},
	kindInt32:      {reflect.TypeFor[int32](), 1, true},
	kindInt64:      {reflect.TypeFor[int64](), 1, true},
	kindUint:       {reflect.TypeFor[uint](), 1, true},
	kindUint8:      {reflect.TypeFor[uint8](), 1, true},
	kindUint16:     {reflect.TypeFor[uint16](), 1, true},
	kindUint32:     {reflect.TypeFor[uint32](), 1, true},
	kindUint64:     {reflect.TypeFor[uint64](), 1, true},
	kindUintptr:    {reflect.TypeFor[uintptr](), 1, true},
	kindFloat32:    {reflect.TypeFor[float32](), 4, true},
	kindFloat64:    {reflect.TypeFor[float64](), 8, true},
	kindComplex64:  {reflect.TypeFor[complex64](), 8, true},
	kindComplex128: {reflect.TypeFor[complex128](), 16, true},
	kindDuration:   {reflect.TypeFor[time.Duration](), 1, true},
	kindString:     {reflect.TypeFor[string](), 1, true},
	kindBytes:      {reflect.TypeFor[[]byte](), 1, false},
	kindTime:       {reflect.TypeFor[time.Time](), 3, false},
	kindAny:        {reflect.TypeFor[any](), 2, true},
}

// isKey reports whether the type may be the key type of a map.
func (k valueKind) isKey() bool {
	return int(k) < len(scalarKinds) && scalarKinds[k].key
}

// appendScalar appends the kind of v and v, if v is a bool, a number, a string or a time.Duration. Signed integers are
// zigzag varints, unsigned ones are varints, other numbers are big-endian. A string has no length prefix.
func appendScalar(dst []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case string:
		return append(append(dst, byte(kindString)), v...), true
	case bool:
		return appendBool(append(dst, byte(kindBool)), v), true
	case int:
		return binary.AppendVarint(append(dst, byte(kindInt)), int64(v)), true
	case int8:
		return binary.AppendVarint(append(dst, byte(kindInt8)), int64(v)), true
	case int16:
		return binary.AppendVarint(append(dst, byte(kindInt16)), int64(v)), true
	case int32:
		return binary.AppendVarint(append(dst, byte(kindInt32)), int64(v)), true
	case int64:
		return binary.AppendVarint(append(dst, byte(kindInt64)), v), true
	case time.Duration:
		return binary.AppendVarint(append(dst, byte(kindDuration)), int64(v)), true
	case uint:
		return binary.AppendUvarint(append(dst, byte(kindUint)), uint64(v)), true
	case uint8:
		return binary.AppendUvarint(append(dst, byte(kindUint8)), uint64(v)), true
	case uint16:
		return binary.AppendUvarint(append(dst, byte(kindUint16)), uint64(v)), true
	case uint32:
		return binary.AppendUvarint(append(dst, byte(kindUint32)), uint64(v)), true
	case uint64:
		return binary.AppendUvarint(append(dst, byte(kindUint64)), v), true
	case uintptr:
		return binary.AppendUvarint(append(dst, byte(kindUintptr)), uint64(v)), true
	case float32:
		return appendFloat32(append(dst, byte(kindFloat32)), v), true
	case float64:
		return appendFloat64(append(dst, byte(kindFloat64)), v), true
	case complex64:
		return appendFloat32(appendFloat32(append(dst, byte(kindComplex64)), real(v)), imag(v)), true
	case complex128:
		return appendFloat64(appendFloat64(append(dst, byte(kindComplex128)), real(v)), imag(v)), true
	}
	return dst, false
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func appendFloat32(dst []byte, v float32) []byte {
	return binary.BigEndian.AppendUint32(dst, math.Float32bits(v))
}

func appendFloat64(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
}

// appendTime appends the seconds since 1970, the nanoseconds and the zone: 0 for UTC, otherwise the zigzag form of the
// seconds east of UTC, plus one. The name of the zone and the monotonic clock are lost.
func appendTime(dst []byte, t time.Time) []byte {
	dst = binary.AppendVarint(dst, t.Unix())
	dst = binary.AppendUvarint(dst, uint64(t.Nanosecond()))
	if t.Location() == time.UTC {
		return append(dst, 0)
	}
	_, offset := t.Zone()
	return binary.AppendUvarint(dst, uint64(uint32(offset<<1)^uint32(offset>>31))+1)
}

// decodeScalar decodes b, which must contain exactly what appendScalar appends after kind.
func decodeScalar(kind valueKind, b string) (v any, ok bool) {
	r := valueReader{b: b}
	switch kind {
	case kindString:
		return b, true
	case kindBool:
		v = r.bool()
	case kindInt:
		v = int(r.signed(strconv.IntSize))
	case kindInt8:
		v = int8(r.signed(8))
	case kindInt16:
		v = int16(r.signed(16))
	case kindInt32:
		v = int32(r.signed(32))
	case kindInt64:
		v = r.signed(64)
	case kindDuration:
		v = time.Duration(r.signed(64))
	case kindUint:
		v = uint(r.unsigned(strconv.IntSize))
	case kindUint8:
		v = uint8(r.unsigned(8))
	case kindUint16:
		v = uint16(r.unsigned(16))
	case kindUint32:
		v = uint32(r.unsigned(32))
	case kindUint64:
		v = r.unsigned(64)
	case kindUintptr:
		v = uintptr(r.unsigned(strconv.IntSize))
	case kindFloat32:
		v = r.float32()
	case kindFloat64:
		v = r.float64()
	case kindComplex64:
		v = complex(r.float32(), r.float32())
	case kindComplex128:
		v = complex(r.float64(), r.float64())
	default:
		return nil, false
	}
	return v, r.err == nil && len(r.b) == 0
}
