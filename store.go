package session

import (
	"context"
	"net/http"
)

// A Store is a session as beego's API knows it. [Manager.SessionStart] returns a *Session as a Store;
// third-party providers written for beego bring their own.
type Store interface {
	// Set stores value under key when the session is released. A later change of what value refers to
	// needs another Set.
	Set(ctx context.Context, key, value any) error
	// Get returns a copy of the value under key, or nil if there is none.
	Get(ctx context.Context, key any) any
	// Delete removes key. Removing nothing is not an error.
	Delete(ctx context.Context, key any) error
	// SessionID returns the sid.
	SessionID(ctx context.Context) string
	// SessionRelease stores the changes. It may be called more than once.
	SessionRelease(ctx context.Context, w http.ResponseWriter)
	// SessionReleaseIfPresent stores the changes if the session still exists.
	SessionReleaseIfPresent(ctx context.Context, w http.ResponseWriter)
	// Flush removes all values.
	Flush(ctx context.Context) error
}

// asStore keeps a nil *Session from becoming a Store that is not nil.
func asStore(s *Session, err error) (Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
