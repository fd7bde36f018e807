package codec

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// compact is the default format, this library's own. The data is a byte with the version of the format, and then entries in
// ascending order of their keys' bytes:
//
//	uvarint  length of the key
//	         the key, as AppendKey made it
//	uvarint  length of the value
//	         the value, as AppendValue made it
//
// So one key can be read without decoding the others, and changed without encoding the others. All integers have their
// shortest form, so equal values have one encoding.
type compact struct{}

// compactVersion is the version that is written. It is the only one so far.
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
func entriesOf(data string) (string, error) {
	if len(data) == 0 {
		return "", nil
	}
	if data[0] != compactVersion {
		return "", corruptf("compact format version %d is not known", data[0])
	}
	return data[1:], nil
}

// nextEntry splits the first entry off b, which must not be empty.
func nextEntry(b string) (key, value, rest string, ok bool) {
	key, b, ok = nextField(b)
	if !ok || len(key) == 0 {
		return "", "", "", false
	}
	value, b, ok = nextField(b)
	if !ok || len(value) == 0 {
		return "", "", "", false
	}
	return key, value, b, true
}

func nextField(b string) (field, rest string, ok bool) {
	var n uint64
	switch {
	case len(b) == 0:
		return "", "", false
	case b[0] < 0x80:
		n, b = uint64(b[0]), b[1:]
	default:
		x, size := uvarint(b)
		if size == 0 {
			return "", "", false
		}
		n, b = x, b[size:]
	}
	if n > uint64(len(b)) {
		return "", "", false
	}
	return b[:n], b[n:], true
}

// Get implements [Codec].
func (compact) Get(data string, key []byte) (v any, ok bool, err error) {
	if len(key) == 0 {
		return nil, false, nil
	}
	return getCompact(data, key[0], string(key[1:]))
}

// GetText is [Codec.Get] for a string as the key. With the compact format it does not encode the key.
func GetText(c Codec, data, key string) (v any, ok bool, err error) {
	if c.ID() == (compact{}).ID() {
		return getCompact(data, byte(kindString), key)
	}
	k, err := c.AppendKey(nil, key)
	if err != nil {
		return nil, false, err
	}
	return c.Get(data, k)
}

// getCompact returns the value under the key that is encoded as the byte kind followed by rest.
func getCompact(data string, kind byte, rest string) (v any, ok bool, err error) {
	b, err := entriesOf(data)
	for len(b) > 0 {
		k, value, next, ok := nextEntry(b)
		switch {
		case !ok:
			return nil, false, errCompact
		case k[0] == kind && k[1:] == rest:
			v, err := decodeAny(value, 0)
			return v, err == nil, err
		case k[0] > kind || k[0] == kind && k[1:] > rest:
			return nil, false, nil
		}
		b = next
	}
	return nil, false, err
}

// Check implements [Codec]. It does not allocate.
func (compact) Check(data string) error {
	b, err := entriesOf(data)
	last := ""
	for len(b) > 0 {
		key, _, rest, ok := nextEntry(b)
		if !ok || last >= key {
			return errCompact
		}
		last, b = key, rest
	}
	return err
}

// Visit implements [Codec]. It calls f in the order of the keys' bytes. If data is malformed it never calls f.
func (c compact) Visit(data string, f func(key, value any) bool) error {
	if err := c.Check(data); err != nil {
		return err
	}
	b, _ := entriesOf(data)
	for len(b) > 0 {
		enc, value, rest, _ := nextEntry(b)
		key, err := decodeKey(enc)
		if err != nil {
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

// Apply implements [Codec]. It copies unchanged entries as bytes, and does not read the entries after the last change.
func (compact) Apply(head int, data string, changes []Change) ([]byte, error) {
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

// A splice says which bytes of the entries a change replaces. For a new key it is empty.
type splice struct{ start, end int }

// findSplices appends to dst the splices for the changes, which must be sorted. It also returns the size of the entries
// after the changes.
func findSplices(dst []splice, entries string, changes []Change) (_ []splice, size int, err error) {
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
			switch { // comparing the key as a string allocates nothing here
			case key < string(c.Key):
				rest = next
				continue
			case key == string(c.Key):
				rest = next
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

// fieldSize returns the size of b including its length prefix.
func fieldSize(b []byte) int {
	return (bits.Len(uint(len(b))|1)+6)/7 + len(b)
}
