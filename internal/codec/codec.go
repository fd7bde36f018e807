// Package codec is how the values of a session become bytes: the compact format, which is the default, encoding/gob as
// beego has it, and JSON.
package codec

import (
	"errors"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
)

// ErrUnencodable says that a key or a value is of a type that cannot be stored. The message names the type.
var ErrUnencodable = errors.New("session: cannot be stored")

// A Codec is a format for the values of a session. Its methods work on bytes alone, keep nothing, and
// never change or keep their arguments. Empty data holds no values. Decoding errors wrap [driver.ErrCorrupt],
// encoding errors [ErrUnencodable]; they name types, never keys or values. Decoding never allocates more
// than a small multiple of the bytes it is given, whatever they claim.
type Codec interface {
	// ID is the byte that stands for the format in stored data.
	ID() byte

	// AppendKey appends the encoding of a key as the function [AppendKey] does, unless the format cannot hold
	// such a key.
	AppendKey(dst []byte, key any) ([]byte, error)

	// AppendValue appends the encoding of v.
	AppendValue(dst []byte, v any) ([]byte, error)

	// Value decodes what AppendValue encoded. Each call makes a value of its own.
	Value(enc []byte) (any, error)

	// Seeks reports whether Get finds a value without decoding the others.
	Seeks() bool

	// KeepsTypes reports whether a value that is read back has the type that was stored.
	KeepsTypes() bool

	// Get decodes the value under key, which is as AppendKey made it. Each call makes a value of its own.
	Get(data, key []byte) (v any, ok bool, err error)

	// Visit calls f with each key and value, each made for that call, until f returns false.
	Visit(data []byte, f func(key, value any) bool) error

	// Check reports whether data is well formed, so far as that can be told without decoding values.
	Check(data []byte) error

	// Apply returns head zero bytes for the caller to fill, followed by data with the changes made, in
	// one new slice. No two changes have the same key. Changes may be sorted in place.
	Apply(head int, data []byte, changes []Change) ([]byte, error)
}

// A Change is what a request has made of one key.
type Change struct {
	Key   []byte // as AppendKey made it
	Value []byte // as the codec's AppendValue made it; nil deletes

	// Updates are what made Value of the value before. Codecs have no use for them.
	Updates []func(any) (any, error)
}

// ByName finds the codec that the setting codec names: "compact", "gob" or "json".
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

// ByID finds the codec that stored data names.
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

// Transcode returns values in another codec.
func Transcode(from, to Codec, values []byte) ([]byte, error) {
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
	return to.Apply(0, nil, all)
}
