package codec

import (
	"reflect"
	"sync"
)

// A valueType is a type that consists of scalars, slices and maps. Its values are encoded without the name of the type.
type valueType struct {
	rt        reflect.Type
	enc       []byte     // the stored form: the kinds, from the outermost to the innermost
	key, elem *valueType // of a slice or a map
}

func (t *valueType) kind() valueKind { return valueKind(t.enc[0]) }

// min returns the minimum length of an encoded element of the type.
func (t *valueType) min() int {
	if t.elem != nil {
		return 1 // a count
	}
	return scalarKinds[t.kind()].min
}

const (
	// maxTypeLen limits the nesting of types.
	maxTypeLen = 16

	// maxTypes limits how many types stored data can make the program build, because Go never frees one.
	maxTypes = 4096
)

// A typeTable contains the types used so far.
type typeTable struct {
	mu     sync.RWMutex
	byType map[reflect.Type]*valueType // nil for a type that is not a valueType
	byEnc  map[string]*valueType
}

var valueTypes = newTypeTable()

func newTypeTable() *typeTable {
	tt := &typeTable{byType: map[reflect.Type]*valueType{}, byEnc: map[string]*valueType{}}
	for kind, s := range scalarKinds {
		if s.rt != nil {
			tt.add(&valueType{rt: s.rt, enc: []byte{byte(kind)}})
		}
	}
	return tt
}

func (tt *typeTable) add(t *valueType) *valueType {
	tt.byType[t.rt], tt.byEnc[string(t.enc)] = t, t
	return t
}

// of returns nil if rt does not consist of scalars, slices and maps.
func (tt *typeTable) of(rt reflect.Type) *valueType {
	tt.mu.RLock()
	t, ok := tt.byType[rt]
	tt.mu.RUnlock()
	if ok {
		return t
	}
	tt.mu.Lock()
	defer tt.mu.Unlock()
	return tt.make(rt)
}

// make builds the valueType. The caller holds mu.
func (tt *typeTable) make(rt reflect.Type) *valueType {
	if t, ok := tt.byType[rt]; ok {
		return t
	}
	t := &valueType{rt: rt}
	switch {
	case rt.Name() != "": // a named composite type is a different type
	case rt.Kind() == reflect.Slice:
		if t.elem = tt.make(rt.Elem()); t.elem != nil {
			t.enc = append([]byte{byte(kindSlice)}, t.elem.enc...)
		}
	case rt.Kind() == reflect.Map:
		t.key, t.elem = tt.make(rt.Key()), tt.make(rt.Elem())
		if t.key != nil && t.key.kind().isKey() && t.elem != nil {
			t.enc = append([]byte{byte(kindMap), t.key.enc[0]}, t.elem.enc...)
		}
	}
	if t.enc == nil || len(t.enc) > maxTypeLen {
		tt.byType[rt] = nil
		return nil
	}
	return tt.add(t)
}

// typeLen returns the length of the slice or map type at the beginning of b, or 0 if there is none.
func typeLen(b string) int {
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
			return 0 // this is a []byte
		default:
			return n + 1
		}
	}
	return 0
}

// stored returns the type found by typeLen, or nil if data has named too many types.
func (tt *typeTable) stored(enc string) *valueType {
	tt.mu.RLock()
	t := tt.byEnc[enc]
	tt.mu.RUnlock()
	if t != nil {
		return t
	}
	tt.mu.Lock()
	defer tt.mu.Unlock()
	return tt.makeStored(enc)
}

// makeStored builds the type. The caller holds mu.
func (tt *typeTable) makeStored(enc string) *valueType {
	if t := tt.byEnc[enc]; t != nil {
		return t
	}
	if len(tt.byEnc) >= maxTypes {
		return nil
	}
	t := &valueType{enc: []byte(enc)}
	elem := enc[1:]
	if t.kind() == kindMap {
		t.key, elem = tt.byEnc[enc[1:2]], enc[2:]
	}
	if t.elem = tt.makeStored(elem); t.elem == nil {
		return nil
	}
	if t.key != nil {
		t.rt = reflect.MapOf(t.key.rt, t.elem.rt)
	} else {
		t.rt = reflect.SliceOf(t.elem.rt)
	}
	return tt.add(t)
}
