package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// maxUser is how many bytes the name of a user may have: as many as an e-mail address, and one.
const maxUser = 255

// Login makes the session user's: it gets a new sid, the old one is dead when Login returns, and both its
// lifetimes begin anew. The values stay, but for those of another user who was logged in: then all are dropped, also
// what this request has set so far. user is whatever names a user for good, up to 255 bytes.
//
// With MaxPerUser, no user has more sessions than that when Login returns, on all nodes together: the
// ones that logged in first end, or Login returns an error wrapping [ErrTooManySessions] and the session stays as it
// was. A session that already is user's takes its own place. One that is gone ends no other.
//
// What Login has said is stored when it returns; no Save is needed for that. For other errors see
// [Session.Regenerate]. A third-party provider keeps no users: the error wraps [errors.ErrUnsupported].
func (s *Session) Login(ctx context.Context, user string) error {
	switch {
	case user == "":
		return errors.New("session: login: the user has no name")
	case len(user) > maxUser:
		return fmt.Errorf("session: login: %w: the user's name has %d bytes, %d allowed", ErrTooLarge, len(user), maxUser)
	case s.m.raw != nil:
		return unsupported("a third-party provider keeps no users")
	}
	ctx, cancel := s.m.saveContext(ctx)
	defer cancel()
	sid, err := s.m.newSID()
	if err != nil {
		return err
	}
	return s.regenerateAs(ctx, sid, s.m.userNames(user)[0])
}

// User returns who is logged in, "" for nobody.
func (s *Session) User() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.userName(s.draft.User)
}

// AuthTime returns when the user logged in, the zero time if nobody is.
func (s *Session) AuthTime() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draft.AuthTime()
}

// RequireFresh returns an error wrapping [ErrNotFresh] unless a user is logged in and has logged in less than d
// ago: the application then asks for the password again, and calls Login once more.
func (s *Session) RequireFresh(d time.Duration) error {
	if at := s.AuthTime(); at.IsZero() || time.Since(at) >= d {
		return ErrNotFresh
	}
	return nil
}

// isLimited reports whether there must be room for one more session of user, who logs in unless it is "".
func (s *Session) isLimited(user string) bool {
	return user != "" && s.m.cfg.MaxPerUser > 0 && !(s.isStored() && s.draft.User == user)
}

// reserve makes room for one more session of user, if somebody logs in. The caller holds mu.
func (s *Session) reserve(ctx context.Context, user, sid string) error {
	if !s.isLimited(user) {
		return nil
	}
	l, ok := driver.As[driver.UserLimiter](s.m.backend)
	if !ok { // the manager would not have been made
		return unsupported("this provider cannot limit the sessions of a user")
	}
	// For as long as this call may take to create the record, and a little for clocks that differ.
	until := time.Now().Add(s.m.cfg.opTimeout + 5*time.Second)
	evicted, err := l.Reserve(ctx, user, s.m.storageKey(sid), until, s.m.cfg.MaxPerUser, s.m.cfg.OnLimit != "refuse")
	for _, key := range evicted {
		s.queue(s.m.destroyed(ctx, key, user, ReasonLimit))
	}
	if err != nil {
		return fmt.Errorf("session: login: %w", err)
	}
	return nil
}

// unreserve gives back the room that reserve has made: others would have to wait until it lapses. It does so if this fails.
func (s *Session) unreserve(ctx context.Context, user, sid string) {
	if l, ok := driver.As[driver.UserLimiter](s.m.backend); ok {
		past := time.Now().Add(-5 * time.Second) // also by clocks that differ
		_, _ = l.Reserve(ctx, user, s.m.storageKey(sid), past, s.m.cfg.MaxPerUser, false)
	}
}

// userNames returns what stands for user in the store: what new sessions get, and then what sessions have that
// were encrypted under an older key. Without encryption it is the name.
func (m *Manager) userNames(user string) []string {
	if m.cfg.users == nil || m.sealer != nil {
		return []string{user}
	}
	return m.cfg.users.Seal(user, m.cfg.Namespace)
}

// userName is the opposite of userNames.
func (m *Manager) userName(stored string) string {
	if stored == "" || m.cfg.users == nil || m.sealer != nil {
		return stored
	}
	user, err := m.cfg.users.Open(stored, m.cfg.Namespace)
	if err != nil { // then the values do not open either, and there is no Session
		return ""
	}
	return user
}
