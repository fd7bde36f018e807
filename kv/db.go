package kv

import "errors"

// A DB is a store of ordered keys that this process alone has open. All methods are safe for concurrent use. Keys are
// compared byte by byte, and none is longer than 256 bytes.
//
// A DB needs no transactions that read and write: this package locks what a change depends on, in this process. That is
// enough because no other process has the store open.
type DB interface {
	// View calls f with the store as it is at one moment: f sees no Write that ends later, and all of those that ended
	// before. It returns the error of f, or its own.
	View(f func(r Reader) error) error

	// Write makes all changes, in their order, in one step: a View sees all or none of them, and so does whoever opens the store after a
	// crash. Writers that call it at the same time should share what makes their changes durable. The changes belong to the
	// DB until Write returns. If it returns an error, either nothing has changed or the outcome is unknown, but never has a
	// part of the changes been made. An error about a record that is too large for the store wraps driver.ErrTooLarge.
	Write(changes []Change) error

	// Close closes the store. Nothing is called afterwards, and no call is under way.
	Close() error
}

// A Collector is a DB that has to be told to free the space of what was deleted. Collect is called after a sweep that has removed
// something. Other calls are under way meanwhile.
type Collector interface{ Collect() error }

// A Reader reads the store as it is at one moment. It and what it returns may be used only until the function that got it
// returns, and by one goroutine.
type Reader interface {
	// Get returns the value of a key. For a missing key it returns nil, or an empty slice: they mean the same.
	Get(key []byte) ([]byte, error)

	// Scan calls each with the keys from from on and before to, in their order, until each returns false. Key and value are
	// valid until each returns.
	Scan(from, to []byte, each func(key, value []byte) bool) error
}

// A Change sets the value of a key, or deletes the key.
type Change struct {
	Key    []byte // not empty
	Value  []byte // may be empty; nil means the same
	Delete bool   // deletes the key instead; if it is missing, that changes nothing
}

// ErrLocked says that another process has the store open. An [Engine] returns it, wrapped or not.
var ErrLocked = errors.New("another process has it open")
