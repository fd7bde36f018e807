package session

import (
	"context"
	"net/http"
)

// A Store is a session as beego's API knows it. [Manager.SessionStart] returns a *Session as a Store. Third-party providers
// that were written for beego have Stores of their own.
type Store interface {
	// Set stores value under key when the session is released. If something that value refers to changes later, call Set
	// again.
	Set(ctx context.Context, key, value any) error
	// Get returns a copy of the value under key, or nil if there is none.
	Get(ctx context.Context, key any) any
	// Delete removes the value under key. It is not an error if there is none.
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
