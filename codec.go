package session

import "fmt"

// A codec is a format for the values of a session. Its methods work on bytes alone, keep nothing, and
// never change or keep their arguments. Empty data holds no values. Decoding errors wrap [ErrCorrupt],
// encoding errors [ErrUnencodable]; they name types, never keys or values. Decoding never allocates more
// than a small multiple of the bytes it is given, whatever they claim.
type codec interface {
	// id is the byte that stands for the format in stored data.
	id() byte

	// appendKey appends the encoding of a key, which is that of the function of this name, if the format can
	// hold the key.
	appendKey(dst []byte, key any) ([]byte, error)

	// appendValue appends the encoding of v.
	appendValue(dst []byte, v any) ([]byte, error)

	// value decodes what appendValue encoded. Each call makes a value of its own.
	value(enc []byte) (any, error)

	// get decodes the value under key, which is as appendKey made it. Each call makes a value of its own.
	get(data, key []byte) (v any, ok bool, err error)

	// visit calls f with each key and value, each made for that call, until f returns false.
	visit(data []byte, f func(key, value any) bool) error

	// check reports whether data is well formed, so far as that can be told without decoding values.
	check(data []byte) error

	// apply returns head zero bytes for the caller to fill, followed by data with the changes made, in
	// one new slice. No two changes have the same key. Changes may be sorted in place.
	apply(head int, data []byte, changes []change) ([]byte, error)
}

// A change is one entry of the change log as a codec sees it.
type change struct {
	key   []byte // as appendKey made it
	value []byte // as the codec's appendValue made it; nil deletes

	// updates are what made value of the value before. Codecs have no use for them.
	updates []func(any) (any, error)
}

// codecByName finds the codec that the codec setting names.
func codecByName(name string) (codec, bool) {
	switch name {
	case "compact":
		return compact{}, true
	case "gob":
		return gobCodec{}, true
	case "json":
		return jsonCodec{}, true
	}
	return nil, false
}

// codecByID finds the codec that stored data names.
func codecByID(id byte) (codec, bool) {
	for _, c := range [...]codec{compact{}, gobCodec{}, jsonCodec{}} {
		if c.id() == id {
			return c, true
		}
	}
	return nil, false
}

func unencodablef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnencodable, fmt.Errorf(format, args...))
}

func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}
