package session

import (
	"errors"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
)

// The errors of this package are matched with [errors.Is]. None of them, and no error that wraps
// them, shows a sid, a value or the name of a value.
var (
	// ErrNotFound says that there is no live session: it never was, or it was destroyed, regenerated
	// or has expired.
	ErrNotFound = driver.ErrNotFound

	// ErrNoValue says that a session has no value under a key. It is no [ErrNotFound]: the session is there.
	ErrNoValue = errors.New("session: no value under this key")

	// ErrExists says that a sid is taken.
	ErrExists = driver.ErrExists

	// ErrDestroyed says that the session was destroyed, regenerated or expired after this request had
	// loaded it. Nothing was stored.
	ErrDestroyed = errors.New("session: the session has ended")

	// ErrTooLarge says that the session would pass the configured limit, or what a cookie can hold. What
	// was stored before stays.
	ErrTooLarge = driver.ErrTooLarge

	// ErrUnencodable says that a key or a value is of a type that cannot be stored. The message names the
	// type.
	ErrUnencodable = codec.ErrUnencodable

	// ErrCorrupt says that stored bytes are not a session that this version can read. They are left
	// alone, so that the version that wrote them can still read them.
	ErrCorrupt = driver.ErrCorrupt

	// ErrCommitted says that a change needs a response header, but the headers have been sent.
	ErrCommitted = errors.New("session: response headers were already sent")

	// ErrCrossSite says that the session does not begin: another site has caused the request, SameSite has kept the visitor's cookie
	// back, and a new one would take its place. Only Login and Regenerate begin a session then: see
	// [ManagerConfig.CrossSiteCookies].
	ErrCrossSite = errors.New("session: a cross-site request without the cookie does not begin a session")

	// ErrTooManySessions says that the user has as many sessions as the limit allows, and that nothing was
	// done about it. The others stay.
	ErrTooManySessions = driver.ErrTooManySessions

	// ErrNotFresh says that nobody is logged in, or not recently enough for what is asked.
	ErrNotFresh = errors.New("session: login is not recent enough")

	// ErrClosed says that the manager was closed.
	ErrClosed = driver.ErrClosed
)

// isUnreadable reports whether err says that something is stored, but nothing that can be read. It can be ended.
func isUnreadable(err error) bool { return errors.Is(err, ErrCorrupt) || errors.Is(err, ErrTooLarge) }

// A ConfigError names the setting that is wrong.
type ConfigError = driver.ConfigError

func configErrorf(field, format string, args ...any) error {
	return &ConfigError{Field: field, Err: fmt.Errorf(format, args...)}
}

// unsupported returns an error that wraps errors.ErrUnsupported.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("session: %w: %s", errors.ErrUnsupported, fmt.Sprintf(format, args...))
}
