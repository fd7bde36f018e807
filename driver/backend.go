package driver

import (
	"context"
	"log/slog"
	"time"
)

// A Backend keeps session records by key. Its methods are safe for concurrent use.
//
// The key is a hash of the sid: 43 characters of base64url. Only a backend that is [InProcess] and
// one that runs in beego mode are given bare sids, whose shape the Manager has checked.
//
// A *Record that a method is given is the caller's again when the method returns: it must not be kept, read or written after
// that, also not by a goroutine that is still under way.
//
// A record is live until its Expires. The Manager never lets Expires pass Deadline, so that a backend
// has one time to check; it checks it on every call, because a session is gone at its deadline whether
// it was swept or not. A backend returns its client's errors wrapped once with %w, and no key or data
// in their text.
type Backend interface {
	// Create stores a new record at version 1 and sets rec.Version to 1. It returns an error wrapping
	// [ErrExists] if a live record, or a [Mark], has the key. Only Create creates. rec.Data is the backend's from then
	// on: neither side changes it.
	Create(ctx context.Context, key string, rec *Record) error

	// Load fills rec with the live record under key, or returns an error wrapping [ErrNotFound].
	// rec.Data must not be changed by anyone afterwards.
	//
	// A backend that knows how long the stored Data is before it reads it returns an error wrapping [ErrTooLarge]
	// if that is more than rec.MaxData, and leaves rec as it was: who writes to the store must not fill the memory of those who
	// read it. It may be generous by the size of the rest of a record. The Manager checks what it gets, too.
	Load(ctx context.Context, key string, rec *Record) error

	// Save replaces the live record if the stored version is rec.Version, and advances rec.Version by
	// one. Otherwise it returns a [*ConflictError] carrying the stored record, or an error wrapping
	// [ErrNotFound], and changes nothing; where it may have stored rec, because an answer was lost, it returns
	// another error, or the changes are made twice. It keeps the later of the two Expires unless rec.Shorten.
	// rec.Data is the backend's from then on, as in Create.
	Save(ctx context.Context, key string, rec *Record) error

	// Touch moves the idle deadline of a live record later, never earlier. It returns an error wrapping
	// [ErrNotFound] if the record is gone. It is no new version.
	Touch(ctx context.Context, key string, expires time.Time) error

	// Delete removes the record. With version 0 it removes any version, and deleting nothing is not an
	// error. With another version it removes only that one: otherwise it returns a [*ConflictError]
	// carrying the stored record, or an error wrapping [ErrNotFound] if there is no live record.
	Delete(ctx context.Context, key string, version uint64) error
}

// A Config is what an engine is opened with.
type Config struct {
	// Config is the providerConfig setting. Its grammar is the provider's; "" means the defaults.
	Config string

	// Namespace separates the sessions of applications that share a store. Backends of one namespace
	// share its sessions; others never meet, in Count, List and Clear too.
	Namespace string

	// Lifetime is how long an idle session lives.
	Lifetime time.Duration

	// Beego asks for the layout that beego's provider of the same name reads and writes.
	Beego bool

	// Logger is never nil.
	Logger *slog.Logger
}
