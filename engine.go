package session

import (
	"context"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// An engine keeps the sessions of a manager: in a backend (stored), in the clients' cookies (sealed), or with a third-party
// provider (foreign). Methods that change or read a Session expect it to be locked, except find and arrived, which are
// called before anybody shares it, and abandon.
type engine interface {
	// find fills s with the live session that a client's token names.
	find(ctx context.Context, s *Session, token string) error
	// arrived answers a request whose session was found through c.
	arrived(s *Session, c candidate) error
	// begin stores a session that is not stored yet, if its sid can still be promised.
	begin(ctx context.Context, s *Session) error

	// get returns the value under key, as s sees it.
	get(ctx context.Context, s *Session, key any) (v any, ok bool, err error)
	// all returns all values, as s sees them.
	all(s *Session) (codec.Codec, string, error)
	// reload makes s see what is stored now, with its own changes applied.
	reload(ctx context.Context, s *Session) error
	// change makes one change, and does at once what cannot wait for a save.
	change(ctx context.Context, s *Session, e edit) error
	// frozen returns a copy that shares nothing with value, or value itself if the engine stores it as it is.
	frozen(value any) (any, error)
	// save stores the changes.
	save(ctx context.Context, s *Session) error

	// move gives s another sid, and logs user in unless it is "".
	move(ctx context.Context, s *Session, sid, user string) error
	// shift moves the idle deadline to a later time, and fix to life from now.
	shift(ctx context.Context, s *Session) error
	fix(ctx context.Context, s *Session, life merge.Lifetime) error
	// renew sends the cookie again with another Max-Age, unless each change sends it anyway. resend always sends it, and
	// sends the sid on the channel of a new sid.
	renew(s *Session, maxAge int)
	resend(ctx context.Context, s *Session) error

	// remove ends the session of a token, and returns the events to tell.
	remove(ctx context.Context, token string) (events []func(), err error)
	// leave gives up what s holds, after this request has ended the session.
	leave(ctx context.Context, s *Session) error
	// abandon gives up what s holds after a panic under Handler, and takes back answers that are no longer true.
	abandon(d *deferred, s *Session)
	// sweep removes expired sessions, and returns how many.
	sweep(ctx context.Context) (int, error)

	// ping returns nil if the store answers, or if there is nothing to reach.
	ping(ctx context.Context) error

	// watched returns the key under which the end of s is watched, or "" if it cannot be watched.
	watched(s *Session) string
	// deadline returns when the session under such a key ends if nobody uses it. ErrNotFound means that it has ended.
	deadline(ctx context.Context, key string) (time.Time, error)
}

// An ability is something that not every engine can do.
type ability int

const (
	bySID      ability = iota // a sid names a session outside any request
	byID                      // a public id names a session
	detached                  // a session begins outside any request
	listValues                // the values of a session can be listed
	reloading                 // and loaded again
	labels                    // a session has a label
	lifetimes                 // a session has a lifetime of its own
	deadlines                 // the idle deadline can be moved
	users                     // a session is a user's
	userLists                 // and the user's can be listed
	userLimits                // and limited
	listing
	counting
	clearing
	sweeping
	watching
	abilities
)

// unable returns, for each ability, why the manager's engine lacks it, or nil if it has it. No other place decides that.
func (m *Manager) unable() (why [abilities]error) {
	const noSID = "sessions are stored in the clients, so no sid names one"
	_, inBackend := m.engine.(*storedEngine)
	_, inClients := m.engine.(*sealedEngine)
	_, foreign := m.engine.(*foreignEngine)
	for _, row := range []struct {
		ability ability
		has     bool
		why     string
	}{
		{bySID, !inClients, noSID},
		{byID, inBackend, "this provider cannot find a session by its id"},
		{detached, !inClients, "a session that is stored in the client needs a request"},
		{listValues, !foreign, "the store of a third-party provider cannot list its values"},
		{reloading, !foreign, "the store of a third-party provider cannot be reloaded"},
		{labels, !foreign, "a third-party provider keeps no labels"},
		{lifetimes, !foreign, "a third-party provider sets the lifetime of its sessions itself"},
		{deadlines, !foreign, "a third-party provider sets the deadlines of its sessions itself"},
		{users, !foreign, "a third-party provider keeps no users"},
		{userLists, has[driver.UserLister](m), "this provider cannot list the sessions of a user"},
		{userLimits, has[driver.UserLimiter](m), "this provider cannot limit the sessions of a user"},
		{listing, has[driver.Lister](m), "this provider cannot list sessions"},
		{counting, has[driver.Counter](m), "this provider cannot count sessions"},
		{clearing, has[driver.Clearer](m), "this provider cannot end all sessions"},
		{sweeping, has[driver.Sweeper](m) || foreign, "this provider removes expired sessions by itself"},
		{watching, has[driver.Watcher](m), "this provider does not report sessions that end"},
	} {
		if !row.has {
			why[row.ability] = unsupported("%s", row.why)
		}
	}
	return why
}

// has reports whether the backend implements the optional interface T.
func has[T any](m *Manager) bool {
	_, ok := driver.As[T](m.backend)
	return ok
}

// optional returns the backend as the optional interface T, or why it is none.
func optional[T any](m *Manager, a ability) (t T, err error) {
	if m.cannot[a] != nil {
		return t, m.cannot[a]
	}
	if m.isClosed() {
		return t, ErrClosed
	}
	t, _ = driver.As[T](m.backend)
	return t, nil
}

// An edit is one change of a session's values. It is passed as a value, because a closure would have to be allocated.
type edit struct {
	op     op
	key    any
	value  any
	fn     func(any) (any, error)
	values map[any]any
	popped *any // where pop puts what it has removed
	field  merge.Field
}

type op uint8

const (
	opSet    op = iota // value under key
	opRemove           // key
	opUpdate           // key to what fn makes of its value
	opSetAll           // values
	opPop              // key, into popped
	opWipe             // all keys that the application has now
	opFlush            // everything that is there at the time of the save
	opMeta             // field of the metadata to value, a string or an int64
)
