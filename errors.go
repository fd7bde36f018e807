package session

import (
	"errors"
	"fmt"
)

// The errors of this package are matched with [errors.Is]. None of them, and no error that wraps
// them, shows a sid, a value or the name of a value.
var (
	// ErrNotFound says that there is no live session: it never was, or it was destroyed, regenerated
	// or has expired. From [Get] and the getters of a Session: that there is no value under the key.
	ErrNotFound = errors.New("session: not found")

	// ErrExists is what [Backend.Create] returns when the key is taken.
	ErrExists = errors.New("session: key is taken")

	// ErrDestroyed says that the session was destroyed, regenerated or expired after this request had
	// loaded it. Nothing was stored.
	ErrDestroyed = errors.New("session: destroyed meanwhile")

	// ErrTooLarge says that the session would pass the configured limit, or what a cookie can hold. What
	// was stored before stays.
	ErrTooLarge = errors.New("session: too large")

	// ErrUnencodable says that a key or a value is of a type that cannot be stored. The message names the
	// type.
	ErrUnencodable = errors.New("session: cannot be stored")

	// ErrCorrupt says that stored bytes are not a session that this version can read. They are left
	// alone, so that the version that wrote them can still read them.
	ErrCorrupt = errors.New("session: stored record is not readable")

	// ErrCommitted says that a change needs a response header, but the headers have been sent.
	ErrCommitted = errors.New("session: response headers were already sent")

	// ErrTooManySessions says that the user has as many sessions as the limit allows, and that nothing was
	// done about it. The others stay.
	ErrTooManySessions = errors.New("session: too many sessions of one user")

	// ErrNotFresh says that nobody is logged in, or not recently enough for what is asked.
	ErrNotFresh = errors.New("session: login is not recent enough")

	// ErrClosed says that the manager was closed.
	ErrClosed = errors.New("session: manager is closed")
)

// A ConflictError says that the record has another version than the caller had loaded. Backends return
// it; an application sees it only when a save lost against other nodes until its time was over.
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
