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
//
// After an error the *Record argument is as the caller passed it. After a nil error Load has set every field, except that
// Shorten is false and MaxData may have any value. Create, Save and Rename have set Version, and need not set anything else,
// even if Save has kept a later Expires.
//
// A backend may honour the end of ctx or ignore it. A call that ends because of ctx must not look like a miss or a conflict,
// because that would log the visitor out. A Sweep or a list of a store that can make it wait ends soon after ctx.
//
// Stored bytes that are no record of this version stay where they are, for the version that wrote them. Load returns an
// error wrapping [ErrCorrupt], and so may every other method but these: Create may return [ErrExists] instead. Delete with
// version 0 removes them, because a logout must work. Lists, Count, Reserve and Sweep pass over them.
//
// A backend that holds resources, such as connections or files, has the method Close() error of [io.Closer]. The Manager
// calls it once, when the last Manager that uses the backend is closed and no call is under way, or after opTimeout. A call
// after Close returns an error, such as [ErrClosed], that is no miss.
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

// A Config is what the Manager passes to the function that opens an engine. Each Manager opens its own, so opening must work
// while another engine of the process is open on the same store. An engine whose store is locked by its opener shares one
// handle among its backends, and closes it with the last of them.
type Config struct {
	// Config is the providerConfig setting. Each provider defines its own syntax; "" means the defaults. If the setting is
	// an object in a configuration file, Config is its JSON text: see [ParseConfig].
	Config string

	// Namespace separates applications that share a store. Backends with the same namespace share its sessions. A backend
	// never sees the sessions of another namespace, not in Count, List and Clear either.
	Namespace string

	// Lifetime is how long a session lives after its last use.
	Lifetime time.Duration

	// Beego selects the storage layout of beego's provider of the same name, for reading and writing. An engine without
	// such a layout returns a [*ConfigError] whose Field is beego.
	Beego bool

	// Logger is never nil.
	Logger *slog.Logger
}
