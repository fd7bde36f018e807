package session

import (
	"context"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// An engine is where the sessions of a manager are: in a backend (stored), in the clients' cookies (sealed), or with a
// third-party provider (foreign). Methods that change or read a Session expect its lock to be held. Only find and arrived,
// which are called before anybody shares it, and abandon do not.
type engine interface {
	// find fills s with the live session that a token of the client's names.
	find(ctx context.Context, s *Session, token string) error
	// arrived answers the request whose session was found by c.
	arrived(s *Session, c candidate) error
	// begin stores a session that is not stored yet, if its sid can still be promised.
	begin(ctx context.Context, s *Session) error

	// get returns the value under key, as s sees it.
	get(ctx context.Context, s *Session, key any) (v any, ok bool, err error)
	// all returns all values, as s sees them.
	all(s *Session) (codec.Codec, []byte, error)
	// reload makes what is stored now what s sees, with its changes made.
	reload(ctx context.Context, s *Session) error
	// change makes one change, and does at once what cannot wait for save.
	change(ctx context.Context, s *Session, e edit) error
	// frozen returns a copy that shares nothing with value, or value itself if the engine keeps it as it is.
	frozen(value any) (any, error)
	// save stores the changes.
	save(ctx context.Context, s *Session) error

	// move gives s another sid, and to user, unless that is "".
	move(ctx context.Context, s *Session, sid, user string) error
	// shift moves the idle deadline later, and fix to life from now.
	shift(ctx context.Context, s *Session) error
	fix(ctx context.Context, s *Session, life merge.Lifetime) error
	// renew sends the cookie again, with another Max-Age, where that is not done with each change; resend does so in any case, and
	// also where a new sid would be answered otherwise.
	renew(s *Session, maxAge int)
	resend(ctx context.Context, s *Session) error

	// remove ends the session of a token, and returns the events to tell of.
	remove(ctx context.Context, token string) (events []func(), err error)
	// leave gives up what s holds, after this request has ended the session.
	leave(ctx context.Context, s *Session) error
	// abandon gives up what s holds after a panic under Handler, and takes back answers that are not true.
	abandon(d *deferred, s *Session)
	// sweep removes what has expired, and returns how many sessions.
	sweep(ctx context.Context) (int, error)

	// ping returns nil if the store answers, or there is nothing to reach.
	ping(ctx context.Context) error

	// watched returns the key of s for those that wait for its end, "" if it has none.
	watched(s *Session) string
	// deadline returns when the session under such a key ends if nobody uses it; ErrNotFound says that it has ended.
	deadline(ctx context.Context, key string) (time.Time, error)
}

// An ability is something that not every engine has.
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

// unable returns why the manager's engine lacks an ability, nil for those that it has. It is the one place that knows.
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

// has reports whether the backend is a T besides.
func has[T any](m *Manager) bool {
	_, ok := driver.As[T](m.backend)
	return ok
}

// optional returns what the backend can do besides, or why it cannot.
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

// An edit is one change of a session's values. It crosses as a value: a closure would have to be allocated.
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
