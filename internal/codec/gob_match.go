package codec

import (
	"reflect"
	"slices"
	"sync"
)

const (
	// gobWork limits how many fields and types a decoder may visit before it decodes values, in addition to one for every
	// four bytes of the stream. It visits a type again for each field of that type.
	gobWork = 8192

	// maxGobTypeDepth limits the nesting of type definitions.
	maxGobTypeDepth = 1000
)

// A gobNamed is a registered name and the type that a stream defines for it.
type gobNamed struct {
	name string
	id   int64
}

// checkNamed checks the types of the values in interfaces: a decoder must not need much work to prepare for them, and must
// read them as they were checked. A decoder prepares one way of reading for all fields of a struct that have the same Go
// type. If a stream gives two of them different types, that way is wrong for one of them.
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

// prepare visits the types that a decoder visits to prepare for one: the types inside a field once for each field, those
// inside structs once.
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

// matches reports whether, for each struct reached from t, no Go type corresponds to two types of the stream. prepared
// contains what is known of the struct around t, and checked the structs that were visited. If a type does not fit, the
// decoder refuses it before it reads values.
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

// gobTypes maps the registered names that were needed so far to their types.
var gobTypes sync.Map

// registered returns the type registered under a name. Gob reveals it only when it decodes one, so registered decodes a
// zero value of the stream's type.
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
	for range t.len { // as many as in the stream
		dst = s.appendZero(dst, t.elem)
	}
	return dst
}
