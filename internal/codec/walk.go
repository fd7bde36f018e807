package codec

import (
	"encoding"
	"encoding/gob"
	"reflect"
)

const (
	// maxWalkDepth limits the nesting of a value given to an encoder of the standard library. Pointers and interfaces count
	// as levels. For a value that contains itself such an encoder would recurse until the stack is full, which ends the
	// program, or run for a long time.
	maxWalkDepth = 2 * maxValueDepth

	// maxWalk limits how many values a value consists of. A value reached in several ways counts several times.
	maxWalk = 1 << 20
)

// A walk visits everything in a value before an encoder of the standard library does. Its errors wrap [ErrUnencodable].
type walk struct {
	of    any
	rules walkRules
	count int
	size  int // approximate number of bytes that the encoder will write
}

// walkRules are the differences between the encoders.
type walkRules interface {
	// opaque reports whether a method of v's type encodes v, so that its parts do not matter.
	opaque(v reflect.Value) (bool, error)

	// skips reports whether the encoder leaves a field of a struct out.
	skips(f *reflect.StructField) bool

	// text returns an error for a string of type t that the format cannot hold.
	text(t reflect.Type, s string) error
}

func (w *walk) walk(v reflect.Value, depth int) error {
	if depth > maxWalkDepth {
		return unencodablef("a value of type %v is nested too deeply, or contains itself", baseType(w.of))
	}
	if w.count++; w.count > maxWalk {
		return unencodablef("a value of type %v is too large", baseType(w.of))
	}
	if err := w.add(1); err != nil || !v.IsValid() {
		return err
	}
	if opaque, err := w.rules.opaque(v); err != nil {
		return err
	} else if opaque {
		return w.add(ownSize(v))
	}
	switch v.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return unencodablef("a value of type %v has no content that could be stored", v.Type())
	case reflect.String:
		return w.text(v)
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return w.walk(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		return w.elements(v, depth)
	case reflect.Map:
		return w.entries(v, depth)
	case reflect.Struct:
		return w.fields(v, depth)
	}
	return nil
}

// add counts bytes. A value that is referred to several times is also written several times.
func (w *walk) add(n int) error {
	if w.size += n; w.size > maxValueSize {
		return unencodablef("a value of type %v is larger than %d MiB", baseType(w.of), maxValueSize>>20)
	}
	return nil
}

// ownSize estimates the size of a value that has an encoding method.
func ownSize(v reflect.Value) int {
	switch v.Kind() {
	case reflect.String, reflect.Slice:
		return v.Len()
	}
	return 0
}

func (w *walk) text(v reflect.Value) error {
	if err := w.rules.text(v.Type(), v.String()); err != nil {
		return err
	}
	return w.add(v.Len())
}

func (w *walk) elements(v reflect.Value, depth int) error {
	elem := v.Type().Elem()
	switch predeclared := elem.PkgPath() == ""; {
	case predeclared && elem.Kind() == reflect.String:
		for i := range v.Len() {
			if err := w.text(v.Index(i)); err != nil {
				return err
			}
		}
		return w.add(v.Len())
	case predeclared && isScalar(elem.Kind()):
		return w.add(v.Len())
	}
	for i := range v.Len() {
		if err := w.walk(v.Index(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entries(v reflect.Value, depth int) error {
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

func (w *walk) fields(v reflect.Value, depth int) error {
	for i := range v.NumField() {
		if f := v.Type().Field(i); w.rules.skips(&f) {
			continue
		}
		if err := w.walk(v.Field(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// walkGob returns an error for a value that encoding/gob must not get. The error wraps [ErrUnencodable].
func walkGob(v any) error {
	w := walk{of: v, rules: gobRules{}}
	return w.walk(reflect.ValueOf(v), 0)
}

type gobRules struct{}

func (gobRules) opaque(v reflect.Value) (bool, error) { return hasGobMethods(v.Type()), nil }

func (gobRules) skips(f *reflect.StructField) bool {
	return !f.IsExported() || f.Type.Kind() == reflect.Chan || f.Type.Kind() == reflect.Func
}

func (gobRules) text(reflect.Type, string) error { return nil }

var (
	gobEncoder      = reflect.TypeFor[gob.GobEncoder]()
	binaryMarshaler = reflect.TypeFor[encoding.BinaryMarshaler]()
)

// hasGobMethods reports whether a method of the type encodes its values.
func hasGobMethods(t reflect.Type) bool {
	t = pointedTo(t)
	if t.Name() == "" && t.Kind() != reflect.Struct {
		return false
	}
	p := reflect.PointerTo(t)
	return p.Implements(gobEncoder) || p.Implements(binaryMarshaler)
}

// isScalar reports whether values of the kind contain no others.
func isScalar(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
}
