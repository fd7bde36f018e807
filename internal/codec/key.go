package codec

import (
	"reflect"
)

// AppendKey appends the encoding of a key. Equal keys have equal encodings, on every node and in every version, and keys of
// different types are different keys. A key is a bool, a number, a string, a time.Duration, or a named type, array or
// struct of these that is registered with encoding/gob. It is never nil or NaN. Encoding a string does not allocate if dst
// has room. The error wraps [ErrUnencodable].
func AppendKey(dst []byte, key any) ([]byte, error) {
	switch k := key.(type) {
	case string:
		return append(append(dst, byte(kindString)), k...), nil
	case nil:
		return dst, unencodablef("the key is nil")
	case float32:
		key = positive(k)
	case float64:
		key = positive(k)
	case complex64:
		key = complex(positive(real(k)), positive(imag(k)))
	case complex128:
		key = complex(positive(real(k)), positive(imag(k)))
	}
	enc, ok := appendScalar(dst, key)
	if !ok {
		return appendGobKey(dst, key)
	}
	if key != key {
		return dst, unencodablef("the key is NaN, which equals nothing")
	}
	return enc, nil
}

// positive returns f, and zero for negative zero, because equal keys must have equal bits.
func positive[F float32 | float64](f F) F {
	if f == 0 {
		return 0
	}
	return f
}

// decodeKey decodes the result of AppendKey and nothing else: no two encodings give equal keys. The key can be used in a
// map. The error wraps [driver.ErrCorrupt].
func decodeKey(enc string) (any, error) {
	if len(enc) == 0 {
		return nil, corruptf("a key is empty")
	}
	if valueKind(enc[0]) == kindGob {
		return decodeGobKey(enc)
	}
	key, ok := decodeScalar(valueKind(enc[0]), enc[1:])
	if !ok {
		return nil, errKey
	}
	switch key.(type) {
	case float32, float64, complex64, complex128: // only these have more encodings than keys
		if again, err := AppendKey(nil, key); err != nil || string(again) != enc {
			return nil, errKey
		}
	}
	return key, nil
}

var errKey = corruptf("a key is not readable")

// appendGobKey appends a key of a type that is registered with encoding/gob.
func appendGobKey(dst []byte, key any) ([]byte, error) {
	v := reflect.ValueOf(key)
	if !v.Comparable() {
		return dst, unencodablef("key of type %T is not comparable", key)
	}
	if !isPlain(v.Type()) {
		return dst, unencodablef("key of type %T holds more than numbers and strings in exported fields", key)
	}
	if key != key {
		return dst, unencodablef("a key of type %T holds NaN, which equals nothing", key)
	}
	own := reflect.New(v.Type()).Elem()
	own.Set(v)
	makePositive(own)
	enc, err := appendGobStream(append(dst, byte(kindGob)), own.Addr().Interface())
	if err != nil {
		return dst, err
	}
	if again, err := decodeGobValue(enc[len(dst)+1:]); err != nil || again != key {
		return dst, unencodablef("encoding/gob does not give back a key of type %T", key)
	}
	return enc, nil
}

// decodeGobKey decodes the result of appendGobKey and nothing else.
func decodeGobKey(enc string) (any, error) {
	key, err := decodeGobValue([]byte(enc[1:]))
	if err != nil {
		return nil, err
	}
	if again, err := AppendKey(nil, key); err != nil || string(again) != enc {
		return nil, errKey
	}
	return key, nil
}

// isPlain reports whether values of t are equal if their encodings are: t contains no pointer and nothing that gob leaves
// out. Encoding methods of a type are checked by decoding the key again.
func isPlain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return isPlain(t.Elem())
	case reflect.Struct:
		own := hasGobMethods(t)
		for f := range t.Fields() {
			if !isPlain(f.Type) || !f.IsExported() && !own {
				return false
			}
		}
		return true
	}
	return isScalar(t.Kind())
}

// makePositive replaces negative zeros in v.
func makePositive(v reflect.Value) {
	switch {
	case !v.CanSet():
	case v.CanFloat():
		v.SetFloat(positive(v.Float()))
	case v.CanComplex():
		c := v.Complex()
		v.SetComplex(complex(positive(real(c)), positive(imag(c))))
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			makePositive(v.Index(i))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			makePositive(v.Field(i))
		}
	}
}
