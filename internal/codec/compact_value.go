package codec

import "time"

const (
	// maxValueDepth is the maximum nesting depth of values. A value that contains itself exceeds it.
	maxValueDepth = 64

	// maxValueSize is far above every limit of a record. It keeps a value that contains another twice, which again
	// contains another twice, and so on, from taking all memory before the limit of the record is checked.
	maxValueSize = 64 << 20
)

var errValueSize = unencodablef("a value is larger than %d MiB", maxValueSize>>20)

// AppendValue implements [Codec]. Equal values have equal encodings, except values of types registered with encoding/gob
// that contain maps.
func (compact) AppendValue(dst []byte, v any) ([]byte, error) {
	enc, err := appendAny(dst, v, 0)
	if err != nil {
		return dst, err
	}
	return enc, nil
}

// appendAny appends the type of v and v, without a length.
func appendAny(dst []byte, v any, depth int) ([]byte, error) {
	if enc, ok := appendScalar(dst, v); ok {
		return enc, nil
	}
	switch v := v.(type) {
	case nil:
		return append(dst, byte(kindNil)), nil
	case time.Time:
		return appendTime(append(dst, byte(kindTime)), v), nil
	case []byte:
		if v == nil {
			return append(dst, byte(kindNilBytes)), nil
		}
		return append(append(dst, byte(kindBytes)), v...), nil
	case []any:
		return appendSlice(dst, v, anyElem, depth)
	case []string:
		return appendSlice(dst, v, stringElem, depth)
	case []bool:
		return appendSlice(dst, v, boolElem, depth)
	case []int:
		return appendSlice(dst, v, intElem, depth)
	case []int64:
		return appendSlice(dst, v, int64Elem, depth)
	case []float64:
		return appendSlice(dst, v, float64Elem, depth)
	case map[string]any:
		return appendMap(dst, v, stringElem, anyElem, depth)
	case map[string]string:
		return appendMap(dst, v, stringElem, stringElem, depth)
	case map[string]bool:
		return appendMap(dst, v, stringElem, boolElem, depth)
	case map[string]int:
		return appendMap(dst, v, stringElem, intElem, depth)
	case map[string]int64:
		return appendMap(dst, v, stringElem, int64Elem, depth)
	case map[string]float64:
		return appendMap(dst, v, stringElem, float64Elem, depth)
	case map[int]any:
		return appendMap(dst, v, intElem, anyElem, depth)
	case map[int]string:
		return appendMap(dst, v, intElem, stringElem, depth)
	case map[int]int:
		return appendMap(dst, v, intElem, intElem, depth)
	case map[int]int64:
		return appendMap(dst, v, intElem, int64Elem, depth)
	case map[any]any:
		return appendMap(dst, v, anyKey, anyElem, depth)
	}
	return appendTyped(dst, v, depth)
}

// Value implements [Codec].
func (compact) Value(enc string) (any, error) {
	return decodeAny(enc, 0)
}

// decodeAny decodes enc, which must be exactly the result of appendAny.
func decodeAny(enc string, depth int) (any, error) {
	if len(enc) == 0 {
		return nil, errValue
	}
	kind, b := valueKind(enc[0]), enc[1:]
	switch kind {
	case kindBytes:
		return []byte(b), nil
	case kindGob:
		return decodeCompactGob(b)
	case kindSlice, kindMap:
		return decodeComposite(enc, depth)
	case kindTime:
		r := valueReader{b: b}
		t := r.time()
		if r.err != nil || len(r.b) > 0 {
			return nil, errValue
		}
		return t, nil
	case kindNil, kindNilBytes:
		if len(b) > 0 {
			return nil, errValue
		}
		if kind == kindNil {
			return nil, nil
		}
		return []byte(nil), nil
	}
	if v, ok := decodeScalar(kind, b); ok {
		return v, nil
	}
	return nil, errValue
}

// decodeComposite decodes a slice or a map. The worst ratio of memory to encoded bytes is that of a slice of maps with one
// entry each: about 150.
func decodeComposite(enc string, depth int) (any, error) {
	n := typeLen(enc)
	if n == 0 {
		return nil, errValue
	}
	if enc[:n] == stringsType {
		r := valueReader{b: enc[n:]}
		s := r.strings()
		if r.err != nil || len(r.b) > 0 {
			return nil, errValue
		}
		return s, nil
	}
	r := &valueReader{b: enc[n:], depth: depth}
	v, known := decodeCommon(enc[:n], r)
	if !known {
		v = decodeTyped(enc[:n], r)
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail(errValue)
	}
	if r.err != nil {
		return nil, r.err
	}
	return v, nil
}

// stringsType is the type of a []string. It is decoded without the functions of an elemCodec, for which the reader would
// have to be allocated.
const stringsType = string(rune(kindSlice)) + string(rune(kindString))

// decodeCommon decodes the types for which appendAny has a case.
func decodeCommon(typ string, r *valueReader) (v any, known bool) {
	switch {
	case len(typ) == 2: // a slice of scalars
		return decodeCommonSlice(valueKind(typ[1]), r)
	case len(typ) == 3 && valueKind(typ[0]) == kindMap:
		switch elem := valueKind(typ[2]); valueKind(typ[1]) {
		case kindString:
			return decodeStringMap(elem, r)
		case kindInt:
			return decodeIntMap(elem, r)
		case kindAny:
			if elem == kindAny {
				return readMap(r, anyKey, anyElem), true
			}
		}
	}
	return nil, false
}

func decodeCommonSlice(elem valueKind, r *valueReader) (v any, known bool) {
	switch elem {
	case kindAny:
		return readSlice(r, anyElem), true
	case kindBool:
		return readSlice(r, boolElem), true
	case kindInt:
		return readSlice(r, intElem), true
	case kindInt64:
		return readSlice(r, int64Elem), true
	case kindFloat64:
		return readSlice(r, float64Elem), true
	}
	return nil, false
}

func decodeStringMap(elem valueKind, r *valueReader) (v any, known bool) {
	switch elem {
	case kindAny:
		return readMap(r, stringElem, anyElem), true
	case kindString:
		return readMap(r, stringElem, stringElem), true
	case kindBool:
		return readMap(r, stringElem, boolElem), true
	case kindInt:
		return readMap(r, stringElem, intElem), true
	case kindInt64:
		return readMap(r, stringElem, int64Elem), true
	case kindFloat64:
		return readMap(r, stringElem, float64Elem), true
	}
	return nil, false
}

func decodeIntMap(elem valueKind, r *valueReader) (v any, known bool) {
	switch elem {
	case kindAny:
		return readMap(r, intElem, anyElem), true
	case kindString:
		return readMap(r, intElem, stringElem), true
	case kindInt:
		return readMap(r, intElem, intElem), true
	case kindInt64:
		return readMap(r, intElem, int64Elem), true
	}
	return nil, false
}
