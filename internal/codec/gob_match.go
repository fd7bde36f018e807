package codec

import (
	"reflect"
	"slices"
	"sync"
)

const (
	// gobWork is how many fields and types a decoder may look at, besides one for four bytes of the
	// stream, before it decodes values. It looks at a type again for each field that has it.
	gobWork = 8192

	// maxGobTypeDepth bounds how deep definitions of types are nested.
	maxGobTypeDepth = 1000
)

// A gobNamed is a registered name and the type that a stream defines for it.
type gobNamed struct {
	name string
	id   int64
}

// checkNamed checks the types of the values in interfaces: that a decoder is soon ready for them, and
// that it reads them as they were checked. It prepares one way of reading for all fields of a struct that
// have the same Go type; if a stream gives two of them different types, that is wrong for one of them.
func (s *gobScan) checkNamed() error {
	checked := map[gobPair]bool{}
	for n := range s.named {
		structs := map[int64]bool{}
		if s.prepare(n.id, nil, structs, 0); s.bad {
			return corruptf("gob of too many types")
		}
		if len(structs) == 0 {
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

// prepare goes over the types that a decoder goes over to get ready for one: those that a field is made
// of once for each field, those of structs once.
func (s *gobScan) prepare(id int64, seen, structs map[int64]bool, depth int) {
	if s.work--; s.work < 0 || depth > maxGobTypeDepth {
		s.fail()
	}
	t := s.typ(id)
	if s.bad || t == nil || seen[id] || structs[id] {
		return
	}
	if t.kind != gobStructType {
		if seen == nil {
			seen = map[int64]bool{}
		}
		seen[id] = true
		s.prepare(t.key, seen, structs, depth+1)
		s.prepare(t.elem, seen, structs, depth+1)
		return
	}
	structs[id] = true
	for _, f := range t.fields {
		s.prepare(f.id, nil, structs, depth+1)
	}
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
