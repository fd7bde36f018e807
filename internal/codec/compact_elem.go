package codec

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
)

// An elemCodec encodes and decodes the elements of slices and maps of one type. Unlike a top-level value, an encoded
// element contains its length.
type elemCodec[T any] struct {
	kind   valueKind
	append func(dst []byte, v T, depth int) ([]byte, error)
	read   func(r *valueReader) T
}

var (
	stringElem = elemCodec[string]{kindString, func(dst []byte, v string, _ int) ([]byte, error) {
		return appendString(dst, v), nil
	}, (*valueReader).string}
	boolElem = elemCodec[bool]{kindBool, func(dst []byte, v bool, _ int) ([]byte, error) {
		return appendBool(dst, v), nil
	}, (*valueReader).bool}
	intElem = elemCodec[int]{kindInt, func(dst []byte, v int, _ int) ([]byte, error) {
		return binary.AppendVarint(dst, int64(v)), nil
	}, func(r *valueReader) int { return int(r.signed(strconv.IntSize)) }}
	int64Elem = elemCodec[int64]{kindInt64, func(dst []byte, v int64, _ int) ([]byte, error) {
		return binary.AppendVarint(dst, v), nil
	}, func(r *valueReader) int64 { return r.signed(64) }}
	float64Elem = elemCodec[float64]{kindFloat64, func(dst []byte, v float64, _ int) ([]byte, error) {
		return appendFloat64(dst, v), nil
	}, (*valueReader).float64}
	anyKey = elemCodec[any]{kindAny, appendNestedKey, (*valueReader).anyKey}

	anyElem elemCodec[any] // set by init, to break an initialization cycle: its values contain others
)

func init() {
	anyElem = elemCodec[any]{kindAny, appendNested, (*valueReader).any}
}

func appendString(dst []byte, v string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}

// appendNested appends a value nested at depth, preceded by its length.
func appendNested(dst []byte, v any, depth int) ([]byte, error) {
	if depth == maxValueDepth {
		return dst, unencodablef("a %T is nested in more than %d others", v, maxValueDepth)
	}
	start := len(dst)
	dst, err := appendAny(append(dst, 0), v, depth+1)
	if err != nil {
		return dst, err
	}
	return insertLength(dst, start), nil
}

// insertLength stores the length of everything after start in the byte at start, which was kept free for it.
func insertLength(dst []byte, start int) []byte {
	n := len(dst) - start - 1
	if n < 0x80 {
		dst[start] = byte(n)
		return dst
	}
	var length [binary.MaxVarintLen64]byte
	return slices.Replace(dst, start, start+1, length[:binary.PutUvarint(length[:], uint64(n))]...)
}

// any reads the result of appendNested.
func (r *valueReader) any() any {
	enc := r.next(r.uvarint())
	if r.depth == maxValueDepth {
		r.fail(errValue)
	}
	if r.err != nil {
		return nil
	}
	v, err := decodeAny(enc, r.depth+1)
	if err != nil {
		r.fail(err)
	}
	return v
}

// appendNestedKey appends the key of a map, preceded by its length. Unlike a session's key, it can be nil.
func appendNestedKey(dst []byte, key any, _ int) ([]byte, error) {
	if key == nil {
		return append(dst, 1, byte(kindNil)), nil
	}
	start := len(dst)
	dst, err := AppendKey(append(dst, 0), key)
	if err != nil {
		return dst, err
	}
	return insertLength(dst, start), nil
}

// anyKey reads the result of appendNestedKey.
func (r *valueReader) anyKey() any {
	enc := r.next(r.uvarint())
	if len(enc) == 1 && valueKind(enc[0]) == kindNil {
		return nil
	}
	key, err := decodeKey(enc)
	if err != nil {
		r.fail(err)
	}
	return key
}

// appendSlice appends the type of s, its length plus one, or 0 for nil, and its elements.
func appendSlice[T any](dst []byte, s []T, e elemCodec[T], depth int) (_ []byte, err error) {
	dst = append(dst, byte(kindSlice), byte(e.kind))
	if s == nil {
		return append(dst, 0), nil
	}
	dst = binary.AppendUvarint(dst, uint64(len(s))+1)
	for _, v := range s {
		if dst, err = e.append(dst, v, depth); err != nil {
			return dst, err
		}
		if len(dst) > maxValueSize {
			return dst, errValueSize
		}
	}
	return dst, nil
}

func readSlice[T any](r *valueReader, e elemCodec[T]) []T {
	n, ok := r.count(scalarKinds[e.kind].min)
	if !ok {
		return nil
	}
	s := make([]T, n)
	for i := range s {
		s[i] = e.read(r)
	}
	return s
}

// appendMap appends the type of m, its length plus one, or 0 for nil, and its entries in the order of their keys' bytes, so
// that equal maps have equal encodings.
func appendMap[K comparable, V any](dst []byte, m map[K]V, k elemCodec[K], v elemCodec[V], depth int) (_ []byte, err error) {
	dst = append(dst, byte(kindMap), byte(k.kind), byte(v.kind))
	if m == nil {
		return append(dst, 0), nil
	}
	dst = binary.AppendUvarint(dst, uint64(len(m))+1)
	var few [8]mapEntry
	entries := few[:0]
	for key, value := range m {
		entry := mapEntry{start: len(dst)}
		if dst, err = k.append(dst, key, depth); err != nil {
			return dst, err
		}
		entry.value = len(dst)
		if dst, err = v.append(dst, value, depth); err != nil {
			return dst, err
		}
		if len(dst) > maxValueSize {
			return dst, errValueSize
		}
		entry.end = len(dst)
		entries = append(entries, entry)
	}
	return sortEntries(dst, entries), nil
}

// A mapEntry contains the offsets of a map entry's start, of its value's start and of its end.
type mapEntry struct{ start, value, end int }

// sortEntries sorts the entries at the end of dst.
func sortEntries(dst []byte, entries []mapEntry) []byte {
	order := func(a, b mapEntry) int {
		return bytes.Compare(dst[a.start:a.value], dst[b.start:b.value])
	}
	if len(entries) == 0 || slices.IsSortedFunc(entries, order) {
		return dst
	}
	first, end := entries[0].start, len(dst)
	slices.SortFunc(entries, order)
	for _, e := range entries {
		dst = append(dst, dst[e.start:e.end]...)
	}
	copy(dst[first:], dst[end:])
	return dst[:end]
}

func readMap[K comparable, V any](r *valueReader, k elemCodec[K], v elemCodec[V]) map[K]V {
	n, ok := r.count(scalarKinds[k.kind].min + scalarKinds[v.kind].min)
	if !ok {
		return nil
	}
	m := make(map[K]V, n)
	last := ""
	for range n {
		before := r.b
		key := k.read(r)
		if last = r.ascending(last, before); r.err != nil {
			break
		}
		m[key] = v.read(r)
	}
	return m
}

// ascending checks that the map key that was just read from before is greater than last, and returns it.
func (r *valueReader) ascending(last, before string) string {
	key := before[:len(before)-len(r.b)]
	if last >= key && last != "" {
		r.fail(errValue)
	}
	return key
}
