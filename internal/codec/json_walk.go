package codec

import (
	"encoding"
	"encoding/json"
	"reflect"
	"time"
	"unicode/utf8"
)

// walkJSON returns an error for a value that the json codec refuses: one that encoding/json would change silently, or that
// it must not get. methods says whether methods of the application write part of the encoding. The error wraps
// [ErrUnencodable].
func walkJSON(v any) (methods bool, err error) {
	switch text := v.(type) {
	case nil, bool, int, int64, uint64, float64:
		return false, nil
	case string:
		return false, jsonRules{}.text(stringType, text)
	}
	var rules jsonRules
	w := walk{of: v, rules: &rules}
	err = w.walk(reflect.ValueOf(v), 0)
	return rules.methods, err
}

type jsonRules struct {
	methods bool
}

var (
	stringType     = reflect.TypeFor[string]()
	timeType       = reflect.TypeFor[time.Time]()
	numberType     = reflect.TypeFor[json.Number]()
	jsonMarshaler  = reflect.TypeFor[json.Marshaler]()
	textMarshaler  = reflect.TypeFor[encoding.TextMarshaler]()
	neverMarshaled []reflect.Type
)

// Refuse makes the json codec refuse values that contain a T or a *T. It is for types with a method that encoding/json
// would call but that must not run while a value is encoded. Only init functions may call it.
func Refuse[T any]() { neverMarshaled = append(neverMarshaled, reflect.TypeFor[T]()) }

func (r *jsonRules) opaque(v reflect.Value) (bool, error) {
	t := v.Type()
	switch {
	case t == timeType:
		return true, nil
	case t == numberType: // it may not be a number
		r.methods = true
		return true, nil
	case t.Kind() == reflect.Interface:
		return false, nil // its content may be refused
	case t.Kind() == reflect.Struct && t.NumField() > 0 && !has(jsonMarshaler, v) && !has(textMarshaler, v):
		return false, exportsNothing(t)
	case !has(jsonMarshaler, v) && !has(textMarshaler, v):
		return false, nil
	}
	if err := refused(t, 0); err != nil {
		return true, err
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return true, nil
	}
	if has(jsonMarshaler, v) {
		r.methods = true
		return true, nil
	}
	return true, r.marshaled(v)
}

// has reports whether encoding/json uses a method of v's type.
func has(method reflect.Type, v reflect.Value) bool {
	t := v.Type()
	return t.Implements(method) || v.CanAddr() && reflect.PointerTo(t).Implements(method)
}

// marshaled checks the result of v's MarshalText, because encoding/json replaces invalid UTF-8 in it.
func (r *jsonRules) marshaled(v reflect.Value) error {
	if !v.Type().Implements(textMarshaler) {
		v = v.Addr()
	}
	if !v.CanInterface() { // encoding/json does not call it either
		return nil
	}
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return errJSONValue(v.Type())
	}
	return r.text(v.Type(), string(text))
}

// refused returns an error if t is a refused type, or gets its methods from an embedded refused type.
func refused(t reflect.Type, depth int) error {
	t = pointedTo(t)
	for _, never := range neverMarshaled {
		if t == never {
			return unencodablef("a value of type *%v cannot be stored in a session", t)
		}
	}
	if t.Kind() != reflect.Struct || depth == maxPointers {
		return nil
	}
	for f := range t.Fields() {
		if f.Anonymous {
			if err := refused(f.Type, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// exportsNothing returns an error for a struct type that JSON would always write as {}.
func exportsNothing(t reflect.Type) error {
	for f := range t.Fields() {
		if f.IsExported() || f.Anonymous {
			return nil
		}
	}
	return unencodablef("type %v has no exported fields", t)
}

func (r *jsonRules) skips(f *reflect.StructField) bool {
	return !f.IsExported() && !f.Anonymous || f.Tag.Get("json") == "-"
}

func (jsonRules) text(t reflect.Type, s string) error {
	if !utf8.ValidString(s) {
		return unencodablef("a %v is not UTF-8, which JSON cannot hold", t)
	}
	return nil
}

// isJSON reports whether the output of methods can be decoded again.
func isJSON(enc []byte) bool {
	_, err := jsonCodec{}.Value(string(enc))
	return err == nil && utf8.Valid(enc)
}
