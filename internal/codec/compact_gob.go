package codec

import "reflect"

// appendCompactGob appends a value of a type registered with encoding/gob. Gob does not distinguish a pointer from the
// value it points to, so the number of pointers comes first.
func appendCompactGob(dst []byte, v any) ([]byte, error) {
	n := pointers(reflect.TypeOf(v))
	if n > maxPointers {
		return dst, unencodablef("type %T has more than %d pointers", v, maxPointers)
	}
	if n == 0 { // the encoding methods may be on the pointer type
		p := reflect.New(reflect.TypeOf(v))
		p.Elem().Set(reflect.ValueOf(v))
		v = p.Interface()
	}
	enc, _, err := appendGobValue(append(dst, byte(kindGob), byte(n)), v)
	return enc, err
}

const maxPointers = 8

func pointers(t reflect.Type) (n int) {
	for ; t.Kind() == reflect.Pointer && n <= maxPointers; t = t.Elem() {
		n++
	}
	return n
}

// decodeCompactGob decodes the bytes after kindGob.
func decodeCompactGob(b string) (any, error) {
	if len(b) == 0 || b[0] > maxPointers {
		return nil, errValue
	}
	v, err := decodeGobValue([]byte(b[1:]))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, errValue
	}
	rv := reflect.ValueOf(v)
	for n := pointers(rv.Type()); n != int(b[0]); {
		if n < int(b[0]) {
			p := reflect.New(rv.Type())
			p.Elem().Set(rv)
			rv = p
			n++
			continue
		}
		if rv.IsNil() {
			return nil, errValue
		}
		rv = rv.Elem()
		n--
	}
	return rv.Interface(), nil
}
