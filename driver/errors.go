package driver

import (
	"errors"
	"fmt"
)

// What an engine's errors wrap, for [errors.Is]. Package session has these under the same names, for applications.
var (
	// ErrNotFound says that there is no live record under the key.
	ErrNotFound = errors.New("session: not found")

	// ErrExists says that a live record has the key.
	ErrExists = errors.New("session: key is taken")

	// ErrTooLarge says that the store cannot hold a record of this size. What was stored before stays.
	ErrTooLarge = errors.New("session: too large")

	// ErrCorrupt says that stored bytes are not a record that this version can read. They are left alone, so that the
	// version that wrote them can still read them.
	ErrCorrupt = errors.New("session: stored record is not readable")

	// ErrTooManySessions says that a user has as many sessions as the limit allows.
	ErrTooManySessions = errors.New("session: too many sessions of one user")

	// ErrClosed says that the engine was closed.
	ErrClosed = errors.New("session: manager is closed")
)

// A ConflictError says that the record has another version than the caller had loaded.
type ConflictError struct {
	// Record is the record as stored now. It belongs to the receiver of the error, its Data to no one.
	Record *Record
}

// Error names no session.
func (e *ConflictError) Error() string {
	return "session: the record was changed meanwhile"
}

// A ConfigError names the setting that is wrong.
type ConfigError struct {
	Field string // the JSON key of the setting
	Err   error  // what is wrong with it; never nil
}

// Error returns the setting, and what is wrong with it.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("session: config: %s: %v", e.Field, e.Err)
}

// Unwrap returns e.Err.
func (e *ConfigError) Unwrap() error { return e.Err }

func configErrorf(field, format string, args ...any) error {
	return &ConfigError{Field: field, Err: fmt.Errorf(format, args...)}
}
