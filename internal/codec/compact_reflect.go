package codec

import (
	"encoding/binary"
	"reflect"
	"strings"
	"time"
)

// appendTyped appends a value of a type for which appendAny has no case.
func appendTyped(dst []byte, v any, depth int) ([]byte, error) {
	t := valueTypes.of(reflect.TypeOf(v))
	if t == nil {
		return appendCompactGob(dst, v)
	}
	return t.append(append(dst, t.enc...), reflect.ValueOf(v), depth)
}

// decodeTyped decodes a value of the type encoded as typ.
func decodeTyped(typ string, r *valueReader) any {
	t := valueTypes.stored(typ)
	if t == nil {
		r.fail(corruptf("a value is of a type that is not readable"))
		return nil
	}
	v := reflect.New(t.rt).Elem()
	t.read(r, v)
	return v.Interface()
}

// append appends v, of type t, as an element.
func (t *valueType) append(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	switch t.kind() {
	case kindBool:
		return appendBool(dst, v.Bool()), nil
	case kindInt, kindInt8, kindInt16, kindInt32, kindInt64, kindDuration:
		return binary.AppendVarint(dst, v.Int()), nil
	case kindUint, kindUint8, kindUint16, kindUint32, kindUint64, kindUintptr:
		return binary.AppendUvarint(dst, v.Uint()), nil
	case kindFloat32: // v.Float would change the bits of some NaNs
		return appendFloat32(dst, v.Interface().(float32)), nil
	case kindFloat64:
		return appendFloat64(dst, v.Float()), nil
	case kindComplex64:
		c := v.Interface().(complex64)
		return appendFloat32(appendFloat32(dst, real(c)), imag(c)), nil
	case kindComplex128:
		return appendFloat64(appendFloat64(dst, real(v.Complex())), imag(v.Complex())), nil
	case kindString:
		return appendString(dst, v.String()), nil
	case kindBytes:
		if v.IsNil() {
			return append(dst, 0), nil
		}
		return append(binary.AppendUvarint(dst, uint64(v.Len())+1), v.Bytes()...), nil
	case kindTime:
		return appendTime(dst, v.Interface().(time.Time)), nil
	case kindAny:
		return appendNested(dst, v.Interface(), depth)
	case kindSlice:
		return t.appendSlice(dst, v, depth)
	default:
		return t.appendMap(dst, v, depth)
	}
}

func (t *valueType) appendSlice(dst []byte, v reflect.Value, depth int) (_ []byte, err error) {
	if v.IsNil() {
		return append(dst, 0), nil
	}
	dst = binary.AppendUvarint(dst, uint64(v.Len())+1)
	for i := range v.Len() {
		if dst, err = t.elem.append(dst, v.Index(i), depth); err != nil {
			return dst, err
		}
		if len(dst) > maxValueSize {
			return dst, errValueSize
		}
	}
	return dst, nil
}

func (t *valueType) appendMap(dst []byte, v reflect.Value, depth int) (_ []byte, err error) {
	if v.IsNil() {
		return append(dst, 0), nil
	}
	dst = binary.AppendUvarint(dst, uint64(v.Len())+1)
	entries := make([]mapEntry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		entry := mapEntry{start: len(dst)}
		if dst, err = t.key.appendKey(dst, it.Key(), depth); err != nil {
			return dst, err
		}
		entry.value = len(dst)
		if dst, err = t.elem.append(dst, it.Value(), depth); err != nil {
			return dst, err
		}
		if len(dst) > maxValueSize {
			return dst, errValueSize
		}
		entry.end = len(dst)
		entries = append(entries, entry)
	}
	return sortEntries(dst, entries), nil
}

// AppendKey appends v, of type t, as the key of a map.
func (t *valueType) appendKey(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	switch t.kind() {
	case kindAny:
		return appendNestedKey(dst, v.Interface(), depth)
	case kindFloat32, kindFloat64, kindComplex64, kindComplex128:
		own := reflect.New(t.rt).Elem()
		own.Set(v)
		makePositive(own)
		if !own.Equal(own) {
			return dst, unencodablef("the key of a map is NaN, which equals nothing")
		}
		v = own
	}
	return t.append(dst, v, depth)
}

// read reads an element of type t into v.
func (t *valueType) read(r *valueReader, v reflect.Value) {
	bits := t.rt.Bits
	switch t.kind() {
	case kindBool:
		v.SetBool(r.bool())
	case kindInt, kindInt8, kindInt16, kindInt32, kindInt64, kindDuration:
		v.SetInt(r.signed(bits()))
	case kindUint, kindUint8, kindUint16, kindUint32, kindUint64, kindUintptr:
		v.SetUint(r.unsigned(bits()))
	case kindFloat32:
		v.Set(reflect.ValueOf(r.float32()))
	case kindFloat64:
		v.SetFloat(r.float64())
	case kindComplex64:
		v.Set(reflect.ValueOf(complex(r.float32(), r.float32())))
	case kindComplex128:
		v.SetComplex(complex(r.float64(), r.float64()))
	case kindString:
		v.SetString(r.string())
	case kindBytes:
		v.SetBytes(r.bytes())
	case kindTime:
		v.Set(reflect.ValueOf(r.time()))
	case kindAny:
		if elem := r.any(); elem != nil {
			v.Set(reflect.ValueOf(elem))
		}
	case kindSlice:
		t.readSlice(r, v)
	default:
		t.readMap(r, v)
	}
}

func (t *valueType) readSlice(r *valueReader, v reflect.Value) {
	n, ok := r.count(t.elem.min())
	if !ok {
		return
	}
	v.Set(reflect.MakeSlice(t.rt, n, n))
	for i := range n {
		t.elem.read(r, v.Index(i))
	}
}

func (t *valueType) readMap(r *valueReader, v reflect.Value) {
	n, ok := r.count(t.key.min() + t.elem.min())
	if !ok {
		return
	}
	v.Set(reflect.MakeMapWithSize(t.rt, n))
	key, elem := reflect.New(t.key.rt).Elem(), reflect.New(t.elem.rt).Elem()
	last := ""
	for range n {
		before := r.b
		key.SetZero()
		t.key.readKey(r, key)
		last = r.ascending(last, before)
		elem.SetZero()
		t.elem.read(r, elem)
		if r.err != nil {
			return
		}
		v.SetMapIndex(key, elem)
	}
}

// readKey reads the key of a map, of type t, into v.
func (t *valueType) readKey(r *valueReader, v reflect.Value) {
	switch t.kind() {
	case kindAny:
		if key := r.anyKey(); key != nil {
			v.Set(reflect.ValueOf(key))
		}
	case kindFloat32, kindFloat64, kindComplex64, kindComplex128: // only these types have several encodings of one key
		before := r.b
		t.read(r, v)
		again, err := t.appendKey(nil, v, r.depth)
		if err != nil || !strings.HasPrefix(before, string(again)) {
			r.fail(errValue)
		}
	default:
		t.read(r, v)
	}
}
