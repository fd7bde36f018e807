package codec

import (
	"encoding"
	"encoding/gob"
	"reflect"
)

const (
	// maxWalkDepth bounds how deep a value given to encoding/gob is nested, where a pointer and an
	// interface count too. It goes round in what contains itself until the stack is full, which no
	// program survives.
	maxWalkDepth = 2 * maxValueDepth

	// maxWalk bounds how many values one is made of: what is reached in many ways is many.
	maxWalk = 1 << 20
)

// walkGob reports what encoding/gob must not be given. The error wraps [ErrUnencodable].
func walkGob(v any) error {
	w := gobWalk{of: v}
	return w.walk(reflect.ValueOf(v), 0)
}

type gobWalk struct {
	of    any
	count int
}

func (w *gobWalk) walk(v reflect.Value, depth int) error {
	if depth > maxWalkDepth {
		return unencodablef("a value of type %v is nested too deeply, or contains itself", baseType(w.of))
	}
	if w.count++; w.count > maxWalk {
		return unencodablef("a value of type %v is too large", baseType(w.of))
	}
	switch v.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return unencodablef("a value of type %v has no content that could be stored", v.Type())
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() || hasGobMethods(v.Type()) {
			return nil
		}
		return w.walk(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		if isScalar(v.Type().Elem().Kind()) || hasGobMethods(v.Type()) {
			return nil
		}
		for i := range v.Len() {
			if err := w.walk(v.Index(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		return w.walkMap(v, depth)
	case reflect.Struct:
		return w.walkStruct(v, depth)
	}
	return nil
}

func (w *gobWalk) walkMap(v reflect.Value, depth int) error {
	if hasGobMethods(v.Type()) {
		return nil
	}
	for it := v.MapRange(); it.Next(); {
		if err := w.walk(it.Key(), depth+1); err != nil {
			return err
		}
		if err := w.walk(it.Value(), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *gobWalk) walkStruct(v reflect.Value, depth int) error {
	if hasGobMethods(v.Type()) {
		return nil
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch f.Type.Kind() { // gob leaves such fields out
		case reflect.Chan, reflect.Func:
			continue
		}
		if !f.IsExported() {
			continue
		}
		if err := w.walk(v.Field(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

var (
	gobEncoder      = reflect.TypeFor[gob.GobEncoder]()
	binaryMarshaler = reflect.TypeFor[encoding.BinaryMarshaler]()
)

// hasGobMethods reports whether values of the type are encoded by a method of their own.
func hasGobMethods(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" && t.Kind() != reflect.Struct {
		return false
	}
	p := reflect.PointerTo(t)
	return p.Implements(gobEncoder) || p.Implements(binaryMarshaler)
}

// isScalar reports whether values of the kind hold no others.
func isScalar(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
}
