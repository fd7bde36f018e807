package driver

import (
	"context"
	"log/slog"
	"time"
)

// A Backend stores session records by key. Its methods must be safe for concurrent use.
//
// The key is a hash of the sid: 43 characters of base64url. The Manager passes bare sids, whose shape it has checked, only
// to a backend that is [InProcess] or runs in beego mode.
//
// A *Record argument belongs to the caller again when the method returns. The backend must not keep, read or write it after
// that, not even in a goroutine that is still running.
//
// A record is live until its Expires. The Manager never sets Expires later than Deadline, so a backend only has to check
// Expires. It must check it on every call, because a session ends at its deadline even if nothing has swept it yet. A
// backend wraps its client's errors once with %w, and puts no key and no data into error texts.
type Backend interface {
	// Create stores a new record at version 1 and sets rec.Version to 1. It returns an error wrapping [ErrExists] if the
	// key already has a live record or a [Mark]. No other method creates a record under a key that has none, except Rename
	// of a [Renamer]. The backend keeps rec.Data: neither side may change it afterwards.
	Create(ctx context.Context, key string, rec *Record) error

	// Load fills rec with the live record under key, or returns an error wrapping [ErrNotFound]. Nobody may change rec.Data
	// afterwards.
	//
	// If the backend learns the length of the stored Data before it reads it, and that length exceeds rec.MaxData, Load
	// returns an error wrapping [ErrTooLarge] and leaves rec unchanged. This keeps anyone who can write to the store from
	// filling the memory of the processes that read it. The backend may compare the length of the whole record instead and
	// allow for its other fields. The Manager checks the length again.
	Load(ctx context.Context, key string, rec *Record) error

	// Save replaces the live record if the stored version is rec.Version, and increments rec.Version. Otherwise it changes
	// nothing and returns a [*ConflictError] with the stored record, or an error wrapping [ErrNotFound]. If an answer was
	// lost and rec may have been stored, Save must return neither of these but another error: the Manager retries after a
	// conflict, and would apply the changes twice. Save keeps the later of the two Expires unless rec.Shorten is set. The
	// backend keeps rec.Data, as in Create.
	Save(ctx context.Context, key string, rec *Record) error

	// Touch moves the Expires of a live record later, never earlier. It returns an error wrapping [ErrNotFound] if there is
	// no live record. It does not change the version.
	Touch(ctx context.Context, key string, expires time.Time) error

	// Delete removes the record. With version 0 it removes any version, and it is not an error if there is no record. With
	// any other version it removes only that version; otherwise it returns a [*ConflictError] with the stored record, or an
	// error wrapping [ErrNotFound] if there is no live record.
	Delete(ctx context.Context, key string, version uint64) error
}

// A Config is what the Manager passes to the function that opens an engine.
type Config struct {
	// Config is the providerConfig setting. Each provider defines its own syntax; "" means the defaults.
	Config string

	// Namespace separates applications that share a store. Backends with the same namespace share its sessions. A backend
	// never sees the sessions of another namespace, not in Count, List and Clear either.
	Namespace string

	// Lifetime is how long a session lives after its last use.
	Lifetime time.Duration

	// Beego selects the storage layout of beego's provider of the same name, for reading and writing.
	Beego bool

	// Logger is never nil.
	Logger *slog.Logger
}
