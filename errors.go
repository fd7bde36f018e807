package session

import (
	"errors"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
)

// Match the errors of this package with [errors.Is]. Neither these errors nor errors that wrap them show a sid, or the key
// or value of an entry of a session.
var (
	// ErrNotFound says that there is no live session: it never existed, was destroyed, got a new sid, or has expired.
	ErrNotFound = driver.ErrNotFound

	// ErrNoValue says that a session has no value under a key. It does not match [ErrNotFound], because the session exists.
	ErrNoValue = errors.New("session: no value under this key")

	// ErrExists says that another session already has the sid.
	ErrExists = driver.ErrExists

	// ErrDestroyed says that the session has ended: it was destroyed, got a new sid or expired after this request had
	// loaded it, or the request came late, with a sid that was replaced. Nothing was stored.
	ErrDestroyed = errors.New("session: the session has ended")

	// ErrTooLarge says that the session, a label or a user's name would exceed its limit, or that cookies cannot hold the
	// session. The stored session does not change. It also says that a stored session is too large to be read.
	ErrTooLarge = driver.ErrTooLarge

	// ErrUnencodable says that a key or a value has a type that cannot be stored. The message names the type.
	ErrUnencodable = codec.ErrUnencodable

	// ErrCorrupt says that this version cannot read the stored bytes as a session. They are left as they are, so that the
	// version that wrote them can still read them.
	ErrCorrupt = driver.ErrCorrupt

	// ErrCommitted says that a change needs a response header, but the headers have been sent.
	ErrCommitted = errors.New("session: response headers were already sent")

	// ErrCrossSite says that no session begins: another site has caused the request, SameSite has withheld the visitor's
	// cookie, and a new cookie would replace it. Only Login and Regenerate begin a session then: see
	// [ManagerConfig.CrossSiteCookies].
	ErrCrossSite = errors.New("session: a cross-site request without the cookie does not begin a session")

	// ErrTooManySessions says that the user has as many sessions as the limit allows. No other session was ended.
	ErrTooManySessions = driver.ErrTooManySessions

	// ErrNotFresh says that nobody is logged in, or that the last login is too old for what the request wants.
	ErrNotFresh = errors.New("session: login is not recent enough")

	// ErrClosed says that the manager was closed.
	ErrClosed = driver.ErrClosed
)

// isUnreadable reports whether err says that something is stored but cannot be read. Such a session can be ended.
func isUnreadable(err error) bool { return errors.Is(err, ErrCorrupt) || errors.Is(err, ErrTooLarge) }

// A ConfigError names the setting that is wrong and says why.
type ConfigError = driver.ConfigError

func configErrorf(field, format string, args ...any) error {
	return &ConfigError{Field: field, Err: fmt.Errorf(format, args...)}
}

// unsupported returns an error that wraps errors.ErrUnsupported.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("session: %w: %s", errors.ErrUnsupported, fmt.Sprintf(format, args...))
}
