package session

import (
	"reflect"
	"sync"
)

// A valueType is a type made of scalars, slices and maps alone: those whose values are encoded without a
// name for the type.
type valueType struct {
	rt        reflect.Type
	enc       []byte     // as it is stored: the kinds, from the outside in
	key, elem *valueType // of a slice or a map
}

func (t *valueType) kind() valueKind { return valueKind(t.enc[0]) }

// min is the fewest bytes that an element of the type takes.
func (t *valueType) min() int {
	if t.elem != nil {
		return 1 // a count
	}
	return scalarKinds[t.kind()].min
}

const (
	// maxTypeLen bounds how deep types are nested.
	maxTypeLen = 16

	// maxTypes bounds how many types stored data can make the program build: it never forgets one.
	maxTypes = 4096
)

// valueTypes are the types met so far.
var valueTypes = struct {
	mu     sync.RWMutex
	byType map[reflect.Type]*valueType // nil for a type that has no such form
	byEnc  map[string]*valueType
}{byType: map[reflect.Type]*valueType{}, byEnc: map[string]*valueType{}}

func init() {
	for kind, s := range scalarKinds {
		if s.rt != nil {
			addType(&valueType{rt: s.rt, enc: []byte{byte(kind)}})
		}
	}
}

// addType is called with valueTypes locked, or before anyone else runs.
func addType(t *valueType) *valueType {
	valueTypes.byType[t.rt], valueTypes.byEnc[string(t.enc)] = t, t
	return t
}

// typeOf returns nil if values of rt are not slices or maps made of scalars.
func typeOf(rt reflect.Type) *valueType {
	valueTypes.mu.RLock()
	t, ok := valueTypes.byType[rt]
	valueTypes.mu.RUnlock()
	if ok {
		return t
	}
	valueTypes.mu.Lock()
	defer valueTypes.mu.Unlock()
	return newTypeOf(rt)
}

func newTypeOf(rt reflect.Type) *valueType {
	if t, ok := valueTypes.byType[rt]; ok {
		return t
	}
	t := &valueType{rt: rt}
	switch {
	case rt.Name() != "":
		t = nil
	case rt.Kind() == reflect.Slice:
		if t.elem = newTypeOf(rt.Elem()); t.elem != nil {
			t.enc = append([]byte{byte(kindSlice)}, t.elem.enc...)
		}
	case rt.Kind() == reflect.Map:
		t.key, t.elem = newTypeOf(rt.Key()), newTypeOf(rt.Elem())
		if t.key != nil && t.key.kind().isKey() && t.elem != nil {
			t.enc = append([]byte{byte(kindMap), t.key.enc[0]}, t.elem.enc...)
		}
	}
	if t == nil || t.enc == nil || len(t.enc) > maxTypeLen {
		valueTypes.byType[rt] = nil
		return nil
	}
	return addType(t)
}

// typeLen returns how many bytes at the front of b are the type of a slice or a map, 0 if they are not.
func typeLen(b []byte) int {
	for n := 0; n < len(b) && n < maxTypeLen; n++ {
		switch kind := valueKind(b[n]); {
		case kind == kindSlice:
		case kind == kindMap:
			if n++; n == len(b) || !valueKind(b[n]).isKey() {
				return 0
			}
		case n == 0 || int(kind) >= len(scalarKinds) || scalarKinds[kind].rt == nil:
			return 0
		case kind == kindUint8 && valueKind(b[n-1]) == kindSlice:
			return 0 // that is a []byte
		default:
			return n + 1
		}
	}
	return 0
}

// storedType finds the type that typeLen found, nil if data has named too many.
func storedType(enc []byte) *valueType {
	valueTypes.mu.RLock()
	t := valueTypes.byEnc[string(enc)]
	valueTypes.mu.RUnlock()
	if t != nil {
		return t
	}
	valueTypes.mu.Lock()
	defer valueTypes.mu.Unlock()
	return newStoredType(enc)
}

func newStoredType(enc []byte) *valueType {
	if t := valueTypes.byEnc[string(enc)]; t != nil {
		return t
	}
	if len(valueTypes.byEnc) >= maxTypes {
		return nil
	}
	t := &valueType{enc: append([]byte(nil), enc...)}
	if t.kind() == kindSlice {
		if t.elem = newStoredType(enc[1:]); t.elem == nil {
			return nil
		}
		t.rt = reflect.SliceOf(t.elem.rt)
		return addType(t)
	}
	if t.elem = newStoredType(enc[2:]); t.elem == nil {
		return nil
	}
	t.key = newStoredType(enc[1:2])
	t.rt = reflect.MapOf(t.key.rt, t.elem.rt)
	return addType(t)
}
