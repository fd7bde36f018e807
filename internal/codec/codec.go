// Package codec encodes the values of a session. It has three formats: the compact format, which is the default,
// encoding/gob as beego uses it, and JSON.
package codec

import (
	"errors"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
)

// ErrUnencodable says that a key or a value has a type that cannot be stored. The text names the type.
var ErrUnencodable = errors.New("session: cannot be stored")

// ErrUndecodable says that data is well formed, but not for this program: it has a type that is not registered, for example,
// or that has changed. Another build may read it. It comes with [driver.ErrCorrupt].
var ErrUndecodable = errors.New("this program cannot decode the values")

// A Codec is a format for the values of a session. Its methods keep no state, and neither change nor keep their arguments,
// with two exceptions: Apply may sort its changes, and strings in decoded values are parts of the encoded string, which
// nobody can change. Empty data holds no values. Decoding errors wrap [driver.ErrCorrupt], encoding errors wrap
// [ErrUnencodable]. They name types, never keys or values. Decoding never allocates more than a small multiple of the
// length of its input, whatever sizes the input claims.
type Codec interface {
	// ID is the byte that identifies the format in stored data.
	ID() byte

	// AppendKey appends the encoding of a key, as the function [AppendKey] does. It returns an error for a key that the
	// format cannot hold.
	AppendKey(dst []byte, key any) ([]byte, error)

	// AppendValue appends the encoding of v.
	AppendValue(dst []byte, v any) ([]byte, error)

	// Value decodes the result of AppendValue. Each call makes a new value.
	Value(enc string) (any, error)

	// Seeks reports whether Get finds a value without decoding the others.
	Seeks() bool

	// KeepsTypes reports whether a decoded value has the type of the stored one.
	KeepsTypes() bool

	// Get decodes the value under key, which AppendKey has encoded. Each call makes a new value.
	Get(data string, key []byte) (v any, ok bool, err error)

	// Visit calls f with each key and value until f returns false. Keys and values are new for each call.
	Visit(data string, f func(key, value any) bool) error

	// Check reports whether data is well formed, as far as it can without decoding values. If Seeks is false, it reports
	// whether Get can succeed. The error wraps [ErrUndecodable] if another program might read data.
	Check(data string) error

	// Apply returns a new slice with head zero bytes, for the caller to fill, followed by data with the changes made. No
	// two changes may have the same key. Apply may sort changes.
	Apply(head int, data string, changes []Change) ([]byte, error)
}

// A Change is the change of one key by a request.
type Change struct {
	Key   []byte // encoded by AppendKey
	Value []byte // encoded by the codec's AppendValue; nil deletes the key

	// Updates are the functions that computed Value from the previous value. Codecs ignore them.
	Updates []func(any) (any, error)
}

// ByName returns the codec for a value of the setting codec: "compact", "gob" or "json".
func ByName(name string) (Codec, bool) {
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

// ByID returns the codec that stored data names.
func ByID(id byte) (Codec, bool) {
	for _, c := range [...]Codec{compact{}, gobCodec{}, jsonCodec{}} {
		if c.ID() == id {
			return c, true
		}
	}
	return nil, false
}

func unencodablef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnencodable, fmt.Errorf(format, args...))
}

func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", driver.ErrCorrupt, fmt.Errorf(format, args...))
}

func undecodablef(format string, args ...any) error {
	return corruptf("%w: %w", ErrUndecodable, fmt.Errorf(format, args...))
}

// Transcode converts encoded values from one codec to another.
func Transcode(from, to Codec, values string) ([]byte, error) {
	var (
		all    []Change
		failed error
	)
	err := from.Visit(values, func(key, value any) bool {
		var c Change
		if c.Key, failed = to.AppendKey(nil, key); failed == nil {
			c.Value, failed = to.AppendValue(nil, value)
		}
		all = append(all, c)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	return to.Apply(0, "", all)
}
