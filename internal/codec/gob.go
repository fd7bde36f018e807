package codec

import (
	"bytes"
	"encoding/gob"
	"reflect"
	"strings"
	"time"
)

// gobCodec is beego's format: the values are one encoding/gob stream of a map[interface{}]interface{}. Reading or changing
// one key decodes all of them.
type gobCodec struct{}

// The types that beego registers, so that its data can be read, and types of the standard library that sessions often
// contain. Registering a type does not change what is written.
func init() {
	for _, v := range [...]any{
		[]any(nil), map[int]any(nil), map[string]any(nil), map[any]any(nil),
		map[string]string(nil), map[int]string(nil), map[int]int(nil), map[int]int64(nil),
		time.Time{},
		time.Duration(0),
	} {
		gob.Register(v)
	}
}

func (gobCodec) ID() byte { return 'g' }

// Seeks implements [Codec].
func (gobCodec) Seeks() bool { return false }

// KeepsTypes implements [Codec].
func (gobCodec) KeepsTypes() bool { return true }

// AppendKey implements [Codec].
func (gobCodec) AppendKey(dst []byte, key any) ([]byte, error) { return AppendKey(dst, key) }

// AppendValue implements [Codec].
func (gobCodec) AppendValue(dst []byte, v any) ([]byte, error) {
	enc, back, err := appendGobValue(dst, v)
	if err != nil || back == nil {
		return enc, err
	}
	// The decoded value is what is later encoded with the other values. If v was a pointer, it is not v.
	if _, err := appendGobStream(nil, back); err != nil {
		return dst, err
	}
	return enc, nil
}

// Value implements [Codec].
func (gobCodec) Value(enc string) (any, error) { return decodeGobValue([]byte(enc)) }

// Get implements [Codec].
func (gobCodec) Get(data string, key []byte) (v any, ok bool, err error) {
	values, err := decodeGobMap(data)
	if err != nil {
		return nil, false, err
	}
	k, err := decodeKey(string(key))
	if err != nil {
		return nil, false, err
	}
	v, ok = values[k]
	return v, ok, nil
}

// Visit implements [Codec]. It calls f in no order.
func (gobCodec) Visit(data string, f func(key, value any) bool) error {
	values, err := decodeGobMap(data)
	for k, v := range values {
		if !f(k, v) {
			break
		}
	}
	return err
}

// Check implements [Codec]. It decodes the values: if one cannot be decoded, no other can be read either.
func (gobCodec) Check(data string) error {
	_, err := decodeGobMap(data)
	return err
}

// Apply implements [Codec].
func (gobCodec) Apply(head int, data string, changes []Change) ([]byte, error) {
	values, err := decodeGobMap(data)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		k, err := decodeKey(string(c.Key))
		if err != nil {
			return nil, err
		}
		if c.Value == nil {
			delete(values, k)
		} else if values[k], err = decodeGobValue(c.Value); err != nil {
			return nil, err
		}
	}
	out := make([]byte, head)
	if len(values) == 0 {
		return out, nil
	}
	return appendGobMap(out, values)
}

// decodeGobMap returns a non-nil map, except with an error.
func decodeGobMap(data string) (map[any]any, error) {
	if len(data) == 0 {
		return map[any]any{}, nil
	}
	return DecodeGob([]byte(data))
}

// EncodeGob encodes values as beego does. All types in it except the basic ones must be registered with [gob.Register].
// Unlike beego's function it registers no types, because after a restart a type that only the writer has registered cannot
// be read. The error wraps [ErrUnencodable] and names the type.
func EncodeGob(obj map[any]any) ([]byte, error) {
	return appendGobMap(nil, obj)
}

// DecodeGob decodes the result of [EncodeGob] or of beego's function. It checks sizes and depths before it decodes
// anything. The error wraps [driver.ErrCorrupt].
func DecodeGob(encoded []byte) (map[any]any, error) {
	checked, err := checkGob(encoded, gobMap)
	if err != nil {
		return nil, err
	}
	var values map[any]any
	if err := decodeChecked(checked, &values); err != nil {
		return nil, err
	}
	return values, nil
}

// EmptyGob is what beego writes for a session without values.
const EmptyGob = "\r\x7f\x04\x01\x02\xff\x80\x00\x01\x10\x01\x10\x00\x00\x04\xff\x80\x00\x00"

// CheckGob reports whether encoded is a whole map as [EncodeGob] or beego's function encodes it. It decodes no value, so it
// does not find out whether all types are registered.
func CheckGob(encoded []byte) error {
	_, err := checkGob(encoded, gobMap)
	return err
}

func appendGobMap(dst []byte, values map[any]any) ([]byte, error) {
	enc, err := appendGob(dst, values, &values)
	if err != nil {
		return dst, err
	}
	if _, err := checkGob(enc[len(dst):], gobMap); err != nil {
		return dst, unencodablef("the values have too many types")
	}
	return enc, nil
}

// appendGobValue appends one value as a stream that contains an interface. The result can be decoded: if decoding a value
// of this type could fail, it was tried, and back is the decoded value.
func appendGobValue(dst []byte, v any) (enc []byte, back any, err error) {
	enc, err = appendGobStream(dst, v)
	if err != nil || v == nil {
		return enc, nil, err
	}
	if t := valueTypes.of(reflect.TypeOf(v)); t != nil && !bytes.Contains(t.enc, []byte{byte(kindAny)}) {
		return enc, nil, nil
	}
	back, err = decodeGobValue(enc[len(dst):])
	if err != nil {
		return dst, nil, unencodablef("encoding/gob cannot decode a value of type %v that it encoded", baseType(v))
	}
	return enc, back, nil
}

// appendGobStream is appendGobValue for callers that try decoding themselves.
func appendGobStream(dst []byte, v any) ([]byte, error) {
	enc, err := appendGob(nil, v, &v)
	if err != nil {
		return dst, err
	}
	checked, err := checkGob(enc, gobAny)
	if err != nil {
		return dst, unencodablef("type %v is made of too many types", baseType(v))
	}
	return append(dst, checked...), nil
}

func decodeGobValue(enc []byte) (v any, err error) {
	checked, err := checkGob(enc, gobAny)
	if err != nil {
		return nil, err
	}
	err = decodeChecked(checked, &v)
	return v, err
}

// appendGob appends the stream of the value that p points to, which is v.
func appendGob(dst []byte, v, p any) (enc []byte, err error) {
	if err := walkGob(v); err != nil {
		return nil, err
	}
	defer func() {
		if recover() != nil { // a method of the value has panicked, and the text of the panic may contain the value
			enc, err = nil, unencodablef("encoding a value of type %v panics", baseType(v))
		}
	}()
	w := appender{dst}
	if err := gob.NewEncoder(&w).Encode(p); err != nil {
		return nil, gobEncodeError(v, err)
	}
	return w.b, nil
}

// An appender appends everything written to it to b.
type appender struct{ b []byte }

func (w *appender) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// gobEncodeError keeps only the types from an error of encoding/gob. The error may come from a method of the value and
// contain the value.
func gobEncodeError(v any, err error) error {
	if t, ok := strings.CutPrefix(err.Error(), "gob: type not registered for interface: "); ok {
		return unencodablef("type %s is not registered: call gob.Register", t)
	}
	if t, ok := strings.CutPrefix(err.Error(), "gob: gob: cannot encode nil pointer of type "); ok {
		return unencodablef("nil pointer of type %s", strings.TrimSuffix(t, " inside interface"))
	}
	return unencodablef("encoding/gob cannot encode a value of type %v", baseType(v))
}

// decodeChecked decodes the result of checkGob.
func decodeChecked(checked []byte, p any) (err error) {
	defer func() {
		if recover() != nil { // because of a key that is not comparable, or in a method of a value
			err = undecodablef("decoding gob panics")
		}
	}()
	err = gob.NewDecoder(bytes.NewReader(checked)).Decode(p)
	if err == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(err.Error(), "gob: name not registered for interface: "); ok {
		return undecodablef("type %.100s is not registered: call gob.Register", name)
	}
	return undecodablef("encoding/gob cannot decode the values")
}

// baseType returns the type of v without its pointers, which encoding/gob ignores.
func baseType(v any) reflect.Type {
	if v == nil {
		return nil
	}
	return pointedTo(reflect.TypeOf(v))
}

// pointedTo follows pointers, at most maxPointers, because a type may be a pointer to itself.
func pointedTo(t reflect.Type) reflect.Type {
	for n := 0; n < maxPointers && t.Kind() == reflect.Pointer; n++ {
		t = t.Elem()
	}
	return t
}
