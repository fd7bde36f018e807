package session

import (
	"reflect"
	"slices"
	"sync"
)

// A gobNamed is a registered name and the type that a stream defines for it.
type gobNamed struct {
	name string
	id   int64
}

// checkNamed checks the structs in the stream against the types they are decoded into. A decoder
// prepares one way of reading for all fields of a struct that have the same Go type. If a stream gives two
// of them different types, the second is not read as it was checked.
func (s *gobScan) checkNamed() error {
	checked := map[gobPair]bool{}
	for n := range s.named {
		if !s.hasStruct(n.id, map[int64]bool{}) {
			continue
		}
		t, err := s.registered(n)
		if err != nil {
			return err
		}
		if !s.matches(t, n.id, map[reflect.Type]int64{}, checked) {
			return corruptf("gob of another type than %v", t)
		}
	}
	return nil
}

type gobPair struct {
	t  reflect.Type
	id int64
}

// matches reports whether no Go type stands for two types of the stream among the fields of a struct, for
// any struct reached from t. prepared holds what is known of the struct around t, checked the structs that
// were looked at. A type that does not fit is left to the decoder, which refuses it before reading values.
func (s *gobScan) matches(t reflect.Type, id int64, prepared map[reflect.Type]int64, checked map[gobPair]bool) bool {
	w := s.typ(id)
	if w == nil || w.kind == gobOpaqueType {
		return true
	}
	if other, ok := prepared[t]; ok {
		return other == id
	}
	prepared[t] = id
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch kind := t.Kind(); {
	case w.kind == gobMapType && kind == reflect.Map:
		return s.matches(t.Key(), w.key, prepared, checked) && s.matches(t.Elem(), w.elem, prepared, checked)
	case w.kind == gobSliceType && kind == reflect.Slice, w.kind == gobArrayType && kind == reflect.Array:
		return s.matches(t.Elem(), w.elem, prepared, checked)
	case w.kind == gobStructType && kind == reflect.Struct && !checked[gobPair{t, id}]:
		checked[gobPair{t, id}] = true
		prepared = map[reflect.Type]int64{}
		for _, f := range w.fields {
			if own, ok := t.FieldByName(f.name); ok && !s.matches(own.Type, f.id, prepared, checked) {
				return false
			}
		}
	}
	return true
}

// gobTypes maps the names that types are registered under to the types, so far as they were needed.
var gobTypes sync.Map

// registered returns the type that is registered under a name. Gob tells it only by decoding one: here a
// zero value of the type in the stream.
func (s *gobScan) registered(n gobNamed) (reflect.Type, error) {
	if t, ok := gobTypes.Load(n.name); ok {
		return t.(reflect.Type), nil
	}
	value := s.appendZero(nil, n.id)
	if t := s.typ(n.id); t.kind != gobStructType {
		value = append([]byte{0}, value...)
	}
	zero := appendGobInt(nil, gobInterface)
	zero = append(zero, 0)
	zero = append(appendGobUint(zero, uint64(len(n.name))), n.name...)
	zero = appendGobInt(zero, n.id)
	zero = append(appendGobUint(zero, uint64(len(value))), value...)
	stream := append(appendGobUint(slices.Clip(s.defs), uint64(len(zero))), zero...)
	var v any
	if err := decodeChecked(stream, &v); err != nil {
		return nil, err
	}
	t, _ := gobTypes.LoadOrStore(n.name, reflect.TypeOf(v))
	return t.(reflect.Type), nil
}

// appendZero appends the zero value of a type as an element.
func (s *gobScan) appendZero(dst []byte, id int64) []byte {
	t := s.typ(id)
	if id == gobComplex {
		return append(dst, 0, 0)
	}
	if t == nil || t.kind != gobArrayType {
		return append(dst, 0)
	}
	dst = appendGobUint(dst, t.len)
	for range t.len { // as many as were there in the stream
		dst = s.appendZero(dst, t.elem)
	}
	return dst
}
