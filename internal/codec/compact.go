package codec

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// compact is the default format. Its data is a byte that says which version of the format it is, and
// entries in ascending order of their keys' bytes:
//
//	uvarint  length of the key
//	         the key, as AppendKey made it
//	uvarint  length of the value
//	         the value, as AppendValue made it
//
// So one key is read without decoding the others, and changed without encoding the others. All integers take
// their shortest form, so that there is one encoding for equal values.
type compact struct{}

// compactVersion is the version that is written, and so far the only one.
const compactVersion = 1

var errCompact = corruptf("the values are not readable")

func (compact) ID() byte { return 'c' }

// Seeks implements [Codec].
func (compact) Seeks() bool { return true }

// KeepsTypes implements [Codec].
func (compact) KeepsTypes() bool { return true }

// AppendKey implements [Codec].
func (compact) AppendKey(dst []byte, key any) ([]byte, error) { return AppendKey(dst, key) }

// entriesOf returns data without its version.
func entriesOf(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if data[0] != compactVersion {
		return nil, corruptf("compact format version %d is not known", data[0])
	}
	return data[1:], nil
}

// nextEntry takes the first entry off b, which is not empty.
func nextEntry(b []byte) (key, value, rest []byte, ok bool) {
	key, b, ok = nextField(b)
	if !ok || len(key) == 0 {
		return nil, nil, nil, false
	}
	value, b, ok = nextField(b)
	if !ok || len(value) == 0 {
		return nil, nil, nil, false
	}
	return key, value, b, true
}

func nextField(b []byte) (field, rest []byte, ok bool) {
	var n uint64
	switch {
	case len(b) == 0:
		return nil, nil, false
	case b[0] < 0x80:
		n, b = uint64(b[0]), b[1:]
	default:
		x, size := uvarint(b)
		if size == 0 {
			return nil, nil, false
		}
		n, b = x, b[size:]
	}
	if n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// Get implements [Codec].
func (compact) Get(data, key []byte) (v any, ok bool, err error) {
	b, err := entriesOf(data)
	for len(b) > 0 {
		k, value, rest, ok := nextEntry(b)
		if !ok {
			return nil, false, errCompact
		}
		switch order := bytes.Compare(k, key); {
		case order == 0:
			v, err := decodeAny(value, 0)
			return v, err == nil, err
		case order > 0:
			return nil, false, nil
		}
		b = rest
	}
	return nil, false, err
}

// Check implements [Codec]. It takes no allocation.
func (compact) Check(data []byte) error {
	_, err := checkEntries(data)
	return err
}

// checkEntries also returns how long the keys that are strings are together.
func checkEntries(data []byte) (names int, err error) {
	b, err := entriesOf(data)
	var last []byte
	for len(b) > 0 {
		key, _, rest, ok := nextEntry(b)
		if !ok || bytes.Compare(last, key) >= 0 {
			return 0, errCompact
		}
		if valueKind(key[0]) == kindString {
			names += len(key) - 1
		}
		last, b = key, rest
	}
	return names, err
}

// Visit implements [Codec]. It calls f in the order of the keys' bytes, and never if data is malformed.
func (compact) Visit(data []byte, f func(key, value any) bool) error {
	size, err := checkEntries(data)
	if err != nil {
		return err
	}
	var names strings.Builder // one allocation for all keys that are strings: they are parts of it
	names.Grow(size)
	b, _ := entriesOf(data)
	for len(b) > 0 {
		enc, value, rest, _ := nextEntry(b)
		var key any
		if valueKind(enc[0]) == kindString {
			start := names.Len()
			names.Write(enc[1:])
			key = names.String()[start:]
		} else if key, err = decodeKey(enc); err != nil {
			return err
		}
		v, err := decodeAny(value, 0)
		if err != nil {
			return err
		}
		if !f(key, v) {
			return nil
		}
		b = rest
	}
	return nil
}

// Apply implements [Codec]. Entries that do not change are copied as bytes. Those after the last change
// are not looked at.
func (compact) Apply(head int, data []byte, changes []Change) ([]byte, error) {
	b, err := entriesOf(data)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(changes, func(a, b Change) int { return bytes.Compare(a.Key, b.Key) })
	var few [16]splice
	splices, size, err := findSplices(few[:0], b, changes)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		return make([]byte, head), nil
	}
	out := make([]byte, head, head+1+size)
	out = append(out, compactVersion)
	done := 0
	for i, s := range splices {
		out = append(out, b[done:s.start]...)
		if c := changes[i]; c.Value != nil {
			out = binary.AppendUvarint(out, uint64(len(c.Key)))
			out = append(out, c.Key...)
			out = binary.AppendUvarint(out, uint64(len(c.Value)))
			out = append(out, c.Value...)
		}
		done = s.end
	}
	return append(out, b[done:]...), nil
}

// A splice says which bytes of the entries a change replaces. There are none if the key is new.
type splice struct{ start, end int }

// findSplices appends to dst the splices for the changes, which are sorted. It also returns the size of
// the entries with the changes made.
func findSplices(dst []splice, entries []byte, changes []Change) (_ []splice, size int, err error) {
	size = len(entries)
	for rest := entries; len(dst) < len(changes); {
		c := changes[len(dst)]
		at := len(entries) - len(rest)
		s := splice{at, at}
		if len(rest) > 0 {
			key, _, next, ok := nextEntry(rest)
			if !ok {
				return nil, 0, errCompact
			}
			order := bytes.Compare(key, c.Key)
			if order <= 0 {
				rest = next
			}
			if order < 0 {
				continue
			}
			if order == 0 {
				s.end = len(entries) - len(next)
			}
		}
		size -= s.end - s.start
		if c.Value != nil {
			size += fieldSize(c.Key) + fieldSize(c.Value)
		}
		dst = append(dst, s)
	}
	return dst, size, nil
}

// fieldSize is how many bytes b takes behind its length.
func fieldSize(b []byte) int {
	return (bits.Len(uint(len(b))|1)+6)/7 + len(b)
}
