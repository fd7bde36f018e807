package codec

import (
	"encoding"
	"encoding/gob"
	"reflect"
)

const (
	// maxWalkDepth bounds how deep a value given to an encoder of the standard library is nested, where a
	// pointer and an interface count too. Such an encoder goes round in what contains itself until the stack
	// is full, which no program survives, or for long.
	maxWalkDepth = 2 * maxValueDepth

	// maxWalk bounds how many values one is made of: what is reached in many ways is many.
	maxWalk = 1 << 20
)

// A walk looks at all that a value is made of, before an encoder of the standard library does. Its errors wrap
// [ErrUnencodable].
type walk struct {
	of    any
	rules walkRules
	count int
	size  int // about how many bytes the encoder will write
}

// walkRules are what the encoders differ in.
type walkRules interface {
	// opaque reports whether v is encoded by a method of its type, so that what it is made of does not matter.
	opaque(v reflect.Value) (bool, error)

	// skips reports whether a field of a struct is left out.
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

// add counts bytes. What a value refers to many times is written as often.
func (w *walk) add(n int) error {
	if w.size += n; w.size > maxValueSize {
		return unencodablef("a value of type %v is larger than %d MiB", baseType(w.of), maxValueSize>>20)
	}
	return nil
}

// ownSize returns what a value that has a method to be encoded holds itself, so far as that can be told.
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

// walkGob reports what encoding/gob must not be given. The error wraps [ErrUnencodable].
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

// hasGobMethods reports whether values of the type are encoded by a method of their own.
func hasGobMethods(t reflect.Type) bool {
	t = pointedTo(t)
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
