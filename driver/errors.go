package driver

import (
	"errors"
	"fmt"
)

// The errors that an engine's errors wrap, for [errors.Is]. Package session exports them to applications under the same
// names.
var (
	// ErrNotFound says that there is no live record under the key.
	ErrNotFound = errors.New("session: not found")

	// ErrExists says that the key already has a live record or a mark.
	ErrExists = errors.New("session: key is taken")

	// ErrTooLarge says that a record exceeds a limit of the store, or of the reader. What was stored before stays.
	ErrTooLarge = errors.New("session: too large")

	// ErrCorrupt says that the stored bytes are not a record that this version can read. The engine leaves them in the
	// store, so that the version that wrote them can still read them.
	ErrCorrupt = errors.New("session: stored record is not readable")

	// ErrTooManySessions says that a user has as many sessions as the limit allows.
	ErrTooManySessions = errors.New("session: too many sessions of one user")

	// ErrClosed says that the engine or the Manager has been closed.
	ErrClosed = errors.New("session: manager is closed")
)

// A ConflictError says that the stored record has a different version from the one that the caller loaded.
type ConflictError struct {
	// Record is the record as it is stored now. It belongs to the receiver of the error, except Record.Data, which nobody
	// may change.
	Record *Record
}

// Error returns a text that names no session.
func (e *ConflictError) Error() string {
	return "session: the record was changed meanwhile"
}

// A ConfigError says which setting is wrong and why.
type ConfigError struct {
	Field string // the JSON key of the setting
	Err   error  // what is wrong with it; never nil
}

// Error returns the setting and what is wrong with it.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("session: config: %s: %v", e.Field, e.Err)
}

// Unwrap returns e.Err.
func (e *ConfigError) Unwrap() error { return e.Err }

func configErrorf(field, format string, args ...any) error {
	return &ConfigError{Field: field, Err: fmt.Errorf(format, args...)}
}
